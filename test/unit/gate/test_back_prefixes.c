/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /api/v1/prefixes and the families of prompt caching on /metrics: the same numbers.
 */
#include "sides.h"

#include "../../../src/gate/back.h"
#include "../../../src/gate/volatile_news.h"
#include "weir/base/log.h"
#include "weir/gate/export_prom.h"

#include <fcntl.h>
#include <stdio.h>

static struct buf text;
static struct catalogue *catalogue;
static const int64_t noon_s = 1795176000; /* 20 November 2026 */

static int set_up_cache(void **state)
{
    set_up(state);
    daemon_.cache = shared_cache_new(1 << 20);
    return 0;
}

static int tear_down_cache(void **state)
{
    buf_fini(&text);
    shared_cache_free(daemon_.cache);
    daemon_.cache = NULL;
    return tear_down(state);
}

static void answer(uint64_t estimated)
{
    struct shared_cache_answer a = {.model = STR("eu.m-1"),
                                    .client = STR("we\"b"),
                                    .estimated = estimated,
                                    .reported = 12000,
                                    .now_s = noon_s};
    shared_cache_answered(daemon_.cache, &a);
}

static void says_page(const char *expected)
{
    buf_clear(&text);
    back_prefixes_add_json(daemon_.cache, catalogue, noon_s, &text);
    assert_string_equal(buf_cstr(&text), expected);
}

static bool metrics_say(const char *line)
{
    buf_clear(&text);
    export_prom(&daemon_, &text);
    return has(&text, line);
}

static void nothing_known(void **state)
{
    says_page("{\"index\":{\"entries\":0,\"places\":16384,\"evicted\":0},\"verdicts\":[],"
              "\"scales\":[],\"volatile\":[]}\n");
    assert_true(metrics_say("\nweir_prefix_entries 0\n"));
    assert_false(metrics_say("\nweir_token_estimate_error{"));
}

static void all_of_it(void **state)
{
    struct prefix rows[2] = {{.key = 77, .last = 5}, {.key = 78, .last = 6}};
    shared_cache_restore(daemon_.cache, rows, 2);
    answer(10000);
    answer(100); /* too short a prompt */
    shared_cache_blamed(daemon_.cache, S("eu.m-1"), 1 << ASK_TOOLS, false, noon_s - 1);
    shared_cache_blamed(daemon_.cache, S("eu.m-1"), 1 << ASK_TOOLS, false, noon_s);
    says_page("{\"index\":{\"entries\":2,\"places\":16384,\"evicted\":0},"
              "\"verdicts\":[{\"model\":\"eu.m-1\",\"refused\":[{\"what\":\"tools\","
              "\"until\":\"2026-11-21T12:00:00Z\",\"times\":1}],\"least_tokens\":null,"
              "\"hit_rate\":0.9900}],"
              "\"scales\":[{\"model\":\"eu.m-1\",\"client\":\"we\\\"b\",\"factor\":1.2000,"
              "\"error\":0.1667,\"requests\":1}],\"volatile\":[]}\n");
    assert_true(metrics_say("\nweir_prefix_entries 2\n"));
    assert_true(metrics_say("\nweir_prefix_evicted_total 0\n"));
    assert_true(metrics_say("\nweir_token_estimate_error{model=\"eu.m-1\",client=\"we\\\"b\"} "
                            "0.1667\n"));
}

static void what_is_over_is_not_said(void **state)
{
    shared_cache_blamed(daemon_.cache, S("m"), 1 << ASK_TOOLS, false, noon_s - VERDICT_FIRST_S - 1);
    shared_cache_blamed(daemon_.cache, S("m"), 1 << ASK_TOOLS, false, noon_s - VERDICT_FIRST_S);
    buf_clear(&text);
    back_prefixes_add_json(daemon_.cache, catalogue, noon_s, &text);
    assert_true(has(&text, "{\"model\":\"m\",\"refused\":[],"));
}

/* A prompt that begins with something new each time, one minute after the other. */
static void note_prompt(struct str whose, struct str model, unsigned n)
{
    char room[5000];
    int head = snprintf(room, sizeof room, "{\"text\":\"It is 12:%02u. ", n);
    memset(room + head, 'x', sizeof room - (size_t)head);
    struct ask_block block = {
        .len = sizeof room, .alone = 1000 + n, .tokens = 1250, .section = ASK_SYSTEM};
    struct ask a = {
        .state = ASK_GOOD, .parts.body = str_from(room, sizeof room), .blocks = &block, .n = 1};
    shared_cache_watch(daemon_.cache, whose, model, &a, 0, 1024, noon_s + n * 60);
}

