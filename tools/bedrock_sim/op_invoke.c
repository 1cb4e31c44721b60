/* SPDX-License-Identifier: Apache-2.0
 *
 * InvokeModel and InvokeModelWithResponseStream: the model's own body, by family. Token counts
 * come as header fields on the plain operation and in the last chunk of the stream (not in the
 * service model; public code that reads them, 2025-2026).
 */
#include "call.h"

#include "weir/base/text.h"

static struct str header(const struct call *c, struct str name)
{
    return str_trim(fields_get(c->ask->fields, name));
}

/* Opaque ids do not say whose body comes: the body does. */
static enum model_family family_of(const struct call *c)
{
    const struct node *root = tree_root(&c->tree);
    bool opaque =
        c->ref.form >= MODEL_APP_PROFILE && c->ref.form != MODEL_FOUNDATION && !c->ref.named;
    if (!opaque || tree_have(&c->tree, root, S("anthropic_version")))
        return c->ref.model->family;
    if (tree_have(&c->tree, root, S("schemaVersion")) ||
        tree_have(&c->tree, root, S("inferenceConfig")))
        return MODEL_NOVA;
    return tree_have(&c->tree, root, S("messages")) ? MODEL_OPENAI : c->ref.model->family;
}

static bool is_one_of(struct str value, const struct str *set, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(set[i], value))
            return true;
    return value.len == 0;
}

static bool check_headers(struct call *c)
{
    static const struct str traces[] = {STR("ENABLED"), STR("DISABLED"), STR("ENABLED_FULL")};
    static const struct str latencies[] = {STR("standard"), STR("optimized")};
    if (!is_one_of(header(c, S("x-amzn-bedrock-trace")), traces, 3))
        return refusal_invalid(&c->refusal, "1 validation error detected: Value at 'trace' failed "
                                            "to satisfy constraint: Member must satisfy enum value "
                                            "set: [ENABLED, DISABLED, ENABLED_FULL]");
    c->latency = header(c, S("x-amzn-bedrock-performanceconfig-latency"));
    if (!is_one_of(c->latency, latencies, 2))
        return refusal_invalid(&c->refusal, "1 validation error detected: Value at "
                                            "'performanceConfigLatency' failed to satisfy "
                                            "constraint: Member must satisfy enum value set: "
                                            "[standard, optimized]");
    if (header(c, S("x-amzn-bedrock-request-metadata")).len > 8500)
        return refusal_invalid(&c->refusal, "1 validation error detected: Value at "
                                            "'requestMetadata' failed to satisfy constraint: "
                                            "Member must have length less than or equal to 8500");
    return call_tier(c, header(c, S("x-amzn-bedrock-service-tier")));
}

static bool read_body(struct call *c, enum model_family *family)
{
    if (!call_model(c, buf_str(&c->args[0])) || !check_headers(c))
        return false;
    if (tree_parse(&c->tree, c->ask->body) < 0)
        return refusal_invalid(&c->refusal,
                               "Malformed input request: %s at offset %zu, please reformat your "
                               "input and try again.",
                               c->tree.error, c->tree.error_at);
    *family = family_of(c);
    if (*family == MODEL_CLAUDE)
        return prompt_read_claude(&c->prompt, &c->tree, false, false, &c->refusal);
    return *family == MODEL_NOVA ? prompt_read_nova(&c->prompt, &c->tree, &c->refusal)
                                 : prompt_read_chat(&c->prompt, &c->tree, &c->refusal);
}

static void echo_headers(struct call *c)
{
    struct reply *r = &c->out->reply;
    if (c->out->charge.tier[0])
        reply_field(r, S("x-amzn-bedrock-service-tier"), str_of(c->out->charge.tier));
    if (c->latency.len)
        reply_field(r, S("x-amzn-bedrock-performanceconfig-latency"), call_latency_served(c));
}

static void count_headers(struct call *c)
{
    struct reply *r = &c->out->reply;
    reply_field_u64(r, S("x-amzn-bedrock-invocation-latency"), call_latency_ms(c));
    reply_field_u64(r, S("x-amzn-bedrock-input-token-count"), c->use.plain);
    reply_field_u64(r, S("x-amzn-bedrock-output-token-count"), c->answer.tokens);
    if (c->ref.model->cache_min == 0)
        return;
    reply_field_u64(r, S("x-amzn-bedrock-cache-read-input-token-count"), c->use.read);
    reply_field_u64(r, S("x-amzn-bedrock-cache-write-input-token-count"), call_written(c));
}

/* --- nova */

static void add_nova_usage(const struct call *c, struct buf *b)
{
    buf_addf(b,
             "{\"inputTokens\":%llu,\"outputTokens\":%llu,\"totalTokens\":%llu,"
             "\"cacheReadInputTokenCount\":%llu,\"cacheWriteInputTokenCount\":%llu}",
             (unsigned long long)c->use.plain, (unsigned long long)c->answer.tokens,
             (unsigned long long)(c->prompt.tokens + c->answer.tokens),
             (unsigned long long)c->use.read, (unsigned long long)call_written(c));
}

