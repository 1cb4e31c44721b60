/* SPDX-License-Identifier: Apache-2.0
 *
 * What PutMetricData brought: sums by (name space, metric, dimensions, time), to be compared with
 * somebody's book. Not safe from several threads: the world's lock is its owner's.
 */
#ifndef SIM_METRICS_H
#define SIM_METRICS_H

#include "weir/base/buf.h"

struct metric_sum;

struct metrics {
    struct metric_sum *sums;
    size_t n, cap;
    uint64_t calls;
};

/* The key: JSON members that say what is measured, without braces. */
struct metric_sum *metrics_find(struct metrics *m, struct str key);
void metrics_add_value(struct metric_sum *s, double value, double times);
/* One more datum; `unit` is copied. */
void metrics_add_datum(struct metric_sum *s, struct str unit);
/* JSON lines, in the order of coming. */
void metrics_add_lines(const struct metrics *m, struct buf *out);
void metrics_reset(struct metrics *m);

#endif
