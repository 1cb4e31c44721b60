/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole head of an HTTP/1 message, parsed in place: lines to fields, then the few fields that
 * decide framing and persistence, each held to one reading. Where RFC 9112 lets a recipient repair
 * a message (folded lines, repeated lengths, bare LF) it is refused instead: repairs are what
 * request smuggling is made of. Routing, unknown upper-case methods and the escapes of a path are
 * not judged here.
 */
#include "http1_text.h"
#include "weir/base/text.h"
#include "weir/wire/http1.h"

#include <string.h>

enum {
    METHOD_MOST = 32, /* the longest registered one has 17 (UPDATEREDIRECTREF, IANA 2025) */
    LENGTH_DIGITS = 20
};

const unsigned char http1_token_lower[256] = {
    ['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&', ['\''] = '\'', ['*'] = '*',
    ['+'] = '+', ['-'] = '-', ['.'] = '.', ['^'] = '^', ['_'] = '_', ['`'] = '`',   ['|'] = '|',
    ['~'] = '~', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',   ['5'] = '5',
    ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'a', ['B'] = 'b',   ['C'] = 'c',
    ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i',   ['J'] = 'j',
    ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p',   ['Q'] = 'q',
    ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w',   ['X'] = 'x',
    ['Y'] = 'y', ['Z'] = 'z', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd',   ['e'] = 'e',
    ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k',   ['l'] = 'l',
    ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r',   ['s'] = 's',
    ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y',   ['z'] = 'z',
};

/* --- lines to fields */

/* The fields that decide something here, gathered while the lines are read. */
struct known {
    struct str host, length, coding, expect; /* the last of each */
    unsigned hosts, lengths, codings, expects;
    bool close, keep_alive;
    bool strange_option; /* Connection names a field that is not hop-by-hop */
};

/* What a client may name in Connection. Anything else is an attempt to have a field that a later
 * hop needs taken away. */
static bool is_hop_option(struct str option)
{
    return str_ieq(option, S("upgrade")) || str_ieq(option, S("te")) ||
           str_ieq(option, S("http2-settings"));
}

static void note_connection(struct known *k, struct str value)
{
    while (value.ptr) {
        struct str option = str_trim(str_cut(&value, ','));
        if (option.len == 0)
            continue;
        if (str_ieq(option, S("close")))
            k->close = true;
        else if (str_ieq(option, S("keep-alive")))
            k->keep_alive = true;
        else if (!is_hop_option(option))
            k->strange_option = true;
    }
}

static bool named(struct str name, const char *lower)
{
    return memcmp(name.ptr, lower, name.len) == 0;
}

static void note_once(struct str *value, unsigned *count, struct str found)
{
    *value = found;
    ++*count;
}

static void note_field(struct known *k, const struct field *f)
{
    switch (f->name.len) {
    case 4:
        if (named(f->name, "host"))
            note_once(&k->host, &k->hosts, f->value);
        break;
    case 6:
        if (named(f->name, "expect"))
            note_once(&k->expect, &k->expects, f->value);
        break;
    case 10:
        if (named(f->name, "connection"))
            note_connection(k, f->value);
        break;
    case 14:
        if (named(f->name, "content-length"))
            note_once(&k->length, &k->lengths, f->value);
        break;
    case 17:
        if (named(f->name, "transfer-encoding"))
            note_once(&k->coding, &k->codings, f->value);
        break;
    default:
        break;
    }
}

/* Reads the line at p into *out and lower-cases its name. Returns where the next line begins, NULL
 * with *fault. The head ends in LF, which is no token and no text: no loop runs past it. */
static char *read_field(char *p, const char *end, struct field *out, struct http1_fault *fault)
{
    char *q = p;
    for (unsigned char c; (c = http1_token_lower[(unsigned char)*q]) != 0; q++)
        *q = (char)c;
    if (q == p || *q != ':') {
        http1_refuse(fault, 400, "A header line has no proper name.");
        return NULL;
    }
    out->name = str_from(p, (size_t)(q - p));
    for (q++; *q == ' ' || *q == '\t';)
        q++;
    const char *stop = http1_skip_text(q, end);
    if (stop == end || stop[0] != '\r' || stop[1] != '\n') {
        http1_refuse(fault, 400, "A control byte stands in a header value.");
        return NULL;
    }
    size_t len = (size_t)(stop - q);
    while (len && (q[len - 1] == ' ' || q[len - 1] == '\t'))
        len--;
    out->value = str_from(q, len);
    return q + (stop - q) + 2;
}

/* Names with an underscore are dropped from requests: content_length and content-length are one
 * name to whoever turns names into variables. */
static int read_fields(char *p, const char *end, bool response, struct fields *out, struct known *k,
                       struct http1_fault *fault)
{
    unsigned lines = 0;
    out->n = 0;
    while (*p != '\r') {
        struct field *f = &out->at[out->n];
        if (lines++ == FIELDS_MOST)
            return http1_refuse(fault, 431, "The message has more than 100 header fields.");
        p = read_field(p, end, f, fault);
        if (!p)
            return ERR_BAD;
        if (!response && memchr(f->name.ptr, '_', f->name.len))
            continue;
        note_field(k, f);
        out->n++;
    }
    return p + 2 == end ? 0 : http1_refuse(fault, 400, "An empty line stands inside the head.");
}

/* --- framing */

/* One Content-Length, digits only. */
static int read_length(const struct known *k, int64_t *out, struct http1_fault *fault)
{
    uint64_t n;
    *out = -1;
    if (k->lengths == 0)
        return 0;
    if (k->lengths > 1)
        return http1_refuse(fault, 400, "There is more than one Content-Length.");
    if (k->length.len > LENGTH_DIGITS || !text_u64(k->length, &n) || n > INT64_MAX)
        return http1_refuse(fault, 400, "Content-Length is not a number.");
    *out = (int64_t)n;
    return 0;
}

/* gzip and its like, rightly used (chunked last): meant well, and not done here. */
static bool is_list_of_codings(struct str value)
{
    static const struct str known[] = {STR("gzip"), STR("x-gzip"), STR("deflate"), STR("compress"),
                                       STR("x-compress")};
    while (value.ptr) {
        struct str coding = str_trim(str_cut(&value, ','));
        bool found = !value.ptr && str_ieq(coding, S("chunked"));
        for (size_t i = 0; i < sizeof known / sizeof *known && !found; i++)
            found = str_ieq(coding, known[i]);
        if (!found)
            return false;
    }
    return true;
}

static int read_coding(const struct known *k, int minor, bool *out, struct http1_fault *fault)
{
    *out = false;
    if (k->codings == 0)
        return 0;
    if (minor == 0)
        return http1_refuse(fault, 400, "Transfer-Encoding stands in an HTTP/1.0 message.");
    if (k->codings > 1)
        return http1_refuse(fault, 400, "There is more than one Transfer-Encoding.");
    if (k->lengths)
        return http1_refuse(fault, 400, "Both Content-Length and Transfer-Encoding are there.");
    if (str_ieq(k->coding, S("chunked"))) {
        *out = true;
        return 0;
    }
    if (is_list_of_codings(k->coding))
        return http1_refuse(fault, 501, "Of transfer codings only chunked is supported.");
    return http1_refuse(fault, 400, "Transfer-Encoding is not chunked.");
}

static bool keeps_alive(const struct known *k, int minor)
{
    return !k->close && (minor == 1 || k->keep_alive);
}

/* --- requests */

/* "HTTP/1.1" and nothing around it. A minor above 1 is read as 1 (RFC 9110 2.5). */
static int read_version(struct str v, int *out_minor, struct http1_fault *fault)
{
    if (v.len != 8 || !str_starts(v, S("HTTP/")) || v.ptr[6] != '.' || v.ptr[5] < '0' ||
        v.ptr[5] > '9' || v.ptr[7] < '0' || v.ptr[7] > '9')
        return http1_refuse(fault, 400, "The HTTP version cannot be read.");
    if (v.ptr[5] != '1')
        return http1_refuse(fault, 505, "The HTTP version is not supported.");
    *out_minor = v.ptr[7] == '0' ? 0 : 1;
    return 0;
}

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
    err = read_version(rest, &out->minor, fault);
    return err ? err : check_target(out->method, out->target, fault);
}

