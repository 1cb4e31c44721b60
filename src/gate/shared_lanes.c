/* SPDX-License-Identifier: Apache-2.0
 *
 * Small tables by name (named.h), each with its own lock:
 *
 *     rates     model                          plan/pace
 *     tiers     model                          until when Flex and Priority are not asked for
 *     outputs   client, model                  tokens of an answer
 *     pools     client, model, kind            do they fill; until when no job is made of them
 *     callers   client, model, kind, workload  plan/linger
 *
 * Rates, outputs and whether pools fill are kept over a restart, by the keeper (cache_keeper.c): at
 * a call a second what waits could miss its deadline. The rest is learned again within minutes. A
 * clock that went back ends what was to last longer than anything lasts.
 */
#include "weir/gate/shared_lanes.h"

#include "named.h"

#include "weir/base/limits.h"
#include "weir/base/mem.h"
#include "weir/base/varint.h"
#include "weir/plan/linger.h"
#include "weir/plan/pace.h"

#include <stddef.h>
#include <string.h>

enum {
    DAY_MS = 86400 * 1000,
    REFUSED_AGAIN_MS = 7 * DAY_MS,
    THROTTLED_FIRST_MS = 60 * 1000,
    THROTTLED_MOST_MS = 3600 * 1000,
    CLOSED_FIRST_MS = 15 * 60 * 1000
};
/* What is newest counts a twentieth. */
static const double newest = 0.05;

struct rate {
    bool begun;
    struct pace pace;
};
struct tier {
    int64_t until_ms, lasts_ms;
    unsigned refusals, throttles; /* in a row */
};
struct tiers {
    struct tier of[LANES];
};
/* Of what was seen so often. */
struct mean {
    uint32_t times;
    double value;
};
struct pool {
    struct mean filled;
    int64_t closed_until_ms, closed_for_ms;
};

struct shared_lanes {
    struct named_table rates, tiers, outputs, pools, callers;
};

struct shared_lanes *shared_lanes_new(void)
{
    struct shared_lanes *s = mem_new(sizeof *s);
    named_init(&s->rates, LIMIT_LANES_MODELS, sizeof(struct rate));
    named_init(&s->tiers, LIMIT_LANES_MODELS, sizeof(struct tiers));
    named_init(&s->outputs, LIMIT_LANES_POOLS, sizeof(struct mean));
    named_init(&s->pools, LIMIT_LANES_POOLS, sizeof(struct pool));
    named_init(&s->callers, LIMIT_LANES_CALLERS, sizeof(struct linger));
    return s;
}

void shared_lanes_free(struct shared_lanes *s)
{
    if (!s)
        return;
    named_fini(&s->rates);
    named_fini(&s->tiers);
    named_fini(&s->outputs);
    named_fini(&s->pools);
    named_fini(&s->callers);
    mem_free(s);
}

/* --- a look into a table: from take to give its lock is held */

static void *take(struct named_table *t, struct str name)
{
    pthread_mutex_lock(&t->lock);
    return named_put(t, name);
}

/* NULL: it is not there. */
static void *take_known(struct named_table *t, struct str name)
{
    pthread_mutex_lock(&t->lock);
    return named_find(t, name);
}

static void give(struct named_table *t)
{
    pthread_mutex_unlock(&t->lock);
}

static void add_part(struct buf *name, struct str part)
{
    buf_add(name, part);
    buf_add_char(name, '\0');
}

static void *take_joined(struct named_table *t, bool make, const struct str *parts, size_t n)
{
    pthread_mutex_lock(&t->lock);
    buf_clear(&t->joined);
    for (size_t i = 0; i < n; i++)
        add_part(&t->joined, parts[i]);
    struct str name = buf_str(&t->joined);
    return make ? named_put(t, name) : named_find(t, name);
}

/* The means of what was seen so far, at first of all that was. */
static void mean_learn(struct mean *m, double value)
{
    double part = 1.0 / (m->times + 1.0);
    if (part > newest)
        m->times++;
    m->value += (value - m->value) * (part > newest ? part : newest);
}

/* --- rates */

static struct rate *take_rate(struct shared_lanes *s, struct str model, int64_t now_ms)
{
    struct rate *r = take(&s->rates, model);
    if (!r->begun)
        pace_init(&r->pace, now_ms);
    r->begun = true;
    return r;
}

