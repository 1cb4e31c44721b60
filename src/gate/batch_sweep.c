/* SPDX-License-Identifier: Apache-2.0
 *
 * A job of ours that no row knows spends money for nobody: the spool was lost, or an older copy of
 * it was put back. At the start and each hour the list of jobs is asked for our names, with Weir's
 * own credentials and with those of each client's role, whose jobs are in its account; such a job
 * is stopped, and the log says so. Of a very long list the newest are enough: a job has an end
 * after a week.
 */
#include "batch_jobs.h"
#include "weir/base/log.h"
#include "weir/base/text.h"

#include <stdio.h>

enum { SWEEP_EVERY_MS = 3600 * 1000, SWEEP_AGAIN_MS = 60 * 1000, SWEEP_NEXT_MS = 1000 };

/* --- whose jobs: b->sweep_at is 0 for Weir's own, else a client of the configuration */

static struct creds *creds_at(struct batch *b)
{
    const struct config_client *c = b->setup->config->clients;
    return b->sweep_at ? batch_creds(b, c[b->sweep_at - 1].name, c[b->sweep_at - 1].role_arn)
                       : batch_creds(b, S(""), S(""));
}

/* False: that was the last one. What may not wait never comes into a job. */
static bool next_account(struct batch *b)
{
    const struct config *c = b->setup->config;
    while (b->sweep_at < c->n_clients) {
        const struct config_client *client = &c->clients[b->sweep_at++];
        if (client->role_arn.len && client->persist)
            return true;
    }
    b->sweep_at = 0;
    return false;
}

static void end_account(struct batch *b, bool good)
{
    int64_t now_ms = loop_now_ms(b->loop);
    b->sweep_failed |= !good;
    if (next_account(b)) {
        b->swept_ms = now_ms;
        return;
    }
    b->swept_ms = now_ms + (b->sweep_failed ? SWEEP_AGAIN_MS : SWEEP_EVERY_MS);
    b->sweep_failed = false;
}

void batch_sweep_anew(struct batch *b)
{
    bedrock_jobs_drop(b->sweep);
    b->sweep = NULL;
    b->sweep_at = 0;
    b->sweep_tried = 0;
}

/* --- orphans */

static void on_stopped(void *arg, const struct bedrock_jobs_answer *a)
{
    struct batch *b = arg;
    bool good = a->end == BEDROCK_JOBS_GOOD;
    b->sweep = NULL;
    b->sweep_failed |= !good;
    if (!good)
        log_say(LOG_WARN, "batch", "it could not be stopped: %s", a->why);
    b->swept_ms = loop_now_ms(b->loop) + SWEEP_NEXT_MS; /* there may be more of them */
}

/* "weir-0123abcd-12", and what follows */
static bool is_ours(struct batch *b, struct str name, uint64_t *out_number)
{
    struct str instance = spool_instance(b->spool);
    if (!str_starts(name, S("weir-")))
        return false;
    struct str rest = str_from_offset(name, 5);
    struct str who = str_cut(&rest, '-');
    return str_eq(who, instance) && text_u64(str_cut(&rest, '-'), out_number);
}

static bool is_orphan(struct batch *b, const struct bedrock_job *j)
{
    uint64_t number;
    if (batch_status_ends(batch_status_read(j->status)) ||
        batch_status_read(j->status) == BATCH_STOP_ASKED || !is_ours(b, j->name, &number))
        return false;
    const struct batch_work *w = batch_work_find(b, number);
    return !w || !batch_row_is(spool_instance(b->spool), &w->row, j);
}

/* The newest of those that were not tried yet: one that cannot be stopped is in no other's way. */
static const struct bedrock_job *next_orphan(struct batch *b, const struct bedrock_jobs_answer *a)
{
    const struct bedrock_job *next = NULL;
    uint64_t number, newest = 0;
    for (size_t i = 0; i < a->n; i++) {
        const struct bedrock_job *j = &a->jobs[i];
        if (!is_orphan(b, j) || !is_ours(b, j->name, &number) || number <= newest ||
            (b->sweep_tried && number >= b->sweep_tried))
            continue;
        newest = number;
        next = j;
    }
    b->sweep_tried = newest;
    return next;
}

static void stop(struct batch *b, const struct bedrock_job *j)
{
    struct creds *creds = creds_at(b);
    log_say(LOG_WARN, "batch",
            "job %.*s (%.*s) is ours by its name, and the spool knows nothing of it: it is stopped",
            STR_ARG(j->name), STR_ARG(j->arn));
    b->sweep = bedrock_jobs_stop(b->control, creds, j->arn, on_stopped, b);
    creds_unref(creds);
}

static void on_list(void *arg, const struct bedrock_jobs_answer *a)
{
    struct batch *b = arg;
    const struct bedrock_job *orphan = next_orphan(b, a);
    /* A client's role need not be allowed to have jobs. */
    bool told =
        a->end == BEDROCK_JOBS_GOOD || a->n || (b->sweep_at && a->end == BEDROCK_JOBS_REFUSED);
    b->sweep = NULL;
    if (orphan)
        stop(b, orphan);
    else
        end_account(b, told);
}

void batch_sweep_look(struct batch *b)
{
    struct str instance = spool_instance(b->spool);
    char name[32];
    if (!b->control || b->sweep || !b->loaded || !instance.len ||
        (b->swept_ms && loop_now_ms(b->loop) < b->swept_ms))
        return;
    struct creds *creds = creds_at(b);
    snprintf(name, sizeof name, "weir-%.*s-", STR_ARG(instance));
    if (creds)
        b->sweep = bedrock_jobs_list(b->control, creds, str_of(name), on_list, b);
    else if (b->sweep_at)
        end_account(b, false);
    creds_unref(creds);
}
