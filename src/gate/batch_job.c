/* SPDX-License-Identifier: Apache-2.0
 *
 * One job's steps: an event goes through plan/batch_fsm, the row that comes out goes to the disk
 * together with what becomes of the members, and only then its act begins. A row that cannot be
 * written now is written again each second; until then the job stands still, and after a kill the
 * event comes again.
 */
#include "batch_jobs.h"
#include "weir/base/clock.h"
#include "weir/base/hook.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"
#include "weir/base/text.h"

#include <inttypes.h>
#include <stdio.h>

struct batch_work *batch_work_new(struct batch *b, struct batch_pool *pool,
                                  const struct batch_job *row, uint32_t waits)
{
    struct batch_work *w = mem_new(sizeof *w);
    w->batch = b;
    w->pool = pool;
    w->row = *row;
    w->waits = waits;
    list_init(&w->node);
    list_init(&w->doomed);
    list_append(&b->jobs, &w->node);
    return w;
}

void batch_work_free(struct batch_work *w)
{
    batch_act_drop(w);
    list_remove(&w->node);
    mem_free(w);
}

static void add_stem(struct str instance, const struct batch_job *row, struct buf *out)
{
    buf_addf(out, "weir-%.*s-%" PRIu64, STR_ARG(instance), row->number);
}

void batch_work_stem(const struct batch_work *w, struct buf *out)
{
    add_stem(spool_instance(w->batch->spool), &w->row, out);
}

/* Its number alone may have been another job's: the spool may be an older copy. */
void batch_work_name(const struct batch_work *w, struct buf *out)
{
    batch_work_stem(w, out);
    buf_addf(out, "-%.8s", w->row.token);
}

/* Until 0.5.0 a job's name was the stem alone. */
bool batch_row_is(struct str instance, const struct batch_job *row, const struct bedrock_job *j)
{
    struct buf stem = {0};
    add_stem(instance, row, &stem);
    struct str rest = str_from_offset(j->name, buf_len(&stem));
    bool begins = str_starts(j->name, buf_str(&stem));
    bool old = rest.len == 0 && (!*row->arn || str_eq(j->arn, str_of(row->arn)));
    bool fits = old || (str_starts(rest, S("-")) &&
                        str_eq(str_from_offset(rest, 1), str_sub(str_of(row->token), 0, 8)));
    buf_fini(&stem);
    return begins && fits && (!j->token.len || str_eq(j->token, str_of(row->token)));
}

void batch_work_key(const struct batch_work *w, const char *rest, struct buf *out)
{
    struct str instance = spool_instance(w->batch->spool);
    buf_addf(out, "%s/%.*s/%" PRIu64 "-%s/%s", w->row.prefix, STR_ARG(instance), w->row.number,
             w->row.token, rest);
}

/* --- terms */

/* What was decided may not be on the disk yet. */
static bool is_decided(const struct batch_work *w)
{
    return w->writing || w->unwritten;
}

static bool may_be_at_bedrock(const struct batch_job *j)
{
    return (j->state == BATCH_CREATING && j->sent_ms) || j->state == BATCH_RUNNING;
}

/* By what is on the disk, too: after a kill that is what counts. */
static bool counts_at_bedrock(const struct batch_work *w)
{
    return may_be_at_bedrock(&w->row) || (is_decided(w) && may_be_at_bedrock(&w->next));
}

static bool has_room(const struct batch_work *w)
{
    struct batch *b = w->batch;
    uint32_t n = 0;
    for (struct list *l = b->jobs.next; l != &b->jobs; l = l->next) {
        const struct batch_work *other = LIST_OF(l, struct batch_work, node);
        n += other != w && counts_at_bedrock(other) && str_eq(other->pool->model, w->pool->model);
    }
    return n < batch_limits_of(b, w->pool->model).jobs;
}

/* What would have to go on demand by its deadline, if no job of the model answered any more. */
static uint32_t go_together(const struct batch_work *w)
{
    struct batch *b = w->batch;
    uint32_t n = w->waits;
    for (struct list *l = b->jobs.next; l != &b->jobs; l = l->next) {
        const struct batch_work *other = LIST_OF(l, struct batch_work, node);
        if (other != w && str_eq(other->pool->model, w->pool->model) &&
            other->row.deadline_ms <= w->row.deadline_ms)
            n += other->waits;
    }
    return n;
}

/* What leaves marked while nothing of it is counted yet. */
static uint64_t being_left(const struct batch *b)
{
    uint64_t nanousd = 0;
    for (const struct list *l = b->jobs.next; l != &b->jobs; l = l->next) {
        const struct batch_work *w = LIST_OF(l, struct batch_work, node);
        if (is_decided(w) && w->turn.members == BATCH_LEAVE_TWICE)
            nanousd += w->row.expect_nanousd;
    }
    return nanousd;
}

