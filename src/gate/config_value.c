/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of the configuration. A kind is a row of the table below: what reads it from text, what
 * prints it, so that what `weir check` prints can be read again, and when it counts as not given.
 */
#include "config_value.h"

#include "weir/aws/endpoint.h"
#include "weir/base/digest.h"
#include "weir/base/log.h"
#include "weir/base/text.h"
#include "weir/gate/config.h"
#include "weir/net/sock.h"
#include "weir/plan/price.h"
#include "weir/wire/uri.h"
#include "weir/wire/yaml.h"

#include <netinet/in.h>
#include <stdio.h>

/* YAML takes a key of more than 1,024 characters only behind a question mark. */
enum { LONG_KEY = 100 };

enum { MOST_WORKERS = 256, MOST_COUNT = 10000000 };

/* Of PRICE_ONE; and what a part is in billionths of a percent. */
enum { MOST_PERCENT = PRICE_ONE / 2, NANO_A_PART = 100000 };
static const uint64_t MOST_LIMIT = 1000000000000;
static const int64_t MOST_DURATION_MS = (int64_t)365 * 24 * 3600 * 1000;

bool config_is_loopback(struct str address)
{
    struct sockaddr_storage addr;
    socklen_t len;
    if (!sock_addr_parse(address, &addr, &len))
        return false;
    if (addr.ss_family == AF_INET)
        return ntohl(((struct sockaddr_in *)(void *)&addr)->sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)(void *)&addr)->sin6_addr);
}

/* --- texts */

static const char *read_text(struct str value, void *field)
{
    *(struct str *)field = value;
    return NULL;
}

static const char *read_address(struct str value, void *field)
{
    struct sockaddr_storage addr;
    socklen_t len;
    *(struct str *)field = value;
    return sock_addr_parse(value, &addr, &len) ? NULL
                                               : "wants an address and a port, like 127.0.0.1:8080 "
                                                 "or [::1]:8080";
}

static const char *read_url(struct str value, void *field)
{
    static _Thread_local char why[160];
    struct endpoint parsed;
    *(struct str *)field = value;
    if (value.len == 0 || endpoint_parse(value, &parsed, why, sizeof why))
        return NULL;
    return why;
}

/* A proxy's URL may carry a user and password; the rest is an http:// endpoint. */
static const char *read_proxy(struct str value, void *field)
{
    static _Thread_local char plain[600];
    struct str head = S("http://"), rest = str_from_offset(value, head.len), ignored;
    *(struct str *)field = value;
    if (value.len == 0)
        return NULL;
    if (!str_starts(value, head))
        return "wants http://host:port";
    ptrdiff_t at = str_chr(rest, '@');
    if (at >= 0) {
        char user[CONFIG_PROXY_USER_MOST];
        if (uri_decode_segment(str_sub(rest, 0, (size_t)at), user, sizeof user) < 0)
            return "user and password are percent-encoded, and not longer than 300 bytes";
        secret_wipe(user, sizeof user);
        rest = str_from_offset(rest, (size_t)at + 1);
    }
    snprintf(plain, sizeof plain, "http://%.*s", STR_ARG(rest));
    return read_url(str_of(plain), &ignored);
}

static const char *read_prefix(struct str value, void *field)
{
    *(struct str *)field = value;
    if (value.len && (uri_check_path(value) < 0 || str_ends(value, S("/"))))
        return "wants a path that begins with a slash and does not end with one, like /bedrock";
    return NULL;
}

/* "host:port" or "[::1]:port": the default of http would be nobody's agent. */
static bool has_port(struct str at)
{
    ptrdiff_t end = at.len && at.ptr[0] == '[' ? str_chr(at, ']') : 0;
    return end >= 0 && str_chr(str_from_offset(at, (size_t)end), ':') >= 0;
}

static const char *read_target(struct str value, void *field)
{
    static _Thread_local char url[300];
    struct str ignored;
    *(struct str *)field = value;
    if (value.len == 0 || str_eq(value, S("stdout")) || str_starts(value, S("/")))
        return NULL;
    if (!str_starts(value, S("tcp://")))
        return "wants stdout, an absolute path, or tcp://host:port";
    snprintf(url, sizeof url, "http://%.*s", STR_ARG(str_from_offset(value, 6)));
    const char *why = read_url(str_of(url), &ignored);
    return why || has_port(str_from_offset(value, 6)) ? why
                                                      : "wants a port, like tcp://127.0.0.1:25888";
}

