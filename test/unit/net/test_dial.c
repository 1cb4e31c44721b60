/* SPDX-License-Identifier: Apache-2.0
 *
 * net/dial: the race of addresses, the proxy, TLS. The dead address is a real one on loopback
 * whose queue of connections is full, so that it does not even refuse.
 */
#include "../../../src/net/dial.h"

#include "certs.h"
#include "dead.h"
#include "stub_dns.h"

static struct cert_maker maker;
static struct cert root, leaf;
static struct tls *server_tls, *client_tls;

static struct stub_dns stub;
static struct far far;
static struct addrs book;
static struct origin_options options;
static struct dial *dial;
static struct conn *line;
static unsigned dialled;
static char why[300];

static int make_certs(void **state)
{
    char err[256];
    certs_begin(&maker);
    root = certs_make(&maker, NULL, "root", -1, NULL, 30);
    leaf = certs_make(&maker, &root, "weir", -1, "DNS:two.test", 30);
    struct tls_server_files files = {.cert = leaf.cert_path, .key = leaf.key_path};
    server_tls = tls_server_new(&files, NULL, err, sizeof err);
    client_tls = tls_client_new(root.cert_path, true, err, sizeof err);
    return server_tls && client_tls ? 0 : -1;
}

static int drop_certs(void **state)
{
    tls_unref(server_tls);
    tls_unref(client_tls);
    certs_drop(&root);
    certs_drop(&leaf);
    certs_end(&maker);
    return 0;
}

static void on_line(void *arg, enum conn_event event)
{
}

static void on_done(void *arg, struct conn *conn, const char *reason)
{
    dialled++;
    dial = NULL;
    line = conn;
    if (conn)
        conn_owner(conn, on_line, NULL);
    else
        snprintf(why, sizeof why, "%s", reason);
}

static int setup(void **state)
{
    begin_world();
    stub_begin(&stub);
    far_begin(&far, "127.0.0.1", 0, NULL);
    stub.names[0] = (struct stub_name){"two.test", {"127.0.0.2", "127.0.0.1"}, 60};
    stub.names[1] = (struct stub_name){"wrong.test", {"127.0.0.1"}, 60};
    options = plain_options(far.port);
    options.host = S("two.test");
    book = (struct addrs){0};
    dialled = 0;
    why[0] = 0;
    return 0;
}

static int teardown(void **state)
{
    dial_free(dial);
    dial = NULL;
    conn_close(line);
    line = NULL;
    far_end(&far);
    dns_free(dns);
    dns = NULL;
    stub_end(&stub);
    end_world();
    return 0;
}

static void begin(void)
{
    dial = dial_new(loop, dns, &options, &book, NULL, on_done, NULL);
    assert_int_equal(dialled, 0);
}

static void hang_up_line(void)
{
    conn_close(line);
    line = NULL;
    dialled = 0;
}

/* --- the race */

static void takes_the_next_when_one_refuses(void **state)
{
    begin(); /* nobody listens on 127.0.0.2; no time passes */
    UNTIL(dialled);
    assert_non_null(line);
    assert_int_equal(addrs_out(&book), 1);
    assert_int_equal(book.n, 2);
    hang_up_line();
    begin(); /* and the good one is first from now on */
    UNTIL(dialled);
    assert_non_null(line);
}

static void takes_the_next_after_a_while(void **state)
{
    struct dead dead;
    dead_begin(&dead, "127.0.0.2", far.port);
    begin();
    UNTIL(book.n == 2);
    turns(10);
    pass_ms(249);
    turns(10);
    assert_int_equal(dialled, 0);
    assert_int_equal(far.n, 0);
    pass_ms(2);
    UNTIL(dialled);
    assert_non_null(line);
    assert_int_equal(addrs_out(&book), 1); /* the slow one costs nobody 250 ms again */
    hang_up_line();
    begin();
    UNTIL(dialled);
    assert_non_null(line);
    dead_end(&dead);
}

static void fails_when_time_is_up(void **state)
{
    struct dead dead, other;
    far_end(&far);
    far.port = options.port;
    dead_begin(&dead, "127.0.0.2", far.port);
    dead_begin(&other, "127.0.0.1", far.port);
    begin();
    UNTIL(book.n == 2);
    pass_ms(251);
    turns(3);
    pass_ms(2748);
    assert_int_equal(dialled, 0);
    pass_ms(2);
    assert_int_equal(dialled, 1);
    assert_null(line);
    assert_non_null(strstr(why, "no answer in time"));
    assert_int_equal(addrs_out(&book), 2);
    far.port = 0;
    dead_end(&dead);
    dead_end(&other);
}

