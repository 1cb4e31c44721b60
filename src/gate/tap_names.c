/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables. Sources, November 2026: bedrock-runtime's service model (Converse); model pages of
 * the Bedrock user guide and bodies published by users (InvokeModel; the counts in the last chunk
 * of its streams are not in the service model); Anthropic's and OpenAI's API references.
 */
#include "tap_names.h"

/* clang-format off */
#define NAMES(table)             {table, sizeof table / sizeof *table}
#define COUNT(name, count)       {STR(name), FIND_AT(PLACE_BODY, count), JSON_WATCH_TAKE, NULL}
#define METRIC(name, count)      {STR(name), FIND_AT(PLACE_METRICS, count), JSON_WATCH_TAKE, NULL}
#define TAKE(name, find)         {STR(name), find, JSON_WATCH_TAKE, NULL}
#define MEASURE(name, find)      {STR(name), find, JSON_WATCH_MEASURE, NULL}
#define ENTER(name, find, names) {STR(name), find, JSON_WATCH_ENTER, &names}
#define EACH(name, find, names)  {STR(name), find, JSON_WATCH_EACH, &names}
#define TABLE(table, ...)                                  \
    static const struct json_name table##_at[] = {__VA_ARGS__}; \
    static const struct json_names table = NAMES(table##_at)

/* --- Converse, ConverseStream */

TABLE(detail,
    TAKE("ttl", FIND_DETAIL_TTL),
    TAKE("inputTokens", FIND_DETAIL_INPUT));
TABLE(converse_usage,
    COUNT("inputTokens", COUNT_INPUT),
    COUNT("outputTokens", COUNT_OUTPUT),
    COUNT("cacheReadInputTokens", COUNT_READ),
    COUNT("cacheWriteInputTokens", COUNT_WRITE),
    EACH("cacheDetails", FIND_DETAILS, detail));
TABLE(tier_type, TAKE("type", FIND_TIER));
TABLE(router, TAKE("invokedModelId", FIND_INVOKED));
TABLE(trace, ENTER("promptRouter", FIND_INSIDE, router));
TABLE(converse,
    MEASURE("delta", FIND_TEXT_BLOCK),
    ENTER("usage", FIND_USAGE, converse_usage),
    ENTER("serviceTier", FIND_TIER_OBJECT, tier_type),
    ENTER("trace", FIND_TRACE, trace));

/* --- Claude */

TABLE(claude_writes,
    COUNT("ephemeral_5m_input_tokens", COUNT_WRITE_5M),
    COUNT("ephemeral_1h_input_tokens", COUNT_WRITE_1H));
#define CLAUDE_USAGE(output)                               \
    COUNT("input_tokens", COUNT_INPUT),                    \
    COUNT("output_tokens", output),                        \
    COUNT("cache_read_input_tokens", COUNT_READ),          \
    COUNT("cache_creation_input_tokens", COUNT_WRITE),     \
    ENTER("cache_creation", FIND_PARTS, claude_writes)
TABLE(claude_usage, CLAUDE_USAGE(COUNT_OUTPUT));
TABLE(claude_start_usage, CLAUDE_USAGE(COUNT_OUTPUT_BEGUN));
TABLE(claude_start, ENTER("usage", FIND_PARTS, claude_start_usage));
TABLE(messages,
    MEASURE("delta", FIND_TEXT_CLAUDE),
    ENTER("usage", FIND_USAGE, claude_usage),
    ENTER("message", FIND_INSIDE, claude_start),
    MEASURE("error", FIND_ERROR));

/* --- OpenAI: what was cached is in the input */

TABLE(gpt_details,
    COUNT("cached_tokens", COUNT_READ),
    COUNT("cache_write_tokens", COUNT_WRITE));
#define CHAT_USAGE                                         \
    COUNT("prompt_tokens", COUNT_WHOLE_INPUT),             \
    COUNT("completion_tokens", COUNT_OUTPUT),              \
    ENTER("prompt_tokens_details", FIND_PARTS, gpt_details)
TABLE(chat_usage, CHAT_USAGE);
TABLE(chat,
    MEASURE("choices", FIND_TEXT_CHOICES),
    TAKE("service_tier", FIND_TIER),
    ENTER("usage", FIND_USAGE, chat_usage),
    MEASURE("error", FIND_ERROR));

TABLE(responses_usage,
    COUNT("input_tokens", COUNT_WHOLE_INPUT),
    COUNT("output_tokens", COUNT_OUTPUT),
    ENTER("input_tokens_details", FIND_PARTS, gpt_details));
#define RESPONSE                                           \
    TAKE("service_tier", FIND_TIER),                       \
    ENTER("usage", FIND_USAGE, responses_usage),           \
    MEASURE("error", FIND_ERROR)
TABLE(response, RESPONSE);
TABLE(responses,
    MEASURE("delta", FIND_TEXT_BARE),
    RESPONSE,
    ENTER("response", FIND_INSIDE, response));

/* --- InvokeModel: a model's own body. Claude, Nova, OpenAI-like (also DeepSeek, Jamba, Mistral,
 * Qwen, Writer), Llama, Titan. Cohere's and others' bodies tell nothing: there are header fields. */

TABLE(invoke_usage,
    CLAUDE_USAGE(COUNT_OUTPUT),
    COUNT("inputTokens", COUNT_INPUT),
    COUNT("outputTokens", COUNT_OUTPUT),
    COUNT("cacheReadInputTokenCount", COUNT_READ),
    COUNT("cacheWriteInputTokenCount", COUNT_WRITE),
    CHAT_USAGE);
TABLE(nova_metadata, ENTER("usage", FIND_USAGE, invoke_usage));
TABLE(nova_delta, MEASURE("delta", FIND_TEXT_BLOCK));
TABLE(metrics,
    METRIC("inputTokenCount", COUNT_INPUT),
    METRIC("outputTokenCount", COUNT_OUTPUT),
    METRIC("cacheReadInputTokenCount", COUNT_READ),
    METRIC("cacheWriteInputTokenCount", COUNT_WRITE));
TABLE(titan_result, TAKE("tokenCount", FIND_RESULT_OUTPUT));
TABLE(invoke,
    MEASURE("delta", FIND_TEXT_CLAUDE),
    ENTER("contentBlockDelta", FIND_INSIDE, nova_delta),
    MEASURE("choices", FIND_TEXT_CHOICES),
    MEASURE("generation", FIND_TEXT_BARE),
    MEASURE("outputText", FIND_TEXT_BARE),
    ENTER("usage", FIND_USAGE, invoke_usage),
    ENTER("message", FIND_INSIDE, claude_start),
    ENTER("metadata", FIND_INSIDE, nova_metadata),
    ENTER("amazon-bedrock-invocationMetrics", FIND_USAGE, metrics),
    TAKE("service_tier", FIND_TIER),
    COUNT("prompt_token_count", COUNT_INPUT),
    COUNT("generation_token_count", COUNT_OUTPUT),
    COUNT("inputTextTokenCount", COUNT_INPUT),
    COUNT("totalOutputTextTokenCount", COUNT_OUTPUT),
    EACH("results", FIND_RESULTS, titan_result),
    MEASURE("embedding", FIND_NO_OUTPUT),
    MEASURE("embeddings", FIND_NO_OUTPUT),
    MEASURE("embeddingsByType", FIND_NO_OUTPUT),
    MEASURE("images", FIND_BINARY),
    MEASURE("artifacts", FIND_BINARY),
    MEASURE("error", FIND_ERROR));

static const struct json_name chunk_at[] = {
    {STR("bytes"), FIND_CHUNK, JSON_WATCH_PIECES, NULL}};
/* clang-format on */
const struct json_names tap_chunk_names = NAMES(chunk_at);

const struct json_names *tap_names(enum usage_place usage)
{
    static const struct json_names none = {NULL, 0};
    static const struct json_names *const tables[] = {
        [NO_USAGE] = &none,           [USAGE_CONVERSE] = &converse, [USAGE_INVOKE] = &invoke,
        [USAGE_MESSAGES] = &messages, [USAGE_CHAT] = &chat,         [USAGE_RESPONSES] = &responses};
    return tables[usage];
}

size_t tap_wrapping(int find)
{
    switch (find) {
    case FIND_TEXT_BLOCK:
        return sizeof "{\"text\":\"\"}" - 1;
    case FIND_TEXT_CLAUDE:
        return sizeof "{\"type\":\"text_delta\",\"text\":\"\"}" - 1;
    case FIND_TEXT_CHOICES:
        return sizeof "[{\"index\":0,\"delta\":{\"content\":\"\"},\"logprobs\":null,"
                      "\"finish_reason\":null}]" -
               1;
    default:
        return sizeof "\"\"" - 1;
    }
}
