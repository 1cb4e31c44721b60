/* SPDX-License-Identifier: Apache-2.0
 *
 * What a TTL is and costs.
 */
#ifndef WEIR_SRC_PLAN_CACHE_PRICE_H
#define WEIR_SRC_PLAN_CACHE_PRICE_H

#include "weir/plan/cache_plan.h"

static inline int64_t cache_price_life_ms(enum ask_ttl ttl)
{
    static const int64_t minutes[] = {[ASK_5M] = 5, [ASK_30M] = 30, [ASK_1H] = 60};
    return minutes[ttl] * 60 * 1000;
}

/* Of a token that is written. */
static inline double cache_price_write(const struct cache_terms *t, enum ask_ttl ttl)
{
    return (double)(ttl == ASK_1H ? t->write_1h : ttl == ASK_30M ? t->write_30m : t->write_5m);
}

/* The bits of terms.ttls: enum catalogue_ttl, which plan may not include. */
static inline bool cache_price_offered(const struct cache_terms *t, enum ask_ttl ttl)
{
    return t->ttls & (ttl == ASK_1H ? 2u : ttl == ASK_30M ? 4u : 1u);
}

#endif
