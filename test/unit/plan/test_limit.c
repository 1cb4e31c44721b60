/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/limit: buckets against a model that fills itself millisecond by millisecond, the edges of
 * its numbers, budgets over the turn of a period, and the calendar against the C library's.
 */
#include "weir/plan/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

/* --- a model: one step a millisecond */

struct model {
    int64_t parts, most; /* a millisecond's share is `per_minute` parts, one is 60,000 */
};

static void pass(struct model *m, uint64_t per_minute, int64_t ms)
{
    for (; ms > 0; ms--)
        m->parts =
            m->parts + (int64_t)per_minute < m->most ? m->parts + (int64_t)per_minute : m->most;
}

static uint64_t seed;

static uint64_t below(uint64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % n;
}

static void step(struct limit_rate *r, struct model *m, int64_t now_ms)
{
    uint64_t n = below(r->per_minute + r->per_minute / 4 + 2);
    int64_t more = (int64_t)below(2 * r->per_minute + 1) - (int64_t)r->per_minute;
    if (below(3) == 0) {
        limit_rate_adjust(r, more, now_ms);
        m->parts = m->parts - more * 60000 < m->most ? m->parts - more * 60000 : m->most;
        return;
    }
    int64_t wait_ms = limit_rate_take(r, n, now_ms);
    if (n > r->per_minute) {
        assert_true(wait_ms == INT64_MAX);
    } else if (m->parts >= (int64_t)n * 60000) {
        assert_int_equal(wait_ms, 0);
        m->parts -= (int64_t)n * 60000;
    } else {
        struct model later = *m;
        pass(&later, r->per_minute, wait_ms - 1);
        assert_true(later.parts < (int64_t)n * 60000);
        pass(&later, r->per_minute, 1);
        assert_true(later.parts >= (int64_t)n * 60000);
    }
}

static void is_the_model(void **state)
{
    for (uint64_t round = 1; round <= 60; round++) {
        struct limit_rate r = {0};
        int64_t now_ms = 1700000000000 + (int64_t)round;
        seed = round * 0x9e3779b97f4a7c15;
        uint64_t per_minute = 1 + below(round % 2 ? 50 : 100000);
        struct model m = {(int64_t)per_minute * 60000, (int64_t)per_minute * 60000};
        limit_rate_set(&r, per_minute, now_ms);
        for (int i = 0; i < 300; i++) {
            int64_t ms = (int64_t)below(i % 10 ? 40 : 5000);
            now_ms += ms;
            pass(&m, per_minute, ms);
            step(&r, &m, now_ms);
            assert_int_equal(limit_rate_left(&r, now_ms), m.parts > 0 ? m.parts / 60000 : 0);
        }
    }
}

/* Whatever the steps, so many go in a day: the burst at first, then so many a minute. */
static void does_not_drift(void **state)
{
    static const uint64_t rates[] = {1, 7, 59, 60, 61, 997, 6001};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct limit_rate r = {0};
        uint64_t taken = 0;
        int64_t now_ms = 0, end_ms = 24 * 60 * 60000;
        limit_rate_set(&r, rates[i], now_ms);
        while (now_ms <= end_ms) {
            int64_t wait_ms = limit_rate_take(&r, 1, now_ms);
            taken += wait_ms == 0;
            if (wait_ms > 13) /* many looks in between */
                wait_ms = rates[i] > 100 ? wait_ms : 13;
            now_ms += wait_ms;
        }
        assert_int_equal(taken, rates[i] * (1 + 24 * 60));
    }
}

static void holds_a_minute(void **state)
{
    struct limit_rate r = {0};
    assert_int_equal(limit_rate_take(&r, UINT64_MAX, 5), 0); /* no limit */
    assert_true(limit_rate_left(&r, 5) == UINT64_MAX);
    limit_rate_adjust(&r, INT64_MIN, 5);
    limit_rate_set(&r, 10, 1000);
    assert_int_equal(limit_rate_left(&r, 1000000000), 10);
    assert_int_equal(limit_rate_take(&r, 10, 1000), 0);
    assert_int_equal(limit_rate_take(&r, 1, 1000), 6000);
    assert_int_equal(limit_rate_take(&r, 10, 1000), 60000);
    assert_true(limit_rate_take(&r, 11, 1000) == INT64_MAX);
    limit_rate_adjust(&r, -3, 1000);
    assert_int_equal(limit_rate_left(&r, 1000), 3);
    limit_rate_adjust(&r, 13, 1000); /* ten are owed */
    assert_int_equal(limit_rate_left(&r, 1000), 0);
    assert_int_equal(limit_rate_take(&r, 0, 1000), 60000);
    assert_int_equal(limit_rate_take(&r, 1, 1000), 66000);
    limit_rate_adjust(&r, -1000, 1000);
    assert_int_equal(limit_rate_left(&r, 1000), 10); /* never more than a minute's worth */
}

