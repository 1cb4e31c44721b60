/* SPDX-License-Identifier: Apache-2.0
 *
 * The named ends of an exchange (outcomes.def) and the three shapes in which a client's SDK
 * understands an error.
 */
#ifndef WEIR_GATE_OUTCOME_H
#define WEIR_GATE_OUTCOME_H

#include "weir/base/buf.h"

enum outcome {
    OUTCOME_NONE, /* still running */
#define OUTCOME(name, ...) OUTCOME_##name,
#include "weir/gate/outcomes.def"
#undef OUTCOME
    OUTCOMES
};

struct outcome_row {
    struct str word;
    int status;
    struct str blame, aws_type, anthropic_type, openai_type, sentence;
};

const struct outcome_row *outcome_row(enum outcome o);

/* Whose error shape: by the path that the client called. */
enum dialect { DIALECT_AWS, DIALECT_ANTHROPIC, DIALECT_OPENAI };

/* The error's type as that dialect names it. */
struct str outcome_type(enum outcome o, enum dialect d);
/* The JSON body of Weir's own answer. `sentence` empty: the row's. */
void outcome_add_body(struct buf *b, enum outcome o, enum dialect d, struct str sentence);

/* How an answer that streams is cut into messages; decides how an error inside it looks. */
enum stream_shape { STREAM_NONE, STREAM_EVENTS, STREAM_SSE };
/* The bytes that tell a reading client inside a stream what went wrong: an exception frame, or an
 * error event. */
void outcome_add_in_stream(struct buf *b, enum outcome o, enum dialect d, enum stream_shape s);

#endif
