/* SPDX-License-Identifier: Apache-2.0
 *
 * When a pool becomes a job. Three reasons: it is full, the operator says so, or its time is up:
 * the oldest waited long enough, nobody else can come (all who could are held and nobody came
 * lately), or the deadline would soon allow no job of this size. A job that cannot be made at all
 * (too few, too little time, too big bodies, a closed pool) is no reason to wait: all go on demand.
 */
#include "weir/plan/pool.h"

enum { FILL_PERCENT = 90, QUIET_PART = 10 };

static uint32_t to_u32(double n)
{
    return n >= UINT32_MAX ? UINT32_MAX : n > 0 ? (uint32_t)n : 0;
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint64_t bytes_most(const struct pool_terms *t)
{
    uint64_t most = t->most_file_bytes < t->most_job_bytes ? t->most_file_bytes : t->most_job_bytes;
    return most / 100 * FILL_PERCENT;
}

/* As many as go on demand in half the time that is left. */
static uint32_t time_allows(const struct pool_view *v, const struct pool_terms *t)
{
    double left_ms = (double)v->deadline_ms - (double)t->now_ms;
    return to_u32(left_ms / 2000.0 * t->per_second);
}

/* How many of the oldest fit by size, as far as all are of the mean size. */
static uint32_t bytes_allow(const struct pool_view *v, const struct pool_terms *t)
{
    uint64_t most = bytes_most(t);
    if (v->bytes <= most)
        return UINT32_MAX;
    return to_u32((double)v->count * ((double)most / (double)v->bytes));
}

/* Of more than fit into one job: so many that the rest can be one, too, where both can. */
static uint32_t share(uint32_t count, uint32_t fit, uint32_t least)
{
    if (count <= fit)
        return count;
    if (count - fit >= least)
        return fit;
    return count - least >= least ? count - least : fit;
}

/* From then on half the time is too little for this many, or for the least that a job has. */
static int64_t last_call(const struct pool_view *v, const struct pool_terms *t)
{
    double rate = t->per_second > 0.001 ? t->per_second : 0.001;
    double ms = (v->count > t->least ? v->count : t->least) * 2000.0 / rate;
    return ms >= (double)v->deadline_ms ? 0 : v->deadline_ms - (int64_t)ms;
}

/* When its time is up. A clock that went back makes nobody wait longer than once more. */
static int64_t time_up_at(const struct pool_view *v, const struct pool_terms *t)
{
    int64_t up = v->oldest_ms > t->now_ms ? t->now_ms + t->linger_ms : v->oldest_ms + t->linger_ms;
    if (v->oldest_ms - t->now_ms > t->linger_ms)
        up = t->now_ms;
    if (v->held == v->count && v->newest_ms + t->linger_ms / QUIET_PART < up)
        up = v->newest_ms + t->linger_ms / QUIET_PART;
    int64_t last = last_call(v, t);
    return last < up ? last : up;
}

static struct pool_verdict all_direct(const struct pool_view *v, enum pool_why why, bool time_up)
{
    return (struct pool_verdict){.fate = POOL_DIRECT,
                                 .take = v->count,
                                 .take_bytes = UINT64_MAX,
                                 .why = why,
                                 .time_up = time_up};
}

struct pool_verdict pool_decide(const struct pool_view *v, const struct pool_terms *t)
{
    if (!v->count)
        return (struct pool_verdict){.fate = POOL_WAITS, .next_ms = INT64_MAX};
    uint32_t in_time = time_allows(v, t);
    uint32_t fit = lesser(lesser(t->most, in_time), bytes_allow(v, t));
    int64_t up_ms = time_up_at(v, t);
    bool full = v->count >= t->most || v->bytes >= bytes_most(t);
    bool up = !full && !t->flush && t->now_ms >= up_ms;
    if (t->closed)
        return all_direct(v, POOL_CLOSED, false);
    if (!full && !t->flush && !up)
        return (struct pool_verdict){.fate = POOL_WAITS, .next_ms = up_ms};
    if (v->count < t->least)
        return all_direct(v, POOL_FEW, up);
    if (fit < t->least)
        return all_direct(v, in_time < t->least ? POOL_LATE : POOL_LARGE, up);
    return (struct pool_verdict){.fate = POOL_JOB,
                                 .take = share(v->count, fit, t->least),
                                 .take_bytes = bytes_most(t),
                                 .time_up = up};
}
