/* SPDX-License-Identifier: Apache-2.0
 *
 * One act of one job: S3 or the control plane is asked, and what it answers becomes one event.
 * Nothing is decided here. The job's row was written before; so whatever happens in between, the
 * act may be done again.
 */
#include "batch_jobs.h"
#include "weir/base/clock.h"
#include "weir/base/hook.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"

#include <inttypes.h>
#include <string.h>

enum {
    PUTS_MOST = 2, /* at a time: each has a part of 8 MiB in memory */
    HOURS_LEAST = 24,
    HOURS_MOST = 168,
    HOUR_MS = 3600 * 1000
};

static void drop_keys(struct batch_work *w)
{
    struct list *n;
    while ((n = list_take(&w->doomed)))
        mem_free(LIST_OF(n, struct batch_key, node));
}

void batch_act_drop(struct batch_work *w)
{
    s3_drop(w->s3);
    bedrock_jobs_drop(w->ask);
    batch_pack_free(w->pack);
    batch_collect_free(w->collect);
    drop_keys(w);
    w->s3 = NULL;
    w->ask = NULL;
    w->pack = NULL;
    w->collect = NULL;
    w->acting = w->in_line = false;
}

static void end_act(struct batch_work *w, enum batch_event event, struct str why)
{
    const struct batch_news n = {.event = event, .why = why};
    batch_work_event(w, &n);
}

static struct s3 *s3_of(struct batch_work *w)
{
    return batch_place_of_work(w)->s3;
}

/* --- the input */

static void on_put(void *arg, enum s3_end end, struct str why)
{
    static const enum batch_event events[] = {[S3_GOOD] = BATCH_PUT_DONE,
                                              [S3_NONE] = BATCH_PUT_REFUSED,
                                              [S3_REFUSED] = BATCH_PUT_REFUSED,
                                              [S3_FAILED] = BATCH_PUT_FAILED};
    struct batch_work *w = arg;
    w->s3 = NULL;
    (void)HOOK("batch.put");
    end_act(w, events[end], end == S3_GOOD ? S("") : why);
}

static bool has_turn(const struct batch *b)
{
    unsigned n = 0;
    for (const struct list *l = b->jobs.next; l != &b->jobs; l = l->next)
        n += LIST_OF(l, struct batch_work, node)->pack != NULL;
    return n < PUTS_MOST;
}

void batch_act_put(struct batch_work *w)
{
    struct buf key = {0};
    struct s3 *s3 = s3_of(w);
    w->in_line = !has_turn(w->batch);
    if (w->in_line)
        return;
    if (!s3) {
        end_act(w, BATCH_PUT_REFUSED, S("batch.bucket is not set"));
        return;
    }
    batch_work_key(w, "in.jsonl", &key);
    w->pack = batch_pack_new(w);
    w->s3 = s3_put(s3, buf_str(&key), S("application/jsonl"), batch_pack_more, on_put, w);
    buf_fini(&key);
}

/* --- the control plane */

static struct str text_of(const char *why)
{
    return str_of(why); /* NULL is the empty one */
}

static const struct bedrock_job *first(const struct bedrock_jobs_answer *a)
{
    return a->n ? &a->jobs[0] : NULL;
}

static void on_created(void *arg, const struct bedrock_jobs_answer *a)
{
    static const enum batch_event events[] = {[BEDROCK_JOBS_GOOD] = BATCH_CREATE_UNKNOWN,
                                              [BEDROCK_JOBS_NONE] = BATCH_CREATE_REFUSED,
                                              [BEDROCK_JOBS_REFUSED] = BATCH_CREATE_REFUSED,
                                              [BEDROCK_JOBS_LATER] = BATCH_CREATE_LATER,
                                              [BEDROCK_JOBS_UNKNOWN] = BATCH_CREATE_UNKNOWN};
    struct batch_work *w = arg;
    const struct bedrock_job *j = first(a);
    struct batch_news n = {.event = events[a->end], .why = text_of(a->why)};
    w->ask = NULL;
    (void)HOOK("batch.create.after");
    if (a->end == BEDROCK_JOBS_GOOD && j && j->arn.len) {
        n.event = BATCH_CREATE_DONE;
        n.arn = j->arn;
    } else if (a->end == BEDROCK_JOBS_GOOD)
        n.why = S("the job's creation was answered without an ARN");
    batch_work_event(w, &n);
}

