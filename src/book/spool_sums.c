/* SPDX-License-Identifier: Apache-2.0
 *
 * What pools, jobs, clients and states sum up to, in memory: read once at opening, by one walk over
 * the places, then kept with each move. A pool's earliest deadline is that of its minutes: for each
 * minute how many members end in it.
 */
#include "spool_private.h"

#include "weir/base/hash.h"
#include "weir/base/mem.h"

#include <string.h>

enum { MS_A_MINUTE = 60000 };

/* --- deadlines */

static void put_deadline(struct spool_sum *p, int64_t deadline_ms)
{
    int64_t minute = deadline_ms / MS_A_MINUTE;
    size_t at = p->n_minutes;
    while (at > 0 && p->minutes[at - 1].minute > minute)
        at--;
    if (at > 0 && p->minutes[at - 1].minute == minute) {
        struct spool_minute *m = &p->minutes[at - 1];
        m->least_ms = deadline_ms < m->least_ms ? deadline_ms : m->least_ms;
        m->n++;
        return;
    }
    if (p->n_minutes == p->cap_minutes) {
        p->cap_minutes = p->cap_minutes ? 2 * p->cap_minutes : 8;
        p->minutes = mem_grow(p->minutes, p->cap_minutes * sizeof *p->minutes);
    }
    memmove(p->minutes + at + 1, p->minutes + at, (p->n_minutes++ - at) * sizeof *p->minutes);
    p->minutes[at] = (struct spool_minute){minute, deadline_ms, 1};
}

static void drop_deadline(struct spool_sum *p, int64_t deadline_ms)
{
    int64_t minute = deadline_ms / MS_A_MINUTE;
    size_t low = 0, high = p->n_minutes;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (p->minutes[mid].minute < minute)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == p->n_minutes || p->minutes[low].minute != minute || --p->minutes[low].n)
        return;
    memmove(p->minutes + low, p->minutes + low + 1, (--p->n_minutes - low) * sizeof *p->minutes);
}

/* --- pools and clients */

static uint64_t hash_of(const struct spool_whose *w)
{
    const struct str parts[] = {w->client, S("\n"), w->model, S("\n"), w->role};
    return hash64_pieces(w->kind, parts, 5);
}

struct spool_sum *spool_sums_pool(struct spool *s, uint32_t number)
{
    size_t low = 0, high = s->n_pools;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (s->pools[mid]->pool.number < number)
            low = mid + 1;
        else
            high = mid;
    }
    return low < s->n_pools && s->pools[low]->pool.number == number ? s->pools[low] : NULL;
}

struct spool_sum *spool_sums_find(struct spool *s, const struct spool_whose *w)
{
    uint64_t hash = hash_of(w);
    for (size_t i = 0; i < s->n_pools; i++) {
        const struct spool_pool *p = &s->pools[i]->pool;
        if (s->pools[i]->hash == hash && p->kind == w->kind && str_eq(p->client, w->client) &&
            str_eq(p->model, w->model) && str_eq(p->role, w->role))
            return s->pools[i];
    }
    return NULL;
}

static struct spool_client *client_of(struct spool *s, struct str name)
{
    for (struct spool_client *c = s->clients; c; c = c->next)
        if (str_eq(c->name, name))
            return c;
    struct spool_client *c = mem_new(sizeof *c);
    char *copy = mem_new(name.len + 1);
    if (name.len)
        memcpy(copy, name.ptr, name.len);
    *c = (struct spool_client){.next = s->clients, .name = str_from(copy, name.len)};
    s->clients = c;
    return c;
}

/* Numbers come in order. Under the lock, since others walk over the pools. */
static struct spool_sum *add_pool(struct spool *s, uint32_t number, const struct spool_whose *w)
{
    struct spool_sum *p = mem_new(sizeof *p);
    size_t client = w->client.len, model = w->model.len;
    if (s->n_pools == s->cap_pools) {
        s->cap_pools = s->cap_pools ? 2 * s->cap_pools : 16;
        s->pools = mem_grow(s->pools, s->cap_pools * sizeof *s->pools);
    }
    buf_add(&p->bytes, w->client);
    buf_add(&p->bytes, w->model);
    buf_add(&p->bytes, w->role);
    struct str all = buf_str(&p->bytes);
    p->pool = (struct spool_pool){.number = number,
                                  .client = str_sub(all, 0, client),
                                  .model = str_sub(all, client, model),
                                  .role = str_from_offset(all, client + model),
                                  .kind = w->kind};
    p->hash = hash_of(w);
    p->client = client_of(s, w->client);
    s->pools[s->n_pools++] = p;
    return p;
}

