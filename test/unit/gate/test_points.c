/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/points and what the two CloudWatch exporters write of them: names and their limit, sums that
 * stay whole however they are spread, lines of embedded metric format and data of PutMetricData
 * within their limits.
 */
#include "weir/base/mem.h"
#include "weir/gate/export_cloudwatch.h"
#include "weir/gate/export_emf.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS_MOST = 400, MINUTE = 29727361 };

static struct report_row rows[ROWS_MOST];
static char names[ROWS_MOST][64];
static size_t n_rows;
static struct points points;

static struct rollup *row(const char *client, const char *model)
{
    struct report_row *r = &rows[n_rows++];
    r->series = (struct series){.client = str_of(client), .model = str_of(model)};
    return &r->sum;
}

static void call(struct rollup *to, uint64_t input, uint64_t output, uint64_t us)
{
    struct record r = {.flags = RECORD_INVOCATION, .latency_us = us, .added_us = 10};
    r.usage.tokens[TOKEN_INPUT] = input;
    r.usage.tokens[TOKEN_OUTPUT] = output;
    r.cost_nanousd = 3 * input;
    r.untouched_nanousd = 4 * input;
    rollup_add(to, &r);
}

static void make(struct points_names *n)
{
    points_fini(&points);
    points_of(n, rows, n_rows, &points);
}

static int clear(void **state)
{
    for (size_t i = 0; i < n_rows; i++)
        rollup_fini(&rows[i].sum);
    memset(rows, 0, sizeof rows);
    n_rows = 0;
    points_fini(&points);
    return 0;
}

static const struct point *find(const char *model, const char *client)
{
    for (size_t i = 0; i < points.n; i++) {
        const struct point *p = &points.at[i];
        if (str_eq(p->model, str_of(model)) && (p->client.ptr != NULL) == (client != NULL) &&
            str_eq(p->client, str_of(client)))
            return p;
    }
    return NULL;
}

static int64_t sum_of(const struct point *p, enum measure_id m)
{
    struct point_values v = {0};
    int64_t sum = p && point_read(measure_row(m), &p->sum, &v) ? point_sum(&v) : 0;
    point_values_fini(&v);
    return sum;
}

static int64_t sum_of_all(enum measure_id m, bool totals)
{
    int64_t sum = 0;
    for (size_t i = 0; i < points.n; i++)
        if ((points.at[i].client.ptr == NULL) == totals)
            sum += sum_of(&points.at[i], m);
    return sum;
}

static void clients_and_totals(void **state)
{
    struct points_names *n = points_names_new(500);
    call(row("a", "m1"), 10, 1, 1000);
    call(row("b", "m1"), 20, 2, 2000);
    call(row("b", "m2"), 40, 4, 4000);
    make(n);
    assert_int_equal(points.n, 5);
    assert_int_equal(sum_of(find("m1", "a"), MEASURE_INPUT), 10);
    assert_int_equal(sum_of(find("m1", "b"), MEASURE_INPUT), 20);
    assert_int_equal(sum_of(find("m1", NULL), MEASURE_INPUT), 30);
    assert_int_equal(sum_of(find("m2", NULL), MEASURE_OUTPUT), 4);
    make(n); /* nothing adds up over minutes */
    assert_int_equal(sum_of(find("m1", NULL), MEASURE_INPUT), 30);
    points_names_free(n);
}

static void the_rest_is_other_and_names_stay(void **state)
{
    struct points_names *n = points_names_new(6 * MEASURES); /* four names and two others */
    for (size_t i = 0; i < 100; i++) {
        snprintf(names[i], sizeof names[i], "client%zu", i);
        call(row(names[i], "m"), 1 + i, 1, 1000);
    }
    make(n);
    assert_int_equal(points.n, 5); /* m; clients 0 to 2; other */
    assert_int_equal(sum_of(find("other", "other"), MEASURE_INVOCATIONS), 97);
    assert_int_equal(sum_of_all(MEASURE_INPUT, false), 5050);
    assert_int_equal(sum_of_all(MEASURE_INPUT, true), 5050);
    clear(NULL);
    call(row("new", "a"), 7, 1, 1000);
    call(row("client2", "m"), 5, 1, 1000);
    make(n);
    assert_int_equal(sum_of(find("other", "other"), MEASURE_INPUT), 7);
    assert_int_equal(sum_of(find("other", NULL), MEASURE_INPUT), 7);
    assert_int_equal(sum_of(find("m", "client2"), MEASURE_INPUT), 5);
    points_names_free(n);
}

