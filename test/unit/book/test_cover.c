/* SPDX-License-Identifier: Apache-2.0
 *
 * book/cover: the pieces of a span are its minutes, each once, and the fewest that there can be.
 */
#include "../../../src/book/cover.h"

#include "weir/base/random.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint32_t day0 = 20000 * COVER_DAY;

/* Every piece lies behind the one before, inside its period, and is whole; returns how many rows.
 */
static unsigned walk(struct cover c, uint32_t *out_last)
{
    struct cover_piece p;
    uint32_t at = c.at;
    unsigned rows = 0;
    while (cover_next(&c, &p)) {
        assert_true(p.first < p.last && p.first * p.unit <= at);
        assert_true(p.first * p.unit == at || at % p.unit != 0);
        if (p.first * p.unit >= c.minutes_from)
            for (uint32_t n = p.first; n < p.last; n++)
                assert_int_equal(cover_period(&c, n * p.unit),
                                 cover_period(&c, n * p.unit + p.unit - 1));
        at = p.last * p.unit;
        rows += p.last - p.first;
    }
    *out_last = at;
    return rows;
}

/* By trying: how many days, hours and minutes fit in greedily. */
static unsigned fewest(struct cover c)
{
    unsigned rows = 0;
    for (; c.at < c.until; rows++) {
        uint32_t unit = 1;
        for (uint32_t u = COVER_HOUR; u <= COVER_DAY; u *= 24)
            if (c.at % u == 0 && c.at + u <= c.until &&
                (!c.period || c.at / c.period == (c.at + u - 1) / c.period))
                unit = u;
        c.at += unit;
    }
    return rows;
}

static void covers_any_span(void **state)
{
    static const uint32_t periods[] = {0, 1, 5, 7, 60, 90, 1440, 2880, 4000};
    random_seed(21);
    for (int round = 0; round < 3000; round++) {
        struct cover c = {.at = day0 + (uint32_t)random_below(5000),
                          .period = periods[random_below(9)]};
        uint32_t last;
        c.until = c.at + (uint32_t)random_below(9000);
        assert_int_equal(walk(c, &last), fewest(c));
        assert_int_equal(last, c.until);
    }
    random_seed(0);
}

static void at_borders(void **state)
{
    uint32_t last;
    struct cover_piece p;
    struct cover c = {.at = day0 - 1, .until = day0 + COVER_DAY + 1};
    assert_int_equal(walk(c, &last), 3);
    c = (struct cover){.at = day0, .until = day0 + 2 * COVER_DAY};
    assert_true(cover_next(&c, &p) && p.table == TABLE_DAYS && p.last - p.first == 2);
    assert_false(cover_next(&c, &p));
    c = (struct cover){.at = day0, .until = day0 + COVER_DAY - 1};
    assert_int_equal(walk(c, &last), 23 + 59);
    c = (struct cover){.at = day0, .until = day0};
    assert_false(cover_next(&c, &p));
}

/* Where minutes are gone hours are taken whole, and where hours are gone, days. */
static void grows(void **state)
{
    uint32_t last, from = day0 + 61, until = day0 + COVER_DAY + 61;
    struct cover c = {.at = from, .until = until, .minutes_from = day0 + 2 * COVER_DAY};
    assert_int_equal(walk(c, &last), 23 + 2);
    cover_grown(&c, &from, &until);
    assert_true(from == day0 + COVER_HOUR && until == day0 + COVER_DAY + 2 * COVER_HOUR);
    assert_int_equal(last, until);
    c = (struct cover){.at = day0 + 61,
                       .until = day0 + COVER_DAY + 61,
                       .minutes_from = day0 + COVER_DAY + COVER_HOUR,
                       .hours_from = day0 + COVER_DAY};
    assert_int_equal(walk(c, &last), 1 + 1 + 1); /* a day, an hour, a minute */
    from = day0 + 61, until = day0 + COVER_DAY + 61;
    cover_grown(&c, &from, &until);
    assert_true(from == day0 && until == day0 + COVER_DAY + 61);
    /* What is aligned stays. */
    c = (struct cover){.minutes_from = UINT32_MAX, .hours_from = UINT32_MAX};
    from = day0, until = day0 + COVER_DAY;
    cover_grown(&c, &from, &until);
    assert_true(from == day0 && until == day0 + COVER_DAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(covers_any_span),
        cmocka_unit_test(at_borders),
        cmocka_unit_test(grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
