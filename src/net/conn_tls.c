/* SPDX-License-Identifier: Apache-2.0
 *
 * The TLS carrier: OpenSSL between the conn and its socket. OpenSSL reads and writes through a BIO
 * of ours, so that every system call stays in sock.c. Small pieces of the queue are put together
 * into one record; a large piece is encrypted where it lies.
 */
#include "conn_private.h"
#include "tls_private.h"
#include "weir/base/mem.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <pthread.h>
#include <string.h>

enum { RECORD_BYTES = 16 * 1024 }; /* the most plain bytes of one record, RFC 8446 5.1 */

struct conn_tls_part {
    SSL *ssl;
    struct tls *tls;
    struct str peer_name; /* a copy of ours */
    char *host;
};

static struct conn_tls_part *part_of(const struct conn *c)
{
    return c->carried;
}

/* --- OpenSSL's way to the socket */

static int bio_result(BIO *bio, ssize_t n, int again)
{
    BIO_clear_retry_flags(bio);
    if (n == ERR_AGAIN)
        BIO_set_flags(bio, again | BIO_FLAGS_SHOULD_RETRY);
    if (n == ERR_EOF)
        return 0;
    return n < 0 ? -1 : (int)n;
}

static int bio_read(BIO *bio, char *dst, int n)
{
    struct conn *c = BIO_get_data(bio);
    return bio_result(bio, sock_read(c->fd, dst, (size_t)n), BIO_FLAGS_READ);
}

static int bio_write(BIO *bio, const char *src, int n)
{
    struct conn *c = BIO_get_data(bio);
    struct iovec iov = {(char *)src, (size_t)n};
    return bio_result(bio, sock_write(c->fd, &iov, 1), BIO_FLAGS_WRITE);
}

static long bio_control(BIO *bio, int command, long number, void *ptr)
{
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;

static void make_bio_method(void)
{
    bio_method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "weir conn");
    if (!bio_method || !BIO_meth_set_read(bio_method, bio_read) ||
        !BIO_meth_set_write(bio_method, bio_write) || !BIO_meth_set_ctrl(bio_method, bio_control))
        bio_method = NULL;
}

static BIO *new_bio(struct conn *c)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_bio_method);
    BIO *bio = bio_method ? BIO_new(bio_method) : NULL;
    if (!bio)
        return NULL;
    BIO_set_data(bio, c);
    BIO_set_init(bio, 1);
    return bio;
}

/* --- beginning and end */

static void tls_fini(struct conn *c)
{
    struct conn_tls_part *part = part_of(c);
    if (!part)
        return;
    /* A session that was not ended in form is marked unusable; ours is good for the next time. */
    if (part->ssl && SSL_is_init_finished(part->ssl))
        SSL_set_shutdown(part->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(part->ssl);
    tls_unref(part->tls);
    mem_free((char *)part->peer_name.ptr);
    mem_free(part->host);
    mem_free(part);
    c->carried = NULL;
    ERR_clear_error();
}

int conn_tls_begin(struct conn *c, struct tls *tls, struct str host)
{
    struct conn_tls_part *part = mem_new(sizeof *part);
    c->carrier = &conn_tls;
    c->carried = part;
    part->tls = tls_ref(tls);
    if (host.len) {
        part->host = mem_new(host.len + 1);
        memcpy(part->host, host.ptr, host.len);
    }
    ERR_clear_error();
    part->ssl = tls_session(tls, part->host);
    BIO *bio = part->ssl ? new_bio(c) : NULL;
    if (!bio) {
        tls_reason(NULL, c->text, sizeof c->text);
        return ERR_TLS;
    }
    SSL_set_bio(part->ssl, bio, bio);
    return 0;
}

/* What OpenSSL's refusal means: ERR_AGAIN (with a mark when it wants to write), or the end. */
static int why(struct conn *c, int result, bool *wants_to_write)
{
    struct conn_tls_part *part = part_of(c);
    int socket_errno = errno;
    switch (SSL_get_error(part->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return ERR_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        *wants_to_write = true;
        return ERR_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return ERR_EOF;
    case SSL_ERROR_SYSCALL:
        errno = socket_errno;
        if (errno)
            conn_say(c, "%s", sock_reason());
        else
            conn_say(c, SSL_is_init_finished(part->ssl) ? "closed without a goodbye"
                                                        : "closed in the handshake");
        ERR_clear_error();
        return ERR_IO;
    default:
        if (!c->text[0])
            tls_reason(part->ssl, c->text, sizeof c->text);
        ERR_clear_error();
        return ERR_TLS;
    }
}

/* The name for logs and rules. One that could be read in two ways (NUL and other control bytes)
 * counts as none. */
static void note_peer_name(struct conn_tls_part *part)
{
    X509 *cert = SSL_get0_peer_certificate(part->ssl);
    if (!cert || SSL_get_verify_result(part->ssl) != X509_V_OK)
        return;
    X509_NAME *subject = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    X509_NAME_ENTRY *entry = at < 0 ? NULL : X509_NAME_get_entry(subject, at);
    unsigned char *utf8 = NULL;
    int len = entry ? ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry)) : -1;
    bool plain = len > 0;
    for (int i = 0; i < len; i++)
        plain = plain && utf8[i] >= 0x20 && utf8[i] != 0x7f;
    if (plain) {
        char *copy = mem_new((size_t)len);
        memcpy(copy, utf8, (size_t)len);
        part->peer_name = (struct str){copy, (size_t)len};
    }
    OPENSSL_free(utf8);
}

