/* SPDX-License-Identifier: Apache-2.0
 *
 * One thread that serves: its loop and what belongs to it. The data ports' workers and the office
 * (the admin port's) are the same struct; the office has no origin.
 */
#ifndef WEIR_GATE_WORKER_H
#define WEIR_GATE_WORKER_H

#include "weir/aws/call.h"
#include "weir/gate/body.h"
#include "weir/gate/keyring.h"
#include "weir/gate/metric.h"
#include "weir/gate/setup.h"
#include "weir/net/dns.h"
#include "weir/net/listener.h"

#include <pthread.h>

struct daemon;

/* A listener of this worker: which address of the setup it is, and which table of operations. */
struct port {
    struct worker *worker;
    struct listener *listener; /* NULL: not open */
    struct setup *setup;
    size_t at; /* index in the setup's listen; 0 for the admin port */
    enum realm realm;
    bool retiring;
    struct port *next;
};

struct worker {
    struct daemon *daemon;
    pthread_t thread;
    struct loop *loop;
    struct dns *dns;
    struct origin *origin;
    struct origin_counts past; /* what the origins before it had counted */
    struct aws_signer *signer;
    struct setup *setup;
    struct port *ports;
    struct creds *creds;                           /* the set used last */
    struct creds *role_creds[CONFIG_MOST_CLIENTS]; /* and of the setup's clients with a role */
    struct keyring *keyring;                       /* counted; NULL: none was issued */
    struct caching_room *caching_rooms;            /* spare ones */
    unsigned n_caching_rooms;
    int64_t walked_ms; /* the last turn in which prompts were read, and how much of them */
    size_t walked_bytes;
    struct body_pool bodies;
    struct later clean;     /* of bodies' pages, a slice a turn */
    unsigned resend_tenths; /* one for each call; ten are spent by sending again on 503 or 529 */
    struct list exchanges;
    size_t active;       /* how many they are */
    unsigned reading_on; /* ... of which without a client, to their usage */
    bool leaving;        /* stop the loop when the last exchange ends */
    struct timer tick, last_words;
    struct metric_slab metrics;
    int64_t shed_said_ms[FRONT_SHEDS]; /* when a log line told of it; 0: never */
};

/* The worker owns its loop from here on. `setup` gets a reference. */
void worker_init(struct worker *w, struct daemon *daemon, struct setup *setup);
/* After its thread has ended: first what it holds, then its loop. */
void worker_close(struct worker *w);
void worker_fini(struct worker *w);

/* The runtime endpoint of a setup, as workers call it. */
struct origin *worker_make_origin(struct loop *l, struct dns *dns, const struct setup *s);

/* The rest in the worker's thread, or before it starts. */

/* Opens a port on a bound descriptor. */
void worker_open(struct worker *w, int fd, struct setup *setup, size_t at, enum realm realm);
/* Goes over to a new setup. fds[i] is a new socket for its i-th listener, or -1: keep the one with
 * that address. */
void worker_switch(struct worker *w, struct setup *setup, const int *fds);
/* The same for the office, whose port stays as it is. */
void worker_follow(struct worker *w, struct setup *setup);
/* Takes the reference over: who comes from now on is looked up there. */
void worker_take_keyring(struct worker *w, struct keyring *ring);
/* Accepts nothing any more, finishes what runs, then stops its loop. */
void worker_drain(struct worker *w);
/* Ends what runs with an error that says so, and stops its loop a second later at most. */
void worker_cut(struct worker *w);
/* A request's body is not needed any more. */
void worker_drop_body(struct worker *w, struct body *b);
/* An exchange ended. */
void worker_left(struct worker *w);
/* The newest valid credentials, borrowed until the next call; NULL when there are none. After a
 * reload that changed where they come from, those in hand serve until the new place has answered.
 */
struct creds *worker_creds(struct worker *w);
/* The credentials of a client's role, or Weir's own for one without. `client` (or NULL: nobody is
 * configured) is of the worker's setup. Borrowed and NULL as above; but it is never another role's.
 */
struct creds *worker_creds_for(struct worker *w, const struct config_client *client);
/* Its role is being assumed for the first time: soon it is known whether it can be. */
bool worker_awaits_role(const struct worker *w, const struct config_client *client);
/* The origin refused that version of what is used for it. */
void worker_creds_refused(struct worker *w, const struct config_client *client, uint64_t version);
/* A call was started: it counts, and earns a tenth of a resend. */
void worker_called(struct worker *w);
/* May a call that met 503 or 529 be sent again? Spends what was earned. */
bool worker_may_resend(struct worker *w);

#endif
