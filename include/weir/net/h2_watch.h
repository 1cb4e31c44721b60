/* SPDX-License-Identifier: Apache-2.0
 *
 * A look at the frame heads of an HTTP/2 client before nghttp2 sees them. It charges what is a
 * glitch (net/glitch.h), also where nghttp2 would pass over the frame in silence, and it finds
 * frames on streams that the client itself has ended, or never began, which nghttp2 1.52 forgets.
 *
 * Of each stream it knows one thing, for the last 256 of them: did the client begin it, has the
 * client ended it. Frames that are late for a stream which we reset are none of its business.
 * Pure: the time is an argument.
 */
#ifndef WEIR_NET_H2_WATCH_H
#define WEIR_NET_H2_WATCH_H

#include "weir/base/str.h"
#include "weir/net/glitch.h"

enum { H2_WATCH_STREAMS = 256, H2_FRAME_HEAD = 9, H2_PREFACE = 24 };

struct h2_watch {
    struct glitch glitch;
    unsigned char head[H2_FRAME_HEAD];
    unsigned have;    /* of head */
    uint32_t skip;    /* of the payload, or of the preface */
    uint32_t last_id; /* the highest that the client began */
    unsigned char stream[H2_WATCH_STREAMS];
};

void h2_watch_init(struct h2_watch *w, int64_t now_ms);
/* The client's bytes in order, from the preface on, in any cut. 0, or the code of RFC 9113 7 with
 * which the connection has to end. */
uint32_t h2_watch_read(struct h2_watch *w, struct str bytes, int64_t now_ms);

#endif
