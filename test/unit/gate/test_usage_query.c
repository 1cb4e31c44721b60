/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/usage_query: what may be asked of usage, savings and decisions, and the sentences for what
 * may not.
 */
#include "../../../src/gate/usage_query.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const int64_t now_ms = 1795132800000 + 5 * 60000 + 1; /* 2026-11-20T00:05 and a bit */
enum { ALL = USAGE_SINCE | USAGE_UNTIL | USAGE_BY | USAGE_PERIOD };

static struct usage_query good(const char *query, unsigned takes)
{
    struct usage_query q;
    struct buf sentence = {0};
    if (!usage_query_read(str_of(query), takes, now_ms, &q, &sentence))
        fail_msg("%s", buf_cstr(&sentence));
    return q;
}

static void bad(const char *query, unsigned takes, const char *expected)
{
    struct usage_query q;
    struct buf sentence = {0};
    assert_false(usage_query_read(str_of(query), takes, now_ms, &q, &sentence));
    assert_string_equal(buf_cstr(&sentence), expected);
    buf_fini(&sentence);
}

static void reads(void **state)
{
    const uint32_t midnight = 1795132800 / 60;
    struct usage_query q = good("", ALL);
    assert_true(q.report.from == midnight + 5 - 7 * 1440 && q.report.until == midnight + 6);
    assert_true(q.report.by == (REPORT_BY_MODEL | REPORT_BY_LANE) && q.report.period == 0);
    assert_int_equal(q.report.rows_most, USAGE_ROWS_MOST);
    assert_int_equal(good("", USAGE_SINCE | USAGE_UNTIL).report.by, REPORT_BY_MODEL);
    q = good("since=2026-11-19&until=2026-11-20T00%3A00%3A00Z&by=client,workload&period=1h&", ALL);
    assert_true(q.report.from == midnight - 1440 && q.report.until == midnight);
    assert_true(q.report.by == (REPORT_BY_CLIENT | REPORT_BY_WORKLOAD) && q.report.period == 60);
    assert_int_equal(good("by=&since=&until=&period=", ALL).report.by, 0);
    assert_int_equal(good("", USAGE_N).n, USAGE_N_USUAL);
    assert_int_equal(good("n=7", USAGE_N).n, 7);
}

static void refuses(void **state)
{
    bad("n=7", ALL, "There is no parameter \"n\" here; there is since, until, by, period.");
    bad("since=yesterday", ALL,
        "Times are a time ago (7d, 12h, 30m), a day (2026-11-20) or a moment "
        "(2026-11-20T08:00:00Z).");
    bad("since=2026-11-20T08:00:00+01:00", ALL,
        "Times are a time ago (7d, 12h, 30m), a day (2026-11-20) or a moment "
        "(2026-11-20T08:00:00Z). A + in a URL is a space: write %2B, as in 08:00:00%2B01:00.");
    assert_int_equal(good("since=2026-11-20T00:00:00%2B01:00", ALL).report.from,
                     1795132800 / 60 - 60);
    bad("since=1h&until=2h", ALL, "since must be before until.");
    bad("by=model,tenant", ALL,
        "by takes client, workload, model and lane, with commas, not \"tenant\".");
    bad("period=30s", ALL, "period takes whole minutes, like 5m, 1h or 1d.");
    bad("period=0", ALL, "period takes whole minutes, like 5m, 1h or 1d.");
    bad("n=0", USAGE_N, "n takes a number from 1 to 1000.");
    bad("n=1001", USAGE_N, "n takes a number from 1 to 1000.");
    bad("since=%zz", ALL, "The part behind the ? has a bad % escape.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads), cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
