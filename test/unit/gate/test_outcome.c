/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/outcome: errors in three shapes.
 */
#include "weir/gate/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void speaks_each_dialect(void **state)
{
    struct buf b = {0};
    outcome_add_body(&b, OUTCOME_BODY_TOO_BIG, DIALECT_AWS, S("say \"no\""));
    assert_string_equal(buf_cstr(&b), "{\"message\":\"say \\\"no\\\"\"}");
    buf_clear(&b);
    outcome_add_body(&b, OUTCOME_BODY_TOO_BIG, DIALECT_ANTHROPIC, S("no"));
    assert_string_equal(
        buf_cstr(&b),
        "{\"type\":\"error\",\"error\":{\"type\":\"request_too_large\",\"message\":\"no\"}}");
    buf_clear(&b);
    outcome_add_body(&b, OUTCOME_NO_CREDENTIALS, DIALECT_OPENAI, S("no"));
    assert_string_equal(buf_cstr(&b), "{\"error\":{\"message\":\"no\",\"type\":\"server_error\","
                                      "\"param\":null,\"code\":null}}");
    buf_fini(&b);
}

static void own_answers_have_all_they_need(void **state)
{
    for (int o = 1; o < OUTCOMES; o++) {
        const struct outcome_row *row = outcome_row((enum outcome)o);
        assert_true(row->word.len && row->sentence.len && row->blame.len);
        if (row->status)
            assert_true(row->aws_type.len && row->anthropic_type.len && row->openai_type.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speaks_each_dialect),
        cmocka_unit_test(own_answers_have_all_they_need),

    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
