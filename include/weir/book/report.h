/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums out of the book: a span of time, cut into periods, grouped by what one likes. The span is
 * covered by the fewest rollups that fit: whole days, then hours, then minutes at its edges. It
 * goes in slices, so that the daemon's office can serve others in between.
 */
#ifndef WEIR_BOOK_REPORT_H
#define WEIR_BOOK_REPORT_H

#include "weir/book/clerk.h"
#include "weir/plan/price.h"

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
    uint32_t period;  /* minutes; 0: one for all. Periods begin at multiples of it */
    unsigned by;      /* enum report_by; what is not asked for is empty in the rows */
    size_t rows_most; /* 0: REPORT_ROWS_MOST */
    bool samples;     /* rows without a request, too, of which there are samples alone */
};

struct report_row {
    uint32_t minute;      /* where its period begins; 0 without periods */
    struct series series; /* owned by the report */
    struct rollup sum;
};

enum { REPORT_ROWS_MOST = 100000, REPORT_GAPS_MOST = 1000 };

struct report;
struct report *report_new(const struct report_query *q);
void report_free(struct report *r);
/* Reads about `most` rollups in one transaction. 1: there is more; 0: done; ERR_TOO_BIG for more
 * than rows_most rows; ERR_BAD when the book holds what it should not; the store's errors. */
MUST_CHECK int report_step(struct report *r, struct store *s, size_t most);

/* --- when done. By period, then by series. */
const struct report_row *report_rows(const struct report *r, size_t *out_n);
/* What was lost in that span; more than REPORT_GAPS_MOST are told as one at the end. */
const struct gap *report_gaps(const struct report *r, size_t *out_n);
/* The span that the rows are of: the one asked for, grown where minutes are not kept any more. */
void report_span(const struct report *r, uint32_t *out_from, uint32_t *out_until);
/* The sum of all rows, into an empty one. */
void report_total(const struct report *r, struct rollup *out);

/* The stable JSON of `weir report --format json` and of the admin API: docs/OPERATIONS.md. In
 * slices: appends about `most` rows; true while there is more. */
bool report_add_json(struct report *r, size_t most, struct buf *out);
/* The same with nothing but the money; in place of the one above, not after it. */
bool report_add_savings(struct report *r, size_t most, struct buf *out);

/* For people: the dearest rows first, a total, and notes on what the figures do not say. Columns of
 * which every row is empty are left out. Wider than `width` (0: any) it becomes blocks. */
void report_add_table(const struct report *r, size_t width, struct buf *out);
/* With a header; the same figures as JSON. */
void report_add_csv(const struct report *r, struct buf *out);

/* What a row's money is: false when it used tokens and none of them has a price, so that nothing
 * can be said. */
bool report_is_priced(const struct rollup *sum);
/* Cache reads of all input tokens, in 0 .. 1; negative when there were none. */
double report_hit_rate(const struct rollup *sum);

/* A moment: "7d" (so long ago), "2026-11-20" or "2026-11-20T08:00:00Z". */
bool report_read_time(struct str text, int64_t now_ms, int64_t *out_ms);
/* "client,workload,model,lane" in any order; false for another word, which *out_bad then is. */
bool report_read_by(struct str text, unsigned *out, struct str *out_bad);

#endif
