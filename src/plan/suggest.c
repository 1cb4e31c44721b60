/* SPDX-License-Identifier: Apache-2.0
 *
 * Every window of the off-hours is tried on every night. A night is busy in it when the window has
 * enough for a job, and all around it is quiet: the day's traffic that ends in the evening has a
 * busy hour beside every window, traffic around the clock has as much outside as inside, and what
 * comes at random comes at other hours the next night.
 */
#include "weir/plan/suggest.h"

#include <inttypes.h>

enum { OFF_BEGIN = 8, OFF_END = 20, QUIET = 4 /* so many times more in the window */ };

struct window {
    unsigned begin, end;
};

struct tally {
    unsigned nights, of, last, elsewhere;
    struct suggest_hour sum; /* of the busy nights, in the window */
};

static uint64_t least(const struct suggest_caller *c)
{
    return c->records_least ? c->records_least : SUGGEST_RECORDS_LEAST;
}

static uint64_t requests_of(const struct suggest_hour night[SUGGEST_HOURS], unsigned from,
                            unsigned until)
{
    uint64_t sum = 0;
    for (unsigned h = from; h < until; h++)
        sum += night[h].requests;
    return sum;
}

/* Compared as rates: requests by hours. */
static bool is_quiet(uint64_t requests, unsigned hours, uint64_t in_window, unsigned window_hours)
{
    return requests * QUIET * window_hours <= in_window * hours;
}

static bool is_busy(const struct suggest_caller *c, const struct suggest_hour night[SUGGEST_HOURS],
                    struct window w)
{
    unsigned hours = w.end - w.begin;
    uint64_t in = requests_of(night, w.begin, w.end);
    uint64_t all = requests_of(night, 0, SUGGEST_HOURS);
    return in >= least(c) && is_quiet(all - in, SUGGEST_HOURS - hours, in, hours) &&
           (w.begin == 0 || is_quiet(night[w.begin - 1].requests, 1, in, hours)) &&
           (w.end == SUGGEST_HOURS || is_quiet(night[w.end].requests, 1, in, hours));
}

static void add(struct suggest_hour *sum, const struct suggest_hour *h)
{
    sum->requests += h->requests;
    sum->fit += h->fit;
    sum->streams += h->streams;
    sum->cost_nanousd += h->cost_nanousd;
    sum->batch_nanousd += h->batch_nanousd;
}

static struct suggest_hour sum_of(const struct suggest_hour night[SUGGEST_HOURS], struct window w)
{
    struct suggest_hour sum = {0};
    for (unsigned h = w.begin; h < w.end; h++)
        add(&sum, &night[h]);
    return sum;
}

/* One hour of it stands out, whichever. */
static bool has_burst(const struct suggest_caller *c,
                      const struct suggest_hour night[SUGGEST_HOURS])
{
    for (unsigned h = 0; h < SUGGEST_HOURS; h++)
        if (is_busy(c, night, (struct window){h, h + 1}))
            return true;
    return false;
}

static struct tally tally_of(const struct suggest_caller *c, struct window w)
{
    struct tally t = {0};
    for (unsigned n = 0; n < SUGGEST_NIGHTS; n++) {
        bool busy = is_busy(c, c->hours[n], w);
        bool over = n + 1 < SUGGEST_NIGHTS || w.end + c->to_come <= SUGGEST_HOURS;
        t.of += busy || (over && t.nights);
        t.elsewhere += !busy && has_burst(c, c->hours[n]);
        if (!busy)
            continue;
        const struct suggest_hour sum = sum_of(c->hours[n], w);
        t.nights++;
        t.last = n;
        add(&t.sum, &sum);
    }
    return t;
}

/* Most of the nights since it began, seldom at another time, and it goes on: a weekend may be
 * without. */
static bool is_regular(const struct tally *t)
{
    return t->nights >= SUGGEST_NIGHTS_LEAST && 2 * t->nights >= t->of &&
           t->nights >= 3 * t->elsewhere && t->last + 4 >= SUGGEST_NIGHTS;
}

