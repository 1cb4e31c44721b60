/* SPDX-License-Identifier: Apache-2.0
 *
 * The OpenAI-compatible paths: chat completions, and the Responses API with its stored responses.
 * Here the input count includes what was cached.
 */
#include "call.h"

#include "weir/base/text.h"

#include <string.h>

static uint64_t input_tokens(const struct call *c)
{
    return c->use.plain + c->use.read + call_written(c);
}

/* A moment in 2026 made from the question: the same answer has the same bytes. */
static long long created_s(const struct call *c)
{
    return 1767225600 + (c->question[1] << 8 | c->question[2]);
}

static void add_response_id(const struct call *c, struct buf *b)
{
    buf_add(b, S("resp_"));
    text_add_hex(b, c->question, 16);
}

/* --- chat completions */

static const char *finish_word(const struct call *c)
{
    return strcmp(c->answer.stop, "max_tokens") == 0 ? "length"
           : strcmp(c->answer.stop, "tool_use") == 0 ? "tool_calls"
           : strcmp(c->answer.stop, "end_turn") == 0 ? "stop"
                                                     : "content_filter";
}

static void add_chat_usage(const struct call *c, struct buf *b)
{
    buf_addf(b,
             "{\"prompt_tokens\":%llu,\"completion_tokens\":%llu,\"total_tokens\":%llu,"
             "\"prompt_tokens_details\":{\"cached_tokens\":%llu}}",
             (unsigned long long)input_tokens(c), (unsigned long long)c->answer.tokens,
             (unsigned long long)(input_tokens(c) + c->answer.tokens),
             (unsigned long long)c->use.read);
}

static void add_chat_head(const struct call *c, struct buf *b, const char *object,
                          struct str model_shown)
{
    buf_addf(b, "{\"id\":\"chatcmpl-%s\",\"object\":\"%s\",\"created\":%lld,\"model\":\"",
             c->answer.hash, object, created_s(c));
    text_add_json(b, model_shown, SIZE_MAX);
    buf_add_char(b, '"');
    if (c->out->charge.tier[0])
        buf_addf(b, ",\"service_tier\":\"%s\"", c->out->charge.tier);
}

/* A tool call with its input in `i`-th part, or whole (i < 0). */
static void add_tool_call(const struct call *c, struct buf *b, long i)
{
    buf_add(b, S("[{\"index\":0"));
    if (i <= 0) {
        buf_addf(b, ",\"id\":\"call_%s\",\"type\":\"function\"", c->answer.hash);
        buf_add(b, S(",\"function\":{\"name\":\""));
        text_add_json(b, c->answer.tool, SIZE_MAX);
        buf_add(b, S("\",\"arguments\":\""));
    } else {
        buf_add(b, S(",\"function\":{\"arguments\":\""));
    }
    if (i < 0)
        text_add_json(b, buf_str(&c->answer.tool_input), SIZE_MAX);
    else
        call_add_delta(c, b, (size_t)i);
    buf_add(b, S("\"}}]"));
}

void chat_answer(struct call *c, struct str model_shown)
{
    struct buf *b = &c->out->reply.body;
    add_chat_head(c, b, "chat.completion", model_shown);
    buf_add(b, S(",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"));
    if (c->answer.tool.len) {
        buf_add(b, S("null,\"refusal\":null,\"tool_calls\":"));
        add_tool_call(c, b, -1);
    } else {
        buf_add_char(b, '"');
        call_add_text(c, b);
        buf_add(b, S("\",\"refusal\":null"));
    }
    buf_addf(b, "},\"logprobs\":null,\"finish_reason\":\"%s\"}],\"usage\":", finish_word(c));
    add_chat_usage(c, b);
    buf_add_char(b, '}');
    reply_field(&c->out->reply, S("content-type"), S("application/json"));
}

static void send_chat_delta(struct call *c, struct str model_shown, size_t i)
{
    struct buf b = {0};
    add_chat_head(c, &b, "chat.completion.chunk", model_shown);
    buf_add(&b, S(",\"choices\":[{\"index\":0,\"delta\":{"));
    if (i == 0)
        buf_add(&b, S("\"role\":\"assistant\","));
    if (c->answer.tool.len) {
        buf_add(&b, S("\"tool_calls\":"));
        add_tool_call(c, &b, (long)i);
    } else {
        buf_add(&b, S("\"content\":\""));
        call_add_delta(c, &b, i);
        buf_add_char(&b, '"');
    }
    buf_add(&b, S("},\"logprobs\":null,\"finish_reason\":null}]}"));
    call_event(c, S("chunk"), buf_str(&b));
    buf_fini(&b);
}

