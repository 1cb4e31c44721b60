/* SPDX-License-Identifier: Apache-2.0
 *
 * CloudWatch's PutMetricData: data are collected into bodies that stay within the service's limits,
 * a body is one call. It is the JSON protocol, packed with gzip, signed as `monitoring`.
 *
 * The call has no token that would make a repetition harmless. So the answer says which of four
 * things is so: taken, refused (send it again), hopeless (never send it again), or nobody knows.
 */
#ifndef WEIR_AWS_CLOUDWATCH_H
#define WEIR_AWS_CLOUDWATCH_H

#include "weir/aws/fetch.h"
#include "weir/base/buf.h"

/* Of one call, and of one datum (API reference of PutMetricData, November 2026). */
enum {
    CLOUDWATCH_DATA_MOST = 1000,
    CLOUDWATCH_BODY_MOST = 1000 * 1000, /* before it is packed */
    CLOUDWATCH_VALUES_MOST = 150
};

struct cloudwatch_dimension {
    struct str name, value; /* printable ASCII */
};

/* Values are JSON numbers as text. All borrowed. */
struct cloudwatch_value {
    struct str number;
    uint64_t times;
};

struct cloudwatch_datum {
    struct str name, unit;
    const struct cloudwatch_dimension *dimensions;
    size_t n_dimensions;
    int64_t time_s;
    const struct cloudwatch_value *values; /* however many: they become several data */
    size_t n_values;
};

/* Bodies, one behind the other. Zero but for the name space (borrowed while data are added). */
struct cloudwatch_bodies {
    struct str name_space;
    struct buf text;
    size_t *ends; /* where each ends in `text` */
    size_t n, cap;
    size_t data; /* in the one that is open; 0: none is */
};

void cloudwatch_add(struct cloudwatch_bodies *b, const struct cloudwatch_datum *d);
void cloudwatch_end(struct cloudwatch_bodies *b); /* behind the last datum */
struct str cloudwatch_body(const struct cloudwatch_bodies *b, size_t i);
void cloudwatch_fini(struct cloudwatch_bodies *b);

enum cloudwatch_fate {
    CLOUDWATCH_TAKEN,
    CLOUDWATCH_REFUSED,  /* it was not taken, and may be sent again */
    CLOUDWATCH_HOPELESS, /* it was not taken, and never will be */
    CLOUDWATCH_UNKNOWN   /* some of it was sent, and no answer came */
};
/* `why` (a sentence for the log) in any case but TAKEN. */
enum cloudwatch_fate cloudwatch_judge(const struct fetch_answer *a, char *why, size_t why_size);

struct cloudwatch_call;
/* Sends a body (it is packed: it need not stay). `done` is called once, never from inside. As
 * fetch_start. Its answer ends within `whole_ms`. */
struct cloudwatch_call *cloudwatch_put(struct loop *l, struct aws_signer *s,
                                       const struct aws_target *t, struct creds *creds,
                                       struct str body, int64_t whole_ms,
                                       void (*done)(void *arg, const struct fetch_answer *a),
                                       void *arg);
void cloudwatch_drop(struct cloudwatch_call *c);

#endif
