/* SPDX-License-Identifier: Apache-2.0
 *
 * What daemon.c and daemon_reload.c share.
 */
#ifndef WEIR_SRC_GATE_DAEMON_PRIVATE_H
#define WEIR_SRC_GATE_DAEMON_PRIVATE_H

#include "weir/gate/daemon.h"

/* `arg`: the daemon. A setup's credentials are others, or are in trouble. */
void daemon_creds_changed(void *arg);
/* Clients' limits and budgets are those of the newest setup. */
void daemon_follow_limits(struct daemon *s);

#endif
