/* SPDX-License-Identifier: Apache-2.0
 *
 * net/origin over HTTP/2: multiplexing and its limits, windows, and every way to end.
 */
#include "dead.h"
#include "h2_side.h"

static struct cert_maker maker;
static struct cert root, leaf;
static struct tls *server_tls, *client_tls;
static struct origin *origin;
static struct asked asked[12];

enum { LARGE = 6 << 20 };
static char *large;

static int begin_all(void **state)
{
    char err[256];
    certs_begin(&maker);
    root = certs_make(&maker, NULL, "root", -1, NULL, 30);
    leaf = certs_make(&maker, &root, "weir", -1, "IP:127.0.0.1", 30);
    struct tls_server_files files = {.cert = leaf.cert_path, .key = leaf.key_path};
    server_tls = tls_server_new(&files, NULL, err, sizeof err);
    client_tls = tls_client_new(root.cert_path, true, err, sizeof err);
    large = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)('a' + i % 23);
    return server_tls && client_tls ? 0 : -1;
}

static int end_all(void **state)
{
    tls_unref(server_tls);
    tls_unref(client_tls);
    certs_drop(&root);
    certs_drop(&leaf);
    certs_end(&maker);
    free(large);
    return 0;
}

static struct origin_options options(void)
{
    struct origin_options o = plain_options(far.port);
    o.tls = client_tls;
    return o;
}

static int setup(void **state)
{
    begin_world();
    h2_most_streams = 0;
    h2_wide = false;
    far_begin(&far, "127.0.0.1", 0, server_tls);
    far.on_event = on_h2_peer;
    struct origin_options o = options();
    origin = origin_new(loop, dns, &o);
    return 0;
}

static int teardown(void **state)
{
    origin_free(origin);
    origin = NULL;
    h2_far_end();
    for (int i = 0; i < 12; i++)
        forget(&asked[i]);
    end_world();
    return 0;
}

static struct origin_counts count(void)
{
    struct origin_counts n;
    origin_count(origin, &n);
    return n;
}

/* Starts n calls, asked[0] ..., and waits until they are there, whole, on connection `peer`. */
static void ask_many(unsigned from, unsigned n, unsigned peer)
{
    unsigned had = h2_at(peer)->n;
    for (unsigned i = 0; i < n; i++)
        ask(&asked[from + i], origin);
    UNTIL(h2_at(peer)->n == had + n && h2_at(peer)->request[had + n - 1].ended);
}

static struct h2_request *request(unsigned peer, unsigned i)
{
    return &h2_at(peer)->request[i];
}

static void expect(struct asked *a, enum origin_end end)
{
    UNTIL(a->ends);
    assert_int_equal(a->end, end);
    assert_int_equal(a->ends, 1);
}

static void carries_a_call(void **state)
{
    ask_many(0, 1, 0);
    struct h2_request *r = request(0, 0);
    assert_string_equal(buf_cstr(&r->head),
                        ":method=POST;:scheme=https;:authority=origin.test;:path=/model/m/converse;"
                        "content-length=7;content-type=application/json;"
                        "authorization=AWS4-HMAC-SHA256 x;");
    assert_string_equal(buf_cstr(&r->body), "{\"a\":1}");
    UNTIL(asked[0].call.sent_ns);
    h2_answer(h2_at(0), r, S("hello"));
    expect(&asked[0], ORIGIN_DONE);
    assert_int_equal(asked[0].status, 200);
    assert_int_equal(asked[0].length, 5);
    assert_string_equal(buf_cstr(&asked[0].names), "content-length=5;");
    assert_string_equal(buf_cstr(&asked[0].body), "hello");
    prepare(&asked[1], "GET", NULL, 0);
    start(&asked[1], origin);
    UNTIL(h2_at(0)->n == 2 && request(0, 1)->ended);
    assert_true(asked[1].call.reused);
    assert_null(strstr(buf_cstr(&request(0, 1)->head), "content-length"));
    assert_int_equal(h2_at(0)->resets, 0);
}

/* What a client may send, and what is added to it, goes through; a head past every measure ends its
 * own call only, and is not tried for ever. */
