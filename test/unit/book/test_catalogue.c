/* SPDX-License-Identifier: Apache-2.0
 *
 * The built-in catalogue against the published numbers, and small catalogues of the test's own for
 * the rules: which name wins, what an override, a geo profile, a lane and a discount do.
 */
#include "weir/base/file.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"
#include "weir/book/catalogue.h"
#include "weir/wire/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* --- loading */

static struct catalogue *built_in(void)
{
    struct buf faults = {0};
    const struct catalogue_terms terms = {0};
    struct catalogue *c = catalogue_load(NULL, &terms, &faults);
    if (!c)
        fail_msg("%s", buf_cstr(&faults));
    buf_fini(&faults);
    return c;
}

static struct catalogue *try_load(const char *text, uint32_t discount, const char *overrides,
                                  struct buf *faults)
{
    char path[] = "/tmp/weir-catalogue-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    struct arena arena;
    struct yaml_fault fault;
    struct catalogue_terms terms = {discount, NULL, S("o.yaml")};
    arena_init(&arena, 1 << 20);
    if (overrides)
        assert_int_equal(yaml_parse(&arena, str_of(overrides), &terms.overrides, &fault), 0);
    struct catalogue *c = catalogue_load(path, &terms, faults);
    arena_fini(&arena);
    unlink(path);
    return c;
}

static struct catalogue *load(const char *text, uint32_t discount, const char *overrides)
{
    struct buf faults = {0};
    struct catalogue *c = try_load(text, discount, overrides, &faults);
    if (!c)
        fail_msg("%s", buf_cstr(&faults));
    buf_fini(&faults);
    return c;
}

/* --- prices as people write them */

static uint64_t usd(const char *text)
{
    uint64_t n;
    assert_true(price_read_usd(str_of(text), &n));
    return n;
}

/* `want` has input, output, read, write_5m, write_1h, write_30m; "-" is not looked at. */
static void expect_price(const struct catalogue *c, const char *model, enum lane lane,
                         enum catalogue_priced how, const char *want)
{
    static const enum token_kind order[] = {TOKEN_INPUT,          TOKEN_OUTPUT,
                                            TOKEN_CACHE_READ,     TOKEN_CACHE_WRITE_5M,
                                            TOKEN_CACHE_WRITE_1H, TOKEN_CACHE_WRITE_30M};
    struct price p;
    struct str words = str_of(want);
    char word[32];
    enum catalogue_priced is = catalogue_price(c, str_of(model), lane, &p);
    if (is != how)
        fail_msg("%s: %d, not %d", model, is, how);
    for (size_t i = 0; i < 6 && words.len; i++) {
        struct str w = str_cut(&words, ' ');
        snprintf(word, sizeof word, "%.*s", STR_ARG(w));
        if (strcmp(word, "-") != 0 && p.nanousd_per_mtok[order[i]] != usd(word))
            fail_msg("%s: kind %zu is %llu, not %s", model, i,
                     (unsigned long long)p.nanousd_per_mtok[order[i]], word);
    }
}

