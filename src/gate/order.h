/* SPDX-License-Identifier: Apache-2.0
 *
 * What the office tells a worker, by mail: take a new setup, or a new ring of keys; drain; end what
 * runs.
 */
#ifndef WEIR_SRC_GATE_ORDER_H
#define WEIR_SRC_GATE_ORDER_H

#include "weir/gate/worker.h"

struct order {
    struct mail mail;
    struct worker *worker;
    struct setup *setup; /* both NULL: drain */
    struct keyring *ring;
    int fds[CONFIG_MOST_LISTENERS];
    bool force; /* end what runs, and leave */
};

/* To drain, unless it is filled. */
struct order *order_new(struct worker *w);
/* The worker carries it out in its thread, and frees it. */
void order_send(struct order *o);

#endif
