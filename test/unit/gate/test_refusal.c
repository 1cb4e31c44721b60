/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/refusal: the message of a refusal, in the forms that Bedrock has.
 */
#include "../../../src/gate/refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void finds_the_message(void **state)
{
    static const struct {
        const char *body, *message;
    } rows[] = {
        {"{\"message\":\"tools.0.cache_control: Extra\"}", "tools.0.cache_control: Extra"},
        {"{\"Message\":\"You invoked\"}", "You invoked"},
        {"{\"type\":\"error\",\"error\":{\"type\":\"x\",\"message\":\"system.0\"}}", "system.0"},
        {" {\"message\":\"a \\u0060b\\u0060 \\\"c\\\"\"} ", "a `b` \"c\""},
        {"{\"message\":{\"error\":1},\"error\":{\"message\":\"m\"}}", "m"},
        {"{\"message\":\"a\",\"message\":\"b\"}", ""},
        {"{\"error\":\"no\"}", ""},
        {"{\"message\":\"cut o", ""},
        {"<html>", ""},
        {"\"message\"", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        if (!str_eq(refusal_message(str_of(rows[i].body), &a), str_of(rows[i].message)))
            fail_msg("%s", rows[i].body);
        arena_fini(&a);
    }
}

static void a_long_one_is_cut(void **state)
{
    static char body[9000] = "{\"message\":\"";
    struct arena a;
    arena_init(&a, 1 << 20);
    memset(body + 12, 'x', 8000);
    memcpy(body + 8012, "\"}", 3);
    assert_int_equal(refusal_message(str_of(body), &a).len, 1024);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_message),
        cmocka_unit_test(a_long_one_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
