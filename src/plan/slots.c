/* SPDX-License-Identifier: Apache-2.0
 *
 * A place is free while its key is 0; the key 0 itself counts as 1. A quarter always stays free, so
 * that every search ends soon.
 */
#include "slots.h"

#include <assert.h>

static unsigned char *place(const struct slots *s, uint64_t key)
{
    for (size_t at = (size_t)(key ^ key >> 32);; at++) {
        unsigned char *slot = s->memory + (at & (s->most - 1)) * s->slot_bytes;
        uint64_t there = *(const uint64_t *)(const void *)slot;
        if (there == key || there == 0)
            return slot;
    }
}

void slots_init(struct slots *s, void *memory, size_t size_bytes, size_t slot_bytes)
{
    *s = (struct slots){.memory = memory, .slot_bytes = slot_bytes, .most = 1};
    assert(size_bytes >= slot_bytes);
    while (s->most * 2 <= size_bytes / slot_bytes)
        s->most *= 2;
}

size_t slots_bytes(size_t n, size_t slot_bytes)
{
    size_t most = 64;
    while (most / 2 < n)
        most *= 2;
    return most * slot_bytes;
}

size_t slots_left(const struct slots *s)
{
    size_t usable = s->most - s->most / 4 - 1;
    return usable > s->n ? usable - s->n : 0;
}

void *slots_find(const struct slots *s, uint64_t key)
{
    unsigned char *slot = place(s, key ? key : 1);
    return *(const uint64_t *)(const void *)slot ? slot : NULL;
}

void *slots_put(struct slots *s, uint64_t key)
{
    unsigned char *slot = place(s, key ? key : 1);
    uint64_t *there = (uint64_t *)(void *)slot;
    if (*there == 0) {
        assert(slots_left(s));
        *there = key ? key : 1;
        s->n++;
    }
    return slot;
}

void *slots_next(const struct slots *s, size_t *cursor)
{
    while (*cursor < s->most) {
        unsigned char *slot = s->memory + (*cursor)++ * s->slot_bytes;
        if (*(const uint64_t *)(const void *)slot)
            return slot;
    }
    return NULL;
}
