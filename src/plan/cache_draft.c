/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of Bedrock that hold for every set of markers; nothing here knows why one is wanted.
 */
#include "cache_draft.h"

#include "cache_price.h"
#include "cache_value.h"

void draft_begin(struct draft *d, const struct cache_terms *terms, const struct cache_site *sites,
                 size_t n, uint32_t now)
{
    unsigned most = terms->most_markers < ASK_MARKERS_MOST ? terms->most_markers : ASK_MARKERS_MOST;
    *d = (struct draft){.terms = terms, .sites = sites, .n_sites = n, .now = now, .most = most};
    for (size_t i = 0; i < n; i++)
        if (sites[i].own && d->n < ASK_MARKERS_MOST)
            d->marks[d->n++] = (struct cache_mark){
                .block = (uint32_t)i, .ttl = (enum ask_ttl)sites[i].own, .reason = CACHE_OWN};
}

static bool long_enough(const struct cache_terms *t, uint32_t tokens)
{
    return tokens >= t->least_tokens && (!t->most_tokens || tokens <= t->most_tokens);
}

bool draft_open(const struct draft *d, size_t end)
{
    const struct cache_site *s = &d->sites[end - 1];
    return long_enough(d->terms, s->tokens) &&
           (s->own || (s->open && d->terms->fields >> s->section & 1));
}

static void insert(struct draft *d, size_t at, struct cache_mark mark)
{
    for (size_t i = d->n++; i > at; i--)
        d->marks[i] = d->marks[i - 1];
    d->marks[at] = mark;
}

void draft_add(struct draft *d, size_t end, enum ask_ttl ttl, enum cache_reason reason)
{
    size_t at = 0;
    if (!cache_price_offered(d->terms, ttl)) /* it was, when that was cached */
        ttl = value_cheap(d->terms);
    while (at < d->n && d->marks[at].block < end - 1)
        at++;
    struct cache_mark *there = at < d->n ? &d->marks[at] : NULL;
    if (there && there->block == end - 1) {
        if (there->reason != CACHE_OWN && there->ttl < ttl)
            there->ttl = ttl;
        return;
    }
    if (d->n < d->most && draft_open(d, end))
        insert(d, at,
               (struct cache_mark){.block = (uint32_t)end - 1, .ttl = ttl, .reason = reason});
}

/* A marker of any TTL reads what was kept for any other. */
static bool reads(const struct draft *d, const struct cache_mark *m, size_t end)
{
    return m->block + 1 >= end && m->block + 1 - end <= ASK_LOOK_BACK &&
           long_enough(d->terms, d->sites[m->block].tokens);
}

bool draft_finds(const struct draft *d, size_t end)
{
    for (size_t i = 0; i < d->n; i++)
        if (reads(d, &d->marks[i], end))
            return true;
    return false;
}

/* From the front no marker of ours may last longer than one of the client's before it; from the
 * back none may last less than one behind it. */
void draft_order(struct draft *d)
{
    enum ask_ttl longest = ASK_1H, shortest = ASK_5M;
    for (size_t i = 0; i < d->n; i++) {
        struct cache_mark *m = &d->marks[i];
        if (m->reason == CACHE_OWN)
            longest = m->ttl < longest ? m->ttl : longest;
        else
            m->ttl = m->ttl < longest ? m->ttl : longest;
    }
    for (size_t i = d->n; i-- > 0;) {
        struct cache_mark *m = &d->marks[i];
        if (m->reason != CACHE_OWN && m->ttl < shortest)
            m->ttl = shortest;
        shortest = m->ttl > shortest ? m->ttl : shortest;
    }
}

/* --- what is cached */

static bool lives(const struct draft *d, size_t end, enum ask_ttl ttl)
{
    const struct prefix *was = &d->sites[end - 1].was;
    return was->cached_until > d->now && was->ttl >= ttl;
}

static bool readable(const struct draft *d, size_t end)
{
    size_t last = end + ASK_LOOK_BACK < d->n_sites ? end + ASK_LOOK_BACK : d->n_sites;
    for (size_t i = end; i <= last; i++)
        if (draft_open(d, i))
            return true;
    return false;
}

size_t draft_cached(const struct draft *d, enum ask_ttl ttl, size_t known)
{
    for (size_t end = known; end > 0; end--)
        if (lives(d, end, ttl) && readable(d, end))
            return end;
    return 0;
}

/* --- as it is billed: see cache_world.c */

static size_t found(const struct draft *d, enum ask_ttl ttl)
{
    for (size_t i = d->n; i-- > 0;) {
        size_t end = d->marks[i].block + 1;
        size_t least = end > ASK_LOOK_BACK + 1 ? end - ASK_LOOK_BACK : 1;
        for (; end >= least; end--)
            if (lives(d, end, ttl) && reads(d, &d->marks[i], end))
                return end;
    }
    return 0;
}

static size_t last_of(const struct draft *d, enum ask_ttl ttl)
{
    for (size_t i = d->n; i-- > 0;)
        if (d->marks[i].ttl == ttl && long_enough(d->terms, d->sites[d->marks[i].block].tokens))
            return d->marks[i].block + 1;
    return 0;
}

static void read_to(const struct draft *d, size_t end, size_t *at, struct draft_bill *bill)
{
    if (end <= *at)
        return;
    bill->read += draft_tokens(d, end) - draft_tokens(d, *at);
    *at = end;
}

struct draft_bill draft_bill(const struct draft *d)
{
    struct draft_bill bill = {0};
    size_t at = 0;
    if (d->terms->renews)
        read_to(d, found(d, ASK_5M), &at, &bill);
    for (enum ask_ttl ttl = ASK_1H; ttl > ASK_UNMARKED; ttl--) {
        size_t end = last_of(d, ttl);
        if (end && !d->terms->renews)
            read_to(d, found(d, ttl), &at, &bill);
        if (end <= at)
            continue;
        bill.write[ttl] = draft_tokens(d, end) - draft_tokens(d, at);
        at = end;
    }
    return bill;
}
