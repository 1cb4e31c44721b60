/* SPDX-License-Identifier: Apache-2.0
 *
 * One table of names under one lock, held for a look. A name is in one of three states:
 *
 *     (new) --> ASKING --> KNOWN                     for good: a profile's model never changes
 *                 ^  \
 *                 |   --> UNTOLD until a time        30 s, an hour when it is permanent
 *                  \______/   by the first look afterwards
 *
 * Only the office asks and waits; other threads put a name into the queue and knock. What hangs on
 * a name beside its state (its call, who waits) is the office's alone. The table is bounded: what
 * nobody looked at for longest gives way, but never a name that is being asked for.
 */
#include "weir/gate/names.h"

#include "weir/aws/bedrock_control.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
    BUCKETS = 4096,
    ARN_MOST = 512,    /* they are about a hundred long */
    ASKED_AT_ONCE = 4, /* the control plane's limits are low */
    AGAIN_MS = 30 * 1000,
    NEVER_MS = 3600 * 1000 /* "never" is believed for so long */
};

enum state { ASKING, KNOWN, UNTOLD };

struct name {
    struct names *names;
    uint64_t hash;
    struct name *next;  /* in its bucket */
    struct list recent; /* n->recent, the longest unseen first */
    struct list node;   /* ASKING: n->queue, then n->asked */
    struct list waiters;
    enum state state;
    bool told; /* it was logged that nobody can tell */
    int64_t until_ms;
    struct str arn, model;
    char bytes[]; /* of the ARN */
};

struct waiter {
    struct names *names;
    struct list node; /* of a name, or of those that are told at the end of this turn */
    struct timer timer;
    struct later soon;
    enum names_answer answer;
    char model[NAMES_MODEL_MOST];
    void (*done)(void *arg, enum names_answer answer, struct str model);
    void *arg;
};

/* On its way to the office; it may find that nobody is there any more. */
struct knock {
    struct mail mail;
    struct names *names;
};

struct names {
    pthread_mutex_t lock; /* over the table, the names' states and the next line */
    struct name *buckets[BUCKETS];
    size_t n;
    struct list recent, queue;
    struct knock *knock;
    uint64_t seed;
    /* The office's. */
    struct loop *office;
    struct dns *dns;
    struct setup *setup;
    struct bedrock_control *control;
    struct list asked, soon;
    unsigned n_asked;
};

static int64_t now_ms(void)
{
    return clock_mono_ns() / 1000000;
}

/* --- the table; the lock is held */

static uint64_t hash_of(const struct names *n, struct str arn)
{
    uint64_t h = n->seed;
    for (size_t i = 0; i < arn.len; i++)
        h = (h ^ (unsigned char)arn.ptr[i]) * 0x100000001b3;
    return h ^ h >> 32;
}

static struct name *find(const struct names *n, uint64_t hash, struct str arn)
{
    struct name *name = n->buckets[hash % BUCKETS];
    while (name && !(name->hash == hash && str_eq(name->arn, arn)))
        name = name->next;
    return name;
}

static void free_name(struct names *n, struct name *name)
{
    struct name **at = &n->buckets[name->hash % BUCKETS];
    while (*at != name)
        at = &(*at)->next;
    *at = name->next;
    list_remove(&name->recent);
    list_remove(&name->node);
    mem_free((void *)name->model.ptr);
    mem_free(name);
    n->n--;
}

static bool make_room(struct names *n)
{
    if (n->n < NAMES_MOST)
        return true;
    for (struct list *l = n->recent.next; l != &n->recent; l = l->next) {
        struct name *name = LIST_OF(l, struct name, recent);
        if (name->state == ASKING)
            continue;
        free_name(n, name);
        return true;
    }
    return false;
}

static struct name *add(struct names *n, uint64_t hash, struct str arn)
{
    if (!make_room(n))
        return NULL;
    struct name *name = mem_new(sizeof *name + arn.len + 1);
    name->names = n;
    name->hash = hash;
    name->next = n->buckets[hash % BUCKETS];
    n->buckets[hash % BUCKETS] = name;
    memcpy(name->bytes, arn.ptr, arn.len);
    name->arn = str_from(name->bytes, arn.len);
    name->state = UNTOLD;
    list_init(&name->waiters);
    list_init(&name->node);
    list_init(&name->recent);
    list_append(&n->recent, &name->recent);
    n->n++;
    return name;
}

/* --- looking */

static void on_knock(struct mail *m);

