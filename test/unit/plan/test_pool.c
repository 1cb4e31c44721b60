/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/pool: when a pool becomes a job, by cases, and that no split leaves a rest too small for one
 * where it can be avoided.
 */
#include "weir/plan/pool.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

static const int64_t noon = 1763640000000;

/* 200 requests of 1 KB, the oldest here since a minute, due in eight hours. */
static const struct pool_view some = {.count = 200,
                                      .bytes = 200 * 1000,
                                      .oldest_ms = noon - MINUTE,
                                      .newest_ms = noon - SECOND,
                                      .deadline_ms = noon + 8 * HOUR};
static const struct pool_terms terms = {.now_ms = noon,
                                        .linger_ms = 15 * MINUTE,
                                        .least = 100,
                                        .most = 50000,
                                        .most_file_bytes = 1000000000,
                                        .most_job_bytes = 5000000000,
                                        .per_second = 10};

static struct pool_verdict decide(struct pool_view v, struct pool_terms t, enum pool_fate fate,
                                  uint32_t take)
{
    struct pool_verdict d = pool_decide(&v, &t);
    assert_int_equal(d.fate, fate);
    assert_int_equal(d.take, take);
    if (fate == POOL_WAITS && v.count)
        assert_true(d.next_ms > t.now_ms && d.next_ms <= t.now_ms + t.linger_ms);
    return d;
}

static void waits_for_the_oldest(void **state)
{
    struct pool_terms t = terms;
    assert_int_equal(decide(some, t, POOL_WAITS, 0).next_ms, noon + 14 * MINUTE);
    t.now_ms = noon + 14 * MINUTE - 1;
    decide(some, t, POOL_WAITS, 0);
    t.now_ms++;
    assert_true(decide(some, t, POOL_JOB, 200).time_up);
    assert_int_equal(decide((struct pool_view){0}, t, POOL_WAITS, 0).next_ms, INT64_MAX);
}

static void too_few_go_on_demand(void **state)
{
    struct pool_terms t = terms;
    struct pool_view v = some;
    v.count = 99;
    t.now_ms = noon + HOUR;
    assert_true(decide(v, t, POOL_DIRECT, 99).time_up);
    t.now_ms = noon;
    t.flush = true;
    assert_false(decide(v, t, POOL_DIRECT, 99).time_up);
    assert_int_equal(decide(v, t, POOL_DIRECT, 99).why, POOL_FEW);
    assert_false(decide(some, t, POOL_JOB, 200).time_up);
    t.closed = true;
    assert_false(decide(some, t, POOL_DIRECT, 200).time_up);
}

static void full_by_number(void **state)
{
    struct pool_view v = some;
    v.count = 49999;
    struct pool_terms t = terms;
    decide(v, t, POOL_WAITS, 0);
    v.count = 50000;
    assert_false(decide(v, t, POOL_JOB, 50000).time_up);
}

static void full_by_bytes(void **state)
{
    struct pool_view v = some;
    v.bytes = 900000000 - 1;
    decide(v, terms, POOL_WAITS, 0);
    v.bytes = 900000000;
    assert_int_equal(decide(v, terms, POOL_JOB, 200).take_bytes, 900000000);
    v.count = 400;
    v.bytes = 1200000000; /* 300 would fit */
    decide(v, terms, POOL_JOB, 300);
    v.bytes = 4500000000; /* 80 would: no job */
    assert_int_equal(decide(v, terms, POOL_DIRECT, 400).why, POOL_LARGE);
    struct pool_terms t = terms;
    t.most_job_bytes = 100000000; /* the job's is the smaller one */
    v.bytes = 90000000;
    decide(v, t, POOL_JOB, 400);
}

static void nobody_else_can_come(void **state)
{
    struct pool_view v = some;
    struct pool_terms t = terms;
    v.held = 199;
    t.now_ms = v.newest_ms + 90 * SECOND;
    decide(v, t, POOL_WAITS, 0);
    v.held = 200;
    assert_true(decide(v, t, POOL_JOB, 200).time_up);
    t.now_ms--;
    assert_int_equal(decide(v, t, POOL_WAITS, 0).next_ms, v.newest_ms + 90 * SECOND);
    v.count = v.held = 1;
    t.now_ms++;
    assert_true(decide(v, t, POOL_DIRECT, 1).time_up);
}

/* Half the time that is left, at ten a second. */
static void the_deadline_bounds_a_job(void **state)
{
    struct pool_view v = some;
    struct pool_terms t = terms;
    v.deadline_ms = noon + 40 * SECOND; /* 200 go in 20 s */
    assert_true(decide(v, t, POOL_JOB, 200).time_up);
    v.deadline_ms++;
    assert_int_equal(decide(v, t, POOL_WAITS, 0).next_ms, noon + 1);
    v.deadline_ms = noon + 30 * SECOND; /* 150 do; the other 50 could be no job */
    decide(v, t, POOL_JOB, 100);
    v.deadline_ms = noon + 20 * SECOND - 1;
    assert_true(decide(v, t, POOL_DIRECT, 200).time_up);
    v.deadline_ms = noon - HOUR;
    assert_int_equal(decide(v, t, POOL_DIRECT, 200).why, POOL_LATE);
    v.deadline_ms = INT64_MAX;
    decide(v, t, POOL_WAITS, 0);
    t.per_second = 0;
    decide(v, t, POOL_WAITS, 0);
}

/* A few with a near deadline do not wait for a job that can never be. */
static void few_and_soon(void **state)
{
    struct pool_view v = some;
    v.count = 3;
    v.deadline_ms = noon + 20 * SECOND;
    assert_true(decide(v, terms, POOL_DIRECT, 3).time_up);
    v.deadline_ms++;
    decide(v, terms, POOL_WAITS, 0);
}

static void rests_are_jobs_too(void **state)
{
    struct pool_terms t = terms;
    t.most = 1000;
    for (uint32_t least = 1; least <= 1000; least += 37)
        for (uint32_t count = 1000; count < 5000; count += 13) {
            struct pool_view v = some;
            v.count = count;
            t.least = least;
            struct pool_verdict d = pool_decide(&v, &t);
            assert_int_equal(d.fate, POOL_JOB);
            assert_true(d.take >= least && d.take <= 1000);
            if (count >= 2 * least)
                assert_true(d.take == count || count - d.take >= least);
        }
    t.least = t.most = 100;
    struct pool_view v = some;
    v.count = 150; /* 50 will have to find company */
    assert_int_equal(pool_decide(&v, &t).take, 100);
}

static void a_clock_that_goes_back(void **state)
{
    struct pool_terms t = terms;
    t.now_ms = noon - 10 * MINUTE;
    assert_int_equal(decide(some, t, POOL_WAITS, 0).next_ms, t.now_ms + t.linger_ms);
    t.now_ms = noon - HOUR;
    decide(some, t, POOL_JOB, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_for_the_oldest),   cmocka_unit_test(too_few_go_on_demand),
        cmocka_unit_test(full_by_number),         cmocka_unit_test(full_by_bytes),
        cmocka_unit_test(nobody_else_can_come),   cmocka_unit_test(the_deadline_bounds_a_job),
        cmocka_unit_test(few_and_soon),           cmocka_unit_test(rests_are_jobs_too),
        cmocka_unit_test(a_clock_that_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
