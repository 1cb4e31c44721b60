/* SPDX-License-Identifier: Apache-2.0
 *
 * book/series: names and gaps come back, and nothing else is read.
 */
#include "weir/book/series.h"

#include "weir/book/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct series sample = {STR("search"), STR(""), STR("amazon.nova-lite-v1:0"),
                                     LANE_BATCH};

static void names_come_back(void **state)
{
    struct buf b = {0};
    struct series s;
    series_write(&sample, &b);
    assert_int_equal(series_read(buf_str(&b), &s), 0);
    assert_int_equal(series_cmp(&s, &sample), 0);
    for (size_t len = 0; len < buf_len(&b); len++)
        assert_int_equal(series_read(str_sub(buf_str(&b), 0, len), &s), ERR_BAD);
    buf_add_char(&b, 0);
    assert_int_equal(series_read(buf_str(&b), &s), ERR_BAD);
    b.data[0] = LANES;
    assert_int_equal(series_read(str_sub(buf_str(&b), 0, buf_len(&b) - 1), &s), ERR_BAD);
    buf_fini(&b);
}

static void long_names_are_cut(void **state)
{
    char name[2 * RECORD_TEXT_MOST];
    struct buf b = {0};
    struct series s;
    memset(name, 'x', sizeof name);
    struct str all = str_from(name, sizeof name);
    series_write(&(struct series){all, all, all, LANE_FLEX}, &b);
    assert_int_equal(series_read(buf_str(&b), &s), 0);
    assert_true(s.client.len == RECORD_TEXT_MOST && s.model.len == RECORD_TEXT_MOST);
    buf_fini(&b);
}

static void have_an_order(void **state)
{
    struct series other = sample;
    other.lane = LANE_ONDEMAND;
    assert_true(series_cmp(&other, &sample) < 0 && series_cmp(&sample, &other) > 0);
    other.model = S("b");
    assert_true(series_cmp(&other, &sample) > 0);
    other.client = S("a");
    assert_true(series_cmp(&other, &sample) < 0);
}

static void gaps_come_back(void **state)
{
    struct buf b = {0};
    struct gap g;
    unsigned char key[8];
    store_put_u64(key, 1795000000123);
    struct str k = str_from((char *)key, 8);
    gap_write(&(struct gap){1795000000123, 1795000060000, 77}, &b);
    assert_int_equal(gap_read(k, buf_str(&b), &g), 0);
    assert_true(g.from_ms == 1795000000123 && g.until_ms == 1795000060000 && g.records == 77);
    assert_int_equal(gap_read(str_sub(k, 0, 7), buf_str(&b), &g), ERR_BAD);
    assert_int_equal(gap_read(k, str_sub(buf_str(&b), 0, 3), &g), ERR_BAD);
    buf_add_char(&b, 0);
    assert_int_equal(gap_read(k, buf_str(&b), &g), ERR_BAD);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_back),
        cmocka_unit_test(long_names_are_cut),
        cmocka_unit_test(have_an_order),
        cmocka_unit_test(gaps_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
