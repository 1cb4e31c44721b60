/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of jobs. It is a list: tests make hundreds, not millions.
 */
#include "jobs.h"

#include "world.h"

#include "weir/base/mem.h"
#include "weir/base/random.h"
#include "weir/base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HOUR_MS = 3600 * 1000, PATIENCE_S = 3 };

static const char *const words[JOB_STATES] = {
    [JOB_SUBMITTED] = "Submitted", [JOB_VALIDATING] = "Validating",
    [JOB_SCHEDULED] = "Scheduled", [JOB_IN_PROGRESS] = "InProgress",
    [JOB_STOPPING] = "Stopping",   [JOB_COMPLETED] = "Completed",
    [JOB_FAILED] = "Failed",       [JOB_PARTIAL] = "PartiallyCompleted",
    [JOB_STOPPED] = "Stopped",     [JOB_EXPIRED] = "Expired"};

const char *job_state_word(enum job_state s)
{
    return words[s];
}

bool job_state_read(struct str word, enum job_state *out)
{
    for (size_t i = 0; i < JOB_STATES; i++) {
        if (!str_eq(word, str_of(words[i])))
            continue;
        *out = (enum job_state)i;
        return true;
    }
    return false;
}

struct jobs *jobs_new(struct world *w)
{
    struct jobs *j = mem_new(sizeof *j);
    j->world = w;
    j->settings = (struct jobs_settings){.job_ms = JOBS_JOB_MS,
                                         .quota = JOBS_QUOTA,
                                         .min_records = JOBS_MIN_RECORDS,
                                         .max_records = JOBS_MAX_RECORDS};
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->moved, NULL);
    return j;
}

static void drop(struct job *job)
{
    buf_fini(&job->text);
    mem_free(job);
}

/* Tells every thread to go and waits for that. */
static bool wait_for_threads(struct jobs *j)
{
    struct timespec until;
    int timed_out = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    for (struct job *job = j->newest; job; job = job->next)
        job->dropped = true;
    pthread_cond_broadcast(&j->moved);
    while (j->running && timed_out != ETIMEDOUT)
        timed_out = pthread_cond_timedwait(&j->moved, &j->lock, &until);
    return j->running == 0;
}

void jobs_reset(struct jobs *j)
{
    pthread_mutex_lock(&j->lock);
    bool idle = wait_for_threads(j);
    struct job *job = j->newest;
    j->newest = NULL;
    j->orders.n = 0;
    pthread_mutex_unlock(&j->lock);
    while (idle && job) { /* else they stay, for their threads */
        struct job *next = job->next;
        drop(job);
        job = next;
    }
}

bool jobs_free(struct jobs *j)
{
    jobs_reset(j);
    pthread_mutex_lock(&j->lock);
    bool idle = j->running == 0;
    pthread_mutex_unlock(&j->lock);
    if (!idle)
        return false;
    pthread_mutex_destroy(&j->lock);
    pthread_cond_destroy(&j->moved);
    mem_free(j);
    return true;
}

int64_t jobs_now_ms(struct jobs *j)
{
    return world_cache_now_ms(j->world);
}

struct job *jobs_find(struct jobs *j, struct str id)
{
    for (struct job *job = j->newest; job; job = job->next)
        if (str_eq(str_of(job->id), id) || str_eq(str_of(job->arn), id))
            return job;
    return NULL;
}

void jobs_set_state(struct jobs *j, struct job *job, enum job_state s)
{
    job->state = s;
    job->changed_ms = jobs_now_ms(j);
    if (s >= JOB_COMPLETED)
        job->ended_ms = job->changed_ms;
    pthread_cond_broadcast(&j->moved);
}

const struct job_counts *jobs_counts(struct jobs *j, struct job *job)
{
    int64_t now = jobs_now_ms(j);
    if (now - job->shown_ms >= j->settings.counts_lag_ms) {
        job->shown = job->counts;
        job->shown_ms = now;
    }
    return &job->shown;
}

/* --- create */

static struct str copy(struct job *job, struct str s)
{
    struct str kept = {job->text.data + job->text.tail, s.len};
    buf_add(&job->text, s);
    return kept;
}

