/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/query: bodies as trees, and what is asked in either protocol.
 */
#include "query_ask.h"

/* --- trees */

static void a_form_in_any_order(void **state)
{
    struct query_fault f = {0};
    cJSON *tree = query_tree_form(
        S("a.member.10.b=ten&a.member.2.b=two&Action=X&a.member.1.b=one+%26&a.member.1.c=&a.d=e"),
        &f);
    assert_non_null(tree);
    char *text = cJSON_PrintUnformatted(tree);
    assert_string_equal(text,
                        "{\"Action\":\"X\",\"a\":{\"d\":\"e\",\"member\":{\"1\":{\"b\":\"one &\","
                        "\"c\":\"\"},\"2\":{\"b\":\"two\"},\"10\":{\"b\":\"ten\"}}}}");
    free(text);
    cJSON_Delete(tree);
}

static void bad_bodies(void **state)
{
    const char *forms[] = {"a=%",    "a=1&a.b=2", ".=1",
                           "a..b=1", "a=%00",     "a.b.c.d.e.f.g.h.i.j.k.l.m=1"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct query_fault f = {0};
        assert_null(query_tree_form(str_of(forms[i]), &f));
        assert_int_equal(f.error, QUERY_BAD_BODY);
    }
    const char *jsons[] = {"[]", "{", "1", "{\"a\":}"};
    for (size_t i = 0; i < sizeof jsons / sizeof *jsons; i++) {
        struct query_fault f = {0};
        assert_null(query_tree_json(str_of(jsons[i]), &f));
        assert_int_equal(f.error, QUERY_BAD_BODY);
    }
}

static void too_many_values(void **state)
{
    enum { MANY = 16001 };
    struct buf form = {0}, json = {0};
    buf_add(&json, S("{\"a\":["));
    for (int i = 0; i < MANY; i++) {
        buf_addf(&form, "%sa.member.%d=x", i ? "&" : "", i);
        buf_add(&json, i ? S(",0") : S("0"));
    }
    buf_add(&json, S("]}"));
    struct query_fault f = {0}, g = {0};
    assert_null(query_tree_form(buf_str(&form), &f));
    assert_null(query_tree_json(buf_str(&json), &g));
    assert_true(strstr(f.sentence, "16000 values") && strstr(g.sentence, "16000 values"));
    buf_fini(&form);
    buf_fini(&json);
}

/* --- reading */

static void check_data(const struct query *q)
{
    assert_int_equal(q->n_items, 2);
    assert_true(q->ascending && q->most_points == 500);
    assert_int_equal(q->from, NOW - 60);
    assert_int_equal(q->until, NOW);
    const struct query_item *it = q->items;
    assert_true(str_eq(it->id, S("in_1")) && str_eq(it->label, S("x")) && !it->nothing);
    assert_ptr_equal(it->measure, measure_row(MEASURE_INPUT));
    assert_int_equal(it->by, REPORT_BY_MODEL | REPORT_BY_LANE);
    assert_true(str_eq(it->series.model, S("m/1")) && it->series.lane == LANE_FLEX);
    assert_true(it->period == 5 && it->stat.kind == QUERY_SUM);
    it++;
    assert_true(it->hidden && it->stat.kind == QUERY_PERCENTILE && it->stat.permille == 999);
    assert_true(it->by == 0 && it->period == 1);
}

static void both_protocols_say_the_same(void **state)
{
    struct query_fault f;
    struct query q = must_json(
        QUERY_METRIC_DATA,
        "{\"StartTime\":1792709999.5,\"EndTime\":1792713600,\"ScanBy\":\"TimestampAscending\","
        "\"MaxDatapoints\":500,\"MetricDataQueries\":[{\"Id\":\"in_1\",\"Label\":\"x\","
        "\"MetricStat\":{"
        "\"Metric\":{\"Namespace\":\"Weir\",\"MetricName\":\"InputTokenCount\",\"Dimensions\":[{"
        "\"Name\":"
        "\"ModelId\",\"Value\":\"m/"
        "1\"},{\"Name\":\"Lane\",\"Value\":\"flex\"}]},\"Period\":300,\"Stat\":"
        "\"Sum\",\"Unit\":\"Count\"}},{\"Id\":\"p\",\"ReturnData\":false,\"MetricStat\":{"
        "\"Metric\":{"
        "\"Namespace\":\"AWS/"
        "Bedrock\",\"MetricName\":\"InvocationLatency\"},\"Period\":60,\"Stat\":"
        "\"p99.90\"}}]}");
    assert_int_equal(q.from, NOW - 61); /* it begins half a second before the hour */
    q.from++;
    check_data(&q);
    query_fini(&q);
    assert_true(read_form(
        &q, QUERY_METRIC_DATA,
        "Action=GetMetricData&Version=2010-08-01&StartTime=2026-10-22T23%3A00%3A00Z&"
        "EndTime=2026-10-22T23:59:01Z&ScanBy=TimestampAscending&MaxDatapoints=500&"
        "MetricDataQueries.member.1.Id=in_1&MetricDataQueries.member.1.Label=x&"
        "MetricDataQueries.member.1.MetricStat.Metric.Namespace=Weir&"
        "MetricDataQueries.member.1.MetricStat.Metric.MetricName=InputTokenCount&"
        "MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Name=ModelId&"
        "MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Value=m%2F1&"
        "MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.2.Name=Lane&"
        "MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.2.Value=flex&"
        "MetricDataQueries.member.1.MetricStat.Period=300&MetricDataQueries.member.1.MetricStat."
        "Stat=Sum&"
        "MetricDataQueries.member.1.MetricStat.Unit=Count&MetricDataQueries.member.2.Id=p&"
        "MetricDataQueries.member.2.ReturnData=false&"
        "MetricDataQueries.member.2.MetricStat.Metric.Namespace=AWS%2FBedrock&"
        "MetricDataQueries.member.2.MetricStat.Metric.MetricName=InvocationLatency&"
        "MetricDataQueries.member.2.MetricStat.Metric.Dimensions=&"
        "MetricDataQueries.member.2.MetricStat.Period=60&MetricDataQueries.member.2.MetricStat."
        "Stat=p99.9",
        &f));
    check_data(&q);
    query_fini(&q);
}

