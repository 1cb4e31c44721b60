/* SPDX-License-Identifier: Apache-2.0
 *
 * The keeper without its thread: for keeper.c, and for tests that drive it round by round.
 */
#ifndef WEIR_SRC_BOOK_KEEPER_PRIVATE_H
#define WEIR_SRC_BOOK_KEEPER_PRIVATE_H

#include "bell.h"
#include "trouble.h"
#include "weir/base/buf.h"
#include "weir/book/keeper.h"

/* Many are sorted at a time, since neighbours share pages: that halves what is written. */
enum { KEEPER_TAKEN = 32 * KEEPER_ROWS };

struct keeper {
    char *dir;
    uint64_t index_bytes;
    struct keeper_source source;
    pthread_t thread;
    struct bell bell;
    atomic_bool stop;

    struct store *store;
    bool loaded, anew; /* anew: what is opened next has not what was saved */
    struct trouble trouble;
    /* Taken, and not saved yet: those from `done` on. */
    struct prefix *rows; /* KEEPER_TAKEN of them */
    size_t done, n, cursor;
    struct buf named;

    _Atomic uint64_t saved, failures, held;
    atomic_bool open;
};

struct keeper *keeper_make(const char *dir, uint64_t index_bytes, const struct keeper_source *s);
/* Opens what is not open, loads once, saves what changed, forgets what is too much. False: it
 * failed. */
bool keeper_round(struct keeper *k);
void keeper_end(struct keeper *k); /* without a last round */

#endif