static void words_are_what_cloudwatch_takes(void **state)
{
    struct points_names *n = points_names_new(500);
    call(row("", "caf\xc3\xa9\n"), 1, 1, 1);
    call(row(":x", "  "), 1, 1, 1);
    make(n);
    assert_non_null(find("caf???", "none"));
    assert_non_null(find("none", "_x"));
    points_names_free(n);
}

static void sums_are_whole_however_spread(void **state)
{
    struct point_values v = {0};
    struct rollup *r = row("a", "m");
    for (uint64_t i = 0; i < 7; i++)
        call(r, 100 + i * i + !i, 3, 1000 * i);
    assert_true(point_read(measure_row(MEASURE_INPUT), r, &v));
    assert_int_equal(v.n, 2);
    assert_int_equal(v.at[0].times + v.at[1].times, 7);
    assert_int_equal(point_sum(&v), 792);
    assert_true(point_read(measure_row(MEASURE_COST), r, &v));
    assert_int_equal(point_sum(&v), 3 * 792);
    assert_true(point_read(measure_row(MEASURE_SAVINGS), r, &v));
    assert_int_equal(point_sum(&v), 792);
    r->cost_nanousd = r->untouched_nanousd + 10; /* Weir lost money */
    assert_true(point_read(measure_row(MEASURE_SAVINGS), r, &v));
    assert_int_equal(point_sum(&v), -10);
    assert_int_equal(v.at[0].times + v.at[1].times, 7);
    assert_false(point_read(measure_row(MEASURE_HIT_RATE), r, &v)); /* the cache was not used */
    assert_false(point_read(measure_row(MEASURE_CACHE_READ), r, &v));
    assert_false(point_read(measure_row(MEASURE_THROTTLES), r, &v));
    r->usage.tokens[TOKEN_CACHE_READ] = 792;
    assert_true(point_read(measure_row(MEASURE_HIT_RATE), r, &v));
    assert_int_equal(v.decimals, 4);
    assert_int_equal(v.at[0].value, 500000);
    assert_int_equal(v.n, 1);
    point_values_fini(&v);
}

static void what_waits_keeps_its_range(void **state)
{
    struct point_values v = {0};
    struct rollup r = {.queue = {4, {100, 7, 60}, {90500000, 1000000, 60000000}}};
    assert_true(point_read(measure_row(MEASURE_QUEUE_DEPTH), &r, &v));
    assert_int_equal(point_sum(&v), 100000);
    assert_true(v.at[0].value == 7000 && v.at[v.n - 1].value == 60000);
    assert_true(point_read(measure_row(MEASURE_QUEUE_AGE), &r, &v));
    assert_int_equal(point_sum(&v), 90500);
    r.queue = (struct rollup_queue){1, {12, 12, 12}, {500000, 500000, 500000}};
    assert_true(point_read(measure_row(MEASURE_QUEUE_AGE), &r, &v));
    assert_true(v.n == 1 && v.at[0].value == 500 && v.at[0].times == 1);
    point_values_fini(&v);
}

static void assert_number(int64_t value, unsigned decimals, const char *wanted)
{
    struct buf b = {0};
    point_add_number(&b, value, decimals);
    assert_string_equal(buf_cstr(&b), wanted);
    buf_fini(&b);
}

