/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/explain: what it says of a prompt that is new, that came before, that cannot be marked; that
 * it tells no text and changes nothing of what is known; and the edited body.
 */
#include "config_of.h"
#include "weir/base/mem.h"
#include "weir/gate/cache_prompt.h"
#include "weir/gate/explain.h"
#include "weir/gate/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OPUS "us.anthropic.claude-opus-5"
enum { NOW_S = 1795000000, TEXT_BYTES = 24000 };

static struct catalogue *catalogue;
static struct config *config;
static struct shared_cache *known;
static struct explain *e;
static struct buf text, body;

static int set_up(void **state)
{
    struct buf faults = {0};
    const struct catalogue_terms terms = {0};
    catalogue = catalogue_load(NULL, &terms, &faults);
    known = shared_cache_new(1 << 20);
    return 0;
}

static void configure(const char *yaml)
{
    config_free(config);
    config = config_of(yaml);
}

static int tear_down(void **state)
{
    explain_free(e);
    e = NULL;
    shared_cache_free(known);
    catalogue_free(catalogue);
    config_free(config);
    config = NULL;
    buf_fini(&text);
    buf_fini(&body);
    return 0;
}

/* A Converse body with this system text, long enough for every model, and one question. */
static void write_body(const char *system, const char *question)
{
    buf_clear(&body);
    buf_addf(&body, "{ \"system\": [{\"text\": \"%s", system);
    for (int i = 0; i < TEXT_BYTES; i += 8)
        buf_add(&body, S("secrets "));
    buf_addf(&body,
             "\"}],\n \"messages\": [{\"role\": \"user\", \"content\": [{\"text\": \"%s\"}]}]}",
             question);
}

static bool look(const char *model, const char *op, const char *client)
{
    const struct explain_options o = {.body = buf_str(&body),
                                      .model = str_of(model),
                                      .op = str_of(op),
                                      .client = str_of(client),
                                      .now_ms = (int64_t)NOW_S * 1000};
    explain_free(e);
    buf_clear(&text);
    e = explain_new(config, catalogue, known, &o, &text);
    if (e)
        explain_print(e, &text);
    return e;
}

static void says(const char *wanted)
{
    if (str_find(buf_str(&text), str_of(wanted)) < 0)
        fail_msg("\"%s\" is not in\n%s", wanted, buf_cstr(&text));
}

static void says_not(const char *unwanted)
{
    if (str_find(buf_str(&text), str_of(unwanted)) >= 0)
        fail_msg("\"%s\" is in\n%s", unwanted, buf_cstr(&text));
}

/* The body as it would go out; why not, when it is as it came. */
static const char *edited(struct buf *out)
{
    const char *why;
    buf_clear(out);
    explain_add_body(e, out, &why);
    return why;
}

static void tells_a_new_prompt(void **state)
{
    configure("");
    write_body("You are", "what?");
    assert_true(look(OPUS, "", ""));
    says("model      " OPUS " (catalogue: anthropic.claude-opus-5");
    says("operation  Converse; client anonymous\n");
    says("cache.mode auto, cache.ttl auto, levers on\n");
    says("4 markers in tools, system, messages; from 512 tokens on; for 5m, 1h\n");
    says("a token read 0.1, written 1.25 (1h: 2)");
    says("0 prefixes of all prompts\n");
    says("\nsystem[0] ");
    says("\nm0.b0 ");
    says("  new\n");
    says("without any marker");
    says_not("secrets");
    says_not("what?");
}

/* As a request would: it is seen, planned, and learned from. */
static void comes(uint32_t ago_s)
{
    static struct ask_block blocks[64];
    static struct cache_site sites[64];
    struct facts facts = {0};
    struct ask_parts parts;
    struct ask ask;
    struct cache_terms terms = {.mode = CACHE_AUTO,
                                .fields = 7,
                                .ttls = 3,
                                .most_markers = 4,
                                .least_tokens = 512,
                                .read = 0.1f,
                                .write_5m = 1.25f,
                                .write_1h = 2,
                                .hit = 1};
    struct cache_plan plan;
    const struct tokens_scale scale = {0};
    uint32_t now = prefix_tick((int64_t)(NOW_S - ago_s) * 1000);
    assert_int_equal(facts_read(&facts, buf_str(&body), S("model")), FACTS_STRICT);
    assert_true(facts_parts(&facts, buf_str(&body), ASK_CONVERSE, &parts));
    ask_begin(&ask, ASK_CONVERSE, cache_prompt_seed(config, S("anonymous"), S(OPUS)), &parts,
              blocks, 64);
    assert_int_equal(ask_step(&ask), ASK_GOOD);
    (void)cache_prompt_sites(&ask, &terms, &scale, sites);
    shared_cache_see(known, sites, ask.n, now, false);
    shared_cache_plan(known, S("anonymous"), &terms, sites, ask.n, S(""), now, false, &plan);
    shared_cache_mark(known, sites, &plan, now);
}

