/* SPDX-License-Identifier: Apache-2.0
 *
 * book/rollup: what counts as what, sums of sums, and bytes that come back or are refused.
 */
#include "weir/book/rollup.h"

#include "weir/base/digest.h"
#include "weir/base/random.h"
#include "weir/book/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct record good = {
    .end = RECORD_GOOD,
    .flags = RECORD_INVOCATION | RECORD_STREAM,
    .usage = {{10, 20, 30, 40, 50, 60}},
    .cost_nanousd = 700,
    .unmarked_nanousd = 800,
    .untouched_nanousd = 900,
    .latency_us = 1000,
    .added_us = 12,
    .first_us = 100,
};

static void counted(struct record record, const uint64_t counts[ROLLUP_COUNTS], size_t latencies,
                    size_t firsts)
{
    struct rollup r = {0};
    rollup_add(&r, &record);
    for (size_t i = 0; i < ROLLUP_COUNTS; i++)
        assert_int_equal(r.counts[i], counts[i]);
    assert_int_equal(r.histograms[ROLLUP_LATENCY_US].count, latencies);
    assert_int_equal(r.histograms[ROLLUP_ADDED_US].count, latencies);
    assert_int_equal(r.histograms[ROLLUP_FIRST_US].count, firsts);
    assert_memory_equal(&r.usage, &record.usage, sizeof r.usage);
    assert_int_equal(r.cost_nanousd, record.flags & RECORD_UNPRICED ? 0 : record.cost_nanousd);
    rollup_fini(&r);
}

#define COUNTS(...) ((const uint64_t[ROLLUP_COUNTS]){[ROLLUP_REQUESTS] = 1, __VA_ARGS__})

static void counts(void **state)
{
    struct record r = good;
    counted(r, COUNTS([ROLLUP_INVOCATIONS] = 1), 1, 1);
    r.flags = RECORD_INVOCATION;
    counted(r, COUNTS([ROLLUP_INVOCATIONS] = 1), 1, 0);
    r.flags = RECORD_INVOCATION | RECORD_STREAM | RECORD_ESTIMATED;
    r.first_us = 0; /* cut before its first byte */
    counted(r, COUNTS([ROLLUP_INVOCATIONS] = 1, [ROLLUP_ESTIMATED] = 1), 1, 0);
    r.flags = RECORD_INVOCATION | RECORD_PROVISIONAL | RECORD_UNREADABLE;
    counted(r, COUNTS([ROLLUP_INVOCATIONS] = 1, [ROLLUP_PROVISIONAL] = 1, [ROLLUP_UNREADABLE] = 1),
            1, 0);
}

static void counts_ends(void **state)
{
    struct record r = good;
    r.usage = (struct usage){0};
    r.end = RECORD_CLIENT_ERROR;
    counted(r, COUNTS([ROLLUP_INVOCATIONS] = 1, [ROLLUP_CLIENT_ERRORS] = 1), 1, 1);
    r.end = RECORD_SERVER_ERROR;
    counted(r, COUNTS([ROLLUP_INVOCATIONS] = 1, [ROLLUP_SERVER_ERRORS] = 1), 1, 1);
    r.end = RECORD_THROTTLED;
    counted(r, COUNTS([ROLLUP_THROTTLES] = 1), 0, 0);
    r.flags = 0; /* CountTokens: no model was asked */
    counted(r, COUNTS([ROLLUP_INVOCATIONS] = 0), 0, 0);
    r.end = RECORD_CLIENT_ERROR;
    counted(r, COUNTS([ROLLUP_INVOCATIONS] = 0), 0, 0);
    r.flags = RECORD_JOINED;
    counted(r, COUNTS([ROLLUP_JOINED] = 1), 0, 0);
    r.flags = RECORD_REFUSED;
    counted(r, COUNTS([ROLLUP_REFUSED] = 1), 0, 0);
    r.flags = RECORD_MAYBE_TWICE;
    counted(r, COUNTS([ROLLUP_MAYBE_TWICE] = 1), 0, 0);
    r.flags = RECORD_BATCH_FIT;
    counted(r, COUNTS([ROLLUP_BATCH_FIT] = 1), 0, 0);
}

