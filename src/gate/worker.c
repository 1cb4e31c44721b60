/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread that serves, and how it goes from one setup to the next without dropping a request: new
 * requests see the new setup, running ones keep theirs; sockets of unchanged addresses stay open.
 */
#include "weir/gate/worker.h"

#include "back.h"
#include "caching.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"
#include "weir/gate/daemon.h"
#include "weir/gate/exchange.h"

enum {
    TICK_MS = 1000,
    LAST_WORDS_MS = 1000, /* for errors to reach those who still wait at the end */
    IDLE_MS = 60000,      /* an unused connection to the origin; Bedrock's side keeps them longer */
    PING_MS = 30000,      /* NAT and PrivateLink forget a silent connection after 350 s */
    /* In tenths: what one resend costs, and what is kept for a bad moment. */
    RESEND_COST = 10,
    RESEND_MOST = 100
};

struct origin *worker_make_origin(struct loop *l, struct dns *dns, const struct setup *s)
{
    const struct origin_options o = {.host = str_of(s->runtime.host),
                                     .port = s->runtime.port,
                                     .tls = s->origin_tls,
                                     .proxy_host = s->has_proxy ? str_of(s->proxy.host) : S(""),
                                     .proxy_port = s->proxy.port,
                                     .proxy_authorization = str_of(s->proxy_authorization),
                                     .connect_ms = s->config->connect_ms,
                                     .idle_ms = IDLE_MS,
                                     .ping_ms = PING_MS};
    return origin_new(l, dns, &o);
}

static void publish(struct worker *w)
{
    struct origin_counts c = {0};
    if (w->origin)
        origin_count(w->origin, &c);
    metric_set(&w->metrics, METRIC_UPSTREAM_OPENED, w->past.opened + c.opened);
    metric_set(&w->metrics, METRIC_UPSTREAM_REUSED, w->past.reused + c.reused);
    metric_set(&w->metrics, METRIC_UPSTREAM_FAILED, w->past.failed + c.failed);
    metric_set(&w->metrics, METRIC_UPSTREAM_CONNECTIONS, c.connections);
    metric_set(&w->metrics, METRIC_UPSTREAM_EJECTED, c.ejected);
    metric_set(&w->metrics, METRIC_ACTIVE, w->active);
    metric_set(&w->metrics, METRIC_READING_ON, w->reading_on);
    int64_t us = loop_take_longest_turn_us(w->loop);
    uint64_t longest =
        atomic_load_explicit(&w->metrics.simple[METRIC_LONGEST_TURN], memory_order_relaxed);
    if (us > 0 && (uint64_t)us > longest)
        metric_set(&w->metrics, METRIC_LONGEST_TURN, (uint64_t)us);
}

static void close_port(struct port **at)
{
    struct port *p = *at;
    *at = p->next;
    listener_free(p->listener);
    setup_unref(p->setup);
    mem_free(p);
}

static void tick(void *arg)
{
    struct worker *w = arg;
    publish(w);
    body_pool_trim(&w->bodies);
    for (struct port **at = &w->ports; *at;) {
        if ((*at)->retiring && listener_busy((*at)->listener) == 0)
            close_port(at);
        else
            at = &(*at)->next;
    }
    timer_start(&w->tick, TICK_MS);
}

static void clean(void *arg)
{
    struct worker *w = arg;
    if (body_pool_clean(&w->bodies))
        loop_next_turn(w->loop, &w->clean);
}

static void last_words_said(void *arg)
{
    struct worker *w = arg;
    loop_stop(w->loop);
}

void worker_init(struct worker *w, struct daemon *daemon, struct setup *setup)
{
    w->daemon = daemon;
    w->loop = loop_new();
    w->dns = dns_new(w->loop);
    w->signer = aws_signer_new();
    w->bodies.budget = &daemon->bodies;
    later_init(&w->clean, clean, w);
    w->resend_tenths = RESEND_COST;
    if (setup) {
        w->setup = setup_ref(setup);
        w->origin = worker_make_origin(w->loop, w->dns, setup);
    }
    list_init(&w->exchanges);
    timer_init(&w->last_words, w->loop, last_words_said, w);
    timer_init(&w->tick, w->loop, tick, w);
    timer_start(&w->tick, TICK_MS);
}

