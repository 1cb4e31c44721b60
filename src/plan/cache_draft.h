/* SPDX-License-Identifier: Apache-2.0
 *
 * Markers on their way into a plan: at most so many, in the order of blocks, longer TTLs first,
 * the client's among them; and what they would read and write, as far as one knows.
 */
#ifndef WEIR_SRC_PLAN_CACHE_DRAFT_H
#define WEIR_SRC_PLAN_CACHE_DRAFT_H

#include "weir/plan/cache_plan.h"

/* Ends count from one: a prefix of so many blocks; 0 is none. */
struct draft {
    const struct cache_terms *terms;
    const struct cache_site *sites;
    size_t n_sites;
    uint32_t now;
    struct cache_mark marks[ASK_MARKERS_MOST];
    size_t n, most;
};

/* With the client's own markers. */
void draft_begin(struct draft *d, const struct cache_terms *terms, const struct cache_site *sites,
                 size_t n, uint32_t now);
/* May a marker of ours stand at this end, or does one of the client's? */
bool draft_open(const struct draft *d, size_t end);
/* Nothing where there is no room, or where no marker may stand. A TTL is only made longer; one that
 * is not offered becomes the cheapest that is. */
void draft_add(struct draft *d, size_t end, enum ask_ttl ttl, enum cache_reason reason);
/* Would a marker find what is cached up to this end? */
bool draft_finds(const struct draft *d, size_t end);
/* Brings the TTLs in an order that Bedrock takes. */
void draft_order(struct draft *d);
/* The deepest end that is believed to be cached for `ttl` at least, and can be read. */
size_t draft_cached(const struct draft *d, enum ask_ttl ttl, size_t known);

struct draft_bill {
    uint32_t read, write[ASK_1H + 1];
};
struct draft_bill draft_bill(const struct draft *d);

static inline uint32_t draft_tokens(const struct draft *d, size_t end)
{
    return end ? d->sites[end - 1].tokens : 0;
}

#endif
