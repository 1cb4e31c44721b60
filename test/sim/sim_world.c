/* SPDX-License-Identifier: Apache-2.0
 *
 * S3, Bedrock and on demand, as they may behave, and worse than they were ever seen to: answers
 * that are lost before or behind the effect, creates that arrive after their caller gave up, a list
 * that lags, tokens that give a conflict or are forgotten, statuses in odd orders and of no known
 * name, stops that come to nothing, output that comes late, in any order, with lines twice,
 * missing, broken or of strangers, jobs that stall, fail, expire or are stopped by people.
 *
 * What is charged: each record that a job processed well, and each call on demand that was made.
 */
#include "sim.h"

#include <stdio.h>
#include <string.h>

static int64_t later(struct history *h)
{
    return h->true_ms +
           (sim_percent(h, 90) ? sim_between(h, 5, 3 * SECOND) : sim_between(h, SECOND, MINUTE));
}

static void answer(struct history *h, struct sim_act *a, enum batch_event e)
{
    a->news = (struct batch_news){.event = e};
    a->at_ms = later(h);
    if (e == BATCH_PUT_FAILED || e == BATCH_CREATE_UNKNOWN || e == BATCH_ASK_FAILED)
        a->news.why = S("no answer");
}

struct world_job *world_find(struct history *h, uint64_t number)
{
    struct world *w = &h->world;
    for (unsigned i = 0; i < w->n_jobs; i++)
        if (w->jobs[i].number == number)
            return &w->jobs[i];
    return NULL;
}

/* --- S3 */

void world_put(struct history *h, uint64_t number, struct sim_act *a)
{
    struct world *w = &h->world;
    bool fails = sim_fails(h, h->terms.put);
    if (sim_fails(h, h->terms.refuse)) {
        answer(h, a, BATCH_PUT_REFUSED);
        return;
    }
    if (!fails || sim_percent(h, 50)) {
        w->inputs[number] = true;
        w->input_of[number] = h->spool.members[number];
    }
    answer(h, a, fails ? BATCH_PUT_FAILED : BATCH_PUT_DONE);
}

void world_clean(struct history *h, uint64_t number, struct sim_act *a)
{
    bool fails = sim_fails(h, h->terms.put);
    if (!fails || sim_percent(h, 50))
        h->world.inputs[number] = false;
    answer(h, a, fails ? BATCH_CLEAN_FAILED : BATCH_CLEANED);
}

/* --- a job's fate */

static void draw_fates(struct history *h, struct world_job *j)
{
    for (int r = 0; r < RECORDS; r++) {
        unsigned odd = sim_percent(h, h->terms.odd) ? (unsigned)sim_below(h, 3) + 1 : 0;
        j->fates[r] = (unsigned char)odd;
        if (odd == CHARGED_ONLY && !j->told_counts)
            j->fates[r] = NOT_DONE; /* nobody could know */
    }
}

static struct world_job *make(struct history *h, uint64_t number)
{
    struct world *w = &h->world;
    if (w->n_jobs == ROWS)
        sim_broken(h, "more jobs at Bedrock than a history has room for");
    struct world_job *j = &w->jobs[w->n_jobs++];
    *j = (struct world_job){.number = number,
                            .pool = h->spool.rows[number].pool,
                            .status = BATCH_SUBMITTED,
                            .made_ms = h->true_ms,
                            .visible_ms = h->true_ms + sim_between(h, 0, h->terms.list_lag_ms),
                            .next_ms = h->true_ms + sim_between(h, SECOND, 10 * MINUTE),
                            .stalls = sim_fails(h, h->terms.stall),
                            .told_counts = sim_percent(h, 80),
                            .members = w->input_of[number]};
    if (!w->inputs[number])
        sim_broken(h, "job %u was created without its input", (unsigned)number);
    draw_fates(h, j);
    sim_say(h, "Bedrock makes job %u", (unsigned)number);
    return j;
}

static void process(struct history *h, struct world_job *j, set some)
{
    for (some &= j->members & ~j->processed; some; some &= some - 1) {
        int r = set_first(some);
        j->processed |= set_of(r);
        if (j->fates[r] == ANSWERED || j->fates[r] == CHARGED_ONLY)
            h->world.bills[r]++;
        if (j->fates[r] == ANSWERED)
            h->world.billed_lines |= set_of(r);
    }
}

static void add_line(struct world_job *j, int r, enum line what)
{
    if (j->n_lines == LINES)
        return;
    j->line_of[j->n_lines] = (unsigned char)r;
    j->line_is[j->n_lines++] = (unsigned char)what;
}

