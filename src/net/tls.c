/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS contexts. One SSL_CTX serves all threads: OpenSSL counts and locks it. What is ours is the
 * reference count, the taking over of ticket keys, and the sessions kept for origins.
 */
#include "weir/net/tls.h"

#include "tls_private.h"
#include "weir/base/digest.h"
#include "weir/base/file.h"
#include "weir/base/mem.h"

#include <arpa/inet.h>
#include <assert.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A workload talks to a handful of hosts: the endpoints of one region. */
enum { MOST_KEPT = 32, HOST_MOST = 255, TICKET_LIFE_S = 3600, TICKET_KEY_BYTES = 80 };

struct kept {
    char host[HOST_MOST + 1];
    SSL_SESSION *session;
};

struct tls {
    atomic_uint users;
    SSL_CTX *ctx;
    bool client;
    int64_t not_after;
    pthread_mutex_t lock; /* around kept */
    struct kept kept[MOST_KEPT];
    size_t next_kept;
};

/* --- reasons */

void tls_reason(const SSL *ssl, char *out, size_t size)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    long verdict = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
    if (verdict != X509_V_OK)
        snprintf(out, size, "%s (%s)", reason ? reason : "certificate verify failed",
                 X509_verify_cert_error_string(verdict));
    else
        snprintf(out, size, "%s", reason ? reason : "TLS failed");
    ERR_clear_error();
}

/* What went wrong with a file: the first error says it, the later ones only where it was met. */
static const char *file_reason(unsigned long code)
{
    if (ERR_SYSTEM_ERROR(code))
        return strerror(ERR_GET_REASON(code));
    if (ERR_GET_LIB(code) == ERR_LIB_OSSL_DECODER ||
        (ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE))
        return "there is no PEM block of that kind in it";
    if (ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_BAD_PASSWORD_READ)
        return "it is encrypted, and nobody is there to type the password";
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    return reason ? reason : "it cannot be used";
}

static void say(char *err, size_t err_size, const char *what, const char *file)
{
    unsigned long code = ERR_peek_error();
    if (ERR_GET_LIB(code) == ERR_LIB_CRYPTO) /* "interrupted or cancelled": the password again */
        code = ERR_PACK(ERR_LIB_PEM, 0, PEM_R_BAD_PASSWORD_READ);
    snprintf(err, err_size, "%s %s: %s", what, file, file_reason(code));
    ERR_clear_error();
}

static struct tls *refuse(struct tls *t, char *err, size_t err_size, const char *what,
                          const char *file)
{
    say(err, err_size, what, file);
    tls_unref(t);
    return NULL;
}

/* --- both sides */

static struct tls *tls_new(const SSL_METHOD *method, bool client)
{
    struct tls *t = mem_new(sizeof *t);
    atomic_init(&t->users, 1);
    pthread_mutex_init(&t->lock, NULL);
    t->client = client;
    t->ctx = SSL_CTX_new(method);
    if (!t->ctx)
        return t;
    SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(t->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* An idle connection gives its 32 KiB of buffers back; what a short write took is done. */
    SSL_CTX_set_mode(t->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(t->ctx, 1); /* one system call a record, not two */
    SSL_CTX_set_app_data(t->ctx, t);
    return t;
}

struct tls *tls_ref(struct tls *t)
{
    atomic_fetch_add_explicit(&t->users, 1, memory_order_relaxed);
    return t;
}

void tls_unref(struct tls *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->users, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < MOST_KEPT; i++)
        SSL_SESSION_free(t->kept[i].session);
    SSL_CTX_free(t->ctx);
    pthread_mutex_destroy(&t->lock);
    mem_free(t);
}

int64_t tls_not_after(const struct tls *t)
{
    return t->not_after;
}

/* --- server */

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *arg)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301 3.2: no_application_protocol */
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int64_t certificate_end(const SSL_CTX *ctx)
{
    struct tm end;
    if (!ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(ctx)), &end))
        return 0;
    return (int64_t)timegm(&end);
}

/* A resumed session skips the certificate check, so a session belongs to the roots that verified
 * it: the hash of their file is its context. */
static int ask_client_certificate(struct tls *t, const char *client_ca, char *err, size_t err_size)
{
    struct buf pem = {0};
    unsigned char id[SHA256_BYTES];
    int r = file_read(client_ca, FILE_MOST_BYTES, &pem, err, err_size);
    if (r == 0)
        sha256_of(buf_str(&pem), id);
    buf_fini(&pem);
    if (r < 0)
        return r;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(client_ca);
    SSL_CTX_set_client_CA_list(t->ctx, names); /* takes it over */
    SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    if (names && SSL_CTX_load_verify_file(t->ctx, client_ca) == 1 &&
        SSL_CTX_set_session_id_context(t->ctx, id, sizeof id) == 1)
        return 0;
    say(err, err_size, "client CA", client_ca);
    return ERR_TLS;
}

