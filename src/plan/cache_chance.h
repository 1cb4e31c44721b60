/* SPDX-License-Identifier: Apache-2.0
 *
 * The chance that a boundary is met again, and when. Time after a visit is cut into steps; for each
 * there is the chance that it is met in this step when it was not before: a logistic regression on
 * its traits, learned step by step as time goes by. So a prompt that did not come back within 15
 * seconds teaches after 15 seconds, not after an hour.
 *
 *     0   15 s   60 s   150 s   5 min  |  twelve steps, each 1.23 times as long  |  1 h
 *     own weights by step for what says when,      four sets of weights,
 *     shared weights for the rest                  three steps each
 */
#ifndef WEIR_SRC_PLAN_CACHE_CHANCE_H
#define WEIR_SRC_PLAN_CACHE_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    CHANCE_SOON = 4,   /* steps in the first five minutes */
    CHANCE_STEPS = 16, /* in an hour */
    CHANCE_PLACES = 4096
};

/* When the step ends, in ticks after the visit. */
uint32_t chance_step_ends(unsigned step);

struct chance_weights {
    float weight[CHANCE_PLACES], heat[CHANCE_PLACES];
};
void chance_init(struct chance_weights *w);

struct chance {
    float soon;  /* within 5 minutes */
    float half;  /* not soon, but within half an hour: of what did not come soon */
    float later; /* ... an hour */
};
struct chance chance_of(const struct chance_weights *w, uint64_t traits);

/* It came in this step, or was not met until its end. Returns what was expected. */
float chance_learn(struct chance_weights *w, uint64_t traits, unsigned step, bool came,
                   float weight);

#endif
