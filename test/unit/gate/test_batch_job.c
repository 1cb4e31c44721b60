/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of Bedrock's jobs is a row's: what is not known as one's own is stopped as an orphan.
 */
#include "../../../src/gate/batch_jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool is(const char *row_arn, const char *name, const char *token, const char *arn)
{
    struct batch_job row = {.number = 12, .token = "0123456789abcdef"};
    const struct bedrock_job j = {.name = str_of(name), .token = str_of(token), .arn = str_of(arn)};
    memcpy(row.arn, row_arn, strlen(row_arn));
    return batch_row_is(S("0123abcd"), &row, &j);
}

static void knows_its_name(void **state)
{
    assert_true(is("", "weir-0123abcd-12-01234567", "", "a"));
    assert_true(is("a", "weir-0123abcd-12-01234567", "0123456789abcdef", "a"));
    assert_false(is("", "weir-0123abcd-12-01234567", "another", "a"));
    assert_false(is("", "weir-0123abcd-12-0123456", "", "a"));
    assert_false(is("", "weir-0123abcd-12-012345678", "", "a"));
    assert_false(is("", "weir-0123abcd-123", "", "a"));
    assert_false(is("", "weir-0123abcd-1", "", "a"));
    assert_false(is("", "weir-4567cdef-12-01234567", "", "a"));
}

/* They run while Weir is updated. */
static void knows_a_job_of_0_5_0(void **state)
{
    assert_true(is("", "weir-0123abcd-12", "", "a"));
    assert_true(is("a", "weir-0123abcd-12", "0123456789abcdef", "a"));
    assert_false(is("a", "weir-0123abcd-12", "", "b"));
    assert_false(is("", "weir-0123abcd-12", "another", "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_its_name),
        cmocka_unit_test(knows_a_job_of_0_5_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
