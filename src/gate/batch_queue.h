/* SPDX-License-Identifier: Apache-2.0
 *
 * The most urgent records of the spool's direct list, by model: those that may be sent next. The
 * list itself is on the disk and may be long; what is here is bounded, and found again by walking
 * the list. A record that is being sent is not here.
 */
#ifndef WEIR_SRC_GATE_BATCH_QUEUE_H
#define WEIR_SRC_GATE_BATCH_QUEUE_H

#include "weir/base/list.h"
#include "weir/base/str.h"

#include <stdint.h>

enum { BATCH_QUEUE_MODELS = 64, BATCH_QUEUE_ITEMS = 256 };

struct batch_item {
    uint64_t number;
    int64_t deadline_ms;
    int64_t next_ms; /* not before: it failed. Monotonic: the clock may jump */
    uint64_t body_bytes;
    unsigned tries; /* in this process */
    bool no_tier;   /* it was refused or throttled */
    bool maybe_twice;
    bool clock_was_wrong; /* it went again for that, once */
};

struct batch_queue_model {
    struct list node;
    struct batch_item *items; /* by deadline, then by number */
    size_t n;
    struct str name; /* in `text` */
    char text[];
};

struct batch_queue {
    struct list models;
    size_t n_models;
};
void batch_queue_init(struct batch_queue *q);
void batch_queue_fini(struct batch_queue *q);

/* A record of the list: is it, or does it become, one of those kept? Tries are never forgotten:
 * what failed gives way to nobody. */
bool batch_queue_see(struct batch_queue *q, struct str model, const struct batch_item *item);
/* Back from a call: always kept. */
void batch_queue_put(struct batch_queue *q, struct str model, const struct batch_item *item);
/* The most urgent of a model that may go now, taken out. Otherwise *out_ms is when to look again;
 * INT64_MAX: there is none. */
bool batch_queue_take(struct batch_queue_model *m, int64_t now_ms, struct batch_item *out,
                      int64_t *out_ms);
/* Is there an item of it? */
bool batch_queue_has(const struct batch_queue *q, struct str model);
/* Models without an item go. */
void batch_queue_trim(struct batch_queue *q);

#endif
