/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/batch_line: which bodies are fit and why others are not, what goes and what stays, and lines
 * of output.
 */
#include "weir/base/mem.h"
#include "weir/plan/batch_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define CLAUDE "us.anthropic.claude-haiku-4-5-20251001-v1:0"
#define NOVA   "amazon.nova-lite-v1:0"
#define GPT    "openai.gpt-oss-120b-1:0"
#define USER   "{\"role\":\"user\",\"content\":\"Hi\"}"

struct row {
    const char *model; /* NULL: Converse */
    const char *body, *out;
};

static enum batch_kind kind_of(const struct row *r)
{
    return r->model ? BATCH_INVOKE : BATCH_CONVERSE;
}

static struct str model_of(const struct row *r)
{
    return str_of(r->model ? r->model : CLAUDE);
}

static void is_line(const struct row *r)
{
    struct buf out = {0}, wanted = {0};
    buf_add(&out, S("before"));
    buf_addf(&wanted, "before{\"recordId\":\"r1\",\"modelInput\":%s}\n", r->out);
    assert_null(batch_line_unfit(kind_of(r), model_of(r), str_of(r->body)));
    assert_int_equal(batch_line_add(kind_of(r), model_of(r), S("r1"), str_of(r->body), &out), 0);
    assert_string_equal(buf_cstr(&out), buf_cstr(&wanted));
    buf_fini(&out);
    buf_fini(&wanted);
}

static void is_unfit(const struct row *r)
{
    struct buf out = {0};
    buf_add(&out, S("before"));
    const char *why = batch_line_unfit(kind_of(r), model_of(r), str_of(r->body));
    if (!why)
        print_error("fit: %s\n", r->body);
    assert_string_equal(why, r->out);
    assert_int_equal(batch_line_add(kind_of(r), model_of(r), S("r1"), str_of(r->body), &out),
                     ERR_BAD);
    assert_string_equal(buf_cstr(&out), "before");
    buf_fini(&out);
}

