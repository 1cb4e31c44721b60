/* SPDX-License-Identifier: Apache-2.0
 *
 * What gate/batch_run does, without its sockets: an answer becomes an event, plan/batch_fsm's row
 * goes to the disk with what becomes of the members, then the act begins. It may be killed at each
 * of these places; then all that is in struct sim_engine is forgotten, and what was under way may
 * have done its work.
 */
#include "sim.h"

#include <string.h>

enum { CLOSED_MS = 15 * MINUTE, SLICE = 12, BYTES_MOST = 45000 };

static const int64_t day_ms = 24 * HOUR;

/* --- terms */

static bool may_be_at_bedrock(const struct batch_job *j)
{
    return j->state == BATCH_RUNNING || (j->state == BATCH_CREATING && j->sent_ms);
}

static bool has_room(const struct history *h, uint64_t number)
{
    const struct sim_spool *s = &h->spool;
    uint32_t n = 0;
    for (uint64_t i = 1; i <= s->n_rows; i++) {
        const struct sim_act *a = &h->engine.acts[i];
        bool counts = may_be_at_bedrock(&s->rows[i]) || (a->writes && may_be_at_bedrock(&a->next));
        n += i != number && s->rows[i].pool == s->rows[number].pool && counts;
    }
    return n < h->terms.jobs_most;
}

/* Members whose leaving is not written yet. */
static uint32_t being_left(const struct history *h)
{
    uint32_t n = 0;
    for (uint64_t i = 1; i <= h->spool.n_rows; i++)
        if (h->engine.acts[i].writes && h->engine.acts[i].turn.members == BATCH_LEAVE_TWICE)
            n += set_count(h->spool.members[i]);
    return n;
}

static bool may_pay_twice(struct history *h, uint64_t number)
{
    struct sim_spool *s = &h->spool;
    if (s->twice_day != sim_wall(h) / day_ms)
        s->twice_n = h->over = 0;
    s->twice_day = sim_wall(h) / day_ms;
    uint32_t more = being_left(h) + set_count(s->members[number]);
    return s->twice_n + more <= h->terms.twice_most;
}

/* On demand is one queue for both pools here. */
static uint32_t go_together(const struct history *h, uint64_t number)
{
    const struct sim_spool *s = &h->spool;
    uint32_t n = 0;
    for (uint64_t i = 1; i <= s->n_rows; i++)
        if (s->rows[i].deadline_ms <= s->rows[number].deadline_ms)
            n += set_count(s->members[i]);
    return n;
}

static struct batch_terms terms_of(struct history *h, uint64_t number)
{
    return (struct batch_terms){.now_ms = sim_wall(h),
                                .poll_ms = h->terms.poll_ms,
                                .jitter = (uint32_t)sim_below(h, UINT32_MAX),
                                .least = h->terms.least,
                                .per_second = pace_per_second(&h->engine.pace, sim_wall(h)),
                                .may_create = has_room(h, number),
                                .may_pay_twice = may_pay_twice(h, number),
                                .unanswered = go_together(h, number)};
}

/* --- acts */

static void next_slice(struct history *h, uint64_t number, struct sim_act *a)
{
    const struct world_job *j = world_find(h, number);
    uint64_t from = h->spool.rows[number].read_bytes, to = from + 1 + sim_below(h, SLICE);
    a->act = BATCH_READ;
    a->at_ms = h->true_ms + sim_between(h, 1, SECOND);
    a->news = (struct batch_news){.event = BATCH_READ_SOME};
    if (!j || h->true_ms < j->output_ms || (!j->n_lines && j->status != BATCH_COMPLETED))
        a->news.event = BATCH_READ_NOTHING;
    else if (sim_fails(h, h->terms.read))
        a->news.event = BATCH_READ_FAILED;
    else if (from >= j->n_lines)
        a->news.event = BATCH_READ_ALL;
    else
        a->news.read_bytes = to < j->n_lines ? to : j->n_lines;
}

