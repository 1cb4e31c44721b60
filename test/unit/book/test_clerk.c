/* SPDX-License-Identifier: Apache-2.0
 *
 * book/clerk: a record is in the book once, with its sums by minute, hour and day; closed minutes
 * stay; what is old or too much makes room; what cannot be written waits, and is counted when it is
 * lost. Clocks stand still; the commit that a test waits for is its only measure of time.
 */
#include "clerk_side.h"

#include "weir/base/log.h"
#include "weir/base/mem.h"

#include <string.h>
#include <unistd.h>

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

static void a_record_and_its_sums(void **state)
{
    struct clerk *c = clerk_of(&at, 16 << 20);
    struct record in = record_at(NOON, "search"), out;
    struct str value;
    unsigned char key[24];
    assert_true(put(c, in));
    store_put_u64(key, (uint64_t)in.time_ms);
    memcpy(key + 8, in.id, 16);
    struct store_txn *t = reading(c);
    assert_int_equal(store_get(t, TABLE_RECORDS, str_from((char *)key, 24), &value), 0);
    assert_int_equal(record_read(value, &out), 0);
    assert_true(str_eq(out.workload, S("search")) && out.cost_nanousd == 1000);
    read_over(c, t);
    const struct {
        enum table table;
        uint32_t unit;
    } levels[] = {{TABLE_MINUTES, NOON}, {TABLE_HOURS, NOON / 60}, {TABLE_DAYS, NOON / 1440}};
    for (size_t i = 0; i < 3; i++) {
        size_t rows;
        struct rollup r = sum_of(c, levels[i].table, levels[i].unit, levels[i].unit + 1, &rows);
        assert_int_equal(rows, 1);
        assert_int_equal(r.counts[ROLLUP_REQUESTS], 1);
        assert_int_equal(r.usage.tokens[TOKEN_INPUT], 100);
        assert_int_equal(r.cost_nanousd, 1000);
        assert_int_equal(r.histograms[ROLLUP_LATENCY_US].count, 1);
        rollup_fini(&r);
    }
    clerk_free(c);
}

static void sums_are_by_series(void **state)
{
    struct clerk *c = clerk_of(&at, 16 << 20);
    struct series names;
    struct store_walk w;
    uint64_t found = 0;
    for (int i = 0; i < 10; i++)
        assert_true(put(c, record_at(NOON, i % 2 ? "search" : "chat")));
    struct record flex = record_at(NOON, "chat");
    flex.lane = LANE_FLEX;
    assert_true(put(c, flex));
    assert_int_equal(rows_of(c, TABLE_MINUTES), 3);
    assert_int_equal(rows_of(c, TABLE_SERIES), 3);
    struct store_txn *t = reading(c);
    store_walk_init(&w, t, TABLE_SERIES);
    for (int rc = store_walk_from(&w, S("")); rc == 0; rc = store_walk_next(&w)) {
        assert_int_equal(series_read(w.value, &names), 0);
        found += str_eq(names.workload, S("chat")) && names.lane == LANE_FLEX;
    }
    store_walk_fini(&w);
    read_over(c, t);
    assert_int_equal(found, 1);
    clerk_free(c);
}

static void the_same_record_counts_once(void **state)
{
    struct clerk *c = clerk_of(&at, 16 << 20);
    struct record r = record_at(NOON, "a");
    for (int i = 0; i < 3; i++)
        clerk_record(c, &r, NULL, NULL); /* in one batch */
    assert_true(put(c, r));
    assert_true(put(c, r)); /* and in others */
    assert_int_equal(requests(c, TABLE_MINUTES, 0, UINT32_MAX), 1);
    assert_int_equal(requests(c, TABLE_DAYS, 0, UINT32_MAX), 1);
    assert_int_equal(rows_of(c, TABLE_RECORDS), 1);
    assert_int_equal(counts_of(c).committed, 1);
    clerk_free(c);
    c = clerk_of(&at, 16 << 20);
    assert_true(put(c, r));
    assert_int_equal(requests(c, TABLE_HOURS, 0, UINT32_MAX), 1);
    clerk_free(c);
}

