/* SPDX-License-Identifier: Apache-2.0
 *
 * Converse and ConverseStream: the published shapes in, the published shapes out. Members come in
 * alphabetical order and events padded, as the service sends them.
 */
#include "call.h"

#include "weir/base/text.h"

static bool check_prompt_arn(struct call *c)
{
    static const struct str banned[] = {STR("inferenceConfig"), STR("system"), STR("toolConfig"),
                                        STR("additionalModelRequestFields")};
    const struct node *root = tree_root(&c->tree);
    if (c->ref.form != MODEL_PROMPT)
        return tree_have(&c->tree, root, S("messages")) ||
               refusal_invalid(&c->refusal, "1 validation error detected: Value null at 'messages' "
                                            "failed to satisfy constraint: Member must not be "
                                            "null");
    for (size_t i = 0; i < 4; i++)
        if (tree_have(&c->tree, root, banned[i]))
            return refusal_invalid(&c->refusal,
                                   "The %s field can't be specified when the model ID is a prompt "
                                   "ARN. Remove the field and try again.",
                                   banned[i].ptr);
    return true;
}

static struct str text_at(struct call *c, const struct node *n, struct str name)
{
    const struct node *found = tree_have(&c->tree, n, name);
    return tree_is(found, TREE_STRING) ? found->raw : (struct str){0};
}

static bool read_body(struct call *c, const struct shape *shape)
{
    if (!call_model(c, buf_str(&c->args[0])) || !call_parse(c) ||
        !shape_check(&c->tree, tree_root(&c->tree), shape, &c->refusal) || !check_prompt_arn(c))
        return false;
    const struct node *root = tree_root(&c->tree);
    c->latency = text_at(c, tree_have(&c->tree, root, S("performanceConfig")), S("latency"));
    return call_tier(c, text_at(c, tree_have(&c->tree, root, S("serviceTier")), S("type"))) &&
           prompt_read_converse(&c->prompt, &c->tree, root, &c->refusal);
}

/* "cacheDetails":[...],... without braces: writes by TTL, the longer first. */
static void add_usage(const struct call *c, struct buf *b)
{
    const struct promptcache_use *u = &c->use;
    uint64_t written = call_written(c);
    buf_add(b, S("\"cacheDetails\":["));
    if (u->write_1h)
        buf_addf(b, "{\"inputTokens\":%llu,\"ttl\":\"1h\"}%s", (unsigned long long)u->write_1h,
                 u->write_5m ? "," : "");
    if (u->write_5m)
        buf_addf(b, "{\"inputTokens\":%llu,\"ttl\":\"5m\"}", (unsigned long long)u->write_5m);
    buf_addf(b,
             "],\"cacheReadInputTokens\":%llu,\"cacheWriteInputTokens\":%llu,\"inputTokens\":%llu,"
             "\"outputTokens\":%llu,\"totalTokens\":%llu",
             (unsigned long long)u->read, (unsigned long long)written, (unsigned long long)u->plain,
             (unsigned long long)c->answer.tokens,
             (unsigned long long)(u->plain + u->read + written + c->answer.tokens));
}

static void add_trace(const struct call *c, struct buf *b)
{
    bool router = c->ref.form == MODEL_ROUTER, guard = c->out->fault.guardrail;
    if (!router && !guard)
        return;
    buf_add(b, S(",\"trace\":{"));
    if (guard)
        buf_add(b, S("\"guardrail\":{\"inputAssessment\":{}}"));
    if (router)
        buf_addf(b,
                 "%s\"promptRouter\":{\"invokedModelId\":\"arn:aws:bedrock:us-east-1::"
                 "foundation-model/anthropic.claude-sonnet-4-6\"}",
                 guard ? "," : "");
    buf_add_char(b, '}');
}

/* ,"performanceConfig":...,"serviceTier":...,"trace":...,"usage":{...}: what an answer and the
 * last event have in common. */
