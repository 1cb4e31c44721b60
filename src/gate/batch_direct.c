/* SPDX-License-Identifier: Apache-2.0
 *
 * What no job answers goes on demand, here. The direct list is walked in slices, round and round;
 * its most urgent records wait in the queue, and go when their model's pace allows (plan/pace: so
 * that interactive requests come first), a bounded number at a time.
 *
 *     list --walk--> queue --pace--> read --spool_sent--> call --verdict--> settle --> gone
 *                      ^                                    |
 *                      `------------- again, later ---------'
 *
 * A record is marked as sent on the disk before its call: if Weir dies under it, nobody knows
 * whether it was processed, so it is made again and marked as perhaps paid twice.
 */
#include "batch_call.h"
#include "batch_jobs.h"
#include "batch_reach.h"
#include "batch_verdict.h"
#include "weir/base/clock.h"
#include "weir/base/hook.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"
#include "weir/wire/aws_error.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    WALK_MOST = 4096, /* records of the list that are looked at each second */
    CALLS_MOST = 128,
    BODIES_MOST = 64 * 1024 * 1024, /* of calls under way, together */
    SOON_MS = 10,
    LATER_MS = 1000
};

struct batch_direct {
    struct batch *batch;
    struct batch_queue queue;
    struct list calls;
    uint64_t body_bytes;
    uint64_t from;       /* the walk goes on there */
    struct setup *setup; /* that the origin was made for; counted */
    struct origin *origin;
    struct timer timer;
};

static void pump(void *arg);

/* --- life */

struct batch_direct *batch_direct_new(struct batch *b)
{
    struct batch_direct *d = mem_new(sizeof *d);
    d->batch = b;
    d->setup = setup_ref(b->setup);
    d->origin = worker_make_origin(b->loop, b->dns, d->setup);
    batch_queue_init(&d->queue);
    list_init(&d->calls);
    timer_init(&d->timer, b->loop, pump, d);
    return d;
}

static void forget(struct batch_direct *d, struct batch_call *c)
{
    d->body_bytes -= buf_len(&c->body);
    d->batch->counts.direct_running--;
    batch_call_free(c);
}

void batch_direct_free(struct batch_direct *d)
{
    if (!d)
        return;
    while (!list_empty(&d->calls))
        forget(d, LIST_OF(d->calls.next, struct batch_call, node));
    timer_stop(&d->timer);
    batch_queue_fini(&d->queue);
    origin_free(d->origin);
    setup_unref(d->setup);
    mem_free(d);
}

void batch_direct_follow(struct batch_direct *d)
{
    struct setup *old = d->setup;
    d->setup = setup_ref(d->batch->setup);
    if (!setup_same_origin(old, d->setup)) {
        origin_retire(d->origin);
        d->origin = worker_make_origin(d->batch->loop, d->batch->dns, d->setup);
    }
    setup_unref(old);
}

static struct batch_call *find(struct batch_direct *d, uint64_t number)
{
    for (struct list *n = d->calls.next; n != &d->calls; n = n->next) {
        struct batch_call *c = LIST_OF(n, struct batch_call, node);
        if (c->item.number == number)
            return c;
    }
    return NULL;
}

static void look_again(struct batch_direct *d, int64_t in_ms)
{
    timer_start(&d->timer, in_ms < SOON_MS ? SOON_MS : in_ms > LATER_MS ? LATER_MS : in_ms);
}

/* --- the list */

struct walk {
    struct batch_direct *direct;
    unsigned left;
};

static bool on_record(void *arg, const struct spool_record *rec)
{
    struct walk *w = arg;
    struct batch_direct *d = w->direct;
    const struct batch_item item = {
        .number = rec->id.number, .deadline_ms = rec->deadline_ms, .body_bytes = rec->body_bytes};
    d->from = rec->id.number + 1;
    if (!find(d, item.number))
        (void)batch_queue_see(&d->queue, rec->model, &item);
    return --w->left > 0;
}

