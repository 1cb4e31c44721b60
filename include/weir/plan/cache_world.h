/* SPDX-License-Identifier: Apache-2.0
 *
 * Bedrock's prompt cache as it is billed, for trying plans out in virtual time: what of a prompt is
 * read, what is written, and what that costs.
 *
 * A marker looks for what is cached at its own place and at the ASK_LOOK_BACK blocks before it; the
 * longest prefix that is found is read, and lives on by its own TTL. What stands between it and the
 * marker is written, and is cached at the marker's place alone. A marker for an hour reads only
 * what is cached for an hour: what is there for five minutes is written anew (docs/decisions/011),
 * unless the terms say `renews`.
 * Markers below the model's minimum count for nothing.
 *
 * Like all of plan it takes no memory: the owner moves it to larger memory before a prompt for
 * which there is no room. What has expired is left behind then.
 */
#ifndef WEIR_PLAN_CACHE_WORLD_H
#define WEIR_PLAN_CACHE_WORLD_H

#include "weir/plan/cache_plan.h"

enum { CACHE_WORLD_LEAST_BYTES = 4096 };

struct cache_world;
/* In zeroed memory of at least CACHE_WORLD_LEAST_BYTES; nothing need be freed. */
struct cache_world *cache_world_init(void *memory, size_t size_bytes);
/* Is there room for what one more prompt may write? */
bool cache_world_has_room(const struct cache_world *w);
/* The memory that will do for what lives now, and for a while. */
size_t cache_world_wants(const struct cache_world *w, int64_t now_ms);
/* Into other memory (zeroed, that large); the old one may be freed. */
struct cache_world *cache_world_move(const struct cache_world *old, void *memory, size_t size_bytes,
                                     int64_t now_ms);

struct cache_bill {
    uint32_t read, write[ASK_1H + 1]; /* tokens; written by enum ask_ttl */
    double cost;                      /* of the whole prompt; one is a token of plain input */
};

/* One prompt: `tokens` in all, of which the sites are the boundaries, with `marks` (at most
 * ASK_MARKERS_MOST, in the order of their blocks). A marker with a longer TTL behind a shorter one,
 * which Bedrock refuses, counts as that. Time never runs backwards. */
void cache_world_bill(struct cache_world *w, const struct cache_terms *terms,
                      const struct cache_site *sites, size_t n, uint32_t tokens,
                      const struct cache_mark *marks, size_t n_marks, int64_t now_ms,
                      struct cache_bill *out);

#endif
