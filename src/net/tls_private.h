/* SPDX-License-Identifier: Apache-2.0
 *
 * What conn_tls.c needs of tls.c: sessions made from a context. The only header of ours with
 * OpenSSL's TLS in it.
 */
#ifndef WEIR_SRC_NET_TLS_PRIVATE_H
#define WEIR_SRC_NET_TLS_PRIVATE_H

#include "weir/base/err.h"
#include "weir/net/tls.h"

#include <openssl/ssl.h>

/* A session on its side of the handshake: the server's with host NULL. A client's asks for that
 * name or address, verifies it, and offers a kept session; `host` stays as long as the session.
 * NULL when the host cannot be a name. */
SSL *tls_session(struct tls *t, const char *host);
/* The newest reason in OpenSSL's queue as a sentence, which empties the queue; `ssl` (may be NULL)
 * adds why a certificate was refused. */
void tls_reason(const SSL *ssl, char *out, size_t size);

#endif
