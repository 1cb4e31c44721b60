/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's side of one accepted connection, HTTP/1 or HTTP/2: it turns bytes into fronts
 * (net/front.h) and ends by itself when the connection does. The listener keeps servers in a list;
 * one that ends leaves it.
 */
#ifndef WEIR_NET_SERVER_H
#define WEIR_NET_SERVER_H

#include "weir/base/buf.h"
#include "weir/base/list.h"
#include "weir/net/conn.h"
#include "weir/net/front.h"
#include "weir/net/loop.h"

struct server;
struct server_kind;

struct server_options {
    struct loop *loop;
    const struct front_sink *sink;
    void *owner;  /* first argument of on_request */
    size_t *busy; /* counts requests being answered; outlives the server */
    /* As in listener_options; NULL: not counted. */
    const _Atomic(int64_t) *connections;
    int64_t most_connections;
};

/* The part that a list sees. */
struct server {
    struct list node;
    const struct server_kind *kind;
};

/* Takes the open conn and the bytes that were read from it already (*early is left empty). The
 * first callback comes from the loop, not from inside the call. */
struct server *h1_server_new(struct conn *c, const struct server_options *o, struct buf *early);
struct server *h2_server_new(struct conn *c, const struct server_options *o, struct buf *early);

/* No further request: what is being answered is finished, then the connection ends; at once when
 * it is idle. */
void server_drain(struct server *s);
/* Ends now: fronts get on_gone(FRONT_LEFT) before this returns. */
void server_free(struct server *s);

#endif
