/* SPDX-License-Identifier: Apache-2.0
 *
 * The far side of a storm: visitors over HTTP/1.1 or HTTP/2 (nghttp2's server), each request
 * answered as the dice fall, and a ledger of what arrived. A request says its number in x-id and
 * its body consists of that number's letter, and so does the answer, whose length stands in x-len.
 */
#ifndef WEIR_TEST_STORM_SIDE_H
#define WEIR_TEST_STORM_SIDE_H

#include "certs.h"
#include "far_side.h"

#include <nghttp2/nghttp2.h>

enum { IDS = 4000, PEERS = 400 };

static uint64_t dice;

static unsigned throw(unsigned sides)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (unsigned)(dice >> 33) % sides;
}

/* What the far side saw of each call. */
static struct {
    bool seen, refused, unsent;
} ledger[IDS];
static unsigned last_id;

/* --- the far side */

struct visitor {
    struct conn *c;
    nghttp2_session *session; /* NULL: HTTP/1.1 */
    struct buf in;
    int32_t last; /* of our GOAWAY; 0: none */
    unsigned id;  /* HTTP/1.1: of the request that is being read or answered */
    bool answered;
};

static struct visitor visitors[PEERS];
static unsigned n_visitors;
static struct tls *server_tls, *client_tls;
static bool h2, narrow; /* narrow: the far side reads slowly, so that queues fill */
static int listener;
static struct watch watch_listener;

static void note_seen(unsigned id)
{
    assert_true(id > 0 && id <= last_id);
    assert_false(ledger[id].seen || ledger[id].unsent);
    ledger[id].seen = true;
}

static void send_off(struct visitor *v)
{
    conn_close(v->c);
    v->c = NULL;
}

static char letter(unsigned id)
{
    return (char)('a' + id % 26);
}

static bool all_letters(const char *bytes, size_t n, unsigned id)
{
    return n == 0 || (bytes[0] == letter(id) && memcmp(bytes, bytes + 1, n - 1) == 0);
}

static struct str answer_of(unsigned id, size_t n)
{
    static char bytes[200 * 1024];
    memset(bytes, letter(id), n);
    return str_from(bytes, n);
}

static size_t some_length(void)
{
    static const size_t lengths[] = {0, 1, 100, 5000, 70000, 200 * 1024};
    return lengths[throw(6)];
}

static void h1_say(struct visitor *v, const char *text)
{
    conn_write(v->c, str_of(text));
}

static void h1_answer(struct visitor *v)
{
    size_t n = some_length();
    char head[256];
    v->answered = true;
    switch (throw(12)) {
    case 0:
        send_off(v);
        return;
    case 1:
        return; /* never */
    case 2:
        h1_say(v, "nonsense\r\n\r\n");
        return;
    case 3: /* cut */
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nx-len: 9\r\ncontent-length: 9\r\n\r\n%c",
                 letter(v->id));
        h1_say(v, head);
        conn_finish(v->c);
        v->c = NULL;
        return;
    case 4:
        h1_say(v, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
        break;
    case 5: /* with surplus */
        h1_say(v,
               "HTTP/1.1 200 OK\r\nx-len: 0\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
        return;
    default:
        break;
    }
    if (throw(2)) {
        snprintf(head, sizeof head,
                 "HTTP/1.1 200 OK\r\nx-len: %zu\r\ncontent-length: %zu\r\n%s\r\n", n, n,
                 throw(8) ? "" : "connection: close\r\n");
        h1_say(v, head);
        conn_write(v->c, answer_of(v->id, n));
    } else {
        snprintf(head, sizeof head,
                 "HTTP/1.1 200 OK\r\nx-len: %zu\r\ntransfer-encoding: chunked\r\n\r\n", n);
        h1_say(v, head);
        for (size_t left = n; left;) {
            size_t part = 1 + throw(left > 30000 ? 30000 : (unsigned)left);
            snprintf(head, sizeof head, "%zx\r\n", part);
            h1_say(v, head);
            conn_write(v->c, answer_of(v->id, part));
            h1_say(v, "\r\n");
            left -= part;
        }
        h1_say(v, "0\r\n\r\n");
    }
}

/* One request at a time: a client that pipelines would be wrong. */
static void h1_take(struct visitor *v)
{
    for (;;) {
        char text[300];
        snprintf(text, sizeof text, "%.*s", STR_ARG(str_sub(buf_str(&v->in), 0, 299)));
        const char *end = strstr(text, "\r\n\r\n");
        const char *id = strstr(text, "x-id: "), *length = strstr(text, "content-length: ");
        if (!end || !v->c)
            return;
        assert_non_null(id);
        assert_non_null(length);
        unsigned number = (unsigned)atoi(id + 6);
        if (v->id != number) {
            v->answered = false;
            v->id = number;
            note_seen(number);
        }
        size_t head = (size_t)(end - text) + 4, size = (size_t)atoi(length + 16);
        bool whole = buf_len(&v->in) >= head + size;
        if (!v->answered && (whole || throw(3) == 0))
            h1_answer(v);
        if (!whole || !v->c)
            return;
        assert_true(all_letters(v->in.data + v->in.head + head, size, number));
        buf_consume(&v->in, head + size);
    }
}

static void h2_push(struct visitor *v)
{
    const uint8_t *bytes;
    ssize_t n;
    while (v->c && v->session && conn_unwritten(v->c) < 100000 &&
           (n = nghttp2_session_mem_send(v->session, &bytes)) > 0)
        conn_write(v->c, str_from((const char *)bytes, (size_t)n));
}

/* A stream's user data: its call's id, and how much of the answer is left. */
struct reply {
    unsigned id;
    size_t left;
    bool answered, cut;
};

static struct reply replies[IDS];

static ssize_t reply_bytes(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
                           uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    struct reply *r = source->ptr;
    size_t n = r->left < room ? r->left : room;
    memset(to, letter(r->id), n);
    r->left -= n;
    if (r->left == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (r->cut && r->left == 0)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return (ssize_t)n;
}

static nghttp2_nv nv_of(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), 0};
}

