/* SPDX-License-Identifier: Apache-2.0
 *
 * Where usage stands, dialect by dialect: the members that the tap watches for, as trees of names
 * for wire/json_watch. Nothing else of an answer is looked at.
 */
#ifndef WEIR_GATE_TAP_NAMES_H
#define WEIR_GATE_TAP_NAMES_H

#include "tap_count.h"
#include "weir/wire/json_watch.h"

/* What a find is. From FIND_COUNT on it is a count: place and count are in the number. */
enum tap_find {
    FIND_USAGE,        /* the object with the counts begins */
    FIND_PARTS,        /* an object with some more, or with a stream's first ones */
    FIND_DETAILS,      /* cacheDetails, and each of its elements */
    FIND_DETAIL_TTL,   /* of an element */
    FIND_DETAIL_INPUT, /* of an element */
    FIND_RESULTS,      /* Titan's, and each of its elements */
    FIND_RESULT_OUTPUT,
    FIND_TIER_OBJECT,
    FIND_TIER,
    FIND_TRACE,
    FIND_INVOKED,
    FIND_ERROR, /* an object there ends a stream */
    FIND_CHUNK, /* InvokeModel's stream: the model's JSON in base64 */
    FIND_NO_OUTPUT,
    FIND_BINARY, /* an image, a vector: no text */
    FIND_INSIDE, /* an object on the way to something */
    /* Something around an answer's text; how many bytes of it are not text is in tap_wrapping. */
    FIND_TEXT_BARE,
    FIND_TEXT_BLOCK,
    FIND_TEXT_CLAUDE,
    FIND_TEXT_CHOICES,
    FIND_COUNT,
};

#define FIND_AT(place, count) (FIND_COUNT + (int)(place)*COUNTS + (int)(count))

/* By the operation and whether the text is one event of a stream. */
const struct json_names *tap_names(enum usage_place usage);
/* The envelope of InvokeModel's chunks. */
extern const struct json_names tap_chunk_names;

size_t tap_wrapping(int find);

#endif
