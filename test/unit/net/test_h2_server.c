/* SPDX-License-Identifier: Apache-2.0
 *
 * net/h2_server: an nghttp2 client session on the other end of a pair in memory; where the client
 * must misbehave, raw frames. The clock stands unless moved.
 */
#include "weir/base/clock.h"
#include "weir/net/conn.h"
#include "weir/net/server.h"

#include <nghttp2/nghttp2.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include "sink.h"

#include <cmocka.h>

enum { STREAMS = 400 };

/* What the client saw of a stream. */
struct seen {
    char status[8];
    char type[64]; /* x-amzn-errortype */
    struct buf body;
    bool ended, continued;
    bool closed;
    uint32_t code; /* it was closed with */
    size_t left;   /* of the request's body, to send */
    bool hold;     /* sends nothing more for now */
};

static struct loop *loop;
static struct conn *client;
static struct server *server;
static struct sink sink;
static size_t busy;
static nghttp2_session *session;
static struct seen seen[STREAMS];
static bool gone, goaway, deaf;
static uint32_t goaway_code;
static int32_t goaway_last;
static int64_t now_ms;
static size_t most_window; /* of the connection, credited by the server so far */

static struct seen *of(int32_t id)
{
    return &seen[id / 2 % STREAMS];
}

/* --- the client */

static int on_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name, size_t n,
                     const uint8_t *value, size_t vn, uint8_t flags, void *arg)
{
    struct seen *x = of(f->hd.stream_id);
    struct str field = {(const char *)name, n};
    if (str_eq(field, S(":status"))) {
        if (vn == 3 && value[0] == '1')
            x->continued = true;
        else
            snprintf(x->status, sizeof x->status, "%.*s", (int)vn, value);
    } else if (str_eq(field, S("x-amzn-errortype"))) {
        snprintf(x->type, sizeof x->type, "%.*s", (int)vn, value);
    }
    return 0;
}

static int on_chunk(nghttp2_session *s, uint8_t flags, int32_t id, const uint8_t *bytes, size_t n,
                    void *arg)
{
    buf_add(&of(id)->body, (struct str){(const char *)bytes, n});
    return 0;
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *f, void *arg)
{
    if (f->hd.type == NGHTTP2_GOAWAY) {
        goaway = true;
        goaway_code = f->goaway.error_code;
        goaway_last = f->goaway.last_stream_id;
    }
    if ((f->hd.type == NGHTTP2_DATA || f->hd.type == NGHTTP2_HEADERS) &&
        (f->hd.flags & NGHTTP2_FLAG_END_STREAM))
        of(f->hd.stream_id)->ended = true;
    if (f->hd.type == NGHTTP2_WINDOW_UPDATE && f->hd.stream_id == 0)
        most_window += (size_t)f->window_update.window_size_increment;
    return 0;
}

static int on_close(nghttp2_session *s, int32_t id, uint32_t code, void *arg)
{
    of(id)->closed = true;
    of(id)->code = code;
    return 0;
}

static ssize_t read_body(nghttp2_session *s, int32_t id, uint8_t *buf, size_t length,
                         uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    struct seen *x = of(id);
    size_t n = x->left < length ? x->left : length;
    if (x->hold)
        return NGHTTP2_ERR_DEFERRED;
    for (size_t i = 0; i < n; i++)
        buf[i] = (uint8_t)('a' + (x->left - i) % 26);
    x->left -= n;
    if (x->left == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static void pump(void)
{
    const uint8_t *bytes;
    ssize_t n;
    while (!gone && (n = nghttp2_session_mem_send(session, &bytes)) > 0)
        conn_write(client, (struct str){(const char *)bytes, (size_t)n});
}

static void on_client(void *arg, enum conn_event event)
{
    char bytes[16384];
    ssize_t n;
    gone |= event == CONN_BROKEN;
    if (event != CONN_READABLE || deaf)
        return;
    while ((n = conn_read(client, bytes, sizeof bytes)) > 0)
        (void)nghttp2_session_mem_recv(session, (const uint8_t *)bytes, (size_t)n);
    if (n != ERR_AGAIN) {
        gone = true;
        conn_want_read(client, false);
    }
    pump();
}

static void turns(int n)
{
    while (n--)
        loop_turn(loop, 0);
}

static void pass(int64_t ms)
{
    while (ms > 0) { /* in steps, as real time does */
        int64_t step = ms < 1000 ? ms : 1000;
        ms -= step;
        now_ms += step;
        clock_fake(now_ms * 1000000, 784111777000);
        turns(4);
    }
}

static void talk(void)
{
    pump();
    turns(12);
}

static nghttp2_nv nv(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value),
                        NGHTTP2_NV_FLAG_NO_COPY_NAME}; /* and so not made lower case */
}