static void send_chat_end(struct call *c, struct str model_shown, bool with_usage)
{
    struct buf b = {0};
    add_chat_head(c, &b, "chat.completion.chunk", model_shown);
    buf_addf(&b,
             ",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,"
             "\"finish_reason\":\"%s\"}]}",
             finish_word(c));
    call_event(c, S("chunk"), buf_str(&b));
    buf_clear(&b);
    add_chat_head(c, &b, "chat.completion.chunk", model_shown);
    buf_add(&b, S(",\"choices\":[],\"usage\":"));
    add_chat_usage(c, &b);
    if (c->emit == CALL_CHUNK)
        buf_addf(&b,
                 ",\"amazon-bedrock-invocationMetrics\":{\"inputTokenCount\":%llu,"
                 "\"outputTokenCount\":%llu,\"invocationLatency\":%llu,\"firstByteLatency\":80}",
                 (unsigned long long)c->use.plain, (unsigned long long)c->answer.tokens,
                 (unsigned long long)call_latency_ms(c));
    buf_add_char(&b, '}');
    if (with_usage)
        call_event(c, S("chunk"), buf_str(&b));
    buf_fini(&b);
    if (c->emit == CALL_SSE_DATA)
        call_eventf(c, S("done"), "[DONE]");
}

void chat_stream(struct call *c, struct str model_shown, bool with_usage)
{
    for (size_t i = 0; i < c->answer.deltas; i++) {
        if (call_breaks(c, i))
            return;
        send_chat_delta(c, model_shown, i);
    }
    if (!call_breaks(c, c->answer.deltas))
        send_chat_end(c, model_shown, with_usage);
}

/* --- what both APIs read */

static bool read_head(struct call *c)
{
    if (!call_parse(c))
        return false;
    const struct node *root = tree_root(&c->tree);
    const struct node *tier = tree_have(&c->tree, root, S("service_tier"));
    if (!tree_is(tree_have(&c->tree, root, S("model")), TREE_STRING))
        return refusal_invalid(&c->refusal, "Missing required parameter: 'model'.");
    return call_body_model(c) && call_tier(c, tree_is(tier, TREE_STRING) ? tier->raw : S(""));
}

static bool wants_stream(const struct call *c)
{
    return tree_is(tree_get(&c->tree, tree_root(&c->tree), S("stream")), TREE_TRUE);
}

bool op_chat(struct call *c)
{
    if (!read_head(c) || !prompt_read_chat(&c->prompt, &c->tree, &c->refusal))
        return false;
    call_think(c);
    struct str model = buf_str(&c->out->model);
    if (!wants_stream(c)) {
        chat_answer(c, model);
        return true;
    }
    const struct node *options = tree_have(&c->tree, tree_root(&c->tree), S("stream_options"));
    call_stream(c, CALL_SSE_DATA);
    chat_stream(c, model, tree_is(tree_get(&c->tree, options, S("include_usage")), TREE_TRUE));
    return true;
}

/* --- responses */

static void add_item(const struct call *c, struct buf *b, const char *status, bool whole)
{
    if (c->answer.tool.len) {
        buf_addf(b, "{\"type\":\"function_call\",\"id\":\"fc_%s\",\"call_id\":\"call_%s\"",
                 c->answer.hash, c->answer.hash);
        buf_add(b, S(",\"name\":\""));
        text_add_json(b, c->answer.tool, SIZE_MAX);
        buf_add(b, S("\",\"arguments\":\""));
        if (whole)
            text_add_json(b, buf_str(&c->answer.tool_input), SIZE_MAX);
        buf_addf(b, "\",\"status\":\"%s\"}", status);
        return;
    }
    buf_addf(b,
             "{\"type\":\"message\",\"id\":\"msg_%s\",\"status\":\"%s\",\"role\":\"assistant\","
             "\"content\":[",
             c->answer.hash, status);
    if (whole) {
        buf_add(b, S("{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":\""));
        call_add_text(c, b);
        buf_add(b, S("\"}"));
    }
    buf_add(b, S("]}"));
}

