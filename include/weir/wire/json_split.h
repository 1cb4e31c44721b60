/* SPDX-License-Identifier: Apache-2.0
 *
 * Cuts a stream of bytes into records: JSON objects, one after the other with white space between
 * them, or the elements of lists. It looks at braces and strings only: each record is to be checked
 * by who reads it.
 *
 *     while ((got = json_split_step(&s, &bytes, &record)) == 1)
 *         ... record ...                      (then more bytes)
 *     json_split_end(&s)                      (there are no more)
 */
#ifndef WEIR_WIRE_JSON_SPLIT_H
#define WEIR_WIRE_JSON_SPLIT_H

#include "weir/base/buf.h"
#include "weir/base/err.h"

/* All zero to begin with, but for max in `begun`. */
struct json_split {
    struct buf begun; /* of a record that stood in earlier bytes, too; max: the largest record */
    bool clear;       /* `begun` was given out, and is over */
    size_t lines;     /* that are over */
    size_t first;     /* in how many lines before it the record that was given began */
    unsigned depth;   /* 0: between records */
    bool string, escaped;
    unsigned char list; /* where in a list: what may come next */
    const char *fault;  /* a sentence's middle (static): "not JSON: ..." */
};

/* 1: a record, borrowed until the next call or until the bytes go; *bytes is what stands behind it.
 * 0: all bytes were taken. ERR_BAD and ERR_TOO_BIG with a fault: it is over. */
MUST_CHECK int json_split_step(struct json_split *s, struct str *bytes, struct str *out_record);
/* ERR_BAD when the bytes ended inside of a record or a list. */
MUST_CHECK int json_split_end(struct json_split *s);
void json_split_fini(struct json_split *s);

#endif
