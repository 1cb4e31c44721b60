/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/shared_lanes: what is learned holds for as long as it says, one name's for that name alone,
 * from any thread, in bounded tables.
 */
#include "weir/gate/shared_lanes.h"

#include "weir/base/buf.h"
#include "weir/base/limits.h"
#include "weir/plan/linger.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { THREADS = 2, ROUNDS = 20000 };
static const int64_t start_ms = 1800000000000, minute_ms = 60 * 1000, hour_ms = 3600 * 1000,
                     day_ms = 86400 * 1000;
static const struct str model = STR("us.anthropic.claude-x"), other = STR("amazon.nova-lite-v1:0");
static const struct shared_lanes_pool pool = {STR("a"), STR("m"), BATCH_CONVERSE},
                                      invoke = {STR("a"), STR("m"), BATCH_INVOKE},
                                      others = {STR("b"), STR("m"), BATCH_CONVERSE};

static void a_refused_tier_rests(void **state)
{
    struct shared_lanes *s = shared_lanes_new();
    int64_t now = start_ms;
    assert_true(shared_lanes_tier(s, model, LANE_FLEX, now));
    shared_lanes_tier_refused(s, model, LANE_FLEX, false, now);
    assert_false(shared_lanes_tier(s, model, LANE_FLEX, now));
    assert_true(shared_lanes_tier(s, model, LANE_PRIORITY, now));
    assert_true(shared_lanes_tier(s, other, LANE_FLEX, now));
    shared_lanes_tier_refused(s, model, LANE_FLEX, false, now + hour_ms); /* no news */
    assert_false(shared_lanes_tier(s, model, LANE_FLEX, now + day_ms - 1));
    assert_true(shared_lanes_tier(s, model, LANE_FLEX, now += day_ms));
    shared_lanes_tier_refused(s, model, LANE_FLEX, false, now);
    assert_false(shared_lanes_tier(s, model, LANE_FLEX, now + 7 * day_ms - 1));
    assert_true(shared_lanes_tier(s, model, LANE_FLEX, now - hour_ms)); /* the clock went back */
    assert_true(shared_lanes_tier(s, model, LANE_FLEX, now += 7 * day_ms));
    shared_lanes_tier_taken(s, model, LANE_FLEX);
    shared_lanes_tier_taken(s, other, LANE_FLEX);
    shared_lanes_tier_refused(s, model, LANE_FLEX, false, now); /* as if for the first time */
    assert_true(shared_lanes_tier(s, model, LANE_FLEX, now + day_ms));
    shared_lanes_free(s);
    shared_lanes_free(NULL);
}

static void a_throttled_tier_rests_a_minute(void **state)
{
    struct shared_lanes *s = shared_lanes_new();
    int64_t now = start_ms, rests = minute_ms;
    for (int i = 0; i < 9; i++) {
        shared_lanes_tier_refused(s, model, LANE_FLEX, true, now);
        assert_false(shared_lanes_tier(s, model, LANE_FLEX, now + rests - 1));
        assert_true(shared_lanes_tier(s, model, LANE_FLEX, now += rests));
        rests = rests * 2 < hour_ms ? rests * 2 : hour_ms;
    }
    shared_lanes_free(s);
}

static void answers_have_a_mean(void **state)
{
    struct shared_lanes *s = shared_lanes_new();
    assert_int_equal(shared_lanes_output(s, S("a"), model), 0);
    shared_lanes_used(s, S("a"), model, 100);
    assert_int_equal(shared_lanes_output(s, S("a"), model), 100);
    shared_lanes_used(s, S("a"), model, 300);
    assert_int_equal(shared_lanes_output(s, S("a"), model), 200);
    assert_int_equal(shared_lanes_output(s, S("a"), other), 0);
    assert_int_equal(shared_lanes_output(s, S("b"), model), 0);
    for (int i = 0; i < 200; i++) /* what was long ago fades */
        shared_lanes_used(s, S("a"), model, 1000);
    assert_in_range(shared_lanes_output(s, S("a"), model), 995, 1000);
    shared_lanes_free(s);
}

static void pools_that_fill(void **state)
{
    struct shared_lanes *s = shared_lanes_new();
    assert_true(shared_lanes_fills(s, &pool) == 0.5);
    for (int i = 0; i < 8; i++)
        shared_lanes_filled(s, &pool, true);
    assert_true(shared_lanes_fills(s, &pool) > 0.89 && shared_lanes_fills(s, &pool) < 0.91);
    assert_true(shared_lanes_fills(s, &invoke) == 0.5 && shared_lanes_fills(s, &others) == 0.5);
    for (int i = 0; i < 100; i++)
        shared_lanes_filled(s, &pool, false);
    assert_true(shared_lanes_fills(s, &pool) < 0.06 && shared_lanes_fills(s, &pool) > 0);
    shared_lanes_free(s);
}

