/* SPDX-License-Identifier: Apache-2.0
 *
 * The event loop: the only file that knows libev. One turn is
 *
 *     wait > [ descriptors, signals, mail > timers > end of the turn ] > wait ...
 *
 * and the brackets are one function, loop_work, which libev calls in place of its own dispatch.
 * Timers are our own heap on base/clock, so that a test that sets the clock moves them; libev only
 * gets one alarm, for the first of them.
 */
#include "weir/net/loop.h"

#include "timers.h"
#include "weir/base/clock.h"
#include "weir/base/mem.h"

#include <assert.h>
#include <stdlib.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <ev.h>
#pragma GCC diagnostic pop

static_assert(sizeof(ev_io) <= sizeof((struct watch){0}.ev), "libev's watcher fits the door");

enum { MOST_SIGNALS = 8 };

struct loop_signal {
    ev_signal ev;
    void (*on_signal)(void *arg, int signo);
    void *arg;
};

struct loop {
    struct ev_loop *ev;
    bool working; /* inside loop_work: now_ms is fresh */
    bool stopped;
    bool entering;
    int64_t now_ms;
    int64_t longest_us;
    struct timers timers;
    int64_t alarm_at_ms; /* what the alarm is set to; INT64_MAX: off */
    ev_timer alarm;
    struct list laters, next_turn, at_end;
    ev_idle idle; /* runs while next_turn has something: the loop does not wait then */
    ev_async mail;
    struct mailbox mailbox;
    struct loop_signal signals[MOST_SIGNALS];
    size_t n_signals;
};

/* --- the turn */

static void run_laters(struct loop *l)
{
    struct list *node;
    while ((node = list_take(&l->laters))) {
        struct later *r = LIST_OF(node, struct later, node);
        r->run(r->arg);
    }
}

static void move_all(struct list *from, struct list *to)
{
    struct list *node;
    while ((node = list_take(from)))
        list_append(to, node);
}

static void set_alarm(struct loop *l)
{
    int64_t first = timers_first_ms(&l->timers);
    if (first >= l->alarm_at_ms)
        return; /* one that rings too early is cheaper than moving it each time */
    l->alarm_at_ms = first;
    ev_timer_stop(l->ev, &l->alarm);
    int64_t wait_ms = first - l->now_ms;
    ev_timer_set(&l->alarm, wait_ms > 0 ? (double)wait_ms / 1000 : 0, 0);
    ev_timer_start(l->ev, &l->alarm);
}

static void loop_work(struct ev_loop *ev)
{
    struct loop *l = ev_userdata(ev);
    if (l->entering) { /* ev_run begins with one more dispatch, before it looks at descriptors */
        l->entering = false;
        return;
    }
    int64_t began_ns = clock_mono_ns();
    l->now_ms = began_ns / 1000000;
    l->working = true;
    struct list slices;
    list_init(&slices);
    move_all(&l->next_turn, &slices);
    ev_invoke_pending(ev);
    timers_run(&l->timers, l->now_ms);
    move_all(&slices, &l->laters);
    run_laters(l);
    if (list_empty(&l->next_turn))
        ev_idle_stop(ev, &l->idle);
    set_alarm(l);
    l->working = false;
    int64_t took_us = (clock_mono_ns() - began_ns) / 1000;
    if (took_us > l->longest_us)
        l->longest_us = took_us;
}

static void on_alarm(struct ev_loop *ev, ev_timer *w, int events)
{
    struct loop *l = ev_userdata(ev);
    l->alarm_at_ms = INT64_MAX; /* timers_run does the rest */
}

static void on_idle(struct ev_loop *ev, ev_idle *w, int events)
{
}

static void on_mail(struct ev_loop *ev, ev_async *w, int events)
{
    struct loop *l = ev_userdata(ev);
    mailbox_read(&l->mailbox);
}

static void wake(void *arg)
{
    loop_wake(arg);
}

struct loop *loop_new(void)
{
    struct loop *l = mem_new(sizeof *l);
    l->ev = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
    if (!l->ev)
        abort(); /* no epoll: nothing can run */
    ev_set_userdata(l->ev, l);
    ev_set_invoke_pending_cb(l->ev, loop_work);
    list_init(&l->laters);
    list_init(&l->next_turn);
    list_init(&l->at_end);
    l->alarm_at_ms = INT64_MAX;
    ev_timer_init(&l->alarm, on_alarm, 0, 0);
    ev_idle_init(&l->idle, on_idle);
    ev_async_init(&l->mail, on_mail);
    ev_async_start(l->ev, &l->mail);
    mailbox_init(&l->mailbox, wake, l);
    return l;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    move_all(&l->next_turn, &l->laters);
    run_laters(l); /* deferred frees */
    move_all(&l->at_end, &l->laters);
    run_laters(l);
    ev_loop_destroy(l->ev);
    timers_fini(&l->timers);
    mem_free(l);
}

