/* SPDX-License-Identifier: Apache-2.0
 *
 * A bounded table of small things by name, with one lock for it. When it is full, what nobody asked
 * for longest gives way. Who only looks on copies one thing at a time, so that the lock is short.
 */
#ifndef WEIR_SRC_GATE_NAMED_H
#define WEIR_SRC_GATE_NAMED_H

#include "weir/base/buf.h"

#include <pthread.h>

enum { NAMED_BUCKETS = 256 };

struct named; /* a name and its thing */
struct named_table {
    pthread_mutex_t lock;
    struct named *buckets[NAMED_BUCKETS];
    struct named **rows;
    size_t n, most, thing_bytes;
    uint64_t uses;
    struct buf joined; /* a name that is put together, with the lock held */
};
void named_init(struct named_table *t, size_t most, size_t thing_bytes);
void named_fini(struct named_table *t);

/* With the lock held. Things are 16-byte aligned, and stay until they give way. */
void *named_find(struct named_table *t, struct str name); /* NULL: it is not there */
void *named_put(struct named_table *t, struct str name);  /* found, or made of zeros */
void named_changed(void *thing);

/* With the lock free. Copies row i; false behind the last. */
bool named_copy(struct named_table *t, size_t i, struct buf *name, void *out_thing);
/* The same for a row that changed since it was last taken: *i moves behind it; false: no more. */
bool named_take(struct named_table *t, size_t *i, struct buf *name, void *out_thing);
void named_all_changed(struct named_table *t);

#endif
