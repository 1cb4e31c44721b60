/* SPDX-License-Identifier: Apache-2.0
 *
 * What others do at their best in ten seconds is known from their answers and forgotten by half
 * each half a day; a fifth of that goes to those who wait. A 429 halves it, at most once a second
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
    IDLE_MS = 10 * 60 * 1000
};

static const double damp_least = 1.0 / 16, damp_plan = 0.5, share = 0.2, least = 1;
static const double alone_most = 16, hardly = 0.5;

static double halves(int64_t since, int64_t now, int64_t half)
{
    return now > since ? exp2(-(double)(now - since) / (double)half) : 1;
}

void pace_init(struct pace *p, int64_t now_ms)
{
    *p = (struct pace){.slot_ms = now_ms,
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

void pace_good(struct pace *p, uint32_t n, int64_t now_ms)
{
    if (now_ms < p->slot_ms || now_ms - p->slot_ms >= SLOT_MS) {
        p->best = best_now(p, now_ms);
        p->in_slot = 0;
        p->slot_ms = now_ms;
    }
    p->in_slot = n > UINT32_MAX - p->in_slot ? UINT32_MAX : p->in_slot + n;
}

static double damp_now(const struct pace *p, int64_t now_ms)
{
    double damp = p->damp / halves(p->damped_ms, now_ms, DOUBLE_MS);
    return damp < 1 ? damp : 1;
}

/* Ten seconds are over: were they used? */
static void grow(struct pace *p, int64_t now_ms)
{
    int64_t since = now_ms - p->alone_ms;
    if (since >= 0 && since < SLOT_MS)
        return;
    if (since < 0 || since >= IDLE_MS)
        p->alone = least;
    else if (p->taken * 2 >= p->alone * SLOT_MS / 1000 && p->alone < alone_most)
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
    double best = best_now(p, now_ms), rate = best * share;
    if (best < hardly)
        return p->alone;
    return rate > least ? rate : least;
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
