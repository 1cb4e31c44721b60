/* SPDX-License-Identifier: Apache-2.0
 *
 * From an exchange to its record in the book: which model answered, in which lane, what it used,
 * what that cost. What upstream did not tell is estimated and marked so.
 */
#ifndef WEIR_SRC_GATE_METER_H
#define WEIR_SRC_GATE_METER_H

#include "weir/gate/exchange.h"

/* Is this exchange one that the book wants? Not health, not admin, not with metering off. */
bool meter_wants(const struct exchange *ex);

/* Its call's answer is charged to its end, even when nobody reads it any more: the book wants to
 * know, or who asks again. */
bool meter_charged(const struct exchange *ex);

/* Hands its record to the clerk, once; later calls do nothing. With `done` (metering: strict) that
 * is called in the clerk's thread when it is on the disk, or could not be. */
void meter_exchange(struct exchange *ex, void (*done)(void *arg, bool good), void *arg);

/* What the answer costs and what Weir saved on it, in dollars, in the arena. False where its head
 * does not tell its usage, or there is no price. */
bool meter_costs(struct exchange *ex, struct str *out_cost, struct str *out_saved);

#endif
