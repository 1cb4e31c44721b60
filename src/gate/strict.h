/* SPDX-License-Identifier: Apache-2.0
 *
 * With metering: strict a client has the whole of an answer only when its record is on the disk.
 */
#ifndef WEIR_GATE_STRICT_H
#define WEIR_GATE_STRICT_H

#include "weir/gate/exchange.h"

bool strict_wants(const struct exchange *ex);
/* A whole answer of Bedrock's was sent but for its last bytes: they and its end go now, or when its
 * record is on the disk. */
void strict_end(struct exchange *ex, struct str last, enum outcome outcome);

#endif
