/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/accepted: rules go into STATE/rules.yaml and come back behind the configuration's own, each
 * for one caller; what is wrong is left out and told.
 */
#include "weir/gate/accepted.h"

#include "weir/base/file.h"
#include "weir/book/spool.h"
#include "weir/gate/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOVA "amazon.nova-lite-v1:0"

static char folder[64], path[80];

static const struct accepted nightly = {
    STR("reports-nightly"), STR("reports"), STR("a \"b\""), STR(NOVA),
    STR("02:00-04:00"),     STR("8h"),      STR("wait")};

static struct config *load(void)
{
    struct buf faults = {0};
    char text[512];
    snprintf(text, sizeof text,
             "region: us-east-1\nstate: %s\n"
             "clients: [{name: reports}, {name: others}]\n"
             "rules: [{name: own, match: {workload: own}, set: {deadline: 1h}}]\n",
             folder);
    struct config *c = config_parse(S("x"), str_of(text), &faults);
    if (!c)
        fail_msg("%s", buf_cstr(&faults));
    buf_fini(&faults);
    accepted_load(c);
    return c;
}

static void put(const struct accepted *a)
{
    char why[512];
    struct config *c = load();
    if (accepted_write(c, S(""), a, why, sizeof why) < 0)
        fail_msg("%s", why);
    config_free(c);
}

static void spoil(const char *text)
{
    char why[512];
    assert_int_equal(file_replace(path, str_of(text), why, sizeof why), 0);
}

static void there_and_back(void **state)
{
    char why[512];
    put(&nightly);
    struct accepted second = nightly;
    second.name = S("second");
    second.workload = S("");
    second.reply = S("retry");
    second.deadline = S("90m");
    put(&second);
    struct config *c = load();
    assert_int_equal(c->left_out.len, 0);
    assert_int_equal(c->n_rules, 3);
    assert_true(str_eq(c->rules[0].name, S("own")) && !c->rules[0].accepted);
    const struct config_rule *r = accepted_find(c, S("reports-nightly"));
    assert_true(r == &c->rules[1] && str_eq(r->workload, nightly.workload) && r->window);
    assert_true(r->deadline_ms == 8 * 3600000 && r->set_reply == SPOOL_WAIT);
    r = accepted_find(c, S("second"));
    assert_true(r->deadline_ms == 90 * 60000 && r->set_reply == SPOOL_RETRY);
    assert_null(accepted_find(c, S("own")));
    assert_int_equal(accepted_write(c, S("reports-nightly"), NULL, why, sizeof why), 0);
    config_free(c);
    c = load();
    assert_int_equal(c->n_rules, 2);
    assert_int_equal(accepted_write(c, S("second"), NULL, why, sizeof why), 0);
    config_free(c);
    c = load();
    assert_int_equal(c->n_rules, 1);
    assert_int_equal(c->left_out.len, 0);
    config_free(c);
}

static bool holds(const struct config *c, struct str client, struct str workload, struct str model,
                  int64_t now_s)
{
    const struct fields none = {0};
    const struct rule_view v = {
        .client = client, .workload = workload, .model = model, .fields = &none, .now_s = now_s};
    struct rule_lanes lanes;
    rules_lanes(c, &v, &lanes);
    assert_true((lanes.deadline_ms > 0) == (rules_accepted(c, &v) != NULL));
    return lanes.deadline_ms > 0;
}

enum { THREE = 3 * 3600 }; /* of the night, on the first of January 1970 */

/* A name is no pattern, and no workload is not all of them. */
static void one_caller(void **state)
{
    struct accepted a = nightly;
    a.workload = S("a*");
    put(&a);
    struct config *c = load();
    const struct str reports = S("reports"), nova = S(NOVA);
    assert_true(holds(c, reports, S("a*"), nova, THREE));
    assert_false(holds(c, reports, S("ab"), nova, THREE));
    assert_false(holds(c, S("others"), S("a*"), nova, THREE));
    assert_false(holds(c, reports, S("a*"), S("amazon.nova-pro-v1:0"), THREE));
    assert_false(holds(c, reports, S("a*"), nova, THREE + 3600));
    config_free(c);
    unlink(path);
    a.workload = S("");
    put(&a);
    c = load();
    assert_true(holds(c, reports, S(""), nova, THREE));
    assert_false(holds(c, reports, S("chat"), nova, THREE));
    config_free(c);
}

