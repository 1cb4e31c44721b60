/* SPDX-License-Identifier: Apache-2.0
 *
 * Prompt caching's rows of weir-micro: what planning one prompt takes, and its parts.
 */
#ifndef WEIR_TOOLS_BENCH_MICRO_PLAN_H
#define WEIR_TOOLS_BENCH_MICRO_PLAN_H

#include "weir/base/str.h"

/* Measures and prints the rows whose name begins so: medians, in nanoseconds. */
void plan_rows(struct str prefix);

#endif
