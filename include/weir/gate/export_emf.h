/* SPDX-License-Identifier: Apache-2.0
 *
 * Embedded metric format: a minute of the book as lines of JSON from which CloudWatch makes
 * metrics, when an agent or a log driver takes them to CloudWatch Logs.
 */
#ifndef WEIR_GATE_EXPORT_EMF_H
#define WEIR_GATE_EXPORT_EMF_H

#include "weir/gate/points.h"

/* Of the format (specification, November 2026): values of one metric, bytes of one event. */
enum { EMF_VALUES_MOST = 100, EMF_LINE_MOST = 256 * 1024 };

/* Appends the point's line, or nothing when there is nothing to tell. Up to EMF_VALUES_MOST calls a
 * minute each time stands there; of more, as many that are spread alike. */
void export_emf_line(const struct point *p, struct str name_space, uint32_t minute,
                     struct buf *out);

#endif
