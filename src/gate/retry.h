/* SPDX-License-Identifier: Apache-2.0
 *
 * Retry joining as the Bedrock back sees it: what of an exchange is the key, and what of its answer
 * is kept for others. The table is gate/joins.
 */
#ifndef WEIR_SRC_GATE_RETRY_H
#define WEIR_SRC_GATE_RETRY_H

#include "weir/gate/exchange.h"

enum retry { RETRY_OWN, RETRY_WAITS, RETRY_ANSWERED };

/* Is the same call under way, or its answer there? WAITS: the dispatch step is called again. */
enum retry retry_begin(struct exchange *ex);
/* Its own call's answer: the head, bytes, the end (ex->whole says whether it came to it; more than
 * once is fine). */
void retry_head(struct exchange *ex, int status, const struct fields *fields);
void retry_bytes(struct exchange *ex, struct str bytes);
void retry_end(struct exchange *ex);
/* Is its answer kept for others, as it comes? */
bool retry_keeps(const struct exchange *ex);

#endif
