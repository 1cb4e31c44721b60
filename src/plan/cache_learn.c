/* SPDX-License-Identifier: Apache-2.0
 *
 * Labels wait in one list for each step of time after a visit, oldest first: what was not met when
 * its step ends is told so, and goes to the end of the next list. A boundary that is met tells its
 * label at once; after the first five minutes at the end of the step, for else the good news of a
 * long step would be heard before the bad.
 *
 *     asked --> [15 s] --> [60 s] --> [150 s] --> [5 min] --> ... --> [1 h] --> forgotten
 *                  \__________\___________\_________ met: told, free again
 *
 * Where there is no room, what is asked last is not asked: that depends on nothing that is learned.
 */
#include "cache_learn.h"

#include "cache_value.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    WEIGHT_ONE = 64,
    TRUST_EVENTS = 512,
    DUE_EVENTS = 128,
    FIRST_EVENTS = 16,
    USUAL_EVENTS = 64,
    MEAN_PROMPTS = 64,
    FEW_PROMPTS = 8,
    USUAL_PROMPTS = 256,
    SECONDS_MOST = 64,
    SECONDS_ENOUGH = 8
};

static const float wins_fade_s = 1200;
/* Before anything is known, this many mean prompts must have been worth it, and this many returns
 * have been seen. */
static const float prior_prompts = 8, prior_returns = 2;
/* What proved itself may lose more: so many times the stake for each time that it came in again. */
static const float deserved = 4;
/* At once, the budget of MEAN_PROMPTS may be lost; and of the budget, so much is forgiven as input
 * goes by. */
static const float share_of_budget = 0.5F;
/* So many times the usual number of first prompts may be out before any of them is back, and by so
 * much may their share be above the usual. */
static const float rush = 4, sudden = 0.5F;

struct cache_learner *cache_learner_init(void *memory)
{
    struct cache_learner *l = memory;
    memset(l, 0, sizeof *l);
    chance_init(&l->weights);
    for (unsigned i = LABELS; i > 0; i--) {
        l->labels[i - 1].next = l->free.head;
        l->free.head = (uint16_t)i;
    }
    return l;
}

/* --- lists */

static struct label *label_at(struct cache_learner *l, unsigned label)
{
    return &l->labels[label - 1];
}

static void append(struct cache_learner *l, unsigned label, unsigned step)
{
    struct label_list *list = &l->lists[step];
    struct label *x = label_at(l, label);
    x->step = (unsigned char)step;
    x->next = 0;
    x->prev = list->tail;
    if (list->tail)
        label_at(l, list->tail)->next = (uint16_t)label;
    else
        list->head = (uint16_t)label;
    list->tail = (uint16_t)label;
    *(step < CHANCE_SOON ? &l->n_soon : &l->n_later) += 1;
}

static void take_out(struct cache_learner *l, unsigned label)
{
    struct label *x = label_at(l, label);
    struct label_list *list = &l->lists[x->step];
    *(x->prev ? &label_at(l, x->prev)->next : &list->head) = x->next;
    *(x->next ? &label_at(l, x->next)->prev : &list->tail) = x->prev;
    *(x->step < CHANCE_SOON ? &l->n_soon : &l->n_later) -= 1;
}

static void forget(struct cache_learner *l, unsigned label)
{
    struct label *x = label_at(l, label);
    x->asked = 0;
    x->next = l->free.head;
    l->free.head = (uint16_t)label;
}

unsigned learn_ask(struct cache_learner *l, uint64_t key, uint64_t traits, enum label_of of,
                   float weight, uint32_t now)
{
    unsigned label = l->free.head;
    if (!label || l->n_soon >= LABELS_SOON)
        return 0;
    struct label *x = label_at(l, label);
    l->free.head = x->next;
    *x = (struct label){.traits = traits,
                        .key = (uint32_t)key,
                        .asked = now,
                        .weight = (unsigned char)(weight * WEIGHT_ONE),
                        .flags = of == LABEL_FIRST ? LABEL_IS_FIRST : 0};
    append(l, label, 0);
    return label;
}

/* --- telling */

static void fade(float *x, float events)
{
    *x *= 1 - 1 / events;
}

static void tell(struct cache_learner *l, const struct label *x, unsigned step, bool came)
{
    bool later = step >= CHANCE_SOON;
    float expected =
        chance_learn(&l->weights, x->traits, step, came, (float)x->weight / WEIGHT_ONE);
    if (!(x->flags & (later ? LABEL_TRUST_LATER : LABEL_TRUST_SOON)))
        return;
    fade(&l->ledger.expected[later], TRUST_EVENTS);
    fade(&l->ledger.had[later], TRUST_EVENTS);
    l->ledger.expected[later] += expected;
    l->ledger.had[later] += came;
}