static bool is_empty(const void *field)
{
    return ((const struct str *)field)->len == 0;
}

static void print_quoted(struct str s, struct buf *out)
{
    buf_add_char(out, '"');
    text_add_json(out, s, s.len);
    buf_add_char(out, '"');
}

static void print_text(const void *field, struct buf *out)
{
    print_quoted(*(const struct str *)field, out);
}

static void print_proxy(const void *field, struct buf *out)
{
    struct str url = *(const struct str *)field;
    ptrdiff_t scheme = str_find(url, S("://"));
    ptrdiff_t at = str_chr(url, '@');
    bool secret = scheme >= 0 && at > scheme;
    struct str shown = secret ? str_from_offset(url, (size_t)at) : url;
    buf_add(out, secret ? S("\"http://***") : S("\""));
    text_add_json(out, shown, shown.len);
    buf_add_char(out, '"');
}

/* --- numbers */

static const char *read_workers(struct str value, void *field)
{
    uint64_t n = 0;
    if (!str_eq(value, S("auto")) && (!text_u64(value, &n) || n == 0 || n > MOST_WORKERS))
        return "wants auto or a number from 1 to 256";
    *(unsigned *)field = (unsigned)n;
    return NULL;
}

static void print_workers(const void *field, struct buf *out)
{
    unsigned n = *(const unsigned *)field;
    if (n)
        buf_add_u64(out, n);
    else
        buf_add(out, S("auto"));
}

static const char *read_count(struct str value, void *field)
{
    uint64_t *n = field;
    return text_u64(value, n) && *n && *n <= MOST_COUNT ? NULL
                                                        : "wants a number from 1 to 10000000";
}

static const char *read_size(struct str value, void *field)
{
    return text_size_bytes(value, field) && *(uint64_t *)field ? NULL
                                                               : "wants a size, like 64MiB or 1GiB";
}

static const char *read_duration(struct str value, void *field)
{
    int64_t *ms = field;
    return text_duration_ms(value, ms) && *ms && *ms <= MOST_DURATION_MS
               ? NULL
               : "wants a time above 0 and of at most 365d, like 250ms, 3s, 15m or 8h";
}

static const char *read_rule_time(struct str value, void *field)
{
    *(int64_t *)field = 0;
    return value.len == 0 ? NULL : read_duration(value, field);
}

/* Passing no limit as nothing, so that a zero is never taken for one. */
static const char *read_limit(struct str value, void *field)
{
    uint64_t *n = field;
    *n = 0;
    return value.len == 0 || (text_u64(value, n) && *n && *n <= MOST_LIMIT)
               ? NULL
               : "wants a number from 1 to 1000000000000";
}

static const char *read_limit_bytes(struct str value, void *field)
{
    uint64_t *n = field;
    *n = 0;
    return value.len == 0 || (text_size_bytes(value, n) && *n)
               ? NULL
               : "wants a size, like 256KiB or 20MiB";
}

static const char *read_money(struct str value, void *field)
{
    uint64_t *nanousd = field;
    *nanousd = 0;
    return value.len == 0 || (price_read_usd(value, nanousd) && *nanousd)
               ? NULL
               : "wants dollars, like 50 or 12.50, above nothing and at most a million";
}

/* "2%", "0.4%": to the ten-thousandth of a percent. None is 0, with the sign or without it. */
static const char *read_percent(struct str value, void *field)
{
    uint64_t nano;
    bool sign = str_ends(value, S("%"));
    struct str number = str_sub(value, 0, value.len - sign);
    if (!price_read_usd(number, &nano) || nano % NANO_A_PART || nano / NANO_A_PART > MOST_PERCENT ||
        (nano && !sign))
        return "wants a share of at most 50%, like 2% or 0.4%, with at most four decimals";
    *(uint32_t *)field = (uint32_t)(nano / NANO_A_PART);
    return NULL;
}

static void print_percent(const void *field, struct buf *out)
{
    uint32_t parts = *(const uint32_t *)field;
    uint32_t rest = parts % (PRICE_ONE / 100), unit = PRICE_ONE / 1000;
    buf_addf(out, "%u%s", parts / (PRICE_ONE / 100), rest ? "." : "");
    for (; rest; rest %= unit, unit /= 10)
        buf_add_char(out, (char)('0' + rest / unit));
    buf_add_char(out, '%');
}

