/* SPDX-License-Identifier: Apache-2.0
 *
 * What shared_cache.c (the index in shards), shared_learned.c (what is known by name) and
 * shared_volatile.c (where prompts change early) share.
 */
#ifndef WEIR_SRC_GATE_SHARED_CACHE_PRIVATE_H
#define WEIR_SRC_GATE_SHARED_CACHE_PRIVATE_H

#include "named.h"
#include "weir/gate/shared_cache.h"

#include <stdalign.h>
#include <stdatomic.h>

enum { SHARDS_MOST = 64, LINE = sizeof(struct prefix) };

struct shard {
    alignas(LINE) pthread_mutex_t lock;
    struct prefix_index *index;
};

/* By client; never given up, since plans hold on to it. */
struct shared_learner {
    pthread_mutex_t lock;
    struct cache_learner *learner; /* in memory of its own */
    bool changed;
};

struct shared_cache {
    struct shard shards[SHARDS_MOST];
    size_t n; /* shards: a power of two */
    size_t mapped_bytes;
    atomic_bool imagines;
    _Atomic(uint32_t) forgotten; /* what was last visited until then is not believed to be cached */
    struct named_table learners; /* struct shared_learner * */
    struct named_table verdicts; /* struct verdict */
    struct named_table scales;   /* struct tokens_scale, by "client NUL model" */
    struct named_table watches;  /* struct watched, likewise */
};

/* The plan's notes, into the index. */
void shared_cache_note(struct shared_cache *c, const struct cache_site *sites,
                       const struct cache_plan *plan, uint32_t now);

void shared_learned_init(struct shared_cache *c);
void shared_learned_fini(struct shared_cache *c);
void shared_learned_all_changed(struct shared_cache *c);
void shared_volatile_init(struct shared_cache *c);
void shared_volatile_fini(struct shared_cache *c);

#endif
