/* SPDX-License-Identifier: Apache-2.0
 *
 * The limits of all clients, shared by all workers: plan/limit's structures by client name, each
 * with a lock held for a look. They live as long as the daemon, so that a reload resets nothing;
 * budgets begin with what the book says was spent.
 *
 *     limits_admit --> a reservation --> limits_settle, exactly once
 */
#ifndef WEIR_GATE_LIMITS_H
#define WEIR_GATE_LIMITS_H

#include "weir/book/clerk.h"
#include "weir/gate/clients.h"
#include "weir/plan/limit.h"

struct limits;
struct limits *limits_new(void);
void limits_free(struct limits *l);
/* In the office: the limits of this configuration hold from now on. Spent money of clients that are
 * new here is read out of the book (`store` NULL: it is not open; ask again). False: ask again. */
bool limits_follow(struct limits *l, const struct config *c, struct store *store, int64_t now_ms);

/* What a request may need at most. */
struct limits_ask {
    uint64_t tokens;  /* input estimate and the most that it may put out */
    uint64_t nanousd; /* what they would cost; 0: no price is known */
};

/* Zero is nothing reserved. */
struct limits_held {
    struct limits_entry *entry; /* the limits'; NULL: nothing */
    uint64_t tokens, nanousd;
};

enum limits_answer {
    LIMITS_IN,
    LIMITS_RATE,
    LIMITS_CONCURRENT,
    LIMITS_BUDGET,
    LIMITS_BUDGET_FLEX,
    LIMITS_BUDGET_WARN
};
struct limits_verdict {
    enum limits_answer answer;           /* IN and the last two let it in */
    int64_t retry_ms;                    /* of RATE and CONCURRENT */
    int64_t resets_s;                    /* of BUDGET: when the period ends, since 1970 */
    struct str what;                     /* static: "requests_per_minute", "usd_per_day", ... */
    uint64_t requests_left, tokens_left; /* UINT64_MAX: no limit */
};
/* Any thread. The client's own limits, then those of all. */
struct limits_verdict limits_admit(struct limits *l, struct str client,
                                   const struct limits_ask *ask, int64_t now_ms,
                                   struct limits_held *out);
/* What it really used: tokens as Bedrock counts them (cache reads are free), and what it cost. */
void limits_settle(struct limits *l, struct limits_held *held, uint64_t tokens, uint64_t nanousd,
                   int64_t now_ms);

#endif
