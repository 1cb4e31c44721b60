/* SPDX-License-Identifier: Apache-2.0
 *
 * What remains of an exchange.
 */
#ifndef WEIR_SRC_GATE_RECORD_H
#define WEIR_SRC_GATE_RECORD_H

#include "weir/gate/exchange.h"

/* Its call is over and it will be sent again: from now on it is in our hands. To be called before
 * the new call takes the old one's place. */
void record_attempt(struct exchange *ex);
/* Microseconds that it spent in Weir until now. */
int64_t record_added_us(const struct exchange *ex, int64_t now_ns);
/* Logs and counts a finished exchange; `step` is the one that it was in. */
void record_exchange(const struct exchange *ex, const char *step);

/* The same for what never became an exchange: the protocol refused its head. */
void record_refusal(struct worker *w, const struct front_refusal *r);
/* The same for what never became a connection: closed for one of the reasons of net/front.h. */
void record_shed(struct worker *w, enum front_shed why);

#endif
