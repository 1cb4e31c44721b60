/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/tap: usage that makes no sense. It is counted as unreadable, what can be read is kept, and
 * nothing else happens.
 */
#include "tap_drive.h"

static struct tapped json(enum operation_id op, const char *format, const char *value)
{
    struct buf b = {0};
    for (const char *p = format; *p; p++)
        if (*p == '@')
            buf_add(&b, str_of(value));
        else
            buf_add_char(&b, *p);
    return tapped_free(op, JSON_TYPE, b);
}

static const char *const no_counts[] = {
    "-1",
    "-0",
    "1.0",
    "1e3",
    "0.5",
    "\"12\"",
    "true",
    "[12]",
    "{\"n\":12}",
    "[]",
    "\"\"",
    "9007199254740993",
    "1e400",
    "18446744073709551616",
    "123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"};
enum { NO_COUNTS = sizeof no_counts / sizeof *no_counts };

/* What is lost is only what cannot be read. */
static void a_bad_count_is_not_told(void **state)
{
    for (int i = 0; i < NO_COUNTS; i++) {
        struct tapped t = json(OP_CONVERSE,
                               "{\"usage\":{\"inputTokens\":@,\"outputTokens\":5,"
                               "\"cacheReadInputTokens\":7}}",
                               no_counts[i]);
        has(&t, 0, 5, 7, 0, 0, 0);
        is(&t, UNREADABLE);
        t = json(OP_CONVERSE, "{\"usage\":{\"inputTokens\":4,\"outputTokens\": @ }}", no_counts[i]);
        has(&t, 4, 0, 0, 0, 0, 0);
        is(&t, UNREADABLE | HAS_INPUT);
        t = json(OP_CONVERSE,
                 "{\"usage\":{\"inputTokens\":4,\"outputTokens\":5,\"cacheReadInputTokens\":@}}",
                 no_counts[i]);
        has(&t, 4, 5, 0, 0, 0, 0);
        is(&t, UNREADABLE | TOLD);
        t = json(OP_CONVERSE,
                 "{\"usage\":{\"cacheDetails\":[{\"ttl\":\"1h\",\"inputTokens\":@},{\"ttl\":\"1h\","
                 "\"inputTokens\":2}],\"cacheWriteInputTokens\":10,\"inputTokens\":4,"
                 "\"outputTokens\":5}}",
                 no_counts[i]);
        has(&t, 4, 5, 0, 8, 2, 0);
        is(&t, UNREADABLE | TOLD);
    }
}

static void a_count_may_be_large(void **state)
{
    struct tapped t = json(OP_CHAT,
                           "{\"usage\":{\"prompt_tokens\":@,\"completion_tokens\":@,"
                           "\"prompt_tokens_details\":{\"cached_tokens\":@}}}",
                           "9007199254740992");
    has(&t, 0, USAGE_MOST_TOKENS, USAGE_MOST_TOKENS, 0, 0, 0);
    is(&t, TOLD);
}

static void usage_may_be_missing(void **state)
{
    static const char *const nothing[] = {
        "{}",      "{\"usage\":null}",
        "",        "null",
        "[1,2]",   "\"x\"",
        "no JSON", "{\"output\":{\"usage\":{\"inputTokens\":1}}}"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        struct tapped t = json(OP_CONVERSE, nothing[i], "");
        is(&t, 0);
        has(&t, 0, 0, 0, 0, 0, 0);
    }
    static const char *const broken[] = {"{}",
                                         "[]",
                                         "7",
                                         "\"7\"",
                                         "[{\"inputTokens\":1}]",
                                         "{\"totalTokens\":3}",
                                         "{\"inputTokens\":null}"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct tapped t = json(OP_CONVERSE, "{\"usage\":@}", broken[i]);
        is(&t, UNREADABLE);
        has(&t, 0, 0, 0, 0, 0, 0);
    }
}

static void other_places_fill_the_gap(void **state)
{
    struct fields f = {0};
    fields_add(&f, S("content-type"), JSON_TYPE);
    fields_add(&f, S("x-amzn-bedrock-input-token-count"), S("10"));
    fields_add(&f, S("x-amzn-bedrock-output-token-count"), S("20"));
    struct tapped t = tapped_fields(
        OP_INVOKE, &f, S("{\"usage\":{\"input_tokens\":\"ten\",\"output_tokens\":20}}"));
    has(&t, 10, 20, 0, 0, 0, 0);
    is(&t, UNREADABLE | TOLD);
}

