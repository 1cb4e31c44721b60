/* SPDX-License-Identifier: Apache-2.0
 *
 * The greatest rollup that fits at each place, one after the other.
 */
#include "cover.h"

/* So that a caller in slices is never long in here. */
enum { PIECE_MOST = 2048 };

uint32_t cover_period(const struct cover *c, uint32_t minute)
{
    return c->period ? minute - minute % c->period : 0;
}

static bool fits(const struct cover *c, uint32_t unit)
{
    return c->at % unit == 0 && c->until - c->at >= unit &&
           cover_period(c, c->at) == cover_period(c, c->at + unit - 1);
}

static struct cover_piece greatest(const struct cover *c)
{
    if (c->at < c->hours_from || fits(c, COVER_DAY))
        return (struct cover_piece){TABLE_DAYS, COVER_DAY, c->at / COVER_DAY, 0};
    if (c->at < c->minutes_from || fits(c, COVER_HOUR))
        return (struct cover_piece){TABLE_HOURS, COVER_HOUR, c->at / COVER_HOUR, 0};
    return (struct cover_piece){TABLE_MINUTES, 1, c->at, 0};
}

bool cover_next(struct cover *c, struct cover_piece *out)
{
    if (c->at >= c->until)
        return false;
    struct cover_piece piece = greatest(c), next = piece;
    for (uint32_t n = 0; n < PIECE_MOST && next.table == piece.table; n++) {
        piece.last = next.first + 1;
        c->at = piece.last * piece.unit;
        if (c->at >= c->until)
            break;
        next = greatest(c);
    }
    *out = piece;
    return true;
}

static uint32_t unit_at(const struct cover *c, uint32_t minute)
{
    if (minute < c->hours_from)
        return COVER_DAY;
    return minute < c->minutes_from ? COVER_HOUR : 1;
}

void cover_grown(const struct cover *c, uint32_t *from, uint32_t *until)
{
    if (*from >= *until)
        return;
    uint32_t first = unit_at(c, *from), last = unit_at(c, *until - 1);
    *from -= *from % first;
    *until += (last - *until % last) % last;
}
