/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon: one office (this thread: admin port, credentials, log writing, signals, reload) and N
 * workers.
 */
#ifndef WEIR_GATE_DAEMON_H
#define WEIR_GATE_DAEMON_H

#include "weir/book/clerk.h"
#include "weir/gate/exporters.h"
#include "weir/gate/joins.h"
#include "weir/gate/levers.h"
#include "weir/gate/limits.h"
#include "weir/gate/names.h"
#include "weir/gate/shared_cache.h"
#include "weir/gate/shared_lanes.h"
#include "weir/gate/worker.h"

/* back_query's: who reads the book, in the order in which they came. The first few take turns. */
enum { QUERY_DESK_MOST = 64 };
struct query_desk {
    struct exchange *line[QUERY_DESK_MOST];
    unsigned n, at;
    struct later turn;
};

/* back_compact's: one at a time, in the office. */
struct compaction {
    struct mail mail;       /* the clerk's answer */
    struct exchange *waits; /* for it, or NULL */
    int state;
    bool good;
};

/* accepting.c's: the rule that takes itself back, at the end of this turn. */
struct accepting {
    char missed[72]; /* empty: none does */
    struct later turn;
};

struct spool;
struct batch;

struct daemon {
    const char *config_path; /* NULL: built-in defaults */
    struct setup *setups;    /* newest first; the office's */
    struct worker office;
    struct worker **workers;
    unsigned n_workers;
    _Atomic(int64_t) connections;
    struct body_budget bodies;
    struct clerk *clerk;         /* NULL with metering: off */
    struct exporters *exporters; /* NULL with metering: off */
    struct names *names;
    struct joins *joins;
    struct limits *limits;
    struct levers levers;
    struct shared_cache *cache; /* or NULL: nothing is planned */
    struct keeper *keeper;      /* of what prompt caching learned */
    struct spool *spool;        /* NULL: nothing waits for batch jobs */
    struct shared_lanes *lanes; /* never NULL */
    struct batch *batch;        /* with the spool */
    atomic_bool bucket_refused; /* to Weir's own credentials: nothing waits for a batch of theirs */
    struct accepting accepting;
    struct volatile_news *volatile_news;
    bool limits_follow; /* they know what the book says was spent */
    int64_t limits_asked_ms;
    atomic_bool draining;
    atomic_bool ready;
    atomic_bool can_sign; /* there are valid credentials */
    pthread_mutex_t lock_lock;
    int lock_fd;      /* behind lock_lock, once the clerk or the keeper runs */
    struct buf state; /* the state directory: it outlives every configuration */
    struct timer log_timer, drain_timer;
    struct timer calls_timer; /* spooling_finish's */
    void (*calls_over)(void *arg);
    struct query_desk desk;
    struct compaction compaction;
    atomic_uint running; /* worker threads */
    uint64_t reloads_good, reloads_bad;
};

/* Runs until it was told to stop: the exit status of the command. */
int daemon_run(const char *config_path);

/* In the office's thread. A bad file changes nothing; `faults` says why. */
bool daemon_reload(struct daemon *s, struct buf *faults);
void daemon_drain(struct daemon *s);
/* Every worker looks up in this ring from now on. Takes the reference over. */
void daemon_set_keyring(struct daemon *s, struct keyring *ring);
/* Any thread: takes the state directory's lock, or still has it. ERR_* with a sentence. It is what
 * a writer (clerk, keeper, spool) asks before it opens: so it takes any pointer. */
MUST_CHECK int daemon_hold_state(void *daemon, char *why, size_t why_size);
/* Is it worth sending traffic here? Any thread. */
bool daemon_ready(struct daemon *s);

#endif
