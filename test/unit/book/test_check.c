/* SPDX-License-Identifier: Apache-2.0
 *
 * book/check: a book that a clerk wrote is right, also when records came late and when some of it
 * is forgotten; every kind of damage is found.
 */
#include "weir/book/check.h"

#include "clerk_side.h"

static struct folder at;
static char findings[8][512];
static size_t n_findings;

static int setup(void **state)
{
    folder_make(&at);
    stand_at(100, NOON);
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
    if (n_findings < 8)
        snprintf(findings[n_findings], sizeof findings[0], "%s", sentence);
    n_findings++;
}

static struct check_result checked(struct store *s)
{
    struct check_result r;
    n_findings = 0;
    assert_int_equal(check_run(s, on_finding, NULL, &r), 0);
    assert_int_equal(r.findings < 100 ? r.findings : 100, n_findings);
    return r;
}

static struct store *opened(void)
{
    char why[512];
    struct store *s;
    const struct store_options o = {at.meter, 64 << 20, false};
    assert_int_equal(store_open(&o, &s, why, sizeof why), 0);
    return s;
}

/* Two days of two series, a record a minute. */
static void write_book(bool late)
{
    struct clerk *c = clerk_of(&at, 64 << 20);
    for (int i = 2880; i > 0; i--) {
        struct record r = record_at(NOON - i, i % 7 ? "a" : "b");
        r.latency_us += (uint64_t)i * 1000;
        r.arm = RECORD_ARM_TREATED;
        r.group = 2;
        r.input_nanousd = 700;
        r.plain_nanousd = 900;
        clerk_record(c, &r, NULL, NULL);
        if (late && i % 500 == 0) {
            assert_true(close_minute(c, (uint32_t)(NOON - i)));
            assert_true(put(c, record_at(NOON - i - 3, "a")));
        }
    }
    assert_true(settle(c));
    clerk_free(c);
}

static void a_good_book_has_no_findings(void **state)
{
    write_book(false);
    struct store *s = opened();
    struct check_result r = checked(s);
    assert_int_equal(r.findings, 0);
    assert_int_equal(r.rows[TABLE_RECORDS], 2880);
    assert_int_equal(r.minutes, 2880);
    assert_int_equal(r.late_minutes, 0);
    assert_true(r.live_bytes > 2880 * 100);
    store_close(s);
}

static void late_records_are_no_finding(void **state)
{
    write_book(true);
    struct store *s = opened();
    struct check_result r = checked(s);
    assert_int_equal(r.findings, 0);
    assert_int_equal(r.late_minutes, 2880 - 500 + 2);
    store_close(s);
}

static void what_is_forgotten_is_no_finding(void **state)
{
    write_book(false);
    struct clerk *c = clerk_of(&at, 64 << 20);
    clerk_keep(c, 86400000);
    assert_true(settle(c));
    stand_at(120, NOON);
    while (rows_of(c, TABLE_RECORDS) > 1440)
        assert_true(settle(c));
    clerk_free(c);
    struct store *s = opened();
    assert_int_equal(checked(s).findings, 0);
    store_close(s);
}

static struct store_txn *writing(struct store *s)
{
    struct store_txn *t;
    assert_int_equal(store_begin(s, true, &t), 0);
    return t;
}

/* The row in the middle of a table. */
static void middle(struct store_txn *t, enum table table, int n, char *key, size_t *len,
                   struct buf *value)
{
    struct store_walk w;
    store_walk_init(&w, t, table);
    assert_int_equal(store_walk_from(&w, S("")), 0);
    while (n-- > 0)
        assert_int_equal(store_walk_next(&w), 0);
    *len = w.key.len;
    memcpy(key, w.key.ptr, w.key.len);
    buf_add(value, w.value);
    store_walk_fini(&w);
}

/* Findings after a row was changed: by one bit, or taken out, or counted twice, or by money that
 * went from one side of the control group to the other. */
enum damage { BIT, GONE, TWICE, OTHER_SIDE };
static uint64_t findings_after(enum table table, enum damage damage)
{
    struct store *s = opened();
    struct store_txn *t = writing(s);
    struct buf value = {0};
    char key[64];
    size_t len;
    middle(t, table, table == TABLE_RECORDS || table == TABLE_MINUTES ? 1000 : 1, key, &len,
           &value);
    struct rollup r = {0};
    if (damage >= TWICE) {
        assert_int_equal(rollup_read(buf_str(&value), &r), 0);
        if (damage == TWICE)
            rollup_merge(&r, &r);
        else
            r.groups[CONTROL_CONTROL][2] = r.groups[CONTROL_TREATED][2];
        buf_clear(&value);
        rollup_write(&r, &value);
        rollup_fini(&r);
    } else {
        value.data[buf_len(&value) / 2] ^= 4;
    }
    int rc = damage == GONE ? store_delete(t, table, str_from(key, len))
                            : store_put(t, table, str_from(key, len), buf_str(&value));
    assert_int_equal(rc, 0);
    assert_int_equal(store_commit(t), 0);
    buf_fini(&value);
    uint64_t n = checked(s).findings;
    store_close(s);
    return n;
}

static void every_damage_is_found(void **state)
{
    static const struct {
        enum table table;
        enum damage damage;
        const char *word;
    } cases[] = {
        {TABLE_RECORDS, BIT, "a record"},
        {TABLE_RECORDS, GONE, "minute"},
        {TABLE_MINUTES, BIT, "minute"},
        {TABLE_MINUTES, GONE, "minute"},
        {TABLE_MINUTES, TWICE, "minute"},
        {TABLE_HOURS, BIT, "hour"},
        {TABLE_HOURS, GONE, "hour"},
        {TABLE_HOURS, TWICE, "hour"},
        {TABLE_DAYS, BIT, "day"},
        {TABLE_DAYS, GONE, "day"},
        {TABLE_DAYS, TWICE, "day"},
        {TABLE_SERIES, GONE, "no name"},
        {TABLE_MINUTES, OTHER_SIDE, "minute"},
        {TABLE_DAYS, OTHER_SIDE, "day"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        folder_remove(at.meter);
        write_book(false);
        assert_true(findings_after(cases[i].table, cases[i].damage) > 0);
        assert_non_null(strstr(findings[0], cases[i].word));
        if (cases[i].damage == OTHER_SIDE)
            assert_non_null(strstr(findings[0], "what was saved"));
    }
}

static void a_late_record_that_is_missing_is_found(void **state)
{
    write_book(true);
    assert_true(findings_after(TABLE_RECORDS, GONE) > 0);
    assert_non_null(strstr(findings[0], "late"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_book_has_no_findings),
        TEST(late_records_are_no_finding),
        TEST(what_is_forgotten_is_no_finding),
        TEST(every_damage_is_found),
        TEST(a_late_record_that_is_missing_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
