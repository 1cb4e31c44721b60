/* SPDX-License-Identifier: Apache-2.0
 *
 * book/report_table, report_json, report_csv: what people and programs read, to the letter.
 */
#include "weir/book/report.h"

#include "book_make.h"

#include <cjson/cJSON.h>
#include <string.h>

static const uint32_t day0 = 20777 * 1440; /* 2026-11-20 */

static const struct record opus = {
    .client = STR("anonymous"),
    .model = STR("us.anthropic.claude-opus-5"),
    .flags = RECORD_INVOCATION | RECORD_STREAM,
    .usage = {{1000, 200, 3000, 0, 1000, 0}},
    .cost_nanousd = 12345678,
    .untouched_nanousd = 12345678,
    .latency_us = 2500000,
    .added_us = 80,
    .first_us = 400000,
};

static struct report *make(struct made *m, const struct record *records, size_t n,
                           struct report_query q)
{
    made_init(m);
    for (size_t i = 0; i < n; i++) {
        struct record r = records[i];
        r.time_ms += (int64_t)day0 * 60000;
        r.unmarked_nanousd = r.lane == LANE_FLEX ? r.cost_nanousd : r.untouched_nanousd;
        made_add(m, &r);
    }
    made_commit(m);
    q.from = day0;
    q.until = day0 + 1440;
    struct report *r = report_new(&q);
    assert_int_equal(report_step(r, m->store, 1000), 0);
    return r;
}

static void says(struct report *r, size_t width, const char *expected)
{
    struct buf b = {0};
    report_add_table(r, width, &b);
    assert_string_equal(buf_cstr(&b), expected);
    buf_fini(&b);
}

/* A dear model, a cheap one, one without a price, and one whose name wants to paint the terminal.
 */
static struct report *four_models(struct made *m)
{
    struct record records[5];
    for (size_t i = 0; i < 5; i++)
        records[i] = opus;
    records[1].model = S("custom");
    records[1].flags |= RECORD_UNPRICED;
    records[2].model = S("amazon.nova-lite-v1:0");
    records[2].lane = LANE_FLEX;
    records[2].flags = RECORD_INVOCATION | RECORD_PROVISIONAL | RECORD_ESTIMATED;
    records[2].usage = (struct usage){{1234567, 1}};
    records[2].cost_nanousd = 20000000;
    records[2].untouched_nanousd = 40000000;
    records[2].latency_us = 1234;
    records[3].end = RECORD_CLIENT_ERROR;
    records[4] = (struct record){.client = S("anonymous"),
                                 .model = S("bad\x1b[31m"),
                                 .flags = RECORD_INVOCATION,
                                 .end = RECORD_THROTTLED};
    return make(m, records, 5, (struct report_query){.by = REPORT_BY_MODEL | REPORT_BY_LANE});
}

/* clang-format off */
static const char four_lines[] =
    "2026-11-20T00:00:00Z to 2026-11-21T00:00:00Z. Costs are estimates from list prices.\n"
    "\n"
    "MODEL                       LANE            COST  UNTOUCHED      SAVED  REQUESTS  INVOCATIONS  ERRORS  THROTTLES      INPUT  OUTPUT  CACHE READ  WRITE 1h  HIT RATE     P50     P99  FIRST P50  FIRST P99\n"
    "us.anthropic.claude-opus-5  ondemand   $0.024691          -          -         2            2       1          0      2,000     400       6,000     2,000     60.0%  2.50 s  2.50 s     400 ms     400 ms\n"
    "amazon.nova-lite-v1:0       flex       $0.020000  $0.040000  $0.020000         1            1       0          0  1,234,567       1           0         0         -  1.2 ms  1.2 ms          -          -\n"
    "custom                      ondemand    unpriced          -          -         1            1       0          0      1,000     200       3,000     1,000     60.0%  2.50 s  2.50 s     400 ms     400 ms\n"
    "bad\\u001b[31m               ondemand   $0.000000          -          -         1            0       0          1          0       0           0         0         -       -       -          -          -\n"
    "total                                 $0.044691+  $0.064691  $0.020000         5            4       1          1  1,237,567     601       9,000     3,000      0.7%  2.50 s  2.50 s     400 ms     400 ms\n"
    "\n"
    "Saved by the Flex tier: $0.020000 (against the price on demand).\n"
    "1 request is unpriced: its tokens are counted, its cost is not known.\n"
    "1 request is priced provisionally, as its model's family.\n"
    "1 request's tokens are an estimate: Bedrock's count was not to be had.\n";
