/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes JSON into a buf: commas, colons and escapes come by themselves. Every value is written by
 * one call; in an object json_out_key comes before it.
 *
 *     struct json_out o = {.buf = &b};
 *     json_out_object(&o);
 *     json_out_key(&o, S("message"));
 *     json_out_string(&o, sentence);
 *     json_out_end(&o);
 *
 * What cannot be JSON (a value without a key in an object, an end too many, two values at the top)
 * is a bug of the caller and asserts. The only failure is the buf's own, which sticks there.
 */
#ifndef WEIR_WIRE_JSON_OUT_H
#define WEIR_WIRE_JSON_OUT_H

#include "weir/base/buf.h"

/* Our own answers are flat; one bit per level in one word. */
enum { JSON_OUT_DEPTH = 64 };

/* All but buf zero to begin with. */
struct json_out {
    struct buf *buf; /* borrowed */
    unsigned depth;
    bool more;        /* something stands before on this level: a comma is due */
    bool keyed;       /* a key stands before: its value is due */
    uint64_t objects; /* a bit per open level: object or array */
};

void json_out_object(struct json_out *o);
void json_out_array(struct json_out *o);
void json_out_end(struct json_out *o); /* of the innermost of either */
void json_out_key(struct json_out *o, struct str key);

/* Bytes of `s` that are not UTF-8 become U+FFFD. */
void json_out_string(struct json_out *o, struct str s);
void json_out_u64(struct json_out *o, uint64_t n);
void json_out_i64(struct json_out *o, int64_t n);
void json_out_bool(struct json_out *o, bool b);
void json_out_null(struct json_out *o);
/* One value that is JSON already, as it stands. */
void json_out_raw(struct json_out *o, struct str json);

/* A key and its value. */
void json_out_put_string(struct json_out *o, struct str key, struct str s);
void json_out_put_u64(struct json_out *o, struct str key, uint64_t n);
void json_out_put_bool(struct json_out *o, struct str key, bool b);

#endif
