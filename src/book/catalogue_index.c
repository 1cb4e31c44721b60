/* SPDX-License-Identifier: Apache-2.0
 *
 * The names are sorted, and each knows the longest other one that it begins with. All names that an
 * id begins with lie at or before its place in that order, on the way up from the nearest one:
 *
 *     a.claude-*  <--  a.claude-opus-*  <--  a.claude-opus-5
 *                                       <--  a.claude-opus-6      a.claude-opus-5-1: from here up
 */
#include "catalogue_index.h"

#include "weir/base/buf.h"
#include "weir/base/text.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const struct catalogue_name *x = a, *y = b;
    int order = str_cmp(x->start, y->start);
    return order ? order : (int)y->family - (int)x->family;
}

void catalogue_index_sort(struct catalogue_index *x)
{
    if (x->n)
        qsort(x->at, x->n, sizeof *x->at, compare);
    for (size_t i = 0; i < x->n; i++) {
        const struct catalogue_name *up = i ? &x->at[i - 1] : NULL;
        while (up && !str_starts(x->at[i].start, up->start))
            up = up->up;
        x->at[i].up = up;
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits(struct str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.len && is_digit(s.ptr[at + n]))
        n++;
    return n;
}

/* "-20251101", then "-v1" or the "-1" of "-1:0", then ":0", ":300k": each may be missing. */
static bool is_version(struct str s)
{
    size_t at = 0, n;
    if (s.len && s.ptr[0] == '-' && digits(s, 1) == 8)
        at = 9;
    if (at + 1 < s.len && s.ptr[at] == '-') {
        bool v = s.ptr[at + 1] == 'v';
        n = digits(s, at + 1 + v);
        if (n == 0 || (!v && (at + 1 + n == s.len || s.ptr[at + 1 + n] != ':')))
            return false;
        at += 1 + v + n;
    }
    while (at < s.len && s.ptr[at] == ':' && (n = digits(s, at + 1)) > 0) {
        at += 1 + n;
        at += at < s.len && s.ptr[at] == 'k';
    }
    return at == s.len;
}

static bool fits(const struct catalogue_name *name, struct str id)
{
    return str_starts(id, name->start) &&
           (name->family || is_version(str_from_offset(id, name->start.len)));
}

const struct catalogue_name *catalogue_index_find(const struct catalogue_index *x, struct str id)
{
    size_t low = 0, high = x->n; /* names before low are at most id; from high on they are above */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_cmp(x->at[middle].start, id) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    const struct catalogue_name *name = low ? &x->at[low - 1] : NULL;
    while (name && !fits(name, id))
        name = name->up;
    return name;
}

/* --- patterns */

static bool is_of_version(char c)
{
    return is_digit(c) || c == '-' || c == ':' || c == 'v' || c == 'k' || c == '*';
}

/* Where a star is near, what it stands for may be some of the version. */
static bool may_be_version(struct str before, struct str rest)
{
    return str_ends(before, S("*")) || str_chr(rest, '*') >= 0 || is_version(rest);
}

/* Name and version have no border in a pattern: "a.claude-4*", "a.claude-4-2025*", "*-v1:0". */
static bool means(struct str pattern, struct str name)
{
    for (size_t at = pattern.len;; at--) {
        struct str before = str_sub(pattern, 0, at);
        if (may_be_version(before, str_from_offset(pattern, at)) && text_matches(before, name))
            return true;
        if (at == 0 || !is_of_version(pattern.ptr[at - 1]))
            return false;
    }
}

bool catalogue_index_meets(const struct catalogue_index *x, struct str head, struct str pattern)
{
    bool met = false, star = str_chr(pattern, '*') >= 0;
    struct buf name = {0};
    for (size_t i = 0; i < x->n && !met; i++) {
        buf_clear(&name);
        buf_add(&name, head);
        buf_add(&name, x->at[i].start);
        met = x->at[i].family ? star && text_matches(pattern, buf_str(&name))
                              : means(pattern, buf_str(&name));
    }
    buf_fini(&name);
    return met;
}
