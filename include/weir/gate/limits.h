/* SPDX-License-Identifier: Apache-2.0
 *
 * The limits of all clients, shared by all workers: plan/limit's structures by client name, each
 * with a lock held for a look. They live as long as the daemon, so that a reload resets nothing.
 *
 *     limits_admit --> a reservation --> limits_settle, exactly once
 *
 * What waits in the spool is expected to cost something: that is in the way of others, too, from
 * the moment it is held until its end is charged.
 *
 * What a client spent in a period is what the book held before this process wrote anything into it
 * (clerk_spent), and what this process settled. So nothing counts twice, and after a restart
 * nothing is missing but what did not reach the book.
 */
#ifndef WEIR_GATE_LIMITS_H
#define WEIR_GATE_LIMITS_H

#include "weir/book/clerk.h"
#include "weir/gate/config.h"
#include "weir/plan/limit.h"

struct limits;
struct limits *limits_new(void);
void limits_free(struct limits *l);
/* In the office: the limits of this configuration hold from now on. `clerk` NULL: no book is kept.
 * False: the book was not open yet, and budgets begin at nothing until it is; ask again. */
bool limits_follow(struct limits *l, const struct config *c, struct clerk *clerk, int64_t now_ms);

/* What a request may need at most. */
struct limits_ask {
    uint64_t tokens;  /* input estimate and the most that it may put out */
    uint64_t nanousd; /* what they would cost; 0: no price is known */
    bool can_flex;    /* its model has the cheaper tier: without it then: flex is reject */
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
    int64_t retry_ms;                    /* of RATE and CONCURRENT; INT64_MAX: never, too large */
    int64_t resets_s;                    /* of BUDGET: when the period ends, since 1970 */
    struct str what;                     /* static: "requests_per_minute", "usd_per_day", ... */
    bool of_all;                         /* not the client's own limit, but that of all together */
    bool first;                          /* of FLEX and WARN: of this client in this period */
    uint64_t requests_left, tokens_left; /* UINT64_MAX: no limit */
};
/* Any thread. The client's own limits, those of all, then its budgets; what was taken is given back
 * when one of them refuses. A client that is not in the configuration has those of all alone. */
struct limits_verdict limits_admit(struct limits *l, struct str client,
                                   const struct limits_ask *ask, int64_t now_ms,
                                   struct limits_held *out);
/* Any thread. A refusal that was told to its client is counted. */
void limits_refused(struct limits *l, struct str client, const struct limits_verdict *v);
/* Any thread. What it really used: tokens as Bedrock counts them (cache reads are free), and what
 * it cost: the cost of its record, in the period of its end. */
void limits_settle(struct limits *l, struct limits_held *held, uint64_t tokens, uint64_t nanousd,
                   int64_t now_ms);

/* The same for what reserved nothing: the record of a request that waited, and whose exchange ended
 * long ago. `tokens`: 0 where no rate is meant. A client without limits of its own counts with all.
 */
void limits_charge(struct limits *l, struct str client, uint64_t tokens, uint64_t nanousd,
                   int64_t now_ms);

/* Any thread. So much what waits of this client is expected to cost, all of it; a client that is
 * not in the configuration has no budget, and must be told of again when it comes there. */
void limits_wait(struct limits *l, struct str client, uint64_t nanousd);

/* What can refuse. */
enum limits_kind {
    LIMITS_REQUESTS,
    LIMITS_TOKENS,
    LIMITS_RUNNING,
    LIMITS_DAY,
    LIMITS_MONTH,
    LIMITS_ALL_REQUESTS, /* these are of all together */
    LIMITS_ALL_TOKENS,
    LIMITS_ALL_RUNNING,
    LIMITS_KINDS
};
/* "requests_per_minute", ..., "all.requests_per_minute", ... */
struct str limits_kind_word(enum limits_kind kind);

/* How things stand; a limit of 0 is none. */
struct limits_view {
    struct str name; /* the limits'; empty: all together, and those without limits of their own */
    struct config_limits most;
    uint64_t requests_left, tokens_left, running;
    enum config_then then;
    struct limit_budget day, month;
    uint64_t limited[LIMITS_KINDS]; /* refused, of this client */
};
/* In the office: all together first, then the clients of the configuration, by name. */
void limits_each(struct limits *l, int64_t now_ms,
                 void (*each)(void *arg, const struct limits_view *v), void *arg);

#endif
