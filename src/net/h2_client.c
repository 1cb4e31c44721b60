/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/2 to an origin: many calls on one connection. nghttp2 keeps the rules of the protocol; here
 * its events become the talks' events.
 *
 * What nghttp2 wants to send is fetched once, at the end of the turn, so that all calls of a turn
 * leave in one write. What a request becomes on its way out is in h2_client_send.c.
 *
 * Windows: the connection's is credited when bytes arrive, each stream's when its sink took them.
 * So a slow sink stops its own stream and no other.
 *
 *     submitted --begun--> head --> bytes ... --> (END_STREAM) over --> closed by nghttp2, spare
 */
#include "h2_client.h"

#include "h2_client_private.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"

#include <assert.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>

enum {
    CONNECTION_WINDOW = 16 * 1024 * 1024, /* it is credited at once: only a round trip's worth */
    STREAMS_MOST = 1000,                  /* where the origin sets no limit */
    PING_ANSWER_MS = 10 * 1000,
    HEAD_MOST = 2 * FIELDS_BYTES /* a client's, what Weir adds, and nghttp2's cautious estimate */
};

static struct h2 *h2_of(struct trunk *k)
{
    return (struct h2 *)(void *)k;
}

static struct h2_stream *stream_of(struct talk *t)
{
    return (struct h2_stream *)(void *)t;
}

