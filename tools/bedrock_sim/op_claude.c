/* SPDX-License-Identifier: Apache-2.0
 *
 * Anthropic's Messages: the body and the events that InvokeModel carries for Claude models, and
 * the /anthropic/v1 paths, where they come bare.
 */
#include "call.h"

#include "weir/base/text.h"

#include <string.h>

static const char *stop_word(const struct call *c)
{
    return strcmp(c->answer.stop, "guardrail_intervened") == 0 ? "refusal" : c->answer.stop;
}

/* The usage object; `output` tokens so far. */
static void add_usage(const struct call *c, struct buf *b, uint64_t output)
{
    buf_addf(b,
             "{\"input_tokens\":%llu,\"cache_creation_input_tokens\":%llu,"
             "\"cache_read_input_tokens\":%llu,\"cache_creation\":{"
             "\"ephemeral_5m_input_tokens\":%llu,\"ephemeral_1h_input_tokens\":%llu},"
             "\"output_tokens\":%llu}",
             (unsigned long long)c->use.plain, (unsigned long long)call_written(c),
             (unsigned long long)c->use.read, (unsigned long long)c->use.write_5m,
             (unsigned long long)c->use.write_1h, (unsigned long long)output);
}

static void add_tool_start(const struct call *c, struct buf *b)
{
    buf_addf(b, "{\"type\":\"tool_use\",\"id\":\"toolu_bdrk_%s\",\"name\":\"", c->answer.hash);
    text_add_json(b, c->answer.tool, SIZE_MAX);
    buf_add(b, S("\",\"input\":"));
}

static void add_content(const struct call *c, struct buf *b)
{
    if (c->answer.tool.len) {
        add_tool_start(c, b);
        buf_add(b, buf_str(&c->answer.tool_input));
        buf_add_char(b, '}');
        return;
    }
    buf_add(b, S("{\"type\":\"text\",\"text\":\""));
    call_add_text(c, b);
    buf_add(b, S("\"}"));
}

static void add_head(const struct call *c, struct buf *b, struct str model_shown)
{
    buf_add(b, S("{\"model\":\""));
    text_add_json(b, model_shown, SIZE_MAX);
    buf_addf(b,
             "\",\"id\":\"msg_bdrk_%s\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[",
             c->answer.hash);
}

void claude_answer(struct call *c, struct str model_shown)
{
    struct buf *b = &c->out->reply.body;
    add_head(c, b, model_shown);
    add_content(c, b);
    buf_addf(b, "],\"stop_reason\":\"%s\",\"stop_sequence\":null,\"usage\":", stop_word(c));
    add_usage(c, b, c->answer.tokens);
    buf_add_char(b, '}');
    reply_field(&c->out->reply, S("content-type"), S("application/json"));
}

static void send_start(struct call *c, struct str model_shown)
{
    struct buf b = {0};
    buf_add(&b, S("{\"type\":\"message_start\",\"message\":"));
    add_head(c, &b, model_shown);
    buf_add(&b, S("],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":"));
    add_usage(c, &b, 1);
    buf_add(&b, S("}}"));
    call_event(c, S("message_start"), buf_str(&b));
    buf_clear(&b);
    buf_add(&b, S("{\"type\":\"content_block_start\",\"index\":0,\"content_block\":"));
    if (c->answer.tool.len) {
        add_tool_start(c, &b);
        buf_add(&b, S("{}}}"));
    } else {
        buf_add(&b, S("{\"type\":\"text\",\"text\":\"\"}}"));
    }
    call_event(c, S("content_block_start"), buf_str(&b));
    buf_fini(&b);
}

static void send_delta(struct call *c, size_t i)
{
    struct buf b = {0};
    buf_add(&b, S("{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{"));
    buf_add(&b, c->answer.tool.len ? S("\"type\":\"input_json_delta\",\"partial_json\":\"")
                                   : S("\"type\":\"text_delta\",\"text\":\""));
    call_add_delta(c, &b, i);
    buf_add(&b, S("\"}}"));
    call_event(c, S("content_block_delta"), buf_str(&b));
    buf_fini(&b);
}

static void send_end(struct call *c)
{
    struct buf b = {0};
    call_eventf(c, S("content_block_stop"), "{\"type\":\"content_block_stop\",\"index\":0}");
    buf_addf(&b,
             "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"%s\","
             "\"stop_sequence\":null},\"usage\":",
             stop_word(c));
    add_usage(c, &b, c->answer.tokens);
    buf_add_char(&b, '}');
    call_event(c, S("message_delta"), buf_str(&b));
    buf_clear(&b);
    buf_add(&b, S("{\"type\":\"message_stop\""));
    if (c->emit == CALL_CHUNK)
        buf_addf(&b,
                 ",\"amazon-bedrock-invocationMetrics\":{\"inputTokenCount\":%llu,"
                 "\"outputTokenCount\":%llu,\"invocationLatency\":%llu,\"firstByteLatency\":80,"
                 "\"cacheReadInputTokenCount\":%llu,\"cacheWriteInputTokenCount\":%llu}",
                 (unsigned long long)c->use.plain, (unsigned long long)c->answer.tokens,
                 (unsigned long long)call_latency_ms(c), (unsigned long long)c->use.read,
                 (unsigned long long)call_written(c));
    buf_add_char(&b, '}');
    call_event(c, S("message_stop"), buf_str(&b));
    buf_fini(&b);
}

void claude_stream(struct call *c, struct str model_shown)
{
    send_start(c, model_shown);
    if (c->emit == CALL_SSE)
        call_eventf(c, S("ping"), "{\"type\":\"ping\"}");
    for (size_t i = 0; i < c->answer.deltas; i++) {
        if (call_breaks(c, i))
            return;
        send_delta(c, i);
    }
    if (!call_breaks(c, c->answer.deltas))
        send_end(c);
}

/* --- /anthropic/v1 */

static bool read_messages(struct call *c, bool counting)
{
    if (!call_parse(c))
        return false;
    if (!tree_is(tree_root(&c->tree), TREE_OBJECT))
        return refusal_invalid(&c->refusal, "Input should be a valid dictionary");
    return call_body_model(c) &&
           prompt_read_claude(&c->prompt, &c->tree, true, counting, &c->refusal);
}

bool op_messages(struct call *c)
{
    if (!read_messages(c, false))
        return false;
    call_think(c);
    struct str model = buf_str(&c->out->model);
    if (!tree_is(tree_get(&c->tree, tree_root(&c->tree), S("stream")), TREE_TRUE)) {
        claude_answer(c, model);
        return true;
    }
    call_stream(c, CALL_SSE);
    claude_stream(c, model);
    return true;
}

bool op_messages_count(struct call *c)
{
    if (!read_messages(c, true))
        return false;
    buf_addf(&c->out->reply.body, "{\"input_tokens\":%llu}", (unsigned long long)c->prompt.tokens);
    reply_field(&c->out->reply, S("content-type"), S("application/json"));
    return true;
}
