/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/batch_bill, with the built-in catalogue's prices: what a job's line, a direct answer and an
 * answer beside another one become in the book.
 */
#include "../../../src/gate/batch_private.h"
#include "weir/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1795176000000)

static struct batch batch;
static struct buf row;
static struct batch_billed billed;
static struct record told; /* borrowed from `row` */

static const struct str answer = STR(
    "{\"output\":{},\"usage\":{\"inputTokens\":1000,\"outputTokens\":100,\"totalTokens\":1100}}");

static struct spool_record nova(void)
{
    struct spool_record rec = {.client = S("search"),
                               .workload = S("nightly"),
                               .model = S("us.amazon.nova-pro-v1:0"),
                               .operation = S("Converse"),
                               .body_bytes = 4000};
    memset(rec.id.secret, 7, sizeof rec.id.secret);
    return rec;
}

static int set_up(void **state)
{
    struct buf faults = {0};
    const struct catalogue_terms terms = {0};
    batch.daemon = mem_new(sizeof *batch.daemon);
    batch.setup = mem_new(sizeof *batch.setup);
    batch.setup->catalogue = catalogue_load(NULL, &terms, &faults);
    batch.setup->config = mem_new(sizeof *batch.setup->config);
    batch.daemon->setups = batch.setup;
    batch.daemon->limits = limits_new();
    batch.daemon->clerk = (struct clerk *)&batch; /* there is one */
    return batch.setup->catalogue ? 0 : -1;
}

static int tear_down(void **state)
{
    catalogue_free(batch.setup->catalogue);
    limits_free(batch.daemon->limits);
    mem_free(batch.setup->config);
    mem_free(batch.setup);
    mem_free(batch.daemon);
    buf_fini(&row);
    return 0;
}

static void bill(const struct spool_record *rec, struct batch_answered a)
{
    buf_clear(&row);
    a.now_ms = NOW_MS;
    batch_bill(&batch, rec, &a, &row, &billed);
    assert_int_equal(record_read(buf_str(&row), &told), 0);
}

static bool is(struct str s, const char *text)
{
    return str_eq(s, str_of(text));
}

/* Nova Pro: $0.8 and $3.2 a million; a batch costs half. */
static void a_line_of_a_job(void **state)
{
    struct spool_record rec = nova();
    bill(&rec, (struct batch_answered){
                   .lane = LANE_BATCH, .status = 200, .output = answer, .attempts = 1});
    assert_int_equal(told.usage.tokens[TOKEN_INPUT], 1000);
    assert_int_equal(told.usage.tokens[TOKEN_OUTPUT], 100);
    assert_int_equal(told.cost_nanousd, (1000 * 800 + 100 * 3200) / 2);
    assert_int_equal(told.unmarked_nanousd, told.cost_nanousd);
    assert_int_equal(told.untouched_nanousd, 2 * told.cost_nanousd);
    assert_int_equal(told.flags, RECORD_BATCH_FIT | RECORD_INVOCATION | RECORD_MOVED);
    assert_memory_equal(told.id, rec.id.secret, RECORD_ID_BYTES);
    assert_true(is(told.client, "search") && is(told.workload, "nightly"));
    assert_true(is(told.asked, "us.amazon.nova-pro-v1:0") && is(told.operation, "Converse"));
    assert_true(is(told.decision, "lane=batch;model=same") && is(told.outcome, "answered"));
    assert_int_equal(billed.cost_nanousd, told.cost_nanousd);
    assert_int_equal(billed.saved_nanousd, told.cost_nanousd);
    assert_int_equal(billed.output_tokens, 100);
    assert_int_equal(billed.rate_tokens, 0);
}

static void a_model_s_own_body(void **state)
{
    struct spool_record rec = nova();
    rec.kind = BATCH_INVOKE;
    rec.model = S("anthropic.claude-haiku-4-5-20251001-v1:0");
    rec.operation = S("InvokeModel");
    const struct str claude =
        S("{\"content\":[],\"usage\":{\"input_tokens\":50,\"output_tokens\":7}}");
    bill(&rec, (struct batch_answered){.lane = LANE_BATCH, .status = 200, .output = claude});
    assert_int_equal(told.usage.tokens[TOKEN_INPUT], 50);
    assert_int_equal(told.usage.tokens[TOKEN_OUTPUT], 7);
    assert_int_equal(told.untouched_nanousd, 2 * told.cost_nanousd);
}

/* Nothing is told: by the bytes of both, and flagged. */
static void usage_that_is_missing(void **state)
{
    struct spool_record rec = nova();
    bill(&rec, (struct batch_answered){
                   .lane = LANE_BATCH, .status = 200, .output = S("{\"output\":{}}")});
    assert_int_equal(told.usage.tokens[TOKEN_INPUT], 1000);
    assert_int_equal(told.usage.tokens[TOKEN_OUTPUT], 4);
    assert_true(told.flags & RECORD_ESTIMATED);
}