static void bad_fields(void **state)
{
    static const char *const values[] = {"", "x", "-1", "1.0", "0x10", "9007199254740993", "1, 1"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct fields f = {0};
        fields_add(&f, S("x-amzn-bedrock-input-token-count"), str_of(values[i]));
        fields_add(&f, S("x-amzn-bedrock-output-token-count"), S("20"));
        fields_add(&f, S("x-amzn-bedrock-service-tier"), S("golden"));
        struct tapped t = tapped_fields(OP_INVOKE, &f, S("{}"));
        has(&t, 0, 20, 0, 0, 0, 0);
        is(&t, UNREADABLE);
        assert_false(t.u.has_tier);
    }
    struct fields twice = {0};
    fields_add(&twice, S("x-amzn-bedrock-input-token-count"), S("10"));
    fields_add(&twice, S("x-amzn-bedrock-input-token-count"), S("11"));
    struct tapped t = tapped_fields(OP_INVOKE, &twice, S("{}"));
    has(&t, 10, 0, 0, 0, 0, 0);
    is(&t, UNREADABLE | HAS_INPUT);
}

/* The next reader may take another one: the larger counts. */
static void equal_names(void **state)
{
    struct tapped t = json(OP_CONVERSE,
                           "{\"usage\":{\"inputTokens\":4,\"outputTokens\":5,\"inputTok\\u0065ns\":"
                           "@}}",
                           "9");
    has(&t, 9, 5, 0, 0, 0, 0);
    is(&t, UNREADABLE | TOLD);
    t = json(OP_CONVERSE,
             "{\"usage\":{\"inputTokens\":4,\"outputTokens\":5},\"usage\":{\"inputTokens\":3,"
             "\"outputTokens\":5}}",
             "");
    has(&t, 4, 5, 0, 0, 0, 0);
    is(&t, UNREADABLE | DISAGREE | TOLD);
}

static void places_disagree(void **state)
{
    static const char body[] =
        "{\"usage\":{\"input_tokens\":1,\"output_tokens\":2,\"cache_read_input_tokens\":3,"
        "\"cache_creation_input_tokens\":4},\"amazon-bedrock-invocationMetrics\":{\"@\":9}}";
    static const char *const names[] = {"inputTokenCount", "outputTokenCount",
                                        "cacheReadInputTokenCount", "cacheWriteInputTokenCount"};
    for (int i = 0; i < 4; i++) {
        struct tapped t = json(OP_INVOKE, body, names[i]);
        has(&t, 1, 2, 3, 4, 0, 0);
        is(&t, DISAGREE | TOLD);
    }
    struct tapped t = json(OP_CONVERSE,
                           "{\"usage\":{\"cacheDetails\":[{\"inputTokens\":50,\"ttl\":\"1h\"}],"
                           "\"cacheWriteInputTokens\":@,\"inputTokens\":4,\"outputTokens\":5}}",
                           "49");
    has(&t, 4, 5, 0, 0, 50, 0);
    is(&t, DISAGREE | TOLD);
}

/* Counts of a stream are cumulative: they may grow, and never fall. */
static void told_twice(void **state)
{
    struct message m[] = {{"metadata", "{\"usage\":{\"inputTokens\":4,\"outputTokens\":5}}"},
                          {"metadata", "{\"usage\":{\"inputTokens\":4,\"outputTokens\":5}}"},
                          {NULL, NULL}};
    struct tapped t = tapped_free(OP_CONVERSE_STREAM, EVENTS_TYPE, as_events(m));
    has(&t, 4, 5, 0, 0, 0, 0);
    is(&t, TOLD);
    m[1].json = "{\"usage\":{\"inputTokens\":4,\"outputTokens\":8}}";
    t = tapped_free(OP_CONVERSE_STREAM, EVENTS_TYPE, as_events(m));
    has(&t, 4, 8, 0, 0, 0, 0);
    is(&t, TOLD);
    m[1].json = "{\"usage\":{\"inputTokens\":0,\"outputTokens\":8}}";
    t = tapped_free(OP_CONVERSE_STREAM, EVENTS_TYPE, as_events(m));
    has(&t, 4, 8, 0, 0, 0, 0);
    is(&t, DISAGREE | TOLD);
}

/* Details are told anew with each usage, not added up. */
static void details_told_twice(void **state)
{
    static const struct message m[] = {
        {"metadata", "{\"usage\":{\"inputTokens\":4,\"outputTokens\":5,\"cacheWriteInputTokens\":9,"
                     "\"cacheDetails\":[{\"ttl\":\"1h\",\"inputTokens\":9}]}}"},
        {"metadata", "{\"usage\":{\"inputTokens\":4,\"outputTokens\":5,\"cacheWriteInputTokens\":9,"
                     "\"cacheDetails\":[{\"inputTokens\":9,\"ttl\":\"1h\"}]}}"},
        {NULL, NULL}};
    struct tapped t = tapped_free(OP_CONVERSE_STREAM, EVENTS_TYPE, as_events(m));
    has(&t, 4, 5, 0, 0, 9, 0);
    is(&t, TOLD);
}

static void more_cached_than_there_was(void **state)
{
    struct tapped t = json(OP_CHAT,
                           "{\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":5,"
                           "\"prompt_tokens_details\":{\"cached_tokens\":@}}}",
                           "101");
    has(&t, 100, 5, 0, 0, 0, 0);
    is(&t, UNREADABLE | TOLD);
}

