/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/query: the points and names that come out of a book of a few lines, and the bytes of the
 * answers.
 */
#include "query_ask.h"

/* --- a book of a few lines */

struct line {
    uint32_t minute;
    const char *client, *workload, *model;
    enum lane lane;
    uint64_t calls, input, read, latency_us;
};

static const struct line book[] = {
    {NOW - 2000, "a", "", "old", LANE_ONDEMAND, 1, 7, 0, 1000},
    {NOW - 60, "a", "w", "m1", LANE_ONDEMAND, 2, 10, 30, 2000},
    {NOW - 60, "a", "", "m2", LANE_ONDEMAND, 1, 5, 0, 9000},
    {NOW - 58, "b", "", "m1", LANE_FLEX, 1, 3, 0, 4000},
    {NOW - 41, "a", "w", "m1", LANE_ONDEMAND, 4, 100, 0, 1000},
    {NOW - 5, "b", "", "m2", LANE_ONDEMAND, 1, 1, 0, 1000},
};
enum { LINES = sizeof book / sizeof *book };

static struct series group_of(const struct line *l, unsigned by)
{
    return (struct series){by & REPORT_BY_CLIENT ? str_of(l->client) : S(""),
                           by & REPORT_BY_WORKLOAD ? str_of(l->workload) : S(""),
                           by & REPORT_BY_MODEL ? str_of(l->model) : S(""),
                           by & REPORT_BY_LANE ? l->lane : LANE_ONDEMAND};
}

static void add_line(struct rollup *sum, const struct line *l)
{
    for (uint64_t i = 0; i < l->calls; i++) {
        struct record r = {.flags = RECORD_INVOCATION, .latency_us = l->latency_us};
        if (i == 0)
            r.usage = (struct usage){{l->input, 0, l->read}};
        rollup_add(sum, &r);
    }
}

/* What book/report makes of it: rows by period, then by series. */
static size_t make_rows(const struct report_query *rq, struct report_row *rows)
{
    size_t n = 0;
    for (size_t i = 0; i < LINES; i++) {
        const struct line *l = &book[i];
        struct series s = group_of(l, rq->by);
        uint32_t minute = rq->period ? l->minute - l->minute % rq->period : 0;
        size_t at = 0;
        if (l->minute < rq->from || l->minute >= rq->until)
            continue;
        while (at < n && (rows[at].minute != minute || series_cmp(&rows[at].series, &s) != 0))
            at++;
        if (at == n)
            rows[n++] = (struct report_row){.minute = minute, .series = s};
        add_line(&rows[at].sum, l);
    }
    return n;
}

static unsigned reports;

static struct query_run *run(const struct query *q)
{
    struct query_run *r = query_run_new(q);
    struct report_query rq;
    while (query_run_next(r, &rq)) {
        struct report_row rows[LINES] = {0};
        size_t n = make_rows(&rq, rows);
        assert_true(rq.from < rq.until && (!rq.period || rq.from % rq.period == 0));
        query_run_span(r, rq.from, rq.until);
        for (size_t i = 0; i < n; i++) {
            query_run_row(r, &rows[i]);
            rollup_fini(&rows[i].sum);
        }
        query_run_taken(r, n);
        reports++;
    }
    return r;
}

static void add_points(struct buf *b, const struct query *q, const struct query_run *r)
{
    for (size_t i = 0; i < q->n_items; i++) {
        const struct query_result *res = query_run_result(r, i);
        for (size_t k = 0; k < res->n; k++)
            buf_addf(b, "%.*s@%d=%g ", STR_ARG(q->items[i].id), (int)res->minutes[k] - NOW,
                     res->values[k]);
    }
}

static char query_json[4096];

static void ask_data(const char *items, int from, int until, const char *rest)
{
    snprintf(query_json, sizeof query_json,
             "{\"StartTime\":%lld,\"EndTime\":%lld,\"MetricDataQueries\":[%s]%s}",
             (long long)(NOW + from) * 60, (long long)(NOW + until) * 60, items, rest);
}

static void points_are(const char *wanted)
{
    struct query q = must_json(QUERY_METRIC_DATA, query_json);
    struct query_run *r = run(&q);
    struct buf b = {0};
    add_points(&b, &q, r);
    assert_string_equal(buf_cstr(&b), wanted);
    buf_clear(&b);
    assert_false(query_run_token(r, &b));
    buf_fini(&b);
    query_run_free(r);
    query_fini(&q);
}

