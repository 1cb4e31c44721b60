/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a request's prompt is to be marked, as far as people said so: its own header
 * x-weir-cache, then the first rule that says something, then cache.mode. `x-weir: off` and the
 * levers stand above all three, and are asked for elsewhere.
 */
#ifndef WEIR_GATE_CACHE_WISH_H
#define WEIR_GATE_CACHE_WISH_H

#include "weir/gate/rules.h"

/* Any thread. A header that is no word of ours is as if it were not there, and is logged once a
 * minute at most: a request that succeeds without Weir succeeds with it. */
enum cache_mode cache_wish(const struct config *c, const struct rule_view *v);

#endif
