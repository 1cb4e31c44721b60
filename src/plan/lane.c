/* SPDX-License-Identifier: Apache-2.0
 *
 * Expected cost of each lane that is possible; the cheapest wins, and on demand wins a tie: nothing
 * waits for nothing. Flex has the cache as on demand has it. A batch has none, and may not come
 * about: then the request goes Flex, where that is possible, or on demand after all. Priority is
 * dearer and bought for its speed: it is taken when it was asked for and nothing may wait.
 */
#include "weir/plan/lane.h"

/* More than any request costs; so that sums of shares stay exact enough, and in range. */
#define NANOUSD_MOST ((uint64_t)1 << 62)

static uint64_t rest_of(uint64_t all, uint64_t part)
{
    return all > part ? all - part : 0;
}

static uint64_t cost(const struct lane_ask *a, enum lane lane, bool cached)
{
    struct usage u = {.tokens = {[TOKEN_INPUT] = a->prompt, [TOKEN_OUTPUT] = a->output}};
    if (cached) {
        u.tokens[TOKEN_CACHE_READ] = a->cache_read;
        u.tokens[TOKEN_CACHE_WRITE_5M] = a->cache_write_5m;
        u.tokens[TOKEN_CACHE_WRITE_1H] = a->cache_write_1h;
        for (unsigned k = TOKEN_CACHE_READ; k <= TOKEN_CACHE_WRITE_1H; k++)
            u.tokens[TOKEN_INPUT] = rest_of(u.tokens[TOKEN_INPUT], u.tokens[k]);
    }
    uint64_t nanousd = price_cost(&a->price[lane], &u);
    return nanousd < NANOUSD_MOST ? nanousd : NANOUSD_MOST;
}

static uint64_t batch_cost(const struct lane_ask *a, uint64_t otherwise)
{
    uint64_t batch = cost(a, LANE_BATCH, false);
    double fills = a->fills > 0 ? a->fills < 1 ? a->fills : 1 : 0;
    if (batch < otherwise)
        return otherwise - (uint64_t)((double)(otherwise - batch) * fills);
    return otherwise + (uint64_t)((double)(batch - otherwise) * fills);
}

static bool too_near(const struct lane_ask *a)
{
    return a->deadline_ms <= a->linger_ms || a->deadline_ms - a->linger_ms <= a->fallback_ms;
}

/* NULL: it is possible. */
static const char *why_not(const struct lane_ask *a, enum lane lane)
{
    bool waits = lane == LANE_FLEX || lane == LANE_BATCH;
    if (lane == LANE_ONDEMAND)
        return NULL;
    if (lane == LANE_RESERVED)
        return "it is bought apart";
    if (a->own_tier)
        return "the client chose a tier";
    if (waits && a->deadline_ms <= 0)
        return "there is no deadline";
    if (!(a->allowed & 1U << lane))
        return lane == LANE_PRIORITY ? "no rule names it" : "it is not allowed";
    if (!(a->offered & 1U << lane))
        return "the model does not offer it";
    if (lane == LANE_BATCH && a->no_batch)
        return a->no_batch;
    return lane == LANE_BATCH && too_near(a) ? "the deadline is too near" : NULL;
}

static enum lane cheaper(const struct lane_choice *c, enum lane so_far, enum lane next)
{
    return c->possible[next] && c->nanousd[next] < c->nanousd[so_far] ? next : so_far;
}

static enum lane without_batch(const struct lane_choice *c)
{
    return cheaper(c, LANE_ONDEMAND, LANE_FLEX);
}

void lane_choose(const struct lane_ask *a, struct lane_choice *out)
{
    *out = (struct lane_choice){0};
    for (unsigned l = 0; l < LANES; l++) {
        out->why[l] = why_not(a, (enum lane)l);
        out->possible[l] = !out->why[l];
        if (out->possible[l] && l != LANE_BATCH)
            out->nanousd[l] = cost(a, (enum lane)l, true);
    }
    if (out->possible[LANE_BATCH])
        out->nanousd[LANE_BATCH] = batch_cost(a, out->nanousd[without_batch(out)]);
    out->lane = cheaper(out, without_batch(out), LANE_BATCH);
    if (out->possible[LANE_PRIORITY] && !out->possible[LANE_FLEX] && !out->possible[LANE_BATCH])
        out->lane = LANE_PRIORITY;
}
