/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/lane: which lane is the cheapest, by a table of cases. On demand costs $3 and $15 a million,
 * a read a tenth of the input, writes 1.25 and 2 times; Flex and batch half of all, priority 1.75.
 */
#include "weir/plan/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { HOUR_MS = 3600 * 1000, MINUTE_MS = 60 * 1000 };
enum { WAITING = LANE_SET_FLEX | LANE_SET_BATCH, EVERY = WAITING | LANE_SET_PRIORITY };

static struct lane_ask ask_of(uint64_t prompt, uint64_t read, uint64_t output)
{
    static const uint64_t usd = 1000000000;
    static const uint32_t parts[LANES] = {[LANE_ONDEMAND] = PRICE_ONE,
                                          [LANE_FLEX] = PRICE_ONE / 2,
                                          [LANE_PRIORITY] = PRICE_ONE / 4 * 7,
                                          [LANE_RESERVED] = PRICE_ONE,
                                          [LANE_BATCH] = PRICE_ONE / 2};
    struct lane_ask a = {.deadline_ms = 8 * HOUR_MS,
                         .allowed = WAITING,
                         .offered = LANE_SET_BATCH,
                         .prompt = prompt,
                         .cache_read = read,
                         .output = output,
                         .fills = 1,
                         .linger_ms = 15 * MINUTE_MS,
                         .fallback_ms = 20 * MINUTE_MS};
    for (unsigned l = 0; l < LANES; l++) {
        a.price[l] = (struct price){{[TOKEN_INPUT] = 3 * usd,
                                     [TOKEN_OUTPUT] = 15 * usd,
                                     [TOKEN_CACHE_READ] = usd * 3 / 10,
                                     [TOKEN_CACHE_WRITE_5M] = usd * 15 / 4,
                                     [TOKEN_CACHE_WRITE_1H] = 6 * usd,
                                     [TOKEN_CACHE_WRITE_30M] = 3 * usd}};
        price_scale(&a.price[l], parts[l]);
    }
    return a;
}

static struct lane_choice chosen(const struct lane_ask *a, enum lane lane)
{
    struct lane_choice c;
    lane_choose(a, &c);
    assert_int_equal(c.lane, lane);
    assert_true(c.possible[lane] && !c.why[lane]);
    for (unsigned l = 0; l < LANES; l++)
        assert_true(c.possible[l] ? !c.why[l] : c.why[l] && c.nanousd[l] == 0);
    return c;
}

static void waiting_is_cheaper(void **state)
{
    struct lane_ask a = ask_of(10000, 0, 1000);
    struct lane_choice c = chosen(&a, LANE_BATCH);
    assert_int_equal(c.nanousd[LANE_ONDEMAND], 45000000);
    assert_int_equal(c.nanousd[LANE_BATCH], 22500000);
    assert_string_equal(c.why[LANE_FLEX], "the model does not offer it");
}

/* 90 % cached: input costs 0.1 + 0.09 of what it would, which is less than half. */
static void a_hot_prefix_makes_on_demand_cheaper(void **state)
{
    struct lane_ask a = ask_of(10000, 9000, 100);
    struct lane_choice c = chosen(&a, LANE_ONDEMAND);
    assert_int_equal(c.nanousd[LANE_ONDEMAND], 3000000 + 2700000 + 1500000);
    assert_int_equal(c.nanousd[LANE_BATCH], 15000000 + 750000);
    a.output = 5000; /* long answers make batch the cheaper one again */
    (void)chosen(&a, LANE_BATCH);
    a = ask_of(10000, 4000, 1000);
    (void)chosen(&a, LANE_BATCH);
}

static void writes_count(void **state)
{
    struct lane_ask a = ask_of(10000, 0, 0);
    a.cache_write_5m = 4000;
    a.cache_write_1h = 4000;
    struct lane_choice c = chosen(&a, LANE_BATCH);
    assert_int_equal(c.nanousd[LANE_ONDEMAND], 6000000 + 15000000 + 24000000);
    assert_int_equal(c.nanousd[LANE_BATCH], 15000000);
    a.cache_read = 999999; /* more than there is: no input is left, and nothing goes below zero */
    (void)chosen(&a, LANE_BATCH);
}

/* The cache works for Flex, too: so Flex is half of on demand, whatever is cached. */
static void flex_keeps_the_cache(void **state)
{
    struct lane_ask a = ask_of(10000, 9000, 100);
    a.offered = WAITING;
    struct lane_choice c = chosen(&a, LANE_FLEX);
    assert_int_equal(c.nanousd[LANE_FLEX] * 2, c.nanousd[LANE_ONDEMAND]);
    a = ask_of(10000, 0, 100);
    a.offered = WAITING; /* nothing is cached: they cost the same, and Flex answers now */
    (void)chosen(&a, LANE_FLEX);
    a.offered = LANE_SET_FLEX;
    (void)chosen(&a, LANE_FLEX);
}

