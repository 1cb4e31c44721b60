/* SPDX-License-Identifier: Apache-2.0
 *
 * What requests and responses have in common, read in place: the version, lines to fields, and the
 * fields that decide framing and persistence, each held to one reading. Where RFC 9112 lets a
 * recipient repair a message (folded lines, repeated lengths, bare LF) it is refused instead:
 * repairs are what request smuggling is made of.
 */
#include "http1_parts.h"
#include "weir/base/text.h"

#include <string.h>

enum { LENGTH_DIGITS = 20 };

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

/* The first line of the head; *out_next is where the fields begin. */
int http1_read_first_line(char *head, size_t len, struct str *out_line, char **out_next,
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

/* "HTTP/1.1" and nothing around it. A minor above 1 is read as 1 (RFC 9110 2.5). */
int http1_read_version(struct str v, int *out_minor, struct http1_fault *fault)
{
    if (v.len != 8 || !str_starts(v, S("HTTP/")) || v.ptr[6] != '.' || v.ptr[5] < '0' ||
        v.ptr[5] > '9' || v.ptr[7] < '0' || v.ptr[7] > '9')
        return http1_refuse(fault, 400, "The HTTP version cannot be read.");
    if (v.ptr[5] != '1')
        return http1_refuse(fault, 505, "The HTTP version is not supported.");
    *out_minor = v.ptr[7] == '0' ? 0 : 1;
    return 0;
}

/* What a client may name in Connection. Anything else is an attempt to have a field that a later
 * hop needs taken away. */
static bool is_hop_option(struct str option)
{
    return str_ieq(option, S("upgrade")) || str_ieq(option, S("te")) ||
           str_ieq(option, S("http2-settings"));
}

static void note_connection(struct http1_known *k, struct str value)
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

static void note_field(struct http1_known *k, const struct field *f)
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
int http1_read_fields(char *p, const char *end, bool response, struct fields *out,
                      struct http1_known *k, struct http1_fault *fault)
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

/* One Content-Length, digits only. */
int http1_read_length(const struct http1_known *k, int64_t *out, struct http1_fault *fault)
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

int http1_read_coding(const struct http1_known *k, int minor, bool *out, struct http1_fault *fault)
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

bool http1_keeps_alive(const struct http1_known *k, int minor)
{
    return !k->close && (minor == 1 || k->keep_alive);
}
