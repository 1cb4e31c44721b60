/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes protocol buffers (the binary form, proto3) into a buf: what OTLP takes. A message inside a
 * message is begun and ended; its length is put in front of it when it ends.
 *
 *     size_t at = proto_out_begin(&b, 1);
 *     proto_out_string(&b, 1, S("service.name"));
 *     proto_out_end(&b, at);
 *
 * Nothing here knows a schema: fields are numbers. The only failure is the buf's own.
 */
#ifndef WEIR_WIRE_PROTO_OUT_H
#define WEIR_WIRE_PROTO_OUT_H

#include "weir/base/buf.h"

void proto_out_u64(struct buf *b, unsigned field, uint64_t n);     /* uint64, enum, bool */
void proto_out_fixed64(struct buf *b, unsigned field, uint64_t n); /* fixed64, sfixed64 */
void proto_out_double(struct buf *b, unsigned field, double d);
void proto_out_string(struct buf *b, unsigned field, struct str s); /* string, bytes */

/* The value to hand to proto_out_end. */
size_t proto_out_begin(struct buf *b, unsigned field);
void proto_out_end(struct buf *b, size_t begun);

/* repeated fixed64 and double, packed. */
void proto_out_fixed64s(struct buf *b, unsigned field, const uint64_t *n, size_t count);
void proto_out_doubles(struct buf *b, unsigned field, const double *d, size_t count);

#endif
