/* SPDX-License-Identifier: Apache-2.0
 *
 * The metrics under CloudWatch's names (measures.def) and what each comes to in a rollup. One table
 * for the endpoint that answers as CloudWatch and for the exporters that write to it, so that both
 * say the same.
 *
 * A rollup does not keep the tokens and the cost of each single call. So for these the range is not
 * known unless there was one call only, just how many calls and how much in all. (Who must tell
 * single values tells n calls of sum tokens as sum / n and sum / n + 1: so the number of samples,
 * the sum and the average are right.)
 */
#ifndef WEIR_BOOK_MEASURE_H
#define WEIR_BOOK_MEASURE_H

#include "weir/book/rollup.h"

enum measure_kind {
    MEASURE_COUNT,  /* each one counted is a sample of 1 */
    MEASURE_TOKENS, /* a sample for each invocation */
    MEASURE_TIMES,  /* a sample for each invocation (stream), in the histogram */
    MEASURE_RATE,   /* one sample for the whole rollup */
    MEASURE_MONEY,  /* a sample for each invocation, in dollars */
    MEASURE_QUEUE   /* a sample a minute for each client and model of which something waits */
};

enum measure_id {
#define MEASURE(id, ...) MEASURE_##id,
#include "weir/book/measures.def"
#undef MEASURE
    MEASURES
};

struct measure {
    struct str name, alias; /* alias: empty when there is none */
    struct str unit;        /* CloudWatch's word */
    enum measure_kind kind;
    unsigned at;
};

const struct measure *measure_row(enum measure_id id);
/* By name or alias; NULL when it is none. */
const struct measure *measure_find(struct str name);

struct measured {
    uint64_t samples;
    double sum;         /* tokens exact up to 2^53; ms; percent; dollars */
    bool ranged;        /* least and most are known */
    double least, most; /* of single samples */
    const struct histogram
        *times; /* of MEASURE_TIMES, in us; else NULL. Borrowed from the rollup */
};

/* False: the rollup holds no sample of it, so that there is no point to show. */
bool measure_read(const struct measure *m, const struct rollup *r, struct measured *out);

#endif
