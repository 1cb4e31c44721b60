/* SPDX-License-Identifier: Apache-2.0
 *
 * net/loop: descriptors, timers on a clock that the test sets, the end of a turn, mail.
 */
#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/base/str.h"
#include "weir/net/loop.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char trace[64];

static void note(void *arg)
{
    strncat(trace, arg, sizeof trace - strlen(trace) - 1);
}

static int setup(void **state)
{
    trace[0] = 0;
    clock_fake(1000000000000, 0);
    *state = loop_new();
    return 0;
}

static int teardown(void **state)
{
    loop_free(*state);
    clock_real();
    return 0;
}

static void at_ms(int64_t ms)
{
    clock_fake(1000000000000 + ms * 1000000, 0);
}

static void timers_fire_in_order(void **state)
{
    struct loop *l = *state;
    struct timer t[5];
    static char names[5][2] = {"a", "b", "c", "d", "e"};
    static const int64_t when[5] = {30, 10, 50, 20, 40};
    for (size_t i = 0; i < 5; i++) {
        timer_init(&t[i], l, note, names[i]);
        timer_start(&t[i], when[i]);
    }
    loop_turn(l, 0);
    assert_string_equal(trace, "");
    at_ms(30);
    timer_stop(&t[3]);
    timer_start(&t[1], 5); /* moved: due at 35 */
    loop_turn(l, 0);
    assert_string_equal(trace, "a");
    assert_false(timer_running(&t[0]));
    assert_true(timer_running(&t[1]));
    at_ms(100);
    loop_turn(l, 0);
    assert_string_equal(trace, "abec");
}

struct again {
    struct timer t;
    int fired;
};

static void restart(void *arg)
{
    struct again *a = arg;
    a->fired++;
    timer_start(&a->t, 0);
}

static void a_timer_that_restarts_itself_ends_the_turn(void **state)
{
    struct loop *l = *state;
    struct again a = {.fired = 0};
    timer_init(&a.t, l, restart, &a);
    timer_start(&a.t, 1);
    at_ms(1);
    loop_turn(l, 0);
    assert_int_equal(a.fired, 1);
    at_ms(2);
    loop_turn(l, 0);
    assert_int_equal(a.fired, 2);
    timer_stop(&a.t);
}

/* Many timers put and taken in a scrambled order still come out sorted. */
static int64_t last_due;
struct many {
    struct timer t;
    int64_t due;
};
static void in_order(void *arg)
{
    struct many *m = arg;
    assert_true(m->due >= last_due);
    last_due = m->due;
}

static void the_heap_stays_a_heap(void **state)
{
    struct loop *l = *state;
    enum { N = 500 };
    struct many *m = mem_new(N * sizeof *m);
    last_due = 0;
    for (size_t i = 0; i < N; i++) {
        m[i].due = (int64_t)(i * 7919 % 1009) + 1;
        timer_init(&m[i].t, l, in_order, &m[i]);
        timer_start(&m[i].t, m[i].due);
    }
    for (size_t i = 0; i < N; i += 3)
        timer_stop(&m[i].t);
    at_ms(2000);
    loop_turn(l, 0);
    size_t running = 0;
    for (size_t i = 0; i < N; i++)
        running += timer_running(&m[i].t);
    assert_int_equal(running, 0);
    assert_true(last_due > 900);
    mem_free(m);
}

struct chain {
    struct loop *l;
    struct later first, second, slice;
};

static void run_first(void *arg)
{
    struct chain *c = arg;
    note("1");
    loop_later(c->l, &c->second);
    loop_next_turn(c->l, &c->slice);
}

static void the_end_of_a_turn(void **state)
{
    struct chain c = {.l = *state};
    later_init(&c.first, run_first, &c);
    later_init(&c.second, note, "2");
    later_init(&c.slice, note, "3");
    loop_next_turn(c.l, &c.first);
    loop_later(c.l, &c.first); /* once, however often and wherever it is asked for */
    loop_later(c.l, &c.first);
    loop_next_turn(c.l, &c.first);
    loop_turn(c.l, 0);
    assert_string_equal(trace, "12");
    loop_turn(c.l, 10000); /* does not wait: there is work */
    assert_string_equal(trace, "123");
    loop_later(c.l, &c.second);
    later_cancel(&c.second);
    later_cancel(&c.second);
    loop_turn(c.l, 0);
    assert_string_equal(trace, "123");
}

