/* SPDX-License-Identifier: Apache-2.0
 *
 * book/prune: what is forgotten, in which order, and in which minute a record counts. And
 * book/series_set: names and places.
 */
#include "../../../src/book/prune.h"

#include "../../../src/book/series_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { TODAY = 20600, MINUTE = TODAY * 1440 + 100 };

static struct prune_view view_of(uint64_t used)
{
    return (struct prune_view){.now_ms = (int64_t)MINUTE * 60000,
                               .keep_requests_ms = 7 * 86400000LL,
                               .used_bytes = used,
                               .limit_bytes = 1000};
}

static void has(struct prune_view *v, enum table table, uint64_t first)
{
    v->has[table] = true;
    v->first[table] = first;
}

static void an_empty_book_forgets_nothing(void **state)
{
    struct prune_order o;
    struct prune_view v = view_of(999);
    assert_false(prune_next(&v, &o));
}

static void records_go_by_age(void **state)
{
    struct prune_order o;
    struct prune_view v = view_of(0);
    uint64_t limit = (uint64_t)(MINUTE - 7 * 1440) * 60000;
    has(&v, TABLE_RECORDS, limit);
    assert_false(prune_next(&v, &o));
    has(&v, TABLE_RECORDS, limit - 1);
    assert_true(prune_next(&v, &o));
    assert_true(o.table == TABLE_RECORDS && o.below == limit);
    v.keep_requests_ms = 1LL << 60; /* longer than there is time */
    assert_false(prune_next(&v, &o));
}

static void minutes_go_by_whole_hours(void **state)
{
    struct prune_order o;
    struct prune_view v = view_of(0);
    uint64_t hour = (uint64_t)(MINUTE - PRUNE_KEEP_DAYS * 1440) / 60;
    has(&v, TABLE_MINUTES, hour * 60);
    assert_false(prune_next(&v, &o));
    has(&v, TABLE_MINUTES, hour * 60 - 1);
    assert_true(prune_next(&v, &o));
    assert_true(o.table == TABLE_MINUTES && o.below == hour * 60);
    v = view_of(0);
    has(&v, TABLE_HOURS, (hour / 24) * 24 - 1);
    assert_true(prune_next(&v, &o));
    assert_true(o.table == TABLE_HOURS && o.below == hour / 24 * 24);
    v = view_of(0);
    has(&v, TABLE_DAYS, TODAY - PRUNE_KEEP_DAYS);
    assert_false(prune_next(&v, &o));
    has(&v, TABLE_DAYS, TODAY - PRUNE_KEEP_DAYS - 1);
    assert_true(prune_next(&v, &o));
    assert_true(o.table == TABLE_DAYS && o.below == TODAY - PRUNE_KEEP_DAYS);
}

static void without_room_records_go_first(void **state)
{
    struct prune_order o;
    struct prune_view v = view_of(799);
    has(&v, TABLE_RECORDS, (uint64_t)MINUTE * 60000);
    has(&v, TABLE_MINUTES, MINUTE - 20 * 1440);
    assert_false(prune_next(&v, &o));
    v.used_bytes = 800;
    assert_true(prune_next(&v, &o));
    assert_true(o.table == TABLE_RECORDS && o.below == UINT64_MAX);
    v.has[TABLE_RECORDS] = false;
    assert_true(prune_next(&v, &o));
    uint64_t hour_end = ((uint64_t)(MINUTE - 20 * 1440) / 60 + 1) * 60;
    assert_true(o.table == TABLE_MINUTES && o.below == hour_end);
    has(&v, TABLE_MINUTES, MINUTE - 15 * 1440); /* its hour is not over 15 days ago */
    assert_false(prune_next(&v, &o));
}

static void a_record_counts_in_an_open_minute(void **state)
{
    const int64_t now = (int64_t)MINUTE * 60000 + 59999;
    assert_int_equal(prune_minute(now, 0, now), MINUTE);
    assert_int_equal(prune_minute(now, MINUTE - 1, now), MINUTE);
    assert_int_equal(prune_minute(now, MINUTE, now), MINUTE + 1);
    assert_int_equal(prune_minute(now - 86400000, MINUTE - 1, now), MINUTE);
    /* A clock that was an hour and more ahead closed minutes that are not there yet. */
    assert_int_equal(prune_minute(now, MINUTE + PRUNE_CLOSED_AHEAD_MIN, now),
                     MINUTE + PRUNE_CLOSED_AHEAD_MIN + 1);
    assert_int_equal(prune_minute(now, MINUTE + PRUNE_CLOSED_AHEAD_MIN + 1, now), MINUTE);
    assert_int_equal(prune_minute(-5, 0, now), 1);
    assert_int_equal(prune_minute(INT64_MAX, 0, now), UINT32_MAX);
}

enum { HOUR = 3600 * 1000 };

static int64_t at_hour(struct prune_clock *k, int64_t wall_h, int64_t mono_h)
{
    return prune_clock_now(k, wall_h * HOUR, mono_h * HOUR * 1000000) / HOUR;
}

