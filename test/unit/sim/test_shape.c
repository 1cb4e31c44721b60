/* SPDX-License-Identifier: Apache-2.0
 *
 * Converse bodies against the published shapes and the rules behind them: one body a row, with a
 * piece of the sentence that it must be refused with, or NULL when it is good.
 */
#include "../wire/vectors.h"
#include "shape.h"

#include "prompt.h"

#define USER(content) "\"messages\":[{\"role\":\"user\",\"content\":[" content "]}]"
#define TOOLS \
    "\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"t\",\"inputSchema\":{\"json\":{}}}}]}"
#define POINT "{\"cachePoint\":{\"type\":\"default\"}}"
#define HOUR  "{\"cachePoint\":{\"type\":\"default\",\"ttl\":\"1h\"}}"
#define TEXT  "{\"text\":\"x\"}"

static const char sonnet[] = "us.anthropic.claude-sonnet-4-6", nova[] = "amazon.nova-2-lite-v1:0",
                  llama[] = "meta.llama3-3-70b-instruct-v1:0",
                  mistral[] = "mistral.mistral-large-3", opus[] = "us.anthropic.claude-opus-5",
                  old[] = "anthropic.claude-3-7-sonnet-20250219-v1:0";

static const struct row {
    const char *model, *body, *refused;
} rows[] = {
    {sonnet, "{" USER(TEXT) "}", NULL},
    {sonnet, "{" USER("{\"text\":\"x\",\"image\":null}") ",\"system\":null}", NULL},
    {sonnet, "{" USER(TEXT) ",\"foo\":1}", "#: extraneous key [foo] is not permitted"},
    {sonnet, "{" USER(TEXT) ",\"inferenceConfig\":{\"maxTokens\":0}}",
     "Value '0' at 'inferenceConfig.maxTokens' failed to satisfy constraint: Member must have "
     "value "
     "greater than or equal to 1"},
    {sonnet, "{" USER(TEXT) ",\"inferenceConfig\":{\"maxTokens\":99999999}}",
     "exceeds the model limit of 65536"},
    {sonnet, "{" USER(TEXT) ",\"inferenceConfig\":{\"temperature\":1.5}}",
     "'inferenceConfig.temperature' failed to satisfy constraint: Member must have value less"},
    {sonnet, "{" USER(TEXT) ",\"inferenceConfig\":{\"temperature\":\"0\"}}",
     "STRING_VALUE can not be converted to Float"},
    {sonnet, "{" USER(TEXT) ",\"inferenceConfig\":{\"maxTokens\":1.5}}",
     "NUMBER_VALUE can not be converted to Integer"},
    {opus, "{" USER(TEXT) ",\"inferenceConfig\":{\"temperature\":0.5}}",
     "`temperature` is deprecated for this model"},
    {sonnet, "{\"messages\":[{\"role\":\"tool\",\"content\":[" TEXT "]}]}",
     "Value 'tool' at 'messages.1.member.role' failed to satisfy constraint: Member must satisfy "
     "enum value set: [user, assistant, system]"},
    {sonnet, "{\"messages\":[{\"content\":[" TEXT "]}]}",
     "Value null at 'messages.1.member.role' failed to satisfy constraint: Member must not be "
     "null"},
    {sonnet, "{\"messages\":[]}", "A conversation must start with a user message"},
    {sonnet, "{\"messages\":[{\"role\":\"assistant\",\"content\":[" TEXT "]}]}",
     "A conversation must start with a user message"},
    {sonnet,
     "{\"messages\":[{\"role\":\"user\",\"content\":[" TEXT
     "]},{\"role\":\"user\",\"content\":[" TEXT "]}]}",
     "A conversation must alternate between user and assistant roles"},
    {sonnet, "{" USER("") "}", "The content field in the Message object at messages.0 is empty"},
    {sonnet, "{" USER("{\"text\":\" \"}") "}",
     "The text field in the ContentBlock object at messages.0.content.0 is blank"},
    {sonnet, "{" USER("{\"text\":\"x\",\"json\":1}") "}", NULL},
    {sonnet, "{" USER("{\"json\":1}") "}", "Exactly one member of the union must be set, found 0"},
    {sonnet, "{" USER("{\"text\":\"x\",\"cachePoint\":{\"type\":\"default\"}}") "}",
     "Exactly one member of the union must be set, found 2"},
    {sonnet, "{" USER("{\"image\":{\"format\":\"bmp\",\"source\":{\"bytes\":\"AA==\"}}}") "}",
     "Value 'bmp' at 'messages.1.member.content.1.member.image.format'"},
    {sonnet, "{" USER("{\"toolResult\":{\"toolUseId\":\"a\",\"content\":[{\"text\":\"x\"}]}}") "}",
     "The toolConfig field must be defined"},
    {sonnet, "{" USER("{\"toolResult\":{\"toolUseId\":\"a b\",\"content\":[]}}") "," TOOLS "}",
     "Member must satisfy regular expression pattern: [a-zA-Z0-9_.:-]+"},
    {sonnet, "{" USER(TEXT) "," TOOLS "}", NULL},
    {sonnet, "{" USER(TEXT) ",\"toolConfig\":{\"tools\":[]}}",
     "'toolConfig.tools' failed to satisfy constraint: Member must have length greater"},
    {sonnet, "{" USER(TEXT) ",\"requestMetadata\":{\"a\":\"b:c/d\"}}", NULL},
    {sonnet, "{" USER(TEXT) ",\"requestMetadata\":{\"a\":\"b;c\"}}", "regular expression pattern"},
    {sonnet, "{" USER(TEXT) ",\"requestMetadata\":{}}", "'requestMetadata' failed"},
    {sonnet, "{" USER(TEXT) ",\"serviceTier\":{\"type\":\"cheap\"}}",
     "enum value set: [priority, default, flex, reserved]"},
    {sonnet, "{" USER(TEXT) ",\"additionalModelRequestFields\":{\"top_k\":[1,{}]}}", NULL},

    /* markers */
    {sonnet, "{" USER(TEXT "," POINT) "}", NULL},
    {sonnet, "{" USER(TEXT ",{\"cachePoint\":{\"type\":\"persistent\"}}") "}",
     "enum value set: [default]"},
    {sonnet, "{" USER(TEXT ",{\"cachePoint\":{\"type\":\"default\",\"ttl\":\"2h\"}}") "}",
     "enum value set: [5m, 1h]"},
    {sonnet, "{" USER(POINT "," TEXT) "}", "There is nothing available to cache"},
    {sonnet, "{" USER(TEXT "," POINT "," HOUR) "}", "There is nothing available to cache"},
    {sonnet, "{\"system\":[" TEXT "," POINT "]," USER(TEXT "," HOUR) "}",
     "messages.0.content.1.cache_control.ttl: a ttl='1h' cache_control block must not come after a "
     "ttl='5m' cache_control block. Note that blocks are processed in the following order: tools, "
     "system, messages."},
    {sonnet, "{\"system\":[" TEXT "," HOUR "]," USER(TEXT "," POINT) "}", NULL},
    {sonnet, "{" USER(TEXT "," POINT "," TEXT "," POINT "," TEXT "," POINT "," TEXT "," POINT) "}",
     NULL},
    {sonnet,
     "{" USER(TEXT "," POINT "," TEXT "," POINT "," TEXT "," POINT "," TEXT "," POINT "," TEXT
                   "," POINT) "}",
     "A maximum of 4 blocks with cache_control may be provided. Found 5."},
    {sonnet,
     "{" USER("{\"document\":{\"format\":\"csv\",\"name\":\"d\",\"source\":{\"bytes\":\"AA==\"}}}"
              "," POINT) "}",
     "messages.0.content.1.type: Field required"},
    {sonnet,
     "{" USER("{\"image\":{\"format\":\"png\",\"source\":{\"bytes\":\"AA==\"}}}," POINT) "}", NULL},
    {sonnet,
     "{\"messages\":[{\"role\":\"user\",\"content\":[" TEXT
     "]},{\"role\":\"assistant\",\"content\":"
     "[{\"reasoningContent\":{\"reasoningText\":{\"text\":\"h\"}}}," POINT "]}]}",
     "Cache point cannot be inserted after reasoning block"},
    {old, "{" USER(TEXT "," HOUR) "}", "cache_control.ttl: Extra inputs are not permitted"},
    {llama, "{" USER(TEXT "," POINT) "}", "You invoked an unsupported model or your request did"},
    {mistral, "{" USER(TEXT "," POINT) "}", "did not allow prompt caching"},
    {nova, "{" USER(TEXT "," POINT) "}", NULL},
    {nova,
     "{" USER("{\"toolResult\":{\"toolUseId\":\"a\",\"content\":[]}}," TEXT "," POINT) "," TOOLS
                                                                                       "}",
     NULL},
    {nova, "{" USER("{\"toolResult\":{\"toolUseId\":\"a\",\"content\":[]}}," POINT) "," TOOLS "}",
     "extraneous key [cachePoint] is not permitted"},
    {sonnet, "{" USER("{\"toolResult\":{\"toolUseId\":\"a\",\"content\":[]}}," POINT) "," TOOLS "}",
     NULL},
    {nova,
     "{\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"t\",\"inputSchema\":{\"json\":{}}}}"
     "," POINT "]}," USER(TEXT) "}",
     "#/tools.1: extraneous key [cachePoint] is not permitted"},
};

