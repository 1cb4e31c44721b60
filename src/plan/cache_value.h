/* SPDX-License-Identifier: Apache-2.0
 *
 * What it is worth to have a token cached, by its chances: s, met again while the cheaper cache
 * lasts; l, later but within the hour; e, never. What a token costs from one visit on, all visits
 * behind it being alike:
 *
 *     cached for an hour    H = r + (s + l) H                      = r / e
 *     cached for less       C = r + s C + l U;  with `renews` it is an hour's from here on: H
 *     not cached            U = the least of   1 + (s + l) U,   w + s C + l U,   w1h + (s + l) H
 *
 * The visit at hand may have other chances than those behind it: a first prompt comes back seldom,
 * and what came back once does so again. With r = 0.1 and w = 1.25 a mark of five minutes pays from
 * s = 0.22 on. Nothing lasts for ever: at most 50 visits are counted.
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

struct value_chances {
    float s, l;
};

static inline struct value_chances value_chances(const struct cache_terms *t, struct chance c)
{
    float most = 0.98F, s = value_soon(t, c) * t->hit, l = value_hour(c) * t->hit - s;
    float all = s + l > most ? s + l : most;
    return (struct value_chances){s * most / all, l > 0 ? l * most / all : 0};
}

static inline float value_least(float a, float b)
{
    return a < b ? a : b;
}

/* `behind`: the chances that are expected at the visits behind this one. */
static inline struct value value_of(const struct cache_terms *t, struct chance now,
                                    struct chance behind)
{
    struct value_chances n = value_chances(t, behind), c = value_chances(t, now);
    float r = t->read, w = 1 + value_surcharge(t), w1h = t->write_1h, e = 1 - n.s - n.l;
    float hour = r / e;
    float again = t->renews ? (w + n.s * hour) / (1 - n.l) : (w * (1 - n.s) + n.s * r) / e;
    float none = value_least(value_least(1 / e, again), w1h + (n.s + n.l) * hour);
    float cheap = t->renews ? hour : (r + n.l * none) / (1 - n.s);

    float plain = 1 + (c.s + c.l) * none, less = c.s * cheap + c.l * none;
    float longest = (c.s + c.l) * hour;
    return (struct value){.cheap = plain - w - less,
                          .hour = plain - w1h - longest,
                          .longer = r + less - (t->renews ? r : w1h) - longest};
}

#endif
