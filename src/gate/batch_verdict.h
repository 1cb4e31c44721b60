/* SPDX-License-Identifier: Apache-2.0
 *
 * What the end of a call for a record means: an answer, another try, or the error that it ends
 * with. What Bedrock or the way to it failed is tried until the deadline has passed, and three
 * times at least; what it refused for good is the answer, as the client itself would have got it.
 * Pure.
 */
#ifndef WEIR_SRC_GATE_BATCH_VERDICT_H
#define WEIR_SRC_GATE_BATCH_VERDICT_H

#include "weir/net/origin.h"

enum { BATCH_TRIES_LEAST = 3 };

/* How it ended. */
struct batch_ended {
    enum origin_end end;
    int status; /* 0: no head came */
    struct str error_type;
    bool too_big;   /* the answer was dropped for its size */
    bool tier;      /* Weir had put a tier in */
    unsigned tries; /* this one among them */
    int64_t now_ms, deadline_ms;
};

enum batch_fate {
    BATCH_FATE_ANSWER, /* what came is its end */
    BATCH_FATE_ERROR,  /* nothing came that could be: `status` and `why` are */
    BATCH_FATE_AGAIN,  /* in wait_ms */
    BATCH_FATE_NO_TIER /* at once, without the tier */
};
struct batch_verdict {
    enum batch_fate fate;
    int64_t wait_ms;
    bool throttled;  /* the model, or the tier, has no room now */
    bool lost;       /* it may have been processed, and paid for */
    bool bad_creds;  /* they, or what they signed, were refused: there may be newer ones */
    int status;      /* of ERROR */
    const char *why; /* of ERROR: a sentence */
};
struct batch_verdict batch_verdict_of(const struct batch_ended *e);

#endif
