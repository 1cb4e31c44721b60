/* SPDX-License-Identifier: Apache-2.0
 *
 * The shared steps of the operations, and the wrapping of stream events.
 */
#include "call.h"

#include "base64.h"
#include "frame.h"

#include "weir/base/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool call_parse(struct call *c)
{
    if (c->ask->body.len && tree_parse(&c->tree, c->ask->body) == 0)
        return true;
    const char *why = c->ask->body.len ? c->tree.error : "Unexpected end of input";
    if (c->out->reply.dialect == REPLY_AWS)
        return refusal_set(&c->refusal, 400, "SerializationException", "%s at offset %zu", why,
                           c->tree.error_at);
    return refusal_invalid(&c->refusal, "The request body is not valid JSON: %s at offset %zu", why,
                           c->tree.error_at);
}

bool call_model(struct call *c, struct str id)
{
    if (!model_find(id, &c->ref, &c->refusal))
        return false;
    c->prompt.model = c->ref.model;
    return true;
}

bool call_body_model(struct call *c)
{
    const struct node *model = tree_get(&c->tree, tree_root(&c->tree), S("model"));
    if (!tree_is(model, TREE_STRING))
        return refusal_invalid(&c->refusal, "model: Field required");
    struct buf scratch = {0};
    buf_add(&c->out->model, tree_text(model, &scratch));
    buf_fini(&scratch);
    return call_model(c, buf_str(&c->out->model));
}

bool call_tier(struct call *c, struct str tier)
{
    static const char *const known[] = {"default", "priority", "flex", "reserved"};
    if (tier.len == 0 || str_eq(tier, S("auto")))
        return true;
    for (size_t i = 0; i < 4; i++) {
        if (!str_eq(tier, str_of(known[i])))
            continue;
        bool special = i == 1 || i == 2;
        if (special && !c->ref.model->tiers)
            break;
        memcpy(c->out->charge.tier, known[i], strlen(known[i]));
        return true;
    }
    return refusal_invalid(&c->refusal,
                           "The provided service tier is not supported for this model.");
}

/* In a body that nobody has parsed yet: as clients write it, and only where a fault may need it. */
struct str call_tier_asked(struct call *c)
{
    static const struct str members[] = {STR("\"serviceTier\""), STR("\"service_tier\"")};
    static const struct str tiers[] = {STR("flex"), STR("priority"), STR("reserved")};
    struct str said = str_trim(fields_get(c->ask->fields, S("x-amzn-bedrock-service-tier")));
    for (size_t i = 0; i < 2 && said.len == 0; i++) {
        ptrdiff_t at = str_find(c->ask->body, members[i]);
        struct str near = at < 0 ? (struct str){0} : str_sub(c->ask->body, (size_t)at, 64);
        for (size_t k = 0; k < 3 && said.len == 0; k++)
            if (str_find(near, tiers[k]) >= 0)
                said = tiers[k];
    }
    return said;
}

bool call_fault(struct call *c)
{
    const struct fault *f = &c->out->fault;
    int64_t status = f->status;
    if (f->once && world_first_time(c->world, c->ask->body_sha256))
        status = f->once;
    if (refusal_known(f->error))
        status = refusal_status_of(f->error);
    if (f->refuse) /* never processed: nothing is charged, written or answered */
        status = 503;
    if (status < 200 || status > 599)
        return true;
    const char *known = refusal_known(f->error);
    return refusal_set(&c->refusal, (int)status, known ? known : refusal_type_of((int)status),
                       "The simulator was told to answer %d.", (int)status);
}

static struct str tool_to_call(struct call *c)
{
    bool wanted = c->prompt.tool_forced || c->out->fault.tool;
    if (!wanted || !tree_is(c->prompt.tool, TREE_STRING))
        return (struct str){0};
    buf_clear(&c->prompt.scratch);
    return tree_text(c->prompt.tool, &c->prompt.scratch);
}

static void charge(struct call *c)
{
    struct ledger_charge *out = &c->out->charge;
    out->charged = true;
    if (c->batch)
        memcpy(out->tier, "batch", sizeof "batch");
    out->input = c->use.plain;
    out->cache_read = c->use.read;
    out->write_5m = c->use.write_5m;
    out->write_30m = c->use.write_30m;
    out->write_1h = c->use.write_1h;
    out->output = c->answer.tokens;
}

void call_think(struct call *c)
{
    struct str id = buf_str(&c->out->model);
    prompt_question(&c->prompt, id, c->question);
    if (c->batch)
        c->use = (struct promptcache_use){.plain = c->prompt.tokens};
    else
        world_settle(c->world, &c->prompt, c->out->account, id, &c->use);
    answer_make(&c->answer, c->question, c->prompt.max_tokens, tool_to_call(c), &c->out->fault);
    memcpy(c->out->question, c->answer.hash, sizeof c->out->question);
    charge(c);
}

struct str call_latency_served(const struct call *c)
{
    struct str id = c->ref.model->prefix;
    bool has = str_eq(id, S("amazon.nova-pro")) || str_eq(id, S("anthropic.claude-3-5-haiku")) ||
               str_starts(c->ref.id, S("us.meta.llama3-1"));
    return has && str_eq(c->latency, S("optimized")) ? S("optimized") : S("standard");
}

