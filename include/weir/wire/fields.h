/* SPDX-License-Identifier: Apache-2.0
 *
 * Header fields of one message, in order. Names are always lower case; who fills the list sees to
 * that. The bytes belong to whoever filled the list (a head buffer, an arena, a literal).
 */
#ifndef WEIR_WIRE_FIELDS_H
#define WEIR_WIRE_FIELDS_H

#include "weir/base/str.h"

/* Caps for one head: 100 fields and 64 KiB decoded. */
enum { FIELDS_MOST = 100, FIELDS_BYTES = 64 * 1024 };

struct field {
    struct str name, value;
};

struct fields {
    size_t n;
    struct field at[FIELDS_MOST];
};

/* False when the list is full. */
bool fields_add(struct fields *f, struct str name, struct str value);
/* The first of that (lower-case) name; ptr NULL when there is none. */
struct str fields_get(const struct fields *f, struct str name);
size_t fields_count(const struct fields *f, struct str name);

/* RFC 9110: a token; and a value without control bytes (tab allowed, bytes from 0x80 allowed). */
bool fields_name_ok(struct str name);
bool fields_value_ok(struct str value);

#endif
