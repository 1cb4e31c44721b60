/* SPDX-License-Identifier: Apache-2.0
 *
 * The control port: the ledger to read, faults and the clock to set. See README.md.
 */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "ops.h"

/* Always answers; errors are 400 or 404 with {"message"}. */
void control_answer(struct world *w, const struct ops_request *r, struct ops_result *out);

#endif