/* A share of one, below one, to the millionth. */
static const char *read_share(struct str value, void *field)
{
    uint64_t nano;
    if (!price_read_usd(value, &nano) || nano % 1000 || nano / 1000 >= PRICE_ONE)
        return "wants a share below 1, like 0.12, with at most six decimals";
    *(uint32_t *)field = (uint32_t)(nano / 1000);
    return NULL;
}

static void print_share(const void *field, struct buf *out)
{
    buf_addf(out, "0.%06u", *(const uint32_t *)field);
}

static bool is_zero(const void *field)
{
    return *(const uint64_t *)field == 0;
}

static bool is_no_time(const void *field)
{
    return *(const int64_t *)field == 0;
}

static void print_number(const void *field, struct buf *out)
{
    buf_add_u64(out, *(const uint64_t *)field);
}

static void print_size(const void *field, struct buf *out)
{
    text_add_size(out, *(const uint64_t *)field);
}

static void print_duration(const void *field, struct buf *out)
{
    text_add_duration(out, *(const int64_t *)field);
}

static void print_money(const void *field, struct buf *out)
{
    price_add_usd(out, (int64_t) * (const uint64_t *)field);
}

/* --- words that others know */

static const char *read_levers(struct str value, void *field)
{
    return levers_read(value, field) ? NULL : "wants on, observe or off";
}

static void print_levers(const void *field, struct buf *out)
{
    buf_add(out, levers_word(*(const enum levers_mode *)field));
}

static const char *read_level(struct str value, void *field)
{
    return log_level_of(value, field) ? NULL : "wants debug, info, warn or error";
}

static void print_level(const void *field, struct buf *out)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    buf_add(out, str_of(levels[*(const enum log_level *)field]));
}

static bool is_not_set(const void *field)
{
    return *(const int *)field == CONFIG_NOT_SET;
}

static bool is_false(const void *field)
{
    return !*(const bool *)field;
}

/* --- trees */

/* Nothing but NULL comes from a text. */
static const char *read_tree(struct str value, void *field)
{
    (void)value;
    *(const struct yaml_node **)field = NULL;
    return NULL;
}

static bool is_no_tree(const void *field)
{
    return *(const struct yaml_node *const *)field == NULL;
}

static bool is_number(const struct yaml_node *node)
{
    uint64_t ignored;
    return !node->quoted && price_read_usd(node->text, &ignored);
}

/* As YAML in one line. */
static void print_node(const struct yaml_node *node, struct buf *out)
{
    if (yaml_is_null(node) || is_number(node)) {
        buf_add(out, is_number(node) ? node->text : S("null"));
        return;
    }
    if (node->kind == YAML_SCALAR) {
        print_quoted(node->text, out);
        return;
    }
    bool map = node->kind == YAML_MAPPING;
    buf_add_char(out, map ? '{' : '[');
    for (const struct yaml_node *child = node->first; child; child = child->next) {
        if (map) {
            buf_add(out, child->key->text.len > LONG_KEY ? S("? ") : S(""));
            print_quoted(child->key->text, out);
            buf_add(out, S(": "));
        }
        print_node(child, out);
        buf_add(out, child->next ? S(", ") : S(""));
    }
    buf_add_char(out, map ? '}' : ']');
}

static void print_tree(const void *field, struct buf *out)
{
    print_node(*(const struct yaml_node *const *)field, out);
}

/* --- the kinds */

enum { MOST_WORDS = 3 };

struct kind {
    const char *(*read)(struct str value, void *field); /* NULL: it is one of `words` */
    void (*print)(const void *field, struct buf *out);
    bool (*is_unset)(const void *field); /* NULL: it never is */
    const char *words[MOST_WORDS];       /* in the order of its enum; of a bool: false, true */
    bool is_bool;
    const char *wants;
};

#define CACHE_WORDS .words = {"auto", "always", "off"}, .wants = "wants auto, always or off"

