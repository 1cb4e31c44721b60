/* SPDX-License-Identifier: Apache-2.0
 *
 * Who asked how much in which hour of the last nights: hourly sums out of the book for each client,
 * workload and model, on demand alone, by the clock on the wall of a zone; what plan/suggest looks
 * at. And how many requests one of them had under way together.
 */
#ifndef WEIR_BOOK_CALLERS_H
#define WEIR_BOOK_CALLERS_H

#include "weir/book/catalogue.h"
#include "weir/book/report.h"
#include "weir/plan/suggest.h"
#include "weir/wire/tzif.h"

struct caller {
    struct series series;       /* its strings are the list's */
    struct suggest_caller sums; /* `hours` and `to_come` are filled in */
};

struct callers_terms {
    int64_t now_ms;
    const struct tzif *zone; /* NULL: UTC */
    const struct catalogue *catalogue;
};

struct callers;
/* In transactions of a moment. The store's errors; ERR_TOO_BIG: more series than a report has rows
 * for. */
MUST_CHECK int callers_read(struct store *s, const struct callers_terms *t, struct callers **out);
void callers_free(struct callers *c);
/* By client, workload, model. */
struct caller *callers_list(const struct callers *c, size_t *out_n);

/* When an hour of sums.hours began. */
int64_t callers_hour_ms(const struct callers_terms *t, unsigned night, unsigned hour);
/* The most requests of this caller that were under way at one moment, of those that ended in the
 * span; 0: single requests are not kept so long. */
MUST_CHECK int callers_at_once(struct store *s, const struct series *who, int64_t from_ms,
                               int64_t until_ms, unsigned *out);

#endif