static void carries_large_heads(void **state)
{
    static char value[200 * 1024];
    static struct field many[ORIGIN_FIELDS_MOST];
    memset(value, 'v', sizeof value);
    for (size_t i = 0; i < ORIGIN_FIELDS_MOST; i++)
        many[i] = (struct field){STR("x-one"), STR("1")};
    struct field large_one = {STR("user-agent"), {value, FIELDS_BYTES}};
    struct field too_large[2] = {{STR("x-a"), {value, sizeof value}}, {STR("x-b"), STR("")}};
    ask_many(0, 1, 0);
    for (int i = 1; i < 4; i++)
        prepare(&asked[i], "GET", NULL, 0);
    asked[1].call.fields = many;
    asked[1].call.n_fields = ORIGIN_FIELDS_MOST;
    asked[2].call.fields = &large_one;
    asked[2].call.n_fields = 1;
    asked[3].call.fields = too_large;
    asked[3].call.n_fields = 2;
    for (int i = 1; i < 4; i++)
        start(&asked[i], origin);
    UNTIL(h2_at(0)->n == 3 && request(0, 2)->ended);
    expect(&asked[3], ORIGIN_UNSENT);
    assert_true(buf_len(&request(0, 2)->head) > FIELDS_BYTES);
    for (unsigned i = 0; i < 3; i++)
        h2_answer(h2_at(0), request(0, i), S("x"));
    for (int i = 0; i < 3; i++)
        expect(&asked[i], ORIGIN_DONE);
}

static void carries_many_on_one(void **state)
{
    ask_many(0, 10, 0);
    for (unsigned i = 10; i-- > 0;) {
        char *text = (char *)"0123456789";
        h2_answer(h2_at(0), request(0, i), str_from(text + i, 1));
        expect(&asked[i], ORIGIN_DONE);
        assert_int_equal(asked[i].body.data[0], '0' + i);
    }
    assert_int_equal(far.n, 1);
    assert_int_equal(count().connections, 1);
    assert_int_equal(count().idle, 1);
}

static void keeps_to_the_limit_of_streams(void **state)
{
    h2_most_streams = 2;
    ask_many(0, 1, 0);
    UNTIL(count().waiting == 0);
    for (unsigned i = 1; i < 6; i++)
        ask(&asked[i], origin);
    UNTIL(h2_at(0)->n == 2 && h2_at(1)->n == 2 && h2_at(2)->n == 2);
    UNTIL(request(0, 1)->ended && request(1, 1)->ended && request(2, 1)->ended);
    assert_int_equal(far.n, 3);
    for (unsigned p = 0; p < 3; p++)
        for (unsigned i = 0; i < 2; i++)
            h2_answer(h2_at(p), request(p, i), S("x"));
    for (unsigned i = 0; i < 6; i++)
        expect(&asked[i], ORIGIN_DONE);
}

static void waits_for_a_stream(void **state)
{
    struct origin_options o = options();
    h2_most_streams = 1;
    o.most_connections = 1;
    origin_free(origin);
    origin = origin_new(loop, dns, &o);
    ask_many(0, 1, 0);
    ask(&asked[1], origin);
    turns(5);
    assert_int_equal(count().waiting, 1);
    h2_answer(h2_at(0), request(0, 0), S("x"));
    expect(&asked[0], ORIGIN_DONE);
    UNTIL(h2_at(0)->n == 2);
    h2_answer(h2_at(0), request(0, 1), S("x"));
    expect(&asked[1], ORIGIN_DONE);
}

/* None at all is a goodbye: kept, such connections would pile up, one per call. */
static void leaves_who_allows_no_stream(void **state)
{
    nghttp2_settings_entry none = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0};
    ask_many(0, 1, 0);
    nghttp2_submit_settings(h2_at(0)->session, NGHTTP2_FLAG_NONE, &none, 1);
    h2_answer(h2_at(0), request(0, 0), S("x"));
    expect(&asked[0], ORIGIN_DONE);
    UNTIL(count().connections == 0);
    ask_many(1, 1, 1);
}

