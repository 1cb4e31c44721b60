/* SPDX-License-Identifier: Apache-2.0
 *
 * text/event-stream as WHATWG HTML section 9.2.6 (2026) reads it: lines ended by CR, LF or CRLF,
 * an event ended by an empty line, an event without data dropped, what stands behind the last
 * empty line never an event. Made for a tap: bytes as they pass, cut anywhere. Nothing in it can
 * be wrong, so nothing fails; bytes are not checked for UTF-8.
 */
#ifndef WEIR_WIRE_SSE_H
#define WEIR_WIRE_SSE_H

#include "weir/base/buf.h"

/* Borrowed from the reader until the next call. */
struct sse_event {
    struct str name;  /* empty: "message" */
    struct str data;  /* lines joined by LF */
    struct str id;    /* the last one given, by this event or one before */
    bool passed_over; /* larger than event_most: data is empty */
};

/* Zero-initialise, then set event_most; sse_fini frees. */
struct sse {
    size_t event_most; /* the largest event, its unfinished line counted, that is held */
    struct buf line, data, name, id;
    bool first_line_read, line_begun, after_cr, has_data, over, given;
};

/* Takes bytes from the front of *in (which moves on). True: an event; call again. False: all of
 * `in` was taken. */
bool sse_next(struct sse *s, struct str *in, struct sse_event *out);

void sse_fini(struct sse *s);

/* Writes one event; an empty name is left out. Every line end in data becomes a line of its own;
 * the name must have none (assert). */
void sse_add(struct buf *b, struct str name, struct str data);

#endif
