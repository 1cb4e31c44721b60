/* SPDX-License-Identifier: Apache-2.0
 *
 * Getting a connection:
 *
 *     resolve > race of connects > [CONNECT to the proxy] > [TLS] > done
 *                  ^    the next address    |                 |
 *                  +------------------------+-----------------+
 *
 * Only the TCP connects race: a handshake is not thrown away for being slower than a connect. The
 * verdict on each address goes into the origin's book. An address that let 250 ms more pass than
 * the winner is booked as failed too: otherwise a dead one would cost every connection these 250.
 */
#include "dial.h"

#include "weir/base/buf.h"
#include "weir/base/mem.h"
#include "weir/wire/http1.h"

#include <stdio.h>
#include <string.h>

enum {
    STAGGER_MS = 250, /* RFC 8305 5, "Connection Attempt Delay" */
    ATTEMPTS_MOST = 2 * DNS_MOST,
    PROXY_READ = 4096
};

struct attempt {
    struct dial *dial;
    struct conn *conn; /* NULL: over */
    int64_t began_ms;
};

struct dial {
    struct loop *loop;
    const struct origin_options *o;
    struct addrs *book;
    dial_done *done;
    void *arg;
    struct dns_query *query;
    struct sockaddr_storage addr[ATTEMPTS_MOST]; /* in the order of trying */
    struct attempt attempt[ATTEMPTS_MOST];       /* one per address */
    size_t n, next;
    bool on_trial;
    unsigned racing;
    struct conn *conn; /* who won the race */
    size_t winner;
    struct buf heard; /* from the proxy */
    struct http1_head_scan scan;
    struct timer timer;
    int64_t deadline_ms;
    char why[256];
};

static void try_next(struct dial *d);

static bool has_proxy(const struct dial *d)
{
    return d->o->proxy_host.len > 0;
}

/* --- the end */

void dial_free(struct dial *d)
{
    if (!d)
        return;
    dns_cancel(d->query);
    if (d->on_trial)
        addrs_trial_over(d->book, &d->addr[0]);
    for (size_t i = 0; i < d->next; i++)
        conn_close(d->attempt[i].conn);
    conn_close(d->conn);
    buf_fini(&d->heard);
    timer_stop(&d->timer);
    mem_free(d);
}

static void fail(struct dial *d)
{
    dial_done *done = d->done;
    void *arg = d->arg;
    char why[sizeof d->why];
    memcpy(why, d->why, sizeof why);
    dial_free(d);
    done(arg, NULL, why);
}

static void succeed(struct dial *d)
{
    dial_done *done = d->done;
    void *arg = d->arg;
    struct conn *conn = d->conn;
    d->conn = NULL;
    addrs_worked(d->book, &d->addr[d->winner]);
    dial_free(d);
    done(arg, conn, NULL);
}

static void note(struct dial *d, const char *while_what, const char *trouble)
{
    snprintf(d->why, sizeof d->why, "%s: %s", while_what, trouble);
}

/* The connection of the race's winner is no good: the next address, if there is one. */
static void give_up_winner(struct dial *d, bool blame_address)
{
    if (blame_address)
        addrs_failed(d->book, &d->addr[d->winner], loop_now_ms(d->loop));
    conn_close(d->conn);
    d->conn = NULL;
    buf_clear(&d->heard);
    d->scan = (struct http1_head_scan){0};
    try_next(d);
}

/* --- TLS */

static void on_tls(void *arg, enum conn_event event)
{
    struct dial *d = arg;
    if (event == CONN_OPEN) {
        succeed(d);
    } else if (event == CONN_BROKEN) {
        note(d, "TLS", conn_error_text(d->conn));
        give_up_winner(d, !has_proxy(d));
    }
}

static void secure(struct dial *d)
{
    if (!d->o->tls) {
        succeed(d);
        return;
    }
    conn_owner(d->conn, on_tls, d);
    conn_start_tls(d->conn, d->o->tls, d->o->host);
}

/* --- the proxy */

/* "host:port", with brackets around an IPv6 literal. */
static void write_authority(const struct origin_options *o, char out[320])
{
    bool six = str_chr(o->host, ':') >= 0;
    snprintf(out, 320, six ? "[%.*s]:%u" : "%.*s:%u", STR_ARG(str_sub(o->host, 0, 255)),
             (unsigned)o->port);
}

static void ask_proxy(struct dial *d)
{
    char authority[320];
    write_authority(d->o, authority);
    struct field credentials = {STR("proxy-authorization"), d->o->proxy_authorization};
    struct buf b = {0};
    http1_add_request_head(&b, S("CONNECT"), str_of(authority), str_of(authority), &credentials,
                           credentials.value.len ? 1 : 0);
    http1_add_blank(&b);
    conn_write(d->conn, buf_str(&b));
    buf_fini(&b);
}

/* The proxy's whole head is there. */
static void take_proxy_answer(struct dial *d, size_t len)
{
    struct http1_response *r = mem_new(sizeof *r);
    struct http1_fault fault;
    char text[64];
    if (http1_parse_response(d->heard.data + d->heard.head, len, r, &fault)) {
        note(d, "proxy", fault.sentence);
        give_up_winner(d, false);
    } else if (r->status / 100 != 2) {
        snprintf(text, sizeof text, "it answered CONNECT with status %d", r->status);
        note(d, "proxy", text);
        give_up_winner(d, false);
    } else if (buf_len(&d->heard) > len) {
        note(d, "proxy", "bytes came before the tunnel was used");
        give_up_winner(d, false);
    } else {
        secure(d);
    }
    mem_free(r);
}

