/* SPDX-License-Identifier: Apache-2.0
 *
 * An event stream (wire/event_stream.h) that passes by: follows the frames by their lengths, shows
 * the headers of each, and the payload of those that are wanted, piece by piece. Nothing is held
 * but a head that is cut. A frame's last checksum is not looked at: the reading client does, and on
 * the way the bytes were under TLS.
 */
#ifndef WEIR_WIRE_EVENT_WATCH_H
#define WEIR_WIRE_EVENT_WATCH_H

#include "weir/wire/event_stream.h"

/* Headers of Bedrock's frames have about 100 bytes; longer ones are not shown. */
enum { EVENT_WATCH_HEADERS_MOST = 4096 };

enum event_watch_found {
    EVENT_WATCH_NOTHING, /* all was taken */
    EVENT_WATCH_HEAD,    /* set `want` for the payload */
    EVENT_WATCH_PAYLOAD, /* a piece of it */
    EVENT_WATCH_END,     /* of a frame that was wanted */
};

/* Borrowed from `in` or the watch until the next call. */
struct event_part {
    struct event_frame head; /* HEAD: its headers, payload_len; payload is empty */
    struct str bytes;        /* PAYLOAD */
};

/* Zero-initialise; event_watch_fini frees. */
struct event_watch {
    bool want; /* the caller's, at HEAD; false again at the next */
    bool lost; /* what came is no event stream; there is no way back in */
    struct buf held;
    size_t total, headers_len, taken; /* of the frame under way; total 0: prelude not read */
    bool shown;
};

/* Takes bytes from the front of *in (which moves on); call again until NOTHING, with the same `in`
 * behind HEAD. */
enum event_watch_found event_watch_next(struct event_watch *w, struct str *in,
                                        struct event_part *out);

/* Whether the bytes so far ended with a frame. */
bool event_watch_between(const struct event_watch *w);

void event_watch_fini(struct event_watch *w);

#endif
