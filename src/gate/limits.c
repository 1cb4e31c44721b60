/* SPDX-License-Identifier: Apache-2.0
 *
 * An entry for each client, and one for all together. Who looks at both locks the client's first
 * and that of all second, and holds both until it is decided: so a request that one of them refuses
 * was never in the way of another. Nothing waits under a lock.
 *
 *     table (read lock while admitting) --> entry's lock --> lock of all
 *
 * What a request reserved is counted whether or not there is a limit, so that one that a reload
 * sets finds what is under way. A client that went out of the configuration keeps its entry while
 * that says anything: until its periods are over and its buckets full.
 */
#include "weir/gate/limits.h"

#include "weir/base/mem.h"
#include "weir/book/spent.h"

#include <pthread.h>
#include <string.h>

enum {
    CONCURRENT_RETRY_MS = 1000, /* nobody knows when one of them ends */
    MONTH_DAYS = 31,
    MISSED_MOST = 2 /* workers may still have the setup before */
};

struct limits_entry {
    pthread_mutex_t lock;
    struct limit_rate requests, tokens;
    uint64_t most_running, running;
    uint64_t reserved_tokens;
    struct limit_budget day, month;
    int64_t told_day, told_month; /* the last periods of which the first refusal was told */
    enum config_then then;
    uint64_t limited[LIMITS_KINDS];
    bool has_past;   /* what the book had of it is in its budgets */
    unsigned missed; /* configurations without it */
    size_t name_len;
    char name[];
};

struct limits {
    pthread_rwlock_t table;
    struct limits_entry **entries; /* by name */
    size_t n, cap;
    struct limits_entry *all;
};

static const struct str words[LIMITS_KINDS] = {
    STR("requests_per_minute"),   STR("tokens_per_minute"), STR("concurrent"),
    STR("usd_per_day"),           STR("usd_per_month"),     STR("all.requests_per_minute"),
    STR("all.tokens_per_minute"), STR("all.concurrent")};

struct str limits_kind_word(enum limits_kind kind)
{
    return words[kind];
}

/* --- entries */

static struct limits_entry *entry_new(struct str name)
{
    struct limits_entry *e = mem_new(sizeof *e + name.len);
    pthread_mutex_init(&e->lock, NULL);
    e->told_day = e->told_month = INT64_MIN;
    e->name_len = name.len;
    if (name.len)
        memcpy(e->name, name.ptr, name.len);
    return e;
}

static void entry_free(struct limits_entry *e)
{
    pthread_mutex_destroy(&e->lock);
    mem_free(e);
}

static struct str name_of(const struct limits_entry *e)
{
    return str_from(e->name, e->name_len);
}

