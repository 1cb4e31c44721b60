/* SPDX-License-Identifier: Apache-2.0
 *
 * net/h1_server: raw bytes in on a pair in memory, raw bytes out; the clock stands unless moved.
 */
#include "weir/base/clock.h"
#include "weir/net/conn.h"
#include "weir/net/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include "sink.h"

#include <cmocka.h>

static struct loop *loop;
static struct conn *client;
static struct server *server;
static struct sink sink;
static struct buf got;
static size_t busy;
static bool client_eof, client_waits;
static ssize_t client_error;
static int64_t now_ms;

static void turns(int n)
{
    while (n--)
        loop_turn(loop, 0);
}

static void pass(int64_t ms)
{
    now_ms += ms;
    clock_fake(now_ms * 1000000, 784111777000);
    turns(4);
}

static void on_client(void *arg, enum conn_event event)
{
    if (event != CONN_READABLE || client_waits)
        return;
    ssize_t n;
    while ((n = conn_read(client, buf_reserve(&got, 4096), 4096)) > 0)
        buf_commit(&got, (size_t)n);
    client_eof |= n == ERR_EOF;
    client_error = n;
    if (n != ERR_AGAIN)
        conn_want_read(client, false);
}

static int setup(void **state)
{
    struct conn *ours;
    now_ms = 1000000;
    clock_fake(now_ms * 1000000, 784111777000);
    loop = loop_new();
    conn_pair(loop, &client, &ours);
    conn_owner(client, on_client, NULL);
    conn_set_peer(ours, S("192.0.2.7:1000"));
    sink = (struct sink){0};
    busy = 0;
    client_eof = client_waits = false;
    struct server_options o = {loop, &sink_calls, &sink, &busy};
    struct buf early = {0};
    server = h1_server_new(ours, &o, &early);
    turns(2);
    return 0;
}

static int teardown(void **state)
{
    if (server)
        server_free(server);
    server = NULL;
    conn_close(client);
    loop_free(loop);
    sink_fini(&sink);
    buf_fini(&got);
    got = (struct buf){0};
    clock_real();
    return 0;
}

static void say(const char *bytes)
{
    conn_write(client, str_of(bytes));
    turns(6);
}

static const char *heard(void)
{
    turns(4);
    return buf_cstr(&got);
}

/* What was heard, and forgets it. */
static void assert_heard(const char *expected)
{
    assert_string_equal(heard(), expected);
    buf_clear(&got);
}

/* The connection ended from our side, and the server is gone. */
static void assert_closed(void)
{
    turns(6);
    assert_true(client_eof || client_error == ERR_IO);
    server = NULL;
}

#define DATE     "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define OK_HEAD  "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n"
#define OK       OK_HEAD DATE "\r\nok"
#define OK_CLOSE OK_HEAD "connection: close\r\n" DATE "\r\nok"

static void a_request_and_its_answer(void **state)
{
    say("GET /a?b=c HTTP/1.1\r\nHost: weir.test\r\nX-Some: Thing\r\n\r\n");
    assert_int_equal(sink.n, 1);
    assert_string_equal(sink.at[0].line, "GET /a?b=c weir.test h1.1 body=0");
    assert_true(str_eq(fields_get(&sink.at[0].request.fields, S("x-some")), S("Thing")));
    assert_true(str_eq(sink.at[0].request.peer_addr, S("192.0.2.7:1000")));
    assert_int_equal(sink.at[0].request.began_ns, now_ms * 1000000);
    assert_int_equal(busy, 1);
    sink_answer(&sink.at[0], S("ok"));
    assert_int_equal(sink.at[0].gone, -1); /* not from inside */
    assert_heard(OK);
    assert_int_equal(sink.at[0].gone, FRONT_DONE);
    assert_int_equal(busy, 0);
    sink.answer_at_once = true;
    say("GET /2 HTTP/1.1\r\nHost: weir.test\r\n\r\n");
    assert_heard(OK);
    say("GET /3 HTTP/1.1\r\nHost: weir.test\r\nConnection: close\r\n\r\n");
    assert_heard(OK_CLOSE);
    assert_closed();
}

