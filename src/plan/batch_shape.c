/* SPDX-License-Identifier: Apache-2.0
 *
 * Batch takes no tools, structured output, cached prompts, guardrails or optimized latency (Bedrock
 * User Guide, "Batch inference", read 2026-11). Media in S3 would have to lie in one folder with
 * the input, so such bodies are not batched either. What is wanted is written as few words that end
 * a sentence: "it is not batched: it has tools".
 */
#include "batch_shape.h"

#include "weir/wire/json_string.h"

static const char tools[] = "it has tools", guardrail[] = "it wants a guardrail",
                  structured[] = "it wants structured output", streams[] = "it streams",
                  in_s3[] = "its media is in S3", unknown[] = "it has a member that is not known",
                  remote[] = "it wants a container or an MCP server",
                  marker[] = "it has a cache marker where none is known",
                  no_messages[] = "it has no messages";

/* clang-format off */
#define SHAPE(shape_name, ...)                                                                     \
    static const struct batch_shape shape_name = {                                                 \
        .rows = shape_name##_rows, .n = sizeof shape_name##_rows / sizeof *shape_name##_rows,      \
        __VA_ARGS__}
/* clang-format on */

/* --- Converse and Nova (InvokeModel): Nova's blocks are Converse's, but for the marker */

static const struct shape_row converse_block_rows[] = {
    {STR("text"), SHAPE_KEEP},
    {STR("image"), SHAPE_KEEP},
    {STR("document"), SHAPE_KEEP},
    {STR("video"), SHAPE_KEEP},
    {STR("audio"), SHAPE_KEEP},
    {STR("reasoningContent"), SHAPE_KEEP},
    {STR("citationsContent"), SHAPE_KEEP},
    {STR("searchResult"), SHAPE_KEEP},
    {STR("toolUse"), SHAPE_REFUSE, tools},
    {STR("toolResult"), SHAPE_REFUSE, tools},
    {STR("toolAddition"), SHAPE_REFUSE, tools},
    {STR("toolRemoval"), SHAPE_REFUSE, tools},
    {STR("guardContent"), SHAPE_REFUSE, guardrail},
    {STR("cachePoint"), SHAPE_REFUSE, marker},
};
SHAPE(converse_block, .other = unknown, .block = true, .point = true);

static const struct shape_row converse_message_rows[] = {
    {STR("content"), SHAPE_BLOCKS, .inside = &converse_block},
    {STR("role"), SHAPE_KEEP},
};
SHAPE(converse_message, .other = unknown);

/* What stands in additionalModelRequestFields goes to the model: Claude's tools, too. And the
 * bodies of models that are not known better. */
static const struct shape_row extra_rows[] = {
    {STR("tools"), SHAPE_REFUSE, tools},
    {STR("tool_choice"), SHAPE_REFUSE, tools},
    {STR("functions"), SHAPE_REFUSE, tools},
    {STR("toolConfig"), SHAPE_REFUSE, tools},
    {STR("output_format"), SHAPE_REFUSE, structured},
    {STR("output_config"), SHAPE_REFUSE, structured},
    {STR("response_format"), SHAPE_REFUSE, structured},
    {STR("outputConfig"), SHAPE_REFUSE, structured},
    {STR("guardrailConfig"), SHAPE_REFUSE, guardrail},
    {STR("amazon-bedrock-guardrailConfig"), SHAPE_REFUSE, guardrail},
    {STR("amazon-bedrock-guardrailAction"), SHAPE_REFUSE, guardrail},
    {STR("mcp_servers"), SHAPE_REFUSE, remote},
    {STR("container"), SHAPE_REFUSE, remote},
    {STR("stream"), SHAPE_CALM, streams},
    {STR("service_tier"), SHAPE_DROP},
};
SHAPE(extra, .other = NULL);

static const struct shape_row output_config_rows[] = {
    {STR("effort"), SHAPE_KEEP},
};
SHAPE(output_config, .other = structured);

static const struct shape_row performance_rows[] = {
    {STR("latency"), SHAPE_STANDARD, "it wants optimized latency"},
};
SHAPE(performance, .other = unknown);

static const struct shape_row converse_rows[] = {
    {STR("messages"), SHAPE_LIST, .inside = &converse_message},
    {STR("system"), SHAPE_BLOCKS, .inside = &converse_block},
    {STR("inferenceConfig"), SHAPE_KEEP},
    {STR("additionalModelRequestFields"), SHAPE_INSIDE, .inside = &extra},
    {STR("additionalModelResponseFieldPaths"), SHAPE_KEEP},
    {STR("requestMetadata"), SHAPE_METADATA},
    {STR("serviceTier"), SHAPE_DROP},
    {STR("outputConfig"), SHAPE_INSIDE, .inside = &output_config},
    {STR("performanceConfig"), SHAPE_INSIDE, .inside = &performance},
    {STR("toolConfig"), SHAPE_REFUSE, tools},
    {STR("guardrailConfig"), SHAPE_REFUSE, guardrail},
    {STR("promptVariables"), SHAPE_REFUSE, "it fills in a prompt of Bedrock's"},
};
SHAPE(converse, .other = unknown, .lacks = no_messages);

static const struct shape_row nova_block_rows[] = {
    {STR("text"), SHAPE_KEEP},
    {STR("image"), SHAPE_KEEP},
    {STR("document"), SHAPE_KEEP},
    {STR("video"), SHAPE_KEEP},
    {STR("audio"), SHAPE_KEEP},
    {STR("reasoningContent"), SHAPE_KEEP},
    {STR("toolUse"), SHAPE_REFUSE, tools},
    {STR("toolResult"), SHAPE_REFUSE, tools},
    {STR("guardContent"), SHAPE_REFUSE, guardrail},
    {STR("cachePoint"), SHAPE_DROP},
};
SHAPE(nova_block, .other = unknown, .block = true);

