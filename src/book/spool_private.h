/* SPDX-License-Identifier: Apache-2.0
 *
 * What the spool's files share. All but spool_doors.c, spool_read.c and the beginnings and ends run
 * in the spool's thread.
 *
 *     spool.c         the thread, trouble, life
 *     spool_open.c    opening
 *     spool_relist.c  lists held against places, once it is opened
 *     spool_batch.c   one transaction of what waits
 *     spool_wake.c    waiting connections are told
 *     spool_doors.c   what other threads do: letters, and looks at the sums
 *     spool_admit.c   which request is which; tickets
 *     spool_room.c    whether there is room
 *     spool_move.c    cut, job, direct, settle, cancel
 *     spool_forget.c  what is deleted when
 *     spool_outbox.c  rows on their way to the book
 *     spool_table.c   rows, read and written; a record's move from place to place
 *     spool_sums.c    what pools, jobs and clients sum up to
 *     spool_twice.c   what may be paid twice today
 *     spool_claims.c  who has which record now
 *     spool_rows.c    rows as bytes
 *     spool_read.c    readers
 */
#ifndef WEIR_SRC_BOOK_SPOOL_PRIVATE_H
#define WEIR_SRC_BOOK_SPOOL_PRIVATE_H

#include "bell.h"
#include "prune.h"
#include "spool_claims.h"
#include "trouble.h"
#include "weir/base/mailbox.h"
#include "weir/base/seal.h"

enum {
    SPOOL_BATCH_MOST = 4096,              /* letters in one transaction */
    SPOOL_BATCH_BYTES = 32 * 1024 * 1024, /* ... and what they bring */
    SPOOL_SLICE = 1000, /* records of a pool that move or end in one transaction */
    SPOOL_WAITING_MOST = 128 * 1024 * 1024,
    SPOOL_POOLS_MOST = 4096,
    SPOOL_POOLS_OF_ONE = 256, /* of a client, with something in them: names of models are its own */
    SPOOL_RECORD_BYTES = 512, /* what a record takes beside its body, for shares */
    SPOOL_AGAIN_MS = 5000,
    SPOOL_BELL = 1,
    SPOOL_TRIED = 1,
    SPOOL_INSTANCE = 8
};

/* --- letters */

enum spool_task {
    SPOOL_DO_ADMIT,
    SPOOL_DO_LEAVE,
    SPOOL_DO_WITHDRAW,
    SPOOL_DO_DELIVERED,
    SPOOL_DO_TICKET,
    SPOOL_DO_CUT,
    SPOOL_DO_JOB,
    SPOOL_DO_POOL_DIRECT,
    SPOOL_DO_SENT,
    SPOOL_DO_SETTLE,
    SPOOL_DO_CANCEL,
    SPOOL_DO_OUTBOX, /* a row is in the book, or is not */
    SPOOL_DO_LOST    /* a record that cannot be read was met by a reader */
};

/* An end, and what the transaction made of it. */
struct spool_ending {
    struct spool_end end;
    bool counted; /* it is this record's end */
    unsigned flags;
    unsigned char secret[SPOOL_SECRET_BYTES];
};

struct spool_mail {
    struct mail mail;
    struct spool *spool;
    struct spool_mail *next; /* in the queue */
    enum spool_task task;
    bool no_room; /* there was no memory for what it brings */
    void *arg;
    uint64_t number; /* of a record, an outbox row */
    uint32_t pool, n;
    size_t bytes; /* of `data` */
    union {
        struct {
            struct spool_ask ask; /* strings in `data` */
            struct spool_waiter waiter;
            struct spool_admitted out;
        } admit;
        const void *waiter_arg;
        bool good; /* delivered whole; in the book */
        struct {
            struct spool_id id;
            struct str client;
            void (*told)(void *arg, const struct spool_ticket_told *t);
            struct spool_ticket_told out;
            struct buf operation;
        } ticket;
        struct {
            struct batch_job job;
            uint64_t most_bytes;
            void (*told)(void *arg, const struct batch_job *job, bool good);
        } cut;
        struct {
            struct batch_job job;
            enum batch_members members;
            spool_done *done;
        } job;
        struct {
            spool_done *done;
            uint64_t *numbers; /* in `data` */
            struct spool_end end;
            bool missing;              /* one that was to be sent is not there any more */
            struct spool_ending *ends; /* of a cancelled slice; owned */
            size_t n_ends;
        } some; /* direct, sent, cancel */
        struct {
            struct batch_job job;
            bool has_job;
            struct spool_ending *ends; /* in `data` */
            void (*done)(void *arg, size_t answered, bool good);
            size_t answered;
        } settle;
    } u;
    _Alignas(16) char data[];
};

