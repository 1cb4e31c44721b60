/* SPDX-License-Identifier: Apache-2.0
 *
 * Which lane a request goes: the step between admit and dispatch. It reads what the request and the
 * rules say of its deadline, asks what is known (the planner, what clients and models did, whether
 * pools fill), and has plan/lane decide. What waits gets back_spool as its back; a tier is put in
 * by edit.h.
 *
 * A prompt that has a deadline is noted by the planner as it would be on demand: what comes back
 * there is what decides whether batch is cheaper.
 */
#ifndef WEIR_SRC_GATE_LANES_H
#define WEIR_SRC_GATE_LANES_H

#include "weir/book/spool.h"
#include "weir/gate/exchange.h"
#include "weir/gate/levers.h"
#include "weir/gate/shared_lanes.h"
#include "weir/plan/lane.h"

/* Of an exchange with a deadline, or whose rule names a lane; in its arena. */
struct lanes {
    enum levers_mode levers;
    int64_t deadline_ms; /* wall clock; 0: none */
    enum spool_reply reply;
    enum batch_kind kind;
    struct lane_ask ask;
    struct lane_choice choice; /* choice.lane: where it goes; where levers observe, would go */
    struct batch_look *look;   /* at its body; NULL: none was begun */
    bool known_only;           /* it goes elsewhere, unless it is in the spool already */
    bool turned_away;          /* its caller is not held: it counts among those under way */
};

/* The step. A deadline that cannot be read or kept ends the exchange with a sentence. */
enum step_result lanes_choose(struct exchange *ex);
/* The pool that it would wait in. */
struct shared_lanes_pool lanes_pool(const struct exchange *ex);
/* The spool did not take it: it goes on demand, or to Flex. Its back is the operation's again. */
void lanes_not_held(struct exchange *ex, const char *why);
/* "ondemand", "flex", "batch", "observe:batch", ...: for x-weir-decision. */
struct str lanes_word(const struct exchange *ex);

/* The head of an answer to a call that Weir put a tier into. True: it may be that which was refused
 * or throttled; the call goes again without it, at once. */
bool lanes_refused(struct exchange *ex, int status);
/* A good head came: what is learned of the tier. */
void lanes_heard(struct exchange *ex);
/* It ended: how fast its model answers, how long answers are. */
void lanes_settle(const struct exchange *ex, const struct usage *u);
/* What the usage would have cost in the lane that levers withheld; false: none was. */
bool lanes_observed(const struct exchange *ex, enum lane *out);

#endif
