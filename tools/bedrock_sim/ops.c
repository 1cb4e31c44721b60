/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of operations, and the order in which a request is looked at: who asks, what shall go
 * wrong, then the operation.
 */
#include "call.h"

#include "weir/base/text.h"

#include <stdio.h>
#include <string.h>

static const struct op {
    const char *name;
    struct str method, path; /* {} is one segment */
    enum reply_dialect dialect;
    call_run *run;
    bool model_in_path;
    const char *service; /* of its signature; NULL: bedrock */
} ops[] = {
    {"PutMetricData", STR("POST"), STR("/"), REPLY_AWS, op_put_metrics, false, "monitoring"},
    {"Converse", STR("POST"), STR("/model/{}/converse"), REPLY_AWS, op_converse, true},
    {"ConverseStream", STR("POST"), STR("/model/{}/converse-stream"), REPLY_AWS, op_converse_stream,
     true},
    {"InvokeModel", STR("POST"), STR("/model/{}/invoke"), REPLY_AWS, op_invoke, true},
    {"InvokeModelWithResponseStream", STR("POST"), STR("/model/{}/invoke-with-response-stream"),
     REPLY_AWS, op_invoke_stream, true},
    {"CountTokens", STR("POST"), STR("/model/{}/count-tokens"), REPLY_AWS, op_count_tokens, true},
    {"ApplyGuardrail", STR("POST"), STR("/guardrail/{}/version/{}/apply"), REPLY_AWS,
     op_apply_guardrail, false},
    {"InvokeGuardrailChecks", STR("POST"), STR("/guardrail-checks/invoke"), REPLY_AWS,
     op_guardrail_checks, false},
    {"StartAsyncInvoke", STR("POST"), STR("/async-invoke"), REPLY_AWS, op_async_start, false},
    {"ListAsyncInvokes", STR("GET"), STR("/async-invoke"), REPLY_AWS, op_async_list, false},
    {"GetAsyncInvoke", STR("GET"), STR("/async-invoke/{}"), REPLY_AWS, op_async_get, false},
    {"CreateModelInvocationJob", STR("POST"), STR("/model-invocation-job"), REPLY_AWS,
     op_job_create, false},
    {"GetModelInvocationJob", STR("GET"), STR("/model-invocation-job/{}"), REPLY_AWS, op_job_get,
     false},
    {"StopModelInvocationJob", STR("POST"), STR("/model-invocation-job/{}/stop"), REPLY_AWS,
     op_job_stop, false},
    {"ListModelInvocationJobs", STR("GET"), STR("/model-invocation-jobs"), REPLY_AWS, op_job_list,
     false},
    {"GetInferenceProfile", STR("GET"), STR("/inference-profiles/{}"), REPLY_AWS, op_get_profile,
     false},
    {"Messages", STR("POST"), STR("/anthropic/v1/messages"), REPLY_ANTHROPIC, op_messages, false},
    {"MessagesCountTokens", STR("POST"), STR("/anthropic/v1/messages/count_tokens"),
     REPLY_ANTHROPIC, op_messages_count, false},
    {"ChatCompletions", STR("POST"), STR("/openai/v1/chat/completions"), REPLY_OPENAI, op_chat,
     false},
    {"Responses", STR("POST"), STR("/openai/v1/responses"), REPLY_OPENAI, op_responses, false},
    {"GetResponse", STR("GET"), STR("/openai/v1/responses/{}"), REPLY_OPENAI, op_response_get,
     false},
    {"DeleteResponse", STR("DELETE"), STR("/openai/v1/responses/{}"), REPLY_OPENAI,
     op_response_delete, false},
    {"CancelResponse", STR("POST"), STR("/openai/v1/responses/{}/cancel"), REPLY_OPENAI,
     op_response_cancel, false},
};

static bool match_path(struct str pattern, struct str path, struct buf args[2])
{
    size_t n = 0;
    while (pattern.ptr && path.ptr) {
        struct str want = str_cut(&pattern, '/'), have = str_cut(&path, '/');
        if (!str_eq(want, S("{}"))) {
            if (!str_eq(want, have))
                return false;
            continue;
        }
        if (have.len == 0)
            return false;
        buf_clear(&args[n]);
        model_decode_id(have, &args[n++]);
    }
    return pattern.ptr == NULL && path.ptr == NULL;
}

static const struct op *find_op(struct call *c)
{
    struct str path = c->ask->target;
    path = str_cut(&path, '?');
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (str_eq(ops[i].method, c->ask->method) && match_path(ops[i].path, path, c->args))
            return &ops[i];
    return NULL;
}

static bool unknown_operation(struct call *c)
{
    return refusal_set(&c->refusal, 404, "UnknownOperationException",
                       "The requested operation is not recognized by the service.");
}

static bool let_in(struct call *c, const struct op *op)
{
    struct sigcheck_request r = {
        c->ask->method, c->ask->target, c->ask->authority, c->ask->fields, {0}};
    memcpy(r.body_sha256, c->ask->body_sha256, SHA256_BYTES);
    bool anthropic = c->out->reply.dialect == REPLY_ANTHROPIC;
    struct str service = str_of(op && op->service ? op->service : "bedrock");
    return auth_check(&c->world->auth, &r, anthropic, service, world_auth_now_s(c->world),
                      &c->out->account, &c->refusal);
}

