/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/saved: what there would have been without Weir's markers, or with those that were withheld,
 * by cases that one can count.
 */
#include "weir/plan/saved.h"

#include "weir/base/random.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A token of plain input costs 1000, read 100, written 1250 or 2000, of output 5000. */
static const struct price price = {
    {1000000000, 5000000000, 100000000, 1250000000, 2000000000, 1250000000}};

static void assert_unmarked(struct usage u, struct saved_split own, uint64_t input, uint64_t read,
                            uint64_t write_5m, uint64_t write_1h)
{
    uint64_t want =
        1000 * input + 100 * read + 1250 * write_5m + 2000 * write_1h + 5000 * u.tokens[1];
    assert_int_equal(saved_unmarked(&price, &u, &own), want);
}

static void all_plain_without_own_markers(void **state)
{
    assert_unmarked((struct usage){{100, 20, 300, 0, 0, 0}}, (struct saved_split){0}, 400, 0, 0, 0);
    assert_unmarked((struct usage){{100, 20, 0, 300, 50, 7}}, (struct saved_split){500}, 457, 0, 0,
                    0);
    assert_unmarked((struct usage){{0}}, (struct saved_split){0}, 0, 0, 0, 0);
}

/* The plan thought of 200 tokens where there were 400. */
static void own_is_scaled(void **state)
{
    const struct saved_split own = {.prompt = 200, .read = 50, .write_5m = 25, .write_1h = 5};
    assert_unmarked((struct usage){{100, 20, 250, 50, 0, 0}}, own, 240, 100, 50, 10);
}

static void own_reads_no_more_than_all_did(void **state)
{
    const struct saved_split own = {.prompt = 400, .read = 300, .write_5m = 100};
    assert_unmarked((struct usage){{100, 0, 0, 300, 0, 0}}, own, 300, 0, 100, 0);
}

/* Parts of more than the whole are parts of their sum. */
static void never_more_than_there_are(void **state)
{
    const struct saved_split own = {.prompt = 10, .read = 300, .write_5m = 100, .write_1h = 400};
    assert_unmarked((struct usage){{0, 0, 800, 0, 0, 0}}, own, 0, 300, 100, 400);
}

static void assert_marked(struct usage u, struct saved_split split, uint64_t input, uint64_t read,
                          uint64_t write_5m, uint64_t write_1h)
{
    uint64_t want =
        1000 * input + 100 * read + 1250 * write_5m + 2000 * write_1h + 5000 * u.tokens[1];
    assert_int_equal(saved_marked(&price, &u, &split), want);
}

/* Half of the plan's estimate was reported. */
static void marked_as_the_plan_says(void **state)
{
    const struct saved_split split = {.prompt = 800, .read = 600, .write_5m = 100, .write_1h = 40};
    assert_marked((struct usage){{400, 20, 0, 0, 0, 0}}, split, 30, 300, 50, 20);
    assert_marked((struct usage){{400, 20, 0, 0, 0, 0}}, (struct saved_split){800}, 400, 0, 0, 0);
    assert_marked((struct usage){{0}}, split, 0, 0, 0, 0);
}

/* More markers do not read less. */
static void marked_reads_no_less_than_was(void **state)
{
    const struct saved_split split = {.prompt = 400, .read = 100, .write_5m = 100};
    assert_marked((struct usage){{100, 0, 300, 0, 0, 0}}, split, 0, 300, 100, 0);
    assert_marked((struct usage){{0, 0, 400, 0, 0, 0}}, split, 0, 400, 0, 0);
}

static void input_and_plain(void **state)
{
    const struct usage u = {{100, 20, 300, 40, 5, 7}};
    assert_int_equal(saved_input(&price, &u), 100000 + 30000 + 50000 + 10000 + 8750);
    assert_int_equal(saved_plain(&price, &u), 452000);
}

/* Whatever is believed: no token is lost or made up, so that with one price it all costs the same.
 */
static void keeps_every_token(void **state)
{
    const struct price one = {{7000000, 7000000, 7000000, 7000000, 7000000, 7000000}};
    random_seed(5);
    for (int i = 0; i < 10000; i++) {
        struct usage u;
        uint64_t most = UINT64_C(1) << random_below(54);
        for (size_t k = 0; k < TOKENS; k++)
            u.tokens[k] = random_below(most);
        const struct saved_split own = {random_below(most), random_below(most), random_below(most),
                                        random_below(most), random_below(most)};
        assert_true(saved_unmarked(&one, &u, &own) == price_cost(&one, &u));
        assert_true(saved_marked(&one, &u, &own) == price_cost(&one, &u));
    }
    random_seed(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_plain_without_own_markers),
        cmocka_unit_test(own_is_scaled),
        cmocka_unit_test(own_reads_no_more_than_all_did),
        cmocka_unit_test(never_more_than_there_are),
        cmocka_unit_test(marked_as_the_plan_says),
        cmocka_unit_test(marked_reads_no_less_than_was),
        cmocka_unit_test(input_and_plain),
        cmocka_unit_test(keeps_every_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
