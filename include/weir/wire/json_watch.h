/* SPDX-License-Identifier: Apache-2.0
 *
 * A few members of JSON text that passes by, cut anywhere, of any length: nothing is held but the
 * begun part of a wanted value. What is not wanted is stepped over at the speed of memchr.
 *
 *     static const struct json_name in_usage[] = {{STR("inputTokens"), 1, JSON_WATCH_TAKE, NULL}};
 *     static const struct json_names usage = {in_usage, 1};
 *     static const struct json_name at_top[] = {{STR("usage"), 0, JSON_WATCH_ENTER, &usage}};
 *     static const struct json_names top = {at_top, 1};
 *     struct json_watch w = {.names = &top};
 *     while (json_watch_next(&w, &bytes, &found))
 *         ...
 *
 * It is no check. In a strict text (json_scan's) it finds what json_pick finds, every one of equal
 * names in turn. In any other text it finds what looks like it, up to the first place that cannot
 * be, and then no more; it never fails. A text that is no object has no members.
 */
#ifndef WEIR_WIRE_JSON_WATCH_H
#define WEIR_WIRE_JSON_WATCH_H

#include "weir/base/buf.h"
#include "weir/wire/json_scan.h"

enum {
    JSON_WATCH_LEVELS = 6,     /* objects and arrays entered, the outermost counted */
    JSON_WATCH_MOST = 4096,    /* bytes of a value that is taken; a longer one is passed over */
    JSON_WATCH_NAME_MOST = 64, /* bytes of a name */
};

enum json_watch_how {
    JSON_WATCH_TAKE,    /* the value as it stands, a string with its quotes */
    JSON_WATCH_MEASURE, /* only how long it is */
    JSON_WATCH_PIECES,  /* of a string: what is between the quotes, as it comes, escapes and all */
    JSON_WATCH_ENTER,   /* of an object: its members, by `inside` */
    JSON_WATCH_EACH,    /* of an array: the members of each object in it, by `inside` */
};

struct json_names;
struct json_name {
    struct str name; /* unescaped */
    int id;          /* the caller's */
    enum json_watch_how how;
    const struct json_names *inside;
};
struct json_names {
    const struct json_name *at;
    size_t n;
};

/* Values: when they end. With ENTER: JSON_OBJECT when it begins. With EACH: JSON_ARRAY when it
 * begins, and JSON_OBJECT when each object in it begins. Whatever has not the kind that its `how`
 * is made for: as with MEASURE. */
struct json_found {
    int id;
    enum json_token kind;
    struct str raw;   /* borrowed from `in` or the watch until the next call */
    size_t size;      /* how long the whole value is */
    bool passed_over; /* too long to be taken: raw is empty */
    bool more;        /* PIECES: not the last one */
};

/* Zero-initialise, then set names; json_watch_fini frees. */
struct json_watch {
    const struct json_names *names;
    struct buf held;
    const struct json_name *now; /* whose value comes; NULL: nobody's */
    struct json_watch_level {
        const struct json_names *names;
        const struct json_name *list; /* a level of its own for each array entered; else NULL */
    } levels[JSON_WATCH_LEVELS];
    unsigned depth;
    unsigned char state;
    enum json_token kind;
    bool in_string, escaped, over;
    size_t nest, size; /* of the value under way */
};

/* Takes bytes from the front of *in (which moves on). True: a find; call again. False: all of `in`
 * was taken. */
bool json_watch_next(struct json_watch *w, struct str *in, struct json_found *out);

/* For the next text. */
void json_watch_reset(struct json_watch *w);

void json_watch_fini(struct json_watch *w);

#endif