/* Where it is or belongs. */
static size_t place_of(const struct limits *l, struct str name)
{
    size_t low = 0, high = l->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (str_cmp(name_of(l->entries[middle]), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct limits_entry *find(const struct limits *l, struct str name)
{
    size_t at = place_of(l, name);
    return at < l->n && str_eq(name_of(l->entries[at]), name) ? l->entries[at] : NULL;
}

static struct limits_entry *find_or_add(struct limits *l, struct str name)
{
    struct limits_entry *e = find(l, name);
    if (e)
        return e;
    size_t at = place_of(l, name);
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 16;
        l->entries = mem_grow(l->entries, l->cap * sizeof(*l->entries));
    }
    memmove(l->entries + at + 1, l->entries + at, (l->n++ - at) * sizeof(*l->entries));
    return l->entries[at] = entry_new(name);
}

struct limits *limits_new(void)
{
    struct limits *l = mem_new(sizeof *l);
    pthread_rwlock_init(&l->table, NULL);
    l->all = entry_new(S(""));
    return l;
}

void limits_free(struct limits *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->n; i++)
        entry_free(l->entries[i]);
    entry_free(l->all);
    mem_free(l->entries);
    pthread_rwlock_destroy(&l->table);
    mem_free(l);
}

/* `e` may be that of all: then it alone. */
static void lock(struct limits *l, struct limits_entry *e)
{
    pthread_mutex_lock(&e->lock);
    if (e != l->all)
        pthread_mutex_lock(&l->all->lock);
}

static void unlock(struct limits *l, struct limits_entry *e)
{
    if (e != l->all)
        pthread_mutex_unlock(&l->all->lock);
    pthread_mutex_unlock(&e->lock);
}

/* --- admit */

static bool refuse(struct limits_verdict *v, enum limits_answer answer, enum limits_kind kind,
                   int64_t retry_ms)
{
    v->answer = answer;
    v->what = words[kind];
    v->retry_ms = retry_ms;
    return false;
}

static int64_t change(uint64_t used, uint64_t reserved)
{
    uint64_t n = used > reserved ? used - reserved : reserved - used;
    int64_t most = n > INT64_MAX ? INT64_MAX : (int64_t)n;
    return used > reserved ? most : -most;
}

static void end_tokens(struct limits_entry *e, uint64_t reserved, uint64_t used, int64_t now_ms)
{
    e->running--;
    e->reserved_tokens -= reserved;
    limit_rate_adjust(&e->tokens, change(used, reserved), now_ms);
}

static void settle_money(struct limits_entry *e, uint64_t reserved, uint64_t used, int64_t now_ms)
{
    limit_budget_settle(&e->day, reserved, used, limit_day(now_ms));
    limit_budget_settle(&e->month, reserved, used, limit_month(now_ms));
}

static void give_back(struct limits_entry *e, const struct limits_ask *ask, int64_t now_ms)
{
    limit_rate_adjust(&e->requests, -1, now_ms);
    end_tokens(e, ask->tokens, 0, now_ms);
}

static bool take(struct limits_entry *e, const struct limits_ask *ask, int64_t now_ms,
                 struct limits_verdict *v)
{
    int64_t wait_ms = limit_rate_take(&e->requests, 1, now_ms);
    if (wait_ms)
        return refuse(v, LIMITS_RATE, LIMITS_REQUESTS, wait_ms);
    wait_ms = limit_rate_take(&e->tokens, ask->tokens, now_ms);
    if (wait_ms) {
        limit_rate_adjust(&e->requests, -1, now_ms);
        return refuse(v, LIMITS_RATE, LIMITS_TOKENS, wait_ms);
    }
    e->running++;
    e->reserved_tokens += ask->tokens;
    if (e->most_running == 0 || e->running <= e->most_running)
        return true;
    give_back(e, ask, now_ms);
    return refuse(v, LIMITS_CONCURRENT, LIMITS_RUNNING, CONCURRENT_RETRY_MS);
}

static bool is_first(int64_t *told, int64_t period)
{
    bool first = *told != period;
    *told = period;
    return first;
}

/* It is let in all the same: what it needs counts. */
static bool go_beyond(struct limits_entry *e, uint64_t nanousd, bool day, bool month,
                      struct limits_verdict *v)
{
    v->answer = e->then == THEN_FLEX ? LIMITS_BUDGET_FLEX : LIMITS_BUDGET_WARN;
    if (!day) {
        limit_budget_hold(&e->day, nanousd, e->day.period);
        v->first |= is_first(&e->told_day, e->day.period);
    }
    if (!month) {
        limit_budget_hold(&e->month, nanousd, e->month.period);
        v->first |= is_first(&e->told_month, e->month.period);
    }
    return true;
}

static bool take_money(struct limits_entry *e, const struct limits_ask *ask, int64_t now_ms,
                       struct limits_verdict *v)
{
    uint64_t nanousd = ask->nanousd;
    int64_t today = limit_day(now_ms), this_month = limit_month(now_ms);
    bool day = limit_budget_reserve(&e->day, nanousd, today);
    bool month = limit_budget_reserve(&e->month, nanousd, this_month);
    if (day && month)
        return true;
    (void)refuse(v, LIMITS_BUDGET, month ? LIMITS_DAY : LIMITS_MONTH, 0);
    v->resets_s = month ? limit_next_day_s(now_ms) : limit_next_month_s(now_ms);
    if (e->then == THEN_WARN || (e->then == THEN_FLEX && ask->can_flex))
        return go_beyond(e, nanousd, day, month, v);
    if (day)
        limit_budget_settle(&e->day, nanousd, 0, today);
    if (month)
        limit_budget_settle(&e->month, nanousd, 0, this_month);
    return false;
}

static bool take_of_all(struct limits *l, const struct limits_ask *ask, int64_t now_ms,
                        struct limits_verdict *v)
{
    v->of_all = !take(l->all, ask, now_ms, v);
    return !v->of_all;
}

/* All or nothing. */
static bool take_whole(struct limits *l, struct limits_entry *e, const struct limits_ask *ask,
                       int64_t now_ms, struct limits_verdict *v)
{
    if (e == l->all)
        return take_of_all(l, ask, now_ms, v);
    if (!take(e, ask, now_ms, v))
        return false;
    if (take_of_all(l, ask, now_ms, v)) {
        if (take_money(e, ask, now_ms, v))
            return true;
        give_back(l->all, ask, now_ms);
    }
    give_back(e, ask, now_ms);
    return false;
}

static void note_left(const struct limits_entry *e, int64_t now_ms, struct limits_verdict *v)
{
    uint64_t requests = limit_rate_left(&e->requests, now_ms);
    uint64_t tokens = limit_rate_left(&e->tokens, now_ms);
    v->requests_left = requests < v->requests_left ? requests : v->requests_left;
    v->tokens_left = tokens < v->tokens_left ? tokens : v->tokens_left;
}

struct limits_verdict limits_admit(struct limits *l, struct str client,
                                   const struct limits_ask *ask, int64_t now_ms,
                                   struct limits_held *out)
{
    struct limits_verdict v = {.requests_left = UINT64_MAX, .tokens_left = UINT64_MAX};
    pthread_rwlock_rdlock(&l->table);
    struct limits_entry *e = find(l, client);
    if (!e)
        e = l->all;
    lock(l, e);
    if (take_whole(l, e, ask, now_ms, &v))
        *out = (struct limits_held){e, ask->tokens, ask->nanousd};
    note_left(e, now_ms, &v);
    note_left(l->all, now_ms, &v);
    unlock(l, e);
    pthread_rwlock_unlock(&l->table);
    return v;
}

void limits_refused(struct limits *l, struct str client, const struct limits_verdict *v)
{
    pthread_rwlock_rdlock(&l->table);
    struct limits_entry *e = find(l, client);
    if (!e)
        e = l->all;
    pthread_mutex_lock(&e->lock);
    for (int kind = 0; kind < LIMITS_ALL_REQUESTS; kind++)
        if (v->what.ptr == words[kind].ptr)
            e->limited[kind + (v->of_all ? LIMITS_ALL_REQUESTS : 0)]++;
    pthread_mutex_unlock(&e->lock);
    pthread_rwlock_unlock(&l->table);
}

/* What holds a reservation is not dropped: no lock of the table. */
void limits_settle(struct limits *l, struct limits_held *held, uint64_t tokens, uint64_t nanousd,
                   int64_t now_ms)
{
    struct limits_entry *e = held->entry;
    if (!e)
        return;
    lock(l, e);
    end_tokens(e, held->tokens, tokens, now_ms);
    if (e != l->all) {
        end_tokens(l->all, held->tokens, tokens, now_ms);
        settle_money(e, held->nanousd, nanousd, now_ms);
    }
    unlock(l, e);
    *held = (struct limits_held){0};
}

void limits_charge(struct limits *l, struct str client, uint64_t tokens, uint64_t nanousd,
                   int64_t now_ms)
{
    pthread_rwlock_rdlock(&l->table);
    struct limits_entry *e = find(l, client);
    lock(l, e ? e : l->all);
    limit_rate_adjust(&l->all->tokens, change(tokens, 0), now_ms);
    if (e) {
        limit_rate_adjust(&e->tokens, change(tokens, 0), now_ms);
        settle_money(e, 0, nanousd, now_ms);
    }
    unlock(l, e ? e : l->all);
    pthread_rwlock_unlock(&l->table);
}

void limits_wait(struct limits *l, struct str client, uint64_t nanousd)
{
    pthread_rwlock_rdlock(&l->table);
    struct limits_entry *e = find(l, client);
    if (e) {
        pthread_mutex_lock(&e->lock);
        e->day.waiting_nanousd = e->month.waiting_nanousd = nanousd;
        pthread_mutex_unlock(&e->lock);
    }
    pthread_rwlock_unlock(&l->table);
}

/* --- follow */

static void set(struct limits_entry *e, const struct config_limits *c, int64_t now_ms)
{
    bool anew = e->tokens.per_minute == 0;
    limit_rate_set(&e->requests, c->requests_per_minute, now_ms);
    limit_rate_set(&e->tokens, c->tokens_per_minute, now_ms);
    if (anew)
        limit_rate_adjust(&e->tokens, change(e->reserved_tokens, 0), now_ms);
    e->most_running = c->concurrent;
}

/* What the book had of it, into the periods at hand. */
static void take_past(struct limits_entry *e, const struct spent *past)
{
    int64_t today = e->day.period;
    for (int64_t day = today - MONTH_DAYS; day <= today + MONTH_DAYS; day++) {
        uint64_t nanousd = spent_on(past, name_of(e), day);
        if (day == today)
            limit_budget_settle(&e->day, 0, nanousd, today);
        if (limit_month(day * 86400000) == e->month.period)
            limit_budget_settle(&e->month, 0, nanousd, e->month.period);
    }
    e->has_past = true;
}

static void set_client(struct limits_entry *e, const struct config_client *c,
                       const struct spent *past, int64_t now_ms)
{
    pthread_mutex_lock(&e->lock);
    set(e, &c->limits, now_ms);
    e->then = c->then;
    e->missed = 0;
    limit_budget_turn(&e->day, limit_day(now_ms));
    limit_budget_turn(&e->month, limit_month(now_ms));
    e->day.most_nanousd = c->day_nanousd;
    e->month.most_nanousd = c->month_nanousd;
    if (past && !e->has_past)
        take_past(e, past);
    pthread_mutex_unlock(&e->lock);
}

static bool is_full(const struct limit_rate *r, int64_t now_ms)
{
    return r->per_minute == 0 || limit_rate_left(r, now_ms) >= r->per_minute;
}

/* An entry that says what a new one would say. */
static bool says_nothing(struct limits_entry *e, int64_t now_ms)
{
    pthread_mutex_lock(&e->lock);
    limit_budget_turn(&e->day, limit_day(now_ms));
    limit_budget_turn(&e->month, limit_month(now_ms));
    bool nothing = !e->running && !e->day.spent_nanousd && !e->month.spent_nanousd &&
                   is_full(&e->requests, now_ms) && is_full(&e->tokens, now_ms);
    pthread_mutex_unlock(&e->lock);
    return nothing;
}

static void drop_missed(struct limits *l, int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct limits_entry *e = l->entries[i];
        if (e->missed >= MISSED_MOST && says_nothing(e, now_ms))
            entry_free(e);
        else
            l->entries[kept++] = e;
    }
    l->n = kept;
}