static const struct row fit_rows[] = {
    /* as it is */
    {NULL, "{\"messages\":[]}", "{\"messages\":[]}"},
    {NULL,
     " {\n \"messages\" : [ { \"content\":[ {\"text\" :\"a  \\n b\" } ] ,\"role\":\"user\"}\t] "
     "}\r\n",
     "{\"messages\":[{\"content\":[{\"text\":\"a  \\n b\"}],\"role\":\"user\"}]}"},
    {NULL, "{\"inferenceConfig\" : {\"temperature\" : 0.10, \"x\":[ 1 , 1E2]}, \"messages\":[]}",
     "{\"inferenceConfig\":{\"temperature\":0.10,\"x\":[1,1E2]},\"messages\":[]}"},
    {NULL,
     "{\"outputConfig\":{\"effort\":\"low\"},\"messages\":[],"
     "\"performanceConfig\":{\"latency\":\"standard\"}}",
     "{\"outputConfig\":{\"effort\":\"low\"},\"messages\":[],"
     "\"performanceConfig\":{\"latency\":\"standard\"}}"},
    {NULL, "{\"messages\":[],\"additionalModelRequestFields\":{\"top_k\": 5}}",
     "{\"messages\":[],\"additionalModelRequestFields\":{\"top_k\":5}}"},
    /* Converse's markers: first, in the midst, last, alone, with odd space */
    {NULL,
     "{\"messages\":[{\"content\":[{\"cachePoint\":{\"type\":\"default\"}},{\"text\":\"a\"}]}]"
     "}",
     "{\"messages\":[{\"content\":[{\"text\":\"a\"}]}]}"},
    {NULL,
     "{\"messages\":[{\"content\":[{\"text\":\"a\"}, {\"cachePoint\":{} } "
     ",{\"text\":\"b\"}]}]}",
     "{\"messages\":[{\"content\":[{\"text\":\"a\"},{\"text\":\"b\"}]}]}"},
    {NULL,
     "{\"system\":[{\"text\":\"a\"} ,\n{ \"cache\\u0050oint\" : {\"type\":\"default\"}}],"
     "\"messages\":[]}",
     "{\"system\":[{\"text\":\"a\"}],\"messages\":[]}"},
    {NULL, "{\"system\":[{\"cachePoint\":{}}],\"messages\":[]}", "{\"system\":[],\"messages\":[]}"},
    /* the tier */
    {NULL, "{\"serviceTier\":{\"type\":\"flex\"},\"messages\":[]}", "{\"messages\":[]}"},
    {NULL, "{\"messages\":[],\"serviceTier\":{\"type\":\"flex\"}}", "{\"messages\":[]}"},
    /* Weir's metadata */
    {NULL, "{\"requestMetadata\":{\"weir.deadline\":\"8h\"},\"messages\":[]}", "{\"messages\":[]}"},
    {NULL,
     "{\"messages\":[],\"requestMetadata\":{\"weir.deadline\":\"8h\",\"a\":\"b\", "
     "\"\\u0077eir.reply\":\"x\"}}",
     "{\"messages\":[],\"requestMetadata\":{\"a\":\"b\"}}"},
    {NULL, "{\"requestMetadata\":{\"a\":\"1\",\"weir.x\":\"\",\"weir\":\"2\"},\"messages\":[]}",
     "{\"requestMetadata\":{\"a\":\"1\",\"weir\":\"2\"},\"messages\":[]}"},
    /* Claude */
    {CLAUDE, "{\"messages\":[" USER "],\"system\":\"be\",\"max_tokens\":5,\"stream\":false}",
     "{\"messages\":[" USER "],\"system\":\"be\",\"max_tokens\":5,\"stream\":false}"},
    {CLAUDE,
     "{\"system\":[{\"type\":\"text\",\"cache_control\":{\"type\":\"ephemeral\"},\"text\":"
     "\"a\"}],"
     "\"messages\":[{\"role\":\"user\",\"content\":[{\"cache_control\":{\"type\":\"ephemeral\"}"
     " , "
     "\"type\":\"text\",\"text\":\"b\"},{\"type\":\"image\",\"source\":{\"data\":\"aa\"},"
     "\"cache_control\":null}]}]}",
     "{\"system\":[{\"type\":\"text\",\"text\":\"a\"}],"
     "\"messages\":[{\"role\":\"user\",\"content\":["
     "{\"type\":\"text\",\"text\":\"b\"},{\"type\":\"image\",\"source\":{\"data\":\"aa\"}}]}]"
     "}"},
    {CLAUDE, "{\"service_tier\":\"auto\",\"messages\":[],\"output_config\":{\"effort\":\"max\"}}",
     "{\"messages\":[],\"output_config\":{\"effort\":\"max\"}}"},
    {"anthropic.claude-x", "{\"messages\":[],\"cache_control\":{\"type\":\"ephemeral\"}}",
     "{\"messages\":[]}"},
    /* Nova */
    {NOVA,
     "{\"schemaVersion\":\"messages-v1\",\"system\":[{\"text\":\"a\",\"cachePoint\":{\"type\":"
     "\"default\"}}],\"messages\":[{\"role\":\"user\",\"content\":[{\"cachePoint\":{},\"text\":"
     "\"b\"}"
     "]}],\"inferenceConfig\":{\"max_new_tokens\":5}}",
     "{\"schemaVersion\":\"messages-v1\",\"system\":[{\"text\":\"a\"}],\"messages\":[{\"role\":"
     "\"user\",\"content\":[{\"text\":\"b\"}]}],\"inferenceConfig\":{\"max_new_tokens\":5}}"},
    {"amazon.nova-canvas-v1:0",
     "{\"taskType\":\"TEXT_IMAGE\",\"textToImageParams\":{\"text\":\"x\"}}",
     "{\"taskType\":\"TEXT_IMAGE\",\"textToImageParams\":{\"text\":\"x\"}}"},
    /* others */
    {"amazon.titan-embed-text-v2:0", "{ \"inputText\" : \"x\" }", "{\"inputText\":\"x\"}"},
    {"meta.llama3-3-70b-instruct-v1:0", "{\"prompt\":\"x\",\"max_gen_len\":5}",
     "{\"prompt\":\"x\",\"max_gen_len\":5}"},
    {GPT, "{\"messages\":[" USER "],\"service_tier\":\"flex\",\"stream\":false}",
     "{\"messages\":[" USER "],\"stream\":false}"},
    {GPT, "{}", "{}"},
};

static void lines(void **state)
{
    for (size_t i = 0; i < sizeof fit_rows / sizeof *fit_rows; i++)
        is_line(&fit_rows[i]);
}

#define IN_CONTENT(block) "{\"messages\":[{\"role\":\"user\",\"content\":[" block "]}]}"

