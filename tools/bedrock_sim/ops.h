/* SPDX-License-Identifier: Apache-2.0
 *
 * The service itself, without any I/O: a request with its whole body in, an answer and its plan
 * out.
 */
#ifndef SIM_OPS_H
#define SIM_OPS_H

#include "reply.h"
#include "world.h"

enum { OPS_BODY_MOST = 25 * 1000 * 1000 + 1024 * 1024 };

/* All borrowed from the caller. */
struct ops_request {
    struct str method, target, authority;
    const struct fields *fields;
    struct str body;
    unsigned char body_sha256[SHA256_BYTES];
};

/* A record of a batch job; borrowed. */
struct ops_record {
    bool converse; /* else InvokeModel */
    struct str model_id, account, body;
};

struct ops_result {
    struct reply reply;
    struct fault fault;    /* what serving still has to do: delays, cuts */
    const char *operation; /* static; "Unknown" */
    struct buf model;      /* its id, decoded */
    struct str account;    /* borrowed from the request or the world */
    struct ledger_charge charge;
    char question[17]; /* what the answer is made from, 16 hex digits; empty: none */
};

/* The answer to an error before the body was read: only from an ordered `early` fault. */
bool ops_early(struct world *w, const struct ops_request *r, struct ops_result *out);
void ops_answer(struct world *w, const struct ops_request *r, struct ops_result *out);
/* The answer that the same request gets on-line, but without a cache, and charged as batch. False
 * with *why. */
bool ops_answer_record(struct world *w, const struct ops_record *r, struct ops_result *out,
                       struct refusal *why);
void ops_result_fini(struct ops_result *out);

#endif