/* Of what comes back soon, how much does so in this step or later: 1 .. 0. */
static float remaining(const struct ledger *g, unsigned step)
{
    float all = CHANCE_SOON, left = 0;
    for (unsigned i = 0; i < CHANCE_SOON; i++) {
        all += g->when[i];
        left += i < step ? 0 : g->when[i] + 1;
    }
    return left / all;
}

/* Most returns come within a minute, so most of a mark is lost long before it lapses. */
static void age(struct cache_learner *l, const struct cache_terms *t, struct label *x)
{
    struct ledger *g = &l->ledger;
    float before = remaining(g, x->step), after = remaining(g, x->step + 1U);
    float lost = x->paid * (1 - after / before);
    g->in_flight = fmaxf(0, g->in_flight - lost);
    g->due += x->due * (before - after) * value_surcharge(t);
    x->paid -= lost;
}

/* Whether a mark there would have paid, or did, is known. */
static void decide(struct cache_learner *l, const struct cache_terms *t, struct label *x, bool came)
{
    struct ledger *g = &l->ledger;
    g->in_flight = fmaxf(0, g->in_flight - x->paid);
    if (x->due > 0) {
        fade(&g->due, DUE_EVENTS);
        fade(&g->repaid, DUE_EVENTS);
        g->due += x->due * remaining(g, x->step) * value_surcharge(t);
        g->repaid += came ? x->due * value_of_return(t) : 0;
        if (x->flags & LABEL_IS_FIRST)
            g->first_out = fmaxf(0, g->first_out - x->due * value_surcharge(t));
        if (came && x->flags & LABEL_IS_FIRST)
            g->first_repaid += x->due * value_of_return(t);
    }
    x->paid = x->due = 0;
}

static void note_when(struct ledger *g, unsigned step)
{
    for (unsigned i = 0; i < CHANCE_SOON; i++)
        fade(&g->when[i], DUE_EVENTS);
    g->when[step] += 1;
}

/* The end of a step. */
static void move_on(struct cache_learner *l, const struct cache_terms *t, unsigned label)
{
    struct label *x = label_at(l, label);
    unsigned step = x->step;
    bool came = x->came == step + 1;
    tell(l, x, step, came);
    take_out(l, label);
    if (step < CHANCE_SOON - 1)
        age(l, t, x);
    if (step == CHANCE_SOON - 1)
        decide(l, t, x, false);
    if (came || step == CHANCE_STEPS - 1 ||
        (step == CHANCE_SOON - 1 && l->n_later >= LABELS - LABELS_SOON))
        forget(l, label);
    else
        append(l, label, step + 1);
}

void learn_pass(struct cache_learner *l, const struct cache_terms *t, uint32_t now)
{
    unsigned steps = LABEL_STEPS_A_PLAN;
    for (unsigned step = 0; step < CHANCE_STEPS; step++)
        for (unsigned label; steps && (label = l->lists[step].head); steps--) {
            if (label_at(l, label)->asked + chance_step_ends(step) > now)
                break;
            move_on(l, t, label);
        }
}

static unsigned step_of(uint32_t ticks)
{
    unsigned step = 0;
    while (step < CHANCE_STEPS && ticks >= chance_step_ends(step))
        step++;
    return step;
}

void learn_met(struct cache_learner *l, const struct cache_terms *t, unsigned label, uint64_t key,
               uint32_t asked, uint32_t now)
{
    if (!label || label > LABELS)
        return;
    struct label *x = label_at(l, label);
    if (!x->asked || x->asked != asked || x->key != (uint32_t)key || x->came || now < asked)
        return;
    unsigned step = step_of(now - asked);
    if (step >= CHANCE_SOON && step < CHANCE_STEPS && x->step >= CHANCE_SOON) {
        x->came = (unsigned char)(step + 1);
        return;
    }
    for (unsigned s = x->step; s < step && s < CHANCE_STEPS; s++)
        tell(l, x, s, false);
    if (step < CHANCE_STEPS)
        tell(l, x, step, true);
    decide(l, t, x, step < CHANCE_SOON);
    if (step < CHANCE_SOON)
        note_when(&l->ledger, step);
    take_out(l, label);
    forget(l, label);
}

void learn_trust(struct cache_learner *l, unsigned label, bool soon, bool later)
{
    if (label)
        label_at(l, label)->flags |=
            (unsigned char)((soon ? LABEL_TRUST_SOON : 0) | (later ? LABEL_TRUST_LATER : 0));
}

