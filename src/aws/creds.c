/* SPDX-License-Identifier: Apache-2.0
 *
 * The chain: one set of credentials for the process. It lives on one loop, where a timer looks at
 * the clocks at least once a minute (so that a jump of the wall clock or a suspended machine is
 * noticed) and decides between three things:
 *
 *     set in hand     |-------- served -----------------------------|  withdrawn
 *     refresh                                    |--15 min--|-10 min-|
 *                                                begins      hurries  expires
 *
 * One load flies at a time. A failed one is tried again after a growing wait with jitter, and the
 * set in hand is served as long as it is valid; one from IMDS 5 to 10 minutes longer, as AWS's SDKs
 * do, since the service accepts such keys while IMDS is impaired.
 *
 * Other threads see two things only: the version, an atomic, and the set behind a mutex.
 *
 * A client's role is such a chain, too, with one source: the role, assumed with the set that its
 * base has in hand. It begins when its base has settled, and does not wait out its own pause when
 * its base has found credentials again.
 */
#include "weir/base/clock.h"
#include "weir/base/digest.h"
#include "weir/base/list.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"

#include "creds_source.h"

#include <assert.h>
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
    TICK_MS = 60 * 1000,
    REFRESH_S = 15 * 60,  /* botocore's advisory time */
    HURRY_S = 10 * 60,    /* and its mandatory one */
    JITTER_S = 60,        /* so that a fleet that began together does not refresh together */
    EXTEND_S = 5 * 60,    /* at least, and at most twice that */
    FIRST_WAIT_MS = 1000, /* after a failure; doubled each time up to one of these */
    MOST_WAIT_MS = 2 * 60 * 1000,
    MOST_HURRIED_WAIT_MS = 15 * 1000,
    REFUSED_EVERY_MS = 10 * 1000,
    STRINGS_MOST_BYTES = 64 * 1024,
    SESSION_MOST = 64,
    DIGEST_DIGITS = 8,
};

struct creds_chain {
    atomic_uint users; /* the owner, and a refusal under way */
    struct creds_tools tools;
    struct arena strings;
    struct creds_chain *base; /* of a role; else NULL */
    struct role role;
    struct list roles, node; /* those whose base this is; its place in base's */
    void (*changed)(void *arg);
    void *arg;

    pthread_mutex_t lock;
    struct creds *newest; /* changed under the lock, by this loop */
    _Atomic uint64_t version;
    atomic_bool settled;

    _Atomic uint64_t refused; /* by another thread; 0: no mail under way */
    struct mail refusal;
    bool freed; /* only a refusal under way still knows it */

    struct source *loading, *spent;
    struct later begin, drop;
    struct timer tick;
    int64_t refresh_at_s;    /* wall; 0: not by expiry */
    int64_t retry_at_ms;     /* mono; 0: none */
    int64_t last_refused_ms; /* mono */
    unsigned failures;       /* since the last good load */
    char trouble[WHY_MAX + 64];
};

static struct source *(*const order[])(struct creds_tools *t, char *err, size_t err_size) = {
    creds_bearer_new,       creds_env_new,       creds_profile_new,
    creds_web_identity_new, creds_container_new, creds_imds_new,
};

static int64_t mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

static int64_t wall_s(void)
{
    return clock_wall_ms() / 1000;
}

/* --- publication */

static bool expired(const struct creds *set)
{
    return set->expires_s && set->expires_s <= wall_s();
}

static void publish(struct creds_chain *c, struct creds *set)
{
    pthread_mutex_lock(&c->lock);
    struct creds *old = c->newest;
    c->newest = set;
    atomic_store_explicit(&c->version, set ? set->version : 0, memory_order_release);
    pthread_mutex_unlock(&c->lock);
    creds_unref(old);
}

struct creds *creds_get(struct creds_chain *c)
{
    if (!c)
        return NULL;
    pthread_mutex_lock(&c->lock);
    struct creds *set = c->newest && !expired(c->newest) ? creds_ref(c->newest) : NULL;
    pthread_mutex_unlock(&c->lock);
    return set;
}

uint64_t creds_version(struct creds_chain *c)
{
    return c ? atomic_load_explicit(&c->version, memory_order_acquire) : 0;
}

