/* SPDX-License-Identifier: Apache-2.0
 *
 * What it costs to keep what is known of prefixes: fills an index, has a keeper save it, some of it
 * again, and another one load it:
 *
 *     weir-keeper-fill FOLDER PREFIXES [CHANGED]
 *
 * FOLDER is STATE/prefixes, and must not be there yet.
 */
#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"
#include "weir/book/keeper.h"

#include <assert.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { SHARDS = 64 }; /* as gate/shared_cache has them */

static struct prefix_index *shards[SHARDS];
static size_t shard;
static uint64_t n_loaded;
static int64_t load_ms;

static size_t take(void *arg, size_t *cursor, struct prefix *out, size_t n)
{
    size_t taken = prefix_take_dirty(shards[shard], cursor, out, n);
    if (*cursor)
        return taken;
    shard = (shard + 1) % SHARDS;
    *cursor = shard ? SIZE_MAX : 0; /* on in the next one */
    return taken;
}

static size_t take_on(void *arg, size_t *cursor, struct prefix *out, size_t n)
{
    *cursor = *cursor == SIZE_MAX ? 0 : *cursor;
    return take(arg, cursor, out, n);
}

static struct prefix *put(uint64_t key)
{
    return prefix_put(shards[key % SHARDS], key);
}

static void restore(void *arg, const struct prefix *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct prefix *p = put(rows[i].key);
        if (!p->dirty)
            *p = rows[i];
    }
}

static void each_named(void *arg, void (*each)(void *to, struct str name, struct str bytes),
                       void *to)
{
}

static void restore_named(void *arg, struct str name, struct str bytes)
{
}

static void loaded(void *arg, uint64_t rows, int64_t ms)
{
    n_loaded = rows;
    load_ms = ms;
}

static void change(struct prefix *p, uint32_t tick)
{
    p->last = tick;
    p->cached_until = tick + 3000;
    p->tokens = (uint32_t)random_below(100000);
    p->count++;
    p->gap = 17.5F;
    p->dirty = 1;
}

static double cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static uint64_t written(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (uint64_t)u.ru_oublock * 512;
}

static void run(const char *dir, uint64_t index_bytes, const char *what)
{
    const struct keeper_source s = {.take = take_on,
                                    .restore = restore,
                                    .each_named = each_named,
                                    .restore_named = restore_named,
                                    .loaded = loaded};
    int64_t began = clock_mono_ns();
    double cpu = cpu_s();
    uint64_t before = written();
    struct keeper *k = keeper_new(dir, index_bytes, &s);
    struct keeper_counts counts;
    do {
        (void)poll(NULL, 0, 1);
        keeper_count(k, &counts);
    } while (!counts.rows && !counts.failures);
    keeper_free(k);
    printf("%s: %.2f s, %.2f s of CPU, %.1f MB written; loaded %" PRIu64 " rows in %" PRId64
           " ms; there are %" PRIu64 "\n",
           what, (double)(clock_mono_ns() - began) / 1e9, cpu_s() - cpu,
           (double)(written() - before) / 1e6, n_loaded, load_ms, counts.rows);
}

static void make_shards(void *memory, uint64_t bytes)
{
    size_t each = (size_t)bytes / SHARDS / sizeof(struct prefix) * sizeof(struct prefix);
    for (size_t i = 0; i < SHARDS; i++)
        shards[i] = prefix_init((char *)memory + i * each, each);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return fprintf(stderr, "usage: weir-keeper-fill FOLDER PREFIXES [CHANGED]\n"), 2;
    uint64_t n = strtoull(argv[2], NULL, 10),
             bytes = n * 2 * 64 + SHARDS * (uint64_t)PREFIX_LEAST_BYTES;
    uint64_t changed = argc > 3 ? strtoull(argv[3], NULL, 10) : n / 20;
    void *memory = mem_map(bytes);
    uint64_t *keys = mem_new(n * sizeof *keys);
    assert(memory);
    make_shards(memory, bytes);
    random_seed(1);
    for (uint64_t i = 0; i < n; i++)
        change(put(keys[i] = random_u64()), 300000000);
    run(argv[1], bytes, "all saved");
    for (uint64_t i = 0; i < changed; i++)
        change(put(keys[random_below(n)]), 300000200);
    run(argv[1], bytes, "some saved again");
    make_shards(memory, bytes);
    run(argv[1], bytes, "loaded alone");
    mem_free(keys);
    mem_unmap(memory, bytes);
    return 0;
}
