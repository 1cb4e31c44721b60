/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies of HTTP/2 requests: from nghttp2's chunks into the sink's memory, or into a buffer of the
 * stream while the sink has no room. That buffer is bounded: by the stream's window until the body
 * is wanted, by the connection's window and by resting the socket after that.
 */
#include "h2_private.h"
#include "weir/base/limits.h"

#include <string.h>

enum { DEFAULT_WINDOW = 65535 }; /* RFC 9113 6.9.2 */

static void body_over(struct h2_stream *s)
{
    s->body = H2_BODY_OVER;
    s->h->o.sink->on_body_end(s->ex);
}

/* Moves what fits into the sink; how much of it. */
static size_t give(struct h2_stream *s, struct str bytes)
{
    size_t given = 0;
    while (s->body == H2_BODY_TAKEN && given < bytes.len) {
        size_t room = 0, left = bytes.len - given;
        char *at = s->h->o.sink->body_room(s->ex, left, &room);
        if (s->body != H2_BODY_TAKEN)
            break; /* answered inside the call */
        if (!at) {
            s->body = H2_BODY_PAUSED;
            s->paused_since_ms = loop_now_ms(s->h->o.loop);
            break;
        }
        size_t n = left < room ? left : room;
        memcpy(at, bytes.ptr + given, n);
        given += n;
        s->h->o.sink->on_body(s->ex, n);
    }
    return given;
}

/* The bytes are out of our hands: the client may send as many on this connection. Its stream was
 * given all it will get when the body was taken. */
void h2_credit(struct h2_server *h, size_t n)
{
    if (n)
        (void)nghttp2_session_consume_connection(h->session, n);
}

static void hold(struct h2_stream *s, struct str bytes)
{
    buf_add(&s->early, bytes);
    s->h->held += bytes.len;
    if (s->h->held > H2_HELD_MOST)
        conn_want_read(s->h->conn, false);
}

static void let_go(struct h2_stream *s, size_t n)
{
    struct h2_server *h = s->h;
    buf_consume(&s->early, n);
    if (buf_len(&s->early) == 0)
        buf_fini(&s->early);
    h->held -= n;
    h2_credit(h, n);
    if (h->held <= H2_HELD_MOST)
        conn_want_read(h->conn, true);
}

/* Bytes that waited, and the end that may have come meanwhile. */
void h2_pump(struct h2_stream *s)
{
    if (s->body != H2_BODY_TAKEN)
        return;
    size_t given = give(s, buf_str(&s->early));
    if (s->body != H2_BODY_OVER) /* else an answer has let all of it go */
        let_go(s, given);
    if (s->body == H2_BODY_TAKEN && s->remote_ended && buf_len(&s->early) == 0)
        body_over(s);
}

void h2_drop_body(struct h2_stream *s)
{
    if (s->body == H2_BODY_OVER)
        return;
    s->body = H2_BODY_OVER;
    let_go(s, buf_len(&s->early));
}

void h2_take_data(struct h2_stream *s, struct str bytes)
{
    s->body_bytes += bytes.len;
    s->body_seen_ms = loop_now_ms(s->h->o.loop);
    if (s->body == H2_BODY_OVER) {
        h2_credit(s->h, bytes.len);
        return;
    }
    size_t given = buf_len(&s->early) ? 0 : give(s, bytes);
    h2_credit(s->h, given);
    if (given == bytes.len)
        return;
    if (s->body == H2_BODY_OVER)
        h2_credit(s->h, bytes.len - given);
    else
        hold(s, str_from_offset(bytes, given));
}

/* One 64 KiB more than the sink takes, so that it sees that there is too much. */
static void open_window(struct h2_stream *s, uint64_t max_bytes)
{
    int64_t declared = s->request.content_length;
    uint64_t wanted =
        declared >= 0 && (uint64_t)declared < max_bytes ? (uint64_t)declared : max_bytes;
    if (wanted + DEFAULT_WINDOW > NGHTTP2_MAX_WINDOW_SIZE)
        wanted = NGHTTP2_MAX_WINDOW_SIZE - DEFAULT_WINDOW;
    if (wanted > DEFAULT_WINDOW || declared < 0)
        (void)nghttp2_session_set_local_window_size(s->h->session, NGHTTP2_FLAG_NONE, s->id,
                                                    (int32_t)wanted + DEFAULT_WINDOW);
}

void h2_take_body(struct front *f, uint64_t max_bytes)
{
    struct h2_stream *s = h2_of(f);
    if (s->body != H2_BODY_WAITING)
        return;
    s->body = H2_BODY_TAKEN;
    s->body_since_ms = s->body_seen_ms = loop_now_ms(s->h->o.loop);
    if (!s->remote_ended)
        open_window(s, max_bytes);
    if (s->head.expects_continue && s->body_bytes == 0 && !s->remote_ended)
        h2_answer_continue(s);
    h2_arm(s->h, H2_CHECK_MS);
    h2_work_later(s->h);
}

void h2_resume(struct front *f)
{
    struct h2_stream *s = h2_of(f);
    if (s->body != H2_BODY_PAUSED)
        return;
    int64_t now = loop_now_ms(s->h->o.loop);
    s->body = H2_BODY_TAKEN;
    s->body_since_ms += now - s->paused_since_ms; /* the pause was ours */
    s->body_seen_ms = now;
    h2_work_later(s->h);
}
