/* SPDX-License-Identifier: Apache-2.0
 *
 * The heap of running timers.
 */
#include "timers.h"

#include "weir/base/mem.h"

#include <assert.h>

static_assert(sizeof(struct timer_place) <= sizeof((struct timer){0}.ev), "opaque bytes suffice");

static int64_t at(const struct timers *q, size_t i)
{
    return timer_place(q->heap[i])->at_ms;
}

static void set(struct timers *q, size_t i, struct timer *t)
{
    q->heap[i] = t;
    timer_place(t)->place = i + 1;
}

static void sift_up(struct timers *q, size_t i, struct timer *t)
{
    while (i > 0 && at(q, (i - 1) / 2) > timer_place(t)->at_ms) {
        set(q, i, q->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    set(q, i, t);
}

static void sift_down(struct timers *q, size_t i, struct timer *t)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= q->n)
            break;
        if (child + 1 < q->n && at(q, child + 1) < at(q, child))
            child++;
        if (at(q, child) >= timer_place(t)->at_ms)
            break;
        set(q, i, q->heap[child]);
        i = child;
    }
    set(q, i, t);
}

void timers_fini(struct timers *q)
{
    mem_free(q->heap);
    *q = (struct timers){0};
}

void timers_take(struct timers *q, struct timer *t)
{
    size_t place = timer_place(t)->place;
    if (place == 0)
        return;
    timer_place(t)->place = 0;
    struct timer *last = q->heap[--q->n];
    if (last == t)
        return;
    size_t i = place - 1;
    if (i > 0 && at(q, (i - 1) / 2) > timer_place(last)->at_ms)
        sift_up(q, i, last);
    else
        sift_down(q, i, last);
}

void timers_put(struct timers *q, struct timer *t, int64_t at_ms)
{
    timers_take(q, t);
    if (q->n == q->cap) {
        q->cap = q->cap ? 2 * q->cap : 64;
        q->heap = mem_grow(q->heap, q->cap * sizeof *q->heap);
    }
    timer_place(t)->at_ms = at_ms;
    sift_up(q, q->n++, t);
}

int64_t timers_first_ms(const struct timers *q)
{
    return q->n ? at(q, 0) : INT64_MAX;
}

void timers_run(struct timers *q, int64_t now_ms)
{
    /* Whatever a callback starts becomes due one millisecond later at the earliest: timer_start
     * sees to that, so this ends. */
    while (q->n && at(q, 0) <= now_ms) {
        struct timer *t = q->heap[0];
        timers_take(q, t);
        t->on_time(t->arg);
    }
}