static void the_published_prices(void **state)
{
    static const struct {
        const char *model, *prices;
    } rows[] = {
        {"anthropic.claude-opus-5", "5 25 0.5 6.25 10"},
        {"us.anthropic.claude-opus-4-8", "5.5 27.5 0.55 6.875 11"},
        {"global.anthropic.claude-opus-4-7", "5 25 0.5 6.25 10"},
        {"anthropic.claude-opus-4-6-v1", "5 25 0.5 6.25 10"},
        {"us.anthropic.claude-opus-4-5-20251101-v1:0", "5.5 27.5 0.55 6.875 11"},
        {"global.anthropic.claude-opus-5-5", "4 20 0.2 5 8"},
        {"us.anthropic.claude-opus-4-1-20250805-v1:0", "15 75 1.5 18.75"},
        {"us.anthropic.claude-opus-4-20250514-v1:0", "15 75 1.5 18.75"},
        {"global.anthropic.claude-sonnet-5", "2 10 0.2 2.5 4"},
        {"global.anthropic.claude-sonnet-5-5", "2 10 0.1 2.5 4"},
        {"us.anthropic.claude-sonnet-5-5", "2.2 11 0.11 2.75 4.4"},
        {"us.anthropic.claude-sonnet-4-6", "3.3 16.5 0.33 4.125 6.6"},
        {"anthropic.claude-sonnet-4-5-20250929-v1:0", "3 15 0.3 3.75 6"},
        {"us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0", "3.6 18 0.36 4.5 7.2"},
        {"us.anthropic.claude-sonnet-4-20250514-v1:0", "3 15 0.3 3.75"},
        {"jp.anthropic.claude-haiku-4-5-20251001-v1:0", "1.1 5.5 0.11 1.375 2.2"},
        {"global.anthropic.claude-fable-5", "10 50 1 12.5 20"},
        {"us.anthropic.claude-fable-5-1", "11 55 0.275 13.75 22"},
        {"us.anthropic.claude-3-7-sonnet-20250219-v1:0", "3 15 0.3 3.75"},
        {"anthropic.claude-3-5-sonnet-20240620-v1:0", "3 15"},
        {"anthropic.claude-3-5-sonnet-20241022-v2:0", "3 15 0.3 3.75"},
        {"us.anthropic.claude-3-5-haiku-20241022-v1:0", "0.8 4 0.08 1"},
        {"us-gov.anthropic.claude-3-haiku-20240307-v1:0", "0.3 1.5"},
        {"anthropic.claude-3-sonnet-20240229-v1:0", "3 15"},
        {"anthropic.claude-3-opus-20240229-v1:0", "15 75"},
        {"anthropic.claude-v2:1", "8 24"},
        {"amazon.nova-micro-v1:0", "0.035 0.14 0.00875 0.035"},
        {"eu.amazon.nova-micro-v1:0", "0.046 0.184 0.0115"},
        {"amazon.nova-lite-v1:0", "0.06 0.24 0.015 0.06"},
        {"amazon.nova-lite-v1:0:300k", "0.06 0.24 0.015 0.06"},
        {"eu.amazon.nova-lite-v1:0", "0.078 0.312 0.0195"},
        {"us.amazon.nova-pro-v1:0", "0.8 3.2 0.2 0.8"},
        {"apac.amazon.nova-pro-v1:0", "0.84 3.36 0.21"},
        {"us.amazon.nova-premier-v1:0", "2.5 12.5 0.625 2.5"},
        {"us.amazon.nova-2-lite-v1:0", "0.33 2.75 0.0825 0.33"},
        {"global.amazon.nova-2-lite-v1:0", "0.3 2.5 0.075"},
        {"amazon.titan-text-express-v1", "0.2 0.6"},
        {"amazon.titan-embed-text-v2:0", "0.02 0"},
        {"amazon.titan-embed-text-v1", "0.1 0"},
        {"cohere.embed-english-v3", "0.1 0"},
        {"cohere.embed-v4:0", "0.12 0"},
        {"cohere.command-r-plus-v1:0", "3 15"},
        {"cohere.command-text-v14", "1 2"},
        {"openai.gpt-oss-120b-1:0", "0.15 0.6"},
        {"openai.gpt-oss-20b-1:0", "0.07 0.3"},
        {"us.openai.gpt-5.5", "5.5 33 0.55"},
        {"openai.gpt-5.4", "2.75 16.5 0.275"},
        {"us.openai.gpt-5.6-sol", "4.4 22 0.44 - - 5.5"},
        {"global.openai.gpt-5.6-luna", "0.2 1.2 0.02 - - 0.25"},
        {"qwen.qwen3-32b-v1:0", "0.15 0.6"},
        {"qwen.qwen3-235b-a22b-2507-v1:0", "0.22 0.88"},
        {"qwen.qwen3-coder-480b-a35b-v1:0", "0.22 1.8"},
        {"deepseek.v3-v1:0", "0.58 1.68"},
        {"deepseek.v3.2", "0.62 1.85"},
        {"us.deepseek.r1-v1:0", "1.35 5.4"},
        {"moonshotai.kimi-k2.5", "0.6 3"},
        {"us.moonshotai.kimi-k3", "3.3 16.5 0.33 - - 4.125"},
        {"zai.glm-5", "1 3.2"},
        {"us.zai.glm-5.3", "1.848 5.808 0.3432 - - 2.31"},
        {"us.meta.llama3-3-70b-instruct-v1:0", "0.72 0.72"},
        {"meta.llama3-1-8b-instruct-v1:0", "0.22 0.22"},
        {"us.meta.llama3-2-90b-instruct-v1:0", "0.72 0.72"},
        {"us.meta.llama4-maverick-17b-instruct-v1:0", "0.24 0.97"},
        {"mistral.mistral-large-2402-v1:0", "4 12"},
        {"mistral.mixtral-8x7b-instruct-v0:1", "0.45 0.7"},
        {"mistral.mistral-7b-instruct-v0:2", "0.15 0.2"},
        {"us.mistral.pixtral-large-2502-v1:0", "2 6"},
        {"google.gemma-3-27b-it", "0.23 0.38"},
        {"minimax.minimax-m2", "0.3 1.2"},
        {"nvidia.nemotron-nano-9b-v2", "0.06 0.23"},
        {"us.writer.palmyra-x5-v1:0", "0.6 6"},
        {"ai21.jamba-1-5-large-v1:0", "2 8"},
    };
    struct catalogue *c = built_in();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_price(c, rows[i].model, LANE_ONDEMAND, PRICED, rows[i].prices);
    assert_string_equal(catalogue_date(c).ptr, "2026-11-20");
    catalogue_free(c);
}

static void a_model_born_tomorrow(void **state)
{
    static const struct {
        const char *model, *prices;
    } rows[] = {
        {"anthropic.claude-opus-6-20270101-v1:0", "5 25 0.5 6.25 10"},
        {"us.anthropic.claude-opus-5-6", "5.5 27.5"},
        {"us.anthropic.claude-sonnet-6", "2.2 11"},
        {"global.anthropic.claude-haiku-5-v1:0", "1 5"},
        {"global.anthropic.claude-haiku-5-5", "0.1 0.5 0.01"}, /* known up to 100,000 tokens */
        {"us.amazon.nova-lite-v2:0", "0.06 0.24"},
        {"mars.anthropic.claude-opus-5", "5 25"}, /* a profile of a place that nobody knows yet */
    };
    struct catalogue *c = built_in();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_price(c, rows[i].model, LANE_ONDEMAND, PRICED_PROVISIONAL, rows[i].prices);
    assert_true(catalogue_find(c, S("anthropic.claude-opus-6-20270101-v1:0"))->provisional);
    assert_false(catalogue_find(c, S("anthropic.claude-opus-5-20260801-v1:0"))->provisional);
    catalogue_free(c);
}

