/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1.1 to an origin: one call at a time, the connection kept for the next one when the answer
 * was framed, nothing came behind it, and the request had gone out whole.
 *
 *     (idle) > head, 1xx skipped > body: none, by length, in chunks, until the end > (idle | over)
 *
 * Bytes are read into the thread's one buffer and passed on from there; only a head that comes in
 * pieces is kept. While the sink owes too much, nothing is read.
 */
#include "h1_client.h"

#include "talk.h"
#include "weir/base/mem.h"
#include "weir/wire/http1.h"

#include <stdio.h>
#include <string.h>

struct h1 {
    struct trunk trunk; /* first: a trunk is an h1 */
    struct talk talk;
    uint64_t begin_at; /* the connection's count of bytes before the request */
    struct buf head;   /* of the answer, while it is not whole */
    struct http1_head_scan scan;
    struct http1_chunked chunked;
    enum http1_body body;
    uint64_t left; /* of a body by length */
    unsigned informational;
    bool keep;   /* the connection may be used again after this answer */
    bool paused; /* not reading */
};

static struct h1 *h1_of(struct trunk *k)
{
    return (struct h1 *)(void *)k;
}

static bool has_written(const struct h1 *h)
{
    return conn_written(h->trunk.conn) > h->begin_at;
}

/* --- endings */

/* The connection is over, and so is the call, if there is one. */
static void abandon(struct h1 *h, enum origin_end end, const char *why)
{
    if (h->talk.call) {
        h->trunk.talks--;
        talk_end(&h->talk, end, why);
    }
    origin_bury(&h->trunk);
}

static void lose(struct h1 *h, const char *why)
{
    if (h->talk.call) {
        h->trunk.talks--;
        talk_lost(&h->talk, has_written(h), why);
    }
    origin_bury(&h->trunk);
}

static void finish(struct h1 *h, size_t surplus)
{
    h->trunk.talks--;
    if (h->keep && surplus == 0 && conn_unwritten(h->trunk.conn) == 0)
        origin_offer(&h->trunk, true);
    else
        origin_bury(&h->trunk);
    talk_end(&h->talk, ORIGIN_DONE, "");
}

/* --- the body */

static void take_length(struct h1 *h, struct str in)
{
    size_t part = in.len < h->left ? in.len : (size_t)h->left;
    h->left -= part;
    if (part && !talk_bytes(&h->talk, str_sub(in, 0, part)))
        return;
    if (h->left == 0)
        finish(h, in.len - part);
}

static void take_chunks(struct h1 *h, struct str in)
{
    for (;;) {
        size_t used;
        struct str data;
        struct http1_fault fault;
        int what = http1_chunk_next(&h->chunked, in, &used, &data, &fault);
        if (what < 0) {
            abandon(h, ORIGIN_BAD, fault.sentence);
            return;
        }
        in = str_from_offset(in, used);
        if (what == HTTP1_CHUNK_MORE)
            return;
        if (what == HTTP1_CHUNK_END) {
            finish(h, in.len);
            return;
        }
        if (!talk_bytes(&h->talk, data))
            return;
    }
}

static void take_body(struct h1 *h, struct str in)
{
    switch (h->body) {
    case HTTP1_BODY_NONE:
        finish(h, in.len);
        break;
    case HTTP1_BODY_LENGTH:
        take_length(h, in);
        break;
    case HTTP1_BODY_CHUNKED:
        take_chunks(h, in);
        break;
    case HTTP1_BODY_UNTIL_CLOSE:
        if (in.len)
            (void)talk_bytes(&h->talk, in);
        break;
    }
}

/* --- the head */

/* True when the call goes on. */
static bool take_final(struct h1 *h, struct http1_response *r)
{
    h->body = http1_response_body(r, h->talk.call->method);
    h->keep = r->keep_alive && h->body != HTTP1_BODY_UNTIL_CLOSE;
    h->left = h->body == HTTP1_BODY_LENGTH ? (uint64_t)r->content_length : 0;
    h->chunked = (struct http1_chunked){0};
    int64_t length = h->body == HTTP1_BODY_NONE ? 0 : r->content_length;
    return talk_head(&h->talk, r->status, &r->fields, length);
}

/* One head of `len` bytes. True when more of the answer follows it: another head or the body. */
static bool take_head(struct h1 *h, char *head, size_t len)
{
    struct http1_response r;
    struct http1_fault fault;
    h->scan = (struct http1_head_scan){0};
    if (http1_parse_response(head, len, &r, &fault) < 0) {
        abandon(h, ORIGIN_BAD, fault.sentence);
        return false;
    }
    if (r.status >= 200)
        return take_final(h, &r);
    if (++h->informational <= TALK_1XX_MOST)
        return true;
    abandon(h, ORIGIN_BAD, "There are too many 1xx answers before the final one.");
    return false;
}

/* Every head that is whole in `in`, then what follows the last one. Returns how many bytes of `in`
 * were heads that are done with, when the next one is not whole yet; else in.len. */
static size_t take_heads(struct h1 *h, char *in, size_t n)
{
    size_t at = 0;
    while (at < n) {
        struct http1_fault fault;
        ssize_t len = http1_head_end(&h->scan, str_from(in + at, n - at), true, &fault);
        if (len == 0)
            return at;
        if (len < 0) {
            abandon(h, ORIGIN_BAD, fault.sentence);
            return n;
        }
        if (!take_head(h, in + at, (size_t)len))
            return n;
        at += (size_t)len;
        if (h->talk.head) {
            take_body(h, str_from(in + at, n - at));
            return n;
        }
    }
    return n;
}