static void walk(struct batch_direct *d)
{
    struct walk w = {d, WALK_MOST};
    struct spool_read *r = spool_read_begin(d->batch->spool);
    if (!r)
        return;
    if (spool_walk(r, SPOOL_LIST_DIRECT, 0, d->from, on_record, &w) < 0 || w.left)
        d->from = 0; /* its end: from its beginning the next time */
    spool_read_end(r);
}

/* --- the end of a record */

static void on_settled(struct batch *b, const struct batch_mail *m)
{
    struct batch_direct *d = b->direct;
    struct batch_call *c = find(d, m->number);
    if (!c)
        return;
    c->settling = false;
    if (!m->good)
        return; /* the disk is full: with the next tick */
    if (m->answered) {
        b->counts.by_direct += c->status < 400;
        b->counts.errors += c->status >= 400;
        b->counts.saved_nanousd += c->billed.saved_nanousd;
    }
    forget(d, c);
    look_again(d, SOON_MS);
}

static void settle(struct batch_call *c)
{
    struct batch *b = c->batch;
    bool by_flex = c->status < 400 && c->billed.lane == LANE_FLEX;
    const struct spool_end end = {.number = c->item.number,
                                  .status = c->status,
                                  .error_type = str_of(c->error_type),
                                  .body = buf_str(&c->answer),
                                  .flags = (c->rec.flags & SPOOL_MAYBE_TWICE) |
                                           (by_flex ? SPOOL_BY_FLEX : 0),
                                  .cost_nanousd = c->billed.cost_nanousd,
                                  .saved_nanousd = c->billed.saved_nanousd,
                                  .outbox = buf_str(&c->row),
                                  .late_outbox = buf_str(&c->late_row)};
    struct batch_mail *m = batch_mail_new(b, c->item.number, on_settled);
    c->settling = true;
    batch_mail_pays(m, c->rec.client, &c->billed);
    spool_settle(b->spool, NULL, &end, 1, batch_mail_settled, m);
}

static uint64_t us_since(int64_t began_ns)
{
    return (uint64_t)(clock_mono_ns() - began_ns) / 1000;
}

/* `fields`: of an answer that came; NULL: Weir says it. */
static void end(struct batch_call *c, const struct fields *fields)
{
    struct batch *b = c->batch;
    struct batch_billed late;
    struct batch_answered a = {.lane = c->tier ? LANE_FLEX : LANE_ONDEMAND,
                               .status = c->status,
                               .output = buf_str(&c->answer),
                               .fields = fields,
                               .now_ms = clock_wall_ms(),
                               .latency_us = c->began_ns ? us_since(c->began_ns) : 0,
                               .attempts = c->item.tries};
    c->ended = true;
    batch_bill(b, &c->rec, &a, &c->row, &c->billed);
    a.late = true;
    batch_bill(b, &c->rec, &a, &c->late_row, &late);
    if (c->status < 400)
        shared_lanes_used(b->lanes, c->rec.client, c->rec.model, c->billed.output_tokens);
    settle(c);
}

static void end_with_error(struct batch_call *c, int status, const char *why)
{
    c->status = status;
    buf_clear(&c->answer);
    batch_error_body(str_of(why), &c->answer);
    snprintf(c->error_type, sizeof c->error_type, "%.*s", STR_ARG(batch_error_type(status)));
    end(c, NULL);
}

static struct str type_of(const struct fetch_answer *a)
{
    if (a->status < 400)
        return S("");
    struct str type = aws_error_type(a->fields, a->body);
    return type.len ? type : batch_error_type(a->status);
}

static void end_with_answer(struct batch_call *c, const struct fetch_answer *a)
{
    c->status = a->status;
    buf_add(&c->answer, a->body);
    snprintf(c->error_type, sizeof c->error_type, "%.*s", STR_ARG(type_of(a)));
    end(c, a->fields);
}

/* --- the end of a call */

