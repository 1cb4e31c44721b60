/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/back_spool, gate/back_tickets: whatever the spool says, and whenever, the client gets its
 * answer once, and the spool hears once how that ended. Client, origin and spool are doubles.
 */
#include "sides.h"
#include "spool_double.h"

#include "../../../src/gate/back.h"
#include "../../../src/gate/lanes.h"

#include <stdio.h>

enum { LINGER_MS = 30000, SPACE_MS = LINGER_MS / 3, PATIENCE_MS = 10000, HOUR_MS = 3600000 };
#define CONFIG ONE_ORIGIN "batch: {linger: 30s}\n"

static const struct str hello = STR("{\"messages\":[]}");
static struct lanes lanes;

static int set_up_spool(void **state)
{
    memset(&den, 0, sizeof den);
    memset(&lanes, 0, sizeof lanes);
    (void)set_up_with(CONFIG);
    daemon_.spool = (struct spool *)&den; /* the double never looks at it */
    return 0;
}

/* As the step before would have left it. */
static void goes_to_batch(struct exchange *ex, enum spool_reply reply)
{
    lanes = (struct lanes){
        .deadline_ms = clock_wall_ms() + HOUR_MS,
        .reply = reply,
        .kind = BATCH_CONVERSE,
    };
    ex->lanes = &lanes;
    ex->back = &back_spool;
}

static struct exchange *wait_for(enum spool_reply reply)
{
    struct exchange *ex = begin();
    goes_to_batch(ex, reply);
    give_whole(hello);
    return ex;
}

static void hold(enum spool_reply reply)
{
    (void)wait_for(reply);
    spool_double_holds(den.n_asks - 1, clock_wall_ms() + HOUR_MS);
    turn();
}

static void pass(int64_t ms)
{
    pass_ms(ms);
    turn();
}

/* --- asked */

static void asks_with_all_that_names_it(void **state)
{
    struct exchange *ex = begin();
    (void)fields_add(&client.request.fields, S("amz-sdk-invocation-id"), S("i-1"));
    goes_to_batch(ex, SPOOL_WAIT);
    give_whole(hello);
    const struct spool_double_ask *a = &den.asks[0];
    assert_int_equal(den.n_asks, 1);
    assert_string_equal(a->client, "anonymous");
    assert_string_equal(a->model, "m");
    assert_string_equal(a->operation, "Converse");
    assert_string_equal(a->invocation, "i-1");
    assert_string_equal(a->body, "{\"messages\":[]}");
    assert_int_equal(a->as.deadline_ms, lanes.deadline_ms);
    assert_false(client.answered);
    gone(FRONT_LEFT);
    spool_double_says(0, (struct spool_admitted){.said = SPOOL_NOT, .why = "full"});
    turn();
}

/* The same body, and one that differs: in the operation, too. */
static void keys_differ_where_requests_do(void **state)
{
    static const char *const targets[] = {"/model/m/converse", "/model/m/converse",
                                          "/model/n/converse", "/model/m/invoke"};
    for (size_t i = 0; i < 4; i++) {
        struct exchange *ex = begin_with("POST", targets[i], true);
        goes_to_batch(ex, SPOOL_WAIT);
        give_whole(hello);
        gone(FRONT_LEFT);
        spool_double_says((unsigned)i, (struct spool_admitted){.said = SPOOL_NOT, .why = "full"});
    }
    (void)wait_for(SPOOL_WAIT);
    gone(FRONT_LEFT);
    spool_double_says(4, (struct spool_admitted){.said = SPOOL_NOT, .why = "full"});
    turn();
    const unsigned char *first = den.asks[0].as.key;
    assert_memory_equal(den.asks[1].as.key, first, SPOOL_KEY_BYTES);
    assert_memory_equal(den.asks[4].as.key, first, SPOOL_KEY_BYTES);
    assert_memory_not_equal(den.asks[2].as.key, first, SPOOL_KEY_BYTES);
    assert_memory_not_equal(den.asks[3].as.key, first, SPOOL_KEY_BYTES);
}