static void no_price_is_not_zero(void **state)
{
    static const char *const models[] = {
        "us.anthropic.claude-mythos-5",
        "amazon.nova-sonic-v1:0",
        "us.twelvelabs.pegasus-1-2-v1:0",
        "somebody.new-model-v1:0",
        "plainword",
        "",
        "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdef123456"};
    struct catalogue *c = built_in();
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct price p = {{7}};
        assert_int_equal(catalogue_price(c, str_of(models[i]), LANE_ONDEMAND, &p), UNPRICED);
        assert_int_equal(p.nanousd_per_mtok[0], 7);
    }
    assert_non_null(catalogue_find(c, S("us.anthropic.claude-mythos-5")));
    assert_false(catalogue_find(c, S("us.anthropic.claude-mythos-5"))->priced);
    assert_null(catalogue_find(c, S("somebody.new-model-v1:0")));
    catalogue_free(c);
}

/* --- the whole file */

extern const char catalogue_text[];
extern const size_t catalogue_text_size;

/* The next name of a model in the built-in file, with its line; false at its end. */
static bool next_model(struct str *rest, struct str *out_line, char *name, size_t size)
{
    while (rest->len) {
        struct str line = str_cut(rest, '\n');
        ptrdiff_t colon = str_find(line, S(": {"));
        if (!str_starts(line, S("  ")) || line.ptr[2] == ' ' || line.ptr[2] == '#' || colon < 0)
            continue;
        snprintf(name, size, "%.*s", STR_ARG(str_sub(line, 2, (size_t)colon - 2)));
        *out_line = line;
        return true;
    }
    return false;
}

static struct str models_text(void)
{
    struct str text = str_from(catalogue_text, catalogue_text_size);
    ptrdiff_t at = str_find(text, S("\nmodels:\n"));
    assert_true(at > 0);
    return str_from_offset(text, (size_t)at + 1);
}

static void every_model_is_priced_or_says_that_it_is_not(void **state)
{
    struct catalogue *c = built_in();
    struct str rest = models_text(), line;
    char name[128];
    size_t n = 0;
    for (; next_model(&rest, &line, name, sizeof name); n++) {
        const struct catalogue_model *m = catalogue_find(c, str_of(name));
        bool says = str_find(line, S("unpriced: true")) >= 0;
        if (!m || m->priced == says || m->unpriced != says)
            fail_msg("%s has no price and does not say so, or both", name);
    }
    assert_true(n > 100);
    catalogue_free(c);
}

/* What the simulator serves, by the beginnings of ids in its table (tools/bedrock_sim/model.c). */
static void the_catalogue_knows_what_the_simulator_serves(void **state)
{
    static const struct {
        const char *before, *maker;
    } forms[] = {{"    CLAUDE(\"", "anthropic."},
                 {"    NOVA(\"", "amazon.nova-"},
                 {"    PLAIN(\"", ""},
                 {"    {.prefix = STR(\"", ""}};
    struct buf table = {0};
    char why[512], start[128], name[128];
    size_t n = 0;
    assert_int_equal(file_read("tools/bedrock_sim/model.c", 1 << 20, &table, why, sizeof why), 0);
    for (struct str rest = buf_str(&table); rest.len;) {
        struct str line = str_cut(&rest, '\n');
        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
            struct str id, models = models_text(), ignored;
            bool known = false;
            if (!str_starts(line, str_of(forms[i].before)))
                continue;
            id = str_from_offset(line, strlen(forms[i].before));
            id = str_cut(&id, '"');
            snprintf(start, sizeof start, "%s%.*s", forms[i].maker, STR_ARG(id));
            while (!known && next_model(&models, &ignored, name, sizeof name))
                known = strncmp(name, start, strlen(start)) == 0;
            if (!known)
                fail_msg("the catalogue has no model that begins with %s", start);
            n++;
        }
    }
    assert_true(n > 30);
    buf_fini(&table);
}

