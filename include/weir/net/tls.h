/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS contexts: a certificate or a set of trusted roots, loaded once, shared by all threads and
 * counted. TLS 1.2 and 1.3, no renegotiation, no compression. Session tickets of a server context
 * open on every worker, and tls_server_new takes the ticket keys over from the context that it
 * replaces, so that resumption survives a reload. Sessions with an origin are kept per host, so
 * that a new connection resumes.
 */
#ifndef WEIR_NET_TLS_H
#define WEIR_NET_TLS_H

#include "weir/base/str.h"

struct tls; /* counted */

struct tls_server_files {
    const char *cert, *key;
    const char *client_ca; /* NULL: no client certificate asked */
};

/* A server context offering h2 and http/1.1 by ALPN. On failure NULL and a sentence in err (size
 * err_size) that names the file. `old` (may be NULL) lends its ticket keys. */
struct tls *tls_server_new(const struct tls_server_files *files, struct tls *old, char *err,
                           size_t err_size);
/* A client context that verifies against the system's roots and, when given, ca_file.
 * `alpn_h2` offers h2 before http/1.1. */
struct tls *tls_client_new(const char *ca_file, bool alpn_h2, char *err, size_t err_size);

struct tls *tls_ref(struct tls *t);
void tls_unref(struct tls *t); /* NULL is fine */
/* Seconds since 1970 at which the certificate ends; 0 for a client context. */
int64_t tls_not_after(const struct tls *t);

#endif
