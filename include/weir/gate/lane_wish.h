/* SPDX-License-Identifier: Apache-2.0
 *
 * What people said of how long a request may take, and how its answer is to come back: the request
 * itself (x-weir-deadline, then requestMetadata's weir.deadline; x-weir-reply or Prefer), then the
 * rules. `weir serve` and `weir explain` ask the same.
 */
#ifndef WEIR_GATE_LANE_WISH_H
#define WEIR_GATE_LANE_WISH_H

#include "weir/book/spool.h"
#include "weir/gate/rules.h"

/* What a job can take, and answers are kept by default. */
enum { LANE_WISH_MOST_MS = 7 * 24 * 3600 * 1000 };

struct lane_wish {
    int64_t deadline_ms; /* from now; 0: none */
    int64_t over_ms;     /* the hours are over in which it would have had this one, and been told
                            to come again; 0: none */
    enum spool_reply reply;
    unsigned lanes;     /* 1 << enum lane, beside on demand; without a deadline PRIORITY at most */
    const char *source; /* "x-weir-deadline", "weir.deadline", "rule"; NULL: no deadline */
    struct str rule;    /* of the deadline, or of the lanes; empty: none */
};

/* NULL, or what is wrong with what the request itself says: a sentence, static. */
const char *lane_wish(const struct config *c, const struct rule_view *v, int64_t now_ms,
                      struct lane_wish *out);
/* "8h", or a moment like 2026-11-21T06:00:00Z, to milliseconds from now. NULL, or what it wants. */
const char *lane_wish_deadline(struct str text, int64_t now_ms, int64_t *out_ms);

#endif
