/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory of request bodies. One reservation is at most 256 KiB, so that no worker hashes for
 * longer than about a tenth of a millisecond at a stretch.
 */
#include "weir/gate/body.h"

#include "weir/base/mem.h"

#include <string.h>
#include <sys/mman.h>

enum {
    SMALL_BYTES = 64 * 1024,
    SLICE_BYTES = 256 * 1024,
    FIRST_BYTES = 2048,
    MAPPING_BYTES = (BODY_MOST_BYTES + 1 + 4095) & ~4095,
    SPARE_KEPT_BYTES = 2 * 1024 * 1024, /* of a spare's pages; what is above goes back soon */
    CLEAN_BYTES = 4 * 1024 * 1024       /* at a time: 0.4 ms */
};

void body_init(struct body *b, struct body_pool *pool)
{
    *b = (struct body){.pool = pool};
    sha256_init(&b->hash);
}

static struct body_spare take_mapping(struct body_pool *p)
{
    if (p->n_spares == 0)
        return (struct body_spare){mem_map(MAPPING_BYTES), 0};
    struct body_spare spare = p->spare[--p->n_spares];
    if (p->n_unused > p->n_spares)
        p->n_unused = p->n_spares;
    return spare;
}

static void drop_mapping(struct body_pool *p, struct body_spare spare)
{
    if (p->n_spares == BODY_SPARES)
        mem_unmap(spare.data, MAPPING_BYTES);
    else
        p->spare[p->n_spares++] = spare;
}

bool body_pool_clean(struct body_pool *p)
{
    size_t i = p->n_spares;
    while (i > 0 && p->spare[i - 1].touched <= SPARE_KEPT_BYTES)
        i--;
    if (i == 0)
        return false;
    struct body_spare *s = &p->spare[i - 1];
    size_t from =
        s->touched > SPARE_KEPT_BYTES + CLEAN_BYTES ? s->touched - CLEAN_BYTES : SPARE_KEPT_BYTES;
    from &= ~(size_t)4095;
    (void)madvise(s->data + from, s->touched - from, MADV_DONTNEED);
    s->touched = from;
    return true;
}

static bool grow(struct body *b, size_t want)
{
    size_t room = b->room ? b->room * 2 : FIRST_BYTES;
    while (room < b->len + want && room < SMALL_BYTES)
        room *= 2;
    bool map = b->len + want > SMALL_BYTES || room > SMALL_BYTES;
    struct body_spare spare = map ? take_mapping(b->pool) : (struct body_spare){0};
    char *data = map ? spare.data : mem_try_grow(b->data, room);
    if (!data)
        return false;
    if (map) {
        if (b->len)
            memcpy(data, b->data, b->len);
        mem_free(b->data);
    }
    b->data = data;
    b->mapped = map;
    b->touched = spare.touched;
    b->room = map ? MAPPING_BYTES : room;
    return true;
}

/* Whether the budget has something for this body. */
static bool may_grow(struct body *b)
{
    struct body_budget *budget = b->pool->budget;
    int64_t most = atomic_load_explicit(&budget->most_bytes, memory_order_relaxed);
    int64_t left = most - atomic_load_explicit(&budget->used_bytes, memory_order_relaxed);
    int64_t last = most / 4 * 3 < BODY_MOST_BYTES ? most / 4 * 3 : BODY_MOST_BYTES;
    struct body *nobody = NULL;
    if (left > last)
        return true;
    return left > 0 && (atomic_load(&budget->turn) == b ||
                        atomic_compare_exchange_strong(&budget->turn, &nobody, b));
}

void body_end(struct body *b)
{
    struct body *mine = b;
    if (b->pool)
        (void)atomic_compare_exchange_strong(&b->pool->budget->turn, &mine, NULL);
}

enum body_room body_reserve(struct body *b, size_t want, char **out, size_t *out_room)
{
    if (b->len >= BODY_MOST_BYTES)
        return BODY_FULL;
    if (want == 0)
        want = 1;
    if (want > BODY_MOST_BYTES - b->len)
        want = BODY_MOST_BYTES - b->len;
    if (!may_grow(b))
        return BODY_WAIT;
    /* Refused: what is left is used up first, else it would look like room for ever. */
    if (b->room - b->len < want && !b->mapped && !grow(b, want) && b->room == b->len)
        return BODY_WAIT;
    size_t room = b->room - b->len;
    if (room > want)
        room = want;
    *out_room = room > SLICE_BYTES ? SLICE_BYTES : room;
    *out = b->data + b->len;
    return BODY_ROOM;
}

void body_commit(struct body *b, size_t n)
{
    sha256_add(&b->hash, str_from(b->data + b->len, n));
    b->len += n;
    atomic_fetch_add_explicit(&b->pool->budget->used_bytes, (int64_t)n, memory_order_relaxed);
}

void body_fini(struct body *b)
{
    if (!b->pool)
        return;
    body_end(b);
    atomic_fetch_sub_explicit(&b->pool->budget->used_bytes, (int64_t)b->len, memory_order_relaxed);
    if (b->mapped)
        drop_mapping(b->pool,
                     (struct body_spare){b->data, b->len > b->touched ? b->len : b->touched});
    else
        mem_free(b->data);
    *b = (struct body){0};
}

/* The bottom of the pile is what was not touched. */
void body_pool_trim(struct body_pool *p)
{
    for (size_t i = 0; i < p->n_unused; i++)
        mem_unmap(p->spare[i].data, MAPPING_BYTES);
    p->n_spares -= p->n_unused;
    memmove(p->spare, p->spare + p->n_unused, p->n_spares * sizeof *p->spare);
    p->n_unused = p->n_spares;
}

void body_pool_fini(struct body_pool *p)
{
    while (p->n_spares)
        mem_unmap(p->spare[--p->n_spares].data, MAPPING_BYTES);
}
