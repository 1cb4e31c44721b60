/* SPDX-License-Identifier: Apache-2.0
 *
 * net/tls and net/conn over it: handshakes on a pair of sockets, with certificates made here.
 */
#include "certs.h"
#include "weir/base/buf.h"
#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/net/conn.h"

#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

static struct cert_maker maker;
static struct cert root, other_root, leaf, user, odd_user;
static struct loop *loop;
static char err[256];

struct end {
    struct conn *c;
    struct buf got;
    unsigned opened, broken, drained, readable;
    ssize_t last;
    bool leave_it, frugal; /* frugal: one read a time */
};

static struct end client, server;

static int make_certs(void **state)
{
    certs_begin(&maker);
    root = certs_make(&maker, NULL, "root", -1, NULL, 30);
    other_root = certs_make(&maker, NULL, "other", -1, NULL, 30);
    leaf = certs_make(&maker, &root, "weir", -1, "DNS:weir.test,IP:127.0.0.1,IP:::1", 30);
    return 0;
}

static int drop_certs(void **state)
{
    certs_drop(&root);
    certs_drop(&other_root);
    certs_drop(&leaf);
    certs_end(&maker);
    return 0;
}

static int setup(void **state)
{
    loop = loop_new();
    client = server = (struct end){0};
    return 0;
}

static void hang_up(void)
{
    conn_close(client.c);
    conn_close(server.c);
    buf_fini(&client.got);
    buf_fini(&server.got);
    client = server = (struct end){0};
    loop_turn(loop, 0);
}

static int teardown(void **state)
{
    hang_up();
    loop_free(loop);
    clock_real();
    return 0;
}

static void on_end(void *arg, enum conn_event event)
{
    struct end *e = arg;
    e->opened += event == CONN_OPEN;
    e->broken += event == CONN_BROKEN;
    e->drained += event == CONN_DRAINED;
    e->readable += event == CONN_READABLE;
    if (event != CONN_READABLE || e->leave_it)
        return;
    while ((e->last = conn_read(e->c, buf_reserve(&e->got, 20000), 20000)) > 0) {
        buf_commit(&e->got, (size_t)e->last);
        if (e->frugal)
            return;
    }
    if (e->last != ERR_AGAIN)
        conn_want_read(e->c, false);
}

static struct tls *server_tls(const char *client_ca, struct tls *old)
{
    struct tls_server_files files = {leaf.cert_path, leaf.key_path, client_ca};
    struct tls *t = tls_server_new(&files, old, err, sizeof err);
    if (!t)
        print_error("%s\n", err);
    assert_non_null(t);
    return t;
}

static struct tls *client_tls(const char *ca, bool h2)
{
    struct tls *t = tls_client_new(ca, h2, err, sizeof err);
    assert_non_null(t);
    return t;
}

/* Both ends on one socket pair; the client's begins in clear, as after CONNECT. */
static void shake(struct tls *from, struct tls *to, const char *host)
{
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd), 0);
    client.c = conn_accept(loop, fd[0], NULL, on_end, &client);
    server.c = conn_accept(loop, fd[1], to, on_end, &server);
    conn_start_tls(client.c, from, str_of(host));
    for (int i = 0; i < 20; i++)
        loop_turn(loop, 0);
}

static void turns(int n)
{
    while (n--)
        loop_turn(loop, 0);
}

static void shakes_hands(void **state)
{
    struct tls *s = server_tls(NULL, NULL), *c = client_tls(root.cert_path, true);
    static const char *hosts[] = {"weir.test", "127.0.0.1", "::1"};
    for (size_t i = 0; i < 3; i++) {
        shake(c, s, hosts[i]);
        assert_true(client.opened == 1 && server.opened == 1);
        assert_true(conn_is_tls(client.c));
        assert_true(str_eq(conn_alpn(client.c), S("h2")));
        assert_true(str_eq(conn_alpn(server.c), S("h2")));
        assert_int_equal(conn_peer_name(server.c).len, 0);
        conn_write(client.c, S("hello "));
        conn_write_borrowed(client.c, S("there"));
        turns(5);
        assert_string_equal(buf_cstr(&server.got), "hello there");
        conn_finish(client.c);
        client.c = NULL;
        turns(5);
        assert_int_equal(server.last, ERR_EOF); /* close_notify, not a bare FIN */
        hang_up();
    }
    int64_t end = tls_not_after(s), day = 86400;
    assert_true(end > time(NULL) + 29 * day && end < time(NULL) + 31 * day);
    tls_unref(s);
    s = server_tls(NULL, NULL);
    struct tls *one = client_tls(root.cert_path, false);
    shake(one, s, "weir.test");
    assert_true(str_eq(conn_alpn(server.c), S("http/1.1")));
    tls_unref(one);
    tls_unref(c);
    tls_unref(s);
}

