/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/suggestions: out of a book to names, hours, what stands in the way, and words for both kinds
 * of readers.
 */
#include "weir/gate/suggestions.h"

#include "../book/book_make.h"
#include "config_of.h"

#include <string.h>

#define SONNET "us.anthropic.claude-sonnet-4-6"
#define HAIKU  "us.anthropic.claude-haiku-4-5-20251001-v1:0"
enum { NOON = 1763640000, HOUR = 3600, DAY = 24 * HOUR }; /* 2025-11-20T12:00:00Z */

static struct catalogue *catalogue;
static struct made book;
static const char terms[] =
    "batch: {bucket: acme-weir, role_arn: 'arn:aws:iam::123456789012:role/b'}\n"
    "clients: [{name: reports, data: {persist: spool}}, {name: shy}]\n";

/* Five nights of 120 requests, which are under way together, in the hour before that many. */
static void work(struct str client, struct str workload, struct str model, int hours_before_noon)
{
    static unsigned number;
    for (int i = 0; i < 5 * 120; i++) {
        int64_t begin = NOON - (i / 120) * DAY - hours_before_noon * HOUR;
        struct record r = {.time_ms = (begin + 60) * 1000,
                           .client = client,
                           .workload = workload,
                           .asked = model,
                           .model = model,
                           .operation = S("Converse"),
                           .outcome = S("answered"),
                           .lane = LANE_ONDEMAND,
                           .flags = RECORD_INVOCATION | RECORD_BATCH_FIT,
                           .status = 200,
                           .attempts = 1,
                           .usage = {{1000, 100}},
                           .cost_nanousd = 4500000,
                           .latency_us = 30000000};
        number++;
        memcpy(r.id, &number, sizeof number);
        made_add(&book, &r);
    }
}

static struct suggestions found(const struct config *c, const struct tzif *zone, const char *name)
{
    struct suggestions s;
    const struct suggestions_terms t = {
        .config = c,
        .callers = {.now_ms = NOON * 1000LL, .zone = zone, .catalogue = catalogue},
        .zone = str_of(name)};
    made_commit(&book);
    assert_int_equal(suggestions_read(book.store, &t, &s), 0);
    return s;
}

static enum suggest_bar bar_of(const struct suggestions *s, const char *name)
{
    const struct suggestion *one = suggestions_find(s, str_of(name));
    if (!one)
        fail_msg("nothing is called %s", name);
    return one->found.bar;
}

static void finds(void **state)
{
    struct config *c = config_of(terms);
    work(S("reports"), S("nightly"), S(SONNET), 10);
    work(S("shy"), S(""), S(SONNET), 13);
    struct suggestions s = found(c, NULL, "");
    assert_int_equal(s.n, 2);
    assert_int_equal(bar_of(&s, "reports-nightly"), SUGGEST_FREE);
    assert_int_equal(bar_of(&s, "shy-nightly"), SUGGEST_PERSIST);
    assert_string_equal(s.list[0].hours, "02:00-03:00");
    assert_string_equal(s.list[1].hours, "23:00-24:00");
    assert_int_equal(s.list[0].caller->sums.at_once, 120);
    assert_int_equal(s.list[0].found.cost_nanousd, 120 * 4500000);
    assert_int_equal(s.list[0].found.batch_nanousd, 120 * 2475000); /* with the profile's tenth */
    suggestions_fini(&s);
    config_free(c);
    c = config_of("");
    s = found(c, NULL, "");
    assert_int_equal(bar_of(&s, "reports-nightly"), SUGGEST_BUCKET);
    suggestions_fini(&s);
    config_free(c);
}

/* Two models, or letters that no name has: each gets something of its own. */
static void names(void **state)
{
    struct config *c = config_of(terms);
    work(S("reports"), S("n i\"ght"), S(SONNET), 10);
    work(S("reports"), S("n-i-ght"), S(SONNET), 10);
    work(S("reports"), S("one"), S(SONNET), 10);
    struct suggestions s = found(c, NULL, "");
    assert_int_equal(s.n, 3);
    assert_non_null(suggestions_find(&s, S("reports-one")));
    assert_null(suggestions_find(&s, S("reports-n-i-ght")));
    char first[SUGGESTION_NAME_MOST + 1];
    snprintf(first, sizeof first, "%s", s.list[0].name);
    assert_true(str_starts(str_of(first), S("reports-n-i-ght-")));
    assert_string_not_equal(first, s.list[1].name);
    suggestions_fini(&s);
    work(S("reports"), S("one"), S(HAIKU), 10);
    s = found(c, NULL, "");
    assert_int_equal(s.n, 4);
    assert_non_null(suggestions_find(&s, str_of(first))); /* as before */
    assert_null(suggestions_find(&s, S("reports-one")));
    suggestions_fini(&s);
    config_free(c);
}

static void words(void **state)
{
    struct config *c = config_of(terms);
    struct buf faults = {0}, text = {0}, json = {0};
    config_add_rules(
        c, S("r"),
        S("rules: [{name: reports-nightly, match: {client: reports, workload: nightly, "
          "model: " SONNET "}, set: {deadline: 8h}}]"),
        &faults);
    assert_int_equal(buf_len(&faults), 0);
    struct suggestions s = found(c, NULL, "");
    suggestions_add_text(&s, &text);
    assert_true(str_starts(buf_str(&text), S("nobody was busy")));
    assert_true(str_find(buf_str(&text), S("accepted: reports-nightly")) > 0);
    suggestions_fini(&s);
    work(S("reports"), S("nightly"), S(SONNET), 10);
    work(S("reports"), S("\x1b[1m"), S(SONNET), 10);
    s = found(c, NULL, "");
    buf_clear(&text);
    suggestions_add_text(&s, &text);
    suggestions_add_json(&s, &json);
    assert_true(str_find(buf_str(&text), S("\x1b")) < 0);
    assert_true(str_find(buf_str(&json), S("\x1b")) < 0);
    assert_true(str_find(buf_str(&text),
                         S("a night: 120 requests, $0.5400; in a batch $0.2970, which saves "
                           "$0.2430\n  it is accepted, see below\n")) > 0);
    assert_true(str_find(buf_str(&text), S("as it is: weir batch accept reports--")) > 0);
    assert_true(str_find(buf_str(&json), S("\"at_once\":120,\"batchable\":true,\"why\":null,"
                                           "\"accepted\":true}")) > 0);
    suggestions_fini(&s);
    buf_fini(&text);
    buf_fini(&json);
    config_free(c);
}

static int set_up(void **state)
{
    made_init(&book);
    return 0;
}

static int tear_down(void **state)
{
    made_fini(&book);
    return 0;
}

static int load(void **state)
{
    struct buf faults = {0};
    catalogue = catalogue_load(NULL, &(struct catalogue_terms){0}, &faults);
    buf_fini(&faults);
    return catalogue ? 0 : -1;
}

static int unload(void **state)
{
    catalogue_free(catalogue);
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(finds), TEST(names), TEST(words)};
    return cmocka_run_group_tests(tests, load, unload);
}