/* What was put off before the loop ran has no turn of its own yet. */
static void before_turn(struct loop *l)
{
    l->now_ms = clock_mono_ns() / 1000000;
    run_laters(l);
    set_alarm(l);
    l->entering = true;
}

void loop_run(struct loop *l)
{
    before_turn(l);
    while (!l->stopped) {
        l->entering = true;
        ev_run(l->ev, 0);
    }
    l->stopped = false;
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
    ev_break(l->ev, EVBREAK_ALL);
}

static void on_limit(struct ev_loop *ev, ev_timer *w, int events)
{
}

void loop_turn(struct loop *l, int64_t max_wait_ms)
{
    before_turn(l);
    if (max_wait_ms <= 0) {
        ev_run(l->ev, EVRUN_NOWAIT);
        return;
    }
    ev_timer limit;
    ev_timer_init(&limit, on_limit, (double)max_wait_ms / 1000, 0);
    ev_now_update(l->ev);
    ev_timer_start(l->ev, &limit);
    ev_run(l->ev, EVRUN_ONCE);
    ev_timer_stop(l->ev, &limit);
}

int64_t loop_now_ms(struct loop *l)
{
    if (!l->working)
        l->now_ms = clock_mono_ns() / 1000000;
    return l->now_ms;
}

int64_t loop_take_longest_turn_us(struct loop *l)
{
    int64_t us = l->longest_us;
    l->longest_us = 0;
    return us;
}

/* --- descriptors */

static ev_io *watch_ev(struct watch *w)
{
    return (ev_io *)(void *)w->ev;
}

static void on_io(struct ev_loop *ev, ev_io *io, int events)
{
    struct watch *w = io->data;
    w->on_ready(w->arg, events & EV_READ, events & EV_WRITE);
}

void watch_init(struct watch *w, struct loop *l, int fd,
                void (*on_ready)(void *arg, bool readable, bool writable), void *arg)
{
    *w = (struct watch){.loop = l, .on_ready = on_ready, .arg = arg};
    ev_io *io = watch_ev(w);
    ev_io_init(io, on_io, fd, 0);
    io->data = w;
}

void watch_set(struct watch *w, bool want_read, bool want_write)
{
    if (w->want_read == want_read && w->want_write == want_write)
        return;
    w->want_read = want_read;
    w->want_write = want_write;
    ev_io *io = watch_ev(w);
    ev_io_stop(w->loop->ev, io);
    /* Not ev_io_set: that would cost an epoll_ctl even when the turn ends as it began. */
    ev_io_modify(io, (want_read ? EV_READ : 0) | (want_write ? EV_WRITE : 0));
    if (want_read || want_write)
        ev_io_start(w->loop->ev, io);
}

void watch_fini(struct watch *w)
{
    if (w->loop)
        watch_set(w, false, false);
}

/* --- timers */

void timer_init(struct timer *t, struct loop *l, void (*on_time)(void *arg), void *arg)
{
    *t = (struct timer){.loop = l, .on_time = on_time, .arg = arg};
}

void timer_start(struct timer *t, int64_t after_ms)
{
    struct loop *l = t->loop;
    timers_put(&l->timers, t, loop_now_ms(l) + (after_ms > 0 ? after_ms : 1));
    if (!l->working)
        set_alarm(l);
}

void timer_stop(struct timer *t)
{
    if (t->loop)
        timers_take(&t->loop->timers, t);
}

bool timer_running(const struct timer *t)
{
    return ((const struct timer_place *)(const void *)t->ev)->place != 0;
}

/* --- work for later */

void later_init(struct later *r, void (*run)(void *arg), void *arg)
{
    *r = (struct later){.run = run, .arg = arg};
    list_init(&r->node);
}

void loop_later(struct loop *l, struct later *r)
{
    list_remove(&r->node);
    list_append(&l->laters, &r->node);
}

void later_cancel(struct later *r)
{
    if (r->node.next)
        list_remove(&r->node);
}

void loop_next_turn(struct loop *l, struct later *r)
{
    list_remove(&r->node);
    list_append(&l->next_turn, &r->node);
    ev_idle_start(l->ev, &l->idle);
}

void loop_at_end(struct loop *l, struct later *r)
{
    list_remove(&r->node);
    list_append(&l->at_end, &r->node);
}

/* --- from outside the thread */

struct mailbox *loop_mailbox(struct loop *l)
{
    return &l->mailbox;
}

void loop_wake(struct loop *l)
{
    ev_async_send(l->ev, &l->mail);
}

static void on_signal(struct ev_loop *ev, ev_signal *w, int events)
{
    struct loop_signal *s = w->data;
    s->on_signal(s->arg, w->signum);
}

void loop_signal(struct loop *l, int signo, void (*call)(void *arg, int signo), void *arg)
{
    assert(l->n_signals < MOST_SIGNALS);
    struct loop_signal *s = &l->signals[l->n_signals++];
    s->on_signal = call;
    s->arg = arg;
    ev_signal_init(&s->ev, on_signal, signo);
    s->ev.data = s;
    ev_signal_start(l->ev, &s->ev);
}
