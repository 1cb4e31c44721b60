/* SPDX-License-Identifier: Apache-2.0
 *
 * Which operation a request is, by method and raw path, and which of its header fields go
 * upstream. Both are closed tables (operations.def, pass_fields.def).
 */
#ifndef WEIR_GATE_OPERATION_H
#define WEIR_GATE_OPERATION_H

#include "weir/base/arena.h"
#include "weir/gate/outcome.h"
#include "weir/wire/fields.h"

enum operation_id {
#define OPERATION(id, ...) OP_##id,
#include "weir/gate/operations.def"
#undef OPERATION
    OPERATIONS
};

/* Groups of request header fields. */
enum { PASS_AWS = 1, PASS_INVOKE = 2, PASS_ANTHROPIC = 4, PASS_GUARDRAIL = 8 };

/* Where an operation's answers tell what was used. NO_USAGE: nothing is metered. */
enum usage_place {
    NO_USAGE,
    USAGE_CONVERSE,  /* Converse, ConverseStream */
    USAGE_INVOKE,    /* the model's own body, bare or in chunks; header fields */
    USAGE_MESSAGES,  /* Anthropic's Messages */
    USAGE_CHAT,      /* OpenAI's Chat Completions */
    USAGE_RESPONSES, /* OpenAI's Responses */
};

enum realm { REALM_NOWHERE, REALM_DATA, REALM_ADMIN };

struct back;

struct operation {
    enum operation_id id;
    struct str name;
    enum realm realm;
    struct str method, path;
    enum dialect dialect;
    unsigned passes;
    enum usage_place usage;
    const struct back *back;
};

/* Its answers are streams, always. */
static inline bool operation_streams(const struct operation *op)
{
    return op->id == OP_CONVERSE_STREAM || op->id == OP_INVOKE_STREAM;
}

const struct operation *operation_row(enum operation_id id);

/* The row for this method and raw path (no query) in this realm. `first` gets the first `{}`
 * segment, raw, borrowed from the path. NULL with *why set to UNKNOWN_OPERATION or BAD_METHOD. */
const struct operation *operation_find(enum realm realm, struct str method, struct str path,
                                       struct str *first, enum outcome *why);

/* The model that a raw segment names, its percent escapes resolved, in the arena; ptr NULL: it is
 * empty, a bad one, or there is no room. */
struct str operation_model(struct str segment, struct arena *a);

/* The methods that this path takes, for Allow: "GET, POST". */
void operation_add_allow(struct buf *b, enum realm realm, struct str path);

/* By the path alone, for errors before an operation is known. */
enum dialect operation_dialect(struct str path);

/* Appends those of `in` that this operation passes to `out` (at most `most`), in order. Returns how
 * many, or -1 when there are more. */
int operation_pass_fields(const struct operation *op, const struct fields *in, struct field *out,
                          int most);

#endif
