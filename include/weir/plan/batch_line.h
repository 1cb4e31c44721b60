/* SPDX-License-Identifier: Apache-2.0
 *
 * A record of a batch job's input: {"recordId":"...","modelInput":{...}}, one line, the request's
 * body with the same JSON values, without space between them, and without what batch does not take
 * or what is Weir's: cache markers, the service tier, metadata that begins with "weir.". And
 * whether a body can be batched at all. Pure, in one walk over the bytes.
 */
#ifndef WEIR_PLAN_BATCH_LINE_H
#define WEIR_PLAN_BATCH_LINE_H

#include "weir/base/buf.h"
#include "weir/base/err.h"

/* Stored: only append. */
enum batch_kind { BATCH_CONVERSE, BATCH_INVOKE };

/* Why the body cannot go into a batch: a few words ("it has tools", "it wants a guardrail",
 * "it wants structured output", "it streams", "not strict JSON"); NULL: it can. `model` is the
 * plain id. */
const char *batch_line_unfit(enum batch_kind kind, struct str model, struct str body);
/* Appends the line with its newline. ERR_BAD: the body is not one that batch_line_unfit passes. */
MUST_CHECK int batch_line_add(enum batch_kind kind, struct str model, struct str id,
                              struct str body, struct buf *out);

/* A line of output. Borrowed from it. */
struct batch_answer {
    struct str id;
    struct str output; /* modelOutput as it stands; empty: none */
    int error_code;    /* of `error`, when has_error */
    struct str error;  /* its message, raw JSON string inside */
    bool has_error;
};
/* ERR_BAD: no JSON object with a recordId that is a string, and one of the two. */
MUST_CHECK int batch_answer_read(struct str line, struct batch_answer *out);

#endif