static void add_response_usage(const struct call *c, struct buf *b)
{
    buf_addf(b,
             "{\"input_tokens\":%llu,\"input_tokens_details\":{\"cached_tokens\":%llu,"
             "\"cache_write_tokens\":%llu},\"output_tokens\":%llu,"
             "\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":%llu}",
             (unsigned long long)input_tokens(c), (unsigned long long)c->use.read,
             (unsigned long long)call_written(c), (unsigned long long)c->answer.tokens,
             (unsigned long long)(input_tokens(c) + c->answer.tokens));
}

static void add_response(const struct call *c, struct buf *b, bool done)
{
    bool cut = done && strcmp(c->answer.stop, "max_tokens") == 0;
    buf_add(b, S("{\"id\":\""));
    add_response_id(c, b);
    buf_addf(b, "\",\"object\":\"response\",\"created_at\":%lld,\"status\":\"%s\"", created_s(c),
             !done ? "in_progress"
             : cut ? "incomplete"
                   : "completed");
    buf_addf(b, ",\"background\":false,\"error\":null,\"incomplete_details\":%s,\"model\":\"",
             cut ? "{\"reason\":\"max_output_tokens\"}" : "null");
    text_add_json(b, buf_str(&c->out->model), SIZE_MAX);
    buf_add(b, S("\",\"instructions\":null,\"metadata\":{},\"parallel_tool_calls\":true,"
                 "\"temperature\":1.0,\"tool_choice\":\"auto\",\"tools\":[],\"top_p\":1.0"));
    if (c->out->charge.tier[0])
        buf_addf(b, ",\"service_tier\":\"%s\"", c->out->charge.tier);
    buf_add(b, S(",\"output\":["));
    if (done)
        add_item(c, b, "completed", true);
    buf_add(b, S("],\"usage\":"));
    if (done)
        add_response_usage(c, b);
    else
        buf_add(b, S("null"));
    buf_add_char(b, '}');
}

static bool read_response(struct call *c)
{
    const struct node *root = tree_root(&c->tree);
    if (tree_is(tree_get(&c->tree, root, S("background")), TREE_TRUE))
        return refusal_invalid(&c->refusal, "Unsupported parameter: 'background' is not supported "
                                            "with this endpoint.");
    if (c->ref.form != MODEL_GEO && c->ref.form != MODEL_PROFILE_ARN && c->ref.model->profile_only)
        return refusal_invalid(&c->refusal, "The model must be a system inference profile.");
    if (c->ref.form == MODEL_APP_PROFILE)
        return refusal_invalid(&c->refusal, "Application inference profiles are not supported.");
    return prompt_read_responses(&c->prompt, &c->tree, &c->refusal);
}

static void store(struct call *c)
{
    struct buf id = {0}, b = {0};
    if (tree_is(tree_get(&c->tree, tree_root(&c->tree), S("store")), TREE_FALSE))
        return;
    add_response_id(c, &id);
    add_response(c, &b, true);
    world_keep(c->world, false, buf_str(&id), buf_str(&b));
    buf_fini(&id);
    buf_fini(&b);
}

/* {"type":TYPE,"sequence_number":N,  and the caller goes on */
static void begin_event(struct call *c, struct buf *b, const char *type)
{
    buf_clear(b);
    buf_addf(b, "{\"type\":\"%s\",\"sequence_number\":%zu", type, c->events);
}

static void send_whole(struct call *c, const char *type, bool done)
{
    struct buf b = {0};
    begin_event(c, &b, type);
    buf_add(&b, S(",\"response\":"));
    add_response(c, &b, done);
    buf_add_char(&b, '}');
    call_event(c, str_of(type), buf_str(&b));
    buf_fini(&b);
}

static void send_item(struct call *c, const char *type, bool whole)
{
    struct buf b = {0};
    begin_event(c, &b, type);
    buf_add(&b, S(",\"output_index\":0,\"item\":"));
    add_item(c, &b, whole ? "completed" : "in_progress", whole);
    buf_add_char(&b, '}');
    call_event(c, str_of(type), buf_str(&b));
    buf_fini(&b);
}

static void send_part(struct call *c, const char *type, bool whole)
{
    struct buf b = {0};
    begin_event(c, &b, type);
    buf_addf(&b,
             ",\"item_id\":\"msg_%s\",\"output_index\":0,\"content_index\":0,\"part\":{"
             "\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":\"",
             c->answer.hash);
    if (whole)
        call_add_text(c, &b);
    buf_add(&b, S("\"}}"));
    call_event(c, str_of(type), buf_str(&b));
    buf_fini(&b);
}