/* Many wait for one connection; who comes late in its time has another whole one. */
static void a_late_call_has_its_time(void **state)
{
    struct dead dead;
    uint16_t port = far.port;
    far_end(&far);
    dead_begin(&dead, "127.0.0.1", port);
    ask(&asked[0], origin);
    turns(3);
    pass_ms(2900);
    ask(&asked[1], origin);
    turns(3);
    pass_ms(100);
    turns(3);
    assert_int_equal(asked[0].ends, 1);
    assert_int_equal(asked[0].end, ORIGIN_UNREACHABLE);
    pass_ms(2999);
    turns(3);
    assert_int_equal(asked[1].ends, 0);
    pass_ms(1);
    turns(3);
    assert_int_equal(asked[1].ends, 1);
    assert_int_equal(asked[1].end, ORIGIN_UNREACHABLE);
    dead_end(&dead);
}

/* --- bodies */

static void send_a_large_body(void)
{
    struct str body[] = {{large, 70000}, {large + 70000, 0}, {large + 70000, LARGE - 70000}};
    prepare(&asked[0], "POST", body, 3);
    start(&asked[0], origin);
    ask(&asked[1], origin);
    UNTIL(h2_at(0)->n == 2 && request(0, 1)->ended); /* not stuck behind it */
    UNTIL(request(0, 0)->ended);
    assert_int_equal(buf_len(&request(0, 0)->body), LARGE);
    assert_memory_equal(request(0, 0)->body.data, large, LARGE);
    UNTIL(asked[0].call.sent_ns);
    h2_answer(h2_at(0), request(0, 0), S("x"));
    expect(&asked[0], ORIGIN_DONE);
}

static void sends_a_large_body(void **state)
{
    send_a_large_body();
}

/* The origin's windows are no brake: the connection's own queue is. */
static void sends_a_large_body_into_wide_windows(void **state)
{
    h2_wide = true;
    send_a_large_body();
}

/* Nor is the kernel: each turn has its share, so that others have their turn. */
static void sends_a_share_a_turn(void **state)
{
    h2_wide = true;
    ask_many(1, 1, 0);
    UNTIL(asked[1].call.sent_ns);
    turns(3); /* the windows have arrived */
    struct str body = {large, LARGE};
    prepare(&asked[0], "POST", &body, 1);
    start(&asked[0], origin);
    turns(1);
    h2_read(h2_at(0));
    assert_in_range(buf_len(&request(0, 1)->body), 100 * 1024, 300 * 1024);
    UNTIL(request(0, 1)->ended);
}

/* A connection with windows so wide that what is lent stands in its queue. */
static void fill_the_queue(struct asked *a, char *bytes)
{
    h2_wide = true;
    ask_many(1, 1, 0);
    static struct str body;
    body = str_from(bytes, LARGE);
    UNTIL(asked[1].call.sent_ns);
    turns(3); /* the windows have arrived */
    far.peer[0].deaf = true;
    conn_want_read(far.peer[0].c, false);
    prepare(a, "POST", &body, 1);
    start(a, origin);
    turns(20);
}

/* The lender takes its bytes back at once; the connection and its other calls go on. */
static void lets_go_of_a_body(void **state)
{
    char *bytes = malloc(LARGE);
    memset(bytes, 'z', LARGE);
    fill_the_queue(&asked[0], bytes);
    origin_cancel(&asked[0].call);
    memset(bytes, 'X', LARGE);
    free(bytes);
    far.peer[0].deaf = false;
    conn_want_read(far.peer[0].c, true);
    UNTIL(h2_at(0)->n == 2 && request(0, 1)->closed);
    assert_int_equal(request(0, 1)->code, NGHTTP2_CANCEL);
    assert_true(buf_len(&request(0, 1)->body) > 0);
    assert_true(buf_len(&request(0, 1)->body) < LARGE);
    assert_null(memchr(request(0, 1)->body.data, 'X', buf_len(&request(0, 1)->body)));
    h2_answer(h2_at(0), request(0, 0), S("x"));
    expect(&asked[1], ORIGIN_DONE);
    assert_int_equal(asked[0].ends, 0);
    UNTIL(count().idle == 1);
}

