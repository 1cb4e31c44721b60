/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether Bedrock's runtime can be asked for a model, as an operator is told.
 */
#ifndef WEIR_SRC_GATE_BATCH_REACH_H
#define WEIR_SRC_GATE_BATCH_REACH_H

#include "batch_call.h"

/* A call ended. `type`: of its error. */
void batch_reach_heard(const struct batch_call *c, const struct fetch_answer *a, struct str type,
                       bool bad_creds);
/* It was not made at all. */
void batch_reach_no_creds(const struct batch_call *c);
/* Each second: does any record wait for a model that is in trouble? */
void batch_reach_tick(struct batch *b, bool (*waits)(void *arg, struct str model), void *arg);

#endif
