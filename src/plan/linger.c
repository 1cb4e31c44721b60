/* SPDX-License-Identifier: Apache-2.0
 *
 * Who never has enough requests in flight to fill a job is not held for an hour, then two, up to a
 * day; one pool that it fills by itself and all is forgotten. Who held nothing since it was judged
 * last is not judged. Who has enough under way at a time while it is not held is held again.
 */
#include "weir/plan/linger.h"

void linger_held(struct linger *l)
{
    l->in_flight++;
    if (l->in_flight > l->most)
        l->most = l->in_flight;
}

void linger_left(struct linger *l)
{
    if (l->in_flight)
        l->in_flight--;
}

static int64_t closed_ms(unsigned closes)
{
    int64_t ms = LINGER_FIRST_MS;
    while (--closes && ms < LINGER_MOST_MS)
        ms *= 2;
    return ms < LINGER_MOST_MS ? ms : LINGER_MOST_MS;
}

bool linger_judge(struct linger *l, uint32_t least, int64_t now_ms)
{
    uint32_t most = l->most;
    l->most = 0; /* what stays in flight counts again when more is held */
    if (most >= least)
        l->misses = l->closes = 0;
    if (!most || most >= least || ++l->misses < LINGER_MISSES)
        return false;
    l->misses = 0;
    l->closes++;
    l->closed_until_ms = now_ms + closed_ms(l->closes);
    return true;
}

void linger_forgive(struct linger *l)
{
    l->misses = l->closes = 0;
    l->closed_until_ms = 0;
}

void linger_asks(struct linger *l, uint32_t least)
{
    if (++l->asking >= least)
        linger_forgive(l);
}

void linger_asked(struct linger *l)
{
    if (l->asking)
        l->asking--;
}

bool linger_may(const struct linger *l, int64_t now_ms)
{
    return now_ms >= l->closed_until_ms || l->closed_until_ms - now_ms > LINGER_MOST_MS;
}
