/* SPDX-License-Identifier: Apache-2.0
 *
 * What a minute of the book comes to in CloudWatch's terms, for both of its exporters: one point
 * for each (model, client, lane), and one for each (model, lane) over all clients. How many there
 * may be is limited, since every metric costs its owner money: who comes first gets a name, and
 * keeps it as long as the process lives; the rest counts as "other".
 */
#ifndef WEIR_GATE_POINTS_H
#define WEIR_GATE_POINTS_H

#include "weir/book/measure.h"
#include "weir/book/report.h"

/* The metrics of the two points named "other"; and what a metric costs at most a month:
 * CloudWatch's list price for custom metrics, us-east-1, first 10,000 (price page, read November
 * 2026). */
enum { POINTS_METRICS_LEAST = 2 * MEASURES, POINTS_CENTS_A_METRIC = 30 };

struct points_names;
/* For so many metrics at most, POINTS_METRICS_LEAST at least. */
struct points_names *points_names_new(uint64_t most_metrics);
void points_names_free(struct points_names *n);

struct point {
    struct str model, lane; /* printable ASCII; owned by the names */
    struct str client;      /* ptr NULL: over all clients */
    struct rollup sum;
};
struct points {
    struct point *at;
    size_t n, cap;
};

/* From a report of one minute by client, model and lane. `out` zero to begin with. */
void points_of(struct points_names *names, const struct report_row *rows, size_t n,
               struct points *out);
void points_fini(struct points *p);

/* --- one measure of a point: values and how often each occurred. */
struct point_value {
    int64_t value; /* times 10 to the power of -decimals */
    uint64_t times;
};
struct point_values {
    unsigned decimals;
    struct point_value *at;
    size_t n, cap;
};

/* False when there is nothing to tell: nothing was counted, or the cache was not used. A metric
 * that is never told costs nothing. `out` may hold an earlier one's memory. */
bool point_read(const struct measure *m, const struct rollup *r, struct point_values *out);
void point_values_fini(struct point_values *v);
/* The sum of all. */
int64_t point_sum(const struct point_values *v);
/* A JSON number: -0.000012 with trailing zeros taken off. */
void point_add_number(struct buf *b, int64_t value, unsigned decimals);

#endif
