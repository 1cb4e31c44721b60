/* SPDX-License-Identifier: Apache-2.0
 *
 * A listening address and the connections that came through it. Each accepted connection is
 * sniffed: TLS by ALPN, clear text by the HTTP/2 preface, else HTTP/1; with `proxy_protocol` a
 * PROXY header (v1 or v2) must come first. From then on it is an h1_server or an h2_server, whose
 * requests go to the sink.
 */
#ifndef WEIR_NET_LISTENER_H
#define WEIR_NET_LISTENER_H

#include "weir/base/str.h"
#include "weir/net/front.h"
#include "weir/net/loop.h"
#include "weir/net/tls.h"

struct listener;

/* Deadlines of one side; every one of them has a reason in limits.h. */
struct listener_options {
    struct tls *tls; /* NULL: clear */
    bool proxy_protocol;
    const struct front_sink *sink;
    void *owner; /* first argument of on_request */
    /* Shared by every listener of the process: connections open, and the most that may be. */
    _Atomic(int64_t) *connections;
    int64_t most_connections;
};

/* Opens a listening socket: "127.0.0.1:8080", "[::1]:8080". 0.0.0.0 and :: allowed. Returns the
 * descriptor or ERR_* with a sentence in err. `shared` sets SO_REUSEPORT; without it the bind
 * fails when somebody else has the address: the probe before the shared ones. */
int listener_bind(struct str address, bool shared, char *err, size_t err_size);

struct listener *listener_new(struct loop *l, int fd, const struct listener_options *o);
/* Another certificate or sink owner for connections accepted from now on. */
void listener_update(struct listener *s, const struct listener_options *o);
/* Stops accepting and asks every connection to finish: GOAWAY, Connection: close, idle ones are
 * closed. */
void listener_drain(struct listener *s);
/* Requests being answered. */
size_t listener_busy(const struct listener *s);
/* Closes the socket and every connection; sinks get on_gone(FRONT_LEFT). */
void listener_free(struct listener *s);

#endif
