/* SPDX-License-Identifier: Apache-2.0
 *
 * The shared state. Everything here is short work under one lock.
 */
#include "world.h"

#include "weir/base/clock.h"
#include "weir/base/mem.h"

#include <string.h>

struct world *world_new(size_t ledger_rows, size_t keep_bodies)
{
    struct world *w = mem_new(sizeof *w);
    pthread_mutex_init(&w->lock, NULL);
    ledger_init(&w->ledger, ledger_rows, keep_bodies);
    w->batch = jobs_new(w);
    return w;
}

static void drop_kept(struct world_kept *list)
{
    for (size_t i = 0; i < WORLD_KEPT_MOST; i++) {
        mem_free(list[i].json);
        list[i] = (struct world_kept){0};
    }
}

void world_reset(struct world *w)
{
    pthread_mutex_lock(&w->lock);
    promptcache_fini(&w->cache);
    metrics_reset(&w->metrics);
    drop_kept(w->responses);
    drop_kept(w->jobs);
    w->n_faults = w->n_once = w->n_responses = w->n_jobs = 0;
    w->cache_offset_ms = w->auth_offset_ms = 0;
    pthread_mutex_unlock(&w->lock);
    jobs_reset(w->batch);
    ledger_reset(&w->ledger);
}

void world_free(struct world *w)
{
    world_reset(w);
    if (!jobs_free(w->batch))
        return; /* a thread still needs all of this */
    ledger_fini(&w->ledger);
    pthread_mutex_destroy(&w->lock);
    mem_free(w);
}

void world_set_clock(struct world *w, const int64_t *cache_ms, bool add, const int64_t *auth_ms)
{
    pthread_mutex_lock(&w->lock);
    if (cache_ms)
        w->cache_offset_ms = *cache_ms + (add ? w->cache_offset_ms : 0);
    if (auth_ms)
        w->auth_offset_ms = *auth_ms;
    pthread_mutex_unlock(&w->lock);
}

int64_t world_cache_now_ms(struct world *w)
{
    pthread_mutex_lock(&w->lock);
    int64_t now = clock_wall_ms() + w->cache_offset_ms;
    pthread_mutex_unlock(&w->lock);
    return now;
}

int64_t world_auth_now_s(struct world *w)
{
    pthread_mutex_lock(&w->lock);
    int64_t now = clock_wall_ms() + w->auth_offset_ms;
    pthread_mutex_unlock(&w->lock);
    return now / 1000;
}

void world_settle(struct world *w, const struct prompt *p, struct str account, struct str model_id,
                  struct promptcache_use *out)
{
    pthread_mutex_lock(&w->lock);
    promptcache_settle(&w->cache, p, account, model_id, clock_wall_ms() + w->cache_offset_ms, out);
    pthread_mutex_unlock(&w->lock);
}

bool world_order_fault(struct world *w, const struct world_fault *f)
{
    pthread_mutex_lock(&w->lock);
    bool room = w->n_faults < WORLD_FAULTS_MOST;
    if (room)
        w->faults[w->n_faults++] = *f;
    pthread_mutex_unlock(&w->lock);
    return room;
}

void world_clear_faults(struct world *w)
{
    pthread_mutex_lock(&w->lock);
    w->n_faults = 0;
    pthread_mutex_unlock(&w->lock);
}

bool world_has_faults(struct world *w)
{
    pthread_mutex_lock(&w->lock);
    bool any = w->n_faults > 0;
    pthread_mutex_unlock(&w->lock);
    return any;
}

static bool fits(const struct world_fault *f, const struct world_fault_wish *wish)
{
    struct str match = str_of(f->match);
    return f->fault.early == wish->early && fault_is_for(&f->fault, wish->tier) &&
           (str_find(wish->target, match) >= 0 || str_find(wish->operation, match) >= 0);
}

bool world_take_fault(struct world *w, const struct world_fault_wish *wish, struct fault *out)
{
    bool found = false;
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->n_faults && !found; i++) {
        struct world_fault *f = &w->faults[i];
        if (!fits(f, wish))
            continue;
        found = true;
        *out = f->fault;
        if (--f->left == 0)
            memmove(f, f + 1, (--w->n_faults - i) * sizeof *f);
    }
    pthread_mutex_unlock(&w->lock);
    return found;
}

bool world_first_time(struct world *w, const unsigned char body_sha256[SHA256_BYTES])
{
    bool seen = false;
    pthread_mutex_lock(&w->lock);
    size_t n = w->n_once < WORLD_ONCE_MOST ? w->n_once : WORLD_ONCE_MOST;
    for (size_t i = 0; i < n && !seen; i++)
        seen = memcmp(w->once[i], body_sha256, 8) == 0;
    if (!seen)
        memcpy(w->once[w->n_once++ % WORLD_ONCE_MOST], body_sha256, 8);
    pthread_mutex_unlock(&w->lock);
    return !seen;
}

static struct world_kept *find(struct world *w, bool job, struct str id)
{
    struct world_kept *list = job ? w->jobs : w->responses;
    for (size_t i = 0; i < WORLD_KEPT_MOST; i++)
        if (list[i].json && str_eq(str_of(list[i].id), id))
            return &list[i];
    return NULL;
}

void world_keep(struct world *w, bool job, struct str id, struct str json)
{
    pthread_mutex_lock(&w->lock);
    struct world_kept *k = find(w, job, id);
    if (!k)
        k = job ? &w->jobs[w->n_jobs++ % WORLD_KEPT_MOST]
                : &w->responses[w->n_responses++ % WORLD_KEPT_MOST];
    mem_free(k->json);
    *k = (struct world_kept){.made_ms = clock_wall_ms() + w->cache_offset_ms,
                             .json_bytes = json.len};
    memcpy(k->id, id.ptr, id.len < sizeof k->id ? id.len : sizeof k->id - 1);
    k->json = mem_grow(NULL, json.len + 1);
    memcpy(k->json, json.ptr, json.len);
    pthread_mutex_unlock(&w->lock);
}

bool world_get(struct world *w, bool job, struct str id, struct buf *out, int64_t *made_ms)
{
    pthread_mutex_lock(&w->lock);
    const struct world_kept *k = find(w, job, id);
    if (k)
        buf_add(out, (struct str){k->json, k->json_bytes});
    if (k && made_ms)
        *made_ms = k->made_ms;
    pthread_mutex_unlock(&w->lock);
    return k != NULL;
}

bool world_forget(struct world *w, struct str response_id)
{
    pthread_mutex_lock(&w->lock);
    struct world_kept *k = find(w, false, response_id);
    if (k) {
        mem_free(k->json);
        *k = (struct world_kept){0};
    }
    pthread_mutex_unlock(&w->lock);
    return k != NULL;
}

void world_each_job(struct world *w, void (*each)(void *arg, const struct world_kept *k), void *arg)
{
    pthread_mutex_lock(&w->lock);
    for (size_t i = w->n_jobs; i-- > 0 && w->n_jobs - i <= WORLD_KEPT_MOST;)
        each(arg, &w->jobs[i % WORLD_KEPT_MOST]);
    pthread_mutex_unlock(&w->lock);
}
