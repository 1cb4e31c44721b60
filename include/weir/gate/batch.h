/* SPDX-License-Identifier: Apache-2.0
 *
 * The batch engine: in the office's loop it makes jobs of pools, performs their acts
 * (plan/batch_fsm decides), collects what they put out, and sends on demand what no job answers.
 * Everything that it must know is in the spool; after a kill it looks there and goes on.
 *
 *     gate/batch_run      pools and jobs: each second, or when something was told
 *     gate/batch_pack     members' bodies to the lines of an input, part by part
 *     gate/batch_collect  output, line by line, to ends of records
 *     gate/batch_direct   the direct list: paced calls, Flex where it is offered
 *     gate/batch_bill     a record's usage to its row for the book
 */
#ifndef WEIR_GATE_BATCH_H
#define WEIR_GATE_BATCH_H

#include "weir/book/spool.h"
#include "weir/gate/setup.h"

struct daemon;
struct batch;

/* In the office, when the spool is there. Needs daemon's spool, lanes, clerk, names. */
struct batch *batch_new(struct daemon *d);
/* Drops what is under way. Before spool_free. */
void batch_free(struct batch *b);
/* A reload: the new terms hold. */
void batch_follow(struct batch *b, struct setup *setup);

/* The operator. ERR_NOT_FOUND, ERR_BAD (not in this state: `why`). `name`: a pool ("p7"), a job
 * ("j12"), or empty: all that it fits. `out`: what the order was given to. */
struct batch_given {
    unsigned pools, jobs;
    uint64_t records; /* of these pools */
    const char *why;  /* static; NULL: nothing more is known */
};
MUST_CHECK int batch_flush(struct batch *b, struct str name, struct batch_given *out);
MUST_CHECK int batch_cancel(struct batch *b, struct str name, struct batch_given *out);
MUST_CHECK int batch_retry(struct batch *b, struct str name, struct batch_given *out);

/* For admin and metrics: in the office. */
struct batch_counts {
    uint64_t cut, created, completed, failed, stopped, adopted; /* jobs */
    uint64_t by_batch, by_direct, errors;                       /* records answered */
    uint64_t saved_nanousd;
    uint64_t seconds_sum, seconds_n; /* of jobs, cut to read */
    unsigned direct_running;
    unsigned troubles; /* now: as many as batch_troubles tells */
};
void batch_count(struct batch *b, struct batch_counts *out);

/* What is in trouble now, the oldest first. Borrowed. */
struct batch_trouble {
    struct str about; /* "spool", "bucket", "bucket of client NAME", "p7", "model NAME" */
    struct str why;   /* what happened, what is done meanwhile, what to do */
    int64_t since_ms;
};
void batch_troubles(struct batch *b, void (*each)(void *arg, const struct batch_trouble *t),
                    void *arg);

#endif
