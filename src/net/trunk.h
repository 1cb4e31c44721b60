/* SPDX-License-Identifier: Apache-2.0
 *
 * A trunk is one connection to an origin with its protocol, a talk is one call on it:
 *
 *     origin  1 --- n  trunk (h1: one talk at a time; h2: many)  1 --- n  talk  1 --- 1  call
 *
 * h1_client.c and h2_client.c are trunks. Here is what they share (talk.c), and what the pool
 * (origin.c) offers them. Nothing is freed while a callback of the origin runs: trunks that are
 * over wait among the graves until the last origin_leave.
 */
#ifndef WEIR_SRC_NET_TRUNK_H
#define WEIR_SRC_NET_TRUNK_H

#include "weir/net/conn.h"
#include "weir/net/origin.h"

struct talk;
struct trunk;

enum {
    TRUNK_READ = 64 * 1024,
    TRUNK_SHARE = 4 * TRUNK_READ /* read from one connection per turn at most */
};

struct trunk_ops {
    /* Takes the call. Never calls back. */
    void (*start)(struct trunk *k, struct origin_call *c);
    /* The sink took bytes: t->owed is smaller now. Never calls back. */
    void (*credit)(struct talk *t, size_t n);
    /* Nobody listens any more: t->call is NULL already. Never calls back. */
    void (*drop)(struct talk *t);
    /* Ends its talks with ORIGIN_GONE and buries itself. */
    void (*close)(struct trunk *k, const char *why);
    void (*free)(struct trunk *k);
};

struct trunk {
    const struct trunk_ops *ops;
    struct origin *origin;
    struct list node;  /* in the origin's ready, busy or graves */
    struct conn *conn; /* NULL: over */
    unsigned talks;    /* on it now, also those that nobody listens to */
    bool used;         /* had a call before */
    bool ready, idle, buried;
    bool leaving; /* takes no new call: does not count against most_connections */
    int64_t idle_since_ms;
};

/* TRUNK_READ bytes, one buffer for all trunks of the thread. */
char *trunk_read_buffer(void);

/* --- of the pool */

struct loop *origin_loop(const struct origin *o);
const struct origin_options *origin_options(const struct origin *o);
/* How many streams the origin allows on an h2 connection, as far as it has said so. */
unsigned origin_streams(const struct origin *o);
void origin_note_streams(struct origin *o, unsigned most);
/* Around everything that the loop calls. */
void origin_enter(struct origin *o);
void origin_leave(struct origin *o);
/* The trunk can take a call (`room`) or cannot, from now on. */
void origin_offer(struct trunk *k, bool room);
/* The origin wants no more calls on it; those that it has go on. */
void origin_leaves(struct trunk *k);
/* The trunk is over: its connection is closed, itself freed later. */
void origin_bury(struct trunk *k);
/* Once more from the front of the queue: nothing of it was written. */
void origin_requeue(struct origin_call *c);
/* The call is the origin's no longer. */
void origin_forget(struct origin_call *c);

#endif
