/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/trace: rows and log records, and a sentence at the right place for what is neither.
 */
#include "weir/plan/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct got {
    struct arena arena;
    struct str text;
    struct trace_record record;
    struct trace_fault fault;
    struct cache_site sites[8];
    size_t n;
};

static int read_it(struct got *g, const char *text)
{
    *g = (struct got){.text = str_of(text)};
    arena_init(&g->arena, 4096);
    return trace_read(g->text, &g->arena, &g->record, &g->fault);
}

static int read_sites(struct got *g)
{
    return trace_sites(g->text, &g->record, g->sites, 8, &g->n, &g->fault);
}

static void is_wrong(const char *text, const char *what, size_t at)
{
    struct got g;
    assert_int_equal(read_it(&g, text), ERR_BAD);
    assert_string_equal(g.fault.what, what);
    assert_int_equal(g.fault.at, at);
    arena_fini(&g.arena);
}

static bool same(struct str a, const char *b)
{
    return str_eq(a, str_of(b));
}

static void rows(void **state)
{
    struct got a, b;
    assert_int_equal(read_it(&a, "{\"timestamp\": 27482.9, \"input_length\": 1600, "
                                 "\"output_length\": 3, \"hash_ids\": [0, 4 ,17,18]}"),
                     0);
    assert_int_equal(a.record.kind, TRACE_ROW);
    assert_int_equal(a.record.time_ms, 27482);
    assert_int_equal(a.record.tokens, 1600);
    assert_int_equal(read_sites(&a), 0);
    assert_int_equal(a.n, 3); /* the fourth block is not full */
    assert_int_equal(a.sites[2].tokens, 1536);
    assert_true(a.sites[2].open);
    assert_int_equal(
        read_it(&b, "{\"hash_ids\":[0,4,18,17],\"input_length\":2048,\"timestamp\":1}"), 0);
    assert_int_equal(read_sites(&b), 0);
    assert_int_equal(b.n, 4);
    assert_int_equal(a.sites[0].key, b.sites[0].key);
    assert_int_equal(a.sites[1].key, b.sites[1].key);
    assert_int_not_equal(a.sites[2].key, b.sites[2].key);
    assert_int_equal(read_it(&b, "{\"hash_ids\":[9,4],\"input_length\":1024,\"timestamp\":1}"), 0);
    assert_int_equal(read_sites(&b), 0);
    assert_int_not_equal(a.sites[1].key, b.sites[1].key); /* 9,4 is not 0,4 */
    assert_int_equal(read_it(&b, "{\"hash_ids\":[4,0],\"input_length\":1024,\"timestamp\":1}"), 0);
    assert_int_equal(read_sites(&b), 0);
    assert_int_not_equal(a.sites[1].key, b.sites[1].key); /* 0,4 is not 4,0 */
    assert_int_equal(read_it(&b, "{\"hash_ids\":[],\"input_length\":100,\"timestamp\":1}"), 0);
    assert_int_equal(read_sites(&b), 0);
    assert_int_equal(b.n, 0);
}

static void wrong_rows(void **state)
{
    struct got g;
    is_wrong("{\"timestamp\":-1,\"input_length\":1,\"hash_ids\":[]}",
             "timestamp is not a number of milliseconds", 13);
    is_wrong("{\"timestamp\":1e3,\"input_length\":1,\"hash_ids\":[]}",
             "timestamp is not a number of milliseconds", 13);
    is_wrong("{\"input_length\":1,\"hash_ids\":[]}", "timestamp is not a number of milliseconds",
             0);
    is_wrong("{\"timestamp\":1,\"timestamp\":1,\"input_length\":1,\"hash_ids\":[]}",
             "timestamp is not a number of milliseconds", 13);
    is_wrong("{\"timestamp\":1,\"input_length\":\"1\",\"hash_ids\":[]}",
             "input_length is not a number of tokens", 30);
    is_wrong("{\"timestamp\":1,\"input_length\":4294967296,\"hash_ids\":[]}",
             "input_length is not a number of tokens", 30);
    is_wrong("{\"timestamp\":1,\"input_length\":1,\"hash_ids\":7}", "hash_ids is not a list", 43);
    assert_int_equal(read_it(&g, "{\"timestamp\":1,\"input_length\":1024,\"hash_ids\":[1,\"2\"]}"),
                     0);
    assert_int_equal(read_sites(&g), ERR_BAD);
    assert_string_equal(g.fault.what, "an id in hash_ids is not a number");
    assert_int_equal(g.fault.at, 49);
    assert_int_equal(read_it(&g, "{\"timestamp\":1,\"input_length\":100,\"hash_ids\":[1,2,3]}"), 0);
    assert_int_equal(read_sites(&g), ERR_BAD); /* blocks of another size */
    assert_int_equal(
        read_it(&g, "{\"timestamp\":1,\"input_length\":9000,\"hash_ids\":[1,2,3,4,5,6,7,8,9]}"), 0);
    assert_int_equal(read_sites(&g), ERR_BAD); /* no room */
}

