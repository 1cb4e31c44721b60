/* SPDX-License-Identifier: Apache-2.0
 *
 * The operations that ask no model for an answer: counting tokens, guardrails on their own,
 * asynchronous invocations. None of them is charged here.
 */
#include "call.h"

#include "base64.h"

#include "weir/base/text.h"

#include <stdio.h>
#include <string.h>

static void answer_json(struct call *c)
{
    reply_field(&c->out->reply, S("content-type"), S("application/json"));
}

static bool read_shaped(struct call *c, const struct shape *shape)
{
    return call_parse(c) && shape_check(&c->tree, tree_root(&c->tree), shape, &c->refusal);
}

/* --- CountTokens */

static bool count_invoke(struct call *c, const struct node *n)
{
    struct buf body = {0};
    struct tree tree = {0};
    bool good = base64_decode(&body, n->raw) && tree_parse(&tree, buf_str(&body)) == 0;
    if (!good)
        refusal_invalid(&c->refusal, "Malformed input request: the body is no JSON in base64, "
                                     "please reformat your input and try again.");
    else if (c->ref.model->family == MODEL_CLAUDE)
        good = prompt_read_claude(&c->prompt, &tree, false, true, &c->refusal);
    else if (c->ref.model->family == MODEL_NOVA)
        good = prompt_read_nova(&c->prompt, &tree, &c->refusal);
    else
        good = prompt_read_chat(&c->prompt, &tree, &c->refusal);
    tree_fini(&tree);
    buf_fini(&body);
    return good;
}

bool op_count_tokens(struct call *c)
{
    if (!call_model(c, buf_str(&c->args[0])) || !read_shaped(c, &shape_count_tokens))
        return false;
    const struct node *input = tree_get(&c->tree, tree_root(&c->tree), S("input"));
    const struct node *invoke = tree_have(&c->tree, input, S("invokeModel"));
    const struct node *converse = tree_have(&c->tree, input, S("converse"));
    if (invoke && !count_invoke(c, tree_get(&c->tree, invoke, S("body"))))
        return false;
    if (converse && !prompt_read_converse(&c->prompt, &c->tree, converse, &c->refusal))
        return false;
    buf_addf(&c->out->reply.body, "{\"inputTokens\":%llu}", (unsigned long long)c->prompt.tokens);
    answer_json(c);
    return true;
}

/* --- guardrails */

/* A text unit is up to 1,000 characters (Bedrock pricing). */
static unsigned long long text_units(const struct call *c)
{
    return (unsigned long long)((c->ask->body.len + 999) / 1000);
}

bool op_apply_guardrail(struct call *c)
{
    struct buf *b = &c->out->reply.body;
    bool steps_in = c->out->fault.guardrail;
    if (!read_shaped(c, &shape_apply_guardrail))
        return false;
    buf_addf(b,
             "{\"action\":\"%s\",\"actionReason\":\"%s\",\"assessments\":[{\"invocationMetrics\":{"
             "\"guardrailProcessingLatency\":12}}],\"outputs\":[%s],",
             steps_in ? "GUARDRAIL_INTERVENED" : "NONE",
             steps_in ? "Guardrail blocked." : "No action.",
             steps_in ? "{\"text\":\"Sorry, the simulator was told to block this.\"}" : "");
    buf_addf(b,
             "\"usage\":{\"automatedReasoningPolicies\":0,\"automatedReasoningPolicyUnits\":0,"
             "\"contentPolicyImageUnits\":0,\"contentPolicyUnits\":%llu,"
             "\"contextualGroundingPolicyUnits\":0,\"sensitiveInformationPolicyFreeUnits\":0,"
             "\"sensitiveInformationPolicyUnits\":0,\"topicPolicyUnits\":%llu,"
             "\"wordPolicyUnits\":0}}",
             text_units(c), text_units(c));
    answer_json(c);
    return true;
}

static void add_scores(struct call *c, struct buf *b, const struct node *config)
{
    const struct node *list = tree_get(&c->tree, config, S("categories"));
    bool first = true;
    buf_add(b, S("{\"results\":["));
    for (const struct node *n = tree_child(&c->tree, list); n; n = tree_next(&c->tree, n)) {
        struct str word = tree_get(&c->tree, n, S("category"))->raw;
        buf_addf(b, "%s{\"category\":\"%.*s\",\"severityScore\":%s}", first ? "" : ",",
                 STR_ARG(word), c->out->fault.guardrail ? "0.9" : "0.0");
        first = false;
    }
    buf_add(b, S("]}"));
}

bool op_guardrail_checks(struct call *c)
{
    static const struct str kinds[] = {STR("contentFilter"), STR("promptAttack"),
                                       STR("sensitiveInformation")};
    struct buf *b = &c->out->reply.body;
    struct buf usage = {0};
    if (!read_shaped(c, &shape_guardrail_checks))
        return false;
    const struct node *checks = tree_get(&c->tree, tree_root(&c->tree), S("checks"));
    buf_add(b, S("{\"results\":{"));
    for (size_t i = 0; i < 3; i++) {
        const struct node *config = tree_have(&c->tree, checks, kinds[i]);
        if (!config)
            continue;
        const char *comma = buf_len(&usage) ? "," : "";
        buf_addf(b, "%s\"%s\":", comma, kinds[i].ptr);
        if (i < 2)
            add_scores(c, b, config);
        else
            buf_add(b, S("{\"results\":[],\"truncated\":false}"));
        buf_addf(&usage, "%s\"%s\":{\"textUnits\":%llu}", comma, kinds[i].ptr, text_units(c));
    }
    buf_add(b, S("},\"usage\":{"));
    buf_add(b, buf_str(&usage));
    buf_add(b, S("}}"));
    buf_fini(&usage);
    answer_json(c);
    return true;
}

