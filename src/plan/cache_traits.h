/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of a boundary when a prompt comes, as far as chances are learned from it: a few
 * small numbers (sizes and times by powers of two), packed into one word, so that a pending label
 * can keep it. Features are made of it, one after another: numbers and pairs of numbers, hashed
 * into places of a table of weights.
 */
#ifndef WEIR_SRC_PLAN_CACHE_TRAITS_H
#define WEIR_SRC_PLAN_CACHE_TRAITS_H

#include "weir/plan/prefix.h"

#include <stddef.h>

enum { TRAITS_UNIT_TOKENS = 512, TRAITS_FEATURES_MOST = 16, TRAITS_TIMED_MOST = 4 };

/* A boundary that came before. `deeper`: visits of the next one behind it where prompts part; 0:
 * there is none. */
uint64_t traits_seen(const struct prefix *was, uint32_t now, bool full, bool deepest,
                     unsigned deeper, uint32_t tokens);

struct traits_tail {
    const struct prefix *parent; /* the last block that is known; NULL: none */
    const struct prefix *branch; /* the next one before it where prompts part; NULL: none */
    uint32_t tokens, known;      /* of the prompt; up to the parent */
    unsigned turn, before_end;   /* 0: a first prompt; so many blocks before the prompt's end */
    unsigned workload;           /* a hash of its name */
    float line_gap;              /* 0: not known */
};
uint64_t traits_tail(const struct traits_tail *t, uint32_t now);

bool traits_are_tail(uint64_t traits);
/* ... of a line that went on at least once. */
bool traits_go_on(uint64_t traits);

/* The places of the features, below `places` (a power of two), for one set of weights. Timed: only
 * those that say when. Returns how many: at most TRAITS_FEATURES_MOST, TRAITS_TIMED_MOST. */
size_t traits_places(uint64_t traits, unsigned set, bool timed, size_t places, uint16_t *out);

#endif
