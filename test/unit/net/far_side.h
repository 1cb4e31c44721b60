/* SPDX-License-Identifier: Apache-2.0
 *
 * The other side of an origin, on the test's own loop: a listening socket on loopback whose
 * connections the test answers by hand, and a call that writes down what happened to it. Time
 * stands still unless a test moves it (pass_ms).
 */
#ifndef WEIR_TEST_FAR_SIDE_H
#define WEIR_TEST_FAR_SIDE_H

#include "weir/base/buf.h"
#include "weir/base/clock.h"
#include "weir/net/conn.h"
#include "weir/net/dns.h"
#include "weir/net/origin.h"
#include "weir/net/sock.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include <cmocka.h>

static struct loop *loop;
static struct dns *dns;
static int64_t now_ms;

static inline void pass_ms(int64_t ms)
{
    now_ms += ms;
    clock_fake(now_ms * 1000000, 1700000000000 + now_ms);
    loop_turn(loop, 0);
}

/* Turns until it is so; a test that waits in vain fails. */
#define UNTIL(so)                                           \
    do {                                                    \
        for (int turn_ = 0; turn_ < 1000 && !(so); turn_++) \
            loop_turn(loop, 5);                             \
        assert_true(so);                                    \
    } while (0)

static inline void turns(int n)
{
    while (n--)
        loop_turn(loop, 0);
}

/* One turn in which `call` runs before the loop comes to what `before` made ready: libev hands out
 * first what became ready last. */
struct from_turn {
    struct watch watch;
    void (*call)(void);
};

static inline void on_from_turn(void *arg, bool readable, bool writable)
{
    struct from_turn *f = arg;
    watch_fini(&f->watch);
    f->call();
}

static inline void call_from_turn(void (*before)(void), void (*call)(void))
{
    int fd = eventfd(0, EFD_CLOEXEC);
    struct from_turn f = {.call = call};
    watch_init(&f.watch, loop, fd, on_from_turn, &f);
    f.call = call;
    watch_set(&f.watch, true, false);
    turns(1); /* it is being watched, and not ready */
    before();
    assert_int_equal(eventfd_write(fd, 1), 0);
    turns(1);
    sock_close(fd);
}

/* --- who listens */

struct peer {
    struct conn *c;
    struct buf got;
    bool open, ended, deaf;
};

struct far {
    int fd;
    uint16_t port;
    struct watch watch;
    struct tls *tls;
    struct peer peer[80];
    unsigned n;
    conn_callback *on_event; /* instead of collecting in `got` */
};

static inline void hang_up(struct peer *p)
{
    conn_close(p->c);
    p->c = NULL;
}

static inline void on_peer(void *arg, enum conn_event event)
{
    struct peer *p = arg;
    if (event == CONN_OPEN)
        p->open = true;
    if (event == CONN_BROKEN) {
        p->ended = true;
        hang_up(p);
    }
    if (event != CONN_READABLE || p->deaf)
        return;
    for (;;) {
        ssize_t n = conn_read(p->c, buf_reserve(&p->got, 65536), 65536);
        if (n == ERR_AGAIN)
            return;
        if (n < 0) {
            p->ended = true;
            conn_want_read(p->c, false);
            return;
        }
        buf_commit(&p->got, (size_t)n);
    }
}

static inline void on_accept(void *arg, bool readable, bool writable)
{
    struct far *f = arg;
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    int fd = sock_accept(f->fd, &from, &len);
    if (fd < 0)
        return;
    assert_true(f->n < 80);
    struct peer *p = &f->peer[f->n++];
    p->c = conn_accept(loop, fd, f->tls, f->on_event ? f->on_event : on_peer, p);
}

static inline void far_begin(struct far *f, const char *address, uint16_t port, struct tls *tls)
{
    struct sockaddr_storage at;
    socklen_t len;
    char text[64];
    *f = (struct far){.tls = tls};
    snprintf(text, sizeof text, "%s:%u", address, (unsigned)port);
    assert_true(sock_addr_parse(str_of(text), &at, &len));
    assert_int_equal(sock_listen((struct sockaddr *)&at, len, false, &f->fd), 0);
    len = sizeof at;
    assert_int_equal(getsockname(f->fd, (struct sockaddr *)&at, &len), 0);
    f->port = ntohs(((struct sockaddr_in *)(void *)&at)->sin_port);
    watch_init(&f->watch, loop, f->fd, on_accept, f);
    watch_set(&f->watch, true, false);
}

