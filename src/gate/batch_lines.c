/* SPDX-License-Identifier: Apache-2.0
 *
 * Only new bytes are looked through for newlines. A line that is too long is dropped when nothing
 * stands before it, so that `at` is always a place in the stream that is told by counting.
 */
#include "batch_lines.h"

#include <string.h>

void batch_lines_init(struct batch_lines *l, uint64_t at, size_t most)
{
    *l = (struct batch_lines){.at = at, .most = most};
}

void batch_lines_fini(struct batch_lines *l)
{
    buf_fini(&l->in);
}

bool batch_lines_stuck(const struct batch_lines *l)
{
    return buf_len(&l->in) - l->whole > l->most;
}

static void drop(struct batch_lines *l)
{
    if (l->whole || !batch_lines_stuck(l))
        return;
    l->at += buf_len(&l->in);
    buf_clear(&l->in);
    l->dropping = true;
    l->dropped++;
}

/* What belongs to the line that is dropped; its newline, too. */
static void skip(struct batch_lines *l, struct str *bytes)
{
    ptrdiff_t end = str_chr(*bytes, '\n');
    size_t n = end < 0 ? bytes->len : (size_t)end + 1;
    l->at += n;
    l->dropping = end < 0;
    *bytes = str_from_offset(*bytes, n);
}

static void count(struct batch_lines *l, size_t from)
{
    struct str in = buf_str(&l->in);
    const char *end = in.ptr + in.len, *p = in.ptr + from;
    while ((p = memchr(p, '\n', (size_t)(end - p)))) {
        p++;
        l->n++;
        l->whole = (size_t)(p - in.ptr);
    }
}

void batch_lines_add(struct batch_lines *l, struct str bytes)
{
    if (l->dropping)
        skip(l, &bytes);
    if (bytes.len == 0)
        return;
    size_t before = buf_len(&l->in);
    buf_add(&l->in, bytes);
    count(l, before);
    drop(l);
}

void batch_lines_end(struct batch_lines *l)
{
    l->unended = !l->dropping && buf_len(&l->in) > l->whole;
    if (l->unended)
        batch_lines_add(l, S("\n"));
}

bool batch_lines_next(struct batch_lines *l, struct str *out)
{
    if (l->n == 0)
        return false;
    struct str in = buf_str(&l->in);
    size_t len = (size_t)str_chr(in, '\n');
    *out = str_sub(in, 0, len);
    buf_consume(&l->in, len + 1);
    l->whole -= len + 1;
    l->n--;
    l->at += len + !(l->unended && l->n == 0);
    drop(l);
    return true;
}
