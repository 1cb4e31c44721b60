/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/cache_plan: what does not go out: of the control group, and where levers observe.
 */
#include "cache_run.h"

static double share(const struct run *r, double cost, double input)
{
    return (r->cost - cost) / (r->input - input);
}

/* Marks that never went out have earned nothing, and cost nothing. */
static void what_was_withheld_is_not_held_against_anyone(void **state)
{
    struct run *r = run_begin();
    r->terms.withheld = true;
    for (int i = 0; i < 30; i++) {
        struct line l = {0};
        line_add(r, &l, 30);
        run_line(r, &l, 20, 2, 12);
    }
    assert_true(share(r, 0, 0) == 1);
    r->terms.withheld = false;
    double cost = r->cost, input = r->input;
    struct line l = {0};
    line_add(r, &l, 30);
    run_line(r, &l, 20, 2, 12);
    assert_true(share(r, cost, input) < 0.25);
    run_end(r);
}

/* Where all marks are imagined, what they were to do is what they do later. */
static void what_was_observed_comes_true(void **state)
{
    struct run *r = run_begin();
    double expected = 0;
    r->observes = true;
    for (int i = 0; i < 31; i++) {
        struct line l = {0};
        line_add(r, &l, 30);
        for (int turn = 0; turn < 20; turn++) {
            run_line(r, &l, 1, 2, 12);
            if (i == 30)
                expected += (double)r->plan.expect_read;
        }
    }
    assert_true(share(r, 0, 0) == 1);
    r->observes = false;
    run_forget(r);
    double cost = r->cost, input = r->input, read = 0;
    struct line l = {0};
    line_add(r, &l, 30);
    for (int turn = 0; turn < 20; turn++) {
        run_line(r, &l, 1, 2, 12);
        read += (double)r->bill.read;
    }
    assert_true(share(r, cost, input) < 0.25);
    assert_true(expected > 0.95 * read && expected < 1.05 * read);
    run_end(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_withheld_is_not_held_against_anyone),
        cmocka_unit_test(what_was_observed_comes_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
