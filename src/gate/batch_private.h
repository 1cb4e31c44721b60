/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the batch engine share. All of it is the office's: only the callbacks of the
 * spool come from another thread, and send a mail (struct batch_mail).
 *
 *     batch_run      pools, jobs, who is asked what, and the office's second
 *     batch_act      one act of one job: S3, the control plane
 *     batch_pack     members to the lines of an input
 *     batch_collect  output to ends of records
 *     batch_direct   the direct list, on demand
 *     batch_bill     an answer to its row for the book
 *     batch_trouble  what an operator must know now
 */
#ifndef WEIR_SRC_GATE_BATCH_PRIVATE_H
#define WEIR_SRC_GATE_BATCH_PRIVATE_H

#include "weir/aws/bedrock_jobs.h"
#include "weir/aws/s3.h"
#include "weir/base/list.h"
#include "weir/gate/batch.h"
#include "weir/gate/daemon.h"

struct batch_direct;
struct batch_collect;
struct batch_pack;

/* Mails of the spool's callbacks outlive the engine: they look here whether it is still there. */
struct batch_link {
    unsigned users;
    struct batch *batch; /* NULL: it is gone */
    struct mailbox *office;
};

struct batch {
    struct daemon *daemon;
    struct loop *loop;
    struct dns *dns;
    struct spool *spool;
    struct shared_lanes *lanes;
    struct setup *setup; /* referenced */
    struct batch_link *link;
    struct bedrock_jobs *control;
    struct list places; /* S3 as seen with one client's role, or with Weir's own credentials */
    struct list pools, jobs;
    struct list troubles; /* batch_trouble.c's */
    struct batch_direct *direct;
    struct batch_counts counts; /* each part adds what it did; read by batch_count */
    struct timer timer;
    bool loaded; /* the spool's jobs are known */
    int64_t swept_ms;
    size_t sweep_at;      /* in whose account it looks: batch_sweep.c's */
    uint64_t sweep_tried; /* orphans from this number on were tried; 0: none */
    bool sweep_failed;    /* one of them could not be stopped */
    int64_t sampled;      /* the minute in which the book was told what waits */
    struct bedrock_jobs_call *sweep;
};

/* --- batch_run, for the other parts */

/* The newest credentials for what this client's records need: those of `role`, or Weir's own where
 * it is empty. With a reference; NULL: there are none now. */
struct creds *batch_creds(struct batch *b, struct str client, struct str role);
/* Money that may be paid twice today, by what is on the disk. */
uint64_t batch_twice_nanousd(struct batch *b);
/* Would so much more stay within batch.max_twice today? */
bool batch_may_twice(struct batch *b, uint64_t nanousd);

/* --- batch_direct: sends members of the direct list, paced, and settles them. It keeps its own
 * list of calls; counts.by_direct, errors, saved_nanousd and direct_running are kept by it.
 */
struct batch_direct *batch_direct_new(struct batch *b);
/* Drops what is under way. */
void batch_direct_free(struct batch_direct *d);
/* b->setup is another one. */
void batch_direct_follow(struct batch_direct *d);
/* Each second, and soon after members came to the list. `now_ms`: wall clock. */
void batch_direct_tick(struct batch_direct *d);

/* --- batch_trouble: see struct batch_trouble. True: it is new. */
bool batch_trouble_tell(struct batch *b, struct str about, struct str why);
/* True: there was one; since when (may be NULL). */
bool batch_trouble_over(struct batch *b, struct str about, int64_t *out_since_ms);
/* Each second: what keeps the spool from its disk is told, or over. */
void batch_trouble_see_spool(struct batch *b);
void batch_trouble_free(struct batch *b);

/* --- batch_bill: an answer of a model to its row for the book. */
struct batch_answered {
    enum lane lane; /* LANE_BATCH for a job's, else the one that served it */
    int status;
    struct str output; /* the answer's body: JSON with usage in the kind's dialect; an error's */
    int64_t now_ms;    /* wall clock */
    const struct fields *fields;   /* of a direct answer: counts and tier may stand there */
    uint64_t latency_us, added_us; /* of a direct call; 0 of a job's */
    unsigned attempts;
    bool late; /* the record has another end already: this is metered beside it, with another id
                  that is always the same for this record */
};
struct batch_billed {
    enum lane lane; /* that served it, as it is billed */
    uint64_t cost_nanousd, saved_nanousd;
    uint64_t output_tokens;
    uint64_t rate_tokens; /* what counts against a rate: none of a job's */
};
/* Appends record_write's bytes to `row` (nothing of it where metering is off). */
void batch_bill(struct batch *b, const struct spool_record *rec, const struct batch_answered *a,
                struct buf *row, struct batch_billed *out);

/* --- errors as clients see them (batch_error.c): x-amzn-errortype by status, and a body. */
struct str batch_error_type(int status);
/* `message` is the inside of a JSON string. */
void batch_error_body(struct str message, struct buf *out);

#endif
