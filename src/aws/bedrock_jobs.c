/* SPDX-License-Identifier: Apache-2.0
 *
 * Four calls of Bedrock's control plane; service model: bedrock 2023-04-20. What a call asks is
 * built here, what its answer means stands in one table, what it says in aws/bedrock_jobs_read.
 * A list is one call that asks for page after page.
 *
 * What the service would refuse by its patterns is refused here, before it is sent.
 */
#include "weir/aws/bedrock_jobs.h"

#include "bedrock_jobs_read.h"
#include "control_plane.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/wire/aws_error.h"
#include "weir/wire/json_out.h"
#include "weir/wire/uri.h"

#include <stdio.h>
#include <string.h>

enum {
    TRY_MS = 30 * 1000,
    PAGES_MOST = 20,
    PAGE_JOBS = 100,
    PAGE_BYTES_MOST = 1024 * 1024, /* a summary has 4 KiB at most, as a rule 1 */
    RETRY_MOST_S = 3600
};

enum kind { CREATE, GET, LIST, STOP };

struct bedrock_jobs {
    struct control_plane plane;
};

struct bedrock_jobs_call {
    struct control_call call;
    enum kind kind;
    bedrock_jobs_done *done;
    void *arg;
    struct later early; /* it is told without being asked */
    const char *early_why;
    struct buf name; /* what a list asks for */
    struct bedrock_jobs_found found;
    unsigned pages;
    bool too_many; /* of them */
    char why[BEDROCK_JOBS_WHY_MOST];
};

struct bedrock_jobs *bedrock_jobs_new(struct loop *l, struct dns *dns,
                                      const struct bedrock_control_options *o)
{
    struct bedrock_jobs *b = mem_new(sizeof *b);
    control_plane_init(&b->plane, l, dns, o);
    return b;
}

void bedrock_jobs_free(struct bedrock_jobs *b)
{
    if (b)
        control_plane_fini(&b->plane);
    mem_free(b);
}

void bedrock_jobs_drop(struct bedrock_jobs_call *c)
{
    control_call_drop((struct control_call *)c);
}

/* --- what an answer means */

