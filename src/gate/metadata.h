/* SPDX-License-Identifier: Apache-2.0
 *
 * requestMetadata entries that a rule adds, for chargeback in Bedrock's invocation logs: spliced
 * into a Converse body, or put into InvokeModel's header field. The client's own entries stay as
 * they are and win.
 */
#ifndef WEIR_SRC_GATE_METADATA_H
#define WEIR_SRC_GATE_METADATA_H

#include "weir/gate/exchange.h"

enum { METADATA_PIECES = 3 };

/* What goes upstream instead: the body in pieces, or a field. Nothing to add, or no way to add it
 * safely: n_pieces 0 and field empty. In the arena, and borrowed from the body. */
struct metadata_edit {
    struct str pieces[METADATA_PIECES];
    size_t n_pieces;
    struct str field; /* value of x-amzn-bedrock-request-metadata */
};
extern const struct str metadata_field; /* its name */
void metadata_edit(struct exchange *ex, struct metadata_edit *out);

#endif
