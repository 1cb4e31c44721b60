/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing byte buffer as three positions:
 *
 *     data ......... head ########## tail .......... cap
 *                    ^ read here     ^ write here
 *
 * Zero-initialised is empty and valid. With `max` set, what would grow past it is dropped and
 * `overflow` sticks: write as much as you like, check once.
 */
#ifndef WEIR_BASE_BUF_H
#define WEIR_BASE_BUF_H

#include "weir/base/str.h"

struct buf {
    char *data;
    size_t head, tail, cap;
    size_t max; /* largest readable length; 0: no limit */
    bool overflow;
};

void buf_fini(struct buf *b); /* frees and zeroes, keeps max */

static inline size_t buf_len(const struct buf *b)
{
    return b->tail - b->head;
}

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->data ? b->data + b->head : NULL, b->tail - b->head};
}

/* Room for `n` more bytes behind the readable ones; NULL when max forbids (overflow is set).
 * buf_commit makes `n` of them readable. */
char *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);

void buf_add(struct buf *b, struct str s);
void buf_add_char(struct buf *b, char c);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_add_u64(struct buf *b, uint64_t n);

/* Drops `n` readable bytes from the front. */
void buf_consume(struct buf *b, size_t n);
/* Empties it and keeps the memory. */
void buf_clear(struct buf *b);

/* A NUL behind the readable bytes, not counted; the C string is borrowed until the next write. */
const char *buf_cstr(struct buf *b);

#endif
