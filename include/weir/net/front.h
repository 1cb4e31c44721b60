/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client's connection looks like from above: one request at a time on a `struct front`,
 * whether HTTP/1.1 or HTTP/2 carries it. The protocol files (h1_server, h2_server) turn bytes into
 * these calls and decide nothing else.
 *
 *     on_request --> front_take_body --> body_room/on_body ... on_body_end
 *               \                                              |
 *                `--> front_answer, front_send ... (end)  <----'
 *                                  |
 *                               on_gone   exactly once, the last call
 *
 * Callbacks come from the loop, never from inside a front_* call. After on_gone the front is dead.
 */
#ifndef WEIR_NET_FRONT_H
#define WEIR_NET_FRONT_H

#include "weir/base/str.h"
#include "weir/wire/fields.h"

struct front;

enum front_version { FRONT_H1_0, FRONT_H1_1, FRONT_H2 };

/* Borrowed from the front until on_gone. */
struct front_request {
    enum front_version version;
    struct str method;      /* as received */
    struct str target;      /* path and query as received, origin form (an absolute URI to our own
                               authority is already reduced) */
    struct str authority;   /* Host or :authority */
    struct fields fields;   /* lower-case names; no pseudo-headers; hop-by-hop ones still in */
    bool has_body;          /* false: ended with its head */
    int64_t content_length; /* -1 unknown */
    struct str peer_addr, peer_name; /* of the connection */
    bool tls;
    int64_t began_ns; /* monotonic, when the first byte of the head was there */
};

enum front_gone {
    FRONT_DONE, /* the answer's last byte was taken by the kernel */
    FRONT_LEFT, /* the client reset, closed or went silent before that */
    FRONT_BAD   /* the body broke a rule (framing, chunk, length): nothing may be forwarded. The
                   protocol has answered and closed by itself where it could. */
};

/* What the protocol answered by itself. Borrowed for the call. */
struct front_refusal {
    enum front_version version;
    struct str peer_addr;
    int status; /* 0: no answer could be given (a handshake or a PROXY header failed) */
    const char *sentence;
};

/* Why a connection was closed before anything was read of it. */
enum front_shed {
    FRONT_SHED_CONNECTIONS, /* as many are open as may be */
    FRONT_SHED_HANDSHAKES,  /* its source has used up its budget of TLS handshakes */
    FRONT_SHED_DESCRIPTORS, /* the process has no descriptor left */
    FRONT_SHEDS
};

/* What sits above. `ex` is what on_request returned. */
struct front_sink {
    /* The head is whole. Returns the exchange; it answers, or takes the body, now or later. */
    void *(*on_request)(void *owner, struct front *f, const struct front_request *r);
    /* Where the next body bytes shall go: at least 1 byte of room, or NULL to pause reading (until
     * front_resume). `want` is what could be used (the rest of Content-Length, or a chunk). */
    char *(*body_room)(void *ex, size_t want, size_t *out_room);
    /* n bytes were put there. */
    void (*on_body)(void *ex, size_t n);
    void (*on_body_end)(void *ex);
    /* front_unsent fell below the low mark (16 KiB). */
    void (*on_drain)(void *ex);
    void (*on_gone)(void *ex, enum front_gone why);
    /* front_half_closed became true while the answer is waited for. May be NULL. */
    void (*on_half_closed)(void *ex);
    /* The protocol refused a connection or a head (ex is NULL: no request was made of it), or what
     * came behind one (on_gone follows). May be NULL. */
    void (*on_refused)(void *owner, void *ex, const struct front_refusal *r);
    /* May be NULL. */
    void (*on_shed)(void *owner, enum front_shed why);
};

/* The body is wanted, up to max_bytes: 100 Continue goes out where asked for, HTTP/2 windows open
 * to max_bytes. Without it nothing of the body is read. A declared length above max_bytes is the
 * sink's to refuse before; a longer body without a declared length makes body_room refuse. */
void front_take_body(struct front *f, uint64_t max_bytes);
/* After body_room returned NULL. */
void front_resume(struct front *f);

/* Status and header fields of the final answer. The protocol adds what is its own (connection,
 * transfer-encoding, and date where there is none); `fields` holds no hop-by-hop field. Without a
 * content-length among them and without `end`, HTTP/1.1 chunks (HTTP/1.0 closes). If the request's
 * body was not read to its end the connection closes behind the answer (h1) or the stream is reset
 * with NO_ERROR a moment later (h2). */
void front_answer(struct front *f, int status, const struct field *fields, size_t n_fields,
                  bool end);
/* Bytes of the answer's body, copied or written at once. */
void front_send(struct front *f, struct str bytes, bool end);
/* Bytes sent and not yet taken by the kernel. The sender stops above FRONT_HIGH_MARK. */
size_t front_unsent(const struct front *f);
enum { FRONT_HIGH_MARK = 64 * 1024, FRONT_LOW_MARK = 16 * 1024 };
/* The client closed its sending side. It may still read the answer, and often it is gone. */
bool front_half_closed(const struct front *f);
/* Ends the answer so that the client sees it broken: RST_STREAM, or the connection closed. */
void front_abort(struct front *f);
/* While it is on, a client whose answer's end is not there sees a reset, and no end, when this
 * process dies: Node takes the end of an HTTP/2 connection for the end of its answers (v20,
 * November 2026). Ends with the front. */
void front_hold(struct front *f, bool on);
/* The request may be sent again: it was not processed, or its answer will be there. Also behind the
 * head of an answer, as front_abort. HTTP/2 resets the stream with REFUSED_STREAM, the only code
 * that the AWS SDK for JavaScript sends again for; HTTP/1 closes the connection. */
void front_refuse(struct front *f);

#endif
