/* SPDX-License-Identifier: Apache-2.0
 *
 * GetModelInvocationJob, ListModelInvocationJobs and StopModelInvocationJob (bedrock 2023-04-20).
 */
#include "call.h"

#include "weir/base/text.h"

enum { PAGE = 100, PAGE_MOST = 1000 };

static void add_text(struct buf *b, const char *name, struct str raw)
{
    buf_addf(b, "\"%s\":\"%.*s\",", name, STR_ARG(raw)); /* as it came: JSON inside */
}

static void add_time(struct buf *b, const char *name, int64_t ms)
{
    char text[25];
    text_iso_time_ms(ms, text);
    buf_addf(b, "\"%s\":\"%s\",", name, text);
}

static const char *shown_state(const struct job *job)
{
    bool other = job->state == JOB_IN_PROGRESS && job->order.show[0];
    return other ? job->order.show : job_state_word(job->state);
}

/* With the lock held. Without braces: what Get and List have in common. */
static void add_job(struct jobs *j, struct job *job, struct buf *b)
{
    const struct job_wish *w = &job->wish;
    const struct job_counts *n = jobs_counts(j, job);
    add_text(b, "jobArn", str_of(job->arn));
    add_text(b, "jobName", w->name);
    add_text(b, "modelId", w->model_arn);
    if (w->token.len)
        add_text(b, "clientRequestToken", w->token);
    add_text(b, "roleArn", w->role);
    add_text(b, "status", str_of(shown_state(job)));
    if (job->message[0]) {
        buf_add(b, S("\"message\":\""));
        text_add_json(b, str_of(job->message), SIZE_MAX);
        buf_add(b, S("\","));
    }
    add_time(b, "submitTime", job->made_ms);
    add_time(b, "lastModifiedTime", job->changed_ms);
    if (job->ended_ms)
        add_time(b, "endTime", job->ended_ms);
    add_time(b, "jobExpirationTime", job->expires_ms);
    buf_addf(b, "\"inputDataConfig\":%.*s,\"outputDataConfig\":%.*s,", STR_ARG(w->input),
             STR_ARG(w->output));
    if (w->vpc.len)
        buf_addf(b, "\"vpcConfig\":%.*s,", STR_ARG(w->vpc));
    buf_addf(b,
             "\"timeoutDurationInHours\":%u,\"modelInvocationType\":\"%s\","
             "\"totalRecordCount\":%llu,\"processedRecordCount\":%llu,\"successRecordCount\":%llu,"
             "\"errorRecordCount\":%llu",
             w->hours, w->converse ? "Converse" : "InvokeModel", (unsigned long long)n->total,
             (unsigned long long)n->processed, (unsigned long long)n->succeeded,
             (unsigned long long)n->errors);
}

static void answer_json(struct call *c)
{
    reply_field(&c->out->reply, S("content-type"), S("application/json"));
}

/* With the lock held; NULL with the refusal. */
static struct job *find(struct call *c)
{
    struct jobs *j = c->world->batch;
    struct job *job = jobs_find(j, buf_str(&c->args[0]));
    if (job && jobs_now_ms(j) >= job->made_ms + job->order.unknown_ms)
        return job;
    refusal_set(&c->refusal, 404, "ResourceNotFoundException",
                "Could not find a batch inference job with the identifier %.*s.",
                STR_ARG(str_sub(buf_str(&c->args[0]), 0, 200)));
    return NULL;
}

bool op_job_get(struct call *c)
{
    struct jobs *j = c->world->batch;
    pthread_mutex_lock(&j->lock);
    struct job *job = find(c);
    if (job) {
        buf_add_char(&c->out->reply.body, '{');
        add_job(j, job, &c->out->reply.body);
        buf_add_char(&c->out->reply.body, '}');
    }
    pthread_mutex_unlock(&j->lock);
    answer_json(c);
    return job != NULL;
}

bool op_job_stop(struct call *c)
{
    struct jobs *j = c->world->batch;
    pthread_mutex_lock(&j->lock);
    struct job *job = find(c);
    bool good = job != NULL;
    if (job && job->state >= JOB_COMPLETED) {
        good = refusal_set(&c->refusal, 400, "ConflictException",
                           "The job %s can't be stopped: its status is %s.", job->arn,
                           job_state_word(job->state));
    } else if (job) {
        job->stop = true;
        jobs_set_state(j, job, JOB_STOPPING);
    }
    pthread_mutex_unlock(&j->lock);
    buf_add(&c->out->reply.body, S("{}"));
    answer_json(c);
    return good;
}