static void keeps_its_share(void **state)
{
    struct limit_rate r = {0};
    limit_rate_set(&r, 100, 0);
    assert_int_equal(limit_rate_take(&r, 75, 0), 0);
    limit_rate_set(&r, 1000, 0);
    assert_int_equal(limit_rate_left(&r, 0), 250);
    limit_rate_set(&r, 1000, 0);
    assert_int_equal(limit_rate_left(&r, 0), 250);
    limit_rate_set(&r, 4, 0);
    assert_int_equal(limit_rate_left(&r, 0), 1);
    limit_rate_set(&r, 0, 0);
    assert_int_equal(limit_rate_take(&r, 1000, 0), 0);
    limit_rate_set(&r, 8, 0);
    assert_int_equal(limit_rate_left(&r, 0), 8);
    assert_int_equal(limit_rate_take(&r, 8, 0), 0);
    limit_rate_adjust(&r, 8, 0);
    limit_rate_set(&r, 80, 0); /* what is owed, too */
    assert_int_equal(limit_rate_take(&r, 1, 0), 60750);
}

/* A clock that goes back fills nothing, and time goes on from there. */
static void stands_a_clock_that_goes_back(void **state)
{
    struct limit_rate r = {0};
    limit_rate_set(&r, 60, 1000000);
    assert_int_equal(limit_rate_take(&r, 60, 1000000), 0);
    assert_int_equal(limit_rate_left(&r, 0), 0);
    assert_int_equal(limit_rate_take(&r, 1, 400000), 1000);
    assert_int_equal(limit_rate_take(&r, 1, 401000), 0);
    assert_int_equal(limit_rate_take(&r, 1, 401000), 1000);
}