static void take(struct h1 *h, char *in, size_t n)
{
    if (h->talk.head) {
        take_body(h, str_from(in, n));
        return;
    }
    if (buf_len(&h->head) == 0) {
        size_t used = take_heads(h, in, n);
        buf_add(&h->head, str_from(in + used, n - used));
        return;
    }
    struct buf whole = h->head; /* ours, also when the talk ends in between */
    h->head = (struct buf){0};
    buf_add(&whole, str_from(in, n));
    buf_consume(&whole, take_heads(h, whole.data + whole.head, buf_len(&whole)));
    if (buf_len(&whole))
        h->head = whole;
    else
        buf_fini(&whole);
}

/* --- reading */

static void at_the_end(struct h1 *h, ssize_t error)
{
    bool in_body = h->talk.call && h->talk.head;
    if (in_body && h->body == HTTP1_BODY_UNTIL_CLOSE && error == ERR_EOF)
        abandon(h, ORIGIN_DONE, "");
    else if (in_body)
        abandon(h, ORIGIN_GONE, "the origin closed the connection inside its answer");
    else if (error == ERR_EOF)
        lose(h, "the origin closed the connection before an answer");
    else
        lose(h, conn_error_text(h->trunk.conn));
}

static size_t room_to_read(const struct h1 *h)
{
    size_t room = TALK_OWED_MOST - h->talk.owed;
    return room < TRUNK_READ ? room : TRUNK_READ;
}

/* False when there is nothing more to read in this turn. */
static bool read_once(struct h1 *h, size_t *share)
{
    size_t room = room_to_read(h);
    h->paused = room == 0;
    if (h->paused) {
        conn_want_read(h->trunk.conn, false);
        return false;
    }
    char *buffer = trunk_read_buffer();
    ssize_t n = conn_read(h->trunk.conn, buffer, room);
    if (n == ERR_AGAIN)
        return false;
    if (n < 0) {
        at_the_end(h, n);
        return false;
    }
    if (!h->talk.call || !has_written(h)) {
        lose(h, "the origin sent bytes that answer nothing");
        return false;
    }
    take(h, buffer, (size_t)n);
    *share -= (size_t)n < *share ? (size_t)n : *share;
    if (!h->talk.call || *share == 0)
        return false;
    return (size_t)n == room || conn_error(h->trunk.conn) != 0;
}

static void read_answer(struct h1 *h)
{
    size_t share = TRUNK_SHARE;
    while (read_once(h, &share))
        continue;
    if (h->talk.call && h->talk.head)
        talk_wait(&h->talk);
}

/* Writing failed. An origin that answers early and closes does that: its answer may be here. */
static void on_broken(struct h1 *h)
{
    read_answer(h);
    if (h->trunk.conn)
        lose(h, conn_error_text(h->trunk.conn));
}

static void on_event(void *arg, enum conn_event event)
{
    struct h1 *h = arg;
    struct origin *o = h->trunk.origin;
    origin_enter(o);
    switch (event) {
    case CONN_OPEN:
        break;
    case CONN_READABLE:
        read_answer(h);
        break;
    case CONN_DRAINED:
        if (conn_unwritten(h->trunk.conn) == 0)
            talk_sent(&h->talk);
        break;
    case CONN_BROKEN:
        on_broken(h);
        break;
    }
    origin_leave(o);
}

/* --- what a trunk can do */

static void h1_start(struct trunk *k, struct origin_call *c)
{
    struct h1 *h = h1_of(k);
    size_t size = talk_body_size(c);
    talk_begin(&h->talk, k, c);
    h->begin_at = conn_written(k->conn) + conn_unwritten(k->conn);
    h->scan = (struct http1_head_scan){0};
    h->informational = 0;
    struct buf *head = conn_write_begin(k->conn);
    http1_add_request_head(head, c->method, c->target, c->authority, c->fields, c->n_fields);
    if (talk_says_length(c, size)) {
        buf_add(head, S("content-length: "));
        buf_add_u64(head, size);
        buf_add(head, S("\r\n"));
    }
    http1_add_blank(head);
    for (size_t i = 0; i < c->n_body && size <= TALK_SMALL; i++)
        buf_add(head, c->body[i]);
    conn_write_done(k->conn);
    for (size_t i = 0; i < c->n_body && size > TALK_SMALL; i++)
        conn_write_borrowed(k->conn, c->body[i]);
    origin_offer(k, false);
}

static void h1_credit(struct talk *t, size_t n)
{
    struct h1 *h = h1_of(t->trunk);
    if (!h->paused || !talk_thirsty(t))
        return;
    h->paused = false;
    conn_want_read(h->trunk.conn, true);
}

/* There is no way to take one call off an HTTP/1 connection. */
static void h1_drop(struct talk *t)
{
    struct h1 *h = h1_of(t->trunk);
    h->trunk.talks--;
    origin_bury(&h->trunk);
}

static void h1_close(struct trunk *k, const char *why)
{
    abandon(h1_of(k), ORIGIN_GONE, why);
}

static void h1_free(struct trunk *k)
{
    struct h1 *h = h1_of(k);
    buf_fini(&h->head);
    mem_free(h);
}

static const struct trunk_ops ops = {
    .start = h1_start,
    .credit = h1_credit,
    .drop = h1_drop,
    .close = h1_close,
    .free = h1_free,
};

struct trunk *h1_client_new(struct origin *o, struct conn *conn)
{
    struct h1 *h = mem_new(sizeof *h);
    h->trunk = (struct trunk){.ops = &ops, .origin = o, .conn = conn};
    list_init(&h->trunk.node);
    conn_owner(conn, on_event, h);
    return &h->trunk;
}