static void goes_on_demand_when_it_is_not_taken(void **state)
{
    (void)wait_for(SPOOL_WAIT);
    assert_int_equal(far.started, 0);
    spool_double_says(0, (struct spool_admitted){.said = SPOOL_NOT, .why = "full"});
    turn();
    assert_int_equal(far.started, 1);
    assert_true(str_eq(buf_str(&far.body), hello));
    assert_string_equal(lanes.ask.no_batch, "full");
    sent();
    head(200, "application/json", 2);
    bytes(S("{}"));
    end(ORIGIN_DONE);
    gone(FRONT_DONE);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_ANSWERED), 1);
    assert_int_equal(den.left + den.whole + den.broken, 0);
}

/* Its budget is spent: it gets what was accepted before, and nothing is bought. */
static void is_refused_when_nothing_is_there(void **state)
{
    static const struct limits_verdict spent = {
        .answer = LIMITS_BUDGET, .what = STR("usd_per_day"), .resets_s = 1782000000};
    daemon_.limits = limits_new();
    for (unsigned i = 0; i < 2; i++) {
        struct exchange *ex = begin();
        goes_to_batch(ex, SPOOL_WAIT);
        ex->over = &spent;
        give_whole(hello);
        assert_true(den.asks[i].as.known_only);
        if (i == 0)
            spool_double_says(0,
                              (struct spool_admitted){.said = SPOOL_NOT, .why = "it is not there"});
        else
            pass(PATIENCE_MS);
        turn();
        assert_true(client.status == 400 && far.started == 0);
        gone(FRONT_DONE);
    }
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_BUDGET_SPENT), 2);
    spool_double_says(1, (struct spool_admitted){.said = SPOOL_NOT, .why = "closed"});
    turn();
    limits_free(daemon_.limits);
    daemon_.limits = NULL;
}

/* Its disk hangs. What it took all the same is taken back; a ticket of before is left alone. */
static void goes_on_demand_when_the_spool_is_slow(void **state)
{
    static const enum spool_reply replies[] = {SPOOL_WAIT, SPOOL_RETRY, SPOOL_TICKET, SPOOL_WAIT,
                                               SPOOL_TICKET};
    for (unsigned i = 0; i < 5; i++) {
        bool waits = replies[i] == SPOOL_WAIT;
        (void)wait_for(replies[i]);
        pass(PATIENCE_MS - 1);
        assert_int_equal(far.started, i);
        pass(1);
        assert_int_equal(far.started, i + 1);
        assert_true(str_eq(buf_str(&far.body), hello));
        assert_string_equal(lanes.ask.no_batch, "the spool is slow");
        spool_double_says(i, (struct spool_admitted){
                                 .said = SPOOL_HELD, .id = {.number = i + 1}, .fresh = i < 3});
        turn();
        assert_int_equal(den.left, i < 4 ? i + 1 : 4);
        assert_int_equal(den.withdrawn, i < 4 ? i + 1 : 4);
        if (waits)
            spool_double_wakes(i, NULL);
        turn();
        sent();
        head(200, "application/json", 2);
        bytes(S("{}"));
        end(ORIGIN_DONE);
        assert_true(client.ended && str_eq(buf_str(&client.body), S("{}")));
        gone(FRONT_DONE);
    }
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_ANSWERED), 5);
}

/* --- wait */