static void send_response_delta(struct call *c, size_t i)
{
    struct buf b = {0};
    bool tool = c->answer.tool.len > 0;
    const char *type =
        tool ? "response.function_call_arguments.delta" : "response.output_text.delta";
    begin_event(c, &b, type);
    buf_addf(&b, ",\"item_id\":\"%s_%s\",\"output_index\":0,", tool ? "fc" : "msg", c->answer.hash);
    buf_add(&b, tool ? S("\"delta\":\"") : S("\"content_index\":0,\"logprobs\":[],\"delta\":\""));
    call_add_delta(c, &b, i);
    buf_add(&b, S("\"}"));
    call_event(c, str_of(type), buf_str(&b));
    buf_fini(&b);
}

static void send_response_done(struct call *c)
{
    struct buf b = {0};
    bool tool = c->answer.tool.len > 0;
    const char *type = tool ? "response.function_call_arguments.done" : "response.output_text.done";
    begin_event(c, &b, type);
    buf_addf(&b, ",\"item_id\":\"%s_%s\",\"output_index\":0,", tool ? "fc" : "msg", c->answer.hash);
    buf_add(&b,
            tool ? S("\"arguments\":\"") : S("\"content_index\":0,\"logprobs\":[],\"text\":\""));
    text_add_json(&b, buf_str(tool ? &c->answer.tool_input : &c->answer.text), SIZE_MAX);
    buf_add(&b, S("\"}"));
    call_event(c, str_of(type), buf_str(&b));
    buf_fini(&b);
    if (!tool)
        send_part(c, "response.content_part.done", true);
    send_item(c, "response.output_item.done", true);
    send_whole(
        c, strcmp(c->answer.stop, "max_tokens") == 0 ? "response.incomplete" : "response.completed",
        true);
}

static void stream_response(struct call *c)
{
    call_stream(c, CALL_SSE);
    send_whole(c, "response.created", false);
    send_whole(c, "response.in_progress", false);
    send_item(c, "response.output_item.added", false);
    if (c->answer.tool.len == 0)
        send_part(c, "response.content_part.added", false);
    for (size_t i = 0; i < c->answer.deltas; i++) {
        if (call_breaks(c, i))
            return;
        send_response_delta(c, i);
    }
    if (!call_breaks(c, c->answer.deltas))
        send_response_done(c);
}

bool op_responses(struct call *c)
{
    if (!read_head(c) || !read_response(c))
        return false;
    call_think(c);
    store(c);
    if (wants_stream(c)) {
        stream_response(c);
        return true;
    }
    add_response(c, &c->out->reply.body, true);
    reply_field(&c->out->reply, S("content-type"), S("application/json"));
    return true;
}

static bool no_response(struct call *c)
{
    struct str id = buf_str(&c->args[0]);
    return refusal_set(&c->refusal, 404, "ResourceNotFoundException",
                       "Response with id '%.*s' not found.", (int)(id.len < 100 ? id.len : 100),
                       id.ptr);
}

bool op_response_get(struct call *c)
{
    reply_field(&c->out->reply, S("content-type"), S("application/json"));
    return world_get(c->world, false, buf_str(&c->args[0]), &c->out->reply.body, NULL) ||
           no_response(c);
}

bool op_response_delete(struct call *c)
{
    if (!world_forget(c->world, buf_str(&c->args[0])))
        return no_response(c);
    buf_add(&c->out->reply.body, S("{\"id\":\""));
    text_add_json(&c->out->reply.body, buf_str(&c->args[0]), SIZE_MAX);
    buf_add(&c->out->reply.body, S("\",\"object\":\"response\",\"deleted\":true}"));
    reply_field(&c->out->reply, S("content-type"), S("application/json"));
    return true;
}

/* Nothing runs in the background here, so nothing can be cancelled. */
bool op_response_cancel(struct call *c)
{
    struct buf found = {0};
    bool there = world_get(c->world, false, buf_str(&c->args[0]), &found, NULL);
    buf_fini(&found);
    if (!there)
        return no_response(c);
    return refusal_invalid(&c->refusal, "Only responses with background=true can be cancelled.");
}