static void add_tail(const struct call *c, struct buf *b)
{
    if (c->latency.len)
        buf_addf(b, ",\"performanceConfig\":{\"latency\":\"%s\"}", call_latency_served(c).ptr);
    if (c->out->charge.tier[0])
        buf_addf(b, ",\"serviceTier\":{\"type\":\"%s\"}", c->out->charge.tier);
    add_trace(c, b);
    buf_add(b, S(",\"usage\":{"));
    add_usage(c, b);
    buf_add_char(b, '}');
}

static void add_tool_name(const struct call *c, struct buf *b)
{
    buf_addf(b, "\"name\":\"");
    text_add_json(b, c->answer.tool, SIZE_MAX);
    buf_addf(b, "\",\"toolUseId\":\"tooluse_%s\"", c->answer.hash);
}

static void add_content(const struct call *c, struct buf *b)
{
    if (c->answer.tool.len) {
        buf_add(b, S("{\"toolUse\":{\"input\":"));
        buf_add(b, buf_str(&c->answer.tool_input));
        buf_add_char(b, ',');
        add_tool_name(c, b);
        buf_add(b, S("}}"));
        return;
    }
    buf_add(b, S("{\"text\":\""));
    call_add_text(c, b);
    buf_add(b, S("\"}"));
}

bool op_converse(struct call *c)
{
    if (!read_body(c, &shape_converse))
        return false;
    call_think(c);
    struct buf *b = &c->out->reply.body;
    buf_addf(b, "{\"metrics\":{\"latencyMs\":%llu},\"output\":{\"message\":{\"content\":[",
             (unsigned long long)call_latency_ms(c));
    add_content(c, b);
    buf_addf(b, "],\"role\":\"assistant\"}},\"stopReason\":\"%s\"", c->answer.stop);
    add_tail(c, b);
    buf_add_char(b, '}');
    reply_field(&c->out->reply, S("content-type"), S("application/json"));
    return true;
}

static void send_block_start(struct call *c)
{
    struct buf b = {0};
    buf_add(&b, S("{\"contentBlockIndex\":0,\"start\":{\"toolUse\":{"));
    add_tool_name(c, &b);
    buf_add(&b, S("}}}"));
    call_event(c, S("contentBlockStart"), buf_str(&b));
    buf_fini(&b);
}

static void send_delta(struct call *c, size_t i)
{
    struct buf b = {0};
    bool tool = c->answer.tool.len > 0;
    buf_add(&b, S("{\"contentBlockIndex\":0,\"delta\":{"));
    buf_add(&b, tool ? S("\"toolUse\":{\"input\":\"") : S("\"text\":\""));
    call_add_delta(c, &b, i);
    buf_add(&b, tool ? S("\"}}}") : S("\"}}"));
    call_event(c, S("contentBlockDelta"), buf_str(&b));
    buf_fini(&b);
}

static void send_metadata(struct call *c)
{
    struct buf b = {0};
    buf_addf(&b, "{\"metrics\":{\"latencyMs\":%llu}", (unsigned long long)call_latency_ms(c));
    add_tail(c, &b);
    buf_add_char(&b, '}');
    call_event(c, S("metadata"), buf_str(&b));
    buf_fini(&b);
}

bool op_converse_stream(struct call *c)
{
    if (!read_body(c, &shape_converse_stream))
        return false;
    call_think(c);
    call_stream(c, CALL_CONVERSE);
    call_eventf(c, S("messageStart"), "{\"role\":\"assistant\"}");
    if (c->answer.tool.len)
        send_block_start(c);
    for (size_t i = 0; i < c->answer.deltas; i++) {
        if (call_breaks(c, i))
            return true;
        send_delta(c, i);
    }
    if (call_breaks(c, c->answer.deltas))
        return true;
    call_eventf(c, S("contentBlockStop"), "{\"contentBlockIndex\":0}");
    call_eventf(c, S("messageStop"), "{\"stopReason\":\"%s\"}", c->answer.stop);
    send_metadata(c);
    return true;
}