uint64_t call_latency_ms(const struct call *c)
{
    return 120 + c->question[0];
}

uint64_t call_written(const struct call *c)
{
    return c->use.write_5m + c->use.write_30m + c->use.write_1h;
}

void call_add_text(const struct call *c, struct buf *b)
{
    text_add_json(b, buf_str(&c->answer.text), SIZE_MAX);
}

void call_add_delta(const struct call *c, struct buf *b, size_t i)
{
    text_add_json(b, answer_delta(&c->answer, i), SIZE_MAX);
}

/* --- streams */

void call_stream(struct call *c, enum call_emit emit)
{
    struct reply *r = &c->out->reply;
    c->emit = emit;
    memcpy(&c->pad_state, c->question + 16, sizeof c->pad_state);
    c->pad_state = (c->pad_state ^ c->world->seed) | 1;
    r->stream = true;
    reply_field(r, S("content-type"),
                emit <= CALL_CHUNK ? S("application/vnd.amazon.eventstream")
                                   : S("text/event-stream; charset=utf-8"));
    if (emit >= CALL_SSE)
        reply_field(r, S("cache-control"), S("no-cache"));
}

/* The first n of these letters, as Bedrock does it: n is random, here seeded. */
static void add_padding(struct call *c, struct buf *b)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    c->pad_state ^= c->pad_state << 13;
    c->pad_state ^= c->pad_state >> 7;
    c->pad_state ^= c->pad_state << 17;
    buf_add(b, S(",\"p\":\""));
    buf_add(b, str_from(letters, c->pad_state % sizeof letters));
    buf_add(b, S("\"}"));
}

static void add_chunk(struct call *c, struct buf *payload, struct str json)
{
    buf_add(payload, S("{\"bytes\":\""));
    base64_add(payload, json);
    buf_add_char(payload, '"');
    add_padding(c, payload);
}

static void spoil_checksum(struct call *c)
{
    struct buf *body = &c->out->reply.body;
    body->data[body->tail - 1] ^= 0x55;
}

static void add_sse(struct call *c, struct str type, struct str json)
{
    struct buf *body = &c->out->reply.body;
    if (c->emit == CALL_SSE) {
        buf_add(body, S("event: "));
        buf_add(body, type);
        buf_add_char(body, '\n');
    }
    buf_add(body, S("data: "));
    buf_add(body, json);
    buf_add(body, S("\n\n"));
}

void call_event(struct call *c, struct str type, struct str json)
{
    struct buf payload = {0};
    if (c->emit >= CALL_SSE) {
        add_sse(c, type, json);
    } else if (c->emit == CALL_CHUNK) {
        add_chunk(c, &payload, json);
        frame_add_event(&c->out->reply.body, S("chunk"), buf_str(&payload));
    } else {
        buf_add(&payload, str_sub(json, 0, json.len - 1));
        add_padding(c, &payload);
        frame_add_event(&c->out->reply.body, type, buf_str(&payload));
    }
    if (++c->events == 2 && c->out->fault.bad_crc && c->emit <= CALL_CHUNK)
        spoil_checksum(c);
    buf_fini(&payload);
    reply_piece(&c->out->reply);
}

void call_eventf(struct call *c, struct str type, const char *format, ...)
{
    char small[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    assert(n > 0 && n < (int)sizeof small);
    call_event(c, type, (struct str){small, (size_t)n});
}

static void break_frames(struct call *c)
{
    const struct fault *f = &c->out->fault;
    struct buf payload = {0};
    struct buf *body = &c->out->reply.body;
    buf_add(&payload, S("{\"message\":\"The simulator was told to break this stream.\""));
    if (strcmp(f->exception, "modelStreamErrorException") == 0)
        buf_add(&payload, S(",\"originalStatusCode\":500,\"originalMessage\":\"told to\""));
    buf_add_char(&payload, '}');
    if (f->exception[0])
        frame_add_exception(body, str_of(f->exception), buf_str(&payload));
    else
        frame_add_error(body, str_of(f->frame_error),
                        S("The simulator was told to break this stream."));
    buf_fini(&payload);
}

static void break_sse(struct call *c)
{
    if (c->emit == CALL_SSE)
        add_sse(c, S("error"),
                S("{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":"
                  "\"The simulator was told to break this stream.\"}}"));
    else
        add_sse(c, S("error"),
                S("{\"error\":{\"message\":\"The simulator was told to break this stream.\","
                  "\"type\":\"server_error\",\"param\":null,\"code\":null}}"));
}

bool call_breaks(struct call *c, size_t i)
{
    const struct fault *f = &c->out->fault;
    size_t at = c->answer.deltas < 2 ? c->answer.deltas : 2;
    if (i != at || (!f->exception[0] && !f->frame_error[0]))
        return false;
    if (c->emit <= CALL_CHUNK)
        break_frames(c);
    else
        break_sse(c);
    reply_piece(&c->out->reply);
    return true;
}