static void knock(struct names *n, struct knock *k)
{
    if (k)
        mailbox_send(loop_mailbox(n->office), &k->mail);
}

/* *out_knock is to be sent when the lock is no longer held. */
static enum names_answer look(struct names *n, struct name *name, char *out,
                              struct knock **out_knock)
{
    list_remove(&name->recent);
    list_append(&n->recent, &name->recent);
    if (name->state == KNOWN) {
        snprintf(out, NAMES_MODEL_MOST, "%.*s", STR_ARG(name->model));
        return NAMES_KNOWN;
    }
    if (name->state == ASKING)
        return NAMES_ASKED;
    if (now_ms() < name->until_ms)
        return NAMES_UNKNOWN;
    name->state = ASKING;
    list_append(&n->queue, &name->node);
    if (!n->knock) {
        n->knock = *out_knock = mem_new(sizeof *n->knock);
        n->knock->mail.deliver = on_knock;
        n->knock->names = n;
    }
    return NAMES_ASKED;
}

static enum names_answer look_for(struct names *n, struct str arn, char out[NAMES_MODEL_MOST],
                                  struct name **out_name)
{
    struct knock *k = NULL;
    struct str ignored;
    enum names_answer answer = NAMES_UNKNOWN;
    if (arn.len > ARN_MOST || model_form(arn, &ignored) != MODEL_TO_RESOLVE)
        return NAMES_UNKNOWN;
    uint64_t hash = hash_of(n, arn);
    pthread_mutex_lock(&n->lock);
    struct name *name = find(n, hash, arn);
    if (!name)
        name = add(n, hash, arn);
    if (name)
        answer = look(n, name, out, &k);
    pthread_mutex_unlock(&n->lock);
    *out_name = name;
    knock(n, k);
    return answer;
}

enum names_answer names_look(struct names *n, struct str profile_arn, char out[NAMES_MODEL_MOST])
{
    struct name *ignored;
    return look_for(n, profile_arn, out, &ignored);
}

/* --- asking, in the office */

static void tell_waiter(struct waiter *w)
{
    list_remove(&w->node);
    timer_stop(&w->timer);
    later_cancel(&w->soon);
    w->done(w->arg, w->answer, str_of(w->model));
    mem_free(w);
}

static void complain(struct name *name, const char *why)
{
    if (name->told)
        return;
    name->told = true;
    log_say(LOG_WARN, "names",
            "the model behind %.*s cannot be told, so its requests have no price: %s "
            "(it is asked with GetInferenceProfile, which wants the permission "
            "bedrock:GetInferenceProfile)",
            STR_ARG(name->arn), why);
}

/* Another thread may drop the name as soon as the lock is given back, so those who wait are taken
 * off before. */
static void settle(struct names *n, struct name *name, const struct bedrock_control_answer *a)
{
    struct list waiters, *node;
    bool known = a->end == BEDROCK_CONTROL_KNOWN && a->model.len < NAMES_MODEL_MOST;
    list_init(&waiters);
    while ((node = list_take(&name->waiters)))
        list_append(&waiters, node);
    if (!known)
        complain(name, a->why);
    pthread_mutex_lock(&n->lock);
    list_remove(&name->node);
    name->state = known ? KNOWN : UNTOLD;
    name->until_ms = now_ms() + (a->end == BEDROCK_CONTROL_NONE ? NEVER_MS : AGAIN_MS);
    if (known) {
        char *model = mem_new(a->model.len + 1);
        memcpy(model, a->model.ptr, a->model.len);
        name->model = str_from(model, a->model.len);
    }
    pthread_mutex_unlock(&n->lock);
    for (node = waiters.next; node != &waiters; node = waiters.next) {
        struct waiter *w = LIST_OF(node, struct waiter, node);
        w->answer = known ? NAMES_KNOWN : NAMES_UNKNOWN;
        snprintf(w->model, sizeof w->model, "%.*s", known ? (int)a->model.len : 0,
                 known ? a->model.ptr : "");
        tell_waiter(w);
    }
}

static void ask_what_waits(struct names *n);

static void on_answer(void *arg, const struct bedrock_control_answer *a)
{
    struct name *name = arg;
    struct names *n = name->names;
    n->n_asked--;
    settle(n, name, a);
    ask_what_waits(n);
}

static struct name *take(struct names *n)
{
    pthread_mutex_lock(&n->lock);
    struct list *node = list_take(&n->queue);
    pthread_mutex_unlock(&n->lock);
    return node ? LIST_OF(node, struct name, node) : NULL;
}

