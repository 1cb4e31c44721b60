/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/meter, gate/retry and the life of an exchange after its client: every call that is paid for
 * becomes one record, whoever leaves when.
 */
#include "sides.h"

#include "weir/base/limits.h"
#include "weir/book/record.h"

/* --- the clerk, as a double: keeps the newest record, and says when it is on the disk */

struct clerk {
    unsigned records;
    struct buf bytes;
    struct record last;
    void (*done)(void *arg, bool good);
    void *arg;
};

static struct clerk clerk;

struct clerk *clerk_new(const struct clerk_options *o)
{
    return &clerk;
}

void clerk_free(struct clerk *c)
{
}

void clerk_keep(struct clerk *c, int64_t keep_requests_ms)
{
}

const struct spent *clerk_spent(struct clerk *c)
{
    return NULL;
}

void clerk_wait_open(struct clerk *c, int64_t most_ms)
{
}

void clerk_record(struct clerk *c, const struct record *record, void (*done)(void *arg, bool good),
                  void *arg)
{
    c->records++;
    c->done = done;
    c->arg = arg;
    buf_clear(&c->bytes);
    record_write(record, &c->bytes);
    assert_int_equal(record_read(buf_str(&c->bytes), &c->last), 0);
}

void clerk_note(struct clerk *c, struct str key, struct str value,
                void (*done)(void *arg, bool good), void *arg)
{
}

void clerk_close_minute(struct clerk *c, uint32_t minute, void (*done)(void *arg, bool good),
                        void *arg)
{
}

void clerk_compact(struct clerk *c, void (*done)(void *arg, bool good), void *arg)
{
}

struct store *clerk_read_begin(struct clerk *c)
{
    return NULL;
}

void clerk_read_end(struct clerk *c)
{
}

void clerk_count(struct clerk *c, struct clerk_counts *out)
{
}

void clerk_tally(struct clerk *c,
                 void (*each)(void *arg, const struct series *s, const struct rollup *sum),
                 void *arg)
{
}

/* --- helpers */

static const struct str hello = STR("{\"messages\":[]}");
static const struct str answer =
    STR("{\"output\":{},\"usage\":{\"inputTokens\":7,\"outputTokens\":5,\"totalTokens\":12}}");

static int set_up_meter(void **state)
{
    set_up_with(ONE_ORIGIN "settle: {drain: 30s}\n");
    buf_fini(&clerk.bytes);
    clerk = (struct clerk){0};
    daemon_.clerk = &clerk;
    daemon_.joins = joins_new();
    return 0;
}

static int set_up_strict(void **state)
{
    set_up_with(ONE_ORIGIN "metering: strict\n");
    buf_fini(&clerk.bytes);
    clerk = (struct clerk){0};
    daemon_.clerk = &clerk;
    daemon_.joins = joins_new();
    return 0;
}

static int tear_down_meter(void **state)
{
    tear_down(state);
    joins_free(daemon_.joins);
    buf_fini(&clerk.bytes);
    return 0;
}

static void ask(const char *target)
{
    begin_with("POST", target, true);
    give_whole(hello);
    sent();
}

static void ask_with_id(const char *id)
{
    prepare("POST", "/model/anthropic.claude-opus-5/converse", true);
    (void)fields_add(&client.request.fields, S("amz-sdk-invocation-id"), str_of(id));
    client.ex = exchange_sink.on_request(worker.ports, &client, &client.request);
    give_whole(hello);
}

/* What else is true of the newest record; that a batch could have had it is another test's. */
static unsigned flags(void)
{
    return clerk.last.flags & ~(unsigned)RECORD_BATCH_FIT;
}

static void tokens_are(uint64_t input, uint64_t output)
{
    assert_int_equal(clerk.last.usage.tokens[TOKEN_INPUT], input);
    assert_int_equal(clerk.last.usage.tokens[TOKEN_OUTPUT], output);
}

/* --- records */

static void an_answer_becomes_a_record(void **state)
{
    ask("/w/nightly/model/us.anthropic.claude-opus-5/converse");
    pass_ms(20);
    head(200, "application/json", (int64_t)answer.len);
    bytes(answer);
    end(ORIGIN_DONE);
    gone(FRONT_DONE);
    assert_int_equal(clerk.records, 1);
    tokens_are(7, 5);
    const struct record *r = &clerk.last;
    assert_true(str_eq(r->workload, S("nightly")) && str_eq(r->client, S("anonymous")));
    assert_true(str_eq(r->model, S("us.anthropic.claude-opus-5")));
    assert_true(str_eq(r->operation, S("Converse")) && str_eq(r->outcome, S("answered")));
    assert_int_equal(r->flags, RECORD_INVOCATION | RECORD_BATCH_FIT);
    assert_int_equal(r->end, RECORD_GOOD);
    assert_int_equal(r->status, 200);
    assert_true(r->latency_us >= 20000 && r->cost_nanousd == 7 * 5500 + 5 * 27500);
    assert_int_equal(r->untouched_nanousd, r->cost_nanousd);
}