struct pipe_end {
    struct watch w;
    int fd;
    unsigned readable, writable;
};

static void on_pipe(void *arg, bool readable, bool writable)
{
    struct pipe_end *p = arg;
    p->readable += readable;
    p->writable += writable;
}

static void descriptors(void **state)
{
    struct loop *l = *state;
    int fd[2];
    assert_int_equal(pipe2(fd, O_CLOEXEC | O_NONBLOCK), 0);
    struct pipe_end r = {.fd = fd[0]}, w = {.fd = fd[1]};
    watch_init(&r.w, l, r.fd, on_pipe, &r);
    watch_init(&w.w, l, w.fd, on_pipe, &w);
    watch_set(&r.w, true, false);
    loop_turn(l, 0);
    assert_int_equal(r.readable + w.writable, 0);
    watch_set(&w.w, false, true);
    loop_turn(l, 1000);
    assert_true(w.writable == 1 && !r.readable);
    watch_set(&w.w, false, false);
    assert_int_equal(write(w.fd, "x", 1), 1);
    loop_turn(l, 1000);
    assert_true(r.readable == 1 && w.writable == 1);
    watch_set(&r.w, false, false);
    loop_turn(l, 0);
    loop_turn(l, 0);
    assert_int_equal(r.readable, 1);
    watch_set(&r.w, true, false); /* still there: level, not edge */
    loop_turn(l, 1000);
    assert_int_equal(r.readable, 2);
    watch_fini(&r.w);
    watch_fini(&w.w);
    close(fd[0]);
    close(fd[1]);
}

struct letter {
    struct mail mail;
    struct loop *l;
};

static unsigned delivered;

static void deliver(struct mail *m)
{
    struct letter *letter = (struct letter *)(void *)m;
    if (++delivered == 100)
        loop_stop(letter->l);
    mem_free(letter);
}

static void *send_letters(void *arg)
{
    for (int i = 0; i < 100; i++) {
        struct letter *letter = mem_new(sizeof *letter);
        letter->mail.deliver = deliver;
        letter->l = arg;
        mailbox_send(loop_mailbox(arg), &letter->mail);
    }
    return NULL;
}

static void mail_from_another_thread(void **state)
{
    struct loop *l = *state;
    pthread_t thread;
    delivered = 0;
    assert_int_equal(pthread_create(&thread, NULL, send_letters, l), 0);
    loop_run(l); /* until the hundredth letter stops it */
    pthread_join(thread, NULL);
    assert_int_equal(delivered, 100);
}

static void got_signal(void *arg, int signo)
{
    *(int *)arg = signo;
}

static void signals(void **state)
{
    int got = 0;
    loop_signal(*state, SIGUSR1, got_signal, &got);
    raise(SIGUSR1);
    loop_turn(*state, 1000);
    assert_int_equal(got, SIGUSR1);
}

static void takes_time(void *arg)
{
    at_ms(7);
}

static void the_longest_turn(void **state)
{
    struct loop *l = *state;
    struct later slow, slice;
    later_init(&slow, takes_time, NULL);
    later_init(&slice, note, "");
    loop_next_turn(l, &slow);
    loop_turn(l, 0);
    assert_int_equal(loop_take_longest_turn_us(l), 7000);
    loop_next_turn(l, &slice);
    loop_turn(l, 0);
    assert_int_equal(loop_take_longest_turn_us(l), 0);
    assert_int_equal(loop_now_ms(l), 1000007);
}

int main(void)
{
#define LOOP_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        LOOP_TEST(timers_fire_in_order),
        LOOP_TEST(a_timer_that_restarts_itself_ends_the_turn),
        LOOP_TEST(the_heap_stays_a_heap),
        LOOP_TEST(the_end_of_a_turn),
        LOOP_TEST(descriptors),
        LOOP_TEST(mail_from_another_thread),
        LOOP_TEST(signals),
        LOOP_TEST(the_longest_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