static struct batch_terms terms_of(struct batch_work *w)
{
    struct batch *b = w->batch;
    int64_t now_ms = clock_wall_ms();
    return (struct batch_terms){.now_ms = now_ms,
                                .poll_ms = b->setup->config->batch.poll_ms,
                                .jitter = (uint32_t)random_u64(),
                                .least = batch_limits_of(b, w->pool->model).least,
                                .per_second = shared_lanes_rate(b->lanes, w->pool->model, now_ms),
                                .may_create = has_room(w),
                                .may_pay_twice =
                                    batch_may_twice(b, w->row.expect_nanousd + being_left(b)),
                                .unanswered = go_together(w)};
}

/* --- what a step means for people */

static void say_trouble(const struct batch_work *w)
{
    const struct batch_job *j = &w->next;
    if (j->why[0] && !str_eq(str_of(j->why), str_of(w->row.why)))
        log_say(LOG_WARN, "batch", "job %" PRIu64 ": %s", j->number, j->why);
}

static void say_status(const struct batch_work *w)
{
    const struct batch_job *old = &w->row, *j = &w->next;
    if (j->state == BATCH_RUNNING && old->state != BATCH_RUNNING)
        log_say(LOG_INFO, "batch", "job %" PRIu64 " runs: %s", j->number, j->arn);
    if (j->ended_ms && !old->ended_ms)
        log_say(LOG_INFO, "batch", "job %" PRIu64 " ended: %.*s, %u of %u records have an answer",
                j->number, STR_ARG(batch_status_word(j->status)), j->succeeded, j->records);
}

static void count_end(struct batch_counts *c, enum batch_status s)
{
    if (s == BATCH_COMPLETED || s == BATCH_PARTIAL)
        c->completed++;
    else if (s == BATCH_STOPPED)
        c->stopped++;
    else
        c->failed++;
}

static void count_step(struct batch_work *w)
{
    struct batch *b = w->batch;
    const struct batch_job *old = &w->row, *j = &w->next;
    if (j->created_ms && !old->created_ms)
        b->counts.created++;
    if (j->ended_ms && !old->ended_ms)
        count_end(&b->counts, j->status);
    if (old->state == BATCH_READING && j->state == BATCH_CLEANING) {
        b->counts.seconds_sum += (uint64_t)(clock_wall_ms() - j->cut_ms) / 1000;
        b->counts.seconds_n++;
    }
}

static void close_pool(struct batch_work *w)
{
    struct batch *b = w->batch;
    struct batch_pool *p = w->pool;
    const struct shared_lanes_pool name = batch_pool_name(p);
    char about[16], until[21];
    struct buf why = {0};
    text_iso_time(shared_lanes_close(b->lanes, &name, clock_wall_ms()) / 1000, until);
    snprintf(about, sizeof about, "p%" PRIu32, p->number);
    buf_addf(&why,
             "no job can be made for client %.*s and %.*s: %s; its requests go on demand, and the "
             "next job is tried at %s, or after weir batch retry",
             STR_ARG(p->client), STR_ARG(p->model), w->next.why, until);
    p->closed = true;
    (void)batch_trouble_tell(b, str_of(about), buf_str(&why));
    log_say(LOG_ERROR, "batch", "%s: %s", about, buf_cstr(&why));
    buf_fini(&why);
}

/* Of those that have no answer. */
static uint64_t expect_of(const struct batch_work *w)
{
    double part = w->row.records ? (double)w->waits / w->row.records : 0;
    return (uint64_t)((double)w->row.expect_nanousd * part);
}

/* Its output may hold some of them, or it was charged for what it lost. */
static void leave_twice(struct batch_work *w)
{
    struct batch *b = w->batch;
    const double usd = 1e-9;
    log_say(LOG_WARN, "batch",
            "job %" PRIu64 ": %u records go on demand: %s; $%.6f may be paid twice, $%.6f today, "
            "and batch.max_twice is $%.6f",
            w->row.number, w->waits,
            w->row.cancelled ? "the operator cancelled the job, and it may answer them yet"
            : w->row.left    ? "their deadline comes, and the job may answer them yet"
                             : "the job may have charged for some that it did not answer",
            (double)expect_of(w) * usd, (double)batch_twice_nanousd(b) * usd,
            (double)b->setup->config->batch.max_twice_nanousd * usd);
}

static void members_left(struct batch_work *w)
{
    struct batch *b = w->batch;
    if (w->turn.members == BATCH_STAY || w->waits == 0)
        return;
    if (w->turn.members == BATCH_LEAVE_TWICE)
        leave_twice(w);
    else
        log_say(LOG_INFO, "batch", "job %" PRIu64 ": %u records go on demand", w->row.number,
                w->waits);
    w->waits = 0;
    batch_direct_tick(b->direct);
}

/* --- the row, then the act */

static const struct batch_news orders[] = {
    [BATCH_ORDER_CANCEL] = {.event = BATCH_CANCEL}, [BATCH_ORDER_RETRY] = {.event = BATCH_RETRY}};

static void go_on(struct batch_work *w)
{
    enum batch_order order = w->order;
    w->order = BATCH_NO_ORDER;
    if (order)
        batch_work_event(w, &orders[order]);
    else
        batch_act_begin(w, w->turn.act);
}