/* Tokens without a price are unpriced; what used none owes nothing. */
static void counts_unpriced(void **state)
{
    struct record r = good;
    r.flags = RECORD_INVOCATION | RECORD_UNPRICED;
    counted(r, COUNTS([ROLLUP_INVOCATIONS] = 1, [ROLLUP_UNPRICED] = 1), 1, 0);
    r.usage = (struct usage){0};
    r.end = RECORD_CLIENT_ERROR;
    counted(r, COUNTS([ROLLUP_INVOCATIONS] = 1, [ROLLUP_CLIENT_ERRORS] = 1), 1, 0);
}

static void counts_arms(void **state)
{
    struct rollup r = {0};
    struct buf none = {0}, some = {0};
    struct record one = good;
    one.input_nanousd = 60;
    one.plain_nanousd = 100;
    rollup_add(&r, &one); /* of no arm */
    one.marks = 2;
    rollup_write(&r, &none);
    one.arm = RECORD_ARM_TREATED;
    one.group = 3;
    rollup_add(&r, &one);
    rollup_add(&r, &one);
    one.flags |= RECORD_UNPRICED; /* counts, and its money does not */
    rollup_add(&r, &one);
    one.flags = good.flags;
    one.arm = RECORD_ARM_CONTROL;
    one.group = 0;
    one.marks = 0;
    rollup_add(&r, &one);
    assert_true(r.counts[ROLLUP_TREATED] == 3 && r.counts[ROLLUP_CONTROL] == 1);
    assert_int_equal(r.counts[ROLLUP_MARKED], 3);
    assert_true(r.groups[0][3].input == 120 && r.groups[0][3].plain == 200);
    assert_true(r.groups[1][0].input == 60 && r.groups[1][0].plain == 100);
    assert_int_equal(r.unmarked_nanousd, 4 * 800);
    assert_true(rollup_saved(&r, ROLLUP_CACHE) == 400 && rollup_saved(&r, ROLLUP_FLEX) == 400);
    rollup_write(&r, &some);
    assert_true(buf_len(&some) < buf_len(&none) + 48);
    rollup_fini(&r);
    buf_fini(&none);
    buf_fini(&some);
}

static void counts_losses(void **state)
{
    struct rollup r = {0};
    struct record one = good; /* saved 100 by caching and 100 by its lane */
    rollup_add(&r, &one);
    one.cost_nanousd = 1100;
    rollup_add(&r, &one);
    assert_int_equal(rollup_saved(&r, ROLLUP_CACHE), -200);
    assert_int_equal(r.lost_nanousd[ROLLUP_CACHE], 300);
    assert_true(rollup_saved(&r, ROLLUP_FLEX) == 200 && r.lost_nanousd[ROLLUP_FLEX] == 0);
    rollup_fini(&r);
}

/* Nobody waited for a job's answer; what its lane saved is a lever's of its own. */
static void counts_batches(void **state)
{
    struct rollup r = {0}, again = {0};
    struct buf b = {0};
    struct record one = good;
    one.flags = RECORD_INVOCATION;
    one.lane = LANE_BATCH;
    counted(one, COUNTS([ROLLUP_INVOCATIONS] = 1), 0, 0);
    rollup_add(&r, &one);
    one.untouched_nanousd = 0; /* paid for beside another answer */
    rollup_add(&r, &one);
    one = good;
    one.lane = LANE_FLEX;
    one.untouched_nanousd = 807;
    rollup_add(&r, &one);
    rollup_write(&r, &b);
    assert_int_equal(rollup_read(buf_str(&b), &again), 0);
    assert_int_equal(rollup_saved(&again, ROLLUP_BATCH), 100 - 800);
    assert_int_equal(rollup_saved(&again, ROLLUP_FLEX), 7);
    assert_int_equal(rollup_saved(&again, ROLLUP_CACHE), 300);
    assert_int_equal(rollup_saved_all(&again), 300 + 7 - 700);
    assert_true(again.lost_nanousd[ROLLUP_BATCH] == 800 && !again.lost_nanousd[ROLLUP_FLEX]);
    rollup_fini(&r);
    rollup_fini(&again);
    buf_fini(&b);
}

