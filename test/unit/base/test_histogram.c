/* SPDX-License-Identifier: Apache-2.0
 *
 * base/histogram: two significant digits, sums of sums, and bytes that come back or are refused.
 */
#include "weir/base/histogram.h"

#include "weir/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t any_value(void)
{
    return random_u64() >> random_below(64);
}

static void assert_same(const struct histogram *a, const struct histogram *b)
{
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->count, b->count);
    assert_true(a->sum == b->sum && a->least == b->least && a->most == b->most);
    for (size_t i = 0; i < a->n; i++) {
        assert_int_equal(a->cells[i].index, b->cells[i].index);
        assert_int_equal(a->cells[i].count, b->cells[i].count);
        assert_true(i == 0 || a->cells[i - 1].index < a->cells[i].index);
    }
}

/* Every value below 2^38 is within 0.4 % of what stands for it, and below 256 it stands itself. */
static void two_digits(void **state)
{
    for (uint64_t value = 0; value < (uint64_t)1 << 38; value += 1 + value / 1000) {
        struct histogram h = {0};
        histogram_add(&h, value, 1);
        uint64_t middle = histogram_value(h.cells[0].index);
        uint64_t off = middle > value ? middle - value : value - middle;
        assert_true(value < 256 ? off == 0 : off * 250 <= value);
        assert_true(h.cells[0].index < HISTOGRAM_CELLS);
        histogram_fini(&h);
    }
    for (uint32_t i = 1; i < HISTOGRAM_CELLS; i++)
        assert_true(histogram_value(i) > histogram_value(i - 1));
}