static void take_over(struct batch_work *w)
{
    bool runs = w->next.state == BATCH_RUNNING && w->row.state != BATCH_RUNNING;
    say_trouble(w);
    say_status(w);
    count_step(w);
    if (w->turn.pool_bad)
        close_pool(w);
    if (w->turn.pool_bad && w->row.state == BATCH_PACKED)
        batch_place_probe(batch_place_of_work(w));
    w->row = w->next;
    if (runs)
        (void)HOOK("batch.running");
    members_left(w);
}

static void on_written(struct batch *b, const struct batch_mail *m)
{
    struct batch_work *w = batch_work_find(b, m->number);
    w->writing = false;
    w->unwritten = !m->good;
    if (!m->good)
        return;
    take_over(w);
    if (w->row.state == BATCH_GONE)
        batch_work_free(w);
    else
        go_on(w);
    batch_look(b);
}

static void write_row(struct batch_work *w)
{
    w->writing = true;
    spool_job(w->batch->spool, &w->next, w->turn.members, batch_mail_done,
              batch_mail_new(w->batch, w->row.number, on_written));
}

void batch_work_event(struct batch_work *w, const struct batch_news *n)
{
    const struct batch_terms terms = terms_of(w);
    w->next = w->row;
    w->turn = batch_step(&w->next, n, &terms);
    batch_act_drop(w); /* the news may be of it */
    w->batch->counts.adopted += n->event == BATCH_LISTED && w->row.arn[0] == 0;
    write_row(w);
}

/* --- read_bytes, in the transaction that settles what was read */

static void on_settled(struct batch *b, const struct batch_mail *m)
{
    struct batch_work *w = batch_work_find(b, m->number);
    w->writing = false;
    if (!m->good) {
        const struct batch_news failed = {.event = BATCH_READ_FAILED,
                                          .why = S("the spool could not be written")};
        batch_work_event(w, &failed);
        return;
    }
    take_over(w);
    b->counts.by_batch += m->answered;
    w->waits -= m->answered < w->waits ? (uint32_t)m->answered : w->waits;
    (void)HOOK("batch.settle");
    batch_collect_settled(w->collect);
    if (w->turn.act == BATCH_WAIT && !w->order)
        batch_collect_go_on(w->collect);
    else {
        batch_act_drop(w);
        go_on(w);
    }
}

void batch_work_settle(struct batch_work *w, const struct batch_news *n,
                       const struct spool_end *ends, size_t n_ends, const struct batch_billed *paid)
{
    const struct batch_terms terms = terms_of(w);
    struct batch_mail *m = batch_mail_new(w->batch, w->row.number, on_settled);
    w->next = w->row;
    w->turn = batch_step(&w->next, n, &terms);
    w->writing = true;
    batch_mail_pays(m, w->pool->client, paid);
    spool_settle(w->batch->spool, &w->next, ends, n_ends, batch_mail_settled, m);
}

/* --- time */

/* An upload may take longer than the deadline leaves. */
static bool must_leave(const struct batch_work *w, int64_t now_ms)
{
    struct batch *b = w->batch;
    double rate = shared_lanes_rate(b->lanes, w->pool->model, now_ms);
    return (w->pack || w->in_line) && now_ms >= batch_leave_at(&w->row, rate, w->waits);
}

void batch_work_look(struct batch_work *w, int64_t now_ms)
{
    static const struct batch_news tick = {.event = BATCH_TICK};
    if (w->writing)
        return;
    if (w->unwritten)
        write_row(w);
    else if ((w->pack || w->in_line || w->collect) && (w->order || must_leave(w, now_ms)))
        batch_work_interrupt(w, w->order ? "the operator wants it otherwise"
                                         : "there is no time left for the upload");
    else if (w->in_line)
        batch_act_put(w);
    else if (!w->acting && w->order)
        go_on(w);
    else if (!w->acting && batch_due(&w->row, now_ms, w->batch->setup->config->batch.poll_ms))
        batch_work_event(w, &tick);
}

void batch_work_interrupt(struct batch_work *w, const char *why)
{
    static const enum batch_event ends[BATCH_ACTS] = {
        [BATCH_WAIT] = BATCH_TICK, /* a reading behind its first slice */
        [BATCH_PUT] = BATCH_PUT_FAILED,    [BATCH_CREATE] = BATCH_CREATE_UNKNOWN,
        [BATCH_LIST] = BATCH_ASK_FAILED,   [BATCH_GET] = BATCH_ASK_FAILED,
        [BATCH_STOP] = BATCH_ASK_FAILED,   [BATCH_READ] = BATCH_READ_FAILED,
        [BATCH_CLEAN] = BATCH_CLEAN_FAILED};
    const struct batch_news n = {.event = ends[w->turn.act], .why = str_of(why)};
    if (w->collect && w->writing)
        batch_collect_break(w->collect, why); /* an event when that is written */
    else if (w->acting && !w->writing)
        batch_work_event(w, &n);
}