static void tries_all_when_all_are_out(void **state)
{
    begin();
    UNTIL(dialled);
    hang_up_line();
    for (size_t i = 0; i < book.n; i++)
        addrs_failed(&book, &book.at[i].at, now_ms);
    assert_int_equal(addrs_out(&book), 2);
    begin();
    UNTIL(dialled);
    assert_non_null(line);
    assert_int_equal(addrs_out(&book), 1);
}

static void fails_when_all_refuse(void **state)
{
    far_end(&far);
    begin();
    UNTIL(dialled);
    assert_null(line);
    assert_non_null(strstr(why, "refused"));
}

static void fails_without_a_name(void **state)
{
    options.host = S("none.test");
    begin();
    UNTIL(dialled);
    assert_null(line);
    assert_non_null(strstr(why, "name not resolved"));
}

static void fails_when_nobody_resolves(void **state)
{
    stub.silent = true;
    begin();
    turns(3);
    pass_ms(3001);
    assert_int_equal(dialled, 1);
    assert_non_null(strstr(why, "resolving"));
}

static void tries_one_address_on_trial(void **state)
{
    begin();
    UNTIL(dialled);
    hang_up_line();
    struct sockaddr_storage at;
    pass_ms(1001);
    assert_true(addrs_trial(&book, now_ms, &at));
    dial = dial_new(loop, dns, &options, &book, &at, on_done, NULL);
    UNTIL(dialled);
    assert_null(line);
    assert_int_equal(addrs_out(&book), 1);
    assert_false(book.at[0].on_trial);
    struct far back;
    far_begin(&back, "127.0.0.2", far.port, NULL);
    pass_ms(2001);
    dialled = 0;
    assert_true(addrs_trial(&book, now_ms, &at));
    dial = dial_new(loop, dns, &options, &book, &at, on_done, NULL);
    UNTIL(dialled);
    assert_non_null(line);
    assert_int_equal(addrs_out(&book), 0);
    addrs_failed(&book, &at, now_ms);
    pass_ms(1001);
    assert_true(addrs_trial(&book, now_ms, &at));
    dial_free(dial_new(loop, dns, &options, &book, &at, on_done, NULL));
    assert_true(addrs_trial(&book, now_ms, &at)); /* no verdict: another trial may be made */
    far_end(&back);
}

/* --- TLS */

static void secures(void **state)
{
    far.tls = server_tls;
    options.tls = client_tls;
    begin();
    UNTIL(dialled);
    assert_non_null(line);
    assert_true(conn_is_tls(line));
    assert_true(str_eq(conn_alpn(line), S("h2")));
}

static void refuses_another_name(void **state)
{
    far.tls = server_tls;
    options.tls = client_tls;
    options.host = S("wrong.test");
    begin();
    UNTIL(dialled);
    assert_null(line);
    assert_non_null(strstr(why, "TLS"));
    assert_int_equal(addrs_out(&book), 1);
}

/* An address with a broken TLS is like one that refuses. */
static void goes_on_when_tls_fails(void **state)
{
    struct far broken;
    far_begin(&broken, "127.0.0.2", far.port, NULL);
    far.tls = server_tls;
    options.tls = client_tls;
    begin();
    UNTIL(broken.n && broken.peer[0].open);
    UNTIL(buf_len(&broken.peer[0].got));
    say(&broken.peer[0], "this is not TLS, whatever it is");
    UNTIL(dialled);
    assert_non_null(line);
    assert_int_equal(addrs_out(&book), 1);
    far_end(&broken);
}

static void gives_up_a_handshake_in_time(void **state)
{
    options.tls = client_tls;
    options.host = S("wrong.test"); /* one address */
    begin();
    UNTIL(far.n && buf_len(&far.peer[0].got));
    pass_ms(2999);
    assert_int_equal(dialled, 0);
    pass_ms(2);
    assert_int_equal(dialled, 1);
    assert_null(line);
    assert_int_equal(addrs_out(&book), 1);
}

/* Only connecting is a race: a slow handshake brings nobody else in. */
static void does_not_race_a_handshake(void **state)
{
    struct far other;
    far_begin(&other, "127.0.0.2", far.port, NULL);
    stub.names[2] = (struct stub_name){"slow.test", {"127.0.0.1", "127.0.0.2"}, 60};
    options.host = S("slow.test");
    options.tls = client_tls;
    begin();
    UNTIL(far.n && buf_len(&far.peer[0].got));
    pass_ms(251);
    turns(5);
    assert_int_equal(other.n, 0);
    far_end(&other);
}