static void logs(void **state)
{
    struct got g;
    assert_int_equal(
        read_it(&g, "{\"schemaType\":\"ModelInvocationLog\",\"schemaVersion\":\"1.0\","
                    "\"timestamp\":\"2026-01-02T03:04:05.25Z\",\"accountId\":\"111122223333\","
                    "\"region\":\"us-east-1\",\"operation\":\"Converse\","
                    "\"modelId\":\"arn:aws:bedrock:us-east-1::foundation-model\\/m\","
                    "\"identity\":{\"arn\":\"arn:aws:iam::111122223333:role/a\"},"
                    "\"input\":{\"inputBodyJson\": { \"x\" : [ 1 ] } ,\"inputTokenCount\":7,"
                    "\"cacheReadInputTokenCount\":100,\"cacheWriteInputTokenCount\":1000},"
                    "\"output\":{\"outputTokenCount\":9}}"),
        0);
    assert_int_equal(g.record.kind, TRACE_LOG);
    assert_int_equal(g.record.time_ms, 1767323045250);
    assert_int_equal(g.record.tokens, 1107);
    assert_true(same(g.record.account, "111122223333"));
    assert_true(same(g.record.region, "us-east-1"));
    assert_true(same(g.record.operation, "Converse"));
    assert_true(same(g.record.model, "arn:aws:bedrock:us-east-1::foundation-model/m"));
    assert_true(same(g.record.client, "arn:aws:iam::111122223333:role/a"));
    assert_true(same(g.record.body, "{ \"x\" : [ 1 ] }"));
    arena_fini(&g.arena);
}

static void logs_without(void **state)
{
    struct got g;
    assert_int_equal(read_it(&g, "{\"schemaType\":\"ModelInvocationLog\","
                                 "\"timestamp\":\"2026-01-02T03:04:05Z\",\"identity\":null,"
                                 "\"input\":{\"inputBodyS3Path\":\"s3://b/k\"}}"),
                     0);
    assert_int_equal(g.record.body.len, 0);
    assert_int_equal(g.record.tokens, 0);
    assert_int_equal(g.record.client.len, 0);
}

static void wrong_logs(void **state)
{
#define LOG "{\"schemaType\":\"ModelInvocationLog\",\"timestamp\":"
    is_wrong(LOG "\"yesterday\",\"input\":{}}", "timestamp is not a time as 2026-01-02T03:04:05Z",
             47);
    is_wrong(LOG "5,\"input\":{}}", "timestamp is not a time as 2026-01-02T03:04:05Z", 47);
    is_wrong(LOG "\"2026-01-02T03:04:05Z\"}", "input is not an object", 0);
    is_wrong(LOG "\"2026-01-02T03:04:05Z\",\"modelId\":7,\"input\":{}}", "modelId is not a text",
             80);
    is_wrong(LOG "\"2026-01-02T03:04:05Z\",\"input\":{\"inputTokenCount\":-7}}",
             "a count of input tokens is none", 97);
    is_wrong(LOG "\"2026-01-02T03:04:05Z\",\"input\":{\"inputBodyJson\":{},\"inputBodyJson\":{}}}",
             "inputBodyJson stands there twice", 95);
}

static void neither(void **state)
{
    struct got g;
    is_wrong("{}", "neither a row with hash_ids nor a ModelInvocationLog", 0);
    is_wrong("{\"schemaType\":\"Other\"}", "neither a row with hash_ids nor a ModelInvocationLog",
             0);
    assert_int_equal(read_it(&g, "{\"hash_ids\": [1,}"), ERR_BAD);
    assert_int_equal(g.fault.at, 16);
    assert_non_null(g.fault.what);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),         cmocka_unit_test(wrong_rows), cmocka_unit_test(logs),
        cmocka_unit_test(logs_without), cmocka_unit_test(wrong_logs), cmocka_unit_test(neither),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
