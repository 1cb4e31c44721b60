/* SPDX-License-Identifier: Apache-2.0
 *
 * What remains of an exchange.
 */
#ifndef WEIR_SRC_GATE_RECORD_H
#define WEIR_SRC_GATE_RECORD_H

#include "weir/gate/exchange.h"

/* Logs and counts a finished exchange; `step` is the one that it was in. */
void record_exchange(const struct exchange *ex, const char *step);

#endif