static void byte_by_byte(void **state)
{
    static const char bytes[] = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
                                "POST /y HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: gone\r\n\r\n"
                                "GET /z HTTP/1.1\r\nHost: h\r\n\r\n";
    sink.take = sink.echo = true;
    for (size_t i = 0; i < sizeof bytes - 1; i++) {
        conn_write(client, (struct str){bytes + i, 1});
        turns(4);
    }
    assert_int_equal(sink.n, 3);
    assert_string_equal(buf_cstr(&sink.at[0].body), "hello");
    assert_string_equal(buf_cstr(&sink.at[1].body), "abcde");
    assert_string_equal(sink.at[1].line, "POST /y h h1.1 body=-1");
    assert_int_equal(sink.at[2].gone, FRONT_DONE);
    assert_non_null(strstr(heard(), "\r\n\r\nhello"));
    assert_non_null(strstr(heard(), "\r\n\r\nabcde"));
}

static void all_at_once(void **state)
{
    sink.take = sink.echo = true;
    say("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
        "POST /y HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: gone\r\n\r\n"
        "GET /z HTTP/1.1\r\nHost: h\r\n\r\n");
    turns(10);
    assert_int_equal(sink.n, 3);
    assert_string_equal(buf_cstr(&sink.at[0].body), "hello");
    assert_string_equal(buf_cstr(&sink.at[1].body), "abcde");
    assert_string_equal(sink.at[2].line, "GET /z h h1.1 body=0");
}

/* One at a time, in order, whatever the client sends meanwhile; and no more than a bound is
 * read ahead. */
static void pipelining(void **state)
{
    struct buf many = {0};
    enum { N = 5000 };
    for (int i = 0; i < N; i++)
        buf_addf(&many, "GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", i);
    conn_write_borrowed(client, buf_str(&many));
    turns(30);
    assert_int_equal(sink.n, 1);
    turns(10);
    size_t taken = buf_len(&many) - conn_unwritten(client);
    assert_in_range(taken, 64 * 1024, (64 + 32) * 1024); /* the pipe holds 64 KiB of it */
    sink.answer_at_once = true;
    sink_answer(&sink.at[0], S("ok"));
    for (int i = 0; i < 4000 && sink.n < N; i++)
        turns(2);
    assert_int_equal(sink.n, N);
    assert_string_equal(sink.at[(N - 1) % SINK_MOST].line, "GET /4999 h h1.1 body=0");
    assert_int_equal(strlen(heard()), N * strlen(OK));
    buf_fini(&many);
}

static void a_bad_second_request(void **state)
{
    sink.answer_at_once = true;
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost : h\r\n\r\n");
    assert_int_equal(sink.n, 1);
    assert_true(str_starts(str_of(heard()), S(OK "HTTP/1.1 400 Bad Request\r\n")));
    assert_closed();
}

static void a_fault_is_answered(void **state)
{
    say("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n");
    assert_int_equal(sink.n, 0);
    assert_true(str_starts(str_of(heard()), S("HTTP/1.1 400 Bad Request\r\n"
                                              "content-type: application/json\r\n"
                                              "x-amzn-errortype: ValidationException\r\n"
                                              "content-length: ")));
    assert_non_null(strstr(heard(), "\r\nconnection: close\r\n"));
    assert_non_null(strstr(heard(), "\r\n\r\n{\"message\":\""));
    assert_closed();
}

static void a_body_that_breaks_off(void **state)
{
    sink.take = true;
    say("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX");
    assert_int_equal(sink.at[0].gone, FRONT_BAD);
    assert_false(sink.at[0].body_ended);
    assert_true(str_starts(str_of(heard()), S("HTTP/1.1 400 ")));
    assert_closed();
}

static void a_held_client_that_leaves(void **state)
{
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    front_hold(sink.at[0].front, true);
    conn_close(client);
    client = NULL;
    turns(4);
    front_answer(sink.at[0].front, 200, NULL, 0, false);
    front_send(sink.at[0].front, S(" "), false);
    turns(4);
    assert_int_equal(sink.at[0].gone, FRONT_LEFT);
    server = NULL;
}

static void a_client_that_leaves(void **state)
{
    sink.take = true;
    say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
    conn_close(client);
    client = NULL;
    turns(4);
    assert_int_equal(sink.at[0].gone, FRONT_LEFT);
    assert_false(sink.at[0].body_ended);
    assert_int_equal(busy, 0);
    server = NULL;
}