static void is_left_out(const char *text, const char *wanted, size_t rules)
{
    spoil(text);
    struct config *c = load();
    assert_int_equal(c->n_rules, rules);
    if (str_find(c->left_out, str_of(wanted)) < 0)
        fail_msg("%s: %.*s", text, STR_ARG(c->left_out));
    config_free(c);
}

static void faults(void **state)
{
    is_left_out("rules: [", "rules.yaml:2", 1);
    is_left_out("", "a list, and nothing else", 1);
    is_left_out("rules: {}", "a list, and nothing else", 1);
    is_left_out("rules: []\nstate: /tmp", "a list, and nothing else", 1);
    is_left_out("rules:\n- {name: own, set: {deadline: 1h}}\n- {name: b, set: {deadline: 1h}}",
                "rule own stands there twice", 2);
    is_left_out("rules:\n- {name: b, match: {client: gone}, set: {deadline: 1h}}",
                "no client is called gone", 1);
    is_left_out("rules:\n- {name: b, sett: {deadline: 1h}}\n- {name: c, set: {deadline: 1h}}",
                "did you mean \"set\"", 2);
    is_left_out("rules:\n- 7\n- {name: c, set: {deadline: 1h}}", "key: value", 2);
    assert_int_equal(chmod(path, 0644), 0);
    struct config *c = load();
    assert_true(c->n_rules == 1 && c->left_out.len > 0); /* others may have written it */
    config_free(c);
}

static void too_many(void **state)
{
    struct buf text = {0};
    buf_add(&text, S("rules:\n"));
    for (int i = 0; i < CONFIG_MOST_RULES; i++)
        buf_addf(&text, "- {name: r%d, set: {deadline: 1h}}\n", i);
    is_left_out(buf_cstr(&text), "more than 64 items", CONFIG_MOST_RULES);
    buf_fini(&text);
}

static bool reads(const char *json)
{
    struct arena arena;
    struct accepted a;
    arena_init(&arena, 4096);
    bool good = accepted_read_json(str_of(json), &arena, &a);
    arena_fini(&arena);
    return good;
}

static void as_json(void **state)
{
    struct buf text = {0};
    struct arena arena;
    struct accepted a;
    arena_init(&arena, 4096);
    accepted_add_json(&nightly, &text);
    assert_true(accepted_read_json(buf_str(&text), &arena, &a));
    assert_true(str_eq(a.workload, nightly.workload) && str_eq(a.reply, S("wait")));
    assert_true(str_eq(a.name, nightly.name) && str_eq(a.hours, nightly.hours));
    arena_fini(&arena);
    buf_fini(&text);
#define REST "\"model\":\"m\",\"hours\":\"h\",\"deadline\":\"d\",\"reply\":\"r\""
    assert_true(reads("{\"name\":\"n\",\"client\":\"c\",\"workload\":\"\"," REST "}"));
    assert_false(reads("{\"name\":\"n\",\"client\":\"c\"," REST "}"));
    assert_false(
        reads("{\"name\":\"n\",\"name\":\"n\",\"client\":\"c\",\"workload\":\"\"," REST "}"));
    assert_false(reads("{\"name\":\"n\",\"client\":\"c\",\"workload\":7," REST "}"));
    assert_false(reads("{\"name\":\"n\",\"client\":\"c\",\"workload\":\"${HOME}\"," REST "}"));
    assert_false(reads("{\"name\":\"n\",\"client\":\"c\",\"workload\":\"\\u001b[1m\"," REST "}"));
    assert_false(reads("[1]"));
    assert_false(reads(""));
}

static int set_up(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/weir-accepted-XXXXXX");
    bool made = mkdtemp(folder);
    snprintf(path, sizeof path, "%s/rules.yaml", folder);
    return made ? 0 : -1;
}

static int tear_down(void **state)
{
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(there_and_back), TEST(one_caller), TEST(faults),
                                       TEST(too_many), TEST(as_json)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
