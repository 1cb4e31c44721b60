/* SPDX-License-Identifier: Apache-2.0
 *
 * Heads of HTTP/1 messages, written. Every piece is checked once more on its way out: what was
 * built wrongly stops the program here instead of becoming a second message at the other end.
 */
#include "weir/wire/http1.h"

#include <assert.h>
#include <string.h>

/* Neither spaces nor controls: it stands between the spaces of a request line. */
static bool is_word(struct str s)
{
    return s.len > 0 && fields_value_ok(s) && !memchr(s.ptr, ' ', s.len) &&
           !memchr(s.ptr, '\t', s.len);
}

static char *put(char *at, struct str s)
{
    if (s.len)
        memcpy(at, s.ptr, s.len);
    return at + s.len;
}

void http1_add_field(struct buf *b, struct str name, struct str value)
{
    assert(fields_name_ok(name) && fields_value_ok(value));
    size_t len = name.len + value.len + 4;
    char *at = buf_reserve(b, len);
    if (!at)
        return;
    at = put(at, name);
    at = put(at, S(": "));
    at = put(at, value);
    put(at, S("\r\n"));
    buf_commit(b, len);
}

void http1_add_blank(struct buf *b)
{
    buf_add(b, S("\r\n"));
}

static void add_fields(struct buf *b, const struct field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++)
        http1_add_field(b, fields[i].name, fields[i].value);
}

void http1_add_request_head(struct buf *b, struct str method, struct str target,
                            struct str authority, const struct field *fields, size_t n)
{
    assert(fields_name_ok(method) && is_word(target));
    buf_add(b, method);
    buf_add_char(b, ' ');
    buf_add(b, target);
    buf_add(b, S(" HTTP/1.1\r\n"));
    if (authority.len)
        http1_add_field(b, S("host"), authority);
    add_fields(b, fields, n);
}

void http1_add_response_head(struct buf *b, int status, const struct field *fields, size_t n)
{
    assert(status >= 100 && status <= 599);
    buf_add(b, S("HTTP/1.1 "));
    buf_add_u64(b, (uint64_t)status);
    buf_add_char(b, ' ');
    buf_add(b, http1_reason(status));
    buf_add(b, S("\r\n"));
    add_fields(b, fields, n);
}

struct str http1_reason(int status)
{
    /* IANA HTTP Status Code Registry, 2025; 529 is Anthropic's "overloaded". */
    static const struct {
        int status;
        struct str phrase;
    } table[] = {
        {100, STR("Continue")},
        {200, STR("OK")},
        {201, STR("Created")},
        {202, STR("Accepted")},
        {204, STR("No Content")},
        {206, STR("Partial Content")},
        {301, STR("Moved Permanently")},
        {302, STR("Found")},
        {303, STR("See Other")},
        {304, STR("Not Modified")},
        {307, STR("Temporary Redirect")},
        {308, STR("Permanent Redirect")},
        {400, STR("Bad Request")},
        {401, STR("Unauthorized")},
        {402, STR("Payment Required")},
        {403, STR("Forbidden")},
        {404, STR("Not Found")},
        {405, STR("Method Not Allowed")},
        {406, STR("Not Acceptable")},
        {408, STR("Request Timeout")},
        {409, STR("Conflict")},
        {410, STR("Gone")},
        {411, STR("Length Required")},
        {412, STR("Precondition Failed")},
        {413, STR("Content Too Large")},
        {414, STR("URI Too Long")},
        {415, STR("Unsupported Media Type")},
        {417, STR("Expectation Failed")},
        {421, STR("Misdirected Request")},
        {422, STR("Unprocessable Content")},
        {424, STR("Failed Dependency")},
        {426, STR("Upgrade Required")},
        {429, STR("Too Many Requests")},
        {431, STR("Request Header Fields Too Large")},
        {500, STR("Internal Server Error")},
        {501, STR("Not Implemented")},
        {502, STR("Bad Gateway")},
        {503, STR("Service Unavailable")},
        {504, STR("Gateway Timeout")},
        {505, STR("HTTP Version Not Supported")},
        {529, STR("Site Is Overloaded")},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].status == status)
            return table[i].phrase;
    return S("Unknown");
}