static void refuse_above(struct visitor *v, int32_t last)
{
    for (int32_t i = last + 2; i < nghttp2_session_get_last_proc_stream_id(v->session) + 200;
         i += 2) {
        struct reply *r = nghttp2_session_get_stream_user_data(v->session, i);
        if (r)
            ledger[r->id].refused = true;
    }
}

static void h2_answer(struct visitor *v, int32_t stream, struct reply *r)
{
    static const uint32_t codes[] = {NGHTTP2_REFUSED_STREAM, NGHTTP2_INTERNAL_ERROR,
                                     NGHTTP2_NO_ERROR, NGHTTP2_CANCEL};
    char length[24];
    uint32_t code;
    r->answered = true;
    r->left = some_length();
    snprintf(length, sizeof length, "%zu", r->left);
    nghttp2_nv nv[] = {nv_of(":status", "200"), nv_of("x-len", length)};
    nghttp2_data_provider from = {.source.ptr = r, .read_callback = reply_bytes};
    switch (throw(16)) {
    case 0:
        return; /* never */
    case 1:
        code = codes[throw(4)];
        ledger[r->id].refused |= code == NGHTTP2_REFUSED_STREAM;
        nghttp2_submit_rst_stream(v->session, NGHTTP2_FLAG_NONE, stream, code);
        return;
    case 2: {
        int32_t last = nghttp2_session_get_last_proc_stream_id(v->session);
        last -= 2 * (int32_t) throw(3);
        last = last > 1 ? last : 1;
        last = v->last && v->last < last ? v->last : last;
        v->last = last;
        refuse_above(v, last);
        nghttp2_submit_goaway(v->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
        break;
    }
    case 3: {
        nghttp2_nv early[] = {nv_of(":status", "103")};
        nghttp2_submit_headers(v->session, NGHTTP2_FLAG_NONE, stream, NULL, early, 1, NULL);
        break;
    }
    case 4:
        conn_write(v->c, S("nonsense, and enough of it for one frame head"));
        return;
    case 5:
        r->cut = true;
        break;
    default:
        break;
    }
    nghttp2_submit_response(v->session, stream, nv, 2, &from);
}

static int h2_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *arg)
{
    struct visitor *v = arg;
    if (name_len != 4 || memcmp(name, "x-id", 4) != 0)
        return 0;
    unsigned id = (unsigned)atoi((const char *)value);
    note_seen(id);
    ledger[id].refused = v->last && frame->hd.stream_id > v->last;
    replies[id] = (struct reply){.id = id};
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, &replies[id]);
    return 0;
}

static int h2_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                   size_t n, void *arg)
{
    struct reply *r = nghttp2_session_get_stream_user_data(session, id);
    assert_true(!r || all_letters((const char *)bytes, n, r->id));
    return 0;
}

static int h2_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct visitor *v = arg;
    struct reply *r = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    bool of_request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (r && of_request && (last || (frame->hd.type == NGHTTP2_HEADERS && throw(4) == 0)) &&
        !r->answered)
        h2_answer(v, frame->hd.stream_id, r);
    return 0;
}

static void h2_open(struct visitor *v)
{
    nghttp2_session_callbacks *calls;
    nghttp2_session_callbacks_new(&calls);
    nghttp2_session_callbacks_set_on_header_callback(calls, h2_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, h2_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, h2_frame);
    nghttp2_session_server_new(&v->session, calls, v);
    nghttp2_session_callbacks_del(calls);
    nghttp2_settings_entry some[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1 + throw(9)},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, narrow ? 1 << 24 : 1 + throw(100000)}};
    nghttp2_submit_settings(v->session, NGHTTP2_FLAG_NONE, some, narrow ? 2 : throw(3));
    if (narrow)
        nghttp2_session_set_local_window_size(v->session, NGHTTP2_FLAG_NONE, 0, 1 << 24);
}

static void visit(void *arg, enum conn_event event)
{
    struct visitor *v = arg;
    static char bytes[65536];
    if (event == CONN_OPEN && h2)
        h2_open(v);
    while (event == CONN_READABLE && v->c) {
        ssize_t n = conn_read(v->c, bytes, 1 + throw(sizeof bytes));
        if (n == ERR_AGAIN)
            break;
        if (n < 0 ||
            (h2 && nghttp2_session_mem_recv(v->session, (const uint8_t *)bytes, (size_t)n) < 0)) {
            send_off(v);
        } else if (!h2) {
            buf_add(&v->in, str_from(bytes, (size_t)n));
            h1_take(v);
        }
    }
    if (event == CONN_BROKEN)
        send_off(v);
    h2_push(v);
}

static void on_visitor(void *arg, bool readable, bool writable)
{
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    int fd = sock_accept(listener, &from, &len);
    if (fd < 0)
        return;
    assert_true(n_visitors < PEERS);
    struct visitor *v = &visitors[n_visitors++];
    *v = (struct visitor){0};
    if (throw(10) == 0) {
        sock_close(fd); /* not today */
        return;
    }
    v->c = conn_accept(loop, fd, h2 ? server_tls : NULL, visit, v);
}

#endif
