/* SPDX-License-Identifier: Apache-2.0
 *
 * What is found in an answer becomes counts, a lane and a model.
 *
 * A find is believed as far as it can be read: a count is a whole number from 0 to 2^53. Any other
 * one, and an object where none can be, sets `unreadable` and is as if it had not been told; null
 * is as if it were not there. Of equal names in one object the larger number counts, and it is
 * `unreadable`, since other readers may take the other.
 */
#ifndef WEIR_GATE_TAP_TAKE_H
#define WEIR_GATE_TAP_TAKE_H

#include "tap_names.h"

enum { TTL_MOST = 8, INVOKED_MOST = 2048 };

/* Zero-initialise; tap_take_fini frees. */
struct tap_take {
    struct tap_usage now;
    struct tap_counts counts;
    bool stream;    /* the caller's: deltas tell how much text there is */
    bool has_usage; /* the object with the counts was seen */
    bool dirty;     /* counts changed since `now` was made */
    uint64_t seen;  /* a bit per find, of counts in the text under way; the caller clears it */
    uint64_t binary_bytes;

    /* The element of cacheDetails under way. */
    char ttl[TTL_MOST];
    unsigned char ttl_len;
    bool has_detail;
    uint64_t detail;

    char *invoked;
};

/* All finds but FIND_CHUNK. */
void tap_take(struct tap_take *t, const struct json_found *f);
/* Token counts and the tier that header fields tell. */
void tap_take_fields(struct tap_take *t, const struct fields *fields);
/* Makes `now` say what was taken. */
void tap_take_settle(struct tap_take *t);
void tap_take_fini(struct tap_take *t);

#endif