bool limits_follow(struct limits *l, const struct config *c, struct clerk *clerk, int64_t now_ms)
{
    const struct spent *past = clerk ? clerk_spent(clerk) : NULL;
    pthread_rwlock_wrlock(&l->table);
    for (size_t i = 0; i < l->n; i++)
        l->entries[i]->missed++;
    for (size_t i = 0; i < c->n_clients; i++)
        set_client(find_or_add(l, c->clients[i].name), &c->clients[i], past, now_ms);
    drop_missed(l, now_ms);
    pthread_mutex_lock(&l->all->lock);
    set(l->all, &c->limits, now_ms);
    pthread_mutex_unlock(&l->all->lock);
    pthread_rwlock_unlock(&l->table);
    return !clerk || past;
}

/* --- how things stand */

static struct limits_view view_of(struct limits_entry *e, int64_t now_ms)
{
    struct limits_view v = {.name = name_of(e)};
    pthread_mutex_lock(&e->lock);
    if (e->name_len) {
        limit_budget_turn(&e->day, limit_day(now_ms));
        limit_budget_turn(&e->month, limit_month(now_ms));
    }
    v.most.requests_per_minute = e->requests.per_minute;
    v.most.tokens_per_minute = e->tokens.per_minute;
    v.most.concurrent = e->most_running;
    v.requests_left = limit_rate_left(&e->requests, now_ms);
    v.tokens_left = limit_rate_left(&e->tokens, now_ms);
    v.running = e->running;
    v.then = e->then;
    v.day = e->day;
    v.month = e->month;
    memcpy(v.limited, e->limited, sizeof v.limited);
    pthread_mutex_unlock(&e->lock);
    return v;
}

void limits_each(struct limits *l, int64_t now_ms,
                 void (*each)(void *arg, const struct limits_view *v), void *arg)
{
    struct limits_view v = view_of(l->all, now_ms);
    each(arg, &v);
    for (size_t i = 0; i < l->n; i++) {
        if (l->entries[i]->missed)
            continue;
        v = view_of(l->entries[i], now_ms);
        each(arg, &v);
    }
}