static void writes_are_of_the_models_time(void **state)
{
    static const struct str wrote = STR("{\"usage\":{\"inputTokens\":1,\"outputTokens\":2,"
                                        "\"cacheWriteInputTokens\":9}}");
    ask("/model/us.openai.gpt-5.6-sol/converse");
    head(200, "application/json", (int64_t)wrote.len);
    bytes(wrote);
    end(ORIGIN_DONE);
    gone(FRONT_DONE);
    assert_int_equal(clerk.last.usage.tokens[TOKEN_CACHE_WRITE_30M], 9);
    assert_int_equal(clerk.last.usage.tokens[TOKEN_CACHE_WRITE_5M], 0);
}

static void refusals_cost_nothing(void **state)
{
    ask("/model/anthropic.claude-opus-5/converse");
    head(429, "application/json", 0);
    end(ORIGIN_DONE);
    gone(FRONT_DONE);
    assert_int_equal(clerk.last.end, RECORD_THROTTLED);
    ask("/model/anthropic.claude-opus-5/converse");
    head(400, "application/json", 0);
    end(ORIGIN_DONE);
    gone(FRONT_DONE);
    assert_int_equal(clerk.last.end, RECORD_CLIENT_ERROR);
    tokens_are(0, 0);
    assert_int_equal(flags(), RECORD_INVOCATION);
    assert_int_equal(clerk.records, 2);
}

static void health_is_no_business_of_the_book(void **state)
{
    begin_with("GET", "/weir/healthz", false);
    gone(FRONT_DONE);
    begin_with("POST", "/nowhere", false);
    gone(FRONT_DONE);
    assert_int_equal(clerk.records, 0);
}

static void what_was_not_told_is_estimated(void **state)
{
    ask("/model/anthropic.claude-opus-5/converse");
    end(ORIGIN_GONE);
    gone(FRONT_DONE);
    assert_int_equal(flags(), RECORD_INVOCATION | RECORD_ESTIMATED);
    assert_int_equal(clerk.last.end, RECORD_SERVER_ERROR);
    tokens_are((hello.len + 3) / 4, 0);
    ask("/model/anthropic.claude-opus-5/converse");
    head(200, "application/json", -1);
    bytes(S("{\"output\":{\"text\":\"twelve bytes\"}}"));
    end(ORIGIN_DONE);
    gone(FRONT_DONE);
    assert_int_equal(flags(), RECORD_INVOCATION | RECORD_ESTIMATED);
    assert_true(clerk.last.usage.tokens[TOKEN_OUTPUT] >= 3 && clerk.last.cost_nanousd > 0);
    assert_int_equal(worker.metrics.simple[METRIC_USAGE_ESTIMATED], 2);
}

static void what_was_not_sent_is_not_paid(void **state)
{
    ask("/model/anthropic.claude-opus-5/converse");
    far.call->sent_ns = 0;
    end(ORIGIN_UNREACHABLE);
    gone(FRONT_DONE);
    assert_int_equal(flags(), 0);
    tokens_are(0, 0);
}

/* Bedrock refuses a large question before it has read all of it. */
static void a_refusal_may_come_early(void **state)
{
    ask("/model/anthropic.claude-opus-5/converse");
    far.call->sent_ns = 0;
    head(429, "application/json", 0);
    end(ORIGIN_DONE);
    gone(FRONT_DONE);
    assert_int_equal(clerk.last.end, RECORD_THROTTLED);
    assert_int_equal(flags(), RECORD_INVOCATION);
    assert_int_equal(clerk.last.attempts, 1);
    tokens_are(0, 0);
}

/* What is known of the first call says nothing about the second. */
static void a_second_call_is_paid_for(void **state)
{
    ask("/model/anthropic.claude-opus-5/converse");
    end(ORIGIN_UNSENT);
    assert_int_equal(far.started, 2);
    sent();
    worker.reading_on = LIMIT_READING_ON;
    gone(FRONT_LEFT);
    worker.reading_on = 0;
    assert_int_equal(flags(), RECORD_INVOCATION | RECORD_ESTIMATED);
    assert_int_equal(clerk.last.attempts, 2);
    tokens_are((hello.len + 3) / 4, 0);
}

