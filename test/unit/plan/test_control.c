/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/control: over a thousand seeded runs of traffic whose requests come in families, the true
 * saving is recovered and 95 of 100 intervals hold it; where there is too little there is none.
 */
#include "weir/plan/control.h"

#include "weir/base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { RUNS = 1000 };

static double uniform(void)
{
    return (double)(random_u64() >> 11) / 9007199254740992.0;
}

/* How the prompts of one beginning behave. A family of n pays for one write and reads it after,
 * when it is treated; left alone it pays for plain input, but for what its client caches itself. */
struct world {
    unsigned families;
    double holdout;
    double mean;     /* requests of a family; geometric */
    bool own_caches; /* some clients set their own markers */
};

struct family {
    double plain, input[CONTROL_ARMS];
};

static struct family family_of(const struct world *w)
{
    double n = 1 + floor(log(1 - uniform()) / log(1 - 1 / w->mean)), price = 500 + 1000 * uniform();
    double share = 0.3 + 0.6 * uniform(); /* of the prompt that is the beginning */
    double cached = (share * (1.25 + 0.1 * (n - 1)) + (1 - share) * n) / n;
    double own = w->own_caches && uniform() < 0.3 ? 0.5 + 0.5 * cached : 1;
    double plain = n * price * 1000;
    return (struct family){plain, {plain * (cached < own ? cached : own), plain * own}};
}

static double true_saving(const struct world *w)
{
    double sums[CONTROL_ARMS] = {0};
    for (int i = 0; i < 200000; i++) {
        struct family f = family_of(w);
        sums[CONTROL_TREATED] += f.input[CONTROL_TREATED];
        sums[CONTROL_CONTROL] += f.input[CONTROL_CONTROL];
    }
    return 1 - sums[CONTROL_TREATED] / sums[CONTROL_CONTROL];
}

/* One month of it. *real: what these prompts saved, and nobody can see. */
static void simulate(const struct world *w, struct control_estimate *out, double *real)
{
    struct control_group groups[CONTROL_ARMS][CONTROL_GROUPS] = {{{0}}};
    *real = 0;
    for (unsigned i = 0; i < w->families; i++) {
        struct family f = family_of(w);
        enum control_arm arm = uniform() < w->holdout ? CONTROL_CONTROL : CONTROL_TREATED;
        struct control_group *g = &groups[arm][random_below(CONTROL_GROUPS)];
        g->input += (uint64_t)f.input[arm];
        g->plain += (uint64_t)f.plain;
        if (arm == CONTROL_TREATED)
            *real += (f.input[CONTROL_CONTROL] - f.input[CONTROL_TREATED]) / 1e9;
    }
    control_estimate(groups, out);
}

struct seen {
    double mean;
    int told, held, held_real;
};

static struct seen many(const struct world *w, double truth)
{
    struct seen s = {0};
    for (int i = 0; i < RUNS; i++) {
        struct control_estimate e;
        double real;
        simulate(w, &e, &real);
        if (e.state != CONTROL_KNOWN)
            continue;
        assert_true(e.low <= e.saved && e.saved <= e.high && e.high < 1);
        s.told++;
        s.mean += e.saved;
        s.held += e.low <= truth && truth <= e.high;
        s.held_real += e.usd_low <= real && real <= e.usd_high;
    }
    s.mean /= s.told ? s.told : 1;
    return s;
}

static void holds_the_truth(void **state)
{
    static const struct world worlds[] = {
        {3000, 0.02, 10, false}, {3000, 0.02, 10, true}, {1000, 0.2, 3, true},
        {400, 0.5, 20, true},    {200, 0.5, 50, false},  {2000, 0.02, 1.05, true},
    };
    for (size_t i = 0; i < sizeof worlds / sizeof *worlds; i++) {
        random_seed(40 + i);
        double truth = true_saving(&worlds[i]);
        struct seen s = many(&worlds[i], truth);
        print_message("# saving %.4f, mean of estimates %.4f, held %.3f, of the real money %.3f\n",
                      truth, s.mean, (double)s.held / s.told, (double)s.held_real / s.told);
        assert_true(s.told > RUNS * 99 / 100);
        assert_true(fabs(s.mean - truth) < 0.005);
        assert_true(s.held > s.told * 925 / 1000 && s.held < s.told * 98 / 100);
        assert_true(s.held_real > s.told * 925 / 1000);
    }
    random_seed(0);
}

