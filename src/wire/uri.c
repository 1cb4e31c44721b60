/* SPDX-License-Identifier: Apache-2.0
 *
 * One walk over the raw path decides whether it may go on. It decodes as it goes, only to look:
 *
 *     dots   how many dots stand alone since the last boundary; -1 once something else did
 *     utf8   what the next continuation byte must be
 *
 * Nothing is normalised. What would need it is refused.
 */
#include "weir/wire/uri.h"

#include <string.h>

void uri_split(struct str target, struct str *out_path, struct str *out_query)
{
    struct str rest = target;
    *out_path = str_cut(&rest, '?');
    *out_query = rest;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that an escape at the front of s stands for, -1 when it is not one. */
static int escaped(struct str s)
{
    if (s.len < 3)
        return -1;
    int high = hex_digit(s.ptr[1]), low = hex_digit(s.ptr[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool is_control(int c)
{
    return c < 0x20 || c == 0x7f;
}

/* The continuation bytes that a UTF-8 sequence still needs, and the range of the next (RFC 3629:
 * the second byte's range is what keeps overlong forms and surrogates out). */
struct utf8 {
    int left;
    int low, high;
};

static bool utf8_take(struct utf8 *u, int c)
{
    if (u->left) {
        bool fits = c >= u->low && c <= u->high;
        *u = (struct utf8){u->left - 1, 0x80, 0xbf};
        return fits;
    }
    if (c < 0x80)
        return true;
    if (c < 0xc2 || c > 0xf4)
        return false;
    u->left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    u->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    u->high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    return true;
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '-';
}

static bool is_raw_path_byte(char c)
{
    return c > 0x20 && c < 0x7f && c != '\\' && c != '#' && c != '?';
}

/* False where a segment of one or two dots alone ends. */
static bool dots_take(int *dots, int c)
{
    if (c == '/' || c == ';') {
        bool alone = *dots == 1 || *dots == 2;
        *dots = c == '/' ? 0 : -1;
        return !alone;
    }
    *dots = c == '.' && *dots >= 0 ? *dots + 1 : -1;
    return true;
}

int uri_check_path(struct str path)
{
    struct utf8 utf8 = {0};
    int dots = 0;
    if (path.len == 0 || path.ptr[0] != '/')
        return ERR_BAD;
    for (size_t i = 0; i < path.len; i++) {
        int c = (unsigned char)path.ptr[i];
        if (is_word_byte((char)c) && !utf8.left) { /* nearly all of them */
            dots = -1;
            continue;
        }
        if (!is_raw_path_byte((char)c))
            return ERR_BAD;
        if (c == '%') {
            c = escaped(str_from_offset(path, i));
            i += 2;
        }
        if (is_control(c) || c == '\\' || !utf8_take(&utf8, c) || !dots_take(&dots, c))
            return ERR_BAD;
    }
    return utf8.left == 0 && dots_take(&dots, '/') ? 0 : ERR_BAD;
}

ssize_t uri_decode_segment(struct str segment, char *out, size_t room)
{
    size_t n = 0;
    while (segment.len) {
        bool escape = segment.ptr[0] == '%';
        int c = escape ? escaped(segment) : (unsigned char)segment.ptr[0];
        if (is_control(c))
            return ERR_BAD;
        if (n == room)
            return ERR_TOO_BIG;
        out[n++] = (char)c;
        segment = str_from_offset(segment, escape ? 3 : 1);
    }
    return (ssize_t)n;
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void uri_encode_segment(struct buf *b, struct str raw)
{
    static const char hex[] = "0123456789ABCDEF";
    while (raw.len) {
        size_t plain = 0;
        while (plain < raw.len && is_unreserved(raw.ptr[plain]))
            plain++;
        buf_add(b, str_sub(raw, 0, plain));
        if (plain == raw.len)
            return;
        unsigned char c = (unsigned char)raw.ptr[plain];
        buf_add(b, (struct str){(char[]){'%', hex[c >> 4], hex[c & 15]}, 3});
        raw = str_from_offset(raw, plain + 1);
    }
}

bool uri_next_param(struct str *rest, struct str *out_name, struct str *out_value)
{
    while (rest->ptr) {
        struct str pair = str_cut(rest, '&');
        if (pair.len == 0)
            continue;
        *out_name = str_cut(&pair, '=');
        *out_value = pair;
        return true;
    }
    return false;
}
