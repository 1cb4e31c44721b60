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
#include "weir/wire/json_scan.h"

/* Stored: only append. */
enum batch_kind { BATCH_CONVERSE, BATCH_INVOKE };
struct str batch_kind_word(enum batch_kind kind); /* "converse", "invoke" */

/* A look at a body, about so many bytes a step (16 at least):
 *
 *     batch_look_begin(&l, kind, model, body);
 *     while (batch_look_step(&l, JSON_SLICE_BYTES, &why))
 *         ;                                 (other work in between)
 *
 * `why`: why the body cannot go into a batch, in a few words ("it has tools", "it wants a
 * guardrail", "it wants structured output", "it streams", "not strict JSON"); NULL: it can. `model`
 * is the plain id. The body must stay. */
enum { BATCH_LOOK_DEPTH = 8 };
struct batch_shape;
struct shape_row;
struct batch_look {
    /* all of it is the walk's own */
    struct json_scan scan;
    struct buf *out; /* NULL: it is only looked at */
    struct str run;  /* of the body: to be copied */
    const char *why;
    unsigned tokens;
    bool comma; /* something stands before on this level */
    size_t n;
    struct batch_look_place {
        int kind;
        const struct batch_shape *shape;
        const struct shape_row *row; /* of a value */
        uint64_t seen;               /* members of the shape that stood there */
        bool kept;                   /* something of it stays */
        unsigned level;
        size_t key_at, key_len, open; /* what is not written yet */
    } places[BATCH_LOOK_DEPTH];
};
void batch_look_begin(struct batch_look *l, enum batch_kind kind, struct str model,
                      struct str body);
bool batch_look_step(struct batch_look *l, size_t bytes, const char **out_why);

/* The same in one go. */
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
