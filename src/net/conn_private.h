/* SPDX-License-Identifier: Apache-2.0
 *
 * What conn.c and the three carriers (conn.c itself for plain TCP, conn_tls.c, conn_memory.c) know
 * of each other. conn.c owns the states, the queue and the events; a carrier only moves bytes.
 */
#ifndef WEIR_SRC_NET_CONN_PRIVATE_H
#define WEIR_SRC_NET_CONN_PRIVATE_H

#include "weir/base/buf.h"
#include "weir/net/conn.h"
#include "weir/net/sock.h"

#include <stdatomic.h>
#include <stdint.h>

struct conn_carrier {
    /* As conn_read; short only when there is no more for now. May know more: c->dry. */
    ssize_t (*read)(struct conn *c, char *dst, size_t n);
    ssize_t (*peek)(struct conn *c, char *dst, size_t n);
    /* Bytes taken (short: no more fits for now), ERR_AGAIN, or another ERR_*. */
    ssize_t (*write)(struct conn *c, const struct iovec *iov, size_t n);
    /* Goes on with the handshake: 0 when it is done, ERR_AGAIN, or another ERR_*. */
    int (*open)(struct conn *c);
    /* Are there bytes that the descriptor does not tell of? */
    bool (*pending)(const struct conn *c);
    void (*end_writing)(struct conn *c);
    /* Lets go of the carrier's own things; the conn itself stays. */
    void (*fini)(struct conn *c);
};

extern const struct conn_carrier conn_plain, conn_tls, conn_memory;

enum conn_state {
    CONN_CONNECTING,
    CONN_HANDSHAKING,
    CONN_IS_OPEN,
    CONN_FINISHING, /* no owner: the queue is written out */
    CONN_LINGERING, /* no owner: what still comes is thrown away */
    CONN_DEAD       /* failed, the owner was told or will be */
};

/* A piece of the queue; ptr NULL: that many bytes of `copied`. */
struct conn_span {
    const char *ptr; /* borrowed from the writer */
    size_t len;
};

struct conn {
    struct loop *loop;
    const struct conn_carrier *carrier;
    void *carried; /* struct conn_tls_part or struct conn_pipe */
    conn_callback *cb;
    void *arg;
    int fd; /* -1: none */
    enum conn_state state;
    bool client;
    bool want_read;    /* the owner's wish */
    bool blocked;      /* the last write was short: wait for room */
    bool read_blocked; /* reading needs room to write first (TLS) */
    bool dry;          /* nothing more to read until the descriptor says so */
    bool tell_open, tell_drained, tell_broken;
    unsigned holds; /* conn_hold's */
    bool closed;    /* by the owner; freed at the end of the turn */
    int error;
    struct watch watch;
    struct timer timer; /* until open; then until lingering ends */
    struct later work;  /* end of this turn: flush, events, the free */
    struct later last;  /* the loop ends before the finishing does */
    struct later again; /* next turn: bytes that no descriptor tells of */
    struct buf copied;
    struct conn_span *spans;
    size_t first_span, n_spans, cap_spans;
    size_t unwritten;
    size_t write_mark; /* readable length of copied at conn_write_begin */
    uint64_t written;
    _Atomic(int64_t) *counted;
    char peer[SOCK_ADDR_TEXT];
    char text[120];
};

struct conn *conn_new(struct loop *l, int fd, const struct conn_carrier *carrier);
/* For a person; the first one stays. */
void conn_say(struct conn *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A carrier without a descriptor says that reading or writing may succeed now. */
void conn_ready(struct conn *c);

/* The queue. Adding to a dead or closed conn does nothing. */
void conn_queue_add(struct conn *c, struct str bytes, bool copy);
/* So that the first bytes do not make the buffer grow in small steps. */
void conn_queue_room(struct conn *c);
void conn_queue_added(struct conn *c, size_t n); /* n bytes stand in `copied` already */
size_t conn_queue_gather(const struct conn *c, struct iovec *iov, size_t most);
void conn_queue_drop(struct conn *c, size_t n);

/* conn_tls.c: the TLS side of an open conn. Empty host: server. ERR_* when refused. */
MUST_CHECK int conn_tls_begin(struct conn *c, struct tls *tls, struct str host);
struct str conn_tls_alpn(const struct conn *c);
struct str conn_tls_peer_name(const struct conn *c);

#endif
