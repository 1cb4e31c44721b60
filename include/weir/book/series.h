/* SPDX-License-Identifier: Apache-2.0
 *
 * Two small rows of the book: the names of a series, and a gap.
 */
#ifndef WEIR_BOOK_SERIES_H
#define WEIR_BOOK_SERIES_H

#include "weir/book/record.h"

/* Whose sums a rollup holds. */
struct series {
    struct str client, workload, model; /* at most RECORD_TEXT_MOST each */
    enum lane lane;
};

/* The value of a row of TABLE_SERIES. */
void series_write(const struct series *s, struct buf *out);
/* Strings are borrowed from the bytes. ERR_BAD. */
MUST_CHECK int series_read(struct str bytes, struct series *out);
/* By client, workload, model, lane. */
int series_cmp(const struct series *a, const struct series *b);

/* Records that were lost. It counts at its begin. */
struct gap {
    int64_t from_ms, until_ms;
    uint64_t records;
};

/* The value of a row of TABLE_GAPS; its key has from_ms already. */
void gap_write(const struct gap *g, struct buf *out);
MUST_CHECK int gap_read(struct str key, struct str bytes, struct gap *out);

#endif
