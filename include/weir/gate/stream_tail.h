/* SPDX-License-Identifier: Apache-2.0
 *
 * Does a passing stream stand between two messages? Only there can Weir add a last one of its own.
 * Event streams are followed by the length that each frame begins with, SSE by its blank lines. It
 * reads nothing else and never holds bytes back.
 */
#ifndef WEIR_GATE_STREAM_TAIL_H
#define WEIR_GATE_STREAM_TAIL_H

#include "weir/base/str.h"
#include "weir/gate/outcome.h"

struct stream_tail {
    enum stream_shape shape;
    uint32_t left;        /* EVENTS: bytes of the frame still to come */
    uint32_t length;      /* EVENTS: the length being read */
    unsigned length_read; /* EVENTS: how many of its 4 bytes */
    bool lost;            /* EVENTS: a length that cannot be */
    unsigned newlines;    /* SSE: line ends in a row */
    bool begun;
};

/* By the answer's content-type. */
void stream_tail_init(struct stream_tail *t, struct str content_type);
void stream_tail_feed(struct stream_tail *t, struct str bytes);
bool stream_tail_between(const struct stream_tail *t);

#endif