static void answers_at_once_what_is_there(void **state)
{
    (void)wait_for(SPOOL_WAIT);
    spool_double_says(0, (struct spool_admitted){.said = SPOOL_READY,
                                                 .id = {.number = 7},
                                                 .answer = spool_double_answer(7, 200, "", "{}")});
    turn();
    assert_int_equal(client.status, 200);
    assert_true(has(&client.fields, "content-type: application/json\n"));
    assert_true(has(&client.fields, "content-length: 2\n"));
    assert_true(has(&client.fields, "x-amzn-requestid: "));
    assert_true(has(&client.fields, "x-weir-decision: lane=batch;model=same\n"));
    assert_false(has(&client.fields, "usd"));
    assert_true(client.ended && str_eq(buf_str(&client.body), S("{}")));
    assert_int_equal(den.whole + den.broken, 0); /* not before the client has it */
    gone(FRONT_DONE);
    assert_int_equal(den.whole, 1);
    assert_int_equal(den.delivered_number, 7);
    assert_int_equal(den.frees, 1);
    assert_int_equal(far.started, 0);
}

static void says_what_it_cost_when_asked(void **state)
{
    struct exchange *ex = begin_with("POST", "/model/m/invoke", true);
    (void)fields_add(&client.request.fields, S("x-weir-explain"), S("1"));
    goes_to_batch(ex, SPOOL_WAIT);
    give_whole(hello);
    spool_double_holds(0, clock_wall_ms() + HOUR_MS);
    turn();
    spool_double_wakes(
        0, spool_double_answer(
               1, 200, "",
               "{\"type\":\"message\",\"usage\":{\"input_tokens\":11,\"output_tokens\":5}}"));
    turn();
    assert_true(has(&client.fields, "x-weir-cost-usd: 0.001500000\n"));
    assert_true(has(&client.fields, "x-weir-saved-usd: 0.001500000\n"));
    assert_true(has(&client.fields, "x-amzn-bedrock-input-token-count: 11\n"));
    assert_true(has(&client.fields, "x-amzn-bedrock-output-token-count: 5\n"));
    gone(FRONT_DONE);
}

static void drops_the_body_and_holds(void **state)
{
    (void)wait_for(SPOOL_WAIT);
    assert_int_equal(daemon_.bodies.used_bytes, hello.len);
    spool_double_holds(0, clock_wall_ms() + HOUR_MS);
    turn();
    assert_int_equal(daemon_.bodies.used_bytes, 0);
    assert_true(client.held);
    pass(SPACE_MS - 1);
    assert_false(client.answered);
    pass(1);
    assert_int_equal(client.status, 200);
    assert_false(has(&client.fields, "content-length"));
    assert_true(has(&client.fields, "x-weir-decision: lane=batch;model=same\n"));
    pass(SPACE_MS);
    assert_true(str_eq(buf_str(&client.body), S("  ")));
    spool_double_wakes(0, spool_double_answer(1, 200, "", "{\"a\":1}"));
    turn();
    assert_true(client.ended && str_eq(buf_str(&client.body), S("  {\"a\":1}")));
    assert_false(client.held);
    pass(SPACE_MS); /* no space behind it */
    gone(FRONT_DONE);
    assert_int_equal(den.whole, 1);
    assert_int_equal(den.left, 0);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_ANSWERED), 1);
}

static void sends_no_space_to_who_reads_nothing(void **state)
{
    hold(SPOOL_WAIT);
    pass(SPACE_MS);
    client.unsent = 6;
    for (int i = 0; i < 100; i++)
        pass(SPACE_MS);
    assert_int_equal(buf_len(&client.body), 1);
    client.unsent = 0;
    pass(SPACE_MS);
    assert_int_equal(buf_len(&client.body), 2);
    gone(FRONT_LEFT);
    spool_double_wakes(0, NULL);
    turn();
}

static void sends_a_long_answer_as_it_is_taken(void **state)
{
    enum { LONG = 1 << 20 };
    char *body = mem_new(LONG + 1);
    memset(body, 'x', LONG);
    hold(SPOOL_WAIT);
    client.unsent = FRONT_HIGH_MARK + 1;
    spool_double_wakes(0, spool_double_answer(1, 200, "", body));
    turn();
    assert_int_equal(buf_len(&client.body), 0);
    client.unsent = 0;
    exchange_sink.on_drain(client.ex);
    assert_int_equal(buf_len(&client.body), LONG);
    assert_true(client.ended);
    gone(FRONT_DONE);
    assert_int_equal(den.whole, 1);
    mem_free(body);
}

