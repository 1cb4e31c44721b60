/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP/2 client's way out: a call becomes HEADERS, its body DATA frames. Large bodies go out
 * where they lie: the queue of the connection borrows them, frame by frame, and when their call
 * ends first the queue makes copies (h2_let_go). Where in the stream of the connection's bytes a
 * request begins and ends is noted, because that decides whether it was sent.
 */
#include "h2_client_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Where the next byte of the queue will stand. */
static uint64_t queue_end(const struct h2 *h)
{
    return conn_written(h->trunk.conn) + conn_unwritten(h->trunk.conn);
}

/* --- the body */

/* The next bytes of the body, at most n and from one piece only. */
static struct str next_of_body(struct h2_stream *s, size_t n)
{
    while (s->skip == s->piece->len) {
        s->piece++;
        s->skip = 0;
    }
    struct str bytes = str_sub(*s->piece, s->skip, n);
    s->skip += bytes.len;
    return bytes;
}

/* nghttp2 asks how much of the body fits the next DATA frame. A small one is copied into it. */
static ssize_t on_body_wanted(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
                              uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    struct h2_stream *s = source->ptr;
    if (!s->talk.call)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    size_t n = s->to_frame < room ? s->to_frame : room;
    bool small = n <= TALK_SMALL;
    s->to_frame -= n;
    if (s->to_frame == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!small)
        *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    for (size_t at = 0; small && at < n;) {
        struct str bytes = next_of_body(s, n - at);
        memcpy(to + at, bytes.ptr, bytes.len);
        at += bytes.len;
    }
    return (ssize_t)n;
}

static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
                        size_t n, nghttp2_data_source *source, void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *s = source->ptr;
    if (!s->talk.call)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (conn_unwritten(h->trunk.conn) >= H2_QUEUE_MOST)
        return NGHTTP2_ERR_WOULDBLOCK; /* CONN_DRAINED brings us back */
    conn_write(h->trunk.conn, str_from((const char *)head, 9));
    while (n) {
        struct str bytes = next_of_body(s, n);
        conn_write_borrowed(h->trunk.conn, bytes);
        n -= bytes.len;
    }
    s->lent_until = queue_end(h);
    return 0;
}

static int on_before_send(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *s =
        frame->hd.type == NGHTTP2_HEADERS ? h2_find(h, frame->hd.stream_id) : NULL;
    if (s) {
        s->begun = true;
        s->begin_at = queue_end(h);
    }
    return 0;
}

static void note_end_stream(struct h2 *h, struct h2_stream *s)
{
    if (!s)
        return;
    s->ended = true;
    s->end_at = queue_end(h);
    list_append(&h->unsent, &s->unsent);
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2 *h = arg;
    bool of_request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (of_request && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        note_end_stream(h, h2_find(h, frame->hd.stream_id));
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
        h->bad = nghttp2_http2_strerror(frame->goaway.error_code);
    return 0;
}

void h2_let_go(struct h2 *h, struct h2_stream *s)
{
    if (h->trunk.conn && s->lent_until > conn_written(h->trunk.conn))
        conn_keep_borrowed(h->trunk.conn);
    s->lent_until = 0;
    s->piece = NULL;
}

/* --- the head */

static nghttp2_nv pair(struct str name, struct str value, uint8_t flags)
{
    return (nghttp2_nv){(uint8_t *)name.ptr, (uint8_t *)value.ptr, name.len, value.len, flags};
}

enum {
    LENT = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE,
    SECRET = LENT | NGHTTP2_NV_FLAG_NO_INDEX
};

/* Secrets, and what is another one in each request, stay out of HPACK's table. */
static uint8_t flags_of(struct str name)
{
    static const struct str unique[] = {
        STR("authorization"),        STR("x-amz-security-token"),  STR("x-amz-date"),
        STR("x-amz-content-sha256"), STR("amz-sdk-invocation-id"), STR("x-amzn-trace-id")};
    for (size_t i = 0; i < sizeof unique / sizeof *unique; i++)
        if (str_eq(unique[i], name))
            return SECRET;
    return LENT;
}

void h2_submit(struct h2 *h, struct h2_stream *s, const struct origin_call *c)
{
    nghttp2_nv nv[ORIGIN_FIELDS_MOST + 5];
    size_t n = 0;
    assert(c->n_fields <= ORIGIN_FIELDS_MOST);
    struct str scheme = origin_options(h->trunk.origin)->tls ? S("https") : S("http");
    nv[n++] = pair(S(":method"), c->method, LENT);
    nv[n++] = pair(S(":scheme"), scheme, LENT);
    nv[n++] = pair(S(":authority"), c->authority, LENT);
    nv[n++] = pair(S(":path"), c->target, LENT);
    if (talk_says_length(c, s->to_frame)) {
        int len = snprintf(s->length, sizeof s->length, "%zu", s->to_frame);
        nv[n++] = pair(S("content-length"), str_from(s->length, (size_t)len), SECRET);
    }
    for (size_t i = 0; i < c->n_fields; i++)
        nv[n++] = pair(c->fields[i].name, c->fields[i].value, flags_of(c->fields[i].name));
    nghttp2_data_provider body = {.source.ptr = s, .read_callback = on_body_wanted};
    s->id = nghttp2_submit_request(h->session, NULL, nv, n, s->to_frame ? &body : NULL, s);
    assert(s->id > 0); /* has_room saw to it */
}

void h2_set_send_callbacks(nghttp2_session_callbacks *calls)
{
    nghttp2_session_callbacks_set_send_data_callback(calls, on_send_data);
    nghttp2_session_callbacks_set_before_frame_send_callback(calls, on_before_send);
    nghttp2_session_callbacks_set_on_frame_send_callback(calls, on_sent);
}