static void add_nova_tool(const struct call *c, struct buf *b)
{
    buf_addf(b, "{\"toolUse\":{\"toolUseId\":\"tooluse_%s\",\"name\":\"", c->answer.hash);
    text_add_json(b, c->answer.tool, SIZE_MAX);
    buf_add_char(b, '"');
}

static void nova_answer(struct call *c)
{
    struct buf *b = &c->out->reply.body;
    buf_add(b, S("{\"output\":{\"message\":{\"content\":["));
    if (c->answer.tool.len) {
        add_nova_tool(c, b);
        buf_add(b, S(",\"input\":"));
        buf_add(b, buf_str(&c->answer.tool_input));
        buf_add(b, S("}}"));
    } else {
        buf_add(b, S("{\"text\":\""));
        call_add_text(c, b);
        buf_add(b, S("\"}"));
    }
    buf_addf(b, "],\"role\":\"assistant\"}},\"stopReason\":\"%s\",\"usage\":", c->answer.stop);
    add_nova_usage(c, b);
    buf_add_char(b, '}');
    reply_field(&c->out->reply, S("content-type"), S("application/json"));
}

static void send_nova_delta(struct call *c, size_t i)
{
    struct buf b = {0};
    bool tool = c->answer.tool.len > 0;
    buf_add(&b, S("{\"contentBlockDelta\":{\"delta\":{"));
    buf_add(&b, tool ? S("\"toolUse\":{\"input\":\"") : S("\"text\":\""));
    call_add_delta(c, &b, i);
    buf_add(&b, tool ? S("\"}},\"contentBlockIndex\":0}}") : S("\"},\"contentBlockIndex\":0}}"));
    call_event(c, S("chunk"), buf_str(&b));
    buf_fini(&b);
}

/* ,"amazon-bedrock-invocationMetrics":{...} */
static void add_metrics(const struct call *c, struct buf *b)
{
    buf_addf(b,
             ",\"amazon-bedrock-invocationMetrics\":{\"inputTokenCount\":%llu,"
             "\"outputTokenCount\":%llu,\"invocationLatency\":%llu,\"firstByteLatency\":80",
             (unsigned long long)c->use.plain, (unsigned long long)c->answer.tokens,
             (unsigned long long)call_latency_ms(c));
    if (c->ref.model->cache_min)
        buf_addf(b, ",\"cacheReadInputTokenCount\":%llu,\"cacheWriteInputTokenCount\":%llu",
                 (unsigned long long)c->use.read, (unsigned long long)call_written(c));
    buf_add_char(b, '}');
}

static void nova_stream(struct call *c)
{
    struct buf b = {0};
    call_eventf(c, S("chunk"), "{\"messageStart\":{\"role\":\"assistant\"}}");
    if (c->answer.tool.len) {
        buf_add(&b, S("{\"contentBlockStart\":{\"start\":"));
        add_nova_tool(c, &b);
        buf_add(&b, S("}},\"contentBlockIndex\":0}}"));
        call_event(c, S("chunk"), buf_str(&b));
        buf_clear(&b);
    }
    for (size_t i = 0; i <= c->answer.deltas; i++) {
        if (call_breaks(c, i))
            goto out;
        if (i < c->answer.deltas)
            send_nova_delta(c, i);
    }
    call_eventf(c, S("chunk"), "{\"contentBlockStop\":{\"contentBlockIndex\":0}}");
    call_eventf(c, S("chunk"), "{\"messageStop\":{\"stopReason\":\"%s\"}}", c->answer.stop);
    buf_add(&b, S("{\"metadata\":{\"usage\":"));
    add_nova_usage(c, &b);
    buf_add(&b, S(",\"metrics\":{},\"trace\":{}}"));
    add_metrics(c, &b);
    buf_add_char(&b, '}');
    call_event(c, S("chunk"), buf_str(&b));
out:
    buf_fini(&b);
}

/* --- the operations */

bool op_invoke(struct call *c)
{
    enum model_family family;
    if (!read_body(c, &family))
        return false;
    call_think(c);
    if (family == MODEL_CLAUDE)
        claude_answer(c, c->ref.id);
    else if (family == MODEL_NOVA)
        nova_answer(c);
    else
        chat_answer(c, c->ref.id);
    echo_headers(c);
    count_headers(c);
    return true;
}

bool op_invoke_stream(struct call *c)
{
    enum model_family family;
    if (!read_body(c, &family))
        return false;
    call_think(c);
    call_stream(c, CALL_CHUNK);
    reply_field(&c->out->reply, S("x-amzn-bedrock-content-type"), S("application/json"));
    echo_headers(c);
    if (family == MODEL_CLAUDE)
        claude_stream(c, c->ref.id);
    else if (family == MODEL_NOVA)
        nova_stream(c);
    else
        chat_stream(c, c->ref.id, true);
    return true;
}