/* A gain is said where there is one; a mark without one says why it is there. */
static void says_what_a_mark_is_for(void **state)
{
    configure("cache: {mode: always, holdout: 0}\n");
    write_body("You are", "one");
    assert_true(look(OPUS, "converse", ""));
    says("forced: cache.mode always; read again");
    says("no gain is expected\n");
    says_not("  gains: ");
    for (uint32_t ago_s = 400; ago_s > 0; ago_s -= 10)
        comes(ago_s);
    assert_true(look(OPUS, "converse", ""));
    says("reads what is cached up to here\n");
    says_not("gains 0 tokens");
}

static void tells_what_came_before(void **state)
{
    struct buf first = {0};
    configure("cache: {holdout: 0}\n");
    write_body("You are", "one");
    comes(130);
    write_body("You are", "two");
    comes(70);
    write_body("You are", "three");
    comes(10);
    write_body("You are", "four");
    assert_true(look(OPUS, "converse", ""));
    says("4 prefixes of all prompts\n");
    says("3x every 60s, 10s ago");
    says("  new\n");
    buf_add(&first, buf_str(&text));
    assert_true(look(OPUS, "converse", "")); /* to look is no visit */
    assert_string_equal(buf_cstr(&first), buf_cstr(&text));
    assert_true(look("anthropic.claude-opus-5", "converse", "")); /* another model */
    says_not("3x");
    buf_fini(&first);
}

static void edits_the_body(void **state)
{
    struct buf out = {0};
    configure("cache: {mode: always, holdout: 0}\n");
    write_body("You are", "what?");
    assert_true(look(OPUS, "", ""));
    says("cache.mode always,");
    says("forced");
    assert_null(edited(&out));
    static const char mark[] = ",{\"cachePoint\":{\"type\":\"default\"}}";
    size_t extra = buf_len(&out) - buf_len(&body);
    assert_true(extra > 0 && extra % (sizeof mark - 1) == 0);
    for (ptrdiff_t at; (at = str_find(buf_str(&out), S(mark))) >= 0;) {
        char *from = out.data + out.head + at;
        memmove(from, from + sizeof mark - 1, buf_len(&out) - (size_t)at - (sizeof mark - 1));
        out.tail -= sizeof mark - 1;
    }
    assert_true(str_eq(buf_str(&out), buf_str(&body)));
    buf_fini(&out);
}

static void as_it_came(const char *because)
{
    struct buf out = {0};
    const char *why = edited(&out);
    assert_non_null(why);
    if (!strstr(why, because))
        fail_msg("\"%s\", not \"%s\"", why, because);
    assert_true(str_eq(buf_str(&out), buf_str(&body)));
    buf_fini(&out);
}

static void is_unclear(const char *bytes, const char *op, const char *because)
{
    buf_clear(&body);
    buf_add(&body, str_of(bytes));
    assert_true(look(strcmp(op, "responses") ? OPUS : "openai.gpt-5.6-sol", op, ""));
    as_it_came(because);
    assert_true(explain_unreadable(e));
}

static void says_why_it_stays(void **state)
{
    write_body("You are", "what?");
    configure("cache: {mode: always, holdout: 0}\nlevers: observe\n");
    assert_true(look(OPUS, "", ""));
    says("forced");
    says("its body stays as it is: levers: observe");
    as_it_came("levers: observe");
    configure("levers: off\n");
    assert_true(look(OPUS, "", ""));
    as_it_came("levers: off");
    configure("cache: {mode: off}\n");
    assert_true(look(OPUS, "", ""));
    as_it_came("caching is off");
    configure("rules: [{name: a, match: {op: converse}, set: {cache: off}}]\n");
    assert_true(look(OPUS, "", ""));
    says("cache.mode off (by a rule)");
    configure("cache: {mode: always}\n");
    assert_true(look("meta.llama3-3-70b-instruct-v1:0", "", ""));
    says("m0.b0"); /* the blocks are worth seeing */
    as_it_came("takes no markers");
    assert_true(
        look("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc", "", ""));
    as_it_came("does not say the model");
    buf_clear(&body);
    buf_add(&body, S("{\"messages\": [}"));
    assert_true(look(OPUS, "converse", ""));
    as_it_came("not strict JSON");
    assert_true(explain_unreadable(e));
    is_unclear("", "converse", "the body is empty");
    is_unclear("{\"messages\": [], \"messages\": []}", "converse", "a member of the prompt twice");
    is_unclear("{\"previous_response_id\": \"r\", \"input\": \"x\"}", "responses",
               "begins with what is not in the body");
    is_unclear("{\"messages\": [{\"role\": \"user\", \"role\": \"user\"}]}", "converse",
               "a member stands twice");
    write_body("You are", "what?");
    assert_true(look("claude", "", ""));
    as_it_came("no model's id");
    assert_false(explain_unreadable(e));
}