/* --- asynchronous invocations: done two seconds after their submission */

enum { JOB_MS = 2000 };

/* The job's members but status and end, which depend on when one asks. */
static void keep_job(struct call *c, struct str arn, struct str model)
{
    struct buf b = {0};
    char now[25];
    const struct node *root = tree_root(&c->tree);
    const struct node *token = tree_have(&c->tree, root, S("clientRequestToken"));
    text_iso_time_ms(world_cache_now_ms(c->world), now);
    buf_addf(&b, "{\"invocationArn\":\"%.*s\",", STR_ARG(arn));
    if (str_starts(model, S("arn:")))
        buf_add(&b, S("\"modelArn\":\""));
    else
        buf_add(&b, S("\"modelArn\":\"arn:aws:bedrock:us-east-1::foundation-model/"));
    text_add_json(&b, model, SIZE_MAX);
    if (token)
        buf_addf(&b, "\",\"clientRequestToken\":\"%.*s", STR_ARG(token->raw));
    buf_addf(&b, "\",\"submitTime\":\"%s\",\"lastModifiedTime\":\"%s\",\"outputDataConfig\":", now,
             now);
    buf_add(&b, tree_get(&c->tree, root, S("outputDataConfig"))->raw);
    world_keep(c->world, true, arn, buf_str(&b));
    buf_fini(&b);
}

static void make_arn(struct call *c, struct buf *arn)
{
    const struct node *token = tree_have(&c->tree, tree_root(&c->tree), S("clientRequestToken"));
    unsigned char digest[SHA256_BYTES];
    sha256_of(token ? token->raw : str_of(c->out->reply.request_id), digest);
    buf_add(arn, S("arn:aws:bedrock:us-east-1:123456789012:async-invoke/"));
    text_add_hex(arn, digest, 6);
}

bool op_async_start(struct call *c)
{
    struct buf arn = {0}, kept = {0};
    if (!read_shaped(c, &shape_start_async))
        return false;
    const struct node *model = tree_get(&c->tree, tree_root(&c->tree), S("modelId"));
    buf_add(&c->out->model, tree_text(model, &c->prompt.scratch));
    if (!call_model(c, buf_str(&c->out->model)))
        return false;
    make_arn(c, &arn);
    if (!world_get(c->world, true, buf_str(&arn), &kept, NULL))
        keep_job(c, buf_str(&arn), buf_str(&c->out->model));
    buf_addf(&c->out->reply.body, "{\"invocationArn\":\"%s\"}", buf_cstr(&arn));
    buf_fini(&arn);
    buf_fini(&kept);
    answer_json(c);
    return true;
}

static bool job_done(int64_t made_ms, int64_t now_ms)
{
    return now_ms >= made_ms + JOB_MS;
}

static void end_job(struct buf *b, int64_t made_ms, int64_t now_ms)
{
    char end[25];
    text_iso_time_ms(made_ms + JOB_MS, end);
    if (job_done(made_ms, now_ms))
        buf_addf(b, ",\"status\":\"Completed\",\"endTime\":\"%s\"}", end);
    else
        buf_add(b, S(",\"status\":\"InProgress\"}"));
}

bool op_async_get(struct call *c)
{
    int64_t made_ms = 0;
    struct buf *b = &c->out->reply.body;
    if (!world_get(c->world, true, buf_str(&c->args[0]), b, &made_ms))
        return refusal_invalid(&c->refusal, "The provided invocation ARN is invalid.");
    end_job(b, made_ms, world_cache_now_ms(c->world));
    answer_json(c);
    return true;
}

struct listing {
    struct buf *b;
    struct str status;
    int64_t now_ms;
    uint64_t left;
    bool comma;
};

static void list_job(void *arg, const struct world_kept *k)
{
    struct listing *l = arg;
    bool done = job_done(k->made_ms, l->now_ms);
    if (!k->json || l->left == 0 ||
        (l->status.len && !str_eq(l->status, done ? S("Completed") : S("InProgress"))))
        return;
    if (l->comma)
        buf_add_char(l->b, ',');
    buf_add(l->b, (struct str){k->json, k->json_bytes});
    end_job(l->b, k->made_ms, l->now_ms);
    l->comma = true;
    l->left--;
}

static struct str query_value(struct str query, struct str name)
{
    while (query.len) {
        struct str value = str_cut(&query, '&');
        if (str_eq(str_cut(&value, '='), name))
            return value;
    }
    return (struct str){0};
}

bool op_async_list(struct call *c)
{
    struct listing l = {&c->out->reply.body, query_value(c->query, S("statusEquals")),
                        world_cache_now_ms(c->world), 1000, false};
    struct str most = query_value(c->query, S("maxResults"));
    if (most.ptr && (!text_u64(most, &l.left) || l.left < 1 || l.left > 1000))
        return refusal_invalid(&c->refusal, "1 validation error detected: Value at 'maxResults' "
                                            "failed to satisfy constraint: Member must be from 1 "
                                            "to 1000");
    buf_add(l.b, S("{\"asyncInvokeSummaries\":["));
    world_each_job(c->world, list_job, &l);
    buf_add(l.b, S("]}"));
    answer_json(c);
    return true;
}
