/* SPDX-License-Identifier: Apache-2.0
 *
 * The running timers of one loop: a binary heap by time, each timer knowing its place in it. The
 * time is an argument, so that a test decides what time it is.
 */
#ifndef WEIR_SRC_NET_TIMERS_H
#define WEIR_SRC_NET_TIMERS_H

#include "weir/net/loop.h"

#include <stddef.h>

/* What stands in struct timer's opaque bytes. */
struct timer_place {
    int64_t at_ms;
    size_t place; /* index + 1; 0: not running */
};

struct timers {
    struct timer **heap;
    size_t n, cap;
};

static inline struct timer_place *timer_place(struct timer *t)
{
    return (struct timer_place *)(void *)t->ev;
}

void timers_fini(struct timers *q);
void timers_put(struct timers *q, struct timer *t, int64_t at_ms);
void timers_take(struct timers *q, struct timer *t);
/* When the first one is due; INT64_MAX when none runs. */
int64_t timers_first_ms(const struct timers *q);
/* Stops and calls every timer due at now_ms, also those that callbacks put for then. */
void timers_run(struct timers *q, int64_t now_ms);

#endif
