/* SPDX-License-Identifier: Apache-2.0
 *
 * What prompt caching could cost if the future were known: each block of each prompt on its own, at
 * the best of plain, cached for five minutes, for half an hour, for an hour, at every visit.
 * Markers cost nothing here and stand everywhere. A block's time to live is chosen when it is
 * written, and stays until it is written anew: no policy of that kind can be cheaper, and most
 * cannot be as cheap. One that prolongs from 5 minutes to an hour without a write (cache_terms:
 * renews) can.
 *
 * It is fed prompt by prompt, in order, and remembers blocks for an hour. Like all of plan it takes
 * no memory: the owner moves it to larger memory before a prompt for which there is no room.
 */
#ifndef WEIR_PLAN_CLAIRVOYANT_H
#define WEIR_PLAN_CLAIRVOYANT_H

#include "weir/plan/cache_plan.h"

enum { CLAIRVOYANT_LEAST_BYTES = 8192 };

struct clairvoyant;
/* In zeroed memory of at least CLAIRVOYANT_LEAST_BYTES; nothing need be freed. */
struct clairvoyant *clairvoyant_init(void *memory, size_t size_bytes);
/* Is there room for a prompt of n blocks? */
bool clairvoyant_has_room(const struct clairvoyant *c, size_t n);
/* The memory that will do for a prompt of n blocks, and for a while. */
size_t clairvoyant_wants(const struct clairvoyant *c, size_t n, int64_t now_ms);
/* Into other memory (zeroed, that large); the old one may be freed. */
struct clairvoyant *clairvoyant_move(const struct clairvoyant *old, void *memory, size_t size_bytes,
                                     int64_t now_ms);

/* One prompt: `tokens` in all, of which the sites are the boundaries. Of the terms: prices, TTLs,
 * and both limits of tokens, below and above which every policy pays for plain input. A token of
 * plain input costs `weight`, always the same for one key. Time never runs backwards. */
void clairvoyant_see(struct clairvoyant *c, const struct cache_terms *terms,
                     const struct cache_site *sites, size_t n, uint32_t tokens, double weight,
                     int64_t now_ms);

/* Of all prompts until now, had they been the last. */
struct clairvoyant_sum {
    double cost, read, write; /* the tokens read and written on the cheapest way */
};
struct clairvoyant_sum clairvoyant_sum(const struct clairvoyant *c);

#endif