static inline void far_end(struct far *f)
{
    if (!f->port)
        return;
    watch_fini(&f->watch);
    sock_close(f->fd);
    for (unsigned i = 0; i < f->n; i++) {
        hang_up(&f->peer[i]);
        buf_fini(&f->peer[i].got);
    }
    f->port = 0;
}

static inline void say(struct peer *p, const char *text)
{
    conn_write(p->c, str_of(text));
}

static inline bool heard(struct peer *p, const char *text)
{
    return strstr(buf_cstr(&p->got), text) != NULL;
}

/* --- who asks */

struct asked {
    struct origin_call call;
    struct origin *origin;
    unsigned heads, ends;
    bool running;
    int status;
    int64_t length;
    enum origin_end end;
    struct buf body, names; /* "name=value;" of the head */
    char why[200];
    bool hoards;    /* gives no credit */
    size_t on_hand; /* not credited */
    void (*in_head)(struct asked *a);
    void (*in_bytes)(struct asked *a);
    void (*in_end)(struct asked *a);
};

static inline void note_head(void *arg, int status, const struct fields *fields, int64_t length)
{
    struct asked *a = arg;
    assert_true(a->running);
    a->heads++;
    a->status = status;
    a->length = length;
    for (size_t i = 0; i < fields->n; i++) {
        buf_add(&a->names, fields->at[i].name);
        buf_add(&a->names, S("="));
        buf_add(&a->names, fields->at[i].value);
        buf_add(&a->names, S(";"));
    }
    if (a->in_head)
        a->in_head(a);
}

static inline void note_bytes(void *arg, struct str bytes)
{
    struct asked *a = arg;
    assert_true(a->running);
    assert_true(a->heads > a->ends);
    assert_true(bytes.len > 0);
    buf_add(&a->body, bytes);
    a->on_hand += bytes.len;
    if (a->in_bytes)
        a->in_bytes(a);
    else if (!a->hoards) {
        a->on_hand = 0;
        origin_credit(&a->call, bytes.len);
    }
}

static inline void note_end(void *arg, enum origin_end end, const char *why)
{
    struct asked *a = arg;
    assert_true(a->running);
    a->running = false;
    a->ends++;
    a->end = end;
    snprintf(a->why, sizeof a->why, "%s", why);
    memset(&a->call, 0x55, sizeof a->call); /* it is ours again */
    if (a->in_end)
        a->in_end(a);
}

static const struct origin_sink note_sink = {note_head, note_bytes, note_end};

static inline void prepare(struct asked *a, const char *method, const struct str *body, size_t n)
{
    static const struct field fields[] = {{STR("content-type"), STR("application/json")},
                                          {STR("authorization"), STR("AWS4-HMAC-SHA256 x")}};
    a->call = (struct origin_call){.method = str_of(method),
                                   .target = S("/model/m/converse"),
                                   .authority = S("origin.test"),
                                   .fields = fields,
                                   .n_fields = 2,
                                   .body = body,
                                   .n_body = n,
                                   .answer_ms = 60000,
                                   .silence_ms = 30000,
                                   .sink = &note_sink,
                                   .arg = a};
}

static inline void start(struct asked *a, struct origin *o)
{
    unsigned ends = a->ends;
    a->origin = o;
    a->running = true;
    origin_start(o, &a->call);
    assert_int_equal(a->ends, ends); /* never from inside */
}

static inline void ask(struct asked *a, struct origin *o)
{
    static const struct str body[] = {STR("{\"a\":"), STR("1}")};
    prepare(a, "POST", body, 2);
    start(a, o);
}

static inline void forget(struct asked *a)
{
    buf_fini(&a->body);
    buf_fini(&a->names);
    *a = (struct asked){0};
}

/* --- life of a test */

static inline void begin_world(void)
{
    now_ms = 1000000;
    clock_fake(now_ms * 1000000, 1700000000000);
    loop = loop_new();
    dns = dns_new(loop);
}

static inline void end_world(void)
{
    dns_free(dns);
    turns(2);
    loop_free(loop);
    clock_real();
}

static inline struct origin_options plain_options(uint16_t port)
{
    return (struct origin_options){.host = S("127.0.0.1"),
                                   .port = port,
                                   .connect_ms = 3000,
                                   .idle_ms = 60000,
                                   .ping_ms = 30000};
}

#endif
