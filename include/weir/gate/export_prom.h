/* SPDX-License-Identifier: Apache-2.0
 *
 * /metrics in Prometheus' text format, from the slabs of all threads. In the office's thread.
 */
#ifndef WEIR_GATE_EXPORT_PROM_H
#define WEIR_GATE_EXPORT_PROM_H

#include "weir/gate/daemon.h"

void export_prom(struct daemon *s, struct buf *out);

#endif
