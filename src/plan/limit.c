/* SPDX-License-Identifier: Apache-2.0
 *
 * Buckets and budgets. A bucket counts in sixty-thousandths of one, so that what flows into it in a
 * millisecond is exactly `per_minute` of them: nothing is rounded, nothing drifts. More a minute
 * than RATE_MOST is taken as that, so that a full bucket fits in 63 bits.
 *
 * A clock that goes back fills nothing and takes nothing; what it went back is not waited for. Of
 * one that goes back by one period a budget takes no notice: around midnight that is the clock's
 * small correction, and what was spent must not be forgotten for it.
 */
#include "weir/plan/limit.h"

enum { MINUTE_MS = 60 * 1000, DAY_MS = 24 * 60 * MINUTE_MS, DAY_S = 24 * 60 * 60 };

/* Parts of one. */
static const int64_t ONE = MINUTE_MS;
static const uint64_t RATE_MOST = 100000000000000;

__extension__ typedef __int128 wide;

/* --- so many a minute */

static int64_t full(uint64_t per_minute)
{
    return (int64_t)(per_minute < RATE_MOST ? per_minute : RATE_MOST) * ONE;
}

static int64_t within(wide n, int64_t most)
{
    return n > most ? most : n < INT64_MIN ? INT64_MIN : (int64_t)n;
}

static void fill(struct limit_rate *r, int64_t now_ms)
{
    wide passed = (wide)now_ms - r->at_ms;
    r->at_ms = now_ms;
    if (passed > 0)
        r->level = within(r->level + passed * (full(r->per_minute) / ONE), full(r->per_minute));
}

void limit_rate_set(struct limit_rate *r, uint64_t per_minute, int64_t now_ms)
{
    int64_t before = full(r->per_minute), now = full(per_minute);
    fill(r, now_ms);
    r->level = before ? within((wide)r->level * now / before, now) : now;
    r->per_minute = per_minute;
}

int64_t limit_rate_take(struct limit_rate *r, uint64_t n, int64_t now_ms)
{
    int64_t most = full(r->per_minute);
    if (r->per_minute == 0)
        return 0;
    fill(r, now_ms);
    if ((wide)n * ONE > most)
        return INT64_MAX;
    wide lacks = (wide)n * ONE - r->level;
    if (lacks <= 0) {
        r->level -= (int64_t)n * ONE;
        return 0;
    }
    int64_t a_ms = most / ONE;
    return within((lacks + a_ms - 1) / a_ms, INT64_MAX - 1);
}

void limit_rate_adjust(struct limit_rate *r, int64_t taken_more, int64_t now_ms)
{
    if (r->per_minute == 0)
        return;
    fill(r, now_ms);
    r->level = within(r->level - (wide)taken_more * ONE, full(r->per_minute));
}

uint64_t limit_rate_left(const struct limit_rate *r, int64_t now_ms)
{
    struct limit_rate then = *r;
    if (r->per_minute == 0)
        return UINT64_MAX;
    fill(&then, now_ms);
    return then.level > 0 ? (uint64_t)(then.level / ONE) : 0;
}

/* --- money */

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* What is reserved goes on into the next period: it will end there. */
void limit_budget_turn(struct limit_budget *b, int64_t period)
{
    if (period == b->period || (b->period != INT64_MIN && period == b->period - 1))
        return;
    b->period = period;
    b->spent_nanousd = 0;
}

uint64_t limit_budget_gone(const struct limit_budget *b)
{
    return sum(sum(b->spent_nanousd, b->reserved_nanousd), b->waiting_nanousd);
}

bool limit_budget_reserve(struct limit_budget *b, uint64_t nanousd, int64_t period)
{
    limit_budget_turn(b, period);
    uint64_t gone = limit_budget_gone(b);
    if (b->most_nanousd && (gone > b->most_nanousd || nanousd > b->most_nanousd - gone))
        return false;
    b->reserved_nanousd = sum(b->reserved_nanousd, nanousd);
    return true;
}

void limit_budget_hold(struct limit_budget *b, uint64_t nanousd, int64_t period)
{
    limit_budget_turn(b, period);
    b->reserved_nanousd = sum(b->reserved_nanousd, nanousd);
}

void limit_budget_settle(struct limit_budget *b, uint64_t reserved, uint64_t cost, int64_t period)
{
    limit_budget_turn(b, period);
    b->reserved_nanousd -= reserved < b->reserved_nanousd ? reserved : b->reserved_nanousd;
    b->spent_nanousd = sum(b->spent_nanousd, cost);
}

/* --- the calendar */

int64_t limit_day(int64_t now_ms)
{
    return now_ms / DAY_MS - (now_ms % DAY_MS < 0);
}

/* Years of this count begin in March: the leap day is then a year's last, and the months are 31 30
 * 31 30 31, 31 30 31 30 31, 31 28. Within a cycle of 400 years all is positive. */
static int64_t month_of_day(int64_t day)
{
    enum { CYCLE_DAYS = 146097, TO_1970 = 719468 /* from 1 March of the year 0 */ };
    int64_t cycle = (day + TO_1970) / CYCLE_DAYS - ((day + TO_1970) % CYCLE_DAYS < 0);
    int64_t d = day + TO_1970 - cycle * CYCLE_DAYS;
    int64_t year = (d - d / 1460 + d / 36524 - d / (CYCLE_DAYS - 1)) / 365;
    int64_t month = (5 * (d - (365 * year + year / 4 - year / 100)) + 2) / 153;
    return (cycle * 400 + year - 1970) * 12 + 2 + month;
}

int64_t limit_month(int64_t now_ms)
{
    return month_of_day(limit_day(now_ms));
}

int64_t limit_next_day_s(int64_t now_ms)
{
    return (limit_day(now_ms) + 1) * DAY_S;
}

int64_t limit_next_month_s(int64_t now_ms)
{
    int64_t day = limit_day(now_ms), month = month_of_day(day);
    while (month_of_day(day) == month)
        day++;
    return day * DAY_S;
}
