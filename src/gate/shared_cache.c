/* SPDX-License-Identifier: Apache-2.0
 *
 * The index: one mapping, cut into shards. A key's lower bits choose the shard, its upper ones the
 * place in it. A prompt's keys are spread over all of it, so their memory is fetched some look-ups
 * ahead; each look-up is under its shard's lock, some ten nanoseconds.
 *
 *     [ this ][ shard 0 ][ shard 1 ] ... [ shard 63 ]
 *
 * What is known by name is in shared_learned.c.
 */
#include "shared_cache_private.h"
#include "weir/base/mem.h"

enum {
    AHEAD = 16,         /* look-ups: 128 lines, which is about what a core waits for at a time */
    SAVED_AT_ONCE = 16, /* under one lock: 1,024 places are looked at */
    MARKED_AT_ONCE = 64 * SAVED_AT_ONCE
};

static size_t count_shards(uint64_t size_bytes)
{
    size_t n = SHARDS_MOST;
    while (n > 1 && size_bytes / n < PREFIX_LEAST_BYTES)
        n /= 2;
    return n;
}

static size_t in_lines(size_t bytes)
{
    return (bytes + LINE - 1) / LINE * LINE;
}

/* Each shard has a line more, for the index' head. */
struct shared_cache *shared_cache_new(uint64_t size_bytes)
{
    size_t n = count_shards(size_bytes), shard_bytes = in_lines((size_t)(size_bytes / n)) + LINE;
    if (shard_bytes < PREFIX_LEAST_BYTES)
        shard_bytes = PREFIX_LEAST_BYTES;
    size_t mapped_bytes = in_lines(sizeof(struct shared_cache)) + n * shard_bytes;
    struct shared_cache *c = mem_map(mapped_bytes);
    if (!c)
        return NULL;
    char *at = (char *)c + in_lines(sizeof *c);
    c->n = n;
    c->mapped_bytes = mapped_bytes;
    for (size_t i = 0; i < n; i++, at += shard_bytes) {
        pthread_mutex_init(&c->shards[i].lock, NULL);
        c->shards[i].index = prefix_init(at, shard_bytes);
    }
    shared_learned_init(c);
    shared_volatile_init(c);
    return c;
}

void shared_cache_free(struct shared_cache *c)
{
    if (!c)
        return;
    shared_learned_fini(c);
    shared_volatile_fini(c);
    for (size_t i = 0; i < c->n; i++)
        pthread_mutex_destroy(&c->shards[i].lock);
    mem_unmap(c, c->mapped_bytes);
}

/* --- the index */

static struct shard *shard_of(struct shared_cache *c, uint64_t key)
{
    return &c->shards[key & (c->n - 1)];
}

static void fetch(struct shared_cache *c, const struct cache_site *site)
{
    prefix_fetch(shard_of(c, site->key)->index, site->key);
}

void shared_cache_imagine(struct shared_cache *c, bool on, uint32_t now)
{
    if (atomic_exchange(&c->imagines, on) && !on)
        atomic_store(&c->forgotten, now);
}

/* When it is looked at next: nobody has to walk over all of them. */
static void forget(const struct shared_cache *c, struct prefix *p)
{
    if (p->last <= atomic_load_explicit(&c->forgotten, memory_order_relaxed))
        cache_forget(p);
}

static void look(struct shared_cache *c, struct cache_site *site, size_t behind, uint32_t now,
                 bool dry)
{
    struct shard *s = shard_of(c, site->key);
    pthread_mutex_lock(&s->lock);
    struct prefix *p = dry ? prefix_find(s->index, site->key) : prefix_put(s->index, site->key);
    if (p)
        forget(c, p);
    if (!dry) {
        cache_see(site, p, behind, now);
    } else {
        site->known = p != NULL;
        site->was = p ? *p : (struct prefix){0};
    }
    pthread_mutex_unlock(&s->lock);
}

void shared_cache_see(struct shared_cache *c, struct cache_site *sites, size_t n, uint32_t now,
                      bool dry)
{
    for (size_t i = 0; i < n && i < AHEAD; i++)
        fetch(c, &sites[i]);
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            fetch(c, &sites[i + AHEAD]);
        look(c, &sites[i], n - i - 1, now, dry);
    }
}

