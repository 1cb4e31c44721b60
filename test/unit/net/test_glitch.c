/* SPDX-License-Identifier: Apache-2.0
 *
 * net/glitch: how much of each kind is too much.
 */
#include "weir/net/glitch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* How many go at once before it is too much; at most `most` are tried. */
static int how_many(struct glitch *g, enum glitch_kind kind, int64_t now_ms, int most)
{
    int n = 0;
    while (n < most && !glitch_charge(g, kind, now_ms))
        n++;
    return n;
}

static void bursts(void **state)
{
    static const int expected[GLITCH_KINDS] = {100, 100, 100, 100, 100, 100, 1000, 1000};
    struct glitch g;
    glitch_init(&g, 5000);
    for (int kind = 0; kind < GLITCH_KINDS; kind++)
        assert_int_equal(how_many(&g, (enum glitch_kind)kind, 5000, 5000), expected[kind]);
    for (int kind = 0; kind < GLITCH_KINDS; kind++) /* and goes on saying so */
        assert_true(glitch_charge(&g, (enum glitch_kind)kind, 5000));
}

static void refills(void **state)
{
    static const int after_10_s[GLITCH_KINDS] = {100, 1, 100, 100, 0, 0, 1000, 1000};
    static const int after_1_s[GLITCH_KINDS] = {33, 0, 10, 10, 0, 0, 100, 100};
    for (int kind = 0; kind < GLITCH_KINDS; kind++) {
        struct glitch g;
        glitch_init(&g, 0);
        (void)how_many(&g, (enum glitch_kind)kind, 0, 5000);
        assert_int_equal(how_many(&g, (enum glitch_kind)kind, 1000, 5000), after_1_s[kind]);
        assert_int_equal(how_many(&g, (enum glitch_kind)kind, 11000, 5000), after_10_s[kind]);
    }
}

/* A steady trickle below the rate goes on for ever, in steps shorter than a token. */
static void a_steady_trickle(void **state)
{
    struct glitch g;
    glitch_init(&g, 0);
    for (int64_t ms = 0; ms < 1000000; ms += 101)
        assert_false(glitch_charge(&g, GLITCH_PING, ms));
    glitch_init(&g, 0);
    int64_t ms = 0;
    while (ms < 1000000 && !glitch_charge(&g, GLITCH_PING, ms))
        ms += 50; /* twice the rate */
    assert_in_range(ms, 9000, 11000);
}

/* Looking often does not stop the refill, however short the while. */
static void short_whiles_add_up(void **state)
{
    struct glitch g;
    glitch_init(&g, 0);
    (void)how_many(&g, GLITCH_FAULT, 0, 1000);
    for (int64_t ms = 1; ms < 9999; ms++)
        assert_true(glitch_charge(&g, GLITCH_FAULT, ms));
    assert_false(glitch_charge(&g, GLITCH_FAULT, 10001)); /* one in ten seconds */
}

static void earns(void **state)
{
    struct glitch g;
    glitch_init(&g, 0);
    (void)how_many(&g, GLITCH_PRIORITY, 0, 1000);
    glitch_earn(&g, GLITCH_PRIORITY, 2);
    assert_int_equal(how_many(&g, GLITCH_PRIORITY, 0, 1000), 2);
    glitch_earn(&g, GLITCH_EMPTY_DATA, 1000000); /* never more than full */
    assert_int_equal(how_many(&g, GLITCH_EMPTY_DATA, 0, 1000), 100);
    glitch_init(&g, 0);
    assert_int_equal(how_many(&g, GLITCH_PING, 1000000000, 1000), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bursts),
        cmocka_unit_test(refills),
        cmocka_unit_test(a_steady_trickle),
        cmocka_unit_test(short_whiles_add_up),
        cmocka_unit_test(earns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
