/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads usage off an answer's passing bytes, in every dialect and both shapes, without holding a
 * byte back, changing one, or ever failing: what makes no sense is counted and left. It also knows
 * whether a stream stands between two messages, the only place where Weir can add a last one of its
 * own.
 *
 * Precedence when several places tell: the body's own usage, since it alone knows writes by TTL;
 * then amazon-bedrock-invocationMetrics; then the token-count header fields.
 */
#ifndef WEIR_GATE_TAP_H
#define WEIR_GATE_TAP_H

#include "weir/gate/operation.h"
#include "weir/plan/usage.h"
#include "weir/wire/event_stream.h"
#include "weir/wire/sse.h"

struct tap; /* its memory is its own; small, and NULL for answers that need none */

/* What it knows so far; valid any time. */
struct tap_usage {
    struct usage usage;
    bool told;       /* upstream said what was used, to the end */
    bool has_input;  /* the kinds of input are told; without `told` the output is open, and what
                        stands there is a beginning */
    bool unreadable; /* ... and somewhere in a way that makes no sense */
    bool disagree;   /* ... and two places told different numbers */
    bool exception;  /* an exception or error event ended the stream */
    bool has_tier;
    enum lane lane;      /* the tier served, when has_tier */
    struct str invoked;  /* trace.promptRouter.invokedModelId, or empty; borrowed from the tap */
    uint64_t text_bytes; /* of the answer's body so far: what an estimate of output goes by */
};

/* When an answer's head came. `fields` are only read during the call. NULL when nothing can be told
 * of it: no usage is in this operation's answers, and it is no stream. */
struct tap *tap_new(const struct operation *op, int status, const struct fields *fields);
void tap_free(struct tap *t);
void tap_feed(struct tap *t, struct str bytes);
/* The answer is whole: what only its end can tell. Once. */
void tap_end(struct tap *t);
const struct tap_usage *tap_usage(const struct tap *t); /* of NULL: nothing told */

/* For a last message of Weir's own: what shape, and whether one may stand here. Of NULL: none. */
enum stream_shape tap_shape(const struct tap *t);
bool tap_between(const struct tap *t);

#endif