static void stands_the_largest_numbers(void **state)
{
    static const uint64_t counts[] = {0, 1, 60000, INT64_MAX, UINT64_MAX - 1, UINT64_MAX};
    static const int64_t times[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    seed = 11;
    for (int i = 0; i < 20000; i++) {
        struct limit_rate r = {counts[below(6)], times[below(5)], times[below(5)]};
        uint64_t n = counts[below(6)], left;
        int64_t now_ms = times[below(5)];
        limit_rate_set(&r, counts[below(6)], now_ms);
        int64_t wait_ms = limit_rate_take(&r, n, now_ms);
        assert_true(wait_ms >= 0);
        limit_rate_adjust(&r, times[below(5)], times[below(5)]);
        left = limit_rate_left(&r, times[below(5)]);
        assert_true(left == UINT64_MAX || left <= r.per_minute);
    }
}

/* --- money */

static void reserves_and_settles(void **state)
{
    struct limit_budget b = {.most_nanousd = 110, .waiting_nanousd = 10, .period = 7};
    assert_true(limit_budget_reserve(&b, 60, 7));
    assert_true(limit_budget_gone(&b) == 70);
    assert_false(limit_budget_reserve(&b, 41, 7));
    assert_true(limit_budget_reserve(&b, 40, 7));
    assert_true(limit_budget_reserve(&b, 0, 7));
    limit_budget_settle(&b, 60, 10, 7);
    assert_true(b.spent_nanousd == 10 && b.reserved_nanousd == 40);
    assert_true(limit_budget_reserve(&b, 50, 7));
    assert_false(limit_budget_reserve(&b, 1, 7));
    limit_budget_hold(&b, 1000, 7); /* let in all the same */
    limit_budget_settle(&b, 1000, 1000, 7);
    assert_true(b.spent_nanousd == 1010);
    assert_false(limit_budget_reserve(&b, 0, 7));
    b.most_nanousd = 0;
    assert_true(limit_budget_reserve(&b, UINT64_MAX, 7));
}

/* A reservation from before midnight is spent in the day of its end. */
static void turns_with_the_period(void **state)
{
    struct limit_budget b = {.most_nanousd = 100, .period = 7};
    assert_true(limit_budget_reserve(&b, 60, 7));
    limit_budget_settle(&b, 0, 40, 7);
    assert_false(limit_budget_reserve(&b, 1, 7));
    assert_true(limit_budget_reserve(&b, 40, 8));
    assert_false(limit_budget_reserve(&b, 1, 8));
    limit_budget_settle(&b, 60, 55, 8);
    assert_true(b.spent_nanousd == 55 && b.reserved_nanousd == 40 && b.period == 8);
    limit_budget_settle(&b, 40, 5, 7); /* the clock went back a little over midnight */
    assert_true(b.spent_nanousd == 60 && b.reserved_nanousd == 0 && b.period == 8);
    limit_budget_turn(&b, 3); /* it had been far ahead */
    assert_true(b.spent_nanousd == 0 && b.period == 3);
}

static void stands_the_largest_sums(void **state)
{
    struct limit_budget b = {.most_nanousd = UINT64_MAX, .period = INT64_MIN};
    assert_true(limit_budget_reserve(&b, UINT64_MAX, INT64_MAX));
    assert_false(limit_budget_reserve(&b, 1, INT64_MAX));
    limit_budget_hold(&b, UINT64_MAX, INT64_MAX);
    limit_budget_settle(&b, UINT64_MAX, UINT64_MAX, INT64_MIN);
    limit_budget_settle(&b, UINT64_MAX, UINT64_MAX, INT64_MAX);
    assert_true(b.spent_nanousd == UINT64_MAX && b.reserved_nanousd == 0);
}

static void many_never_overspend(void **state)
{
    struct limit_budget b = {.most_nanousd = 1000000};
    uint64_t under_way[64] = {0}, held = 0, spent = 0;
    seed = 5;
    for (int i = 0; i < 100000; i++) {
        uint64_t *one = &under_way[below(64)];
        if (*one) {
            uint64_t cost = below(*one + 1);
            limit_budget_settle(&b, *one, cost, 0);
            held -= *one;
            spent += cost;
            *one = 0;
        } else {
            uint64_t wants = 1 + below(3000);
            bool fits = spent + held + wants <= 1000000;
            assert_true(limit_budget_reserve(&b, wants, 0) == fits);
            *one = fits ? wants : 0;
            held += *one;
        }
        assert_true(b.spent_nanousd == spent && b.reserved_nanousd == held);
        assert_true(spent + held <= 1000000);
    }
}

/* --- the calendar */

static void check_time(int64_t s)
{
    struct tm tm;
    time_t t = s;
    assert_non_null(gmtime_r(&t, &tm));
    int64_t month = ((int64_t)tm.tm_year - 70) * 12 + tm.tm_mon;
    assert_int_equal(limit_month(s * 1000), month);
    struct tm next = {.tm_year = tm.tm_year, .tm_mon = tm.tm_mon + 1, .tm_mday = 1};
    assert_int_equal(limit_next_month_s(s * 1000 + 999), timegm(&next));
    next = (struct tm){.tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday + 1};
    assert_int_equal(limit_next_day_s(s * 1000), timegm(&next));
    assert_int_equal(limit_day(s * 1000) * 86400, timegm(&next) - 86400);
}

static void knows_the_calendar(void **state)
{
    for (int64_t day = -200000; day<400000; day += day> 0 && day < 80000 ? 1 : 17) {
        check_time(day * 86400);
        check_time(day * 86400 + 86399);
    }
    assert_int_equal(limit_day(-1), -1);
    assert_int_equal(limit_month(-1), -1);
    assert_true(limit_next_month_s(INT64_MAX) > limit_next_day_s(INT64_MAX) - 86400);
    assert_true(limit_next_month_s(INT64_MIN) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_model),
        cmocka_unit_test(does_not_drift),
        cmocka_unit_test(holds_a_minute),
        cmocka_unit_test(keeps_its_share),
        cmocka_unit_test(stands_a_clock_that_goes_back),
        cmocka_unit_test(stands_the_largest_numbers),
        cmocka_unit_test(reserves_and_settles),
        cmocka_unit_test(turns_with_the_period),
        cmocka_unit_test(stands_the_largest_sums),
        cmocka_unit_test(many_never_overspend),
        cmocka_unit_test(knows_the_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