/* nghttp2 must not be asked again once the connection is over: a callback may have seen to that. */
static int verdict(const struct h2 *h)
{
    return h->trunk.conn ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static void kick(struct h2 *h)
{
    if (h->trunk.conn)
        loop_later(origin_loop(h->trunk.origin), &h->flush);
}

/* Before its SETTINGS came the origin is believed to allow what it allowed before. */
static unsigned most_streams(const struct h2 *h)
{
    if (!h->settings)
        return origin_streams(h->trunk.origin);
    uint32_t most =
        nghttp2_session_get_remote_settings(h->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    return most < STREAMS_MOST ? most : STREAMS_MOST;
}

static bool has_room(const struct h2 *h)
{
    return !h->trunk.leaving && h->trunk.talks < most_streams(h) &&
           nghttp2_session_check_request_allowed(h->session);
}

/* --- streams */

static struct h2_stream *take_stream(struct h2 *h)
{
    struct list *node = list_take(&h->spare);
    struct h2_stream *s = node ? LIST_OF(node, struct h2_stream, node) : mem_new(sizeof *s);
    *s = (struct h2_stream){0};
    list_init(&s->node);
    list_init(&s->unsent);
    list_append(&h->streams, &s->node);
    return s;
}

static void put_stream(struct h2 *h, struct h2_stream *s)
{
    list_remove(&s->unsent);
    list_remove(&s->node);
    list_append(&h->spare, &s->node);
    h->trunk.talks--;
}

static void end_stream(struct h2 *h, struct h2_stream *s, enum origin_end end, const char *why)
{
    h2_let_go(h, s);
    talk_end(&s->talk, end, why);
}

static void reset(struct h2 *h, struct h2_stream *s, uint32_t code)
{
    nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, s->id, code);
    kick(h);
}

/* --- the end of the connection */

/* Every call on it ends: with `end`, or as unsent when no byte of it had left. */
static void end_all(struct h2 *h, uint64_t written, enum origin_end end, const char *why)
{
    struct list *node;
    while ((node = list_take(&h->streams))) {
        struct h2_stream *s = LIST_OF(node, struct h2_stream, node);
        bool sent = s->begun && written > s->begin_at;
        put_stream(h, s);
        if (!s->talk.call)
            continue;
        if (sent)
            talk_end(&s->talk, end, why);
        else
            talk_lost(&s->talk, false, why);
    }
}

static void over(struct h2 *h, enum origin_end end, const char *reason)
{
    if (h->trunk.buried)
        return;
    uint64_t written = conn_written(h->trunk.conn);
    char why[200];
    snprintf(why, sizeof why, "%s", reason); /* it may be the connection's */
    later_cancel(&h->flush);
    timer_stop(&h->ping);
    origin_bury(&h->trunk);
    end_all(h, written, end, why);
}

/* Like over, but what is queued (our GOAWAY) still leaves. What the calls lent is copied first. */
static void part(struct h2 *h, enum origin_end end, const char *why)
{
    struct conn *conn = h->trunk.conn;
    conn_keep_borrowed(conn);
    conn_finish(conn);
    h->trunk.conn = NULL;
    later_cancel(&h->flush);
    timer_stop(&h->ping);
    origin_bury(&h->trunk);
    end_all(h, UINT64_MAX, end, why);
}

/* --- sending */

/* Only while the queue has room: what an origin makes us answer, and does not read, stays in the
 * session, where nghttp2 calls it a flood in time. CONN_DRAINED brings us back. */
static void fetch(struct h2 *h)
{
    const uint8_t *bytes;
    ssize_t n = 0;
    while (conn_unwritten(h->trunk.conn) < H2_QUEUE_MOST &&
           (n = nghttp2_session_mem_send(h->session, &bytes)) > 0)
        conn_write(h->trunk.conn, str_from((const char *)bytes, (size_t)n));
    if (n < 0 && h->trunk.conn)
        over(h, ORIGIN_GONE, nghttp2_strerror((int)n));
}

/* After whatever may have changed the session. */
static void settle(struct h2 *h)
{
    if (!h->trunk.conn)
        return;
    if (h->trunk.leaving && h->trunk.talks == 0)
        over(h, ORIGIN_GONE, "the origin closes this connection");
    else
        origin_offer(&h->trunk, has_room(h));
}

static void on_flush(void *arg)
{
    struct h2 *h = arg;
    struct origin *o = h->trunk.origin;
    origin_enter(o);
    fetch(h);
    if (h->trunk.conn && !nghttp2_session_want_read(h->session) &&
        !nghttp2_session_want_write(h->session))
        part(h, h->bad ? ORIGIN_BAD : ORIGIN_GONE, h->bad ? h->bad : "the session has ended");
    settle(h);
    origin_leave(o);
}

static void note_sent(struct h2 *h)
{
    while (!list_empty(&h->unsent)) {
        struct h2_stream *s = LIST_OF(h->unsent.next, struct h2_stream, unsent);
        if (s->end_at > conn_written(h->trunk.conn))
            break;
        list_remove(&s->unsent);
        talk_sent(&s->talk);
    }
}

static void on_drained(struct h2 *h)
{
    note_sent(h);
    if (nghttp2_session_want_write(
            h->session)) /* in another turn: the kernel may take any amount */
        loop_next_turn(origin_loop(h->trunk.origin), &h->flush);
}

/* --- receiving */

/* The call is over for its sink. What of the request has not left stays here. */
static void answer_over(struct h2 *h, struct h2_stream *s)
{
    if (!s->ended)
        reset(h, s, NGHTTP2_CANCEL);
    end_stream(h, s, ORIGIN_DONE, "");
}

static void refuse(struct h2 *h, struct h2_stream *s, const char *why)
{
    s->bad = why;
    reset(h, s, NGHTTP2_PROTOCOL_ERROR);
}

static void take_head(struct h2 *h, struct h2_stream *s, bool last)
{
    int status = h2_head_status(&h->head);
    if (s->talk.head || s->bad)
        return;                         /* trailers */
    if (status < 100 || status > 599) { /* as http1_parse_response has it */
        refuse(h, s, "The answer's status is none that HTTP knows.");
        return;
    }
    if (status < 200) {
        if (++s->informational > TALK_1XX_MOST)
            refuse(h, s, "There are too many 1xx answers before the final one.");
        return;
    }
    note_sent(h); /* a busy queue does not drain for long */
    struct fields *fields = h2_head_fields(&h->head);
    uint64_t length;
    bool known = text_u64(fields_get(fields, S("content-length")), &length) && length <= INT64_MAX;
    if (!talk_head(&s->talk, status, fields, last ? 0 : known ? (int64_t)length : -1))
        return;
    if (!last)
        talk_wait(&s->talk);
}

/* RFC 9113 6.5.2: an origin that allows no stream at all had better close. We do. */
static void take_settings(struct h2 *h)
{
    h->settings = true;
    if (most_streams(h))
        origin_note_streams(h->trunk.origin, most_streams(h));
    else
        origin_leaves(&h->trunk);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *s = frame->hd.stream_id ? h2_find(h, frame->hd.stream_id) : NULL;
    bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    bool of_answer = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        origin_leaves(&h->trunk);
    if (frame->hd.type == NGHTTP2_SETTINGS && !(frame->hd.flags & NGHTTP2_FLAG_ACK))
        take_settings(h);
    if (frame->hd.type == NGHTTP2_RST_STREAM && s)
        s->reset_by_peer = true;
    if (!of_answer || !s || !s->talk.call)
        return verdict(h);
    if (frame->hd.type == NGHTTP2_HEADERS)
        take_head(h, s, last);
    if (last && h->trunk.conn && s->talk.call && s->talk.head)
        answer_over(h, s);
    return verdict(h);
}

static int on_head_begins(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2 *h = arg;
    h2_head_begin(&h->head);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *s = h2_find(h, frame->hd.stream_id);
    if (!s || !s->talk.call || s->talk.head)
        return 0;
    if (h2_head_add(&h->head, str_from((const char *)name, name_len),
                    str_from((const char *)value, value_len)))
        return 0;
    s->bad = "The answer's head has more than 100 fields or 64 KiB.";
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                   size_t n, void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *s = h2_find(h, id);
    nghttp2_session_consume_connection(session, n);
    if (s && s->talk.call && s->talk.head && !s->bad)
        (void)talk_bytes(&s->talk, str_from((const char *)bytes, n));
    return verdict(h);
}

static void end_closed(struct h2 *h, struct h2_stream *s, uint32_t code)
{
    char why[120];
    snprintf(why, sizeof why, "the stream was reset: %s", nghttp2_http2_strerror(code));
    h2_let_go(h, s);
    if (!s->begun && nghttp2_session_check_request_allowed(h->session))
        talk_end(&s->talk, ORIGIN_UNSENT, "The head of the request is too large for HTTP/2.");
    else if (!s->begun)
        talk_lost(&s->talk, false, why); /* any other connection may take it */
    else if (s->bad)
        talk_end(&s->talk, ORIGIN_BAD, s->bad);
    else if (code == NGHTTP2_REFUSED_STREAM && !s->talk.head)
        talk_end(&s->talk, ORIGIN_UNSENT, why);
    else if (s->reset_by_peer || code == NGHTTP2_NO_ERROR || code == NGHTTP2_CANCEL)
        talk_end(&s->talk, ORIGIN_GONE, why);
    else
        talk_end(&s->talk, ORIGIN_BAD, why);
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *s = h2_find(h, id);
    if (!s || !h->trunk.conn)
        return verdict(h);
    nghttp2_session_set_stream_user_data(session, id, NULL);
    put_stream(h, s);
    if (s->talk.call)
        end_closed(h, s, code);
    return verdict(h);
}

static void read_frames(struct h2 *h)
{
    char *buffer = trunk_read_buffer();
    size_t share = TRUNK_SHARE;
    while (h->trunk.conn && share) {
        ssize_t n = conn_read(h->trunk.conn, buffer, TRUNK_READ);
        if (n == ERR_AGAIN)
            return;
        if (n < 0) {
            over(h, ORIGIN_GONE,
                 n == ERR_EOF ? "the origin closed the connection"
                              : conn_error_text(h->trunk.conn));
            return;
        }
        h->heard_ms = loop_now_ms(origin_loop(h->trunk.origin));
        h->pinged = false;
        ssize_t used = nghttp2_session_mem_recv(h->session, (const uint8_t *)buffer, (size_t)n);
        if (used < 0 && h->trunk.conn)
            over(h, ORIGIN_BAD, nghttp2_strerror((int)used));
        share -= (size_t)n < share ? (size_t)n : share;
        if ((size_t)n < TRUNK_READ)
            return;
    }
}

static void on_event(void *arg, enum conn_event event)
{
    struct h2 *h = arg;
    struct origin *o = h->trunk.origin;
    origin_enter(o);
    switch (event) {
    case CONN_OPEN:
        break;
    case CONN_READABLE:
        read_frames(h);
        if (h->trunk.conn && nghttp2_session_want_write(h->session))
            kick(h);
        break;
    case CONN_DRAINED:
        on_drained(h);
        break;
    case CONN_BROKEN:
        over(h, ORIGIN_GONE, conn_error_text(h->trunk.conn));
        break;
    }
    settle(h);
    origin_leave(o);
}

/* --- is it still there? */

static void on_ping_time(void *arg)
{
    struct h2 *h = arg;
    struct origin *o = h->trunk.origin;
    int64_t ping_ms = origin_options(o)->ping_ms;
    int64_t left_ms = h->heard_ms + ping_ms - loop_now_ms(origin_loop(o));
    origin_enter(o);
    if (h->pinged) {
        over(h, ORIGIN_GONE, "the origin did not answer a PING");
    } else if (left_ms > 0) {
        timer_start(&h->ping, left_ms);
    } else {
        h->pinged = true;
        nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL);
        timer_start(&h->ping, PING_ANSWER_MS);
        kick(h);
    }
    origin_leave(o);
}

