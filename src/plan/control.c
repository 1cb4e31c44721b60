/* SPDX-License-Identifier: Apache-2.0
 *
 * How sure a difference is. Requests that share a beginning share its fate, so that single requests
 * say nothing of chance; random groups do. Each arm's logarithm of input / plain is taken again
 * with one of its groups left out (the jackknife): how these differ gives its variance,
 *
 *     (n - 1) / n * sum of (without group i - their mean)^2
 *
 * and both arms' variances add up. The interval is that of Student's t with one degree of freedom
 * less than groups in the smaller arm, which is a little wider than need be. The bounds of the
 * ratio lie in equal proportion on both sides of it; those of the dollars, which are a difference,
 * at equal distance.
 *
 * It holds for prompts like these, whose big beginnings are all among them. What these very prompts
 * cost is known to the cent, so that for them the bounds are rather too wide.
 */
#include "weir/plan/control.h"

#include <math.h>

/* Student's t: 97.5 % lie below. By degrees of freedom. */
static const double quantiles[CONTROL_GROUPS] = {0,     12.706, 4.303, 3.182,
                                                 2.776, 2.571,  2.447, 2.365};

struct arm {
    const struct control_group *groups;
    struct control_group sum;
    unsigned n;
    double log_ratio, variance;
};

static double log_of(uint64_t input, uint64_t plain)
{
    return log((double)input / (double)plain);
}

static void add_up(struct arm *a)
{
    for (size_t i = 0; i < CONTROL_GROUPS; i++) {
        a->sum.input += a->groups[i].input;
        a->sum.plain += a->groups[i].plain;
        a->n += a->groups[i].plain > 0;
    }
}

/* False: without one of them there is nothing left. */
static bool leave_out_each(struct arm *a)
{
    double left[CONTROL_GROUPS], mean = 0;
    size_t n = 0;
    for (size_t i = 0; i < CONTROL_GROUPS; i++) {
        uint64_t input = a->sum.input - a->groups[i].input;
        uint64_t plain = a->sum.plain - a->groups[i].plain;
        if (!a->groups[i].plain)
            continue;
        if (!input || !plain)
            return false;
        left[n++] = log_of(input, plain);
        mean += left[n - 1] / a->n;
    }
    for (size_t i = 0; i < n; i++)
        a->variance += (left[i] - mean) * (left[i] - mean) * (a->n - 1) / a->n;
    return true;
}

static double share(double log_ratio)
{
    return 1 - exp(log_ratio);
}

static void find_bounds(struct arm arms[CONTROL_ARMS], double log_ratio,
                        struct control_estimate *out)
{
    unsigned n = arms[0].n < arms[1].n ? arms[0].n : arms[1].n;
    if (n < CONTROL_GROUPS_LEAST || !leave_out_each(&arms[0]) || !leave_out_each(&arms[1]))
        return;
    double treated = arms[CONTROL_TREATED].variance, control = arms[CONTROL_CONTROL].variance;
    double by = quantiles[n - 1] * sqrt(treated + control);
    double cost = out->usd_untouched - out->usd, untouched = out->usd_untouched;
    double by_usd =
        quantiles[n - 1] * sqrt(cost * cost * treated + untouched * untouched * control);
    out->state = CONTROL_KNOWN;
    out->low = share(log_ratio + by);
    out->high = share(log_ratio - by);
    out->usd_low = out->usd - by_usd;
    out->usd_high = out->usd + by_usd;
}

void control_estimate(const struct control_group groups[CONTROL_ARMS][CONTROL_GROUPS],
                      struct control_estimate *out)
{
    struct arm arms[CONTROL_ARMS] = {{.groups = groups[0]}, {.groups = groups[1]}};
    bool has_both = true;
    *out = (struct control_estimate){.state = CONTROL_NONE};
    for (size_t i = 0; i < CONTROL_ARMS; i++) {
        add_up(&arms[i]);
        out->groups[i] = arms[i].n;
        out->sum[i] = arms[i].sum;
        has_both = has_both && arms[i].sum.input && arms[i].sum.plain;
    }
    if (!has_both)
        return;
    for (size_t i = 0; i < CONTROL_ARMS; i++)
        arms[i].log_ratio = log_of(arms[i].sum.input, arms[i].sum.plain);
    double log_ratio = arms[CONTROL_TREATED].log_ratio - arms[CONTROL_CONTROL].log_ratio;
    out->state = CONTROL_FEW;
    out->saved = share(log_ratio);
    out->usd_untouched =
        (double)arms[CONTROL_TREATED].sum.plain * exp(arms[CONTROL_CONTROL].log_ratio) / 1e9;
    out->usd = out->saved * out->usd_untouched;
    find_bounds(arms, log_ratio, out);
}