static void read_proxy(struct dial *d)
{
    char *at = buf_reserve(&d->heard, PROXY_READ);
    ssize_t n = conn_read(d->conn, at, PROXY_READ);
    if (n == ERR_AGAIN)
        return;
    if (n < 0) {
        note(d, "proxy", "it closed the connection before an answer to CONNECT");
        give_up_winner(d, false);
        return;
    }
    buf_commit(&d->heard, (size_t)n);
    struct http1_fault fault;
    ssize_t len = http1_head_end(&d->scan, buf_str(&d->heard), true, &fault);
    if (len > 0) {
        take_proxy_answer(d, (size_t)len);
    } else if (len < 0) {
        note(d, "proxy", fault.sentence);
        give_up_winner(d, false);
    }
}

static void on_proxy(void *arg, enum conn_event event)
{
    struct dial *d = arg;
    if (event == CONN_READABLE) {
        read_proxy(d);
    } else if (event == CONN_BROKEN) {
        note(d, "proxy", conn_error_text(d->conn));
        give_up_winner(d, false);
    }
}

/* --- the race */

/* Who lost by far is booked as failed; who was just unlucky gets in line again, in case the winner
 * turns out to be no good. */
static void end_race(struct dial *d, const struct attempt *won)
{
    int64_t now_ms = loop_now_ms(d->loop);
    for (size_t i = 0; i < d->next; i++) {
        struct attempt *a = &d->attempt[i];
        if (a == won || !a->conn)
            continue;
        if (won->began_ms - a->began_ms >= STAGGER_MS)
            addrs_failed(d->book, &d->addr[i], now_ms);
        else if (d->n < ATTEMPTS_MOST)
            d->addr[d->n++] = d->addr[i];
        conn_close(a->conn);
        a->conn = NULL;
    }
    d->racing = 0;
}

/* The next address joins after a while, unless somebody has won. */
static void set_timer(struct dial *d)
{
    int64_t left_ms = d->deadline_ms - loop_now_ms(d->loop);
    bool more = !d->conn && d->next < d->n;
    timer_start(&d->timer, more && left_ms > STAGGER_MS ? STAGGER_MS : left_ms);
}

static void win(struct dial *d, struct attempt *a)
{
    end_race(d, a);
    d->conn = a->conn;
    d->winner = (size_t)(a - d->attempt);
    a->conn = NULL;
    set_timer(d);
    if (!has_proxy(d)) {
        secure(d);
        return;
    }
    conn_owner(d->conn, on_proxy, d);
    ask_proxy(d);
}

static void on_attempt(void *arg, enum conn_event event)
{
    struct attempt *a = arg;
    struct dial *d = a->dial;
    if (event == CONN_OPEN) {
        win(d, a);
    } else if (event == CONN_BROKEN) {
        note(d, "connect", conn_error_text(a->conn));
        addrs_failed(d->book, &d->addr[a - d->attempt], loop_now_ms(d->loop));
        conn_close(a->conn);
        a->conn = NULL;
        d->racing--;
        try_next(d);
    }
}

static void try_next(struct dial *d)
{
    if (d->next < d->n) {
        struct attempt *a = &d->attempt[d->next];
        const struct sockaddr_storage *at = &d->addr[d->next++];
        *a = (struct attempt){.dial = d, .began_ms = loop_now_ms(d->loop)};
        a->conn = conn_connect(d->loop, (const struct sockaddr *)at, addrs_len(at), NULL,
                               d->o->host, on_attempt, a);
        d->racing++;
        set_timer(d);
    } else if (d->racing == 0) {
        fail(d);
    }
}

/* --- the beginning, and the time */

static void on_addresses(void *arg, const struct dns_answer *found)
{
    struct dial *d = arg;
    d->query = NULL;
    if (found->n == 0) {
        note(d, "name not resolved", found->error);
        fail(d);
        return;
    }
    addrs_update(d->book, found);
    d->n = addrs_order(d->book, d->addr);
    try_next(d);
}

/* Whoever is still on the way when time is up has failed. */
static void blame_all(struct dial *d)
{
    int64_t now_ms = loop_now_ms(d->loop);
    for (size_t i = 0; i < d->next; i++)
        if (d->attempt[i].conn)
            addrs_failed(d->book, &d->addr[i], now_ms);
    if (d->conn && !has_proxy(d))
        addrs_failed(d->book, &d->addr[d->winner], now_ms);
}

static void on_time(void *arg)
{
    struct dial *d = arg;
    if (loop_now_ms(d->loop) < d->deadline_ms) {
        try_next(d);
        return;
    }
    blame_all(d);
    const char *where = d->query ? "resolving" : d->conn ? "TLS or proxy" : "connect";
    note(d, where, "no answer in time");
    fail(d);
}

struct dial *dial_new(struct loop *l, struct dns *dns, const struct origin_options *o,
                      struct addrs *book, const struct sockaddr_storage *only, dial_done *done,
                      void *arg)
{
    struct dial *d = mem_new(sizeof *d);
    d->loop = l;
    d->o = o;
    d->book = book;
    d->done = done;
    d->arg = arg;
    d->deadline_ms = loop_now_ms(l) + o->connect_ms;
    timer_init(&d->timer, l, on_time, d);
    timer_start(&d->timer, o->connect_ms);
    if (only) {
        d->on_trial = true;
        d->addr[0] = *only;
        d->n = 1;
        try_next(d);
    } else {
        d->query = dns_resolve(dns, has_proxy(d) ? o->proxy_host : o->host,
                               has_proxy(d) ? o->proxy_port : o->port, on_addresses, d);
    }
    return d;
}