static void begin(struct history *h, uint64_t number, enum batch_act act)
{
    static void (*const acts[BATCH_ACTS])(struct history *, uint64_t, struct sim_act *) = {
        [BATCH_PUT] = world_put,    [BATCH_CREATE] = world_create, [BATCH_LIST] = world_list,
        [BATCH_GET] = world_get,    [BATCH_STOP] = world_stop,     [BATCH_READ] = next_slice,
        [BATCH_CLEAN] = world_clean};
    struct sim_act *a = &h->engine.acts[number];
    check_act(h, number, act);
    a->act = act;
    acts[act](h, number, a);
}

/* --- events */

static const char *event_word(enum batch_event e)
{
    static const char *const words[BATCH_EVENTS] = {
        "tick",           "put done",     "put failed",     "put refused", "create done",
        "create unknown", "create later", "create refused", "listed",      "not listed",
        "told",           "unknown arn",  "ask failed",     "stop taken",  "read some",
        "read all",       "read nothing", "read failed",    "cleaned",     "clean failed",
        "cancel",         "retry"};
    return words[e];
}

static const char *act_word(enum batch_act a)
{
    static const char *const words[BATCH_ACTS] = {"wait", "put",  "create", "list",
                                                  "get",  "stop", "read",   "clean"};
    return words[a];
}

/* Its members must wait past their time: the row's `why` says so. */
static void excuse(struct history *h, const struct batch_job *next, const struct batch_terms *t)
{
    if (!t->may_pay_twice && !next->left && next->state > BATCH_PACKED &&
        t->now_ms >= batch_leave_at(next, t->per_second, t->unanswered))
        h->excused |= h->spool.members[next->number];
}

static void commit(struct history *h, const struct batch_job *next, const struct batch_news *n,
                   const struct batch_turn *turn)
{
    uint64_t from = h->spool.rows[next->number].read_bytes;
    if (n->event == BATCH_READ_SOME)
        spool_lines(h, next, (unsigned)from, (unsigned)n->read_bytes);
    else
        spool_job(h, next, turn->members);
}

static bool order_comes(struct history *h)
{
    return h->terms.operate && !sim_calm(h) && sim_below(h, 1000) == 0;
}

static void event(struct history *h, uint64_t number, struct batch_news n);

/* The row is on the disk: what was decided begins. */
static void go_on(struct history *h, uint64_t number, enum batch_event e, enum batch_act act)
{
    if (sim_killed(h) || h->spool.rows[number].state == BATCH_GONE)
        return;
    if (e == BATCH_READ_SOME && act == BATCH_WAIT)
        next_slice(h, number, &h->engine.acts[number]);
    else if (act != BATCH_WAIT && order_comes(h))
        event(h, number,
              (struct batch_news){.event = sim_percent(h, 50) ? BATCH_CANCEL : BATCH_RETRY});
    else if (act != BATCH_WAIT)
        begin(h, number, act);
}

/* What was read is read again; any other row is written again. */
static void not_written(struct history *h, const struct batch_job *next, const struct batch_news *n,
                        const struct batch_turn *turn)
{
    struct sim_act *a = &h->engine.acts[next->number];
    sim_say(h, "job %u: the disk is full", (unsigned)next->number);
    *a = (struct sim_act){.act = BATCH_READ, .at_ms = h->true_ms + SECOND};
    a->news.event = BATCH_READ_FAILED;
    if (n->event == BATCH_READ_SOME)
        return;
    a->writes = true;
    a->next = *next;
    a->turn = *turn;
    a->news = (struct batch_news){.event = n->event};
}

static void write_row(struct history *h, const struct batch_job *next, const struct batch_news *n,
                      const struct batch_turn *turn)
{
    if (sim_killed(h))
        return;
    if (sim_fails(h, h->terms.disk)) {
        not_written(h, next, n, turn);
        return;
    }
    commit(h, next, n, turn);
    if (turn->pool_bad)
        h->engine.closed_ms[next->pool] = sim_wall(h) + CLOSED_MS;
    go_on(h, next->number, n->event, turn->act);
}

