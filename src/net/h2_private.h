/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of one HTTP/2 server connection and of its streams, shared by h2_server.c (what comes
 * in, the ends), h2_deadlines.c, h2_body.c and h2_answer.c (what goes out).
 */
#ifndef WEIR_SRC_NET_H2_PRIVATE_H
#define WEIR_SRC_NET_H2_PRIVATE_H

#include "front_private.h"
#include "h2_request.h"
#include "weir/net/h2_watch.h"

#include <nghttp2/nghttp2.h>

struct h2_server {
    struct server server;
    struct server_options o;
    struct conn *conn;
    nghttp2_session *session;
    struct buf early; /* what was read before the session began */
    struct h2_watch watch;
    struct list streams; /* nghttp2 knows them */
    struct list ending;  /* closed; the front's end is still to be told */
    size_t held;         /* body bytes of all streams that wait for their sink */
    struct later work;
    struct timer timer;
    int64_t timer_at_ms; /* INT64_MAX: it does not run */
    int64_t idle_since_ms, head_since_ms /* 0: no head is open */, write_seen_ms, goaway_at_ms;
    uint64_t write_seen;
    int32_t head_id;
    uint32_t end_code; /* not 0: the connection ends with it at the end of the turn */
    size_t queue_most; /* in the conn, of all streams */
    bool refused;      /* nghttp2 was refused memory: the connection ends */
    bool lent;         /* bytes of streams lie in the conn's queue */
    bool inside;       /* nghttp2 is calling us: nothing may be sent now */
    bool draining;
    bool dead;
};

enum {
    H2_HELD_MOST = 128 * 1024, /* body bytes of a connection that wait for sinks */
    H2_CHECK_MS = 5000         /* between two looks at a body's deadlines */
};

enum h2_body {
    H2_BODY_WAITING, /* nobody asked for it yet */
    H2_BODY_TAKEN,
    H2_BODY_PAUSED,
    H2_BODY_OVER /* told, or nobody wants it any more */
};

struct h2_stream {
    struct front front;
    struct list node;
    struct h2_server *h;
    void *ex;
    int32_t id;
    struct front_request request;
    struct h2_request head;
    struct buf early;  /* body bytes for which the sink had no room yet */
    struct buf out;    /* of the answer, not yet in a frame */
    struct str direct; /* behind `out`: borrowed for the duration of front_send */
    enum h2_body body;
    enum front_gone why; /* how it ended, once it is in `ending` */
    uint64_t done_at;    /* conn_written when the last byte was taken */
    int64_t body_since_ms, body_seen_ms, paused_since_ms, sent_ms, reset_at_ms /* 0: no */;
    uint64_t body_bytes;
    bool busy;         /* between on_request and on_gone */
    bool held;         /* front_hold's */
    bool malformed;    /* its head has a field that is none */
    bool remote_ended; /* the client's END_STREAM was there */
    bool reset_by_peer;
    bool own_reset; /* we reset it for reasons that are not the client's fault */
    bool answered, ended, end_sent, full, bodyless;
};

/* h2_answer.c */
extern const struct front_kind h2_front;
void h2_set_answer_callbacks(nghttp2_session_callbacks *calls);
void h2_answer_fault(struct h2_stream *s, struct h2_fault fault);
void h2_answer_continue(struct h2_stream *s);
void h2_reset(struct h2_stream *s, uint32_t code);
void h2_hold(struct front *f, bool on);
/* Frames go into the conn's queue as long as that is short. */
void h2_send(struct h2_server *h);

static inline struct h2_stream *h2_of(const struct front *f)
{
    return (struct h2_stream *)(void *)((char *)(uintptr_t)f - offsetof(struct h2_stream, front));
}
/* h2_body.c */
void h2_take_body(struct front *f, uint64_t max_bytes);
void h2_resume(struct front *f);
/* The answer began, or the stream ended: what is left of the body is nobody's. */
void h2_drop_body(struct h2_stream *s);
void h2_take_data(struct h2_stream *s, struct str bytes);
/* Gives what waited, and tells the end when it has come. */
void h2_pump(struct h2_stream *s);
void h2_credit(struct h2_server *h, size_t n);

/* h2_deadlines.c */
/* The timer fires in `ms`, or before, as it is set. */
void h2_arm(struct h2_server *h, int64_t ms);
void h2_on_timer(void *arg);

/* h2_server.c */
void h2_work_later(struct h2_server *h);
bool h2_has_nothing(const struct h2_server *h);
/* The stream may live on; its sink knows nothing of it any more. */
void h2_front_gone(struct h2_stream *s, enum front_gone why);
/* The connection ends with all its streams, and then with the conn as `how` does it. */
void h2_end(struct h2_server *h, void (*how)(struct conn *c));
/* After a GOAWAY, and whatever was to be said before it. */
void h2_say_and_end(struct h2_server *h, uint32_t code);
/* One glitch; the connection ends when it is one too many. */
void h2_charge(struct h2_server *h, enum glitch_kind kind);

#endif