/* What is not Bedrock's has no path of its own: there faults are ordered by the operation's name
 * alone. */
static void take_faults(struct call *c, const struct op *op)
{
    struct world_fault_wish wish = {.target = op && op->service ? S("") : c->ask->target,
                                    .operation = str_of(op ? op->name : "Unknown"),
                                    .tier = world_has_faults(c->world) ? call_tier_asked(c)
                                                                       : (struct str){0}};
    if (!world_take_fault(c->world, &wish, &c->out->fault))
        fault_read_prompt(&c->out->fault, c->ask->body);
    if (c->out->fault.tier[0] && !fault_is_for(&c->out->fault, call_tier_asked(c)))
        fault_init(&c->out->fault);
}

/* CloudWatch throttles with 400. */
static void as_cloudwatch(struct refusal *r)
{
    if (r->status != 429)
        return;
    r->status = 400;
    r->type = "ThrottlingException";
}

/* x-amzn-query-mode asks for the names that errors had in the query protocol. */
static void name_for_query(struct call *c)
{
    char name[80];
    const char *type = c->refusal.type, *end = strstr(type, "Exception");
    if (!str_eq(fields_get(c->ask->fields, S("x-amzn-query-mode")), S("true")))
        return;
    snprintf(name, sizeof name, "%.*s;%s", end ? (int)(end - type) : (int)strlen(type), type,
             c->refusal.status < 500 ? "Sender" : "Receiver");
    reply_field(&c->out->reply, S("x-amzn-query-error"), str_of(name));
}

static void run(struct call *c)
{
    struct ops_result *out = c->out;
    const struct op *op = find_op(c);
    if (op) {
        out->operation = op->name;
        out->reply.dialect = op->dialect;
    }
    if (op && op->model_in_path)
        buf_add(&out->model, buf_str(&c->args[0]));
    take_faults(c, op);
    bool good = let_in(c, op) && (op || unknown_operation(c)) && call_fault(c) && op->run(c);
    if (good)
        return;
    out->charge.charged = false;
    if (op && op->service)
        as_cloudwatch(&c->refusal);
    reply_refuse(&out->reply, &c->refusal, out->fault.retry_after);
    if (op && op->service)
        name_for_query(c);
}

/* By the clock that signatures are judged by, as AWS does: an SDK corrects its own from it. */
static void add_date(struct world *w, struct ops_result *out)
{
    char date[30];
    text_http_date(world_auth_now_s(w), date);
    reply_field(&out->reply, S("date"), str_of(date));
}

static void call_fini(struct call *c)
{
    buf_fini(&c->args[0]);
    buf_fini(&c->args[1]);
    tree_fini(&c->tree);
    prompt_fini(&c->prompt);
    answer_fini(&c->answer);
}

static void begin(struct ops_result *out)
{
    *out = (struct ops_result){.operation = "Unknown", .account = S("anonymous")};
    reply_init(&out->reply);
    fault_init(&out->fault);
}

void ops_answer(struct world *w, const struct ops_request *r, struct ops_result *out)
{
    struct call c = {.world = w, .ask = r, .out = out};
    begin(out);
    c.query = r->target;
    (void)str_cut(&c.query, '?');
    run(&c);
    add_date(w, out);
    call_fini(&c);
}

bool ops_early(struct world *w, const struct ops_request *r, struct ops_result *out)
{
    struct fault f;
    struct call c = {.world = w, .ask = r, .out = out};
    struct world_fault_wish wish = {.target = r->target, .early = true};
    if (!world_take_fault(w, &wish, &f))
        return false;
    begin(out);
    out->fault = f;
    const struct op *op = find_op(&c);
    out->operation = op ? op->name : "Unknown";
    out->reply.dialect = op ? op->dialect : REPLY_AWS;
    if (call_fault(&c))
        refusal_set(&c.refusal, 503, "ServiceUnavailableException",
                    "The simulator was told to answer early.");
    reply_refuse(&out->reply, &c.refusal, f.retry_after);
    add_date(w, out);
    call_fini(&c);
    return true;
}

bool ops_answer_record(struct world *w, const struct ops_record *r, struct ops_result *out,
                       struct refusal *why)
{
    static const struct fields none;
    struct ops_request ask = {
        .method = S("POST"), .target = S("/"), .fields = &none, .body = r->body};
    struct call c = {.world = w, .ask = &ask, .out = out, .batch = true};
    begin(out);
    out->account = r->account;
    sha256_of(r->body, ask.body_sha256);
    buf_add(&c.args[0], r->model_id);
    buf_add(&out->model, r->model_id);
    fault_read_prompt(&out->fault, r->body);
    bool good = call_fault(&c) && (r->converse ? op_converse(&c) : op_invoke(&c));
    *why = c.refusal;
    call_fini(&c);
    return good;
}

void ops_result_fini(struct ops_result *out)
{
    reply_fini(&out->reply);
    buf_fini(&out->model);
}