static void bad_details(void **state)
{
    static const char *const details[] = {
        "[{\"ttl\":\"2h\",\"inputTokens\":9}]",
        "[{\"ttl\":5,\"inputTokens\":9}]",
        "[{\"ttl\":\"\\ud800\",\"inputTokens\":9}]",
        "[{\"ttl\":\"a name that is far too long for one\",\"inputTokens\":9}]",
        "{\"1h\":9}",
        "9",
        "\"1h\""};
    for (size_t i = 0; i < sizeof details / sizeof *details; i++) {
        struct tapped t = json(OP_CONVERSE,
                               "{\"usage\":{\"cacheDetails\":@,\"cacheWriteInputTokens\":9,"
                               "\"inputTokens\":4,\"outputTokens\":5}}",
                               details[i]);
        has(&t, 4, 5, 0, 9, 0, 0);
        is(&t, UNREADABLE | TOLD);
    }
    struct tapped t = json(OP_CONVERSE,
                           "{\"usage\":{\"cacheDetails\":[{\"ttl\":\"1h\"},{\"inputTokens\":3},[],"
                           "null,{\"ttl\":\"\\u0031h\",\"inputTokens\":2,\"inputTokens\":2}],"
                           "\"cacheWriteInputTokens\":9,\"inputTokens\":4,\"outputTokens\":5}}",
                           "");
    has(&t, 4, 5, 0, 7, 2, 0);
}

static void bad_tiers_and_routers(void **state)
{
    static const char *const values[] = {
        "null", "7",          "\"\"",        "\"auto\"",
        "{}",   "[\"flex\"]", "\"\\ud800\"", "\"a tier with a very long name\""};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct tapped t = json(OP_CONVERSE,
                               "{\"serviceTier\":{\"type\":@},\"trace\":{\"promptRouter\":{"
                               "\"invokedModelId\":[@]}},\"usage\":{\"inputTokens\":4,"
                               "\"outputTokens\":5}}",
                               values[i]);
        is(&t, TOLD);
        assert_false(t.u.has_tier);
        assert_string_equal(t.invoked, "");
        t = json(OP_CONVERSE, "{\"serviceTier\":@,\"trace\":@}", values[i]);
        is(&t, 0);
        assert_false(t.u.has_tier);
    }
    struct tapped t = json(OP_CHAT, "{\"service_tier\":@}", "\"fl\\u0065x\"");
    assert_true(t.u.has_tier);
    assert_int_equal(t.u.lane, LANE_FLEX);
}

/* An envelope of InvokeModel's that is none: nothing is read, nothing breaks. */
static void bad_chunks(void **state)
{
    static const char *const payloads[] = {
        "{\"bytes\":7}",
        "{\"bytes\":null}",
        "{\"bytes\":\"!!!!\"}",
        "{\"bytes\":\"e\"}",
        "",
        "[]",
        "{\"bytes\":\"eyJ1c2FnZSI6e30=\",\"bytes\":\"eyJ1c2FnZSI6e30=\"}"};
    struct buf b = {0};
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++)
        add_frame(&b, "event", "chunk", str_of(payloads[i]));
    add_frame(&b, "event", "chunk",
              S("{\"bytes\":\"eyJ1c2FnZSI6eyJpbnB1dF90b2tlbnMiOjEsIm91dHB1dF90b2tlbnMiOjJ9LCJ4IjoiP"
                "z8\\/Pz8\\/In0=\"}"));
    struct tapped t = tapped_free(OP_INVOKE_STREAM, EVENTS_TYPE, b);
    has(&t, 1, 2, 0, 0, 0, 0);
    is(&t, TOLD);
}

/* Text in the answer that looks like usage is none. */
static void looks_like_usage(void **state)
{
    struct tapped t = json(OP_CONVERSE,
                           "{\"output\":{\"usage\":{\"inputTokens\":7}},\"x\":[{\"usage\":{"
                           "\"outputTokens\":7}}],\"y\":\"\\\\\\\"usage\\\":{\\\\\",\"usage \":{"
                           "\"inputTokens\":1},\"usage\":{\"inputTokens\":4,\"x\":{\"inputTokens\":"
                           "9},\"outputTokens\":5}}",
                           "");
    has(&t, 4, 5, 0, 0, 0, 0);
    is(&t, TOLD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_count_is_not_told),
        cmocka_unit_test(a_count_may_be_large),
        cmocka_unit_test(usage_may_be_missing),
        cmocka_unit_test(other_places_fill_the_gap),
        cmocka_unit_test(bad_fields),
        cmocka_unit_test(equal_names),
        cmocka_unit_test(places_disagree),
        cmocka_unit_test(told_twice),
        cmocka_unit_test(details_told_twice),
        cmocka_unit_test(more_cached_than_there_was),
        cmocka_unit_test(bad_details),
        cmocka_unit_test(bad_tiers_and_routers),
        cmocka_unit_test(bad_chunks),
        cmocka_unit_test(looks_like_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
