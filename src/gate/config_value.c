/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of the configuration: one function reads a kind, one prints it, side by side, so that what
 * `weir check` prints can be read again.
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

static const char *read_address(struct str value, struct str *out)
{
    struct sockaddr_storage addr;
    socklen_t len;
    *out = value;
    return sock_addr_parse(value, &addr, &len) ? NULL
                                               : "wants an address and a port, like 127.0.0.1:8080 "
                                                 "or [::1]:8080";
}

static const char *read_workers(struct str value, unsigned *out)
{
    uint64_t n = 0;
    if (!str_eq(value, S("auto")) && (!text_u64(value, &n) || n == 0 || n > MOST_WORKERS))
        return "wants auto or a number from 1 to 256";
    *out = (unsigned)n;
    return NULL;
}

static const char *read_url(struct str value, struct str *out)
{
    static _Thread_local char why[160];
    struct endpoint parsed;
    *out = value;
    if (value.len == 0 || endpoint_parse(value, &parsed, why, sizeof why))
        return NULL;
    return why;
}

/* A proxy's URL may carry a user and password; the rest is an http:// endpoint. */
static const char *read_proxy(struct str value, struct str *out)
{
    static _Thread_local char plain[600];
    struct str head = S("http://"), rest = str_from_offset(value, head.len), ignored;
    *out = value;
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

static const char *read_prefix(struct str value, struct str *out)
{
    *out = value;
    if (value.len && (uri_check_path(value) < 0 || str_ends(value, S("/"))))
        return "wants a path that begins with a slash and does not end with one, like /bedrock";
    return NULL;
}

static const char *read_word(struct str value, struct str no, struct str yes, bool *out)
{
    static _Thread_local char why[64];
    if (!str_eq(value, no) && !str_eq(value, yes)) {
        snprintf(why, sizeof why, "wants %.*s or %.*s", STR_ARG(yes), STR_ARG(no));
        return why;
    }
    *out = str_eq(value, yes);
    return NULL;
}

/* Passing no limit as nothing, so that a zero is never taken for one. */
static const char *read_limit(struct str value, uint64_t *out)
{
    *out = 0;
    return value.len == 0 || (text_u64(value, out) && *out && *out <= MOST_LIMIT)
               ? NULL
               : "wants a number from 1 to 1000000000000";
}

static const char *read_limit_bytes(struct str value, uint64_t *out)
{
    *out = 0;
    return value.len == 0 || (text_size_bytes(value, out) && *out)
               ? NULL
               : "wants a size, like 256KiB or 20MiB";
}

static const char *read_money(struct str value, uint64_t *out_nanousd)
{
    *out_nanousd = 0;
    return value.len == 0 || (price_read_usd(value, out_nanousd) && *out_nanousd)
               ? NULL
               : "wants dollars, like 50 or 12.50, above nothing and at most a million";
}

/* Words of an enum, in its order. Returns which, or -1. */
static int find_word(struct str value, const char *const words[3])
{
    for (int i = 0; i < 3; i++)
        if (str_eq(value, str_of(words[i])))
            return i;
    return -1;
}

static const char *const thens[3] = {"reject", "flex", "warn"};

static const char *read_then(struct str value, enum config_then *out)
{
    int i = find_word(value, thens);
    if (i < 0)
        return "wants reject, flex or warn";
    *out = (enum config_then)i;
    return NULL;
}

static const char *const modes[3] = {"auto", "always", "off"};

static const char *read_cache(struct str value, enum cache_mode *out)
{
    int i = find_word(value, modes);
    if (i < 0)
        return "wants auto, always or off";
    *out = (enum cache_mode)i;
    return NULL;
}

static const char *read_rule_cache(struct str value, int *out)
{
    *out = value.len ? find_word(value, modes) : CONFIG_NOT_SET;
    return value.len == 0 || *out >= 0 ? NULL : "wants auto, always or off";
}

static const char *read_rule_time(struct str value, int64_t *out)
{
    *out = 0;
    return value.len == 0 ? NULL : config_read_value(CONFIG_DURATION, value, out);
}

/* As enum spool_reply; a ticket is for the request to ask for. */
static const char *const replies[] = {"wait", "retry"};

static const char *read_reply(struct str value, int *out)
{
    for (*out = 0; *out < 2; ++*out)
        if (str_eq(value, str_of(replies[*out])))
            return NULL;
    *out = CONFIG_NOT_SET;
    return value.len == 0 ? NULL : "wants wait or retry";
}

static const char *const ttls[3] = {"auto", "5m", "1h"};

static const char *read_ttl(struct str value, enum cache_ttl *out)
{
    int i = find_word(value, ttls);
    if (i < 0)
        return "wants auto, 5m or 1h";
    *out = (enum cache_ttl)i;
    return NULL;
}

static const char *read_passthrough(struct str value, bool *out)
{
    *out = str_eq(value, S("bearer"));
    return *out || value.len == 0 ? NULL : "wants bearer";
}

static const char *const meterings[3] = {"on", "strict", "off"};

static const char *read_metering(struct str value, enum config_metering *out)
{
    int i = find_word(value, meterings);
    if (i < 0)
        return "wants on, strict or off";
    *out = (enum config_metering)i;
    return NULL;
}

/* "2%", "0.4%": to the ten-thousandth of a percent. None is 0, with the sign or without it. */
static const char *read_percent(struct str value, uint32_t *out_parts)
{
    uint64_t nano;
    bool sign = str_ends(value, S("%"));
    struct str number = str_sub(value, 0, value.len - sign);
    if (!price_read_usd(number, &nano) || nano % NANO_A_PART || nano / NANO_A_PART > MOST_PERCENT ||
        (nano && !sign))
        return "wants a share of at most 50%, like 2% or 0.4%, with at most four decimals";
    *out_parts = (uint32_t)(nano / NANO_A_PART);
    return NULL;
}

static void print_percent(uint32_t parts, struct buf *out)
{
    uint32_t rest = parts % (PRICE_ONE / 100), unit = PRICE_ONE / 1000;
    buf_addf(out, "%u%s", parts / (PRICE_ONE / 100), rest ? "." : "");
    for (; rest; rest %= unit, unit /= 10)
        buf_add_char(out, (char)('0' + rest / unit));
    buf_add_char(out, '%');
}

/* A share of one, below one, to the millionth. */
static const char *read_share(struct str value, uint32_t *out_parts)
{
    uint64_t nano;
    if (!price_read_usd(value, &nano) || nano % 1000 || nano / 1000 >= PRICE_ONE)
        return "wants a share below 1, like 0.12, with at most six decimals";
    *out_parts = (uint32_t)(nano / 1000);
    return NULL;
}

/* "host:port" or "[::1]:port": the default of http would be nobody's agent. */
static bool has_port(struct str at)
{
    ptrdiff_t end = at.len && at.ptr[0] == '[' ? str_chr(at, ']') : 0;
    return end >= 0 && str_chr(str_from_offset(at, (size_t)end), ':') >= 0;
}

static const char *read_target(struct str value, struct str *out)
{
    static _Thread_local char url[300];
    struct str ignored;
    *out = value;
    if (value.len == 0 || str_eq(value, S("stdout")) || str_starts(value, S("/")))
        return NULL;
    if (!str_starts(value, S("tcp://")))
        return "wants stdout, an absolute path, or tcp://host:port";
    snprintf(url, sizeof url, "http://%.*s", STR_ARG(str_from_offset(value, 6)));
    const char *why = read_url(str_of(url), &ignored);
    return why || has_port(str_from_offset(value, 6)) ? why
                                                      : "wants a port, like tcp://127.0.0.1:25888";
}

/* Kinds that are one of two words; yes is what a bool's true is called. */
static const struct {
    struct str no, yes;
} pairs[] = {
    [CONFIG_BOOL] = {STR("false"), STR("true")},
    [CONFIG_OTHER] = {STR("refuse"), STR("allow")},
    [CONFIG_PERSIST] = {STR("never"), STR("spool")},
    [CONFIG_CACHE_SHARE] = {STR("client"), STR("all")},
    [CONFIG_CLIENT_MARKERS] = {STR("keep"), STR("retime")},
};

const char *config_read_value(enum config_kind kind, struct str value, void *field)
{
    bool yes;
    const char *why;
    switch (kind) {
    case CONFIG_TEXT:
        *(struct str *)field = value;
        return NULL;
    case CONFIG_ADDRESS:
        return read_address(value, field);
    case CONFIG_PREFIX:
        return read_prefix(value, field);
    case CONFIG_URL:
        return read_url(value, field);
    case CONFIG_PROXY:
        return read_proxy(value, field);
    case CONFIG_BOOL:
    case CONFIG_OTHER:
    case CONFIG_PERSIST:
    case CONFIG_CACHE_SHARE:
    case CONFIG_CLIENT_MARKERS:
        return read_word(value, pairs[kind].no, pairs[kind].yes, field);
    case CONFIG_WORKERS:
        return read_workers(value, field);
    case CONFIG_COUNT:
        return text_u64(value, field) && *(uint64_t *)field && *(uint64_t *)field <= MOST_COUNT
                   ? NULL
                   : "wants a number from 1 to 10000000";
    case CONFIG_SIZE:
        return text_size_bytes(value, field) && *(uint64_t *)field
                   ? NULL
                   : "wants a size, like 64MiB or 1GiB";
    case CONFIG_DURATION:
        return text_duration_ms(value, field) && *(int64_t *)field &&
                       *(int64_t *)field <= MOST_DURATION_MS
                   ? NULL
                   : "wants a time above 0 and of at most 365d, like 250ms, 3s, 15m or 8h";
    case CONFIG_LIMIT:
        return read_limit(value, field);
    case CONFIG_LIMIT_BYTES:
        return read_limit_bytes(value, field);
    case CONFIG_MONEY:
        return read_money(value, field);
    case CONFIG_THEN:
        return read_then(value, field);
    case CONFIG_PASSTHROUGH:
        return read_passthrough(value, field);
    case CONFIG_LEVERS:
        return levers_read(value, field) ? NULL : "wants on, observe or off";
    case CONFIG_CACHE:
        return read_cache(value, field);
    case CONFIG_CACHE_TTL:
        return read_ttl(value, field);
    case CONFIG_RULE_CACHE:
        return read_rule_cache(value, field);
    case CONFIG_RULE_TIME:
        return read_rule_time(value, field);
    case CONFIG_RULE_REPLY:
        return read_reply(value, field);
    case CONFIG_PERCENT:
        return read_percent(value, field);
    case CONFIG_TREE: /* nothing but NULL comes from a text */
    case CONFIG_PAIRS:
    case CONFIG_WORDS:
        *(const struct yaml_node **)field = NULL;
        return NULL;
    case CONFIG_METERING:
        return read_metering(value, field);
    case CONFIG_SHARE:
        return read_share(value, field);
    case CONFIG_TARGET:
        return read_target(value, field);
    case CONFIG_FORMAT:
        if (!(why = read_word(value, S("text"), S("json"), &yes)))
            *(enum log_format *)field = yes ? LOG_JSON : LOG_TEXT;
        return why;
    case CONFIG_LEVEL:
        return log_level_of(value, field) ? NULL : "wants debug, info, warn or error";
    }
    return "cannot be read";
}

static void print_proxy(struct str url, struct buf *out)
{
    ptrdiff_t scheme = str_find(url, S("://"));
    ptrdiff_t at = str_chr(url, '@');
    bool secret = scheme >= 0 && at > scheme;
    struct str shown = secret ? str_from_offset(url, (size_t)at) : url;
    buf_add(out, secret ? S("\"http://***") : S("\""));
    text_add_json(out, shown, shown.len);
    buf_add_char(out, '"');
}

bool config_is_unset(enum config_kind kind, const void *field)
{
    if (config_is_tree(kind))
        return *(const struct yaml_node *const *)field == NULL;
    if (kind == CONFIG_LIMIT || kind == CONFIG_LIMIT_BYTES || kind == CONFIG_MONEY)
        return *(const uint64_t *)field == 0;
    if (kind == CONFIG_RULE_CACHE || kind == CONFIG_RULE_REPLY)
        return *(const int *)field == CONFIG_NOT_SET;
    if (kind == CONFIG_RULE_TIME)
        return *(const int64_t *)field == 0;
    if (kind == CONFIG_PASSTHROUGH)
        return !*(const bool *)field;
    bool text = kind == CONFIG_TEXT || kind == CONFIG_PREFIX || kind == CONFIG_URL ||
                kind == CONFIG_PROXY || kind == CONFIG_TARGET;
    return text && ((const struct str *)field)->len == 0;
}

static void print_text(struct str s, struct buf *out)
{
    buf_add_char(out, '"');
    text_add_json(out, s, s.len);
    buf_add_char(out, '"');
}

static bool is_number(const struct yaml_node *node)
{
    uint64_t ignored;
    return !node->quoted && price_read_usd(node->text, &ignored);
}

/* As YAML in one line. */
static void print_tree(const struct yaml_node *node, struct buf *out)
{
    if (yaml_is_null(node) || is_number(node)) {
        buf_add(out, is_number(node) ? node->text : S("null"));
        return;
    }
    if (node->kind == YAML_SCALAR) {
        print_text(node->text, out);
        return;
    }
    bool map = node->kind == YAML_MAPPING;
    buf_add_char(out, map ? '{' : '[');
    for (const struct yaml_node *child = node->first; child; child = child->next) {
        if (map) {
            buf_add(out, child->key->text.len > LONG_KEY ? S("? ") : S(""));
            print_text(child->key->text, out);
            buf_add(out, S(": "));
        }
        print_tree(child, out);
        buf_add(out, child->next ? S(", ") : S(""));
    }
    buf_add_char(out, map ? '}' : ']');
}

void config_print_value(enum config_kind kind, const void *field, struct buf *out)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    switch (kind) {
    case CONFIG_PROXY:
        print_proxy(*(const struct str *)field, out);
        return;
    case CONFIG_URL:
    case CONFIG_TEXT:
    case CONFIG_ADDRESS:
    case CONFIG_PREFIX:
    case CONFIG_TARGET:
        print_text(*(const struct str *)field, out);
        return;
    case CONFIG_TREE:
    case CONFIG_PAIRS:
    case CONFIG_WORDS:
        print_tree(*(const struct yaml_node *const *)field, out);
        return;
    case CONFIG_BOOL:
    case CONFIG_OTHER:
    case CONFIG_PERSIST:
    case CONFIG_CACHE_SHARE:
    case CONFIG_CLIENT_MARKERS:
        buf_add(out, *(const bool *)field ? pairs[kind].yes : pairs[kind].no);
        return;
    case CONFIG_WORKERS:
        if (*(const unsigned *)field)
            buf_add_u64(out, *(const unsigned *)field);
        else
            buf_add(out, S("auto"));
        return;
    case CONFIG_PASSTHROUGH:
        buf_add(out, S("bearer"));
        return;
    case CONFIG_LEVERS:
        buf_add(out, levers_word(*(const enum levers_mode *)field));
        return;
    case CONFIG_CACHE:
        buf_add(out, str_of(modes[*(const enum cache_mode *)field]));
        return;
    case CONFIG_CACHE_TTL:
        buf_add(out, str_of(ttls[*(const enum cache_ttl *)field]));
        return;
    case CONFIG_RULE_CACHE:
        buf_add(out, str_of(modes[*(const int *)field]));
        return;
    case CONFIG_RULE_REPLY:
        buf_add(out, str_of(replies[*(const int *)field]));
        return;
    case CONFIG_PERCENT:
        print_percent(*(const uint32_t *)field, out);
        return;
    case CONFIG_THEN:
        buf_add(out, str_of(thens[*(const enum config_then *)field]));
        return;
    case CONFIG_MONEY:
        price_add_usd(out, (int64_t) * (const uint64_t *)field);
        return;
    case CONFIG_LIMIT:
    case CONFIG_COUNT:
        buf_add_u64(out, *(const uint64_t *)field);
        return;
    case CONFIG_LIMIT_BYTES:
    case CONFIG_SIZE:
        text_add_size(out, *(const uint64_t *)field);
        return;
    case CONFIG_DURATION:
    case CONFIG_RULE_TIME:
        text_add_duration(out, *(const int64_t *)field);
        return;
    case CONFIG_METERING:
        buf_add(out, str_of(meterings[*(const enum config_metering *)field]));
        return;
    case CONFIG_SHARE:
        buf_addf(out, "0.%06u", *(const uint32_t *)field);
        return;
    case CONFIG_FORMAT:
        buf_add(out, *(const enum log_format *)field == LOG_JSON ? S("json") : S("text"));
        return;
    case CONFIG_LEVEL:
        buf_add(out, str_of(levels[*(const enum log_level *)field]));
        return;
    }
}