/* clang-format on */

static void table(void **state)
{
    struct made m;
    struct report *r = four_models(&m);
    says(r, 0, four_lines);
    report_free(r);
    made_fini(&m);
}

static void narrow_table(void **state)
{
    struct made m;
    struct report *r = make(&m, &opus, 1, (struct report_query){.by = REPORT_BY_MODEL});
    says(r, 40,
         "2026-11-20T00:00:00Z to 2026-11-21T00:00:00Z. Costs are estimates from list prices.\n"
         "\n"
         "us.anthropic.claude-opus-5\n"
         "  COST         $0.012346\n"
         "  REQUESTS     1\n"
         "  INVOCATIONS  1\n"
         "  ERRORS       0\n"
         "  THROTTLES    0\n"
         "  INPUT        1,000\n"
         "  OUTPUT       200\n"
         "  CACHE READ   3,000\n"
         "  WRITE 1h     1,000\n"
         "  HIT RATE     60.0%\n"
         "  P50          2.50 s\n"
         "  P99          2.50 s\n"
         "  FIRST P50    400 ms\n"
         "  FIRST P99    400 ms\n");
    report_free(r);
    made_fini(&m);
}

/* clang-format off */
static const char in_80[] =
    "2026-11-20T00:00:00Z to 2026-11-21T00:00:00Z. Costs are estimates from list prices.\n"
    "\n"
    "MODEL                               LANE           COST  REQUESTS  INPUT  OUTPUT\n"
    "abcdefghijkl                        ondemand  $0.012346         1  1.23G     200\n"
    "us.meta.llama4-maverick-17b…t-v1:0  ondemand  $0.000100         1  1,000     200\n"
    "Ｃｌａé                             ondemand  $0.000100         1    999   20.0k\n"
    "total                                         $0.012546         3  1.23G   20.4k\n"
    "\n"
    "Some columns have no room here. A wider terminal and --format json have all.\n"
    "\n"
    "Saved by caching: $0.024491 (estimate).\n";
static const char in_120[] =
    "2026-11-20T00:00:00Z to 2026-11-21T00:00:00Z. Costs are estimates from list prices.\n"
    "\n"
    "MODEL                              LANE           COST      SAVED  REQUESTS  INPUT  OUTPUT  CACHE READ  HIT RATE     P99\n"
    "abcdefghijkl                       ondemand  $0.012346          -         1  1.23G     200       3,000      0.0%  2.50 s\n"
    "us.meta.llama4-maverick-17…t-v1:0  ondemand  $0.000100  $0.012246         1  1,000     200       3,000     60.0%  2.50 s\n"
    "Ｃｌａé                            ondemand  $0.000100  $0.012246         1    999   20.0k           0         -  2.50 s\n"
    "total                                        $0.012546  $0.024491         3  1.23G   20.4k       6,000      0.0%  2.50 s\n"
    "\n"
    "Some columns have no room here. A wider terminal and --format json have all.\n"
    "\n"
    "Saved by caching: $0.024491 (estimate).\n";
/* clang-format on */

/* An ARN, a long name, a wide one, and millions of tokens. */
static struct report *long_names(struct made *m)
{
    struct record records[3] = {opus, opus, opus};
    records[0].model = S("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/"
                         "abcdefghijkl");
    records[0].usage.tokens[TOKEN_INPUT] = 1234567890;
    records[1].model = S("us.meta.llama4-maverick-17b-instruct-v1:0");
    records[1].cost_nanousd = 99999;
    records[2].model = S("Ｃｌａé"); /* fullwidth; the accent is a letter of its own */
    records[2].usage = (struct usage){{999, 20000}};
    records[2].cost_nanousd = 99998;
    return make(m, records, 3, (struct report_query){.by = REPORT_BY_MODEL | REPORT_BY_LANE});
}

