/* SPDX-License-Identifier: Apache-2.0
 *
 * Base64 with padding (RFC 4648 section 4), the simulator's own.
 */
#ifndef SIM_BASE64_H
#define SIM_BASE64_H

#include "weir/base/buf.h"

void base64_add(struct buf *out, struct str bytes);
/* False when the text is no padded base64; what was decoded stays in `out`. */
bool base64_decode(struct buf *out, struct str text);

#endif
