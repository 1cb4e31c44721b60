/* SPDX-License-Identifier: Apache-2.0
 *
 * Is the book right? Every row is read: records by their checksums, sums by theirs. Then days are
 * held against their hours, hours against their minutes, minutes against their records, wherever
 * both are kept. It only reads, each period in one transaction of its own, so that it is right
 * beside a running daemon, too.
 */
#ifndef WEIR_BOOK_CHECK_H
#define WEIR_BOOK_CHECK_H

#include "weir/book/store.h"

struct check_result {
    uint64_t rows[TABLES];
    uint64_t live_bytes; /* of all keys and values */
    uint64_t findings;
    uint64_t lost; /* records in gaps */
    /* Minutes that were held against their records, and those that could only be held against them
     * as a whole, because records came late into them. */
    uint64_t minutes, late_minutes;
};

/* `finding` gets a sentence for each of the first hundred. ERR_* when the book cannot be read at
 * all. */
MUST_CHECK int check_run(struct store *s, void (*finding)(void *arg, const char *sentence),
                         void *arg, struct check_result *out);

#endif
