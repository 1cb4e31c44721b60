/* SPDX-License-Identifier: Apache-2.0
 *
 * An HTTP/2 server connection on nghttp2: the reading half, and the ends.
 *
 *     bytes > nghttp2 > head > on_request      a stream's front lives until its END_STREAM was
 * taken > DATA > on_body         by the kernel, or it was reset, or the connection went
 *
 * nghttp2 is called in two places, receive() and h2_send(), never one inside the other; what the
 * sink is told outside of reading (gone, drain, bytes that waited) is told by on_work at the end of
 * a turn. Windows: a stream may send 64 KiB unasked, and when its body is wanted as much as the
 * sink allows; the connection's window is credited as bytes reach their sinks.
 */
#include "h2_memory.h"
#include "h2_private.h"
#include "weir/base/clock.h"
#include "weir/base/limits.h"
#include "weir/base/mem.h"

#include <assert.h>
#include <string.h>

enum {
    READ_BYTES = 16 * 1024,
    READ_PER_TURN = 256 * 1024,
    SPARE_MOST = 8 * 1024,        /* kept of an answer's empty buffer */
    FRAMES_MOST = 1000,           /* of ours, waiting: a peer that asks and does not read */
    QUEUE_MOST = 128 * 1024,      /* two answers of 64 KiB in one write */
    LAST_WORDS_MOST = 256 * 1024, /* after the end was decided */
    SHUTDOWN_NOTICE_MS = 1000     /* a round trip in which new streams still count */
};

/* --- streams */

static struct h2_stream *stream_new(struct h2_server *h, int32_t id)
{
    struct h2_stream *s = mem_new(sizeof *s);
    s->front.kind = &h2_front;
    s->h = h;
    s->id = id;
    s->why = FRONT_LEFT;
    s->request.version = FRONT_H2;
    s->request.began_ns = clock_mono_ns();
    list_init(&s->node);
    list_append(&h->streams, &s->node);
    return s;
}

static void stream_free(struct h2_stream *s)
{
    list_remove(&s->node);
    s->h->held -= buf_len(&s->early);
    h2_request_fini(&s->head);
    buf_fini(&s->early);
    buf_fini(&s->out);
    mem_free(s);
}

void h2_front_gone(struct h2_stream *s, enum front_gone why)
{
    if (!s->busy)
        return;
    h2_hold(&s->front, false);
    s->busy = false;
    (*s->h->o.busy)--;
    s->h->o.sink->on_gone(s->ex, why);
}

static void tell_gone(struct h2_stream *s)
{
    h2_front_gone(s, s->why);
    stream_free(s);
}

/* --- life of the connection */

static void free_now(void *arg)
{
    struct h2_server *h = arg;
    nghttp2_session_del(h->session);
    buf_fini(&h->early);
    mem_free(h);
}

static void tell_all_gone(struct h2_server *h, struct list *streams)
{
    while (!list_empty(streams)) {
        struct h2_stream *s = LIST_OF(streams->next, struct h2_stream, node);
        if (s->why == FRONT_DONE && s->done_at > conn_written(h->conn))
            s->why = FRONT_LEFT;
        tell_gone(s);
    }
}

/* What the sinks look at in on_gone (names, addresses) is the conn's, so that ends last. */
void h2_end(struct h2_server *h, void (*how)(struct conn *c))
{
    if (h->dead)
        return;
    h->dead = true;
    list_remove(&h->server.node);
    timer_stop(&h->timer);
    tell_all_gone(h, &h->streams);
    tell_all_gone(h, &h->ending);
    how(h->conn);
    h->conn = NULL;
    later_cancel(&h->work);
    h->work.run = free_now;
    loop_later(h->o.loop, &h->work);
}

/* GOAWAY and whatever was to be said before it, then the end. */
void h2_say_and_end(struct h2_server *h, uint32_t code)
{
    const uint8_t *bytes;
    ssize_t n;
    (void)nghttp2_session_terminate_session(h->session, code);
    h->queue_most = LAST_WORDS_MOST;
    while (conn_unwritten(h->conn) < h->queue_most &&
           (n = nghttp2_session_mem_send(h->session, &bytes)) > 0)
        conn_write(h->conn, (struct str){(const char *)bytes, (size_t)n});
    conn_keep_borrowed(h->conn); /* the streams go before the last byte does */
    h2_end(h, conn_finish);
}