static const char tools[] = "it has tools", guard[] = "it wants a guardrail",
                  structured[] = "it wants structured output", streams[] = "it streams",
                  unknown[] = "it has a member that is not known", bad[] = "not strict JSON",
                  s3[] = "its media is in S3", twice[] = "a member stands twice",
                  marker[] = "it has a cache marker where none is known";
static const struct row unfit_rows[] = {
    {NULL, "", bad},
    {NULL, "[]", "it is no JSON object"},
    {NULL, "{\"messages\":[]} x", bad},
    {NULL, "{\"messages\":[],}", bad},
    {NULL, "{\"messages\":[\"\xff\"]}", bad},
    {NULL, IN_CONTENT("{\"text\":\"\xc3\"}"), bad},
    {NULL, "{\"messages\":[],\"serviceTier\":tru}", bad},
    {NULL, "{}", "it has no messages"},
    {NULL, "{\"messages\":[],\"messag\\u0065s\":[]}", twice},
    {NULL, "{\"messages\":[{\"content\":[],\"content\":[]}]}", twice},
    {NULL, "{\"messages\":[],\"toolConfig\":{\"tools\":[]}}", tools},
    {NULL, "{\"messages\":[],\"guardrailConfig\":{}}", guard},
    {NULL, "{\"messages\":[],\"promptVariables\":{}}", "it fills in a prompt of Bedrock's"},
    {NULL, "{\"messages\":[],\"outputConfig\":{\"textFormat\":{}}}", structured},
    {NULL, "{\"messages\":[],\"performanceConfig\":{\"latency\":\"optimized\"}}",
     "it wants optimized latency"},
    {NULL, "{\"messages\":[],\"newThing\":1}", unknown},
    {NULL, "{\"messages\":[],\"additionalModelRequestFields\":{\"tools\":[]}}", tools},
    {NULL, "{\"messages\":[],\"additionalModelRequestFields\":{\"response_format\":{}}}",
     structured},
    {NULL, "{\"messages\":{}}", "it has something else where a list must be"},
    {NULL, "{\"messages\":[1]}", "it has something else where an object must be"},
    {NULL, "{\"messages\":[],\"requestMetadata\":[]}", "its metadata is no object"},
    {NULL, "{\"messages\":[],\"system\":[{\"guardContent\":{}}]}", guard},
    {NULL, IN_CONTENT("{\"toolUse\":{}}"), tools},
    {NULL, IN_CONTENT("{\"toolResult\":{}}"), tools},
    {NULL, IN_CONTENT("{\"guardContent\":{}}"), guard},
    {NULL, IN_CONTENT("{\"newBlock\":{}}"), unknown},
    {NULL, IN_CONTENT("{\"text\":\"a\",\"cachePoint\":{}}"), marker},
    {NULL, IN_CONTENT("{\"cachePoint\":{},\"text\":\"a\"}"),
     "it has a cache marker that is something else, too"},
    {NULL, IN_CONTENT("{\"image\":{\"source\":{\"s3Location\":{\"uri\":\"s3://b/k\"}}}}"), s3},
    {NULL, IN_CONTENT("{}"), "it has an empty block"},
    {CLAUDE, "{\"messages\":[],\"tools\":[]}", tools},
    {CLAUDE, "{\"messages\":[],\"tool_choice\":{}}", tools},
    {CLAUDE, "{\"messages\":[],\"stream\":true}", streams},
    {CLAUDE, "{\"messages\":[],\"output_format\":{}}", structured},
    {CLAUDE, "{\"messages\":[],\"output_config\":{\"format\":{}}}", structured},
    {CLAUDE, "{\"messages\":[],\"mcp_servers\":[]}", "it wants a container or an MCP server"},
    {CLAUDE, "{\"messages\":[],\"container\":\"c\"}", "it wants a container or an MCP server"},
    {CLAUDE, "{\"messages\":[],\"amazon-bedrock-guardrailConfig\":{}}", guard},
    {CLAUDE, "{\"messages\":[],\"newThing\":1}", unknown},
    {CLAUDE, IN_CONTENT("{\"type\":\"tool_use\"}"), tools},
    {CLAUDE, IN_CONTENT("{\"type\":\"web_search_tool_result\"}"), tools},
    {CLAUDE, IN_CONTENT("{\"type\":\"hologram\"}"), "it has a block of a kind that is not known"},
    {CLAUDE, IN_CONTENT("{\"type\":1}"), "it has a block of no kind"},
    {CLAUDE, IN_CONTENT("{\"cache_control\":{}}"), "it has an empty block"},
    {CLAUDE,
     IN_CONTENT("{\"type\":\"document\",\"source\":{\"content\":[{\"cache_control\":{}}]}}"),
     marker},
    {NOVA, "{\"messages\":[],\"toolConfig\":{}}", tools},
    {NOVA, IN_CONTENT("{\"cachePoint\":{}}"), "it has an empty block"},
    {NOVA, IN_CONTENT("{\"video\":{\"source\":{\"s3Location\":{}}}}"), s3},
    {NOVA, "{\"messages\":[],\"stream\":true}", unknown},
    {GPT, "{\"messages\":[],\"tools\":[]}", tools},
    {GPT, "{\"messages\":[{\"tool_calls\":[]}]}", tools},
    {GPT, "{\"messages\":[],\"response_format\":{}}", structured},
    {GPT, "{\"stream\":true}", streams},
    {GPT, "{\"a\":[{\"cache_control\":{}}]}", marker},
    {"openai.x", "\"a\"", "it is no JSON object"},
};

