/* SPDX-License-Identifier: Apache-2.0
 *
 * The families of /metrics that tell of what waits: weir_batch_*.
 */
#ifndef WEIR_SRC_GATE_EXPORT_BATCH_H
#define WEIR_SRC_GATE_EXPORT_BATCH_H

#include "weir/gate/daemon.h"

bool export_batch_has(enum metric_id id);
/* Its lines, below its head; none where nothing waits by the configuration. */
void export_batch_print(struct daemon *d, enum metric_id id, struct buf *out);

#endif
