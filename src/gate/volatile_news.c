/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks once a second, and after it told of a place not for a minute. What was told is remembered
 * as hashes; of more places than there is room for the oldest are told again when they are still
 * there.
 */
#include "volatile_news.h"

#include "weir/base/hash.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"

enum { LOOK_MS = 1000, TOLD_MS = 60000, TOLD_MOST = 1024 };

struct volatile_news {
    struct daemon *daemon;
    struct timer timer;
    uint64_t told[TOLD_MOST];
    size_t n_told;
};

/* --- the price */

uint64_t volatile_news_scale(struct shared_cache *c, struct str model, struct str client,
                             uint64_t tokens)
{
    struct tokens_scale s = shared_cache_scale(c, model, client);
    return (uint64_t)((double)tokens * (s.factor > 0 ? (double)s.factor : 1));
}

bool volatile_news_cost(const struct catalogue *c, struct str model, uint64_t tokens,
                        int64_t *out_nanousd)
{
    const struct usage plain = {.tokens = {[TOKEN_INPUT] = tokens}};
    const struct usage read = {.tokens = {[TOKEN_CACHE_READ] = tokens}};
    struct price p;
    if (!c || catalogue_price(c, model, LANE_ONDEMAND, &p) == UNPRICED)
        return false;
    uint64_t cost = price_cost(&p, &plain), less = price_cost(&p, &read);
    *out_nanousd = cost > less ? (int64_t)(cost - less) : 0;
    return true;
}

/* --- the line */

struct search {
    struct volatile_news *news;
    struct shared_cache *cache;
    const struct catalogue *catalogue;
    bool told;
};

static bool was_told(struct volatile_news *n, uint64_t place)
{
    size_t known = n->n_told < TOLD_MOST ? n->n_told : TOLD_MOST;
    for (size_t i = 0; i < known; i++)
        if (n->told[i] == place)
            return true;
    return false;
}

static uint64_t hash_place(struct str model, struct str client, const struct volatile_place *p)
{
    const uint64_t at[] = {(uint64_t)p->section, p->message, p->index};
    return hash64(hash64(hash64(0, client), model), str_from((const char *)at, sizeof at));
}

/* As weir explain calls it. */
static void add_position(struct buf *out, const struct volatile_place *p)
{
    if (p->section == ASK_MESSAGES)
        buf_addf(out, "m%u.b%u", p->message, p->index);
    else
        buf_addf(out, "%s[%u]", ask_section_word(p->section).ptr, p->index);
}

static void say(const struct search *s, struct str model, struct str client,
                const struct volatile_place *p)
{
    struct log_line l;
    struct buf usd = {0}, position = {0};
    int64_t nanousd;
    uint64_t each = volatile_news_scale(s->cache, model, client, p->tokens / p->changes);
    log_begin(&l, LOG_INFO, "volatile");
    log_str(&l, "client", client);
    log_str(&l, "model", model);
    log_str(&l, "kind", volatile_word(p->kind));
    add_position(&position, p);
    log_str(&l, "place", buf_str(&position));
    log_u64(&l, "offset", p->offset);
    log_u64(&l, "tokens_behind", each);
    if (volatile_news_cost(s->catalogue, model, each, &nanousd)) {
        price_add_usd(&usd, nanousd);
        log_str(&l, "usd_each", buf_str(&usd));
    }
    log_str(&l, "advice",
            S("prompts change there, so what is behind is not read from the cache; move it behind "
              "what stays"));
    log_end(&l);
    buf_fini(&usd);
    buf_fini(&position);
}

static void look_at(void *arg, struct str model, struct str client, const struct volatile_place *p)
{
    struct search *s = arg;
    uint64_t place = hash_place(model, client, p);
    if (s->told || was_told(s->news, place))
        return;
    s->news->told[s->news->n_told++ % TOLD_MOST] = place;
    s->told = true;
    say(s, model, client, p);
}

bool volatile_news_tell(struct volatile_news *n, struct shared_cache *c,
                        const struct catalogue *catalogue)
{
    struct search s = {.news = n, .cache = c, .catalogue = catalogue};
    shared_cache_each_volatile(c, look_at, &s);
    return s.told;
}

/* --- life */

static void look(void *arg)
{
    struct volatile_news *n = arg;
    bool told = volatile_news_tell(n, n->daemon->cache, n->daemon->setups->catalogue);
    timer_start(&n->timer, told ? TOLD_MS : LOOK_MS);
}

struct volatile_news *volatile_news_new(struct daemon *d)
{
    struct volatile_news *n = mem_new(sizeof *n);
    n->daemon = d;
    timer_init(&n->timer, d->office.loop, look, n);
    if (d->cache)
        timer_start(&n->timer, LOOK_MS);
    return n;
}

void volatile_news_free(struct volatile_news *n)
{
    if (!n)
        return;
    timer_stop(&n->timer);
    mem_free(n);
}