void h2_work_later(struct h2_server *h)
{
    if (!h->dead)
        loop_later(h->o.loop, &h->work);
}

static void end_with(struct h2_server *h, uint32_t code)
{
    if (!h->end_code)
        h->end_code = code;
    h2_work_later(h);
}

void h2_charge(struct h2_server *h, enum glitch_kind kind)
{
    if (glitch_charge(&h->watch.glitch, kind, loop_now_ms(h->o.loop)))
        end_with(h, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* --- what nghttp2 tells */

static struct h2_stream *stream_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2_server *h = arg;
    h->head_since_ms = loop_now_ms(h->o.loop);
    h->head_id = frame->hd.stream_id;
    h2_arm(h, LIMIT_HEAD_MS);
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct h2_stream *s = stream_new(h, frame->hd.stream_id);
    return nghttp2_session_set_stream_user_data(session, s->id, s);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *arg)
{
    struct h2_stream *s = stream_of(session, frame->hd.stream_id);
    if (s && frame->headers.cat == NGHTTP2_HCAT_REQUEST) /* trailers are dropped */
        h2_request_add(&s->head, &s->request, (struct str){(const char *)name, name_len},
                       (struct str){(const char *)value, value_len});
    return 0;
}

/* nghttp2 would leave such a field out and go on: what one reader leaves out another may read. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                             const uint8_t *name, size_t name_len, const uint8_t *value,
                             size_t value_len, uint8_t flags, void *arg)
{
    struct h2_stream *s = stream_of(session, frame->hd.stream_id);
    if (s && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        s->malformed = true;
    return 0;
}

static void on_head(struct h2_server *h, struct h2_stream *s)
{
    struct front_request *q = &s->request;
    if (s->malformed) {
        (void)nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, s->id,
                                        NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    struct h2_fault fault = h2_request_end(&s->head, q);
    if (fault.status) {
        h2_answer_fault(s, fault);
        h2_charge(h, GLITCH_FAULT);
        return;
    }
    q->has_body = !s->remote_ended;
    q->peer_addr = conn_peer_addr(h->conn);
    q->peer_name = conn_peer_name(h->conn);
    q->tls = conn_is_tls(h->conn);
    s->body = q->has_body ? H2_BODY_WAITING : H2_BODY_OVER;
    s->busy = true;
    (*h->o.busy)++;
    s->ex = h->o.sink->on_request(h->o.owner, &s->front, q);
}

static void on_headers(struct h2_server *h, struct h2_stream *s, const nghttp2_frame *frame)
{
    h->head_since_ms = 0;
    if (!s)
        return;
    s->remote_ended = s->remote_ended || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        on_head(h, s);
    else if (s->remote_ended && s->body == H2_BODY_TAKEN)
        h2_pump(s);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2_server *h = arg;
    struct h2_stream *s = stream_of(session, frame->hd.stream_id);
    bool ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (frame->hd.type == NGHTTP2_HEADERS) {
        on_headers(h, s, frame);
    } else if (frame->hd.type == NGHTTP2_DATA && s && ended) {
        s->remote_ended = true;
        h2_pump(s);
    } else if (frame->hd.type == NGHTTP2_RST_STREAM && s) {
        s->reset_by_peer = true;
    }
    /* GOAWAY needs nothing: streams go on to their end. The AWS SDK for JavaScript says GOAWAY as
     * soon as it has the answer's head, and goes on reading (3.1162.0, 2026-11). */
    return h->end_code ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                         size_t n, void *arg)
{
    struct h2_stream *s = stream_of(session, id);
    if (s)
        h2_take_data(s, (struct str){(const char *)bytes, n});
    else
        h2_credit(arg, n);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
    struct h2_server *h = arg;
    struct h2_stream *s = stream_of(session, id);
    if (id == h->head_id)
        h->head_since_ms = 0; /* a head that was refused before its end */
    if (!s)
        return 0;
    if (s->end_sent)
        s->why = FRONT_DONE;
    else if (!s->reset_by_peer && !s->own_reset && code != NGHTTP2_NO_ERROR)
        s->why = FRONT_BAD; /* nghttp2 found a rule broken */
    h2_drop_body(s);
    (void)nghttp2_session_set_stream_user_data(session, id, NULL);
    list_remove(&s->node);
    list_append(&h->ending, &s->node);
    h2_work_later(h);
    return 0;
}

