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

/* --- Claude: Messages, and the same in InvokeModel */

static const char claude[] =
    "{\"model\":\"claude-sonnet-4-6\",\"id\":\"msg_bdrk_01\",\"type\":\"message\",\"role\":"
    "\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}],\"stop_reason\":\"end_turn\","
    "\"stop_sequence\":null,\"usage\":{\"input_tokens\":21,\"cache_creation_input_tokens\":188,"
    "\"cache_read_input_tokens\":1024,\"cache_creation\":{\"ephemeral_5m_input_tokens\":88,"
    "\"ephemeral_1h_input_tokens\":100},\"output_tokens\":393,\"service_tier\":\"standard\"}}";

static void reads_claude(void **state)
{
    struct tapped t = tapped(OP_MESSAGES, JSON_TYPE, S(claude));
    has(&t, 21, 393, 1024, 88, 100, 0);
    is(&t, TOLD);
    t = tapped(OP_INVOKE, JSON_TYPE, S(claude));
    has(&t, 21, 393, 1024, 88, 100, 0);
    is(&t, TOLD);
    assert_false(t.u.has_tier);
}

#define CLAUDE_START                                                                           \
    "{\"type\":\"message_start\",\"message\":{\"model\":\"claude\",\"id\":\"msg_1\",\"type\":" \
    "\"message\",\"role\":\"assistant\",\"content\":[],\"stop_reason\":null,\"usage\":{"       \
    "\"input_tokens\":25,\"cache_creation_input_tokens\":60,\"cache_read_input_tokens\":7,"    \
    "\"cache_creation\":{\"ephemeral_5m_input_tokens\":60,\"ephemeral_1h_input_tokens\":0},"   \
    "\"output_tokens\":3}}}"
#define CLAUDE_DELTA(text)                                                              \
    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\"," \
    "\"text\":\"" text "\"}}"
#define CLAUDE_LAST                                                                    \
    "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{" \
    "\"output_tokens\":15}}"

static const struct message claude_stream[] = {
    {"message_start", CLAUDE_START},
    {"ping", "{\"type\":\"ping\"}"},
    {"content_block_delta", CLAUDE_DELTA("Hello")},
    {"content_block_delta", CLAUDE_DELTA(" \\\"usage\\\":{\\\"output_tokens\\\":99}")},
    {"content_block_stop", "{\"type\":\"content_block_stop\",\"index\":0}"},
    {"message_delta", CLAUDE_LAST},
    {"message_stop",
     "{\"type\":\"message_stop\",\"amazon-bedrock-invocationMetrics\":{\"inputTokenCount\":25,"
     "\"outputTokenCount\":15,\"invocationLatency\":900,\"firstByteLatency\":80,"
     "\"cacheReadInputTokenCount\":7,\"cacheWriteInputTokenCount\":60}}"},
    {NULL, NULL}};

static void reads_claude_streams(void **state)
{
    struct tapped t = tapped_free(OP_MESSAGES, SSE_TYPE, as_sse(claude_stream));
    has(&t, 25, 15, 7, 60, 0, 0);
    is(&t, TOLD);
    assert_int_equal(t.shape, STREAM_SSE);
    assert_true(t.between);
    t = tapped_free(OP_INVOKE_STREAM, EVENTS_TYPE, as_chunks(claude_stream));
    has(&t, 25, 15, 7, 60, 0, 0);
    is(&t, TOLD);
    assert_int_equal(t.shape, STREAM_EVENTS);
    assert_int_equal(t.u.text_bytes, 38); /* what is in the deltas' text, as it is written */
}

/* What goes in is known with the first event, what came out is not. */
static void a_cut_stream_is_not_told(void **state)
{
    struct message m[] = {claude_stream[0], claude_stream[2], {NULL, NULL}};
    struct tapped t = tapped_free(OP_MESSAGES, SSE_TYPE, as_sse(m));
    has(&t, 25, 3, 7, 60, 0, 0);
    is(&t, HAS_INPUT);
    struct message only_metrics[] = {claude_stream[0], claude_stream[6], {NULL, NULL}};
    t = tapped_free(OP_INVOKE_STREAM, EVENTS_TYPE, as_chunks(only_metrics));
    has(&t, 25, 15, 7, 60, 0, 0);
    is(&t, TOLD);
}