/* Once more in plain floating point, from the dollars on the price page. */
static void a_request_of_each_lane_and_geo(void **state)
{
    static const struct {
        const char *model;
        double input, output, read, write_5m, lanes[LANES];
        struct {
            const char *prefix;
            double times;
        } geos[8];
    } models[] = {
        {"anthropic.claude-opus-4-6-v1",
         5,
         25,
         0.5,
         6.25,
         {[LANE_ONDEMAND] = 1,
          [LANE_FLEX] = 1,
          [LANE_PRIORITY] = 1,
          [LANE_RESERVED] = 1,
          [LANE_BATCH] = 0.5},
         {{"", 1},
          {"global.", 1},
          {"us.", 1.1},
          {"eu.", 1.1},
          {"apac.", 1.1},
          {"jp.", 1.1},
          {"au.", 1.1},
          {"us-gov.", 1.2}}},
        {"amazon.nova-pro-v1:0",
         0.8,
         3.2,
         0.2,
         0.8,
         {[LANE_ONDEMAND] = 1,
          [LANE_FLEX] = 0.5,
          [LANE_PRIORITY] = 1.75,
          [LANE_RESERVED] = 1,
          [LANE_BATCH] = 0.5},
         {{"", 1},
          {"global.", 1},
          {"us.", 1},
          {"eu.", 1.3125},
          {"apac.", 1.05},
          {"jp.", 1},
          {"au.", 1},
          {"us-gov.", 1}}},
    };
    struct usage u = {.tokens = {[TOKEN_INPUT] = 1234,
                                 [TOKEN_OUTPUT] = 567,
                                 [TOKEN_CACHE_READ] = 89012,
                                 [TOKEN_CACHE_WRITE_5M] = 3456}};
    struct catalogue *c = built_in();
    for (size_t m = 0; m < sizeof models / sizeof *models; m++)
        for (size_t g = 0; g < 8; g++)
            for (int lane = 0; lane < LANES; lane++) {
                struct price p;
                char id[64];
                snprintf(id, sizeof id, "%s%s", models[m].geos[g].prefix, models[m].model);
                assert_int_not_equal(catalogue_price(c, str_of(id), (enum lane)lane, &p), UNPRICED);
                double dollars = 1234 * models[m].input + 567 * models[m].output +
                                 89012 * models[m].read + 3456 * models[m].write_5m;
                dollars *= models[m].geos[g].times * models[m].lanes[lane];
                if (price_cost(&p, &u) != (uint64_t)(dollars * 1000 + 0.5))
                    fail_msg("%s, lane %d: %llu, not %.1f", id, lane,
                             (unsigned long long)price_cost(&p, &u), dollars * 1000);
            }
    catalogue_free(c);
}

static void profiles_and_lanes(void **state)
{
    struct catalogue *c = built_in();
    expect_price(c, "eu.anthropic.claude-sonnet-4-6", LANE_ONDEMAND, PRICED,
                 "3.3 16.5 0.33 4.125 6.6");
    expect_price(c, "apac.anthropic.claude-sonnet-4-6", LANE_ONDEMAND, PRICED, "3.3 16.5");
    expect_price(c, "apac.anthropic.claude-sonnet-4", LANE_ONDEMAND, PRICED, "3 15");
    expect_price(c, "anthropic.claude-sonnet-4-6", LANE_BATCH, PRICED, "1.5 7.5 0.15 1.875 3");
    expect_price(c, "eu.anthropic.claude-sonnet-4-6", LANE_BATCH, PRICED, "1.65 8.25 0.165");
    expect_price(c, "amazon.nova-pro-v1:0", LANE_FLEX, PRICED, "0.4 1.6 0.1");
    expect_price(c, "amazon.nova-pro-v1:0", LANE_PRIORITY, PRICED, "1.4 5.6 0.35");
    expect_price(c, "us.anthropic.claude-haiku-4-5", LANE_RESERVED, PRICED, "1.1 5.5 0.11");
    /* Not offered: as on demand, and not for sure. */
    expect_price(c, "anthropic.claude-sonnet-4-6", LANE_FLEX, PRICED_PROVISIONAL, "3 15 0.3");
    assert_int_equal(catalogue_find(c, S("anthropic.claude-sonnet-4-6"))->lane_parts[LANE_FLEX], 0);
    expect_price(c,
                 "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/"
                 "eu.anthropic.claude-sonnet-4-6",
                 LANE_ONDEMAND, PRICED, "3.3 16.5");
    expect_price(c, "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/amazon.nova-pro-v1:0",
                 LANE_ONDEMAND, PRICED, "0.8 3.2");
    catalogue_free(c);
}

static void what_later_decisions_need(void **state)
{
    struct catalogue *c = built_in();
    const struct catalogue_model *m = catalogue_find(c, S("us.anthropic.claude-opus-4-6-v1"));
    assert_int_equal(m->least_tokens, 4096);
    assert_int_equal(m->most_markers, 4);
    assert_int_equal(m->fields, FIELD_TOOLS | FIELD_SYSTEM | FIELD_MESSAGES);
    assert_int_equal(m->ttls, TTL_5M | TTL_1H);
    assert_true(m->implicit && m->after_tool_result);
    assert_int_equal(m->lane_parts[LANE_BATCH], PRICE_ONE / 2);
    assert_int_equal(m->batch_least_records, 100);
    assert_int_equal(m->batch_most_records, 50000);
    assert_int_equal(m->batch_most_jobs, 20);
    assert_int_equal(m->batch_most_file_bytes, 1000000000);
    assert_int_equal(m->batch_most_job_bytes, 5000000000);
    m = catalogue_find(c, S("us.amazon.nova-2-lite-v1:0"));
    assert_int_equal(m->least_tokens, 1000);
    assert_int_equal(m->most_tokens, 20000);
    assert_int_equal(m->fields, FIELD_SYSTEM | FIELD_MESSAGES);
    assert_int_equal(m->ttls, TTL_5M);
    assert_false(m->after_tool_result);
    assert_int_equal(catalogue_find(c, S("us.openai.gpt-5.6-sol"))->ttls, TTL_30M);
    assert_int_equal(catalogue_find(c, S("anthropic.claude-opus-4-1-20250805-v1:0"))->ttls, TTL_5M);
    assert_int_equal(catalogue_find(c, S("openai.gpt-oss-20b-1:0"))->least_tokens, 0);
    assert_int_equal(catalogue_find(c, S("anthropic.claude-3-haiku-20240307-v1:0"))->least_tokens,
                     0);
    assert_int_equal(catalogue_find(c, S("us.anthropic.claude-sonnet-5-5"))->least_tokens, 512);
    catalogue_free(c);
}