static void edges(void **state)
{
    struct histogram h = {0};
    assert_int_equal(histogram_at(&h, 500), 0);
    assert_int_equal(histogram_below(&h, UINT64_MAX), 0);
    histogram_add(&h, 7, 0);
    assert_int_equal(h.count + h.n, 0);
    histogram_add(&h, UINT64_MAX, 2);
    histogram_add(&h, 1000003, 1);
    assert_true(h.most == UINT64_MAX && h.sum == UINT64_MAX && h.least == 1000003);
    assert_true(histogram_at(&h, 0) == 1000003 && histogram_at(&h, 1000) == UINT64_MAX);
    assert_int_equal(h.cells[1].index, HISTOGRAM_CELLS - 1);
    histogram_fini(&h);
    /* One value is told as it was, not as its cell's middle. */
    histogram_add(&h, 1000003, 5);
    assert_int_equal(histogram_at(&h, 500), 1000003);
    histogram_fini(&h);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void tells_quantiles(void **state)
{
    enum { N = 999 };
    static const unsigned permille[] = {1, 10, 250, 500, 900, 990, 999};
    uint64_t values[N], sum = 0;
    struct histogram h = {0};
    random_seed(11);
    for (size_t i = 0; i < N; i++) {
        values[i] = random_below(1000) * random_below(3000000);
        sum += values[i];
        histogram_add(&h, values[i], 1);
    }
    random_seed(0);
    qsort(values, N, sizeof *values, by_value);
    assert_true(h.count == N && h.sum == sum && h.least == values[0] && h.most == values[N - 1]);
    for (size_t i = 0; i < sizeof permille / sizeof *permille; i++) {
        uint64_t exact = values[(N * permille[i] + 999) / 1000 - 1];
        uint64_t told = histogram_at(&h, permille[i]);
        assert_true((told > exact ? told - exact : exact - told) * 250 <= exact);
        uint64_t below = histogram_below(&h, exact);
        assert_true(below >= (N * permille[i] + 999) / 1000 && below <= N);
    }
    assert_int_equal(histogram_below(&h, h.most), N);
    assert_int_equal(histogram_below(&h, 0), values[0] == 0 ? h.cells[0].count : 0);
    histogram_fini(&h);
}

/* A sum of two is the histogram of both, whatever lies where. */
static void merges(void **state)
{
    random_seed(3);
    for (int round = 0; round < 300; round++) {
        struct histogram a = {0}, b = {0}, both = {0};
        size_t bits = random_below(63);
        for (uint64_t n = random_below(80); n > 0; n--) {
            uint64_t value = random_u64() >> bits, times = random_below(3);
            histogram_add(random_below(3) ? &a : &b, value, 0);
            struct histogram *one = random_below(3) ? &a : &b;
            histogram_add(one, value, times);
            histogram_add(&both, value, times);
        }
        histogram_merge(&a, &b);
        assert_same(&a, &both);
        histogram_fini(&a);
        histogram_fini(&b);
        histogram_fini(&both);
    }
    random_seed(0);
}

/* The clerk's usual case: the sum has the cells already. */
static void merging_makes_no_room_twice(void **state)
{
    struct histogram sum = {0}, one = {0};
    for (uint64_t v = 0; v < 8; v++)
        histogram_add(&sum, v, 1);
    struct histogram_cell *cells = sum.cells;
    histogram_add(&one, 3, 1);
    for (int i = 0; i < 100; i++)
        histogram_merge(&sum, &one);
    assert_ptr_equal(sum.cells, cells);
    assert_int_equal(sum.cells[3].count, 101);
    histogram_fini(&sum);
    histogram_fini(&one);
}

static void comes_back(void **state)
{
    random_seed(5);
    for (int round = 0; round < 300; round++) {
        struct histogram h = {0}, again = {0};
        struct buf b = {0};
        for (uint64_t n = random_below(200); n > 0; n--)
            histogram_add(&h, round % 2 ? any_value() : random_below(300), 1 + random_below(999));
        histogram_write(&h, &b);
        buf_add(&b, S("rest"));
        struct str in = buf_str(&b);
        assert_int_equal(histogram_read(&again, &in), 0);
        assert_true(str_eq(in, S("rest")));
        assert_same(&h, &again);
        histogram_fini(&h);
        histogram_fini(&again);
        buf_fini(&b);
    }
    random_seed(0);
}

static void refused(struct str bytes)
{
    struct histogram h = {0};
    struct str in = bytes;
    assert_int_equal(histogram_read(&h, &in), ERR_BAD);
    assert_true(!h.cells && h.count == 0 && in.ptr == bytes.ptr);
}

static void refuses_what_it_did_not_write(void **state)
{
    struct histogram h = {0};
    struct buf b = {0};
    for (uint64_t v = 1; v < 1u << 20; v *= 3)
        histogram_add(&h, v, v);
    histogram_write(&h, &b);
    for (size_t len = 0; len < buf_len(&b); len++)
        refused(str_sub(buf_str(&b), 0, len));
    histogram_fini(&h);
    buf_fini(&b);
    /* cells, least, most, sum, gap, length, count */
    refused(S("\1\5\5\5\5\1\200\200\200\200\200\1")); /* a count of six bytes */
    refused(S("\1\5\5\5\5\1\0"));                     /* a cell without a count */
    refused(S("\1\6\6\5\5\1\1"));                     /* least and most of another cell */
    refused(S("\2\5\6\5\5\1\1\0\1\1"));               /* two runs that are one */
    refused(S("\1\5\5\5\5\2\1\1"));                   /* a run longer than all */
    refused(S("\1\5\5\5\5\0"));                       /* a run of nothing */
    refused(S("\1\5\5\5\377\377\3\1\1"));             /* behind the last cell */
    refused(S("\377\377\377\377\17\5\5\5"));          /* more cells than there are */
}

/* As large as it can be: every cell, every count. */
static void stays_small(void **state)
{
    struct histogram h = {0}, again = {0};
    struct buf b = {0};
    for (uint32_t i = 0; i < HISTOGRAM_CELLS; i++)
        histogram_add(&h, histogram_value(i), UINT64_MAX / 2);
    histogram_add(&h, UINT64_MAX, 1);
    assert_int_equal(h.n, HISTOGRAM_CELLS);
    histogram_write(&h, &b);
    assert_true(buf_len(&b) <= HISTOGRAM_BYTES_MOST);
    struct str in = buf_str(&b);
    assert_int_equal(histogram_read(&again, &in), 0);
    assert_int_equal(again.cells[9].count, ((uint64_t)1 << 35) - 1);
    histogram_fini(&h);
    histogram_fini(&again);
    buf_clear(&b);
    for (uint32_t i = 0; i < HISTOGRAM_CELLS; i += 2) /* every cell its own run */
        histogram_add(&h, histogram_value(i), UINT64_MAX / 2);
    histogram_write(&h, &b);
    assert_true(buf_len(&b) <= HISTOGRAM_BYTES_MOST);
    histogram_fini(&h);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_digits),
        cmocka_unit_test(edges),
        cmocka_unit_test(tells_quantiles),
        cmocka_unit_test(merges),
        cmocka_unit_test(merging_makes_no_room_twice),
        cmocka_unit_test(comes_back),
        cmocka_unit_test(refuses_what_it_did_not_write),
        cmocka_unit_test(stays_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