/* ... and learns something. */
static struct pace *take_pace(struct shared_lanes *s, struct str model, int64_t now_ms)
{
    struct rate *r = take_rate(s, model, now_ms);
    named_changed(r);
    return &r->pace;
}

void shared_lanes_answered(struct shared_lanes *s, struct str model, int64_t now_ms)
{
    pace_good(take_pace(s, model, now_ms), 1, now_ms);
    give(&s->rates);
}

void shared_lanes_answered_ours(struct shared_lanes *s, struct str model, int64_t now_ms)
{
    pace_good_ours(take_pace(s, model, now_ms), now_ms);
    give(&s->rates);
}

void shared_lanes_throttled(struct shared_lanes *s, struct str model, int64_t now_ms)
{
    pace_throttled(take_pace(s, model, now_ms), now_ms);
    give(&s->rates);
}

double shared_lanes_rate(struct shared_lanes *s, struct str model, int64_t now_ms)
{
    double rate = pace_per_second(&take_rate(s, model, now_ms)->pace, now_ms);
    give(&s->rates);
    return rate;
}

bool shared_lanes_take(struct shared_lanes *s, struct str model, int64_t now_ms, int64_t *out_ms)
{
    bool may = pace_take(take_pace(s, model, now_ms), now_ms, out_ms);
    give(&s->rates);
    return may;
}

/* --- tiers */

static bool lasts(int64_t until_ms, int64_t lasts_ms, int64_t now_ms)
{
    return now_ms < until_ms && until_ms - now_ms <= lasts_ms;
}

bool shared_lanes_tier(struct shared_lanes *s, struct str model, enum lane tier, int64_t now_ms)
{
    const struct tiers *t = take_known(&s->tiers, model);
    bool may = !t || !lasts(t->of[tier].until_ms, t->of[tier].lasts_ms, now_ms);
    give(&s->tiers);
    return may;
}

static int64_t doubled(int64_t first_ms, unsigned times, int64_t most_ms)
{
    int64_t ms = first_ms;
    while (times-- && ms < most_ms)
        ms *= 2;
    return ms < most_ms ? ms : most_ms;
}

/* Those that were on their way when it was refused first are no news. */
void shared_lanes_tier_refused(struct shared_lanes *s, struct str model, enum lane tier,
                               bool throttled, int64_t now_ms)
{
    struct tiers *all = take(&s->tiers, model);
    struct tier *t = &all->of[tier];
    if (!lasts(t->until_ms, t->lasts_ms, now_ms)) {
        t->lasts_ms = throttled ? doubled(THROTTLED_FIRST_MS, t->throttles++, THROTTLED_MOST_MS)
                      : t->refusals++ ? REFUSED_AGAIN_MS
                                      : DAY_MS;
        t->until_ms = now_ms + t->lasts_ms;
    }
    give(&s->tiers);
}

void shared_lanes_tier_taken(struct shared_lanes *s, struct str model, enum lane tier)
{
    struct tiers *t = take_known(&s->tiers, model);
    if (t)
        t->of[tier] = (struct tier){0};
    give(&s->tiers);
}

/* --- what answers use */

void shared_lanes_used(struct shared_lanes *s, struct str client, struct str model,
                       uint64_t output_tokens)
{
    struct mean *m = take_joined(&s->outputs, true, (struct str[]){client, model}, 2);
    mean_learn(m, (double)output_tokens);
    named_changed(m);
    give(&s->outputs);
}

uint64_t shared_lanes_output(struct shared_lanes *s, struct str client, struct str model)
{
    const struct mean *m = take_joined(&s->outputs, false, (struct str[]){client, model}, 2);
    double mean = m ? m->value : 0;
    give(&s->outputs);
    return mean < (double)USAGE_MOST_TOKENS ? (uint64_t)(mean + 0.5) : USAGE_MOST_TOKENS;
}

/* --- pools */

static struct pool *take_pool(struct shared_lanes *s, const struct shared_lanes_pool *p, bool make)
{
    return take_joined(&s->pools, make,
                       (struct str[]){p->client, p->model, batch_kind_word(p->kind)}, 3);
}

void shared_lanes_filled(struct shared_lanes *s, const struct shared_lanes_pool *p, bool filled)
{
    struct pool *pool = take_pool(s, p, true);
    mean_learn(&pool->filled, filled ? 1 : 0);
    named_changed(pool);
    if (filled)
        pool->closed_for_ms = 0;
    give(&s->pools);
}

