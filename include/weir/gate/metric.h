/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters. Each thread has a slab of its own and is its only writer, so counting is a plain load
 * and store; readers (the exporter) add the slabs up. Families are rows of metrics.def.
 */
#ifndef WEIR_GATE_METRIC_H
#define WEIR_GATE_METRIC_H

#include "weir/gate/operation.h"
#include "weir/gate/outcome.h"
#include "weir/net/front.h"

#include <stdatomic.h>

enum metric_id {
#define METRIC(id, ...) METRIC_##id,
#include "weir/gate/metrics.def"
#undef METRIC
    METRICS
};

/* Why a call was sent again; the words are the label. */
enum resent {
    RESENT_NOT_PROCESSED,
    RESENT_UNAVAILABLE,
    RESENT_CLOCK,
    RESENT_EDIT,
    RESENT_TIER,
    RESENTS
};

enum { METRIC_BUCKETS = 22 };

struct metric_histogram {
    atomic_ullong buckets[METRIC_BUCKETS + 1]; /* the last: above every bound */
    atomic_ullong sum_us;
};

struct metric_slab {
    atomic_ullong simple[METRICS];
    atomic_ullong requests[OPERATIONS][OUTCOMES];
    struct metric_histogram request_seconds[OPERATIONS], added_seconds[OPERATIONS];
    atomic_ullong resent[RESENTS];
    atomic_ullong shed[FRONT_SHEDS];
};

struct metric_row {
    struct str name, type, labels, help;
};
const struct metric_row *metric_row(enum metric_id id);

/* Upper bounds of a family's buckets in microseconds, each the double of the one before: added time
 * from 25 us to 52 s, whole requests from 1 ms to 35 min. */
uint64_t metric_bound_us(enum metric_id id, size_t bucket);

/* By the slab's own thread only. */
static inline void metric_bump(atomic_ullong *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}
static inline void metric_add(struct metric_slab *s, enum metric_id id, uint64_t n)
{
    metric_bump(&s->simple[id], n);
}
static inline void metric_set(struct metric_slab *s, enum metric_id id, uint64_t value)
{
    atomic_store_explicit(&s->simple[id], value, memory_order_relaxed);
}
void metric_observe(struct metric_histogram *h, enum metric_id id, int64_t us);

#endif
