/* SPDX-License-Identifier: Apache-2.0
 *
 * The load's HTTP/2, as the AWS SDK for JavaScript does it: prior knowledge, two SETTINGS frames,
 * the request, and GOAWAY as soon as the answer's head is here, while its body is still to come.
 */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static nghttp2_session_callbacks *callbacks;

static int h2_on_header(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name,
                        size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                        void *arg)
{
    bool status = name_len == 7 && memcmp(name, ":status", 7) == 0;
    struct call *k = nghttp2_session_get_stream_user_data(s, frame->hd.stream_id);
    if (status && k && (value_len != 3 || memcmp(value, "200", 3) != 0))
        call_end(k, false, "a status other than 200");
    return 0;
}

static int h2_on_frame(nghttp2_session *s, const nghttp2_frame *frame, void *arg)
{
    if (frame->hd.type == NGHTTP2_HEADERS)
        return nghttp2_submit_goaway(s, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
    return 0;
}

static int h2_on_data(nghttp2_session *s, uint8_t flags, int32_t id, const uint8_t *bytes, size_t n,
                      void *arg)
{
    struct call *k = nghttp2_session_get_stream_user_data(s, id);
    if (k && n > 0)
        call_first(k);
    return 0;
}

static int h2_on_close(nghttp2_session *s, int32_t id, uint32_t code, void *arg)
{
    struct call *k = nghttp2_session_get_stream_user_data(s, id);
    if (k)
        call_end(k, code == NGHTTP2_NO_ERROR, nghttp2_http2_strerror(code));
    return 0;
}

static ssize_t h2_body(nghttp2_session *s, int32_t id, uint8_t *room, size_t size, uint32_t *flags,
                       nghttp2_data_source *source, void *arg)
{
    struct call *k = source->ptr;
    struct str rest = str_sub(want.body, k->body_sent, size);
    memcpy(room, rest.ptr, rest.len);
    k->body_sent += rest.len;
    if (k->body_sent == want.body.len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)rest.len;
}

void h2_prepare(void)
{
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, h2_on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, h2_on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, h2_on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, h2_on_close);
}

static nghttp2_nv h2_field(const char *name, struct str value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value.ptr, strlen(name),
                        value.len, NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

static void h2_submit(struct conn *c, unsigned i)
{
    static char authority[32], length[24];
    snprintf(authority, sizeof authority, "127.0.0.1:%d", want.port);
    snprintf(length, sizeof length, "%zu", want.body.len);
    nghttp2_nv fields[] = {
        h2_field(":method", S("POST")),
        h2_field(":scheme", S("http")),
        h2_field(":authority", str_of(authority)),
        h2_field(":path", want.path),
        h2_field("content-type", S("application/json")),
        h2_field("content-length", str_of(length)),
        h2_field("accept", S("*/*")),
    };
    nghttp2_data_provider body = {.source.ptr = &c->call[i], .read_callback = h2_body};
    if (nghttp2_submit_request(c->h2, NULL, fields, sizeof fields / sizeof *fields, &body,
                               &c->call[i]) < 0)
        call_end(&c->call[i], false, "nghttp2 took no request");
}

void h2_begin(struct conn *c)
{
    nghttp2_settings_entry one = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1};
    if (nghttp2_session_client_new(&c->h2, callbacks, c) != 0)
        abort();
    if (nghttp2_submit_settings(c->h2, NGHTTP2_FLAG_NONE, NULL, 0) != 0 ||
        nghttp2_submit_settings(c->h2, NGHTTP2_FLAG_NONE, &one, 1) != 0)
        abort();
    for (unsigned i = 0; i < c->open_calls; i++)
        h2_submit(c, i);
}

bool h2_write(struct conn *c)
{
    for (;;) {
        const uint8_t *bytes;
        ssize_t n = 0;
        while (buf_len(&c->out) < GULP && (n = nghttp2_session_mem_send(c->h2, &bytes)) > 0)
            buf_add(&c->out, str_from((const char *)bytes, (size_t)n));
        if (n < 0 || buf_len(&c->out) == 0)
            return n == 0;
        n = send(c->fd, buf_str(&c->out).ptr, buf_len(&c->out), MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN;
        buf_consume(&c->out, (size_t)n);
    }
}

bool h2_bytes(struct conn *c, struct str bytes)
{
    ssize_t n = nghttp2_session_mem_recv(c->h2, (const uint8_t *)bytes.ptr, bytes.len);
    return n == (ssize_t)bytes.len;
}