/* --- what a trunk can do */

static void h2_start(struct trunk *k, struct origin_call *c)
{
    struct h2 *h = h2_of(k);
    struct h2_stream *s = take_stream(h);
    talk_begin(&s->talk, k, c);
    s->to_frame = talk_body_size(c);
    s->piece = c->body;
    h2_submit(h, s, c);
    kick(h);
    origin_offer(k, has_room(h));
}

static void h2_credit(struct talk *t, size_t n)
{
    struct h2 *h = h2_of(t->trunk);
    nghttp2_session_consume_stream(h->session, stream_of(t)->id, n);
    kick(h);
}

static void h2_drop(struct talk *t)
{
    struct h2 *h = h2_of(t->trunk);
    if (!h->trunk.conn)
        return;
    h2_let_go(h, stream_of(t));
    reset(h, stream_of(t), NGHTTP2_CANCEL);
}

static void h2_close(struct trunk *k, const char *why)
{
    struct h2 *h = h2_of(k);
    if (k->talks) {
        over(h, ORIGIN_GONE, why);
        return;
    }
    nghttp2_session_terminate_session(h->session, NGHTTP2_NO_ERROR);
    fetch(h);
    if (k->conn)
        part(h, ORIGIN_GONE, why);
}

static void h2_free(struct trunk *k)
{
    struct h2 *h = h2_of(k);
    struct list *node;
    nghttp2_session_del(h->session);
    while ((node = list_take(&h->spare)))
        mem_free(LIST_OF(node, struct h2_stream, node));
    h2_head_fini(&h->head);
    mem_free(h);
}