static void refused(struct tls *c, struct tls *s, const char *host, const char *why)
{
    shake(c, s, host);
    assert_int_equal(client.opened, 0);
    assert_int_equal(client.broken, 1);
    assert_int_equal(conn_error(client.c), ERR_TLS);
    if (!strstr(conn_error_text(client.c), why))
        print_error("%s\n", conn_error_text(client.c));
    assert_non_null(strstr(conn_error_text(client.c), why));
    turns(5);
    assert_int_equal(server.broken, 1);
    hang_up();
}

static void refuses_what_it_cannot_trust(void **state)
{
    struct tls *s = server_tls(NULL, NULL);
    struct tls *stranger = client_tls(other_root.cert_path, true);
    struct tls *c = client_tls(root.cert_path, true);
    refused(stranger, s, "weir.test", "unable to get local issuer certificate");
    refused(c, s, "other.test", "hostname mismatch");
    refused(c, s, "127.0.0.2", "IP address mismatch");
    struct cert old = certs_make(&maker, &root, "weir", -1, "DNS:weir.test", 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(old.x509), -3600);
    X509_sign(old.x509, root.key, EVP_sha256());
    FILE *f = fopen(old.cert_path, "w");
    PEM_write_X509(f, old.x509);
    fclose(f);
    struct tls_server_files files = {old.cert_path, old.key_path, NULL};
    struct tls *expired = tls_server_new(&files, NULL, err, sizeof err);
    assert_non_null(expired);
    refused(c, expired, "weir.test", "certificate has expired");
    tls_unref(expired);
    tls_unref(stranger);
    tls_unref(c);
    tls_unref(s);
    certs_drop(&old);
    unlink(maker.path[--maker.n_paths]);
    unlink(maker.path[--maker.n_paths]);
}

static void files_that_do_not_fit(void **state)
{
    struct tls_server_files wrong_key = {leaf.cert_path, root.key_path, NULL};
    assert_null(tls_server_new(&wrong_key, NULL, err, sizeof err));
    assert_non_null(strstr(err, root.key_path));
    assert_non_null(strstr(err, "mismatch"));
    struct tls_server_files absent = {"/nonexistent.pem", leaf.key_path, NULL};
    assert_null(tls_server_new(&absent, NULL, err, sizeof err));
    assert_non_null(strstr(err, "/nonexistent.pem"));
    struct tls_server_files no_ca = {leaf.cert_path, leaf.key_path, leaf.key_path};
    assert_null(tls_server_new(&no_ca, NULL, err, sizeof err));
    assert_non_null(strstr(err, leaf.key_path));
    assert_null(tls_client_new("/nonexistent.pem", true, err, sizeof err));
    assert_non_null(strstr(err, "/nonexistent.pem"));
}

/* A client that shows a certificate: tls_client_new has none, so OpenSSL itself plays it. */
static SSL *raw_client(SSL_CTX *ctx, int fd)
{
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    SSL_set_connect_state(ssl);
    return ssl;
}

static void raw_shake(SSL_CTX *ctx, struct tls *to, SSL **out)
{
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd), 0);
    server.c = conn_accept(loop, fd[1], to, on_end, &server);
    *out = raw_client(ctx, fd[0]);
    for (int i = 0; i < 20; i++) {
        (void)SSL_do_handshake(*out);
        char byte;
        (void)SSL_read(*out, &byte, 1); /* takes tickets in */
        loop_turn(loop, 0);
    }
}

static void raw_drop(SSL *ssl)
{
    int fd = SSL_get_fd(ssl);
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
    close(fd);
    hang_up();
}

static SSL_CTX *raw_ctx(const struct cert *cert)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (cert) {
        SSL_CTX_use_certificate(ctx, cert->x509);
        SSL_CTX_use_PrivateKey(ctx, cert->key);
    }
    return ctx;
}

