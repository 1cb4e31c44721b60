/* SPDX-License-Identifier: Apache-2.0
 *
 * A time of day, in a zone: "22:00-06:00 Europe/Berlin", on some days "Mon-Fri 22:00-06:00
 * Europe/Berlin", in UTC "Sat,Sun 00:00-24:00". The clock on the wall decides: in the night that
 * skips an hour a window is an hour shorter, or begins where the hour ends; in the night that
 * doubles one, both count. What goes over midnight belongs to the day on which it begins.
 */
#ifndef WEIR_PLAN_WINDOW_H
#define WEIR_PLAN_WINDOW_H

#include "weir/wire/tzif.h"

struct window {
    unsigned days; /* 1 << day, Monday first */
    int32_t begin_s, end_s;
    bool utc;
    struct tzif zone; /* the caller's to read, when it is not UTC */
};

/* NULL, or what is wrong with it: a sentence (static). *out_zone is the zone's name, borrowed;
 * empty: UTC. It may be no name of a file that is there, but it leads out of no folder. */
const char *window_parse(struct str text, struct window *out, struct str *out_zone);
bool window_holds(const struct window *w, int64_t utc_s);

#endif