/* --- sums */

struct spool_client {
    struct spool_client *next;
    uint64_t bytes;
    uint64_t waits_nanousd; /* what its records without an end are expected to cost */
    uint64_t ended_nanousd; /* of those that ended in the transaction at hand */
    uint64_t told_nanousd;
    struct str name; /* owned */
};

/* Deadlines of one minute. */
struct spool_minute {
    int64_t minute, least_ms;
    uint32_t n;
};

struct spool_sum {
    struct spool_pool pool; /* strings in `bytes` */
    uint64_t hash;
    struct buf bytes;
    struct spool_client *client;
    uint64_t records;             /* that are of this pool, wherever they are */
    bool oldest_left;             /* view.oldest_ms is to be found again */
    struct spool_minute *minutes; /* in order */
    size_t n_minutes, cap_minutes;
};

struct spool_job_sum {
    struct batch_job job;
    uint32_t waits;
    int64_t oldest_ms;
};

struct spool {
    struct mailbox box;
    struct bell bell;  /* SPOOL_BELL */
    struct bell tried; /* SPOOL_TRIED: to open it, whatever came of it */
    pthread_t thread;
    atomic_bool stop;
    _Atomic uint64_t waiting; /* bytes of letters */
    _Atomic int64_t keep_ms, replay_ms;
    char *dir;
    uint64_t size_bytes;
    unsigned char key_bytes[SEAL_KEY_BYTES];
    const unsigned char *key; /* NULL: nothing is sealed */
    struct clerk *clerk;
    int (*ready)(void *arg, char *why, size_t why_size);
    void (*waits)(void *arg, struct str client, uint64_t nanousd);
    void *arg;

    /* Readers hold it while they read; the thread to change `store`. */
    pthread_rwlock_t reading;
    struct store *store; /* NULL: not open */

    /* What others read: sums, counts. Only the thread changes them. */
    pthread_mutex_t lock;
    char instance[SPOOL_INSTANCE + 1];
    struct spool_counts counts;
    struct spool_sum **pools; /* by number */
    size_t n_pools, cap_pools;
    struct spool_job_sum *jobs; /* by number */
    size_t n_jobs, cap_jobs;
    struct spool_client *clients;

    /* The thread's own. */
    struct store_txn *txn; /* the one that is under work */
    uint64_t txn_bytes;    /* what it has written, about */
    struct spool_mail *first, **last;
    struct claims claims;
    struct buf row_bytes, scratch;
    uint64_t next, reserved, next_job, next_outbox;
    uint32_t next_pool; /* a number is never used again: the engine may know it yet */
    int64_t again_ns, chores_ns, sweep_ns;
    int64_t known_ms;         /* the latest time that a record tells of */
    struct prune_clock clock; /* for what is forgotten */
    size_t nobodys;           /* records of pools or jobs that could not be read */
    uint64_t unlisted;        /* after reading all: 0 where lists and places say the same */
    bool unmarked;            /* it is not said yet with which key it is sealed, and may be */
    int64_t said_ns[2];       /* when it was said that it is full; that a client's share is */
    struct {
        int64_t day;                     /* since 1970; this and the next under the lock */
        uint64_t nanousd;                /* of it */
        uint64_t marked, marked_nanousd; /* in the transaction at hand */
    } twice;
    bool gave_up; /* a record, in this transaction: somebody may wait for it */
    struct trouble trouble;
    struct {
        uint64_t at; /* rows below were handed to the clerk */
        unsigned underway;
        uint64_t *acked; /* they are in the book, and can go */
        size_t n, cap;
        int64_t again_ns; /* the clerk could not: hand all of them over again then */
    } outbox;
};

/* --- one transaction's work: 0, ERR_* (the transaction is lost), 1 (there is more of it). What a
 * task says when it is committed, or is not. */