static void client_certificates(void **state)
{
    user = certs_make(&maker, &root, "search.internal", -1, NULL, 5);
    odd_user = certs_make(&maker, &root, "admin\0.evil", 11, NULL, 5);
    struct tls *s = server_tls(root.cert_path, NULL);
    SSL *ssl;
    SSL_CTX *good = raw_ctx(&user), *odd = raw_ctx(&odd_user), *none = raw_ctx(NULL);
    raw_shake(good, s, &ssl);
    assert_int_equal(server.opened, 1);
    assert_true(str_eq(conn_peer_name(server.c), S("search.internal")));
    raw_drop(ssl);
    raw_shake(odd, s, &ssl); /* verified, but its name could be read in two ways */
    assert_int_equal(server.opened, 1);
    assert_int_equal(conn_peer_name(server.c).len, 0);
    raw_drop(ssl);
    raw_shake(none, s, &ssl);
    assert_int_equal(server.opened, 0);
    assert_int_equal(server.broken, 1);
    assert_non_null(strstr(conn_error_text(server.c), "did not return a certificate"));
    raw_drop(ssl);
    SSL_CTX_free(good);
    SSL_CTX_free(odd);
    SSL_CTX_free(none);
    tls_unref(s);
    certs_drop(&user);
    certs_drop(&odd_user);
    for (int i = 0; i < 4; i++)
        unlink(maker.path[--maker.n_paths]);
}

/* A session of one context opens in its successor, but not where other roots decide. */
static void tickets_survive_a_reload(void **state)
{
    struct tls *first = server_tls(NULL, NULL), *second = server_tls(NULL, first);
    struct tls *stranger = server_tls(NULL, NULL);
    struct tls *strict = server_tls(other_root.cert_path, first);
    SSL_CTX *ctx = raw_ctx(NULL);
    SSL *ssl;
    raw_shake(ctx, first, &ssl);
    SSL_SESSION *session = SSL_get1_session(ssl);
    raw_drop(ssl);
    struct tls *const to[] = {second, stranger, strict};
    for (size_t i = 0; i < 3; i++) {
        int fd[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd), 0);
        server.c = conn_accept(loop, fd[1], to[i], on_end, &server);
        ssl = raw_client(ctx, fd[0]);
        SSL_set_session(ssl, session);
        for (int k = 0; k < 20; k++) {
            (void)SSL_do_handshake(ssl);
            loop_turn(loop, 0);
        }
        assert_int_equal(SSL_session_reused(ssl), i == 0);
        assert_int_equal(server.opened, i < 2);
        raw_drop(ssl);
    }
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
    tls_unref(first);
    tls_unref(second);
    tls_unref(stranger);
    tls_unref(strict);
}

/* Our own client keeps a session per host: the second time the server sends no certificate, so
 * that fewer bytes come. */
static void our_client_resumes(void **state)
{
    struct tls *s = server_tls(NULL, NULL), *c = client_tls(root.cert_path, true);
    bool resumed[3];
    static const char *hosts[] = {"weir.test", "weir.test", "127.0.0.1"};
    for (size_t i = 0; i < 3; i++) {
        shake(c, s, hosts[i]);
        assert_true(client.opened);
        conn_write(server.c, S("x"));
        turns(5);
        assert_string_equal(buf_cstr(&client.got), "x");
        resumed[i] = conn_tls_resumed(client.c);
        hang_up();
    }
    assert_false(resumed[0]);
    assert_true(resumed[1]);
    assert_false(resumed[2]);
    tls_unref(c);
    tls_unref(s);
}

/* Many records, a reader that pauses: bytes that wait in OpenSSL wake nobody, and must come. */
static void much_and_slow(void **state)
{
    enum { N = 1000000 };
    char *bytes = mem_new(N);
    for (size_t i = 0; i < N; i++)
        bytes[i] = (char)(i * 7 % 253);
    struct tls *s = server_tls(NULL, NULL), *c = client_tls(root.cert_path, true);
    shake(c, s, "weir.test");
    server.leave_it = true;
    conn_write(client.c, (struct str){bytes, 100});
    conn_write_borrowed(client.c, (struct str){bytes + 100, 50000});
    conn_write_borrowed(client.c, (struct str){bytes + 50100, N - 50100});
    conn_flush(client.c);
    conn_keep_borrowed(client.c);
    turns(5);
    assert_true(conn_unwritten(client.c) > 0);
    size_t sum = 0;
    char part[5000];
    while (sum < N) {
        ssize_t n = conn_read(server.c, part, sizeof part);
        if (n > 0) {
            assert_memory_equal(part, bytes + sum, (size_t)n);
            sum += (size_t)n;
        }
        assert_true(n > 0 || n == ERR_AGAIN);
        turns(1);
    }
    assert_int_equal(conn_unwritten(client.c), 0);
    assert_int_equal(client.drained, 1);
    /* One record larger than one read: the rest is told of without a new byte. */
    turns(3);
    server.leave_it = false;
    conn_write(client.c, (struct str){bytes, 16000});
    turns(5);
    assert_int_equal(buf_len(&server.got), 16000);
    mem_free(bytes);
    tls_unref(c);
    tls_unref(s);
}

