/* SPDX-License-Identifier: Apache-2.0
 *
 * One request body: contiguous, as received, hashed while it arrives (its bytes are still in the
 * cache then). Up to 64 KiB it lies on the heap; above, in one mapping that can hold the largest
 * body. Memory is charged to the process budget by bytes received, never by Content-Length.
 *
 * A worker keeps as many mappings as its last second needed for the next large bodies: to fault in
 * fresh pages costs more than to copy into them (measured at 1 MiB: a seventh of all the CPU).
 */
#ifndef WEIR_GATE_BODY_H
#define WEIR_GATE_BODY_H

#include "weir/base/digest.h"
#include "weir/base/str.h"

#include <stdatomic.h>

/* Bedrock's own limit for a body (InvokeModel's `Body`), taken for every operation. */
enum { BODY_MOST_BYTES = 25000000 };

struct body;

/* The budget of the whole process. Many bodies that grow side by side could use it up with none of
 * them whole, each waiting for the others. So its last part is for one at a time: who has the turn
 * grows to its end, and then it is another's turn. */
struct body_budget {
    _Atomic(int64_t) used_bytes;
    _Atomic(int64_t) most_bytes; /* a reload may change it */
    _Atomic(struct body *) turn; /* whose it is; only compared */
};

/* With their kept pages at most 64 MiB of a worker, and only while it is that busy. */
enum { BODY_SPARES = 32 };

/* One per worker. */
struct body_spare {
    char *data;
    size_t touched; /* pages up to here are there */
};
struct body_pool {
    struct body_budget *budget;
    struct body_spare spare[BODY_SPARES];
    size_t n_spares;
    size_t n_unused; /* spares that nobody took since the last trim */
};
/* Gives back a few of the pages that the largest bodies left behind; true while there are more. To
 * give 24 MB back at once takes 2 ms: call it once a turn after body_fini. */
bool body_pool_clean(struct body_pool *p);
/* Gives back the spares that were not needed since the last call; call it every second or so. */
void body_pool_trim(struct body_pool *p);
void body_pool_fini(struct body_pool *p);

struct body {
    struct body_pool *pool;
    char *data;
    size_t len, room;
    size_t touched; /* of a mapping, by the body before */
    bool mapped;
    struct sha256 hash; /* of the len bytes so far */
};

enum body_room { BODY_ROOM, BODY_WAIT, BODY_FULL };

void body_init(struct body *b, struct body_pool *pool);
/* Where the next bytes go. WAIT: the budget is used up or memory was refused; ask again later.
 * FULL: the body would be larger than BODY_MOST_BYTES. */
enum body_room body_reserve(struct body *b, size_t want, char **out, size_t *out_room);
void body_commit(struct body *b, size_t n);
/* It is whole: the turn is the next one's. */
void body_end(struct body *b);
static inline struct str body_str(const struct body *b)
{
    return (struct str){b->data, b->len};
}
void body_fini(struct body *b);

#endif
