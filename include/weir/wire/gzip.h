/* SPDX-License-Identifier: Apache-2.0
 *
 * gzip (RFC 1952) in one go: for bodies that we send and that are whole in memory already.
 */
#ifndef WEIR_WIRE_GZIP_H
#define WEIR_WIRE_GZIP_H

#include "weir/base/buf.h"

/* Appends `bytes` as one gzip member without name and time: the same bytes give the same member. */
void gzip_add(struct buf *out, struct str bytes);

#endif