/* --- the end of a turn */

static void tell_ended(struct h2_server *h)
{
    struct list *next;
    for (struct list *node = h->ending.next; node != &h->ending && !h->dead; node = next) {
        struct h2_stream *s = LIST_OF(node, struct h2_stream, node);
        next = node->next;
        if (s->why != FRONT_DONE || s->done_at <= conn_written(h->conn))
            tell_gone(s);
    }
}

static void tell_streams(struct h2_server *h)
{
    struct list *next;
    for (struct list *node = h->streams.next; node != &h->streams; node = next) {
        struct h2_stream *s = LIST_OF(node, struct h2_stream, node);
        next = node->next;
        if (s->body == H2_BODY_TAKEN && (buf_len(&s->early) || s->remote_ended))
            h2_pump(s);
        if (s->busy && s->end_sent && s->done_at <= conn_written(h->conn))
            h2_front_gone(s, FRONT_DONE); /* the stream may live on, for a body that nobody wants */
        if (buf_len(&s->out) == 0 && s->out.cap > SPARE_MOST)
            buf_fini(&s->out); /* a waiting stream is small */
        if (s->full && buf_len(&s->out) <= FRONT_LOW_MARK) {
            s->full = false;
            if (s->busy && !s->ended)
                h->o.sink->on_drain(s->ex);
        }
    }
}

bool h2_has_nothing(const struct h2_server *h)
{
    return list_empty(&h->streams) && list_empty(&h->ending);
}

static void work(struct h2_server *h)
{
    if (!h->end_code && !h->refused) {
        tell_streams(h);
        h2_send(h);
    }
    if (h->refused) {
        h2_end(h, conn_close);
        return;
    }
    if (nghttp2_session_get_outbound_queue_size(h->session) > FRAMES_MOST)
        end_with(h, NGHTTP2_ENHANCE_YOUR_CALM);
    if (h->end_code) {
        h2_say_and_end(h, h->end_code);
        return;
    }
    tell_ended(h);
    if (h->dead || !list_empty(&h->ending))
        return;
    if (!nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session))
        h2_end(h, conn_finish);
    else if (h2_has_nothing(h))
        h2_arm(h, h->idle_since_ms + LIMIT_IDLE_MS - loop_now_ms(h->o.loop));
}

static void on_work(void *arg)
{
    struct h2_server *h = arg;
    if (!h2_has_nothing(h))
        h->idle_since_ms = loop_now_ms(h->o.loop);
    work(h);
}

/* --- reading */

