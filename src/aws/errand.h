/* SPDX-License-Identifier: Apache-2.0
 *
 * A source's small question to one endpoint: an origin of its own for as long as it takes, tried
 * again when nobody answered or the answer was 429 or 5xx. Everything is copied.
 */
#ifndef WEIR_SRC_AWS_ERRAND_H
#define WEIR_SRC_AWS_ERRAND_H

#include "weir/aws/endpoint.h"
#include "weir/aws/fetch.h"

#include "creds_source.h"

struct errand;

struct errand_options {
    struct endpoint at;
    bool local;          /* IMDS and containers: never through the egress proxy */
    struct creds *creds; /* NULL: unsigned */
    struct str region, service;
    struct str method, target;
    const struct field *fields;
    size_t n_fields;
    struct str body;
    size_t max_bytes; /* of the answer; 0: ERRAND_MOST_BYTES */
    int64_t try_ms;   /* for each try, from resolving to the last byte; half of it to connect */
    unsigned tries;
};

enum { ERRAND_MOST_BYTES = 64 * 1024 };

/* `done` is called once, never from inside this call; then the errand frees itself. */
struct errand *errand_start(struct creds_tools *t, const struct errand_options *o,
                            void (*done)(void *arg, const struct fetch_answer *a), void *arg);
/* Drops it, `done` is not called any more. NULL is fine, and so is one inside its `done`. */
void errand_drop(struct errand *e);

#endif
