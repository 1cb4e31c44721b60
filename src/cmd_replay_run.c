/* SPDX-License-Identifier: Apache-2.0
 *
 * A policy says where markers stand, plan/cache_world what that costs. Time is the trace's, and the
 * bill is by the tokens that the model counted, where it told.
 */
#include "cmd_replay.h"
#include "weir/base/mem.h"
#include "weir/plan/cache_world.h"
#include "weir/plan/clairvoyant.h"

#include <stdio.h>

struct str replay_word(enum replay_policy p)
{
    static const struct str words[REPLAY_POLICIES] = {STR("weir"), STR("none"), STR("system"),
                                                      STR("end"), STR("clairvoyant")};
    return words[p];
}

/* One policy's way through a trace. */
struct run {
    const struct replay *r;
    enum replay_policy policy;
    bool money;
    struct cache_site *sites; /* ASK_BLOCKS_MOST */
    struct cache_world *world;
    struct clairvoyant *clairvoyant;
    struct replay_weir *weir;
};

static const struct replay_model *model_of(const struct run *x, const struct replay_request *q)
{
    return &x->r->of_model[q->model];
}

uint32_t replay_tokens(const struct replay_request *q)
{
    return q->told ? q->told : q->estimated;
}

bool replay_is_money(const struct replay *r)
{
    for (uint32_t i = 0; i < r->models.n; i++)
        if (!r->of_model[i].priced)
            return false;
    return r->models.n > 0;
}

/* Where the client's own marker stands one may stand. */
static void bill_sites(const struct run *x, const struct replay_request *q)
{
    double share = q->estimated ? (double)replay_tokens(q) / q->estimated : 1, sum = 0;
    for (uint32_t i = 0; i < q->n; i++) {
        const struct replay_block *b = &x->r->blocks[q->first + i];
        sum += b->tokens;
        x->sites[i] = (struct cache_site){.key = b->key,
                                          .tokens = (uint32_t)(sum * share),
                                          .section = b->section,
                                          .own = b->own,
                                          .open = b->open || b->own};
    }
}

/* The last place at which a marker may stand, up to the end of a section. Returns how many marks.
 */
static size_t last_open(const struct run *x, const struct replay_request *q, unsigned section,
                        struct cache_mark *out)
{
    const struct cache_terms *t = &model_of(x, q)->terms;
    for (uint32_t i = q->n; i-- > 0;)
        if (x->sites[i].open && x->sites[i].section <= section) {
            *out = (struct cache_mark){.block = i,
                                       .ttl = t->ttls & TTL_5M    ? ASK_5M
                                              : t->ttls & TTL_30M ? ASK_30M
                                                                  : ASK_1H};
            return 1;
        }
    return 0;
}

/* --- one request */

static void bill(struct run *x, const struct replay_request *q, const struct cache_mark *marks,
                 size_t n, struct cache_bill *out)
{
    if (!cache_world_has_room(x->world)) {
        struct cache_world *old = x->world;
        size_t bytes = cache_world_wants(old, q->time_ms);
        x->world = cache_world_move(old, mem_new(bytes), bytes, q->time_ms);
        mem_free(old);
    }
    cache_world_bill(x->world, &model_of(x, q)->terms, x->sites, q->n, replay_tokens(q), marks, n,
                     q->time_ms, out);
}

static void take_marked(struct run *x, const struct replay_request *q, struct cache_bill *out)
{
    struct cache_mark marks[ASK_MARKERS_MOST];
    size_t n = 0;
    if (x->policy == REPLAY_SYSTEM)
        n = last_open(x, q, ASK_SYSTEM, marks);
    else if (x->policy == REPLAY_END)
        n = last_open(x, q, ASK_MESSAGES, marks);
    else if (x->policy == REPLAY_WEIR)
        n = replay_weir_plan(x->weir, q, marks);
    bill(x, q, marks, n, out);
    if (x->policy == REPLAY_WEIR)
        replay_weir_told(x->weir, q, out);
}

static void take_clairvoyant(struct run *x, const struct replay_request *q, double weight)
{
    struct cache_terms terms = model_of(x, q)->terms;
    if (x->r->kind == TRACE_ROW)
        terms.least_tokens = 0;
    if (!clairvoyant_has_room(x->clairvoyant, q->n)) {
        struct clairvoyant *old = x->clairvoyant;
        size_t bytes = clairvoyant_wants(old, q->n, q->time_ms);
        x->clairvoyant = clairvoyant_move(old, mem_new(bytes), bytes, q->time_ms);
        mem_free(old);
    }
    clairvoyant_see(x->clairvoyant, &terms, x->sites, q->n, replay_tokens(q), weight, q->time_ms);
}

static void take(struct run *x, const struct replay_request *q, struct replay_sum *sum)
{
    double weight = x->money ? model_of(x, q)->input_nanousd : 1;
    struct cache_bill b = {.cost = replay_tokens(q)};
    sum->input += replay_tokens(q);
    sum->base += weight * replay_tokens(q);
    bill_sites(x, q);
    if (x->policy == REPLAY_CLAIRVOYANT) {
        take_clairvoyant(x, q, weight);
        return;
    }
    if (q->n)
        take_marked(x, q, &b);
    sum->cost += weight * b.cost;
    sum->read += b.read;
    sum->write += (double)b.write[ASK_5M] + b.write[ASK_30M] + b.write[ASK_1H];
}

static void run_all(struct run *x, struct replay_sum *out)
{
    *out = (struct replay_sum){0};
    for (size_t i = 0; i < x->r->n; i++)
        take(x, &x->r->requests[i], out);
    if (x->policy != REPLAY_CLAIRVOYANT)
        return;
    struct clairvoyant_sum sum = clairvoyant_sum(x->clairvoyant);
    out->cost = sum.cost;
    out->read = sum.read;
    out->write = sum.write;
}

bool replay_run(const struct replay *r, enum replay_policy p, struct replay_sum *out)
{
    struct run x = {.r = r, .policy = p, .money = replay_is_money(r)};
    if (p == REPLAY_WEIR && !(x.weir = replay_weir_new(r))) {
        fprintf(stderr, "weir replay: there is no memory for an index of cache.memory\n");
        return false;
    }
    x.sites = mem_new(ASK_BLOCKS_MOST * sizeof *x.sites);
    x.world = cache_world_init(mem_new(CACHE_WORLD_LEAST_BYTES), CACHE_WORLD_LEAST_BYTES);
    x.clairvoyant = clairvoyant_init(mem_new(CLAIRVOYANT_LEAST_BYTES), CLAIRVOYANT_LEAST_BYTES);
    run_all(&x, out);
    replay_weir_free(x.weir);
    mem_free(x.clairvoyant);
    mem_free(x.world);
    mem_free(x.sites);
    return true;
}
