/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/tap: what each dialect's answers tell, in both shapes, cut anywhere.
 */
#include "tap_drive.h"

/* --- Converse */

static const char converse[] =
    "{\"metrics\":{\"latencyMs\":551},\"output\":{\"message\":{\"content\":[{\"text\":\"Usage is "
    "\\\"usage\\\":{\\\"inputTokens\\\":999}, so be it.\"}],\"role\":\"assistant\"}},"
    "\"serviceTier\":{\"type\":\"flex\"},\"stopReason\":\"end_turn\",\"trace\":{\"guardrail\":{"
    "\"inputAssessment\":{\"a\":[{\"usage\":{\"inputTokens\":7}}]}},\"promptRouter\":{"
    "\"invokedModelId\":\"arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0\"}},"
    "\"usage\":{\"cacheDetails\":[{\"inputTokens\":300,\"ttl\":\"1h\"},{\"inputTokens\":40,"
    "\"ttl\":\"5m\"}],\"cacheReadInputTokens\":2048,\"cacheWriteInputTokens\":340,"
    "\"inputTokens\":12,\"outputTokens\":88,\"totalTokens\":2488}}";

static void reads_converse(void **state)
{
    struct tapped t = tapped(OP_CONVERSE, JSON_TYPE, S(converse));
    has(&t, 12, 88, 2048, 40, 300, 0);
    is(&t, TOLD);
    assert_true(t.u.has_tier);
    assert_int_equal(t.u.lane, LANE_FLEX);
    assert_string_equal(t.invoked, "arn:aws:bedrock:us-east-1::foundation-model/"
                                   "amazon.nova-lite-v1:0");
    assert_int_equal(t.u.text_bytes, sizeof converse - 1);
    assert_int_equal(t.shape, STREAM_NONE);
    assert_false(t.between);
}

static void writes_without_details_are_of_5m(void **state)
{
    struct tapped t = tapped(OP_CONVERSE, JSON_TYPE,
                             S("{\"usage\":{\"inputTokens\":1,\"outputTokens\":2,\"totalTokens\":3,"
                               "\"cacheWriteInputTokens\":100,\"cacheDetails\":[{\"ttl\":\"1h\","
                               "\"inputTokens\":30}]}}"));
    has(&t, 1, 2, 0, 70, 30, 0);
    is(&t, TOLD);
}

static const struct message converse_stream[] = {
    {"messageStart", "{\"p\":\"abcd\",\"role\":\"assistant\"}"},
    {"contentBlockDelta", "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"Hello\"},\"p\":\"abc\"}"},
    {"contentBlockDelta",
     "{\"contentBlockIndex\":0,\"delta\":{\"text\":\", \\\"you\\\"\"},\"p\":\"abcdefghijkl\"}"},
    {"contentBlockStop", "{\"contentBlockIndex\":0,\"p\":\"abcdefghi\"}"},
    {"messageStop", "{\"p\":\"ab\",\"stopReason\":\"end_turn\"}"},
    {"metadata", "{\"metrics\":{\"latencyMs\":90},\"p\":\"abcdefgh\",\"serviceTier\":{\"type\":"
                 "\"priority\"},\"usage\":{\"cacheDetails\":[],\"cacheReadInputTokens\":7,"
                 "\"cacheWriteInputTokens\":0,\"inputTokens\":11,\"outputTokens\":4,"
                 "\"totalTokens\":22}}"},
    {NULL, NULL}};

static void reads_converse_stream(void **state)
{
    struct tapped t = tapped_free(OP_CONVERSE_STREAM, EVENTS_TYPE, as_events(converse_stream));
    has(&t, 11, 4, 7, 0, 0, 0);
    is(&t, TOLD);
    assert_int_equal(t.u.lane, LANE_PRIORITY);
    assert_int_equal(t.shape, STREAM_EVENTS);
    assert_true(t.between);
    assert_int_equal(t.u.text_bytes, sizeof "Hello, \\\"you\\\"" - 1);
}

static void sees_exceptions(void **state)
{
    struct message m[] = {
        converse_stream[0],
        converse_stream[1],
        {"modelStreamErrorException", "{\"message\":\"no\",\"originalStatusCode\":500}"},
        {NULL, NULL}};
    struct tapped t = tapped_free(OP_CONVERSE_STREAM, EVENTS_TYPE, as_events(m));
    has(&t, 0, 0, 0, 0, 0, 0);
    is(&t, EXCEPTION);
    assert_true(t.between);
}

/* --- where there is nothing to read */

static void taps_nothing(void **state)
{
    struct fields json = {0}, events = {0};
    fields_add(&json, S("content-type"), JSON_TYPE);
    fields_add(&events, S("content-type"), EVENTS_TYPE);
    assert_null(tap_new(operation_row(OP_COUNT_TOKENS), 200, &json));
    assert_null(tap_new(operation_row(OP_RESPONSES_GET), 200, &json));
    assert_null(tap_new(operation_row(OP_CONVERSE), 429, &json));
    assert_false(tap_usage(NULL)->told);
    assert_int_equal(tap_shape(NULL), STREAM_NONE);
    assert_false(tap_between(NULL));
    tap_feed(NULL, S("x"));
    tap_end(NULL);
    tap_free(NULL);
    struct tap *t = tap_new(operation_row(OP_OTHER), 200, &events);
    assert_int_equal(tap_shape(t), STREAM_EVENTS);
    tap_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_converse),        cmocka_unit_test(writes_without_details_are_of_5m),
        cmocka_unit_test(reads_converse_stream), cmocka_unit_test(sees_exceptions),
        cmocka_unit_test(taps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