static void a_step_ahead_is_believed_after_a_day(void **state)
{
    struct prune_clock k;
    prune_clock_open(&k, 0, 1000LL * HOUR, 0);
    assert_int_equal(at_hour(&k, 1000, 0), 1000);
    assert_int_equal(at_hour(&k, 1011, 10), 1011); /* an hour is nothing */
    assert_int_equal(at_hour(&k, 990, 11), 990);   /* nor is back */
    assert_int_equal(at_hour(&k, 9000, 20), 1021);
    assert_int_equal(at_hour(&k, 9010, 30), 1031);
    assert_int_equal(at_hour(&k, 8000, 31), 1032); /* and again, elsewhere: from the beginning */
    assert_int_equal(at_hour(&k, 8023, 54), 1055);
    assert_int_equal(at_hour(&k, 8024, 55), 8024);
    assert_int_equal(at_hour(&k, 8040, 71), 8040);
    assert_int_equal(at_hour(&k, 1080, 80), 1080);
}

static void a_book_opens_a_day_later_at_most(void **state)
{
    struct prune_clock k;
    prune_clock_open(&k, 1000LL * HOUR, 1020LL * HOUR, 0);
    assert_int_equal(at_hour(&k, 1021, 0), 1021);
    prune_clock_open(&k, 1000LL * HOUR, 9000LL * HOUR, 0);
    assert_int_equal(at_hour(&k, 9000, 0), 1025);
    assert_int_equal(at_hour(&k, 9024, 24), 9024);
    prune_clock_open(&k, 9000LL * HOUR, 1000LL * HOUR, 0);
    assert_int_equal(at_hour(&k, 1000, 0), 1000);
    assert_int_equal(at_hour(&k, 9000, 0), 1001);
}

static struct series named(const char *workload)
{
    return (struct series){S("c"), str_of(workload), S("m"), LANE_BATCH};
}

static void names_have_one_place(void **state)
{
    struct series_set s;
    struct series a = named("a"), b = named("b");
    series_set_init(&s, 10, 7);
    uint32_t at = series_set_place(&s, &a);
    assert_int_not_equal(series_set_place(&s, &b), at);
    assert_int_equal(series_set_place(&s, &a), at);
    assert_int_equal(series_set_number(&s, at), 1);
    assert_int_equal(series_set_number(&s, at), 1);
    a.lane = LANE_FLEX;
    assert_int_not_equal(series_set_place(&s, &a), at);
    series_set_fini(&s);
}

static void too_many_names_are_other(void **state)
{
    struct series_set s;
    char name[16];
    series_set_init(&s, 8, 7);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "junk%d", i);
        struct series junk = named(name);
        uint32_t at = series_set_place(&s, &junk);
        assert_true(str_eq(s.entries[at].names.workload, i < 8 ? str_of(name) : S("other")));
        assert_true(str_eq(s.entries[at].names.model, S("m")));
    }
    assert_int_equal(s.live, 9);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "model%d", i);
        struct series junk = {S("c"), S("w"), str_of(name), LANE_BATCH};
        uint32_t at = series_set_place(&s, &junk);
        assert_true(str_eq(s.entries[at].names.workload, S("other")));
        assert_true(str_eq(s.entries[at].names.model, i < 1 ? str_of(name) : S("other")));
    }
    assert_int_equal(s.live, 11);
    struct series known = named("junk1");
    assert_true(str_eq(s.entries[series_set_place(&s, &known)].names.workload, S("junk1")));
    while (s.live >= s.most)
        series_set_forget(&s, s.live - 1);
    struct series fresh = named("fresh");
    assert_true(str_eq(s.entries[series_set_place(&s, &fresh)].names.workload, S("fresh")));
    series_set_fini(&s);
}

static void rows_bring_their_numbers(void **state)
{
    struct series_set s;
    struct series a = named("a"), b = named("b");
    series_set_init(&s, 1, 7);
    series_set_load(&s, 41, &a, 100);
    series_set_load(&s, 7, &b, 90); /* rows are rows, whatever the most is */
    assert_int_equal(series_set_number(&s, series_set_place(&s, &a)), 41);
    assert_int_equal(series_set_number(&s, series_set_place(&s, &b)), 7);
    assert_int_equal(s.next_number, 42);
    series_set_unload(&s);
    assert_int_equal(series_set_number(&s, series_set_place(&s, &b)), 1);
    assert_int_equal(s.entries[series_set_place(&s, &a)].noted_day, -1);
    series_set_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_book_forgets_nothing),
        cmocka_unit_test(records_go_by_age),
        cmocka_unit_test(minutes_go_by_whole_hours),
        cmocka_unit_test(without_room_records_go_first),
        cmocka_unit_test(a_record_counts_in_an_open_minute),
        cmocka_unit_test(a_step_ahead_is_believed_after_a_day),
        cmocka_unit_test(a_book_opens_a_day_later_at_most),
        cmocka_unit_test(names_have_one_place),
        cmocka_unit_test(too_many_names_are_other),
        cmocka_unit_test(rows_bring_their_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