static void tells_an_error_with_its_status(void **state)
{
    hold(SPOOL_WAIT);
    spool_double_wakes(0,
                       spool_double_answer(1, 400, "ValidationException", "{\"message\":\"no\"}"));
    turn();
    assert_int_equal(client.status, 400);
    assert_true(has(&client.fields, "x-amzn-errortype: ValidationException\n"));
    assert_true(client.ended && str_eq(buf_str(&client.body), S("{\"message\":\"no\"}")));
    gone(FRONT_DONE);
    assert_int_equal(den.whole, 1);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_REFUSED), 1);
}

static void breaks_off_when_it_is_too_late_for_a_status(void **state)
{
    hold(SPOOL_WAIT);
    pass(SPACE_MS);
    spool_double_wakes(0, spool_double_answer(1, 400, "ValidationException", "{}"));
    turn();
    assert_true(client.refused);
    gone(FRONT_LEFT);
    assert_int_equal(den.broken, 1); /* the SDK asks again, and is told */
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_HELD_FAILED), 1);
}

/* --- the client leaves */

static void leaves_before_the_spool_has_spoken(void **state)
{
    (void)wait_for(SPOOL_WAIT);
    gone(FRONT_LEFT);
    spool_double_holds(0, clock_wall_ms() + HOUR_MS);
    turn();
    assert_int_equal(den.left, 1);
    spool_double_wakes(0, NULL);
    (void)wait_for(SPOOL_WAIT);
    gone(FRONT_LEFT);
    spool_double_says(1, (struct spool_admitted){.said = SPOOL_READY,
                                                 .id = {.number = 2},
                                                 .answer = spool_double_answer(2, 200, "", "{}")});
    turn();
    assert_int_equal(den.broken, 1);
    assert_int_equal(den.frees, 1);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_CLIENT_LEFT), 2);
}

static void leaves_while_it_is_held(void **state)
{
    hold(SPOOL_WAIT);
    gone(FRONT_LEFT);
    assert_int_equal(den.left, 1);
    assert_int_equal(den.left_number, 1);
    spool_double_wakes(0, NULL);
    turn();
    hold(SPOOL_WAIT);
    gone(FRONT_LEFT);
    spool_double_wakes(1, spool_double_answer(2, 200, "", "{}")); /* it was on its way */
    turn();
    assert_int_equal(den.broken, 1);
    assert_int_equal(den.frees, 1);
}

static void leaves_in_its_answer(void **state)
{
    hold(SPOOL_WAIT);
    spool_double_wakes(0, spool_double_answer(1, 200, "", "{}"));
    turn();
    gone(FRONT_LEFT);
    assert_int_equal(den.broken, 1);
    assert_int_equal(den.whole, 0);
}

/* A byte finds out whether anybody is there. */
static void looks_whether_a_silent_client_is_there(void **state)
{
    hold(SPOOL_WAIT);
    exchange_sink.on_half_closed(client.ex);
    pass(1);
    assert_true(str_eq(buf_str(&client.body), S(" ")));
    pass(250);
    assert_true(str_eq(buf_str(&client.body), S("  ")));
    pass(500); /* it is there after all */
    assert_true(str_eq(buf_str(&client.body), S("   ")));
    pass(1000);
    assert_true(str_eq(buf_str(&client.body), S("   ")));
    gone(FRONT_LEFT);
    assert_int_equal(den.left, 1);
    spool_double_wakes(0, NULL);
    (void)wait_for(SPOOL_WAIT);
    client.half_closed = true; /* before it was held */
    spool_double_holds(1, clock_wall_ms() + HOUR_MS);
    turn();
    pass(1);
    assert_true(str_eq(buf_str(&client.body), S(" ")));
    gone(FRONT_LEFT);
    spool_double_wakes(1, NULL);
    turn();
}

/* --- Weir stops */