/* More nights, then more requests; of those that have the same, the shorter one. */
static bool is_better(const struct tally *a, struct window wa, const struct tally *b,
                      struct window wb)
{
    if (a->nights != b->nights)
        return a->nights > b->nights;
    if (a->sum.requests != b->sum.requests)
        return a->sum.requests > b->sum.requests;
    return wa.end - wa.begin < wb.end - wb.begin;
}

static bool find_window(const struct suggest_caller *c, struct window *out, struct tally *best)
{
    *best = (struct tally){0};
    for (unsigned begin = OFF_BEGIN; begin < OFF_END; begin++)
        for (unsigned n = 1; n <= SUGGEST_WINDOW_HOURS && begin + n <= OFF_END; n++) {
            const struct window w = {begin, begin + n};
            const struct tally t = tally_of(c, w);
            if (!is_regular(&t) || !is_better(&t, w, best, *out))
                continue;
            *best = t;
            *out = w;
        }
    return best->nights > 0;
}

/* Of the last busy night: before an update of Weir nobody noted what fits. */
static enum suggest_bar bar_of_bodies(const struct suggest_caller *c, const struct suggest_found *f)
{
    const struct suggest_hour s = sum_of(c->hours[f->last], (struct window){f->begin, f->end});
    if (s.fit >= s.requests - s.requests / 10)
        return SUGGEST_FREE;
    return s.streams > s.requests / 2 ? SUGGEST_STREAMS : SUGGEST_BODY;
}

enum suggest_bar suggest_bar_of(const struct suggest_caller *c, const struct suggest_found *f)
{
    enum suggest_bar bodies = bar_of_bodies(c, f);
    if (bodies != SUGGEST_FREE)
        return bodies;
    if (!c->offered)
        return SUGGEST_MODEL;
    if (!c->persist)
        return SUGGEST_PERSIST;
    if (!c->bucket)
        return SUGGEST_BUCKET;
    if (f->cost_nanousd && f->batch_nanousd >= f->cost_nanousd)
        return SUGGEST_DEARER;
    return c->at_once && c->at_once < least(c) ? SUGGEST_ONE_BY_ONE : SUGGEST_FREE;
}

bool suggest_look(const struct suggest_caller *c, struct suggest_found *out)
{
    struct window w = {0, 0};
    struct tally t;
    if (!find_window(c, &w, &t))
        return false;
    *out = (struct suggest_found){.nights = t.nights,
                                  .of = t.of,
                                  .last = t.last,
                                  .begin = w.begin,
                                  .end = w.end,
                                  .requests = t.sum.requests / t.nights,
                                  .cost_nanousd = t.sum.cost_nanousd / t.nights,
                                  .batch_nanousd = t.sum.batch_nanousd / t.nights};
    out->bar = suggest_bar_of(c, out);
    return true;
}

void suggest_add_bar(const struct suggest_caller *c, enum suggest_bar bar, struct buf *out)
{
    switch (bar) {
    case SUGGEST_FREE:
        return;
    case SUGGEST_STREAMS:
        buf_add(out, S("it streams: call Converse or InvokeModel instead"));
        return;
    case SUGGEST_BODY:
        buf_add(out, S("tools, structured output, a guardrail, a tier of its own, or another "
                       "operation than Converse and InvokeModel; weir explain says which"));
        return;
    case SUGGEST_MODEL:
        buf_add(out, S("its model is not offered in batch"));
        return;
    case SUGGEST_PERSIST:
        buf_add(out, S("its client's data.persist is never; set it to spool"));
        return;
    case SUGGEST_BUCKET:
        buf_add(out, S("batch.bucket is not set"));
        return;
    case SUGGEST_DEARER:
        buf_add(out, S("it would cost more: the cache saves it more than a batch would"));
        return;
    case SUGGEST_ONE_BY_ONE:
        buf_addf(out,
                 "it has at most %u requests under way together, a job takes at least %" PRIu64
                 ": use more threads, or accept it with --reply retry",
                 c->at_once, least(c));
        return;
    }
}
