/* SPDX-License-Identifier: Apache-2.0
 *
 * What caching saved, measured against the prompts that were left alone. Both sides are compared by
 * what their input cost for each dollar that it would have cost as plain input, so that it does not
 * matter how much traffic each has, nor in which models.
 *
 *     ratio  = (treated input / treated plain) / (control input / control plain)
 *     saving = 1 - ratio
 */
#ifndef WEIR_PLAN_CONTROL_H
#define WEIR_PLAN_CONTROL_H

#include "weir/base/str.h"

enum control_arm { CONTROL_TREATED, CONTROL_CONTROL, CONTROL_ARMS };
enum {
    CONTROL_GROUPS = 8,
    CONTROL_GROUPS_LEAST = 5 /* of each arm must have traffic, or there is no interval */
};

/* Of one random group, in nano-dollars: what input cost, and what as many tokens would have cost as
 * plain input. */
struct control_group {
    uint64_t input, plain;
};

enum control_state {
    CONTROL_NONE, /* one side has no traffic: nothing to compare */
    CONTROL_FEW,  /* a difference, and nobody can say how sure it is */
    CONTROL_KNOWN /* with an interval */
};

struct control_estimate {
    enum control_state state;
    unsigned groups[CONTROL_ARMS]; /* with traffic */
    struct control_group sum[CONTROL_ARMS];
    double usd_untouched;          /* the treated input at the control group's ratio */
    double saved, low, high;       /* shares of that */
    double usd, usd_low, usd_high; /* the same in dollars */
};

/* The bounds hold 95 of 100 times. What is not known is 0. */
void control_estimate(const struct control_group groups[CONTROL_ARMS][CONTROL_GROUPS],
                      struct control_estimate *out);

#endif
