/* SPDX-License-Identifier: Apache-2.0
 *
 * What a report is inside; for its own files.
 */
#ifndef WEIR_SRC_BOOK_REPORT_PARTS_H
#define WEIR_SRC_BOOK_REPORT_PARTS_H

#include "cover.h"
#include "weir/book/report.h"
#include "weir/wire/json_out.h"

/* Series that are one in this report. */
struct group {
    struct series series; /* its strings are in text */
    bool has_row;
    size_t row; /* its newest */
    char text[];
};

/* A series' number, and its group. */
struct seen {
    uint32_t number;
    struct group *group;
};

struct report {
    struct report_query query;
    bool begun, has_piece;
    struct cover cover;
    struct cover_piece piece;
    uint64_t resume; /* the key in the piece's table to go on from */

    struct report_row *rows;
    struct group **groups; /* by series */
    struct seen *seen;     /* by number */
    struct gap *gaps;
    size_t n_rows, cap_rows, n_groups, cap_groups, n_seen, cap_seen, n_gaps, cap_gaps;

    /* JSON under way */
    struct json_out json;
    size_t told;
    struct rollup total; /* of the rows told */
};

/* "requests", "invocations", ... */
struct str report_count_word(enum rollup_count count);
/* "12.345" or "12". */
void report_add_ms(struct buf *out, uint64_t us);
/* A field of comma-separated values, quoted when it must be. */
void report_add_csv_text(struct buf *out, struct str s);
/* What was saved, by lever and against the control group: members of an object; columns, each with
 * a comma before it; sentences. */
void report_put_savings(struct json_out *o, const struct rollup *sum);
void report_add_savings_head(struct buf *out);
void report_add_savings_fields(const struct rollup *sum, struct buf *out);
void report_add_savings_text(const struct rollup *sum, unsigned decimals, struct buf *out);
/* "$1,234.56" */
void report_add_dollars(struct buf *out, uint64_t nanousd, unsigned decimals);

#endif
