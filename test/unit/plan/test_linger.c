/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/linger: who never fills a pool is not held for a time, and who does is.
 */
#include "weir/plan/linger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { HOUR = 3600 * 1000 };

static const int64_t noon = 1763640000000;

/* n are held at once, the pool's time comes, they leave. */
static bool round_of(struct linger *l, uint32_t n, int64_t now_ms)
{
    for (uint32_t i = 0; i < n; i++)
        linger_held(l);
    bool closed = linger_judge(l, 100, now_ms);
    for (uint32_t i = 0; i < n; i++)
        linger_left(l);
    return closed;
}

static void closed_at_the_third_miss(void **state)
{
    struct linger l = {0};
    assert_true(linger_may(&l, noon));
    assert_false(round_of(&l, 1, noon));
    assert_false(round_of(&l, 99, noon));
    assert_true(round_of(&l, 1, noon));
    assert_false(linger_may(&l, noon + HOUR - 1));
    assert_true(linger_may(&l, noon + HOUR));
    assert_true(linger_may(&l, noon - 25 * HOUR)); /* the clock went back */
}

static void one_that_fills_forgives(void **state)
{
    struct linger l = {0};
    round_of(&l, 1, noon);
    round_of(&l, 1, noon);
    assert_false(round_of(&l, 100, noon));
    assert_false(round_of(&l, 1, noon));
    assert_false(round_of(&l, 1, noon));
    assert_true(round_of(&l, 1, noon));
}

static void only_who_held_something(void **state)
{
    struct linger l = {0};
    round_of(&l, 1, noon);
    round_of(&l, 1, noon);
    for (int i = 0; i < 10; i++)
        assert_false(round_of(&l, 0, noon));
    assert_true(round_of(&l, 1, noon));
    linger_left(&l); /* once too often */
    assert_int_equal(l.in_flight, 0);
}

/* What is still in flight of an earlier job counts with what comes. */
static void in_flight_counts_together(void **state)
{
    struct linger l = {0};
    for (int i = 0; i < 60; i++)
        linger_held(&l);
    linger_judge(&l, 100, noon);
    assert_int_equal(l.misses, 1);
    for (int i = 0; i < 40; i++)
        linger_held(&l);
    assert_false(linger_judge(&l, 100, noon));
    assert_int_equal(l.misses, 0);
}

static void enough_at_a_time_opens_it_again(void **state)
{
    struct linger l = {0};
    for (int i = 0; i < LINGER_MISSES; i++) {
        linger_held(&l);
        linger_left(&l);
        (void)linger_judge(&l, 100, noon);
    }
    assert_false(linger_may(&l, noon));
    for (int i = 0; i < 99; i++)
        linger_asks(&l, 100);
    linger_asked(&l);
    linger_asks(&l, 100);
    assert_false(linger_may(&l, noon));
    linger_asks(&l, 100);
    assert_true(linger_may(&l, noon));
    linger_held(&l);
    assert_false(linger_judge(&l, 100, noon)); /* from the beginning */
}

static void longer_each_time_up_to_a_day(void **state)
{
    static const int hours[] = {1, 2, 4, 8, 16, 24, 24, 24};
    struct linger l = {0};
    int64_t now = noon;
    for (size_t i = 0; i < sizeof hours / sizeof *hours; i++) {
        while (!round_of(&l, 1, now))
            ;
        assert_int_equal(l.closed_until_ms - now, (int64_t)hours[i] * HOUR);
        now = l.closed_until_ms;
    }
    round_of(&l, 100, now);
    while (!round_of(&l, 1, now))
        ;
    assert_int_equal(l.closed_until_ms - now, HOUR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_at_the_third_miss),
        cmocka_unit_test(one_that_fills_forgives),
        cmocka_unit_test(only_who_held_something),
        cmocka_unit_test(in_flight_counts_together),
        cmocka_unit_test(enough_at_a_time_opens_it_again),
        cmocka_unit_test(longer_each_time_up_to_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
