/* SPDX-License-Identifier: Apache-2.0
 *
 * What each client spent by UTC day: the book's answer to a budget. It is read once, when the
 * clerk opens the book and before it writes anything, and never changes: what is in it was written
 * by processes before this one.
 */
#ifndef WEIR_BOOK_SPENT_H
#define WEIR_BOOK_SPENT_H

#include "weir/book/store.h"

struct spent;
/* From `first_day` (since 1970) on, in transactions of some thousand rows: nobody may write
 * meanwhile. A damaged sum is left out, and the log says so. */
MUST_CHECK int spent_read(struct store *s, uint32_t first_day, struct spent **out);
void spent_free(struct spent *s);
uint64_t spent_on(const struct spent *s, struct str client, int64_t day);

#endif