static void sees_error_events(void **state)
{
    static const char error[] = "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}";
    struct message named[] = {claude_stream[0], {"error", error}, {NULL, NULL}};
    struct tapped t = tapped_free(OP_MESSAGES, SSE_TYPE, as_sse(named));
    is(&t, EXCEPTION | HAS_INPUT);
    struct message bare[] = {{"", "{\"error\":{\"message\":\"no\"}}"}, {NULL, NULL}};
    t = tapped_free(OP_CHAT, SSE_TYPE, as_sse(bare));
    is(&t, EXCEPTION);
    t = tapped_free(OP_INVOKE_STREAM, EVENTS_TYPE, as_chunks(bare));
    is(&t, EXCEPTION);
    t = tapped(OP_CHAT, JSON_TYPE, S("{\"error\":{\"message\":\"no\"}}"));
    is(&t, 0);
}

/* --- Nova, OpenAI-like, Llama, Titan in InvokeModel */

static void reads_nova(void **state)
{
    struct tapped t =
        tapped(OP_INVOKE, JSON_TYPE,
               S("{\"output\":{\"message\":{\"content\":[{\"text\":\"Hi\"}],\"role\":"
                 "\"assistant\"}},\"stopReason\":\"end_turn\",\"usage\":{\"inputTokens\":5,"
                 "\"outputTokens\":6,\"totalTokens\":31,\"cacheReadInputTokenCount\":11,"
                 "\"cacheWriteInputTokenCount\":9}}"));
    has(&t, 5, 6, 11, 9, 0, 0);
    is(&t, TOLD);
    static const struct message m[] = {
        {"", "{\"messageStart\":{\"role\":\"assistant\"}}"},
        {"", "{\"contentBlockDelta\":{\"delta\":{\"text\":\"Hello\"},\"contentBlockIndex\":0}}"},
        {"", "{\"messageStop\":{\"stopReason\":\"end_turn\"}}"},
        {"", "{\"metadata\":{\"usage\":{\"inputTokens\":5,\"outputTokens\":6,\"totalTokens\":31,"
             "\"cacheReadInputTokenCount\":11,\"cacheWriteInputTokenCount\":9},\"metrics\":{},"
             "\"trace\":{}},\"amazon-bedrock-invocationMetrics\":{\"inputTokenCount\":5,"
             "\"outputTokenCount\":6,\"invocationLatency\":1,\"firstByteLatency\":1}}"},
        {NULL, NULL}};
    t = tapped_free(OP_INVOKE_STREAM, EVENTS_TYPE, as_chunks(m));
    has(&t, 5, 6, 11, 9, 0, 0);
    is(&t, TOLD);
    assert_int_equal(t.u.text_bytes, 5);
}

static void reads_llama(void **state)
{
    struct tapped t = tapped(OP_INVOKE, JSON_TYPE,
                             S("{\"generation\":\"Hi\",\"prompt_token_count\":12,"
                               "\"generation_token_count\":3,\"stop_reason\":\"stop\"}"));
    has(&t, 12, 3, 0, 0, 0, 0);
    is(&t, TOLD);
    static const struct message m[] = {
        {"", "{\"generation\":\"He\",\"prompt_token_count\":12,\"generation_token_count\":1,"
             "\"stop_reason\":null}"},
        {"", "{\"generation\":\"llo\",\"prompt_token_count\":null,\"generation_token_count\":2,"
             "\"stop_reason\":\"stop\",\"amazon-bedrock-invocationMetrics\":{\"inputTokenCount\":12"
             ",\"outputTokenCount\":2}}"},
        {NULL, NULL}};
    t = tapped_free(OP_INVOKE_STREAM, EVENTS_TYPE, as_chunks(m));
    has(&t, 12, 2, 0, 0, 0, 0);
    is(&t, TOLD);
    assert_int_equal(t.u.text_bytes, 5);
}

static void reads_titan(void **state)
{
    struct tapped t = tapped(OP_INVOKE, JSON_TYPE,
                             S("{\"embedding\":[0.125,-3e-9,1],\"inputTextTokenCount\":9}"));
    has(&t, 9, 0, 0, 0, 0, 0);
    is(&t, TOLD);
    t = tapped(OP_INVOKE, JSON_TYPE,
               S("{\"inputTextTokenCount\":9,\"results\":[{\"tokenCount\":40,\"outputText\":\"a\"},"
                 "{\"outputText\":\"b\",\"tokenCount\":2}]}"));
    has(&t, 9, 42, 0, 0, 0, 0);
    is(&t, TOLD);
}

/* Their bytes are no text. */
static void images_are_not_text(void **state)
{
    struct tapped t = tapped(OP_INVOKE, JSON_TYPE, S("{\"images\":[\"aGVsbG8=\",\"aGVsbG8=\"]}"));
    is(&t, 0);
    assert_int_equal(t.u.text_bytes, sizeof "{\"images\":}" - 1);
}

/* --- header fields */

