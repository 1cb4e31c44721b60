/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has which record now: connections that wait, answers that were handed out and are on their
 * way, and callers that were told to come again, for a while. In memory alone: after a restart
 * every record is nobody's. Not locked: it is the spool's thread's own.
 *
 * For each key there is a number below which every record is claimed, so that the k-th request of
 * one body does not look at k records.
 */
#ifndef WEIR_SRC_BOOK_SPOOL_CLAIMS_H
#define WEIR_SRC_BOOK_SPOOL_CLAIMS_H

#include "spool_rows.h"
#include "weir/base/list.h"

struct claim_node {
    struct claim_node *next;
    uint64_t id;
};
struct claim_nodes {
    struct claim_node **slots;
    size_t cap, n;
};

struct claim_waiter {
    struct claim_waiter *next;
    struct spool_waiter waiter;
};

struct claims {
    struct claim_nodes records, keys;
    struct list timed; /* the one that ends first is the first */
};

void claims_init(struct claims *c);
void claims_fini(struct claims *c); /* nobody waits any more */

bool claims_has(const struct claims *c, uint64_t number);
/* By a connection: one that waits, or that an answer is on its way to. */
bool claims_held(const struct claims *c, uint64_t number);
/* No record of the key below that is nobody's. */
uint64_t claims_from(const struct claims *c, const unsigned char key[SPOOL_HASH]);
void claims_passed(struct claims *c, const unsigned char key[SPOOL_HASH], uint64_t below);

void claims_wait(struct claims *c, uint64_t number, const unsigned char key[SPOOL_HASH],
                 const struct spool_waiter *w);
void claims_hand(struct claims *c, uint64_t number, const unsigned char key[SPOOL_HASH]);
/* `until_ns` must not be before that of an earlier call. */
void claims_time(struct claims *c, uint64_t number, const unsigned char key[SPOOL_HASH],
                 int64_t until_ns);
/* One of those who were told will not come: it is nobody's when there was no other. */
void claims_untime(struct claims *c, uint64_t number);

/* False: it does not wait. */
bool claims_leave(struct claims *c, uint64_t number, const void *arg, struct spool_waiter *out);
void claims_unhand(struct claims *c, uint64_t number);
/* Those who wait for it, oldest first, yours to free; each now has an answer handed out. */
struct claim_waiter *claims_take(struct claims *c, uint64_t number);
/* Claims that have ended by now. */
void claims_tick(struct claims *c, int64_t now_ns);
/* Every record that somebody waits for. `each` may take it. */
void claims_each(struct claims *c, void (*each)(void *arg, uint64_t number), void *arg);

#endif