static void many_share_a_commit(void **state)
{
    struct clerk *c = clerk_of(&at, 64 << 20);
    assert_true(settle(c));
    uint64_t before = counts_of(c).commits;
    for (int i = 0; i < 5000; i++) {
        struct record r = record_at(NOON - i % 90, i % 3 ? "a" : "b");
        clerk_record(c, &r, NULL, NULL);
    }
    assert_true(settle(c));
    struct clerk_counts n = counts_of(c);
    assert_int_equal(n.committed, 5000);
    assert_int_equal(n.waiting, 0);
    assert_true(n.commits - before < 200);
    assert_int_equal(requests(c, TABLE_MINUTES, NOON - 89, NOON + 1), 5000);
    assert_int_equal(requests(c, TABLE_HOURS, 0, UINT32_MAX), 5000);
    assert_int_equal(requests(c, TABLE_DAYS, NOON / 1440, NOON / 1440 + 1), 5000);
    clerk_free(c);
}

static uint32_t minute_of_only_row(struct clerk *c)
{
    struct store_walk w;
    struct store_txn *t = reading(c);
    store_walk_init(&w, t, TABLE_MINUTES);
    assert_int_equal(store_walk_last(&w), 0);
    uint32_t minute = store_get_u32(w.key.ptr);
    store_walk_fini(&w);
    read_over(c, t);
    return minute;
}

static void a_closed_minute_stays_as_it_was(void **state)
{
    struct clerk *c = clerk_of(&at, 16 << 20);
    assert_true(put(c, record_at(NOON - 1, "a")));
    assert_true(close_minute(c, NOON - 1));
    assert_true(put(c, record_at(NOON - 1, "a")));
    assert_true(put(c, record_at(NOON - 30, "a")));
    assert_int_equal(requests(c, TABLE_MINUTES, 0, NOON), 1);
    assert_int_equal(requests(c, TABLE_MINUTES, NOON, NOON + 1), 2);
    assert_int_equal(requests(c, TABLE_HOURS, NOON / 60 - 1, NOON / 60), 1);
    assert_int_equal(minute_of_only_row(c), NOON);
    assert_true(close_minute(c, NOON - 20)); /* it never goes back */
    clerk_free(c);
    c = clerk_of(&at, 16 << 20);
    assert_true(put(c, record_at(NOON - 1, "a")));
    assert_int_equal(requests(c, TABLE_MINUTES, 0, NOON), 1);
    clerk_free(c);
}

static void records_before_a_close_are_in_their_minute(void **state)
{
    struct clerk *c = clerk_of(&at, 16 << 20);
    for (int i = 0; i < 100; i++) {
        struct record r = record_at(NOON - 1, "a");
        clerk_record(c, &r, NULL, NULL);
    }
    assert_true(close_minute(c, NOON - 1));
    assert_int_equal(requests(c, TABLE_MINUTES, NOON - 1, NOON), 100);
    clerk_free(c);
}

static void add_up(void *arg, const struct series *s, const struct rollup *sum)
{
    uint64_t *n = arg;
    n[0]++;
    n[1] += sum->counts[ROLLUP_REQUESTS];
    n[2] += str_eq(s->workload, S("a")) ? sum->usage.tokens[TOKEN_INPUT] : 0;
}

static void tells_what_was_committed_since_it_began(void **state)
{
    uint64_t n[3] = {0}, later[3] = {0};
    struct clerk *c = clerk_of(&at, 16 << 20);
    assert_true(put(c, record_at(NOON, "a")));
    assert_true(put(c, record_at(NOON - 5, "a")));
    assert_true(put(c, record_at(NOON, "b")));
    clerk_tally(c, add_up, n);
    assert_true(n[0] == 2 && n[1] == 3 && n[2] == 200);
    clerk_free(c);
    c = clerk_of(&at, 16 << 20);
    assert_true(put(c, record_at(NOON, "b")));
    clerk_tally(c, add_up, later);
    assert_true(later[0] == 1 && later[1] == 1);
    assert_int_equal(rows_of(c, TABLE_SERIES), 2); /* under its old number */
    clerk_free(c);
}

