/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known by name: learners by client, verdicts by model, scales by both. The last two are
 * small: they are read and changed under their table's lock. A learner has a lock of its own, for a
 * plan takes some microseconds; it is never given up, so the clients beyond so many share one.
 *
 *     kept as:   "l CLIENT"   "v MODEL"   "s CLIENT NUL MODEL"
 */
#include "shared_cache_private.h"
#include "weir/base/hash.h"
#include "weir/base/limits.h"
#include "weir/base/mem.h"

#include <string.h>

enum { KIND_BYTES = 2 };
static const struct str of_learners = STR("l "), of_verdicts = STR("v "), of_scales = STR("s ");

void shared_learned_init(struct shared_cache *c)
{
    named_init(&c->learners, LIMIT_CACHE_CLIENTS + 1, sizeof(struct shared_learner *));
    named_init(&c->verdicts, LIMIT_CACHE_MODELS, sizeof(struct verdict));
    named_init(&c->scales, LIMIT_CACHE_SCALES, sizeof(struct tokens_scale));
}

void shared_learned_fini(struct shared_cache *c)
{
    struct shared_learner *l;
    struct buf name = {0};
    for (size_t i = 0; named_copy(&c->learners, i, &name, &l); i++) {
        pthread_mutex_destroy(&l->lock);
        mem_free(l->learner);
        mem_free(l);
    }
    buf_fini(&name);
    named_fini(&c->learners);
    named_fini(&c->verdicts);
    named_fini(&c->scales);
}

/* --- learners */

static struct shared_learner *learner_new(void)
{
    struct shared_learner *l = mem_new(sizeof *l);
    pthread_mutex_init(&l->lock, NULL);
    l->learner = cache_learner_init(mem_new(CACHE_LEARNER_BYTES));
    return l;
}

static struct shared_learner *learner_of(struct shared_cache *c, struct str client)
{
    pthread_mutex_lock(&c->learners.lock);
    struct shared_learner **at = named_find(&c->learners, client);
    if (!at && c->learners.n >= LIMIT_CACHE_CLIENTS)
        client = S("other");
    if (!at)
        at = named_put(&c->learners, client);
    if (!*at)
        *at = learner_new();
    struct shared_learner *l = *at;
    pthread_mutex_unlock(&c->learners.lock);
    return l;
}

void shared_cache_plan(struct shared_cache *c, struct str client, const struct cache_terms *terms,
                       const struct cache_site *sites, size_t n, struct str workload, uint32_t now,
                       bool dry, struct cache_plan *out)
{
    struct shared_learner *l = learner_of(c, client);
    pthread_mutex_lock(&l->lock);
    cache_plan(l->learner, terms, sites, n, hash64(0, workload), now, dry, out);
    l->changed = l->changed || !dry;
    pthread_mutex_unlock(&l->lock);
    if (!dry)
        shared_cache_note(c, sites, out, now);
}

/* --- verdicts */

struct verdict shared_cache_verdict(struct shared_cache *c, struct str model)
{
    pthread_mutex_lock(&c->verdicts.lock);
    const struct verdict *known = named_find(&c->verdicts, model);
    struct verdict v = known ? *known : (struct verdict){0};
    pthread_mutex_unlock(&c->verdicts.lock);
    return v;
}

bool shared_cache_refused(struct shared_cache *c, struct str model, struct str message,
                          unsigned marked, bool hour, int64_t now_s)
{
    pthread_mutex_lock(&c->verdicts.lock);
    struct verdict *v = named_put(&c->verdicts, model);
    bool learned = verdict_refused(v, message, marked, hour, now_s);
    named_changed(v);
    pthread_mutex_unlock(&c->verdicts.lock);
    return learned;
}

void shared_cache_blamed(struct shared_cache *c, struct str model, unsigned marked, bool hour,
                         int64_t now_s)
{
    pthread_mutex_lock(&c->verdicts.lock);
    struct verdict *v = named_put(&c->verdicts, model);
    verdict_blamed(v, marked, hour, now_s);
    named_changed(v);
    pthread_mutex_unlock(&c->verdicts.lock);
}

