/* SPDX-License-Identifier: Apache-2.0
 *
 * The spool: requests that wait, on the disk before they count as held. One thread writes its
 * environment (STATE/spool), in group commits, and decides in the same transaction which request is
 * which. A record is in exactly one list, or done:
 *
 *     spool_admit --> [pool n] --spool_cut--> [job n] --spool_settle--> done
 *                        |                       |
 *                        `-----------------------+--> [direct] --spool_settle--> done
 *
 * Nobody waits for it: callbacks come in the spool's thread when the thing is committed; they must
 * not block, and usually send a mail. What cannot be written now is said so at once: the request
 * then goes on demand. What was committed is found again after whatever happened.
 *
 * In memory is what pools and jobs sum up to, and who waits; nothing for each record.
 */
#ifndef WEIR_BOOK_SPOOL_H
#define WEIR_BOOK_SPOOL_H

#include "weir/book/clerk.h"
#include "weir/plan/batch_fsm.h"
#include "weir/plan/batch_line.h"
#include "weir/plan/pool.h"

enum {
    SPOOL_KEY_BYTES = 32,
    SPOOL_SECRET_BYTES = 16,
    SPOOL_ID_CHARS = 16 + 2 * SPOOL_SECRET_BYTES, /* hex: number, secret */
    SPOOL_CLAIM_MS = 20000, /* so long after a 429 a record stays its caller's */
    SPOOL_FULL_PARTS = 80   /* percent of the size: then nothing is taken */
};

/* A record is named by a number that grows, and by a secret: what clients and S3 see is both. */
struct spool_id {
    uint64_t number;
    unsigned char secret[SPOOL_SECRET_BYTES];
};
void spool_id_write(const struct spool_id *id, char out[SPOOL_ID_CHARS + 1]);
bool spool_id_read(struct str text, struct spool_id *out);

/* Stored: only append. */
enum spool_reply { SPOOL_WAIT, SPOOL_RETRY, SPOOL_TICKET };
enum spool_state { SPOOL_POOLED, SPOOL_IN_JOB, SPOOL_DIRECT, SPOOL_DONE, SPOOL_STATES };
struct str spool_state_word(enum spool_state s); /* "pooled", "in-job", "direct", "done" */
struct str spool_reply_word(enum spool_reply r); /* "wait", "retry", "ticket" */

/* Stored: only append. */
enum spool_flag {
    SPOOL_MAYBE_TWICE = 1 << 0,
    SPOOL_SENT = 1 << 1,      /* a direct call of it was under way */
    SPOOL_BY_BATCH = 1 << 2,  /* its answer is a job's */
    SPOOL_CANCELLED = 1 << 3, /* by the operator */
    SPOOL_DELIVERED = 1 << 4,
    SPOOL_MAY_FLEX = 1 << 5, /* its rule allows that tier, too */
    SPOOL_BY_FLEX = 1 << 6   /* its answer came by that tier */
};

struct spool;
struct spool_options {
    const char *dir;     /* of the environment; its parent is the state directory */
    uint64_t size_bytes; /* batch.spool_max */
    const unsigned char
        *key; /* SEAL_KEY_BYTES: bodies and answers are sealed; NULL: they are not */
    int64_t keep_ms, replay_ms;
    struct clerk *clerk; /* its outbox goes there; NULL: nothing is metered */
    int (*ready)(void *arg, char *why, size_t why_size); /* as the clerk's */
    /* As the clerk's, but under the spool's lock: it must not call the spool. */
    void (*trouble)(void *arg, const char *sentence);
    /* What all that waits of a client is expected to cost, when that changed: never too late for
     * what is held, never too early for what ended (its `done` came before). Under the spool's
     * lock: it must not call the spool. May be NULL. */
    void (*waits)(void *arg, struct str client, uint64_t nanousd);
    void *arg;
};
/* Never fails: what cannot be opened now is tried again; until then nothing is taken. */
struct spool *spool_new(const struct spool_options *o);
/* Commits what it was given, tells who still waits (woken with NULL), ends the thread. Before
 * clerk_free. */
void spool_free(struct spool *s);
void spool_keep(struct spool *s, int64_t keep_ms, int64_t replay_ms); /* a reload changed it */
/* Until it was opened or that failed, for so long at most. True: it is open. */
bool spool_wait_open(struct spool *s, int64_t most_ms);
/* Eight hex digits that were drawn when the environment was made: jobs' names and S3 keys begin
 * with them. Empty while it has not been open. */
struct str spool_instance(struct spool *s);