const char *creds_trouble(const struct creds_chain *c)
{
    return c ? c->trouble : "";
}

bool creds_settled(struct creds_chain *c)
{
    return !c || atomic_load_explicit(&c->settled, memory_order_acquire);
}

static void load(struct creds_chain *c);
static void sleep_until_due(struct creds_chain *c);

/* The roles of a base that has news: those that wait for it, and those that failed with what it had
 * before. */
static void tell_roles(struct creds_chain *base)
{
    for (struct list *at = base->roles.next; at != &base->roles; at = at->next) {
        struct creds_chain *c = LIST_OF(at, struct creds_chain, node);
        if (creds_settled(c) && !(c->failures && base->newest))
            continue;
        if (c->spent) /* it failed a moment ago */
            c->retry_at_ms = mono_ms();
        load(c);
        sleep_until_due(c);
    }
}

static void tell(struct creds_chain *c)
{
    atomic_store_explicit(&c->settled, true, memory_order_release);
    if (c->changed)
        c->changed(c->arg);
    tell_roles(c);
}

/* --- when */

/* A set that lives less than twice the usual lead is refreshed at half its life. */
static int64_t refresh_at(const struct creds *set)
{
    int64_t left_s = set->expires_s - wall_s();
    int64_t lead_s = left_s / 2 < REFRESH_S ? left_s / 2 : REFRESH_S;
    int64_t jitter_s = lead_s < JITTER_S * 2 ? 0 : (int64_t)random_below(JITTER_S);
    return set->expires_s - lead_s + jitter_s;
}

static int64_t wait_after_failure(const struct creds_chain *c)
{
    const struct creds *set = c->newest;
    bool hurry = !set || (set->expires_s && set->expires_s - wall_s() < HURRY_S);
    int64_t most_ms = hurry ? MOST_HURRIED_WAIT_MS : MOST_WAIT_MS;
    int64_t ms = c->failures < 8 ? (int64_t)FIRST_WAIT_MS << (c->failures - 1) : most_ms;
    if (ms > most_ms)
        ms = most_ms;
    return ms / 2 + (int64_t)random_below((uint64_t)ms / 2 + 1);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void sleep_until_due(struct creds_chain *c)
{
    int64_t ms = TICK_MS;
    if (c->newest && c->newest->expires_s)
        ms = earlier(ms, (c->newest->expires_s - wall_s()) * 1000);
    if (!c->loading && c->refresh_at_s)
        ms = earlier(ms, (c->refresh_at_s - wall_s()) * 1000);
    if (!c->loading && c->retry_at_ms)
        ms = earlier(ms, c->retry_at_ms - mono_ms());
    timer_start(&c->tick, ms > 0 ? ms : 1);
}

/* --- loading */

/* NULL with err when something is wrong, NULL with err empty when there is nothing anywhere. */
static struct source *choose(struct creds_chain *c, char *err, size_t err_size)
{
    err[0] = 0;
    if (c->base)
        return creds_role_of_chain(&c->tools, c->base, &c->role, err, err_size);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        struct source *s = order[i](&c->tools, err, err_size);
        if (s || err[0])
            return s;
    }
    return NULL;
}

static void failed(struct creds_chain *c, const char *source, const char *why)
{
    c->failures++;
    c->refresh_at_s = 0;
    c->retry_at_ms = mono_ms() + wait_after_failure(c);
    snprintf(c->trouble, sizeof c->trouble, "%s%s%s", source, *source ? ": " : "", why);
}

/* IMDS only: what is in hand, or what came and is already stale, serves on for a while. */
static void extend(struct creds_chain *c, const struct creds *set)
{
    int64_t until_s = wall_s() + EXTEND_S + (int64_t)random_below(EXTEND_S);
    if (set->expires_s && set->expires_s - wall_s() < EXTEND_S)
        publish(c, creds_extend(set, until_s));
}

