/* SPDX-License-Identifier: Apache-2.0
 *
 * One rolling hash per block boundary; a table from boundary to expiry. Rules: AWS user guide
 * "Prompt caching" and Anthropic's "Prompt caching" (what is read, what is written at which TTL:
 * A = longest hit, then every marked stretch behind it at the TTL of the marker that ends it),
 * read November 2026.
 */
#include "promptcache.h"

#include "weir/base/mem.h"

#include <string.h>

struct boundary {
    unsigned char key[PROMPT_HASH];
    uint64_t tokens; /* from the beginning */
};

void promptcache_fini(struct promptcache *c)
{
    mem_free(c->slots);
    *c = (struct promptcache){0};
}

static struct promptcache_entry *slot_of(const struct promptcache *c, const unsigned char *key)
{
    size_t at;
    memcpy(&at, key, sizeof at);
    for (;; at++) {
        struct promptcache_entry *e = &c->slots[at & (c->cap - 1)];
        if (e->expires_ms == 0 || memcmp(e->key, key, PROMPT_HASH) == 0)
            return e;
    }
}

/* Makes room for one more, dropping what has expired. */
static void make_room(struct promptcache *c, int64_t now_ms)
{
    if (c->cap && c->n < c->cap / 2)
        return;
    struct promptcache old = *c;
    size_t alive = 0;
    for (size_t i = 0; i < old.cap; i++)
        alive += old.slots[i].expires_ms > now_ms;
    c->cap = 1024;
    while (c->cap < alive * 4)
        c->cap *= 2;
    c->slots = mem_new(c->cap * sizeof *c->slots);
    c->n = alive;
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].expires_ms > now_ms)
            *slot_of(c, old.slots[i].key) = old.slots[i];
    mem_free(old.slots);
}

static struct promptcache_entry *look_up(const struct promptcache *c, const unsigned char *key,
                                         int64_t now_ms)
{
    if (!c->cap)
        return NULL;
    struct promptcache_entry *e = slot_of(c, key);
    return e->expires_ms > now_ms ? e : NULL;
}

static void keep(struct promptcache *c, const unsigned char *key, int64_t ttl_ms, int64_t now_ms)
{
    make_room(c, now_ms);
    struct promptcache_entry *e = slot_of(c, key);
    if (e->expires_ms == 0)
        c->n++;
    memcpy(e->key, key, PROMPT_HASH);
    e->ttl_ms = ttl_ms;
    e->expires_ms = now_ms + ttl_ms;
}

static struct boundary *roll(const struct prompt *p, struct str account, struct str model_id)
{
    struct boundary *all = mem_new((p->n + 1) * sizeof *all);
    unsigned char digest[SHA256_BYTES];
    struct sha256 h;
    uint64_t tokens = 0;
    sha256_init(&h);
    sha256_add(&h, account);
    sha256_add(&h, S("\n"));
    sha256_add(&h, model_id);
    for (size_t i = 0; i < p->n; i++) {
        sha256_add(&h, (struct str){(const char *)p->blocks[i].hash, PROMPT_HASH});
        struct sha256 branch = h;
        sha256_end(&branch, digest);
        memcpy(all[i].key, digest, PROMPT_HASH);
        all[i].tokens = tokens += p->blocks[i].tokens;
    }
    return all;
}

static int64_t ttl_ms(enum prompt_ttl ttl)
{
    return (ttl == PROMPT_1H ? 60 : ttl == PROMPT_30M ? 30 : 5) * 60000LL;
}

struct settling {
    struct promptcache *cache;
    const struct prompt *p;
    const struct boundary *at;
    int64_t now_ms;
    bool implicit; /* a GPT model without markers of its own: every boundary counts */
};

static enum prompt_ttl mark_at(const struct settling *s, size_t i)
{
    const struct model *m = s->p->model;
    if (s->at[i].tokens < m->cache_min || (m->cache_most && s->at[i].tokens > m->cache_most))
        return PROMPT_UNMARKED;
    return s->implicit ? PROMPT_30M : s->p->blocks[i].mark;
}

/* One past the last block of the longest cached prefix; 0: nothing is cached. */
static size_t longest_hit(const struct settling *s)
{
    size_t best = 0;
    for (size_t i = 0; i < s->p->n; i++) {
        if (mark_at(s, i) == PROMPT_UNMARKED)
            continue;
        size_t first = i >= PROMPTCACHE_LOOK_BACK ? i - (PROMPTCACHE_LOOK_BACK - 1) : 0;
        for (size_t j = i + 1; j-- > first && j + 1 > best;)
            if (look_up(s->cache, s->at[j].key, s->now_ms))
                best = j + 1;
    }
    return best;
}

static void refresh(const struct settling *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct promptcache_entry *e = look_up(s->cache, s->at[i].key, s->now_ms);
        if (e && (i + 1 == n || mark_at(s, i) != PROMPT_UNMARKED))
            e->expires_ms = s->now_ms + e->ttl_ms;
    }
}

static void write_rest(const struct settling *s, size_t from, struct promptcache_use *out)
{
    uint64_t written = from ? s->at[from - 1].tokens : 0;
    for (size_t i = from; i < s->p->n; i++) {
        enum prompt_ttl mark = mark_at(s, i);
        if (mark == PROMPT_UNMARKED)
            continue;
        uint64_t tokens = s->at[i].tokens - written;
        written = s->at[i].tokens;
        keep(s->cache, s->at[i].key, ttl_ms(mark), s->now_ms);
        if (!s->p->model->write_fee)
            continue;
        out->plain -= tokens;
        *(mark == PROMPT_1H    ? &out->write_1h
          : mark == PROMPT_30M ? &out->write_30m
                               : &out->write_5m) += tokens;
    }
}

void promptcache_settle(struct promptcache *c, const struct prompt *p, struct str account,
                        struct str model_id, int64_t now_ms, struct promptcache_use *out)
{
    *out = (struct promptcache_use){.plain = p->tokens};
    if (p->model->cache_min == 0 || p->n == 0 || (p->marks == 0 && !p->model->ttl_30m))
        return;
    struct boundary *at = roll(p, account, model_id);
    struct settling s = {c, p, at, now_ms, p->marks == 0};
    size_t hit = longest_hit(&s);
    if (hit) {
        out->read = at[hit - 1].tokens;
        out->plain -= out->read;
        refresh(&s, hit);
    }
    write_rest(&s, hit, out);
    mem_free(at);
}
