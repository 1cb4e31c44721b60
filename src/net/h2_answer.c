/* SPDX-License-Identifier: Apache-2.0
 *
 * The writing half of an HTTP/2 server connection. Each stream has a buffer of its own, from which
 * nghttp2 takes as much as the client's windows allow; a slow client fills that buffer and stalls
 * nobody else. The frames of all streams share the conn's queue, which is kept short, so that a
 * stream with little to say does not wait behind one with much.
 */
#include "h2_private.h"
#include "weir/base/limits.h"
#include "weir/wire/http1.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
    SEND_PER_TURN = 256 * 1024,
    LARGE = 8 * 1024, /* from here on bytes are not copied when the socket takes them */
    MOST_FIELDS = 160 /* an origin's 100 and what is added on the way */
};

static size_t waiting(const struct h2_stream *s)
{
    return buf_len(&s->out) + s->direct.len;
}

/* --- what nghttp2 asks for */

static ssize_t read_answer(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
                           uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    struct h2_stream *s = source->ptr;
    size_t have = waiting(s), n = have < length ? have : length;
    if (n == 0 && !s->ended)
        return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (s->ended && n == have)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static void write_part(struct h2_server *h, struct str bytes)
{
    if (bytes.len < LARGE) {
        conn_write(h->conn, bytes);
        return;
    }
    conn_write_borrowed(h->conn, bytes);
    h->lent = true;
}

static int send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
                     size_t length, nghttp2_data_source *source, void *arg)
{
    enum { FRAME_HEAD = 9 };
    struct h2_server *h = arg;
    struct h2_stream *s = source->ptr;
    assert(frame->data.padlen == 0); /* we select none */
    if (conn_unwritten(h->conn) >= h->queue_most)
        return NGHTTP2_ERR_WOULDBLOCK; /* mem_send goes from frame to frame without coming back */
    conn_write(h->conn, (struct str){(const char *)head, FRAME_HEAD});
    struct str buffered = str_sub(buf_str(&s->out), 0, length);
    struct str direct = str_sub(s->direct, 0, length - buffered.len);
    write_part(h, buffered);
    write_part(h, direct);
    if (buffered.len)
        buf_consume(&s->out, buffered.len); /* its memory stays until something is added */
    s->direct = str_from_offset(s->direct, direct.len);
    s->sent_ms = loop_now_ms(h->o.loop);
    glitch_earn(&h->watch.glitch, GLITCH_WINDOW_UPDATE, 2);
    return 0;
}

/* The last frame of an answer is in the queue. A client that has not sent all of its request need
 * not bother (RFC 9113 8.1); but it is told only after it had time to read the answer, since some
 * (Node's) lose what came just before a reset. */
static void end_sent(struct h2_server *h, struct h2_stream *s)
{
    s->end_sent = true;
    s->done_at = conn_written(h->conn) + conn_unwritten(h->conn);
    if (s->remote_ended)
        return;
    s->reset_at_ms = loop_now_ms(h->o.loop) + LIMIT_UNREAD_BODY_MS;
    h2_arm(h, LIMIT_UNREAD_BODY_MS);
}