static void an_end_commits_what_waits(void **state)
{
    struct clerk *c = clerk_of(&at, 16 << 20);
    for (int i = 0; i < 50; i++) {
        struct record r = record_at(NOON, "a");
        clerk_record(c, &r, NULL, NULL);
    }
    clerk_free(c);
    c = clerk_of(&at, 16 << 20);
    assert_true(settle(c));
    assert_int_equal(requests(c, TABLE_MINUTES, 0, UINT32_MAX), 50);
    clerk_free(c);
}

static void notes_are_rows(void **state)
{
    struct str value;
    struct clerk *c = clerk_of(&at, 16 << 20);
    clerk_note(c, S("cursor.emf"), S("12345"), on_end, NULL);
    assert_true(all_good(1));
    struct store_txn *t = reading(c);
    assert_int_equal(store_get(t, TABLE_META, S("cursor.emf"), &value), 0);
    assert_true(str_eq(value, S("12345")));
    read_over(c, t);
    clerk_free(c);
}

static void old_requests_are_forgotten_their_sums_stay(void **state)
{
    struct clerk *c = clerk_of(&at, 32 << 20);
    for (int i = 0; i < 2500; i++) {
        struct record r = record_at(NOON - 8 * 1440 + i % 30, "a");
        clerk_record(c, &r, NULL, NULL);
    }
    assert_true(put(c, record_at(NOON, "a")));
    stand_at(120, NOON); /* chores are due */
    while (rows_of(c, TABLE_RECORDS) > 1)
        assert_true(settle(c));
    assert_int_equal(requests(c, TABLE_MINUTES, 0, UINT32_MAX), 2501);
    clerk_keep(c, 60000);
    stand_at(140, NOON + 10);
    while (rows_of(c, TABLE_RECORDS) > 0)
        assert_true(settle(c));
    assert_int_equal(requests(c, TABLE_DAYS, 0, UINT32_MAX), 2501);
    clerk_free(c);
}

static void sums_go_after_13_months_and_series_with_them(void **state)
{
    struct clerk *c = clerk_of(&at, 32 << 20);
    assert_true(put(c, record_at(NOON, "old")));
    assert_true(put(c, record_at(NOON + 390 * 1440, "new")));
    stand_at(399LL * 86400, NOON + 399 * 1440);
    while (rows_of(c, TABLE_SERIES) > 1)
        assert_true(settle(c));
    assert_int_equal(requests(c, TABLE_MINUTES, 0, UINT32_MAX), 1);
    assert_int_equal(requests(c, TABLE_HOURS, 0, UINT32_MAX), 1);
    assert_int_equal(requests(c, TABLE_DAYS, 0, UINT32_MAX), 1);
    assert_true(put(c, record_at(NOON + 399 * 1440, "old")));
    assert_int_equal(rows_of(c, TABLE_SERIES), 2);
    clerk_free(c);
}

static uint64_t old_book(struct clerk *c)
{
    for (int day = 0; day < 30; day++)
        assert_true(put(c, record_at(NOON - day * 13 * 1440, "a")));
    return requests(c, TABLE_DAYS, 0, UINT32_MAX);
}

/* Its chores are done, as often as it takes. */
static void do_chores(struct clerk *c, int64_t second, int64_t minute)
{
    for (int i = 0; i < 20; i++) {
        stand_at(second + i * 11, minute);
        assert_true(settle(c));
    }
}

enum { FAR = 73 * 365 * 1440 };

static void a_clock_that_jumps_empties_nothing(void **state)
{
    struct clerk *c = clerk_of(&at, 32 << 20);
    uint64_t n = old_book(c);
    do_chores(c, 120, NOON);
    uint64_t records = rows_of(c, TABLE_RECORDS);
    do_chores(c, 1000, NOON + FAR);
    assert_int_equal(requests(c, TABLE_DAYS, 0, UINT32_MAX), n);
    assert_int_equal(rows_of(c, TABLE_RECORDS), records);
    clerk_free(c);
}

/* Twice: what the wrong clock wrote does not make it right. */
static void a_clock_that_starts_far_ahead_empties_nothing(void **state)
{
    struct clerk *c = clerk_of(&at, 32 << 20);
    uint64_t n = old_book(c);
    do_chores(c, 120, NOON);
    do_chores(c, 4000, NOON + 60); /* it notes its clock */
    clerk_free(c);
    for (int start = 0; start < 2; start++) {
        stand_at(10, NOON + FAR);
        c = clerk_of(&at, 32 << 20);
        assert_true(put(c, record_at(NOON + FAR, "a")));
        do_chores(c, 120, NOON + FAR);
        clerk_free(c);
    }
    stand_at(10, NOON + 100);
    c = clerk_of(&at, 32 << 20);
    assert_true(settle(c));
    assert_int_equal(requests(c, TABLE_DAYS, 0, UINT32_MAX), n + 2);
    clerk_free(c);
}

