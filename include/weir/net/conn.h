/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection, whatever carries it: plain TCP, TLS over it, or a pair in memory for tests.
 * Reading is pulled (straight into where the bytes are wanted), writing is queued and flushed at
 * the end of the turn in as few system calls as may be:
 *
 *     queue:  [ copied bytes ][ borrowed span ][ copied bytes ] ...  ->  writev / SSL_write
 *
 * A conn belongs to its loop's thread. Its events come through one callback and never from inside
 * a conn_* call of the owner: an owner may close it at any time, also in the callback.
 */
#ifndef WEIR_NET_CONN_H
#define WEIR_NET_CONN_H

#include "weir/base/buf.h"
#include "weir/base/err.h"
#include "weir/base/str.h"
#include "weir/net/loop.h"
#include "weir/net/tls.h"

#include <sys/socket.h>
#include <sys/types.h>

struct conn;

enum conn_event {
    CONN_OPEN,     /* connected, and with TLS the handshake is done */
    CONN_READABLE, /* conn_read has something to say: bytes, end or failure */
    CONN_DRAINED,  /* what was queued fell to the low mark (16 KiB) or to nothing */
    CONN_BROKEN    /* connect, handshake or writing failed, or the deadline passed: conn_error.
                      Nothing more comes; the owner closes it. */
};

typedef void conn_callback(void *arg, enum conn_event event);

/* Takes over an accepted, non-blocking descriptor. `tls` NULL means clear. CONN_OPEN follows
 * when the handshake is done (at once, at the end of the turn, when clear). */
struct conn *conn_accept(struct loop *l, int fd, struct tls *tls, conn_callback *cb, void *arg);
/* Begins to connect. `host` is for SNI and the certificate's name (copied). */
struct conn *conn_connect(struct loop *l, const struct sockaddr *addr, socklen_t addr_len,
                          struct tls *tls, struct str host, conn_callback *cb, void *arg);
/* Two ends in memory, clear, on one loop; the callbacks are set with conn_owner. For tests. */
void conn_pair(struct loop *l, struct conn **out_a, struct conn **out_b);
void conn_owner(struct conn *c, conn_callback *cb, void *arg);
/* Turns an open clear connection into TLS: the server after a PROXY header, the client after
 * CONNECT. With `host` empty it is the server's side. CONN_OPEN follows. */
void conn_start_tls(struct conn *c, struct tls *tls, struct str host);
/* CONN_BROKEN with ERR_TIMEOUT unless CONN_OPEN came within this time. */
void conn_open_within(struct conn *c, int64_t ms);

/* Up to n bytes into dst: > 0 how many, ERR_AGAIN, ERR_EOF, or another ERR_*. Read until
 * ERR_AGAIN or stop when you had your share: CONN_READABLE comes again. After CONN_BROKEN, on clear
 * TCP, it still gives what had arrived before. */
MUST_CHECK ssize_t conn_read(struct conn *c, char *dst, size_t n);
/* Clear TCP only: looks at bytes without taking them (MSG_PEEK). */
MUST_CHECK ssize_t conn_peek(struct conn *c, char *dst, size_t n);
/* CONN_READABLE only while wanted (the default). */
void conn_want_read(struct conn *c, bool wanted);

/* Queues a copy. */
void conn_write(struct conn *c, struct str bytes);
/* The same without a copy of one's own: what is added to this buffer (nothing else may be done to
 * it) until conn_write_done is queued. */
struct buf *conn_write_begin(struct conn *c);
void conn_write_done(struct conn *c);
/* Queues without copying: the bytes must stay until conn_written has passed them or the conn is
 * closed. */
void conn_write_borrowed(struct conn *c, struct str bytes);
/* Copies what is still queued and borrowed, so that the lender may let it go: an h2 stream is
 * reset while its frame is in the queue. */
void conn_keep_borrowed(struct conn *c);
/* Writes now what can be written, instead of at the end of the turn. */
void conn_flush(struct conn *c);
/* Bytes queued and not yet taken by the kernel; bytes taken since the beginning. */
size_t conn_unwritten(const struct conn *c);
uint64_t conn_written(const struct conn *c);

/* From now until its descriptor is closed this conn is one of *open, also while it finishes. */
void conn_count(struct conn *c, _Atomic(int64_t) *open);

/* Counted: while it is held, the peer sees a reset and no end if this process dies. To be let go
 * before it is finished. */
void conn_hold(struct conn *c, bool on);

/* Closes at once and frees; no event comes any more. NULL is fine. */
void conn_close(struct conn *c);
/* conn_close with a reset, for a peer that must not take the end for a good one. */
void conn_reset(struct conn *c);
/* Writes what is queued, ends the writing side (close_notify, FIN), discards what still comes for
 * up to 2 s so that the peer can read our last words, then closes and frees itself. The owner
 * forgets it. */
void conn_finish(struct conn *c);

int conn_error(const struct conn *c);
/* A sentence for a person: "certificate verify failed (self-signed certificate)". */
const char *conn_error_text(const struct conn *c);
bool conn_is_tls(const struct conn *c);
/* The handshake took a known session up again: no certificate was sent. */
bool conn_tls_resumed(const struct conn *c);
/* "h2", "http/1.1" or empty. */
struct str conn_alpn(const struct conn *c);
/* Subject common name of the verified client certificate, or empty. Borrowed from the conn. */
struct str conn_peer_name(const struct conn *c);
/* "127.0.0.1:4711"; conn_set_peer overrides it (PROXY protocol). Borrowed from the conn. */
struct str conn_peer_addr(const struct conn *c);
void conn_set_peer(struct conn *c, struct str addr);

#endif
