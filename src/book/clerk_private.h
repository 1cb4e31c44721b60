/* SPDX-License-Identifier: Apache-2.0
 *
 * What the clerk's files share: clerk.c (thread, trouble), clerk_doors.c (what other threads do),
 * clerk_batch.c (one transaction) and clerk_prune.c (what is forgotten).
 */
#ifndef WEIR_SRC_BOOK_CLERK_PRIVATE_H
#define WEIR_SRC_BOOK_CLERK_PRIVATE_H

#include "bell.h"
#include "prune.h"
#include "series_set.h"
#include "trouble.h"
#include "weir/base/mailbox.h"
#include "weir/book/clerk.h"

#include <pthread.h>

enum clerk_task {
    TASK_RECORD, /* bytes: record_write's */
    TASK_NOTE,   /* bytes: key, value */
    TASK_CLOSE,  /* bytes: the minute, 4 */
    TASK_COMPACT,
    TASK_LOST /* a record that found no room, and somebody who waits for it */
};

/* What workers send; it is the clerk's from then on. */
struct clerk_mail {
    struct mail mail;
    struct clerk *clerk;
    struct clerk_mail *next; /* in a queue */
    enum clerk_task task;
    void (*done)(void *arg, bool good); /* NULL: nobody waits, or no longer */
    void *arg;
    bool unsure; /* a commit of it failed, and may have arrived all the same */
    uint32_t key_len, len;
    char bytes[];
};

/* Oldest first. */
struct clerk_queue {
    struct clerk_mail *first, **last;
};

/* What wakes it: see clerk.c. */
enum clerk_bell { BELL_MAIL = 1, BELL_NOW = 2 };
enum { BELL_TRIED = 1 };

enum { CLERK_BATCH_MOST = 1024 }; /* tasks in one transaction */

/* A record on its way into the tables. */
struct clerk_item {
    unsigned char key[8 + RECORD_ID_BYTES];
    struct str bytes; /* the mail's */
    struct record record;
    uint32_t minute; /* it counts in */
    uint32_t place;  /* of its series */
    bool again;      /* it is in the book already */
    bool unsure;     /* ... perhaps by a commit of ours that failed: then nobody has counted it */
};

struct clerk {
    struct mailbox box;
    struct bell bell;         /* enum clerk_bell */
    atomic_uint fresh;        /* records since the box was read */
    _Atomic uint64_t waiting; /* records in the box and behind it */
    _Atomic int64_t keep_requests_ms;
    pthread_t thread;
    atomic_bool stop;
    char *dir;
    uint64_t size_bytes;
    int (*ready)(void *arg, char *why, size_t why_size);
    void *arg;

    _Atomic(struct spent *) past; /* set once */
    struct bell tried;            /* BELL_TRIED: to open the book, whatever came of it */

    /* Readers hold it while they read; the clerk to change `store`. */
    pthread_rwlock_t reading;
    struct store *store; /* NULL: not open */

    /* What others read; held for moments, never over a transaction. Only the clerk's thread changes
     * `series`. */
    pthread_mutex_t lock;
    struct clerk_counts counts;
    struct gap gap; /* lost and not in the book yet */
    struct series_set series;

    /* The clerk's thread's own. */
    struct clerk_queue came, queue; /* just now; to be done */
    uint32_t closed;                /* the last closed minute */
    struct clerk_item *items;
    int64_t again_ns; /* after a failure: not before; 0: all is well */
    struct prune_clock clock;
    struct {
        bool unsure; /* a commit of it failed, and may have arrived all the same */
        struct gap gap, row;
    } sent; /* to the book, and how its row is then */
    int64_t chores_ns, forget_ns, note_ns;
    enum series_room room; /* as it was told */
    struct trouble trouble;
};

/* As the last of them; in the clerk's thread. */
void clerk_append(struct clerk_queue *q, struct clerk_mail *m);

/* The next tasks in one transaction, at most CLERK_BATCH_MOST, up to a compaction. Those that were
 * done are *out_n. */
MUST_CHECK int clerk_batch(struct clerk *c, size_t *out_n);
/* A newly opened environment: its series, its last closed minute. */
MUST_CHECK int clerk_learn(struct clerk *c, struct store *s);

/* Rows of TABLE_META: a number, and the key of a series' last day. */
MUST_CHECK int clerk_put_number(struct store_txn *t, struct str key, uint64_t n);
struct str clerk_used_key(uint32_t number, unsigned char out[9]);

/* One slice of what is to be forgotten. 1: there may be more. */
MUST_CHECK int clerk_prune(struct clerk *c);
/* What time it is for forgetting, into the book: it is not far behind at the next opening. */
MUST_CHECK int clerk_note_clock(struct clerk *c);
/* Series that did nothing for 13 months. */
MUST_CHECK int clerk_forget(struct clerk *c);

#endif