struct spool_sum *spool_sums_add(struct spool *s, uint32_t number, const struct spool_whose *w)
{
    pthread_mutex_lock(&s->lock);
    struct spool_sum *p = add_pool(s, number, w);
    pthread_mutex_unlock(&s->lock);
    return p;
}

/* --- jobs */

struct spool_job_sum *spool_sums_job(struct spool *s, uint64_t number)
{
    size_t low = 0, high = s->n_jobs;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (s->jobs[mid].job.number < number)
            low = mid + 1;
        else
            high = mid;
    }
    return low < s->n_jobs && s->jobs[low].job.number == number ? &s->jobs[low] : NULL;
}

static void put_job(struct spool *s, const struct batch_job *job)
{
    struct spool_job_sum *j = spool_sums_job(s, job->number);
    if (j) {
        j->job = *job;
        return;
    }
    if (s->n_jobs == s->cap_jobs) {
        s->cap_jobs = s->cap_jobs ? 2 * s->cap_jobs : 16;
        s->jobs = mem_grow(s->jobs, s->cap_jobs * sizeof *s->jobs);
    }
    size_t at = s->n_jobs++;
    for (; at > 0 && s->jobs[at - 1].job.number > job->number; at--)
        s->jobs[at] = s->jobs[at - 1];
    s->jobs[at] = (struct spool_job_sum){.job = *job};
}

void spool_sums_put_job(struct spool *s, const struct batch_job *job)
{
    pthread_mutex_lock(&s->lock);
    put_job(s, job);
    pthread_mutex_unlock(&s->lock);
}

void spool_sums_drop_job(struct spool *s, uint64_t number)
{
    pthread_mutex_lock(&s->lock);
    struct spool_job_sum *j = spool_sums_job(s, number);
    if (j) {
        size_t at = (size_t)(j - s->jobs);
        memmove(j, j + 1, (--s->n_jobs - at) * sizeof *j);
    }
    pthread_mutex_unlock(&s->lock);
}

/* --- one record */

static void count_pooled(struct spool_sum *p, const struct spool_place *at, bool in)
{
    struct pool_view *v = &p->pool.view;
    if (!in) {
        v->count--;
        v->bytes -= at->bytes;
        v->held -= at->reply == SPOOL_WAIT;
        drop_deadline(p, at->deadline_ms);
        p->oldest_left = true;
    } else {
        if (v->count == 0)
            v->oldest_ms = at->accepted_ms;
        v->count++;
        v->bytes += at->bytes;
        v->held += at->reply == SPOOL_WAIT;
        v->newest_ms = at->accepted_ms > v->newest_ms ? at->accepted_ms : v->newest_ms;
        put_deadline(p, at->deadline_ms);
    }
    v->deadline_ms = p->n_minutes ? p->minutes[0].least_ms : 0;
    if (v->count == 0)
        *v = (struct pool_view){0};
}

static void count_in_job(struct spool *s, const struct spool_place *at, bool in)
{
    struct spool_job_sum *j = spool_sums_job(s, at->of);
    if (!j)
        return;
    j->waits += in ? 1U : -1U;
    if (in && (j->oldest_ms == 0 || at->accepted_ms < j->oldest_ms))
        j->oldest_ms = at->accepted_ms;
}

static void count_done(struct spool *s, const struct spool_place *at, bool in)
{
    if (at->flags & SPOOL_DELIVERED)
        return;
    s->counts.unclaimed += in ? 1ULL : -1ULL;
    s->counts.unclaimed_nanousd += in ? at->cost_nanousd : -at->cost_nanousd;
}

