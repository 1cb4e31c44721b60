/* SPDX-License-Identifier: Apache-2.0
 *
 * A minute of the book as data of CloudWatch's PutMetricData.
 */
#ifndef WEIR_GATE_EXPORT_CLOUDWATCH_H
#define WEIR_GATE_EXPORT_CLOUDWATCH_H

#include "weir/aws/cloudwatch.h"
#include "weir/gate/points.h"

/* All that there is to tell of a point; nothing when there is nothing. */
void export_cloudwatch_add(struct cloudwatch_bodies *b, const struct point *p, uint32_t minute);

#endif