#define ITEM(id, name, stat, period, dims)                                                         \
    "{\"Id\":\"" id "\",\"MetricStat\":{\"Metric\":{\"Namespace\":\"Weir\",\"MetricName\":\"" name \
    "\",\"Dimensions\":[" dims "]},\"Period\":" #period ",\"Stat\":\"" stat "\"}}"
#define DIM(name, value) "{\"Name\":\"" name "\",\"Value\":\"" value "\"}"
#define ASC              ",\"ScanBy\":\"TimestampAscending\""

static void sums_by_period(void **state)
{
    ask_data(ITEM("a", "InputTokenCount", "Sum", 60, ""), -60, 0, ASC);
    points_are("a@-60=15 a@-58=3 a@-41=100 a@-5=1 ");
    ask_data(ITEM("a", "InputTokenCount", "Sum", 60, ""), -60, 0, "");
    points_are("a@-5=1 a@-41=100 a@-58=3 a@-60=15 ");
    ask_data(ITEM("a", "InputTokenCount", "Sum", 300, ""), -60, -5, ASC); /* EndTime is outside */
    points_are("a@-60=18 a@-45=100 ");
    ask_data(ITEM("a", "InputTokenCount", "Sum", 300, ""), -58, -4, ASC); /* periods from -58 on */
    points_are("a@-58=3 a@-43=100 a@-8=1 ");
    ask_data(ITEM("a", "Invocations", "Sum", 86400, ""), -2880, 1440, ASC);
    points_are("a@-2880=1 a@-1440=9 ");
}

static void by_dimensions(void **state)
{
    ask_data(
        ITEM("a", "InputTokenCount", "Sum", 3600, DIM("ModelId", "m1")) "," ITEM("b", "InputTokenCount", "Sum", 3600, DIM("ModelId", "m2")) "," ITEM(
            "c", "Invocations", "Sum", 3600,
            DIM("ModelId",
                "m1")) "," ITEM("d", "InputTokenCount", "Sum", 3600,
                                DIM("Lane",
                                    "flex")) "," ITEM("e", "InputTokenCount", "Sum", 3600,
                                                      DIM("Client", "a") "," DIM(
                                                          "Workload",
                                                          "w")) "," ITEM("f", "InputTokenCount",
                                                                         "Sum", 3600,
                                                                         DIM("ModelId",
                                                                             "m")) "," ITEM("g",
                                                                                            "InputT"
                                                                                            "okenCo"
                                                                                            "unt",
                                                                                            "Sum",
                                                                                            3600,
                                                                                            DIM("La"
                                                                                                "n"
                                                                                                "e",
                                                                                                "fl"
                                                                                                "e"
                                                                                                "x") "," DIM("ModelId",
                                                                                                             "m1") "," DIM("Client",
                                                                                                                           "b")),
        -60, 0, ASC);
    points_are("a@-60=113 b@-60=6 c@-60=7 d@-60=3 e@-60=110 g@-60=3 ");
}

static void every_statistic(void **state)
{
    ask_data(
        ITEM("n", "InvocationLatency", "SampleCount", 3600, "") "," ITEM("a", "InvocationLatency", "Average", 3600, "") "," ITEM(
            "s", "InvocationLatency", "Sum", 3600,
            "") "," ITEM("l", "InvocationLatency", "Minimum", 3600,
                         "") "," ITEM("m", "InvocationLatency", "Maximum", 3600,
                                      "") "," ITEM("p", "InvocationLatency", "p100", 3600,
                                                   "") "," ITEM("h", "CacheHitRate", "Average",
                                                                3600,
                                                                DIM("ModelId",
                                                                    "m1")) "," ITEM("t",
                                                                                    "InputTokenCoun"
                                                                                    "t",
                                                                                    "Average", 3600,
                                                                                    DIM("ModelId",
                                                                                        "m1")) "," ITEM("c",
                                                                                                        "CacheReadInputTokens",
                                                                                                        "Sum",
                                                                                                        3600,
                                                                                                        "") "," ITEM("q",
                                                                                                                     "Invocations",
                                                                                                                     "p50",
                                                                                                                     3600,
                                                                                                                     ""),
        -60, 0, ASC);
    points_are("n@-60=9 a@-60=2.44444 s@-60=22 l@-60=1 m@-60=9 p@-60=9 h@-60=20.979 t@-60=16.1429 "
               "c@-60=30 q@-60=1 ");
}