MUST_CHECK int spool_admit_do(struct spool *s, struct spool_mail *m);
void spool_admit_end(struct spool *s, struct spool_mail *m, bool good, const char *why);
/* Where nothing can be written: is it there already? Then it is claimed, and told as good. */
bool spool_admit_join(struct spool *s, struct spool_mail *m);
/* Why it is not taken; NULL: it is. */
const char *spool_room_refusal(struct spool *s, const struct spool_ask *ask);
MUST_CHECK int spool_withdraw_do(struct spool *s, uint64_t number, bool waited);
MUST_CHECK int spool_delivered_do(struct spool *s, uint64_t number);
MUST_CHECK int spool_ticket_do(struct spool *s, struct spool_mail *m);
void spool_ticket_end(struct spool *s, struct spool_mail *m, bool good);
MUST_CHECK int spool_move_do(struct spool *s, struct spool_mail *m);
/* A transaction of it was committed: those who waited for what ended in it are told. */
void spool_move_slice(struct spool *s, struct spool_mail *m);
void spool_move_end(struct spool *s, struct spool_mail *m, bool good);
/* Some of what is to be forgotten. */
MUST_CHECK int spool_forget_do(struct spool *s);
bool spool_forget_due(struct spool *s);

/* --- outbox */
MUST_CHECK int spool_outbox_put(struct spool *s, struct str row);
void spool_outbox_acked(struct spool *s, struct spool_mail *m);
MUST_CHECK int spool_outbox_do(struct spool *s); /* deletes what is in the book */
void spool_outbox_hand(struct spool *s);         /* what was committed, to the clerk */

/* --- rows; in s->txn. */
/* Strings are borrowed until the next call. ERR_BAD: it is damaged. */
MUST_CHECK int spool_table_row(struct spool *s, uint64_t number, struct spool_row *out);
MUST_CHECK int spool_table_put_row(struct spool *s, uint64_t number, const struct spool_row *r);
MUST_CHECK int spool_table_place(struct spool *s, uint64_t number, struct spool_place *out);
/* The one way of a record from place to place: row, list and sums. NULL: it is not anywhere. */
MUST_CHECK int spool_table_move(struct spool *s, uint64_t number, const struct spool_place *from,
                                const struct spool_place *to);
MUST_CHECK int spool_table_put_pieces(struct spool *s, enum table table, uint64_t number,
                                      struct str text);
MUST_CHECK int spool_table_drop_pieces(struct spool *s, enum table table, uint64_t number,
                                       uint64_t bytes);
/* Everything of a record. Its row or its place may be damaged (NULL). */
MUST_CHECK int spool_table_forget(struct spool *s, uint64_t number, const struct spool_row *row,
                                  const struct spool_place *place);
/* A record that cannot be read is given up: it is told in the log, and nowhere any more. */
MUST_CHECK int spool_table_give_up(struct spool *s, uint64_t number);
/* The same, with the row of the list in which it was met. */
MUST_CHECK int spool_table_give_up_listed(struct spool *s, const struct spool_key *listed);
/* Pools that nothing is of any more are deleted. */
MUST_CHECK int spool_table_drop_pools(struct spool *s);
/* Of a record that is done. ERR_BAD. */
MUST_CHECK int spool_table_answer(struct spool *s, uint64_t number, struct spool_answer **out);
MUST_CHECK int spool_table_put_meta(struct spool *s, struct str key, uint64_t n);
/* Members of a list from a number on, at most n: *out is yours. */
MUST_CHECK int spool_table_members(struct store_txn *t, unsigned list, uint64_t of, uint64_t from,
                                   size_t n, uint64_t **out, size_t *out_n);
/* All records that have a place. */
MUST_CHECK int spool_table_numbers(struct store_txn *t, uint64_t **out, size_t *out_n);
/* Appends, in any transaction. ERR_BAD. */
MUST_CHECK int spool_table_pieces(struct store_txn *t, const unsigned char *key, enum table table,
                                  uint64_t number, uint64_t bytes, struct buf *out);

/* --- sums */
void spool_sums_init(struct spool *s);
void spool_sums_fini(struct spool *s);
/* All of it, from the tables, in a transaction: once the environment was opened, or a transaction
 * was lost. */
