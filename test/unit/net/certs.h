/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates made on the spot, so that no key lies in the repository and none runs out: a root
 * and leaves signed by it, as PEM files in a directory of the test's own.
 */
#ifndef WEIR_TEST_CERTS_H
#define WEIR_TEST_CERTS_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cert_maker {
    char dir[64];
    char path[16][128];
    unsigned n_paths;
    long serial;
};

struct cert {
    X509 *x509;
    EVP_PKEY *key;
    const char *cert_path, *key_path;
};

static inline void certs_begin(struct cert_maker *m)
{
    *m = (struct cert_maker){.dir = "/tmp/weir-certs-XXXXXX"};
    if (!mkdtemp(m->dir))
        abort();
}

static inline void certs_end(struct cert_maker *m)
{
    for (unsigned i = 0; i < m->n_paths; i++)
        (void)unlink(m->path[i]);
    (void)rmdir(m->dir);
}

static inline const char *certs_path(struct cert_maker *m)
{
    char name[sizeof m->dir];
    memcpy(name, m->dir, sizeof name);
    char *path = m->path[m->n_paths];
    snprintf(path, sizeof m->path[0], "%s/%u.pem", name, m->n_paths++);
    return path;
}

static inline void certs_extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    if (!e || !X509_add_ext(x, e, -1))
        abort();
    X509_EXTENSION_free(e);
}

/* A leaf when `ca` is given, else a root that signs itself. `alt` as "DNS:x,IP:127.0.0.1", or
 * NULL. It ends `days` from now. */
static inline struct cert certs_make(struct cert_maker *m, const struct cert *ca, const char *name,
                                     int name_len, const char *alt, int days)
{
    struct cert c = {.x509 = X509_new(), .key = EVP_EC_gen("P-256")};
    X509_set_version(c.x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c.x509), ++m->serial);
    X509_gmtime_adj(X509_getm_notBefore(c.x509), -86400);
    X509_gmtime_adj(X509_getm_notAfter(c.x509), 86400L * days);
    X509_set_pubkey(c.x509, c.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c.x509), "CN", MBSTRING_UTF8,
                               (const unsigned char *)name, name_len, -1, 0);
    X509 *issuer = ca ? ca->x509 : c.x509;
    X509_set_issuer_name(c.x509, X509_get_subject_name(issuer));
    certs_extend(c.x509, issuer, NID_basic_constraints, ca ? "CA:FALSE" : "critical,CA:TRUE");
    certs_extend(c.x509, issuer, NID_subject_key_identifier, "hash");
    if (alt)
        certs_extend(c.x509, issuer, NID_subject_alt_name, alt);
    X509_sign(c.x509, ca ? ca->key : c.key, EVP_sha256());
    c.cert_path = certs_path(m);
    FILE *f = fopen(c.cert_path, "w");
    PEM_write_X509(f, c.x509);
    fclose(f);
    c.key_path = certs_path(m);
    f = fopen(c.key_path, "w");
    PEM_write_PrivateKey(f, c.key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    return c;
}

static inline void certs_drop(struct cert *c)
{
    X509_free(c->x509);
    EVP_PKEY_free(c->key);
}

#endif
