/* SPDX-License-Identifier: Apache-2.0
 *
 * application/vnd.amazon.eventstream: AWS's frames, read incrementally and written.
 *
 *     total u32 | headers length u32 | CRC of these 8 | headers | payload | CRC of all before
 *
 * The reader is made for a tap: hand it the bytes as they pass, cut anywhere. A frame that lies
 * whole in what is handed over is not copied. Nothing marks the start of a frame, so after damage
 * there is no way back in: the first failure stays.
 */
#ifndef WEIR_WIRE_EVENT_STREAM_H
#define WEIR_WIRE_EVENT_STREAM_H

#include "weir/base/buf.h"
#include "weir/base/err.h"

enum {
    EVENT_STREAM_HEADERS_MOST = 128 << 10, /* botocore's and aws-c-event-stream's limits, 2026 */
    EVENT_STREAM_FRAME_MOST = 24 << 20,
    EVENT_STREAM_NAME_MOST = 255,
    EVENT_STREAM_VALUE_MOST = 65535,
};

/* Values are the wire's. */
enum event_type {
    EVENT_TRUE = 0,
    EVENT_FALSE = 1,
    EVENT_INT8 = 2,
    EVENT_INT16 = 3,
    EVENT_INT32 = 4,
    EVENT_INT64 = 5,
    EVENT_BYTES = 6,
    EVENT_STRING = 7,
    EVENT_TIME = 8, /* milliseconds since 1970 */
    EVENT_UUID = 9, /* 16 bytes */
};

struct event_header {
    struct str name; /* 1 to 255 bytes */
    enum event_type type;
    int64_t number;   /* of the INTs and TIME */
    struct str bytes; /* of BYTES, STRING (not checked for UTF-8) and UUID */
};

struct event_frame {
    struct str headers; /* raw and well formed: walk them with event_stream_header */
    struct str payload;
    size_t payload_len; /* payload.len, unless the frame was passed over */
    bool passed_over;   /* larger than hold_most: checked, but the payload is empty here, and the
                           headers too when they alone are larger */
};

/* --- reading. Zero-initialise, then set hold_most; event_stream_fini frees. */
struct event_stream {
    size_t hold_most; /* the largest frame that may be held while it is incomplete */
    struct buf held;
    size_t total, headers_len, taken, keep; /* of the frame under way; total 0: prelude not read */
    uint32_t crc;
    char crc_bytes[4];
    int err;
};

/* Takes bytes from the front of *in (which moves on). 1: a frame, borrowed from `in` or from `s`
 * until the next call with `s`; call again. 0: all of `in` was taken, more is needed. Negative,
 * from then on always: ERR_BAD (damaged), ERR_TOO_BIG. */
MUST_CHECK int event_stream_next(struct event_stream *s, struct str *in, struct event_frame *out);

/* Whether the bytes so far ended with a frame: else, at the end of the stream, it was cut off. */
bool event_stream_between(const struct event_stream *s);

void event_stream_fini(struct event_stream *s);

/* The headers of a frame in order, names may repeat. Start with *rest = frame.headers; false when
 * there are no more. */
bool event_stream_header(struct str *rest, struct event_header *out);

/* The first STRING header of that name; ptr NULL when there is none. */
struct str event_stream_text(const struct event_frame *f, struct str name);

/* --- writing. ERR_BAD for a name or value that no header can have, ERR_TOO_BIG past the limits
 * above; then `b` is as it was. */
MUST_CHECK int event_stream_add(struct buf *b, const struct event_header *headers, size_t n,
                                struct str payload);

#endif
