/* SPDX-License-Identifier: Apache-2.0
 *
 * What shall go wrong with a batch job, ordered over the control port before it is made.
 */
#ifndef SIM_JOB_ORDER_H
#define SIM_JOB_ORDER_H

#include "weir/base/buf.h"
#include "weir/base/str.h"

enum job_refuse { JOB_NOT_REFUSED, JOB_NO_ROLE, JOB_NO_ACCOUNT, JOB_NO_QUOTA, JOB_CONFLICT };

/* Numbers: -1, where it is not said. */
struct job_order {
    enum job_refuse refuse; /* the create is refused; no job */
    bool empty;             /* the create is answered with {}: the job is made */
    int64_t stall;          /* an enum job_state in which it stays */
    bool fail, expire;      /* ends so; expire: half way */
    bool stops_never;
    int64_t partial;    /* per cent of the records that are processed */
    int64_t hidden_ms;  /* not in lists */
    int64_t unknown_ms; /* 404 to Get and Stop */
    int64_t late_ms;    /* the output comes so long after the end */
    int64_t job_ms;     /* its whole way */
    bool no_output;     /* no output and no manifest, ever */
    bool no_manifest, wrong_manifest, no_newline;
    char show[32]; /* this word instead of InProgress */
};

enum { JOB_ORDERS_MOST = 64 };
struct job_orders {
    struct {
        struct job_order order;
        int64_t left;
        char match[128];
    } at[JOB_ORDERS_MOST];
    size_t n;
};

void job_order_init(struct job_order *o);
/* Words separated by spaces, commas or semicolons; false with the culprit in *bad (borrowed). */
bool job_order_read(struct job_order *o, struct str words, struct str *bad);
/* False when there are too many. */
bool job_orders_add(struct job_orders *all, const struct job_order *o, int64_t count,
                    struct str match);
/* The first one for this name or model; nothing special when there is none. */
void job_orders_take(struct job_orders *all, struct str name, struct str model,
                     struct job_order *out);
/* The words as text for --help: one line each. */
void job_order_add_help(struct buf *b);

#endif
