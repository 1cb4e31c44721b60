/* SPDX-License-Identifier: Apache-2.0
 *
 * One request and its whole answer in memory: for credentials, control-plane calls and small
 * objects, where an answer is read as one. It signs and sends through aws/call and collects up to a
 * limit, within one deadline over everything.
 */
#ifndef WEIR_AWS_FETCH_H
#define WEIR_AWS_FETCH_H

#include "weir/aws/call.h"

struct fetch;

/* All of it borrowed for the callback. */
struct fetch_answer {
    enum origin_end end;         /* ORIGIN_DONE: the answer is whole, whatever its status */
    int status;                  /* 0: no head came */
    const struct fields *fields; /* empty without a head */
    struct str body;
    bool too_big;    /* it went over max_bytes and was dropped; end is ORIGIN_BAD */
    const char *why; /* a sentence when end is not ORIGIN_DONE */
};

struct fetch_limits {
    size_t max_bytes; /* of the body; what is kept of it is wiped afterwards */
    int64_t whole_ms; /* from now to the last byte; then ORIGIN_TIMEOUT */
};

/* Everything behind `t` and `r` stays until `done`, which is called once, never from inside this
 * call; then the fetch frees itself. The answer's times in `r` may be 0: whole_ms rules. */
struct fetch *fetch_start(struct loop *l, struct aws_signer *s, const struct aws_target *t,
                          struct creds *creds, const struct aws_request *r,
                          const struct fetch_limits *limits,
                          void (*done)(void *arg, const struct fetch_answer *a), void *arg);
/* Drops it; `done` is not called any more. NULL is fine, and so is a fetch inside its `done`. */
void fetch_drop(struct fetch *f);

#endif
