/* SPDX-License-Identifier: Apache-2.0
 *
 * net/listener: what a connection speaks, found out on real sockets with ports that the kernel
 * chooses.
 */
#include "certs.h"
#include "weir/base/clock.h"
#include "weir/base/limits.h"
#include "weir/net/conn.h"
#include "weir/net/listener.h"
#include "weir/net/sock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "sink.h"

#include <cmocka.h>

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";

struct client {
    struct conn *c;
    struct buf got;
    bool opened, ended;
};

static struct loop *loop;
static struct listener *listener;
static struct listener_options options;
static _Atomic(int64_t) connections;
static struct sink sink;
static struct client a, b;
static struct sockaddr_storage addr;
static socklen_t addr_len;

static int setup(void **state)
{
    loop = loop_new();
    sink = (struct sink){.take = true, .echo = true};
    connections = 0;
    options = (struct listener_options){
        .sink = &sink_calls, .owner = &sink, .connections = &connections, .most_connections = 10};
    a = b = (struct client){0};
    return 0;
}

static void open_listener(void)
{
    char err[200];
    int fd = listener_bind(S("127.0.0.1:0"), false, err, sizeof err);
    assert_true(fd >= 0);
    addr_len = sizeof addr;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &addr_len), 0);
    listener = listener_new(loop, fd, &options);
}

static int teardown(void **state)
{
    conn_close(a.c);
    conn_close(b.c);
    listener_free(listener);
    listener = NULL;
    loop_free(loop);
    buf_fini(&a.got);
    buf_fini(&b.got);
    sink_fini(&sink);
    clock_real();
    return 0;
}

static void on_client(void *arg, enum conn_event event)
{
    struct client *c = arg;
    c->opened |= event == CONN_OPEN;
    c->ended |= event == CONN_BROKEN;
    if (event != CONN_READABLE)
        return;
    ssize_t n;
    while ((n = conn_read(c->c, buf_reserve(&c->got, 4096), 4096)) > 0)
        buf_commit(&c->got, (size_t)n);
    if (n != ERR_AGAIN) {
        c->ended = true;
        conn_want_read(c->c, false);
    }
}

static void dial(struct client *c, struct tls *tls, struct str first)
{
    c->c =
        conn_connect(loop, (struct sockaddr *)&addr, addr_len, tls, S("weir.test"), on_client, c);
    conn_write(c->c, first);
}

/* Turns until `word` was heard, at most for some seconds. */
static void wait_for(struct client *c, const char *word)
{
    for (int i = 0; i < 200; i++) {
        if (str_find(buf_str(&c->got), str_of(word)) >= 0)
            return;
        loop_turn(loop, 20);
    }
    fail_msg("not heard: %s", word);
}

static void wait_for_end(struct client *c)
{
    for (int i = 0; i < 200 && !c->ended; i++)
        loop_turn(loop, 20);
    assert_true(c->ended);
}

static void settle(void)
{
    for (int i = 0; i < 20; i++)
        loop_turn(loop, 5);
}

static void drop(struct client *c)
{
    conn_close(c->c);
    buf_fini(&c->got);
    *c = (struct client){0};
    settle();
}

#define GET "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"

static void both_protocols_on_one_port(void **state)
{
    open_listener();
    dial(&a, NULL, S(GET));
    wait_for(&a, "HTTP/1.1 200 OK\r\n");
    dial(&b, NULL, (struct str){preface, sizeof preface - 1});
    wait_for(&b, "\4\1"); /* SETTINGS, acknowledged */
    assert_int_equal(connections, 2);
    assert_true(str_starts(sink.at[0].request.peer_addr, S("127.0.0.1:")));
    drop(&b);
    assert_int_equal(connections, 1);
    dial(&b, NULL, S(""));
    for (size_t i = 0; i < sizeof preface - 1; i++) { /* undecided until the last byte */
        conn_write(b.c, (struct str){preface + i, 1});
        loop_turn(loop, 5);
    }
    wait_for(&b, "\4\1");
    drop(&b);
    dial(&b, NULL, S("PRI * HTTP/1.1\r\nHost: h\r\n\r\n"));
    wait_for(&b, "HTTP/1.1 4");
    drop(&b);
    dial(&b, NULL, S("\x16\x03\x01\x02\x00\x01\x00"));
    wait_for_end(&b);
    assert_int_equal(buf_len(&b.got), 0);
}