/* As if one that filled and one that did not had been seen before. */
double shared_lanes_fills(struct shared_lanes *s, const struct shared_lanes_pool *p)
{
    const struct pool *pool = take_pool(s, p, false);
    double times = pool ? pool->filled.times : 0, filled = pool ? pool->filled.value * times : 0;
    give(&s->pools);
    return (filled + 1) / (times + 2);
}

int64_t shared_lanes_close(struct shared_lanes *s, const struct shared_lanes_pool *p,
                           int64_t now_ms)
{
    struct pool *pool = take_pool(s, p, true);
    if (!lasts(pool->closed_until_ms, pool->closed_for_ms, now_ms)) {
        pool->closed_for_ms =
            pool->closed_for_ms ? doubled(pool->closed_for_ms, 1, DAY_MS) : CLOSED_FIRST_MS;
        pool->closed_until_ms = now_ms + pool->closed_for_ms;
    }
    int64_t until_ms = pool->closed_until_ms;
    give(&s->pools);
    return until_ms;
}

bool shared_lanes_open(struct shared_lanes *s, const struct shared_lanes_pool *p, int64_t now_ms)
{
    const struct pool *pool = take_pool(s, p, false);
    bool open = !pool || !lasts(pool->closed_until_ms, pool->closed_for_ms, now_ms);
    give(&s->pools);
    return open;
}

static void forgive_callers(struct shared_lanes *s, struct buf *name)
{
    struct linger seen;
    for (size_t i = 0; named_copy(&s->callers, i, name, &seen); i++) {
        struct linger *l = take_known(&s->callers, buf_str(name));
        if (l)
            linger_forgive(l);
        give(&s->callers);
    }
}

void shared_lanes_reopen(struct shared_lanes *s)
{
    struct buf name = {0};
    struct pool seen;
    for (size_t i = 0; named_copy(&s->pools, i, &name, &seen); i++) {
        struct pool *pool = take_known(&s->pools, buf_str(&name));
        if (pool)
            pool->closed_until_ms = pool->closed_for_ms = 0;
        give(&s->pools);
    }
    forgive_callers(s, &name);
    buf_fini(&name);
}

/* --- callers */

static struct linger *take_caller(struct shared_lanes *s, const struct shared_lanes_pool *p,
                                  struct str workload, bool make)
{
    return take_joined(&s->callers, make,
                       (struct str[]){p->client, p->model, batch_kind_word(p->kind), workload}, 4);
}

void shared_lanes_held(struct shared_lanes *s, const struct shared_lanes_pool *p,
                       struct str workload)
{
    linger_held(take_caller(s, p, workload, true));
    give(&s->callers);
}

/* One that gave way meanwhile is forgotten. */
void shared_lanes_left(struct shared_lanes *s, const struct shared_lanes_pool *p,
                       struct str workload)
{
    struct linger *l = take_caller(s, p, workload, false);
    if (l)
        linger_left(l);
    give(&s->callers);
}

static bool judge(struct shared_lanes *s, struct str name, uint32_t least, int64_t now_ms)
{
    struct linger *l = take_known(&s->callers, name);
    bool closed = l && linger_judge(l, least, now_ms);
    give(&s->callers);
    return closed;
}

unsigned shared_lanes_judge(struct shared_lanes *s, const struct shared_lanes_pool *p,
                            uint32_t least, int64_t now_ms)
{
    struct buf pool = {0}, name = {0};
    struct linger seen;
    unsigned closed = 0;
    add_part(&pool, p->client);
    add_part(&pool, p->model);
    add_part(&pool, batch_kind_word(p->kind));
    for (size_t i = 0; named_copy(&s->callers, i, &name, &seen); i++)
        if (seen.most && str_starts(buf_str(&name), buf_str(&pool)))
            closed += judge(s, buf_str(&name), least, now_ms);
    buf_fini(&pool);
    buf_fini(&name);
    return closed;
}

bool shared_lanes_may(struct shared_lanes *s, const struct shared_lanes_pool *p,
                      struct str workload, int64_t now_ms)
{
    const struct linger *l = take_caller(s, p, workload, false);
    bool may = !l || linger_may(l, now_ms);
    give(&s->callers);
    return may;
}

