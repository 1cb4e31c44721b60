/* SPDX-License-Identifier: Apache-2.0
 *
 * For every block the cheapest way to each state that its last visit may have left it in: not
 * cached, or cached with one of the TTLs. A visit either pays for plain input, or writes (from
 * every state), or reads, which is possible where the state still lives and keeps it. Only what a
 * way costs more than the cheapest is kept; the cheapest itself is in the sum. So a block that
 * nobody visited for an hour can be forgotten: all its ways are the same from then on.
 */
#include "weir/plan/clairvoyant.h"

#include "cache_price.h"
#include "slots.h"

#include <assert.h>
#include <math.h>

enum { STATES = ASK_1H + 1 };

/* Against the block's cheapest way. Floats will do: they are differences. */
struct way {
    float cost, read, write; /* cost: INFINITY: no way leads there */
};

struct block {
    uint64_t key;
    int64_t last_ms;
    struct way ways[STATES];
    bool seen;
};

struct clairvoyant {
    struct slots blocks;
    struct clairvoyant_sum sum;
};

struct clairvoyant *clairvoyant_init(void *memory, size_t size_bytes)
{
    struct clairvoyant *c = memory;
    assert(size_bytes >= CLAIRVOYANT_LEAST_BYTES);
    slots_init(&c->blocks, c + 1, size_bytes - sizeof *c, sizeof(struct block));
    return c;
}

bool clairvoyant_has_room(const struct clairvoyant *c, size_t n)
{
    return slots_left(&c->blocks) >= n;
}

static bool is_alive(const struct block *b, int64_t now_ms)
{
    return now_ms - b->last_ms < cache_price_life_ms(ASK_1H);
}

size_t clairvoyant_wants(const struct clairvoyant *c, size_t n, int64_t now_ms)
{
    size_t cursor = 0, living = 0;
    for (const struct block *b; (b = slots_next(&c->blocks, &cursor));)
        living += is_alive(b, now_ms);
    size_t bytes = sizeof *c + slots_bytes(living + living / 2 + n, sizeof(struct block));
    return bytes > CLAIRVOYANT_LEAST_BYTES ? bytes : CLAIRVOYANT_LEAST_BYTES;
}

struct clairvoyant *clairvoyant_move(const struct clairvoyant *old, void *memory, size_t size_bytes,
                                     int64_t now_ms)
{
    struct clairvoyant *c = clairvoyant_init(memory, size_bytes);
    size_t cursor = 0;
    c->sum = old->sum;
    for (const struct block *b; (b = slots_next(&old->blocks, &cursor));)
        if (is_alive(b, now_ms))
            *(struct block *)slots_put(&c->blocks, b->key) = *b;
    return c;
}

/* --- one visit of one block */

static void begin(struct block *b)
{
    b->seen = true;
    for (int s = ASK_5M; s < STATES; s++)
        b->ways[s].cost = INFINITY;
}

/* The cheapest way before this visit is the zero of all others, so whatever may begin anywhere
 * begins there. */
static void visit(struct block *b, const struct cache_terms *t, float tokens, int64_t gap_ms)
{
    b->ways[ASK_UNMARKED] = (struct way){.cost = tokens};
    for (enum ask_ttl s = ASK_5M; s <= ASK_1H; s++) {
        struct way stay = b->ways[s];
        struct way write = {.cost = INFINITY};
        stay.cost = gap_ms < cache_price_life_ms(s) ? stay.cost + tokens * t->read : INFINITY;
        stay.read += tokens;
        if (cache_price_offered(t, s))
            write = (struct way){.cost = tokens * (float)cache_price_write(t, s), .write = tokens};
        b->ways[s] = stay.cost <= write.cost ? stay : write;
    }
}

/* Moves the zero to what is the cheapest now. */
static void settle(struct block *b, struct clairvoyant_sum *sum, double weight)
{
    struct way best = b->ways[0];
    for (int s = ASK_5M; s < STATES; s++)
        if (b->ways[s].cost < best.cost)
            best = b->ways[s];
    for (int s = 0; s < STATES; s++) {
        b->ways[s].cost -= best.cost;
        b->ways[s].read -= best.read;
        b->ways[s].write -= best.write;
    }
    sum->cost += weight * (double)best.cost;
    sum->read += (double)best.read;
    sum->write += (double)best.write;
}

/* --- one prompt */

/* How many of its blocks a marker can take in. */
static size_t reachable(const struct cache_terms *t, const struct cache_site *sites, size_t n)
{
    while (n && (!sites[n - 1].open || (t->most_tokens && sites[n - 1].tokens > t->most_tokens)))
        n--;
    return n && sites[n - 1].tokens >= t->least_tokens ? n : 0;
}

void clairvoyant_see(struct clairvoyant *c, const struct cache_terms *terms,
                     const struct cache_site *sites, size_t n, uint32_t tokens, double weight,
                     int64_t now_ms)
{
    uint32_t before = 0;
    n = reachable(terms, sites, n);
    for (size_t i = 0; i < n; i++) {
        struct block *b = slots_put(&c->blocks, sites[i].key);
        int64_t gap_ms = now_ms - b->last_ms;
        if (!b->seen)
            begin(b);
        visit(b, terms, (float)(sites[i].tokens - before), gap_ms);
        settle(b, &c->sum, weight);
        b->last_ms = now_ms;
        before = sites[i].tokens;
    }
    if (tokens > before)
        c->sum.cost += weight * (tokens - before);
}

struct clairvoyant_sum clairvoyant_sum(const struct clairvoyant *c)
{
    return c->sum;
}
