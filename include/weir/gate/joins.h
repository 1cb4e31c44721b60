/* SPDX-License-Identifier: Apache-2.0
 *
 * Retry joining. An SDK that timed out sends the same call again, with the same invocation id; it
 * gets the answer of the call that still runs, or that ended within the last minute, instead of
 * buying it again. One table for all workers:
 *
 *     join_enter --> OWN    the caller makes the call, then says join_head and join_end
 *                \-> WAIT   another makes it: `woken` comes by mail when it has ended
 *                 `> READY  its answer is there
 *
 * An answer can only be had whole: once its head went to the client who asked first, and nobody
 * waited for it, the call cannot be joined any more. The table has one lock, held for a look; an
 * answer is immutable and counted; what is kept is bounded in size, one by one and together, and in
 * time.
 */
#ifndef WEIR_GATE_JOINS_H
#define WEIR_GATE_JOINS_H

#include "weir/base/buf.h"
#include "weir/base/digest.h"
#include "weir/base/mailbox.h"
#include "weir/wire/fields.h"

enum {
    JOINS_KEEP_MS = 60000,
    JOINS_ANSWER_MOST = 16 * 1024 * 1024, /* a larger answer is relayed, and not kept */
    /* Of all answers that are there or come in. Of those that are there the oldest make room; one
     * that finds none is relayed, and not kept. */
    JOINS_KEPT_MOST = 64 * 1024 * 1024
};

struct joins;
struct joins *joins_new(void);
void joins_free(struct joins *j); /* when nobody is in it any more */

/* A whole answer. Its fields and body are its own. */
struct join_answer {
    int status;
    struct field fields[FIELDS_MOST];
    size_t n_fields;
    struct buf names; /* what the fields point at */
    struct buf body;
};
/* With a copy of the fields, and an empty body to be filled. */
struct join_answer *join_answer_new(int status, const struct field *fields, size_t n);
void join_answer_free(struct join_answer *a); /* of one's own, that went to nobody */

struct join;
enum join_result { JOIN_OWN, JOIN_WAIT, JOIN_READY };

/* Who waits. Made by join_enter when it says WAIT. */
struct join_wait;

/* `key` is a digest of all that must be alike. The join in *out is left with join_leave. For WAIT,
 * `woken` is called from `box`'s thread, once, unless it was left before. */
enum join_result join_enter(struct joins *j, const unsigned char key[SHA256_BYTES], int64_t now_ms,
                            struct mailbox *box, void (*woken)(void *arg), void *arg,
                            struct join **out, struct join_wait **out_wait);
/* The answer, when there is one; valid until join_leave. */
const struct join_answer *join_answer_of(const struct join *k);

/* The owner's: the answer's head came. True: keep the answer for others (somebody waits, or
 * `alone`: the client who asked is gone). False: from now on nobody joins this call. */
bool join_head(struct join *k, bool alone);
/* The owner's: more of its answer's body. False: there is no room for it; it cannot be
 * kept. */
bool join_add(struct join *k, struct join_answer *a, struct str bytes);
/* The owner's: it ended; `a` (taken over) is the whole answer, NULL when there is none: who waits
 * then makes the call for himself. `keep`: for those who come within the next minute. */
void join_end(struct join *k, struct join_answer *a, bool keep, int64_t now_ms);
/* The owner's after join_end; a waiter's any time, with its `wait` when it was not woken, or NULL.
 */
void join_leave(struct join *k, struct join_wait *wait);

#endif
