/* SPDX-License-Identifier: Apache-2.0
 *
 * book/measure: what each name comes to in a rollup.
 */
#include "weir/book/measure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Two calls, one of them from the cache. */
static struct rollup sample(void)
{
    struct rollup r = {0};
    r.counts[ROLLUP_REQUESTS] = 3;
    r.counts[ROLLUP_INVOCATIONS] = 2;
    r.counts[ROLLUP_THROTTLES] = 1;
    r.usage = (struct usage){{100, 50, 300, 60, 30, 10}};
    r.cost_nanousd = 1500000000;
    r.untouched_nanousd = 1250000000;
    r.histograms[ROLLUP_LATENCY_US] =
        (struct histogram){.count = 2, .sum = 3500, .least = 500, .most = 3000};
    return r;
}

static struct measured of(enum measure_id id)
{
    struct rollup r = sample();
    struct measured got;
    assert_true(measure_read(measure_row(id), &r, &got));
    return got;
}

static void names(void **state)
{
    assert_ptr_equal(measure_find(S("Invocations")), measure_row(MEASURE_INVOCATIONS));
    assert_ptr_equal(measure_find(S("CacheReadInputTokens")),
                     measure_find(S("CacheReadInputTokenCount")));
    assert_ptr_equal(measure_find(S("CacheWriteInputTokens")), measure_row(MEASURE_CACHE_WRITE));
    assert_null(measure_find(S("")));
    assert_null(measure_find(S("invocations")));
}

static void counts_and_tokens(void **state)
{
    struct measured m = of(MEASURE_INVOCATIONS);
    assert_true(m.samples == 2 && m.sum == 2 && m.ranged && m.least == 1 && m.most == 1);
    m = of(MEASURE_THROTTLES);
    assert_true(m.samples == 1 && m.sum == 1);
    m = of(MEASURE_INPUT);
    assert_true(m.samples == 2 && m.sum == 100 && !m.ranged && !m.times);
    assert_true(of(MEASURE_OUTPUT).sum == 50);
    assert_true(of(MEASURE_CACHE_READ).sum == 300);
    assert_true(of(MEASURE_CACHE_WRITE).sum == 100);
}

static void times_rate_and_money(void **state)
{
    struct measured m = of(MEASURE_LATENCY);
    assert_true(m.samples == 2 && m.sum == 3.5 && m.least == 0.5 && m.most == 3 && m.times);
    m = of(MEASURE_HIT_RATE);
    assert_true(m.samples == 1 && m.sum == 60); /* 300 of 100 + 300 + 60 + 30 + 10 */
    assert_true(of(MEASURE_COST).sum == 1.5);
    assert_true(of(MEASURE_SAVINGS).sum == -0.25);
}

static void what_waits(void **state)
{
    struct rollup r = {.queue = {2, {47, 7, 40}, {11000000, 2000000, 9000000}}};
    struct measured m;
    assert_true(measure_read(measure_row(MEASURE_QUEUE_DEPTH), &r, &m));
    assert_true(m.samples == 2 && m.sum == 47 && m.ranged && m.least == 7 && m.most == 40);
    assert_true(measure_read(measure_row(MEASURE_QUEUE_AGE), &r, &m));
    assert_true(m.sum == 11 && m.least == 2 && m.most == 9);
    r.queue.samples = 0;
    assert_false(measure_read(measure_row(MEASURE_QUEUE_DEPTH), &r, &m));
}

static void no_price_is_not_zero_dollars(void **state)
{
    struct rollup r = sample();
    struct measured m;
    r.counts[ROLLUP_UNPRICED] = 1;
    assert_true(measure_read(measure_row(MEASURE_COST), &r, &m));
    assert_true(m.samples == 1 && m.ranged && m.least == 1.5 && m.most == 1.5);
    r.cost_nanousd = r.untouched_nanousd = 0;
    r.counts[ROLLUP_UNPRICED] = 2;
    assert_false(measure_read(measure_row(MEASURE_COST), &r, &m));
    assert_false(measure_read(measure_row(MEASURE_SAVINGS), &r, &m));
}

static void nothing_is_no_point(void **state)
{
    struct rollup empty = {0};
    struct measured m;
    for (unsigned id = 0; id < MEASURES; id++)
        assert_false(measure_read(measure_row((enum measure_id)id), &empty, &m));
    empty.usage.tokens[TOKEN_OUTPUT] = 5; /* used without an invocation: told all the same */
    assert_true(measure_read(measure_row(MEASURE_OUTPUT), &empty, &m));
    assert_true(m.samples == 1 && m.sum == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(counts_and_tokens),
        cmocka_unit_test(times_rate_and_money),
        cmocka_unit_test(what_waits),
        cmocka_unit_test(no_price_is_not_zero_dollars),
        cmocka_unit_test(nothing_is_no_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