static int tls_open(struct conn *c)
{
    struct conn_tls_part *part = part_of(c);
    ERR_clear_error();
    errno = 0;
    int r = SSL_do_handshake(part->ssl);
    if (r == 1) {
        if (!c->client)
            note_peer_name(part);
        return 0;
    }
    return why(c, r, &c->blocked);
}

/* Says goodbye and leaves the socket to the plain carrier: what still comes is not for reading. */
static void tls_end_writing(struct conn *c)
{
    struct conn_tls_part *part = part_of(c);
    ERR_clear_error();
    (void)SSL_shutdown(part->ssl);
    tls_fini(c);
    c->carrier = &conn_plain;
    c->carrier->end_writing(c);
}

/* --- bytes */

static ssize_t tls_read(struct conn *c, char *dst, size_t n)
{
    struct conn_tls_part *part = part_of(c);
    size_t sum = 0;
    ERR_clear_error();
    do {
        size_t got = 0;
        errno = 0;
        int r = SSL_read_ex(part->ssl, dst + sum, n - sum, &got);
        if (r != 1) {
            c->dry = SSL_want_read(part->ssl); /* what is pending is part of a record */
            return sum ? (ssize_t)sum : why(c, r, &c->read_blocked);
        }
        sum += got;
    } while (sum < n && SSL_has_pending(part->ssl));
    return (ssize_t)sum;
}

static ssize_t tls_peek(struct conn *c, char *dst, size_t n)
{
    return ERR_UNSUPPORTED;
}

/* One record's worth from the front of the queue. */
static struct str record(const struct iovec *iov, size_t n, size_t skip, char *gathered)
{
    size_t i = 0, len = 0;
    while (skip >= iov[i].iov_len)
        skip -= iov[i++].iov_len;
    struct str first = {(char *)iov[i].iov_base + skip, iov[i].iov_len - skip};
    if (first.len >= RECORD_BYTES || i + 1 == n)
        return first;
    for (; i < n && len < RECORD_BYTES; i++, skip = 0) {
        size_t have = iov[i].iov_len - skip, room = RECORD_BYTES - len;
        size_t part = have < room ? have : room;
        memcpy(gathered + len, (char *)iov[i].iov_base + skip, part);
        len += part;
    }
    return (struct str){gathered, len};
}

static ssize_t tls_write(struct conn *c, const struct iovec *iov, size_t n)
{
    struct conn_tls_part *part = part_of(c);
    char gathered[RECORD_BYTES];
    size_t total = 0, sum = 0;
    for (size_t i = 0; i < n; i++)
        total += iov[i].iov_len;
    ERR_clear_error();
    while (sum < total) {
        struct str bytes = record(iov, n, sum, gathered);
        size_t put = 0;
        bool unused = false;
        errno = 0;
        int r = SSL_write_ex(part->ssl, bytes.ptr, bytes.len, &put);
        if (r != 1) {
            int failure = why(c, r, &unused);
            return sum && failure == ERR_AGAIN ? (ssize_t)sum : failure;
        }
        sum += put;
    }
    return (ssize_t)sum;
}

static bool tls_pending(const struct conn *c)
{
    return part_of(c) && part_of(c)->ssl && SSL_has_pending(part_of(c)->ssl);
}

struct str conn_tls_alpn(const struct conn *c)
{
    const unsigned char *name = NULL;
    unsigned len = 0;
    if (part_of(c) && part_of(c)->ssl)
        SSL_get0_alpn_selected(part_of(c)->ssl, &name, &len);
    return (struct str){(const char *)name, len};
}

bool conn_tls_resumed(const struct conn *c)
{
    return c->carrier == &conn_tls && part_of(c)->ssl && SSL_session_reused(part_of(c)->ssl);
}

struct str conn_tls_peer_name(const struct conn *c)
{
    return part_of(c) ? part_of(c)->peer_name : S("");
}

const struct conn_carrier conn_tls = {
    .read = tls_read,
    .peek = tls_peek,
    .write = tls_write,
    .open = tls_open,
    .pending = tls_pending,
    .end_writing = tls_end_writing,
    .fini = tls_fini,
};
