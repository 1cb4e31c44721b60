/* SPDX-License-Identifier: Apache-2.0
 *
 * Age first: records by book.keep_requests, rollups after 13 months. Then size: records, which are
 * most of the book and whose sums stay, then old minutes, whose hours stay.
 *
 * What is forgotten does not come back, so a wall clock that is far ahead is not believed at once.
 */
#include "prune.h"

#include "weir/base/clock.h"

enum { MINUTE_MS = 60 * 1000, DAY_MINUTES = 24 * 60 };

static const struct {
    enum table table;
    uint64_t unit_ms, whole; /* how many units go at once */
} aging[] = {
    {TABLE_MINUTES, MINUTE_MS, 60},
    {TABLE_HOURS, 60 * MINUTE_MS, 24},
    {TABLE_DAYS, (uint64_t)DAY_MINUTES *MINUTE_MS, 1},
    {TABLE_GAPS, 1, 1},
};

static uint64_t before(int64_t now_ms, uint64_t span_ms)
{
    return now_ms > 0 && (uint64_t)now_ms > span_ms ? (uint64_t)now_ms - span_ms : 0;
}

static bool too_old(const struct prune_view *v, struct prune_order *out)
{
    uint64_t keep = v->keep_requests_ms > 0 ? (uint64_t)v->keep_requests_ms : 0;
    *out = (struct prune_order){TABLE_RECORDS, before(v->now_ms, keep)};
    if (v->has[TABLE_RECORDS] && v->first[TABLE_RECORDS] < out->below)
        return true;
    uint64_t oldest_ms = before(v->now_ms, (uint64_t)PRUNE_KEEP_DAYS * DAY_MINUTES * MINUTE_MS);
    for (size_t i = 0; i < sizeof aging / sizeof *aging; i++) {
        uint64_t below = oldest_ms / aging[i].unit_ms / aging[i].whole * aging[i].whole;
        *out = (struct prune_order){aging[i].table, below};
        if (v->has[aging[i].table] && v->first[aging[i].table] < below)
            return true;
    }
    return false;
}

bool prune_next(const struct prune_view *v, struct prune_order *out)
{
    if (too_old(v, out))
        return true;
    if (v->used_bytes < v->limit_bytes / 100 * PRUNE_AT_PERCENT)
        return false;
    *out = (struct prune_order){TABLE_RECORDS, UINT64_MAX};
    if (v->has[TABLE_RECORDS])
        return true;
    uint64_t young = before(v->now_ms, (uint64_t)PRUNE_MINUTES_DAYS * DAY_MINUTES * MINUTE_MS);
    uint64_t hour_end = (v->first[TABLE_MINUTES] / 60 + 1) * 60;
    *out = (struct prune_order){TABLE_MINUTES, hour_end};
    return v->has[TABLE_MINUTES] && hour_end <= young / MINUTE_MS;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void prune_clock_open(struct prune_clock *k, int64_t known_ms, int64_t wall_ms, int64_t mono_ns)
{
    int64_t most = known_ms > 0 ? known_ms + PRUNE_OPEN_MS : wall_ms;
    *k = (struct prune_clock){.base_ms = least(wall_ms, most), .base_ns = mono_ns};
}

/* Has the wall clock gone on from there, as a clock does, for long enough? */
static bool is_believed(struct prune_clock *k, int64_t wall_ms, int64_t mono_ns)
{
    int64_t since_ms = (mono_ns - k->ahead_ns) / NS_A_MS;
    int64_t stray_ms = wall_ms - k->ahead_ms - since_ms;
    if (k->ahead_ms && stray_ms < PRUNE_AHEAD_MS && stray_ms > -PRUNE_AHEAD_MS)
        return since_ms >= PRUNE_BELIEVE_MS;
    k->ahead_ms = wall_ms;
    k->ahead_ns = mono_ns;
    return false;
}

int64_t prune_clock_now(struct prune_clock *k, int64_t wall_ms, int64_t mono_ns)
{
    int64_t most = k->base_ms + (mono_ns - k->base_ns) / NS_A_MS + PRUNE_AHEAD_MS;
    if (wall_ms <= most) {
        k->ahead_ms = 0;
        return wall_ms;
    }
    if (!is_believed(k, wall_ms, mono_ns))
        return most;
    *k = (struct prune_clock){.base_ms = wall_ms, .base_ns = mono_ns};
    return wall_ms;
}

uint32_t prune_minute(int64_t record_ms, uint32_t closed, int64_t now_ms)
{
    int64_t own = record_ms / MINUTE_MS, now = now_ms / MINUTE_MS;
    if (own < 0)
        own = 0;
    if (own > UINT32_MAX)
        own = UINT32_MAX;
    if (own <= (int64_t)closed && (int64_t)closed <= now + PRUNE_CLOSED_AHEAD_MIN)
        return closed + 1;
    return (uint32_t)own;
}