static int32_t ask(const char *method, const char *path, size_t body, const char *extra,
                   const char *extra_value)
{
    char length[24];
    snprintf(length, sizeof length, "%zu", body);
    nghttp2_nv head[6] = {nv(":method", method), nv(":scheme", "http"), nv(":path", path),
                          nv(":authority", "weir.test")};
    size_t n = 4;
    if (body)
        head[n++] = nv("content-length", length);
    if (extra)
        head[n++] = nv(extra, extra_value);
    nghttp2_data_provider provider = {.read_callback = read_body};
    int32_t id = nghttp2_submit_request(session, NULL, head, n, body ? &provider : NULL, NULL);
    assert_true(id > 0);
    *of(id) = (struct seen){.left = body};
    return id;
}

static int setup(void **state)
{
    struct conn *ours;
    nghttp2_session_callbacks *calls;
    nghttp2_option *option;
    now_ms = 1000000;
    clock_fake(now_ms * 1000000, 784111777000);
    loop = loop_new();
    conn_pair(loop, &client, &ours);
    conn_owner(client, on_client, NULL);
    conn_set_peer(ours, S("192.0.2.7:1000"));
    sink = (struct sink){0};
    busy = most_window = 0;
    gone = goaway = deaf = false;
    struct server_options o = {loop, &sink_calls, &sink, &busy};
    struct buf early = {0};
    server = h2_server_new(ours, &o, &early);
    nghttp2_session_callbacks_new(&calls);
    nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_close);
    nghttp2_option_new(&option);
    nghttp2_option_set_no_http_messaging(option, 1); /* the client may send what is wrong */
    nghttp2_option_set_peer_max_concurrent_streams(option, 128);
    nghttp2_option_set_max_send_header_block_length(option, 1 << 20);
    nghttp2_session_client_new2(&session, calls, NULL, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(calls);
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, NULL, 0);
    talk();
    return 0;
}

static int teardown(void **state)
{
    if (server)
        server_free(server);
    server = NULL;
    conn_close(client);
    nghttp2_session_del(session);
    loop_free(loop);
    sink_fini(&sink);
    for (size_t i = 0; i < STREAMS; i++) {
        buf_fini(&seen[i].body);
        seen[i] = (struct seen){0};
    }
    clock_real();
    return 0;
}

/* Our side ended the connection, and freed the server. */
static void assert_gone(void)
{
    turns(10);
    assert_true(gone);
    server = NULL;
}

static void a_request_and_its_answer(void **state)
{
    int32_t id = ask("GET", "/a?b=c", 0, "x-some", "Thing");
    talk();
    assert_int_equal(sink.n, 1);
    assert_string_equal(sink.at[0].line, "GET /a?b=c weir.test h2 body=0");
    assert_true(str_eq(fields_get(&sink.at[0].request.fields, S("x-some")), S("Thing")));
    assert_true(str_eq(sink.at[0].request.peer_addr, S("192.0.2.7:1000")));
    assert_int_equal(busy, 1);
    sink_answer(&sink.at[0], S("ok"));
    assert_int_equal(sink.at[0].gone, -1); /* not from inside */
    talk();
    assert_string_equal(of(id)->status, "200");
    assert_string_equal(buf_cstr(&of(id)->body), "ok");
    assert_true(of(id)->ended && of(id)->closed && of(id)->code == NGHTTP2_NO_ERROR);
    assert_int_equal(sink.at[0].gone, FRONT_DONE);
    assert_int_equal(busy, 0);
}

