/* SPDX-License-Identifier: Apache-2.0
 *
 * Retry joining. An SDK that timed out sends the same call again, with the same invocation id; it
 * gets the answer of the call that still runs, or that ended within the last minute, instead of
 * buying it again. The key is the asker, the operation with its target, the invocation id and the
 * body's hash. Streams are not joined.
 *
 * One table for all workers under one lock, held for a look. An answer in it is immutable and
 * counted; answers kept are bounded in number, size and time.
 */
#ifndef WEIR_GATE_JOINS_H
#define WEIR_GATE_JOINS_H

#include "weir/base/digest.h"
#include "weir/wire/fields.h"

enum {
    JOINS_KEEP_MS = 60000,
    JOINS_ANSWER_MOST = 16 * 1024 * 1024, /* a larger answer is relayed, and not kept */
    JOINS_KEPT_MOST = 64 * 1024 * 1024    /* of all answers; the oldest go first */
};

struct joins;
struct joins *joins_new(void);
void joins_free(struct joins *j);

/* A whole answer. */
struct join_answer;
void join_answer_unref(struct join_answer *a);

#endif