static struct tapped with_fields(struct str body, const char *const *pairs)
{
    struct fields f = {0};
    fields_add(&f, S("content-type"), JSON_TYPE);
    for (; *pairs; pairs += 2)
        fields_add(&f, str_of(pairs[0]), str_of(pairs[1]));
    return tapped_fields(OP_INVOKE, &f, body);
}

#define AMZN "x-amzn-bedrock-"

static void reads_fields(void **state)
{
    static const char *const all[] = {AMZN "input-token-count",
                                      "10",
                                      AMZN "output-token-count",
                                      " 20 ",
                                      AMZN "cache-read-input-token-count",
                                      "30",
                                      AMZN "cache-write-input-token-count",
                                      "40",
                                      AMZN "service-tier",
                                      "reserved",
                                      AMZN "invocation-latency",
                                      "900",
                                      NULL};
    struct tapped t = with_fields(S("{\"generations\":[{\"text\":\"from Cohere\"}]}"), all);
    has(&t, 10, 20, 30, 40, 0, 0);
    is(&t, TOLD);
    assert_true(t.u.has_tier);
    assert_int_equal(t.u.lane, LANE_RESERVED);
    t = with_fields(S("{\"usage\":{\"input_tokens\":10,\"output_tokens\":20,"
                      "\"cache_read_input_tokens\":30,\"cache_creation_input_tokens\":40,"
                      "\"cache_creation\":{\"ephemeral_1h_input_tokens\":35}}}"),
                    all);
    has(&t, 10, 20, 30, 5, 35, 0);
    is(&t, TOLD);
    static const char *const embed[] = {AMZN "input-token-count", "10", NULL};
    t = with_fields(S("{\"embeddings\":[[0.5]],\"id\":\"x\"}"), embed);
    has(&t, 10, 0, 0, 0, 0, 0);
    is(&t, TOLD);
    t = with_fields(S("{\"text\":\"x\"}"), embed);
    is(&t, HAS_INPUT);
}

/* The GPT models' body has the cached tokens in its input and may be silent about the writes. */
static void fills_in_from_fields(void **state)
{
    static const char *const counts[] = {AMZN "input-token-count",
                                         "50",
                                         AMZN "output-token-count",
                                         "7",
                                         AMZN "cache-read-input-token-count",
                                         "20",
                                         AMZN "cache-write-input-token-count",
                                         "30",
                                         NULL};
    struct tapped t =
        with_fields(S("{\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":7,"
                      "\"total_tokens\":107,\"prompt_tokens_details\":{\"cached_tokens\":20}}}"),
                    counts);
    has(&t, 50, 7, 20, 0, 0, 30);
    is(&t, TOLD);
}

/* --- OpenAI */

static void reads_chat(void **state)
{
    static const char text[] =
        "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"model\":\"openai.gpt-oss-120b\","
        "\"service_tier\":\"default\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
        "\"assistant\",\"content\":\"Hi\"},\"finish_reason\":\"stop\"}],\"usage\":{"
        "\"prompt_tokens\":100,\"completion_tokens\":9,\"total_tokens\":109,"
        "\"prompt_tokens_details\":{\"cached_tokens\":64,\"audio_tokens\":0},"
        "\"completion_tokens_details\":{\"reasoning_tokens\":4}}}";
    struct tapped t = tapped(OP_CHAT, JSON_TYPE, S(text));
    has(&t, 36, 9, 64, 0, 0, 0);
    is(&t, TOLD);
    assert_true(t.u.has_tier);
    assert_int_equal(t.u.lane, LANE_ONDEMAND);
    t = tapped(OP_INVOKE, JSON_TYPE, S(text));
    has(&t, 36, 9, 64, 0, 0, 0);
    is(&t, TOLD);
}

#define CHAT_HEAD "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"service_tier\":\"flex\","

static const struct message chat_stream[] = {
    {"", CHAT_HEAD "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"},"
                   "\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}"},
    {"", CHAT_HEAD "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],"
                   "\"usage\":null}"},
    {"", CHAT_HEAD "\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":2,"
                   "\"total_tokens\":12,\"prompt_tokens_details\":null}}"},
    {"", "[DONE]"},
    {NULL, NULL}};

static void reads_chat_stream(void **state)
{
    struct tapped t = tapped_free(OP_CHAT, SSE_TYPE, as_sse(chat_stream));
    has(&t, 10, 2, 0, 0, 0, 0);
    is(&t, TOLD);
    assert_int_equal(t.u.lane, LANE_FLEX);
    assert_int_equal(t.u.text_bytes, 5);
    struct message silent[] = {chat_stream[0], chat_stream[1], chat_stream[3], {NULL, NULL}};
    t = tapped_free(OP_CHAT, SSE_TYPE, as_sse(silent));
    is(&t, 0);
}