static unsigned hours_of(const struct batch_job *j)
{
    int64_t left_ms = j->deadline_ms - clock_wall_ms();
    int64_t hours = (left_ms + HOUR_MS - 1) / HOUR_MS;
    return hours < HOURS_LEAST ? HOURS_LEAST : hours > HOURS_MOST ? HOURS_MOST : (unsigned)hours;
}

static void create(struct batch_work *w, struct creds *creds)
{
    const struct config_batch *c = &w->batch->setup->config->batch;
    struct buf name = {0}, in = {0}, out = {0};
    batch_work_name(w, &name);
    buf_addf(&in, "s3://%s/", w->row.bucket);
    batch_work_key(w, "in.jsonl", &in);
    buf_addf(&out, "s3://%s/", w->row.bucket);
    batch_work_key(w, "out/", &out);
    const struct bedrock_jobs_create job = {.name = buf_str(&name),
                                            .token = str_of(w->row.token),
                                            .model = w->pool->model,
                                            .role_arn = c->role_arn,
                                            .converse = w->pool->kind == BATCH_CONVERSE,
                                            .input_uri = buf_str(&in),
                                            .output_uri = buf_str(&out),
                                            .owner = str_of(w->row.owner),
                                            .kms_key = c->kms_key,
                                            .hours = hours_of(&w->row)};
    (void)HOOK("batch.create.before");
    w->ask = bedrock_jobs_create(w->batch->control, creds, &job, on_created, w);
    buf_fini(&name);
    buf_fini(&in);
    buf_fini(&out);
}

static void on_listed(void *arg, const struct bedrock_jobs_answer *a)
{
    struct batch_work *w = arg;
    struct batch_news n = {.event = BATCH_NOT_LISTED};
    w->ask = NULL;
    for (size_t i = 0; i < a->n; i++) {
        const struct bedrock_job *j = &a->jobs[i];
        if (!batch_row_is(spool_instance(w->batch->spool), &w->row, j))
            continue;
        n.event = BATCH_LISTED;
        n.arn = j->arn;
        n.status = batch_status_read(j->status);
    }
    if (a->end != BEDROCK_JOBS_GOOD) {
        n.event = BATCH_ASK_FAILED;
        n.why = text_of(a->why);
    }
    batch_work_event(w, &n);
}

static void on_told(void *arg, const struct bedrock_jobs_answer *a)
{
    struct batch_work *w = arg;
    const struct bedrock_job *j = first(a);
    w->ask = NULL;
    if (a->end != BEDROCK_JOBS_GOOD || !j) {
        end_act(w, a->end == BEDROCK_JOBS_NONE ? BATCH_UNKNOWN_ARN : BATCH_ASK_FAILED,
                text_of(a->why));
        return;
    }
    const struct batch_news n = {.event = BATCH_TOLD,
                                 .why = j->message,
                                 .status = batch_status_read(j->status),
                                 .total = j->total,
                                 .processed = j->processed,
                                 .succeeded = j->succeeded,
                                 .errors = j->errors};
    batch_work_event(w, &n);
}

static void on_stop(void *arg, const struct bedrock_jobs_answer *a)
{
    struct batch_work *w = arg;
    enum batch_event event = a->end == BEDROCK_JOBS_GOOD   ? BATCH_STOP_TAKEN
                             : a->end == BEDROCK_JOBS_NONE ? BATCH_UNKNOWN_ARN
                                                           : BATCH_ASK_FAILED;
    w->ask = NULL;
    end_act(w, event, text_of(a->why));
}

static void ask_list(struct batch_work *w, struct creds *creds)
{
    struct buf stem = {0};
    batch_work_stem(w, &stem);
    w->ask = bedrock_jobs_list(w->batch->control, creds, buf_str(&stem), on_listed, w);
    buf_fini(&stem);
}

static void ask_control(struct batch_work *w, enum batch_act act)
{
    struct batch *b = w->batch;
    struct creds *creds = batch_creds(b, w->pool->client, w->pool->role);
    struct str arn = str_of(w->row.arn);
    if (!creds || !b->control)
        end_act(w, act == BATCH_CREATE ? BATCH_CREATE_LATER : BATCH_ASK_FAILED,
                creds ? S("the control plane has no address") : S("there are no credentials"));
    else if (act == BATCH_CREATE)
        create(w, creds);
    else if (act == BATCH_LIST)
        ask_list(w, creds);
    else if (act == BATCH_GET)
        w->ask = bedrock_jobs_get(b->control, creds, arn, on_told, w);
    else
        w->ask = bedrock_jobs_stop(b->control, creds, arn, on_stop, w);
    creds_unref(creds);
}

