/* SPDX-License-Identifier: Apache-2.0
 *
 * The pool of one origin's connections. Calls wait in one queue; trunks that have room stand in
 * `ready`, newest first, so that those that nobody needs grow old and are closed:
 *
 *     waiting (calls) --pump--> ready (trunks with room) <--> busy (trunks without)
 *                       \-----> dials, as many as the queue is longer than what is on its way
 *
 * The pump runs once, when the last origin_leave is about to return: whoever has something to say
 * to the pool (a trunk got room, a dial ended) only moves itself to the right list. So there is
 * no callback inside origin_start, and nothing is freed under anybody's feet.
 *
 * The pool never sends a call twice. What it does by itself is to take another connection when the
 * first turned out to be closed before a byte was written.
 */
#include "weir/net/origin.h"

#include "dial.h"
#include "h1_client.h"
#include "h2_client.h"
#include "talk.h"
#include "weir/base/mem.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

enum {
    DIALS_MOST = 64,    /* at once: the listen queue of a small origin holds about as many */
    STREAMS_GUESS = 100 /* RFC 9113 6.5.2: no origin should allow fewer */
};

static const char closing[] = "Weir is done with this origin";

enum speaks { SPEAKS_UNKNOWN, SPEAKS_H1, SPEAKS_H2 };

struct dialing {
    struct list node;
    struct origin *origin;
    struct dial *dial;
    bool on_trial;   /* nobody waits for it */
    uint64_t newest; /* of the calls when it began */
};

struct origin {
    struct loop *loop;
    struct dns *dns;
    struct origin_options o; /* strings are ours */
    char *strings;
    struct addrs addrs;
    enum speaks speaks;
    unsigned streams;
    struct list waiting, ready, busy, graves, dials;
    unsigned n_waiting, n_calls, n_trunks, n_leaving;
    unsigned n_dials; /* without trials */
    unsigned inside;  /* origin_enter */
    uint64_t begun;   /* calls */
    bool retired, dead;
    struct timer sweep;
    struct origin_counts counts;
};

struct loop *origin_loop(const struct origin *o)
{
    return o->loop;
}

const struct origin_options *origin_options(const struct origin *o)
{
    return &o->o;
}

unsigned origin_streams(const struct origin *o)
{
    return o->streams;
}

void origin_note_streams(struct origin *o, unsigned most)
{
    o->streams = most;
}

/* --- dialling */

static unsigned talks_per_trunk(const struct origin *o)
{
    return o->speaks == SPEAKS_H1 ? 1 : o->speaks == SPEAKS_H2 ? o->streams : UINT_MAX;
}

static bool may_dial(const struct origin *o)
{
    unsigned most = o->o.most_connections;
    return o->n_dials < DIALS_MOST && (most == 0 || o->n_trunks - o->n_leaving + o->n_dials < most);
}

/* The first connection shows what the origin speaks; until then one dial is enough for all. */
static bool should_dial(const struct origin *o)
{
    return (uint64_t)o->n_dials * talks_per_trunk(o) < o->n_waiting && may_dial(o);
}

static struct origin_call *first_waiting(struct origin *o)
{
    return LIST_OF(o->waiting.next, struct origin_call, node);
}

static void end_waiting(struct origin *o, enum origin_end end, const char *why)
{
    struct origin_call *c = first_waiting(o);
    const struct origin_sink *sink = c->sink;
    void *arg = c->arg;
    origin_forget(c);
    sink->on_end(arg, end, why);
}

/* As many as that dial was meant for end with it, but none that another dial is on its way for, nor
 * one that came later: it has not had its time. */
static void fail_waiting(struct origin *o, uint64_t newest, const char *why)
{
    uint64_t per_dial = talks_per_trunk(o), others = o->n_dials * per_dial;
    uint64_t n = o->n_waiting > others ? o->n_waiting - others : 0;
    for (n = n < per_dial ? n : per_dial;
         n > 0 && o->n_waiting > 0 && first_waiting(o)->number <= newest; n--)
        end_waiting(o, ORIGIN_UNREACHABLE, why);
}

static void add_trunk(struct origin *o, struct conn *conn)
{
    bool h2 = str_eq(conn_alpn(conn), S("h2"));
    struct trunk *k = h2 ? h2_client_new(o, conn) : h1_client_new(o, conn);
    o->speaks = h2 ? SPEAKS_H2 : SPEAKS_H1;
    o->n_trunks++;
    o->counts.opened++;
    list_init(&k->node);
    origin_offer(k, true);
}

static void on_dialled(void *arg, struct conn *conn, const char *why)
{
    struct dialing *d = arg;
    struct origin *o = d->origin;
    bool on_trial = d->on_trial;
    uint64_t newest = d->newest;
    origin_enter(o);
    list_remove(&d->node);
    mem_free(d);
    o->n_dials -= !on_trial;
    if (conn && on_trial && !may_dial(o)) {
        conn_close(conn);
    } else if (conn) {
        add_trunk(o, conn);
    } else {
        o->counts.failed++;
        if (!on_trial)
            fail_waiting(o, newest, why);
    }
    origin_leave(o);
}