static void closed_pools(void **state)
{
    struct shared_lanes *s = shared_lanes_new();
    int64_t now = start_ms, until = now + 15 * minute_ms;
    assert_true(shared_lanes_open(s, &pool, now));
    assert_int_equal(shared_lanes_close(s, &pool, now), until);
    assert_int_equal(shared_lanes_close(s, &pool, now + minute_ms), until);
    assert_false(shared_lanes_open(s, &pool, until - 1));
    assert_true(shared_lanes_open(s, &invoke, now) && shared_lanes_open(s, &pool, until));
    for (int64_t lasts = 30 * minute_ms; lasts < day_ms; lasts *= 2) {
        now = until;
        until = shared_lanes_close(s, &pool, now);
        assert_int_equal(until, now + lasts);
    }
    assert_int_equal(shared_lanes_close(s, &pool, until), until + day_ms);
    shared_lanes_reopen(s);
    assert_true(shared_lanes_open(s, &pool, until));
    assert_int_equal(shared_lanes_close(s, &pool, until), until + 15 * minute_ms);
    shared_lanes_filled(s, &pool, true);
    assert_int_equal(shared_lanes_close(s, &pool, until + day_ms), until + day_ms + 15 * minute_ms);
    shared_lanes_free(s);
}

/* A loop that sends one request at a time is closed; the pool's other callers are not. */
static void callers_are_judged(void **state)
{
    struct shared_lanes *s = shared_lanes_new();
    unsigned closed = 0;
    for (int miss = 0; miss < LINGER_MISSES; miss++) {
        shared_lanes_held(s, &pool, S("loop"));
        shared_lanes_held(s, &invoke, S("loop"));
        for (int i = 0; i < 100; i++)
            shared_lanes_held(s, &pool, S("many"));
        closed += shared_lanes_judge(s, &pool, 100, start_ms);
        shared_lanes_left(s, &pool, S("loop"));
        shared_lanes_left(s, &invoke, S("loop"));
        for (int i = 0; i < 100; i++)
            shared_lanes_left(s, &pool, S("many"));
    }
    assert_int_equal(closed, 1);
    assert_false(shared_lanes_may(s, &pool, S("loop"), start_ms));
    assert_true(shared_lanes_may(s, &pool, S("loop"), start_ms + LINGER_FIRST_MS));
    assert_true(shared_lanes_may(s, &pool, S("many"), start_ms));
    assert_true(shared_lanes_may(s, &invoke, S("loop"), start_ms));
    assert_true(shared_lanes_may(s, &pool, S("nobody"), start_ms));
    shared_lanes_left(s, &pool, S("nobody"));
    shared_lanes_left(s, &pool, S("loop")); /* one too many */
    shared_lanes_free(s);
}

static void rates(void **state)
{
    struct shared_lanes *s = shared_lanes_new();
    int64_t again_ms;
    assert_true(shared_lanes_rate(s, model, start_ms) >= 1);
    for (int i = 0; i < 1000; i++)
        shared_lanes_answered(s, model, start_ms + i * 10);
    double good = shared_lanes_rate(s, model, start_ms + 20000);
    assert_true(good > 10);
    assert_true(shared_lanes_take(s, model, start_ms + 20000, &again_ms));
    shared_lanes_throttled(s, model, start_ms + 20000);
    assert_true(shared_lanes_rate(s, model, start_ms + 20000) < good);
    assert_true(shared_lanes_rate(s, other, start_ms) < 2);
    for (int i = 0; i < 1000; i++)
        shared_lanes_answered_ours(s, other, start_ms + i * 10);
    assert_true(shared_lanes_rate(s, other, start_ms + 20000) > 10);
    shared_lanes_free(s);
}

struct kept {
    struct shared_lanes *to;
    unsigned n;
};

static void keep(void *arg, struct str name, struct str bytes)
{
    struct kept *k = arg;
    k->n++;
    for (size_t len = 0; len < bytes.len; len++) /* what is damaged is learned again */
        shared_lanes_restore_named(k->to, name, str_sub(bytes, 0, len), start_ms + 20000);
    shared_lanes_restore_named(k->to, name, bytes, start_ms + 20000);
    shared_lanes_restore_named(k->to, S("x of another kind"), bytes, start_ms + 20000);
}