/* --- rules, on catalogues of our own */

#define HEAD "date: \"2026-01-02\"\ngeos: [us, eu]\n"

static void the_longest_name_wins(void **state)
{
    static const char *const orders[] = {
        HEAD "models: {a.m*: {input: 1, output: 1}, a.m-2*: {input: 2, output: 1},"
             " a.m-2: {input: 3, output: 1}, a.m-2-x*: {input: 4, output: 1}}",
        HEAD "models: {a.m-2-x*: {input: 4, output: 1}, a.m-2: {input: 3, output: 1},"
             " a.m-2*: {input: 2, output: 1}, a.m*: {input: 1, output: 1}}"};
    for (size_t i = 0; i < 2; i++) {
        struct catalogue *c = load(orders[i], 0, NULL);
        expect_price(c, "a.m", LANE_ONDEMAND, PRICED_PROVISIONAL, "1");
        expect_price(c, "a.m-1-v1:0", LANE_ONDEMAND, PRICED_PROVISIONAL, "1");
        expect_price(c, "a.m-2", LANE_ONDEMAND, PRICED, "3");
        expect_price(c, "a.m-2-20260101-v1:0", LANE_ONDEMAND, PRICED, "3");
        expect_price(c, "a.m-2-v3", LANE_ONDEMAND, PRICED, "3");
        expect_price(c, "a.m-2-1:0", LANE_ONDEMAND, PRICED, "3");
        expect_price(c, "a.m-2:0:128k", LANE_ONDEMAND, PRICED, "3");
        expect_price(c, "a.m-2-1", LANE_ONDEMAND, PRICED_PROVISIONAL, "2");
        expect_price(c, "a.m-2-v", LANE_ONDEMAND, PRICED_PROVISIONAL, "2");
        expect_price(c, "a.m-2-20260101x", LANE_ONDEMAND, PRICED_PROVISIONAL, "2");
        expect_price(c, "a.m-2-x", LANE_ONDEMAND, PRICED_PROVISIONAL, "4");
        expect_price(c, "us.a.m-2-xyz", LANE_ONDEMAND, PRICED_PROVISIONAL, "4");
        assert_null(catalogue_find(c, S("a.l")));
        assert_null(catalogue_find(c, S("b.m-2")));
        assert_non_null(catalogue_find(c, S("a.m-")));
        catalogue_free(c);
    }
}

static void a_listed_model_without_a_price(void **state)
{
    struct catalogue *c = load(
        HEAD "groups: {g: {of_input: {read: 0.1}, geo: {eu: 1.1}, lanes: {batch: 0.5}}}\n"
             "models:\n"
             "  a.fam-*: {like: g, input: 10, output: 20, write_5m: 12}\n"
             "  a.fam-1: {cache: {min_tokens: 512}}\n"
             "  a.fam-1-x: {of_input: {read: 0.5, write_5m: 2}, geo: {us: 3}, lanes: {flex: 0.5}}\n"
             "  a.fam-2: {unpriced: true}\n"
             "  a.fam-3*: {}\n"
             "  a.fam-4*: {unpriced: true}\n"
             "  a.fam-4-x: {}\n"
             "  a.fam-5: {input: 0, output: 0}\n"
             "  a.lone: {like: g}\n",
        0, "{a.fam-2: {input: 1, output: 2}, a.fam-1: {output: 30}}");
    const enum catalogue_priced guess = PRICED_PROVISIONAL;
    expect_price(c, "a.fam-9", LANE_ONDEMAND, guess, "10 20 1 12 10"); /* born tomorrow */
    expect_price(c, "a.fam-1", LANE_ONDEMAND, guess, "10 30 1 12 10");
    expect_price(c, "eu.a.fam-1-v1:0", LANE_ONDEMAND, guess, "11 33 1.1 13.2");
    expect_price(c, "a.fam-1", LANE_BATCH, guess, "10 30"); /* its own lanes */
    assert_int_equal(catalogue_find(c, S("a.fam-1"))->least_tokens, 512);
    assert_true(catalogue_find(c, S("a.fam-1"))->priced);
    expect_price(c, "a.fam-1-x", LANE_ONDEMAND, guess, "10 20 5 20 10"); /* what it tells stays */
    expect_price(c, "us.a.fam-1-x", LANE_FLEX, guess, "15 30");
    expect_price(c, "eu.a.fam-1-x", LANE_FLEX, guess, "5.5 11");
    expect_price(c, "a.fam-3-y", LANE_ONDEMAND, guess, "10 20");
    expect_price(c, "a.fam-5", LANE_ONDEMAND, PRICED, "0 0 0"); /* free is a price */
    expect_price(c, "a.fam-2", LANE_ONDEMAND, PRICED, "1 2");   /* the owner knows */
    struct price p;
    assert_int_equal(catalogue_price(c, S("a.fam-4-x"), LANE_ONDEMAND, &p), UNPRICED);
    assert_int_equal(catalogue_price(c, S("a.lone"), LANE_ONDEMAND, &p), UNPRICED);
    catalogue_free(c);
    c = load(HEAD "models: {a.fam*: {input: 1, output: 1}, a.fam-2: {unpriced: true}}", 0, NULL);
    assert_int_equal(catalogue_price(c, S("a.fam-2"), LANE_ONDEMAND, &p), UNPRICED);
    catalogue_free(c);
}