/* The credentials ran out between the two. */
static void a_503_that_is_not_sent_again(void **state)
{
    static const int keep[CONFIG_MOST_LISTENERS] = {-1};
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    ask("/model/anthropic.claude-opus-5/converse");
    worker_switch(&worker, make_setup("region: eu-west-1\n"), keep);
    turn();
    head(503, "application/json", 0);
    assert_int_equal(far.started, 1);
    gone(FRONT_DONE);
    assert_true(str_eq(clerk.last.outcome, S("no-credentials")));
    assert_int_equal(flags(), RECORD_INVOCATION);
    assert_int_equal(clerk.last.end, RECORD_SERVER_ERROR);
    assert_int_equal(clerk.last.attempts, 1);
    tokens_are(0, 0);
    begin_with("POST", "/model/anthropic.claude-opus-5/converse", true);
    give_whole(hello); /* the next goes nowhere */
    gone(FRONT_DONE);
    assert_true(far.started == 1 && clerk.records == 2);
    assert_true(str_eq(clerk.last.outcome, S("no-credentials")));
    assert_int_equal(flags(), RECORD_REFUSED);
    assert_int_equal(clerk.last.attempts, 0);
}

/* --- the client leaves */

static void an_answer_is_read_on(void **state)
{
    ask("/w/x/model/anthropic.claude-opus-5/converse");
    gone(FRONT_LEFT);
    assert_int_equal(worker.reading_on, 1);
    assert_int_equal(daemon_.bodies.used_bytes, 0);
    pass_ms(60000);
    turn();
    head(200, "application/json", (int64_t)answer.len);
    bytes(answer);
    assert_int_equal(far.credited, answer.len);
    assert_int_equal(clerk.records, 0);
    end(ORIGIN_DONE);
    assert_int_equal(clerk.records, 1);
    tokens_are(7, 5);
    assert_true(str_eq(clerk.last.outcome, S("client-left")));
    assert_true(str_eq(clerk.last.workload, S("x")));
    assert_int_equal(clerk.last.end, RECORD_GOOD);
    assert_int_equal(worker.reading_on, 0);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_CLIENT_LEFT), 1);
}

static void a_stream_is_read_on_for_a_while(void **state)
{
    ask("/model/anthropic.claude-opus-5/converse-stream");
    head(200, "application/vnd.amazon.eventstream", -1);
    gone(FRONT_LEFT);
    assert_int_equal(worker.reading_on, 1);
    assert_true(timer_running(&((struct exchange *)far.call->arg)->drain_timer));
    exchange_over(far.call->arg); /* as the timer does */
    assert_int_equal(far.cancelled, 1);
    assert_int_equal(flags(), RECORD_INVOCATION | RECORD_STREAM | RECORD_ESTIMATED);
}

static void not_more_than_can_be(void **state)
{
    worker.reading_on = LIMIT_READING_ON;
    ask("/model/anthropic.claude-opus-5/converse");
    gone(FRONT_LEFT);
    assert_int_equal(far.cancelled, 1);
    assert_int_equal(flags(), RECORD_INVOCATION | RECORD_ESTIMATED);
    worker.reading_on = 0;
}

static void a_cut_ends_what_is_read_on(void **state)
{
    ask("/model/anthropic.claude-opus-5/converse");
    gone(FRONT_LEFT);
    worker_cut(&worker);
    assert_int_equal(far.cancelled, 1);
    assert_int_equal(clerk.records, 1);
    assert_int_equal(worker.active, 0);
}

/* --- metering: strict */

static void the_end_waits_for_the_disk(void **state)
{
    ask("/model/anthropic.claude-opus-5/converse");
    head(200, "application/json", (int64_t)answer.len);
    bytes(str_sub(answer, 0, 10));
    bytes(str_from_offset(answer, 10));
    assert_int_equal(buf_len(&client.body), 10);
    end(ORIGIN_DONE);
    assert_false(client.ended);
    assert_int_equal(clerk.records, 1);
    clerk.done(clerk.arg, true);
    assert_false(client.ended);
    turn();
    assert_true(client.ended && str_eq(buf_str(&client.body), answer));
    gone(FRONT_DONE);
    assert_int_equal(clerk.records, 1);
}

