/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings that somebody else owns. Every function is a few lines over memcmp and memchr; none
 * reads past `len`, none keeps a pointer.
 */
#include "weir/base/str.h"

#include <string.h>

struct str str_of(const char *c)
{
    return (struct str){c, c ? strlen(c) : 0};
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

bool str_ieq(struct str a, struct str b)
{
    return a.len == b.len && str_istarts(a, b);
}

bool str_istarts(struct str s, struct str prefix)
{
    if (s.len < prefix.len)
        return false;
    for (size_t i = 0; i < prefix.len; i++)
        if (lower(s.ptr[i]) != lower(prefix.ptr[i]))
            return false;
    return true;
}

bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq(str_from_offset(s, s.len - suffix.len), suffix);
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
    if (order)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

ptrdiff_t str_chr(struct str s, char ch)
{
    const char *at = s.len ? memchr(s.ptr, ch, s.len) : NULL;
    return at ? at - s.ptr : -1;
}

ptrdiff_t str_find(struct str s, struct str needle)
{
    if (needle.len == 0)
        return 0;
    const char *at = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
    return at ? at - s.ptr : -1;
}

struct str str_trim(struct str s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s.ptr++;
        s.len--;
    }
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

struct str str_cut(struct str *rest, char sep)
{
    struct str whole = *rest;
    ptrdiff_t at = str_chr(whole, sep);
    if (at < 0) {
        *rest = (struct str){NULL, 0};
        return whole;
    }
    *rest = (struct str){whole.ptr + at + 1, whole.len - (size_t)at - 1};
    return (struct str){whole.ptr, (size_t)at};
}