static const struct trunk_ops ops = {
    .start = h2_start,
    .credit = h2_credit,
    .drop = h2_drop,
    .close = h2_close,
    .free = h2_free,
};

/* --- the beginning */

static nghttp2_session *new_session(struct h2 *h)
{
    nghttp2_session_callbacks *calls;
    nghttp2_option *option;
    nghttp2_session *session;
    if (nghttp2_session_callbacks_new(&calls) || nghttp2_option_new(&option))
        abort();
    h2_set_send_callbacks(calls);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(calls, on_head_begins);
    nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_stream_close);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_max_send_header_block_length(option, HEAD_MOST);
    if (nghttp2_session_client_new2(&session, calls, h, option))
        abort();
    nghttp2_session_callbacks_del(calls);
    nghttp2_option_del(option);
    return session;
}

struct trunk *h2_client_new(struct origin *o, struct conn *conn)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, TALK_OWED_MOST},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, FIELDS_BYTES},
    };
    struct h2 *h = mem_new(sizeof *h);
    h->trunk = (struct trunk){.ops = &ops, .origin = o, .conn = conn};
    list_init(&h->trunk.node);
    list_init(&h->streams);
    list_init(&h->spare);
    list_init(&h->unsent);
    later_init(&h->flush, on_flush, h);
    timer_init(&h->ping, origin_loop(o), on_ping_time, h);
    h->heard_ms = loop_now_ms(origin_loop(o));
    h->session = new_session(h);
    nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings,
                            sizeof settings / sizeof *settings);
    nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW);
    if (origin_options(o)->ping_ms > 0)
        timer_start(&h->ping, origin_options(o)->ping_ms);
    conn_owner(conn, on_event, h);
    kick(h);
    return &h->trunk;
}