static void again(struct batch_call *c, int64_t wait_ms)
{
    struct batch_direct *d = c->batch->direct;
    int64_t quarter = wait_ms / 4;
    c->item.next_ms = loop_now_ms(d->batch->loop) + wait_ms +
                      (quarter ? (int64_t)random_below((uint64_t)(2 * quarter)) - quarter : 0);
    batch_queue_put(&d->queue, c->rec.model, &c->item);
    forget(d, c);
    look_again(d, wait_ms);
}

/* It may have been paid for, and is made again. */
static void count_twice(struct batch_call *c)
{
    if (c->item.maybe_twice)
        return;
    c->item.maybe_twice = true;
    c->rec.flags |= SPOOL_MAYBE_TWICE;
}

static void learn(struct batch_call *c, const struct batch_verdict *v, int status)
{
    struct shared_lanes *lanes = c->batch->lanes;
    struct str model = c->rec.model;
    int64_t now_ms = clock_wall_ms();
    if (v->fate == BATCH_FATE_NO_TIER)
        shared_lanes_tier_refused(lanes, model, LANE_FLEX, v->throttled, now_ms);
    else if (v->throttled)
        shared_lanes_throttled(lanes, model, now_ms);
    if (v->bad_creds)
        batch_call_refused(c);
    if (status < 200 || status >= 300)
        return;
    if (c->tier)
        shared_lanes_tier_taken(lanes, model, LANE_FLEX);
    else
        shared_lanes_answered_ours(lanes, model, now_ms);
}

/* Our clock is off: once more, by the origin's, at once. */
static bool clock_was_wrong(struct batch_call *c, const struct fetch_answer *a)
{
    if (a->end != ORIGIN_DONE || c->item.clock_was_wrong || !c->setup->trusts_runtime ||
        !aws_signer_learn(c->batch->daemon->office.signer, a->status, a->fields, c->signed_with_s))
        return false;
    return c->item.clock_was_wrong = true;
}

static void on_answer(void *arg, const struct fetch_answer *a)
{
    struct batch_call *c = arg;
    const struct batch_ended ended = {.end = a->end,
                                      .status = a->status,
                                      .error_type = aws_error_type(a->fields, a->body),
                                      .too_big = a->too_big,
                                      .tier = c->tier,
                                      .tries = c->item.tries,
                                      .now_ms = clock_wall_ms(),
                                      .deadline_ms = c->rec.deadline_ms};
    c->fetch = NULL;
    (void)HOOK("direct.after");
    if (clock_was_wrong(c, a)) {
        again(c, 0);
        return;
    }
    const struct batch_verdict v = batch_verdict_of(&ended);
    learn(c, &v, a->status);
    batch_reach_heard(c, a, ended.error_type, v.bad_creds);
    switch (v.fate) {
    case BATCH_FATE_ANSWER:
        end_with_answer(c, a);
        return;
    case BATCH_FATE_ERROR:
        log_say(LOG_WARN, "batch", "record %" PRIu64 ": %s", c->item.number,
                *a->why ? a->why : v.why);
        end_with_error(c, v.status, v.why);
        return;
    case BATCH_FATE_NO_TIER:
        c->item.no_tier = true;
        again(c, 0);
        return;
    case BATCH_FATE_AGAIN:
        break;
    }
    if (v.lost)
        count_twice(c);
    again(c, v.wait_ms);
}

/* --- the beginning */

static void send_call(struct batch_call *c)
{
    c->item.tries++;
    if (batch_call_send(c, c->batch->direct->origin, on_answer))
        return;
    const struct batch_ended none = {.end = ORIGIN_UNSENT,
                                     .tries = c->item.tries,
                                     .now_ms = clock_wall_ms(),
                                     .deadline_ms = c->rec.deadline_ms};
    const struct batch_verdict v = batch_verdict_of(&none);
    batch_reach_no_creds(c);
    if (v.fate == BATCH_FATE_ERROR)
        end_with_error(c, 503, "Weir has no valid AWS credentials for this client.");
    else
        again(c, v.wait_ms);
}

