/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two halves of the HTTP/2 client know of each other: h2_client.c (the connection, and
 * what comes in) and h2_client_send.c (what goes out).
 */
#ifndef WEIR_SRC_NET_H2_CLIENT_PRIVATE_H
#define WEIR_SRC_NET_H2_CLIENT_PRIVATE_H

#include "h2_head.h"
#include "talk.h"

#include <nghttp2/nghttp2.h>

enum { H2_QUEUE_MOST = 128 * 1024 }; /* frames waiting in the connection's queue */

struct h2_stream {
    struct talk talk; /* first: a talk is a stream */
    struct list node, unsent;
    int32_t id;
    bool begun; /* its HEADERS are in the queue, from begin_at on */
    bool ended; /* its END_STREAM is in the queue, before end_at */
    bool reset_by_peer;
    uint64_t begin_at, end_at, lent_until; /* counts of the connection's bytes */
    size_t to_frame;                       /* bytes of the body not yet given to nghttp2 */
    const struct str *piece;               /* what goes into the queue next, and from where on */
    size_t skip;
    unsigned informational;
    const char *bad; /* what we reset it for */
    char length[24];
};

struct h2 {
    struct trunk trunk; /* first: a trunk is an h2 */
    nghttp2_session *session;
    struct list streams, spare;
    struct list unsent; /* whole in the queue and not yet taken by the kernel, in order */
    struct later flush;
    struct timer ping;
    int64_t heard_ms;
    bool settings; /* the origin's have come */
    bool pinged;
    const char *bad; /* what we sent GOAWAY for */
    struct h2_head head;
};

/* NULL when nobody knows the stream any more. */
static inline struct h2_stream *h2_find(struct h2 *h, int32_t id)
{
    return nghttp2_session_get_stream_user_data(h->session, id);
}

void h2_set_send_callbacks(nghttp2_session_callbacks *calls);
/* Hands the call's request to nghttp2: s->id. */
void h2_submit(struct h2 *h, struct h2_stream *s, const struct origin_call *c);
/* The caller's memory is about to go: nothing in the queue may point into it. */
void h2_let_go(struct h2 *h, struct h2_stream *s);

#endif
