/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model answers at its best in ten seconds is forgotten by half each half a day; a fifth of
 * that goes to those who wait, and while nobody else is there what they reached by doubling, where
 * that is more. Somebody is there for half a minute after five answers to others in ten seconds:
 * what was asked in the morning slows nobody at night. A 429 halves it, at most once a second
 * and to a sixteenth; each minute without one doubles it again. A plan over hours does not count on
 * such a minute: there a 429 takes a half at most.
 */
#include "weir/plan/pace.h"

#include "weir/base/varint.h"

#include <math.h>

enum {
    FORM = 1,
    NUMBERS = 4,
    PARTS = 1000, /* of a call a second */
    MOST = 1000000,
    SLOT_MS = 10 * 1000,
    HALF_MS = 12 * 3600 * 1000,
    DOUBLE_MS = 60 * 1000, /* so long until what a 429 took by half is back */
    DEAF_MS = 1000,        /* 429s of calls that went together are one */
    IDLE_MS = 10 * 60 * 1000,
    CROWD = 5, /* answers to others in ten seconds */
    CROWD_MS = 30 * 1000
};

static const double damp_least = 1.0 / 16, damp_plan = 0.5, share = 0.2, least = 1;
static const double alone_most = 16;

static double halves(int64_t since, int64_t now, int64_t half)
{
    return now > since ? exp2(-(double)(now - since) / (double)half) : 1;
}

void pace_init(struct pace *p, int64_t now_ms)
{
    *p = (struct pace){.slot_ms = now_ms,
                       .crowd_ms = now_ms - CROWD_MS,
                       .damp = 1,
                       .damped_ms = now_ms,
                       .alone = least,
                       .alone_ms = now_ms,
                       .credit_ms = now_ms};
}

static double best_now(const struct pace *p, int64_t now_ms)
{
    double slot = p->in_slot * 1000.0 / SLOT_MS;
    return (slot > p->best ? slot : p->best) * halves(p->slot_ms, now_ms, HALF_MS);
}

static uint32_t more(uint32_t a, uint32_t b)
{
    return b > UINT32_MAX - a ? UINT32_MAX : a + b;
}

static void count(struct pace *p, uint32_t n, int64_t now_ms)
{
    if (now_ms < p->slot_ms || now_ms - p->slot_ms >= SLOT_MS) {
        p->best = best_now(p, now_ms);
        p->in_slot = p->others = 0;
        p->slot_ms = now_ms;
    }
    p->in_slot = more(p->in_slot, n);
}

void pace_good(struct pace *p, uint32_t n, int64_t now_ms)
{
    count(p, n, now_ms);
    p->others = more(p->others, n);
    if (p->others >= CROWD)
        p->crowd_ms = now_ms;
}

void pace_good_ours(struct pace *p, int64_t now_ms)
{
    count(p, 1, now_ms);
}

static double damp_now(const struct pace *p, int64_t now_ms)
{
    double damp = p->damp / halves(p->damped_ms, now_ms, DOUBLE_MS);
    return damp < 1 ? damp : 1;
}

static bool within(int64_t from_ms, int64_t most_ms, int64_t now_ms)
{
    return now_ms >= from_ms && now_ms - from_ms < most_ms;
}

/* Clocks of two threads differ a little. */
static bool crowded(const struct pace *p, int64_t now_ms)
{
    return within(p->crowd_ms, CROWD_MS, now_ms) || within(now_ms, CROWD_MS, p->crowd_ms);
}

/* Ten seconds are over: were they used, and by nobody else? */
static void grow(struct pace *p, int64_t now_ms)
{
    if (within(p->alone_ms, SLOT_MS, now_ms))
        return;
    if (!within(p->alone_ms, IDLE_MS, now_ms))
        p->alone = least;
    else if (!crowded(p, now_ms) && p->taken * 2 >= p->alone * SLOT_MS / 1000 &&
             p->alone < alone_most)
        p->alone *= 2;
    p->taken = 0;
    p->alone_ms = now_ms;
}

void pace_throttled(struct pace *p, int64_t now_ms)
{
    if (p->damp < 1 && now_ms >= p->damped_ms && now_ms - p->damped_ms < DEAF_MS)
        return;
    double damp = damp_now(p, now_ms) / 2;
    p->damp = damp > damp_least ? damp : damp_least;
    p->damped_ms = now_ms;
    p->alone = p->alone / 2 > least ? p->alone / 2 : least;
    p->alone_ms = now_ms;
    p->taken = 0;
    p->credit = 0;
}

static double undamped(const struct pace *p, int64_t now_ms)
{
    double rate = best_now(p, now_ms) * share;
    bool alone = !crowded(p, now_ms) && within(p->alone_ms, IDLE_MS, now_ms);
    double floor = alone ? p->alone : least;
    return rate > floor ? rate : floor;
}

double pace_per_second(const struct pace *p, int64_t now_ms)
{
    double damp = damp_now(p, now_ms);
    return undamped(p, now_ms) * (damp > damp_plan ? damp : damp_plan);
}

bool pace_take(struct pace *p, int64_t now_ms, int64_t *out_ms)
{
    grow(p, now_ms);
    double rate = undamped(p, now_ms) * damp_now(p, now_ms), most = rate > 1 ? rate : 1;
    if (now_ms > p->credit_ms)
        p->credit += (double)(now_ms - p->credit_ms) / 1000 * rate;
    p->credit_ms = now_ms;
    if (p->credit > most)
        p->credit = most;
    if (p->credit >= 1) {
        p->credit -= 1;
        p->taken++;
        return true;
    }
    *out_ms = now_ms + 1 + (int64_t)((1 - p->credit) * 1000 / rate);
    return false;
}

/* --- kept */

void pace_write(const struct pace *p, struct buf *out)
{
    const uint64_t n[NUMBERS] = {(uint64_t)(best_now(p, p->slot_ms) * PARTS), (uint64_t)p->slot_ms,
                                 (uint64_t)(p->alone * PARTS), (uint64_t)p->alone_ms};
    char bytes[1 + NUMBERS * VARINT_MOST], *at = bytes;
    *at++ = FORM;
    for (size_t i = 0; i < NUMBERS; i++)
        at = varint_put(at, n[i]);
    buf_add(out, str_from(bytes, (size_t)(at - bytes)));
}

int pace_read(struct str bytes, struct pace *p, int64_t now_ms)
{
    uint64_t n[NUMBERS];
    struct str rest = str_from_offset(bytes, 1);
    if (bytes.len == 0 || bytes.ptr[0] != FORM)
        return ERR_BAD;
    for (size_t i = 0; i < NUMBERS; i++)
        if (!varint_take(&rest, &n[i]))
            return ERR_BAD;
    if (rest.len || n[0] > (uint64_t)MOST * PARTS || n[2] > (uint64_t)alone_most * PARTS ||
        n[1] > INT64_MAX || n[3] > INT64_MAX)
        return ERR_BAD;
    double best = (double)n[0] / PARTS * halves((int64_t)n[1], now_ms, HALF_MS);
    double alone = (double)n[2] / PARTS;
    if (best > best_now(p, now_ms))
        p->best = best;
    if (alone > p->alone && now_ms >= (int64_t)n[3] && now_ms - (int64_t)n[3] < IDLE_MS)
        p->alone = alone;
    return 0;
}