static void an_answer_without_a_body(void **state)
{
    int32_t id = ask("HEAD", "/a", 0, NULL, NULL);
    talk();
    sink_answer(&sink.at[0], S("ok"));
    talk();
    assert_string_equal(of(id)->status, "200");
    assert_int_equal(buf_len(&of(id)->body), 0);
    assert_true(of(id)->ended && of(id)->closed && of(id)->code == NGHTTP2_NO_ERROR);
    assert_int_equal(sink.at[0].gone, FRONT_DONE);
}

static void many_streams_at_once(void **state)
{
    int32_t id[100];
    sink.take = sink.echo = true;
    sink.room = 1000;
    for (int i = 0; i < 100; i++)
        id[i] = ask("POST", "/x", (size_t)i * 37 + 1, NULL, NULL);
    for (int i = 0; i < 60; i++)
        talk();
    assert_int_equal(sink.n, 100);
    for (int i = 0; i < 100; i++) {
        assert_true(of(id[i])->ended);
        assert_int_equal(buf_len(&of(id[i])->body), i * 37 + 1);
    }
    assert_int_equal(busy, 0);
}

/* 3 MB through a sink with little room and a rest: the window opens for all of it, what comes
 * while the sink rests is kept within bounds, and nothing is lost. */
static void a_large_body_and_a_full_sink(void **state)
{
    enum { N = 3000000 };
    sink.take = true;
    sink.take_most = N;
    sink.room = 5000;
    sink.no_room = true;
    int32_t id = ask("POST", "/x", N, NULL, NULL);
    for (int i = 0; i < 200; i++)
        talk();
    size_t sent = N - of(id)->left, queued = conn_unwritten(client);
    assert_true(sent > 300000); /* the window is open for it */
    assert_in_range(sent - queued, 128 * 1024, (128 + 64 + 32) * 1024); /* held, pipe, a read */
    pass(20000);
    assert_int_equal(sink.at[0].gone, -1); /* the pause is ours */
    sink.no_room = false;
    front_resume(sink.at[0].front);
    for (int i = 0; i < 2000 && !sink.at[0].body_ended; i++)
        talk();
    assert_true(sink.at[0].body_ended);
    assert_int_equal(buf_len(&sink.at[0].body), N);
    for (size_t i = 0; i < N; i += 997)
        assert_int_equal(sink.at[0].body.data[i], 'a' + (N - i) % 26);
}

/* Nobody asked for the body: 64 KiB come, then the window is shut. */
static void a_body_nobody_asked_for(void **state)
{
    int32_t id = ask("POST", "/x", 200000, NULL, NULL);
    for (int i = 0; i < 20; i++)
        talk();
    assert_int_equal(of(id)->left, 200000 - 65535);
    assert_int_equal(buf_len(&sink.at[0].body), 0);
    front_take_body(sink.at[0].front, 200000);
    for (int i = 0; i < 40; i++)
        talk();
    assert_true(sink.at[0].body_ended);
    assert_int_equal(buf_len(&sink.at[0].body), 200000);
}

/* Without a declared length the sink sees that there is more than it takes. */
static void longer_than_wanted(void **state)
{
    nghttp2_nv head[4] = {nv(":method", "POST"), nv(":scheme", "http"), nv(":path", "/x"),
                          nv(":authority", "weir.test")};
    nghttp2_data_provider provider = {.read_callback = read_body};
    int32_t id = nghttp2_submit_request(session, NULL, head, 4, &provider, NULL);
    *of(id) = (struct seen){.left = 1000000};
    sink.take = true;
    sink.take_most = 300000;
    for (int i = 0; i < 60; i++)
        talk();
    assert_int_equal(buf_len(&sink.at[0].body), 300000 + 65535);
    sink_answer(&sink.at[0], S("413"));
    for (int i = 0; i < 20; i++)
        talk();
    assert_string_equal(buf_cstr(&of(id)->body), "413");
    assert_false(of(id)->closed);                  /* it has time to read that */
    assert_int_equal(sink.at[0].gone, FRONT_DONE); /* above it is over */
    assert_int_equal(busy, 0);
    for (int i = 0; i < 6; i++)
        pass(1000);
    talk();
    assert_true(of(id)->closed);
    assert_int_equal(of(id)->code, NGHTTP2_NO_ERROR); /* RST_STREAM(NO_ERROR): need not go on */
    assert_int_equal(sink.at[0].gone, FRONT_DONE);
}

