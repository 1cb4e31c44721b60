/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/aws_error: the forms in which services tell it.
 */
#include "weir/wire/aws_error.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool is(const char *field, const char *value, const char *body, const char *type)
{
    struct fields f = {.n = 0};
    if (field)
        assert_true(fields_add(&f, str_of(field), str_of(value)));
    return str_eq(aws_error_type(&f, str_of(body)), str_of(type));
}

static void in_fields(void **state)
{
    static const char *const told[] = {"ValidationException",
                                       "ValidationException:http://internal.amazon.com/coral/a#b/",
                                       "com.amazon.bedrock#ValidationException",
                                       "a#b#ValidationException",
                                       "com.amazon#ValidationException:http://x/",
                                       " ValidationException "};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        assert_true(
            is("x-amzn-errortype", told[i], "{\"__type\":\"Other\"}", "ValidationException"));
    assert_true(
        is("x-amzn-query-error", "Throttling;Sender", "{\"__type\":\"Other\"}", "Throttling"));
    assert_true(is("x-amzn-errortype", "", "", ""));
    assert_true(is("x-amzn-errortype", "no name: at all", "", ""));
    (void)state;
}

static void in_the_body(void **state)
{
    assert_true(is(NULL, NULL, "{\"__type\":\"com.amazon#ExpiredToken\"}", "ExpiredToken"));
    assert_true(is(NULL, NULL, "{\"message\":\"m\",\"code\":\"Denied\"}", "Denied"));
    assert_true(is(NULL, NULL, "{\"code\":\"Second\",\"__type\":\"First\"}", "First"));
    assert_true(is(NULL, NULL, "{\"__type\":\"a\",\"__type\":\"b\",\"Code\":\"c\"}", "c"));
    static const char *const none[] = {"",
                                       "[]",
                                       "\"__type\"",
                                       "<Error><Code>NoSuchBucket</Code></Error>",
                                       "{\"__type\":7}",
                                       "{\"__type\":\"Exp\\u0069redToken\"}",
                                       "{\"__type\":\"ExpiredToken\"",
                                       "{\"error\":{\"code\":\"Inner\"}}"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_true(is(NULL, NULL, none[i], ""));
    (void)state;
}

static void of_credentials(void **state)
{
    assert_true(aws_error_stale(S("ExpiredTokenException")));
    assert_true(aws_error_stale(S("UnrecognizedClientException")));
    assert_true(aws_error_stale(S("InvalidClientTokenId")));
    assert_false(aws_error_stale(S("AccessDeniedException")));
    assert_false(aws_error_stale(S("")));
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_fields), cmocka_unit_test(in_the_body),
                                       cmocka_unit_test(of_credentials)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