static void add_lines(struct history *h, struct world_job *j, int r)
{
    static const enum line lines[] = {
        [ANSWERED] = LINE_GOOD, [ERRORS] = LINE_ERROR, [CHARGED_ONLY] = LINE_BROKEN};
    if (!(j->processed & set_of(r)) || j->fates[r] == NOT_DONE)
        return;
    add_line(j, r, lines[j->fates[r]]);
    if (sim_percent(h, h->terms.odd / 4)) /* twice, or beside a stranger's */
        add_line(j, r, sim_percent(h, 50) ? lines[j->fates[r]] : LINE_STRANGE);
}

static void put_out(struct history *h, struct world_job *j)
{
    int from = (int)sim_below(h, RECORDS), way = sim_percent(h, 50) ? 1 : RECORDS - 1;
    for (int i = 0; i < RECORDS; i++)
        add_lines(h, j, (from + i * way) % RECORDS);
    bool promised = j->told_counts || j->status == BATCH_COMPLETED || j->status == BATCH_PARTIAL;
    int64_t lag_most = promised ? 10 * MINUTE : j->status == BATCH_FAILED ? 0 : 10 * SECOND;
    int64_t lag = sim_percent(h, 80) ? 0 : sim_between(h, 0, lag_most);
    j->output_ms = h->true_ms + lag;
}

static void finish(struct history *h, struct world_job *j, enum batch_status s)
{
    j->status = s;
    j->next_ms = INT64_MAX;
    put_out(h, j);
    sim_say(h, "Bedrock ends job %u: %.*s, %u lines", (unsigned)j->number,
            STR_ARG(batch_status_word(s)), j->n_lines);
}

/* Everything, or a random part. */
static set some_of(struct history *h, const struct world_job *j)
{
    set s = sim_below(h, UINT64_MAX);
    return sim_percent(h, 40) ? j->members : j->members & s;
}

static void end_in_progress(struct history *h, struct world_job *j)
{
    if (sim_fails(h, 10)) {
        finish(h, j, sim_percent(h, 50) ? BATCH_EXPIRED : BATCH_FAILED);
        return;
    }
    process(h, j, j->members);
    finish(h, j, sim_percent(h, 30) ? BATCH_PARTIAL : BATCH_COMPLETED);
}

static void advance(struct history *h, struct world_job *j)
{
    int64_t soon = h->true_ms + sim_between(h, SECOND, 20 * MINUTE);
    if (j->status == BATCH_STOP_ASKED) {
        process(h, j, some_of(h, j) & some_of(h, j));
        finish(h, j,
               j->processed == j->members && sim_percent(h, 50) ? BATCH_COMPLETED : BATCH_STOPPED);
    } else if (j->status == BATCH_IN_PROGRESS && j->processed)
        end_in_progress(h, j);
    else if (j->status == BATCH_VALIDATING && sim_fails(h, h->terms.refuse))
        finish(h, j, BATCH_FAILED);
    else if (j->stalls && !sim_calm(h))
        j->next_ms = h->terms.calm_ms;
    else if (j->status == BATCH_IN_PROGRESS) {
        process(h, j, some_of(h, j) | set_of(set_first(j->members)));
        j->next_ms = soon;
    } else {
        j->status = j->status == BATCH_SUBMITTED    ? BATCH_VALIDATING
                    : j->status == BATCH_VALIDATING ? BATCH_SCHEDULED
                                                    : BATCH_IN_PROGRESS;
        j->next_ms = soon;
    }
}

/* --- creating */

/* What a create does when it arrives. The job, or NULL: a conflict. */
static struct world_job *arrive(struct history *h, uint64_t number)
{
    struct world_job *j = world_find(h, number);
    if (!j)
        return make(h, number);
    if (h->terms.token == TOKEN_FORGOTTEN && h->true_ms - j->made_ms > h->terms.token_life_ms)
        return make(h, number); /* sim_check sees it */
    return h->terms.token == TOKEN_CONFLICT ? NULL : j;
}

static void name_it(struct sim_act *a, uint64_t number)
{
    snprintf(a->arn, sizeof a->arn, "arn:%u", (unsigned)number);
    a->news.arn = str_of(a->arn);
}

static void create_later(struct history *h, uint64_t number)
{
    struct world *w = &h->world;
    if (w->n_late == ROWS)
        return;
    w->late[w->n_late].at_ms = h->true_ms + sim_between(h, SECOND, 2 * MINUTE);
    w->late[w->n_late++].number = number;
}

static void create_oddly(struct history *h, uint64_t number, struct sim_act *a)
{
    static const enum batch_event odd[] = {BATCH_CREATE_LATER,   BATCH_CREATE_LATER,
                                           BATCH_CREATE_UNKNOWN, BATCH_CREATE_UNKNOWN,
                                           BATCH_CREATE_UNKNOWN, BATCH_CREATE_DONE};
    uint64_t way = sim_below(h, 6);
    if (way == 3)
        (void)arrive(h, number); /* its answer is lost */
    if (way == 4)
        create_later(h, number);
    if (way == 5)
        (void)arrive(h, number); /* answered without an ARN */
    answer(h, a, odd[way]);
}

