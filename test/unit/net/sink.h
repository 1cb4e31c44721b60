/* SPDX-License-Identifier: Apache-2.0
 *
 * A front_sink that notes everything and does what the test set: for h1_server, h2_server and
 * listener alike.
 */
#ifndef WEIR_TEST_SINK_H
#define WEIR_TEST_SINK_H

#include "weir/base/buf.h"
#include "weir/base/mem.h"
#include "weir/net/front.h"

#include <stdio.h>
#include <string.h>

enum { SINK_MOST = 128, SINK_ROOM = 1 << 20 };

struct exchange {
    struct sink *sink;
    struct front *front;
    char line[512]; /* "POST /x host h1.1 body=12" */
    struct front_request request;
    struct buf body;
    bool body_ended, drained_once;
    int gone; /* enum front_gone, or -1 */
    unsigned drains, half_closed;
};

struct sink {
    struct exchange at[SINK_MOST];
    size_t n;
    size_t room;  /* given at once; 0: SINK_ROOM */
    bool no_room; /* body_room refuses */
    bool take;    /* takes the body in on_request */
    uint64_t take_most;
    bool echo;           /* answers 200 with the body when it is whole */
    bool answer_at_once; /* answers 200 "ok" in on_request */
    size_t n_shed;
};

static inline struct field sink_field(const char *name, const char *value)
{
    return (struct field){str_of(name), str_of(value)};
}

static inline void sink_answer(struct exchange *x, struct str body)
{
    char length[24];
    snprintf(length, sizeof length, "%zu", body.len);
    struct field fields[] = {sink_field("content-type", "text/plain"),
                             sink_field("content-length", length)};
    front_answer(x->front, 200, fields, 2, body.len == 0);
    if (body.len)
        front_send(x->front, body, true);
}

static inline void *sink_on_request(void *owner, struct front *f, const struct front_request *r)
{
    static const char *versions[] = {"h1.0", "h1.1", "h2"};
    struct sink *s = owner;
    struct exchange *x = &s->at[s->n++ % SINK_MOST];
    *x = (struct exchange){.sink = s, .front = f, .gone = -1};
    x->request = *r;
    snprintf(x->line, sizeof x->line, "%.*s %.*s %.*s %s body=%lld", STR_ARG(r->method),
             STR_ARG(r->target), STR_ARG(r->authority), versions[r->version],
             r->has_body ? (long long)r->content_length : 0LL);
    if (s->take && r->has_body)
        front_take_body(f, s->take_most ? s->take_most : SINK_ROOM);
    if (s->answer_at_once)
        sink_answer(x, S("ok"));
    else if (s->echo && !r->has_body)
        sink_answer(x, S(""));
    return x;
}

static inline char *sink_body_room(void *ex, size_t want, size_t *out_room)
{
    struct exchange *x = ex;
    size_t room = x->sink->room ? x->sink->room : SINK_ROOM;
    if (x->sink->no_room)
        return NULL;
    *out_room = room;
    return buf_reserve(&x->body, room);
}

static inline void sink_on_body(void *ex, size_t n)
{
    struct exchange *x = ex;
    buf_commit(&x->body, n);
}

static inline void sink_on_body_end(void *ex)
{
    struct exchange *x = ex;
    x->body_ended = true;
    if (x->sink->echo)
        sink_answer(x, buf_str(&x->body));
}

static inline void sink_on_half_closed(void *ex)
{
    struct exchange *x = ex;
    x->half_closed++;
}

static inline void sink_on_drain(void *ex)
{
    struct exchange *x = ex;
    x->drains++;
}

static inline void sink_on_gone(void *ex, enum front_gone why)
{
    struct exchange *x = ex;
    if (x->gone != -1)
        abort(); /* exactly once */
    x->gone = (int)why;
}

static void sink_on_shed(void *owner, enum front_shed why)
{
    ((struct sink *)owner)->n_shed++;
}

static const struct front_sink sink_calls = {
    .on_request = sink_on_request,
    .body_room = sink_body_room,
    .on_body = sink_on_body,
    .on_body_end = sink_on_body_end,
    .on_drain = sink_on_drain,
    .on_half_closed = sink_on_half_closed,
    .on_gone = sink_on_gone,
    .on_shed = sink_on_shed,
};

static inline void sink_fini(struct sink *s)
{
    for (size_t i = 0; i < SINK_MOST; i++)
        buf_fini(&s->at[i].body);
}

#endif