static void half_closed(void **state)
{
    say("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    conn_finish(client); /* reads and throws away: look at the sink */
    client = NULL;
    turns(4);
    assert_int_equal(sink.at[0].gone, -1);
    assert_int_equal(sink.at[0].half_closed, 1);
    sink_answer(&sink.at[0], S("ok"));
    turns(4);
    assert_int_equal(sink.at[0].gone, FRONT_DONE);
    assert_int_equal(sink.n, 2);
    assert_true(front_half_closed(sink.at[1].front));
    sink_answer(&sink.at[1], S("ok"));
    turns(6);
    assert_int_equal(sink.at[1].gone, FRONT_DONE);
    server = NULL;
}

/* The memory of the sink is where the bytes land; when it has none, reading rests. */
static void a_large_body_and_a_full_sink(void **state)
{
    enum { N = 300000 };
    char *body = mem_new(N + 1);
    for (int i = 0; i < N; i++)
        body[i] = (char)('a' + i % 26);
    sink.take = true;
    sink.room = 7000;
    for (int chunked = 0; chunked < 2; chunked++) {
        struct exchange *x = &sink.at[sink.n];
        conn_write(client, chunked ? S("POST / HTTP/1.1\r\nHost: h\r\n"
                                       "Transfer-Encoding: chunked\r\n\r\n")
                                   : S("POST / HTTP/1.1\r\nHost: h\r\n"
                                       "Content-Length: 300000\r\n\r\n"));
        for (int sent = 0, i = 0; sent < N; i++) {
            int n = i % 2 ? 70000 : 13;
            n = n < N - sent ? n : N - sent;
            char line[16];
            if (chunked) {
                snprintf(line, sizeof line, "%x\r\n", n);
                conn_write(client, str_of(line));
            }
            conn_write(client, (struct str){body + sent, (size_t)n});
            if (chunked)
                conn_write(client, S("\r\n"));
            sent += n;
        }
        if (chunked)
            conn_write(client, S("0\r\n\r\n"));
        turns(4);
        sink.no_room = true;
        turns(40);
        size_t have = buf_len(&x->body);
        assert_true(have < N && have > 0);
        pass(20000); /* our pause is not the client's slowness */
        turns(10);
        assert_int_equal(buf_len(&x->body), have);
        sink.no_room = false;
        front_resume(x->front);
        for (int i = 0; i < 200 && !x->body_ended; i++)
            turns(1);
        assert_true(x->body_ended);
        assert_int_equal(buf_len(&x->body), N);
        assert_memory_equal(x->body.data + x->body.head, body, N);
        sink_answer(x, S("ok"));
        assert_heard(OK);
    }
    mem_free(body);
}

static void expect_continue(void **state)
{
    say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_heard(""); /* not before the body is wanted */
    front_take_body(sink.at[0].front, 10);
    assert_heard("HTTP/1.1 100 Continue\r\n\r\n");
    say("ab");
    assert_true(sink.at[0].body_ended);
    sink_answer(&sink.at[0], S("ok"));
    assert_heard(OK);
    say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    sink_answer(&sink.at[1], S("ok")); /* refused without a look */
    assert_heard(OK_CLOSE);
    assert_closed();
}

static void answered_before_the_body(void **state)
{
    sink.answer_at_once = true;
    say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nsome");
    assert_int_equal(sink.at[0].gone, FRONT_DONE);
    assert_heard(OK_CLOSE);
    server = NULL;
    say("more that is read and thrown away"); /* so that no reset eats the answer */
    assert_int_equal(client_error, ERR_EOF);
    pass(3000);
    say("x");
    assert_true(conn_unwritten(client) > 0 || conn_error(client));
}

static void answers_of_unknown_length(void **state)
{
    struct field type = sink_field("content-type", "text/plain");
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    front_answer(sink.at[0].front, 200, &type, 1, false);
    front_send(sink.at[0].front, S("hello"), false);
    front_send(sink.at[0].front, S(""), false);
    front_send(sink.at[0].front, S("there"), false);
    front_send(sink.at[0].front, S(""), true);
    assert_heard(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n" DATE
        "\r\n5\r\nhello\r\n5\r\nthere\r\n0\r\n\r\n");
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    front_answer(sink.at[1].front, 200, NULL, 0, true);
    assert_heard("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n" DATE "\r\n");
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    front_answer(sink.at[2].front, 204, NULL, 0, true);
    assert_heard("HTTP/1.1 204 No Content\r\n" DATE "\r\n");
    say("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    struct field length = sink_field("content-length", "1000");
    front_answer(sink.at[3].front, 200, &length, 1, true);
    assert_heard("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n" DATE "\r\n");
    say("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    sink_answer(&sink.at[4], S("ok"));
    assert_heard(OK_HEAD "connection: keep-alive\r\n" DATE "\r\nok");
    say("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    front_answer(sink.at[5].front, 200, &type, 1, false);
    front_send(sink.at[5].front, S("till the end"), true);
    assert_heard("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n" DATE
                 "\r\ntill the end");
    assert_closed();
}

/* The sink may not know that there is none: whoever relays an answer, and whoever answers HEAD as
 * if it were GET. */
/* The origin's last frame is empty, or a record must be on the disk first: the end comes when every
 * byte was taken already, and still it is one. */
static void an_end_that_comes_alone(void **state)
{
    struct field fields[] = {sink_field("content-length", "2")};
    for (unsigned i = 0; i < 2; i++) {
        say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_int_equal(sink.n, i + 1);
        front_answer(sink.at[i].front, 200, fields, 1, false);
        front_send(sink.at[i].front, S("ok"), false);
        turns(4);
        assert_int_equal(sink.at[i].gone, -1);
        front_send(sink.at[i].front, S(""), true);
        assert_int_equal(sink.at[i].gone, -1); /* not from inside */
        turns(4);
        assert_int_equal(sink.at[i].gone, FRONT_DONE);
    }
    say("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    front_answer(sink.at[2].front, 200, fields, 1, false);
    turns(4);
    front_send(sink.at[2].front, S(""), true);
    assert_closed();
    assert_int_equal(sink.at[2].gone, FRONT_DONE);
}

static void answers_without_a_body(void **state)
{
    struct field length = sink_field("content-length", "5");
    say("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    front_answer(sink.at[0].front, 404, &length, 1, false);
    front_send(sink.at[0].front, S("no!!\n"), true);
    assert_heard("HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n" DATE "\r\n");
    assert_int_equal(sink.at[0].gone, FRONT_DONE);
    say("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    front_answer(sink.at[1].front, 200, NULL, 0, false);
    front_send(sink.at[1].front, S(""), true);
    assert_heard("HTTP/1.1 200 OK\r\n" DATE "\r\n");
    say("DELETE / HTTP/1.1\r\nHost: h\r\n\r\n");
    front_answer(sink.at[2].front, 204, NULL, 0, false);
    front_send(sink.at[2].front, S(""), true);
    assert_heard("HTTP/1.1 204 No Content\r\n" DATE "\r\n");
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    sink_answer(&sink.at[3], S("ok"));
    assert_heard(OK);
}

/* Too much or too little of a declared length must look broken, not like the next answer. */
static void a_wrong_length(void **state)
{
    struct field length = sink_field("content-length", "5");
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    front_answer(sink.at[0].front, 200, &length, 1, false);
    front_send(sink.at[0].front, S("abc"), false);
    front_send(sink.at[0].front, S("def"), false);
    assert_null(strstr(heard(), "def"));
    assert_int_equal(sink.at[0].gone, FRONT_LEFT);
    assert_closed();
}

static void too_short_an_answer(void **state)
{
    struct field length = sink_field("content-length", "5");
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    front_answer(sink.at[0].front, 200, &length, 1, false);
    front_send(sink.at[0].front, S("abc"), true);
    turns(4);
    assert_int_equal(sink.at[0].gone, FRONT_LEFT);
    assert_closed();
}

static void aborts(void **state)
{
    struct field type = sink_field("content-type", "text/plain");
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    front_answer(sink.at[0].front, 200, &type, 1, false);
    front_send(sink.at[0].front, S("abc"), false);
    front_abort(sink.at[0].front);
    assert_int_equal(sink.at[0].gone, -1);
    turns(4);
    assert_int_equal(sink.at[0].gone, FRONT_LEFT);
    assert_null(strstr(heard(), "0\r\n\r\n"));
    assert_closed();
}

static void a_slow_reader(void **state)
{
    static char big[100000];
    struct field length = sink_field("content-length", "300000");
    client_waits = true;
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    struct exchange *x = &sink.at[0];
    memset(big, 'x', sizeof big);
    front_answer(x->front, 200, &length, 1, false);
    front_send(x->front, (struct str){big, sizeof big}, false);
    front_send(x->front, (struct str){big, sizeof big}, false);
    turns(4);
    assert_true(front_unsent(x->front) > FRONT_HIGH_MARK);
    assert_int_equal(x->drains, 0);
    pass(59000);
    assert_int_equal(x->gone, -1);
    client_waits = false;
    conn_want_read(client, false);
    conn_want_read(client, true);
    turns(20);
    assert_int_equal(x->drains, 1);
    assert_int_equal(front_unsent(x->front), 0);
    client_waits = true;
    pass(100000); /* nothing waits to be written: no deadline */
    assert_int_equal(x->gone, -1);
    front_send(x->front, (struct str){big, sizeof big}, true);
    turns(4);
    assert_true(front_unsent(x->front) > 0);
    for (int i = 0; i < 6; i++)
        pass(15000);
    assert_int_equal(x->gone, FRONT_LEFT);
    server = NULL;
}

static void deadlines_of_a_head(void **state)
{
    pass(74000);
    assert_false(client_eof);
    say("GET / HTTP/1.1\r\nHo");
    pass(9000);
    say("st: h\r\n");
    pass(500);
    assert_heard("");
    pass(600);
    assert_true(str_starts(str_of(heard()), S("HTTP/1.1 408 Request Timeout\r\n")));
    assert_closed();
}

static void deadline_of_idleness(void **state)
{
    sink.answer_at_once = true;
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    for (int i = 0; i < 7; i++) {
        pass(10000);
        assert_false(client_eof);
    }
    pass(6000);
    assert_closed();
}

static void deadlines_of_a_body(void **state)
{
    sink.take = true;
    say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
    for (int i = 0; i < 6; i++) {
        say("0123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
            "5678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
            "0");
        pass(2500);
    }
    assert_int_equal(sink.at[0].gone, FRONT_LEFT); /* 171 bytes each 2.5 s */
    assert_true(str_starts(str_of(heard()), S("HTTP/1.1 408 Request Timeout\r\n")));
    assert_non_null(strstr(heard(), "RequestTimeoutException"));
    assert_closed();
}

static void a_body_that_stalls(void **state)
{
    static char much[65536];
    memset(much, 'x', sizeof much);
    sink.take = true;
    say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
    conn_write(client, (struct str){much, sizeof much});
    turns(6);
    assert_int_equal(buf_len(&sink.at[0].body), sizeof much);
    for (int i = 0; i < 5; i++)
        pass(5000);
    assert_int_equal(sink.at[0].gone, -1);
    pass(5100);
    assert_int_equal(sink.at[0].gone, FRONT_LEFT);
    assert_closed();
}

/* A pause of ours does not count against the client. */
static void a_pause_is_not_slowness(void **state)
{
    sink.take = sink.no_room = true;
    say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc");
    pass(20000);
    sink.no_room = false;
    front_resume(sink.at[0].front);
    turns(4);
    assert_int_equal(buf_len(&sink.at[0].body), 3);
    pass(5100);
    pass(4000);
    assert_int_equal(sink.at[0].gone, -1);
    pass(6000);
    assert_int_equal(sink.at[0].gone, FRONT_LEFT);
    assert_closed();
}

static void drains_when_idle(void **state)
{
    server_drain(server);
    assert_closed();
    assert_string_equal(heard(), "");
}

static void drains_when_busy(void **state)
{
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    server_drain(server);
    turns(4);
    sink_answer(&sink.at[0], S("ok"));
    assert_heard(OK_CLOSE);
    assert_int_equal(sink.at[0].gone, FRONT_DONE);
    assert_closed();
}

static void freed_when_busy(void **state)
{
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    server_free(server);
    server = NULL;
    assert_int_equal(sink.at[0].gone, FRONT_LEFT);
    assert_int_equal(busy, 0);
}

int main(void)
{
#define H1_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        H1_TEST(a_request_and_its_answer),
        H1_TEST(byte_by_byte),
        H1_TEST(all_at_once),
        H1_TEST(pipelining),
        H1_TEST(a_bad_second_request),
        H1_TEST(a_fault_is_answered),
        H1_TEST(a_body_that_breaks_off),
        H1_TEST(a_client_that_leaves),
        H1_TEST(a_held_client_that_leaves),
        H1_TEST(half_closed),
        H1_TEST(a_large_body_and_a_full_sink),
        H1_TEST(expect_continue),
        H1_TEST(answered_before_the_body),
        H1_TEST(answers_of_unknown_length),
        H1_TEST(an_end_that_comes_alone),
        H1_TEST(answers_without_a_body),
        H1_TEST(a_wrong_length),
        H1_TEST(too_short_an_answer),
        H1_TEST(aborts),
        H1_TEST(a_slow_reader),
        H1_TEST(deadlines_of_a_head),
        H1_TEST(deadline_of_idleness),
        H1_TEST(deadlines_of_a_body),
        H1_TEST(a_body_that_stalls),
        H1_TEST(a_pause_is_not_slowness),
        H1_TEST(drains_when_idle),
        H1_TEST(drains_when_busy),
        H1_TEST(freed_when_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
