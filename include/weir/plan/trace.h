/* SPDX-License-Identifier: Apache-2.0
 *
 * One request of a trace of prompts, read from its record (one JSON object in memory). Two kinds
 * are known, and told by their content:
 *
 *     rows    {"timestamp": 1000, "input_length": 6758, "hash_ids": [0, 1, 2]}
 *             milliseconds; tokens; a number for each 512 of them, the same where a prompt's
 *             beginning is the same up to there (Mooncake's published traces, 2024-12)
 *     logs    Bedrock's model invocation logs: {"schemaType": "ModelInvocationLog", ...}, with the
 *             body as it came, when it was logged (AWS's user guide, autumn 2026)
 */
#ifndef WEIR_PLAN_TRACE_H
#define WEIR_PLAN_TRACE_H

#include "weir/base/arena.h"
#include "weir/base/err.h"
#include "weir/plan/cache_plan.h"

enum { TRACE_BLOCK_TOKENS = 512 };

enum trace_kind { TRACE_ROW, TRACE_LOG };

/* Texts are borrowed from the record or lie in the arena. */
struct trace_record {
    enum trace_kind kind;
    int64_t time_ms;
    uint32_t tokens; /* of the whole prompt, cached or not; 0: a log that does not say */
    /* of a row */
    struct str hash_ids; /* the list as it stands */
    /* of a log */
    struct str client; /* identity.arn; empty: it does not say */
    struct str account, region, model, operation;
    struct str body; /* as it stands; empty: it is not in the log, but elsewhere or nowhere */
};

struct trace_fault {
    size_t at;        /* offset in the record */
    const char *what; /* static: "input_length is not a whole number" */
};

/* ERR_BAD with a fault; ERR_NO_MEMORY when the arena is full. */
MUST_CHECK int trace_read(struct str record, struct arena *a, struct trace_record *out,
                          struct trace_fault *fault);
/* The boundaries of a row: behind each full block of 512 tokens. `room` for n; more is ERR_BAD. */
MUST_CHECK int trace_sites(struct str record, const struct trace_record *row,
                           struct cache_site *room, size_t n, size_t *out_n,
                           struct trace_fault *fault);

#endif
