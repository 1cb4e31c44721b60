/* SPDX-License-Identifier: Apache-2.0
 *
 * Nightly work, found in hourly sums: is a caller (client, workload, model) busy at the same hours
 * of most nights, and quiet around them? Then its work could wait for a batch job. What stands in
 * the way is told, and the money. Pure.
 *
 *     a night, by the clock on the wall:  12 13 ... 19 | 20 21 22 ... 06 07 | 08 09 10 11
 *                                          the rest       one window in here    the rest
 */
#ifndef WEIR_PLAN_SUGGEST_H
#define WEIR_PLAN_SUGGEST_H

#include "weir/base/buf.h"

enum {
    SUGGEST_NIGHTS = 14,
    SUGGEST_NIGHTS_LEAST = 3,
    SUGGEST_HOURS = 24,       /* of a night, which begins at noon */
    SUGGEST_WINDOW_HOURS = 6, /* longer ones are working hours somewhere */
    SUGGEST_RECORDS_LEAST = 100
};

/* One hour of a night. */
struct suggest_hour {
    uint64_t requests; /* calls that a model answered */
    uint64_t fit;      /* ... of which a batch job could have had */
    uint64_t streams;  /* ... that were streamed */
    uint64_t cost_nanousd;
    uint64_t batch_nanousd; /* what the same tokens cost in a job, where nothing is cached */
};

struct suggest_caller {
    struct suggest_hour hours[SUGGEST_NIGHTS][SUGGEST_HOURS]; /* the last night is last */
    unsigned to_come;              /* hours of the last night that are not over */
    uint32_t records_least;        /* that a job takes; 0: SUGGEST_RECORDS_LEAST */
    bool bucket, persist, offered; /* batch.bucket; data.persist; its model in batch */
    unsigned at_once; /* most requests that it had under way together; 0: nobody knows */
};

/* What stands in the way. */
enum suggest_bar {
    SUGGEST_FREE,
    SUGGEST_STREAMS,
    SUGGEST_BODY,
    SUGGEST_MODEL,
    SUGGEST_PERSIST,
    SUGGEST_BUCKET,
    SUGGEST_DEARER,
    SUGGEST_ONE_BY_ONE
};

struct suggest_found {
    unsigned nights,
        of;        /* busy ones; of so many since the first, the last one when its hours are over */
    unsigned last; /* the last busy one, in hours[] */
    unsigned begin, end; /* of the window: hours of hours[][], end not included */
    uint64_t requests, cost_nanousd, batch_nanousd; /* a night */
    enum suggest_bar bar;
};

/* False: this is no nightly work. */
bool suggest_look(const struct suggest_caller *c, struct suggest_found *out);
/* What to wait for is told when the window is known: the same again, with `at_once`. */
enum suggest_bar suggest_bar_of(const struct suggest_caller *c, const struct suggest_found *f);
/* As few words as say it and, where there is one, the way out. Nothing for SUGGEST_FREE. */
void suggest_add_bar(const struct suggest_caller *c, enum suggest_bar bar, struct buf *out);
/* The hour on the wall of an hour of hours[][]. */
static inline unsigned suggest_wall(unsigned hour)
{
    return (hour + 12) % 24;
}

#endif