static bool is_port(struct str s)
{
    uint64_t port;
    return s.len <= 5 && text_u64(s, &port) && port <= 65535;
}

/* A name, an IPv4 address or a bracketed IPv6 address, and a port or none. No userinfo, no list. */
static bool is_authority(struct str s)
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

static int read_host(const struct known *k, struct http1_request *out, struct http1_fault *fault)
{
    if (k->hosts > 1)
        return http1_refuse(fault, 400, "There is more than one Host.");
    if (k->hosts == 0 && out->minor == 1)
        return http1_refuse(fault, 400, "There is no Host.");
    if (k->hosts && !is_authority(k->host))
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

static int read_expect(const struct known *k, struct http1_request *out, struct http1_fault *fault)
{
    out->expect_continue = false;
    if (k->expects == 0)
        return 0;
    if (k->expects > 1 || !str_ieq(k->expect, S("100-continue")))
        return http1_refuse(fault, 417, "Only the expectation 100-continue can be met.");
    out->expect_continue = out->minor == 1;
    return 0;
}

static int settle_request(char *head, const struct known *k, struct http1_request *out,
                          struct http1_fault *fault)
{
    int err = read_host(k, out, fault);
    if (!err && out->target.ptr[0] != '/')
        err = reduce_absolute(head, out, fault);
    if (!err)
        err = read_coding(k, out->minor, &out->chunked, fault);
    if (!err)
        err = read_length(k, &out->content_length, fault);
    if (!err)
        err = read_expect(k, out, fault);
    if (!err && k->strange_option)
        err = http1_refuse(fault, 400, "Connection names a field that is not hop-by-hop.");
    out->keep_alive = keeps_alive(k, out->minor);
    return err;
}

/* The first line of the head; *out_next is where the fields begin. */
static int read_first_line(char *head, size_t len, struct str *out_line, char **out_next,
                           struct http1_fault *fault)
{
    if (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0)
        return http1_refuse(fault, 400, "The head is not whole.");
    const char *stop = http1_skip_text(head, head + len);
    if (stop[0] != '\r' || stop[1] != '\n')
        return http1_refuse(fault, 400, "A control byte stands in the first line.");
    *out_line = str_from(head, (size_t)(stop - head));
    *out_next = head + out_line->len + 2;
    return 0;
}

int http1_parse_request(char *head, size_t len, struct http1_request *out,
                        struct http1_fault *fault)
{
    struct known k = {0};
    struct str line;
    char *next;
    if (len >= 2 && head[0] == '\r' && head[1] == '\n') {
        head += 2;
        len -= 2;
    }
    int err = read_first_line(head, len, &line, &next, fault);
    if (!err)
        err = read_request_line(line, out, fault);
    if (!err)
        err = read_fields(next, head + len, false, &out->fields, &k, fault);
    return err ? err : settle_request(head, &k, out, fault);
}

/* --- responses */

/* "HTTP/1.1 200 OK"; the reason may be missing with its space. */
static int read_status_line(struct str line, struct http1_response *out, struct http1_fault *fault)
{
    struct str rest = line;
    int err = read_version(str_cut(&rest, ' '), &out->minor, fault);
    if (err)
        return err;
    struct str digits = rest.ptr ? str_cut(&rest, ' ') : rest;
    uint64_t status;
    if (digits.len != 3 || !text_u64(digits, &status) || status < 100 || status > 599)
        return http1_refuse(fault, 400, "The status line has no status.");
    if (status == 101)
        return http1_refuse(fault, 400, "The answer switches protocols, which nobody asked for.");
    out->status = (int)status;
    return 0;
}

/* RFC 9112 6.3: no body whatever the fields say; there, a length would be a trap. */
static bool is_bodiless(int status)
{
    return status < 200 || status == 204;
}

int http1_parse_response(char *head, size_t len, struct http1_response *out,
                         struct http1_fault *fault)
{
    struct known k = {0};
    struct str line;
    char *next;
    int err = read_first_line(head, len, &line, &next, fault);
    if (!err)
        err = read_status_line(line, out, fault);
    if (!err)
        err = read_fields(next, head + len, true, &out->fields, &k, fault);
    if (!err)
        err = read_coding(&k, out->minor, &out->chunked, fault);
    if (!err)
        err = read_length(&k, &out->content_length, fault);
    if (!err && is_bodiless(out->status) && (out->chunked || out->content_length > 0))
        err = http1_refuse(fault, 400, "An answer that has no body declares one.");
    out->keep_alive = keeps_alive(&k, out->minor);
    return err;
}

enum http1_body http1_response_body(const struct http1_response *r, struct str request_method)
{
    bool tunnel = str_eq(request_method, S("CONNECT")) && r->status / 100 == 2;
    if (is_bodiless(r->status) || r->status == 304 || tunnel || str_eq(request_method, S("HEAD")))
        return HTTP1_BODY_NONE;
    if (r->chunked)
        return HTTP1_BODY_CHUNKED;
    return r->content_length >= 0 ? HTTP1_BODY_LENGTH : HTTP1_BODY_UNTIL_CLOSE;
}