static const char *data(const char *query, const char *rest)
{
    static char json[1024];
    snprintf(json, sizeof json,
             "{\"StartTime\":1792710000,\"EndTime\":1792713600,\"MetricDataQueries\":[%s]%s}",
             query, rest);
    return json;
}

#define STAT(rest)                                                                                \
    "{\"Id\":\"a\",\"MetricStat\":{\"Metric\":{\"Namespace\":\"Weir\",\"MetricName\":\"X\"}" rest \
    "}}"

static void refuse(enum query_action action, const char *json, enum query_error error,
                   const char *words)
{
    struct query q;
    struct query_fault f;
    assert_false(read_json(&q, action, json, &f));
    if (f.error != error || !strstr(f.sentence, words))
        fail_msg("%s: %u %s", json, f.error, f.sentence);
    query_fini(&q);
}

static void refuses_data(void **state)
{
    enum query_action a = QUERY_METRIC_DATA;
    refuse(a, "{}", QUERY_MISSING, "MetricDataQueries is required");
    refuse(a, data("", ""), QUERY_MISSING, "MetricDataQueries is required");
    refuse(a, "{\"MetricDataQueries\":5}", QUERY_BAD_VALUE, "is not a list");
    refuse(a, data("{\"Id\":\"e\",\"Expression\":\"SUM(METRICS())\"}", ""), QUERY_BAD_VALUE,
           "no expressions (the query e has one: SUM(METRICS()))");
    refuse(a, data("{\"Id\":\"e\",\"Expression\":\"a\",\"MetricStat\":{}}", ""),
           QUERY_BAD_COMBINATION, "both");
    refuse(a, data("{\"Id\":\"E\"}", ""), QUERY_BAD_VALUE, "small letter");
    refuse(a, data("{\"Id\":\"e\"}", ""), QUERY_MISSING, "MetricStat is required");
    refuse(a, data("{}", ""), QUERY_MISSING, "Id is required");
    refuse(a, data(STAT(",\"Period\":60,\"Stat\":\"Sum\"") "," STAT(""), ""), QUERY_BAD_VALUE,
           "The Id a is used twice");
    refuse(a, data(STAT(",\"Stat\":\"Sum\""), ""), QUERY_MISSING, "Period is required");
    refuse(a, data(STAT(",\"Period\":60"), ""), QUERY_MISSING, "Stat is required");
    refuse(a, data(STAT(",\"Period\":30,\"Stat\":\"Sum\""), ""), QUERY_BAD_VALUE, "multiple");
    refuse(a, data(STAT(",\"Period\":0.5,\"Stat\":\"Sum\""), ""), QUERY_BAD_VALUE, "whole number");
    refuse(a, data(STAT(",\"Period\":60,\"Stat\":\"tm99\""), ""), QUERY_BAD_VALUE,
           "The value tm99 for parameter Stat is not supported");
    refuse(a, data(STAT(",\"Period\":60,\"Stat\":\"p101\""), ""), QUERY_BAD_VALUE, "p101");
    refuse(a, data(STAT(",\"Period\":60,\"Stat\":\"p99.99\""), ""), QUERY_BAD_VALUE, "p99.99");
    refuse(a, data(STAT(",\"Period\":60,\"Stat\":\"Sum\""), ",\"ScanBy\":\"x\""), QUERY_BAD_VALUE,
           "ScanBy");
    refuse(a, data(STAT(",\"Period\":60,\"Stat\":\"Sum\""), ",\"MaxDatapoints\":100801"),
           QUERY_BAD_VALUE, "MaxDatapoints");
    const char *tokens[] = {"x",         "data-",    "data-1",   "data-1-",
                            "data-1-1-", "data-g-1", "list-1-1", "data-123456789-1"};
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        char rest[64];
        snprintf(rest, sizeof rest, ",\"NextToken\":\"%s\"", tokens[i]);
        refuse(a, data(STAT(",\"Period\":60,\"Stat\":\"Sum\""), rest), QUERY_BAD_TOKEN,
               "NextToken");
    }
}