static char *lent;

static void free_lent(struct asked *a)
{
    free(lent);
    lent = NULL;
}

static void ends_before_the_body_was_sent(void **state)
{
    lent = malloc(LARGE);
    memset(lent, 'z', LARGE);
    asked[0].in_end = free_lent;
    fill_the_queue(&asked[0], lent);
    far.peer[0].deaf = false;
    conn_want_read(far.peer[0].c, true);
    UNTIL(h2_at(0)->n == 2);
    far.peer[0].deaf = true;
    conn_want_read(far.peer[0].c, false);
    h2_answer(h2_at(0), request(0, 1), S("too much"));
    expect(&asked[0], ORIGIN_DONE);
    assert_null(lent);
    far.peer[0].deaf = false;
    conn_want_read(far.peer[0].c, true);
    UNTIL(request(0, 1)->closed);
    assert_int_equal(request(0, 1)->code, NGHTTP2_CANCEL);
    ask_many(2, 1, 0);
}

static void a_slow_sink_stops_only_itself(void **state)
{
    asked[0].hoards = true;
    ask_many(0, 2, 0);
    h2_answer(h2_at(0), request(0, 0), str_from(large, LARGE));
    h2_answer(h2_at(0), request(0, 1), str_from(large, LARGE));
    expect(&asked[1], ORIGIN_DONE);
    assert_int_equal(buf_len(&asked[1].body), LARGE);
    ask_many(2, 2, 0); /* more than the connection's window altogether */
    h2_answer(h2_at(0), request(0, 2), str_from(large, LARGE));
    h2_answer(h2_at(0), request(0, 3), str_from(large, LARGE));
    expect(&asked[2], ORIGIN_DONE);
    expect(&asked[3], ORIGIN_DONE);
    turns(20);
    assert_int_equal(asked[0].on_hand, 256 * 1024);
    pass_ms(29000);
    pass_ms(29000); /* the silence is ours; PINGs are answered */
    turns(3);
    pass_ms(29000);
    turns(3);
    assert_int_equal(asked[0].ends, 0);
    while (!asked[0].ends) {
        size_t n = asked[0].on_hand;
        asked[0].on_hand = 0;
        origin_credit(&asked[0].call, n);
        turns(5);
        assert_true(asked[0].on_hand <= 256 * 1024);
    }
    assert_int_equal(asked[0].end, ORIGIN_DONE);
    assert_memory_equal(asked[0].body.data, large, LARGE);
}

/* --- what an answer may look like */

static void skips_interim_answers_and_trailers(void **state)
{
    ask_many(0, 1, 0);
    struct h2_request *r = request(0, 0);
    h2_say_head(h2_at(0), r, "103");
    h2_say_head(h2_at(0), r, "100");
    h2_say_head(h2_at(0), r, "200");
    UNTIL(asked[0].heads);
    assert_int_equal(asked[0].status, 200);
    assert_int_equal(asked[0].length, -1);
    nghttp2_nv trailer = h2_nv("x-trailer", "1");
    nghttp2_submit_headers(h2_at(0)->session, NGHTTP2_FLAG_END_STREAM, r->id, NULL, &trailer, 1,
                           NULL);
    h2_push(h2_at(0));
    expect(&asked[0], ORIGIN_DONE);
    assert_int_equal(asked[0].heads, 1);
    assert_string_equal(buf_cstr(&asked[0].names), "x-amzn-requestid=r;");
}

static void bounds_interim_answers(void **state)
{
    ask_many(0, 2, 0);
    for (int i = 0; i < 9; i++)
        h2_say_head(h2_at(0), request(0, 0), "103");
    h2_say_head(h2_at(0), request(0, 0), "200");
    expect(&asked[0], ORIGIN_BAD);
    assert_int_equal(asked[0].heads, 0);
    h2_answer(h2_at(0), request(0, 1), S("x"));
    expect(&asked[1], ORIGIN_DONE);
}

