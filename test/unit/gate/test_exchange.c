/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/exchange and gate/back_bedrock: every order of events ends once, with the right answer, the
 * right outcome and nothing left behind (tear_down looks).
 */
#include "sides.h"

#include "weir/base/log.h"

static const struct str hello = STR("{\"messages\":[]}");

static void answers(void **state)
{
    begin();
    assert_true(client.taken);
    give_whole(hello);
    assert_true(has(&far.head, "127.0.0.1:1 POST 127.0.0.1:1 /model/m/converse\n"));
    assert_true(has(&far.head, "authorization: AWS4-HMAC-SHA256 Credential=AKIDTEST/"));
    assert_true(str_eq(buf_str(&far.body), hello));
    sent();
    head(200, "application/json", 2);
    assert_int_equal(client.status, 200);
    assert_true(has(&client.fields, "x-weir-request-id: "));
    assert_true(has(&client.fields, "x-weir-decision: lane=ondemand;model=same\n"));
    bytes(S("{}"));
    assert_int_equal(far.credited, 2);
    end(ORIGIN_DONE);
    assert_true(client.ended && str_eq(buf_str(&client.body), S("{}")));
    gone(FRONT_DONE);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_ANSWERED), 1);
}

static void relays_a_refusal(void **state)
{
    begin();
    give_whole(hello);
    head(429, "application/json", 0);
    end(ORIGIN_DONE);
    assert_int_equal(client.status, 429);
    gone(FRONT_DONE);
    assert_int_equal(far.started, 1);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_REFUSED), 1);
}

/* --- the client leaves */

static void leaves_in_its_body(void **state)
{
    begin();
    give(S("{\"mess"));
    gone(FRONT_LEFT);
    begin();
    give(S("{\"mess"));
    gone(FRONT_BAD);
    assert_int_equal(far.started, 0);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_CLIENT_LEFT), 1);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_BAD_MESSAGE), 1);
}

/* A long body is read in slices; between two of them its client goes. */
static void leaves_while_it_is_read(void **state)
{
    enum { LONG = 4 << 20 };
    char *body = malloc(LONG);
    memset(body, ' ', LONG);
    begin();
    give_whole(str_from(body, LONG));
    assert_int_equal(far.started, 0);
    gone(FRONT_LEFT);
    turn();
    begin();
    give_whole(str_from(body, LONG));
    for (int i = 0; i < 100 && !far.started; i++)
        turn();
    assert_int_equal(far.started, 1);
    gone(FRONT_LEFT);
    assert_int_equal(far.cancelled, 1);
    free(body);
}

static void leaves_before_and_in_the_answer(void **state)
{
    begin();
    give_whole(hello);
    gone(FRONT_LEFT);
    begin();
    give_whole(hello);
    sent();
    head(200, "application/json", 100);
    bytes(S("{"));
    gone(FRONT_LEFT);
    assert_int_equal(far.cancelled, 2);
    begin();
    give_whole(hello);
    sent();
    head(200, "application/json", 1);
    bytes(S("1"));
    end(ORIGIN_DONE);
    gone(FRONT_LEFT); /* with bytes still on their way */
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_CLIENT_LEFT), 3);
}

/* --- bodies */

static void keeps_a_body_until_it_is_sent(void **state)
{
    begin();
    give_whole(hello);
    head(400, "application/json", 0); /* early: the last byte is not out */
    assert_int_equal(daemon_.bodies.used_bytes, hello.len);
    end(ORIGIN_DONE);
    gone(FRONT_DONE);
    begin();
    give_whole(hello);
    sent();
    head(200, "application/json", 0);
    assert_int_equal(daemon_.bodies.used_bytes, 0);
    end(ORIGIN_DONE);
    gone(FRONT_DONE);
}

/* Read to its end first: who sends it may not read before. */
static void refuses_what_is_too_big(void **state)
{
    char *body = calloc(1, BODY_MOST_BYTES + 1);
    begin();
    assert_int_equal(give(str_from(body, BODY_MOST_BYTES + 1)), BODY_MOST_BYTES + 1);
    assert_int_equal(daemon_.bodies.used_bytes, 0);
    assert_false(client.answered);
    give_whole(S("and more"));
    assert_int_equal(client.status, 413);
    assert_true(client.ended);
    gone(FRONT_DONE);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_BODY_TOO_BIG), 1);
    free(body);
}