static void a_book_without_a_clock_goes_by_its_last_day(void **state)
{
    struct clerk *c = clerk_of(&at, 32 << 20);
    uint64_t n = old_book(c);
    clerk_free(c);
    stand_at(10, NOON + FAR);
    c = clerk_of(&at, 32 << 20);
    do_chores(c, 120, NOON + FAR);
    assert_int_equal(requests(c, TABLE_DAYS, 0, UINT32_MAX), n);
    clerk_free(c);
}

static void a_small_book_stays_within_its_size(void **state)
{
    struct clerk *c = clerk_of(&at, 1 << 20);
    for (int i = 0; i < 20000; i++) {
        struct record r = record_at(NOON + i / 1000, "a");
        clerk_record(c, &r, NULL, NULL);
        if (i % 200 == 0)
            assert_true(settle(c));
    }
    assert_true(settle(c));
    struct clerk_counts n = counts_of(c);
    assert_int_equal(n.committed, 20000);
    assert_int_equal(n.failures, 0);
    assert_true(n.size.used_bytes < n.size.limit_bytes / 100 * 85);
    assert_true(n.size.rows[TABLE_RECORDS] > 1000);
    assert_int_equal(requests(c, TABLE_MINUTES, 0, UINT32_MAX), 20000);
    assert_int_equal(n_told, 0);
    clerk_free(c);
}

static void compacting_keeps_everything(void **state)
{
    struct clerk *c = clerk_of(&at, 64 << 20);
    for (int i = 0; i < 10000; i++) {
        struct record r = record_at(NOON - 8 * 1440, "a");
        clerk_record(c, &r, NULL, NULL);
    }
    assert_true(settle(c));
    stand_at(120, NOON);
    while (rows_of(c, TABLE_RECORDS) > 0)
        assert_true(settle(c));
    uint64_t before = counts_of(c).size.file_bytes;
    assert_true(compact(c));
    assert_true(counts_of(c).size.file_bytes < before / 4);
    assert_true(put(c, record_at(NOON, "a")));
    assert_int_equal(requests(c, TABLE_MINUTES, 0, UINT32_MAX), 10001);
    assert_int_equal(rows_of(c, TABLE_SERIES), 1);
    assert_int_equal(n_told, 0);
    clerk_free(c);
}

static void what_finds_no_room_in_memory_is_a_gap(void **state)
{
    char away[128];
    snprintf(away, sizeof away, "%s.away", at.path);
    assert_int_equal(rename(at.path, away), 0);
    struct clerk *c = clerk_of(&at, 256 << 20);
    assert_false(put(c, record_at(NOON, "a")));
    assert_false(settle(c));
    struct record r = record_at(NOON, "a");
    for (uint64_t i = 1; i < CLERK_WAITING_MOST + 50; i++) {
        memcpy(r.id, &i, sizeof i);
        if (i >= CLERK_WAITING_MOST)
            r.time_ms += 1000;
        clerk_record(c, &r, NULL, NULL);
    }
    assert_false(put(c, r));
    assert_int_equal(counts_of(c).lost, 51);
    assert_int_equal(counts_of(c).waiting, CLERK_WAITING_MOST);
    assert_false(counts_of(c).open);
    assert_int_equal(n_told, 1);
    assert_non_null(strstr(told[0], at.path));
    assert_int_equal(rename(away, at.path), 0);
    stand_at(106, NOON + 1);
    assert_true(settle(c));
    assert_int_equal(n_told, 2);
    assert_string_equal(told[1], "well");
    assert_int_equal(counts_of(c).committed, CLERK_WAITING_MOST);
    assert_int_equal(requests(c, TABLE_DAYS, 0, UINT32_MAX), CLERK_WAITING_MOST);
    struct gap g;
    struct store_walk w;
    struct store_txn *t = reading(c);
    store_walk_init(&w, t, TABLE_GAPS);
    assert_int_equal(store_walk_from(&w, S("")), 0);
    assert_int_equal(gap_read(w.key, w.value, &g), 0);
    assert_int_equal(g.records, 51);
    assert_int_equal(g.from_ms, NOON * 60000LL + 1000);
    assert_int_equal(g.until_ms, NOON * 60000LL + 50 * 1000);
    assert_int_equal(store_walk_next(&w), ERR_NOT_FOUND);
    store_walk_fini(&w);
    read_over(c, t);
    clerk_free(c);
}

