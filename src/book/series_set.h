/* SPDX-License-Identifier: Apache-2.0
 *
 * The series that the clerk knows: names to a number (that of the rows on the disk) and to what the
 * series did since the process began. Entries keep their place until they are forgotten.
 */
#ifndef WEIR_SRC_BOOK_SERIES_SET_H
#define WEIR_SRC_BOOK_SERIES_SET_H

#include "weir/book/rollup.h"
#include "weir/book/series.h"

enum { SERIES_BUCKETS = 16384 };
#define SERIES_NONE UINT32_MAX

struct series_entry {
    struct series names; /* owned */
    bool used;           /* else the place is free */
    uint32_t next;       /* in its bucket, or the next free place */
    uint32_t number;     /* of its row; SERIES_NONE: it has none in the environment that is open */
    int64_t noted_day;   /* the last UTC day that its rows on the disk tell of; -1: no row */
    struct rollup tally;
};

/* What new names find. */
enum series_room { SERIES_ROOM, SERIES_NO_WORKLOADS, SERIES_NO_NAMES };

struct series_set {
    struct series_entry *entries;
    uint32_t n, cap, free, live;
    uint32_t most; /* then new workloads become "other", and a quarter more later all names */
    uint32_t next_number;
    uint64_t seed; /* so that nobody can choose names that fall into one bucket */
    uint32_t buckets[SERIES_BUCKETS];
};

void series_set_init(struct series_set *s, uint32_t most, uint64_t seed);
void series_set_fini(struct series_set *s);
/* The entry's place, made when it is new; with `most` of them that of "other". */
uint32_t series_set_place(struct series_set *s, const struct series *names);
enum series_room series_set_room(const struct series_set *s);
/* It has a number from here on. */
uint32_t series_set_number(struct series_set *s, uint32_t place);
/* What a row says, whatever `most` is. */
void series_set_load(struct series_set *s, uint32_t number, const struct series *names,
                     int64_t noted_day);
/* Another environment: no entry has a number. */
void series_set_unload(struct series_set *s);
void series_set_forget(struct series_set *s, uint32_t place);

#endif