static void on_marked(struct batch *b, const struct batch_mail *m)
{
    struct batch_call *c = find(b->direct, m->number);
    if (!c)
        return;
    if (m->good)
        send_call(c);
    else
        again(c, LATER_MS);
}

/* Its mark is on the disk before it goes. */
static void begin(struct batch_call *c)
{
    struct batch *b = c->batch;
    if (!(c->rec.flags & SPOOL_SENT)) {
        spool_sent(b->spool, &c->item.number, 1, batch_mail_done,
                   batch_mail_new(b, c->item.number, on_marked));
        return;
    }
    if (c->item.tries == 0) /* a Weir before this one died under it */
        count_twice(c);
    if (c->item.maybe_twice)
        c->rec.flags |= SPOOL_MAYBE_TWICE;
    send_call(c);
}

static void start(struct batch_direct *d, struct str model, struct batch_item *item)
{
    struct batch_call *c = NULL;
    int err = batch_call_read(d->batch, item, &c);
    if (err == ERR_BUSY) {
        item->next_ms = loop_now_ms(d->batch->loop) + LATER_MS;
        batch_queue_put(&d->queue, model, item);
    }
    if (err && err != ERR_BAD)
        return; /* it is not on the list any more */
    list_append(&d->calls, &c->node);
    d->body_bytes += buf_len(&c->body);
    d->batch->counts.direct_running++;
    if (!err) {
        begin(c);
        return;
    }
    log_say(LOG_ERROR, "batch", "record %" PRIu64 " is damaged, or sealed with another key",
            item->number);
    end_with_error(c, 500, "What Weir had stored of this request cannot be read any more.");
}

static bool has_room(const struct batch_direct *d)
{
    return d->batch->counts.direct_running < CALLS_MOST && d->body_bytes < BODIES_MOST;
}

/* As many as its pace allows; when to look again. */
static int64_t pump_model(struct batch_direct *d, struct batch_queue_model *m, int64_t now_ms)
{
    struct batch_item item;
    int64_t at_ms = INT64_MAX, wall_ms = clock_wall_ms();
    while (has_room(d) && batch_queue_take(m, now_ms, &item, &at_ms)) {
        if (shared_lanes_take(d->batch->lanes, m->name, wall_ms, &at_ms)) {
            start(d, m->name, &item);
            continue;
        }
        batch_queue_put(&d->queue, m->name, &item);
        return now_ms + at_ms - wall_ms;
    }
    return has_room(d) ? at_ms : INT64_MAX; /* else the end of one looks again */
}

static void pump(void *arg)
{
    struct batch_direct *d = arg;
    int64_t now_ms = loop_now_ms(d->batch->loop), next_ms = INT64_MAX;
    if (atomic_load(&d->batch->daemon->draining))
        return; /* after the restart */
    for (struct list *n = d->queue.models.next; n != &d->queue.models; n = n->next) {
        int64_t at_ms = pump_model(d, LIST_OF(n, struct batch_queue_model, node), now_ms);
        next_ms = at_ms < next_ms ? at_ms : next_ms;
    }
    if (next_ms != INT64_MAX)
        look_again(d, next_ms - now_ms);
}

static bool waits(void *arg, struct str model)
{
    struct batch_direct *d = arg;
    for (const struct list *n = d->calls.next; n != &d->calls; n = n->next)
        if (str_eq(LIST_OF(n, const struct batch_call, node)->rec.model, model))
            return true;
    return batch_queue_has(&d->queue, model);
}

void batch_direct_tick(struct batch_direct *d)
{
    for (struct list *n = d->calls.next; n != &d->calls; n = n->next) {
        struct batch_call *c = LIST_OF(n, struct batch_call, node);
        if (c->ended && !c->settling)
            settle(c);
    }
    batch_queue_trim(&d->queue);
    walk(d);
    batch_reach_tick(d->batch, waits, d);
    pump(d);
}
