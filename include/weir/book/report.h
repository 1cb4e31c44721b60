/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums out of the book: a span of time, cut into periods, grouped by what one likes. The span is
 * covered by the fewest rollups that fit: whole days, then hours, then minutes at its edges. It
 * goes in slices, so that the daemon's office can serve others in between.
 */
#ifndef WEIR_BOOK_REPORT_H
#define WEIR_BOOK_REPORT_H

#include "weir/book/clerk.h"

/* Groups. */
enum report_by {
    REPORT_BY_CLIENT = 1 << 0,
    REPORT_BY_WORKLOAD = 1 << 1,
    REPORT_BY_MODEL = 1 << 2,
    REPORT_BY_LANE = 1 << 3
};

struct report_query {
    /* Minutes since 1970, the second not included. Where minutes are not kept any more the span
     * grows to whole hours. */
    uint32_t from, until;
    uint32_t period; /* minutes; 0: one for all. Periods begin at multiples of it */
    unsigned by;     /* enum report_by; what is not asked for is empty in the rows */
};

struct report_row {
    uint32_t minute;      /* where its period begins */
    struct series series; /* owned by the report */
    struct rollup sum;
};

enum { REPORT_ROWS_MOST = 100000 };

struct report;
struct report *report_new(const struct report_query *q);
void report_free(struct report *r);
/* Reads about `most` rollups in one transaction. 1: there is more; 0: done; ERR_TOO_BIG for more
 * than REPORT_ROWS_MOST rows. */
MUST_CHECK int report_step(struct report *r, struct store *s, size_t most);
/* When done: by period, then by series. */
const struct report_row *report_rows(const struct report *r, size_t *out_n);

/* What was lost in that span, and until when the book reaches. */
struct report_gap {
    int64_t from_ms, until_ms;
    uint64_t records;
};
const struct report_gap *report_gaps(const struct report *r, size_t *out_n);

/* The stable JSON of `weir report --format json` and of the admin API: docs/OPERATIONS.md. */
void report_add_json(const struct report *r, struct buf *out);

/* "client,workload,model,lane" in any order; false for another word, which *out_bad then is. */
bool report_read_by(struct str text, unsigned *out, struct str *out_bad);

#endif
