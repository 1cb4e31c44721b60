/* SPDX-License-Identifier: Apache-2.0
 *
 * The prefix index: what is known of prompts' prefixes by their hash, in memory that it is given.
 * It never outgrows that: where it is full the coldest entry of a small neighbourhood gives way.
 * Every entry is one line of the processor's cache. No lock, no clock: gate/shared_cache has both.
 */
#ifndef WEIR_PLAN_PREFIX_H
#define WEIR_PLAN_PREFIX_H

#include "weir/base/buf.h"
#include "weir/base/err.h"

/* Times are ticks of 100 ms since 2026-01-01 00:00 UTC: enough until 2039. 0: never. */
enum { PREFIX_TICK_MS = 100 };
uint32_t prefix_tick(int64_t wall_ms); /* at least 1 */

/* 64 bytes. Everything behind `key` belongs to plan/cache_plan, and is zero in a new one. The index
 * reads `last` and `count` to know which are cold. A tail is what was new at the end of a prompt;
 * it hangs on the last block that was known. */
struct prefix {
    uint64_t key;          /* the rolling hash; 0: a free place */
    uint32_t last;         /* when a prompt last had it */
    uint32_t cached_until; /* by the markers of ours and of the client that went out */
    uint32_t sure_until;   /* as that, if no marker for an hour prolonged anything */
    uint32_t first;        /* when a prompt first had it */
    uint32_t asked;        /* the label that is being waited for: when it was asked for; 0: none */
    uint32_t tokens;       /* from the beginning */
    float gap;             /* mean seconds between visits; 0: only one */
    float line_gap;        /* as the end of a prompt: mean seconds within its line of prompts */
    uint16_t count;        /* visits; stays at its most */
    uint16_t turn;         /* as the end of a prompt: how many prompts of this line came before */
    unsigned char ttl;     /* enum ask_ttl of what is cached */
    unsigned char dirty;   /* changed since it was last saved */
    unsigned char section; /* enum ask_section */
    unsigned char hung;    /* tails that hung here */
    uint16_t label;        /* where the learner keeps that label */
    uint16_t behind;       /* blocks behind it in the first prompt that had it */
    uint16_t parent;       /* as the end of a tail, until it returns: one past where it hangs */
    uint16_t branch;       /* and one past the next place before that where prompts part */
    unsigned char came;    /* how many of the tails that hung here came back */
    unsigned char more[7];
};
_Static_assert(sizeof(struct prefix) == 64, "one cache line");

struct prefix_index;
/* The index lives in `memory` (64-byte aligned, at least PREFIX_LEAST_BYTES); nothing else is taken
 * and nothing need be freed. It is touched as it fills: at most six times what the entries take.
 * Which neighbourhood a key has is by its upper 32 bits. */
enum { PREFIX_LEAST_BYTES = 64 * 1024 };
struct prefix_index *prefix_init(void *memory, size_t size_bytes);

/* NULL: not known. Borrowed until the next prefix_put. */
struct prefix *prefix_find(struct prefix_index *x, uint64_t key);
/* Finds or makes it; a new one has only its key. Never NULL. */
struct prefix *prefix_put(struct prefix_index *x, uint64_t key);
/* Has the memory of a key fetched ahead of a look-up. */
void prefix_fetch(const struct prefix_index *x, uint64_t key);

struct prefix_counts {
    uint64_t entries, most, evicted;
};
void prefix_count(const struct prefix_index *x, struct prefix_counts *out);

/* For saving: copies up to n dirty entries from *cursor on (0 begins), and cleans them. Returns how
 * many; *cursor is 0 again at the end. Looks at no more than 64 n places in one call. */
size_t prefix_take_dirty(struct prefix_index *x, size_t *cursor, struct prefix *out, size_t n);
/* All entries are to be saved again: marks those of up to n places from *cursor on (0 begins),
 * which is 0 again at the end. */
void prefix_make_dirty(struct prefix_index *x, size_t *cursor, size_t n);
/* Walks over all: the next entry from *cursor on (0 begins), or NULL at the end. */
const struct prefix *prefix_next(const struct prefix_index *x, size_t *cursor);

/* A stored row without its key, at most PREFIX_ROW_MOST bytes; ERR_BAD for what prefix_write did
 * not write, or not under this key. */
enum { PREFIX_ROW_MOST = 62 };
void prefix_write(const struct prefix *p, struct buf *out);
MUST_CHECK int prefix_read(uint64_t key, struct str bytes, struct prefix *out);

#endif
