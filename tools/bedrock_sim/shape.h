/* SPDX-License-Identifier: Apache-2.0
 *
 * The published shapes of the service model as tables, and one checker that walks a body along
 * them. What a shape does not name is let through, as the service does, except where `closed`
 * says otherwise.
 */
#ifndef SIM_SHAPE_H
#define SIM_SHAPE_H

#include "refusal.h"
#include "tree.h"

enum shape_kind {
    SHAPE_STRUCT,
    SHAPE_UNION, /* exactly one member */
    SHAPE_LIST,
    SHAPE_MAP,
    SHAPE_STRING,
    SHAPE_INTEGER,
    SHAPE_NUMBER,
    SHAPE_BOOLEAN,
    SHAPE_ANY
};

struct shape_member {
    struct str name;
    const struct shape *shape;
    bool required;
};

struct shape {
    enum shape_kind kind;
    bool closed;                        /* an unknown member is refused */
    const struct shape_member *members; /* up to one with a NULL name */
    const struct shape *item;           /* of a list; the values of a map */
    bool has_min, has_max;
    double min, max;     /* value, or length of a string, list or map */
    const char *choices; /* "user, assistant, system" */
    const char *chars;   /* the inside of a character class that all of a string comes from */
    const char *key_chars;
    double key_max; /* of a map */
};

/* False with *out filled when the value breaks its shape. */
bool shape_check(const struct tree *t, const struct node *n, const struct shape *s,
                 struct refusal *out);

extern const struct shape shape_converse, shape_converse_stream, shape_count_tokens,
    shape_apply_guardrail, shape_guardrail_checks, shape_start_async, shape_create_job;

#endif