static void count(struct spool *s, const struct spool_place *at, bool in)
{
    struct spool_sum *p = spool_sums_pool(s, at->pool);
    uint64_t bytes = at->bytes + SPOOL_RECORD_BYTES;
    s->counts.records[at->state] += in ? 1ULL : -1ULL;
    s->nobodys +=
        in && ((!p && at->pool) || (at->state == SPOOL_IN_JOB && !spool_sums_job(s, at->of)));
    if (p) {
        p->records += in ? 1ULL : -1ULL;
        p->client->bytes += in ? bytes : -bytes;
    }
    switch (at->state) {
    case SPOOL_POOLED:
        if (p)
            count_pooled(p, at, in);
        break;
    case SPOOL_IN_JOB:
        count_in_job(s, at, in);
        break;
    case SPOOL_DONE:
        count_done(s, at, in);
        break;
    case SPOOL_DIRECT:
    case SPOOL_STATES:
        break;
    }
}

static uint64_t expected(const struct spool_place *at)
{
    return at && at->state != SPOOL_DONE ? at->expect_nanousd : 0;
}

/* What goes on from list to list waits as before. */
static void count_waits(struct spool *s, const struct spool_place *from,
                        const struct spool_place *to)
{
    struct spool_sum *p = spool_sums_pool(s, from ? from->pool : to->pool);
    uint64_t before = expected(from), now = expected(to);
    if (!p)
        return;
    p->client->waits_nanousd += now - before;
    p->client->ended_nanousd += before > now ? before - now : 0;
}

void spool_sums_move(struct spool *s, const struct spool_place *from, const struct spool_place *to)
{
    pthread_mutex_lock(&s->lock);
    count_waits(s, from, to);
    if (from)
        count(s, from, false);
    if (to)
        count(s, to, true);
    pthread_mutex_unlock(&s->lock);
}

void spool_sums_tell(struct spool *s, bool ends_told)
{
    pthread_mutex_lock(&s->lock);
    for (struct spool_client *c = s->clients; c; c = c->next) {
        if (ends_told)
            c->ended_nanousd = 0;
        uint64_t nanousd = c->waits_nanousd + c->ended_nanousd;
        if (nanousd != c->told_nanousd && s->waits)
            s->waits(s->arg, c->name, nanousd);
        c->told_nanousd = nanousd;
    }
    pthread_mutex_unlock(&s->lock);
}

void spool_tell_waits(struct spool *s)
{
    pthread_mutex_lock(&s->lock);
    for (const struct spool_client *c = s->clients; c && s->waits; c = c->next)
        s->waits(s->arg, c->name, c->told_nanousd);
    pthread_mutex_unlock(&s->lock);
}

/* --- the first of a pool, and of all that waits */

static int accepted_of(struct store_txn *t, unsigned list, uint64_t of, int64_t *out_ms)
{
    struct spool_place place;
    struct str value;
    uint64_t *first;
    size_t n;
    int rc = spool_table_members(t, list, of, 0, 1, &first, &n);
    if (rc == 0 && n) {
        struct spool_key key = spool_key_number(*first);
        rc = store_get(t, TABLE_PLACES, spool_key_str(&key), &value);
        if (rc == 0 && spool_place_read(*first, value, &place) == 0)
            *out_ms = place.accepted_ms;
    }
    mem_free(first);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static void earlier(int64_t *at, int64_t ms)
{
    if (ms && (*at == 0 || ms < *at))
        *at = ms;
}

int spool_sums_refresh(struct spool *s)
{
    int64_t oldest = 0, direct = 0;
    int rc = 0;
    for (size_t i = 0; i < s->n_pools && rc == 0; i++) {
        struct spool_sum *p = s->pools[i];
        int64_t first = p->pool.view.oldest_ms;
        if (p->oldest_left && p->pool.view.count)
            rc = accepted_of(s->txn, SPOOL_LIST_POOL, p->pool.number, &first);
        pthread_mutex_lock(&s->lock);
        p->pool.view.oldest_ms = first;
        p->oldest_left = false;
        pthread_mutex_unlock(&s->lock);
        earlier(&oldest, first);
    }
    if (rc == 0 && s->counts.records[SPOOL_DIRECT])
        rc = accepted_of(s->txn, SPOOL_LIST_DIRECT, 0, &direct);
    earlier(&oldest, direct);
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->n_jobs; i++)
        earlier(&oldest, s->jobs[i].waits ? s->jobs[i].oldest_ms : 0);
    s->counts.oldest_ms = oldest;
    pthread_mutex_unlock(&s->lock);
    return rc;
}

/* --- the whole */