void shared_lanes_asks(struct shared_lanes *s, const struct shared_lanes_pool *p,
                       struct str workload, uint32_t least)
{
    linger_asks(take_caller(s, p, workload, true), least);
    give(&s->callers);
}

void shared_lanes_asked(struct shared_lanes *s, const struct shared_lanes_pool *p,
                        struct str workload)
{
    struct linger *l = take_caller(s, p, workload, false);
    if (l)
        linger_asked(l);
    give(&s->callers);
}

/* --- kept */

enum { FORM = 1, PARTS = 1000000, TIMES_MOST = 1000, KIND_BYTES = 2 };
static const struct str of_rates = STR("r "), of_outputs = STR("o "), of_pools = STR("p ");

static void mean_write(const struct mean *m, struct buf *out)
{
    char bytes[1 + 2 * VARINT_MOST], *at = bytes;
    *at++ = FORM;
    at = varint_put(at, m->times);
    at = varint_put(at, (uint64_t)(m->value * PARTS));
    buf_add(out, str_from(bytes, (size_t)(at - bytes)));
}

static bool mean_read(struct str bytes, double most, struct mean *out)
{
    uint64_t times, value;
    struct str rest = str_from_offset(bytes, 1);
    if (bytes.len == 0 || bytes.ptr[0] != FORM || !varint_take(&rest, &times) ||
        !varint_take(&rest, &value) || rest.len || times > TIMES_MOST ||
        (double)value > most * PARTS)
        return false;
    *out = (struct mean){(uint32_t)times, (double)value / PARTS};
    return true;
}

struct telling {
    struct buf name, kept_name, bytes;
    void (*each)(void *arg, struct str name, struct str bytes);
    void *arg;
};

static void tell(struct telling *t, struct str kind)
{
    buf_clear(&t->kept_name);
    buf_add(&t->kept_name, kind);
    buf_add(&t->kept_name, buf_str(&t->name));
    t->each(t->arg, buf_str(&t->kept_name), buf_str(&t->bytes));
    buf_clear(&t->bytes);
}

void shared_lanes_each_changed(struct shared_lanes *s,
                               void (*each)(void *arg, struct str name, struct str bytes),
                               void *arg)
{
    struct telling t = {.each = each, .arg = arg};
    struct rate r;
    struct mean m;
    struct pool p;
    for (size_t i = 0; named_take(&s->rates, &i, &t.name, &r); tell(&t, of_rates))
        pace_write(&r.pace, &t.bytes);
    for (size_t i = 0; named_take(&s->outputs, &i, &t.name, &m); tell(&t, of_outputs))
        mean_write(&m, &t.bytes);
    for (size_t i = 0; named_take(&s->pools, &i, &t.name, &p); tell(&t, of_pools))
        mean_write(&p.filled, &t.bytes);
    buf_fini(&t.name);
    buf_fini(&t.kept_name);
    buf_fini(&t.bytes);
}

void shared_lanes_all_changed(struct shared_lanes *s)
{
    named_all_changed(&s->rates);
    named_all_changed(&s->outputs);
    named_all_changed(&s->pools);
}

/* The engine may have asked for it already. What cannot be read adds nothing. */
static void restore_rate(struct shared_lanes *s, struct str model, struct str bytes, int64_t now_ms)
{
    int rc = pace_read(bytes, &take_rate(s, model, now_ms)->pace, now_ms);
    give(&s->rates);
    (void)rc;
}

static void restore_mean(struct named_table *t, struct str name, size_t offset,
                         const struct mean *kept)
{
    struct mean *m = (void *)((char *)take(t, name) + offset);
    if (m->times == 0)
        *m = *kept;
    give(t);
}

void shared_lanes_restore_named(struct shared_lanes *s, struct str name, struct str bytes,
                                int64_t now_ms)
{
    struct str kind = str_sub(name, 0, KIND_BYTES), rest = str_from_offset(name, KIND_BYTES);
    struct mean m;
    if (str_eq(kind, of_rates))
        restore_rate(s, rest, bytes, now_ms);
    else if (str_eq(kind, of_outputs) && mean_read(bytes, (double)USAGE_MOST_TOKENS, &m))
        restore_mean(&s->outputs, rest, 0, &m);
    else if (str_eq(kind, of_pools) && mean_read(bytes, 1, &m))
        restore_mean(&s->pools, rest, offsetof(struct pool, filled), &m);
}