/* --- the proxy */

static void use_proxy(void)
{
    options.proxy_host = S("127.0.0.1");
    options.proxy_port = far.port;
    options.host = S("two.test"); /* resolved by the proxy */
    options.port = 8443;
}

static void asks_the_proxy(void **state)
{
    use_proxy();
    options.proxy_authorization = S("Basic dTpw");
    begin();
    UNTIL(far.n && heard(&far.peer[0], "\r\n\r\n"));
    assert_string_equal(buf_cstr(&far.peer[0].got), "CONNECT two.test:8443 HTTP/1.1\r\n"
                                                    "host: two.test:8443\r\n"
                                                    "proxy-authorization: Basic dTpw\r\n\r\n");
    assert_int_equal(stub.asked, 0);
    say(&far.peer[0], "HTTP/1.1 200 Connection ");
    turns(4);
    say(&far.peer[0], "established\r\nX: y\r\n\r\n");
    UNTIL(dialled);
    assert_non_null(line);
}

static void brackets_an_ipv6_literal(void **state)
{
    use_proxy();
    options.host = S("fd00::1");
    begin();
    UNTIL(far.n && heard(&far.peer[0], "CONNECT [fd00::1]:8443 HTTP/1.1\r\n"));
}

static void secures_through_the_proxy(void **state)
{
    use_proxy();
    options.tls = client_tls;
    begin();
    UNTIL(far.n && heard(&far.peer[0], "\r\n\r\n"));
    far.peer[0].deaf = true;
    say(&far.peer[0], "HTTP/1.1 200 OK\r\n\r\n");
    conn_flush(far.peer[0].c);
    conn_start_tls(far.peer[0].c, server_tls, S(""));
    UNTIL(dialled);
    assert_non_null(line);
    assert_true(conn_is_tls(line));
}

static void hears_the_proxy_refuse(void **state)
{
    static const char *const answers[][2] = {
        {"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "407"},
        {"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502"},
        {"SSH-2.0-OpenSSH\r\n", "proxy"},
        {"HTTP/1.1 200 OK\r\n\r\nsurplus", "before the tunnel"},
        {"HTTP/1.1 200 OK\r\nA: ", "closed"},
    };
    use_proxy();
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        unsigned n = far.n;
        begin();
        UNTIL(far.n > n && heard(&far.peer[n], "\r\n\r\n"));
        say(&far.peer[n], answers[i][0]);
        conn_flush(far.peer[n].c);
        turns(3);
        hang_up(&far.peer[n]);
        UNTIL(dialled);
        assert_null(line);
        assert_non_null(strstr(why, answers[i][1]));
        assert_int_equal(addrs_out(&book), 0); /* the proxy itself is there */
        dialled = 0;
    }
}

/* --- letting go */

static void is_freed_at_every_stage(void **state)
{
    begin();
    dial_free(dial); /* resolving */
    begin();
    UNTIL(book.n == 2);
    dial_free(dial); /* connecting */
    turns(3);
    use_proxy();
    options.tls = client_tls;
    unsigned n = far.n;
    begin();
    UNTIL(far.n > n && heard(&far.peer[n], "\r\n\r\n"));
    dial_free(dial); /* asking the proxy */
    begin();
    UNTIL(far.n > n + 1 && heard(&far.peer[n + 1], "\r\n\r\n"));
    buf_clear(&far.peer[n + 1].got);
    say(&far.peer[n + 1], "HTTP/1.1 200 OK\r\n\r\n");
    UNTIL(buf_len(&far.peer[n + 1].got));
    dial_free(dial); /* in the handshake */
    dial = NULL;
    turns(5);
    assert_int_equal(dialled, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(takes_the_next_when_one_refuses),
        T(takes_the_next_after_a_while),
        T(fails_when_time_is_up),
        T(tries_all_when_all_are_out),
        T(fails_when_all_refuse),
        T(fails_without_a_name),
        T(fails_when_nobody_resolves),
        T(tries_one_address_on_trial),
        T(secures),
        T(refuses_another_name),
        T(goes_on_when_tls_fails),
        T(gives_up_a_handshake_in_time),
        T(does_not_race_a_handshake),
        T(asks_the_proxy),
        T(brackets_an_ipv6_literal),
        T(secures_through_the_proxy),
        T(hears_the_proxy_refuse),
        T(is_freed_at_every_stage),
    };
    return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