static void where_prompts_change_early(void **state)
{
    struct buf faults = {0};
    catalogue = catalogue_load(NULL, &(struct catalogue_terms){0}, &faults);
    assert_non_null(catalogue);
    for (unsigned n = 0; n < 14; n++) {
        note_prompt(S("web"), S("anthropic.claude-sonnet-4-6"), n);
        note_prompt(S("app"), S("unheard-of"), n);
    }
    buf_clear(&text);
    back_prefixes_add_json(daemon_.cache, catalogue, noon_s + 780, &text);
    /* 12 changes, 1245 tokens behind it each; of minutes nobody knows the month */
    assert_true(has(&text, "\"volatile\":[{\"model\":\"anthropic.claude-sonnet-4-6\","
                           "\"client\":\"web\",\"kind\":\"time\",\"section\":\"system\","
                           "\"message\":0,\"block\":0,\"offset\":15,\"changes\":12,"
                           "\"repeats\":0,\"first\":\"2026-11-20T12:02:00Z\","
                           "\"last\":\"2026-11-20T12:13:00Z\",\"tokens\":14952,"
                           "\"usd\":0.040370400,\"tokens_a_month\":null,"
                           "\"usd_a_month\":null},{\"model\":\"unheard-of\""));
    assert_true(has(&text, "\"tokens\":14952,\"usd\":null,\"tokens_a_month\":null,"));
    buf_clear(&text);
    back_prefixes_add_json(daemon_.cache, catalogue, noon_s + 120 + 2 * 3600, &text);
    /* in two hours: 360 times that is a month */
    assert_true(has(&text, "\"tokens_a_month\":5382720,\"usd_a_month\":14.533344000},{\"model\":"));
    assert_true(has(&text, "\"tokens_a_month\":5382720,\"usd_a_month\":null}]}"));
    assert_true(metrics_say("\nweir_volatile_places 2\n"));
    catalogue_free(catalogue);
    catalogue = NULL;
}

/* What the log says of the next place; empty: nothing. */
static const char *told(struct volatile_news *n)
{
    static char line[4096];
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    bool is = volatile_news_tell(n, daemon_.cache, catalogue);
    (void)log_drain(ends[1]);
    ssize_t got = read(ends[0], line, sizeof line - 1);
    line[got < 0 ? 0 : got] = '\0';
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(is, got > 0);
    return line;
}

static void a_place_is_told_once(void **state)
{
    struct buf faults = {0};
    daemon_.office.loop = office;
    struct volatile_news *n = volatile_news_new(&daemon_);
    catalogue = catalogue_load(NULL, &(struct catalogue_terms){0}, &faults);
    assert_string_equal(told(n), "");
    for (unsigned i = 0; i < 14; i++)
        note_prompt(S("web"), S("anthropic.claude-sonnet-4-6"), i);
    assert_non_null(strstr(told(n),
                           " volatile client=web model=anthropic.claude-sonnet-4-6 kind=time "
                           "place=system[0] offset=15 tokens_behind=1246 "
                           "usd_each=0.003364200 advice="));
    for (unsigned i = 14; i < 20; i++) {
        note_prompt(S("web"), S("anthropic.claude-sonnet-4-6"), i);
        note_prompt(S("app"), S("unheard-of"), i);
        note_prompt(S("a b"), S("unheard-of"), i);
    }
    const char *line = told(n); /* one at a time; without a price no word of one */
    assert_non_null(strstr(line, " volatile client=app model=unheard-of "));
    assert_null(strstr(line, "usd"));
    assert_null(strstr(line, "It is 12"));
    assert_non_null(strstr(told(n), " volatile client=\"a b\" "));
    assert_string_equal(told(n), "");
    volatile_news_free(n);
    catalogue_free(catalogue);
    catalogue = NULL;
}

static void without_a_cache(void **state)
{
    shared_cache_free(daemon_.cache);
    daemon_.cache = NULL;
    says_page("{\"index\":{\"entries\":0,\"places\":0,\"evicted\":0},\"verdicts\":[],"
              "\"scales\":[],\"volatile\":[]}\n");
    assert_true(metrics_say("\nweir_prefix_entries 0\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_known, set_up_cache, tear_down_cache),
        cmocka_unit_test_setup_teardown(all_of_it, set_up_cache, tear_down_cache),
        cmocka_unit_test_setup_teardown(what_is_over_is_not_said, set_up_cache, tear_down_cache),
        cmocka_unit_test_setup_teardown(where_prompts_change_early, set_up_cache, tear_down_cache),
        cmocka_unit_test_setup_teardown(a_place_is_told_once, set_up_cache, tear_down_cache),
        cmocka_unit_test_setup_teardown(without_a_cache, set_up_cache, tear_down_cache),
    };
    log_ring(64 * 1024);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