void spool_sums_init(struct spool *s)
{
    memset(s->counts.records, 0, sizeof s->counts.records);
    for (struct spool_client *c = s->clients; c; c = c->next)
        c->bytes = c->waits_nanousd = c->ended_nanousd = 0;
    s->counts.unclaimed = s->counts.unclaimed_nanousd = s->counts.outbox = 0;
    s->nobodys = 0;
    s->unlisted = 0;
}

static void free_pool(struct spool_sum *p)
{
    buf_fini(&p->bytes);
    mem_free(p->minutes);
    mem_free(p);
}

bool spool_sums_idle(const struct spool *s, const struct spool_sum *p)
{
    for (size_t i = 0; i < s->n_jobs; i++)
        if (s->jobs[i].job.pool == p->pool.number)
            return false;
    return p->records == 0;
}

void spool_sums_drop(struct spool *s, size_t place)
{
    pthread_mutex_lock(&s->lock);
    free_pool(s->pools[place]);
    memmove(s->pools + place, s->pools + place + 1, (--s->n_pools - place) * sizeof *s->pools);
    pthread_mutex_unlock(&s->lock);
}

static void drop_all(struct spool *s)
{
    for (size_t i = 0; i < s->n_pools; i++)
        free_pool(s->pools[i]);
    mem_free(s->pools);
    mem_free(s->jobs);
    s->pools = NULL;
    s->jobs = NULL;
    s->n_pools = s->cap_pools = s->n_jobs = s->cap_jobs = 0;
}

void spool_sums_fini(struct spool *s)
{
    drop_all(s);
    for (struct spool_client *c = s->clients, *next; c; c = next) {
        next = c->next;
        mem_free((char *)(uintptr_t)c->name.ptr);
        mem_free(c);
    }
    s->clients = NULL;
}

static void later(int64_t *at, int64_t ms)
{
    if (ms > *at)
        *at = ms;
}

static void load_row(struct spool *s, enum table table, struct str key, struct str value)
{
    struct spool_place place;
    struct spool_whose whose;
    struct batch_job job;
    if (table == TABLE_POOLS && key.len == 4) {
        uint32_t number = store_get_u32(key.ptr);
        if (spool_whose_read(number, value, &whose) == 0)
            (void)add_pool(s, number, &whose);
        s->next_pool = number >= s->next_pool ? number + 1 : s->next_pool;
    }
    if (table == TABLE_JOBS && key.len == 8 && batch_job_read(value, &job) == 0) {
        put_job(s, &job);
        s->next_job = job.number >= s->next_job ? job.number + 1 : s->next_job;
    }
    if (table == TABLE_PLACES && key.len == 8) {
        uint64_t number = store_get_u64(key.ptr);
        if (spool_place_read(number, value, &place) == 0) {
            count_waits(s, NULL, &place);
            count(s, &place, true);
            spool_relist_place(s, number, &place);
            later(&s->known_ms, place.accepted_ms);
            later(&s->known_ms, place.done_ms);
        }
        s->next = number >= s->next ? number + 1 : s->next;
    }
    if (table == TABLE_LISTS)
        spool_relist_entry(s, key);
    if (table == TABLE_OUTBOX && key.len == 8) {
        uint64_t number = store_get_u64(key.ptr);
        s->next_outbox = number >= s->next_outbox ? number + 1 : s->next_outbox;
        s->counts.outbox++;
    }
}

static int load_table(struct spool *s, struct store_txn *t, enum table table)
{
    struct store_walk w;
    store_walk_init(&w, t, table);
    int rc = store_walk_from(&w, S(""));
    for (; rc == 0; rc = store_walk_next(&w))
        load_row(s, table, w.key, w.value);
    store_walk_fini(&w);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int spool_sums_load(struct spool *s, struct store_txn *t)
{
    static const enum table tables[] = {TABLE_POOLS, TABLE_JOBS, TABLE_PLACES, TABLE_LISTS,
                                        TABLE_OUTBOX};
    int rc = 0;
    pthread_mutex_lock(&s->lock);
    drop_all(s); /* clients stay: what is not of them any more is told, too */
    spool_sums_init(s);
    for (size_t i = 0; i < sizeof tables / sizeof *tables && rc == 0; i++)
        rc = load_table(s, t, tables[i]);
    for (size_t i = 0; i < s->n_pools; i++)
        s->pools[i]->oldest_left = false;
    pthread_mutex_unlock(&s->lock);
    return rc;
}
