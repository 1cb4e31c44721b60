/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/export_prom: the text that Prometheus reads. Every family is there with its two comment
 * lines, every sample belongs to one, and histograms add up.
 */
#include "sides.h"

#include "weir/base/log.h"
#include "weir/gate/export_prom.h"

#include <stdio.h>

static struct worker *workers[] = {&worker};
static struct buf text;

static void export(void)
{
    daemon_.workers = workers;
    daemon_.n_workers = 1;
    buf_clear(&text);
    export_prom(&daemon_, &text);
}

static bool says(const char *line)
{
    char whole[256];
    snprintf(whole, sizeof whole, "\n%s\n", line);
    return has(&text, whole);
}

static void one_answer(int64_t ms)
{
    begin();
    give_whole(S("{}"));
    sent();
    pass_ms(ms);
    head(200, "application/json", 1);
    bytes(S("1"));
    end(ORIGIN_DONE);
    gone(FRONT_DONE);
}

/* The family of a sample: without labels, and without what histograms put behind their name. */
static struct str family_of(struct str line)
{
    static const struct str ends[] = {STR("_bucket"), STR("_sum"), STR("_count")};
    size_t n = 0;
    while (n < line.len && line.ptr[n] != '{' && line.ptr[n] != ' ')
        n++;
    struct str name = str_sub(line, 0, n);
    for (size_t i = 0; i < 3; i++)
        if (str_ends(name, ends[i]))
            return str_sub(name, 0, name.len - ends[i].len);
    return name;
}

static void every_sample_has_its_family(void **state)
{
    one_answer(5);
    export();
    struct str rest = buf_str(&text), open = {NULL, 0};
    assert_true(str_ends(rest, S("\n")));
    rest.len--;
    size_t families = 0;
    while (rest.ptr) {
        struct str line = str_cut(&rest, '\n');
        if (str_starts(line, S("# HELP "))) {
            struct str words = str_from_offset(line, 7), type = str_cut(&rest, '\n');
            open = str_cut(&words, ' ');
            assert_true(words.len > 10);
            assert_true(str_starts(type, S("# TYPE ")));
            assert_true(str_starts(str_from_offset(type, 7), open));
            assert_true(str_eq(open, metric_row((enum metric_id)families)->name));
            families++;
            continue;
        }
        assert_true(str_eq(family_of(line), open));
        ptrdiff_t value = str_find(line, S("} "));
        struct str number = str_from_offset(line, value < 0 ? open.len + 1 : (size_t)value + 2);
        char *stop;
        char digits[64];
        snprintf(digits, sizeof digits, "%.*s", STR_ARG(number));
        (void)strtod(digits, &stop);
        assert_true(stop > digits && *stop == 0);
    }
    assert_int_equal(families, METRICS);
}

static void counts_what_happened(void **state)
{
    one_answer(5);
    one_answer(5);
    begin_with("GET", "/nothing", false);
    gone(FRONT_DONE);
    daemon_.reloads_bad = 3;
    export();
    assert_true(says("weir_requests_total{operation=\"Converse\",outcome=\"answered\"} 2"));
    assert_true(says("weir_requests_total{operation=\"None\",outcome=\"unknown-operation\"} 1"));
    assert_false(has(&text, "outcome=\"memory-full\"")); /* only what there is */
    assert_true(says("weir_request_body_bytes_total 4"));
    assert_true(says("weir_upstream_calls_total 2"));
    assert_true(says("weir_upstream_resent_total{reason=\"unavailable\"} 0"));
    assert_true(says("weir_reloads_total{result=\"refused\"} 3"));
    assert_true(says("weir_credentials_expire_seconds -1"));
    assert_true(says("weir_draining 0"));
    assert_true(says("weir_build_info{version=\"" WEIR_VERSION "\"} 1"));
}

static unsigned long long number_behind(const char *what)
{
    ptrdiff_t at = str_find(buf_str(&text), str_of(what));
    assert_true(at >= 0);
    return strtoull(buf_cstr(&text) + at + strlen(what), NULL, 10);
}

static void histograms_add_up(void **state)
{
    static const int64_t took_ms[] = {0, 1, 5, 900, 4000000}; /* the last is above every bound */
    for (size_t i = 0; i < sizeof took_ms / sizeof *took_ms; i++)
        one_answer(took_ms[i]);
    export();
#define OF "weir_request_seconds_bucket{operation=\"Converse\",le=\""
    unsigned long long before = 0;
    for (size_t b = 0; b < METRIC_BUCKETS; b++) {
        char name[128];
        uint64_t us = metric_bound_us(METRIC_REQUEST_SECONDS, b);
        snprintf(name, sizeof name, OF "%llu.%06llu\"} ", (unsigned long long)us / 1000000,
                 (unsigned long long)us % 1000000);
        unsigned long long n = number_behind(name);
        assert_true(n >= before);
        before = n;
    }
    assert_int_equal(number_behind(OF "0.001000\"} "), 2);
    assert_int_equal(before, 4);
    assert_int_equal(number_behind(OF "+Inf\"} "), 5);
    assert_true(says("weir_request_seconds_count{operation=\"Converse\"} 5"));
    assert_true(says("weir_request_seconds_sum{operation=\"Converse\"} 4000.906000"));
}

static void the_longest_turn_is_told_once(void **state)
{
    metric_set(&worker.metrics, METRIC_LONGEST_TURN, 1234567);
    metric_set(&daemon_.office.metrics, METRIC_LONGEST_TURN, 99);
    export();
    assert_true(says("weir_loop_longest_turn_seconds 1.234567"));
    export();
    assert_true(says("weir_loop_longest_turn_seconds 0.000000"));
}

int main(void)
{
    log_setup(LOG_ERROR, LOG_TEXT);
#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STORY(every_sample_has_its_family),
        STORY(counts_what_happened),
        STORY(histograms_add_up),
        STORY(the_longest_turn_is_told_once),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_fini(&text);
    return failed;
}
