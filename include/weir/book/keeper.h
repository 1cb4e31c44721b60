/* SPDX-License-Identifier: Apache-2.0
 *
 * The keeper: the one thread that writes the prefixes' environment (STATE/prefixes), which may be
 * lost. It loads what is there at its start, then saves what changed every KEEPER_EVERY_MS, in
 * transactions of some thousand rows, and once more at its end. It knows what it saves only as
 * rows; whose they are, its callbacks know.
 */
#ifndef WEIR_BOOK_KEEPER_H
#define WEIR_BOOK_KEEPER_H

#include "weir/book/store.h"
#include "weir/plan/prefix.h"

enum { KEEPER_EVERY_MS = 20000, KEEPER_ROWS = 2000 };

struct keeper_source {
    void *arg;
    /* In the keeper's thread. */
    size_t (*take)(void *arg, size_t *cursor, struct prefix *out, size_t n);
    void (*restore)(void *arg, const struct prefix *rows, size_t n);
    void (*each_named)(void *arg, void (*each)(void *to, struct str name, struct str bytes),
                       void *to);
    void (*restore_named)(void *arg, struct str name, struct str bytes);
    int (*ready)(void *arg, char *why, size_t why_size);  /* as the clerk's; may be NULL */
    void (*trouble)(void *arg, const char *sentence);     /* as the clerk's */
    void (*loaded)(void *arg, uint64_t rows, int64_t ms); /* once */
};

struct keeper;
struct keeper *keeper_new(const char *dir, uint64_t size_bytes, const struct keeper_source *s);
/* Saves what is left, ends the thread. */
void keeper_free(struct keeper *k);

/* For commands that read beside a daemon: every row, in transactions of at most a second. */
MUST_CHECK int keeper_read(const char *dir, void (*prefix)(void *arg, const struct prefix *p),
                           void (*named)(void *arg, struct str name, struct str bytes), void *arg,
                           char *why, size_t why_size);

struct keeper_counts {
    uint64_t saved, failures, rows;
    bool open;
};
void keeper_count(struct keeper *k, struct keeper_counts *out);

#endif
