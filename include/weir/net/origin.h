/* SPDX-License-Identifier: Apache-2.0
 *
 * An origin: one scheme, host and port that we call, with its addresses and its pool of
 * connections (h2 multiplexed where ALPN gave it, else h1 kept alive). One per worker and endpoint.
 *
 *     origin_start --> (resolve, connect, wait) --> on_head --> on_bytes ... --> on_end
 *
 * It never sends a call twice: it says how far the call got, and who asked decides.
 */
#ifndef WEIR_NET_ORIGIN_H
#define WEIR_NET_ORIGIN_H

#include "weir/base/list.h"
#include "weir/base/str.h"
#include "weir/net/loop.h"
#include "weir/net/tls.h"
#include "weir/wire/fields.h"

struct origin;
struct dns;

enum { ORIGIN_FIELDS_MOST = FIELDS_MOST + 28 }; /* a client's, and what Weir adds */

/* Copied; tls is counted. `dns` must live longer than the origin. */
struct origin_options {
    struct str host; /* name or address literal, no brackets */
    uint16_t port;
    struct tls *tls;       /* NULL: clear text, HTTP/1.1 */
    struct str proxy_host; /* empty: direct. CONNECT is used for TLS, absolute-form not at all:
                              a clear-text origin behind a proxy is also reached by CONNECT */
    uint16_t proxy_port;
    struct str proxy_authorization; /* value for Proxy-Authorization, or empty */
    int64_t connect_ms;             /* resolve + connect + handshake */
    int64_t idle_ms;                /* an unused connection is closed after this */
    int64_t ping_ms;           /* h2: PING after this long without a frame; 10 s for its answer */
    unsigned most_connections; /* 0: no limit */
};

struct origin *origin_new(struct loop *l, struct dns *dns, const struct origin_options *o);
/* Closes idle connections; calls in flight end with ORIGIN_GONE, from inside this call. */
void origin_free(struct origin *o);
/* No new connection is used for calls after this; frees itself when the last call has ended. For
 * reload. */
void origin_retire(struct origin *o);

/* How a call ended. */
enum origin_end {
    ORIGIN_DONE,        /* the answer is whole */
    ORIGIN_UNSENT,      /* provably not processed: no byte of it was written, or REFUSED_STREAM, or
                           its stream id is above the GOAWAY's */
    ORIGIN_UNREACHABLE, /* no address resolved or connected, TLS refused: no byte was written */
    ORIGIN_GONE,        /* the connection broke after bytes were written: unknown whether processed,
                           or, after on_head, the answer is cut */
    ORIGIN_TIMEOUT,     /* answer_ms or silence_ms passed */
    ORIGIN_BAD          /* the answer broke HTTP */
};

struct origin_sink {
    /* Final status (1xx are swallowed). Fields are borrowed until this function returns;
     * hop-by-hop ones are removed, content-length stays; names lower case. content_length -1 when
     * unknown. */
    void (*on_head)(void *arg, int status, const struct fields *fields, int64_t content_length);
    /* Borrowed until this function returns. Credit is given back with origin_credit, at once or
     * later, while the call lives. */
    void (*on_bytes)(void *arg, struct str bytes);
    /* The last call. `why` is a sentence for the log, borrowed. The answer may end before the
     * request body was sent whole. */
    void (*on_end)(void *arg, enum origin_end end, const char *why);
};

/* The caller's memory, with all that it points at, from origin_start until on_end is called or
 * origin_cancel returns. Zero it first. */
struct origin_call {
    struct str method, target;
    struct str authority; /* the Host / :authority to send: what was signed */
    const struct field
        *fields;            /* no hop-by-hop, no host, no content-length: those are the pool's */
    size_t n_fields;        /* at most ORIGIN_FIELDS_MOST */
    const struct str *body; /* pieces, in order, not copied */
    size_t n_body;
    int64_t answer_ms;  /* from origin_start until the head; 0: none */
    int64_t silence_ms; /* between bytes of the body, while credit is given; 0: none */
    const struct origin_sink *sink;
    void *arg;
    /* For measuring: monotonic ns, 0 when not reached. */
    int64_t sent_ns; /* when the last byte of the request was handed to the kernel */
    int64_t head_ns; /* when the answer's head arrived */
    bool reused;     /* went over a connection that had been used before */
    /* The pool's own. */
    struct origin *origin;
    uint64_t number;
    struct list node;
    void *stream;
    struct timer timer;
};

/* Never calls back from inside: failures come from the loop too. */
void origin_start(struct origin *o, struct origin_call *c);
/* n bytes from on_bytes were delivered: the h2 stream window, or the h1 reader, opens by them. At
 * most 256 KiB are outstanding. */
void origin_credit(struct origin_call *c, size_t n);
/* Drops the call: no callback comes any more. An h2 stream is reset, an h1 connection closed. */
void origin_cancel(struct origin_call *c);

struct origin_counts {
    unsigned connections, idle, calls, waiting, addresses, ejected;
    uint64_t opened, reused, failed;
};
void origin_count(const struct origin *o, struct origin_counts *out);

#endif