static void nobody_is_left_to_be_told(void **state)
{
    ask("/model/anthropic.claude-opus-5/converse");
    head(200, "application/json", -1);
    bytes(answer);
    end(ORIGIN_DONE);
    gone(FRONT_LEFT);
    assert_int_equal(worker.active, 1);
    clerk.done(clerk.arg, false);
    turn();
    assert_int_equal(worker.active, 0);
    assert_int_equal(clerk.records, 1);
}

static void a_disk_that_hangs_is_not_waited_for(void **state)
{
    for (int goes = 0; goes < 2; goes++) {
        ask("/model/anthropic.claude-opus-5/converse");
        head(200, "application/json", (int64_t)answer.len);
        bytes(answer);
        end(ORIGIN_DONE);
        if (goes)
            gone(FRONT_LEFT);
        pass_ms(10001);
        turn();
        assert_int_equal(client.ended, !goes);
        if (!goes)
            gone(FRONT_DONE);
        assert_int_equal(worker.active, 1);
        clerk.done(clerk.arg, true);
        turn();
        assert_int_equal(worker.active, 0);
    }
    assert_int_equal(clerk.records, 2);
}

/* Its own record comes behind that of the call; when it is on the disk both are. */
static void who_joins_waits_for_the_disk_too(void **state)
{
    ask_with_id("one");
    sent();
    gone(FRONT_LEFT);
    ask_with_id("one");
    head(200, "application/json", (int64_t)answer.len);
    bytes(answer);
    end(ORIGIN_DONE);
    assert_int_equal(clerk.records, 1);
    turn();
    assert_int_equal(clerk.records, 2);
    assert_int_equal(flags(), RECORD_JOINED);
    assert_true(client.answered && buf_len(&client.body) == 0);
    clerk.done(clerk.arg, true);
    turn();
    assert_true(client.ended && str_eq(buf_str(&client.body), answer));
    gone(FRONT_DONE);
}

/* --- the same call again */

static void the_same_call_gets_the_answer(void **state)
{
    ask_with_id("one");
    sent();
    gone(FRONT_LEFT);
    ask_with_id("one");
    assert_int_equal(far.started, 1);
    head(200, "application/json", (int64_t)answer.len);
    bytes(answer);
    end(ORIGIN_DONE);
    tokens_are(7, 5);
    turn();
    assert_true(client.ended && client.status == 200 && str_eq(buf_str(&client.body), answer));
    assert_true(has(&client.fields, "x-weir-decision: join=retry;"));
    gone(FRONT_DONE);
    assert_int_equal(clerk.records, 2);
    assert_int_equal(flags(), RECORD_JOINED);
    tokens_are(0, 0);
    ask_with_id("one"); /* within the minute */
    assert_true(client.ended && str_eq(buf_str(&client.body), answer));
    gone(FRONT_DONE);
    assert_int_equal(far.started, 1);
    ask_with_id("two");
    assert_int_equal(far.started, 2);
    end(ORIGIN_UNREACHABLE);
    gone(FRONT_DONE);
}

static void when_it_fails_the_next_one_calls(void **state)
{
    ask_with_id("one");
    sent();
    gone(FRONT_LEFT);
    ask_with_id("one");
    end(ORIGIN_GONE);
    assert_int_equal(far.started, 1);
    turn();
    assert_int_equal(far.started, 2);
    sent();
    head(200, "application/json", (int64_t)answer.len);
    bytes(answer);
    end(ORIGIN_DONE);
    assert_true(client.ended);
    gone(FRONT_DONE);
    tokens_are(7, 5);
}

/* It closed its side before the head came: nobody may be there any more. */
static void an_answer_to_nobody_is_kept(void **state)
{
    ask_with_id("one");
    sent();
    client.half_closed = true;
    head(200, "application/json", (int64_t)answer.len);
    bytes(answer);
    end(ORIGIN_DONE);
    gone(FRONT_LEFT);
    ask_with_id("one");
    assert_int_equal(far.started, 1);
    assert_true(client.ended && str_eq(buf_str(&client.body), answer));
    gone(FRONT_DONE);
}

static void who_joins_a_refusal_is_refused(void **state)
{
    ask_with_id("one");
    sent();
    gone(FRONT_LEFT);
    ask_with_id("one");
    head(429, "application/json", 0);
    end(ORIGIN_DONE);
    turn();
    assert_int_equal(client.status, 429);
    gone(FRONT_DONE);
    assert_int_equal(clerk.last.end, RECORD_THROTTLED);
    assert_int_equal(flags(), RECORD_JOINED);
}