/* False when nothing more is to be read from this connection. */
static bool receive(struct h2_server *h, struct str bytes)
{
    uint32_t code = h2_watch_read(&h->watch, bytes, loop_now_ms(h->o.loop));
    if (code) {
        end_with(h, code);
        return false;
    }
    h->inside = true;
    ssize_t n = nghttp2_session_mem_recv(h->session, (const uint8_t *)bytes.ptr, bytes.len);
    h->inside = false;
    h2_work_later(h);
    if (n == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
        h2_end(h, conn_close); /* it does not speak HTTP/2: no frame would be understood */
    else if (n < 0)
        end_with(h, NGHTTP2_ENHANCE_YOUR_CALM);
    return n >= 0 && !h->end_code;
}

static void read_some(struct h2_server *h)
{
    char bytes[READ_BYTES];
    for (size_t sum = 0; sum < READ_PER_TURN && h->held <= H2_HELD_MOST;) {
        ssize_t n = conn_read(h->conn, bytes, sizeof bytes);
        if (n == ERR_AGAIN)
            return;
        if (n < 0) { /* HTTP/2 knows no half-closed connection */
            h2_end(h, conn_close);
            return;
        }
        if (!receive(h, (struct str){bytes, (size_t)n}) || (size_t)n < sizeof bytes)
            return;
        sum += (size_t)n;
    }
}

static void on_conn(void *arg, enum conn_event event)
{
    struct h2_server *h = arg;
    switch (event) {
    case CONN_OPEN:
        break;
    case CONN_READABLE:
        read_some(h);
        break;
    case CONN_DRAINED:
        work(h);
        break;
    case CONN_BROKEN:
        h2_end(h, conn_close);
        break;
    }
}

/* --- beginning */

static void set_callbacks(nghttp2_session_callbacks *calls)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(calls, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(calls, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_stream_close);
    h2_set_answer_callbacks(calls);
}

/* NULL: out of memory. */
static nghttp2_session *new_session(struct h2_server *h)
{
    nghttp2_session_callbacks *calls = NULL;
    nghttp2_option *option = NULL;
    nghttp2_session *session = NULL;
    if (nghttp2_session_callbacks_new(&calls) == 0 && nghttp2_option_new(&option) == 0) {
        set_callbacks(calls);
        nghttp2_option_set_no_auto_window_update(option, 1);
        nghttp2_option_set_no_closed_streams(option, 1);
        nghttp2_option_set_max_continuations(option, 8);
        nghttp2_option_set_stream_reset_rate_limit(option, 100, 33);
        nghttp2_mem memory = h2_memory(&h->refused);
        if (nghttp2_session_server_new3(&session, calls, h, option, &memory) != 0)
            session = NULL;
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(calls);
    return session;
}

static void greet(struct h2_server *h)
{
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, LIMIT_H2_STREAMS},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, LIMIT_H2_HEADER_BYTES},
    };
    (void)nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings,
                                  sizeof settings / sizeof *settings);
    (void)nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0,
                                                LIMIT_H2_CONN_WINDOW);
}

static void on_start(void *arg);

static void drain(struct server *s)
{
    struct h2_server *h = (struct h2_server *)(void *)s;
    if (h->draining)
        return;
    h->draining = true;
    if (h->work.run == on_start)
        return; /* what it was opened for is looked at first */
    if (h2_has_nothing(h)) {
        h2_say_and_end(h, NGHTTP2_NO_ERROR);
        return;
    }
    (void)nghttp2_submit_shutdown_notice(h->session);
    h->goaway_at_ms = loop_now_ms(h->o.loop) + SHUTDOWN_NOTICE_MS;
    h2_arm(h, SHUTDOWN_NOTICE_MS);
    h2_work_later(h);
}

static void free_server(struct server *s)
{
    h2_end((struct h2_server *)(void *)s, conn_close);
}

static void on_start(void *arg)
{
    struct h2_server *h = arg;
    struct buf early = h->early;
    h->early = (struct buf){0};
    h->work.run = on_work;
    if (!h->session) {
        buf_fini(&early);
        h2_end(h, conn_close);
        return;
    }
    greet(h);
    if (buf_len(&early))
        (void)receive(h, buf_str(&early));
    buf_fini(&early);
    h2_work_later(h);
    if (h->draining && !h->dead) {
        h->draining = false;
        drain(&h->server);
    }
}

struct server *h2_server_new(struct conn *c, const struct server_options *o, struct buf *early)
{
    static const struct server_kind kind = {.drain = drain, .free = free_server};
    struct h2_server *h = mem_new(sizeof *h);
    h->server.kind = &kind;
    list_init(&h->server.node);
    list_init(&h->streams);
    list_init(&h->ending);
    h->o = *o;
    h->conn = c;
    h->queue_most = QUEUE_MOST;
    h->session = new_session(h);
    h->early = *early;
    *early = (struct buf){0};
    h->idle_since_ms = loop_now_ms(o->loop);
    h2_watch_init(&h->watch, h->idle_since_ms);
    h->timer_at_ms = INT64_MAX;
    timer_init(&h->timer, o->loop, h2_on_timer, h);
    later_init(&h->work, on_start, h);
    conn_owner(c, on_conn, h);
    loop_later(o->loop, &h->work);
    return &h->server;
}
