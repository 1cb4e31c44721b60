/* SPDX-License-Identifier: Apache-2.0
 *
 * book/record_text: a record as JSON and as CSV: the same fields, to the letter.
 */
#include "weir/book/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct record sample = {
    .time_ms = 1795132800123,
    .id = {1, 2, 3, 255},
    .client = STR("a \"b\", c"),
    .asked = STR("arn:x"),
    .model = STR("amazon.nova-lite-v1:0"),
    .operation = STR("Converse"),
    .outcome = STR("answered"),
    .decision = STR("lane=ondemand;model=same"),
    .lane = LANE_FLEX,
    .end = RECORD_THROTTLED,
    .flags = RECORD_INVOCATION | RECORD_STREAM | RECORD_PROVISIONAL,
    .status = 200,
    .attempts = 2,
    .usage = {{1, 2, 3, 4, 5, 6}},
    .cost_nanousd = 1234567890,
    .unmarked_nanousd = 6,
    .untouched_nanousd = 5,
    .arm = RECORD_ARM_TREATED,
    .group = 3,
    .marks = 2,
    .input_nanousd = 7,
    .plain_nanousd = 8,
    .observed_nanousd = 9,
    .latency_us = 1000001,
    .added_us = 12,
    .first_us = 100000,
};

static void as_json(void **state)
{
    struct buf b = {0};
    struct record r = sample;
    record_add_json(&r, &b);
    assert_string_equal(
        buf_cstr(&b),
        "{\"time\":\"2026-11-20T00:00:00.123Z\",\"id\":\"010203ff000000000000000000000000\","
        "\"client\":\"a \\\"b\\\", c\",\"workload\":\"\",\"asked\":\"arn:x\","
        "\"model\":\"amazon.nova-lite-v1:0\",\"operation\":\"Converse\",\"lane\":\"flex\","
        "\"decision\":\"lane=ondemand;model=same\",\"outcome\":\"answered\",\"end\":\"throttled\","
        "\"status\":200,\"attempts\":2,\"invocation\":true,\"stream\":true,\"estimated\":false,"
        "\"unpriced\":false,\"provisional\":true,\"joined\":false,\"unreadable\":false,"
        "\"tokens\":{\"input\":1,\"output\":2,\"cache_read\":3,\"cache_write_5m\":4,"
        "\"cache_write_1h\":5,\"cache_write_30m\":6},\"cost_usd\":1.234567890,"
        "\"untouched_usd\":0.000000005,\"latency_ms\":1000.001,\"added_ms\":0.012,"
        "\"first_token_ms\":100,\"moved\":false,\"refused\":false,\"marks\":2,\"arm\":\"treated\","
        "\"group\":3,"
        "\"unmarked_usd\":0.000000006,\"input_usd\":0.000000007,\"plain_usd\":0.000000008,"
        "\"observed_usd\":null,\"maybe_twice\":false,\"batch_fit\":false}");
    buf_clear(&b);
    r.flags = RECORD_INVOCATION | RECORD_UNPRICED;
    record_add_json(&r, &b);
    assert_true(str_find(buf_str(&b), S("\"cost_usd\":null,\"untouched_usd\":null,")) > 0);
    assert_true(str_find(buf_str(&b), S("\"first_token_ms\":null,\"moved\":false,")) > 0);
    buf_clear(&b);
    r.flags = RECORD_REFUSED;
    record_add_json(&r, &b);
    assert_true(str_find(buf_str(&b), S("\"moved\":false,\"refused\":true,")) > 0);
    buf_clear(&b);
    r.flags = RECORD_INVOCATION | RECORD_UNPRICED;
    record_add_json(&r, &b);
    assert_true(str_ends(buf_str(&b), S("\"input_usd\":null,\"plain_usd\":null,\"observed_usd\":"
                                        "null,\"maybe_twice\":false,\"batch_fit\":false}")));
    buf_clear(&b);
    r.flags = RECORD_OBSERVED;
    record_add_json(&r, &b);
    assert_true(
        str_ends(buf_str(&b),
                 S(",\"observed_usd\":0.000000009,\"maybe_twice\":false,\"batch_fit\":false}")));
    buf_fini(&b);
}

static void as_csv(void **state)
{
    struct buf b = {0};
    struct record r = sample;
    record_add_csv_head(&b);
    record_add_csv(&r, &b);
    r.flags = RECORD_UNPRICED | RECORD_MOVED;
    record_add_csv(&r, &b);
    r.flags = RECORD_OBSERVED | RECORD_MAYBE_TWICE;
    record_add_csv(&r, &b);
    assert_string_equal(
        buf_cstr(&b),
        "time,id,client,workload,asked,model,operation,lane,decision,outcome,end,status,attempts,"
        "invocation,stream,estimated,unpriced,provisional,joined,unreadable,input,output,"
        "cache_read,cache_write_5m,cache_write_1h,cache_write_30m,cost_usd,untouched_usd,"
        "latency_ms,added_ms,first_token_ms,moved,refused,marks,arm,group,unmarked_usd,input_usd,"
        "plain_usd,observed_usd,maybe_twice,batch_fit\n"
        "2026-11-20T00:00:00.123Z,010203ff000000000000000000000000,\"a \"\"b\"\", c\",,arn:x,"
        "amazon.nova-lite-v1:0,Converse,flex,lane=ondemand;model=same,answered,throttled,200,2,"
        "1,1,0,0,1,0,0,1,2,3,4,5,6,1.234567890,0.000000005,1000.001,0.012,100,"
        "0,0,2,treated,3,0.000000006,0.000000007,0.000000008,,0,0\n"
        "2026-11-20T00:00:00.123Z,010203ff000000000000000000000000,\"a \"\"b\"\", c\",,arn:x,"
        "amazon.nova-lite-v1:0,Converse,flex,lane=ondemand;model=same,answered,throttled,200,2,"
        "0,0,0,1,0,0,0,1,2,3,4,5,6,,,1000.001,0.012,,1,0,2,treated,3,,,,,0,0\n"
        "2026-11-20T00:00:00.123Z,010203ff000000000000000000000000,\"a \"\"b\"\", c\",,arn:x,"
        "amazon.nova-lite-v1:0,Converse,flex,lane=ondemand;model=same,answered,throttled,200,2,"
        "0,0,0,0,0,0,0,1,2,3,4,5,6,1.234567890,0.000000005,1000.001,0.012,,0,0,2,treated,3,"
        "0.000000006,0.000000007,0.000000008,0.000000009,1,0\n");
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_json), cmocka_unit_test(as_csv)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
