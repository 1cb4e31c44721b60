/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/cache_terms, with the built-in catalogue: which dialect, which models, at which price.
 */
#include "weir/gate/cache_terms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct config *config;
static struct catalogue *catalogue;

static struct config *parse(const char *text)
{
    struct buf faults = {0};
    struct config *c = config_parse(S("x"), str_of(text), &faults);
    if (!c)
        fail_msg("%s", buf_cstr(&faults));
    return c;
}

static int set_up(void **state)
{
    struct buf faults = {0};
    const struct catalogue_terms terms = {.discount_parts = 120000};
    catalogue = catalogue_load(NULL, &terms, &faults);
    config = parse("region: us-east-1\n");
    return catalogue ? 0 : -1;
}

static int tear_down(void **state)
{
    catalogue_free(catalogue);
    config_free(config);
    return 0;
}

static enum ask_dialect dialect(enum operation_id op, const char *model)
{
    return cache_dialect(operation_row(op), str_of(model));
}

static void knows_the_dialect(void **state)
{
    assert_int_equal(dialect(OP_CONVERSE, "us.anthropic.claude-opus-5"), ASK_CONVERSE);
    assert_int_equal(dialect(OP_CONVERSE_STREAM, "amazon.nova-lite-v1:0"), ASK_CONVERSE);
    assert_int_equal(dialect(OP_CONVERSE, "openai.gpt-5.6-sol"), ASK_NONE);
    assert_int_equal(dialect(OP_CONVERSE, ""), ASK_NONE);
    assert_int_equal(dialect(OP_INVOKE, "anthropic.claude-sonnet-4-5-20250929-v1:0"), ASK_CLAUDE);
    assert_int_equal(dialect(OP_INVOKE_STREAM, "apac.amazon.nova-pro-v1:0"), ASK_NOVA);
    assert_int_equal(dialect(OP_INVOKE, "amazon.titan-text-lite-v1"), ASK_NONE);
    assert_int_equal(dialect(OP_INVOKE, "meta.anthropics-llama"), ASK_NONE);
    assert_int_equal(dialect(OP_MESSAGES, "global.anthropic.claude-fable-5-1"), ASK_CLAUDE);
    assert_int_equal(dialect(OP_CHAT, "openai.gpt-5.6-sol"), ASK_CHAT);
    assert_int_equal(dialect(OP_RESPONSES, "openai.gpt-5.6-sol"), ASK_RESPONSES);
    assert_int_equal(dialect(OP_MESSAGES_COUNT, "anthropic.claude-opus-5"), ASK_NONE);
    assert_int_equal(dialect(OP_COUNT_TOKENS, "anthropic.claude-opus-5"), ASK_NONE);
}

static bool terms_with(const struct config *c, const char *model, enum cache_mode mode,
                       struct cache_terms *out)
{
    struct price price;
    const struct catalogue_model *m = catalogue_find(catalogue, str_of(model));
    assert_non_null(m);
    return catalogue_price(catalogue, str_of(model), LANE_ONDEMAND, &price) != UNPRICED &&
           cache_terms_of(m, &price, c, mode, out);
}

static bool terms(const char *model, enum cache_mode mode, struct cache_terms *out)
{
    return terms_with(config, model, mode, out);
}

static void takes_them_from_the_catalogue(void **state)
{
    struct cache_terms t;
    assert_true(terms("us.anthropic.claude-opus-5", CACHE_AUTO, &t));
    assert_true(t.mode == CACHE_AUTO && t.ttl == CACHE_TTL_AUTO && !t.retime);
    assert_int_equal(t.fields, FIELD_TOOLS | FIELD_SYSTEM | FIELD_MESSAGES);
    assert_int_equal(t.ttls, TTL_5M | TTL_1H);
    assert_int_equal(t.most_markers, 4);
    assert_int_equal(t.least_tokens, 512);
    assert_true(t.after_tool_result);
    assert_float_equal(t.read, 0.1, 1e-6); /* a discount on all is none here */
    assert_float_equal(t.write_5m, 1.25, 1e-6);
    assert_float_equal(t.write_1h, 2, 1e-6);
    assert_float_equal(t.hit, 1, 0);
    assert_float_equal(t.exploring, 0.004, 1e-9);
    assert_true(terms("amazon.nova-2-lite-v1:0", CACHE_ALWAYS, &t));
    assert_int_equal(t.mode, CACHE_ALWAYS);
    assert_int_equal(t.fields, FIELD_SYSTEM | FIELD_MESSAGES);
    assert_int_equal(t.ttls, TTL_5M);
    assert_int_equal(t.most_tokens, 20000);
    assert_false(t.after_tool_result);
    assert_float_equal(t.read, 0.25, 1e-6);
    assert_float_equal(t.write_5m, 1, 1e-6);
    assert_true(terms("anthropic.claude-opus-9", CACHE_AUTO, &t));
    assert_int_equal(t.least_tokens, 4096); /* the largest of its family */
}

static void marks_nothing_else(void **state)
{
    struct cache_terms t;
    assert_false(terms("anthropic.claude-opus-5", CACHE_OFF, &t));
    assert_false(terms("anthropic.claude-3-haiku-20240307-v1:0", CACHE_AUTO, &t));
    assert_false(terms("meta.llama3-3-70b-instruct-v1:0", CACHE_ALWAYS, &t));
    assert_false(terms("anthropic.claude-mythos-5", CACHE_ALWAYS, &t)); /* nobody knows its price */
    assert_false(terms("openai.gpt-5.5", CACHE_ALWAYS, &t));            /* it caches by itself */
}

static void follows_the_configuration(void **state)
{
    struct cache_terms t;
    struct config *c = parse("region: us-east-1\n"
                             "cache: {ttl: 1h, client_markers: retime, explore: 0}\n");
    assert_true(terms_with(c, "anthropic.claude-opus-5", CACHE_AUTO, &t));
    assert_true(t.ttl == CACHE_TTL_1H && t.retime);
    assert_float_equal(t.exploring, 0, 0);
    assert_true(terms_with(c, "amazon.nova-pro-v1:0", CACHE_AUTO, &t));
    assert_int_equal(t.ttl, CACHE_TTL_AUTO); /* it has no hour */
    config_free(c);
    c = parse("region: us-east-1\ncache: {ttl: 5m}\n");
    assert_false(terms_with(c, "openai.gpt-5.6-sol", CACHE_AUTO, &t)); /* caches by itself */
    assert_true(terms_with(c, "openai.gpt-5.6-sol", CACHE_ALWAYS, &t));
    assert_true(t.implicit);
    assert_int_equal(t.ttl, CACHE_TTL_AUTO);
    assert_int_equal(t.ttls, TTL_30M);
    assert_float_equal(t.write_30m, 1.25, 1e-6);
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_dialect), cmocka_unit_test(takes_them_from_the_catalogue),
        cmocka_unit_test(marks_nothing_else), cmocka_unit_test(follows_the_configuration)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
