/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the store share: store.c (transactions, walks, sizes) and store_open.c.
 */
#ifndef WEIR_SRC_BOOK_STORE_PRIVATE_H
#define WEIR_SRC_BOOK_STORE_PRIVATE_H

#include "store_place.h"
#include "weir/book/store.h"

#include <lmdb.h>

struct store {
    MDB_env *env;
    enum store_kind kind;
    MDB_dbi tables[TABLES_ALL];
    char dir[PATH_MAX];
    struct stat data; /* of the file that is open */
    bool read_only, counted;
    struct guard *guard;
};

/* Whether such an environment has that table. */
static inline bool store_has(const struct store *s, enum table table)
{
    enum store_kind of = table >= TABLE_SPOOLED    ? STORE_SPOOL
                         : table >= TABLE_PREFIXES ? STORE_PREFIXES
                                                   : STORE_METER;
    return table == TABLE_META || of == s->kind;
}

/* LMDB's or the system's number to ERR_*. */
int store_classify(struct store *s, int rc);
/* The same, with "DIR: WHAT: reason" in `why`, or that there is no room. */
int store_say(struct store *s, int rc, const char *what, char *why, size_t why_size);
/* How long the index says that the file is at least, and how long it is. */
uint64_t store_indexed_bytes(struct store *s);
uint64_t store_file_bytes(struct store *s);

static inline MDB_val store_val(struct str s)
{
    return (MDB_val){s.len, (void *)(uintptr_t)s.ptr};
}

#endif
