/* SPDX-License-Identifier: Apache-2.0
 *
 * The keeper: the one thread that writes the prefixes' environment (STATE/prefixes), which may be
 * lost. It loads what is there at its start, then saves what changed every KEEPER_EVERY_MS, in
 * transactions of some thousand rows, and once more at its end. It knows what it saves only as
 * rows; whose they are, its callbacks know.
 *
 *     STATE/prefixes --load--> restore, restore_named
 *                    <--save-- take, each_named         (every 20 s)
 *
 * Nobody waits for it. What cannot be opened or written is told once and tried again every few
 * seconds; what was taken and not saved stays in memory, everything else stays dirty at its
 * owner's. A damaged environment is moved to STATE/prefixes.damaged, and a new one is begun, as
 * where it was deleted: with all that is in memory. Of more rows than the index has places those go
 * whose prefixes were not seen for the longest time.
 */
#ifndef WEIR_BOOK_KEEPER_H
#define WEIR_BOOK_KEEPER_H

#include "weir/book/store.h"
#include "weir/plan/prefix.h"

enum { KEEPER_EVERY_MS = 20000, KEEPER_ROWS = 2000 };

/* In the keeper's thread, all of them. */
struct keeper_source {
    void *arg;
    /* As prefix_take_dirty and shared_cache_take_dirty. */
    size_t (*take)(void *arg, size_t *cursor, struct prefix *out, size_t n);
    void (*restore)(void *arg, const struct prefix *rows, size_t n);
    /* What changed since the last call. A name and its bytes are KEEPER_NAMED_MOST together. */
    void (*each_named)(void *arg, void (*each)(void *to, struct str name, struct str bytes),
                       void *to);
    void (*restore_named)(void *arg, struct str name, struct str bytes);
    /* The environment was begun anew: take and each_named give all again; may be NULL */
    void (*all_changed)(void *arg);
    int (*ready)(void *arg, char *why, size_t why_size);      /* as the clerk's; may be NULL */
    void (*trouble)(void *arg, const char *sentence);         /* as the clerk's; may be NULL */
    void (*loaded)(void *arg, uint64_t prefixes, int64_t ms); /* once; may be NULL */
};

/* More than that is not saved. */
enum { KEEPER_NAMED_MOST = STORE_VALUE_MOST - 16 };

struct keeper;
/* `index_bytes`: of the index' memory (cache.memory). On disk it takes up to some three times that:
 * pages are two thirds full, and a transaction writes to new ones. */
struct keeper *keeper_new(const char *dir, uint64_t index_bytes, const struct keeper_source *s);
/* Saves what is left, ends the thread. */
void keeper_free(struct keeper *k);

/* For commands that read beside a daemon: every row, in transactions of at most a second; what an
 * older or newer Weir wrote in another form is left out. Either callback may be NULL. */
MUST_CHECK int keeper_read(const char *dir, void (*prefix)(void *arg, const struct prefix *p),
                           void (*named)(void *arg, struct str name, struct str bytes), void *arg,
                           char *why, size_t why_size);

struct keeper_counts {
    uint64_t saved, failures; /* since the process began: rows of both kinds, rounds */
    uint64_t rows;            /* prefixes in the environment */
    bool open;
};
void keeper_count(struct keeper *k, struct keeper_counts *out);

#endif