static void what_cannot_be_told_is_said(void **state)
{
    ask_data(ITEM("a", "InputTokenCount", "Maximum", 60, ""), -60, 0, ASC);
    struct query q = must_json(QUERY_METRIC_DATA, query_json);
    struct query_run *r = run(&q);
    const struct query_result *res = query_run_result(r, 0);
    assert_true(res->unsaid);
    assert_int_equal(res->n, 2); /* two minutes have a single call, whose number it is */
    query_run_free(r);
    query_fini(&q);
}

#define THREE                                                                                \
    ITEM("a", "InputTokenCount", "Sum", 60, "")                                              \
    "," ITEM("b", "Invocations", "Sum", 60, DIM("Client", "a")) "," ITEM("c", "Invocations", \
                                                                         "Sum", 300, "")

/* The points of one page behind those of the earlier ones: all in a row, and by item. */
static void take_page(struct buf *row, struct buf items[3], struct buf *token)
{
    struct query q = must_json(QUERY_METRIC_DATA, query_json);
    struct query_run *r = run(&q);
    add_points(row, &q, r);
    for (size_t i = 0; i < q.n_items; i++) {
        const struct query_result *res = query_run_result(r, i);
        for (size_t k = 0; k < res->n; k++)
            buf_addf(&items[i], "%d=%g ", (int)res->minutes[k] - NOW, res->values[k]);
    }
    buf_clear(token);
    bool more = query_run_token(r, token);
    assert_true(more == (buf_len(token) > 0));
    query_run_free(r);
    query_fini(&q);
}

/* Page after page gives what one gives, whatever their size; one by one, in the order of time. */
static void pages(const char *order, const char *wanted_row, const char *const wanted[3])
{
    for (unsigned most = 1; most < 12; most++) {
        struct buf row = {0}, items[3] = {0}, token = {0};
        unsigned n = 0;
        do {
            char rest[200];
            snprintf(rest, sizeof rest, "%s,\"MaxDatapoints\":%u,\"NextToken\":\"%s\"", order, most,
                     buf_cstr(&token));
            ask_data(THREE, -60, 0, rest);
            take_page(&row, items, &token);
            n++;
        } while (buf_len(&token));
        assert_int_equal(n, (9 + most - 1) / most);
        if (most == 1)
            assert_string_equal(buf_cstr(&row), wanted_row);
        for (size_t i = 0; i < 3; i++) {
            assert_string_equal(buf_cstr(&items[i]), wanted[i]);
            buf_fini(&items[i]);
        }
        buf_fini(&row);
        buf_fini(&token);
    }
}

static void comes_in_pages(void **state)
{
    pages(ASC, "a@-60=15 b@-60=3 c@-60=4 a@-58=3 c@-45=4 a@-41=100 b@-41=4 a@-5=1 c@-5=1 ",
          (const char *[]){"-60=15 -58=3 -41=100 -5=1 ", "-60=3 -41=4 ", "-60=4 -45=4 -5=1 "});
    pages("", "a@-5=1 c@-5=1 a@-41=100 b@-41=4 c@-45=4 a@-58=3 a@-60=15 b@-60=3 c@-60=4 ",
          (const char *[]){"-5=1 -41=100 -58=3 -60=15 ", "-41=4 -60=3 ", "-5=1 -45=4 -60=4 "});
}

/* From 1970 to the year 9000 by minute: only the time that the book can know is looked at. */
static void a_span_without_bounds(void **state)
{
    for (int back = 0; back < 2; back++) {
        snprintf(query_json, sizeof query_json,
                 "{\"StartTime\":0,\"EndTime\":90000000000,\"MetricDataQueries\":[%s]%s}",
                 ITEM("a", "Invocations", "Sum", 60, "") "," ITEM("b", "Invocations", "Sum",
                                                                  315360000, ""),
                 back ? "" : ASC);
        reports = 0;
        points_are(back ? "a@-5=1 a@-41=4 a@-58=1 a@-60=3 a@-2000=1 b@-3598560=10 "
                        : "a@-2000=1 a@-60=3 a@-58=1 a@-41=4 a@-5=1 b@-3598560=10 ");
        assert_true(reports < 2000);
    }
}

/* A report with too many rows is asked for again in halves. */
static void asks_for_less(void **state)
{
    ask_data(ITEM("a", "Invocations", "Sum", 60, ""), -60, 0, "");
    struct query q = must_json(QUERY_METRIC_DATA, query_json);
    struct query_run *r = query_run_new(&q);
    struct report_query first, second;
    assert_true(query_run_next(r, &first));
    assert_true(query_run_shrink(r));
    assert_true(query_run_next(r, &second));
    assert_int_equal(second.from, first.from);
    assert_int_equal(second.until - second.from, (first.until - first.from) / 2);
    while (query_run_shrink(r))
        assert_true(query_run_next(r, &second));
    assert_int_equal(second.until - second.from, 1);
    query_run_free(r);
    query_fini(&q);
}