/* --- against a search that looks at every name */

static void random_word(char *out, size_t most)
{
    size_t n = 1 + random_below(most);
    memcpy(out, "a.", 2);
    for (size_t i = 0; i < n; i++)
        out[2 + i] = "ab-"[random_below(3)];
    out[2 + n] = 0;
}

static bool fits_plainly(const char *name, const char *id)
{
    size_t n = strlen(name);
    bool family = name[n - 1] == '*';
    const char *rest = id + n - family;
    return strncmp(name, id, n - family) == 0 && (family || *rest == 0 || strcmp(rest, "-v1") == 0);
}

static void any_names_in_any_order(void **state)
{
    enum { ROUNDS = 100, NAMES = 24, IDS = 40 };
    random_seed(7);
    for (int round = 0; round < ROUNDS; round++) {
        char names[NAMES][16], id[24];
        struct buf text = {0};
        size_t n = 0;
        buf_add(&text, S(HEAD "models:\n"));
        for (size_t i = 0; i < NAMES; i++) {
            random_word(names[n], 7);
            if (random_below(2))
                strcat(names[n], "*");
            bool twice = false;
            for (size_t j = 0; j < n; j++)
                twice = twice || strcmp(names[j], names[n]) == 0;
            if (!twice)
                buf_addf(&text, "  \"%s\": {}\n", names[n++]);
        }
        struct catalogue *c = load(buf_cstr(&text), 0, NULL);
        for (size_t i = 0; i < IDS; i++) {
            const char *best = NULL;
            random_word(id, 9);
            if (random_below(2))
                strcat(id, "-v1");
            for (size_t j = 0; j < n; j++) {
                size_t length = strcspn(names[j], "*"), best_length = best ? strcspn(best, "*") : 0;
                bool longer = !best || length > best_length ||
                              (length == best_length && names[j][length] == 0);
                if (fits_plainly(names[j], id) && longer)
                    best = names[j];
            }
            const struct catalogue_model *m = catalogue_find(c, str_of(id));
            if (m ? !best || !str_eq(m->name, str_of(best)) : best != NULL)
                fail_msg("%s: %.*s, not %s, in\n%s", id, STR_ARG(m ? m->name : S("nothing")),
                         best ? best : "nothing", buf_cstr(&text));
        }
        catalogue_free(c);
        buf_fini(&text);
    }
    random_seed(0);
}

static void every_key_is_read(void **state)
{
    struct catalogue *c = load(
        HEAD "groups: {g: {of_input: {read: 0.5, write_5m: 2}, lanes: {flex: 0.25, batch: 0.5},"
             " geo: {eu: 1.5}}}\n"
             "models:\n"
             "  a.all: {input: 1, output: 2, read: 3, write_5m: 4, write_1h: 5, write_30m: 6}\n"
             "  a.own: {like: g, input: 10, output: 20, read: 1, of_input: {write_1h: 3},"
             " lanes: {batch: 0}}\n"
             "  us.a.own: {geo: {us: 2}, input: 7, output: 8}\n"
             "  a.bare: {input: 10, output: 20}\n",
        0, NULL);
    expect_price(c, "a.all", LANE_ONDEMAND, PRICED, "1 2 3 4 5 6");
    expect_price(c, "a.own", LANE_ONDEMAND, PRICED, "10 20 1 20 30 10");
    expect_price(c, "eu.a.own", LANE_ONDEMAND, PRICED, "15 30 1.5 30 45 15");
    expect_price(c, "eu.a.own", LANE_FLEX, PRICED, "3.75 7.5 0.375 7.5 11.25");
    expect_price(c, "a.own", LANE_BATCH, PRICED_PROVISIONAL, "10 20");
    expect_price(c, "us.a.own", LANE_ONDEMAND, PRICED, "7 8 7 7 7 7");
    expect_price(c, "a.bare", LANE_ONDEMAND, PRICED, "10 20 10 10 10 10");
    catalogue_free(c);
}

static void overrides_and_discount(void **state)
{
    static const char text[] =
        HEAD "groups: {g: {of_input: {read: 0.1}, geo: {eu: 1.1}, lanes: {batch: 0.5}}}\n"
             "models: {a.one: {like: g, input: 10, output: 20}, a.two: {like: g},"
             " a.fam*: {like: g, input: 1, output: 2}}\n";
    struct catalogue *c =
        load(text, 250000,
             "{a.one: {input: 8}, eu.a.one: {output: 100}, a.two: {input: 4, output: 4, read: 2},"
             " a.fam*: {input: 12, output: 12}, a.fam-x: {output: 4},"
             " 'arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/abc':"
             " {input: 1, output: 1}}");
    expect_price(c, "a.one", LANE_ONDEMAND, PRICED, "6 15 0.6");
    expect_price(c, "us.a.one", LANE_BATCH, PRICED, "3 7.5 0.3");
    /* The profile's own: what it gives is not times 1.1, the rest is; the other one is not used. */
    expect_price(c, "eu.a.one", LANE_ONDEMAND, PRICED, "8.25 75 0.825");
    expect_price(c, "a.two", LANE_ONDEMAND, PRICED, "3 3 1.5");
    expect_price(c, "eu.a.two", LANE_ONDEMAND, PRICED, "3.3 3.3 1.65");
    expect_price(c, "a.family-9", LANE_ONDEMAND, PRICED, "9 9 0.9");
    expect_price(c, "a.fam-x-v1:0", LANE_ONDEMAND, PRICED_PROVISIONAL, "0.75 3 0.075");
    expect_price(c, "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/abc",
                 LANE_ONDEMAND, PRICED, "0.75 0.75");
    catalogue_free(c);
}