static void does_not_swallow_for_ever(void **state)
{
    size_t room, most = 64u << 20;
    char *body = calloc(1, most);
    begin();
    assert_int_equal(give(str_from(body, most)), most);
    assert_false(client.answered);
    assert_null(exchange_sink.body_room(client.ex, 1, &room));
    assert_int_equal(client.status, 413);
    assert_null(exchange_sink.body_room(client.ex, 1, &room));
    gone(FRONT_BAD); /* it stops in the midst of it */
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_BODY_TOO_BIG), 1);
    free(body);
}

static void waits_for_memory(void **state)
{
    atomic_store(&daemon_.bodies.used_bytes, 64 << 20); /* others have it all */
    begin();
    assert_int_equal(give(hello), 0);
    pass_ms(4000);
    turn();
    assert_false(client.answered);
    atomic_store(&daemon_.bodies.used_bytes, 0);
    pass_ms(50);
    turn();
    assert_int_equal(client.resumed, 1);
    give_whole(hello);
    head(200, "application/json", 0);
    end(ORIGIN_DONE);
    gone(FRONT_DONE);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_ANSWERED), 1);
}

static void does_not_wait_for_ever(void **state)
{
    atomic_store(&daemon_.bodies.used_bytes, 64 << 20);
    begin();
    assert_int_equal(give(hello), 0);
    for (int i = 0; i < 101; i++) {
        pass_ms(50);
        turn();
    }
    assert_int_equal(client.status, 503);
    assert_true(has(&client.fields, "x-amzn-errortype: ServiceUnavailableException\n"));
    gone(FRONT_DONE);
    begin();
    assert_int_equal(give(hello), 0);
    gone(FRONT_LEFT); /* while its timer runs */
    pass_ms(10000);
    turn();
    atomic_store(&daemon_.bodies.used_bytes, 0);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_MEMORY_FULL), 1);
    assert_int_equal(worker.metrics.simple[METRIC_BODY_WAITS], 2);
}

/* --- what is sent again */

static void sends_again_what_was_not_processed(void **state)
{
    begin();
    give_whole(hello);
    end(ORIGIN_UNSENT);
    end(ORIGIN_UNSENT);
    assert_int_equal(far.started, 3);
    assert_true(str_eq(buf_str(&far.body), hello));
    end(ORIGIN_UNSENT);
    assert_int_equal(far.started, 3);
    assert_int_equal(client.status, 503);
    gone(FRONT_DONE);
    assert_int_equal(worker.metrics.resent[RESENT_NOT_PROCESSED], 2);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_ORIGIN_UNREACHABLE), 1);
}

static void sends_a_503_again_once(void **state)
{
    begin();
    give_whole(hello);
    sent();
    head(503, "application/json", 0);
    assert_int_equal(far.cancelled, 1);
    assert_int_equal(far.started, 2);
    assert_false(client.answered);
    assert_true(str_eq(buf_str(&far.body), hello));
    head(503, "application/json", 0);
    end(ORIGIN_DONE);
    assert_int_equal(client.status, 503);
    gone(FRONT_DONE);
    begin(); /* the budget is spent */
    give_whole(hello);
    head(529, "application/json", 0);
    assert_int_equal(client.status, 529);
    end(ORIGIN_DONE);
    gone(FRONT_DONE);
    assert_int_equal(far.started, 3);
    assert_int_equal(worker.metrics.resent[RESENT_UNAVAILABLE], 1);
}

static void says_what_nobody_knows(void **state)
{
    static const struct {
        enum origin_end end;
        int status;
        enum outcome outcome;
    } ends[] = {{ORIGIN_UNREACHABLE, 503, OUTCOME_ORIGIN_UNREACHABLE},
                {ORIGIN_GONE, 502, OUTCOME_ORIGIN_CUT},
                {ORIGIN_TIMEOUT, 408, OUTCOME_ORIGIN_TIMEOUT},
                {ORIGIN_BAD, 502, OUTCOME_ORIGIN_BAD}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        begin();
        give_whole(hello);
        end(ends[i].end);
        assert_int_equal(client.status, ends[i].status);
        assert_true(client.ended);
        gone(FRONT_DONE);
        assert_int_equal(ended_as(OP_CONVERSE, ends[i].outcome), 1);
    }
    assert_int_equal(far.started, sizeof ends / sizeof *ends);
}

/* --- answers that break off */

static const char events[] = "application/vnd.amazon.eventstream";
/* Without headers and payload; zlib's crc32 of the two lengths, then of all before. */
static const struct str frame = {"\0\0\0\x10\0\0\0\0\x05\xc2\x48\xeb\x7d\x98\xc8\xff", 16};