static void expect_continue(void **state)
{
    int32_t id = ask("POST", "/x", 10, "expect", "100-continue");
    of(id)->hold = true;
    talk();
    assert_false(of(id)->continued);
    front_take_body(sink.at[0].front, 100);
    talk();
    assert_true(of(id)->continued);
    of(id)->hold = false;
    nghttp2_session_resume_data(session, id);
    talk();
    assert_true(sink.at[0].body_ended);
    id = ask("POST", "/x", 10, "expect", "the-unexpected");
    talk();
    assert_string_equal(of(id)->status, "417");
    assert_int_equal(sink.n, 1);
}

static void refused(const char *method, const char *path, const char *extra, const char *value,
                    const char *status)
{
    int32_t id = ask(method, path, 0, extra, value);
    size_t before = sink.n;
    talk();
    assert_int_equal(sink.n, before);
    assert_string_equal(of(id)->status, status);
    assert_true(of(id)->closed);
    if (status[0]) {
        assert_true(str_starts(buf_str(&of(id)->body), S("{\"message\":\"")));
        assert_int_not_equal(of(id)->type[0], 0);
    }
}

static void what_is_refused(void **state)
{
    refused("CONNECT", "/x", NULL, NULL, ""); /* by nghttp2: :path and CONNECT do not go together */
    refused("post", "/x", NULL, NULL, "405");
    refused("OPTIONS", "*", NULL, NULL, "405");
    refused("GET", "/a b", NULL, NULL, ""); /* by nghttp2, 1.52 */
    refused("GET", "/a#b", NULL, NULL, "400");
    refused("GET", "/\"x\"", NULL, NULL, "400");
    refused("GET", "/x", "host", "other.test", "400");
    refused("GET", "/x", "X-Upper", "y", "");
    refused("GET", "/x", "x-text", "a\r\nhost: evil", "");
    refused("GET", "/x", "connection", "close", "");
    refused("GET", "/x", "transfer-encoding", "chunked", "");
    assert_false(goaway);
    sink.answer_at_once = true;
    int32_t id = ask("GET", "/x", 0, "host", "WEIR.test");
    talk();
    assert_string_equal(of(id)->status, "200");
}

static void too_many_fields(void **state)
{
    nghttp2_nv head[150] = {nv(":method", "GET"), nv(":scheme", "http"), nv(":path", "/x"),
                            nv(":authority", "weir.test")};
    for (int i = 4; i < 150; i++)
        head[i] = nv("x-many", "y");
    int32_t id = nghttp2_submit_request(session, NULL, head, 150, NULL, NULL);
    talk();
    assert_string_equal(of(id)->status, "431");
    static char big[4000];
    memset(big, 'x', sizeof big - 1);
    for (int i = 4; i < 30; i++)
        head[i] = nv("x-big", big);
    id = nghttp2_submit_request(session, NULL, head, 30, NULL, NULL);
    for (int i = 0; i < 10; i++)
        talk();
    assert_string_equal(of(id)->status, "431");
    assert_int_equal(sink.n, 0);
}

static void a_length_that_lies(void **state)
{
    sink.take = true;
    int32_t id = ask("POST", "/x", 10, NULL, NULL);
    of(id)->left = 11;
    talk();
    assert_int_equal(sink.n, 1);
    assert_false(sink.at[0].body_ended);
    assert_int_equal(sink.at[0].gone, FRONT_BAD);
    assert_int_equal(of(id)->code, NGHTTP2_PROTOCOL_ERROR);
    id = ask("POST", "/x", 10, NULL, NULL);
    of(id)->left = 9;
    talk();
    assert_false(sink.at[1].body_ended);
    assert_int_equal(sink.at[1].gone, FRONT_BAD);
}

