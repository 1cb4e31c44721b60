/* SPDX-License-Identifier: Apache-2.0
 *
 * Which lane is expected to be cheapest. Batch and Flex give up nothing but time, and batch the
 * cache: so a hot prefix can make on demand the cheaper one. Pure; gate/lanes brings the facts.
 */
#ifndef WEIR_PLAN_LANE_H
#define WEIR_PLAN_LANE_H

#include "weir/plan/price.h"

enum {
    LANE_SET_ONDEMAND = 1 << LANE_ONDEMAND,
    LANE_SET_FLEX = 1 << LANE_FLEX,
    LANE_SET_PRIORITY = 1 << LANE_PRIORITY,
    LANE_SET_BATCH = 1 << LANE_BATCH
};

struct lane_ask {
    int64_t deadline_ms;  /* from now; 0: none, interactive */
    unsigned allowed;     /* LANE_SET_* that rule and levers allow beside on demand */
    unsigned offered;     /* ... that the model offers, and no verdict forbids */
    const char *no_batch; /* why this request cannot be batched: a few words; NULL: it can */
    bool own_tier;        /* the client chose a tier: it always wins */
    /* Expected tokens; the cache's share is the planner's. */
    uint64_t prompt, cache_read, cache_write_5m, cache_write_1h, output;
    struct price price[LANES]; /* of on demand, and of those that are offered */
    double fills;              /* chance that the pool fills in time: 0 .. 1 */
    int64_t linger_ms;         /* how long a pool may wait */
    int64_t fallback_ms;       /* stop time and records at the model's rate: what must be left */
};

struct lane_choice {
    enum lane lane;
    bool possible[LANES];
    uint64_t nanousd[LANES]; /* expected, of those that are possible */
    const char *why[LANES];  /* why not, of those that are not: a few words */
};
void lane_choose(const struct lane_ask *a, struct lane_choice *out);

#endif