static void refuses_statistics(void **state)
{
    enum query_action a = QUERY_METRIC_STATISTICS;
    refuse(a, "{}", QUERY_MISSING, "Namespace is required");
    refuse(a, statistics(""), QUERY_BAD_COMBINATION, "At least one");
    refuse(a, statistics(",\"Statistics\":[\"Sum\"],\"ExtendedStatistics\":[\"p50\"]"),
           QUERY_BAD_COMBINATION, "not for both");
    refuse(a, statistics(",\"Statistics\":[\"p50\"]"), QUERY_BAD_VALUE, "other list");
    refuse(a, statistics(",\"ExtendedStatistics\":[\"Sum\"]"), QUERY_BAD_VALUE, "other list");
    refuse(a, statistics(",\"Statistics\":[5]"), QUERY_BAD_VALUE, "not supported");
    refuse(
        a,
        statistics(",\"Statistics\":[\"Sum\"],\"Dimensions\":[{\"Name\":\"Lane\",\"Value\":\"a\"},"
                   "{\"Name\":\"Lane\",\"Value\":\"b\"}]"),
        QUERY_BAD_VALUE, "twice");
    refuse(a, statistics(",\"Statistics\":[\"Sum\"],\"Dimensions\":[{\"Name\":\"Lane\"}]"),
           QUERY_MISSING, "Value is required");
    refuse(a,
           "{\"Namespace\":\"Weir\",\"MetricName\":\"X\",\"StartTime\":1792710000,"
           "\"EndTime\":1792710000,\"Period\":60,\"Statistics\":[\"Sum\"]}",
           QUERY_BAD_COMBINATION, "less than");
    refuse(a,
           "{\"Namespace\":\"Weir\",\"MetricName\":\"X\",\"StartTime\":1792700000,"
           "\"EndTime\":1792786460,\"Period\":60,\"Statistics\":[\"Sum\"]}",
           QUERY_BAD_COMBINATION, "limit of 1440");
    refuse(a,
           "{\"Namespace\":\"Weir\",\"MetricName\":\"X\",\"StartTime\":\"yesterday\",\"EndTime\":1,"
           "\"Period\":60,\"Statistics\":[\"Sum\"]}",
           QUERY_BAD_VALUE, "2026-11-20T08:30:00Z");
    refuse(QUERY_LIST_METRICS, "{\"RecentlyActive\":\"PT1H\"}", QUERY_BAD_VALUE, "PT3H");
    refuse(QUERY_LIST_METRICS, "{\"NextToken\":\"list-ffffffff-0\"}", QUERY_BAD_TOKEN, "NextToken");
}

static void what_there_is_none_of(void **state)
{
    const char *rests[] = {
        ",\"Statistics\":[\"Sum\"],\"Unit\":\"Bytes\"",
        ",\"Statistics\":[\"Sum\"],\"Dimensions\":[{\"Name\":\"A\",\"Value\":\"b\"}]",
        ",\"Statistics\":[\"Sum\"],\"Dimensions\":[{\"Name\":\"Lane\",\"Value\":\"x\"}]"};
    for (size_t i = 0; i < 3; i++) {
        struct query q = must_json(QUERY_METRIC_STATISTICS, statistics(rests[i]));
        assert_true(q.items[0].nothing);
        query_fini(&q);
    }
    struct query q =
        must_json(QUERY_METRIC_STATISTICS, statistics(",\"Statistics\":[\"Sum\",\"Sum\"]"));
    assert_true(q.n_items == 1 && !q.items[0].nothing);
    query_fini(&q);
}

/* Older starts are rounded to five minutes, then to an hour. */
static void rounds_the_start(void **state)
{
    const struct {
        int days, over, rounded;
    } starts[] = {{1, 18, 18},  {14, 18, 18}, {16, 18, 15},
                  {62, 18, 15}, {64, 18, 0},  {400, 75, 60}};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        char json[512];
        int begin = NOW - starts[i].days * 1440;
        long long start = (long long)(begin + starts[i].over) * 60 + 59;
        snprintf(
            json, sizeof json,
            "{\"Namespace\":\"Weir\",\"MetricName\":\"X\",\"StartTime\":%lld,\"EndTime\":%lld.5,"
            "\"Period\":3600,\"Statistics\":[\"Sum\"]}",
            start, start);
        struct query q = must_json(QUERY_METRIC_STATISTICS, json);
        assert_int_equal(q.from, begin + starts[i].rounded);
        assert_int_equal(q.until, begin + starts[i].over + 1);
        query_fini(&q);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form_in_any_order),   cmocka_unit_test(bad_bodies),
        cmocka_unit_test(too_many_values),       cmocka_unit_test(both_protocols_say_the_same),
        cmocka_unit_test(refuses_data),          cmocka_unit_test(refuses_statistics),
        cmocka_unit_test(what_there_is_none_of), cmocka_unit_test(rounds_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
