/* SPDX-License-Identifier: Apache-2.0
 *
 * book/report: against the plain sum over the records, for any span, period and grouping, whole and
 * in slices; where minutes are forgotten; gaps; and what damage is told as.
 */
#include "weir/book/report.h"

#include "weir/base/random.h"

#include "book_make.h"

#include <string.h>

enum { MINUTE_MS = 60000, HOUR = 60, DAY = 1440, N = 1500, DAYS = 4 };
static const uint32_t day0 = 20400 * DAY;

static struct record records[N];

static struct record any_record(void)
{
    static const struct str names[] = {STR("a"), STR("b"), STR("")};
    struct record r = {.client = names[random_below(2)],
                       .workload = names[random_below(3)],
                       .model = names[random_below(2)],
                       .lane = (enum lane)random_below(2),
                       .end = (enum record_end)random_below(RECORD_ENDS),
                       .flags = (unsigned)random_below(128),
                       .cost_nanousd = random_below(1000),
                       .untouched_nanousd = random_below(1000),
                       .latency_us = random_below(100000),
                       .first_us = random_below(1000)};
    for (size_t i = 0; i < TOKENS; i++)
        r.usage.tokens[i] = random_below(50);
    /* Many at the very borders of hours and days. */
    uint64_t minute = day0 + random_below(DAYS * DAY);
    if (random_below(3) == 0)
        minute -= minute % HOUR;
    if (random_below(4) == 0)
        minute -= minute % DAY;
    uint64_t ms[] = {0, 1, MINUTE_MS - 1, random_below(MINUTE_MS)};
    r.time_ms = (int64_t)(minute * MINUTE_MS + ms[random_below(4)]);
    random_bytes(r.id, sizeof r.id);
    return r;
}

static void fill(struct made *m)
{
    made_init(m);
    random_seed(99);
    for (size_t i = 0; i < N; i++) {
        records[i] = any_record();
        made_add(m, &records[i]);
    }
    random_seed(0);
    made_commit(m);
}

static struct report *run(struct made *m, const struct report_query *q, size_t most)
{
    struct report *r = report_new(q);
    int more;
    while ((more = report_step(r, m->store, most)) == 1) {
    }
    assert_int_equal(more, 0);
    return r;
}

static struct series masked(const struct record *r, unsigned by)
{
    return (struct series){
        by & REPORT_BY_CLIENT ? r->client : S(""), by & REPORT_BY_WORKLOAD ? r->workload : S(""),
        by & REPORT_BY_MODEL ? r->model : S(""), by & REPORT_BY_LANE ? r->lane : LANE_ONDEMAND};
}

static bool in_row(const struct record *r, const struct report_query *q,
                   const struct report_row *row)
{
    uint32_t minute = (uint32_t)(r->time_ms / MINUTE_MS);
    struct series s = masked(r, q->by);
    return minute >= q->from && minute < q->until && series_cmp(&s, &row->series) == 0 &&
           (q->period ? minute / q->period * q->period : 0) == row->minute;
}

static void assert_same(const struct rollup *a, const struct rollup *b)
{
    struct buf x = {0}, y = {0};
    rollup_write(a, &x);
    rollup_write(b, &y);
    assert_true(str_eq(buf_str(&x), buf_str(&y)));
    buf_fini(&x);
    buf_fini(&y);
}

/* Each row is the sum of its records; each record of the span is in a row; rows are in order. */
static void check(const struct report *r, const struct report_query *q)
{
    size_t n, counted = 0, due = 0;
    const struct report_row *rows = report_rows(r, &n);
    struct rollup total = {0}, all = {0};
    for (size_t i = 0; i < n; i++) {
        struct rollup sum = {0};
        for (size_t k = 0; k < N; k++)
            if (in_row(&records[k], q, &rows[i]))
                rollup_add(&sum, &records[k]);
        assert_same(&sum, &rows[i].sum);
        counted += sum.counts[ROLLUP_REQUESTS];
        rollup_merge(&all, &sum);
        rollup_fini(&sum);
        if (i)
            assert_true(rows[i - 1].minute < rows[i].minute ||
                        (rows[i - 1].minute == rows[i].minute &&
                         series_cmp(&rows[i - 1].series, &rows[i].series) < 0));
    }
    for (size_t k = 0; k < N; k++)
        due +=
            records[k].time_ms / MINUTE_MS >= q->from && records[k].time_ms / MINUTE_MS < q->until;
    assert_int_equal(counted, due);
    report_total(r, &total);
    assert_same(&total, &all);
    rollup_fini(&total);
    rollup_fini(&all);
}

