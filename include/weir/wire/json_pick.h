/* SPDX-License-Identifier: Apache-2.0
 *
 * The members of one object by name: where they stand, what they are, whether they occur twice,
 * and whether the text is strict to its end.
 *
 *     struct json_member want[] = {{.name = STR("model")}, {.name = STR("stream")}};
 *     struct json_pick p;
 *     json_pick_init(&p, body, want, 2);
 *     do
 *         json_slice(&p.scan, JSON_SLICE_BYTES);
 *     while ((t = json_pick_step(&p)) == JSON_PAUSE);     (with other work between the slices)
 *
 * At JSON_END the answers hold; at JSON_BAD none of them does, and p.scan has fault and fault_at.
 * For a member of a member pick again in the `raw` of the outer one, which is strict already.
 */
#ifndef WEIR_WIRE_JSON_PICK_H
#define WEIR_WIRE_JSON_PICK_H

#include "weir/wire/json_scan.h"

struct json_member {
    struct str name; /* in: unescaped; borrowed */
    unsigned times;  /* 0 absent, 1 once, 2 more often: then it must not be relied on, since the
                        next reader may take another one */
    enum json_token kind; /* of the first: JSON_OBJECT, JSON_ARRAY, JSON_STRING, ... */
    struct str raw;       /* of the first, as it stands in the text (a string with its quotes) */
};

struct json_pick {
    struct json_scan scan;       /* the caller may move scan.stop, or json_slice it */
    struct json_member *members; /* borrowed */
    size_t n;
    struct json_member *now; /* whose value comes next; NULL: nobody's */
    bool object;             /* the text is an object; else every member is absent */
};

/* Clears all but the names. `text` and `members` must stay. */
void json_pick_init(struct json_pick *p, struct str text, struct json_member *members, size_t n);

/* JSON_PAUSE, JSON_END or JSON_BAD. */
enum json_token json_pick_step(struct json_pick *p);

#endif
