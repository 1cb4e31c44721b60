/* SPDX-License-Identifier: Apache-2.0
 *
 * book/spent and clerk_spent: by client and day, out of what was there before this clerk wrote.
 */
#include "clerk_side.h"

#include "book_make.h"
#include "weir/plan/limit.h"

enum { TODAY = NOON / 1440 };

static struct record spends(const char *client, int64_t day, const char *workload, uint64_t nanousd)
{
    struct record r = record_at(day * 1440, workload);
    r.client = str_of(client);
    r.cost_nanousd = nanousd;
    return r;
}

static void add(struct made *m, const char *client, int64_t day, const char *workload,
                uint64_t nanousd)
{
    struct record r = spends(client, day, workload, nanousd);
    made_add(m, &r);
}

static void sums_by_client_and_day(void **state)
{
    struct made m;
    struct spent *s;
    made_init(&m);
    add(&m, "b", 100, "", 1000000); /* too early */
    add(&m, "b", 101, "", 1);
    add(&m, "b", 101, "x", 20);
    add(&m, "a", 101, "x", 300);
    add(&m, "b", 103, "y", 4000);
    add(&m, "free", 103, "y", 0);
    add(&m, "c", 103, "", UINT64_MAX);
    add(&m, "c", 103, "x", 7);
    made_commit(&m);
    assert_int_equal(spent_read(m.store, 101, &s), 0);
    assert_int_equal(spent_on(s, S("b"), 100), 0);
    assert_int_equal(spent_on(s, S("b"), 101), 21);
    assert_int_equal(spent_on(s, S("a"), 101), 300);
    assert_int_equal(spent_on(s, S("b"), 102), 0);
    assert_int_equal(spent_on(s, S("b"), 103), 4000);
    assert_int_equal(spent_on(s, S("free"), 103), 0);
    assert_int_equal(spent_on(s, S("stranger"), 103), 0);
    assert_int_equal(spent_on(s, S("b"), -1), 0);
    assert_true(spent_on(s, S("c"), 103) == UINT64_MAX);
    spent_free(s);
    made_fini(&m);
}

/* More rows than a transaction reads, and one that is damaged. */
static void reads_on_and_around(void **state)
{
    struct made m;
    struct spent *s;
    unsigned char key[8];
    made_init(&m);
    struct record r = spends("a", 1, "", 3);
    struct series names = {r.client, r.workload, r.model, r.lane};
    uint32_t number = made_number(&m, &names);
    for (uint32_t day = 1; day <= 9000; day++)
        made_sum(&m, TABLE_DAYS, day, number, &r);
    store_put_u32(key, 5000);
    store_put_u32(key + 4, number);
    assert_int_equal(store_put(m.txn, TABLE_DAYS, str_from((char *)key, 8), S("broken")), 0);
    made_sum(&m, TABLE_DAYS, 7000, 77, &r); /* of a series that is not there */
    made_commit(&m);
    assert_int_equal(spent_read(m.store, 0, &s), 0);
    uint64_t sum = 0;
    for (int64_t day = 1; day <= 9000; day++)
        sum += spent_on(s, S("a"), day);
    assert_int_equal(sum, 8999 * 3);
    assert_int_equal(spent_on(s, S("a"), 7000), 3);
    spent_free(s);
    made_fini(&m);
}

/* --- the clerk's */

static struct folder at;

static int setup(void **state)
{
    folder_make(&at);
    stand_at(100, NOON);
    n_told = 0;
    return 0;
}

static int teardown(void **state)
{
    clock_real();
    folder_remove(at.path);
    return 0;
}

static void nothing_of_this_process(void **state)
{
    struct clerk *c = clerk_of(&at, 16 << 20);
    assert_true(put(c, spends("a", TODAY, "", 5)));
    assert_int_equal(spent_on(clerk_spent(c), S("a"), TODAY), 0);
    clerk_free(c);
    c = clerk_of(&at, 16 << 20);
    assert_true(put(c, spends("a", TODAY, "", 7)));
    const struct spent *s = clerk_spent(c);
    assert_int_equal(spent_on(s, S("a"), TODAY), 5);
    assert_true(compact(c)); /* opens it anew */
    assert_true(clerk_spent(c) == s);
    assert_int_equal(spent_on(s, S("a"), TODAY), 5);
    clerk_free(c);
    c = clerk_of(&at, 16 << 20);
    assert_true(settle(c));
    assert_int_equal(spent_on(clerk_spent(c), S("a"), TODAY), 12);
    clerk_free(c);
}

/* The whole month, and not the one before. */
static void from_the_first_of_the_month(void **state)
{
    int64_t month = limit_month((int64_t)NOON * 60000), first = TODAY;
    while (limit_month((first - 1) * 86400000) == month)
        first--;
    struct clerk *c = clerk_of(&at, 16 << 20);
    assert_true(put(c, spends("a", first - 1, "", 1)));
    assert_true(put(c, spends("a", first, "", 20)));
    assert_true(put(c, spends("a", TODAY, "", 300)));
    clerk_free(c);
    c = clerk_of(&at, 16 << 20);
    assert_true(settle(c));
    const struct spent *s = clerk_spent(c);
    assert_int_equal(spent_on(s, S("a"), first - 1), 0);
    assert_int_equal(spent_on(s, S("a"), first), 20);
    assert_int_equal(spent_on(s, S("a"), TODAY), 300);
    clerk_free(c);
}

static void can_be_waited_for(void **state)
{
    struct clerk *c = clerk_of(&at, 16 << 20);
    assert_true(put(c, spends("a", TODAY, "", 5)));
    clerk_free(c);
    clock_real();
    c = clerk_of(&at, 16 << 20);
    clerk_wait_open(c, 60000);
    assert_non_null(clerk_spent(c));
    clerk_wait_open(c, 60000);
    clerk_free(c);
    assert_int_equal(truncate(at.data, 10), 0);
    c = clerk_of(&at, 16 << 20);
    clerk_wait_open(c, 60000); /* not forever: it failed */
    assert_null(clerk_spent(c));
    clerk_free(c);
}

/* What waits for the book to open is not in it yet. */
static void a_book_that_opens_late(void **state)
{
    struct clerk *c = clerk_of(&at, 16 << 20);
    assert_true(put(c, spends("a", TODAY, "", 5)));
    clerk_free(c);
    char aside[128];
    snprintf(aside, sizeof aside, "%s/aside", at.path);
    assert_int_equal(rename(at.meter, aside), 0);
    FILE *f = fopen(at.meter, "w"); /* a file where the folder belongs */
    assert_non_null(f);
    (void)fclose(f);
    c = clerk_of(&at, 16 << 20);
    assert_false(put(c, spends("a", TODAY, "", 7)));
    assert_null(clerk_spent(c));
    assert_int_equal(remove(at.meter), 0);
    assert_int_equal(rename(aside, at.meter), 0);
    stand_at(200, NOON);
    assert_true(settle(c));
    assert_int_equal(spent_on(clerk_spent(c), S("a"), TODAY), 5);
    clerk_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_by_client_and_day),
        cmocka_unit_test(reads_on_and_around),
        cmocka_unit_test_setup_teardown(nothing_of_this_process, setup, teardown),
        cmocka_unit_test_setup_teardown(from_the_first_of_the_month, setup, teardown),
        cmocka_unit_test_setup_teardown(can_be_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(a_book_that_opens_late, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