static const struct shape_row nova_message_rows[] = {
    {STR("content"), SHAPE_BLOCKS, .inside = &nova_block},
    {STR("role"), SHAPE_KEEP},
};
SHAPE(nova_message, .other = unknown);

static const struct shape_row nova_rows[] = {
    {STR("messages"), SHAPE_LIST, .inside = &nova_message},
    {STR("system"), SHAPE_BLOCKS, .inside = &nova_block},
    {STR("schemaVersion"), SHAPE_KEEP},
    {STR("inferenceConfig"), SHAPE_KEEP},
    {STR("additionalModelRequestFields"), SHAPE_INSIDE, .inside = &extra},
    {STR("toolConfig"), SHAPE_REFUSE, tools},
    {STR("service_tier"), SHAPE_DROP},
};
SHAPE(nova, .other = unknown, .lacks = no_messages);

/* --- Claude (InvokeModel) */

static const struct shape_row claude_block_rows[] = {
    {STR("type"), SHAPE_BLOCK_TYPE},
    {STR("text"), SHAPE_KEEP},
    {STR("cache_control"), SHAPE_DROP},
};
SHAPE(claude_block, .other = NULL, .block = true);

static const struct shape_row claude_message_rows[] = {
    {STR("content"), SHAPE_BLOCKS, .inside = &claude_block},
    {STR("role"), SHAPE_KEEP},
};
SHAPE(claude_message, .other = unknown);

static const struct shape_row claude_rows[] = {
    {STR("messages"), SHAPE_LIST, .inside = &claude_message},
    {STR("system"), SHAPE_BLOCKS, .inside = &claude_block},
    {STR("anthropic_version"), SHAPE_KEEP},
    {STR("anthropic_beta"), SHAPE_KEEP},
    {STR("max_tokens"), SHAPE_KEEP},
    {STR("temperature"), SHAPE_KEEP},
    {STR("top_p"), SHAPE_KEEP},
    {STR("top_k"), SHAPE_KEEP},
    {STR("stop_sequences"), SHAPE_KEEP},
    {STR("thinking"), SHAPE_KEEP},
    {STR("metadata"), SHAPE_KEEP},
    {STR("output_config"), SHAPE_INSIDE, .inside = &output_config},
    {STR("cache_control"), SHAPE_DROP},
    {STR("service_tier"), SHAPE_DROP},
    {STR("stream"), SHAPE_CALM, streams},
    {STR("tools"), SHAPE_REFUSE, tools},
    {STR("tool_choice"), SHAPE_REFUSE, tools},
    {STR("output_format"), SHAPE_REFUSE, structured},
    {STR("amazon-bedrock-guardrailConfig"), SHAPE_REFUSE, guardrail},
    {STR("mcp_servers"), SHAPE_REFUSE, remote},
    {STR("container"), SHAPE_REFUSE, remote},
};
SHAPE(claude, .other = unknown, .lacks = no_messages);

/* --- all of them */

static const struct shape_row deep_rows[] = {
    {STR("s3Location"), SHAPE_REFUSE, in_s3},       {STR("toolUse"), SHAPE_REFUSE, tools},
    {STR("toolResult"), SHAPE_REFUSE, tools},       {STR("tool_calls"), SHAPE_REFUSE, tools},
    {STR("tool_call_id"), SHAPE_REFUSE, tools},     {STR("tool_use_id"), SHAPE_REFUSE, tools},
    {STR("guardContent"), SHAPE_REFUSE, guardrail}, {STR("cachePoint"), SHAPE_REFUSE, marker},
    {STR("cache_control"), SHAPE_REFUSE, marker},
};
const struct batch_shape batch_shape_deep = {.rows = deep_rows,
                                             .n = sizeof deep_rows / sizeof *deep_rows};

/* tool_use, tool_result, server_tool_use, mcp_tool_use, web_search_tool_result, ... */
const char *batch_shape_block_type(struct str raw)
{
    static const struct str fit[] = {STR("text"),
                                     STR("image"),
                                     STR("document"),
                                     STR("thinking"),
                                     STR("redacted_thinking"),
                                     STR("search_result")};
    for (size_t i = 0; i < sizeof fit / sizeof *fit; i++)
        if (json_string_is(raw, fit[i]))
            return NULL;
    bool tool = str_find(raw, S("tool_use")) >= 0 || str_find(raw, S("tool_result")) >= 0;
    return tool ? tools : "it has a block of a kind that is not known";
}

/* At the beginning, or behind a geo prefix: "us.anthropic.". */
static bool is_of(struct str model, struct str maker)
{
    ptrdiff_t dot = str_chr(model, '.');
    return str_starts(model, maker) ||
           (dot > 0 && str_starts(str_from_offset(model, (size_t)dot + 1), maker));
}

/* Nova's image and video models have bodies of their own. */
const struct batch_shape *batch_shape_of(enum batch_kind kind, struct str model)
{
    static const struct str makes_media[] = {STR("amazon.nova-canvas"), STR("amazon.nova-reel"),
                                             STR("amazon.nova-2-multimodal"),
                                             STR("amazon.nova-multimodal")};
    if (kind == BATCH_CONVERSE)
        return &converse;
    for (size_t i = 0; i < sizeof makes_media / sizeof *makes_media; i++)
        if (is_of(model, makes_media[i]))
            return &extra;
    if (is_of(model, S("anthropic.")))
        return &claude;
    return is_of(model, S("amazon.nova-")) ? &nova : &extra;
}