/* Samples are no requests: their range stays through sums and bytes. */
static void counts_what_waits(void **state)
{
    struct rollup r = {0}, more = {0}, again = {0};
    struct buf b = {0};
    struct record one = {.flags = RECORD_SAMPLE, .attempts = 40, .latency_us = 2000000};
    rollup_add(&r, &one);
    one.attempts = 7;
    one.latency_us = 9000000;
    rollup_add(&more, &one);
    rollup_merge(&r, &more);
    rollup_write(&r, &b);
    assert_int_equal(rollup_read(buf_str(&b), &again), 0);
    assert_true(again.queue.samples == 2 && again.counts[ROLLUP_REQUESTS] == 0);
    assert_true(again.queue.depth.sum == 47 && again.queue.depth.least == 7);
    assert_true(again.queue.depth.most == 40 && again.queue.age_us.least == 2000000);
    assert_true(again.queue.age_us.most == 9000000 && again.queue.age_us.sum == 11000000);
    rollup_fini(&again);
    buf_fini(&b);
}

static void counts_what_was_observed(void **state)
{
    struct rollup r = {0};
    struct record one = good;
    one.observed_nanousd = 5; /* says nothing without its mark */
    rollup_add(&r, &one);
    assert_int_equal(r.observed.requests, 0);
    one.flags |= RECORD_OBSERVED;
    rollup_add(&r, &one);
    one.observed_nanousd = 300;
    rollup_add(&r, &one);
    assert_int_equal(r.observed.requests, 2);
    assert_true(r.observed.cost_nanousd == 1400 && r.observed.would_nanousd == 305);
    assert_int_equal(r.cost_nanousd, 2100);
    rollup_fini(&r);
}