void world_create(struct history *h, uint64_t number, struct sim_act *a)
{
    if (sim_fails(h, h->terms.refuse)) {
        answer(h, a, BATCH_CREATE_REFUSED);
        return;
    }
    if (sim_fails(h, h->terms.create)) {
        create_oddly(h, number, a);
        return;
    }
    struct world_job *j = arrive(h, number);
    answer(h, a, j ? BATCH_CREATE_DONE : BATCH_CREATE_UNKNOWN);
    if (j)
        name_it(a, number);
}

/* --- asking */

static void tell(struct history *h, const struct world_job *j, struct sim_act *a)
{
    static const enum batch_status odd[] = {BATCH_OTHER, BATCH_SUBMITTED, BATCH_SCHEDULED};
    struct batch_news *n = &a->news;
    n->status = j->status;
    if (!batch_status_ends(j->status) && sim_fails(h, 5))
        n->status = odd[sim_below(h, 3)];
    if (!j->told_counts)
        return;
    n->total = set_count(j->members);
    for (set s = j->processed; s; s &= s - 1) {
        enum fate fate = (enum fate)j->fates[set_first(s)];
        n->processed++;
        n->succeeded += fate == ANSWERED || fate == CHARGED_ONLY;
        n->errors += fate == ERRORS;
    }
}

void world_list(struct history *h, uint64_t number, struct sim_act *a)
{
    const struct world_job *j = world_find(h, number);
    bool seen = j && h->true_ms >= j->visible_ms;
    if (sim_fails(h, h->terms.ask)) {
        answer(h, a, BATCH_ASK_FAILED);
        return;
    }
    answer(h, a, seen ? BATCH_LISTED : BATCH_NOT_LISTED);
    if (!seen)
        return;
    name_it(a, number);
    a->news.status = j->status;
}

void world_get(struct history *h, uint64_t number, struct sim_act *a)
{
    const struct world_job *j = world_find(h, number);
    bool lags = j && h->true_ms < j->visible_ms && sim_percent(h, 50);
    if (sim_fails(h, h->terms.ask))
        answer(h, a, sim_percent(h, 20) ? BATCH_UNKNOWN_ARN : BATCH_ASK_FAILED);
    else if (!j || lags)
        answer(h, a, BATCH_UNKNOWN_ARN);
    else {
        answer(h, a, BATCH_TOLD);
        tell(h, j, a);
    }
}

static void stop(struct history *h, struct world_job *j)
{
    if (!j || batch_status_ends(j->status) || j->status == BATCH_STOP_ASKED)
        return;
    j->status = BATCH_STOP_ASKED;
    j->next_ms = sim_fails(h, h->terms.stall) ? h->terms.calm_ms
                                              : h->true_ms + sim_between(h, 0, 9 * MINUTE);
}

void world_stop(struct history *h, uint64_t number, struct sim_act *a)
{
    struct world_job *j = world_find(h, number);
    bool fails = sim_fails(h, h->terms.ask);
    if (!fails || sim_percent(h, 50))
        stop(h, sim_fails(h, 10) ? NULL : j); /* some are taken, and nothing happens */
    answer(h, a, fails ? BATCH_ASK_FAILED : BATCH_STOP_TAKEN);
}

void world_human_stops(struct history *h)
{
    if (h->world.n_jobs)
        stop(h, &h->world.jobs[sim_below(h, h->world.n_jobs)]);
}

/* --- on demand */

void world_direct(struct history *h, struct sim_call *c)
{
    bool fails = sim_fails(h, h->terms.direct);
    c->how = !fails ? CALL_GOOD : sim_percent(h, 70) ? CALL_LATER : CALL_LOST;
    c->at_ms = h->true_ms + sim_between(h, 100, 20 * SECOND);
    if (c->how == CALL_GOOD || (c->how == CALL_LOST && sim_percent(h, 50)))
        h->world.bills[c->record]++;
}

/* --- time */

void world_advance(struct history *h)
{
    struct world *w = &h->world;
    for (unsigned i = 0; i < w->n_late; i++)
        if (w->late[i].at_ms <= h->true_ms) {
            sim_say(h, "a create of job %u arrives at last", (unsigned)w->late[i].number);
            (void)arrive(h, w->late[i].number);
            w->late[i--] = w->late[--w->n_late];
        }
    for (unsigned i = 0; i < w->n_jobs; i++)
        if (w->jobs[i].next_ms <= h->true_ms)
            advance(h, &w->jobs[i]);
}

int64_t world_next(const struct history *h)
{
    int64_t next = INT64_MAX;
    for (unsigned i = 0; i < h->world.n_late; i++)
        next = h->world.late[i].at_ms < next ? h->world.late[i].at_ms : next;
    for (unsigned i = 0; i < h->world.n_jobs; i++)
        next = h->world.jobs[i].next_ms < next ? h->world.jobs[i].next_ms : next;
    return next;
}
