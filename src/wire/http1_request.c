/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of a request: its line, Host, Expect, and that they agree. Routing, unknown upper-case
 * methods and the escapes of a path are not judged here.
 */
#include "http1_parts.h"
#include "weir/base/text.h"

#include <string.h>

enum { METHOD_MOST = 32 }; /* the longest registered one has 17 (UPDATEREDIRECTREF, IANA 2025) */

static int check_method(struct str method, struct http1_fault *fault)
{
    bool lower = false;
    if (method.len == 0 || method.len > METHOD_MOST)
        return http1_refuse(fault, 400, "The method is empty or too long.");
    for (size_t i = 0; i < method.len; i++) {
        if (!http1_token_lower[(unsigned char)method.ptr[i]])
            return http1_refuse(fault, 400, "The method is not a token.");
        lower |= method.ptr[i] >= 'a' && method.ptr[i] <= 'z';
    }
    return lower ? http1_refuse(fault, 405, "Methods are written in upper case.") : 0;
}

/* RFC 3986 without the bytes that it leaves out; brackets are let through, since queries carry
 * them unescaped. No fragment. */
static bool is_target_byte(unsigned char c)
{
    static const unsigned char never[256] = {['"'] = 1, ['#'] = 1, ['<'] = 1, ['>'] = 1, ['\\'] = 1,
                                             ['^'] = 1, ['`'] = 1, ['{'] = 1, ['|'] = 1, ['}'] = 1};
    return c > 0x20 && c < 0x7f && !never[c];
}

bool http1_is_path(struct str target)
{
    bool good = target.len && target.ptr[0] == '/';
    for (size_t i = 0; good && i < target.len; i++)
        good = is_target_byte((unsigned char)target.ptr[i]);
    return good;
}

static bool is_absolute(struct str target)
{
    return str_istarts(target, S("http://")) || str_istarts(target, S("https://"));
}

static int check_target(struct str method, struct str target, struct http1_fault *fault)
{
    for (size_t i = 0; i < target.len; i++)
        if (!is_target_byte((unsigned char)target.ptr[i]))
            return http1_refuse(fault, 400, "The request target has a byte that must be escaped.");
    if (str_eq(method, S("CONNECT")))
        return http1_refuse(fault, 405, "Tunnels are not offered.");
    if (str_eq(target, S("*")))
        return http1_refuse(fault, 405, "The target * is not served.");
    if (target.len && (target.ptr[0] == '/' || is_absolute(target)))
        return 0;
    return http1_refuse(fault, 400, "The request target is neither a path nor a URL.");
}

/* "METHOD target HTTP/1.1" with single spaces. */
static int read_request_line(struct str line, struct http1_request *out, struct http1_fault *fault)
{
    struct str rest = line;
    out->method = str_cut(&rest, ' ');
    int err = check_method(out->method, fault);
    if (err)
        return err;
    if (!rest.ptr)
        return http1_refuse(fault, 400, "The request line has no target.");
    out->target = str_cut(&rest, ' ');
    if (!rest.ptr)
        return http1_refuse(fault, 400, "The request line has no version.");
    err = http1_read_version(rest, &out->minor, fault);
    return err ? err : check_target(out->method, out->target, fault);
}

static bool is_port(struct str s)
{
    uint64_t port;
    return s.len <= 5 && text_u64(s, &port) && port <= 65535;
}

/* A name, an IPv4 address or a bracketed IPv6 address, and a port or none. No userinfo, no list. */
bool http1_is_authority(struct str s)
{
    bool literal = s.len && s.ptr[0] == '[';
    size_t i = literal;
    for (; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i], lower = c | 0x20;
        bool digit = c >= '0' && c <= '9', hex = digit || (lower >= 'a' && lower <= 'f');
        bool in_name = digit || (lower >= 'a' && lower <= 'z') || c == '-' || c == '_' || c == '~';
        if (c != '.' && !(literal ? hex || c == ':' : in_name))
            break;
    }
    if (literal && (i < 3 || i == s.len || s.ptr[i++] != ']'))
        return false;
    return i > 0 && (i == s.len || (s.ptr[i] == ':' && is_port(str_from_offset(s, i + 1))));
}

static int read_host(const struct http1_known *k, struct http1_request *out,
                     struct http1_fault *fault)
{
    if (k->hosts > 1)
        return http1_refuse(fault, 400, "There is more than one Host.");
    if (k->hosts == 0 && out->minor == 1)
        return http1_refuse(fault, 400, "There is no Host.");
    if (k->hosts && !http1_is_authority(k->host))
        return http1_refuse(fault, 400, "Host is not a name and a port.");
    out->authority = k->host;
    return 0;
}

/* Takes scheme and authority off an absolute target. Where no path follows, the '/' that belongs
 * there is written over the authority's last byte. */
static int reduce_absolute(char *head, struct http1_request *out, struct http1_fault *fault)
{
    struct str t = out->target;
    size_t start = t.ptr[4] == ':' ? 7 : 8, end = start;
    while (end < t.len && t.ptr[end] != '/' && t.ptr[end] != '?')
        end++;
    if (end == start || !str_ieq(str_sub(t, start, end - start), out->authority))
        return http1_refuse(fault, 400, "The URL in the request line is not for this Host.");
    if (end == t.len || t.ptr[end] == '?')
        head[(t.ptr - head) + (ptrdiff_t)--end] = '/';
    out->target = str_from_offset(t, end);
    return 0;
}

static int read_expect(const struct http1_known *k, struct http1_request *out,
                       struct http1_fault *fault)
{
    out->expect_continue = false;
    if (k->expects == 0)
        return 0;
    if (k->expects > 1 || !str_ieq(k->expect, S("100-continue")))
        return http1_refuse(fault, 417, "Only the expectation 100-continue can be met.");
    out->expect_continue = out->minor == 1;
    return 0;
}

static int settle_request(char *head, const struct http1_known *k, struct http1_request *out,
                          struct http1_fault *fault)
{
    int err = read_host(k, out, fault);
    if (!err && out->target.ptr[0] != '/')
        err = reduce_absolute(head, out, fault);
    if (!err)
        err = http1_read_coding(k, out->minor, &out->chunked, fault);
    if (!err)
        err = http1_read_length(k, &out->content_length, fault);
    if (!err)
        err = read_expect(k, out, fault);
    if (!err && k->strange_option)
        err = http1_refuse(fault, 400, "Connection names a field that is not hop-by-hop.");
    out->keep_alive = http1_keeps_alive(k, out->minor);
    return err;
}

int http1_parse_request(char *head, size_t len, struct http1_request *out,
                        struct http1_fault *fault)
{
    struct http1_known k = {0};
    struct str line;
    char *next;
    if (len >= 2 && head[0] == '\r' && head[1] == '\n') {
        head += 2;
        len -= 2;
    }
    int err = http1_read_first_line(head, len, &line, &next, fault);
    if (!err)
        err = read_request_line(line, out, fault);
    if (!err)
        err = http1_read_fields(next, head + len, false, &out->fields, &k, fault);
    return err ? err : settle_request(head, &k, out, fault);
}