static void adds_an_exception_between_two_events(void **state)
{
    begin();
    give_whole(hello);
    sent();
    head(200, events, -1);
    bytes(frame);
    end(ORIGIN_GONE);
    assert_true(client.ended && !client.aborted);
    assert_true(has(&client.body, "internalServerException"));
    gone(FRONT_DONE);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_STREAM_CUT), 1);
}

static void breaks_off_where_nothing_fits(void **state)
{
    for (int i = 0; i < 3; i++) {
        begin();
        give_whole(hello);
        sent();
        /* Inside an event; inside plain JSON; between two events of a counted answer. */
        head(200, i == 1 ? "application/json" : events, i == 2 ? 32 : -1);
        bytes(i == 0 ? str_sub(frame, 0, 9) : frame);
        end(i == 0 ? ORIGIN_TIMEOUT : ORIGIN_GONE);
        assert_true(client.aborted && !client.ended);
        gone(FRONT_LEFT);
    }
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_STREAM_SILENT), 1);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_STREAM_CUT), 2);
}

static void a_slow_client_slows_the_origin(void **state)
{
    begin();
    give_whole(hello);
    sent();
    head(200, events, -1);
    client.unsent = FRONT_HIGH_MARK;
    bytes(frame);
    bytes(frame);
    assert_int_equal(far.credited, 0);
    client.unsent = 0;
    exchange_sink.on_drain(client.ex);
    assert_int_equal(far.credited, 32);
    exchange_sink.on_drain(client.ex);
    assert_int_equal(far.credited, 32);
    client.unsent = FRONT_HIGH_MARK;
    bytes(frame);
    end(ORIGIN_DONE);
    client.unsent = 0;
    exchange_sink.on_drain(client.ex); /* nobody is there any more to get it */
    gone(FRONT_DONE);
    assert_int_equal(far.credited, 32);
}

/* --- the end of a drain */

static void assert_cut(int status)
{
    worker_cut(&worker);
    assert_null(far.call);
    assert_int_equal(client.status, status);
    assert_int_equal(daemon_.bodies.used_bytes, 0);
    turn();
    assert_int_equal(client.resumed, 0);
    gone(FRONT_DONE);
}

static void is_cut_wherever_it_is(void **state)
{
    begin(); /* in its body */
    give(str_sub(hello, 0, 3));
    assert_cut(503);
    atomic_store(&daemon_.bodies.used_bytes, 64 << 20);
    begin(); /* waiting for memory */
    assert_int_equal(give(hello), 0);
    atomic_store(&daemon_.bodies.used_bytes, 0);
    assert_cut(503);
    enum { LONG = 4 << 20 };
    char *body = malloc(LONG);
    memset(body, ' ', LONG);
    begin(); /* being read */
    give_whole(str_from(body, LONG));
    free(body);
    assert_cut(503);
    begin(); /* at the origin */
    give_whole(hello);
    assert_cut(503);
    begin(); /* between two events */
    give_whole(hello);
    sent();
    head(200, events, -1);
    bytes(frame);
    assert_cut(200);
    assert_true(client.ended && has(&client.body, "internalServerException"));
    assert_int_equal(far.cancelled, 2);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_DRAINED), 5);
    begin(); /* over, and the client still takes it */
    give_whole(hello);
    sent();
    head(200, "application/json", 0);
    end(ORIGIN_DONE);
    assert_cut(200);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_ANSWERED), 1);
}

/* The protocol answers what comes behind the head: too slow a body, a bad chunk. */
static void is_refused_by_the_protocol(void **state)
{
    struct front_refusal r = {FRONT_H1_1, S("127.0.0.1:9"), 408, "The body came too slowly."};
    begin();
    give(str_sub(hello, 0, 3));
    exchange_sink.on_refused(worker.ports, client.ex, &r);
    gone(FRONT_LEFT);
    exchange_sink.on_refused(worker.ports, NULL, &r);
    r.status = 0;
    exchange_sink.on_refused(worker.ports, NULL, &r);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_BAD_MESSAGE), 1);
    assert_int_equal(ended_as(OP_NONE, OUTCOME_BAD_HEAD), 1);
    assert_int_equal(ended_as(OP_NONE, OUTCOME_BAD_CONNECTION), 1);
}

/* --- reload and credentials */

static void goes_the_new_way_whole(void **state)
{
    static const int keep[CONFIG_MOST_LISTENERS] = {-1};
    begin();
    give(str_sub(hello, 0, 3));
    struct setup *new =
        make_setup("region: eu-west-1\nendpoints: {runtime: 'http://127.0.0.1:2'}\n");
    turn();
    worker_switch(&worker, new, keep);
    give_whole(str_from_offset(hello, 3));
    /* Not one without the other: connection, Host and Region. */
    assert_true(has(&far.head, "127.0.0.1:2 POST 127.0.0.1:2 /model/m/converse\n"));
    assert_true(has(&far.head, "/eu-west-1/bedrock/aws4_request"));
    head(200, "application/json", 0);
    end(ORIGIN_DONE);
    gone(FRONT_DONE);
}

