/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue of what is to be written: spans in order, each either borrowed from the writer or a
 * stretch of one growing buffer of copies, so that many small writes are one piece.
 */
#include "conn_private.h"
#include "weir/base/mem.h"

#include <string.h>

static struct conn_span *add_span(struct conn *c)
{
    if (c->first_span + c->n_spans == c->cap_spans) {
        if (c->first_span) {
            memmove(c->spans, c->spans + c->first_span, c->n_spans * sizeof *c->spans);
        } else {
            c->cap_spans = c->cap_spans ? 2 * c->cap_spans : 4;
            c->spans = mem_grow(c->spans, c->cap_spans * sizeof *c->spans);
        }
        c->first_span = 0;
    }
    struct conn_span *s = &c->spans[c->first_span + c->n_spans++];
    *s = (struct conn_span){0};
    return s;
}

static bool takes_no_more(const struct conn *c)
{
    return c->state == CONN_DEAD || c->closed;
}

void conn_queue_added(struct conn *c, size_t n)
{
    if (takes_no_more(c)) {
        c->copied.tail -= n;
        return;
    }
    struct conn_span *last = c->n_spans ? &c->spans[c->first_span + c->n_spans - 1] : NULL;
    if (!last || last->ptr)
        last = add_span(c);
    last->len += n;
    c->unwritten += n;
}

void conn_queue_room(struct conn *c)
{
    enum { FIRST = 2048 }; /* a head and a small body */
    if (c->copied.cap == 0)
        buf_reserve(&c->copied, FIRST);
}

void conn_queue_add(struct conn *c, struct str bytes, bool copy)
{
    if (bytes.len == 0 || takes_no_more(c))
        return;
    if (copy) {
        conn_queue_room(c);
        buf_add(&c->copied, bytes);
        conn_queue_added(c, bytes.len);
        return;
    }
    *add_span(c) = (struct conn_span){bytes.ptr, bytes.len};
    c->unwritten += bytes.len;
}

size_t conn_queue_gather(const struct conn *c, struct iovec *iov, size_t most)
{
    const char *copied = buf_str(&c->copied).ptr;
    size_t n = 0;
    for (; n < c->n_spans && n < most; n++) {
        const struct conn_span *s = &c->spans[c->first_span + n];
        iov[n] = (struct iovec){(char *)(s->ptr ? s->ptr : copied), s->len};
        if (!s->ptr)
            copied += s->len;
    }
    return n;
}

void conn_queue_drop(struct conn *c, size_t n)
{
    c->written += n;
    c->unwritten -= n;
    while (n) {
        struct conn_span *s = &c->spans[c->first_span];
        size_t part = n < s->len ? n : s->len;
        if (s->ptr)
            s->ptr += part;
        else
            buf_consume(&c->copied, part);
        s->len -= part;
        n -= part;
        if (s->len == 0) {
            c->first_span++;
            c->n_spans--;
        }
    }
    if (c->n_spans == 0)
        c->first_span = 0;
    if (c->unwritten == 0 && c->copied.cap > 1024)
        buf_fini(&c->copied); /* an idle connection is small */
}

void conn_keep_borrowed(struct conn *c)
{
    bool borrowed = false;
    for (size_t i = 0; i < c->n_spans; i++)
        borrowed |= c->spans[c->first_span + i].ptr != NULL;
    if (!borrowed)
        return;
    struct buf all = {0};
    buf_reserve(&all, c->unwritten);
    struct conn_span *s = &c->spans[c->first_span];
    for (size_t i = 0; i < c->n_spans; i++) {
        struct str copied = str_sub(buf_str(&c->copied), 0, s[i].len);
        buf_add(&all, s[i].ptr ? (struct str){s[i].ptr, s[i].len} : copied);
        if (!s[i].ptr)
            buf_consume(&c->copied, s[i].len);
    }
    buf_fini(&c->copied);
    c->copied = all;
    c->first_span = 0;
    c->n_spans = 1;
    c->spans[0] = (struct conn_span){.len = c->unwritten};
}