void worker_close(struct worker *w)
{
    timer_stop(&w->tick);
    timer_stop(&w->last_words);
    mailbox_read(loop_mailbox(w->loop)); /* an order that came after its end */
    while (w->ports)
        close_port(&w->ports);
    if (w->origin)
        origin_free(w->origin);
    creds_unref(w->creds);
    for (size_t i = 0; i < CONFIG_MOST_CLIENTS; i++)
        creds_unref(w->role_creds[i]);
    keyring_unref(w->keyring);
    w->keyring = NULL;
    if (w->setup)
        setup_unref(w->setup);
    later_cancel(&w->clean);
    caching_rooms_free(w->caching_rooms);
    body_pool_fini(&w->bodies);
    aws_signer_free(w->signer);
}

void worker_fini(struct worker *w)
{
    mailbox_read(loop_mailbox(w->loop)); /* the clerk's last words */
    dns_free(w->dns);
    loop_free(w->loop);
}

static struct listener_options options_of(struct port *p)
{
    const struct setup *s = p->setup;
    bool data = p->realm == REALM_DATA;
    return (struct listener_options){.tls = data ? s->listen_tls[p->at] : NULL,
                                     .proxy_protocol =
                                         data && s->config->listen[p->at].proxy_protocol,
                                     .sink = &exchange_sink,
                                     .owner = p,
                                     .connections = &p->worker->daemon->connections,
                                     .most_connections = (int64_t)s->config->connections};
}

void worker_open(struct worker *w, int fd, struct setup *setup, size_t at, enum realm realm)
{
    struct port *p = mem_new(sizeof *p);
    *p = (struct port){
        .worker = w, .setup = setup_ref(setup), .at = at, .realm = realm, .next = w->ports};
    const struct listener_options o = options_of(p);
    p->listener = listener_new(w->loop, fd, &o);
    w->ports = p;
}

/* The port that has this address and was not moved yet. The address may stand there several times,
 * as 127.0.0.1:0 does: then the first of them. */
static struct port *port_at(struct worker *w, const struct setup *new, struct str address)
{
    struct port *found = NULL;
    for (struct port *p = w->ports; p; p = p->next)
        if (!p->retiring && p->setup != new && (!found || p->at < found->at) &&
            str_eq(p->setup->config->listen[p->at].address, address))
            found = p;
    return found;
}

static void move_port(struct port *p, struct setup *setup, size_t at)
{
    struct setup *old = p->setup;
    p->setup = setup_ref(setup);
    p->at = at;
    const struct listener_options o = options_of(p);
    listener_update(p->listener, &o);
    setup_unref(old);
}

static void switch_ports(struct worker *w, struct setup *setup, const int *fds)
{
    for (size_t i = 0; i < setup->config->n_listen; i++) {
        struct port *p = port_at(w, setup, setup->config->listen[i].address);
        if (fds[i] >= 0)
            worker_open(w, fds[i], setup, i, REALM_DATA);
        else if (p)
            move_port(p, setup, i);
    }
    for (struct port *p = w->ports; p; p = p->next) {
        if (p->setup == setup || p->retiring)
            continue;
        p->retiring = true;
        listener_drain(p->listener);
    }
}

static void change_origin(struct worker *w, const struct setup *setup)
{
    struct origin_counts c;
    origin_count(w->origin, &c);
    w->past.opened += c.opened;
    w->past.reused += c.reused;
    w->past.failed += c.failed;
    origin_retire(w->origin);
    w->origin = worker_make_origin(w->loop, w->dns, setup);
}