static void ask(struct names *n, struct name *name)
{
    struct creds *creds = creds_get(n->setup->creds);
    if (!creds || !n->control) {
        const struct bedrock_control_answer none = {
            .end = BEDROCK_CONTROL_FAILED,
            .why = creds ? "the control plane has no address" : "there are no credentials"};
        settle(n, name, &none);
    } else {
        list_append(&n->asked, &name->node);
        n->n_asked++;
        bedrock_control_ask_profile(n->control, creds, name->arn, on_answer, name);
    }
    creds_unref(creds);
}

static void ask_what_waits(struct names *n)
{
    struct name *name;
    while (n->setup && n->n_asked < ASKED_AT_ONCE && (name = take(n)))
        ask(n, name);
}

static void on_knock(struct mail *m)
{
    struct knock *k = LIST_OF(m, struct knock, mail);
    struct names *n = k->names;
    mem_free(k);
    if (!n)
        return;
    pthread_mutex_lock(&n->lock);
    n->knock = NULL;
    pthread_mutex_unlock(&n->lock);
    ask_what_waits(n);
}

/* --- waiting, in the office */

static void on_soon(void *arg)
{
    tell_waiter(arg);
}

static void on_late(void *arg)
{
    struct waiter *w = arg;
    w->answer = NAMES_ASKED;
    tell_waiter(w);
}

void names_wait(struct names *n, struct str profile_arn, int64_t most_ms,
                void (*done)(void *arg, enum names_answer answer, struct str model), void *arg)
{
    struct waiter *w = mem_new(sizeof *w);
    struct name *name = NULL;
    *w = (struct waiter){.names = n, .done = done, .arg = arg};
    later_init(&w->soon, on_soon, w);
    timer_init(&w->timer, n->office, on_late, w);
    w->answer = look_for(n, profile_arn, w->model, &name);
    if (w->answer == NAMES_ASKED) {
        list_append(&name->waiters,
                    &w->node); /* only the office ends the asking: it is still there */
        timer_start(&w->timer, most_ms);
    } else {
        list_append(&n->soon, &w->node);
        loop_later(n->office, &w->soon);
    }
}

/* At the end: what hangs on an answer must not be lost for it. */
static void send_away(struct list *waiters)
{
    while (!list_empty(waiters)) {
        struct waiter *w = LIST_OF(waiters->next, struct waiter, node);
        tell_waiter(w);
    }
}

/* --- the whole */

struct names *names_new(struct loop *office, struct dns *dns)
{
    struct names *n = mem_new(sizeof *n);
    pthread_mutex_init(&n->lock, NULL);
    n->office = office;
    n->dns = dns;
    n->seed = random_u64();
    list_init(&n->recent);
    list_init(&n->queue);
    list_init(&n->asked);
    list_init(&n->soon);
    return n;
}

static struct bedrock_control *control_of(struct names *n, const struct setup *s)
{
    struct bedrock_control_options o;
    return setup_control(s, &o) ? bedrock_control_new(n->office, n->dns, &o) : NULL;
}

/* What was asked at the old place is asked at the new one, and what could not be told there may be
 * told here. */
static void begin_anew(struct names *n)
{
    struct list *node;
    n->n_asked = 0;
    pthread_mutex_lock(&n->lock);
    while ((node = list_take(&n->asked)))
        list_append(&n->queue, node);
    for (node = n->recent.next; node != &n->recent; node = node->next) {
        struct name *name = LIST_OF(node, struct name, recent);
        name->until_ms = 0;
        name->told = false;
    }
    pthread_mutex_unlock(&n->lock);
}

void names_follow(struct names *n, struct setup *setup)
{
    struct setup *old = n->setup;
    bedrock_control_free(n->control);
    n->setup = setup_ref(setup);
    n->control = control_of(n, setup);
    begin_anew(n);
    if (old)
        setup_unref(old);
    ask_what_waits(n);
}

void names_free(struct names *n)
{
    if (!n)
        return;
    bedrock_control_free(n->control);
    if (n->setup)
        setup_unref(n->setup);
    if (n->knock)
        n->knock->names = NULL; /* it is still in the office's mail */
    send_away(&n->soon);
    while (!list_empty(&n->recent)) {
        struct name *name = LIST_OF(n->recent.next, struct name, recent);
        send_away(&name->waiters);
        free_name(n, name);
    }
    pthread_mutex_destroy(&n->lock);
    mem_free(n);
}