static void proxy_headers(void **state)
{
    options.proxy_protocol = true;
    open_listener();
    dial(&a, NULL, S("PROXY TCP4 192.0.2.9 198.51.100.1 4711 80\r\n" GET));
    wait_for(&a, "200 OK");
    assert_true(str_eq(sink.at[0].request.peer_addr, S("192.0.2.9:4711")));
    drop(&a);
    static const char line[] = "PROXY TCP6 2001:db8::7 ::1 1 80\r\n" GET;
    dial(&a, NULL, S(""));
    for (size_t i = 0; i < sizeof line - 1; i++) {
        conn_write(a.c, (struct str){line + i, 1});
        loop_turn(loop, 2);
    }
    wait_for(&a, "200 OK");
    assert_true(str_eq(sink.at[1].request.peer_addr, S("[2001:db8::7]:1")));
    drop(&a);
    dial(&a, NULL, S(GET)); /* no header: not for us */
    wait_for_end(&a);
    assert_int_equal(buf_len(&a.got), 0);
}

static void tls_behind_a_proxy_header(void **state)
{
    struct cert_maker maker;
    certs_begin(&maker);
    struct cert root = certs_make(&maker, NULL, "root", -1, NULL, 9);
    struct cert leaf = certs_make(&maker, &root, "weir", -1, "DNS:weir.test", 9);
    char err[200];
    struct tls_server_files files = {leaf.cert_path, leaf.key_path, NULL};
    struct tls *server = tls_server_new(&files, NULL, err, sizeof err);
    struct tls *h2 = tls_client_new(root.cert_path, true, err, sizeof err);
    struct tls *h1 = tls_client_new(root.cert_path, false, err, sizeof err);
    assert_true(server && h1 && h2);
    options.tls = server;
    open_listener();
    dial(&a, h2, (struct str){preface, sizeof preface - 1});
    wait_for(&a, "\4\1");
    dial(&b, h1, S(GET));
    wait_for(&b, "200 OK");
    assert_true(sink.at[0].request.tls);
    drop(&a);
    options.proxy_protocol = true;
    listener_update(listener, &options);
    dial(&a, NULL, S("PROXY TCP4 192.0.2.9 198.51.100.1 4711 80\r\n"));
    for (int i = 0; i < 100 && conn_unwritten(a.c); i++)
        loop_turn(loop, 10);
    conn_start_tls(a.c, h1, S("weir.test"));
    conn_write(a.c, S(GET));
    wait_for(&a, "200 OK");
    assert_true(str_eq(sink.at[1].request.peer_addr, S("192.0.2.9:4711")));
    drop(&a);
    drop(&b);
    tls_unref(server);
    tls_unref(h1);
    tls_unref(h2);
    certs_drop(&root);
    certs_drop(&leaf);
    certs_end(&maker);
}

static void begin_in_vain(struct str source)
{
    struct client c = {0};
    dial(&c, NULL, source);
    wait_for_end(&c);
    conn_close(c.c);
    buf_fini(&c.got);
}

/* A source that has used up its handshakes is closed before it costs one; the address is that of
 * the PROXY header, and others get in. */
static void handshakes_have_a_budget(void **state)
{
    struct cert_maker maker;
    clock_fake(1000000000, 0); /* nothing is earned back */
    certs_begin(&maker);
    struct cert root = certs_make(&maker, NULL, "root", -1, NULL, 9);
    struct cert leaf = certs_make(&maker, &root, "weir", -1, "DNS:weir.test", 9);
    char err[200];
    struct tls_server_files files = {leaf.cert_path, leaf.key_path, NULL};
    options.tls = tls_server_new(&files, NULL, err, sizeof err);
    options.proxy_protocol = true;
    struct tls *h1 = tls_client_new(root.cert_path, false, err, sizeof err);
    open_listener();
    for (int i = 0; i < LIMIT_HANDSHAKES_BURST; i++) /* a line that is no handshake ends it */
        begin_in_vain(S("PROXY TCP4 192.0.2.9 198.51.100.1 4711 80\r\nno TLS\r\n"));
    assert_int_equal(sink.n_shed, 0);
    begin_in_vain(S("PROXY TCP4 192.0.2.9 198.51.100.1 4712 80\r\nno TLS\r\n"));
    assert_int_equal(sink.n_shed, 1);
    assert_int_equal(connections, 0);
    dial(&a, NULL, S("PROXY TCP4 192.0.2.10 198.51.100.1 4711 80\r\n"));
    for (int i = 0; i < 100 && conn_unwritten(a.c); i++)
        loop_turn(loop, 10);
    conn_start_tls(a.c, h1, S("weir.test"));
    conn_write(a.c, S(GET));
    wait_for(&a, "200 OK");
    assert_int_equal(sink.n_shed, 1);
    drop(&a);
    tls_unref(options.tls);
    tls_unref(h1);
    certs_drop(&root);
    certs_drop(&leaf);
    certs_end(&maker);
}