static void what_is_long_gets_shorter(void **state)
{
    struct made m;
    struct report *r = long_names(&m);
    says(r, 80, in_80);
    says(r, 120, in_120);
    report_free(r);
    made_fini(&m);
}

static void nothing_and_gaps(void **state)
{
    struct made m;
    made_init(&m);
    int64_t at = (int64_t)day0 * 60000;
    made_gap(&m, at + 1000, at + 61000, 1234);
    made_gap(&m, at + 62000, at + 63000, 1);
    made_commit(&m);
    struct report *r = report_new(&(struct report_query){.from = day0, .until = day0 + 60});
    assert_int_equal(report_step(r, m.store, 10), 0);
    says(r, 80,
         "2026-11-20T00:00:00Z to 2026-11-20T01:00:00Z. Costs are estimates from list prices.\n"
         "\n"
         "No requests were recorded in this time.\n"
         "\n"
         "1,234 requests between 2026-11-20T00:00:01Z and 2026-11-20T00:01:01Z were not recorded.\n"
         "1 request between 2026-11-20T00:01:02Z and 2026-11-20T00:01:03Z was not recorded.\n");
    report_free(r);
    made_fini(&m);
}

/* A loss is told as one. Large sums have thousands, and cents only. */
static void money(void **state)
{
    struct made m;
    struct record r = opus;
    r.cost_nanousd = 1234567894999999;
    r.untouched_nanousd = 1234000000000000;
    struct report *report = make(&m, &r, 1, (struct report_query){0});
    struct buf b = {0};
    report_add_table(report, 0, &b);
    assert_true(str_find(buf_str(&b), S("$1,234,567.89 ")) > 0);
    assert_true(str_find(buf_str(&b), S(" -$567.89 ")) > 0);
    buf_clear(&b);
    while (report_add_json(report, 1, &b)) {
    }
    assert_true(str_find(buf_str(&b), S("\"saved_usd\":-567.894999999,")) > 0);
    buf_fini(&b);
    report_free(report);
    made_fini(&m);
}

static double number(const cJSON *o, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static void json(void **state)
{
    struct made m;
    struct report *r = four_models(&m);
    struct buf b = {0};
    int slices = 1;
    while (report_add_json(r, 1, &b))
        slices++;
    assert_int_equal(slices, 4);
    cJSON *top = cJSON_Parse(buf_cstr(&b));
    assert_non_null(top);
    assert_string_equal(cJSON_GetObjectItem(top, "from")->valuestring, "2026-11-20T00:00:00Z");
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(top, "period_s")));
    const cJSON *rows = cJSON_GetObjectItem(top, "rows");
    assert_int_equal(cJSON_GetArraySize(rows), 4);
    const cJSON *custom = cJSON_GetArrayItem(rows, 2), *dear = cJSON_GetArrayItem(rows, 3);
    assert_string_equal(cJSON_GetObjectItem(custom, "model")->valuestring, "custom");
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(custom, "cost_usd")));
    assert_null(cJSON_GetObjectItem(custom, "client"));
    assert_true(number(dear, "cost_usd") == 0.024691356 && number(dear, "client_errors") == 1);
    assert_true(number(dear, "cache_hit_rate") == 0.6);
    assert_true(number(cJSON_GetObjectItem(dear, "tokens"), "cache_write_1h") == 2000);
    assert_true(number(cJSON_GetObjectItem(dear, "latency_ms"), "p99") == 2500);
    assert_true(number(cJSON_GetObjectItem(dear, "added_ms"), "p50") == 0.08);
    const cJSON *nova = cJSON_GetArrayItem(rows, 0);
    assert_string_equal(cJSON_GetObjectItem(nova, "lane")->valuestring, "flex");
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(nova, "first_token_ms")));
    const cJSON *total = cJSON_GetObjectItem(top, "total");
    assert_true(number(total, "requests") == 5 && number(total, "unpriced") == 1);
    assert_true(number(total, "saved_usd") == 0.02);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(top, "gaps")), 0);
    cJSON_Delete(top);
    buf_fini(&b);
    report_free(r);
    made_fini(&m);
}

