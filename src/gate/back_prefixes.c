/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /api/v1/prefixes: what prompt caching knows: how full the index is, what models refused and
 * until when, how often they hit, and how good the estimates of tokens are. No text of a prompt and
 * no hash of one.
 */
#include "back.h"
#include "volatile_news.h"
#include "weir/base/clock.h"
#include "weir/base/text.h"
#include "weir/book/catalogue.h"
#include "weir/gate/daemon.h"
#include "weir/wire/json_out.h"
#include "weir/wire/uri.h"

struct prefixes_page {
    struct json_out out;
    struct shared_cache *cache;
    const struct catalogue *catalogue; /* NULL: nothing has a price */
    int64_t now_s;
};

static void add_number(struct json_out *o, struct str name, float n)
{
    struct buf b = {0};
    buf_addf(&b, "%.4f", (double)n);
    json_out_key(o, name);
    json_out_raw(o, buf_str(&b));
    buf_fini(&b);
}

static void add_time(struct json_out *o, struct str name, int64_t at_s)
{
    char when[21];
    text_iso_time(at_s, when);
    json_out_key(o, name);
    json_out_string(o, str_of(when));
}

static void add_index(struct prefixes_page *p)
{
    struct prefix_counts c = {0};
    if (p->cache)
        shared_cache_count(p->cache, &c);
    json_out_key(&p->out, S("index"));
    json_out_object(&p->out);
    json_out_put_u64(&p->out, S("entries"), c.entries);
    json_out_put_u64(&p->out, S("places"), c.most);
    json_out_put_u64(&p->out, S("evicted"), c.evicted);
    json_out_end(&p->out);
}

/* What is over is not said. */
static void add_refused(struct prefixes_page *p, const struct verdict *v)
{
    json_out_key(&p->out, S("refused"));
    json_out_array(&p->out);
    for (int what = 0; what < VERDICTS; what++) {
        if (v->until_s[what] <= p->now_s)
            continue;
        json_out_object(&p->out);
        json_out_key(&p->out, S("what"));
        json_out_string(&p->out, verdict_word((enum verdict_of)what));
        add_time(&p->out, S("until"), v->until_s[what]);
        json_out_put_u64(&p->out, S("times"), v->times[what]);
        json_out_end(&p->out);
    }
    json_out_end(&p->out);
}

/* As a plan would hear of it, were there no other minimum. */
static void add_verdict(void *arg, struct str model, const struct verdict *v)
{
    struct prefixes_page *p = arg;
    struct cache_terms terms = {0};
    (void)verdict_apply(v, p->now_s, &terms);
    json_out_object(&p->out);
    json_out_key(&p->out, S("model"));
    json_out_string(&p->out, model);
    add_refused(p, v);
    json_out_key(&p->out, S("least_tokens"));
    if (terms.least_tokens)
        json_out_u64(&p->out, terms.least_tokens);
    else
        json_out_null(&p->out);
    add_number(&p->out, S("hit_rate"), terms.hit);
    json_out_end(&p->out);
}

static void add_scale(void *arg, struct str model, struct str client, const struct tokens_scale *s)
{
    struct prefixes_page *p = arg;
    json_out_object(&p->out);
    json_out_key(&p->out, S("model"));
    json_out_string(&p->out, model);
    json_out_key(&p->out, S("client"));
    json_out_string(&p->out, client);
    add_number(&p->out, S("factor"), s->factor);
    add_number(&p->out, S("error"), s->error);
    json_out_put_u64(&p->out, S("requests"), s->times);
    json_out_end(&p->out);
}

/* null: nobody knows the price. */
static void add_cost(struct prefixes_page *p, struct str name, struct str model, uint64_t tokens)
{
    struct buf b = {0};
    int64_t nanousd;
    json_out_key(&p->out, name);
    if (!volatile_news_cost(p->catalogue, model, tokens, &nanousd)) {
        json_out_null(&p->out);
        return;
    }
    price_add_usd(&b, nanousd);
    json_out_raw(&p->out, buf_str(&b));
    buf_fini(&b);
}

/* Of some minutes a month would be a guess: null. */
static void add_month(struct prefixes_page *p, struct str model, uint64_t tokens)
{
    if (tokens) {
        json_out_put_u64(&p->out, S("tokens_a_month"), tokens);
        add_cost(p, S("usd_a_month"), model, tokens);
        return;
    }
    json_out_key(&p->out, S("tokens_a_month"));
    json_out_null(&p->out);
    json_out_key(&p->out, S("usd_a_month"));
    json_out_null(&p->out);
}

static void add_volatile(void *arg, struct str model, struct str client,
                         const struct volatile_place *v)
{
    struct prefixes_page *p = arg;
    uint64_t tokens = volatile_news_scale(p->cache, model, client, v->tokens);
    uint64_t month = volatile_news_scale(p->cache, model, client, volatile_month(v, p->now_s));
    json_out_object(&p->out);
    json_out_key(&p->out, S("model"));
    json_out_string(&p->out, model);
    json_out_key(&p->out, S("client"));
    json_out_string(&p->out, client);
    json_out_key(&p->out, S("kind"));
    json_out_string(&p->out, volatile_word(v->kind));
    json_out_key(&p->out, S("section"));
    json_out_string(&p->out, ask_section_word(v->section));
    json_out_put_u64(&p->out, S("message"), v->message);
    json_out_put_u64(&p->out, S("block"), v->index);
    json_out_put_u64(&p->out, S("offset"), v->offset);
    json_out_put_u64(&p->out, S("changes"), v->changes);
    json_out_put_u64(&p->out, S("repeats"), v->repeats);
    add_time(&p->out, S("first"), v->first_s);
    add_time(&p->out, S("last"), v->last_s);
    json_out_put_u64(&p->out, S("tokens"), tokens);
    add_cost(p, S("usd"), model, tokens);
    add_month(p, model, month);
    json_out_end(&p->out);
}

void back_prefixes_add_json(struct shared_cache *cache, const struct catalogue *catalogue,
                            int64_t now_s, struct buf *out)
{
    struct prefixes_page p = {
        .out = {.buf = out}, .cache = cache, .catalogue = catalogue, .now_s = now_s};
    json_out_object(&p.out);
    add_index(&p);
    json_out_key(&p.out, S("verdicts"));
    json_out_array(&p.out);
    if (cache)
        shared_cache_each_verdict(cache, add_verdict, &p);
    json_out_end(&p.out);
    json_out_key(&p.out, S("scales"));
    json_out_array(&p.out);
    if (cache)
        shared_cache_each_scale(cache, add_scale, &p);
    json_out_end(&p.out);
    json_out_key(&p.out, S("volatile"));
    json_out_array(&p.out);
    if (cache)
        shared_cache_each_volatile(cache, add_volatile, &p);
    json_out_end(&p.out);
    json_out_end(&p.out);
    buf_add_char(out, '\n');
}

static enum step_result start_prefixes(struct exchange *ex)
{
    struct buf b = {0};
    struct str path, query;
    uri_split(ex->target, &path, &query);
    if (query.len)
        return exchange_fail(ex, OUTCOME_BAD_QUERY, S("There are no parameters here."));
    back_prefixes_add_json(ex->worker->daemon->cache, ex->setup->catalogue, clock_wall_ms() / 1000,
                           &b);
    enum step_result r = exchange_own(ex, 200, S("application/json"), buf_str(&b));
    buf_fini(&b);
    return r;
}

const struct back back_prefixes = {"prefixes", start_prefixes, NULL, NULL, NULL};
