/* SPDX-License-Identifier: Apache-2.0
 *
 * Accepting, and finding out what a connection speaks:
 *
 *     accepted > [PROXY header] > [TLS] > ALPN or first bytes > h1_server | h2_server
 *
 * Until it is known the connection is a newcomer; then it belongs to its server, which stands in a
 * list here until it ends.
 */
#include "weir/net/listener.h"

#include "weir/base/limits.h"
#include "weir/base/mem.h"
#include "weir/net/handshakes.h"
#include "weir/net/proxy_header.h"
#include "weir/net/server.h"
#include "weir/net/sock.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SNIFF_BYTES = 4096, TLS_HANDSHAKE_RECORD = 0x16 };

static const struct str h2_preface = STR("PRI * HTTP/2.0");

struct listener {
    struct loop *loop;
    int fd, reserve; /* reserve: given up to refuse a connection when descriptors are out */
    struct watch watch;
    struct timer rest;
    struct listener_options o;
    struct list newcomers, servers;
    struct handshakes *handshakes;
    size_t busy;
    bool draining;
};

struct newcomer {
    struct list node;
    struct listener *listener;
    struct conn *conn;
    struct buf early; /* the PROXY header so far; then what the client said first */
    struct timer timer;
    struct tls *tls; /* still to be begun, behind the PROXY header */
    bool wants_proxy;
    struct handshake handshake;
};

/* --- newcomers */

static void newcomer_free(struct newcomer *n)
{
    list_remove(&n->node);
    timer_stop(&n->timer);
    tls_unref(n->tls);
    handshakes_end(n->listener->handshakes, &n->handshake);
    buf_fini(&n->early);
    mem_free(n);
}

static void shed(struct listener *l, enum front_shed why)
{
    if (l->o.sink->on_shed)
        l->o.sink->on_shed(l->o.owner, why);
}

/* `why` NULL: who closed without a word (a balancer's probe) is not worth one. */
static void turn_away(struct newcomer *n, const char *why)
{
    const struct listener_options *o = &n->listener->o;
    const struct front_refusal r = {FRONT_H1_1, conn_peer_addr(n->conn), 0, why};
    if (why && o->sink->on_refused)
        o->sink->on_refused(o->owner, NULL, &r);
    conn_close(n->conn);
    newcomer_free(n);
}

static void on_time(void *arg)
{
    struct newcomer *n = arg;
    turn_away(n, n->wants_proxy ? "No PROXY header came in time." : NULL);
}

static void serve(struct newcomer *n, bool h2)
{
    struct listener *l = n->listener;
    struct server_options o = {l->loop,  l->o.sink,        l->o.owner,
                               &l->busy, l->o.connections, l->o.most_connections};
    struct server *s =
        h2 ? h2_server_new(n->conn, &o, &n->early) : h1_server_new(n->conn, &o, &n->early);
    list_append(&l->servers, &s->node);
    newcomer_free(n);
    if (l->draining)
        server_drain(s);
}

/* Takes the PROXY header and nothing behind it, which may be TLS. False: not whole yet, or the
 * newcomer is gone. */
static bool read_proxy(struct newcomer *n)
{
    size_t have = buf_len(&n->early);
    char *at = buf_reserve(&n->early, PROXY_HEADER_MOST);
    ssize_t got = conn_peek(n->conn, at, PROXY_HEADER_MOST);
    if (got == ERR_AGAIN)
        return false;
    struct proxy_header header;
    ssize_t len =
        got < 0 ? got
                : proxy_header_read((struct str){n->early.data + n->early.head, have + (size_t)got},
                                    &header);
    /* Without a verdict all of it is header. */
    size_t part = len > 0 ? (size_t)len - have : (size_t)got;
    if (len < 0 || conn_read(n->conn, at, part) != (ssize_t)part) {
        turn_away(n, got < 0 ? NULL : "The connection did not begin with a PROXY header.");
        return false;
    }
    buf_commit(&n->early, part);
    if (len == 0)
        return false;
    buf_clear(&n->early);
    n->wants_proxy = false;
    if (header.has_source)
        conn_set_peer(n->conn, str_of(header.source));
    return true;
}