static float trusted(const struct cache_learner *l, bool later, float chance)
{
    const struct ledger *g = &l->ledger;
    float trust = (g->had[later] + prior_returns) / (g->expected[later] + prior_returns);
    return trust < 1 ? 1 - powf(1 - chance, trust) : chance;
}

struct chance learn_trusted(const struct cache_learner *l, struct chance c, bool soon, bool later)
{
    if (soon)
        c.soon = trusted(l, false, c.soon);
    if (later) {
        c.half = trusted(l, true, c.half);
        c.later = trusted(l, true, c.later);
    }
    return c;
}

void learn_second(struct cache_learner *l, struct chance c)
{
    l->seconds += l->seconds < SECONDS_MOST;
    l->second.soon += (c.soon - l->second.soon) / l->seconds;
    l->second.half += (c.half - l->second.half) / l->seconds;
    l->second.later += (c.later - l->second.later) / l->seconds;
}

struct chance learn_behind(const struct cache_learner *l, enum label_of of, struct chance c)
{
    return of == LABEL_FIRST && l->seconds >= SECONDS_ENOUGH ? l->second : c;
}

/* --- the ledger */

/* A mean is that of all until there are so many. */
static float events(uint32_t n, uint32_t most)
{
    return (float)(n < most ? n : most);
}

void ledger_pass(struct cache_learner *l, const struct cache_terms *t, uint32_t tokens,
                 uint32_t now)
{
    struct ledger *g = &l->ledger;
    float s = now > g->at ? (float)(now - g->at) * (PREFIX_TICK_MS / 1000.0F) : 0;
    if (g->balance > 0)
        g->balance *= expf(-s / wins_fade_s);
    else
        g->balance = fminf(0, g->balance + share_of_budget * t->exploring * (float)tokens);
    g->prompts += g->prompts < UINT32_MAX;
    g->mean += ((float)tokens - g->mean) / events(g->prompts, MEAN_PROMPTS);
    g->firsts_now -= g->firsts_now / events(g->prompts, FEW_PROMPTS);
    g->firsts -= g->firsts / events(g->prompts, USUAL_PROMPTS);
    g->at = now;
}

void ledger_first(struct cache_learner *l)
{
    struct ledger *g = &l->ledger;
    g->firsts_now += 1 / events(g->prompts, FEW_PROMPTS);
    g->firsts += 1 / events(g->prompts, USUAL_PROMPTS);
}

void ledger_due(struct cache_learner *l, const struct cache_terms *t, unsigned label,
                enum label_of of, float tokens)
{
    struct ledger *g = &l->ledger;
    if (!label)
        return;
    label_at(l, label)->due = tokens;
    if (of != LABEL_FIRST)
        return;
    fade(&g->first_due, FIRST_EVENTS);
    fade(&g->first_repaid, FIRST_EVENTS);
    g->first_usual += (g->first_out - g->first_usual) / USUAL_EVENTS;
    g->first_out += tokens * value_surcharge(t);
    g->first_due += tokens * value_surcharge(t);
}

const char *ledger_refuses(const struct cache_learner *l, const struct cache_terms *t,
                           enum label_of of, float cost)
{
    const struct ledger *g = &l->ledger;
    if (of == LABEL_FIRST && g->first_repaid < g->first_due)
        return "first prompts like this one did not come back lately";
    if (of == LABEL_FIRST && g->first_out > rush * (g->first_usual + g->mean * value_surcharge(t)))
        return "more first prompts at once than usual";
    if (of == LABEL_FIRST && g->firsts_now - g->firsts > sudden)
        return "suddenly most are first prompts";
    float due = g->due + prior_prompts * g->mean * value_surcharge(t);
    float proven = due > 0 ? g->repaid / due : 0;
    float flying = (g->in_flight + cost) * fminf(1, proven);
    float stake = MEAN_PROMPTS * t->exploring * g->mean * (1 + deserved * fmaxf(0, proven - 1));
    if (cost > 0 && g->balance - cost + flying < -stake)
        return "the budget of loss is spent";
    return NULL;
}

void ledger_pay(struct cache_learner *l, unsigned label, enum label_of of, float cost, float more)
{
    struct ledger *g = &l->ledger;
    g->balance -= cost;
    if (of == LABEL_FIRST)
        g->first_due += more;
    if (!label)
        return;
    g->in_flight += cost;
    label_at(l, label)->paid = cost;
}

void ledger_read(struct cache_learner *l, const struct cache_terms *t, float tokens)
{
    l->ledger.balance += tokens * (1 - t->read) * t->hit;
}
