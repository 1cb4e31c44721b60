/* SPDX-License-Identifier: Apache-2.0
 *
 * What Weir puts into a request: requestMetadata entries that a rule adds, for chargeback in
 * Bedrock's invocation logs, a service tier (where a spent budget or a deadline says so), and cache
 * markers. Spliced into the body, or put into InvokeModel's header fields. What the client put
 * there itself stays as it is and wins.
 */
#ifndef WEIR_SRC_GATE_EDIT_H
#define WEIR_SRC_GATE_EDIT_H

#include "caching.h"
#include "weir/base/digest.h"
#include "weir/gate/exchange.h"
#include "weir/gate/rules.h"
#include "weir/wire/json_edit.h"

enum {
    FIELD_EDITS_MOST = 2,
    EDITS_MOST = FIELD_EDITS_MOST + CACHE_EDITS_MOST,
    EDIT_PIECES = JSON_EDIT_PIECES(EDITS_MOST)
};

/* What goes upstream instead: the body in pieces (0: as it is), and fields to set. In the arena,
 * and borrowed from the body. */
struct edit {
    struct str pieces[EDIT_PIECES];
    size_t n_pieces;
    struct field fields[FIELD_EDITS_MOST];
    size_t n_fields;
    struct sha256 hash; /* of the pieces, so far */
    size_t hashed, at;  /* whole pieces, and bytes of the next one */
};
void edit_make(struct exchange *ex, struct edit *out);
/* Hashes on by a slice: a large body would hold up its worker. True: at the end. */
bool edit_hash(struct edit *e);
/* What rules look at. */
struct rule_view edit_view(struct exchange *ex);
/* Can a tier be put into this request? Not where the client chose one. */
bool edit_can_tier(const struct exchange *ex);
/* ... that of Flex: its model must be offered there. */
bool edit_can_flex(const struct exchange *ex);

#endif