/* Where only hours are kept a period cannot be told that begins elsewhere. */
static void hours_are_not_told_twice(void **state)
{
    ask_data(ITEM("a", "Invocations", "Sum", 300, ""), -58, -48, ASC);
    struct query q = must_json(QUERY_METRIC_DATA, query_json);
    struct query_run *r = query_run_new(&q);
    struct report_query rq;
    struct report_row row = {0};
    row.sum.counts[ROLLUP_INVOCATIONS] = 10;
    while (query_run_next(r, &rq)) {
        query_run_span(r, NOW - 60, NOW);
        query_run_row(r, &row);
        query_run_taken(r, 1);
    }
    assert_int_equal(query_run_result(r, 0)->n, 0);
    query_run_free(r);
    query_fini(&q);
}

/* --- names */

static struct query_list *list(const struct query *q)
{
    struct query_list *l = query_list_new(q);
    struct report_query rq;
    while (query_list_next(l, &rq)) {
        struct report_row rows[LINES] = {0};
        size_t n = make_rows(&rq, rows);
        for (size_t i = 0; i < n; i++) {
            query_list_row(l, &rows[i]);
            rollup_fini(&rows[i].sum);
        }
    }
    query_list_close(l);
    return l;
}

static void names_are(const char *json, const char *wanted)
{
    struct query q = must_json(QUERY_LIST_METRICS, json);
    struct query_list *l = list(&q);
    struct query_listed m;
    struct buf b = {0};
    for (size_t i = 0; query_list_at(l, i, &m); i++) {
        buf_addf(&b, "%.*s", STR_ARG(m.measure->name));
        for (unsigned bit = 1; bit < QUERY_SUBSETS; bit <<= 1)
            if (m.name->by & bit)
                buf_addf(&b, "/%.*s", STR_ARG(query_dimension_value(&m.name->series, bit)));
        buf_add_char(&b, ' ');
    }
    assert_string_equal(buf_cstr(&b), wanted);
    buf_fini(&b);
    query_list_free(l);
    query_fini(&q);
}

static void lists_names(void **state)
{
    names_are(
        "{\"MetricName\":\"Invocations\",\"RecentlyActive\":\"PT3H\"}",
        "Invocations Invocations/a Invocations/b Invocations/w Invocations/a/w Invocations/m1 "
        "Invocations/m2 Invocations/a/m1 Invocations/a/m2 Invocations/b/m1 Invocations/b/m2 "
        "Invocations/w/m1 Invocations/a/w/m1 Invocations/ondemand Invocations/flex "
        "Invocations/a/ondemand Invocations/b/flex Invocations/b/ondemand "
        "Invocations/w/ondemand Invocations/a/w/ondemand Invocations/m1/ondemand "
        "Invocations/m2/ondemand Invocations/m1/flex Invocations/a/m1/ondemand "
        "Invocations/a/m2/ondemand Invocations/b/m1/flex Invocations/b/m2/ondemand "
        "Invocations/w/m1/ondemand Invocations/a/w/m1/ondemand ");
    names_are("{\"MetricName\":\"CacheReadInputTokens\",\"Dimensions\":[{\"Name\":\"ModelId\"},"
              "{\"Name\":\"Client\",\"Value\":\"b\"}]}",
              "CacheReadInputTokenCount/b/m1 CacheReadInputTokenCount/b/m2 "
              "CacheReadInputTokenCount/b/m1/flex CacheReadInputTokenCount/b/m2/ondemand ");
    names_are("{\"MetricName\":\"Invocations\",\"Dimensions\":[{\"Name\":\"ModelId\",\"Value\":"
              "\"old\"},{\"Name\":\"Client\"}]}",
              "Invocations/a/old Invocations/a/old/ondemand ");
    names_are("{\"MetricName\":\"InvocationThrottles\"}", "");
    names_are("{\"Namespace\":\"AWS/EC2\"}", "");
    names_are("{\"Dimensions\":[{\"Name\":\"InstanceId\"}]}", "");
}

/* --- answers */