static void judge(const struct row *row)
{
    struct tree t = {0};
    struct prompt p = {0};
    struct refusal why = {0};
    struct model_ref ref;
    assert_int_equal(tree_parse(&t, str_of(row->body)), 0);
    assert_true(model_find(str_of(row->model), &ref, &why));
    p.model = ref.model;
    bool good = shape_check(&t, tree_root(&t), &shape_converse, &why) &&
                prompt_read_converse(&p, &t, tree_root(&t), &why);
    if (good != !row->refused || (row->refused && !strstr(why.message, row->refused)))
        fail_msg("%s\n    %s", row->body, good ? "(taken)" : why.message);
    if (row->refused && row->model == mistral)
        assert_int_equal(why.status, 403);
    prompt_fini(&p);
    tree_fini(&t);
}

static void judges_bodies(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        judge(&rows[i]);
}

static void knows_model_ids(void **state)
{
    static const struct {
        const char *id, *prefix; /* NULL: refused */
    } ids[] = {
        {"anthropic.claude-3-haiku-20240307-v1:0", "anthropic.claude-"},
        {"us.anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic.claude-haiku-4-5"},
        {"global.anthropic.claude-opus-5", "anthropic.claude-opus-5"},
        {"anthropic.claude-opus-5", NULL},
        {"arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0", "amazon.nova-pro"},
        {"arn:aws:bedrock:us-east-1:123456789012:inference-profile/"
         "us.anthropic.claude-sonnet-4-20250514-v1:0",
         "anthropic.claude-sonnet-4-"},
        {"arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123",
         "anthropic.claude-sonnet-4-6"},
        {"arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/"
         "eu.amazon.nova-lite-v1:0",
         "amazon.nova-lite"},
        {"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.nobody.x", NULL},
        {"nobody.model-v1", NULL},
        {"", NULL},
        {"us.openai.gpt-5.6-sol", "openai.gpt-5.6"},
        {"openai.gpt-oss-120b-1:0", "openai."},
    };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct model_ref ref = {0};
        struct refusal why;
        bool good = model_find(str_of(ids[i].id), &ref, &why);
        if (good != (ids[i].prefix != NULL))
            fail_msg("%s: %s", ids[i].id, good ? "taken" : why.message);
        if (good)
            assert_str(ref.model->prefix, str_of(ids[i].prefix));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_bodies),
        cmocka_unit_test(knows_model_ids),
    };
    return cmocka_run_group_tests_name("sim/shape", tests, NULL, NULL);
}