static void numbers(void **state)
{
    assert_number(0, 9, "0");
    assert_number(12, 0, "12");
    assert_number(-12, 9, "-0.000000012");
    assert_number(1500000000, 9, "1.5");
    assert_number(3000, 3, "3");
    assert_number(-500000, 4, "-50");
    assert_number(INT64_MIN, 9, "-9223372036.854775808");
    assert_number(INT64_MAX, 0, "9223372036854775807");
}

/* --- embedded metric format */

static cJSON *line_of(const struct point *p)
{
    struct buf b = {0};
    export_emf_line(p, S("Weir"), MINUTE, &b);
    assert_true(buf_len(&b) < EMF_LINE_MOST);
    assert_int_equal(b.data[b.tail - 1], '\n');
    assert_null(memchr(b.data, '\n', b.tail - 1));
    cJSON *root = cJSON_ParseWithLength(b.data, b.tail);
    assert_non_null(root);
    buf_fini(&b);
    return root;
}

static const cJSON *get(const cJSON *at, const char *path)
{
    char part[64];
    while (*path) {
        size_t n = strcspn(path, "/");
        memcpy(part, path, n);
        part[n] = 0;
        at = cJSON_IsArray(at) ? cJSON_GetArrayItem(at, part[0] - '0')
                               : cJSON_GetObjectItemCaseSensitive(at, part);
        assert_non_null(at);
        path += n + (path[n] == '/');
    }
    return at;
}

/* As the specification has it: what the directive names are members of the root, of its kind. */
static void validate(const cJSON *root)
{
    const cJSON *directive = get(root, "_aws/CloudWatchMetrics/0"), *one;
    assert_true(get(root, "_aws/Timestamp")->valuedouble == MINUTE * 60000.0);
    assert_string_equal(get(directive, "Namespace")->valuestring, "Weir");
    assert_int_equal(cJSON_GetArraySize(get(directive, "Dimensions")), 1);
    cJSON_ArrayForEach(one, get(directive, "Dimensions/0"))
        assert_true(cJSON_IsString(get(root, one->valuestring)));
    assert_in_range(cJSON_GetArraySize(get(directive, "Metrics")), 1, 100);
    cJSON_ArrayForEach(one, get(directive, "Metrics"))
    {
        const cJSON *value = get(root, get(one, "Name")->valuestring), *v;
        assert_true(cJSON_IsNumber(value) || cJSON_IsArray(value));
        assert_true(cJSON_GetArraySize(value) <= EMF_VALUES_MOST);
        cJSON_ArrayForEach(v, value) assert_true(cJSON_IsNumber(v));
        assert_true(cJSON_IsString(get(one, "Unit")));
    }
}

static void a_line_is_what_the_format_says(void **state)
{
    struct points_names *n = points_names_new(500);
    struct rollup *r = row("a", "m\"1");
    for (uint64_t i = 1; i <= 5; i++)
        call(r, 100, 3, 100000 * i);
    make(n);
    cJSON *root = line_of(find("m\"1", "a"));
    validate(root);
    assert_int_equal(get(root, "InputTokenCount")->valuedouble, 500);
    assert_int_equal(get(root, "Invocations")->valuedouble, 5);
    assert_int_equal(cJSON_GetArraySize(get(root, "InvocationLatency")), 5);
    assert_true(get(root, "InvocationLatency/0")->valuedouble == 100.0);
    assert_true(get(root, "InvocationLatency/4")->valuedouble == 500.0);
    assert_string_equal(get(root, "Client")->valuestring, "a");
    assert_string_equal(get(root, "Lane")->valuestring, "ondemand");
    cJSON_Delete(root);
    root = line_of(find("m\"1", NULL));
    validate(root);
    assert_null(cJSON_GetObjectItemCaseSensitive(root, "Client"));
    cJSON_Delete(root);
    points_names_free(n);
}