static void took(struct creds_chain *c, const struct source *from, struct creds *set)
{
    bool news = c->trouble[0] || !creds_same(set, c->newest);
    c->failures = 0;
    c->trouble[0] = 0;
    c->refresh_at_s = set->expires_s ? refresh_at(set) : 0;
    c->retry_at_ms = !set->expires_s && from->recheck_ms ? mono_ms() + from->recheck_ms : 0;
    if (creds_same(set, c->newest))
        creds_unref(set);
    else
        publish(c, set);
    if (news)
        tell(c);
}

static void on_loaded(void *arg, struct creds *set, const char *why)
{
    struct creds_chain *c = arg;
    struct source *from = c->loading;
    c->loading = NULL;
    c->spent = from;
    loop_later(c->tools.loop, &c->drop); /* we are inside it */
    if (set && !expired(set)) {
        took(c, from, set);
    } else {
        failed(c, from->name, set ? "the credentials that came have expired already" : why);
        if (from->extends && (set || (c->newest && strcmp(c->newest->source, from->name) == 0)))
            extend(c, set ? set : c->newest);
        creds_unref(set);
        tell(c);
    }
    sleep_until_due(c);
}

static void drop(void *arg)
{
    struct creds_chain *c = arg;
    source_free(c->spent);
    c->spent = NULL;
}

static void start(struct creds_chain *c, struct source *s)
{
    c->loading = s;
    c->refresh_at_s = c->retry_at_ms = 0;
    source_start(s, on_loaded, c);
}

static void load(struct creds_chain *c)
{
    char err[WHY_MAX];
    if (c->loading || c->spent)
        return;
    struct source *s = choose(c, err, sizeof err);
    if (s) {
        start(c, s);
        return;
    }
    failed(c, "",
           err[0] ? err
                  : "no credentials in the environment, the AWS profile, a web identity, a "
                    "container or an instance; set credentials in the configuration");
    tell(c);
}

static void begin(void *arg)
{
    struct creds_chain *c = arg;
    struct source *s = c->loading;
    c->loading = NULL;
    if (s)
        start(c, s);
    else
        load(c);
    sleep_until_due(c);
}

static void begin_role(void *arg)
{
    struct creds_chain *c = arg;
    if (creds_settled(c->base))
        load(c);
    sleep_until_due(c);
}

static void on_tick(void *arg)
{
    struct creds_chain *c = arg;
    if (c->newest && expired(c->newest)) {
        publish(c, NULL);
        tell(c);
    }
    if ((c->refresh_at_s && c->refresh_at_s <= wall_s()) ||
        (c->retry_at_ms && c->retry_at_ms <= mono_ms()))
        load(c);
    sleep_until_due(c);
}

/* --- a refusal by the origin */

