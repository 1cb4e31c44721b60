/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of weir-bench-load: a slot, the calls on it, and what the two protocols do for them.
 * load_h1.c and load_h2.c turn bytes into the three moments of a call; bench_load.c has the pace,
 * the sockets and the figures.
 */
#ifndef WEIR_TOOLS_BENCH_LOAD_H
#define WEIR_TOOLS_BENCH_LOAD_H

#include "weir/base/buf.h"
#include "weir/wire/http1.h"

#include <nghttp2/nghttp2.h>

enum { GULP = 64 << 10, CALLS_PER_CONN = 2 };

/* What the command line asks for. */
struct load_options {
    struct str path, body, token;
    uint16_t port;
    bool h2, keep, shed;
    size_t slots, count, skip, rate, hold_s, doubles;
};
extern struct load_options want;

struct conn;

struct call {
    struct conn *conn;
    bool open, refused;
    int64_t begin_ns, first_ns; /* when it should have begun; 0 until the first body byte */
    size_t body_sent;           /* HTTP/2 */
};

/* A slot. fd -1: not connected. */
struct conn {
    int fd;
    bool alive; /* may be used for another call */
    unsigned open_calls;
    struct call call[CALLS_PER_CONN];
    size_t sent; /* HTTP/1: of head and body together */
    struct buf in;
    struct http1_head_scan scan;
    bool head_read;
    struct http1_response answer;
    struct http1_chunked chunks;
    uint64_t left;
    nghttp2_session *h2;
    struct buf out;
};

/* A call's moments: its answer's first body byte is here; it is over. */
void call_first(struct call *k);
void call_end(struct call *k, bool good, const char *why);

/* Of each protocol: once, before all; on a fresh or kept connection, with its calls open; what the
 * socket takes; what it gave. False: the connection is of no use any more. */
void h1_prepare(void);
void h1_begin(struct conn *c);
bool h1_write(struct conn *c);
bool h1_bytes(struct conn *c, struct str bytes);

void h2_prepare(void);
void h2_begin(struct conn *c);
bool h2_write(struct conn *c);
bool h2_bytes(struct conn *c, struct str bytes);

#endif
