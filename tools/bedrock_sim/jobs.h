/* SPDX-License-Identifier: Apache-2.0
 *
 * Model invocation jobs: the table, and what can be asked of it. A job is a thread of its own
 * (job_run.c) that reads the input from S3, answers its records and writes the output:
 *
 *     Submitted > Validating > Scheduled > InProgress > Completed | PartiallyCompleted
 *          \__________\___________\____________\______> Failed | Expired
 *                                               \____ > Stopping > Stopped
 *
 * Time is the one that tests may move (world_cache_now_ms). One lock for all.
 */
#ifndef SIM_JOBS_H
#define SIM_JOBS_H

#include "job_order.h"
#include "s3.h"

#include <pthread.h>

struct world;

enum job_state {
    JOB_SUBMITTED,
    JOB_VALIDATING,
    JOB_SCHEDULED,
    JOB_IN_PROGRESS,
    JOB_STOPPING,
    JOB_COMPLETED, /* the first that is an end */
    JOB_PARTIAL,
    JOB_FAILED,
    JOB_STOPPED,
    JOB_EXPIRED,
    JOB_STATES
};
const char *job_state_word(enum job_state s); /* "PartiallyCompleted" */
bool job_state_read(struct str word, enum job_state *out);

struct job_counts {
    uint64_t total, processed, succeeded, errors, input_tokens, output_tokens;
};

/* What a create asks for; borrowed for jobs_create, copied for the job. */
struct job_wish {
    struct str name, token, role, model_id, model_arn, account;
    struct str input_uri, output_uri;
    struct str input, output, vpc; /* as they came, JSON; vpc may be empty */
    bool converse;
    unsigned hours;
};

struct job {
    struct job *next; /* the one that was made before */
    uint64_t number;
    char id[13], arn[80];
    struct job_wish wish; /* in `text` */
    struct buf text;
    struct job_order order;
    enum job_state state;
    bool stop, dropped;                                         /* asked for by Stop; by a reset */
    int64_t made_ms, changed_ms, ended_ms, expires_ms, span_ms; /* span: of its whole way */
    struct job_counts counts, shown;
    int64_t shown_ms; /* when `shown` was taken */
    uint64_t came,
        other;         /* creates with its token, and those of them that asked for other things */
    uint64_t same_ids; /* records whose id an earlier record has */
    char message[S3_WHY + 100];
};

/* Two ways to answer a token, or a name, that is known. */
enum job_same { JOB_SAME_JOB, JOB_SAME_EMPTY, JOB_SAME_CONFLICT };

struct jobs_settings {
    struct s3_place s3;
    int64_t job_ms, list_lag_ms, counts_lag_ms;
    uint64_t quota, min_records, max_records;
    enum job_same same_token;
    bool unique_names;
};

enum { JOBS_JOB_MS = 500, JOBS_QUOTA = 20, JOBS_MIN_RECORDS = 100, JOBS_MAX_RECORDS = 50000 };

struct jobs {
    struct world *world;
    pthread_mutex_t lock;
    pthread_cond_t moved; /* a state, an order to stop, the clock */
    struct job *newest;
    uint64_t made, running; /* running: threads */
    struct jobs_settings settings;
    struct job_orders orders;
};

struct jobs *jobs_new(struct world *w);
/* Ends the threads. False (and nothing is freed) when one is held up by S3. */
bool jobs_free(struct jobs *j);
/* Drops all jobs and orders; settings stay. */
void jobs_reset(struct jobs *j);

/* How a create ended: from JOBS_NO_ROLE on there is no job, as it was ordered, or for its quota. */
enum jobs_made {
    JOBS_MADE,
    JOBS_KNOWN, /* the token's job */
    JOBS_EMPTY, /* there is a job, but nothing is said of it */
    JOBS_CONFLICT,
    JOBS_NAME_TAKEN,
    JOBS_NO_ROLE,
    JOBS_NO_ACCOUNT,
    JOBS_NO_QUOTA
};
/* The ARN of the new or the known job goes to `arn`. */
enum jobs_made jobs_create(struct jobs *j, const struct job_wish *w, struct buf *arn);

/* --- with the lock held */

int64_t jobs_now_ms(struct jobs *j);
/* By ARN or id; NULL: none. */
struct job *jobs_find(struct jobs *j, struct str id);
void jobs_set_state(struct jobs *j, struct job *job, enum job_state s);
/* What a caller is told of the counts: they lag. */
const struct job_counts *jobs_counts(struct jobs *j, struct job *job);

/* The thread of a job. */
void *job_run(void *job_thread);
struct job_thread {
    struct jobs *jobs;
    struct job *job;
};

#endif
