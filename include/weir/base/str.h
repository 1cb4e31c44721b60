/* SPDX-License-Identifier: Apache-2.0
 *
 * A string that somebody else owns: pointer and length, no terminator, any byte allowed.
 * Whoever stores one says in a comment from whom it is borrowed. Nothing here allocates. What a
 * request asks hundreds of times is written here, so that a wrong length costs no call.
 */
#ifndef WEIR_BASE_STR_H
#define WEIR_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *ptr; /* borrowed */
    size_t len;
};

/* A str over a string literal, also usable in static tables. */
/* clang-format off */
#define STR(lit)    {(lit), sizeof(lit) - 1}
#define S(lit)      ((struct str)STR(lit))
/* For printf: printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s)  (int)(s).len, (s).ptr
/* clang-format on */

/* Over a C string (NULL gives the empty str), and over bytes. */
struct str str_of(const char *c);
static inline struct str str_from(const char *ptr, size_t len)
{
    return (struct str){ptr, len};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
/* Equal without regard to ASCII case. */
bool str_ieq(struct str a, struct str b);
static inline bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}
bool str_istarts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* memcmp order, the shorter first. */
int str_cmp(struct str a, struct str b);

/* Offset of the first `ch` or of the first `needle`; -1 when there is none. */
ptrdiff_t str_chr(struct str s, char ch);
ptrdiff_t str_find(struct str s, struct str needle);

/* From `start` on; `start` past the end gives the empty str. */
static inline struct str str_from_offset(struct str s, size_t start)
{
    if (start >= s.len)
        return (struct str){s.ptr ? s.ptr + s.len : NULL, 0};
    return (struct str){s.ptr + start, s.len - start};
}
/* At most `len` bytes from `start`. */
static inline struct str str_sub(struct str s, size_t start, size_t len)
{
    struct str tail = str_from_offset(s, start);
    if (tail.len > len)
        tail.len = len;
    return tail;
}
/* Without leading and trailing spaces and tabs. */
struct str str_trim(struct str s);
/* Takes off what stands before the first `sep` and returns it; *rest goes on behind the `sep`.
 * Without a `sep` the whole is returned and *rest becomes empty with ptr NULL. */
struct str str_cut(struct str *rest, char sep);

#endif