static void write_all(const struct query *q, struct query_run *r, struct query_list *l,
                      const char *wanted)
{
    for (size_t about = 1; about < 4096; about *= 8) {
        struct buf b = {0}, all = {0};
        struct query_writer w = {.query = q, .run = r, .list = l, .request_id = STR("id")};
        bool more = true;
        query_write_begin(&w, &b);
        while (more) {
            more = query_write(&w, about);
            buf_add(&all, buf_str(&b));
            buf_clear(&b);
        }
        query_write_fini(&w);
        assert_string_equal(buf_cstr(&all), wanted);
        buf_fini(&b);
        buf_fini(&all);
    }
}

static void writes_data(void **state)
{
    struct query q;
    struct query_run *r;
    ask_data(ITEM("a", "InputTokenCount", "Sum", 60, "") "," ITEM("b", "InputTokenCount", "Maximum",
                                                                  3600, ""),
             -60, 0, ",\"MaxDatapoints\":2");
    q = must_json(QUERY_METRIC_DATA, query_json);
    r = run(&q);
    write_all(
        &q, r, NULL,
        "{\"MetricDataResults\":[{\"Id\":\"a\",\"Label\":\"InputTokenCount\",\"Timestamps\":["
        "1792713300,1792711140],\"Values\":[1,100],\"StatusCode\":\"PartialData\",\"Messages\":[]},"
        "{\"Id\":\"b\",\"Label\":\"InputTokenCount\",\"Timestamps\":[],\"Values\":[],"
        "\"StatusCode\":\"PartialData\",\"Messages\":[{\"Code\":\"StatisticNotKept\",\"Value\":"
        "\"Weir keeps no range of this metric over several calls: ask for Sum, Average or "
        "SampleCount.\"}]}],\"NextToken\":\"data-1c7e8e6-0\",\"Messages\":[]}\n");
    query_run_free(r);
    query_fini(&q);
    ask_data(ITEM("a", "InvocationLatency", "Average", 60, ""), -60, -58, "");
    q = must_json(QUERY_METRIC_DATA, query_json);
    q.protocol = QUERY_XML;
    q.items[0].label = S("<&>");
    r = run(&q);
    write_all(
        &q, r, NULL,
        "<GetMetricDataResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\">"
        "<GetMetricDataResult><MetricDataResults><member><Id>a</Id><Label>&lt;&amp;&gt;</Label>"
        "<Timestamps><member>2026-10-22T23:00:00Z</member></Timestamps><Values><member>"
        "4.333333333333333</member></Values><StatusCode>Complete</StatusCode><Messages></Messages>"
        "</member></MetricDataResults><Messages></Messages></GetMetricDataResult>"
        "<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></GetMetricDataResponse>\n");
    query_run_free(r);
    query_fini(&q);
}

static void writes_statistics(void **state)
{
    struct query q =
        must_json(QUERY_METRIC_STATISTICS,
                  statistics(",\"Statistics\":[\"Sum\",\"SampleCount\"],\"Dimensions\":"
                             "[{\"Name\":\"Client\",\"Value\":\"b\"}]"));
    struct query_run *r = run(&q);
    write_all(&q, r, NULL,
              "{\"Label\":\"Invocations\",\"Datapoints\":[{\"Timestamp\":1792710120,\"Sum\":1,"
              "\"SampleCount\":1,\"Unit\":\"Count\"},{\"Timestamp\":1792713300,\"Sum\":1,"
              "\"SampleCount\":1,"
              "\"Unit\":\"Count\"}]}\n");
    query_run_free(r);
    query_fini(&q);
    q = must_json(QUERY_METRIC_STATISTICS,
                  statistics(",\"ExtendedStatistics\":[\"p50\",\"p99.9\"],\"Dimensions\":"
                             "[{\"Name\":\"Lane\",\"Value\":\"flex\"}]"));
    q.protocol = QUERY_XML;
    r = run(&q);
    write_all(
        &q, r, NULL,
        "<GetMetricStatisticsResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\">"
        "<GetMetricStatisticsResult><Label>Invocations</Label><Datapoints><member><Timestamp>"
        "2026-10-22T23:02:00Z</Timestamp><Unit>Count</Unit><ExtendedStatistics><entry><key>p50</"
        "key>"
        "<value>1</value></entry><entry><key>p99.9</key><value>1</value></entry>"
        "</ExtendedStatistics></member></Datapoints></GetMetricStatisticsResult><ResponseMetadata>"
        "<RequestId>id</RequestId></ResponseMetadata></GetMetricStatisticsResponse>\n");
    query_run_free(r);
    query_fini(&q);
}

