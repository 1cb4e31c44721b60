/* SPDX-License-Identifier: Apache-2.0
 *
 * What an answer told, by place, and the usage that comes of it. Each kind of count is taken from
 * the first place that tells it:
 *
 *     the body's usage > amazon-bedrock-invocationMetrics > header fields
 *
 * A count that cannot be read is as if it had not been told. Counts of a stream are cumulative: a
 * later one replaces an earlier one, but never by less.
 */
#ifndef WEIR_GATE_TAP_COUNT_H
#define WEIR_GATE_TAP_COUNT_H

#include "weir/gate/tap.h"

enum tap_place { PLACE_BODY, PLACE_METRICS, PLACE_FIELDS, PLACES };

enum tap_count {
    COUNT_INPUT,
    COUNT_WHOLE_INPUT, /* cached tokens are in it */
    COUNT_OUTPUT,
    COUNT_OUTPUT_BEGUN, /* a stream's, before its last word on it */
    COUNT_READ,
    COUNT_WRITE, /* of every TTL */
    COUNT_WRITE_5M,
    COUNT_WRITE_1H,
    COUNT_WRITE_30M,
    COUNTS
};

struct tap_counts {
    struct {
        uint64_t n[COUNTS];
        unsigned told; /* a bit per count */
    } at[PLACES];
    bool no_output;   /* by its nature: an embedding */
    bool contradicts; /* a cumulative count fell */
};

void tap_count_set(struct tap_counts *c, enum tap_place place, enum tap_count count, uint64_t n);
/* For counts that come in parts: from nothing on. */
void tap_count_clear(struct tap_counts *c, enum tap_count count);
void tap_count_add(struct tap_counts *c, enum tap_count count, uint64_t n);

/* Into usage, told, has_input, disagree; unreadable is only ever set. */
void tap_count_resolve(const struct tap_counts *c, struct tap_usage *out);

#endif