static void many_latencies_are_a_hundred(void **state)
{
    struct points_names *n = points_names_new(500);
    struct rollup *r = row("a", "m");
    for (uint64_t i = 1; i <= 5000; i++)
        call(r, 1, 1, 1000 * i);
    make(n);
    cJSON *root = line_of(find("m", "a"));
    validate(root);
    const cJSON *list = get(root, "InvocationLatency");
    assert_int_equal(cJSON_GetArraySize(list), EMF_VALUES_MOST);
    assert_true(cJSON_GetArrayItem(list, 0)->valuedouble == 1.0);
    assert_true(cJSON_GetArrayItem(list, 99)->valuedouble == 5000.0);
    double median = cJSON_GetArrayItem(list, 50)->valuedouble;
    assert_true(median > 2450 && median < 2600);
    cJSON_Delete(root);
    points_names_free(n);
}

static void nothing_to_tell_is_no_line(void **state)
{
    struct points_names *n = points_names_new(500);
    struct cloudwatch_bodies bodies = {.name_space = S("Weir")};
    struct buf b = {0};
    row("a", "m");
    make(n);
    assert_int_equal(points.n, 2);
    export_emf_line(&points.at[0], S("Weir"), MINUTE, &b);
    export_cloudwatch_add(&bodies, &points.at[0], MINUTE);
    cloudwatch_end(&bodies);
    assert_int_equal(buf_len(&b), 0);
    assert_int_equal(bodies.n, 0);
    buf_fini(&b);
    cloudwatch_fini(&bodies);
    points_names_free(n);
}

/* --- PutMetricData */

struct told {
    size_t data;
    double sum[MEASURES], samples[MEASURES];
};

static void add_datum(struct told *t, const cJSON *d)
{
    const struct measure *m = measure_find(str_of(get(d, "MetricName")->valuestring));
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(d, "Value");
    assert_non_null(m);
    size_t i = (size_t)(m - measure_row((enum measure_id)0));
    t->data++;
    assert_true(get(d, "Timestamp")->valuedouble == MINUTE * 60.0);
    assert_string_equal(get(d, "Unit")->valuestring, m->unit.ptr);
    if (value) {
        t->sum[i] += value->valuedouble;
        t->samples[i]++;
        return;
    }
    int n = cJSON_GetArraySize(get(d, "Values"));
    assert_in_range(n, 1, CLOUDWATCH_VALUES_MOST);
    assert_int_equal(cJSON_GetArraySize(get(d, "Counts")), n);
    for (int k = 0; k < n; k++) {
        double times = cJSON_GetArrayItem(get(d, "Counts"), k)->valuedouble;
        t->sum[i] += times * cJSON_GetArrayItem(get(d, "Values"), k)->valuedouble;
        t->samples[i] += times;
    }
}

static struct told read_bodies(const struct cloudwatch_bodies *b)
{
    struct told t = {0};
    for (size_t i = 0; i < b->n; i++) {
        struct str body = cloudwatch_body(b, i);
        cJSON *root = cJSON_ParseWithLength(body.ptr, body.len);
        const cJSON *d;
        assert_non_null(root);
        assert_true(body.len <= CLOUDWATCH_BODY_MOST);
        assert_string_equal(get(root, "Namespace")->valuestring, "Weir \"x\"");
        assert_in_range(cJSON_GetArraySize(get(root, "MetricData")), 1, CLOUDWATCH_DATA_MOST);
        cJSON_ArrayForEach(d, get(root, "MetricData")) add_datum(&t, d);
        cJSON_Delete(root);
    }
    return t;
}