/* A client could not be told: it would have to be written into an HTTP/1 head. */
static void refuses_a_status_that_is_none(void **state)
{
    static const char *const bad[] = {"600", "999", "042"};
    ask_many(0, 3, 0);
    for (unsigned i = 0; i < 3; i++) {
        h2_say_head(h2_at(0), request(0, i), bad[i]);
        expect(&asked[i], ORIGIN_BAD);
        assert_int_equal(asked[i].heads, 0);
    }
}

static void bounds_heads(void **state)
{
    static nghttp2_nv nv[102];
    static char value[4096];
    memset(value, 'v', sizeof value - 1);
    ask_many(0, 3, 0);
    nv[0] = h2_nv(":status", "200");
    for (int i = 1; i < 102; i++)
        nv[i] = h2_nv("x-a", "b");
    nghttp2_submit_response(h2_at(0)->session, request(0, 0)->id, nv, 102, NULL);
    for (int i = 1; i < 20; i++)
        nv[i] = h2_nv("x-a", value);
    nghttp2_submit_response(h2_at(0)->session, request(0, 1)->id, nv, 17, NULL);
    h2_push(h2_at(0));
    expect(&asked[0], ORIGIN_BAD);
    expect(&asked[1], ORIGIN_BAD);
    nghttp2_submit_response(h2_at(0)->session, request(0, 2)->id, nv, 12, NULL);
    h2_push(h2_at(0));
    expect(&asked[2], ORIGIN_DONE);
}

static void refuses_a_wrong_length(void **state)
{
    ask_many(0, 1, 0);
    struct h2_request *r = request(0, 0);
    nghttp2_nv nv[] = {h2_nv(":status", "200"), h2_nv("content-length", "9")};
    nghttp2_submit_headers(h2_at(0)->session, NGHTTP2_FLAG_NONE, r->id, NULL, nv, 2, NULL);
    h2_say_body(h2_at(0), r, S("short"));
    expect(&asked[0], ORIGIN_BAD);
}