static void sends_away_who_is_held(void **state)
{
    hold(SPOOL_WAIT);
    worker_drain(&worker);
    assert_int_equal(client.status, 503);
    assert_true(client.ended && has(&client.body, "This request is kept"));
    assert_int_equal(den.left, 1);
    gone(FRONT_DONE);
    spool_double_wakes(0, NULL);
    turn();
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_DRAINED), 1);
}

static void breaks_off_who_got_a_space(void **state)
{
    hold(SPOOL_WAIT);
    pass(SPACE_MS);
    worker_drain(&worker);
    assert_true(client.refused);
    gone(FRONT_LEFT);
    spool_double_wakes(0, NULL);
    turn();
}

static void holds_nobody_when_it_stops(void **state)
{
    (void)wait_for(SPOOL_WAIT);
    worker_drain(&worker);
    spool_double_holds(0, clock_wall_ms() + HOUR_MS);
    turn();
    assert_int_equal(client.status, 503);
    assert_int_equal(den.left, 1);
    gone(FRONT_DONE);
    spool_double_wakes(0, NULL);
    turn();
}

/* The spool's last words come when it is gone. */
static void hears_the_spool_end(void **state)
{
    hold(SPOOL_WAIT);
    spool_double_wakes(0, NULL);
    turn();
    assert_int_equal(client.status, 503);
    gone(FRONT_DONE);
    (void)wait_for(SPOOL_WAIT);
    gone(FRONT_LEFT);
    daemon_.spool = NULL;
    spool_double_holds(1, clock_wall_ms() + HOUR_MS);
    spool_double_wakes(1, spool_double_answer(1, 200, "", "{}"));
    turn();
    assert_int_equal(den.left + den.whole + den.broken, 0);
    assert_int_equal(den.frees, 1);
}

/* --- retry and ticket */

static void says_come_again(void **state)
{
    hold(SPOOL_RETRY);
    assert_int_equal(client.status, 429);
    assert_true(has(&client.fields, "x-amzn-errortype: ModelNotReadyException\n"));
    assert_true(has(&client.fields, "retry-after: 30\n"));
    assert_true(has(&client.fields, "x-amz-retry-after: 30000\n"));
    assert_true(has(&client.body, "at 2026-01-02T04:04:05Z at the latest"));
    gone(FRONT_DONE);
    assert_int_equal(den.left + den.whole + den.broken, 0);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_WAITS), 1);
}

/* Sooner it might be taken for another sample. */
static void is_never_told_to_come_too_soon(void **state)
{
    (void)wait_for(SPOOL_RETRY);
    spool_double_holds(den.n_asks - 1, clock_wall_ms() + 3000); /* of who asked before */
    turn();
    assert_true(has(&client.fields, "retry-after: 20\n"));
    assert_true(SPOOL_CLAIM_MS <= 20000);
    gone(FRONT_DONE);
}

static const char *const ticket = "1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static void gives_a_ticket(void **state)
{
    char line[256];
    hold(SPOOL_TICKET);
    assert_int_equal(client.status, 202);
    snprintf(line, sizeof line, "location: /weir/tickets/%s\n", ticket);
    assert_true(has(&client.fields, line));
    assert_true(has(&client.fields, "retry-after: 30\n"));
    snprintf(line, sizeof line,
             "{\"ticket\":\"%s\",\"status\":\"waiting\",\"status_url\":\"/weir/tickets/%s\","
             "\"deadline\":\"2026-01-02T04:04:05Z\"}\n",
             ticket, ticket);
    assert_string_equal(buf_cstr(&client.body), line);
    gone(FRONT_DONE);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_TICKET), 1);
    (void)wait_for(SPOOL_TICKET); /* and when nobody takes it, it is kept */
    gone(FRONT_LEFT);
    spool_double_holds(1, clock_wall_ms() + HOUR_MS);
    turn();
    assert_int_equal(den.left + den.broken, 0);
}