/* --- faults */

static void expect_fault(const char *text, const char *overrides, const char *want)
{
    struct buf faults = {0};
    struct catalogue *c = try_load(text, 0, overrides, &faults);
    if (c || !strstr(buf_cstr(&faults), want))
        fail_msg("wanted \"%s\", got \"%s\"", want, buf_cstr(&faults));
    buf_fini(&faults);
}

static void faults_say_where(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {HEAD "model: {}", ":3:1: unknown key \"model\"; did you mean \"models\"?"},
        {HEAD, "there are no models"},
        {"models: {a.b: {}}", "there is no date"},
        {"date: tomorrow\nmodels: {a.b: {}}", ":1:7: date wants a day"},
        {HEAD "models: {a.b: {inptu: 3}}", ":3:16: unknown key \"inptu\"; did you mean \"input\"?"},
        {HEAD "models: {a.b: {input: 3}}", "wants a price for input and for output"},
        {HEAD "models: {a.b: {input: 3, output: 1, unpriced: true}}", "says that it is unpriced"},
        {HEAD "models: {a.b: {unpriced: yes}}", "unpriced wants true or false"},
        {HEAD "models: {a.b: {input: x, output: 1}}", ":3:23: input wants dollars"},
        {HEAD "models: {a.b: {input: -1, output: 1}}", "input wants dollars"},
        {HEAD "models: {a.b: {input: [1], output: 1}}", "input wants one value"},
        {HEAD "models: {a.b: {lanes: {flecks: 1}}}", "unknown key \"flecks\""},
        {HEAD "models: {a.b: {lanes: {flex: 0.0000001}}}", "flex wants a multiplier"},
        {HEAD "models: {a.b: {lanes: {flex: 1001}}}", "flex wants a multiplier"},
        {HEAD "models: {a.b: {geo: {mars: 1}}}", "unknown key \"mars\""},
        {HEAD "models: {a.b: {cache: {ttls: [2h]}}}", "ttls knows no \"2h\""},
        {HEAD "models: {a.b: {cache: {fields: system}}}", "fields wants a list"},
        {HEAD "models: {a.b: {cache: {implicit: 1}}}", "implicit wants true or false"},
        {HEAD "models: {a.b: {cache: {min_tokens: 1k}}}", "min_tokens wants a whole number"},
        {HEAD "models: {a.b: {cache: {max_tokens: 4294967296}}}", "max_tokens wants a whole"},
        {HEAD "models: {a.b: {cache: {min_tokens: 9, max_tokens: 8}}}",
         ":3:10: \"a.b\": cache.min_tokens is greater than its max"},
        {HEAD "groups: {g: {batch: {max_records: 8}}}\n"
              "models: {a.b: {like: g, batch: {min_records: 9}}}",
         ":4:10: \"a.b\": batch.min_records is greater than its max"},
        {HEAD "models: {a.b: {like: nobody}}", "there is no group \"nobody\""},
        {HEAD "groups: {g: {like: g}}\nmodels: {a.b: {}}", "unknown key \"like\""},
        {HEAD "models: {'*': {}}", "is no name of a model"},
        {HEAD "models: {a.*b: {}}", "is no name of a model"},
        {HEAD "models: {opus: {}}", "is no name of a model"},
        {HEAD "models: {a.b: {}, a.b: {}}", "is there already"},
        {"date: \"2026-01-02\"\ngeos: us\nmodels: {a.b: {}}", "geos wants a list"},
        {"date: \"2026-01-02\"\ngeos: [US]\nmodels: {a.b: {}}", "words of small letters"},
        {"[]", "wants \"key: value\""},
        {"a: [", "expected"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_fault(rows[i].text, NULL, rows[i].want);
}

static void overrides_that_change_nothing(void **state)
{
    static const char good[] = HEAD "models: {a.one: {input: 1, output: 1}, a.two: {}}";
    expect_fault(good, "{a.oen: {input: 1}}", "o.yaml:1:2: the catalogue has no price");
    expect_fault(good, "{a.one: {imput: 1}}", "o.yaml:1:10: unknown key \"imput\"");
    expect_fault(good, "{a.one: {}}", "o.yaml:1:2: the override of \"a.one\" is empty");
    expect_fault(good, "{a.one: 3}", "o.yaml:1:9: an override wants");
    expect_fault(good, "[a.one]", "prices.overrides wants");
    struct buf faults = {0};
    const struct catalogue_terms terms = {0};
    assert_null(catalogue_load("/nowhere/c.yaml", &terms, &faults));
    assert_non_null(strstr(buf_cstr(&faults), "/nowhere/c.yaml"));
    buf_fini(&faults);
}

/* --- how a model is written */

static void forms(void **state)
{
#define ARN "arn:aws:bedrock:us-east-1:123456789012:"
    static const struct {
        const char *asked;
        enum model_form form;
        const char *id; /* NULL: as asked */
    } rows[] = {
        {"anthropic.claude-opus-5", MODEL_PLAIN, NULL},
        {"us-gov.anthropic.claude-3-haiku-20240307-v1:0", MODEL_PLAIN, NULL},
        {"arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0", MODEL_PLAIN,
         "amazon.nova-lite-v1:0"},
        {"arn:aws-cn:bedrock:cn-north-1::foundation-model/amazon.nova-lite-v1:0", MODEL_PLAIN,
         "amazon.nova-lite-v1:0"},
        {ARN "inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0", MODEL_PLAIN,
         "us.anthropic.claude-sonnet-4-20250514-v1:0"},
        {ARN "application-inference-profile/abcdef123456", MODEL_TO_RESOLVE, NULL},
        {"arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:application-inference-profile/a",
         MODEL_TO_RESOLVE, NULL},
        {ARN "prompt-router/abc", MODEL_ROUTED, NULL},
        {ARN "default-prompt-router/anthropic.claude:1", MODEL_ROUTED, NULL},
        {ARN "custom-model/amazon.nova-lite-v1:0/abcdef123456", MODEL_OPAQUE, NULL},
        {ARN "imported-model/abcdef123456", MODEL_OPAQUE, NULL},
        {ARN "provisioned-model/abcdef123456", MODEL_OPAQUE, NULL},
        {ARN "custom-model-deployment/abcdef123456", MODEL_OPAQUE, NULL},
        {ARN "prompt/ABCDEFGHIJ:1", MODEL_OPAQUE, NULL},
        {"arn:aws:sagemaker:us-east-1:123456789012:endpoint/x", MODEL_OPAQUE, NULL},
        {"arn:aws:s3:us-east-1:123456789012:application-inference-profile/x", MODEL_OPAQUE, NULL},
        {ARN "application-inference-profile/", MODEL_OPAQUE, NULL},
        {ARN "application-inference-profile", MODEL_OPAQUE, NULL},
        {"arn:", MODEL_OPAQUE, NULL},
        {"my-endpoint", MODEL_OPAQUE, NULL},
        {".x", MODEL_OPAQUE, NULL},
        {"", MODEL_OPAQUE, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str id;
        if (model_form(str_of(rows[i].asked), &id) != rows[i].form)
            fail_msg("%s", rows[i].asked);
        assert_true(str_eq(id, str_of(rows[i].id ? rows[i].id : rows[i].asked)));
    }
}

/* Names, their versions, geo profiles, whole families; what is misspelt means none. */
static void meets_patterns(void **state)
{
    static const char *const known[] = {"*",
                                        "anthropic.*",
                                        "*sonnet*",
                                        "us.*",
                                        "us-gov.amazon.*",
                                        "*.amazon.nova-lite*",

                                        "amazon.nova-lite-v1:0",
                                        "us.amazon.nova-lite-v1:0",
                                        "amazon.nova-lite-v*",
                                        "amazon.nova-*-v1:0",
                                        "*-v1:0",
                                        "*:0",
                                        "amazon.nova-lite-v1:0:300k",
                                        "anthropic.claude-opus-*",
                                        "anthropic.claude-sonnet-4-5-20250929-v1:0",
                                        "anthropic.claude-sonnet-4-5-2025*",
                                        "*20250929-v1:0",
                                        "twelvelabs.*",
                                        "my.model-7"};
    static const char *const unknown[] = {"",
                                          "antropic.*",
                                          "anthropic.claude-sonet-*",
                                          "amazon.nova",
                                          "Amazon.*",
                                          "ux.amazon.nova-lite-v1:0",
                                          "amazon.nova-lite-",
                                          "anthropic.claude-opus-",
                                          "amazon.nova-lite-v1:x",
                                          "-v1:0",
                                          "anthropic",
                                          "eu",
                                          "twelvelabs.pegasus-1-2-v1:0"};
    struct catalogue_terms terms = {0};
    struct arena arena;
    struct yaml_fault fault;
    struct buf faults = {0};
    arena_init(&arena, 1 << 20);
    assert_int_equal(
        yaml_parse(&arena, S("my.model-7: {input: 1, output: 1}"), &terms.overrides, &fault), 0);
    struct catalogue *c = catalogue_load(NULL, &terms, &faults);
    arena_fini(&arena);
    assert_non_null(c);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!catalogue_meets(c, str_of(known[i])))
            fail_msg("%s means none", known[i]);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        if (catalogue_meets(c, str_of(unknown[i])))
            fail_msg("%s means one", unknown[i]);
    catalogue_free(c);
    buf_fini(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_prices),
        cmocka_unit_test(a_model_born_tomorrow),
        cmocka_unit_test(no_price_is_not_zero),
        cmocka_unit_test(every_model_is_priced_or_says_that_it_is_not),
        cmocka_unit_test(the_catalogue_knows_what_the_simulator_serves),
        cmocka_unit_test(a_request_of_each_lane_and_geo),
        cmocka_unit_test(profiles_and_lanes),
        cmocka_unit_test(what_later_decisions_need),
        cmocka_unit_test(the_longest_name_wins),
        cmocka_unit_test(a_listed_model_without_a_price),
        cmocka_unit_test(any_names_in_any_order),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(overrides_and_discount),
        cmocka_unit_test(faults_say_where),
        cmocka_unit_test(overrides_that_change_nothing),
        cmocka_unit_test(forms),
        cmocka_unit_test(meets_patterns),
    };
    return cmocka_run_group_tests_name("book/catalogue", tests, NULL, NULL);
}