static void event(struct history *h, uint64_t number, struct batch_news n)
{
    struct batch_job next = h->spool.rows[number];
    const struct batch_terms t = terms_of(h, number);
    if (n.event == BATCH_READ_SOME)
        n.answered =
            spool_count_lines(h, number, (unsigned)next.read_bytes, (unsigned)n.read_bytes);
    const struct batch_turn turn = batch_step(&next, &n, &t);
    sim_say(h, "job %u: %s -> %.*s, %s", (unsigned)number, event_word(n.event),
            STR_ARG(batch_state_word(next.state)), act_word(turn.act));
    excuse(h, &next, &t);
    write_row(h, &next, &n, &turn);
}

/* An act ended, or a row is written again. */
static void act_ended(struct history *h, uint64_t number)
{
    struct sim_act ended = h->engine.acts[number]; /* its ARN lies in it */
    if (ended.news.arn.len)
        ended.news.arn.ptr = ended.arn;
    h->engine.acts[number] = (struct sim_act){.act = BATCH_WAIT};
    if (ended.writes)
        write_row(h, &ended.next, &ended.news, &ended.turn);
    else if (!sim_killed(h))
        event(h, number, ended.news);
}

void engine_order(struct history *h, uint64_t number, enum batch_event order)
{
    const struct batch_job *j = &h->spool.rows[number];
    h->engine.closed_ms[j->pool] = order == BATCH_RETRY ? 0 : h->engine.closed_ms[j->pool];
    if (h->engine.up && j->state != BATCH_GONE && h->engine.acts[number].act == BATCH_WAIT)
        event(h, number, (struct batch_news){.event = order});
}

static void look_at_row(struct history *h, uint64_t number)
{
    const struct batch_job *j = &h->spool.rows[number];
    struct sim_act *a = &h->engine.acts[number];
    if (a->act != BATCH_WAIT && a->at_ms <= h->true_ms)
        act_ended(h, number);
    else if (a->act == BATCH_WAIT && j->state != BATCH_GONE &&
             batch_due(j, sim_wall(h), h->terms.poll_ms))
        event(h, number, (struct batch_news){.event = BATCH_TICK});
}

/* --- pools */

static struct pool_view view_of(const struct history *h, unsigned pool)
{
    const struct sim_spool *s = &h->spool;
    set members = s->pools[pool];
    struct pool_view v = {.count = set_count(members), .deadline_ms = INT64_MAX};
    v.held = h->seed % 3 ? v.count : v.count / 2;
    for (; members; members &= members - 1) {
        int r = set_first(members);
        v.bytes += s->bytes_of[r];
        v.oldest_ms = v.oldest_ms ? v.oldest_ms : s->came_ms[r];
        v.newest_ms = s->came_ms[r];
        v.deadline_ms = s->deadline_ms[r] < v.deadline_ms ? s->deadline_ms[r] : v.deadline_ms;
    }
    return v;
}

static void look_at_pool(struct history *h, unsigned pool)
{
    struct sim_engine *e = &h->engine;
    const struct pool_view v = view_of(h, pool);
    const struct pool_terms t = {.now_ms = sim_wall(h),
                                 .linger_ms = h->terms.linger_ms,
                                 .least = h->terms.least,
                                 .most = h->terms.most,
                                 .most_file_bytes = 10 * BYTES_MOST,
                                 .most_job_bytes = BYTES_MOST,
                                 .per_second = pace_per_second(&e->pace, sim_wall(h)),
                                 .flush = e->flush[pool],
                                 .closed = sim_wall(h) < e->closed_ms[pool]};
    const struct pool_verdict d = pool_decide(&v, &t);
    e->pool_ms[pool] = d.next_ms;
    if (d.fate == POOL_WAITS)
        return;
    e->pool_ms[pool] = sim_wall(h); /* there may be more */
    e->flush[pool] = false;
    if (sim_killed(h))
        return;
    if (d.fate == POOL_DIRECT)
        spool_pool_direct(h, pool);
    else {
        spool_cut(h, pool, d.take, d.take_bytes);
        if (!sim_killed(h))
            event(h, h->spool.n_rows, (struct batch_news){.event = BATCH_TICK});
    }
}

