/* SPDX-License-Identifier: Apache-2.0
 *
 * net/handshakes: what one source may begin, and that it is nobody else's loss.
 */
#include "weir/base/limits.h"
#include "weir/base/random.h"
#include "weir/net/handshakes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { NOW_MS = 1000000 };

static struct handshakes *h;

static int setup(void **state)
{
    random_seed(7);
    h = handshakes_new(NOW_MS);
    return 0;
}

static int teardown(void **state)
{
    handshakes_free(h);
    random_seed(0);
    return 0;
}

/* Begins and ends at once, until it is refused; how often it went. */
static int begin_until_refused(const char *source, int64_t now_ms)
{
    struct handshake one = {0};
    int n = 0;
    for (; n < 10000 && handshakes_begin(h, str_of(source), now_ms, &one); n++)
        handshakes_end(h, &one);
    return n;
}

static void so_many_under_way(void **state)
{
    struct handshake all[LIMIT_HANDSHAKES_UNDER_WAY], one = {0};
    char source[32];
    for (int i = 0; i < LIMIT_HANDSHAKES_UNDER_WAY; i++) {
        snprintf(source, sizeof source, "192.0.2.1:%d", 1000 + i); /* the port says nothing */
        assert_true(handshakes_begin(h, str_of(source), NOW_MS, &all[i]));
    }
    assert_false(handshakes_begin(h, S("192.0.2.1:9"), NOW_MS, &one));
    assert_false(one.under_way);
    assert_true(handshakes_begin(h, S("192.0.2.2:9"), NOW_MS, &one));
    handshakes_end(h, &all[5]);
    handshakes_end(h, &all[5]); /* a second time says nothing */
    assert_true(handshakes_begin(h, S("192.0.2.1:9"), NOW_MS, &all[5]));
    assert_false(handshakes_begin(h, S("192.0.2.1:9"), NOW_MS, &one));
}

static void so_many_a_second(void **state)
{
    assert_int_equal(begin_until_refused("192.0.2.1:1", NOW_MS), LIMIT_HANDSHAKES_BURST);
    assert_int_equal(begin_until_refused("192.0.2.1:1", NOW_MS + 500), LIMIT_HANDSHAKES_PER_S / 2);
    int n = 0;
    for (int ms = 501; ms <= 1500; ms++) /* asked for all the time, it fills as fast */
        n += begin_until_refused("192.0.2.1:1", NOW_MS + ms);
    assert_int_equal(n, LIMIT_HANDSHAKES_PER_S);
    assert_int_equal(begin_until_refused("192.0.2.1:1", NOW_MS + 90000), LIMIT_HANDSHAKES_BURST);
    assert_int_equal(begin_until_refused("192.0.2.1:1", NOW_MS), 0); /* a clock that goes back */
}

/* One host has a whole /64 of IPv6; and ::ffff:192.0.2.1 is 192.0.2.1. */
static void who_is_one_source(void **state)
{
    assert_int_equal(begin_until_refused("[2001:db8:0:1::7]:1", NOW_MS), LIMIT_HANDSHAKES_BURST);
    assert_int_equal(begin_until_refused("[2001:db8:0:1:ffff::8]:2", NOW_MS), 0);
    assert_int_equal(begin_until_refused("[2001:db8:0:2::7]:1", NOW_MS), LIMIT_HANDSHAKES_BURST);
    assert_int_equal(begin_until_refused("192.0.2.1:1", NOW_MS), LIMIT_HANDSHAKES_BURST);
    assert_int_equal(begin_until_refused("[::ffff:192.0.2.1]:1", NOW_MS), 0);
    assert_int_equal(begin_until_refused("local", NOW_MS), LIMIT_HANDSHAKES_BURST);
}

/* Whatever one source does, a thousand others get in; and the memory is what it was. */
static void others_do_not_notice(void **state)
{
    struct handshake one;
    char source[32];
    int refused = 0;
    (void)begin_until_refused("198.51.100.7:1", NOW_MS);
    for (int i = 0; i < LIMIT_HANDSHAKES_UNDER_WAY; i++)
        (void)handshakes_begin(h, S("198.51.100.7:1"), NOW_MS, &one);
    for (int i = 0; i < 1000; i++) {
        snprintf(source, sizeof source, "10.0.%d.%d:1", i / 250, i % 250);
        refused += !handshakes_begin(h, str_of(source), NOW_MS, &one);
        handshakes_end(h, &one);
    }
    assert_int_equal(refused, 0);
}

int main(void)
{
#define H_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        H_TEST(so_many_under_way),
        H_TEST(so_many_a_second),
        H_TEST(who_is_one_source),
        H_TEST(others_do_not_notice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