MUST_CHECK int spool_sums_load(struct spool *s, struct store_txn *t);
/* NULL: it was, or is, not anywhere. */
void spool_sums_move(struct spool *s, const struct spool_place *from, const struct spool_place *to);
/* What clients wait for is told where it changed: first with what has just ended, then, when those
 * ends were told, without it. */
void spool_sums_tell(struct spool *s, bool ends_told);
/* The first members of pools that lost theirs. */
MUST_CHECK int spool_sums_refresh(struct spool *s);
struct spool_sum *spool_sums_pool(struct spool *s, uint32_t number);
struct spool_sum *spool_sums_find(struct spool *s, const struct spool_whose *w);
struct spool_sum *spool_sums_add(struct spool *s, uint32_t number, const struct spool_whose *w);
struct spool_job_sum *spool_sums_job(struct spool *s, uint64_t number);
void spool_sums_put_job(struct spool *s, const struct batch_job *job);
void spool_sums_drop_job(struct spool *s, uint64_t number);

/* Nothing is of that pool. */
bool spool_sums_idle(const struct spool *s, const struct spool_sum *p);
void spool_sums_drop(struct spool *s, size_t place);

/* --- what may be paid twice */
void spool_twice_load(struct spool *s, struct store_txn *t);
/* Of a transaction: it begins, moves records, is written, and is on the disk. */
void spool_twice_begin(struct spool *s);
void spool_twice_move(struct spool *s, const struct spool_place *from,
                      const struct spool_place *to);
MUST_CHECK int spool_twice_put(struct spool *s);
void spool_twice_committed(struct spool *s);

/* --- opening */
void spool_open(struct spool *s);
/* What is in memory is not what is on the disk any more. */
void spool_open_again(struct spool *s);
/* While all is read: what should be in a list, and what is. */
void spool_relist_place(struct spool *s, uint64_t number, const struct spool_place *place);
void spool_relist_entry(struct spool *s, struct str key);
/* Makes the lists say what the places say. */
MUST_CHECK int spool_relist(struct spool *s);
/* Whether `key` is the one that it is sealed with: ERR_REFUSED with a sentence. *out_unmarked: it
 * is empty, and no mark or another one is there. */
MUST_CHECK int spool_open_mark(const char *dir, struct store *store, const unsigned char *key,
                               bool *out_unmarked, char *why, size_t why_size);

/* --- transactions */
MUST_CHECK int spool_batch_begin(struct spool *s);
/* Commits, or with rc < 0 aborts. */
MUST_CHECK int spool_batch_commit(struct spool *s, int rc);
void spool_batch_letters(struct spool *s);
/* A disk that is full may do for what moves: but nothing new. */
void spool_batch_refuse_new(struct spool *s);
/* 1: there is more to forget. */
MUST_CHECK int spool_batch_chores(struct spool *s);
/* At the end: only what needs no transaction is done. */
void spool_batch_heard(struct spool *s);
/* A transaction, and with it the first n letters. */
void spool_batch_lost(struct spool *s, int rc, size_t n);
void spool_batch_measure(struct spool *s);

/* --- trouble; `why` NULL: what `rc` says */
void spool_fail(struct spool *s, int rc, const char *why);
void spool_well(struct spool *s);
void spool_publish(struct spool *s, struct store *store);

/* --- who waits */
void spool_wake(struct spool *s, uint64_t number, const struct spool_answer *answer);
/* Those who wait for what is not there any more, or is done already. */
void spool_wake_lost(struct spool *s);
void spool_wake_all(struct spool *s);

/* --- others */
/* Without a thread: for readers. */
struct spool *spool_make(const char *dir, const unsigned char *key);
void spool_unmake(struct spool *s);
/* From any thread; zeroed. It is the spool's once it is sent. */
struct spool_mail *spool_letter(struct spool *s, enum spool_task task, size_t bytes);
void spool_send(struct spool_mail *m);
void spool_hash_ticket(const struct spool_id *id, struct str client, unsigned char out[SPOOL_HASH]);
struct spool_answer *spool_answer_make(const struct spool_id *id, int status, struct str error_type,
                                       size_t body_bytes);
/* At most so many bytes may lie in the spool before nothing more is taken. */
uint64_t spool_full_at(const struct spool *s);
uint32_t spool_chunks(uint64_t bytes);

#endif