/* What is in hand of roles that both setups have. */
static void keep_role_creds(struct worker *w, const struct setup *new)
{
    struct creds *kept[CONFIG_MOST_CLIENTS] = {NULL};
    for (size_t i = 0; i < new->config->n_clients; i++)
        for (size_t j = 0; new->roles[i] && j < w->setup->config->n_clients; j++)
            if (w->setup->roles[j] == new->roles[i])
                kept[i] = creds_ref(w->role_creds[j]);
    for (size_t i = 0; i < CONFIG_MOST_CLIENTS; i++) {
        creds_unref(w->role_creds[i]);
        w->role_creds[i] = kept[i];
    }
}

void worker_switch(struct worker *w, struct setup *setup, const int *fds)
{
    struct setup *old = w->setup;
    (void)worker_creds(w); /* to have them in hand */
    keep_role_creds(w, setup);
    w->setup = setup_ref(setup);
    if (!setup_same_origin(old, setup))
        change_origin(w, setup);
    switch_ports(w, setup, fds);
    setup_unref(old);
}

void worker_follow(struct worker *w, struct setup *setup)
{
    struct setup *old = w->setup;
    w->setup = setup_ref(setup);
    for (struct port *p = w->ports; p; p = p->next)
        move_port(p, setup, p->at);
    setup_unref(old);
}

void worker_take_keyring(struct worker *w, struct keyring *ring)
{
    keyring_unref(w->keyring);
    w->keyring = ring;
}

static void leave_if_idle(struct worker *w)
{
    if (w->leaving && w->active == 0)
        loop_stop(w->loop);
}

void worker_drain(struct worker *w)
{
    w->leaving = true;
    for (struct port *p = w->ports; p; p = p->next)
        listener_drain(p->listener);
    for (struct list *node = w->exchanges.next; node != &w->exchanges; node = node->next)
        back_spool_drain(LIST_OF(node, struct exchange, node));
    leave_if_idle(w);
}

void worker_drop_body(struct worker *w, struct body *b)
{
    bool large = b->mapped;
    body_fini(b);
    if (large)
        clean(w);
}

void worker_cut(struct worker *w)
{
    struct list *next;
    for (struct list *node = w->exchanges.next; node != &w->exchanges; node = next) {
        next = node->next;
        exchange_cut(LIST_OF(node, struct exchange, node));
    }
    timer_start(&w->last_words, LAST_WORDS_MS);
    leave_if_idle(w);
}

void worker_left(struct worker *w)
{
    w->active--;
    leave_if_idle(w);
}

static struct creds *newest(struct creds_chain *chain, struct creds **in_hand)
{
    struct creds *set = *in_hand;
    bool valid = set && (!set->expires_s || set->expires_s > clock_wall_ms() / 1000);
    if (valid && (set->version == creds_version(chain) || !creds_settled(chain)))
        return set;
    creds_unref(set);
    *in_hand = creds_get(chain);
    return *in_hand;
}

struct creds *worker_creds(struct worker *w)
{
    return newest(w->setup->creds, &w->creds);
}

static size_t place_of(const struct worker *w, const struct config_client *client)
{
    return (size_t)(client - w->setup->config->clients);
}

static const struct client_role *role_of(const struct worker *w, const struct config_client *client)
{
    return client ? w->setup->roles[place_of(w, client)] : NULL;
}

struct creds *worker_creds_for(struct worker *w, const struct config_client *client)
{
    const struct client_role *role = role_of(w, client);
    return role ? newest(role->chain, &w->role_creds[place_of(w, client)]) : worker_creds(w);
}

bool worker_awaits_role(const struct worker *w, const struct config_client *client)
{
    const struct client_role *role = role_of(w, client);
    return role && !creds_settled(role->chain);
}

void worker_creds_refused(struct worker *w, const struct config_client *client, uint64_t version)
{
    const struct client_role *role = role_of(w, client);
    creds_refused(role ? role->chain : w->setup->creds, version);
}

void worker_called(struct worker *w)
{
    metric_add(&w->metrics, METRIC_UPSTREAM_CALLS, 1);
    w->resend_tenths += w->resend_tenths < RESEND_MOST;
}

bool worker_may_resend(struct worker *w)
{
    if (w->resend_tenths < RESEND_COST)
        return false;
    w->resend_tenths -= RESEND_COST;
    return true;
}