#define RESPONSE(status, usage)                                                              \
    "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"" status                        \
    "\",\"error\":null,\"metadata\":{\"usage\":{\"input_tokens\":1}},\"output\":[{\"type\":" \
    "\"message\"}],\"service_tier\":\"priority\",\"usage\":" usage "}"
#define RESPONSE_USAGE                                                             \
    "{\"input_tokens\":328,\"input_tokens_details\":{\"cached_tokens\":100,"       \
    "\"cache_write_tokens\":200},\"output_tokens\":52,\"output_tokens_details\":{" \
    "\"reasoning_tokens\":0},\"total_tokens\":380}"

static const struct message responses_stream[] = {
    {"response.created",
     "{\"type\":\"response.created\",\"sequence_number\":0,\"response\":" RESPONSE("in_progress",
                                                                                   "null") "}"},
    {"response.output_text.delta", "{\"type\":\"response.output_text.delta\",\"sequence_number\":1,"
                                   "\"delta\":\"Hello\"}"},
    {"response.completed",
     "{\"type\":\"response.completed\",\"sequence_number\":2,\"response\":" RESPONSE(
         "completed", RESPONSE_USAGE) "}"},
    {NULL, NULL}};

static void reads_responses(void **state)
{
    struct tapped t = tapped(OP_RESPONSES, JSON_TYPE, S(RESPONSE("completed", RESPONSE_USAGE)));
    has(&t, 28, 52, 100, 0, 0, 200);
    is(&t, TOLD);
    assert_int_equal(t.u.lane, LANE_PRIORITY);
    t = tapped_free(OP_RESPONSES, SSE_TYPE, as_sse(responses_stream));
    has(&t, 28, 52, 100, 0, 0, 200);
    is(&t, TOLD);
    assert_int_equal(t.u.text_bytes, 5);
    static const struct message failed[] = {
        {"response.failed", "{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":"
                            "\"server_error\"},\"usage\":null}}"},
        {NULL, NULL}};
    t = tapped_free(OP_RESPONSES, SSE_TYPE, as_sse(failed));
    is(&t, EXCEPTION);
}

/* --- between two messages */

static void knows_where_messages_end(void **state)
{
    struct fields f = {0};
    fields_add(&f, S("content-type"), SSE_TYPE);
    struct tap *t = tap_new(operation_row(OP_CHAT), 200, &f);
    assert_true(tap_between(t));
    tap_feed(t, S("data: {}"));
    assert_false(tap_between(t));
    tap_feed(t, S("\r\n"));
    assert_false(tap_between(t));
    tap_feed(t, S("\r\n"));
    assert_true(tap_between(t));
    tap_feed(t, S(": keep-alive"));
    assert_false(tap_between(t));
    tap_feed(t, S("\n\n"));
    assert_true(tap_between(t));
    tap_free(t);

    struct buf b = as_events(converse_stream);
    struct str all = buf_str(&b);
    fields_add(&f, S("x"), S("y"));
    f.at[0].value = EVENTS_TYPE;
    t = tap_new(operation_row(OP_CONVERSE_STREAM), 200, &f);
    assert_true(tap_between(t));
    tap_feed(t, str_sub(all, 0, 1));
    assert_false(tap_between(t));
    tap_feed(t, str_sub(all, 1, all.len - 2));
    assert_false(tap_between(t));
    tap_feed(t, str_from_offset(all, all.len - 1));
    assert_true(tap_between(t));
    tap_feed(t, S("this is no frame at all"));
    assert_false(tap_between(t));
    assert_true(tap_usage(t)->told);
    tap_free(t);
    buf_fini(&b);
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
        cmocka_unit_test(reads_converse),
        cmocka_unit_test(writes_without_details_are_of_5m),
        cmocka_unit_test(reads_converse_stream),
        cmocka_unit_test(sees_exceptions),
        cmocka_unit_test(reads_claude),
        cmocka_unit_test(reads_claude_streams),
        cmocka_unit_test(a_cut_stream_is_not_told),
        cmocka_unit_test(sees_error_events),
        cmocka_unit_test(reads_nova),
        cmocka_unit_test(reads_llama),
        cmocka_unit_test(reads_titan),
        cmocka_unit_test(images_are_not_text),
        cmocka_unit_test(reads_fields),
        cmocka_unit_test(fills_in_from_fields),
        cmocka_unit_test(reads_chat),
        cmocka_unit_test(reads_chat_stream),
        cmocka_unit_test(reads_responses),
        cmocka_unit_test(knows_where_messages_end),
        cmocka_unit_test(taps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
