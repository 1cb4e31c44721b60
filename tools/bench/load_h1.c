/* SPDX-License-Identifier: Apache-2.0
 *
 * The load's HTTP/1.1: one call at a time on a connection, head and body in one write where the
 * socket takes them, the answer read through wire/http1.
 */
#include "load.h"

#include <errno.h>
#include <sys/uio.h>

static struct buf head;

void h1_prepare(void)
{
    buf_addf(&head,
             "POST %.*s HTTP/1.1\r\nhost: 127.0.0.1:%d\r\ncontent-type: application/json\r\n"
             "content-length: %zu\r\naccept: */*\r\n",
             STR_ARG(want.path), want.port, want.body.len);
    if (want.token.len)
        buf_addf(&head, "authorization: Bearer %.*s\r\n", STR_ARG(want.token));
    buf_add(&head, S("\r\n"));
}

void h1_begin(struct conn *c)
{
    c->sent = c->left = 0;
    c->head_read = false;
    c->scan = (struct http1_head_scan){0};
    c->chunks = (struct http1_chunked){0};
    buf_clear(&c->in);
}

bool h1_write(struct conn *c)
{
    struct str line = buf_str(&head);
    while (c->open_calls > 0 && c->sent < line.len + want.body.len) {
        struct str a = str_from_offset(line, c->sent);
        struct str b = str_from_offset(want.body, c->sent > line.len ? c->sent - line.len : 0);
        struct iovec pieces[] = {{(char *)(uintptr_t)a.ptr, a.len},
                                 {(char *)(uintptr_t)b.ptr, b.len}};
        ssize_t n = writev(c->fd, pieces, 2);
        if (n < 0)
            return errno == EAGAIN;
        c->sent += (size_t)n;
    }
    return true;
}

/* 1: the answer is whole; 0: more is needed; negative: it is broken. */
static int h1_read_body(struct conn *c)
{
    struct http1_fault fault;
    if (!c->answer.chunked) {
        uint64_t n = buf_len(&c->in) < c->left ? buf_len(&c->in) : c->left;
        if (n > 0)
            call_first(&c->call[0]);
        buf_consume(&c->in, (size_t)n);
        c->left -= n;
        return c->left == 0;
    }
    for (;;) {
        size_t used;
        struct str data;
        int what = http1_chunk_next(&c->chunks, buf_str(&c->in), &used, &data, &fault);
        buf_consume(&c->in, what < 0 ? 0 : used);
        if (what == HTTP1_CHUNK_DATA)
            call_first(&c->call[0]);
        else
            return what == HTTP1_CHUNK_MORE ? 0 : what == HTTP1_CHUNK_END ? 1 : what;
    }
}

static int h1_read_answer(struct conn *c)
{
    struct http1_fault fault;
    if (c->head_read)
        return h1_read_body(c);
    ssize_t len = http1_head_end(&c->scan, buf_str(&c->in), true, &fault);
    if (len <= 0)
        return (int)len;
    if (http1_parse_response(c->in.data + c->in.head, (size_t)len, &c->answer, &fault) != 0 ||
        (c->answer.status != 200 && !want.shed) ||
        (!c->answer.chunked && c->answer.content_length < 0))
        return ERR_BAD;
    buf_consume(&c->in, (size_t)len);
    c->alive = c->answer.keep_alive;
    c->call[0].refused = c->answer.status != 200;
    c->left = c->answer.chunked ? 0 : (uint64_t)c->answer.content_length;
    c->head_read = true;
    return h1_read_body(c);
}

bool h1_bytes(struct conn *c, struct str bytes)
{
    if (c->open_calls == 0)
        return false;
    buf_add(&c->in, bytes);
    int how = h1_read_answer(c);
    if (how > 0)
        call_end(&c->call[0], true, NULL);
    return how >= 0;
}
