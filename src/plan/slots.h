/* SPDX-License-Identifier: Apache-2.0
 *
 * A table by 64-bit hash in memory that it is given: open addressing, slots of one size, each
 * beginning with its key. It neither grows nor forgets; who owns it moves what is worth keeping to
 * another one in time (slots_left).
 */
#ifndef WEIR_SRC_PLAN_SLOTS_H
#define WEIR_SRC_PLAN_SLOTS_H

#include <stddef.h>
#include <stdint.h>

struct slots {
    unsigned char *memory;
    size_t slot_bytes, most, n; /* most: a power of two */
};

/* The memory must be zero and hold at least one slot. */
void slots_init(struct slots *s, void *memory, size_t size_bytes, size_t slot_bytes);
/* The memory that holds n slots with half as much room again. */
size_t slots_bytes(size_t n, size_t slot_bytes);
/* How many more may be put. */
size_t slots_left(const struct slots *s);
/* NULL: there is none. */
void *slots_find(const struct slots *s, uint64_t key);
/* Finds or makes it; a new one is zero but for its key. */
void *slots_put(struct slots *s, uint64_t key);
/* All of them, from *cursor on; NULL at the end. */
void *slots_next(const struct slots *s, size_t *cursor);

#endif
