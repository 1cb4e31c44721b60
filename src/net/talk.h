/* SPDX-License-Identifier: Apache-2.0
 *
 * A talk: one call on one trunk, whatever the protocol. It passes on what comes, times the
 * silence, and ends once, with a word for how far the call got.
 */
#ifndef WEIR_SRC_NET_TALK_H
#define WEIR_SRC_NET_TALK_H

#include "trunk.h"

enum {
    TALK_OWED_MOST = 256 * 1024, /* bytes given out and not credited; the h2 stream window */
    TALK_SMALL = 4096,           /* a request body up to here is copied behind its head */
    TALK_1XX_MOST = 8            /* answers before the final one */
};

struct talk {
    struct trunk *trunk;
    struct origin_call *call; /* NULL: nobody listens (any more) */
    size_t owed;
    int64_t last_ms; /* when bytes of the body came last, or room for them was made */
    bool head;       /* on_head was called */
    bool silence;    /* the timer is the silence's */
};

/* Those that return bool say whether the talk still has this call: the callback may have dropped
 * it. */
void talk_begin(struct talk *t, struct trunk *k, struct origin_call *c);
/* The request's last byte was handed to the kernel. */
void talk_sent(struct talk *t);
/* Takes hop-by-hop fields out of *fields and passes the head on. */
bool talk_head(struct talk *t, int status, struct fields *fields, int64_t content_length);
bool talk_bytes(struct talk *t, struct str bytes);
/* The body goes on in a later turn: from now on its silence is timed. */
void talk_wait(struct talk *t);
/* False while so much is owed that the origin may have to stop sending. */
bool talk_thirsty(const struct talk *t);
void talk_credit(struct talk *t, size_t n);
void talk_end(struct talk *t, enum origin_end end, const char *why);
/* The connection is gone. `written`: some byte of the call was. */
void talk_lost(struct talk *t, bool written, const char *why);
/* The timer of a call, on a trunk or waiting for one. */
void talk_on_time(void *call);
/* How long the body of the request is, and whether its length is said: with a body, and with the
 * methods that have one even when it is empty (RFC 9110 8.6). */
size_t talk_body_size(const struct origin_call *c);
bool talk_says_length(const struct origin_call *c, size_t size);

#endif