static void sums_any_span(void **state)
{
    static const uint32_t periods[] = {0, 1, 7, 60, 90, 1440, 10000};
    static const size_t slices[] = {1, 3, 100, 1000000};
    struct made m;
    fill(&m);
    random_seed(5);
    for (int round = 0; round < 120; round++) {
        struct report_query q = {.from = day0 - 100 + (uint32_t)random_below(DAYS * DAY),
                                 .period = periods[random_below(7)],
                                 .by = (unsigned)random_below(16)};
        q.until = q.from + (uint32_t)random_below(DAYS * DAY);
        struct report *r = run(&m, &q, slices[random_below(4)]);
        uint32_t from, until;
        report_span(r, &from, &until);
        assert_true(from == q.from && until == q.until);
        check(r, &q);
        report_free(r);
    }
    struct report_query all = {.from = 0, .until = UINT32_MAX, .period = 7, .by = 15};
    struct report *r = run(&m, &all, 50);
    check(r, &all);
    report_free(r);
    random_seed(0);
    made_fini(&m);
}

static void utc_borders(void **state)
{
    struct made m;
    made_init(&m);
    struct record r = {.client = S("a"), .model = S("m"), .usage = {{1}}};
    for (int i = -1; i <= 1; i++) { /* the last ms of a day, the first one, ... */
        r.time_ms = (int64_t)day0 * MINUTE_MS + i;
        made_add(&m, &r);
    }
    made_commit(&m);
    struct report_query q = {.from = day0 - DAY, .until = day0 + DAY, .period = DAY};
    struct report *report = run(&m, &q, 100);
    size_t n;
    const struct report_row *rows = report_rows(report, &n);
    assert_int_equal(n, 2);
    assert_true(rows[0].minute == day0 - DAY && rows[0].sum.usage.tokens[TOKEN_INPUT] == 1);
    assert_true(rows[1].minute == day0 && rows[1].sum.usage.tokens[TOKEN_INPUT] == 2);
    report_free(report);
    made_fini(&m);
}

static void empty_book(void **state)
{
    struct made m;
    size_t n;
    made_init(&m);
    struct report *r = run(&m, &(struct report_query){.until = UINT32_MAX, .period = 1}, 10);
    report_rows(r, &n);
    assert_int_equal(n, 0);
    report_free(r);
    made_fini(&m);
}

/* Minutes of the first two days are gone, hours of the first: edges there become whole. */
static void forgotten_minutes(void **state)
{
    struct made m;
    uint32_t from, until;
    fill(&m);
    made_forget(&m, TABLE_MINUTES, day0 + 2 * DAY);
    made_forget(&m, TABLE_HOURS, (day0 + DAY) / HOUR);
    made_commit(&m);
    struct report_query q = {.from = day0 + DAY + 61, .until = day0 + 3 * DAY + 61, .by = 4};
    struct report *r = run(&m, &q, 20);
    report_span(r, &from, &until);
    assert_true(from == day0 + DAY + HOUR && until == q.until);
    q.from = from;
    check(r, &q);
    report_free(r);
    q = (struct report_query){.from = day0 + 5, .until = day0 + DAY + 5, .by = 3};
    r = run(&m, &q, 1);
    report_span(r, &from, &until);
    assert_true(from == day0 && until == day0 + DAY + HOUR);
    q.from = from, q.until = until;
    check(r, &q);
    report_free(r);
    made_fini(&m);
}

static void tells_gaps(void **state)
{
    struct made m;
    size_t n;
    made_init(&m);
    int64_t at = (int64_t)day0 * MINUTE_MS;
    made_gap(&m, at - 5000, at - 1, 1);
    made_gap(&m, at - 4000, at, 2);
    made_gap(&m, at + 10 * MINUTE_MS - 1, at + 20 * MINUTE_MS, 3);
    made_gap(&m, at + 10 * MINUTE_MS, at + 20 * MINUTE_MS, 4);
    made_commit(&m);
    struct report *r = run(&m, &(struct report_query){.from = day0, .until = day0 + 10}, 10);
    const struct gap *gaps = report_gaps(r, &n);
    assert_int_equal(n, 2);
    assert_true(gaps[0].records == 2 && gaps[1].records == 3);
    report_free(r);
    for (int i = 0; i < REPORT_GAPS_MOST; i++)
        made_gap(&m, at + i, at + i, 5);
    made_commit(&m);
    r = run(&m, &(struct report_query){.from = day0, .until = day0 + 10}, 10);
    gaps = report_gaps(r, &n);
    assert_int_equal(n, REPORT_GAPS_MOST);
    assert_true(gaps[n - 1].records == 13 && gaps[n - 1].until_ms == at + 20 * MINUTE_MS);
    report_free(r);
    made_fini(&m);
}