static bool is_peers_fault(const struct h2_stream *s, uint32_t code)
{
    return code != NGHTTP2_NO_ERROR && !(s && s->own_reset);
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2_server *h = arg;
    struct h2_stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    bool may_end = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    if (s && may_end && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        end_sent(h, s);
    if (frame->hd.type == NGHTTP2_RST_STREAM && is_peers_fault(s, frame->rst_stream.error_code))
        h2_charge(h, GLITCH_FAULT);
    return 0;
}

void h2_set_answer_callbacks(nghttp2_session_callbacks *calls)
{
    nghttp2_session_callbacks_set_send_data_callback(calls, send_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(calls, on_frame_send);
}

/* Fills the conn's queue; true when it became full. */
static bool fill(struct h2_server *h)
{
    const uint8_t *bytes;
    ssize_t n;
    h->inside = true;
    while (!h->end_code && conn_unwritten(h->conn) < h->queue_most &&
           (n = nghttp2_session_mem_send(h->session, &bytes)) > 0)
        conn_write(h->conn, (struct str){(const char *)bytes, (size_t)n});
    h->inside = false;
    return !h->end_code && conn_unwritten(h->conn) >= h->queue_most;
}

void h2_send(struct h2_server *h)
{
    assert(!h->inside);
    uint64_t start = conn_written(h->conn);
    bool more = true;
    while (more && conn_unwritten(h->conn) < h->queue_most &&
           conn_written(h->conn) - start < SEND_PER_TURN) {
        more = fill(h);
        if (!h->lent)
            break; /* small: leaves at the end of the turn */
        conn_flush(h->conn);
        conn_keep_borrowed(h->conn);
        h->lent = false;
    }
}

/* --- the front's calls */

static nghttp2_nv nv(struct str name, struct str value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name.ptr, (uint8_t *)(uintptr_t)value.ptr, name.len,
                        value.len, NGHTTP2_NV_FLAG_NONE};
}

static size_t make_head(nghttp2_nv *out, char status_text[4], int status,
                        const struct field *fields, size_t n)
{
    size_t k = 0;
    bool dated = false;
    snprintf(status_text, 4, "%03d", status);
    out[k++] = nv(S(":status"), (struct str){status_text, 3});
    for (size_t i = 0; i < n; i++) {
        dated |= str_eq(fields[i].name, S("date"));
        if (fields_name_ok(fields[i].name) && fields_value_ok(fields[i].value))
            out[k++] = nv(fields[i].name, fields[i].value);
    }
    if (!dated)
        out[k++] = nv(S("date"), front_date());
    return k;
}

static void answer(struct front *f, int status, const struct field *fields, size_t n_fields,
                   bool end)
{
    struct h2_stream *s = h2_of(f);
    struct h2_server *h = s->h;
    char status_text[4];
    nghttp2_nv head[MOST_FIELDS + 2]; /* and :status and date */
    if (s->answered)
        return;
    assert(n_fields <= MOST_FIELDS && status >= 200 && status <= 999);
    s->answered = true;
    s->ended = end;
    s->bodyless = front_bodyless(&s->request, status);
    h2_drop_body(s);
    size_t n = make_head(head, status_text, status, fields, n_fields);
    nghttp2_data_provider body = {.source.ptr = s, .read_callback = read_answer};
    s->sent_ms = loop_now_ms(h->o.loop);
    if (nghttp2_submit_response(h->session, s->id, head, n, end ? NULL : &body) != 0)
        h2_reset(s, NGHTTP2_INTERNAL_ERROR);
    h2_work_later(h);
    h2_arm(h, LIMIT_WRITE_STALL_MS);
}

/* A large piece, when nothing waits before it: frames that lie in the caller's memory, one system
 * call, and a copy only of what is left. */
static void send_at_once(struct h2_stream *s, struct str bytes)
{
    struct h2_server *h = s->h;
    s->direct = bytes;
    h2_send(h);
    buf_add(&s->out, s->direct);
    s->direct = (struct str){0};
}

static void send_body(struct front *f, struct str bytes, bool end)
{
    struct h2_stream *s = h2_of(f);
    struct h2_server *h = s->h;
    if (!s->answered || s->ended || h->end_code)
        return;
    s->ended = end;
    if (s->bodyless)
        bytes.len = 0;
    if (bytes.len == 0 && !end)
        return;
    (void)nghttp2_session_resume_data(h->session, s->id); /* fails when it is not deferred: fine */
    if (bytes.len >= LARGE && !h->inside && conn_unwritten(h->conn) < LARGE)
        send_at_once(s, bytes);
    else
        buf_add(&s->out, bytes);
    s->full = s->full || waiting(s) > FRONT_HIGH_MARK;
    h2_work_later(h);
}

static size_t unsent(const struct front *f)
{
    return waiting(h2_of(f));
}

void h2_reset(struct h2_stream *s, uint32_t code)
{
    s->own_reset = true;
    (void)nghttp2_submit_rst_stream(s->h->session, NGHTTP2_FLAG_NONE, s->id, code);
    h2_work_later(s->h);
}

void h2_hold(struct front *f, bool on)
{
    struct h2_stream *s = h2_of(f);
    if (s->held != on)
        conn_hold(s->h->conn, on);
    s->held = on;
}

static void give_up(struct h2_stream *s, uint32_t code)
{
    s->answered = s->ended = true;
    h2_drop_body(s);
    h2_reset(s, code);
}

static void abort_stream(struct front *f)
{
    give_up(h2_of(f), NGHTTP2_INTERNAL_ERROR);
}

static void refuse_stream(struct front *f)
{
    give_up(h2_of(f), NGHTTP2_REFUSED_STREAM);
}

/* A stream that ended is how every request ends here. */
static bool half_closed(const struct front *f)
{
    return false;
}

const struct front_kind h2_front = {
    .take_body = h2_take_body,
    .resume = h2_resume,
    .answer = answer,
    .send = send_body,
    .unsent = unsent,
    .half_closed = half_closed,
    .hold = h2_hold,
    .abort = abort_stream,
    .refuse = refuse_stream,
};

/* --- what the protocol says by itself */

void h2_answer_fault(struct h2_stream *s, struct h2_fault fault)
{
    struct front_fault words;
    const struct server_options *o = &s->h->o;
    const struct front_refusal r = {FRONT_H2, conn_peer_addr(s->h->conn), fault.status,
                                    fault.sentence};
    if (o->sink->on_refused)
        o->sink->on_refused(o->owner, s->busy ? s->ex : NULL, &r);
    front_fault_make(&words, fault.status, fault.sentence);
    answer(&s->front, fault.status, words.fields, FRONT_FAULT_FIELDS, false);
    send_body(&s->front, (struct str){words.body, words.body_len}, true);
}

void h2_answer_continue(struct h2_stream *s)
{
    nghttp2_nv head = nv(S(":status"), S("100"));
    (void)nghttp2_submit_headers(s->h->session, NGHTTP2_FLAG_NONE, s->id, NULL, &head, 1, NULL);
    h2_work_later(s->h);
}
