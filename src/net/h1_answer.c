/* SPDX-License-Identifier: Apache-2.0
 *
 * The writing half of an HTTP/1 server connection: heads, bodies by length, by chunks or until the
 * connection closes. Small pieces are copied and leave at the end of the turn in one write; large
 * ones are written at once, together with what waits before them.
 */
#include "h1_private.h"
#include "weir/base/limits.h"
#include "weir/base/text.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* From here on copying costs more than a system call of its own. */
enum { LARGE = 8 * 1024 };

static void add_own_fields(struct h1_server *h, bool dated, struct buf *b)
{
    if (h->answer_chunked)
        http1_add_field(b, S("transfer-encoding"), S("chunked"));
    if (!h->keep)
        http1_add_field(b, S("connection"), S("close"));
    else if (h->request.version == FRONT_H1_0)
        http1_add_field(b, S("connection"), S("keep-alive"));
    if (!dated)
        http1_add_field(b, S("date"), front_date());
}

static struct str value_of(const struct field *fields, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(fields[i].name, name))
            return fields[i].value;
    return (struct str){0};
}

/* How the body will be framed; true when our own "content-length: 0" is wanted. */
static bool choose_framing(struct h1_server *h, int status, struct str length, bool end)
{
    h->bodyless = front_bodyless(&h->request, status);
    if (h->bodyless)
        return false; /* a length is of a body that is not sent */
    h->answer_counted = length.ptr && text_u64(length, &h->answer_left);
    if (h->answer_counted || end)
        return !length.ptr;
    h->answer_chunked = h->request.version == FRONT_H1_1;
    if (!h->answer_chunked)
        h->keep = false;
    return false;
}

/* Few connections are left: whoever has its answer makes room. */
static bool crowded(const struct h1_server *h)
{
    const struct server_options *o = &h->o;
    return o->connections && o->most_connections > 0 &&
           atomic_load_explicit(o->connections, memory_order_relaxed) >
               o->most_connections * LIMIT_CROWDED_PERCENT / 100;
}

static void answer(struct front *f, int status, const struct field *fields, size_t n_fields,
                   bool end)
{
    struct h1_server *h = h1_of(f);
    if (h->answered || h->aborted)
        return;
    h->answered = true;
    h1_drop_body(h);
    bool last = h->draining || (h->eof && buf_len(&h->in) == 0);
    h->keep = h->keep && !last && !crowded(h);
    bool add_zero = choose_framing(h, status, value_of(fields, n_fields, S("content-length")), end);
    h->write_seen = conn_written(h->conn);
    h->write_seen_ms = loop_now_ms(h->o.loop);
    struct buf *b = conn_write_begin(h->conn);
    http1_add_response_head(b, status, fields, n_fields);
    if (add_zero)
        http1_add_field(b, S("content-length"), S("0"));
    add_own_fields(h, value_of(fields, n_fields, S("date")).ptr, b);
    http1_add_blank(b);
    conn_write_done(h->conn);
    h1_arm(h, LIMIT_WRITE_STALL_MS);
    if (end)
        f->kind->send(f, S(""), true);
}

static void write_body(struct h1_server *h, struct str bytes)
{
    char line[24];
    int n = h->answer_chunked ? snprintf(line, sizeof line, "%zx\r\n", bytes.len) : 0;
    struct str end = h->answer_chunked ? S("\r\n") : S("");
    conn_write(h->conn, (struct str){line, (size_t)n});
    if (bytes.len < LARGE || conn_unwritten(h->conn) > LARGE) {
        conn_write(h->conn, bytes);
        conn_write(h->conn, end);
        return;
    }
    conn_write_borrowed(h->conn, bytes);
    conn_write(h->conn, end);
    conn_flush(h->conn);
    conn_keep_borrowed(h->conn);
}

/* A body longer or shorter than it was declared would shift the next answer: the client must see
 * this one broken. */
static bool fits_declared(struct h1_server *h, size_t n, bool end)
{
    if (!h->answer_counted)
        return true;
    if (n > h->answer_left)
        return false;
    h->answer_left -= n;
    return !end || h->answer_left == 0;
}

static void send_body(struct front *f, struct str bytes, bool end)
{
    struct h1_server *h = h1_of(f);
    if (h->ended || h->aborted)
        return;
    if (h->bodyless)
        bytes.len = 0;
    if (!fits_declared(h, bytes.len, end)) {
        h1_abort(f);
        return;
    }
    if (bytes.len)
        write_body(h, bytes);
    if (end && h->answer_chunked)
        conn_write(h->conn, S("0\r\n\r\n"));
    h->ended = end;
    if (end && conn_unwritten(h->conn) == 0)
        loop_later(h->o.loop, &h->go_on); /* the conn has nothing to say any more */
    h->full = h->full || conn_unwritten(h->conn) > FRONT_HIGH_MARK;
}

static size_t unsent(const struct front *f)
{
    return conn_unwritten(h1_of(f)->conn);
}

static bool half_closed(const struct front *f)
{
    return h1_of(f)->eof;
}

const struct front_kind h1_front = {
    .take_body = h1_take_body,
    .resume = h1_resume,
    .answer = answer,
    .send = send_body,
    .unsent = unsent,
    .half_closed = half_closed,
    .hold = h1_hold,
    .abort = h1_abort,
    .refuse = h1_abort, /* a connection that closes without a byte says that */
};

void h1_answer_fault(struct h1_server *h, int status, const char *sentence)
{
    struct front_fault fault;
    front_fault_make(&fault, status, sentence);
    struct buf *b = conn_write_begin(h->conn);
    http1_add_response_head(b, status, fault.fields, FRONT_FAULT_FIELDS);
    http1_add_field(b, S("connection"), S("close"));
    http1_add_field(b, S("date"), front_date());
    http1_add_blank(b);
    buf_add(b, (struct str){fault.body, fault.body_len});
    conn_write_done(h->conn);
}

void h1_answer_continue(struct h1_server *h)
{
    conn_write(h->conn, S("HTTP/1.1 100 Continue\r\n\r\n"));
}