/* --- the end: every object of the job's folder goes, and uploads that were left open there */

static void list_keys(struct batch_work *w);

static void delete_next(struct batch_work *w);

static void on_deleted(void *arg, enum s3_end end, struct str why)
{
    struct batch_work *w = arg;
    w->s3 = NULL;
    if (end == S3_GOOD || end == S3_NONE)
        delete_next(w);
    else
        end_act(w, BATCH_CLEAN_FAILED, why);
}

static void delete_next(struct batch_work *w)
{
    struct list *n = list_take(&w->doomed);
    if (n) {
        struct batch_key *k = LIST_OF(n, struct batch_key, node);
        w->s3 = s3_delete(s3_of(w), str_from(k->bytes, k->len), on_deleted, w);
        mem_free(k);
        return;
    }
    if (w->more_keys) {
        list_keys(w);
        return;
    }
    (void)HOOK("batch.clean");
    end_act(w, BATCH_CLEANED, S(""));
}

static void on_keys(void *arg, const struct s3_listed *l)
{
    struct batch_work *w = arg;
    w->s3 = NULL;
    if (l->end != S3_GOOD && l->end != S3_NONE) {
        end_act(w, BATCH_CLEAN_FAILED, l->why);
        return;
    }
    w->more_keys = l->end == S3_GOOD && l->more && l->n;
    for (size_t i = 0; l->end == S3_GOOD && i < l->n; i++) {
        struct batch_key *k = mem_new(sizeof *k + l->keys[i].len);
        k->len = l->keys[i].len;
        memcpy(k->bytes, l->keys[i].ptr, k->len);
        list_init(&k->node);
        list_append(&w->doomed, &k->node);
    }
    delete_next(w);
}

static void list_keys(struct batch_work *w)
{
    struct buf prefix = {0};
    batch_work_key(w, "", &prefix);
    w->s3 = s3_list(s3_of(w), buf_str(&prefix), on_keys, w);
    buf_fini(&prefix);
}

/* Who may not list uploads has the bucket's life cycle rules for them. */
static void on_uploads_aborted(void *arg, enum s3_end end, struct str why)
{
    struct batch_work *w = arg;
    struct batch_place *p = batch_place_of_work(w);
    w->s3 = NULL;
    if (end == S3_FAILED) {
        end_act(w, BATCH_CLEAN_FAILED, why);
        return;
    }
    bool no_bucket = str_find(why, S("NoSuchBucket")) >= 0; /* nor any upload */
    if (end == S3_REFUSED && !no_bucket && !p->told_uploads)
        log_say(LOG_INFO, "batch",
                "uploads that were left open cannot be listed and aborted: %.*s; a life cycle rule "
                "of the bucket removes them, if there is one",
                STR_ARG(why));
    p->told_uploads |= end == S3_REFUSED && !no_bucket;
    list_keys(w);
}

static void clean(struct batch_work *w)
{
    struct buf prefix = {0};
    struct s3 *s3 = s3_of(w);
    if (!s3) {
        end_act(w, BATCH_CLEAN_FAILED, S("batch.bucket is not set"));
        return;
    }
    batch_work_key(w, "", &prefix);
    w->s3 = s3_abort_uploads(s3, buf_str(&prefix), on_uploads_aborted, w);
    buf_fini(&prefix);
}

/* --- */

void batch_act_begin(struct batch_work *w, enum batch_act act)
{
    if (act == BATCH_WAIT)
        return;
    w->acting = true;
    switch (act) {
    case BATCH_WAIT:
    case BATCH_ACTS:
        break;
    case BATCH_PUT:
        batch_act_put(w);
        break;
    case BATCH_CREATE:
    case BATCH_LIST:
    case BATCH_GET:
    case BATCH_STOP:
        ask_control(w, act);
        break;
    case BATCH_READ:
        batch_collect_begin(w);
        break;
    case BATCH_CLEAN:
        clean(w);
        break;
    }
}
