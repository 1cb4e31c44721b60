/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request would have cost without Weir's markers, or with those that were withheld, out of
 * what it used: an estimate. Tokens are Bedrock's count; how they would have been split is the
 * plan's belief.
 */
#ifndef WEIR_PLAN_SAVED_H
#define WEIR_PLAN_SAVED_H

#include "weir/plan/price.h"

/* What some markers would have done, in tokens of the plan's estimate: `prompt` is that of the
 * whole prompt, by which they are scaled to what was reported. */
struct saved_split {
    uint64_t prompt, read, write_5m, write_30m, write_1h;
};

/* With the client's own markers alone. All input as plain input, but for what `own` would have read
 * and written; never more tokens than there are, and never more read than was. Of a request in
 * which Weir set or changed no marker it is price_cost. */
uint64_t saved_unmarked(const struct price *p, const struct usage *u,
                        const struct saved_split *own);

/* With more markers than it had: what `split` would have read, at least what was, and written; the
 * rest as plain input. */
uint64_t saved_marked(const struct price *p, const struct usage *u,
                      const struct saved_split *split);

/* What all kinds of input cost, and what as many tokens would have cost as plain input. */
uint64_t saved_input(const struct price *p, const struct usage *u);
uint64_t saved_plain(const struct price *p, const struct usage *u);

#endif
