/* SPDX-License-Identifier: Apache-2.0
 *
 * One thread's event loop: descriptors, timers, work for the end of the turn, and mail from other
 * threads. The only file that knows libev is src/net/loop.c. Nothing here is thread-safe except
 * loop_wake (and so mailbox_send on a box made by loop_mailbox).
 */
#ifndef WEIR_NET_LOOP_H
#define WEIR_NET_LOOP_H

#include "weir/base/list.h"
#include "weir/base/mailbox.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct loop *loop_new(void);
void loop_free(struct loop *l);
/* Runs until loop_stop. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* Handles what is ready now, at most one turn; waits up to max_wait_ms for something. For tests. */
void loop_turn(struct loop *l, int64_t max_wait_ms);
/* Monotonic milliseconds as of this turn: no system call. */
int64_t loop_now_ms(struct loop *l);
/* The longest time that one turn's callbacks took since the last call, in microseconds. */
int64_t loop_take_longest_turn_us(struct loop *l);

/* --- descriptors. The struct is the caller's and must not move while it is watched. */
struct watch {
    _Alignas(16) char ev[64]; /* libev's watcher */
    struct loop *loop;
    void (*on_ready)(void *arg, bool readable, bool writable);
    void *arg;
    bool want_read, want_write;
};
void watch_init(struct watch *w, struct loop *l, int fd,
                void (*on_ready)(void *arg, bool readable, bool writable), void *arg);
/* Cheap when nothing changes. */
void watch_set(struct watch *w, bool want_read, bool want_write);
void watch_fini(struct watch *w);

/* --- timers, one shot each. Starting a running one moves it. */
struct timer {
    _Alignas(16) char ev[64];
    struct loop *loop;
    void (*on_time)(void *arg);
    void *arg;
};
void timer_init(struct timer *t, struct loop *l, void (*on_time)(void *arg), void *arg);
void timer_start(struct timer *t, int64_t after_ms);
void timer_stop(struct timer *t);
bool timer_running(const struct timer *t);

/* --- at the end of this turn, once, however often it is asked for: flushing, deferred frees. What
 * is added while the end of a turn runs is still run in it. later_cancel is safe any time. */
struct later {
    struct list node;
    void (*run)(void *arg);
    void *arg;
};
void later_init(struct later *r, void (*run)(void *arg), void *arg);
void loop_later(struct loop *l, struct later *r);
void later_cancel(struct later *r);
/* Like loop_later, but in the next turn, after descriptors were looked at: for long work that goes
 * in slices. */
void loop_next_turn(struct loop *l, struct later *r);
/* When the loop is freed: for what has no owner left but its own deadline. */
void loop_at_end(struct loop *l, struct later *r);

/* --- from other threads. */
struct mailbox *loop_mailbox(struct loop *l);
/* Wakes the loop so that it reads its mailbox. Any thread. */
void loop_wake(struct loop *l);

/* --- signals, in one loop of the process only. */
void loop_signal(struct loop *l, int signo, void (*on_signal)(void *arg, int signo), void *arg);

#endif
