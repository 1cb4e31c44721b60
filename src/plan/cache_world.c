/* SPDX-License-Identifier: Apache-2.0
 *
 * A prompt is billed from its beginning, TTL by TTL, the longest first, since markers stand in that
 * order:
 *
 *     |---- read ----|---- written for 1h ----|-- read --|-- written for 5m --|-- plain --|
 *     0           cached for 1h            last 1h     cached at all       last 5m
 *                                          marker                          marker
 *
 * Rules: AWS's user guide "Prompt caching", autumn 2026; prices are the terms'.
 */
#include "weir/plan/cache_world.h"

#include "cache_price.h"
#include "slots.h"

#include <assert.h>

struct entry {
    uint64_t key;
    int64_t until_ms;
    int64_t life_ms;
};

struct cache_world {
    struct slots entries;
};

struct cache_world *cache_world_init(void *memory, size_t size_bytes)
{
    struct cache_world *w = memory;
    assert(size_bytes >= CACHE_WORLD_LEAST_BYTES);
    slots_init(&w->entries, w + 1, size_bytes - sizeof *w, sizeof(struct entry));
    return w;
}

bool cache_world_has_room(const struct cache_world *w)
{
    return slots_left(&w->entries) >= ASK_MARKERS_MOST;
}

size_t cache_world_wants(const struct cache_world *w, int64_t now_ms)
{
    size_t cursor = 0, living = 0;
    for (const struct entry *e; (e = slots_next(&w->entries, &cursor));)
        living += e->until_ms > now_ms;
    size_t bytes = sizeof *w + slots_bytes(2 * living + ASK_MARKERS_MOST, sizeof(struct entry));
    return bytes > CACHE_WORLD_LEAST_BYTES ? bytes : CACHE_WORLD_LEAST_BYTES;
}

struct cache_world *cache_world_move(const struct cache_world *old, void *memory, size_t size_bytes,
                                     int64_t now_ms)
{
    struct cache_world *w = cache_world_init(memory, size_bytes);
    size_t cursor = 0;
    for (const struct entry *e; (e = slots_next(&old->entries, &cursor));)
        if (e->until_ms > now_ms)
            *(struct entry *)slots_put(&w->entries, e->key) = *e;
    return w;
}

/* --- one prompt */

struct marked {
    struct cache_mark at[ASK_MARKERS_MOST]; /* those that count */
    size_t n;
};

static void take_marks(const struct cache_terms *t, const struct cache_site *sites, size_t n,
                       const struct cache_mark *marks, size_t n_marks, struct marked *out)
{
    enum ask_ttl longest = ASK_1H;
    assert(n_marks <= ASK_MARKERS_MOST);
    for (size_t i = 0; i < n_marks; i++) {
        struct cache_mark m = marks[i];
        assert(m.block < n && m.ttl != ASK_UNMARKED && (i == 0 || m.block > marks[i - 1].block));
        uint32_t tokens = sites[m.block].tokens;
        longest = m.ttl = m.ttl < longest ? m.ttl : longest;
        if (tokens >= t->least_tokens && (!t->most_tokens || tokens <= t->most_tokens))
            out->at[out->n++] = m;
    }
}

/* The entry of at least that life from which this marker reads, at or behind `least`; it lives
 * on. Returns one past its block, or `least`. */
static size_t look_back(struct cache_world *w, const struct cache_site *sites, size_t block,
                        int64_t life_ms, size_t least, int64_t now_ms)
{
    size_t first = block > ASK_LOOK_BACK ? block - ASK_LOOK_BACK : 0;
    for (size_t i = block + 1; i-- > first && i + 1 > least;) {
        struct entry *e = slots_find(&w->entries, sites[i].key);
        if (e && e->until_ms > now_ms && e->life_ms >= life_ms) {
            e->until_ms = now_ms + e->life_ms;
            return i + 1;
        }
    }
    return least;
}

/* One past the longest prefix that the markers find cached for that TTL at least (with `renews`: at
 * all). */
static size_t find_cached(struct cache_world *w, const struct cache_site *sites,
                          const struct marked *m, enum ask_ttl ttl, bool renews, int64_t now_ms)
{
    int64_t life_ms = renews ? 0 : cache_price_life_ms(ttl);
    size_t found = 0;
    for (size_t i = m->n; i-- > 0;)
        found = look_back(w, sites, m->at[i].block, life_ms, found, now_ms);
    return found;
}

/* One past the last marker of that TTL; 0: there is none. */
static size_t last_of(const struct marked *m, enum ask_ttl ttl)
{
    for (size_t i = m->n; i-- > 0;)
        if (m->at[i].ttl == ttl)
            return m->at[i].block + 1;
    return 0;
}

static uint32_t tokens_to(const struct cache_site *sites, size_t n)
{
    return n ? sites[n - 1].tokens : 0;
}

static void keep(struct cache_world *w, uint64_t key, int64_t life_ms, int64_t now_ms)
{
    struct entry *e = slots_put(&w->entries, key);
    if (e->until_ms >= now_ms + life_ms)
        return;
    e->life_ms = life_ms;
    e->until_ms = now_ms + life_ms;
}

void cache_world_bill(struct cache_world *w, const struct cache_terms *terms,
                      const struct cache_site *sites, size_t n, uint32_t tokens,
                      const struct cache_mark *marks, size_t n_marks, int64_t now_ms,
                      struct cache_bill *out)
{
    struct marked m = {0};
    size_t at = 0;
    *out = (struct cache_bill){0};
    take_marks(terms, sites, n, marks, n_marks, &m);
    for (enum ask_ttl ttl = ASK_1H; ttl > ASK_UNMARKED; ttl--) {
        size_t end = last_of(&m, ttl);
        if (!end)
            continue;
        size_t read = find_cached(w, sites, &m, ttl, terms->renews, now_ms);
        if (read > at)
            out->read += tokens_to(sites, read) - tokens_to(sites, at);
        at = read > at ? read : at;
        if (end <= at)
            continue;
        out->write[ttl] = tokens_to(sites, end) - tokens_to(sites, at);
        out->cost += out->write[ttl] * cache_price_write(terms, ttl);
        at = end;
    }
    for (size_t i = 0; i < m.n; i++)
        keep(w, sites[m.at[i].block].key, cache_price_life_ms(m.at[i].ttl), now_ms);
    uint32_t plain = tokens > tokens_to(sites, at) ? tokens - tokens_to(sites, at) : 0;
    out->cost += out->read * (double)terms->read + plain;
}