/* The client gives way to another one, and stays. */
static void set_aside(struct front *first)
{
    *first = client;
    ((struct exchange *)client.ex)->front = first;
    client.fields = client.body = (struct buf){0};
}

static void leaves(struct front *first)
{
    exchange_sink.on_gone(first->ex, FRONT_LEFT);
    buf_fini(&first->fields);
    buf_fini(&first->body);
}

static void ask_messages(void)
{
    prepare("POST", "/anthropic/v1/messages", true);
    (void)fields_add(&client.request.fields, S("amz-sdk-invocation-id"), S("one"));
    client.ex = exchange_sink.on_request(worker.ports, &client, &client.request);
    give_whole(S("{\"model\":\"anthropic.claude-opus-5\",\"stream\":true}"));
}

/* What it is shows in its head: then who waits need not wait for its end. */
static void a_stream_is_not_shared(void **state)
{
    struct front first;
    ask_messages();
    set_aside(&first);
    ask_messages();
    assert_int_equal(far.started, 1);
    sent();
    struct origin_call *call = far.call;
    head(200, "text/event-stream", -1);
    far.call = NULL; /* it goes on; the double holds one */
    turn();
    assert_int_equal(far.started, 2);
    end(ORIGIN_UNREACHABLE);
    gone(FRONT_DONE);
    far.call = call;
    end(ORIGIN_GONE);
    leaves(&first);
}

/* The client who asked first stands still: who asked again is not held up by that. */
static void who_waits_sets_the_pace(void **state)
{
    ask_with_id("one");
    sent();
    struct front first;
    set_aside(&first);
    ask_with_id("one");
    first.unsent = 10 * FRONT_HIGH_MARK;
    head(200, "application/json", (int64_t)answer.len);
    bytes(answer);
    assert_int_equal(far.credited, answer.len);
    end(ORIGIN_DONE);
    turn();
    assert_true(client.ended && str_eq(buf_str(&client.body), answer));
    gone(FRONT_DONE);
    leaves(&first);
}

/* Unmetered, an answer is read on only for who asks again. */
static void joins_without_a_book(void **state)
{
    daemon_.clerk = NULL;
    ask("/model/anthropic.claude-opus-5/converse");
    gone(FRONT_LEFT);
    assert_int_equal(far.cancelled, 1);
    ask_with_id("one");
    sent();
    gone(FRONT_LEFT);
    head(200, "application/json", (int64_t)answer.len);
    bytes(answer);
    end(ORIGIN_DONE);
    ask_with_id("one");
    assert_true(client.ended && str_eq(buf_str(&client.body), answer));
    gone(FRONT_DONE);
    assert_int_equal(far.started, 2);
    assert_int_equal(clerk.records, 0);
}

static void who_waits_may_leave(void **state)
{
    ask_with_id("one");
    sent();
    gone(FRONT_LEFT);
    ask_with_id("one");
    gone(FRONT_LEFT);
    head(200, "application/json", (int64_t)answer.len);
    bytes(answer);
    end(ORIGIN_DONE);
    turn();
    assert_int_equal(worker.active, 0);
    assert_int_equal(clerk.records, 2);
}

int main(void)
{
#define METER(test)  cmocka_unit_test_setup_teardown(test, set_up_meter, tear_down_meter)
#define STRICT(test) cmocka_unit_test_setup_teardown(test, set_up_strict, tear_down_meter)
    const struct CMUnitTest tests[] = {
        METER(an_answer_becomes_a_record),
        METER(writes_are_of_the_models_time),
        METER(refusals_cost_nothing),
        METER(health_is_no_business_of_the_book),
        METER(what_was_not_told_is_estimated),
        METER(what_was_not_sent_is_not_paid),
        METER(a_refusal_may_come_early),
        METER(a_503_that_is_not_sent_again),
        METER(a_second_call_is_paid_for),
        METER(an_answer_is_read_on),
        METER(a_stream_is_read_on_for_a_while),
        METER(not_more_than_can_be),
        METER(a_cut_ends_what_is_read_on),
        STRICT(the_end_waits_for_the_disk),
        STRICT(nobody_is_left_to_be_told),
        STRICT(a_disk_that_hangs_is_not_waited_for),
        STRICT(who_joins_waits_for_the_disk_too),
        METER(the_same_call_gets_the_answer),
        METER(when_it_fails_the_next_one_calls),
        METER(an_answer_to_nobody_is_kept),
        METER(who_joins_a_refusal_is_refused),
        METER(a_stream_is_not_shared),
        METER(who_waits_sets_the_pace),
        METER(joins_without_a_book),
        METER(who_waits_may_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