static void look_up(enum spool_ticket what, struct spool_answer *answer)
{
    char target[128];
    snprintf(target, sizeof target, "/weir/tickets/%s?x=1", ticket);
    (void)begin_with("GET", target, false);
    assert_int_equal(den.ticket.number, 1);
    assert_string_equal(den.ticket_client, "anonymous");
    const struct spool_ticket_told t = {.what = what,
                                        .deadline_ms = clock_wall_ms() + HOUR_MS,
                                        .operation = S("Converse"),
                                        .answer = answer};
    den.told(den.told_arg, &t);
    turn();
}

static void tells_of_tickets(void **state)
{
    look_up(SPOOL_NO_TICKET, NULL);
    assert_int_equal(client.status, 404);
    gone(FRONT_DONE);
    look_up(SPOOL_TICKET_GONE, NULL);
    assert_int_equal(client.status, 410);
    gone(FRONT_DONE);
    look_up(SPOOL_TICKET_LATER, NULL);
    assert_int_equal(client.status, 503);
    gone(FRONT_DONE);
    look_up(SPOOL_TICKET_WAITS, NULL);
    assert_int_equal(client.status, 202);
    assert_true(has(&client.fields, "retry-after: 30\n"));
    gone(FRONT_DONE);
    look_up(SPOOL_TICKET_READY, spool_double_answer(1, 200, "", "{\"a\":1}"));
    assert_int_equal(client.status, 200);
    assert_string_equal(buf_cstr(&client.body), "{\"a\":1}");
    gone(FRONT_DONE);
    assert_int_equal(den.whole, 1);
    assert_int_equal(ended_as(OP_WEIR_TICKET, OUTCOME_TICKET_UNKNOWN), 1);
    assert_int_equal(ended_as(OP_WEIR_TICKET, OUTCOME_TICKET_GONE), 1);
    assert_int_equal(ended_as(OP_WEIR_TICKET, OUTCOME_TICKET_LATER), 1);
}

static void knows_no_bad_ticket(void **state)
{
    static const char *const bad[] = {"/weir/tickets/1", "/weir/tickets/%31aaa"};
    for (size_t i = 0; i < 2; i++) {
        (void)begin_with("GET", bad[i], false);
        assert_int_equal(client.status, 404);
        gone(FRONT_DONE);
    }
    assert_null(den.told);
}

static void leaves_while_its_ticket_is_looked_up(void **state)
{
    char target[128];
    snprintf(target, sizeof target, "/weir/tickets/%s", ticket);
    (void)begin_with("GET", target, false);
    gone(FRONT_LEFT);
    const struct spool_ticket_told t = {.what = SPOOL_TICKET_READY,
                                        .answer = spool_double_answer(1, 200, "", "{}")};
    den.told(den.told_arg, &t);
    turn();
    assert_int_equal(den.frees, 1);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up_spool, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(asks_with_all_that_names_it),
        T(keys_differ_where_requests_do),
        T(goes_on_demand_when_it_is_not_taken),
        T(goes_on_demand_when_the_spool_is_slow),
        T(is_refused_when_nothing_is_there),
        T(answers_at_once_what_is_there),
        T(says_what_it_cost_when_asked),
        T(drops_the_body_and_holds),
        T(sends_no_space_to_who_reads_nothing),
        T(sends_a_long_answer_as_it_is_taken),
        T(tells_an_error_with_its_status),
        T(breaks_off_when_it_is_too_late_for_a_status),
        T(leaves_before_the_spool_has_spoken),
        T(leaves_while_it_is_held),
        T(leaves_in_its_answer),
        T(looks_whether_a_silent_client_is_there),
        T(sends_away_who_is_held),
        T(breaks_off_who_got_a_space),
        T(holds_nobody_when_it_stops),
        T(hears_the_spool_end),
        T(says_come_again),
        T(is_never_told_to_come_too_soon),
        T(gives_a_ticket),
        T(tells_of_tickets),
        T(knows_no_bad_ticket),
        T(leaves_while_its_ticket_is_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
