/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets of eight neighbours. A key belongs into one set and may stand anywhere in it, so a look-up
 * reads eight lines that lie side by side: the processor fetches them together, which takes as long
 * as one.
 *
 *     [head][ set 0: 8 entries ][ set 1 ] ... [ set n-1 ] ..... not yet touched ..... [ most-1 ]
 *
 * The index begins small and doubles in place, so that it touches memory as it fills: set s becomes
 * 2s and 2s + 1. When it is as large as its memory, or a set is full by chance, the entry that has
 * been idle for longest gives way, and what came back is given several times as long as what was
 * seen once. That needs no list, no hand that goes round and no clock: every entry has the time of
 * its last visit.
 */
#include "weir/plan/prefix.h"

#include <assert.h>
#include <string.h>

enum {
    WAYS = 8,
    LEAST_SETS = 16, /* it begins with so many, or nearly twice so many */
    PATIENCE = 3,    /* with every visit but the first; for at most ... */
    PATIENT_VISITS = 8
};

struct prefix_index {
    struct prefix *places; /* in the line behind this one */
    _Atomic(uint64_t) n;   /* sets in use; a fetch reads it without whatever lock the owner has */
    uint64_t most;         /* sets in the memory */
    uint64_t entries, evicted;
};
_Static_assert(sizeof(struct prefix_index) <= sizeof(struct prefix), "the head is one line");

/* 2026-01-01 00:00 UTC */
static const int64_t epoch_ms = 1767225600000;

uint32_t prefix_tick(int64_t wall_ms)
{
    int64_t tick = (wall_ms - epoch_ms) / PREFIX_TICK_MS;
    if (tick < 1)
        return 1;
    return tick < UINT32_MAX ? (uint32_t)tick : UINT32_MAX;
}

struct prefix_index *prefix_init(void *memory, size_t size_bytes)
{
    struct prefix_index *x = memory;
    assert((uintptr_t)memory % sizeof(struct prefix) == 0 && size_bytes >= PREFIX_LEAST_BYTES);
    uint64_t n = (size_bytes / sizeof(struct prefix) - 1) / WAYS;
    unsigned doublings = 0;
    for (; n >= 2 * (uint64_t)LEAST_SETS; n /= 2)
        doublings++;
    *x = (struct prefix_index){
        .places = (struct prefix *)memory + 1, .n = n, .most = n << doublings};
    memset(x->places, 0, (size_t)x->n * WAYS * sizeof *x->places);
    return x;
}

/* --- a set */

/* 0 stands for a free place: a key that is 0 becomes another one. */
static uint64_t key_of(uint64_t key)
{
    return key ? key : 1;
}

/* By the upper half of the key; the lower one may choose between indexes. */
static struct prefix *set_of(const struct prefix_index *x, uint64_t key)
{
    return x->places + ((key >> 32) * x->n >> 32) * WAYS;
}

static struct prefix *in_set(struct prefix *set, uint64_t key)
{
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].key == key)
            return &set[i];
    return NULL;
}

/* How long it may be idle, where what was seen once is given one. */
static uint64_t patience(const struct prefix *p)
{
    uint64_t visits = p->count < PATIENT_VISITS ? p->count : PATIENT_VISITS;
    return visits > 1 ? PATIENCE * (visits - 1) : 1;
}

/* Time goes by the newest visit of the set. */
static struct prefix *coldest(struct prefix *set)
{
    uint32_t now = 0;
    uint64_t worst_idle, worst_patience;
    struct prefix *worst = set;
    for (size_t i = 0; i < WAYS; i++)
        now = set[i].last > now ? set[i].last : now;
    worst_idle = now - worst->last;
    worst_patience = patience(worst);
    for (size_t i = 1; i < WAYS; i++) {
        uint64_t idle = now - set[i].last, given = patience(&set[i]);
        if (idle * worst_patience <= worst_idle * given) /* without a division */
            continue;
        worst = &set[i];
        worst_idle = idle;
        worst_patience = given;
    }
    return worst;
}

/* --- growth */

/* From the last set on: where its entries go is behind it, and free by then. */
static void double_it(struct prefix_index *x)
{
    struct prefix old[WAYS];
    memset(x->places + x->n * WAYS, 0, (size_t)x->n * WAYS * sizeof *x->places);
    x->n = x->n * 2;
    for (uint64_t s = x->n / 2; s-- > 0;) {
        memcpy(old, x->places + s * WAYS, sizeof old);
        memset(x->places + s * WAYS, 0, sizeof old);
        for (size_t i = 0; i < WAYS; i++)
            if (old[i].key)
                *in_set(set_of(x, old[i].key), 0) = old[i];
    }
}

/* Below three eighths, a full set is chance: its coldest goes, and nothing is touched for it. */
static bool may_grow(const struct prefix_index *x)
{
    return x->n * 2 <= x->most && x->entries >= x->n * WAYS * 3 / 8;
}

/* --- the door */

void prefix_fetch(const struct prefix_index *x, uint64_t key)
{
    const struct prefix *set = set_of(x, key_of(key));
    for (size_t i = 0; i < WAYS; i++)
        __builtin_prefetch(&set[i]);
}

struct prefix *prefix_find(struct prefix_index *x, uint64_t key)
{
    key = key_of(key);
    return in_set(set_of(x, key), key);
}

struct prefix *prefix_put(struct prefix_index *x, uint64_t key)
{
    key = key_of(key);
    struct prefix *set = set_of(x, key), *p = in_set(set, key);
    if (p)
        return p;
    p = in_set(set, 0);
    if (!p && may_grow(x)) {
        double_it(x);
        return prefix_put(x, key);
    }
    if (!p) {
        p = coldest(set);
        x->evicted++;
        x->entries--;
    }
    x->entries++;
    *p = (struct prefix){.key = key};
    return p;
}

void prefix_count(const struct prefix_index *x, struct prefix_counts *out)
{
    *out = (struct prefix_counts){x->entries, x->most * WAYS, x->evicted};
}

/* --- walks: a place's number is the cursor, plus one of the next. What doubling moves goes to
 * places behind the cursor or was seen: nothing is passed over. */

size_t prefix_take_dirty(struct prefix_index *x, size_t *cursor, struct prefix *out, size_t n)
{
    size_t all = (size_t)x->n * WAYS, taken = 0, stop = *cursor + 64 * n;
    for (; *cursor < all && *cursor < stop && taken < n; ++*cursor) {
        struct prefix *p = &x->places[*cursor];
        if (!p->key || !p->dirty)
            continue;
        p->dirty = 0;
        out[taken++] = *p;
    }
    if (*cursor >= all)
        *cursor = 0;
    return taken;
}

void prefix_make_dirty(struct prefix_index *x, size_t *cursor, size_t n)
{
    size_t all = (size_t)x->n * WAYS, stop = *cursor + n;
    for (; *cursor < all && *cursor < stop; ++*cursor)
        x->places[*cursor].dirty = x->places[*cursor].key != 0;
    if (*cursor >= all)
        *cursor = 0;
}

const struct prefix *prefix_next(const struct prefix_index *x, size_t *cursor)
{
    size_t all = (size_t)x->n * WAYS;
    while (*cursor < all) {
        const struct prefix *p = &x->places[(*cursor)++];
        if (p->key)
            return p;
    }
    return NULL;
}
