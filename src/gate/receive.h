/* SPDX-License-Identifier: Apache-2.0
 *
 * The first step of an exchange: its head is looked at, its body taken.
 */
#ifndef WEIR_SRC_GATE_RECEIVE_H
#define WEIR_SRC_GATE_RECEIVE_H

#include "weir/gate/exchange.h"

enum step_result receive(struct exchange *ex);
/* The name behind /w/ is one. */
bool receive_workload_ok(struct str name);

/* Of exchange_sink. */
char *receive_body_room(void *arg, size_t want, size_t *out_room);
void receive_body(void *arg, size_t n);
void receive_body_end(void *arg);

#endif
