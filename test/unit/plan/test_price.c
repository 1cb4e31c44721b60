/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/price and plan/usage: exact money, and the words.
 */
#include "weir/base/buf.h"
#include "weir/plan/price.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void reads_prices(void **state)
{
    uint64_t n;
    assert_true(price_read_usd(S("3"), &n) && n == 3000000000u);
    assert_true(price_read_usd(S("0.00875"), &n) && n == 8750000);
    assert_true(price_read_usd(S("0"), &n) && n == 0);
    static const struct str bad[] = {STR(""),   STR("."),   STR("1."),           STR(".5"),
                                     STR("-1"), STR("1e3"), STR("0.0000000001"), STR("1000001"),
                                     STR("1 "), STR("1,5")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(price_read_usd(bad[i], &n));
}

static void costs_are_exact(void **state)
{
    struct price p = {
        {[TOKEN_INPUT] = 35000000, [TOKEN_OUTPUT] = 140000000, [TOKEN_CACHE_READ] = 8750000}};
    struct usage u = {{[TOKEN_INPUT] = 1000000, [TOKEN_OUTPUT] = 3, [TOKEN_CACHE_READ] = 2}};
    /* 35000000 + 420 + 17.5 nano-dollars, half up */
    assert_int_equal(price_cost(&p, &u), 35000438);
    price_scale(&p, 1100000);
    assert_int_equal(p.nanousd_per_mtok[TOKEN_INPUT], 38500000);
    u.tokens[TOKEN_INPUT] = USAGE_MOST_TOKENS;
    p.nanousd_per_mtok[TOKEN_INPUT] = UINT64_MAX;
    assert_true(price_cost(&p, &u) == UINT64_MAX);
}

static void prints_dollars(void **state)
{
    struct buf b = {0};
    price_add_usd(&b, 12345678901);
    buf_add_char(&b, ' ');
    price_add_usd(&b, -1);
    assert_string_equal(buf_cstr(&b), "12.345678901 -0.000000001");
    buf_fini(&b);
}

static void names_lanes(void **state)
{
    enum lane lane = LANE_BATCH;
    assert_true(lane_of_tier(S("default"), &lane) && lane == LANE_ONDEMAND);
    assert_true(lane_of_tier(S("priority"), &lane) && lane == LANE_PRIORITY);
    assert_false(lane_of_tier(S("batch"), &lane));
    assert_false(lane_of_tier(S("Flex"), &lane));
    for (size_t i = 0; i < TOKENS; i++)
        assert_true(usage_word((enum token_kind)i).len > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_prices),
        cmocka_unit_test(costs_are_exact),
        cmocka_unit_test(prints_dollars),
        cmocka_unit_test(names_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
