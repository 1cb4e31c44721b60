/* SPDX-License-Identifier: Apache-2.0
 *
 * What an answer told of its usage becomes a record's tokens, money and flags: the same for an
 * exchange, for a line of a batch job and for a call that Weir made by itself.
 */
#ifndef WEIR_SRC_GATE_BILL_H
#define WEIR_SRC_GATE_BILL_H

#include "weir/book/catalogue.h"
#include "weir/book/record.h"
#include "weir/gate/tap.h"
#include "weir/plan/saved.h"

/* What was told; what was not is estimated from bytes and flagged. */
void bill_usage(const struct tap_usage *t, uint64_t request_bytes, struct record *r);

/* Its costs, by model, lane, flags and usage; writes whose time was not told are placed. `own`:
 * with the client's own markers alone; NULL: Weir set none. `observed`: with the markers that were
 * withheld; NULL: none were. */
void bill_price(const struct catalogue *c, struct record *r, const struct saved_split *own,
                const struct saved_split *observed);

/* What the same usage would have cost in a lane that was withheld. */
void bill_observe(const struct catalogue *c, struct record *r, enum lane lane);

/* As Bedrock counts against a rate: what was read from the cache is free. */
uint64_t bill_counted(const struct usage *u);

#endif