static const struct kind kinds[] = {
    [CONFIG_TEXT] = {read_text, print_text, is_empty},
    [CONFIG_ADDRESS] = {read_address, print_text},
    [CONFIG_PREFIX] = {read_prefix, print_text, is_empty},
    [CONFIG_URL] = {read_url, print_text, is_empty},
    [CONFIG_PROXY] = {read_proxy, print_proxy, is_empty},
    [CONFIG_TARGET] = {read_target, print_text, is_empty},
    [CONFIG_WORKERS] = {read_workers, print_workers},
    [CONFIG_COUNT] = {read_count, print_number},
    [CONFIG_SIZE] = {read_size, print_size},
    [CONFIG_DURATION] = {read_duration, print_duration},
    [CONFIG_RULE_TIME] = {read_rule_time, print_duration, is_no_time},
    [CONFIG_LIMIT] = {read_limit, print_number, is_zero},
    [CONFIG_LIMIT_BYTES] = {read_limit_bytes, print_size, is_zero},
    [CONFIG_MONEY] = {read_money, print_money, is_zero},
    [CONFIG_PERCENT] = {read_percent, print_percent},
    [CONFIG_SHARE] = {read_share, print_share},
    [CONFIG_LEVERS] = {read_levers, print_levers},
    [CONFIG_LEVEL] = {read_level, print_level},
    [CONFIG_TREE] = {read_tree, print_tree, is_no_tree},
    [CONFIG_PAIRS] = {read_tree, print_tree, is_no_tree},
    [CONFIG_WORDS] = {read_tree, print_tree, is_no_tree},
    [CONFIG_BOOL] = {.words = {"false", "true"}, .is_bool = true, .wants = "wants true or false"},
    [CONFIG_OTHER] = {.words = {"refuse", "allow"},
                      .is_bool = true,
                      .wants = "wants allow or refuse"},
    [CONFIG_PERSIST] = {.words = {"never", "spool"},
                        .is_bool = true,
                        .wants = "wants spool or never"},
    [CONFIG_CACHE_SHARE] = {.words = {"client", "all"},
                            .is_bool = true,
                            .wants = "wants all or client"},
    [CONFIG_CLIENT_MARKERS] = {.words = {"keep", "retime"},
                               .is_bool = true,
                               .wants = "wants retime or keep"},
    [CONFIG_PASSTHROUGH] = {.words = {"", "bearer"},
                            .is_bool = true,
                            .wants = "wants bearer",
                            .is_unset = is_false},
    [CONFIG_FORMAT] = {.words = {"text", "json"}, .wants = "wants json or text"},
    [CONFIG_METERING] = {.words = {"on", "strict", "off"}, .wants = "wants on, strict or off"},
    [CONFIG_THEN] = {.words = {"reject", "flex", "warn"}, .wants = "wants reject, flex or warn"},
    [CONFIG_CACHE] = {CACHE_WORDS},
    [CONFIG_RULE_CACHE] = {CACHE_WORDS, .is_unset = is_not_set},
    [CONFIG_CACHE_TTL] = {.words = {"auto", "5m", "1h"}, .wants = "wants auto, 5m or 1h"},
    /* As enum spool_reply; a ticket is for the request to ask for. */
    [CONFIG_RULE_REPLY] = {.words = {"wait", "retry"},
                           .wants = "wants wait or retry",
                           .is_unset = is_not_set},
};

/* An enum that may be left out is an int, and then CONFIG_NOT_SET. */
static const char *read_word(const struct kind *k, struct str value, void *field)
{
    int i = 0;
    if (value.len == 0 && k->is_unset && !k->is_bool) {
        *(int *)field = CONFIG_NOT_SET;
        return NULL;
    }
    while (i < MOST_WORDS && (!k->words[i] || !str_eq(value, str_of(k->words[i]))))
        i++;
    if (i == MOST_WORDS)
        return k->wants;
    if (k->is_bool)
        *(bool *)field = i;
    else
        *(int *)field = i;
    return NULL;
}

const char *config_read_value(enum config_kind kind, struct str value, void *field)
{
    const struct kind *k = &kinds[kind];
    return k->read ? k->read(value, field) : read_word(k, value, field);
}

bool config_is_unset(enum config_kind kind, const void *field)
{
    return kinds[kind].is_unset && kinds[kind].is_unset(field);
}

void config_print_value(enum config_kind kind, const void *field, struct buf *out)
{
    const struct kind *k = &kinds[kind];
    if (k->print)
        k->print(field, out);
    else
        buf_add(out, str_of(k->words[k->is_bool ? *(const bool *)field : *(const int *)field]));
}
