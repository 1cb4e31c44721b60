/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/explain_lanes: whose deadline it is, which lanes are possible and why others are not, the
 * choice and its reason.
 */
#include "config_of.h"
#include "weir/gate/explain.h"

#define OPUS "us.anthropic.claude-opus-4-6-v1"
#define NOVA "amazon.nova-pro-v1:0"
#define ROLE "role_arn: 'arn:aws:iam::123456789012:role/b'"
#define BODY "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"What?\"}]}]"

enum { NOON_S = 1795190400 }; /* 2026-11-20T16:00:00Z, a Friday */

static struct catalogue *catalogue;
static struct shared_cache *known;
static struct config *config;
static struct buf text;
static uint64_t usual;

static int set_up(void **state)
{
    struct buf faults = {0};
    const struct catalogue_terms terms = {0};
    catalogue = catalogue_load(NULL, &terms, &faults);
    known = shared_cache_new(1 << 20);
    usual = 0;
    return 0;
}

static int tear_down(void **state)
{
    shared_cache_free(known);
    catalogue_free(catalogue);
    config_free(config);
    config = NULL;
    buf_fini(&text);
    return 0;
}

static uint64_t output_tokens(void *arg, struct str client, struct str model)
{
    assert_true(str_eq(client, S("anonymous")) && model.len);
    return usual;
}

static bool look(const char *model, const char *body, const char *deadline)
{
    const struct explain_options o = {.body = str_of(body),
                                      .model = str_of(model),
                                      .deadline = str_of(deadline),
                                      .output_tokens = config->n_clients ? NULL : output_tokens,
                                      .now_ms = (int64_t)NOON_S * 1000};
    buf_clear(&text);
    struct explain *e = explain_new(config, catalogue, known, &o, &text);
    if (e)
        explain_print(e, &text);
    explain_free(e);
    return e;
}

static void configure(const char *yaml)
{
    config_free(config);
    config = config_of(yaml);
}

static void says(const char *wanted)
{
    if (str_find(buf_str(&text), str_of(wanted)) < 0)
        fail_msg("\"%s\" is not in\n%s", wanted, buf_cstr(&text));
}

static void without_a_deadline(void **state)
{
    configure("batch: {bucket: acme-weir, " ROLE "}\n");
    assert_true(look(OPUS, BODY "}", ""));
    says("  no deadline: header x-weir-deadline,");
    says("  flex      no: there is no deadline\n");
    says("  batch     no: there is no deadline\n");
    says("  priority  no: no rule names it\n");
    says("  it goes ondemand: nothing else is possible\n");
}

static void the_cheapest(void **state)
{
    configure("batch: {bucket: acme-weir, " ROLE "}\n");
    assert_true(look(OPUS, BODY "}", "8h"));
    says("  deadline 8h, by x-weir-deadline; a batch waits 15m for others, and wants ");
    says(" tokens of prompt (0 read from the cache, 0 written), 500 of answer (nothing is known");
    says("  flex      no: the model does not offer it\n");
    says(
        " without a cache if its pool fills, by a chance taken as 0.50; else it goes on demand)\n");
    says("  it goes batch: the cheapest\n");
    assert_true(look(OPUS, BODY "}", "20s"));
    says("; a batch waits 15m for others, and wants 103s for the way back\n");
    usual = 70;
    assert_true(look(OPUS, BODY ",\"requestMetadata\":{\"weir.deadline\":\"6h\"}}", ""));
    says("  deadline 6h, by weir.deadline; ");
    says(" 70 of answer (as in this client's last week)\n");
    assert_true(look(OPUS, BODY ",\"inferenceConfig\":{\"maxTokens\":60}}", "8h"));
    says(" 60 of answer (");
    assert_true(look(NOVA, BODY "}", "20m"));
    says("; else it goes Flex)\n");
    says("  it goes flex: the cheapest\n");
    assert_true(look(OPUS, BODY "}", "48453096ms"));
    says("  deadline 13h28m, by ");
    assert_true(look(OPUS, BODY "}", "16m"));
    says("  batch     no: the deadline is too near\n");
}

static void by_rules(void **state)
{
    configure("batch: {bucket: acme-weir, " ROLE "}\n"
              "rules:\n"
              "- {name: night, match: {hours: '22:00-06:00'}, set: {deadline: 5h}}\n"
              "- {name: fridays, match: {hours: 'Fri 15:00-17:00'}, set: {deadline: 6h}}\n"
              "- {name: nova, match: {model: 'amazon.nova-*'}, set: {lane: [batch]}}\n");
    assert_true(look(OPUS, BODY "}", ""));
    says("  deadline 6h, by rule fridays; ");
    assert_true(look(NOVA, BODY "}", ""));
    says("  flex      no: it is not allowed\n");
    configure("rules: [{name: fast, set: {lane: [priority]}}]\n");
    assert_true(look(NOVA, BODY "}", ""));
    says("  it goes priority: a rule names it\n");
}

static void why_not(void **state)
{
    configure("");
    assert_true(look(OPUS, BODY "}", "8h"));
    says("  batch     no: batch.bucket is not set\n");
    configure("batch: {bucket: acme-weir, " ROLE "}\nclients: [{name: web}]\n");
    assert_true(look(OPUS, BODY "}", "8h"));
    says("  batch     no: its client's data.persist is never\n");
    configure("batch: {bucket: acme-weir, " ROLE "}\n");
    assert_true(look(OPUS, BODY ",\"toolConfig\":{\"tools\":[]}}", "8h"));
    says("  batch     no: it has tools\n");
    assert_true(look("us.anthropic.claude-sonnet-4-5-20250929-v1:0", BODY "}", "8h"));
    says("  batch     no: the model does not offer it\n");
    assert_true(look(NOVA, BODY ",\"serviceTier\":{\"type\":\"default\"}}", "8h"));
    says("  it goes ondemand: the client's own tier stays\n");
    assert_true(look("arn:aws:bedrock:us-east-1:123456789012:imported-model/x", BODY "}", "8h"));
    says("  no price is known: it goes on demand\n");
    assert_false(look(OPUS, BODY "}", "tomorrow"));
    says("A deadline is a time from now");
}

static void as_the_levers_say(void **state)
{
    configure("levers: observe\n");
    assert_true(look(NOVA, BODY "}", "8h"));
    says("  it would go flex: the cheapest\n  levers: observe: it goes on demand\n");
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {STORY(without_a_deadline), STORY(the_cheapest),
                                       STORY(by_rules), STORY(why_not), STORY(as_the_levers_say)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
