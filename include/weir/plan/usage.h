/* SPDX-License-Identifier: Apache-2.0
 *
 * What a call used: tokens by kind, each token in exactly one kind, whatever dialect told it. The
 * input here is the plain rest: what was read from the cache or written to it does not count in it
 * (OpenAI's dialects include it; the tap takes it out).
 */
#ifndef WEIR_PLAN_USAGE_H
#define WEIR_PLAN_USAGE_H

#include "weir/base/str.h"

/* The order is that of stored records: only append. */
enum token_kind {
    TOKEN_INPUT,
    TOKEN_OUTPUT,
    TOKEN_CACHE_READ,
    TOKEN_CACHE_WRITE_5M,
    TOKEN_CACHE_WRITE_1H,
    TOKEN_CACHE_WRITE_30M, /* the GPT models' */
    TOKENS
};

/* A count above it is no count: what a double still holds exactly. */
#define USAGE_MOST_TOKENS ((uint64_t)1 << 53)

struct usage {
    uint64_t tokens[TOKENS];
};

/* "input", "output", "cache_read", "cache_write_5m", ... */
struct str usage_word(enum token_kind kind);

/* How a call was served; decides its price. The order is that of stored records: only append. */
enum lane { LANE_ONDEMAND, LANE_FLEX, LANE_PRIORITY, LANE_RESERVED, LANE_BATCH, LANES };

/* "ondemand", "flex", "priority", "reserved", "batch". */
struct str lane_word(enum lane lane);
/* By a service tier as Bedrock names it ("default", "flex", ...; also "standard"); false for a word
 * that is none. Batch has none. */
bool lane_of_tier(struct str tier, enum lane *out);

#endif
