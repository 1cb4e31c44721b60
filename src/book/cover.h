/* SPDX-License-Identifier: Apache-2.0
 *
 * A span of minutes as the fewest rollups: whole days, whole hours, and minutes at the edges,
 * none of them across the border of a period:
 *
 *     from                                                          until
 *      |..:..|--hour--|--hour--|=========day=========|==day==|--hour--|.|
 *
 * Where minutes are not kept any more an hour that is cut is taken whole, and so with days. Plain
 * arithmetic: no store, no clock.
 */
#ifndef WEIR_SRC_BOOK_COVER_H
#define WEIR_SRC_BOOK_COVER_H

#include "weir/book/store.h"

enum { COVER_HOUR = 60, COVER_DAY = 24 * 60 };

struct cover {
    uint32_t at, until;    /* minutes since 1970; `at` moves */
    uint32_t period;       /* minutes; 0: one for all */
    uint32_t minutes_from; /* kept from here on; a multiple of an hour */
    uint32_t hours_from;   /* kept from here on; a multiple of a day */
};

/* Neighbours of one table: the keys from `first` to before `last`, each of `unit` minutes. */
struct cover_piece {
    enum table table;
    uint32_t unit, first, last;
};

/* False at the end. */
bool cover_next(struct cover *c, struct cover_piece *out);
/* As a table's row that begins there. */
uint32_t cover_period(const struct cover *c, uint32_t minute);
/* What the span grows to. */
void cover_grown(const struct cover *c, uint32_t *from, uint32_t *until);

#endif
