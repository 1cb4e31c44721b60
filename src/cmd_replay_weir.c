/* SPDX-License-Identifier: Apache-2.0
 *
 * The policy weir: what the daemon would do (gate/shared_cache), with an index of cache.memory, a
 * learner for each client and no control group. It believes what it estimates and has learned of
 * token counts; what was really read and written it is told afterwards, as by Bedrock's usage.
 */
#include "cmd_replay.h"
#include "weir/base/hash.h"
#include "weir/base/mem.h"
#include "weir/gate/shared_cache.h"

/* Where its time begins: later than the index' first tick, whenever the trace was. */
#define START_MS (INT64_C(1767225600000) + 86400000) /* 2026-01-02 */

struct replay_weir {
    const struct replay *r;
    struct shared_cache *cache;
    struct cache_site *sites; /* ASK_BLOCKS_MOST */
    struct cache_plan plan;   /* of the last request */
    uint64_t estimated;
};

struct replay_weir *replay_weir_new(const struct replay *r)
{
    struct shared_cache *cache = shared_cache_new(r->config->cache_bytes);
    if (!cache)
        return NULL;
    struct replay_weir *w = mem_new(sizeof *w);
    w->r = r;
    w->cache = cache;
    w->sites = mem_new(ASK_BLOCKS_MOST * sizeof *w->sites);
    return w;
}

void replay_weir_free(struct replay_weir *w)
{
    if (!w)
        return;
    shared_cache_free(w->cache);
    mem_free(w->sites);
    mem_free(w);
}

static int64_t now_ms(const struct replay_weir *w, const struct replay_request *q)
{
    return START_MS + q->time_ms - w->r->requests[0].time_ms;
}

static struct str client_of(const struct replay_weir *w, const struct replay_request *q)
{
    return w->r->clients.names[q->client];
}

static struct str model_of(const struct replay_weir *w, const struct replay_request *q)
{
    return w->r->models.names[q->model];
}

/* What one client's prompts are to Weir is its own, though their cache is the account's. */
static void make_sites(struct replay_weir *w, const struct replay_request *q)
{
    const struct replay *r = w->r;
    const struct tokens_scale scale = shared_cache_scale(w->cache, model_of(w, q), client_of(w, q));
    uint64_t who = r->config->cache_share_all ? 0 : hash64(0, client_of(w, q));
    bool row = r->kind == TRACE_ROW; /* its tokens are no estimate, and it has no sections */
    w->estimated = 0;
    for (uint32_t i = 0; i < q->n; i++) {
        const struct replay_block *b = &r->blocks[q->first + i];
        w->estimated += b->tokens;
        w->sites[i] = (struct cache_site){.key = b->key ^ who,
                                          .tokens = row ? (uint32_t)w->estimated
                                                        : tokens_scaled(&scale, w->estimated),
                                          .section = row ? ASK_MESSAGES : b->section,
                                          .own = b->own,
                                          .open = b->open};
    }
}

size_t replay_weir_plan(struct replay_weir *w, const struct replay_request *q,
                        struct cache_mark out[ASK_MARKERS_MOST])
{
    struct cache_terms terms = w->r->of_model[q->model].terms;
    const struct verdict v = shared_cache_verdict(w->cache, model_of(w, q));
    uint32_t now = prefix_tick(now_ms(w, q));
    w->plan = (struct cache_plan){0};
    if (!verdict_apply(&v, now_ms(w, q) / 1000, &terms))
        return 0;
    make_sites(w, q);
    shared_cache_see(w->cache, w->sites, q->n, now, false);
    shared_cache_plan(w->cache, client_of(w, q), &terms, w->sites, q->n, S(""), now, false,
                      &w->plan);
    shared_cache_mark(w->cache, w->sites, &w->plan, now);
    for (size_t i = 0; i < w->plan.n; i++)
        out[i] = w->plan.marks[i];
    return w->plan.n;
}

void replay_weir_told(struct replay_weir *w, const struct replay_request *q,
                      const struct cache_bill *bill)
{
    const struct cache_plan *p = &w->plan;
    const struct shared_cache_answer a = {
        .model = model_of(w, q),
        .client = client_of(w, q),
        .estimated = w->estimated,
        .reported = replay_tokens(q),
        .plan = p->n ? p : NULL,
        .prefix_tokens = p->n ? w->sites[p->marks[p->n - 1].block].tokens : 0,
        .read = bill->read,
        .written = (uint64_t)bill->write[ASK_5M] + bill->write[ASK_30M] + bill->write[ASK_1H],
        .now_s = now_ms(w, q) / 1000,
    };
    shared_cache_answered(w->cache, &a);
}