static void dial(struct origin *o, const struct sockaddr_storage *on_trial)
{
    struct dialing *d = mem_new(sizeof *d);
    d->origin = o;
    d->on_trial = on_trial != NULL;
    d->newest = o->begun;
    list_init(&d->node);
    list_append(&o->dials, &d->node);
    o->n_dials += !d->on_trial;
    d->dial = dial_new(o->loop, o->dns, &o->o, &o->addrs, on_trial, on_dialled, d);
}

static void dial_for_waiting(struct origin *o)
{
    struct sockaddr_storage addr;
    if (!should_dial(o))
        return;
    while (should_dial(o))
        dial(o, NULL);
    while (addrs_trial(&o->addrs, loop_now_ms(o->loop), &addr))
        dial(o, &addr);
}

/* --- trunks */

static void sweep(void *arg)
{
    struct origin *o = arg;
    int64_t now_ms = loop_now_ms(o->loop), next_ms = o->o.idle_ms;
    bool any = false;
    origin_enter(o);
    for (struct list *node = o->ready.next, *next; node != &o->ready; node = next) {
        struct trunk *k = LIST_OF(node, struct trunk, node);
        int64_t left_ms = k->idle_since_ms + o->o.idle_ms - now_ms;
        next = node->next;
        if (k->talks)
            continue;
        if (left_ms <= 0) {
            k->ops->close(k, "idle for long");
            continue;
        }
        any = true;
        next_ms = left_ms < next_ms ? left_ms : next_ms;
    }
    if (any)
        timer_start(&o->sweep, next_ms);
    origin_leave(o);
}

static void note_idle(struct trunk *k)
{
    struct origin *o = k->origin;
    k->idle = true;
    k->idle_since_ms = loop_now_ms(o->loop);
    if (o->o.idle_ms > 0 && !timer_running(&o->sweep))
        timer_start(&o->sweep, o->o.idle_ms);
}

void origin_offer(struct trunk *k, bool room)
{
    if (k->buried)
        return;
    if (k->ready != room) {
        k->ready = room;
        list_remove(&k->node);
        list_prepend(room ? &k->origin->ready : &k->origin->busy, &k->node);
    }
    if (room && k->talks == 0 && !k->idle)
        note_idle(k);
}

void origin_leaves(struct trunk *k)
{
    if (k->leaving || k->buried)
        return;
    k->leaving = true;
    k->origin->n_leaving++;
    origin_offer(k, false);
}

void origin_bury(struct trunk *k)
{
    if (k->buried)
        return;
    k->buried = true;
    conn_close(k->conn);
    k->conn = NULL;
    list_remove(&k->node);
    list_append(&k->origin->graves, &k->node);
    k->origin->n_trunks--;
    k->origin->n_leaving -= k->leaving;
}

/* --- calls */

void origin_requeue(struct origin_call *c)
{
    struct origin *o = c->origin;
    c->stream = NULL;
    list_prepend(&o->waiting, &c->node);
    o->n_waiting++;
}

void origin_forget(struct origin_call *c)
{
    struct origin *o = c->origin;
    if (!c->stream) {
        list_remove(&c->node);
        o->n_waiting--;
    }
    timer_stop(&c->timer);
    c->stream = NULL;
    c->origin = NULL;
    o->n_calls--;
}

static void pump(struct origin *o)
{
    while (o->n_waiting && !list_empty(&o->ready)) {
        struct trunk *k = LIST_OF(o->ready.next, struct trunk, node);
        struct origin_call *c = LIST_OF(list_take(&o->waiting), struct origin_call, node);
        o->n_waiting--;
        o->counts.reused += k->used;
        k->ops->start(k, c);
    }
    dial_for_waiting(o);
}

/* Closing an idle one calls nobody back, so the list changes only here. */
static void close_idle(struct origin *o, const char *why)
{
    for (struct list *node = o->ready.next, *next; node != &o->ready; node = next) {
        struct trunk *k = LIST_OF(node, struct trunk, node);
        next = node->next;
        if (k->talks == 0)
            k->ops->close(k, why);
    }
}

static void close_all(struct list *trunks, const char *why)
{
    while (!list_empty(trunks)) {
        struct trunk *k = LIST_OF(trunks->next, struct trunk, node);
        k->ops->close(k, why);
    }
}

/* --- life */

void origin_enter(struct origin *o)
{
    o->inside++;
}

static void free_graves(struct origin *o)
{
    struct list *node;
    while ((node = list_take(&o->graves))) {
        struct trunk *k = LIST_OF(node, struct trunk, node);
        k->ops->free(k);
    }
}