/* NULL where it has given way since: then there is nothing to unlock. */
static struct prefix *lock_known(struct shard *s, uint64_t key)
{
    pthread_mutex_lock(&s->lock);
    struct prefix *p = prefix_find(s->index, key);
    if (!p)
        pthread_mutex_unlock(&s->lock);
    return p;
}

void shared_cache_note(struct shared_cache *c, const struct cache_site *sites,
                       const struct cache_plan *plan, uint32_t now)
{
    for (size_t i = 0; i < plan->n_notes; i++) {
        uint64_t key = sites[plan->notes[i].block].key;
        struct shard *s = shard_of(c, key);
        struct prefix *p = lock_known(s, key);
        if (!p)
            continue;
        cache_note(p, &plan->notes[i], now);
        pthread_mutex_unlock(&s->lock);
    }
}

void shared_cache_mark(struct shared_cache *c, const struct cache_site *sites,
                       const struct cache_plan *plan, uint32_t now)
{
    for (size_t i = 0; i < plan->n; i++) {
        const struct cache_site *site = &sites[plan->marks[i].block];
        struct shard *s = shard_of(c, site->key);
        struct prefix *p = lock_known(s, site->key);
        if (!p)
            continue;
        cache_mark(p, &plan->marks[i], site->tokens, now);
        pthread_mutex_unlock(&s->lock);
    }
}

void shared_cache_count(struct shared_cache *c, struct prefix_counts *out)
{
    struct prefix_counts sum = {0};
    for (size_t i = 0; i < c->n; i++) {
        struct prefix_counts one;
        pthread_mutex_lock(&c->shards[i].lock);
        prefix_count(c->shards[i].index, &one);
        pthread_mutex_unlock(&c->shards[i].lock);
        sum.entries += one.entries;
        sum.most += one.most;
        sum.evicted += one.evicted;
    }
    *out = sum;
}

/* --- the index, kept. The cursor: which shard, and in it prefix_take_dirty's. */

static void forget_imagined(const struct shared_cache *c, struct prefix *p)
{
    if (atomic_load_explicit(&c->imagines, memory_order_relaxed))
        cache_forget(p);
    forget(c, p);
}

size_t shared_cache_take_dirty(struct shared_cache *c, size_t *cursor, struct prefix *out, size_t n)
{
    size_t shard = *cursor % SHARDS_MOST, place = *cursor / SHARDS_MOST, taken = 0;
    while (shard < c->n && taken < n) {
        size_t most = n - taken < SAVED_AT_ONCE ? n - taken : SAVED_AT_ONCE;
        pthread_mutex_lock(&c->shards[shard].lock);
        taken += prefix_take_dirty(c->shards[shard].index, &place, out + taken, most);
        pthread_mutex_unlock(&c->shards[shard].lock);
        shard += place == 0;
    }
    for (size_t i = 0; i < taken; i++)
        forget_imagined(c, &out[i]);
    *cursor = shard < c->n ? place * SHARDS_MOST + shard : 0;
    return taken;
}

void shared_cache_all_changed(struct shared_cache *c)
{
    for (size_t i = 0; i < c->n; i++) {
        size_t place = 0;
        do {
            pthread_mutex_lock(&c->shards[i].lock);
            prefix_make_dirty(c->shards[i].index, &place, MARKED_AT_ONCE);
            pthread_mutex_unlock(&c->shards[i].lock);
        } while (place);
    }
    shared_learned_all_changed(c);
}

/* What has been seen since the start stays as it is. */
void shared_cache_restore(struct shared_cache *c, const struct prefix *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct shard *s = shard_of(c, rows[i].key);
        pthread_mutex_lock(&s->lock);
        struct prefix *p = prefix_put(s->index, rows[i].key);
        if (p->last == 0) { /* new: a visit would have left its time */
            uint64_t key = p->key;
            *p = rows[i];
            p->key = key;
            p->dirty = 0;
        }
        pthread_mutex_unlock(&s->lock);
    }
}
