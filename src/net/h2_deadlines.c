/* SPDX-License-Identifier: Apache-2.0
 *
 * An HTTP/2 server connection's deadlines: one timer, armed for the nearest of them, which looks at
 * all. A head, a body, a reader that is too slow, a socket that takes nothing, and a connection on
 * which nothing happens. The limits and their reasons are in base/limits.h.
 */
#include "h2_private.h"
#include "weir/base/limits.h"

void h2_arm(struct h2_server *h, int64_t ms)
{
    int64_t at = loop_now_ms(h->o.loop) + (ms > 0 ? ms : 1);
    if (h->dead || h->timer_at_ms <= at)
        return;
    h->timer_at_ms = at;
    timer_start(&h->timer, ms);
}

static bool body_too_slow(const struct h2_stream *s, int64_t now)
{
    int64_t took = now - s->body_since_ms - LIMIT_BODY_GRACE_MS;
    return s->body == H2_BODY_TAKEN && !s->remote_ended &&
           (now - s->body_seen_ms >= LIMIT_BODY_IDLE_MS ||
            (took > 0 && (int64_t)s->body_bytes < took * LIMIT_BODY_BYTES_PER_S / 1000));
}

/* The client gives no window, or does not read. */
static bool answer_stalls(struct h2_stream *s, int64_t now)
{
    if (!s->answered || s->end_sent || (buf_len(&s->out) == 0 && !s->ended)) {
        s->sent_ms = now;
        return false;
    }
    return now - s->sent_ms >= LIMIT_WRITE_STALL_MS;
}

static void body_timed_out(struct h2_stream *s)
{
    h2_answer_fault(s, (struct h2_fault){408, "The request body came too slowly."});
    h2_front_gone(s, FRONT_LEFT);
}

static void stalled(struct h2_stream *s, int64_t now)
{
    s->sent_ms = now;
    h2_reset(s, NGHTTP2_CANCEL);
}

/* Ms until the next look. */
static int64_t look_at_streams(struct h2_server *h, int64_t now)
{
    int64_t ms = LIMIT_IDLE_MS;
    struct list *next;
    for (struct list *node = h->streams.next; node != &h->streams; node = next) {
        struct h2_stream *s = LIST_OF(node, struct h2_stream, node);
        next = node->next;
        if (s->reset_at_ms && now >= s->reset_at_ms)
            h2_reset(s, NGHTTP2_NO_ERROR);
        else if (body_too_slow(s, now))
            body_timed_out(s);
        else if (answer_stalls(s, now))
            stalled(s, now);
        if (s->body == H2_BODY_TAKEN || s->reset_at_ms)
            ms = H2_CHECK_MS;
        else if (s->answered && ms > LIMIT_WRITE_STALL_MS / 4)
            ms = LIMIT_WRITE_STALL_MS / 4;
    }
    return ms;
}

/* The socket takes nothing. */
static bool socket_stalls(struct h2_server *h, int64_t now)
{
    if (h->write_seen != conn_written(h->conn) || conn_unwritten(h->conn) == 0) {
        h->write_seen = conn_written(h->conn);
        h->write_seen_ms = now;
    }
    return now - h->write_seen_ms >= LIMIT_WRITE_STALL_MS;
}

static int64_t look_at_idle(struct h2_server *h, int64_t now)
{
    int64_t left = h->idle_since_ms + LIMIT_IDLE_MS - now;
    if (left <= 0)
        h2_say_and_end(h, NGHTTP2_NO_ERROR);
    return left;
}

static void send_last_goaway(struct h2_server *h)
{
    h->goaway_at_ms = 0;
    (void)nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(h->session),
                                NGHTTP2_NO_ERROR, NULL, 0);
    h2_work_later(h);
}

void h2_on_timer(void *arg)
{
    struct h2_server *h = arg;
    int64_t now = loop_now_ms(h->o.loop);
    h->timer_at_ms = INT64_MAX;
    if (h->head_since_ms && now - h->head_since_ms >= LIMIT_HEAD_MS) {
        h2_say_and_end(h, NGHTTP2_ENHANCE_YOUR_CALM);
        return;
    }
    if (socket_stalls(h, now)) {
        h2_end(h, conn_reset);
        return;
    }
    if (h->goaway_at_ms && now >= h->goaway_at_ms)
        send_last_goaway(h);
    int64_t ms = h2_has_nothing(h) ? look_at_idle(h, now) : look_at_streams(h, now);
    if (h->dead)
        return;
    if (h->head_since_ms && h->head_since_ms + LIMIT_HEAD_MS - now < ms)
        ms = h->head_since_ms + LIMIT_HEAD_MS - now;
    h2_arm(h, ms);
}