static void the_client_resets(void **state)
{
    sink.take = true;
    int32_t id = ask("POST", "/x", 100, NULL, NULL);
    of(id)->hold = true;
    talk();
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    talk();
    assert_int_equal(sink.at[0].gone, FRONT_LEFT);
    assert_int_equal(busy, 0);
    ask("GET", "/x", 0, NULL, NULL);
    talk();
    conn_close(client);
    client = NULL;
    turns(4);
    assert_int_equal(sink.at[1].gone, FRONT_LEFT);
    server = NULL;
}

static void we_abort_or_refuse(void **state)
{
    int32_t id = ask("GET", "/x", 0, NULL, NULL);
    talk();
    front_refuse(sink.at[0].front);
    assert_int_equal(sink.at[0].gone, -1);
    talk();
    assert_int_equal(of(id)->code, NGHTTP2_REFUSED_STREAM);
    assert_int_equal(sink.at[0].gone, FRONT_LEFT);
    id = ask("GET", "/x", 0, NULL, NULL);
    talk();
    front_answer(sink.at[1].front, 200, NULL, 0, false);
    front_send(sink.at[1].front, S("half"), false);
    talk();
    front_abort(sink.at[1].front);
    talk();
    assert_string_equal(buf_cstr(&of(id)->body), "half");
    assert_false(of(id)->ended);
    assert_int_equal(of(id)->code, NGHTTP2_INTERNAL_ERROR);
    assert_int_equal(sink.at[1].gone, FRONT_LEFT);
}

/* What the AWS SDK for JavaScript does (3.1162.0): GOAWAY as soon as the answer's head is there. */
static void goaway_while_reading(void **state)
{
    int32_t id = ask("GET", "/stream", 0, NULL, NULL);
    talk();
    front_answer(sink.at[0].front, 200, NULL, 0, false);
    front_send(sink.at[0].front, S("one "), false);
    talk();
    nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
    talk();
    assert_int_equal(sink.at[0].gone, -1);
    front_send(sink.at[0].front, S("two "), false);
    talk();
    front_send(sink.at[0].front, S("three"), true);
    talk();
    assert_string_equal(buf_cstr(&of(id)->body), "one two three");
    assert_true(of(id)->ended);
    assert_int_equal(sink.at[0].gone, FRONT_DONE);
    assert_gone();
}

/* A slow stream fills its own buffer and stalls nobody else. */
static void a_slow_reader(void **state)
{
    static char big[200000];
    memset(big, 'x', sizeof big);
    int32_t slow = ask("GET", "/slow", 0, NULL, NULL);
    talk();
    nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, 10000000);
    front_answer(sink.at[0].front, 200, NULL, 0, false);
    front_send(sink.at[0].front, (struct str){big, sizeof big}, false);
    assert_true(front_unsent(sink.at[0].front) > FRONT_HIGH_MARK);
    talk(); /* the client's window for the stream is 64 KiB, and its library credits it */
    for (int i = 0; i < 20; i++)
        talk();
    assert_int_equal(buf_len(&of(slow)->body), sizeof big);
    assert_int_equal(sink.at[0].drains, 1);
    assert_int_equal(front_unsent(sink.at[0].front), 0);
    front_send(sink.at[0].front, S("end"), true);
    talk();
    assert_int_equal(sink.at[0].gone, FRONT_DONE);
}

static void no_window(void **state)
{
    static char big[100000];
    nghttp2_settings_entry none = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100};
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &none, 1);
    nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, 10000000);
    talk();
    int32_t held = ask("GET", "/held", 0, NULL, NULL);
    talk();
    nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, held, 100);
    front_answer(sink.at[0].front, 200, NULL, 0, false);
    front_send(sink.at[0].front, (struct str){big, sizeof big}, false);
    deaf = true; /* and so gives no window */
    turns(20);
    sink.answer_at_once = true;
    for (int i = 0; i < 3; i++)
        pass(15000);
    assert_int_equal(sink.at[0].gone, -1);
    pass(31000);
    deaf = false;
    conn_want_read(client, false);
    conn_want_read(client, true);
    talk();
    assert_int_equal(sink.at[0].gone, FRONT_LEFT);
    assert_int_equal(of(held)->code, NGHTTP2_CANCEL);
    assert_int_equal(busy, 0);
}