static void a_pool_may_not_fill(void **state)
{
    struct lane_ask a = ask_of(10000, 0, 1000);
    a.fills = 0.5;
    assert_int_equal(chosen(&a, LANE_BATCH).nanousd[LANE_BATCH], 33750000);
    a.fills = 0; /* then it is on demand after all: nothing waits for that */
    assert_int_equal(chosen(&a, LANE_ONDEMAND).nanousd[LANE_BATCH], 45000000);
    a.offered = WAITING;
    assert_int_equal(chosen(&a, LANE_FLEX).nanousd[LANE_BATCH], 22500000);
    a.price[LANE_FLEX] = a.price[LANE_ONDEMAND]; /* a tie of all three */
    (void)chosen(&a, LANE_ONDEMAND);
    a.fills = 7;
    assert_int_equal(chosen(&a, LANE_BATCH).nanousd[LANE_BATCH], 22500000);
    a.fills = -1;
    (void)chosen(&a, LANE_ONDEMAND);
}

static void deadlines(void **state)
{
    struct lane_ask a = ask_of(10000, 0, 1000);
    a.deadline_ms = 35 * MINUTE_MS;
    assert_string_equal(chosen(&a, LANE_ONDEMAND).why[LANE_BATCH], "the deadline is too near");
    a.deadline_ms++;
    (void)chosen(&a, LANE_BATCH);
    a.deadline_ms = 0;
    assert_string_equal(chosen(&a, LANE_ONDEMAND).why[LANE_BATCH], "there is no deadline");
    a.deadline_ms = -5;
    (void)chosen(&a, LANE_ONDEMAND);
    a = ask_of(10000, 0, 1000);
    a.offered = WAITING; /* Flex needs no time */
    a.deadline_ms = 1;
    (void)chosen(&a, LANE_FLEX);
    a.linger_ms = a.fallback_ms = INT64_MAX;
    (void)chosen(&a, LANE_FLEX);
    a.deadline_ms = INT64_MAX;
    a.linger_ms = 0;
    (void)chosen(&a, LANE_FLEX);
}

static void what_is_not_allowed(void **state)
{
    struct lane_ask a = ask_of(10000, 0, 1000);
    a.offered = EVERY;
    a.own_tier = true;
    assert_string_equal(chosen(&a, LANE_ONDEMAND).why[LANE_BATCH], "the client chose a tier");
    a.own_tier = false;
    a.allowed = 0;
    assert_string_equal(chosen(&a, LANE_ONDEMAND).why[LANE_FLEX], "it is not allowed");
    a.allowed = LANE_SET_BATCH;
    a.no_batch = "it has tools";
    assert_string_equal(chosen(&a, LANE_ONDEMAND).why[LANE_BATCH], "it has tools");
    a.allowed = WAITING;
    (void)chosen(&a, LANE_FLEX);
    a.no_batch = NULL;
    a.offered = 0;
    assert_string_equal(chosen(&a, LANE_ONDEMAND).why[LANE_BATCH], "the model does not offer it");
}

/* It costs more, so it is never taken unasked; and never when something may wait. */
static void priority(void **state)
{
    struct lane_ask a = ask_of(10000, 0, 1000);
    a.offered = EVERY;
    a.deadline_ms = 0;
    assert_string_equal(chosen(&a, LANE_ONDEMAND).why[LANE_PRIORITY], "no rule names it");
    a.allowed = LANE_SET_PRIORITY;
    assert_int_equal(chosen(&a, LANE_PRIORITY).nanousd[LANE_PRIORITY], 78750000);
    a.deadline_ms = HOUR_MS;
    (void)chosen(&a, LANE_PRIORITY);
    a.allowed = EVERY;
    (void)chosen(&a, LANE_FLEX);
    a.offered = LANE_SET_FLEX | LANE_SET_PRIORITY;
    (void)chosen(&a, LANE_FLEX);
    a.offered = LANE_SET_BATCH | LANE_SET_PRIORITY;
    (void)chosen(&a, LANE_BATCH);
    a.offered = EVERY;
    a.deadline_ms = 0;
    (void)chosen(&a, LANE_PRIORITY);
    a.offered = WAITING;
    (void)chosen(&a, LANE_ONDEMAND);
    a.offered = EVERY;
    a.own_tier = true;
    (void)chosen(&a, LANE_ONDEMAND);
}

/* Absurd numbers stay numbers. */
static void absurd(void **state)
{
    struct lane_ask a = ask_of(UINT64_MAX, 0, UINT64_MAX);
    a.offered = WAITING;
    a.fills = 0.7;
    (void)chosen(&a, LANE_ONDEMAND);
    a = ask_of(0, 0, 0);
    (void)chosen(&a, LANE_ONDEMAND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_is_cheaper),
        cmocka_unit_test(a_hot_prefix_makes_on_demand_cheaper),
        cmocka_unit_test(writes_count),
        cmocka_unit_test(flex_keeps_the_cache),
        cmocka_unit_test(a_pool_may_not_fill),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(what_is_not_allowed),
        cmocka_unit_test(priority),
        cmocka_unit_test(absurd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