static void bodies_stay_within_the_limits(void **state)
{
    struct points_names *n = points_names_new(10000);
    struct cloudwatch_bodies b = {.name_space = S("Weir \"x\"")};
    for (size_t i = 0; i < 300; i++) {
        snprintf(names[i], sizeof names[i], "client%zu", i);
        struct rollup *r = row(names[i], "anthropic.claude-sonnet-4-5-20250929-v1:0");
        for (uint64_t k = 1; k <= 20; k++)
            call(r, 100 + i, k, k * k * 5000);
    }
    make(n);
    for (size_t i = 0; i < points.n; i++)
        if (points.at[i].client.ptr)
            export_cloudwatch_add(&b, &points.at[i], MINUTE);
    cloudwatch_end(&b);
    assert_true(b.n >= 2);
    struct told t = read_bodies(&b);
    assert_true(t.data > 1500);
    assert_true(t.sum[MEASURE_INPUT] == 20.0 * (300 * 100 + 299 * 150));
    assert_true(t.sum[MEASURE_OUTPUT] == 300.0 * 210);
    assert_true(t.sum[MEASURE_INVOCATIONS] == 6000 && t.samples[MEASURE_INVOCATIONS] == 6000);
    assert_true(t.samples[MEASURE_INPUT] == 6000 && t.samples[MEASURE_LATENCY] == 6000);
    cloudwatch_fini(&b);
    points_names_free(n);
}

static void many_values_are_several_data(void **state)
{
    struct points_names *n = points_names_new(500);
    struct cloudwatch_bodies b = {.name_space = S("Weir \"x\"")};
    struct rollup *r = row("a", "m");
    for (uint64_t k = 0; k < 1000; k++)
        call(r, 1, 1, 1000 + k * k);
    make(n);
    export_cloudwatch_add(&b, find("m", "a"), MINUTE);
    cloudwatch_end(&b);
    size_t cells = find("m", "a")->sum.histograms[ROLLUP_LATENCY_US].n;
    assert_true(cells > 300);
    struct told t = read_bodies(&b);
    assert_int_equal(t.data, 5 + (cells + 1 + 149) / 150);
    assert_true(t.samples[MEASURE_LATENCY] == 1000);
    double off = t.sum[MEASURE_LATENCY] / (1000 + 332833.5) - 1; /* sum of k*k below 1000, in ms */
    assert_true(off > -0.005 && off < 0.005);
    cloudwatch_fini(&b);
    points_names_free(n);
}

/* Three prompts were written to the cache and not read again. */
static void a_loss_is_told_as_one(void **state)
{
    struct points_names *n = points_names_new(500);
    struct cloudwatch_bodies b = {.name_space = S("Weir \"x\"")};
    struct rollup *r = row("a", "m");
    for (int i = 0; i < 3; i++)
        rollup_add(r, &(struct record){.flags = RECORD_INVOCATION,
                                       .usage = {{[TOKEN_CACHE_WRITE_5M] = 100}},
                                       .cost_nanousd = 125,
                                       .unmarked_nanousd = 100,
                                       .untouched_nanousd = 100});
    make(n);
    cJSON *root = line_of(find("m", "a"));
    validate(root);
    assert_true(get(root, "EstimatedSavings")->valuedouble == -75e-9);
    cJSON_Delete(root);
    export_cloudwatch_add(&b, find("m", "a"), MINUTE);
    cloudwatch_end(&b);
    struct told t = read_bodies(&b);
    assert_true(t.sum[MEASURE_SAVINGS] == -75e-9 && t.samples[MEASURE_SAVINGS] == 3);
    cloudwatch_fini(&b);
    points_names_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(clients_and_totals, clear),
        cmocka_unit_test_teardown(the_rest_is_other_and_names_stay, clear),
        cmocka_unit_test_teardown(words_are_what_cloudwatch_takes, clear),
        cmocka_unit_test_teardown(sums_are_whole_however_spread, clear),
        cmocka_unit_test(what_waits_keeps_its_range),
        cmocka_unit_test(numbers),
        cmocka_unit_test_teardown(a_line_is_what_the_format_says, clear),
        cmocka_unit_test_teardown(many_latencies_are_a_hundred, clear),
        cmocka_unit_test_teardown(nothing_to_tell_is_no_line, clear),
        cmocka_unit_test_teardown(a_loss_is_told_as_one, clear),
        cmocka_unit_test_teardown(bodies_stay_within_the_limits, clear),
        cmocka_unit_test_teardown(many_values_are_several_data, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
