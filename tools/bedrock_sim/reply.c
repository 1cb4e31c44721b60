/* SPDX-License-Identifier: Apache-2.0
 *
 * Building answers, and errors in three dialects:
 *
 *     AWS        x-amzn-errortype: ValidationException:http://...   {"message":"..."}
 *     Anthropic  {"type":"error","error":{"type":"...","message":"..."},"request_id":"..."}
 *     OpenAI     {"error":{"message":"...","type":"...","param":null,"code":"..."}}
 */
#include "reply.h"

#include "weir/base/mem.h"
#include "weir/base/random.h"
#include "weir/base/text.h"

#include <assert.h>
#include <stdio.h>

static void make_id(char out[37])
{
    uint64_t a = random_u64(), b = random_u64();
    snprintf(out, 37, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
             (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
             (unsigned)(0x8000 | (b >> 48 & 0x3fff)), (unsigned long long)(b & 0xffffffffffffULL));
}

void reply_init(struct reply *r)
{
    *r = (struct reply){.status = 200};
    arena_init(&r->arena, 64 * 1024);
    make_id(r->request_id);
    reply_field(r, S("x-amzn-requestid"), str_of(r->request_id));
}

void reply_fini(struct reply *r)
{
    arena_fini(&r->arena);
    buf_fini(&r->body);
    mem_free(r->ends);
    r->ends = NULL;
}

void reply_field(struct reply *r, struct str name, struct str value)
{
    assert(r->n_fields < sizeof r->fields / sizeof *r->fields);
    struct field *f = &r->fields[r->n_fields++];
    f->name = arena_dup(&r->arena, name);
    f->value = arena_dup(&r->arena, value);
    assert(!r->arena.full);
}

void reply_field_u64(struct reply *r, struct str name, uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    reply_field(r, name, str_of(digits));
}

void reply_piece(struct reply *r)
{
    if (r->n_ends == r->cap_ends) {
        r->cap_ends = r->cap_ends ? r->cap_ends * 2 : 16;
        r->ends = mem_grow(r->ends, r->cap_ends * sizeof *r->ends);
    }
    r->ends[r->n_ends++] = buf_len(&r->body);
}

static const struct {
    int status;
    const char *anthropic, *openai;
} error_words[] = {
    {400, "invalid_request_error", "invalid_request_error"},
    {401, "authentication_error", "invalid_request_error"},
    {403, "permission_error", "permission_error"},
    {404, "not_found_error", "not_found_error"},
    {408, "timeout_error", "timeout"},
    {413, "request_too_large", "invalid_request_error"},
    {429, "rate_limit_error", "rate_limit_error"},
    {500, "api_error", "server_error"},
    {503, "api_error", "server_error"},
    {529, "overloaded_error", "server_error"},
};

const char *reply_error_word(enum reply_dialect d, int status)
{
    bool anthropic = d == REPLY_ANTHROPIC;
    for (size_t i = 0; i < sizeof error_words / sizeof *error_words; i++)
        if (error_words[i].status == status)
            return anthropic ? error_words[i].anthropic : error_words[i].openai;
    return status < 500 ? "invalid_request_error" : anthropic ? "api_error" : "server_error";
}

static void add_message(struct buf *b, const struct refusal *why)
{
    buf_add_char(b, '"');
    text_add_json(b, str_of(why->message), SIZE_MAX);
    buf_add_char(b, '"');
}

static void refuse_aws(struct reply *r, const struct refusal *why)
{
    char type[160];
    snprintf(type, sizeof type, "%s:http://internal.amazon.com/coral/com.amazon.%s/", why->type,
             why->capital ? "coral.service" : "bedrock");
    reply_field(r, S("x-amzn-errortype"), str_of(type));
    buf_add(&r->body, why->capital ? S("{\"Message\":") : S("{\"message\":"));
    add_message(&r->body, why);
    buf_add_char(&r->body, '}');
}

static void refuse_other(struct reply *r, const struct refusal *why)
{
    const char *word = reply_error_word(r->dialect, why->status);
    if (r->dialect == REPLY_ANTHROPIC)
        buf_addf(&r->body, "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":", word);
    else
        buf_add(&r->body, S("{\"error\":{\"message\":"));
    add_message(&r->body, why);
    if (r->dialect == REPLY_ANTHROPIC)
        buf_addf(&r->body, "},\"request_id\":\"req_%s\"}", r->request_id);
    else
        buf_addf(&r->body, ",\"type\":\"%s\",\"param\":null,\"code\":\"%s\"}}", word,
                 why->capital ? "invalid_api_key" : why->type);
}

void reply_refuse(struct reply *r, const struct refusal *why, int64_t retry_after)
{
    buf_clear(&r->body);
    r->n_fields = 1; /* the request id stays */
    r->n_ends = 0;
    r->stream = false;
    r->status = why->status;
    r->error = why->type;
    reply_field(r, S("content-type"), S("application/json"));
    if (retry_after >= 0)
        reply_field_u64(r, S("retry-after"), (uint64_t)retry_after);
    if (r->dialect == REPLY_AWS)
        refuse_aws(r, why);
    else
        refuse_other(r, why);
}
