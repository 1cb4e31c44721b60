/* SPDX-License-Identifier: Apache-2.0
 *
 * Tells the finished minutes of the book to a sink, each once (gate/cursor has the rules). It lives
 * on the office's loop: it has the clerk close and note, reads minutes in slices, hands parts to
 * the sink, waits where something is refused, and logs when trouble begins and ends.
 */
#ifndef WEIR_GATE_TELLER_H
#define WEIR_GATE_TELLER_H

#include "weir/book/report.h"
#include "weir/gate/cursor.h"
#include "weir/net/loop.h"

struct teller_sink {
    const char *name; /* "emf": in the log, in /metrics, and of its row in the book */
    /* A closed minute by client, model and lane: cuts it into parts and keeps them until the next
     * minute. How many; the plan is a digest of all of them. */
    uint32_t (*cut)(void *arg, uint32_t minute, const struct report_row *rows, size_t n,
                    uint64_t *out_plan);
    /* Begins to send a part: teller_sent tells how it ended, never from inside. */
    void (*send)(void *arg, uint32_t part);
};

struct teller;
struct teller *teller_new(struct loop *l, struct clerk *clerk, const struct teller_sink *sink,
                          void *arg);
/* When the clerk has ended and the loop does not run any more: first end, then read the loop's
 * mailbox (what the clerk sent last is in it), then free. */
void teller_end(struct teller *t);
void teller_free(struct teller *t);

/* Tells from now on, every `every_ms`; what it had cut and not sent is cut again. */
void teller_start(struct teller *t, int64_t every_ms);
/* What is under way ends, then nothing is told any more. */
void teller_stop(struct teller *t);
bool teller_is_busy(const struct teller *t); /* something is under way */

/* How sending ended: CURSOR_TOLD, _REFUSED, _HOPELESS or _UNKNOWN; `why` in any case but TOLD. */
void teller_sent(struct teller *t, enum cursor_event how, const char *why);

struct teller_counts {
    struct cursor_counts cursor;
    bool telling;     /* started, and the book could be read */
    int64_t behind_s; /* since the end of the newest minute that is done with */
};
void teller_count(const struct teller *t, struct teller_counts *out);

#endif