static enum bedrock_jobs_end judge_400(enum kind kind, struct str type)
{
    static const struct {
        struct str type;
        enum bedrock_jobs_end end;
    } rows[] = {
        {STR("ConflictException"), BEDROCK_JOBS_UNKNOWN},
        {STR("ServiceQuotaExceededException"), BEDROCK_JOBS_LATER},
        {STR("ThrottlingException"), BEDROCK_JOBS_LATER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (str_eq(rows[i].type, type))
            return kind == STOP && i == 0 ? BEDROCK_JOBS_GOOD : rows[i].end;
    /* The next credentials are good, or the clock is by then. */
    bool passes = aws_error_stale(type) || aws_error_signature(type);
    return passes ? BEDROCK_JOBS_LATER : BEDROCK_JOBS_REFUSED;
}

static enum bedrock_jobs_end judge(enum kind kind, const struct fetch_answer *a)
{
    if (a->end == ORIGIN_UNSENT || a->end == ORIGIN_UNREACHABLE)
        return BEDROCK_JOBS_LATER;
    if (a->end != ORIGIN_DONE)
        return BEDROCK_JOBS_UNKNOWN;
    if (a->status == 200)
        return BEDROCK_JOBS_GOOD;
    if (a->status == 404)
        return kind == CREATE ? BEDROCK_JOBS_REFUSED : BEDROCK_JOBS_NONE;
    if (a->status == 429)
        return BEDROCK_JOBS_LATER;
    if (a->status == 400 || a->status == 403)
        return judge_400(kind, aws_error_type(a->fields, a->body));
    if (a->status == 409)
        return kind == STOP ? BEDROCK_JOBS_GOOD : BEDROCK_JOBS_UNKNOWN;
    bool may_be_done = a->status >= 500 || a->status == 408 || a->status < 300;
    return may_be_done ? BEDROCK_JOBS_UNKNOWN : BEDROCK_JOBS_REFUSED;
}

static int64_t retry_ms(const struct fetch_answer *a)
{
    uint64_t s;
    if (!text_u64(fields_get(a->fields, S("retry-after")), &s) || s > RETRY_MOST_S)
        return 0;
    return (int64_t)s * 1000;
}

static void tell(struct bedrock_jobs_call *c, enum bedrock_jobs_end end,
                 const struct fetch_answer *a)
{
    bool good = end == BEDROCK_JOBS_GOOD;
    struct bedrock_jobs_answer answer = {.end = end,
                                         .status = a->status,
                                         .retry_ms = good ? 0 : retry_ms(a),
                                         .why = good ? "" : c->why,
                                         .jobs = c->found.jobs,
                                         .n = good || c->too_many ? c->found.n : 0};
    c->done(c->arg, &answer);
}

/* --- the questions */

static void target_of_list(struct bedrock_jobs_call *c, struct str next_token)
{
    struct buf *t = &c->call.target;
    buf_clear(t);
    buf_addf(t, "/model-invocation-jobs?maxResults=%d&nameContains=", PAGE_JOBS);
    uri_encode_segment(t, buf_str(&c->name));
    if (next_token.len) {
        buf_add(t, S("&nextToken="));
        uri_encode_segment(t, next_token);
    }
    buf_add(t, S("&sortBy=CreationTime&sortOrder=Descending"));
}

/* True when the next page was asked for. */
static bool ask_next(struct bedrock_jobs_call *c)
{
    if (c->kind != LIST || !c->found.next_token.len || ++c->pages == PAGES_MOST)
        return false;
    target_of_list(c, c->found.next_token);
    control_call_ask(&c->call);
    return true;
}

static bool on_answer(struct control_call *call, const struct fetch_answer *a)
{
    struct bedrock_jobs_call *c = (struct bedrock_jobs_call *)call;
    enum bedrock_jobs_end end = judge(c->kind, a);
    if (end != BEDROCK_JOBS_GOOD) {
        bedrock_jobs_why(a, c->why);
    } else if (c->kind != STOP && !bedrock_jobs_read(&c->found, a->body, c->kind == LIST)) {
        end = BEDROCK_JOBS_UNKNOWN;
        snprintf(c->why, sizeof c->why, "the answer tells no job");
    } else if (ask_next(c)) {
        return false;
    } else if (c->found.next_token.len) {
        end = BEDROCK_JOBS_UNKNOWN;
        c->too_many = true;
        snprintf(c->why, sizeof c->why, "the list has more than %d pages", PAGES_MOST);
    }
    tell(c, end, a);
    return true;
}

static void fini(struct control_call *call)
{
    struct bedrock_jobs_call *c = (struct bedrock_jobs_call *)call;
    later_cancel(&c->early);
    buf_fini(&c->name);
    bedrock_jobs_found_fini(&c->found);
}

static void tell_early(void *arg)
{
    struct bedrock_jobs_call *c = arg;
    static const struct fields none;
    struct fetch_answer a = {.fields = &none};
    snprintf(c->why, sizeof c->why, "%s", c->early_why);
    c->call.telling = true;
    tell(c, c->call.creds ? BEDROCK_JOBS_REFUSED : BEDROCK_JOBS_LATER, &a);
    control_call_free(&c->call);
}

static struct bedrock_jobs_call *call_new(struct bedrock_jobs *b, struct creds *creds,
                                          enum kind kind, bedrock_jobs_done *done, void *arg)
{
    struct bedrock_jobs_call *c = control_call_new(&b->plane, sizeof *c, creds);
    c->kind = kind;
    c->done = done;
    c->arg = arg;
    c->call.method = kind == CREATE || kind == STOP ? S("POST") : S("GET");
    c->call.try_ms = TRY_MS;
    c->call.max_bytes = kind == LIST ? PAGE_BYTES_MOST : 0;
    c->call.on_answer = on_answer;
    c->call.fini = fini;
    later_init(&c->early, tell_early, c);
    return c;
}

/* `wrong`: why it is never asked; NULL: it is. */
static struct bedrock_jobs_call *start(struct bedrock_jobs_call *c, const char *wrong)
{
    c->early_why = c->call.creds ? wrong : "there are no credentials";
    if (c->early_why)
        loop_later(c->call.plane->tools.loop, &c->early);
    else
        control_call_ask(&c->call);
    return c;
}

static void add_member(struct json_out *o, const char *key, struct str value)
{
    if (!value.len)
        return;
    json_out_key(o, str_of(key));
    json_out_string(o, value);
}

static void write_create(struct buf *body, const struct bedrock_jobs_create *c)
{
    struct json_out o = {.buf = body};
    json_out_object(&o);
    add_member(&o, "jobName", c->name);
    add_member(&o, "clientRequestToken", c->token);
    add_member(&o, "roleArn", c->role_arn);
    add_member(&o, "modelId", c->model);
    add_member(&o, "modelInvocationType", c->converse ? S("Converse") : S("InvokeModel"));
    json_out_key(&o, S("inputDataConfig"));
    json_out_object(&o);
    json_out_key(&o, S("s3InputDataConfig"));
    json_out_object(&o);
    add_member(&o, "s3Uri", c->input_uri);
    add_member(&o, "s3InputFormat", S("JSONL"));
    add_member(&o, "s3BucketOwner", c->owner);
    json_out_end(&o);
    json_out_end(&o);
    json_out_key(&o, S("outputDataConfig"));
    json_out_object(&o);
    json_out_key(&o, S("s3OutputDataConfig"));
    json_out_object(&o);
    add_member(&o, "s3Uri", c->output_uri);
    add_member(&o, "s3EncryptionKeyId", c->kms_key);
    add_member(&o, "s3BucketOwner", c->owner);
    json_out_end(&o);
    json_out_end(&o);
    json_out_key(&o, S("timeoutDurationInHours"));
    json_out_u64(&o, c->hours);
    json_out_end(&o);
}

struct bedrock_jobs_call *bedrock_jobs_create(struct bedrock_jobs *b, struct creds *creds,
                                              const struct bedrock_jobs_create *c,
                                              bedrock_jobs_done *done, void *arg)
{
    struct bedrock_jobs_call *call = call_new(b, creds, CREATE, done, arg);
    buf_add(&call->call.target, S("/model-invocation-job"));
    write_create(&call->call.body, c);
    return start(call, bedrock_jobs_wrong(c));
}

static void target_of_job(struct bedrock_jobs_call *c, struct str arn, const char *act)
{
    buf_add(&c->call.target, S("/model-invocation-job/"));
    uri_encode_segment(&c->call.target, arn);
    buf_add(&c->call.target, str_of(act));
}

static const char *wrong_arn(struct str arn)
{
    return arn.len ? NULL : "a job needs an ARN";
}

struct bedrock_jobs_call *bedrock_jobs_get(struct bedrock_jobs *b, struct creds *creds,
                                           struct str arn, bedrock_jobs_done *done, void *arg)
{
    struct bedrock_jobs_call *c = call_new(b, creds, GET, done, arg);
    target_of_job(c, arn, "");
    return start(c, wrong_arn(arn));
}

struct bedrock_jobs_call *bedrock_jobs_list(struct bedrock_jobs *b, struct creds *creds,
                                            struct str name, bedrock_jobs_done *done, void *arg)
{
    struct bedrock_jobs_call *c = call_new(b, creds, LIST, done, arg);
    buf_add(&c->name, name);
    target_of_list(c, (struct str){NULL, 0});
    return start(c, bedrock_jobs_wrong_name(name));
}

struct bedrock_jobs_call *bedrock_jobs_stop(struct bedrock_jobs *b, struct creds *creds,
                                            struct str arn, bedrock_jobs_done *done, void *arg)
{
    struct bedrock_jobs_call *c = call_new(b, creds, STOP, done, arg);
    target_of_job(c, arn, "/stop");
    return start(c, wrong_arn(arn));
}