static void take_over_ticket_keys(struct tls *t, struct tls *old)
{
    unsigned char keys[TICKET_KEY_BYTES];
    if (SSL_CTX_get_tlsext_ticket_keys(old->ctx, keys, sizeof keys) == 1)
        (void)SSL_CTX_set_tlsext_ticket_keys(t->ctx, keys, sizeof keys);
    secret_wipe(keys, sizeof keys);
}

/* An encrypted key would make OpenSSL ask on the terminal: a daemon has none. */
static int no_password(char *buf, int size, int rwflag, void *arg)
{
    return -1;
}

struct tls *tls_server_new(const struct tls_server_files *files, struct tls *old, char *err,
                           size_t err_size)
{
    struct tls *t = tls_new(TLS_server_method(), false);
    if (!t->ctx)
        return refuse(t, err, err_size, "TLS context for", files->cert);
    if (SSL_CTX_use_certificate_chain_file(t->ctx, files->cert) != 1)
        return refuse(t, err, err_size, "certificate", files->cert);
    SSL_CTX_set_default_passwd_cb(t->ctx, no_password);
    if (SSL_CTX_use_PrivateKey_file(t->ctx, files->key, SSL_FILETYPE_PEM) != 1)
        return refuse(t, err, err_size, "key", files->key);
    if (SSL_CTX_check_private_key(t->ctx) != 1)
        return refuse(t, err, err_size, "key does not fit the certificate:", files->key);
    static const unsigned char plain_id[] = "weir";
    (void)SSL_CTX_set_session_id_context(t->ctx, plain_id, sizeof plain_id - 1);
    if (files->client_ca && ask_client_certificate(t, files->client_ca, err, err_size) < 0) {
        tls_unref(t);
        return NULL;
    }
    SSL_CTX_set_alpn_select_cb(t->ctx, choose_alpn, NULL);
    /* Tickets only: they open on every worker and need no memory. One is enough for clients that
     * open a connection a request; each resumption brings the next. */
    SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(t->ctx, 1);
    SSL_CTX_set_timeout(t->ctx, TICKET_LIFE_S);
    if (old)
        take_over_ticket_keys(t, old);
    t->not_after = certificate_end(t->ctx);
    return t;
}

/* --- client */

static struct kept *find_kept(struct tls *t, const char *host)
{
    for (size_t i = 0; i < MOST_KEPT; i++)
        if (t->kept[i].session && strcmp(t->kept[i].host, host) == 0)
            return &t->kept[i];
    return NULL;
}

/* OpenSSL brings a session that may be resumed. 1: we keep the reference. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const char *host = SSL_get_app_data(ssl);
    pthread_mutex_lock(&t->lock);
    struct kept *k = find_kept(t, host);
    if (!k) {
        k = &t->kept[t->next_kept];
        t->next_kept = (t->next_kept + 1) % MOST_KEPT;
        snprintf(k->host, sizeof k->host, "%s", host);
    }
    SSL_SESSION_free(k->session);
    k->session = session;
    pthread_mutex_unlock(&t->lock);
    return 1;
}

static void offer_kept(struct tls *t, SSL *ssl, const char *host)
{
    pthread_mutex_lock(&t->lock);
    struct kept *k = find_kept(t, host);
    if (k)
        (void)SSL_set_session(ssl, k->session);
    pthread_mutex_unlock(&t->lock);
}

struct tls *tls_client_new(const char *ca_file, bool alpn_h2, char *err, size_t err_size)
{
    static const unsigned char both[] = "\x02h2\x08http/1.1", one[] = "\x08http/1.1";
    struct tls *t = tls_new(TLS_client_method(), true);
    if (!t->ctx || SSL_CTX_set_default_verify_paths(t->ctx) != 1)
        return refuse(t, err, err_size, "system roots", "");
    if (ca_file && SSL_CTX_load_verify_file(t->ctx, ca_file) != 1)
        return refuse(t, err, err_size, "CA file", ca_file);
    SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_set_alpn_protos(t->ctx, alpn_h2 ? both : one,
                                (unsigned)(alpn_h2 ? sizeof both - 1 : sizeof one - 1)) != 0)
        return refuse(t, err, err_size, "ALPN", "");
    SSL_CTX_set_session_cache_mode(t->ctx,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(t->ctx, keep_session);
    return t;
}

static bool is_address(const char *host)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* The name that the certificate must carry; SNI only for names (RFC 6066 3). */
static bool expect_host(SSL *ssl, const char *host)
{
    if (is_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

SSL *tls_session(struct tls *t, const char *host)
{
    assert(t->client == (host != NULL));
    SSL *ssl = SSL_new(t->ctx);
    if (!ssl)
        return NULL;
    if (!host) {
        SSL_set_accept_state(ssl);
        return ssl;
    }
    SSL_set_connect_state(ssl);
    SSL_set_app_data(ssl, host);
    if (strlen(host) > HOST_MOST || !expect_host(ssl, host)) {
        SSL_free(ssl);
        return NULL;
    }
    offer_kept(t, ssl, host);
    return ssl;
}