static uint32_t expected_writes(const struct cache_plan *p)
{
    uint64_t sum = (uint64_t)p->expect_write_5m + p->expect_write_30m + p->expect_write_1h;
    return sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

static void learn_verdict(struct shared_cache *c, const struct shared_cache_answer *a)
{
    pthread_mutex_lock(&c->verdicts.lock);
    struct verdict *v = named_put(&c->verdicts, a->model);
    verdict_answered(v, a->plan->expect_read, a->plan->expect_renewed, expected_writes(a->plan),
                     a->prefix_tokens, a->read, a->written, a->now_s);
    named_changed(v);
    pthread_mutex_unlock(&c->verdicts.lock);
}

/* --- scales */

static void scale_name(struct buf *name, struct str model, struct str client)
{
    buf_add(name, client);
    buf_add_char(name, '\0');
    buf_add(name, model);
}

/* Short prompts teach nothing, and take no place. */
static void learn_scale(struct shared_cache *c, const struct shared_cache_answer *a)
{
    struct buf name = {0};
    scale_name(&name, a->model, a->client);
    pthread_mutex_lock(&c->scales.lock);
    const struct tokens_scale *known = named_find(&c->scales, buf_str(&name));
    struct tokens_scale s = known ? *known : (struct tokens_scale){0}, *at;
    tokens_scale_learn(&s, a->estimated, a->reported);
    if (s.times > 0) {
        at = named_put(&c->scales, buf_str(&name));
        *at = s;
        named_changed(at);
    }
    pthread_mutex_unlock(&c->scales.lock);
    buf_fini(&name);
}

struct tokens_scale shared_cache_scale(struct shared_cache *c, struct str model, struct str client)
{
    struct buf name = {0};
    scale_name(&name, model, client);
    pthread_mutex_lock(&c->scales.lock);
    const struct tokens_scale *known = named_find(&c->scales, buf_str(&name));
    struct tokens_scale s = known ? *known : (struct tokens_scale){0};
    pthread_mutex_unlock(&c->scales.lock);
    buf_fini(&name);
    return s;
}

void shared_cache_answered(struct shared_cache *c, const struct shared_cache_answer *a)
{
    if (a->plan)
        learn_verdict(c, a);
    learn_scale(c, a);
}

/* --- kept */

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

/* The learner's lock is held while it is written into memory, and not while it is told. */
static void tell_learners(struct shared_cache *c, struct telling *t)
{
    struct shared_learner *l;
    for (size_t i = 0; named_copy(&c->learners, i, &t->name, &l); i++) {
        pthread_mutex_lock(&l->lock);
        bool changed = l->changed;
        l->changed = false;
        if (changed)
            cache_learner_write(l->learner, &t->bytes);
        pthread_mutex_unlock(&l->lock);
        if (changed)
            tell(t, of_learners);
    }
}

void shared_cache_each_changed(struct shared_cache *c,
                               void (*each)(void *arg, struct str name, struct str bytes),
                               void *arg)
{
    struct telling t = {.each = each, .arg = arg};
    struct verdict v;
    struct tokens_scale s;
    tell_learners(c, &t);
    for (size_t i = 0; named_take(&c->verdicts, &i, &t.name, &v);) {
        verdict_write(&v, &t.bytes);
        tell(&t, of_verdicts);
    }
    for (size_t i = 0; named_take(&c->scales, &i, &t.name, &s);) {
        tokens_scale_write(&s, &t.bytes);
        tell(&t, of_scales);
    }
    buf_fini(&t.name);
    buf_fini(&t.kept_name);
    buf_fini(&t.bytes);
}

void shared_learned_all_changed(struct shared_cache *c)
{
    struct shared_learner *l;
    struct buf name = {0};
    for (size_t i = 0; named_copy(&c->learners, i, &name, &l); i++) {
        pthread_mutex_lock(&l->lock);
        l->changed = true;
        pthread_mutex_unlock(&l->lock);
    }
    buf_fini(&name);
    named_all_changed(&c->verdicts);
    named_all_changed(&c->scales);
}

static void restore_learner(struct shared_cache *c, struct str client, struct str bytes)
{
    struct shared_learner *l = learner_of(c, client);
    pthread_mutex_lock(&l->lock);
    if (cache_learner_read(l->learner, bytes) != 0)
        l->changed = true;
    pthread_mutex_unlock(&l->lock);
}

/* What was learned since the start is kept as it is: nothing is known of it yet that is not zero.
 */
static void restore_thing(struct named_table *t, struct str name, const void *thing)
{
    pthread_mutex_lock(&t->lock);
    if (!named_find(t, name))
        memcpy(named_put(t, name), thing, t->thing_bytes);
    pthread_mutex_unlock(&t->lock);
}

void shared_cache_restore_named(struct shared_cache *c, struct str name, struct str bytes)
{
    struct str kind = str_sub(name, 0, KIND_BYTES), rest = str_from_offset(name, KIND_BYTES);
    struct verdict v;
    struct tokens_scale s;
    if (str_eq(kind, of_learners))
        restore_learner(c, rest, bytes);
    else if (str_eq(kind, of_verdicts) && verdict_read(bytes, &v) == 0)
        restore_thing(&c->verdicts, rest, &v);
    else if (str_eq(kind, of_scales) && tokens_scale_read(bytes, &s) == 0)
        restore_thing(&c->scales, rest, &s);
}

/* --- to be seen */

void shared_cache_each_verdict(struct shared_cache *c,
                               void (*each)(void *arg, struct str model, const struct verdict *v),
                               void *arg)
{
    struct buf name = {0};
    struct verdict v;
    for (size_t i = 0; named_copy(&c->verdicts, i, &name, &v); i++)
        each(arg, buf_str(&name), &v);
    buf_fini(&name);
}

void shared_cache_each_scale(struct shared_cache *c,
                             void (*each)(void *arg, struct str model, struct str client,
                                          const struct tokens_scale *s),
                             void *arg)
{
    struct buf name = {0};
    struct tokens_scale s;
    for (size_t i = 0; named_copy(&c->scales, i, &name, &s); i++) {
        struct str model = buf_str(&name), client = str_cut(&model, '\0');
        each(arg, model, client, &s);
    }
    buf_fini(&name);
}
