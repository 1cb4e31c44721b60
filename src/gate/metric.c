/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of metrics.def, and histograms whose buckets double: added time is short, answers are
 * long.
 */
#include "weir/gate/metric.h"

static const struct metric_row rows[METRICS] = {
#define METRIC(id_, name_, type_, labels_, help_) \
    [METRIC_##id_] = {STR(name_), STR(#type_), STR(labels_), STR(help_)},
#include "weir/gate/metrics.def"
#undef METRIC
};

const struct metric_row *metric_row(enum metric_id id)
{
    return &rows[id];
}

uint64_t metric_bound_us(enum metric_id id, size_t bucket)
{
    return (uint64_t)(id == METRIC_REQUEST_SECONDS ? 1000 : 25) << bucket;
}

void metric_observe(struct metric_histogram *h, enum metric_id id, int64_t us)
{
    uint64_t value = us < 0 ? 0 : (uint64_t)us;
    size_t bucket = 0;
    while (bucket < METRIC_BUCKETS && value > metric_bound_us(id, bucket))
        bucket++;
    metric_bump(&h->buckets[bucket], 1);
    metric_bump(&h->sum_us, value);
}