static void says_what_an_api_does_not_take(void **state)
{
    configure("");
    buf_clear(&body);
    buf_add(&body,
            S("{\"model\":\"" OPUS "\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}"));
    assert_true(look(OPUS, "chat", ""));
    says("takes      no markers through this API\n");
    says_not("4 markers");
}

static void tells_what_looks_volatile(void **state)
{
    configure("");
    write_body("Session 123e4567-e89b-12d3-a456-426614174000 of you", "what?");
    assert_true(look(OPUS, "", ""));
    says("looks as if it changed from prompt to prompt\n  system[0], from byte ");
    says(" of it: uuid\n");
    says_not("123e4567");
    write_body("You are", "what?");
    assert_true(look(OPUS, "", ""));
    says_not("looks as if");
}

static void finds_the_control_group(void **state)
{
    unsigned control = 0;
    configure("cache: {mode: always, holdout: 50%}\n");
    for (int i = 0; i < 40; i++) {
        char system[16];
        struct buf out = {0};
        snprintf(system, sizeof system, "%d", i);
        write_body(system, "what?");
        assert_true(look(OPUS, "", ""));
        const char *why = edited(&out);
        control += why && strstr(why, "control group");
        buf_fini(&out);
    }
    assert_in_range(control, 8, 32);
}

static void finds_the_operation(void **state)
{
    static const struct {
        const char *body, *operation;
    } bodies[] = {{"{\"messages\":[]}", "Converse"},
                  {"{\"anthropic_version\":\"bedrock-2023-05-31\",\"messages\":[]}", "InvokeModel"},
                  {"{\"schemaVersion\":\"messages-v1\",\"messages\":[]}", "InvokeModel"},
                  {"{\"model\":\"us.anthropic.claude-opus-5\",\"messages\":[]}", "Messages"},
                  {"{\"model\":\"openai.gpt-5.6-sol\",\"messages\":[]}", "ChatCompletions"},
                  {"{\"model\":\"openai.gpt-5.6-sol\",\"input\":\"x\"}", "Responses"}};
    configure("");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char wanted[64];
        bool named = strstr(bodies[i].body, "\"model\"");
        snprintf(wanted, sizeof wanted, "operation  %s;", bodies[i].operation);
        buf_clear(&body);
        buf_add(&body, str_of(bodies[i].body));
        assert_true(look(named ? "" : OPUS, "", ""));
        says(wanted);
    }
}

/* As it stands in a URL; and an id of which only the family is known. */
static void reads_the_model_as_a_path_has_it(void **state)
{
    configure("");
    write_body("You are", "what?");
    assert_true(look("us.anthropic.claude-sonnet-4-5-20250929-v1%3A0", "", ""));
    says("model      us.anthropic.claude-sonnet-4-5-20250929-v1:0 (catalogue: "
         "anthropic.claude-sonnet-4-5");
    says_not("family");
    assert_true(look("anthropic.claude-sonnet-77-v1:0", "", ""));
    says("(not in the catalogue by its own name: taken for one of anthropic.claude-sonnet-*, price "
         "and minimum are the family's; $");
    assert_false(look("us.anthropic.claude%zz", "", ""));
    says("an escape that is none");
}

static void wants_what_it_needs(void **state)
{
    configure("clients: [{name: web}, {name: jobs}]\n");
    write_body("", "");
    assert_false(look("", "", ""));
    says("say the model with --model");
    assert_false(look("", "chat", ""));
    says("the body names no model");
    assert_false(look(OPUS, "embed", ""));
    says("not \"embed\"");
    assert_false(look(OPUS, "", "wbe"));
    says("no client is called \"wbe\"");
    assert_true(look(OPUS, "", "jobs"));
    says("client jobs\n");
    assert_true(look(OPUS, "", ""));
    says("client web\n");
    configure("");
    assert_false(look(OPUS, "", "web"));
    says("no client is called \"web\": the configuration has none, so all are \"anonymous\"");
    assert_true(look(OPUS, "", "anonymous"));
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {STORY(tells_a_new_prompt),
                                       STORY(tells_what_came_before),
                                       STORY(edits_the_body),
                                       STORY(says_what_a_mark_is_for),
                                       STORY(says_why_it_stays),
                                       STORY(says_what_an_api_does_not_take),
                                       STORY(tells_what_looks_volatile),
                                       STORY(finds_the_control_group),
                                       STORY(finds_the_operation),
                                       STORY(reads_the_model_as_a_path_has_it),
                                       STORY(wants_what_it_needs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
