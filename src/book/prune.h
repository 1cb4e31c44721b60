/* SPDX-License-Identifier: Apache-2.0
 *
 * What the book forgets, and in which minute a record counts: decisions without a disk or a clock.
 */
#ifndef WEIR_SRC_BOOK_PRUNE_H
#define WEIR_SRC_BOOK_PRUNE_H

#include "weir/book/store.h"

enum {
    PRUNE_KEEP_DAYS = 396,   /* rollups: 13 months */
    PRUNE_MINUTES_DAYS = 15, /* younger minutes never make room: exporters tell up to 14 days */
    PRUNE_SLICE = 1000,      /* rows deleted in one transaction */
    PRUNE_AT_PERCENT = 80,   /* of the limit: from there on the oldest make room */
    PRUNE_AHEAD_MS = 3600 * 1000,        /* a step of the clock that is nothing special */
    PRUNE_OPEN_MS = 24 * 3600 * 1000,    /* nor is this while nobody had the book open */
    PRUNE_BELIEVE_MS = 24 * 3600 * 1000, /* after that a far step is what somebody wants */
    PRUNE_CLOSED_AHEAD_MIN = 60 /* a minute closed further ahead is a clock that was set back */
};

struct prune_view {
    int64_t now_ms, keep_requests_ms;
    uint64_t used_bytes, limit_bytes;
    /* The first row's unit (milliseconds, minutes, hours or days since 1970) of each table. */
    bool has[TABLES];
    uint64_t first[TABLES];
};

/* What time it is for forgetting: that of the wall clock, unless it is further than can be. One
 * that is ahead of `base_ms` by more than what has passed since, and PRUNE_AHEAD_MS, stands still
 * there, until the wall clock has gone on from where it is for PRUNE_BELIEVE_MS. */
struct prune_clock {
    int64_t base_ms, base_ns;   /* it was believed to be that on the wall, then */
    int64_t ahead_ms, ahead_ns; /* where the wall clock was when it was first too far; 0: it is not
                                 */
};
/* The book was opened: it knew of `known_ms` last, and time has passed since (0: of nothing). */
void prune_clock_open(struct prune_clock *k, int64_t known_ms, int64_t wall_ms, int64_t mono_ns);
int64_t prune_clock_now(struct prune_clock *k, int64_t wall_ms, int64_t mono_ns);

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