static void copy_wish(struct job *job, const struct job_wish *w)
{
    struct str job_wish_none = {0};
    struct job_wish *to = &job->wish;
    const struct str *from[] = {&w->name,      &w->token,   &w->role,      &w->model_id,
                                &w->model_arn, &w->account, &w->input_uri, &w->output_uri,
                                &w->input,     &w->output,  &w->vpc};
    struct str *into[] = {&to->name,      &to->token,   &to->role,      &to->model_id,
                          &to->model_arn, &to->account, &to->input_uri, &to->output_uri,
                          &to->input,     &to->output,  &to->vpc};
    size_t n = 1;
    *to = *w;
    for (size_t i = 0; i < sizeof from / sizeof *from; i++)
        n += from[i]->len;
    buf_reserve(&job->text, n); /* so that nothing moves */
    for (size_t i = 0; i < sizeof from / sizeof *from; i++)
        *into[i] = from[i]->len ? copy(job, *from[i]) : job_wish_none;
}

static bool is_same(const struct job_wish *a, const struct job_wish *b)
{
    return str_eq(a->name, b->name) && str_eq(a->role, b->role) &&
           str_eq(a->model_id, b->model_id) && str_eq(a->input, b->input) &&
           str_eq(a->output, b->output) && a->converse == b->converse && a->hours == b->hours;
}

static struct job *of_token(struct jobs *j, const struct job_wish *w)
{
    struct job *job = j->newest;
    while (job && (w->token.len == 0 || !str_eq(job->wish.token, w->token)))
        job = job->next;
    return job;
}

static enum jobs_made known(struct jobs *j, struct job *job, const struct job_wish *w)
{
    job->came++;
    job->other += !is_same(&job->wish, w);
    return j->settings.same_token == JOB_SAME_EMPTY      ? JOBS_EMPTY
           : j->settings.same_token == JOB_SAME_CONFLICT ? JOBS_CONFLICT
                                                         : JOBS_KNOWN;
}

static bool name_is_taken(const struct jobs *j, struct str name)
{
    const struct job *job = j->newest;
    while (job && !str_eq(job->wish.name, name))
        job = job->next;
    return job && j->settings.unique_names;
}

static bool is_full(const struct jobs *j, struct str model)
{
    uint64_t n = 0;
    for (const struct job *job = j->newest; job; job = job->next)
        n += job->state < JOB_COMPLETED && str_eq(job->wish.model_arn, model);
    return n >= j->settings.quota;
}

static void start(struct jobs *j, struct job *job)
{
    struct job_thread *t = mem_new(sizeof *t);
    pthread_t id;
    *t = (struct job_thread){j, job};
    j->running++;
    if (pthread_create(&id, NULL, job_run, t) != 0)
        abort();
    pthread_detach(id);
}

static struct job *make(struct jobs *j, const struct job_wish *w, const struct job_order *order)
{
    struct job *job = mem_new(sizeof *job);
    unsigned char noise[6];
    struct buf id = {0};
    random_bytes(noise, sizeof noise);
    text_add_hex(&id, noise, sizeof noise);
    memcpy(job->id, buf_cstr(&id), sizeof job->id);
    snprintf(job->arn, sizeof job->arn,
             "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/%s", job->id);
    buf_fini(&id);
    copy_wish(job, w);
    job->order = *order;
    job->number = ++j->made;
    job->came = 1;
    job->made_ms = job->changed_ms = job->shown_ms = jobs_now_ms(j);
    job->expires_ms = job->made_ms + (int64_t)w->hours * HOUR_MS;
    job->span_ms = order->job_ms >= 0 ? order->job_ms : j->settings.job_ms;
    job->next = j->newest;
    j->newest = job;
    start(j, job);
    return job;
}

static enum jobs_made create(struct jobs *j, const struct job_wish *w, struct job **out)
{
    static const enum jobs_made refused[] = {[JOB_NO_ROLE] = JOBS_NO_ROLE,
                                             [JOB_NO_ACCOUNT] = JOBS_NO_ACCOUNT,
                                             [JOB_NO_QUOTA] = JOBS_NO_QUOTA,
                                             [JOB_CONFLICT] = JOBS_CONFLICT};
    struct job_order order;
    if ((*out = of_token(j, w)))
        return known(j, *out, w);
    if (name_is_taken(j, w->name))
        return JOBS_NAME_TAKEN;
    job_orders_take(&j->orders, w->name, w->model_id, &order);
    if (order.refuse)
        return refused[order.refuse];
    if (is_full(j, w->model_arn))
        return JOBS_NO_QUOTA;
    *out = make(j, w, &order);
    return order.empty ? JOBS_EMPTY : JOBS_MADE;
}

enum jobs_made jobs_create(struct jobs *j, const struct job_wish *w, struct buf *arn)
{
    struct job *job = NULL;
    pthread_mutex_lock(&j->lock);
    enum jobs_made how = create(j, w, &job);
    if (job)
        buf_add(arn, str_of(job->arn));
    pthread_mutex_unlock(&j->lock);
    return how;
}