static void refuses_what_is_not_http2(void **state)
{
    far.peer[0].deaf = true;
    ask(&asked[0], origin);
    UNTIL(far.n && far.peer[0].open);
    turns(5);
    far.peer[0].deaf = true;
    conn_write(far.peer[0].c, S("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
    UNTIL(asked[0].ends);
    assert_int_equal(asked[0].end, ORIGIN_BAD);
    assert_int_equal(count().connections, 0);
}

/* --- ways to end */

static void tells_refused_from_reset(void **state)
{
    ask_many(0, 4, 0);
    h2_reset(h2_at(0), request(0, 0), NGHTTP2_REFUSED_STREAM);
    expect(&asked[0], ORIGIN_UNSENT);
    h2_reset(h2_at(0), request(0, 1), NGHTTP2_INTERNAL_ERROR);
    expect(&asked[1], ORIGIN_GONE);
    h2_say_head(h2_at(0), request(0, 2), "200");
    UNTIL(asked[2].heads);
    h2_reset(h2_at(0), request(0, 2), NGHTTP2_REFUSED_STREAM); /* too late to say so */
    expect(&asked[2], ORIGIN_GONE);
    h2_answer(h2_at(0), request(0, 3), S("x"));
    expect(&asked[3], ORIGIN_DONE);
    assert_int_equal(far.n, 1);
}

static void heeds_goaway(void **state)
{
    struct origin_options o = options();
    o.most_connections = 1; /* one that leaves does not count */
    origin_free(origin);
    origin = origin_new(loop, dns, &o);
    ask_many(0, 3, 0);
    struct h2_peer *p = h2_at(0);
    nghttp2_submit_goaway(p->session, NGHTTP2_FLAG_NONE, request(0, 0)->id, NGHTTP2_NO_ERROR, NULL,
                          0);
    h2_push(p);
    expect(&asked[1], ORIGIN_UNSENT);
    expect(&asked[2], ORIGIN_UNSENT);
    assert_int_equal(asked[0].ends, 0);
    ask_many(3, 1, 1); /* new calls go elsewhere */
    h2_answer(p, request(0, 0), S("x"));
    expect(&asked[0], ORIGIN_DONE);
    UNTIL(count().connections == 1);
    h2_answer(h2_at(1), request(1, 0), S("x"));
    expect(&asked[3], ORIGIN_DONE);
}

static void is_gone_when_the_connection_breaks(void **state)
{
    ask_many(0, 2, 0);
    h2_say_head(h2_at(0), request(0, 0), "200");
    UNTIL(asked[0].heads);
    hang_up(&far.peer[0]);
    expect(&asked[0], ORIGIN_GONE);
    expect(&asked[1], ORIGIN_GONE);
    assert_int_equal(count().connections, 0);
}

/* Nothing was written there: nobody notices. */
static void passes_over_stale_ones(void **state)
{
    ask_many(0, 1, 0);
    h2_answer(h2_at(0), request(0, 0), S("x"));
    expect(&asked[0], ORIGIN_DONE);
    hang_up(&far.peer[0]);
    turns(1);
    ask_many(1, 1, 1);
    h2_answer(h2_at(1), request(1, 0), S("x"));
    expect(&asked[1], ORIGIN_DONE);
}

static void close_the_first(void)
{
    hang_up(&far.peer[0]);
}

static void ask_second(void)
{
    ask(&asked[1], origin);
    assert_int_equal(count().waiting, 0);
}

static void passes_over_one_that_closes_now(void **state)
{
    ask_many(0, 1, 0);
    h2_answer(h2_at(0), request(0, 0), S("x"));
    expect(&asked[0], ORIGIN_DONE);
    turns(2);
    call_from_turn(close_the_first, ask_second);
    UNTIL(far.n == 2 && h2_at(1)->n == 1 && request(1, 0)->ended);
    h2_answer(h2_at(1), request(1, 0), S("x"));
    expect(&asked[1], ORIGIN_DONE);
}

static void pings_a_silent_origin(void **state)
{
    prepare(&asked[0], "GET", NULL, 0);
    asked[0].call.answer_ms = 0;
    start(&asked[0], origin);
    UNTIL(h2_at(0)->n == 1);
    turns(5);
    pass_ms(29999);
    turns(5);
    assert_int_equal(h2_at(0)->pings, 0);
    pass_ms(1);
    UNTIL(h2_at(0)->pings == 1);
    turns(5);
    pass_ms(10000); /* it was answered */
    turns(5);
    assert_int_equal(asked[0].ends, 0);
    conn_want_read(far.peer[0].c, false);
    far.peer[0].deaf = true;
    pass_ms(19999);
    turns(3);
    pass_ms(1);
    turns(3);
    pass_ms(9999);
    assert_int_equal(count().connections, 1);
    pass_ms(1);
    expect(&asked[0], ORIGIN_GONE);
    assert_int_equal(count().connections, 0);
}

/* An origin that makes us answer and reads nothing fills a bounded queue, not our memory. */
static void ends_a_flood_of_pings(void **state)
{
    int small = 4096;
    (void)setsockopt(far.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    ask_many(0, 1, 0);
    far.peer[0].deaf = true;
    conn_want_read(far.peer[0].c, false);
    for (int i = 0; i < 600 && !asked[0].ends; i++) {
        for (int k = 0; k < 1000; k++)
            nghttp2_submit_ping(h2_at(0)->session, NGHTTP2_FLAG_NONE, NULL);
        h2_push(h2_at(0));
        turns(3);
    }
    expect(&asked[0], ORIGIN_BAD);
    assert_non_null(strstr(asked[0].why, "Flooding"));
}

static void times_out(void **state)
{
    ask_many(0, 2, 0);
    h2_say_head(h2_at(0), request(0, 1), "200");
    UNTIL(asked[1].heads);
    pass_ms(29999);
    turns(5);
    assert_int_equal(asked[1].ends, 0);
    pass_ms(1);
    expect(&asked[1], ORIGIN_TIMEOUT); /* silence */
    turns(5);
    pass_ms(30000);
    expect(&asked[0], ORIGIN_TIMEOUT); /* no answer */
    UNTIL(request(0, 0)->closed && request(0, 1)->closed);
    assert_int_equal(request(0, 0)->code, NGHTTP2_CANCEL);
    assert_int_equal(count().connections, 1);
}

static void closes_an_idle_connection(void **state)
{
    ask_many(0, 1, 0);
    h2_answer(h2_at(0), request(0, 0), S("x"));
    expect(&asked[0], ORIGIN_DONE);
    pass_ms(30000);
    turns(5);
    pass_ms(29999);
    turns(5);
    assert_int_equal(count().connections, 1);
    pass_ms(1);
    turns(2);
    assert_int_equal(count().connections, 0);
    UNTIL(h2_at(0)->goaway && far.peer[0].ended);
}

/* --- letting go */

static void cancel_it(struct asked *a)
{
    origin_cancel(&a->call);
    memset(&a->call, 0x55, sizeof a->call);
}

static void cancels_at_every_stage(void **state)
{
    ask_many(0, 1, 0);
    char *value = malloc(1000);
    memset(value, 'v', 1000);
    struct field lent_field = {STR("x-lent"), {value, 1000}};
    prepare(&asked[1], "POST", NULL, 0);
    asked[1].call.fields = &lent_field;
    asked[1].call.n_fields = 1;
    start(&asked[1], origin);
    origin_cancel(&asked[1].call); /* not even framed */
    free(value);
    turns(5);
    assert_int_equal(h2_at(0)->n, 1);
    ask_many(2, 3, 0);
    origin_cancel(&asked[2].call); /* written */
    asked[3].in_head = cancel_it;
    asked[4].in_bytes = cancel_it;
    h2_answer(h2_at(0), request(0, 2), S("x"));
    h2_answer(h2_at(0), request(0, 3), S("x"));
    UNTIL(asked[3].heads && asked[4].heads);
    turns(5);
    for (int i = 1; i < 5; i++)
        assert_int_equal(asked[i].ends, 0);
    assert_int_equal(buf_len(&asked[3].body), 0);
    h2_answer(h2_at(0), request(0, 0), S("x"));
    expect(&asked[0], ORIGIN_DONE);
    UNTIL(count().idle == 1);
    assert_int_equal(count().calls, 0);
    assert_int_equal(far.n, 1);
}

static void free_it(struct asked *a)
{
    origin_free(origin);
    origin = NULL;
}

static void is_freed_in_a_callback(void **state)
{
    ask_many(0, 3, 0);
    asked[1].in_bytes = free_it;
    for (unsigned i = 0; i < 3; i++)
        h2_answer(h2_at(0), request(0, i), S("x"));
    UNTIL(asked[0].ends && asked[1].ends && asked[2].ends);
    assert_int_equal(asked[0].end, ORIGIN_DONE);
    assert_int_equal(asked[1].end, ORIGIN_GONE);
    assert_int_equal(asked[2].end, ORIGIN_GONE);
}

/* Inside nghttp2's own callback, with nothing left on the connection that would say so. */
static void is_freed_when_the_only_stream_is_reset(void **state)
{
    asked[0].in_end = free_it;
    ask_many(0, 1, 0);
    h2_reset(h2_at(0), request(0, 0), NGHTTP2_INTERNAL_ERROR);
    expect(&asked[0], ORIGIN_GONE);
    UNTIL(far.peer[0].ended);
    assert_true(h2_at(0)->goaway);
}

/* A call on a used connection, of which nothing was written: it is not put in the queue again. */
static void is_freed_before_a_call_was_written(void **state)
{
    ask_many(0, 1, 0);
    h2_answer(h2_at(0), request(0, 0), S("x"));
    expect(&asked[0], ORIGIN_DONE);
    ask(&asked[1], origin);
    free_it(&asked[1]);
    assert_int_equal(asked[1].ends, 1);
    assert_int_equal(asked[1].end, ORIGIN_GONE);
}

static void ask_third(struct asked *a)
{
    ask(&asked[2], origin);
}

/* In one turn: asked[1] times out and starts asked[2], then the PING does, and asked[0], which ends
 * by that, frees the origin before the turn of asked[2] came. */
static void is_freed_while_a_connection_ends(void **state)
{
    ask_many(0, 1, 0);
    prepare(&asked[1], "GET", NULL, 0);
    asked[1].call.answer_ms = 35000;
    asked[1].in_end = ask_third;
    asked[0].in_end = free_it;
    start(&asked[1], origin);
    UNTIL(h2_at(0)->n == 2);
    conn_want_read(far.peer[0].c, false);
    far.peer[0].deaf = true;
    pass_ms(30000);
    turns(3);
    pass_ms(10000);
    expect(&asked[1], ORIGIN_TIMEOUT);
    expect(&asked[0], ORIGIN_GONE);
    expect(&asked[2], ORIGIN_GONE);
}

static void is_freed_when_the_only_stream_is_refused(void **state)
{
    asked[0].in_end = free_it;
    ask_many(0, 1, 0);
    for (int i = 0; i < 9; i++)
        h2_say_head(h2_at(0), request(0, 0), "103");
    expect(&asked[0], ORIGIN_BAD);
    UNTIL(far.peer[0].ended);
    assert_true(h2_at(0)->goaway);
}

/* One that ends takes the others of its connection along. */
static void cancel_others(struct asked *a)
{
    for (int i = 1; i < 3; i++)
        if (asked[i].running)
            origin_cancel(&asked[i].call);
}

static void cancels_others_while_the_connection_ends(void **state)
{
    ask_many(0, 3, 0);
    asked[0].in_end = cancel_others;
    hang_up(&far.peer[0]);
    expect(&asked[0], ORIGIN_GONE);
    turns(5);
    assert_int_equal(asked[1].ends + asked[2].ends, 0);
    assert_int_equal(count().calls, 0);
}

static void ask_again(struct asked *a)
{
    if (a->ends == 1)
        ask(a, origin);
}

static void starts_in_on_end(void **state)
{
    asked[0].in_end = ask_again;
    ask_many(0, 1, 0);
    h2_answer(h2_at(0), request(0, 0), S("x"));
    UNTIL(h2_at(0)->n == 2);
    h2_answer(h2_at(0), request(0, 1), S("x"));
    UNTIL(asked[0].ends == 2);
    assert_int_equal(asked[0].end, ORIGIN_DONE);
}

static void retires_when_the_last_call_ends(void **state)
{
    ask_many(0, 2, 0);
    origin_retire(origin);
    origin = NULL;
    h2_answer(h2_at(0), request(0, 0), S("x"));
    expect(&asked[0], ORIGIN_DONE);
    h2_answer(h2_at(0), request(0, 1), S("x"));
    expect(&asked[1], ORIGIN_DONE);
    UNTIL(far.peer[0].ended);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(carries_a_call),
        T(carries_large_heads),
        T(carries_many_on_one),
        T(keeps_to_the_limit_of_streams),
        T(waits_for_a_stream),
        T(leaves_who_allows_no_stream),
        T(a_late_call_has_its_time),
        T(sends_a_large_body),
        T(sends_a_large_body_into_wide_windows),
        T(sends_a_share_a_turn),
        T(lets_go_of_a_body),
        T(ends_before_the_body_was_sent),
        T(a_slow_sink_stops_only_itself),
        T(skips_interim_answers_and_trailers),
        T(bounds_interim_answers),
        T(refuses_a_status_that_is_none),
        T(bounds_heads),
        T(refuses_a_wrong_length),
        T(refuses_what_is_not_http2),
        T(tells_refused_from_reset),
        T(heeds_goaway),
        T(is_gone_when_the_connection_breaks),
        T(passes_over_stale_ones),
        T(passes_over_one_that_closes_now),
        T(pings_a_silent_origin),
        T(ends_a_flood_of_pings),
        T(times_out),
        T(closes_an_idle_connection),
        T(cancels_at_every_stage),
        T(is_freed_in_a_callback),
        T(is_freed_when_the_only_stream_is_reset),
        T(is_freed_before_a_call_was_written),
        T(is_freed_while_a_connection_ends),
        T(is_freed_when_the_only_stream_is_refused),
        T(cancels_others_while_the_connection_ends),
        T(starts_in_on_end),
        T(retires_when_the_last_call_ends),
    };
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
