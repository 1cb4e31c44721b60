/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits as pure structures: the time is an argument, the memory the caller's, no lock.
 */
#ifndef WEIR_PLAN_LIMIT_H
#define WEIR_PLAN_LIMIT_H

#include "weir/base/str.h"

/* So many a minute, as a bucket that fills evenly and holds one minute's worth. Taking more than is
 * in it is refused; giving back what was not used, and taking what was used beyond the reservation,
 * may leave it above or below: below zero it waits until it has filled again. */
struct limit_rate {
    uint64_t per_minute; /* 0: no limit */
    int64_t level;       /* in sixty-thousandths: so many flow in within a millisecond */
    int64_t at_ms;       /* when level was true */
};
/* A changed limit keeps the share that was left. */
void limit_rate_set(struct limit_rate *r, uint64_t per_minute, int64_t now_ms);
/* 0: taken. Else the milliseconds until so much is there (for Retry-After); INT64_MAX: never, since
 * it is more than a minute's worth. */
int64_t limit_rate_take(struct limit_rate *r, uint64_t n, int64_t now_ms);
void limit_rate_adjust(struct limit_rate *r, int64_t taken_more, int64_t now_ms);
uint64_t limit_rate_left(const struct limit_rate *r, int64_t now_ms);

/* Money in a period: spent is in the book, reserved is under way, waiting is expected of what was
 * accepted and has no answer yet. */
struct limit_budget {
    uint64_t most_nanousd; /* 0: no limit */
    uint64_t spent_nanousd, reserved_nanousd;
    uint64_t waiting_nanousd; /* whoever knows it sets it */
    int64_t period;           /* which day or month it counts */
};
bool limit_budget_reserve(struct limit_budget *b, uint64_t nanousd, int64_t period);
/* Reserves even what is not there: for those that are let in all the same. */
void limit_budget_hold(struct limit_budget *b, uint64_t nanousd, int64_t period);
/* Of the period: all three together. */
uint64_t limit_budget_gone(const struct limit_budget *b);
/* What was reserved is given back, what it cost is spent, in the period of its end. */
void limit_budget_settle(struct limit_budget *b, uint64_t reserved, uint64_t cost, int64_t period);
/* Begins a new period. All of them do it; for those who only look. */
void limit_budget_turn(struct limit_budget *b, int64_t period);

/* UTC. Days since 1970; months since 1970; and when the next one begins, seconds since 1970. */
int64_t limit_day(int64_t now_ms);
int64_t limit_month(int64_t now_ms);
int64_t limit_next_day_s(int64_t now_ms);
int64_t limit_next_month_s(int64_t now_ms);

#endif
