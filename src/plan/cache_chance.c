/* SPDX-License-Identifier: Apache-2.0
 *
 * AdaGrad (Duchi, Hazan, Singer, 2011) with a slow forgetting of old gradients: the rate is that of
 * the method divided by the number of features that share a step, nothing was searched. The bias
 * says that what nobody knows does not come back: it takes evidence to spend money. What came back
 * once is such evidence: it does so again as often as not (Laplace's rule of succession); and a
 * line that went on once goes on, soon or later.
 */
#include "cache_chance.h"

#include "cache_traits.h"

#include <math.h>

enum { SETS_LATER = 4, STEPS_OF_A_SET = (CHANCE_STEPS - CHANCE_SOON) / SETS_LATER };
enum { SET_SOON, SET_TIMED, SET_LATER = SET_TIMED + CHANCE_SOON };
enum { FEATURES_MOST = TRAITS_FEATURES_MOST + TRAITS_TIMED_MOST };

static const float bias = -3.5F, seen_bias = -2, later_bias = -3, rate = 0.1F, first_heat = 0.05F,
                   kept = 0.9998F;

uint32_t chance_step_ends(unsigned step)
{
    /* 5 minutes times 12^(1/12), 12^(2/12), ...; in ticks of 100 ms */
    static const uint32_t ends[CHANCE_STEPS] = {150,   600,   1500,  3000,  3690,  4539,
                                                5584,  6868,  8448,  10392, 12783, 15724,
                                                19342, 23792, 29266, 36000};
    return ends[step];
}

void chance_init(struct chance_weights *w)
{
    for (size_t i = 0; i < CHANCE_PLACES; i++) {
        w->weight[i] = 0;
        w->heat[i] = first_heat;
    }
}

static float chance_at(float z)
{
    return 1 / (1 + expf(-fmaxf(-15, fminf(15, z))));
}

/* Four steps of seen_bias make 0.4, twelve of later_bias as much. */
static float bias_of(uint64_t traits, unsigned step)
{
    if (step >= CHANCE_SOON)
        return traits_go_on(traits) ? later_bias : bias;
    return traits_are_tail(traits) && !traits_go_on(traits) ? bias : seen_bias;
}

static float sum(const struct chance_weights *w, uint64_t traits, unsigned set, bool timed)
{
    uint16_t at[TRAITS_FEATURES_MOST];
    size_t n = traits_places(traits, set, timed, CHANCE_PLACES, at);
    float z = 0;
    for (size_t i = 0; i < n; i++)
        z += w->weight[at[i]];
    return z;
}

struct chance chance_of(const struct chance_weights *w, uint64_t traits)
{
    float shared = bias_of(traits, 0) + sum(w, traits, SET_SOON, false);
    float not_soon = 1, not_half = 1, not_later = 1;
    for (unsigned s = 0; s < CHANCE_SOON; s++)
        not_soon *= 1 - chance_at(shared + sum(w, traits, SET_TIMED + s, true));
    for (unsigned s = 0; s < SETS_LATER; s++) {
        float not =
            1 - chance_at(bias_of(traits, CHANCE_SOON) + sum(w, traits, SET_LATER + s, false));
        not_later *= not *not *not ;
        if (s + 1 < SETS_LATER)
            not_half = not_later;
    }
    return (struct chance){.soon = 1 - not_soon, .half = 1 - not_half, .later = 1 - not_later};
}
_Static_assert(STEPS_OF_A_SET == 3, "the third power");

static size_t places_of(uint64_t traits, unsigned step, uint16_t *at)
{
    if (step >= CHANCE_SOON)
        return traits_places(traits, SET_LATER + (step - CHANCE_SOON) / STEPS_OF_A_SET, false,
                             CHANCE_PLACES, at);
    size_t n = traits_places(traits, SET_SOON, false, CHANCE_PLACES, at);
    return n + traits_places(traits, SET_TIMED + step, true, CHANCE_PLACES, at + n);
}

float chance_learn(struct chance_weights *w, uint64_t traits, unsigned step, bool came,
                   float weight)
{
    uint16_t at[FEATURES_MOST];
    size_t n = places_of(traits, step, at);
    float z = bias_of(traits, step);
    for (size_t i = 0; i < n; i++)
        z += w->weight[at[i]];
    float expected = chance_at(z), wrong = (expected - (came ? 1 : 0)) * weight;
    for (size_t i = 0; i < n; i++) {
        float *heat = &w->heat[at[i]];
        *heat = *heat * kept + wrong * wrong;
        w->weight[at[i]] -= rate * wrong / sqrtf(*heat);
    }
    return expected;
}