static int outcome(struct made *m, const struct report_query *q)
{
    struct report *r = report_new(q);
    int more;
    while ((more = report_step(r, m->store, 100)) == 1) {
    }
    report_free(r);
    return more;
}

static void refuses(void **state)
{
    struct made m;
    fill(&m);
    struct report_query q = {.until = UINT32_MAX, .period = 1, .by = 15, .rows_most = 1000};
    assert_int_equal(outcome(&m, &q), ERR_TOO_BIG);
    q.rows_most = 0;
    assert_int_equal(outcome(&m, &q), 0);
    q.period = 0;
    unsigned char key[8] = {0};
    store_put_u32(key, day0 / DAY + 1);
    struct str k = str_from((char *)key, 8);
    assert_int_equal(store_put(m.txn, TABLE_DAYS, k, S("\1no rollup")), 0);
    made_commit(&m);
    assert_int_equal(outcome(&m, &q), ERR_BAD);
    assert_int_equal(store_delete(m.txn, TABLE_DAYS, k), 0);
    made_commit(&m);
    assert_int_equal(outcome(&m, &q), 0);
    made_fini(&m);
}

/* Sums whose series has lost its name count all the same. */
static void nameless(void **state)
{
    struct made m;
    fill(&m);
    struct report_query q = {.from = day0, .until = day0 + DAYS * DAY};
    for (unsigned char number[4] = {0}; number[3] < m.n_series; number[3]++)
        assert_int_equal(number[3] % 2
                             ? store_put(m.txn, TABLE_SERIES, str_from((char *)number, 4), S("x"))
                             : store_delete(m.txn, TABLE_SERIES, str_from((char *)number, 4)),
                         0);
    made_commit(&m);
    struct report *r = run(&m, &q, 100);
    check(r, &q);
    report_free(r);
    q.by = 15;
    r = run(&m, &q, 100);
    size_t n;
    assert_true(str_eq(report_rows(r, &n)[0].series.model, S("(unknown)")));
    assert_int_equal(n, 1);
    report_free(r);
    made_fini(&m);
}

static void reads_words(void **state)
{
    unsigned by;
    struct str bad = S("");
    int64_t ms;
    assert_true(report_read_by(S("model, lane"), &by, &bad));
    assert_int_equal(by, REPORT_BY_MODEL | REPORT_BY_LANE);
    assert_true(report_read_by(S(""), &by, &bad) && by == 0);
    assert_false(report_read_by(S("model,modle"), &by, &bad));
    assert_true(str_eq(bad, S("modle")));
    assert_false(report_read_by(S("model,"), &by, &bad)); /* a name is missing */
    assert_true(bad.len == 0);
    assert_false(report_read_by(S(",model"), &by, &bad));
    assert_false(report_read_by(S(" "), &by, &bad));
    const int64_t now = 1795000000123;
    assert_true(report_read_time(S("7d"), now, &ms) && ms == now - 7 * 86400000LL);
    assert_true(report_read_time(S("0"), now, &ms) && ms == now);
    assert_true(report_read_time(S("99999d"), now, &ms) && ms == 0);
    assert_true(report_read_time(S("2026-11-20"), now, &ms) && ms == 1795132800000);
    assert_true(report_read_time(S("2026-11-20T01:00:00+01:00"), now, &ms) && ms == 1795132800000);
    assert_false(report_read_time(S("2026-13-01"), now, &ms));
    assert_false(report_read_time(S("yesterday"), now, &ms));
    assert_false(report_read_time(S("1950-01-01"), now, &ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_any_span), cmocka_unit_test(utc_borders),
        cmocka_unit_test(empty_book),    cmocka_unit_test(forgotten_minutes),
        cmocka_unit_test(tells_gaps),    cmocka_unit_test(refuses),
        cmocka_unit_test(nameless),      cmocka_unit_test(reads_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