/* --- taking a request in; any thread. All borrowed during the call alone. */
struct spool_ask {
    struct str client, workload, model, operation, role; /* role: the client's, or empty */
    enum batch_kind kind;
    unsigned char key[SPOOL_KEY_BYTES];
    struct str invocation; /* amz-sdk-invocation-id, or empty */
    enum spool_reply reply;
    unsigned flags;                  /* SPOOL_MAY_FLEX */
    bool known_only;                 /* what is not there already is not taken: no body is needed */
    int64_t now_ms, deadline_ms;     /* wall clock */
    uint64_t expect_nanousd;         /* what it may cost in a job */
    struct str content_type, accept; /* of an InvokeModel */
    struct str target;               /* path and query, as it came */
    struct str body;
};

/* An answer: its own memory. */
struct spool_answer {
    struct spool_id id;
    int status;
    struct str error_type; /* x-amzn-errortype; empty: none. Both in `bytes` */
    struct str body;
    unsigned flags;                       /* enum spool_flag */
    uint64_t cost_nanousd, saved_nanousd; /* of its record in the book */
    struct buf bytes;
};
void spool_answer_free(struct spool_answer *a);

enum spool_said {
    SPOOL_NOT,  /* it was not taken: `why`; nothing of it is on the disk */
    SPOOL_HELD, /* it is on the disk; `woken` comes, unless its reply is not SPOOL_WAIT */
    SPOOL_READY /* its answer is there: `answer`, yours to free */
};
struct spool_admitted {
    enum spool_said said;
    const char *why; /* static: "full", "closed", "too much of one client",
                        "it is not there" */
    struct spool_id id;
    bool fresh;          /* a new record was made */
    int64_t deadline_ms; /* of the record */
    enum spool_state state;
    struct spool_answer *answer;
};
struct spool_waiter {
    /* Once, when it is committed. */
    void (*admitted)(void *arg, const struct spool_admitted *a);
    /* For SPOOL_HELD with SPOOL_WAIT, once and last: its answer (yours to free), or NULL after
     * spool_leave and when the spool ends. */
    void (*woken)(void *arg, struct spool_answer *answer);
    void *arg;
};
void spool_admit(struct spool *s, const struct spool_ask *ask, const struct spool_waiter *w);
/* The connection that waited is gone: without another one the record is nobody's. `arg`: its
 * waiter's, since a caller's next attempt may wait beside it. Harmless when it was woken already.
 */
void spool_leave(struct spool *s, uint64_t number, const void *arg);
/* The same of one that went on demand meanwhile; `arg` NULL: of a SPOOL_RETRY or SPOOL_TICKET.
 * Unless somebody else has it, it is deleted; or marked as perhaps paid twice, where it may have
 * gone out. */
void spool_withdraw(struct spool *s, uint64_t number, const void *arg);
/* Once for each answer that was handed out (SPOOL_READY, SPOOL_TICKET_READY, woken): it reached the
 * client whole; or it did not, and is nobody's again. */
void spool_delivered(struct spool *s, uint64_t number, bool whole);

/* A ticket is asked for: by its client alone. */
enum spool_ticket {
    SPOOL_NO_TICKET,
    SPOOL_TICKET_WAITS,
    SPOOL_TICKET_READY,
    SPOOL_TICKET_GONE,
    SPOOL_TICKET_LATER /* the spool cannot be read now */
};
struct spool_ticket_told {
    enum spool_ticket what;
    int64_t deadline_ms;
    struct str operation;        /* word */
    struct spool_answer *answer; /* READY: yours to free */
};
void spool_ticket(struct spool *s, const struct spool_id *id, struct str client,
                  void (*told)(void *arg, const struct spool_ticket_told *t), void *arg);

/* --- moving; the office's. `done` (may be NULL) with good: it is committed; else nothing of it is.
 * All is copied. */
typedef void spool_done(void *arg, bool good);

/* The oldest `n` members of the pool, at most `bytes`, become the job's; `job`'s number (never used
 * again), records, bytes, deadline_ms and expect_nanousd are filled in. `told` gets the row. */
void spool_cut(struct spool *s, uint32_t pool, uint32_t n, uint64_t bytes,
               const struct batch_job *job,
               void (*told)(void *arg, const struct batch_job *job, bool good), void *arg);
/* The row as it is now; with state BATCH_GONE it is deleted. `members` of its list move to direct.
 */
void spool_job(struct spool *s, const struct batch_job *job, enum batch_members members,
               spool_done *done, void *arg);
/* The oldest n of a pool go on demand. */
void spool_pool_direct(struct spool *s, uint32_t pool, uint32_t n, spool_done *done, void *arg);
/* Direct calls of these are about to be made. Not good, too, if one of them is not there any more.
 */
