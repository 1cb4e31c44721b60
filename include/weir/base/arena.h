/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory for one exchange: taken in pieces, freed at once, with a hard maximum. Past the maximum
 * every call gives NULL and `full` sticks, so that a run of calls is checked once.
 */
#ifndef WEIR_BASE_ARENA_H
#define WEIR_BASE_ARENA_H

#include "weir/base/str.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks;
    size_t used, max; /* bytes taken from the system; the most that may be */
    bool full;
    bool refused; /* full because the system gave no more, not because of the maximum */
};

void arena_init(struct arena *a, size_t max_bytes);
void arena_fini(struct arena *a);
/* Overwrites what was given out, before arena_fini: there were secrets among it. */
void arena_wipe(struct arena *a);

/* Aligned for any type, zeroed; NULL when the arena is full. */
void *arena_new(struct arena *a, size_t size_bytes);
/* A copy with a NUL behind it; {NULL, 0} when full. */
struct str arena_dup(struct arena *a, struct str s);
/* The parts, one behind the other, as arena_dup. */
struct str arena_join(struct arena *a, const struct str *parts, size_t n);
struct str arena_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