static void let_go(struct creds_chain *c)
{
    if (atomic_fetch_sub_explicit(&c->users, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_destroy(&c->lock);
    mem_free(c);
}

static void on_refusal(struct mail *m)
{
    struct creds_chain *c = LIST_OF(m, struct creds_chain, refusal);
    uint64_t version = atomic_exchange(&c->refused, 0);
    int64_t now_ms = mono_ms();
    bool soon = c->last_refused_ms && now_ms - c->last_refused_ms < REFUSED_EVERY_MS;
    if (!c->freed && c->newest && c->newest->version == version && !soon) {
        c->last_refused_ms = now_ms;
        load(c);
        sleep_until_due(c);
    }
    let_go(c);
}

void creds_refused(struct creds_chain *c, uint64_t version)
{
    uint64_t none = 0;
    if (!c || version == 0 || version != creds_version(c) ||
        !atomic_compare_exchange_strong(&c->refused, &none, version))
        return;
    atomic_fetch_add_explicit(&c->users, 1, memory_order_relaxed);
    c->refusal.deliver = on_refusal;
    mailbox_send(loop_mailbox(c->tools.loop), &c->refusal);
}

/* --- life */

static struct creds_options copied(struct arena *a, const struct creds_options *o)
{
    struct creds_options copy = *o;
    copy.profile = arena_dup(a, o->profile);
    copy.bearer_file = arena_dup(a, o->bearer_file);
    copy.region = arena_dup(a, o->region);
    copy.sts_endpoint = arena_dup(a, o->sts_endpoint);
    copy.ca_file = o->ca_file ? arena_dup(a, str_of(o->ca_file)).ptr : NULL;
    copy.proxy_host = arena_dup(a, o->proxy_host);
    copy.proxy_authorization = arena_dup(a, o->proxy_authorization);
    return copy;
}

static struct creds_chain *made(struct loop *l, struct dns *dns, const struct creds_options *o,
                                void (*changed)(void *arg), void *arg)
{
    struct creds_chain *c = mem_new(sizeof *c);
    atomic_init(&c->users, 1);
    list_init(&c->roles);
    list_init(&c->node);
    pthread_mutex_init(&c->lock, NULL);
    c->changed = changed;
    c->arg = arg;
    arena_init(&c->strings, STRINGS_MOST_BYTES);
    c->tools = (struct creds_tools){
        .loop = l, .dns = dns, .o = copied(&c->strings, o), .signer = aws_signer_new()};
    later_init(&c->begin, begin, c);
    later_init(&c->drop, drop, c);
    timer_init(&c->tick, l, on_tick, c);
    return c;
}

struct creds_chain *creds_new(struct loop *l, struct dns *dns, const struct creds_options *o,
                              void (*changed)(void *arg), void *arg, char *err, size_t err_size)
{
    struct creds_chain *c = made(l, dns, o, changed, arg);
    if (c->strings.full)
        snprintf(err, err_size, "credentials: a path or an address is too long");
    else
        c->loading = choose(c, err, err_size);
    if (c->strings.full || (!c->loading && err[0])) {
        creds_free(c);
        return NULL;
    }
    loop_next_turn(l, &c->begin);
    return c;
}

/* STS takes 2 to 64 of letters, digits and _=,.@- for a session's name (its API reference, November
 * 2026). What was changed or cut ends with a digest, so that no two clients share a name. */
static struct str session_name(struct arena *a, struct str client)
{
    char name[SESSION_MOST + 1], hex[SHA256_HEX];
    size_t n = (size_t)snprintf(name, sizeof name, "weir-%.*s", STR_ARG(client));
    bool changed = n > SESSION_MOST;
    n = changed ? SESSION_MOST : n;
    for (size_t i = 0; i < n; i++) {
        if (isalnum((unsigned char)name[i]) || strchr("_=,.@-", name[i]))
            continue;
        name[i] = '-';
        changed = true;
    }
    if (!changed)
        return arena_dup(a, str_from(name, n));
    unsigned char digest[SHA256_BYTES];
    sha256_of(client, digest);
    sha256_hex(digest, hex);
    n = n > SESSION_MOST - 1 - DIGEST_DIGITS ? SESSION_MOST - 1 - DIGEST_DIGITS : n;
    return arena_printf(a, "%.*s-%.*s", (int)n, name, DIGEST_DIGITS, hex);
}

struct creds_chain *creds_assume(struct creds_chain *base, const struct creds_role *role,
                                 void (*changed)(void *arg), void *arg, char *err, size_t err_size)
{
    struct creds_chain *c = made(base->tools.loop, base->tools.dns, &base->tools.o, changed, arg);
    const struct role r = {.arn = role->arn,
                           .session_name = session_name(&c->strings, role->client),
                           .tag_key = S(CREDS_ROLE_TAG),
                           .tag_value = role->client};
    c->base = base;
    c->role = role_copy(&c->strings, &r);
    if (c->strings.full) {
        snprintf(err, err_size, "credentials: the name of a role is too long");
        creds_free(c);
        return NULL;
    }
    later_init(&c->begin, begin_role, c);
    list_append(&base->roles, &c->node);
    loop_next_turn(c->tools.loop, &c->begin);
    return c;
}

void creds_free(struct creds_chain *c)
{
    if (!c)
        return;
    assert(list_empty(&c->roles));
    list_remove(&c->node);
    later_cancel(&c->begin);
    later_cancel(&c->drop);
    timer_stop(&c->tick);
    source_free(c->loading);
    source_free(c->spent);
    publish(c, NULL);
    aws_signer_free(c->tools.signer);
    tls_unref(c->tools.tls);
    arena_wipe(&c->strings);
    arena_fini(&c->strings);
    c->freed = true;
    let_go(c);
}
