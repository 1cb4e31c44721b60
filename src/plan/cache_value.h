/* SPDX-License-Identifier: Apache-2.0
 *
 * What it is worth to have a token cached, by its chances: s, met again while the cheaper cache
 * lasts; l, later but within the hour; e, never. All visits to come are as this one, so each way
 * costs, until it ends, per token
 *
 *     plain     1     + (s + l) / e
 *     cheap     w     + (s r + l w) / e         written again where it has lapsed
 *     an hour   w1h   + (s + l) r / e
 *
 * of which the differences are the gains. A mark of five minutes pays where s > (w - 1) / (w - r):
 * 0.217 for a write of 1.25 and a read of 0.1. Nothing lasts for ever: at most 50 visits are
 * counted.
 */
#ifndef WEIR_SRC_PLAN_CACHE_VALUE_H
#define WEIR_SRC_PLAN_CACHE_VALUE_H

#include "cache_chance.h"
#include "cache_price.h"

struct value {
    float cheap, hour; /* gain of writing it so, against plain */
    float longer;      /* gain of making an hour of what is cached for less */
};

/* The shortest TTL that the model has. */
static inline enum ask_ttl value_cheap(const struct cache_terms *t)
{
    return cache_price_offered(t, ASK_5M)    ? ASK_5M
           : cache_price_offered(t, ASK_30M) ? ASK_30M
                                             : ASK_1H;
}

static inline float value_surcharge(const struct cache_terms *t)
{
    return (float)cache_price_write(t, value_cheap(t)) - 1;
}

/* That a token is cached when it is met: it is read, and need not be written. */
static inline float value_of_return(const struct cache_terms *t)
{
    return 1 - t->read + value_surcharge(t);
}

/* Within the life of the cheapest cache. */
static inline float value_soon(const struct cache_terms *t, struct chance c)
{
    switch (value_cheap(t)) {
    case ASK_30M:
        return 1 - (1 - c.soon) * (1 - c.half);
    case ASK_1H:
        return 1 - (1 - c.soon) * (1 - c.later);
    case ASK_5M:
    case ASK_UNMARKED:
        return c.soon;
    }
    return c.soon;
}

static inline float value_hour(struct chance c)
{
    return 1 - (1 - c.soon) * (1 - c.later);
}

static inline struct value value_of(const struct cache_terms *t, struct chance c)
{
    float least = 0.02F, r = t->read, w = 1 + value_surcharge(t), w1h = t->write_1h;
    float s = value_soon(t, c) * t->hit, l = value_hour(c) * t->hit - s;
    float e = 1 - s - l < least ? least : 1 - s - l;
    float plain = 1 + (s + l) / e, cheap = (s * r + l * w) / e, hour = (s + l) * r / e;
    return (struct value){.cheap = plain - w - cheap,
                          .hour = plain - w1h - hour,
                          .longer = t->renews ? cheap - hour : r + cheap - w1h - hour};
}

#endif