static void writes_a_list(void **state)
{
    struct query q = must_json(QUERY_LIST_METRICS,
                               "{\"MetricName\":\"CacheReadInputTokens\",\"Dimensions\":[{\"Name\":"
                               "\"ModelId\",\"Value\":\"old\"},{\"Name\":\"Lane\"}],"
                               "\"IncludeLinkedAccounts\":true,\"Namespace\":\"AWS/Bedrock\"}");
    struct query_list *l = list(&q);
    write_all(
        &q, NULL, l,
        "{\"Metrics\":[{\"Namespace\":\"AWS/Bedrock\",\"MetricName\":\"CacheReadInputTokens\","
        "\"Dimensions\":[{\"Name\":\"ModelId\",\"Value\":\"old\"},{\"Name\":\"Lane\",\"Value\":"
        "\"ondemand\"}]},{\"Namespace\":\"AWS/Bedrock\",\"MetricName\":\"CacheReadInputTokens\","
        "\"Dimensions\":[{\"Name\":\"Client\",\"Value\":\"a\"},{\"Name\":\"ModelId\",\"Value\":"
        "\"old\"},{\"Name\":\"Lane\",\"Value\":\"ondemand\"}]}],\"OwningAccounts\":["
        "\"000000000000\",\"000000000000\"]}\n");
    query_list_free(l);
    query_fini(&q);
}

/* 500 a page: all names, each once. */
static void lists_in_pages(void **state)
{
    struct series s = {.client = STR("c"), .lane = LANE_ONDEMAND};
    char model[16], token[64] = "";
    unsigned pages_n = 0, names = 0;
    do {
        char json[200];
        snprintf(json, sizeof json, "{\"MetricName\":\"Invocations\",\"NextToken\":\"%s\"}", token);
        struct query q = must_json(QUERY_LIST_METRICS, json);
        struct query_list *l = query_list_new(&q);
        struct report_query rq;
        assert_true(query_list_next(l, &rq));
        for (unsigned i = 0; i < 300; i++) {
            struct report_row row = {0};
            snprintf(model, sizeof model, "m%u", i);
            s.model = str_of(model);
            row.series = s;
            row.sum.counts[ROLLUP_INVOCATIONS] = 1;
            query_list_row(l, &row);
        }
        query_list_close(l);
        struct query_listed m;
        for (size_t i = 0; query_list_at(l, i, &m); i++)
            names++;
        struct buf b = {0};
        (void)query_list_token(l, &b);
        snprintf(token, sizeof token, "%s", buf_cstr(&b));
        buf_fini(&b);
        query_list_free(l);
        query_fini(&q);
        pages_n++;
    } while (token[0]);
    assert_int_equal(pages_n, 3);
    assert_int_equal(names, 4 * 300 + 4); /* with a model or not, by client, lane, both, neither */
}

static void writes_faults(void **state)
{
    struct query_fault f = {0};
    struct buf b = {0};
    struct str code;
    query_fail(&f, QUERY_MISSING, "No <%s>.", "Id");
    query_fail(&f, QUERY_BROKEN, "the second is not told");
    assert_int_equal(query_write_fault(&f, QUERY_JSON, S("id"), &b, &code), 400);
    assert_string_equal(
        buf_cstr(&b),
        "{\"__type\":\"MissingRequiredParameterException\",\"message\":\"No <Id>.\"}\n");
    assert_true(str_eq(code, S("MissingParameter")));
    buf_clear(&b);
    f.error = QUERY_BROKEN;
    assert_int_equal(query_write_fault(&f, QUERY_XML, S("id"), &b, &code), 500);
    assert_string_equal(
        buf_cstr(&b),
        "<ErrorResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><Error>"
        "<Type>Receiver</Type><Code>InternalServiceError</Code><Message>No &lt;Id&gt;."
        "</Message></Error><RequestId>id</RequestId></ErrorResponse>\n");
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_by_period),  cmocka_unit_test(by_dimensions),
        cmocka_unit_test(every_statistic), cmocka_unit_test(what_cannot_be_told_is_said),
        cmocka_unit_test(comes_in_pages),  cmocka_unit_test(a_span_without_bounds),
        cmocka_unit_test(asks_for_less),   cmocka_unit_test(hours_are_not_told_twice),
        cmocka_unit_test(lists_names),     cmocka_unit_test(lists_in_pages),
        cmocka_unit_test(writes_data),     cmocka_unit_test(writes_statistics),
        cmocka_unit_test(writes_a_list),   cmocka_unit_test(writes_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