static bool may_shake_hands(struct listener *l, struct str source, struct handshake *out)
{
    if (handshakes_begin(l->handshakes, source, loop_now_ms(l->loop), out))
        return true;
    shed(l, FRONT_SHED_HANDSHAKES);
    return false;
}

static void begin_tls(struct newcomer *n)
{
    if (!may_shake_hands(n->listener, conn_peer_addr(n->conn), &n->handshake)) {
        turn_away(n, NULL);
        return;
    }
    conn_start_tls(n->conn, n->tls, S(""));
    conn_open_within(n->conn, LIMIT_HANDSHAKE_MS);
    timer_stop(&n->timer);
    tls_unref(n->tls);
    n->tls = NULL;
}

/* Clear text: the first bytes say what it is. */
static void sniff(struct newcomer *n)
{
    ssize_t got = conn_read(n->conn, buf_reserve(&n->early, SNIFF_BYTES), SNIFF_BYTES);
    if (got == ERR_AGAIN)
        return;
    if (got < 0) {
        turn_away(n, NULL);
        return;
    }
    buf_commit(&n->early, (size_t)got);
    struct str said = buf_str(&n->early);
    if (said.ptr[0] == TLS_HANDSHAKE_RECORD)
        turn_away(n, "TLS on a port that speaks clear text."); /* no answer would be understood */
    else if (str_starts(said, h2_preface))
        serve(n, true);
    else if (!str_starts(h2_preface, said))
        serve(n, false);
    else
        timer_start(&n->timer, LIMIT_HEAD_MS);
}

static void on_readable(struct newcomer *n)
{
    if (n->wants_proxy && !read_proxy(n))
        return;
    if (n->tls)
        begin_tls(n);
    else if (conn_is_tls(n->conn))
        return; /* its handshake is on; CONN_OPEN says when */
    else
        sniff(n);
}

static void on_conn(void *arg, enum conn_event event)
{
    struct newcomer *n = arg;
    switch (event) {
    case CONN_OPEN:
        if (conn_is_tls(n->conn))
            serve(n, str_eq(conn_alpn(n->conn), S("h2")));
        break;
    case CONN_READABLE:
        on_readable(n);
        break;
    case CONN_DRAINED:
        break;
    case CONN_BROKEN:
        turn_away(n, conn_error(n->conn) == ERR_EOF ? NULL : conn_error_text(n->conn));
        break;
    }
}

static void welcome(struct listener *l, int fd, const struct sockaddr_storage *peer)
{
    char text[SOCK_ADDR_TEXT];
    struct handshake handshake = {0};
    bool tls_now = l->o.tls && !l->o.proxy_protocol;
    sock_addr_text((const struct sockaddr *)peer, text);
    if (tls_now && !may_shake_hands(l, str_of(text), &handshake)) {
        sock_close(fd);
        return;
    }
    struct newcomer *n = mem_new(sizeof *n);
    n->listener = l;
    n->handshake = handshake;
    list_append(&l->newcomers, &n->node);
    timer_init(&n->timer, l->loop, on_time, n);
    n->wants_proxy = l->o.proxy_protocol;
    if (l->o.tls && !tls_now)
        n->tls = tls_ref(l->o.tls);
    n->conn = conn_accept(l->loop, fd, tls_now ? l->o.tls : NULL, on_conn, n);
    conn_set_peer(n->conn, str_of(text));
    if (l->o.connections)
        conn_count(n->conn, l->o.connections);
    if (tls_now)
        conn_open_within(n->conn, LIMIT_HANDSHAKE_MS);
    else
        timer_start(&n->timer, n->wants_proxy ? LIMIT_HEAD_MS : LIMIT_IDLE_MS);
}

/* --- accepting */

