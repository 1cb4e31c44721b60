/* SPDX-License-Identifier: Apache-2.0
 *
 * What all workers know together for prompt caching: plan's structures with short locks around
 * them. The index is cut into shards by a prefix's hash; learners, scales and verdicts are found by
 * name in small bounded tables. Nobody holds a lock for longer than one plan.
 *
 *     shared_cache_see --> sites         (a shard's lock for each block)
 *     shared_cache_plan --> a plan       (the client's learner's lock; its notes: the shards')
 *     shared_cache_mark                  (when it went out)
 *     shared_cache_answered, _refused    (what Bedrock said)
 *
 * The keeper (book/keeper) saves what changed and loads it at the start. It may be lost: then
 * things are learned again. The tables' sizes are in base/limits.h.
 */
#ifndef WEIR_GATE_SHARED_CACHE_H
#define WEIR_GATE_SHARED_CACHE_H

#include "weir/plan/cache_plan.h"
#include "weir/plan/tokens.h"
#include "weir/plan/verdict.h"
#include "weir/plan/volatile.h"

struct shared_cache;
/* `size_bytes` of memory for the index (cache.memory), mapped, touched as it fills. NULL: it was
 * refused. */
struct shared_cache *shared_cache_new(uint64_t size_bytes);
void shared_cache_free(struct shared_cache *c); /* when nobody is in it any more */

/* Any thread. For each site with its key: what the index has; the visit is noted unless `dry`. */
void shared_cache_see(struct shared_cache *c, struct cache_site *sites, size_t n, uint32_t now,
                      bool dry);
void shared_cache_plan(struct shared_cache *c, struct str client, const struct cache_terms *terms,
                       const struct cache_site *sites, size_t n, struct str workload, uint32_t now,
                       bool dry, struct cache_plan *out);
void shared_cache_mark(struct shared_cache *c, const struct cache_site *sites,
                       const struct cache_plan *plan, uint32_t now);

/* `on`: what is marked from now on does not go out, so that nothing of it is kept as cached.
 * Off again: what was believed to be cached until `now` is no longer. Any thread, at once. */
void shared_cache_imagine(struct shared_cache *c, bool on, uint32_t now);

/* By model as it is called. A copy; zero when nothing is known. */
struct verdict shared_cache_verdict(struct shared_cache *c, struct str model);
/* Of a request that was refused with Weir's marks and taken without them, by the refusal's message.
 * True: it was about markers, and was learned from; else it is blamed. */
bool shared_cache_refused(struct shared_cache *c, struct str model, struct str message,
                          unsigned marked, bool hour, int64_t now_s);
/* The same, where no text says what of them it was. */
void shared_cache_blamed(struct shared_cache *c, struct str model, unsigned marked, bool hour,
                         int64_t now_s);
/* What an answer reported, against what was expected: verdict and scale learn. */
struct shared_cache_answer {
    struct str model, client;
    uint64_t estimated;            /* uncalibrated tokens of the whole prompt */
    uint64_t reported;             /* tokens of all kinds of input */
    const struct cache_plan *plan; /* NULL: no marker went out */
    uint32_t prefix_tokens;        /* up to the last marker */
    uint64_t read, written;
    int64_t now_s;
};
void shared_cache_answered(struct shared_cache *c, const struct shared_cache_answer *a);
struct tokens_scale shared_cache_scale(struct shared_cache *c, struct str model, struct str client);

/* Where prompts change early: once for each prompt, with how many of its blocks the index knew,
 * from the first on. Never waits. */
void shared_cache_watch(struct shared_cache *c, struct str client, struct str model,
                        const struct ask *a, size_t known, uint32_t least_tokens, int64_t now_s);

/* For the keeper, each in slices. */
size_t shared_cache_take_dirty(struct shared_cache *c, size_t *cursor, struct prefix *out,
                               size_t n);
void shared_cache_restore(struct shared_cache *c, const struct prefix *rows, size_t n);
/* Everything that is not the index (learners, scales, verdicts), by a name for each: what changed
 * since the last call. */
void shared_cache_each_changed(struct shared_cache *c,
                               void (*each)(void *arg, struct str name, struct str bytes),
                               void *arg);
void shared_cache_restore_named(struct shared_cache *c, struct str name, struct str bytes);
/* What was saved is lost: all of both kinds counts as changed. Nobody is held up: in slices, too.
 */
void shared_cache_all_changed(struct shared_cache *c);

/* --- to be seen */
void shared_cache_count(struct shared_cache *c, struct prefix_counts *out);
void shared_cache_each_verdict(struct shared_cache *c,
                               void (*each)(void *arg, struct str model, const struct verdict *v),
                               void *arg);
void shared_cache_each_scale(struct shared_cache *c,
                             void (*each)(void *arg, struct str model, struct str client,
                                          const struct tokens_scale *s),
                             void *arg);

/* A place's tokens are not calibrated. */
void shared_cache_each_volatile(struct shared_cache *c,
                                void (*each)(void *arg, struct str model, struct str client,
                                             const struct volatile_place *p),
                                void *arg);

#endif