static void needs_credentials(void **state)
{
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    static const int keep[CONFIG_MOST_LISTENERS] = {-1};
    worker_switch(&worker, make_setup("region: eu-west-1\n"), keep);
    turn();
    begin();
    give_whole(hello);
    assert_int_equal(client.status, 503);
    gone(FRONT_DONE);
    assert_int_equal(far.started, 0);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_NO_CREDENTIALS), 1);
}

static void the_admin_port_is_not_for_pages(void **state)
{
    static const struct {
        const char *host, *origin;
        int status;
    } cases[] = {{"127.0.0.1:8081", NULL, 200},
                 {"localhost:8081", NULL, 200},
                 {"[::1]:8081", NULL, 200},
                 {"localhost", NULL, 200},
                 {"", NULL, 200},
                 {"rebound.example:8081", NULL, 403},
                 {"127.0.0.1.evil.example", NULL, 403},
                 {"127.0.0.1:8081", "http://x.example", 403},
                 {"localhost:8081", "null", 403},
                 {"u@localhost", NULL, 403}};
    worker_open(&worker, -1, daemon_.setups, 0, REALM_ADMIN); /* now the first one */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        prepare("GET", "/healthz", false);
        client.request.authority = str_of(cases[i].host);
        if (cases[i].origin)
            (void)fields_add(&client.request.fields, S("origin"), str_of(cases[i].origin));
        client.ex = exchange_sink.on_request(worker.ports, &client, &client.request);
        assert_int_equal(client.status, cases[i].status);
        gone(FRONT_DONE);
    }
}

/* --- the record */

static void times_only_what_was_ours(void **state)
{
    begin();
    give_whole(hello);
    pass_ms(2); /* until it was sent */
    sent();
    pass_ms(30000); /* the origin thinks, and refuses */
    head(503, "application/json", 0);
    pass_ms(3);
    sent();
    pass_ms(1000);
    head(200, "application/json", 0);
    end(ORIGIN_DONE);
    gone(FRONT_DONE);
    assert_int_equal(worker.metrics.added_seconds[OP_CONVERSE].sum_us, 5000);
    assert_int_equal(worker.metrics.request_seconds[OP_CONVERSE].sum_us, 31005000);
}

static const char *line(void)
{
    static char text[8192];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_true(log_drain(ends[1]));
    close(ends[1]);
    ssize_t n = read(ends[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    close(ends[0]);
    return text;
}

static void logs_one_line(void **state)
{
    (void)line();
    begin_with("POST", "/w/nightly/model/a%3Ab/converse", true);
    give_whole(S("{\"prompt\":\"CANARY\"}"));
    sent();
    head(200, "application/json", 6);
    bytes(S("CANARY"));
    end(ORIGIN_DONE);
    gone(FRONT_DONE);
    const char *text = line();
    assert_non_null(strstr(text, " op=Converse model=a:b workload=nightly peer=127.0.0.1:9 "));
    assert_non_null(strstr(text, " status=200 outcome=answered in=19 out=6 "));
    assert_null(strstr(text, "CANARY"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    begin_with("GET", "/what", false);
    gone(FRONT_DONE);
    assert_non_null(strstr(line(), "outcome=unknown-operation while=receive "));
}

int main(void)
{
    log_ring(64 * 1024);
#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STORY(answers),
        STORY(relays_a_refusal),
        STORY(leaves_in_its_body),
        STORY(leaves_while_it_is_read),
        STORY(leaves_before_and_in_the_answer),
        STORY(keeps_a_body_until_it_is_sent),
        STORY(refuses_what_is_too_big),
        STORY(does_not_swallow_for_ever),
        STORY(waits_for_memory),
        STORY(does_not_wait_for_ever),
        STORY(sends_again_what_was_not_processed),
        STORY(sends_a_503_again_once),
        STORY(says_what_nobody_knows),
        STORY(adds_an_exception_between_two_events),
        STORY(breaks_off_where_nothing_fits),
        STORY(a_slow_client_slows_the_origin),
        STORY(is_cut_wherever_it_is),
        STORY(is_refused_by_the_protocol),
        STORY(goes_the_new_way_whole),
        STORY(needs_credentials),
        STORY(the_admin_port_is_not_for_pages),
        STORY(times_only_what_was_ours),
        STORY(logs_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
