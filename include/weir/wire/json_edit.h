/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes to a text that is not touched: the new text as a list of pieces, spans of the original
 * and inserted bytes in turn, for sending and hashing. Nothing is copied or read. That the result
 * is JSON is the caller's care, who has the offsets from json_scan.
 *
 *     original   {"a":1,"b":[2]}
 *     edits          at 5 len 1: "7" ^        ^ at 13 len 0: ",3"
 *     pieces     {"a": | 7 | ,"b":[2 | ,3 | ]}
 */
#ifndef WEIR_WIRE_JSON_EDIT_H
#define WEIR_WIRE_JSON_EDIT_H

#include "weir/base/err.h"
#include "weir/base/str.h"

#include <sys/types.h>

struct json_edit {
    size_t at, len;  /* the span of the original that goes; len 0 only inserts, before byte `at` */
    struct str with; /* what comes there; may be empty; borrowed */
};

/* Pieces that n edits can need at most. */
#define JSON_EDIT_PIECES(n) (2 * (n) + 1)

/* Brings the edits into order (those that insert at one place stay in the order given, and come
 * before one that replaces from there), and gives the number of pieces in `out`, none of them
 * empty. The pieces are borrowed from `original` and the edits. ERR_BAD when an edit reaches over
 * the end or two of them overlap; ERR_TOO_BIG when `max` pieces are too few. */
MUST_CHECK ssize_t json_edit_pieces(struct json_edit *edits, size_t n, struct str original,
                                    struct str *out, size_t max);

#endif