void spool_sent(struct spool *s, const uint64_t *numbers, size_t n, spool_done *done, void *arg);

/* Ends of records, in one transaction with the job's row (NULL: direct calls). An end counts once:
 * a record that is done, or not in that job's list (for direct: not direct), is left as it is, but
 * its outbox row is taken where `late` says so. */
struct spool_end {
    uint64_t number;
    bool goes_direct; /* no answer for it: on demand */
    int status;
    struct str error_type, body;
    unsigned flags; /* to be set: SPOOL_BY_BATCH, ... */
    uint64_t cost_nanousd, saved_nanousd;
    struct str outbox;      /* record_write's; empty: none */
    struct str late_outbox; /* in place of it where the record has another end already */
};
void spool_settle(struct spool *s, const struct batch_job *job, const struct spool_end *ends,
                  size_t n, void (*done)(void *arg, size_t answered, bool good), void *arg);
/* The operator gives a record up: done, with the error that says so. */
void spool_cancel_pool(struct spool *s, uint32_t pool, int status, struct str error_type,
                       struct str body, spool_done *done, void *arg);

/* --- looking */

/* `waits` is told of every client once more. Any thread. */
void spool_tell_waits(struct spool *s);

/* Under the spool's lock: copy and return. Pools without a member are told, too, while a job is of
 * them. */
struct spool_pool {
    uint32_t number;
    struct str client, model, role;
    enum batch_kind kind;
    struct pool_view view;
};
void spool_each_pool(struct spool *s, void (*each)(void *arg, const struct spool_pool *p),
                     void *arg);
/* `waits`: members without an answer. */
void spool_each_job(struct spool *s,
                    void (*each)(void *arg, const struct batch_job *j, uint32_t waits), void *arg);

struct spool_counts {
    bool open, full;
    uint64_t records[SPOOL_STATES];        /* now */
    uint64_t taken, answered, failures;    /* since the process began */
    uint64_t cancelled;                    /* of `answered`: by spool_cancel_pool */
    uint64_t unclaimed, unclaimed_nanousd; /* answers that nobody fetched, of those that are kept */
    uint64_t outbox;                       /* rows not yet in the book */
    uint64_t twice;         /* records that were marked SPOOL_MAYBE_TWICE since the process began */
    uint64_t twice_nanousd; /* what those of today (UTC) may cost in a job, whoever marked them */
    int64_t oldest_ms;      /* when the oldest that waits came; 0: none */
    struct store_size size;
};
void spool_count(struct spool *s, struct spool_counts *out);
/* Appends what keeps it from its disk now, as `trouble` was told. False: nothing does. */
bool spool_trouble(struct spool *s, struct buf *out);

/* Of a record, as the office reads it: strings borrowed until spool_read_end. */
struct spool_record {
    struct spool_id id;
    struct str client, workload, model, operation, role, target, content_type, accept;
    enum batch_kind kind;
    enum spool_state state;
    enum spool_reply reply;
    unsigned flags;
    uint64_t list; /* number of its pool or job */
    int64_t accepted_ms, deadline_ms, done_ms, delivered_ms;
    uint32_t deliveries;
    uint64_t body_bytes, answer_bytes, expect_nanousd, cost_nanousd;
    int status;
};
struct spool_read; /* a transaction of at most a second */
/* The office's; also of an environment that was opened for reading alone. NULL: not open. */
struct spool_read *spool_read_begin(struct spool *s);
void spool_read_end(struct spool_read *r);
/* Members of a list in order, from a number on. False from `each` ends it. */
enum spool_list { SPOOL_LIST_POOL, SPOOL_LIST_JOB, SPOOL_LIST_DIRECT };
MUST_CHECK int spool_walk(struct spool_read *r, enum spool_list list, uint64_t of, uint64_t from,
                          bool (*each)(void *arg, const struct spool_record *rec), void *arg);
MUST_CHECK int spool_find(struct spool_read *r, uint64_t number, struct spool_record *out);
/* Appends; ERR_BAD: it is damaged, or sealed with another key. */
MUST_CHECK int spool_read_body(struct spool_read *r, uint64_t number, struct buf *out);

/* For commands beside a daemon, or without one. `key` as above; NULL, too, for who reads no body of
 * one that is sealed. With another key it is ERR_REFUSED. */
MUST_CHECK int spool_open_read(const char *dir, const unsigned char *key, struct spool **out,
                               char *why, size_t why_size);
void spool_close_read(struct spool *s);

#endif