static int open_reserve(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Out of descriptors: a connection left in the queue would wake us for ever. The reserve lets one
 * in so that it can be closed; then the socket rests. */
static void out_of_descriptors(struct listener *l)
{
    struct sockaddr_storage peer;
    socklen_t len;
    if (l->reserve >= 0) {
        (void)close(l->reserve);
        int fd = sock_accept(l->fd, &peer, &len);
        if (fd >= 0) {
            sock_close(fd);
            shed(l, FRONT_SHED_DESCRIPTORS);
        }
        l->reserve = open_reserve();
    }
    watch_set(&l->watch, false, false);
    timer_start(&l->rest, LIMIT_ACCEPT_REST_MS);
}

static void on_rested(void *arg)
{
    struct listener *l = arg;
    if (l->reserve < 0)
        l->reserve = open_reserve();
    watch_set(&l->watch, true, false);
}

static bool too_many(const struct listener *l)
{
    return l->o.connections && l->o.most_connections > 0 &&
           atomic_load_explicit(l->o.connections, memory_order_relaxed) >= l->o.most_connections;
}

static void accept_some(void *arg, bool readable, bool writable)
{
    struct listener *l = arg;
    for (int i = 0; i < LIMIT_ACCEPTS_PER_TURN; i++) {
        struct sockaddr_storage peer;
        socklen_t len;
        int fd = sock_accept(l->fd, &peer, &len);
        if (fd == ERR_AGAIN)
            return;
        if (fd == ERR_BUSY) {
            out_of_descriptors(l);
            return;
        }
        if (fd >= 0 && too_many(l)) {
            sock_close(fd);
            shed(l, FRONT_SHED_CONNECTIONS);
        } else if (fd >= 0) {
            welcome(l, fd, &peer);
        }
    }
}

/* --- life */

int listener_bind(struct str address, bool shared, char *err, size_t err_size)
{
    struct sockaddr_storage addr;
    socklen_t len;
    int fd = -1;
    if (!sock_addr_parse(address, &addr, &len)) {
        snprintf(err, err_size,
                 "%.*s is not an address with a port, as 127.0.0.1:8080 or [::1]:8080",
                 STR_ARG(address));
        return ERR_BAD;
    }
    int r = sock_listen((const struct sockaddr *)&addr, len, shared, &fd);
    if (r < 0) {
        snprintf(err, err_size, "cannot listen on %.*s: %s", STR_ARG(address), sock_reason());
        return r;
    }
    return fd;
}

struct listener *listener_new(struct loop *l, int fd, const struct listener_options *o)
{
    struct listener *s = mem_new(sizeof *s);
    s->loop = l;
    s->fd = fd;
    s->reserve = open_reserve();
    s->handshakes = handshakes_new(loop_now_ms(l));
    list_init(&s->newcomers);
    list_init(&s->servers);
    timer_init(&s->rest, l, on_rested, s);
    listener_update(s, o);
    watch_init(&s->watch, l, fd, accept_some, s);
    watch_set(&s->watch, true, false);
    return s;
}

void listener_update(struct listener *s, const struct listener_options *o)
{
    struct tls *old = s->o.tls;
    s->o = *o;
    if (o->tls)
        s->o.tls = tls_ref(o->tls);
    tls_unref(old);
}

static void stop_listening(struct listener *s)
{
    if (s->fd < 0)
        return;
    timer_stop(&s->rest);
    watch_fini(&s->watch);
    sock_close(s->fd);
    s->fd = -1;
    if (s->reserve >= 0)
        (void)close(s->reserve);
    s->reserve = -1;
}

void listener_drain(struct listener *s)
{
    if (s->draining)
        return;
    accept_some(s, true, false); /* who stood in the queue came before the end */
    stop_listening(s);
    s->draining = true;
    struct list *next;
    for (struct list *node = s->servers.next; node != &s->servers; node = next) {
        next = node->next;
        server_drain(LIST_OF(node, struct server, node));
    }
}

size_t listener_busy(const struct listener *s)
{
    return s->busy;
}

void listener_free(struct listener *s)
{
    if (!s)
        return;
    stop_listening(s);
    while (!list_empty(&s->newcomers))
        turn_away(LIST_OF(s->newcomers.next, struct newcomer, node), NULL);
    while (!list_empty(&s->servers))
        server_free(LIST_OF(s->servers.next, struct server, node));
    tls_unref(s->o.tls);
    handshakes_free(s->handshakes);
    mem_free(s);
}