static void says_when_there_is_too_little(void **state)
{
    struct control_group groups[CONTROL_ARMS][CONTROL_GROUPS] = {{{0}}};
    struct control_estimate e;
    control_estimate(groups, &e);
    assert_int_equal(e.state, CONTROL_NONE);
    for (size_t i = 0; i < CONTROL_GROUPS; i++)
        groups[CONTROL_TREATED][i] = (struct control_group){700000000 + i, 1000000000};
    control_estimate(groups, &e);
    assert_int_equal(e.state, CONTROL_NONE);
    assert_true(e.groups[CONTROL_TREATED] == 8 && e.groups[CONTROL_CONTROL] == 0);
    for (size_t i = 0; i < CONTROL_GROUPS_LEAST; i++) {
        groups[CONTROL_CONTROL][i] = (struct control_group){1000 - i % 2, 1000};
        control_estimate(groups, &e);
        assert_int_equal(e.state, i + 1 < CONTROL_GROUPS_LEAST ? CONTROL_FEW : CONTROL_KNOWN);
        assert_true(fabs(e.saved - 0.3) < 0.001 && fabs(e.usd - 8 * 0.3) < 0.01);
    }
    assert_true(e.low < e.saved && e.saved < e.high);
}

static void may_be_a_loss(void **state)
{
    struct control_group groups[CONTROL_ARMS][CONTROL_GROUPS];
    struct control_estimate e;
    for (size_t i = 0; i < CONTROL_GROUPS; i++) {
        groups[CONTROL_TREATED][i] = (struct control_group){1250000000 + 1000000 * i, 1000000000};
        groups[CONTROL_CONTROL][i] = (struct control_group){100, 100};
    }
    control_estimate(groups, &e);
    assert_int_equal(e.state, CONTROL_KNOWN);
    assert_true(e.high < 0 && e.usd_high < 0 && e.usd_low < e.usd);
    assert_true(fabs(e.usd + 2.028) < 1e-6);
}

/* One beginning makes nearly all of the traffic: its groups differ, and the interval is as wide as
 * what is known is little. */
static void one_big_beginning_is_no_certainty(void **state)
{
    struct control_group groups[CONTROL_ARMS][CONTROL_GROUPS];
    struct control_estimate e;
    for (size_t i = 0; i < CONTROL_GROUPS; i++)
        groups[0][i] = groups[1][i] = (struct control_group){1000, 1000};
    groups[CONTROL_TREATED][3] = (struct control_group){20000000, 100000000};
    control_estimate(groups, &e);
    assert_true(e.state == CONTROL_KNOWN && e.saved > 0.79 && e.low < 0 && e.high > 0.9);
}

static void no_sum_breaks_it(void **state)
{
    struct control_group groups[CONTROL_ARMS][CONTROL_GROUPS];
    struct control_estimate e;
    random_seed(3);
    for (int i = 0; i < 20000; i++) {
        for (size_t k = 0; k < CONTROL_ARMS * CONTROL_GROUPS; k++)
            groups[k / CONTROL_GROUPS][k % CONTROL_GROUPS] =
                (struct control_group){random_below(4) ? random_u64() >> random_below(64) : 0,
                                       random_below(4) ? random_u64() >> random_below(64) : 0};
        control_estimate(groups, &e);
        assert_true(isfinite(e.saved) && isfinite(e.low) && isfinite(e.high));
        assert_true(isfinite(e.usd) && isfinite(e.usd_low) && isfinite(e.usd_high));
    }
    random_seed(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_the_truth),  cmocka_unit_test(says_when_there_is_too_little),
        cmocka_unit_test(may_be_a_loss),    cmocka_unit_test(one_big_beginning_is_no_certainty),
        cmocka_unit_test(no_sum_breaks_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
