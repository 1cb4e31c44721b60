/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether there is room for one more: in the spool, and in its client's half of it. What is refused
 * goes on demand at its full price, so the log says it; not for each request.
 */
#include "spool_private.h"

#include "weir/base/clock.h"
#include "weir/base/log.h"

enum { SAY_AGAIN_MS = 60 * 60 * 1000 };

/* Once an hour. */
static bool is_news(int64_t *said_ns)
{
    int64_t now = clock_mono_ns();
    if (*said_ns && now - *said_ns < SAY_AGAIN_MS * NS_A_MS)
        return false;
    *said_ns = now;
    return true;
}

static void warn(const char *what, struct str client, uint64_t has, uint64_t most, uint64_t more)
{
    const double mib = 1 << 20;
    log_say(LOG_WARN, "spool",
            "%s (batch.spool_max): %.1f of %.1f MiB are taken, and client %.*s wants %llu bytes "
            "more; what could wait goes on demand",
            what, (double)has / mib, (double)most / mib, STR_ARG(client), (unsigned long long)more);
}

static const char *say_full(struct spool *s, struct str client, uint64_t more)
{
    pthread_mutex_lock(&s->lock);
    s->counts.full = true;
    pthread_mutex_unlock(&s->lock);
    if (is_news(&s->said_ns[0]))
        warn("the spool is full", client, s->counts.size.used_bytes + s->txn_bytes,
             spool_full_at(s), more);
    return "full";
}

static const char *say_share(struct spool *s, struct str client, uint64_t held, uint64_t more)
{
    uint64_t most = spool_full_at(s) / 2;
    if (held + more <= most)
        return NULL;
    if (is_news(&s->said_ns[1]))
        warn("the share of one client is full", client, held, most, more);
    return "too much of one client";
}

/* Pools with something in them; the others make room. */
static const char *refuse_pool(const struct spool *s, struct str client)
{
    size_t all = 0, own = 0;
    for (size_t i = 0; i < s->n_pools; i++) {
        bool used = !spool_sums_idle(s, s->pools[i]);
        all += used;
        own += used && str_eq(s->pools[i]->pool.client, client);
    }
    if (own >= SPOOL_POOLS_OF_ONE)
        return "too many pools of one client";
    return all >= SPOOL_POOLS_MOST ? "too many pools" : NULL;
}

const char *spool_room_refusal(struct spool *s, const struct spool_ask *ask)
{
    const struct spool_whose w = {ask->client, ask->model, ask->role, ask->kind};
    const struct spool_sum *p = spool_sums_find(s, &w);
    uint64_t full = spool_full_at(s), more = ask->body.len + SPOOL_RECORD_BYTES, held = 0;
    size_t text = ask->client.len + ask->workload.len + ask->model.len + ask->operation.len +
                  ask->role.len + ask->content_type.len + ask->accept.len + ask->target.len;
    if (ask->known_only)
        return "it is not there";
    if (text > SPOOL_ROW_MOST)
        return "too long";
    const char *why = p ? NULL : refuse_pool(s, ask->client);
    if (why)
        return why;
    if (s->counts.size.used_bytes + s->txn_bytes + more > full)
        return say_full(s, ask->client, more);
    for (const struct spool_client *c = s->clients; c; c = c->next)
        if (str_eq(c->name, ask->client))
            held = c->bytes;
    return say_share(s, ask->client, held, more);
}
