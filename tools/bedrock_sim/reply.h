/* SPDX-License-Identifier: Apache-2.0
 *
 * An answer before it is sent: status, header fields, and a body cut into the pieces in which it
 * shall leave.
 */
#ifndef SIM_REPLY_H
#define SIM_REPLY_H

#include "refusal.h"

#include "weir/base/arena.h"
#include "weir/base/buf.h"
#include "weir/wire/fields.h"

/* Whose error shape a path speaks. */
enum reply_dialect { REPLY_AWS, REPLY_ANTHROPIC, REPLY_OPENAI };

struct reply {
    enum reply_dialect dialect;
    int status;
    const char *error; /* the AWS type of a refusal; static; NULL: none */
    struct field fields[24];
    size_t n_fields;
    struct arena arena; /* of the fields' values */
    struct buf body;
    size_t *ends; /* where the pieces end; without any the body is one piece */
    size_t n_ends, cap_ends;
    bool stream; /* no Content-Length */
    char request_id[37];
};

void reply_init(struct reply *r);
void reply_fini(struct reply *r);

/* Copies name and value. */
void reply_field(struct reply *r, struct str name, struct str value);
void reply_field_u64(struct reply *r, struct str name, uint64_t value);
/* What is in the body so far, since the last call, is one piece. */
void reply_piece(struct reply *r);
/* Turns the reply into an error in its dialect, whatever it was before. */
void reply_refuse(struct reply *r, const struct refusal *why, int64_t retry_after);
/* The dialect's word for an error: "rate_limit_error". */
const char *reply_error_word(enum reply_dialect d, int status);

#endif
