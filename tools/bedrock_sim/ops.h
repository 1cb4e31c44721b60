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

struct ops_result {
    struct reply reply;
    struct fault fault;    /* what serving still has to do: delays, cuts */
    const char *operation; /* static; "Unknown" */
    struct buf model;      /* its id, decoded */
    struct str account;    /* borrowed from the request or the world */
    struct ledger_charge charge;
};

/* The answer to an error before the body was read: only from an ordered `early` fault. */
bool ops_early(struct world *w, const struct ops_request *r, struct ops_result *out);
void ops_answer(struct world *w, const struct ops_request *r, struct ops_result *out);
void ops_result_fini(struct ops_result *out);

#endif