static void slow_bodies(void **state)
{
    sink.take = true;
    int32_t idle = ask("POST", "/idle", 100000, NULL, NULL);
    of(idle)->hold = true;
    talk();
    for (int i = 0; i < 16; i++)
        pass(1000);
    talk();
    assert_string_equal(of(idle)->status, "408");
    assert_string_equal(of(idle)->type, "RequestTimeoutException");
    assert_int_equal(sink.at[0].gone, FRONT_LEFT);
    assert_true(of(idle)->closed);
    assert_int_equal(busy, 0);
    assert_false(gone);
}

static void say_raw(const char *bytes, size_t n)
{
    pump();
    conn_write(client, (struct str){bytes, n});
    turns(10);
}

static void a_head_that_never_ends(void **state)
{
    say_raw("\0\0\1\1\0\0\0\0\1\x82", 10); /* HEADERS without END_HEADERS */
    pass(9000);
    assert_false(gone);
    pass(2000);
    assert_gone();
}

static void a_flood(void **state)
{
    static const char ping[] = "\0\0\x8\6\0\0\0\0\0abcdefgh";
    int32_t id = ask("GET", "/x", 0, NULL, NULL);
    talk();
    for (int i = 0; i < 200 && !goaway; i++)
        say_raw(ping, sizeof ping - 1);
    assert_true(goaway);
    assert_int_equal(goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_int_equal(sink.at[0].gone, FRONT_LEFT);
    assert_true(of(id)->left == 0);
    assert_gone();
}

/* Much lies in the buffers of streams when the connection has to end. */
static void ended_with_much_to_say(void **state)
{
    static char big[60000];
    static const char ping[] = "\0\0\x8\6\0\0\0\0\0abcdefgh";
    memset(big, 'x', sizeof big);
    nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, 10000000);
    for (int i = 0; i < 5; i++)
        ask("GET", "/x", 0, NULL, NULL);
    talk();
    deaf = true;
    for (int i = 0; i < 5; i++) {
        front_answer(sink.at[i].front, 200, NULL, 0, false);
        front_send(sink.at[i].front, (struct str){big, sizeof big}, false);
    }
    turns(6);
    for (int i = 0; i < 200; i++)
        conn_write(client, (struct str){ping, sizeof ping - 1});
    turns(6);
    assert_int_equal(sink.at[4].gone, FRONT_LEFT);
    deaf = false;
    conn_want_read(client, false);
    conn_want_read(client, true);
    turns(20);
    assert_true(goaway);
    for (int i = 0; i < 5; i++)
        for (size_t k = 0; k < buf_len(&seen[i].body); k++)
            assert_int_equal(seen[i].body.data[k], 'x');
    assert_gone();
}

