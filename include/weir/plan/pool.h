/* SPDX-License-Identifier: Apache-2.0
 *
 * When a pool of waiting requests becomes a job, and when it never will. Pure.
 */
#ifndef WEIR_PLAN_POOL_H
#define WEIR_PLAN_POOL_H

#include "weir/base/str.h"

/* What waits, as the spool counts it. */
struct pool_view {
    uint32_t count;
    uint64_t bytes;      /* of their bodies */
    int64_t oldest_ms;   /* when its oldest member came */
    int64_t newest_ms;   /* when the last one did */
    int64_t deadline_ms; /* the earliest */
    uint32_t held;       /* members that hold a connection (reply: wait) */
};

struct pool_terms {
    int64_t now_ms, linger_ms;
    uint32_t least, most; /* records of a job (catalogue) */
    uint64_t most_file_bytes, most_job_bytes;
    double per_second; /* how fast they can go on demand */
    bool flush;        /* by the operator */
    bool closed;       /* no job can be made now: S3 or Bedrock refused for good */
};

enum pool_fate { POOL_WAITS, POOL_JOB, POOL_DIRECT };
/* What keeps a pool from being a job: none is made now, there are too few, their deadline comes too
 * soon for so many, they are too large for one. */
enum pool_why { POOL_CLOSED, POOL_FEW, POOL_LATE, POOL_LARGE };

struct pool_verdict {
    enum pool_fate fate;
    uint32_t take;       /* of the oldest members */
    uint64_t take_bytes; /* ... but not more than so many bytes */
    int64_t next_ms;     /* WAITS: look again then */
    enum pool_why why;   /* of DIRECT */
    bool
        time_up; /* its time came (JOB or DIRECT), it was not full or flushed: callers are judged */
};
struct pool_verdict pool_decide(const struct pool_view *v, const struct pool_terms *t);

#endif
