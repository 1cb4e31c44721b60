/* SPDX-License-Identifier: Apache-2.0
 *
 * A book that Weir 0.3.0 wrote (test/vectors/book) opens, reports and checks as it did then, alone
 * and after this Weir wrote into it; that Weir would not open it any more.
 */
#include "../wire/vectors.h"
#include "clerk_side.h"
#include "weir/base/text.h"
#include "weir/book/check.h"
#include "weir/book/report.h"

static struct folder at;
static const uint32_t from = 1795046400 / 60, until = from + 3 * 1440; /* 2026-11-19 */

static struct store *opened(bool read_only)
{
    char why[512];
    struct store *s;
    const struct store_options o = {at.meter, 64 << 20, read_only};
    if (store_open(&o, &s, why, sizeof why))
        fail_msg("%s", why);
    return s;
}

static enum table table_of(struct str word)
{
    static const char *const words[TABLES] = {"meta",  "records", "series", "minutes",
                                              "hours", "days",    "gaps"};
    int i = 0;
    while (!str_eq(word, str_of(words[i])))
        assert_true(++i < TABLES);
    return (enum table)i;
}

static size_t unhex(struct str hex, char *out)
{
    for (size_t i = 0; i < hex.len / 2; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex.ptr + 2 * i, "%2x", &byte), 1);
        out[i] = (char)byte;
    }
    return hex.len / 2;
}

static int setup(void **state)
{
    struct buf file = vector_read("test/vectors/book/rows-0.3.0.txt");
    folder_make(&at);
    stand_at(100, 1795176000 / 60);
    struct store *s = opened(false);
    struct store_txn *t;
    assert_int_equal(store_begin(s, true, &t), 0);
    for (struct str rest = buf_str(&file); rest.len;) {
        char key[64], value[512];
        struct str line = str_cut(&rest, '\n'), table = str_cut(&line, ' ');
        struct str k = str_cut(&line, ' ');
        size_t n = unhex(k, key), m = unhex(line, value);
        assert_int_equal(store_put(t, table_of(table), str_from(key, n), str_from(value, m)), 0);
    }
    assert_int_equal(store_commit(t), 0);
    store_close(s);
    buf_fini(&file);
    return 0;
}

static int teardown(void **state)
{
    clock_real();
    folder_remove(at.path);
    return 0;
}

static void on_finding(void *arg, const char *sentence)
{
    fail_msg("%s", sentence);
}

static void assert_right(struct store *s, uint64_t records)
{
    struct check_result r;
    assert_int_equal(check_run(s, on_finding, NULL, &r), 0);
    assert_int_equal(r.findings, 0);
    assert_int_equal(r.rows[TABLE_RECORDS], records);
    assert_true(r.minutes >= 5);
}

static void total_of(struct store *s, struct rollup *out)
{
    struct report *r = report_new(&(struct report_query){.from = from, .until = until});
    int rc = 1;
    while (rc == 1)
        rc = report_step(r, s, 100);
    assert_int_equal(rc, 0);
    report_total(r, out);
    report_free(r);
}

/* What its writer put there: five good ones of 1,000,000 + i nano-dollars. */
static void reads_as_it_was(void **state)
{
    struct rollup sum = {0};
    struct store *s = opened(true);
    assert_right(s, 6);
    total_of(s, &sum);
    assert_int_equal(sum.counts[ROLLUP_REQUESTS], 6);
    assert_int_equal(sum.counts[ROLLUP_THROTTLES], 1);
    assert_int_equal(sum.counts[ROLLUP_TREATED] + sum.counts[ROLLUP_CONTROL], 0);
    assert_int_equal(sum.usage.tokens[TOKEN_CACHE_READ], 5 * 4000);
    assert_int_equal(sum.cost_nanousd, 5 * 1000000 + 12);
    assert_int_equal(sum.untouched_nanousd, 5 * 1500000 + 12);
    assert_int_equal(sum.unmarked_nanousd, sum.untouched_nanousd);
    assert_int_equal(sum.histograms[ROLLUP_LATENCY_US].count, 5);
    rollup_fini(&sum);
    store_close(s);
}

static void grows_on(void **state)
{
    struct rollup sum = {0};
    struct clerk *c = clerk_of(&at, 64 << 20);
    struct record r = record_at(1795176000 / 60 - 1, "nightly");
    r.client = S("search"); /* one of its series */
    r.model = r.asked = S("us.amazon.nova-lite-v1:0");
    r.arm = RECORD_ARM_CONTROL;
    r.group = 7;
    r.input_nanousd = r.plain_nanousd = 900;
    r.unmarked_nanousd = 1400;
    assert_true(put(c, r));
    assert_true(settle(c));
    clerk_free(c);
    struct store *s = opened(true);
    assert_right(s, 7);
    total_of(s, &sum);
    assert_int_equal(sum.counts[ROLLUP_CONTROL], 1);
    assert_int_equal(sum.groups[1][7].plain, 900);
    assert_int_equal(sum.unmarked_nanousd, 5 * 1500000 + 12 + 1400);
    assert_int_equal(sum.untouched_nanousd, 5 * 1500000 + 12 + 1500);
    rollup_fini(&sum);
    store_close(s);
}

static uint32_t schema_of(struct store *s)
{
    struct store_txn *t;
    struct str value;
    assert_int_equal(store_begin(s, false, &t), 0);
    assert_int_equal(store_get(t, TABLE_META, S("schema"), &value), 0);
    uint32_t n = store_get_u32(value.ptr);
    store_abort(t);
    store_close(s);
    return n;
}

/* Only a writer moves it on. */
static void is_closed_to_the_older_one(void **state)
{
    assert_int_equal(schema_of(opened(true)), 1);
    assert_int_equal(schema_of(opened(false)), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_as_it_was),
        TEST(grows_on),
        TEST(is_closed_to_the_older_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