static void json_periods(void **state)
{
    struct made m;
    struct record records[] = {opus, opus};
    struct buf b = {0};
    records[1].time_ms = 3 * 3600000;
    struct report *r =
        make(&m, records, 2, (struct report_query){.period = 60, .by = REPORT_BY_CLIENT});
    assert_false(report_add_json(r, 100, &b));
    assert_true(str_find(buf_str(&b), S("\"period_s\":3600,\"rows\":[{\"time\":\"2026-11-20T00:"
                                        "00:00Z\",\"client\":\"anonymous\",\"requests\":1,")) > 0);
    assert_true(str_find(buf_str(&b), S("{\"time\":\"2026-11-20T03:00:00Z\",")) > 0);
    buf_fini(&b);
    report_free(r);
    made_fini(&m);
}

static void savings(void **state)
{
    struct made m;
    struct report *r = four_models(&m);
    struct buf b = {0};
    while (report_add_savings(r, 2, &b)) {
    }
    assert_true(str_find(buf_str(&b), S("{\"model\":\"amazon.nova-lite-v1:0\",\"lane\":\"flex\","
                                        "\"requests\":1,\"unpriced\":0,\"cost_usd\":0.020000000,"
                                        "\"untouched_usd\":0.040000000,"
                                        "\"saved_usd\":0.020000000,"
                                        "\"treated\":0,\"control\":0,\"marked\":0,"
                                        "\"saved_by\":{\"cache\":0.000000000,"
                                        "\"flex\":0.020000000,\"batch\":0.000000000},")) > 0);
    assert_true(str_find(buf_str(&b), S("\"total\":{\"requests\":5,\"unpriced\":1,\"cost_usd\":"
                                        "0.044691356,")) > 0);
    buf_fini(&b);
    report_free(r);
    made_fini(&m);
}

static size_t fields(struct str line)
{
    size_t n = 1;
    bool quoted = false;
    for (size_t i = 0; i < line.len; i++) {
        quoted ^= line.ptr[i] == '"';
        n += line.ptr[i] == ',' && !quoted;
    }
    return n;
}

static void csv(void **state)
{
    struct made m;
    struct record records[] = {opus, opus};
    struct buf b = {0};
    records[1].client = S("a \"b\", c");
    records[1].flags = RECORD_INVOCATION | RECORD_UNPRICED;
    struct report *r = make(&m, records, 2, (struct report_query){.by = REPORT_BY_CLIENT});
    report_add_csv(r, &b);
    struct str rest = buf_str(&b), head = str_cut(&rest, '\n'), first = str_cut(&rest, '\n');
    struct str second = str_cut(&rest, '\n');
    assert_true(str_starts(head, S("client,requests,invocations,client_errors,server_errors,"
                                   "throttles,estimated,unpriced,provisional,joined,unreadable,"
                                   "input,output,cache_read,cache_write_5m,cache_write_1h,"
                                   "cache_write_30m,cache_hit_rate,cost_usd,untouched_usd,"
                                   "saved_usd,latency_ms_mean,latency_ms_p50")));
    assert_true(str_starts(first, S("\"a \"\"b\"\", c\",1,1,0,0,0,0,1,0,0,0,1000,200,3000,0,1000,"
                                    "0,0.600000,,,,2500,2500,")));
    assert_true(str_ends(
        first, S(",,,,,,0,0,0,0,,,none,,,,,,,0,0.000000000,0.000000000,,0,0"))); /* no stream */
    assert_true(str_starts(second, S("anonymous,1,1,0,0,0,0,0,0,0,0,1000,200,3000,0,1000,0,"
                                     "0.600000,0.012345678,0.012345678,0.000000000,2500,")));
    assert_true(fields(head) == fields(first) && fields(head) == fields(second));
    assert_int_equal(rest.len, 0);
    buf_fini(&b);
    report_free(r);
    made_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(narrow_table),
        cmocka_unit_test(what_is_long_gets_shorter),
        cmocka_unit_test(nothing_and_gaps),
        cmocka_unit_test(money),
        cmocka_unit_test(json),
        cmocka_unit_test(json_periods),
        cmocka_unit_test(csv),
        cmocka_unit_test(savings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
