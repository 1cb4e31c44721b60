/* SPDX-License-Identifier: Apache-2.0
 *
 * The other side of an origin that speaks HTTP/2: nghttp2's server over the test's TLS, answering
 * by hand.
 */
#ifndef WEIR_TEST_H2_SIDE_H
#define WEIR_TEST_H2_SIDE_H

#include "certs.h"
#include "far_side.h"

#include <nghttp2/nghttp2.h>

struct h2_request {
    int32_t id;
    struct buf head, body; /* "name=value;" */
    bool ended, closed;
    uint32_t code; /* with which it was closed */
    struct str answer;
};

struct h2_peer {
    struct peer *peer;
    nghttp2_session *session;
    struct h2_request request[40];
    unsigned n, pings, resets;
    bool goaway;
};

static struct far far;
static struct h2_peer h2_peers[80];
static uint32_t h2_most_streams; /* what new connections announce; 0: nothing */
static bool h2_wide;             /* windows that never close */

static inline struct h2_peer *h2_at(unsigned i)
{
    return &h2_peers[i];
}

static inline struct h2_request *h2_find(struct h2_peer *p, int32_t id)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->request[i].id == id)
            return &p->request[i];
    return NULL;
}

static inline int h2_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2_peer *p = arg;
    assert_true(p->n < 40);
    p->request[p->n++].id = frame->hd.stream_id;
    return 0;
}

static inline int h2_header(nghttp2_session *session, const nghttp2_frame *frame,
                            const uint8_t *name, size_t name_len, const uint8_t *value,
                            size_t value_len, uint8_t flags, void *arg)
{
    struct h2_request *r = h2_find(arg, frame->hd.stream_id);
    buf_addf(&r->head, "%.*s=%.*s;", (int)name_len, (const char *)name, (int)value_len,
             (const char *)value);
    return 0;
}

static inline int h2_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                          size_t n, void *arg)
{
    buf_add(&h2_find(arg, id)->body, str_from((const char *)bytes, n));
    return 0;
}

static inline int h2_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2_peer *p = arg;
    struct h2_request *r = h2_find(p, frame->hd.stream_id);
    if (r && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        r->ended = true;
    p->pings += frame->hd.type == NGHTTP2_PING && !(frame->hd.flags & NGHTTP2_FLAG_ACK);
    p->resets += frame->hd.type == NGHTTP2_RST_STREAM;
    p->goaway |= frame->hd.type == NGHTTP2_GOAWAY;
    return 0;
}

static inline int h2_closed(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
    struct h2_request *r = h2_find(arg, id);
    if (r) {
        r->closed = true;
        r->code = code;
    }
    return 0;
}

static inline void h2_push(struct h2_peer *p)
{
    const uint8_t *bytes;
    ssize_t n;
    while (p->peer->c && (n = nghttp2_session_mem_send(p->session, &bytes)) > 0)
        conn_write(p->peer->c, str_from((const char *)bytes, (size_t)n));
}

static inline void h2_open(struct h2_peer *p)
{
    nghttp2_session_callbacks *calls;
    nghttp2_session_callbacks_new(&calls);
    nghttp2_session_callbacks_set_on_begin_headers_callback(calls, h2_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(calls, h2_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, h2_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, h2_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, h2_closed);
    nghttp2_option *option;
    nghttp2_option_new(&option);
    nghttp2_option_set_max_send_header_block_length(option, 1 << 20);
    nghttp2_session_server_new2(&p->session, calls, p, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(calls);
    nghttp2_settings_entry entries[2];
    size_t n = 0;
    if (h2_most_streams)
        entries[n++] =
            (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, h2_most_streams};
    if (h2_wide)
        entries[n++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 26};
    nghttp2_submit_settings(p->session, NGHTTP2_FLAG_NONE, entries, n);
    if (h2_wide)
        nghttp2_session_set_local_window_size(p->session, NGHTTP2_FLAG_NONE, 0, 1 << 26);
}

static inline void h2_read(struct h2_peer *p)
{
    static char bytes[65536];
    while (p->peer->c) {
        ssize_t n = conn_read(p->peer->c, bytes, sizeof bytes);
        if (n == ERR_AGAIN)
            return;
        if (n < 0 || nghttp2_session_mem_recv(p->session, (const uint8_t *)bytes, (size_t)n) < 0) {
            p->peer->ended = true;
            hang_up(p->peer);
        }
    }
}

static inline void on_h2_peer(void *arg, enum conn_event event)
{
    struct peer *peer = arg;
    struct h2_peer *p = h2_at((unsigned)(peer - far.peer));
    p->peer = peer;
    if (event == CONN_OPEN) {
        peer->open = true;
        h2_open(p);
    } else if (event == CONN_READABLE && !peer->deaf) {
        h2_read(p);
    } else if (event == CONN_BROKEN) {
        peer->ended = true;
        hang_up(peer);
    }
    if (peer->c && p->session)
        h2_push(p);
}

static inline void h2_far_end(void)
{
    far_end(&far);
    for (unsigned i = 0; i < 80; i++) {
        struct h2_peer *p = h2_at(i);
        for (unsigned k = 0; k < 40; k++) {
            buf_fini(&p->request[k].head);
            buf_fini(&p->request[k].body);
        }
        if (p->session)
            nghttp2_session_del(p->session);
        *p = (struct h2_peer){0};
    }
}

/* --- answers */

static inline ssize_t h2_answer_bytes(nghttp2_session *session, int32_t id, uint8_t *to,
                                      size_t room, uint32_t *flags, nghttp2_data_source *source,
                                      void *arg)
{
    struct h2_request *r = source->ptr;
    size_t n = r->answer.len < room ? r->answer.len : room;
    memcpy(to, r->answer.ptr, n);
    r->answer = str_from_offset(r->answer, n);
    if (r->answer.len == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static inline nghttp2_nv h2_nv(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), 0};
}

/* The head only: the stream stays open. */
static inline void h2_say_head(struct h2_peer *p, struct h2_request *r, const char *status)
{
    nghttp2_nv nv[] = {h2_nv(":status", status), h2_nv("x-amzn-requestid", "r")};
    nghttp2_submit_headers(p->session, NGHTTP2_FLAG_NONE, r->id, NULL, nv, 2, NULL);
    h2_push(p);
}

static inline void h2_say_body(struct h2_peer *p, struct h2_request *r, struct str body)
{
    nghttp2_data_provider from = {.source.ptr = r, .read_callback = h2_answer_bytes};
    r->answer = body;
    nghttp2_submit_data(p->session, NGHTTP2_FLAG_END_STREAM, r->id, &from);
    h2_push(p);
}

static inline void h2_answer(struct h2_peer *p, struct h2_request *r, struct str body)
{
    char length[24];
    snprintf(length, sizeof length, "%zu", body.len);
    nghttp2_nv nv[] = {h2_nv(":status", "200"), h2_nv("content-length", length)};
    nghttp2_data_provider from = {.source.ptr = r, .read_callback = h2_answer_bytes};
    r->answer = body;
    nghttp2_submit_response(p->session, r->id, nv, 2, &from);
    h2_push(p);
}

static inline void h2_reset(struct h2_peer *p, struct h2_request *r, uint32_t code)
{
    nghttp2_submit_rst_stream(p->session, NGHTTP2_FLAG_NONE, r->id, code);
    h2_push(p);
}

#endif
