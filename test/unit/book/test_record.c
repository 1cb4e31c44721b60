/* SPDX-License-Identifier: Apache-2.0
 *
 * book/record: what is written is read again, and nothing else is.
 */
#include "weir/book/record.h"

#include "weir/base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct record sample = {
    .time_ms = 1795000000123,
    .id = {1, 2, 3, 255},
    .client = STR("anonymous"),
    .asked = STR("us.anthropic.claude-opus-5"),
    .model = STR("us.anthropic.claude-opus-5"),
    .operation = STR("Converse"),
    .outcome = STR("answered"),
    .decision = STR("lane=ondemand;model=same"),
    .lane = LANE_FLEX,
    .end = RECORD_THROTTLED,
    .flags = RECORD_INVOCATION | RECORD_STREAM,
    .status = 200,
    .attempts = 2,
    .usage = {{1, 128, 16384, 0, USAGE_MOST_TOKENS, 7}},
    .cost_nanousd = UINT64_MAX,
    .unmarked_nanousd = 6,
    .untouched_nanousd = 5,
    .arm = RECORD_ARM_CONTROL,
    .group = 7,
    .marks = 4,
    .input_nanousd = 8000000000,
    .plain_nanousd = 9000000000,
    .observed_nanousd = 7000000000,
    .latency_us = 1000000,
    .added_us = 12,
    .first_us = 100,
};

static void comes_back(void **state)
{
    struct buf b = {0};
    struct record r;
    record_write(&sample, &b);
    assert_true(buf_len(&b) < 256);
    assert_int_equal(record_read(buf_str(&b), &r), 0);
    assert_true(r.time_ms == sample.time_ms && r.cost_nanousd == UINT64_MAX);
    assert_memory_equal(r.id, sample.id, RECORD_ID_BYTES);
    assert_memory_equal(&r.usage, &sample.usage, sizeof r.usage);
    assert_true(str_eq(r.model, sample.model) && str_eq(r.decision, sample.decision));
    assert_int_equal(r.workload.len, 0);
    assert_int_equal(r.flags, sample.flags);
    assert_true(r.lane == LANE_FLEX && r.end == RECORD_THROTTLED && r.attempts == 2);
    assert_true(r.unmarked_nanousd == 6 && r.untouched_nanousd == 5);
    assert_true(r.arm == RECORD_ARM_CONTROL && r.group == 7 && r.marks == 4);
    assert_true(r.input_nanousd == 8000000000 && r.plain_nanousd == 9000000000);
    assert_int_equal(r.observed_nanousd, 7000000000);
    assert_true(r.latency_us == 1000000 && r.added_us == 12 && r.first_us == 100);
    buf_fini(&b);
}

static void long_names_are_cut(void **state)
{
    char name[2000];
    struct buf b = {0};
    struct record in = sample, r;
    memset(name, 'x', sizeof name);
    in.client = in.workload = in.asked = in.model = str_from(name, sizeof name);
    in.operation = in.outcome = in.decision = in.client;
    record_write(&in, &b);
    assert_true(buf_len(&b) <= RECORD_BYTES_MOST);
    assert_int_equal(record_read(buf_str(&b), &r), 0);
    assert_int_equal(r.asked.len, RECORD_TEXT_MOST);
    buf_fini(&b);
}

static void every_damage_shows(void **state)
{
    struct buf b = {0};
    struct record r;
    record_write(&sample, &b);
    for (size_t len = 0; len < buf_len(&b); len++)
        assert_int_equal(record_read(str_sub(buf_str(&b), 0, len), &r), ERR_BAD);
    for (size_t i = 0; i < buf_len(&b); i++) {
        b.data[i] ^= 16;
        assert_true(record_read(buf_str(&b), &r) < 0);
        b.data[i] ^= 16;
    }
    b.data[0] = 4;
    assert_int_equal(record_read(buf_str(&b), &r), ERR_UNSUPPORTED);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(long_names_are_cut),
        cmocka_unit_test(every_damage_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
