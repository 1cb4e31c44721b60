/* SPDX-License-Identifier: Apache-2.0
 *
 * Callers (a client and workload) whose pools never fill: a loop that sends one request at a time
 * would be held for ever. Pure: one struct for each caller and pool.
 */
#ifndef WEIR_PLAN_LINGER_H
#define WEIR_PLAN_LINGER_H

#include <stdbool.h>
#include <stdint.h>

enum { LINGER_MISSES = 3, LINGER_FIRST_MS = 3600 * 1000, LINGER_MOST_MS = 24 * 3600 * 1000 };

struct linger {
    uint32_t in_flight, most; /* held now; the most since it was judged last */
    uint32_t asking;          /* not held, and under way */
    unsigned misses, closes;
    int64_t closed_until_ms;
};

void linger_held(struct linger *l);
void linger_left(struct linger *l);
/* Its pool's time came: did it have `least` in flight by itself? True: it is closed by this. */
bool linger_judge(struct linger *l, uint32_t least, int64_t now_ms);
bool linger_may(const struct linger *l, int64_t now_ms);
/* While it is not held: one of its requests goes on demand; it ended. As many at a time as fill a
 * job, and it is held again. */
void linger_asks(struct linger *l, uint32_t least);
void linger_asked(struct linger *l);
/* Nothing is held against it any more. */
void linger_forgive(struct linger *l);

#endif
