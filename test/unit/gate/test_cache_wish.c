/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/cache_wish and rules_cache: who is heard first, and that a word that is none changes nothing
 * and fills no log.
 */
#include "weir/base/clock.h"
#include "weir/gate/cache_wish.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct config *config;

static int set_up(void **state)
{
    struct buf faults = {0};
    config = config_parse(S("x"),
                          S("region: us-east-1\n"
                            "cache: {mode: always}\n"
                            "rules:\n"
                            "- {name: named, match: {workload: n}, set: {metadata: {a: b}}}\n"
                            "- {name: nightly, match: {workload: n}, set: {cache: off}}\n"
                            "- {name: late, match: {workload: n*}, set: {cache: auto}}\n"
                            "- {name: noon, match: {workload: h, hours: '12:00-13:00'}, "
                            "set: {cache: off}}\n"),
                          &faults);
    if (!config)
        fail_msg("%s", buf_cstr(&faults));
    return 0;
}

static int tear_down(void **state)
{
    config_free(config);
    clock_real();
    return 0;
}

static enum cache_mode wish(const char *workload, const char *first, const char *second)
{
    struct fields fields = {0};
    if (first)
        fields_add(&fields, S("x-weir-cache"), str_of(first));
    if (second)
        fields_add(&fields, S("x-weir-cache"), str_of(second));
    const struct rule_view v = {
        .client = S("web"), .workload = str_of(workload), .fields = &fields};
    return cache_wish(config, &v);
}

static enum cache_mode wish_at(int64_t hour)
{
    static const struct fields none;
    const struct rule_view v = {.workload = S("h"), .fields = &none, .now_s = hour * 3600};
    return cache_wish(config, &v);
}

static void minds_the_hours(void **state)
{
    assert_int_equal(wish_at(11), CACHE_ALWAYS);
    assert_int_equal(wish_at(12), CACHE_OFF);
    assert_int_equal(wish_at(13), CACHE_ALWAYS);
}

static void hears_the_first_who_says_something(void **state)
{
    assert_int_equal(wish("", NULL, NULL), CACHE_ALWAYS);
    assert_int_equal(wish("n", NULL, NULL), CACHE_OFF); /* the second rule, not the third */
    assert_int_equal(wish("new", NULL, NULL), CACHE_AUTO);
    assert_int_equal(wish("n", "auto", NULL), CACHE_AUTO);
    assert_int_equal(wish("n", " ALWAYS ", NULL), CACHE_ALWAYS);
    assert_int_equal(wish("", "off", NULL), CACHE_OFF);
}

/* What the log says, read back. */
static size_t said(void)
{
    int at[2];
    static char text[65536];
    assert_int_equal(pipe(at), 0);
    (void)log_drain(at[1]);
    close(at[1]);
    ssize_t n = read(at[0], text, sizeof text - 1);
    close(at[0]);
    size_t lines = 0;
    for (ssize_t i = 0; i < n; i++)
        lines += text[i] == '\n';
    text[n < 0 ? 0 : n] = '\0';
    assert_true(str_find(str_of(text), S("hunter2")) < 0);
    return lines;
}

static void ignores_what_is_no_word(void **state)
{
    log_setup(LOG_INFO, LOG_TEXT);
    log_ring(65536);
    clock_fake(1000 * (int64_t)1000000000, 0);
    assert_int_equal(wish("n", "hunter2", NULL), CACHE_OFF);
    assert_int_equal(said(), 1);
    assert_int_equal(wish("", "on", NULL), CACHE_ALWAYS);
    assert_int_equal(wish("n", "auto", "always"), CACHE_OFF); /* which of the two? */
    assert_int_equal(wish("", "off", "off"), CACHE_ALWAYS);
    assert_int_equal(wish("n", "", NULL), CACHE_OFF);
    clock_fake(1059 * (int64_t)1000000000, 0);
    assert_int_equal(wish("n", "autos", NULL), CACHE_OFF);
    assert_int_equal(said(), 0);
    clock_fake(1060 * (int64_t)1000000000, 0);
    assert_int_equal(wish("n", "autos", NULL), CACHE_OFF);
    assert_int_equal(said(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hears_the_first_who_says_something),
                                       cmocka_unit_test(minds_the_hours),
                                       cmocka_unit_test(ignores_what_is_no_word)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
