/* SPDX-License-Identifier: Apache-2.0
 *
 * Which lane a request goes: the step between admit and dispatch. It reads what the request and the
 * rules say of its deadline, asks what is known (the planner, what clients and models did, whether
 * pools fill), and has plan/lane decide. What waits gets back_spool as its back; a tier is put in
 * by edit.h.
 */
#ifndef WEIR_SRC_GATE_LANES_H
#define WEIR_SRC_GATE_LANES_H

#include "weir/book/spool.h"
#include "weir/gate/exchange.h"
#include "weir/gate/levers.h"
#include "weir/plan/lane.h"

/* Of an exchange with a deadline, or whose rule names a lane. */
struct lanes {
    enum levers_mode levers;
    int64_t deadline_ms; /* wall clock; 0: none */
    enum spool_reply reply;
    enum batch_kind kind;
    struct str model; /* as the pool has it: what the job is created with */
    struct lane_ask ask;
    struct lane_choice choice; /* choice.lane: where it goes; where levers observe, would go */
    bool batch;                /* it waits, if the spool takes it */
    enum lane tier;            /* to be put in: FLEX or PRIORITY; else ONDEMAND */
    bool tier_refused;         /* ... was refused or throttled: the call goes without it */
    const char *not_held;      /* why it does not wait after all: a few words; NULL */
};

/* The step. A deadline that cannot be read or kept ends the exchange with a sentence. */
enum step_result lanes_choose(struct exchange *ex);
/* The spool did not take it, or its caller is not held: it goes on demand, or to Flex. */
void lanes_not_held(struct exchange *ex, const char *why);
/* Before a call with a tier: is it to be put in? */
enum lane lanes_tier(const struct exchange *ex);
/* An answer's head came for a call with that tier: was it refused or throttled because of it? Then
 * the verdict is remembered, and the call goes again without it, at once. */
bool lanes_tier_refused(struct exchange *ex, int status, const struct fields *fields);
/* Its record is made: what it used teaches what to expect. */
void lanes_settle(const struct exchange *ex, const struct record *r);

#endif
