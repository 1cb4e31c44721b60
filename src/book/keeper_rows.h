/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the prefixes' environment: read all, write some, forget the oldest. No thread, no trouble
 * of its own.
 */
#ifndef WEIR_SRC_BOOK_KEEPER_ROWS_H
#define WEIR_SRC_BOOK_KEEPER_ROWS_H

#include "weir/base/buf.h"
#include "weir/book/keeper.h"

#include <stdatomic.h>

struct keeper_rows {
    void (*prefix)(void *arg, const struct prefix *p);
    void (*named)(void *arg, struct str name, struct str bytes);
    void *arg;
};
/* Every row, the named ones first, in short transactions. *stop, where there is one, ends it
 * early. */
MUST_CHECK int keeper_rows_read(struct store *s, const struct keeper_rows *to,
                                const atomic_bool *stop);

void keeper_rows_sort(struct prefix *rows, size_t n);
/* In one transaction. */
MUST_CHECK int keeper_rows_write(struct store *s, const struct prefix *rows, size_t n);

/* Named rows that wait to be written, one behind the other. */
void keeper_rows_add_named(struct buf *waiting, struct str name, struct str bytes, uint32_t minute);
/* The first ones, about a megabyte, in one transaction; they are taken off. *out_n: how many. */
MUST_CHECK int keeper_rows_write_named(struct store *s, struct buf *waiting, size_t *out_n);

/* Deletes the oldest rows of a table, so that `most` are left. `now`: a tick for prefixes, a minute
 * for named ones. */
MUST_CHECK int keeper_rows_forget(struct store *s, enum table table, uint64_t most, uint32_t now,
                                  const atomic_bool *stop);

#endif
