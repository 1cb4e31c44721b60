/* SPDX-License-Identifier: Apache-2.0
 *
 * application/x-www-form-urlencoded: name=value pairs with '&' between them, '+' for a space and
 * %XX for any byte (WHATWG URL, section 5). What is decoded is never longer than it was.
 */
#ifndef WEIR_WIRE_FORM_H
#define WEIR_WIRE_FORM_H

#include "weir/base/err.h"
#include "weir/base/str.h"

struct form {
    struct str rest; /* borrowed from the body */
    char *room;      /* where the next decoded byte goes */
};

/* `room` has at least body.len + 1 bytes and outlives what form_next gives. */
void form_init(struct form *f, struct str body, char *room);

/* 1: a pair, decoded, in the room; 0: there are no more; ERR_BAD at a bad escape. Empty pairs (as
 * in "a=1&&b=2") are skipped; without '=' the value is empty. */
MUST_CHECK int form_next(struct form *f, struct str *out_name, struct str *out_value);

#endif
