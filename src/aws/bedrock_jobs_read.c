/* SPDX-License-Identifier: Apache-2.0
 *
 * The answers are trees of cJSON, which are kept until the call ends: the jobs' strings stay where
 * they are. Names, patterns and limits: service model bedrock 2023-04-20 (November 2026).
 */
#include "bedrock_jobs_read.h"

#include "control_plane.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/wire/aws_error.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

struct bedrock_jobs_tree {
    cJSON *json;
    struct bedrock_jobs_tree *next;
};

/* --- answers */

static struct str member(const cJSON *o, const char *name)
{
    const cJSON *s = cJSON_GetObjectItemCaseSensitive(o, name);
    return cJSON_IsString(s) ? str_of(s->valuestring) : (struct str){NULL, 0};
}

static uint32_t count(const cJSON *o, const char *name)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(o, name);
    if (!cJSON_IsNumber(n) || !(n->valuedouble > 0))
        return 0;
    return n->valuedouble < (double)UINT32_MAX ? (uint32_t)n->valuedouble : UINT32_MAX;
}

static bool add_job(struct bedrock_jobs_found *f, const cJSON *o)
{
    struct bedrock_job j = {.arn = member(o, "jobArn"),
                            .name = member(o, "jobName"),
                            .token = member(o, "clientRequestToken"),
                            .status = member(o, "status"),
                            .message = member(o, "message"),
                            .model = member(o, "modelId"),
                            .total = count(o, "totalRecordCount"),
                            .processed = count(o, "processedRecordCount"),
                            .succeeded = count(o, "successRecordCount"),
                            .errors = count(o, "errorRecordCount")};
    if (!j.arn.len)
        return false;
    if (!text_parse_iso_time(member(o, "jobExpirationTime"), &j.expires_s))
        j.expires_s = 0;
    if (f->n == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 4;
        f->jobs = mem_grow(f->jobs, f->cap * sizeof *f->jobs);
    }
    f->jobs[f->n++] = j;
    return true;
}

static bool add_page(struct bedrock_jobs_found *f, const cJSON *o)
{
    const cJSON *jobs = cJSON_GetObjectItemCaseSensitive(o, "invocationJobSummaries"), *job;
    f->next_token = member(o, "nextToken");
    cJSON_ArrayForEach(job, jobs) if (!add_job(f, job)) return false;
    return cJSON_IsArray(jobs) || cJSON_IsObject(o);
}

bool bedrock_jobs_read(struct bedrock_jobs_found *f, struct str json, bool page)
{
    struct bedrock_jobs_tree *t = mem_new(sizeof *t);
    t->json = cJSON_ParseWithLength(json.ptr ? json.ptr : "", json.len);
    t->next = f->trees;
    f->trees = t;
    f->next_token = (struct str){NULL, 0};
    return page ? add_page(f, t->json) : add_job(f, t->json);
}

void bedrock_jobs_found_fini(struct bedrock_jobs_found *f)
{
    while (f->trees) {
        struct bedrock_jobs_tree *t = f->trees;
        f->trees = t->next;
        cJSON_Delete(t->json);
        mem_free(t);
    }
    mem_free(f->jobs);
    *f = (struct bedrock_jobs_found){0};
}

void bedrock_jobs_why(const struct fetch_answer *a, char why[BEDROCK_JOBS_WHY_MOST])
{
    if (a->end != ORIGIN_DONE) {
        snprintf(why, BEDROCK_JOBS_WHY_MOST, "Bedrock's control plane does not answer: %s",
                 a->why ? a->why : "unknown");
        return;
    }
    cJSON *o = cJSON_ParseWithLength(a->body.ptr ? a->body.ptr : "", a->body.len);
    struct str message = member(o, "message"),
               type = str_sub(aws_error_type(a->fields, a->body), 0, 100);
    if (!message.len)
        message = member(o, "Message"); /* so do the layers before the service */
    if (!text_is_plain(message))
        message.len = 0;
    snprintf(why, BEDROCK_JOBS_WHY_MOST, "%d%s%.*s%s%.*s", a->status, type.len ? " " : "",
             STR_ARG(type), message.len ? ": " : "", STR_ARG(str_sub(message, 0, 250)));
    cJSON_Delete(o);
}

/* --- what may be asked */

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Letters, digits and those of `more`, at least one and at most `most`. */
static bool made_of(struct str s, const char *more, size_t most)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_alnum(s.ptr[i]) && !(s.ptr[i] && strchr(more, s.ptr[i])))
            return false;
    return s.len > 0 && s.len <= most;
}

const char *bedrock_jobs_wrong_name(struct str name)
{
    if (!made_of(name, "-+.", 63) || !is_alnum(name.ptr[0]))
        return "a job's name is made of 1 to 63 letters, digits, '-', '+' and '.', the first a "
               "letter or digit";
    return NULL;
}

static bool token_ok(struct str t)
{
    return made_of(t, "-", 256) && is_alnum(t.ptr[0]) && is_alnum(t.ptr[t.len - 1]);
}

static bool bucket_ok(struct str b)
{
    for (size_t i = 0; i < b.len; i++)
        if (b.ptr[i] >= 'A' && b.ptr[i] <= 'Z')
            return false;
    return b.len >= 3 && made_of(b, "-.", 63) && is_alnum(b.ptr[0]) && is_alnum(b.ptr[b.len - 1]);
}

static bool uri_ok(struct str uri)
{
    if (!str_starts(uri, S("s3://")) || uri.len > 1024)
        return false;
    struct str rest = str_from_offset(uri, 5);
    if (!bucket_ok(str_cut(&rest, '/')))
        return false;
    while (rest.len)
        if (!made_of(str_cut(&rest, '/'), "-!_*'().", 1024))
            return false;
    return true;
}

static bool owner_ok(struct str o)
{
    for (size_t i = 0; i < o.len; i++)
        if (o.ptr[i] < '0' || o.ptr[i] > '9')
            return false;
    return o.len == 0 || o.len == 12;
}

const char *bedrock_jobs_wrong(const struct bedrock_jobs_create *c)
{
    if (bedrock_jobs_wrong_name(c->name))
        return bedrock_jobs_wrong_name(c->name);
    if (!token_ok(c->token))
        return "a job's token is made of 1 to 256 letters and digits, with '-' between them";
    if (!c->model.len || c->model.len > 2048)
        return "a job needs a model";
    if (!str_starts(c->role_arn, S("arn:aws")) || str_find(c->role_arn, S(":role/")) < 0 ||
        c->role_arn.len > 2048)
        return "a job needs the ARN of a role";
    if (!uri_ok(c->input_uri) || !uri_ok(c->output_uri))
        return "an S3 address of a job is s3://BUCKET/KEY, the key made of letters, digits and "
               "\"-!_*'().\" between slashes";
    if (!owner_ok(c->owner))
        return "a bucket's owner is an account of 12 digits";
    if (c->hours < 24 || c->hours > 168)
        return "a job takes 24 to 168 hours at most";
    return NULL;
}
