/* SPDX-License-Identifier: Apache-2.0
 *
 * What the book forgets, and in which minute a record counts: decisions without a disk or a clock.
 */
#ifndef WEIR_SRC_BOOK_PRUNE_H
#define WEIR_SRC_BOOK_PRUNE_H

#include "weir/book/store.h"

enum {
    PRUNE_KEEP_DAYS = 396,      /* rollups: 13 months */
    PRUNE_MINUTES_DAYS = 15,    /* younger minutes never make room: exporters tell up to 14 days */
    PRUNE_SLICE = 1000,         /* rows deleted in one transaction */
    PRUNE_AT_PERCENT = 80,      /* of the limit: from there on the oldest make room */
    PRUNE_CLOSED_AHEAD_MIN = 60 /* a minute closed further ahead is a clock that was set back */
};

struct prune_view {
    int64_t now_ms, keep_requests_ms;
    uint64_t used_bytes, limit_bytes;
    /* The first row's unit (milliseconds, minutes, hours or days since 1970) of each table. */
    bool has[TABLES];
    uint64_t first[TABLES];
};

/* The rows of `table` whose unit is below that are to go. */
struct prune_order {
    enum table table;
    uint64_t below;
};

/* The next thing to do; false when there is nothing. Minutes go by whole hours, hours by whole
 * days. */
bool prune_next(const struct prune_view *v, struct prune_order *out);

/* The minute in which a record counts: its own, or the first one that is not closed. */
uint32_t prune_minute(int64_t record_ms, uint32_t closed, int64_t now_ms);

#endif