static void a_handshake_that_stops(void **state)
{
    struct tls *s = server_tls(NULL, NULL);
    int fd[2];
    clock_fake(1000000000, 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd), 0);
    server.c = conn_accept(loop, fd[1], s, on_end, &server);
    conn_open_within(server.c, 10000);
    assert_int_equal(write(fd[0], "\x16\x03\x01", 3), 3);
    turns(3);
    assert_int_equal(server.broken, 0);
    clock_fake(11100000000, 0);
    turns(3);
    assert_int_equal(server.broken, 1);
    assert_int_equal(conn_error(server.c), ERR_TIMEOUT);
    hang_up();
    close(fd[0]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd), 0);
    server.c = conn_accept(loop, fd[1], s, on_end, &server);
    assert_int_equal(write(fd[0], "GET / HTTP/1.1\r\n\r\n", 18), 18);
    turns(3);
    assert_int_equal(server.broken, 1);
    assert_int_equal(conn_error(server.c), ERR_TLS);
    assert_non_null(strstr(conn_error_text(server.c), "http request"));
    close(fd[0]);
    tls_unref(s);
}

/* Half a record is nothing to read: its other half, and nothing sooner, tells of it. */
static void half_a_record(void **state)
{
    struct tls *s = server_tls(NULL, NULL);
    SSL_CTX *ctx = raw_ctx(NULL);
    SSL *ssl;
    raw_shake(ctx, s, &ssl);
    int fd = SSL_get_fd(ssl);
    server.frugal = true;
    BIO *sealed = BIO_new(BIO_s_mem());
    SSL_set0_wbio(ssl, sealed);
    assert_int_equal(SSL_write(ssl, "first", 5), 5);
    assert_int_equal(SSL_write(ssl, "second", 6), 6);
    char bytes[200];
    int n = BIO_read(sealed, bytes, sizeof bytes);
    assert_int_equal(write(fd, bytes, (size_t)n - 10), n - 10);
    turns(5);
    assert_string_equal(buf_cstr(&server.got), "first");
    assert_int_equal(server.readable, 1);
    assert_int_equal(write(fd, bytes + n - 10, 10), 10);
    turns(5);
    assert_string_equal(buf_cstr(&server.got), "firstsecond");
    assert_int_equal(server.readable, 2);
    SSL_set0_wbio(ssl, BIO_new_socket(fd, BIO_NOCLOSE));
    raw_drop(ssl);
    SSL_CTX_free(ctx);
    tls_unref(s);
}

/* A bare FIN may be anybody's: it never counts as the end of what was said. */
static void an_end_without_goodbye(void **state)
{
    struct tls *s = server_tls(NULL, NULL), *c = client_tls(root.cert_path, true);
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd), 0);
    server.c = conn_accept(loop, fd[1], s, on_end, &server);
    close(fd[0]);
    turns(3);
    assert_int_equal(server.broken, 1);
    assert_string_equal(conn_error_text(server.c), "closed in the handshake");
    hang_up();
    shake(c, s, "weir.test");
    conn_write(client.c, S("half"));
    turns(3);
    conn_close(client.c);
    client.c = NULL;
    turns(3);
    assert_string_equal(buf_cstr(&server.got), "half");
    assert_int_equal(server.last, ERR_IO);
    assert_string_equal(conn_error_text(server.c), "closed without a goodbye");
    tls_unref(c);
    tls_unref(s);
}

int main(void)
{
#define TLS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TLS_TEST(shakes_hands),
        TLS_TEST(refuses_what_it_cannot_trust),
        TLS_TEST(files_that_do_not_fit),
        TLS_TEST(client_certificates),
        TLS_TEST(tickets_survive_a_reload),
        TLS_TEST(our_client_resumes),
        TLS_TEST(much_and_slow),
        TLS_TEST(a_handshake_that_stops),
        TLS_TEST(half_a_record),
        TLS_TEST(an_end_without_goodbye),
    };
    return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