static size_t log_lines_of(const char *word)
{
    static char text[65536];
    int pipe_ends[2];
    size_t n = 0;
    assert_int_equal(pipe(pipe_ends), 0);
    assert_true(log_drain(pipe_ends[1]));
    close(pipe_ends[1]);
    ssize_t len = read(pipe_ends[0], text, sizeof text - 1);
    close(pipe_ends[0]);
    assert_true(len >= 0);
    text[len] = 0;
    for (const char *hit = text; (hit = strstr(hit, word)); hit++)
        n++;
    return n;
}

static void name_many(struct clerk *c, const char *what, unsigned from, unsigned until)
{
    char name[32];
    for (unsigned i = from; i < until; i++) {
        snprintf(name, sizeof name, "%s%u", what, i);
        struct record r = record_at(NOON, *what == 'w' ? name : "one");
        r.model = *what == 'm' ? str_of(name) : r.model;
        clerk_record(c, &r, NULL, NULL);
    }
    assert_true(settle(c));
}

/* Each of the two steps is told once. */
static void names_that_end_are_told(void **state)
{
    struct clerk *c = clerk_of(&at, 64 << 20);
    log_ring(65536);
    name_many(c, "w", 0, CLERK_SERIES_MOST - 1);
    assert_int_equal(counts_of(c).series, CLERK_SERIES_MOST - 1);
    assert_int_equal(log_lines_of("count as"), 0);
    name_many(c, "w", CLERK_SERIES_MOST - 1, CLERK_SERIES_MOST + 10);
    assert_int_equal(log_lines_of("new workloads count as"), 1);
    name_many(c, "m", 0, CLERK_SERIES_MOST / 4 - 1);
    assert_int_equal(log_lines_of("new clients, models and workloads count as"), 1);
    name_many(c, "m", 0, CLERK_SERIES_MOST / 4 + 1);
    assert_int_equal(log_lines_of("count as"), 0);
    clerk_free(c);
}

static void memory_that_is_refused_loses_one(void **state)
{
    struct clerk *c = clerk_of(&at, 16 << 20);
    assert_true(settle(c));
    mem_fail_at(1);
    assert_false(put(c, record_at(NOON, "a")));
    assert_true(put(c, record_at(NOON, "a")));
    assert_int_equal(counts_of(c).lost, 1);
    assert_int_equal(rows_of(c, TABLE_GAPS), 1);
    struct record r = record_at(NOON, "a");
    clerk_record(c, &r, NULL, NULL);
    mem_fail_at(1);
    assert_false(put(c, record_at(NOON, "a"))); /* also behind one that is committed */
    clerk_free(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_record_and_its_sums),
        TEST(sums_are_by_series),
        TEST(the_same_record_counts_once),
        TEST(many_share_a_commit),
        TEST(a_closed_minute_stays_as_it_was),
        TEST(records_before_a_close_are_in_their_minute),
        TEST(tells_what_was_committed_since_it_began),
        TEST(an_end_commits_what_waits),
        TEST(notes_are_rows),
        TEST(old_requests_are_forgotten_their_sums_stay),
        TEST(sums_go_after_13_months_and_series_with_them),
        TEST(a_clock_that_jumps_empties_nothing),
        TEST(a_clock_that_starts_far_ahead_empties_nothing),
        TEST(a_book_without_a_clock_goes_by_its_last_day),
        TEST(a_small_book_stays_within_its_size),
        TEST(compacting_keeps_everything),
        TEST(what_finds_no_room_in_memory_is_a_gap),
        TEST(names_that_end_are_told),
        TEST(memory_that_is_refused_loses_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