static void destroy(struct origin *o)
{
    struct list *node;
    close_all(&o->ready, closing); /* nobody is on them */
    close_all(&o->busy, closing);
    free_graves(o);
    while ((node = list_take(&o->dials))) {
        struct dialing *d = LIST_OF(node, struct dialing, node);
        dial_free(d->dial);
        mem_free(d);
    }
    timer_stop(&o->sweep);
    tls_unref(o->o.tls);
    mem_free(o->strings);
    mem_free(o);
}

static void end_all_waiting(struct origin *o)
{
    while (o->n_waiting)
        end_waiting(o, ORIGIN_GONE, closing);
}

void origin_leave(struct origin *o)
{
    if (o->inside > 1) {
        o->inside--;
        return;
    }
    if (o->dead)
        end_all_waiting(o); /* a trunk that was about to end gave its unwritten calls back */
    else
        pump(o);
    if (o->retired)
        close_idle(o, closing);
    free_graves(o);
    o->inside--;
    if (o->dead || (o->retired && o->n_calls == 0))
        destroy(o);
}

static struct str keep(char **at, struct str s)
{
    char *to = *at;
    if (s.len)
        memcpy(to, s.ptr, s.len);
    *at += s.len;
    return str_from(to, s.len);
}

static void copy_options(struct origin *o, const struct origin_options *from)
{
    o->o = *from;
    o->strings = mem_new(from->host.len + from->proxy_host.len + from->proxy_authorization.len);
    char *at = o->strings;
    o->o.host = keep(&at, from->host);
    o->o.proxy_host = keep(&at, from->proxy_host);
    o->o.proxy_authorization = keep(&at, from->proxy_authorization);
    if (from->tls)
        tls_ref(from->tls);
}

struct origin *origin_new(struct loop *l, struct dns *dns, const struct origin_options *options)
{
    struct origin *o = mem_new(sizeof *o);
    o->loop = l;
    o->dns = dns;
    o->speaks = options->tls ? SPEAKS_UNKNOWN : SPEAKS_H1;
    o->streams = STREAMS_GUESS;
    copy_options(o, options);
    list_init(&o->waiting);
    list_init(&o->ready);
    list_init(&o->busy);
    list_init(&o->graves);
    list_init(&o->dials);
    timer_init(&o->sweep, l, sweep, o);
    return o;
}

static struct trunk *with_talks(const struct list *trunks)
{
    for (const struct list *node = trunks->next; node != trunks; node = node->next)
        if (LIST_OF(node, struct trunk, node)->talks)
            return LIST_OF(node, struct trunk, node);
    return NULL;
}

/* Calls end here, trunks without calls in destroy: until then nghttp2 may be at work on one, and
 * saying goodbye would call it again from inside. */
void origin_free(struct origin *o)
{
    if (!o)
        return;
    origin_enter(o);
    o->dead = true;
    struct trunk *k;
    while ((k = with_talks(&o->ready)) || (k = with_talks(&o->busy)))
        k->ops->close(k, closing);
    end_all_waiting(o);
    origin_leave(o);
}

void origin_retire(struct origin *o)
{
    origin_enter(o);
    o->retired = true;
    origin_leave(o);
}

/* --- the door */

void origin_start(struct origin *o, struct origin_call *c)
{
    assert(!o->dead && !o->retired);
    origin_enter(o);
    c->origin = o;
    c->number = ++o->begun;
    c->stream = NULL;
    c->sent_ns = c->head_ns = 0;
    c->reused = false;
    list_init(&c->node);
    list_append(&o->waiting, &c->node);
    o->n_waiting++;
    o->n_calls++;
    timer_init(&c->timer, o->loop, talk_on_time, c);
    if (c->answer_ms > 0)
        timer_start(&c->timer, c->answer_ms);
    origin_leave(o);
}

void origin_credit(struct origin_call *c, size_t n)
{
    struct talk *t = c->stream;
    struct origin *o = c->origin;
    if (!o || !t || n == 0)
        return;
    origin_enter(o);
    talk_credit(t, n);
    t->trunk->ops->credit(t, n);
    origin_leave(o);
}

void origin_cancel(struct origin_call *c)
{
    struct origin *o = c->origin;
    struct talk *t = c->stream;
    if (!o)
        return;
    origin_enter(o);
    if (t) {
        t->call = NULL;
        t->trunk->ops->drop(t);
    }
    origin_forget(c);
    origin_leave(o);
}

void origin_count(const struct origin *o, struct origin_counts *out)
{
    *out = o->counts;
    out->connections = o->n_trunks;
    for (const struct list *node = o->ready.next; node != &o->ready; node = node->next)
        out->idle += LIST_OF(node, const struct trunk, node)->talks == 0;
    out->calls = o->n_calls;
    out->waiting = o->n_waiting;
    out->addresses = (unsigned)o->addrs.n;
    out->ejected = addrs_out(&o->addrs);
}
