/* SPDX-License-Identifier: Apache-2.0
 *
 * One attempt to get a connection to an origin: resolve, connect (the next address joins the race
 * after 250 ms, or at once when one failed: RFC 8305), CONNECT through the proxy, TLS. All of it
 * within connect_ms.
 */
#ifndef WEIR_SRC_NET_DIAL_H
#define WEIR_SRC_NET_DIAL_H

#include "addrs.h"
#include "weir/net/conn.h"
#include "weir/net/origin.h"

struct dial;

/* The dial is gone. `conn` is open and the owner's now (conn_owner), or NULL and `why` a sentence,
 * borrowed until this function returns. */
typedef void dial_done(void *arg, struct conn *conn, const char *why);

/* `o` and `book` are borrowed until the end. With `only`, an address on trial, just that
 * one is tried and nothing is resolved. Never calls back from inside. */
struct dial *dial_new(struct loop *l, struct dns *dns, const struct origin_options *o,
                      struct addrs *book, const struct sockaddr_storage *only, dial_done *done,
                      void *arg);
/* No callback comes. NULL is fine. */
void dial_free(struct dial *d);

#endif
