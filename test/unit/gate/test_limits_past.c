/* SPDX-License-Identifier: Apache-2.0
 *
 * Budgets begin with what the book says: over restarts at any moment, with a book that opens late,
 * and over the turn of a month, what was spent is always the sum of the records that are in it.
 */
#include "../book/clerk_side.h"

#include "weir/base/mem.h"
#include "weir/gate/limits.h"

enum { DAY_MS = 86400000 };

static struct folder at;
static struct config *config;
static struct clerk *clerk;
static struct limits *limits;
static int64_t now_ms;

static void move_to(int64_t ms)
{
    now_ms = ms;
    clock_fake(clock_mono_ns() + 10000000000, ms);
}

static int setup(void **state)
{
    folder_make(&at);
    stand_at(100, NOON);
    move_to((int64_t)NOON * 60000);
    config = mem_new(sizeof *config);
    config->n_clients = 2;
    config->clients[0].name = S("reports");
    config->clients[1].name = S("agents");
    return 0;
}

static int teardown(void **state)
{
    clock_real();
    folder_remove(at.path);
    mem_free(config);
    return 0;
}

static void start(void)
{
    clerk = clerk_of(&at, 16 << 20);
    limits = limits_new();
}

static void stop(void)
{
    clerk_free(clerk);
    limits_free(limits);
}

static bool follow(void)
{
    return limits_follow(limits, config, clerk, now_ms);
}

/* One request, in the book and settled. */
static void spend(struct str client, uint64_t nanousd)
{
    const struct limits_ask ask = {0, 10 * nanousd};
    struct limits_held held = {0};
    struct record r = record_at(0, "");
    r.client = client;
    r.time_ms = now_ms;
    r.cost_nanousd = nanousd;
    (void)limits_admit(limits, client, &ask, now_ms, &held);
    clerk_record(clerk, &r, NULL, NULL);
    limits_settle(limits, &held, 0, nanousd, now_ms);
}

struct look {
    struct str client;
    struct limits_view view;
};

static void note(void *arg, const struct limits_view *v)
{
    struct look *l = arg;
    if (str_eq(v->name, l->client))
        l->view = *v;
}

static struct limits_view view(struct str client)
{
    struct look l = {.client = client};
    limits_each(limits, now_ms, note, &l);
    return l.view;
}

static bool spent_is(struct str client, uint64_t day, uint64_t month)
{
    struct limits_view v = view(client);
    return v.day.spent_nanousd == day && v.month.spent_nanousd == month &&
           v.day.reserved_nanousd == 0 && v.month.reserved_nanousd == 0;
}

/* --- */

static void begins_where_it_was(void **state)
{
    start();
    assert_true(settle(clerk) && follow());
    spend(S("reports"), 5);
    spend(S("agents"), 100);
    assert_true(follow()); /* a reload counts nothing twice */
    move_to(now_ms + DAY_MS);
    spend(S("reports"), 7);
    assert_true(spent_is(S("reports"), 7, 12));
    stop();
    start();
    assert_true(settle(clerk) && follow());
    assert_true(spent_is(S("reports"), 7, 12) && spent_is(S("agents"), 0, 100));
    spend(S("reports"), 30);
    assert_true(settle(clerk) && follow());
    assert_true(spent_is(S("reports"), 37, 42));
    stop();
}

/* What was settled before the book opened, and what was in it then. */
static void takes_the_past_when_it_comes(void **state)
{
    char aside[128];
    snprintf(aside, sizeof aside, "%s/aside", at.path);
    start();
    assert_true(settle(clerk) && follow());
    spend(S("reports"), 5);
    stop();
    assert_int_equal(rename(at.meter, aside), 0);
    FILE *f = fopen(at.meter, "w");
    assert_non_null(f);
    (void)fclose(f);
    start();
    assert_false(settle(clerk));
    assert_false(follow());
    spend(S("reports"), 70);
    assert_true(spent_is(S("reports"), 70, 70));
    assert_int_equal(remove(at.meter), 0);
    assert_int_equal(rename(aside, at.meter), 0);
    move_to(now_ms);
    assert_true(settle(clerk) && follow());
    spend(S("reports"), 200);
    assert_true(follow());
    assert_true(spent_is(S("reports"), 275, 275));
    stop();
    start();
    assert_true(settle(clerk) && follow());
    assert_true(spent_is(S("reports"), 275, 275));
    stop();
}

/* A client that a reload brings, when this process wrote for hours already. */
static void a_client_that_comes_later(void **state)
{
    config->n_clients = 1;
    start();
    assert_true(settle(clerk));
    config->n_clients = 2;
    assert_true(follow());
    spend(S("agents"), 9);
    stop();
    config->n_clients = 1;
    start();
    assert_true(settle(clerk) && follow());
    spend(S("reports"), 5);
    move_to(now_ms + 3600000);
    config->n_clients = 2;
    assert_true(follow());
    assert_true(spent_is(S("agents"), 9, 9));
    spend(S("agents"), 1);
    assert_true(follow() && spent_is(S("agents"), 10, 10));
    stop();
}

/* Months of requests and restarts: always the sum of the records. */
static void any_history(void **state)
{
    uint64_t seed = 99, day_sum = 0, month_sum = 0;
    int64_t day = limit_day(now_ms), month = limit_month(now_ms);
    start();
    assert_true(settle(clerk) && follow());
    for (int i = 0; i < 600; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        move_to(now_ms + (int64_t)(seed >> 40) * 2); /* nine hours at most */
        if (limit_day(now_ms) != day)
            day_sum = 0;
        if (limit_month(now_ms) != month)
            month_sum = 0;
        day = limit_day(now_ms);
        month = limit_month(now_ms);
        spend(S("reports"), seed >> 50);
        day_sum += seed >> 50;
        month_sum += seed >> 50;
        if (i % 7 == 3) {
            stop();
            start();
            assert_true(settle(clerk) && follow());
        }
        assert_true(spent_is(S("reports"), day_sum, month_sum));
    }
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(begins_where_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(takes_the_past_when_it_comes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_client_that_comes_later, setup, teardown),
        cmocka_unit_test_setup_teardown(any_history, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
