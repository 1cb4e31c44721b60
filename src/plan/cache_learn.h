/* SPDX-License-Identifier: Apache-2.0
 *
 * What is learned of one client: the weights of its chances, the labels that are being waited for,
 * how far from their ends its prompts are met again, and a ledger that says whether the client's
 * prompts have earned what marking them costs.
 */
#ifndef WEIR_SRC_PLAN_CACHE_LEARN_H
#define WEIR_SRC_PLAN_CACHE_LEARN_H

#include "cache_chance.h"
#include "weir/plan/cache_plan.h"

/* What a label is about. First prompts, whose beginning nobody knows or everybody shares, are a
 * traffic of their own: they change from one minute to the next, and nothing but their like says
 * whether they come back. */
enum label_of { LABEL_FIRST, LABEL_NEXT, LABEL_SEEN };

enum {
    LABELS = 1792,
    LABELS_SOON = 1300,      /* of these at most in their first five minutes */
    LABEL_STEPS_A_PLAN = 96, /* steps that may end at one prompt: what one plan may cost */
    ENDS_MOST = 8
};

struct label {
    uint64_t traits;
    uint32_t key, asked;
    float due;  /* tokens that would be read, if a mark there paid; else 0 */
    float paid; /* what marking it cost */
    uint16_t next, prev;
    unsigned char step, came;    /* came: one past the step in which it did, told at its end */
    unsigned char flags, weight; /* enum label_flag; 1/64 */
};
enum label_flag {
    LABEL_TRUST_SOON = 1, /* its returns are counted where trust is */
    LABEL_TRUST_LATER = 2,
    LABEL_IS_FIRST = 4 /* counted among first prompts */
};

struct label_list {
    uint16_t head, tail; /* one past; 0: none */
};

/* How often what was expected to pay did: tokens expected and had, fading. */
struct ledger {
    uint32_t at;
    float mean;        /* of a prompt */
    float balance;     /* saved by reads, less what marks cost; fading */
    float in_flight;   /* paid for what neither came back nor is given up */
    float due, repaid; /* would-be marks, marked or not: cost, as it is decided, and worth */
    float first_due, first_repaid; /* of first prompts: due at once */
    float first_out, first_usual;  /* due and not decided: now, and as it usually was */
    float firsts_now, firsts;      /* share of first prompts: of the last few, and usually */
    float when[CHANCE_SOON];       /* how many came back in each step */
    float expected[2], had[2];     /* returns soon, later, where they would pay */
    uint32_t prompts;
};

struct cache_learner {
    struct chance_weights weights;
    struct label labels[LABELS];
    struct label_list lists[CHANCE_STEPS], free;
    uint16_t n_soon, n_later;
    float ends[ENDS_MOST]; /* [k]: tails met again k blocks before their prompt's end */
    /* of prompts' beginnings at their first return: what is behind the first visit */
    struct chance second;
    float seconds; /* how many of these, as far as is remembered */
    struct ledger ledger;
};
_Static_assert(sizeof(struct cache_learner) <= CACHE_LEARNER_BYTES, "as the door says");

/* Time passes: what was not met by now. */
void learn_pass(struct cache_learner *l, const struct cache_terms *t, uint32_t now);
/* Asks whether this boundary will be met again. Returns one past the label; 0: no room. */
unsigned learn_ask(struct cache_learner *l, uint64_t key, uint64_t traits, enum label_of of,
                   float weight, uint32_t now);
/* It was met again, if that label is still its own. */
void learn_met(struct cache_learner *l, const struct cache_terms *t, unsigned label, uint64_t key,
               uint32_t asked, uint32_t now);
/* What experience leaves of a chance, where marks would pay soon, or later. */
struct chance learn_trusted(const struct cache_learner *l, struct chance c, bool soon, bool later);

/* What is behind a visit with this chance. */
struct chance learn_behind(const struct cache_learner *l, enum label_of of, struct chance c);
void learn_second(struct cache_learner *l, struct chance c);
/* Returns soon, or later, are expected to pay there: what comes is compared. */
void learn_trust(struct cache_learner *l, unsigned label, bool soon, bool later);

/* --- the ledger */

void ledger_pass(struct cache_learner *l, const struct cache_terms *t, uint32_t tokens,
                 uint32_t now);
/* It is a first prompt. */
void ledger_first(struct cache_learner *l);
/* A mark behind so many new tokens is expected to pay: whether it does is counted, marked or not.
 */
void ledger_due(struct cache_learner *l, const struct cache_terms *t, unsigned label,
                enum label_of of, float tokens);
/* NULL: it may be spent; else why not, in a few words. */
const char *ledger_refuses(const struct cache_learner *l, const struct cache_terms *t,
                           enum label_of of, float cost);
/* `label` 0: none. `more`: by how much it is dearer than what was due. */
void ledger_pay(struct cache_learner *l, unsigned label, enum label_of of, float cost, float more);
void ledger_read(struct cache_learner *l, const struct cache_terms *t, float tokens);

#endif