static void unfit(void **state)
{
    for (size_t i = 0; i < sizeof unfit_rows / sizeof *unfit_rows; i++)
        is_unfit(&unfit_rows[i]);
}

/* One look is bounded, whatever the body is made of. */
static void too_many_values(void **state)
{
    struct buf body = {0};
    buf_add(&body, S("{\"inputText\":[0"));
    for (int i = 0; i < 200000; i++)
        buf_add(&body, S(",0"));
    buf_add(&body, S("]}"));
    assert_string_equal(batch_line_unfit(BATCH_INVOKE, S("x.y"), buf_str(&body)),
                        "it has too many values");
    buf_fini(&body);
}

/* --- output */

static void answers(void **state)
{
    struct batch_answer a;
    assert_int_equal(batch_answer_read(S("{\"recordId\":\"r1\",\"modelInput\":{\"error\":1},"
                                         "\"modelOutput\": {\"a\" : 1}}\r\n"),
                                       &a),
                     0);
    assert_true(str_eq(a.id, S("r1")) && str_eq(a.output, S("{\"a\" : 1}")) && !a.has_error);
    assert_int_equal(batch_answer_read(S("{\"error\":{\"errorCode\":429,\"errorMessage\":"
                                         "\"slow \\\"down\\\"\"},\"recordId\":\"r2\"}"),
                                       &a),
                     0);
    assert_true(a.has_error && a.error_code == 429 && a.output.len == 0);
    assert_true(str_eq(a.error, S("slow \\\"down\\\"")));
    assert_int_equal(batch_answer_read(S("{\"recordId\":\"r\",\"error\":\"x\"}"), &a), 0);
    assert_true(a.has_error && a.error_code == 0 && a.error.len == 0);
    assert_int_equal(
        batch_answer_read(S("{\"recordId\":\"r\",\"error\":{\"errorCode\":99999999999}}"), &a), 0);
    assert_int_equal(a.error_code, 0);
}

static void no_answers(void **state)
{
    static const char *const rows[] = {
        "",
        "{}",
        "[]",
        "{\"recordId\":\"r\"}",
        "{\"recordId\":\"\",\"modelOutput\":{}}",
        "{\"recordId\":7,\"modelOutput\":{}}",
        "{\"recordId\":\"r\",\"modelOutput\":null}",
        "{\"recordId\":\"r\",\"modelOutput\":\"Internal error\"}",
        "{\"recordId\":\"r\",\"modelOutput\":[{}]}",
        "{\"recordId\":\"r\",\"modelOutput\":{}",
        "{\"recordId\":\"r\",\"modelOutput\":{}} {}",
        "{\"recordId\":\"r\",\"recordId\":\"q\",\"modelOutput\":{}}",
        "{\"recordId\":\"r\",\"modelOutput\":{},\"modelOutput\":{}}",
        "{\"modelOutput\":{}}",
    };
    struct batch_answer a;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(batch_answer_read(str_of(rows[i]), &a), ERR_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),   cmocka_unit_test(unfit),      cmocka_unit_test(too_many_values),
        cmocka_unit_test(answers), cmocka_unit_test(no_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