/* Nearly as many as may be: each answer ends its connection. */
static void crowded(void **state)
{
    open_listener(); /* ten may be */
    dial(&a, NULL, S(GET));
    wait_for(&a, "200 OK");
    assert_true(str_find(buf_str(&a.got), S("connection: close")) < 0);
    connections += 8;
    buf_clear(&a.got);
    conn_write(a.c, S(GET));
    wait_for(&a, "200 OK");
    assert_true(str_find(buf_str(&a.got), S("connection: close")) < 0);
    connections += 1;
    buf_clear(&a.got);
    conn_write(a.c, S(GET));
    wait_for(&a, "connection: close\r\n");
    wait_for_end(&a);
}

static void too_many(void **state)
{
    options.most_connections = 1;
    open_listener();
    dial(&a, NULL, S(GET));
    wait_for(&a, "200 OK");
    dial(&b, NULL, S(GET));
    wait_for_end(&b);
    assert_int_equal(buf_len(&b.got), 0);
    drop(&b);
    drop(&a);
    dial(&b, NULL, S(GET));
    wait_for(&b, "200 OK");
}

/* No descriptor left: the one who waits is refused, nothing spins, and it goes on afterwards. */
static void out_of_descriptors(void **state)
{
    open_listener();
    dial(&a, NULL, S(""));
    struct rlimit old, now;
    getrlimit(RLIMIT_NOFILE, &old);
    int lowest_free = dup(0);
    close(lowest_free);
    now = (struct rlimit){(rlim_t)lowest_free, old.rlim_max}; /* every descriptor below is taken */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
    for (int i = 0; i < 100 && !a.ended; i++)
        loop_turn(loop, 10);
    setrlimit(RLIMIT_NOFILE, &old);
    assert_true(a.ended);
    assert_int_equal(connections, 0);
    settle();
    dial(&b, NULL, S(GET));
    wait_for(&b, "200 OK");
}

static void drains(void **state)
{
    sink.echo = false;
    open_listener();
    dial(&a, NULL, S(GET));
    dial(&b, NULL, S(GET));
    settle();
    assert_int_equal(listener_busy(listener), 2);
    sink_answer(&sink.at[0], S("ok"));
    settle();
    assert_int_equal(listener_busy(listener), 1);
    struct exchange *left = sink.at[0].gone == -1 ? &sink.at[0] : &sink.at[1];
    struct client *idle = buf_len(&a.got) ? &a : &b, *busy = idle == &a ? &b : &a;
    listener_drain(listener);
    wait_for_end(idle);
    assert_false(busy->ended);
    sink_answer(left, S("ok"));
    wait_for(busy, "connection: close\r\n");
    wait_for_end(busy);
    assert_int_equal(listener_busy(listener), 0);
    struct client late = {0};
    dial(&late, NULL, S(GET));
    wait_for_end(&late);
    conn_close(late.c);
    buf_fini(&late.got);
}

static void freed_with_everything_open(void **state)
{
    sink.echo = false;
    open_listener();
    dial(&a, NULL, S(GET));
    dial(&b, NULL, S("PRI"));
    settle();
    listener_free(listener);
    listener = NULL;
    assert_int_equal(sink.at[0].gone, FRONT_LEFT);
    assert_int_equal(connections, 0);
}

static void silence_has_an_end(void **state)
{
    clock_fake(1000000000, 0);
    options.proxy_protocol = true;
    open_listener();
    dial(&a, NULL, S("PROXY TC"));
    settle();
    assert_int_equal(connections, 1);
    clock_fake(11100000000, 0);
    settle();
    assert_int_equal(connections, 0);
}

static void addresses(void **state)
{
    char err[200];
    assert_int_equal(listener_bind(S("localhost:80"), false, err, sizeof err), ERR_BAD);
    assert_non_null(strstr(err, "localhost:80"));
    open_listener();
    char text[SOCK_ADDR_TEXT];
    sock_addr_text((struct sockaddr *)&addr, text);
    assert_int_equal(listener_bind(str_of(text), false, err, sizeof err), ERR_BUSY);
    assert_non_null(strstr(err, text));
    assert_non_null(strstr(err, "in use"));
}

int main(void)
{
#define L_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        L_TEST(both_protocols_on_one_port),
        L_TEST(proxy_headers),
        L_TEST(tls_behind_a_proxy_header),
        L_TEST(handshakes_have_a_budget),
        L_TEST(crowded),
        L_TEST(too_many),
        L_TEST(out_of_descriptors),
        L_TEST(drains),
        L_TEST(freed_with_everything_open),
        L_TEST(silence_has_an_end),
        L_TEST(addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
