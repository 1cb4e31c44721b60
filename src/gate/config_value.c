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
#include "weir/wire/uri.h"

#include <stdio.h>

enum { MOST_WORKERS = 256 };

static bool is_loopback_host(struct str host)
{
    return str_starts(host, S("127.")) || str_eq(host, S("[::1]")) || str_eq(host, S("localhost"));
}

static bool split_address(struct str address, struct str *host, uint64_t *port)
{
    size_t at = address.len;
    while (at && address.ptr[at - 1] != ':')
        at--;
    if (at < 2)
        return false;
    *host = str_sub(address, 0, at - 1);
    return text_u64(str_from_offset(address, at), port) && *port <= 65535;
}

bool config_is_loopback(struct str address)
{
    struct str host;
    uint64_t port;
    return split_address(address, &host, &port) && is_loopback_host(host);
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
    if (value.len && (value.ptr[0] != '/' || str_ends(value, S("/"))))
        return "begins with a slash and does not end with one, like /bedrock";
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

const char *config_read_value(enum config_kind kind, struct str value, void *field)
{
    struct str host;
    uint64_t n;
    bool yes;
    const char *why;
    switch (kind) {
    case CONFIG_TEXT:
        *(struct str *)field = value;
        return NULL;
    case CONFIG_ADDRESS:
        *(struct str *)field = value;
        return split_address(value, &host, &n) ? NULL : "wants HOST:PORT, like 127.0.0.1:8080";
    case CONFIG_PREFIX:
        return read_prefix(value, field);
    case CONFIG_URL:
        return read_url(value, field);
    case CONFIG_PROXY:
        return read_proxy(value, field);
    case CONFIG_BOOL:
        return read_word(value, S("false"), S("true"), field);
    case CONFIG_OTHER:
        return read_word(value, S("refuse"), S("allow"), field);
    case CONFIG_WORKERS:
        return read_workers(value, field);
    case CONFIG_COUNT:
        return text_u64(value, field) && *(uint64_t *)field ? NULL : "wants a number from 1 on";
    case CONFIG_SIZE:
        return text_size_bytes(value, field) ? NULL : "wants a size, like 64MiB or 1GiB";
    case CONFIG_DURATION:
        return text_duration_ms(value, field) && *(int64_t *)field
                   ? NULL
                   : "wants a time, like 250ms, 3s, 15m or 8h";
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
    if (scheme < 0 || at < scheme) {
        buf_add(out, url);
        return;
    }
    buf_add(out, str_sub(url, 0, (size_t)scheme + 3));
    buf_add(out, S("***"));
    buf_add(out, str_from_offset(url, (size_t)at));
}

void config_print_value(enum config_kind kind, const void *field, struct buf *out)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    struct str s;
    switch (kind) {
    case CONFIG_PROXY:
        print_proxy(*(const struct str *)field, out);
        return;
    case CONFIG_URL:
    case CONFIG_TEXT:
    case CONFIG_ADDRESS:
    case CONFIG_PREFIX:
        s = *(const struct str *)field;
        buf_add_char(out, '"');
        text_add_json(out, s, s.len);
        buf_add_char(out, '"');
        return;
    case CONFIG_BOOL:
        buf_add(out, *(const bool *)field ? S("true") : S("false"));
        return;
    case CONFIG_OTHER:
        buf_add(out, *(const bool *)field ? S("allow") : S("refuse"));
        return;
    case CONFIG_WORKERS:
        if (*(const unsigned *)field)
            buf_add_u64(out, *(const unsigned *)field);
        else
            buf_add(out, S("auto"));
        return;
    case CONFIG_COUNT:
        buf_add_u64(out, *(const uint64_t *)field);
        return;
    case CONFIG_SIZE:
        text_add_size(out, *(const uint64_t *)field);
        return;
    case CONFIG_DURATION:
        text_add_duration(out, *(const int64_t *)field);
        return;
    case CONFIG_FORMAT:
        buf_add(out, *(const enum log_format *)field == LOG_JSON ? S("json") : S("text"));
        return;
    case CONFIG_LEVEL:
        buf_add(out, str_of(levels[*(const enum log_level *)field]));
        return;
    }
}
