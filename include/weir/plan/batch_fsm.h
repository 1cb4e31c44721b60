/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a batch job: one pure function from (row, event, time) to (row, act). Who performs
 * the acts writes the row to the disk before each, together with what becomes of the members, so
 * that every step may be repeated after a crash:
 *
 *     PACKED --put--> CREATING --arn--> RUNNING --terminal--> READING --read--> CLEANING --> GONE
 *        \               \                 \__ deadline near: stop; nearer: members leave
 *         `-- refused, deadline, cancel: members leave --> CLEANING
 *
 * CREATING means: a job with this token may exist. Only an ARN, or a refusal that says that nothing
 * was made, ends that; or that nobody wants it any more, and the list was read a dozen times in an
 * hour and more without it. There is never a second token.
 *
 * Times are wall clock milliseconds. Nothing here reads one.
 */
#ifndef WEIR_PLAN_BATCH_FSM_H
#define WEIR_PLAN_BATCH_FSM_H

#include "weir/base/buf.h"
#include "weir/base/err.h"

/* Stored: only append. */
enum batch_state {
    BATCH_PACKED,   /* its members are fixed; the input may be in S3 or not */
    BATCH_CREATING, /* the input is there; the job may be, too */
    BATCH_RUNNING,  /* it has an ARN, and is not terminal as far as is known */
    BATCH_READING,  /* it is terminal: what it put out is read */
    BATCH_CLEANING, /* every member is answered or left: the objects are deleted */
    BATCH_GONE,     /* the row goes, too */
    BATCH_STATES
};
struct str batch_state_word(enum batch_state s); /* "packed", ... */

/* As Bedrock names them; OTHER is one that nobody has told us of: not terminal. Stored. */
enum batch_status {
    BATCH_NONE, /* not asked yet */
    BATCH_SUBMITTED,
    BATCH_VALIDATING,
    BATCH_SCHEDULED,
    BATCH_IN_PROGRESS,
    BATCH_STOP_ASKED, /* "Stopping" */
    BATCH_STOPPED,
    BATCH_PARTIAL, /* "PartiallyCompleted" */
    BATCH_COMPLETED,
    BATCH_FAILED,
    BATCH_EXPIRED,
    BATCH_OTHER,
    BATCH_STATUSES
};
enum batch_status batch_status_read(struct str word);
struct str batch_status_word(enum batch_status s); /* as Bedrock's; "none", "other" */
bool batch_status_ends(enum batch_status s);

enum {
    BATCH_ARN_MOST = 256,
    BATCH_TOKEN_BYTES = 32,
    BATCH_WHY_MOST = 200,
    BATCH_BUCKET_MOST = 63,
    BATCH_PREFIX_MOST = 200,
    BATCH_OWNER_MOST = 12
};

/* A job's row. */
struct batch_job {
    uint64_t number; /* from 1 on; name and S3 keys are made of it */
    uint32_t pool;   /* book/spool.h */
    enum batch_state state;
    enum batch_status status;
    char token[BATCH_TOKEN_BYTES + 1]; /* hex; also in its S3 keys: they cannot be guessed */
    char arn[BATCH_ARN_MOST + 1];      /* empty: not known */
    uint32_t records;                  /* members when it was cut */
    uint64_t bytes;                    /* of their bodies */
    uint64_t expect_nanousd;           /* what they may cost in the job */
    int64_t cut_ms, deadline_ms;       /* the earliest of its members' */
    int64_t next_ms;                   /* TICK is due then; INT64_MAX: an answer is waited for */
    int64_t sent_ms; /* the last create that may have made it, as far as is known; 0: none */
    int64_t created_ms, ended_ms; /* ARN known; terminal */
    int64_t stop_ms;              /* the first stop; 0: none */
    bool unsure;                  /* CREATING: a create's outcome is not known */
    bool stopping;                /* a stop is wanted */
    bool left;                    /* its members went on demand while it could still answer */
    bool cancelled;               /* by weir batch cancel */
    unsigned tries;               /* failures of the act at hand in a row */
    unsigned absent;              /* lists in a row in which it was not */
    uint32_t total, processed, succeeded, errors; /* as Bedrock counts */
    uint64_t read_bytes;          /* of its output, applied up to the end of a line */
    uint32_t answered;            /* members that got their answer from it */
    char why[BATCH_WHY_MOST + 1]; /* the last trouble: a sentence; empty: none */
    /* Where its files are, whatever is configured meanwhile: the account is the bucket's. Empty in
     * a row of version 1. */
    char bucket[BATCH_BUCKET_MOST + 1], prefix[BATCH_PREFIX_MOST + 1], owner[BATCH_OWNER_MOST + 1];
};

/* What an act came to; or TICK, CANCEL, RETRY: these come when no act is under way, and are
 * answered with the one to go on with. An event that does not belong to the state changes nothing.
 */
enum batch_event {
    BATCH_TICK,           /* time passed; after a restart, for every job */
    BATCH_PUT_DONE,       /* the input is in S3, whole */
    BATCH_PUT_FAILED,     /* it is not, or nobody knows: again later */
    BATCH_PUT_REFUSED,    /* it never will be: bucket gone, access denied */
    BATCH_CREATE_DONE,    /* arn */
    BATCH_CREATE_UNKNOWN, /* no answer, 5xx, 409, or 200 without an ARN: it may exist */
    BATCH_CREATE_LATER,   /* not made for certain: throttled, quota */
    BATCH_CREATE_REFUSED, /* not made for certain, and never will be */
    BATCH_LISTED,         /* found in the list by name and token: arn, status */
    BATCH_NOT_LISTED,     /* the whole list was read: it is not there (yet) */
    BATCH_TOLD,           /* GetModelInvocationJob: status and counts */
    BATCH_UNKNOWN_ARN,    /* ... says 404 */
    BATCH_ASK_FAILED,     /* get, list or stop: no answer, or not now */
    BATCH_STOP_TAKEN,     /* or it had ended already */
    BATCH_READ_SOME,      /* read_bytes, answered: applied, in the same transaction */
    BATCH_READ_ALL,       /* the output came to its end */
    BATCH_READ_NOTHING,   /* there is no output object */
    BATCH_READ_FAILED,    /* again later, from read_bytes on */
    BATCH_CLEANED,
    BATCH_CLEAN_FAILED,
    BATCH_CANCEL, /* the operator: the job is stopped. Members leave when it ended, or after
                   * BATCH_STOP_MS, whatever that may cost; at once where none was made yet */
    BATCH_RETRY,  /* the operator: whatever waits for a time is done now */
    BATCH_EVENTS
};

/* With the event; what it does not have is empty. */
struct batch_news {
    enum batch_event event;
    struct str arn, why;
    enum batch_status status;
    uint32_t total, processed, succeeded, errors;
    uint64_t read_bytes; /* in all */
    uint32_t answered;   /* more members */
};

struct batch_terms {
    int64_t now_ms;
    int64_t poll_ms;
    uint32_t jitter;    /* random, of 2^32: spreads what is done again */
    uint32_t least;     /* records that a job must have: big bodies may have made it smaller */
    double per_second;  /* how fast its members can go on demand */
    bool may_create;    /* there is room among the model's jobs; those with sent_ms count */
    bool may_pay_twice; /* expect_nanousd is still within batch.max_twice */
    /* Members that have no answer: of its list, and of the model's other jobs that are due no
     * later. They would go on demand together. */
    uint32_t unanswered;
};
/* A stop takes so long at most, as one plans; and never more than an eighth of the time between cut
 * and deadline. */
enum { BATCH_STOP_MS = 10 * 60 * 1000 };

/* At most one act of a job is under way. */
enum batch_act {
    BATCH_WAIT, /* until next_ms; INT64_MAX: what is under way goes on (BATCH_READ_SOME) */
    BATCH_PUT,
    BATCH_CREATE, /* with its one token */
    BATCH_LIST,
    BATCH_GET,
    BATCH_STOP,
    BATCH_READ, /* from read_bytes on */
    BATCH_CLEAN,
    BATCH_ACTS
};
/* What becomes of the members that have no answer, in the transaction that writes the row. */
enum batch_members {
    BATCH_STAY,
    BATCH_LEAVE,      /* they go on demand; no job answers them */
    BATCH_LEAVE_TWICE /* ... and the job may still: maybe_twice */
};
struct batch_turn {
    enum batch_act act;
    enum batch_members members;
    bool pool_bad; /* no job can be made for this pool now: it is closed for a time */
};

/* Changes the row. Sets `tries` to 0 where an act succeeded. */
struct batch_turn batch_step(struct batch_job *j, const struct batch_news *n,
                             const struct batch_terms *t);

/* Is a TICK due? Also where next_ms is further off than any wait is: the clock went back. */
bool batch_due(const struct batch_job *j, int64_t now_ms, int64_t poll_ms);

/* When its members must leave at the latest, and when it is stopped. Never in the first half of its
 * time, but for the stop. */
int64_t batch_leave_at(const struct batch_job *j, double per_second, uint32_t unanswered);
int64_t batch_stop_at(const struct batch_job *j, double per_second, uint32_t unanswered);

void batch_job_write(const struct batch_job *j, struct buf *out);
MUST_CHECK int batch_job_read(struct str bytes, struct batch_job *out);

#endif