static void faults_add_up(void **state)
{
    for (int i = 0; i < 200 && !goaway; i++) {
        ask("GET", "/x", 0, "X-Upper", "y");
        talk();
    }
    assert_true(goaway);
    assert_int_equal(goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_int_equal(sink.n, 0);
    assert_gone();
}

static void idle_connections_end(void **state)
{
    sink.answer_at_once = true;
    ask("GET", "/x", 0, NULL, NULL);
    talk();
    pass(74000);
    assert_false(gone);
    pass(2000);
    assert_true(goaway && goaway_code == NGHTTP2_NO_ERROR);
    assert_gone();
}

static void a_waiting_stream_is_not_idle(void **state)
{
    ask("GET", "/x", 0, NULL, NULL);
    talk();
    for (int i = 0; i < 40; i++)
        pass(15000); /* ten minutes */
    assert_false(gone);
    sink_answer(&sink.at[0], S("late"));
    talk();
    assert_int_equal(sink.at[0].gone, FRONT_DONE);
    pass(74000);
    assert_false(gone);
    pass(2000);
    assert_gone();
}

static void drains_when_idle(void **state)
{
    server_drain(server);
    assert_gone();
    assert_true(goaway && goaway_code == NGHTTP2_NO_ERROR);
}

static void drains_when_busy(void **state)
{
    int32_t id = ask("GET", "/x", 0, NULL, NULL);
    talk();
    server_drain(server);
    talk();
    assert_true(goaway);
    assert_int_equal(goaway_last, 0x7fffffff); /* the notice: what is on its way still counts */
    pass(1100);
    assert_int_equal(goaway_last, id);
    assert_false(gone);
    sink_answer(&sink.at[0], S("ok"));
    talk();
    assert_string_equal(buf_cstr(&of(id)->body), "ok");
    assert_gone();
}

static void freed_when_busy(void **state)
{
    sink.take = true;
    int32_t id = ask("POST", "/x", 100, NULL, NULL);
    of(id)->hold = true;
    talk();
    server_free(server);
    server = NULL;
    assert_int_equal(sink.at[0].gone, FRONT_LEFT);
    assert_int_equal(busy, 0);
}

static void *set_up(void *state)
{
    (void)setup(state);
    return NULL;
}

/* As when a worker's thread has ended and the daemon frees what it had. */
static void freed_by_another_thread(void **state)
{
    pthread_t worker;
    (void)teardown(state);
    assert_int_equal(pthread_create(&worker, NULL, set_up, state), 0);
    assert_int_equal(pthread_join(worker, NULL), 0);
    int32_t id = ask("GET", "/a", 0, NULL, NULL);
    talk();
    sink_answer(&sink.at[0], S("ok"));
    talk();
    assert_true(of(id)->ended);
}

/* Whichever allocation of nghttp2's is refused: the answer comes, or the connection ends. */
static void refused_memory(void **state)
{
    unsigned ends = 0;
    for (unsigned nth = 1; nth <= 60; nth++) {
        (void)teardown(state);
        (void)setup(state);
        sink.take = sink.echo = true;
        mem_fail_at(nth);
        int32_t id = ask("POST", "/x", 200000, NULL, NULL);
        for (int i = 0; i < 60 && !gone && !of(id)->ended; i++)
            talk();
        talk();
        mem_fail_at(0);
        ends += gone;
        if (gone)
            server = NULL;
        assert_true(gone || of(id)->ended);
        assert_int_equal(busy, 0);
    }
    assert_true(ends > 5);
}

static void not_http2(void **state)
{
    struct conn *ours;
    conn_close(client);
    server = NULL;
    turns(4);
    conn_pair(loop, &client, &ours);
    conn_owner(client, on_client, NULL);
    struct server_options o = {loop, &sink_calls, &sink, &busy};
    struct buf early = {0};
    buf_add(&early, S("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\nwhatever else"));
    server = h2_server_new(ours, &o, &early);
    gone = false;
    assert_gone();
}

int main(void)
{
#define H2_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        H2_TEST(a_request_and_its_answer),
        H2_TEST(an_answer_without_a_body),
        H2_TEST(many_streams_at_once),
        H2_TEST(a_large_body_and_a_full_sink),
        H2_TEST(a_body_nobody_asked_for),
        H2_TEST(longer_than_wanted),
        H2_TEST(expect_continue),
        H2_TEST(what_is_refused),
        H2_TEST(too_many_fields),
        H2_TEST(a_length_that_lies),
        H2_TEST(the_client_resets),
        H2_TEST(we_abort_or_refuse),
        H2_TEST(goaway_while_reading),
        H2_TEST(a_slow_reader),
        H2_TEST(no_window),
        H2_TEST(slow_bodies),
        H2_TEST(a_head_that_never_ends),
        H2_TEST(a_flood),
        H2_TEST(ended_with_much_to_say),
        H2_TEST(faults_add_up),
        H2_TEST(idle_connections_end),
        H2_TEST(a_waiting_stream_is_not_idle),
        H2_TEST(drains_when_idle),
        H2_TEST(drains_when_busy),
        H2_TEST(freed_when_busy),
        H2_TEST(freed_by_another_thread),
        H2_TEST(refused_memory),
        H2_TEST(not_http2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