/* --- list */

struct query {
    struct buf name;
    bool has_status, ascending;
    enum job_state status;
    int64_t after_s, before_s; /* 0, INT64_MAX: any */
    uint64_t most, from;
};

static bool bad_member(struct call *c, const char *name)
{
    return refusal_invalid(&c->refusal,
                           "1 validation error detected: Value at '%s' failed to satisfy "
                           "constraint.",
                           name);
}

static bool read_pair(struct call *c, struct query *q, struct str name, struct str value)
{
    if (str_eq(name, S("nameContains")))
        return buf_add(&q->name, value), true;
    if (str_eq(name, S("statusEquals")))
        return (q->has_status = job_state_read(value, &q->status)) || bad_member(c, "statusEquals");
    if (str_eq(name, S("submitTimeAfter")))
        return text_parse_iso_time(value, &q->after_s) || bad_member(c, "submitTimeAfter");
    if (str_eq(name, S("submitTimeBefore")))
        return text_parse_iso_time(value, &q->before_s) || bad_member(c, "submitTimeBefore");
    if (str_eq(name, S("maxResults")))
        return (text_u64(value, &q->most) && q->most >= 1 && q->most <= PAGE_MOST) ||
               bad_member(c, "maxResults");
    if (str_eq(name, S("nextToken")))
        return (str_starts(value, S("next")) && text_u64(str_from_offset(value, 4), &q->from)) ||
               bad_member(c, "nextToken");
    if (str_eq(name, S("sortBy")))
        return str_eq(value, S("CreationTime")) || bad_member(c, "sortBy");
    if (!str_eq(name, S("sortOrder")))
        return true;
    q->ascending = str_eq(value, S("Ascending"));
    return q->ascending || str_eq(value, S("Descending")) || bad_member(c, "sortOrder");
}

static bool read_query(struct call *c, struct query *q)
{
    struct str rest = c->query;
    bool good = true;
    while (rest.len && good) {
        struct buf decoded = {0};
        struct str value = str_cut(&rest, '&'), name = str_cut(&value, '=');
        model_decode_id(value, &decoded);
        good = read_pair(c, q, name, buf_str(&decoded));
        buf_fini(&decoded);
    }
    return good;
}

static bool is_wanted(struct jobs *j, const struct job *job, const struct query *q)
{
    int64_t lag = j->settings.list_lag_ms > job->order.hidden_ms ? j->settings.list_lag_ms
                                                                 : job->order.hidden_ms;
    return jobs_now_ms(j) >= job->made_ms + lag &&
           str_find(job->wish.name, buf_str(&q->name)) >= 0 &&
           (!q->has_status || job->state == q->status) && job->made_ms >= q->after_s * 1000 &&
           (q->before_s == INT64_MAX || job->made_ms <= q->before_s * 1000);
}

/* The wanted job that comes next by number behind (or before) this one; NULL: none. */
static struct job *next_of(struct jobs *j, const struct query *q, uint64_t from)
{
    struct job *best = NULL;
    for (struct job *job = j->newest; job; job = job->next) {
        bool behind = q->ascending ? job->number > from : job->number < from;
        if (!behind || !is_wanted(j, job, q))
            continue;
        if (!q->ascending)
            return job; /* newest first */
        best = job;
    }
    return best;
}

static void add_list(struct jobs *j, const struct query *q, struct buf *b)
{
    uint64_t at = q->from ? q->from : q->ascending ? 0 : UINT64_MAX;
    struct job *job = next_of(j, q, at);
    buf_add(b, S("{\"invocationJobSummaries\":["));
    for (uint64_t n = 0; job && n < q->most; n++) {
        buf_add(b, n ? S(",{") : S("{"));
        add_job(j, job, b);
        buf_add_char(b, '}');
        at = job->number;
        job = next_of(j, q, at);
    }
    buf_add_char(b, ']');
    if (job)
        buf_addf(b, ",\"nextToken\":\"next%llu\"", (unsigned long long)at);
    buf_add_char(b, '}');
}

bool op_job_list(struct call *c)
{
    struct jobs *j = c->world->batch;
    struct query q = {.most = PAGE, .before_s = INT64_MAX};
    bool good = read_query(c, &q);
    if (good) {
        pthread_mutex_lock(&j->lock);
        add_list(j, &q, &c->out->reply.body);
        pthread_mutex_unlock(&j->lock);
        answer_json(c);
    }
    buf_fini(&q.name);
    return good;
}
