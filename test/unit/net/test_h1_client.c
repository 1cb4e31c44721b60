/* SPDX-License-Identifier: Apache-2.0
 *
 * net/origin over HTTP/1.1: what goes out, what an answer may look like, and how bodies flow.
 */
#include "origin_side.h"

/* --- a call */

static void carries_a_call(void **state)
{
    asked_by(&one, 0);
    assert_string_equal(buf_cstr(&far.peer[0].got), "POST /model/m/converse HTTP/1.1\r\n"
                                                    "host: origin.test\r\n"
                                                    "content-type: application/json\r\n"
                                                    "authorization: AWS4-HMAC-SHA256 x\r\n"
                                                    "content-length: 7\r\n"
                                                    "\r\n"
                                                    "{\"a\":1}");
    assert_true(one.call.sent_ns > 0);
    say(&far.peer[0], "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Amzn-RequestId: r\r\n"
                      "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\nhi");
    UNTIL(one.ends);
    assert_int_equal(one.end, ORIGIN_DONE);
    assert_int_equal(one.status, 200);
    assert_int_equal(one.length, 2);
    assert_string_equal(buf_cstr(&one.names), "content-length=2;x-amzn-requestid=r;");
    assert_string_equal(buf_cstr(&one.body), "hi");
}

static void keeps_fields_of_the_hop_to_itself(void **state)
{
    asked_by(&one, 0);
    say(&far.peer[0], "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\nX-B: 2\r\nX-C: 3\r\n"
                      "Connection: keep-alive, x-a,\r\nConnection: X-C\r\nTE: x\r\n\r\nhi");
    UNTIL(one.ends);
    assert_string_equal(buf_cstr(&one.names), "content-length=2;x-b=2;");
}

static void says_no_length_without_a_body(void **state)
{
    prepare(&one, "GET", NULL, 0);
    start(&one, origin);
    UNTIL(far.n && heard(&far.peer[0], "\r\n\r\n"));
    assert_false(heard(&far.peer[0], "content-length"));
    answers(&one, &far.peer[0]);
    prepare(&two, "POST", NULL, 0);
    start(&two, origin);
    UNTIL(heard(&far.peer[0], "content-length: 0\r\n\r\n"));
}

static void refuses_bytes_that_answer_nothing(void **state)
{
    asked_by(&one, 0);
    answers(&one, &far.peer[0]);
    say(&far.peer[0], "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    UNTIL(far.peer[0].ended);
    asked_by(&two, 1);
    answers(&two, &far.peer[1]);
    assert_string_equal(buf_cstr(&two.body), "hi");
}

static void keeps_no_connection_with_surplus(void **state)
{
    asked_by(&one, 0);
    say(&far.peer[0], "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
                      "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    UNTIL(one.ends);
    assert_int_equal(one.end, ORIGIN_DONE);
    assert_string_equal(buf_cstr(&one.body), "hi");
    assert_int_equal(count().connections, 0);
}

/* --- what an answer may look like */

struct shape {
    const char *text, *body;
    int64_t length;
    bool kept, closes;
};

static const struct shape shapes[] = {
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: "
     "v\r\n\r\n",
     "abcde", -1, true, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde", "abcde", 5, false,
     false},
    {"HTTP/1.1 200 OK\r\n\r\nabcde", "abcde", -1, false, true},
    {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nabcde", "abcde", 5, false, false},
    {"HTTP/1.1 204 No Content\r\n\r\n", "", 0, true, false},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", "", 0, true, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 0, true, false},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
     "x", 1, true, false},
};

static void check_shape(const struct shape *s, struct asked *a)
{
    assert_int_equal(a->end, ORIGIN_DONE);
    assert_int_equal(a->heads, 1);
    assert_int_equal(a->length, s->length);
    assert_string_equal(buf_cstr(&a->body), s->body);
    assert_int_equal(count().idle, s->kept);
}

/* Each shape, whole and cut at every place. */
static void reads_every_shape_in_every_cut(void **state)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        size_t len = strlen(shapes[i].text);
        for (size_t cut = 0; cut < len; cut++) {
            renew(plain_options(far.port));
            far_end(&far);
            far_begin(&far, "127.0.0.1", 0, NULL);
            renew(plain_options(far.port));
            asked_by(&one, 0);
            conn_write(far.peer[0].c, str_from(shapes[i].text, cut));
            turns(4);
            if (!one.ends)
                conn_write(far.peer[0].c, str_from_offset(str_of(shapes[i].text), cut));
            turns(2);
            if (shapes[i].closes)
                hang_up(&far.peer[0]);
            UNTIL(one.ends);
            check_shape(&shapes[i], &one);
            forget(&one);
        }
    }
}

/* Cut off for good: before the head the call is gone, inside the answer too, and a whole one by
 * close is never told from a cut one by length. */
static void tells_a_cut_answer(void **state)
{
    const char *text = shapes[0].text;
    for (size_t cut = 0; cut < strlen(text); cut++) {
        far_end(&far);
        far_begin(&far, "127.0.0.1", 0, NULL);
        renew(plain_options(far.port));
        asked_by(&one, 0);
        conn_write(far.peer[0].c, str_from(text, cut));
        conn_finish(far.peer[0].c);
        far.peer[0].c = NULL;
        UNTIL(one.ends);
        assert_int_equal(one.end, ORIGIN_GONE);
        assert_int_equal(one.ends, 1);
        forget(&one);
    }
}

