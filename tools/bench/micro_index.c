/* SPDX-License-Identifier: Apache-2.0
 *
 * Look-ups in a prefix index that is far larger than the processor's caches. Every pass takes the
 * next keys, so that none is looked up twice before all of them were.
 */
#include "micro_index.h"

#include "weir/base/mem.h"
#include "weir/gate/shared_cache.h"
#include "weir/plan/prefix.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS = 1 << 20 };

static struct prefix_index *prefixes;
static size_t made_bytes;
static uint64_t next_key;
static struct shared_cache *shared;

/* The i-th of a sequence without repetitions that looks random (splitmix64). */
static uint64_t key(uint64_t i)
{
    uint64_t z = (i + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static uint64_t places(size_t size_bytes)
{
    return size_bytes / sizeof(struct prefix) / 10 * 9;
}

static void fill(size_t size_bytes)
{
    void *memory = mem_map(size_bytes);
    if (!memory)
        abort();
    prefixes = prefix_init(memory, size_bytes);
    for (uint32_t i = 0; i < places(size_bytes); i++)
        prefix_put(prefixes, key(i))->last = i + 1;
    made_bytes = size_bytes;
}

static void add_keys(struct buf *b, uint64_t known)
{
    for (uint64_t i = 0; i < KEYS; i++) {
        uint64_t k = i % 2 ? key(key(i) % known) : key(known + i);
        buf_add(b, str_from((const char *)&k, sizeof k));
    }
}

void index_make(struct buf *b, size_t size_bytes)
{
    if (made_bytes != size_bytes)
        fill(size_bytes);
    add_keys(b, places(size_bytes));
}

struct shared_cache *index_filled(size_t size_bytes)
{
    struct shared_cache *c = shared_cache_new(size_bytes);
    if (!c)
        abort();
    for (uint32_t i = 0; i < places(size_bytes); i++) {
        struct prefix row = {.key = key(i), .last = i + 1, .count = 1};
        shared_cache_restore(c, &row, 1);
    }
    return c;
}

void index_share(struct buf *b, size_t size_bytes)
{
    shared_cache_free(shared);
    shared = index_filled(size_bytes);
    add_keys(b, places(size_bytes));
}

static const uint64_t *next_keys(struct str keys)
{
    static uint64_t now[INDEX_BLOCKS];
    next_key = next_key + INDEX_BLOCKS < KEYS ? next_key : 0;
    memcpy(now, keys.ptr + next_key * sizeof *now, sizeof now);
    next_key += INDEX_BLOCKS;
    return now;
}

static void find_all(const uint64_t *keys)
{
    size_t found = 0;
    for (size_t i = 0; i < INDEX_BLOCKS; i++)
        found += prefix_find(prefixes, keys[i]) != NULL;
    if (found == 0)
        abort();
}

void index_find(struct str keys)
{
    find_all(next_keys(keys));
}

void index_fetch_find(struct str keys)
{
    const uint64_t *now = next_keys(keys);
    for (size_t i = 0; i < INDEX_BLOCKS; i++)
        prefix_fetch(prefixes, now[i]);
    find_all(now);
}

void index_see(struct str keys)
{
    struct cache_site sites[INDEX_BLOCKS];
    static uint32_t now = 1 << 24;
    const uint64_t *keys_now = next_keys(keys);
    for (size_t i = 0; i < INDEX_BLOCKS; i++)
        sites[i] = (struct cache_site){.key = keys_now[i], .tokens = (uint32_t)i * 100};
    shared_cache_see(shared, sites, INDEX_BLOCKS, now++, false);
}
