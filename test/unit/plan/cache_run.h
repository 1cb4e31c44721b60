/* SPDX-License-Identifier: Apache-2.0
 *
 * Traffic through the planner in virtual time: an index, one learner, and the cache as it is
 * billed. A prompt is a list of numbers, one for each block of 512 tokens.
 */
#ifndef WEIR_TEST_UNIT_PLAN_CACHE_RUN_H
#define WEIR_TEST_UNIT_PLAN_CACHE_RUN_H

#include "weir/base/mem.h"
#include "weir/plan/cache_world.h"
#include "weir/plan/prefix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { RUN_BLOCK = 512, RUN_BLOCKS_MOST = 1024, RUN_INDEX = 16 << 20, RUN_WORLD = 8 << 20 };

static const struct cache_terms run_claude = {.fields = 7,
                                              .ttls = 3,
                                              .most_markers = 4,
                                              .least_tokens = 1024,
                                              .after_tool_result = true,
                                              .renews = true,
                                              .read = 0.1F,
                                              .write_5m = 1.25F,
                                              .write_30m = 1.25F,
                                              .write_1h = 2,
                                              .hit = 1,
                                              .exploring = 0.004F};

struct run {
    struct cache_terms terms;
    void *index_memory, *learner_memory;
    struct prefix_index *index;
    struct cache_learner *learner;
    struct cache_world *world;
    struct cache_site sites[RUN_BLOCKS_MOST];
    size_t n;
    double now; /* seconds */
    struct cache_plan plan;
    struct cache_bill bill;
    double cost, input;
    bool observes; /* marks are believed, and do not go out */
    uint64_t ids, random;
};

static inline struct run *run_begin(void)
{
    struct run *r = mem_new(sizeof *r);
    r->terms = run_claude;
    r->index_memory = mem_new(RUN_INDEX + 64);
    r->index = prefix_init((void *)(((uintptr_t)r->index_memory + 63) & ~(uintptr_t)63), RUN_INDEX);
    r->learner_memory = mem_new(CACHE_LEARNER_BYTES);
    r->learner = cache_learner_init(r->learner_memory);
    r->world = cache_world_init(mem_new(RUN_WORLD), RUN_WORLD);
    r->random = 88172645463325252U;
    r->ids = 1;
    return r;
}

static inline void run_end(struct run *r)
{
    mem_free(r->world);
    mem_free(r->learner_memory);
    mem_free(r->index_memory);
    mem_free(r);
}

static inline uint64_t run_below(struct run *r, uint64_t n)
{
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    return r->random % n;
}

static inline void run_world_room(struct run *r)
{
    if (cache_world_has_room(r->world))
        return;
    struct cache_world *old = r->world;
    r->world = cache_world_move(old, mem_new(RUN_WORLD), RUN_WORLD, (int64_t)(r->now * 1000));
    mem_free(old);
}

static inline uint32_t run_tick(const struct run *r)
{
    return 1000000 + (uint32_t)(r->now * 10);
}

static inline void run_forget(struct run *r)
{
    size_t cursor = 0;
    for (const struct prefix *p; (p = prefix_next(r->index, &cursor));)
        cache_forget(prefix_find(r->index, p->key));
}

/* The sites of a prompt, as a dialect would give them. */
static inline void run_prompt(struct run *r, const uint64_t *ids, size_t n)
{
    uint64_t key = 1469598103934665603U;
    r->n = n;
    for (size_t i = 0; i < n; i++) {
        key = (key ^ ids[i]) * 0x9E3779B97F4A7C15U;
        key ^= key >> 31;
        r->sites[i] = (struct cache_site){.key = key,
                                          .tokens = (uint32_t)(i + 1) * RUN_BLOCK,
                                          .section = ASK_MESSAGES,
                                          .open = true};
    }
}

/* Plans what run_prompt made (and the test changed), and bills it. */
static inline void run_plan(struct run *r)
{
    uint32_t now = run_tick(r);
    for (size_t i = 0; i < r->n; i++)
        cache_see(&r->sites[i], prefix_put(r->index, r->sites[i].key), r->n - 1 - i, now);
    cache_plan(r->learner, &r->terms, r->sites, r->n, 0, now, false, &r->plan);
    if (r->terms.withheld)
        r->plan.n = 0;
    for (size_t i = 0; i < r->plan.n_notes; i++)
        cache_note(prefix_put(r->index, r->sites[r->plan.notes[i].block].key), &r->plan.notes[i],
                   now);
    for (size_t i = 0; i < r->plan.n; i++) {
        const struct cache_site *s = &r->sites[r->plan.marks[i].block];
        cache_mark(prefix_put(r->index, s->key), &r->plan.marks[i], s->tokens, now);
    }
    if (r->observes)
        r->plan.n = 0;
    run_world_room(r);
    uint32_t tokens = (uint32_t)r->n * RUN_BLOCK;
    cache_world_bill(r->world, &r->terms, r->sites, r->n, tokens, r->plan.marks, r->plan.n,
                     (int64_t)(r->now * 1000), &r->bill);
    r->cost += r->bill.cost;
    r->input += tokens;
}

static inline void run_ask(struct run *r, const uint64_t *ids, size_t n)
{
    run_prompt(r, ids, n);
    run_plan(r);
}

/* A prompt of n blocks that nobody has seen. */
static inline void run_new(struct run *r, size_t n)
{
    uint64_t ids[RUN_BLOCKS_MOST];
    for (size_t i = 0; i < n; i++)
        ids[i] = r->ids++;
    run_ask(r, ids, n);
}

/* A line of prompts: each is the last one and something new. */
struct line {
    uint64_t ids[RUN_BLOCKS_MOST];
    size_t n;
};

static inline void line_add(struct run *r, struct line *l, size_t n)
{
    for (; n > 0; n--)
        l->ids[l->n++] = r->ids++;
}

/* `turns` prompts with `gap` seconds between them. */
static inline void run_line(struct run *r, struct line *l, size_t turns, size_t add, double gap)
{
    for (; turns > 0; turns--) {
        run_ask(r, l->ids, l->n);
        line_add(r, l, add);
        r->now += gap;
    }
}

#endif