/* --- on demand */

static void call_ended(struct history *h, struct sim_call *c)
{
    int r = c->record;
    c->record = -1;
    if (sim_killed(h))
        return;
    if (c->how == CALL_GOOD) {
        pace_good_ours(&h->engine.pace, sim_wall(h));
        spool_answered(h, r);
    } else {
        pace_throttled(&h->engine.pace, sim_wall(h));
        spool_again(h, r, c->how == CALL_LOST);
    }
}

static void call(struct history *h, struct sim_call *c)
{
    struct sim_engine *e = &h->engine;
    set waits = h->spool.direct & ~h->spool.sent;
    e->direct_ms = INT64_MAX;
    if (!waits || !pace_take(&e->pace, sim_wall(h), &e->direct_ms))
        return;
    e->direct_ms = sim_wall(h);
    spool_sent(h, set_first(waits));
    if (sim_killed(h))
        return;
    c->record = set_first(waits);
    world_direct(h, c);
}

static void look_at_calls(struct history *h)
{
    for (int i = 0; i < CALLS && h->engine.up; i++) {
        struct sim_call *c = &h->engine.calls[i];
        if (c->record >= 0 && c->at_ms <= h->true_ms)
            call_ended(h, c);
        if (h->engine.up && c->record < 0)
            call(h, c);
    }
}

/* --- the whole */

void engine_start(struct history *h)
{
    struct sim_engine *e = &h->engine;
    struct sim_spool *s = &h->spool;
    memset(e, 0, sizeof *e);
    memset(h->busy, 0, sizeof h->busy);
    e->up = true;
    for (int i = 0; i < CALLS; i++)
        e->calls[i].record = -1;
    pace_init(&e->pace, sim_wall(h));
    s->twice |= s->sent & s->direct; /* a call was under way: it is made again */
    s->sent &= ~s->direct;
    for (uint64_t i = 1; i <= s->n_rows && e->up; i++)
        if (s->rows[i].state != BATCH_GONE)
            event(h, i, (struct batch_news){.event = BATCH_TICK});
}

void engine_look(struct history *h)
{
    for (unsigned i = 0; i < POOLS && h->engine.up; i++)
        look_at_pool(h, i);
    for (uint64_t i = 1; i <= h->spool.n_rows && h->engine.up; i++)
        look_at_row(h, i);
    look_at_calls(h);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* On Weir's clock. */
static int64_t wall(const struct history *h, int64_t at_ms)
{
    return at_ms == INT64_MAX ? at_ms : at_ms - h->skew_ms;
}

static int64_t row_next(const struct history *h, uint64_t number)
{
    const struct batch_job *j = &h->spool.rows[number];
    const struct sim_act *a = &h->engine.acts[number];
    if (j->state == BATCH_GONE)
        return INT64_MAX;
    if (a->act != BATCH_WAIT)
        return a->at_ms;
    return batch_due(j, sim_wall(h), h->terms.poll_ms) ? h->true_ms : wall(h, j->next_ms);
}

int64_t engine_next(const struct history *h)
{
    const struct sim_engine *e = &h->engine;
    int64_t next = INT64_MAX;
    if (!e->up)
        return e->up_ms;
    for (int i = 0; i < CALLS; i++)
        next = sooner(next, e->calls[i].record >= 0 ? e->calls[i].at_ms : wall(h, e->direct_ms));
    for (unsigned i = 0; i < POOLS; i++)
        next = sooner(next, wall(h, e->pool_ms[i]));
    for (uint64_t i = 1; i <= h->spool.n_rows; i++)
        next = sooner(next, row_next(h, i));
    return next;
}