static void learned_things_are_kept(void **state)
{
    struct shared_lanes *s = shared_lanes_new();
    struct kept k = {shared_lanes_new(), 0};
    for (int i = 0; i < 1000; i++)
        shared_lanes_answered(s, model, start_ms + i * 10);
    shared_lanes_used(s, S("web"), model, 321);
    for (int i = 0; i < 5; i++)
        shared_lanes_filled(s, &pool, true);
    shared_lanes_close(s, &pool, start_ms);
    double rate = shared_lanes_rate(s, model, start_ms + 20000),
           fills = shared_lanes_fills(s, &pool);
    (void)shared_lanes_rate(k.to, model, start_ms + 20000); /* the engine was quicker */
    assert_true(shared_lanes_open(k.to, &pool, start_ms));
    shared_lanes_each_changed(s, keep, &k);
    assert_int_equal(k.n, 3);
    double got = shared_lanes_rate(k.to, model, start_ms + 20000);
    assert_true(got > 0.99 * rate && got < 1.01 * rate);
    assert_int_equal(shared_lanes_output(k.to, S("web"), model), 321);
    assert_true(shared_lanes_fills(k.to, &pool) == fills && fills > 0.8);
    assert_true(shared_lanes_open(k.to, &pool, start_ms)); /* a restart tries again */
    shared_lanes_each_changed(s, keep, &k);
    assert_int_equal(k.n, 3); /* nothing changed since */
    shared_lanes_all_changed(s);
    shared_lanes_each_changed(s, keep, &k);
    assert_int_equal(k.n, 6);
    shared_lanes_free(s);
    shared_lanes_free(k.to);
}

static void tables_are_bounded(void **state)
{
    struct shared_lanes *s = shared_lanes_new();
    struct buf name = {0};
    shared_lanes_used(s, S("first"), model, 10);
    for (int i = 0; i < 2 * LIMIT_LANES_CALLERS; i++) {
        buf_clear(&name);
        buf_addf(&name, "w%d", i);
        shared_lanes_held(s, &pool, buf_str(&name));
        shared_lanes_used(s, buf_str(&name), model, 10);
        shared_lanes_answered(s, buf_str(&name), start_ms);
    }
    shared_lanes_left(s, &pool, S("w0")); /* gave way */
    assert_int_equal(shared_lanes_output(s, S("first"), model), 0);
    assert_int_equal(shared_lanes_output(s, buf_str(&name), model), 10);
    buf_fini(&name);
    shared_lanes_free(s);
}

/* --- threads */

static void *use_everything(void *arg)
{
    struct shared_lanes *s = arg;
    int64_t again_ms;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t now = start_ms + i;
        shared_lanes_answered(s, model, now);
        shared_lanes_throttled(s, other, now);
        (void)shared_lanes_rate(s, other, now);
        (void)shared_lanes_take(s, model, now, &again_ms);
        shared_lanes_tier_refused(s, model, LANE_FLEX, i % 2, now);
        (void)shared_lanes_tier(s, model, LANE_FLEX, now);
        shared_lanes_tier_taken(s, model, LANE_FLEX);
        shared_lanes_used(s, pool.client, model, 7);
        (void)shared_lanes_output(s, pool.client, model);
        shared_lanes_filled(s, &pool, i % 2);
        (void)shared_lanes_fills(s, &pool);
        (void)shared_lanes_close(s, &pool, now);
        (void)shared_lanes_open(s, &pool, now);
        shared_lanes_held(s, &pool, S("w"));
        if (i % 64 == 0) {
            shared_lanes_reopen(s);
            (void)shared_lanes_judge(s, &pool, 1, now);
        }
        (void)shared_lanes_may(s, &pool, S("w"), now);
        shared_lanes_left(s, &pool, S("w"));
    }
    return NULL;
}

static void any_thread(void **state)
{
    struct shared_lanes *s = shared_lanes_new();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_everything, s), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(shared_lanes_output(s, pool.client, model), 7);
    shared_lanes_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_tier_rests),
        cmocka_unit_test(a_throttled_tier_rests_a_minute),
        cmocka_unit_test(answers_have_a_mean),
        cmocka_unit_test(pools_that_fill),
        cmocka_unit_test(closed_pools),
        cmocka_unit_test(callers_are_judged),
        cmocka_unit_test(rates),
        cmocka_unit_test(learned_things_are_kept),
        cmocka_unit_test(tables_are_bounded),
        cmocka_unit_test(any_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