static void answers_head_without_a_body(void **state)
{
    prepare(&one, "HEAD", NULL, 0);
    start(&one, origin);
    UNTIL(far.n && heard(&far.peer[0], "\r\n\r\n"));
    say(&far.peer[0], "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    UNTIL(one.ends);
    assert_int_equal(one.end, ORIGIN_DONE);
    assert_int_equal(count().idle, 1);
}

static void refuses_bad_answers(void **state)
{
    static const char *const bad[] = {
        "HTTP/1.1 200 OK\nContent-Length: 1\n\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "220 mail.test ESMTP\r\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        unsigned n = far.n;
        asked_by(&one, n);
        say(&far.peer[n], bad[i]);
        UNTIL(one.ends);
        assert_int_equal(one.end, ORIGIN_BAD);
        assert_true(strlen(one.why) > 5);
        assert_int_equal(count().connections, 0);
        forget(&one);
    }
}

static void bounds_interim_answers_and_heads(void **state)
{
    asked_by(&one, 0);
    for (int i = 0; i < 9; i++)
        say(&far.peer[0], "HTTP/1.1 100 Continue\r\n\r\n");
    UNTIL(one.ends);
    assert_int_equal(one.end, ORIGIN_BAD);
    asked_by(&two, 1);
    say(&far.peer[1], "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 101; i++)
        say(&far.peer[1], "a: b\r\n");
    say(&far.peer[1], "\r\n");
    UNTIL(two.ends);
    assert_int_equal(two.end, ORIGIN_BAD);
    asked_by(&three, 2);
    say(&far.peer[2], "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 70 && !three.ends; i++) {
        char line[1024];
        memset(line, 'a', sizeof line);
        memcpy(line, "a: ", 3);
        memcpy(line + sizeof line - 2, "\r\n", 2);
        conn_write(far.peer[2].c, str_from(line, sizeof line));
    }
    UNTIL(three.ends);
    assert_int_equal(three.end, ORIGIN_BAD);
}

/* --- bodies both ways */

static char *large(size_t n)
{
    char *bytes = malloc(n);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)('a' + i % 23);
    return bytes;
}

enum { LARGE = 6 << 20 };

static void sends_a_large_body(void **state)
{
    char *bytes = large(LARGE);
    struct str body[] = {{bytes, 100}, {bytes + 100, LARGE - 100}};
    prepare(&one, "POST", body, 2);
    start(&one, origin);
    UNTIL(far.n && strstr(buf_cstr(&far.peer[0].got), "\r\n\r\n") &&
          buf_len(&far.peer[0].got) > LARGE);
    assert_memory_equal(strstr(buf_cstr(&far.peer[0].got), "\r\n\r\n") + 4, bytes, LARGE);
    UNTIL(one.call.sent_ns);
    answers(&one, &far.peer[0]);
    assert_int_equal(count().idle, 1);
    free(bytes);
}

/* An answer before the body was sent whole is delivered, and the connection is not used again. */
static void delivers_an_early_answer(void **state)
{
    char *bytes = large(LARGE);
    struct str body = {bytes, LARGE};
    prepare(&one, "POST", &body, 1);
    start(&one, origin);
    UNTIL(far.n && far.peer[0].open);
    far.peer[0].deaf = true;
    conn_want_read(far.peer[0].c, false);
    turns(3);
    say(&far.peer[0], "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
    UNTIL(one.ends);
    assert_int_equal(one.end, ORIGIN_DONE);
    assert_int_equal(one.status, 413);
    assert_int_equal(count().connections, 0);
    free(bytes);
}

/* The same, but the far side closes at once: its reset may not eat the answer. */
static void delivers_an_early_answer_before_a_reset(void **state)
{
    char *bytes = large(LARGE);
    struct str body = {bytes, LARGE};
    prepare(&one, "POST", &body, 1);
    start(&one, origin);
    UNTIL(far.n && far.peer[0].open);
    far.peer[0].deaf = true;
    conn_want_read(far.peer[0].c, false);
    turns(3);
    say(&far.peer[0], "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
    conn_flush(far.peer[0].c);
    hang_up(&far.peer[0]);
    UNTIL(one.ends);
    assert_int_equal(one.end, ORIGIN_DONE);
    assert_int_equal(one.status, 413);
    free(bytes);
}

static void stops_reading_for_a_slow_sink(void **state)
{
    char *bytes = large(LARGE);
    one.hoards = true;
    asked_by(&one, 0);
    say(&far.peer[0], "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n600000\r\n");
    conn_write_borrowed(far.peer[0].c, str_from(bytes, LARGE));
    say(&far.peer[0], "\r\n0\r\n\r\n");
    UNTIL(one.on_hand > 128 * 1024);
    turns(100);
    assert_true(one.on_hand <= 256 * 1024);
    assert_true(conn_unwritten(far.peer[0].c) > 0);
    pass_ms(1000000); /* the silence is ours, not the origin's */
    turns(3);
    assert_int_equal(one.ends, 0);
    while (!one.ends) {
        size_t n = one.on_hand;
        one.on_hand = 0;
        origin_credit(&one.call, n);
        turns(3);
        assert_true(one.on_hand <= 256 * 1024);
    }
    assert_int_equal(one.end, ORIGIN_DONE);
    assert_int_equal(buf_len(&one.body), LARGE);
    assert_memory_equal(one.body.data + one.body.head, bytes, LARGE);
    free(bytes);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(carries_a_call),
        T(keeps_fields_of_the_hop_to_itself),
        T(says_no_length_without_a_body),
        T(refuses_bytes_that_answer_nothing),
        T(keeps_no_connection_with_surplus),
        T(reads_every_shape_in_every_cut),
        T(tells_a_cut_answer),
        T(answers_head_without_a_body),
        T(refuses_bad_answers),
        T(bounds_interim_answers_and_heads),
        T(sends_a_large_body),
        T(delivers_an_early_answer),
        T(delivers_an_early_answer_before_a_reset),
        T(stops_reading_for_a_slow_sink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
