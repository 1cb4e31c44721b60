/* SPDX-License-Identifier: Apache-2.0
 *
 * A sum of records: what one series (client, workload, model, lane) did in one minute, hour or day.
 * Two rollups add up to the rollup of both; every number that a report, an exporter or CloudWatch's
 * API shows comes out of one of them.
 */
#ifndef WEIR_BOOK_ROLLUP_H
#define WEIR_BOOK_ROLLUP_H

#include "weir/base/histogram.h"
#include "weir/book/record.h"
#include "weir/plan/control.h"

/* Stored: only append. */
enum rollup_count {
    ROLLUP_REQUESTS,
    ROLLUP_INVOCATIONS, /* models asked, throttled ones not among them */
    ROLLUP_CLIENT_ERRORS,
    ROLLUP_SERVER_ERRORS,
    ROLLUP_THROTTLES,
    ROLLUP_ESTIMATED,
    ROLLUP_UNPRICED, /* invocations with tokens that have no price */
    ROLLUP_PROVISIONAL,
    ROLLUP_JOINED,
    ROLLUP_UNREADABLE,
    ROLLUP_TREATED, /* of the control group's other side */
    ROLLUP_CONTROL,
    ROLLUP_MARKED,  /* with at least one marker of Weir's */
    ROLLUP_REFUSED, /* by Weir itself */
    ROLLUP_MAYBE_TWICE,
    ROLLUP_BATCH_FIT, /* a batch job could have had them */
    ROLLUP_COUNTS
};

enum rollup_histogram { ROLLUP_LATENCY_US, ROLLUP_ADDED_US, ROLLUP_FIRST_US, ROLLUP_HISTOGRAMS };

/* Of rollup_write, whatever was counted: a rollup is one value of the store. */
enum { ROLLUP_BYTES_MOST = ROLLUP_HISTOGRAMS * HISTOGRAM_BYTES_MOST + 1024 };

/* What a saving comes of; stored: only append. */
enum rollup_lever { ROLLUP_CACHE, ROLLUP_FLEX, ROLLUP_BATCH, ROLLUP_LEVERS };

/* Of requests whose markers were withheld by `levers: observe`: what they cost, and what they would
 * have cost, by belief. */
struct rollup_observed {
    uint64_t requests, cost_nanousd, would_nanousd;
};

/* What waited for batch jobs, as it was looked at once a minute. */
struct rollup_gauge {
    uint64_t sum, least, most;
};
struct rollup_queue {
    uint64_t samples;
    struct rollup_gauge depth, age_us;
};

/* Zero is empty and valid. */
struct rollup {
    uint64_t counts[ROLLUP_COUNTS];
    struct usage usage;
    uint64_t cost_nanousd, unmarked_nanousd, untouched_nanousd;
    /* Of these, what is of lane batch. */
    uint64_t batch_unmarked_nanousd, batch_untouched_nanousd;
    /* Of what was saved by a lever: the sum of those requests that lost money by it, without its
     * sign. rollup_saved has both in it. */
    uint64_t lost_nanousd[ROLLUP_LEVERS];
    struct rollup_observed observed;
    struct rollup_queue queue;
    struct control_group groups[CONTROL_ARMS][CONTROL_GROUPS];
    struct histogram histograms[ROLLUP_HISTOGRAMS]; /* of invocations, but those
                                                       of jobs; FIRST of streams */
};

void rollup_fini(struct rollup *r);
void rollup_add(struct rollup *r, const struct record *record);
void rollup_merge(struct rollup *r, const struct rollup *other);

/* Negative when Weir lost money. */
int64_t rollup_saved(const struct rollup *r, enum rollup_lever lever);
/* By all levers together. */
int64_t rollup_saved_all(const struct rollup *r);
/* "cache", "flex", "batch". */
struct str rollup_lever_word(enum rollup_lever lever);

void rollup_write(const struct rollup *r, struct buf *out);
/* Into an empty one. ERR_BAD for what rollup_write did not write (a checksum is part of it),
 * ERR_UNSUPPORTED for a later version's; it is empty again then. */
MUST_CHECK int rollup_read(struct str bytes, struct rollup *out);

#endif