static struct record any_record(void)
{
    struct record r = {.end = (enum record_end)random_below(RECORD_ENDS),
                       .flags = (unsigned)random_below(2048),
                       .lane = (enum lane)random_below(LANES),
                       .cost_nanousd = random_below(1000000),
                       .unmarked_nanousd = random_below(1000000),
                       .untouched_nanousd = random_below(1000000),
                       .arm = (enum record_arm)random_below(RECORD_ARMS),
                       .group = (unsigned)random_below(RECORD_GROUPS),
                       .marks = (unsigned)random_below(5),
                       .input_nanousd = random_below(1000000),
                       .plain_nanousd = random_below(1000000),
                       .observed_nanousd = random_below(1000000),
                       .latency_us = random_below(1u << 30),
                       .added_us = random_below(2000),
                       .first_us = random_below(1u << 20)};
    for (size_t i = 0; i < TOKENS; i++)
        r.usage.tokens[i] = random_below(5000);
    return r;
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

static void adds_up_and_comes_back(void **state)
{
    struct rollup parts[4] = {0}, whole = {0}, sum = {0};
    random_seed(7);
    for (int i = 0; i < 2000; i++) {
        struct record r = any_record();
        rollup_add(&parts[random_below(4)], &r);
        rollup_add(&whole, &r);
    }
    random_seed(0);
    for (size_t i = 0; i < 4; i++) {
        struct buf b = {0};
        struct rollup again = {0};
        buf_add(&b, S("before"));
        buf_consume(&b, 2);
        rollup_write(&parts[i], &b);
        assert_int_equal(rollup_read(str_from_offset(buf_str(&b), 4), &again), 0);
        rollup_merge(&sum, &again);
        rollup_fini(&again);
        rollup_fini(&parts[i]);
        buf_fini(&b);
    }
    assert_int_equal(whole.counts[ROLLUP_REQUESTS], 2000);
    assert_same(&sum, &whole);
    rollup_fini(&sum);
    rollup_fini(&whole);
}

static void sums_saturate(void **state)
{
    struct rollup a = {.cost_nanousd = UINT64_MAX - 1, .counts = {UINT64_MAX}}, b = {0};
    rollup_add(&b, &good);
    rollup_merge(&a, &b);
    assert_true(a.cost_nanousd == UINT64_MAX && a.counts[ROLLUP_REQUESTS] == UINT64_MAX);
    rollup_fini(&a);
    rollup_fini(&b);
}

static void refuses_what_it_did_not_write(void **state)
{
    struct rollup r = {0}, again = {0};
    struct buf b = {0};
    rollup_add(&r, &good);
    rollup_write(&r, &b);
    rollup_fini(&r);
    for (size_t len = 0; len < buf_len(&b); len++)
        assert_int_equal(rollup_read(str_sub(buf_str(&b), 0, len), &again), ERR_BAD);
    for (size_t i = 1; i < buf_len(&b); i++) {
        b.data[i] = (char)(b.data[i] ^ 4);
        assert_int_equal(rollup_read(buf_str(&b), &again), ERR_BAD);
        b.data[i] = (char)(b.data[i] ^ 4);
    }
    b.data[0] = (char)200;
    assert_int_equal(rollup_read(buf_str(&b), &again), ERR_UNSUPPORTED);
    assert_null(again.histograms[0].cells);
    buf_fini(&b);
}

/* 0.4.0's ended before the sums of lane batch and of what waited, here two empty lists. */
static void reads_what_0_4_0_wrote(void **state)
{
    struct rollup r = {0}, again = {0};
    struct buf b = {0};
    rollup_add(&r, &good);
    rollup_write(&r, &b);
    struct str old = str_sub(buf_str(&b), 0, buf_len(&b) - 2);
    uint32_t crc = crc32_add(0, str_from_offset(old, 5));
    b.data[0] = 2;
    memcpy(b.data + 1, &crc, sizeof crc);
    assert_int_equal(rollup_read(old, &again), 0);
    assert_same(&r, &again);
    assert_int_equal(rollup_saved(&again, ROLLUP_FLEX), 100);
    rollup_fini(&r);
    rollup_fini(&again);
    buf_fini(&b);
}

static void fits_into_a_value(void **state)
{
    struct rollup r;
    struct buf b = {0};
    memset(&r, 255, sizeof r);
    memset(r.histograms, 0, sizeof r.histograms);
    for (size_t i = 0; i < ROLLUP_HISTOGRAMS; i++)
        for (uint32_t cell = 0; cell < HISTOGRAM_CELLS; cell++)
            histogram_add(&r.histograms[i], histogram_value(cell), UINT64_MAX);
    rollup_write(&r, &b);
    assert_true(buf_len(&b) <= ROLLUP_BYTES_MOST && buf_len(&b) <= STORE_VALUE_MOST);
    rollup_fini(&r);
    assert_int_equal(rollup_read(buf_str(&b), &r), 0);
    assert_true(r.cost_nanousd == UINT64_MAX && r.usage.tokens[TOKENS - 1] == UINT64_MAX);
    rollup_fini(&r);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(counts_ends),
        cmocka_unit_test(counts_unpriced),
        cmocka_unit_test(counts_arms),
        cmocka_unit_test(counts_losses),
        cmocka_unit_test(counts_batches),
        cmocka_unit_test(counts_what_waits),
        cmocka_unit_test(counts_what_was_observed),
        cmocka_unit_test(adds_up_and_comes_back),
        cmocka_unit_test(sums_saturate),
        cmocka_unit_test(refuses_what_it_did_not_write),
        cmocka_unit_test(reads_what_0_4_0_wrote),
        cmocka_unit_test(fits_into_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
