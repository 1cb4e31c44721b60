/* SPDX-License-Identifier: Apache-2.0
 *
 * A zone's file (RFC 8536, as /usr/share/zoneinfo has them): how far its local time is from UTC at
 * a moment, by its transitions, and behind the last by the rule that stands in the footer. The
 * bytes are checked once and then looked into; nothing is copied.
 */
#ifndef WEIR_WIRE_TZIF_H
#define WEIR_WIRE_TZIF_H

#include "weir/base/err.h"
#include "weir/base/str.h"

/* When a footer's rule turns: "M3.5.0/2". */
struct tzif_turn {
    char form; /* 'J': day 1-365, 29 February not counted; 'n': day 0-365; 'M' */
    int month, week, day;
    int32_t time_s; /* of local time; may lie outside of the day */
};

struct tzif {
    struct str bytes; /* borrowed; must stay */
    size_t times, indexes, types;
    uint32_t n_times, n_types, time_bytes;
    bool rule; /* the footer has one */
    bool summer;
    int32_t offset_s, summer_s; /* east of UTC */
    struct tzif_turn begins, ends;
};

/* ERR_BAD: it is none. ERR_UNSUPPORTED: its clock counts leap seconds, ours does not. */
MUST_CHECK int tzif_read(struct str bytes, struct tzif *out);
/* Seconds east of UTC. */
int32_t tzif_offset(const struct tzif *z, int64_t utc_s);

#endif
