/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/operation: the closed tables. What is not in them is not found, whatever it looks like.
 */
#include "weir/gate/operation.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static enum outcome why;
static struct str first;

static enum operation_id find(const char *method, const char *path)
{
    const struct operation *op =
        operation_find(REALM_DATA, str_of(method), str_of(path), &first, &why);
    return op ? op->id : OP_NONE;
}

static void finds_each(void **state)
{
    assert_int_equal(find("POST", "/model/a%2Fb:c/converse"), OP_CONVERSE);
    assert_true(str_eq(first, S("a%2Fb:c")));
    assert_int_equal(find("POST", "/model/m/invoke-with-response-stream"), OP_INVOKE_STREAM);
    assert_int_equal(find("POST", "/guardrail/g/version/1/apply"), OP_APPLY_GUARDRAIL);
    assert_int_equal(find("GET", "/async-invoke"), OP_LIST_ASYNC);
    assert_int_equal(find("POST", "/async-invoke"), OP_START_ASYNC);
    assert_int_equal(find("GET", "/async-invoke/arn%3Aaws"), OP_GET_ASYNC);
    assert_int_equal(find("DELETE", "/openai/v1/responses/r1"), OP_RESPONSES_DELETE);
    assert_int_equal(find("POST", "/anthropic/v1/messages"), OP_MESSAGES);
}

static void refuses_the_rest(void **state)
{
    static const char *const paths[] = {
        "/",
        "/model",
        "/model/m",
        "/model//converse",
        "/Model/m/converse",
        "/model/m/converse/",
        "/model/m/n/converse",
        "//model/m/converse",
        "/model%2Fm/converse",
        "/weir",
        "/healthz",
        "/metrics",
        "/api/v1/reload",
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_int_equal(find("POST", paths[i]), OP_NONE);
        assert_int_equal(why, OUTCOME_UNKNOWN_OPERATION);
    }
    assert_int_equal(find("GET", "/model/m/converse"), OP_NONE);
    assert_int_equal(why, OUTCOME_BAD_METHOD);
}

static void knows_methods(void **state)
{
    struct buf b = {0};
    operation_add_allow(&b, REALM_DATA, S("/async-invoke"));
    assert_string_equal(buf_cstr(&b), "POST, GET");
    buf_clear(&b);
    operation_add_allow(&b, REALM_DATA, S("/nothing"));
    assert_int_equal(buf_len(&b), 0);
    buf_fini(&b);
    assert_int_equal(find("HEAD", "/weir/healthz"), OP_WEIR_HEALTH);
    assert_int_equal(find("HEAD", "/async-invoke"), OP_NONE); /* it is not Weir that answers */
    assert_int_equal(why, OUTCOME_BAD_METHOD);
}

static void passes_by_table(void **state)
{
    static const char *const names[] = {"content-type",
                                        "authorization",
                                        "x-amz-security-token",
                                        "x-amzn-bedrock-guardrailidentifier",
                                        "x-amzn-bedrock-input-token-count",
                                        "x-forwarded-for",
                                        "anthropic-beta",
                                        "cookie",
                                        "x-weir",
                                        "host"};
    struct fields in = {0};
    struct field out[FIELDS_MOST];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        fields_add(&in, str_of(names[i]), S("v"));
    assert_int_equal(operation_pass_fields(operation_row(OP_CONVERSE), &in, out, FIELDS_MOST), 1);
    assert_true(str_eq(out[0].name, S("content-type")));
    assert_int_equal(operation_pass_fields(operation_row(OP_INVOKE), &in, out, FIELDS_MOST), 3);
    assert_true(str_eq(out[1].name, S("x-amzn-bedrock-guardrailidentifier")));
    assert_int_equal(operation_pass_fields(operation_row(OP_INVOKE), &in, out, 2), -1);
}

/* What is read again (a stored response) or asks no model must not be metered. */
static void meters_models_only(void **state)
{
    static const enum usage_place places[OPERATIONS] = {
        [OP_CONVERSE] = USAGE_CONVERSE,  [OP_CONVERSE_STREAM] = USAGE_CONVERSE,
        [OP_INVOKE] = USAGE_INVOKE,      [OP_INVOKE_STREAM] = USAGE_INVOKE,
        [OP_MESSAGES] = USAGE_MESSAGES,  [OP_CHAT] = USAGE_CHAT,
        [OP_RESPONSES] = USAGE_RESPONSES};
    for (int i = 0; i < OPERATIONS; i++)
        assert_int_equal(operation_row((enum operation_id)i)->usage, places[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_each), cmocka_unit_test(refuses_the_rest),
        cmocka_unit_test(knows_methods), cmocka_unit_test(passes_by_table),
        cmocka_unit_test(meters_models_only)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