/* What counts is the tier that served it. */
static void a_direct_answer(void **state)
{
    struct spool_record rec = nova();
    struct fields fields = {0};
    const struct str flex = S("{\"usage\":{\"inputTokens\":1000,\"outputTokens\":100},"
                              "\"serviceTier\":{\"type\":\"flex\"}}");
    bill(&rec, (struct batch_answered){.lane = LANE_FLEX,
                                       .status = 200,
                                       .output = flex,
                                       .fields = &fields,
                                       .latency_us = 5000,
                                       .attempts = 2});
    assert_int_equal(told.lane, LANE_FLEX);
    assert_true(told.flags & RECORD_MOVED);
    assert_int_equal(billed.saved_nanousd, (1000 * 800 + 100 * 3200) / 2);
    assert_int_equal(billed.rate_tokens, 1100);
    assert_true(told.latency_us == 5000 && told.attempts == 2);
    bill(&rec, (struct batch_answered){
                   .lane = LANE_FLEX, .status = 200, .output = answer, .fields = &fields});
    assert_true(told.lane == LANE_ONDEMAND && !(told.flags & RECORD_MOVED));
    assert_int_equal(billed.saved_nanousd, 0);
    assert_true(is(told.decision, "lane=ondemand;after=batch;model=same"));
}

static void an_error(void **state)
{
    struct spool_record rec = nova();
    const struct {
        int status;
        enum record_end end;
    } rows[] = {{400, RECORD_CLIENT_ERROR}, {429, RECORD_THROTTLED}, {503, RECORD_SERVER_ERROR}};
    for (size_t i = 0; i < 3; i++) {
        bill(&rec, (struct batch_answered){.lane = LANE_BATCH,
                                           .status = rows[i].status,
                                           .output = S("{\"message\":\"no\"}")});
        assert_int_equal(told.end, rows[i].end);
        assert_true(told.cost_nanousd == 0 && !(told.flags & RECORD_ESTIMATED));
        assert_true(is(told.outcome, "refused-by-origin"));
    }
}

/* Paid for beside another answer: another id, always the same; without Weir it were not. */
static void a_late_answer(void **state)
{
    struct spool_record rec = nova();
    unsigned char id[RECORD_ID_BYTES];
    bill(&rec, (struct batch_answered){
                   .lane = LANE_BATCH, .status = 200, .output = answer, .late = true});
    memcpy(id, told.id, sizeof id);
    assert_memory_not_equal(id, rec.id.secret, sizeof id);
    assert_true(told.flags & RECORD_MAYBE_TWICE);
    assert_true(told.untouched_nanousd == 0 && told.cost_nanousd > 0);
    assert_int_equal(billed.saved_nanousd, 0);
    bill(&rec, (struct batch_answered){
                   .lane = LANE_BATCH, .status = 200, .output = answer, .late = true});
    assert_memory_equal(id, told.id, sizeof id);
    rec.flags = SPOOL_MAYBE_TWICE;
    bill(&rec, (struct batch_answered){.lane = LANE_ONDEMAND, .status = 200, .output = answer});
    assert_true(told.flags & RECORD_MAYBE_TWICE);
    assert_memory_equal(told.id, rec.id.secret, sizeof id);
}

static void without_a_book(void **state)
{
    struct spool_record rec = nova();
    const struct batch_answered a = {.lane = LANE_BATCH, .status = 200, .output = answer};
    batch.daemon->clerk = NULL;
    buf_clear(&row);
    batch_bill(&batch, &rec, &a, &row, &billed);
    assert_true(buf_len(&row) == 0 && billed.cost_nanousd > 0);
}

/* An answer after its deadline takes back the accepted rule that had set it, a turn later. */
static void a_missed_deadline(void **state)
{
    struct config *c = batch.setup->config;
    struct accepting *a = &batch.daemon->accepting;
    struct spool_record rec = nova();
    struct batch_answered in = {.lane = LANE_BATCH, .status = 200, .output = answer, .attempts = 1};
    batch.daemon->office.loop = loop_new();
    later_init(&a->turn, NULL, NULL);
    c->n_rules = 1;
    c->rules[0] = (struct config_rule){.name = S("search-nightly"),
                                       .client = S("search"),
                                       .workload = S("nightly"),
                                       .model = S("us.amazon.nova-pro-v1:0"),
                                       .deadline_ms = 8 * 3600000,
                                       .accepted = true};
    rec.deadline_ms = NOW_MS;
    rec.accepted_ms = rec.deadline_ms - c->rules[0].deadline_ms + 20;
    bill(&rec, in);
    assert_string_equal(a->missed, ""); /* in time */
    rec.deadline_ms--;
    in.late = true; /* it has another answer */
    bill(&rec, in);
    in.late = false;
    rec.accepted_ms += 3600000; /* its own deadline */
    bill(&rec, in);
    rec.accepted_ms -= 3600000;
    rec.workload = S("");
    bill(&rec, in);
    c->rules[0].accepted = false; /* the owner's own rule */
    rec.workload = S("nightly");
    bill(&rec, in);
    assert_string_equal(a->missed, "");
    c->rules[0].accepted = true;
    bill(&rec, in);
    assert_string_equal(a->missed, "search-nightly");
    later_cancel(&a->turn);
    loop_free(batch.daemon->office.loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_of_a_job), TEST(a_model_s_own_body), TEST(usage_that_is_missing),
        TEST(a_direct_answer), TEST(an_error),           TEST(a_missed_deadline),
        TEST(a_late_answer),   TEST(without_a_book),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
