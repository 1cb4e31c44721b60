/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of one HTTP/1 server connection, shared by its two halves: h1_server.c reads requests
 * and decides when the connection ends, h1_answer.c writes.
 */
#ifndef WEIR_SRC_NET_H1_PRIVATE_H
#define WEIR_SRC_NET_H1_PRIVATE_H

#include "front_private.h"
#include "weir/wire/http1.h"

enum { H1_CHECK_MS = 5000 }; /* between two looks at a body's deadlines */

enum h1_body {
    H1_BODY_NONE,    /* none, or read to its end */
    H1_BODY_WAITING, /* not asked for yet: nothing of it is read */
    H1_BODY_TAKEN,   /* being read */
    H1_BODY_PAUSED,  /* the sink has no room */
    H1_BODY_DROPPED  /* answered before its end: never read any more */
};

struct h1_server {
    struct server server;
    struct front front;
    struct server_options o;
    struct conn *conn;
    void *ex; /* of the request being answered */
    struct front_request request;
    struct buf head; /* the request's head; behind it, from `rest` on, body bytes that came along */
    struct buf in;   /* read and not yet looked at */
    struct http1_head_scan scan;
    struct http1_chunked chunks;
    struct str rest;  /* borrowed from head */
    struct str piece; /* of a chunk, borrowed from in; in is consumed with its last byte */
    size_t piece_used;
    struct later go_on; /* reading goes on after a call of the sink, not inside it */
    struct timer timer;
    int64_t timer_at_ms; /* when the timer looks at the deadlines; INT64_MAX: it does not run */
    int64_t idle_since_ms, head_since_ms, body_since_ms, body_seen_ms, write_seen_ms;
    int64_t paused_since_ms;
    int64_t began_ns;               /* of the head being read */
    uint64_t write_seen;            /* conn_written at write_seen_ms */
    uint64_t body_bytes, body_left; /* left: of a Content-Length */
    uint64_t answer_left;           /* of the declared length */
    enum h1_body body;
    bool busy;    /* between on_request and on_gone */
    bool in_call; /* inside a callback of the sink: what it asks for is done after it */
    bool chunked, expects_continue;
    bool keep; /* another request may follow */
    bool draining;
    bool eof; /* the client sends no more */
    bool answered, ended, aborted;
    bool answer_chunked, answer_counted, bodyless;
    bool full; /* the sender was told to stop */
    bool held; /* front_hold's */
    bool dead; /* freed at the end of the turn */
};

/* h1_answer.c */
extern const struct front_kind h1_front;
/* An answer to what never became a request; the connection ends behind it. */
void h1_answer_fault(struct h1_server *h, int status, const char *sentence);
void h1_answer_continue(struct h1_server *h);

/* h1_server.c */
static inline struct h1_server *h1_of(const struct front *f)
{
    return (struct h1_server *)(void *)((char *)(uintptr_t)f - offsetof(struct h1_server, front));
}
/* The client is gone; or, after h1_abort, shall believe that we are. */
void h1_leave(struct h1_server *h, enum front_gone why);
/* Answers what cannot be answered above, unless an answer is on its way, and ends. */
void h1_refuse(struct h1_server *h, int status, const char *sentence, enum front_gone why);
/* Looks at the deadlines not later than in ms. */
void h1_arm(struct h1_server *h, int64_t ms);
void h1_hold(struct front *f, bool on);
/* The front's end is told at the end of the turn. */
void h1_abort(struct front *f);

/* h1_body.c */
void h1_take_body(struct front *f, uint64_t max_bytes);
void h1_resume(struct front *f);
/* The answer began: what is left of the body is nobody's. */
void h1_drop_body(struct h1_server *h);
/* Reads and gives as much of the body as there is and goes. */
void h1_take(struct h1_server *h);

#endif
