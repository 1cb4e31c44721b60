/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/cache_prompt: who learns together, what a plan is made of, the sides of the control group,
 * and that a body with a plan's edits is the body and the marks.
 */
#include "config_of.h"
#include "weir/gate/cache_prompt.h"

#include "weir/book/catalogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OPUS "us.anthropic.claude-opus-5"

static struct config *config;
static struct ask_block blocks[16];
static struct ask ask;

static int tear_down(void **state)
{
    config_free(config);
    config = NULL;
    return 0;
}

static void configure(const char *yaml)
{
    config_free(config);
    config = config_of(yaml);
}

/* Whose knowledge counts: a client's own, an account's, or that of all who call as Weir. */
static void shares_by_account(void **state)
{
    static const char *const clients =
        "clients: [{name: a}, {name: b}, {name: key, passthrough: bearer},\n"
        "  {name: r1, role_arn: 'arn:aws:iam::111111111111:role/x'},\n"
        "  {name: r2, role_arn: 'arn:aws:iam::111111111111:role/y'},\n"
        "  {name: r3, role_arn: 'arn:aws:iam::222222222222:role/x'}]\n";
    char yaml[800];
#define SEED(who) cache_prompt_seed(config, S(who), S(OPUS))
    configure(clients);
    assert_true(SEED("a") != SEED("b") && SEED("r1") != SEED("r2"));
    assert_true(SEED("a") != cache_prompt_seed(config, S("a"), S("anthropic.claude-opus-5")));
    snprintf(yaml, sizeof yaml, "%scache: {share: all}\n", clients);
    configure(yaml);
    assert_true(SEED("a") == SEED("b") && SEED("a") != SEED("key"));
    assert_true(SEED("r1") == SEED("r2") && SEED("r1") != SEED("r3") && SEED("r1") != SEED("a"));
}

/* A Converse body of these lists. */
static struct ask_parts parts_of(const char *body, const char *system, const char *messages)
{
    struct str whole = str_of(body);
    struct ask_parts p = {.body = whole};
    p.system = str_sub(whole, (size_t)(strstr(body, system) - body), strlen(system));
    p.messages = str_sub(whole, (size_t)(strstr(body, messages) - body), strlen(messages));
    return p;
}

#define SYSTEM   "[{\"text\":\"be brief\"},{\"cachePoint\":{\"type\":\"default\"}},{\"text\":\"\"}]"
#define MESSAGES "[{\"role\":\"user\",\"content\":[{\"text\":\"hello\"}, {\"text\":\"you\"}]}]"
static const char body[] = "{\"system\":" SYSTEM ",\"messages\":" MESSAGES "}";

static void read_body(uint64_t seed)
{
    const struct ask_parts p = parts_of(body, SYSTEM, MESSAGES);
    ask_begin(&ask, ASK_CONVERSE, seed, &p, blocks, 16);
    assert_int_equal(ask_step(&ask), ASK_GOOD);
    assert_int_equal(ask.n, 4);
}

static void makes_sites(void **state)
{
    struct cache_site sites[16];
    struct cache_terms terms = {.fields = FIELD_TOOLS | FIELD_SYSTEM | FIELD_MESSAGES};
    const struct tokens_scale twice = {.factor = 2, .times = 100};
    read_body(1);
    uint64_t estimated = cache_prompt_sites(&ask, &terms, &twice, sites);
    uint64_t sum = 0;
    for (size_t i = 0; i < 4; i++) {
        sum += blocks[i].tokens;
        assert_int_equal(sites[i].tokens, 2 * sum);
        assert_true(sites[i].key == blocks[i].hash && sites[i].section == blocks[i].section);
        assert_false(sites[i].known);
    }
    assert_int_equal(estimated, sum);
    assert_int_equal(sites[0].own, ASK_5M);
    assert_false(sites[1].open); /* an empty text */
    assert_true(sites[2].open && sites[3].open);
    terms.fields = FIELD_SYSTEM;
    (void)cache_prompt_sites(&ask, &terms, &twice, sites);
    assert_false(sites[2].open || sites[3].open);
    (void)cache_prompt_sites(&ask, NULL, &twice, sites);
    for (size_t i = 0; i < 4; i++)
        assert_false(sites[i].open);
}

/* The side hangs on the first block alone, and of many every fifth is in a fifth. */
static void draws_sides(void **state)
{
    unsigned control = 0;
    configure("cache: {holdout: 20%}\n");
    for (uint64_t seed = 0; seed < 1000; seed++) {
        read_body(seed);
        uint64_t draw = cache_prompt_draw(&ask);
        control += cache_prompt_is_control(config, draw);
        blocks[3].hash++;
        assert_true(draw == cache_prompt_draw(&ask));
    }
    assert_in_range(control, 150, 250);
    configure("cache: {holdout: 0}\n");
    for (uint64_t i = 0; i < 1000; i++)
        assert_false(cache_prompt_is_control(config, i << 32));
}

static void edits(const struct cache_plan *plan, const char *wanted)
{
    struct json_edit e[CACHE_EDITS_MOST];
    struct str pieces[JSON_EDIT_PIECES(CACHE_EDITS_MOST)];
    struct buf out = {0};
    size_t n = cache_prompt_edits(&ask, plan, e);
    ssize_t m = json_edit_pieces(e, n, str_of(body), pieces, JSON_EDIT_PIECES(CACHE_EDITS_MOST));
    for (ssize_t i = 0; i < m; i++)
        buf_add(&out, pieces[i]);
    assert_string_equal(buf_cstr(&out), wanted);
    buf_fini(&out);
}

static void edits_the_body(void **state)
{
    struct cache_plan plan = {.marks = {{.block = 0, .ttl = ASK_5M, .reason = CACHE_OWN},
                                        {.block = 3, .ttl = ASK_5M, .reason = CACHE_TAIL}},
                              .n = 2};
    read_body(1);
    edits(&plan, "{\"system\":" SYSTEM ",\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":"
                 "\"hello\"}, {\"text\":\"you\"},{\"cachePoint\":{\"type\":\"default\"}}]}]}");
    plan.n = 1;
    edits(&plan, body);
    plan.marks[0].reason = CACHE_RETIMED;
    plan.marks[0].ttl = ASK_1H;
    edits(&plan, "{\"system\":[{\"text\":\"be brief\"},{\"cachePoint\":{\"type\":\"default\","
                 "\"ttl\":\"1h\"}},{\"text\":\"\"}],\"messages\":" MESSAGES "}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shares_by_account),
                                       cmocka_unit_test(makes_sites), cmocka_unit_test(draws_sides),
                                       cmocka_unit_test(edits_the_body)};
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
