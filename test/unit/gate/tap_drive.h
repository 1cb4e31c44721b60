/* SPDX-License-Identifier: Apache-2.0
 *
 * One answer through the tap, whole and cut at every place: whatever the cuts, the same is read.
 */
#ifndef WEIR_TEST_GATE_TAP_DRIVE_H
#define WEIR_TEST_GATE_TAP_DRIVE_H

#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/gate/tap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define EVENTS_TYPE S("application/vnd.amazon.eventstream")
#define SSE_TYPE    S("text/event-stream; charset=utf-8")
#define JSON_TYPE   S("application/json")

/* What was read; `invoked` is copied. */
struct tapped {
    struct tap_usage u;
    char invoked[128];
    enum stream_shape shape;
    bool between;
};

static inline void tapped_feed(struct tap *t, struct str bytes)
{
    /* In memory of its exact size, so that a sanitizer sees a step past the end. */
    char *exact = mem_new(bytes.len);
    if (bytes.len)
        memcpy(exact, bytes.ptr, bytes.len);
    tap_feed(t, str_from(exact, bytes.len));
    memset(exact, 'x', bytes.len);
    mem_free(exact);
}

static inline struct tapped tapped_end(struct tap *t)
{
    struct tapped out = {.shape = tap_shape(t), .between = tap_between(t)};
    tap_end(t);
    out.u = *tap_usage(t);
    assert_true(out.u.invoked.len < sizeof out.invoked);
    if (out.u.invoked.len)
        memcpy(out.invoked, out.u.invoked.ptr, out.u.invoked.len);
    out.u.invoked.ptr = NULL;
    tap_free(t);
    return out;
}

static inline struct tapped tapped_cut(enum operation_id op, const struct fields *fields,
                                       struct str body, size_t a, size_t b)
{
    struct tap *t = tap_new(operation_row(op), 200, fields);
    tapped_feed(t, str_sub(body, 0, a));
    tapped_feed(t, str_sub(body, a, b - a));
    tapped_feed(t, str_from_offset(body, b));
    return tapped_end(t);
}

static inline void tapped_same(const struct tapped *a, const struct tapped *b)
{
    for (int i = 0; i < TOKENS; i++)
        assert_int_equal(a->u.usage.tokens[i], b->u.usage.tokens[i]);
    assert_int_equal(a->u.told, b->u.told);
    assert_int_equal(a->u.has_input, b->u.has_input);
    assert_int_equal(a->u.unreadable, b->u.unreadable);
    assert_int_equal(a->u.disagree, b->u.disagree);
    assert_int_equal(a->u.exception, b->u.exception);
    assert_int_equal(a->u.has_tier, b->u.has_tier);
    assert_int_equal(a->u.lane, b->u.lane);
    assert_int_equal(a->u.text_bytes, b->u.text_bytes);
    assert_string_equal(a->invoked, b->invoked);
    assert_int_equal(a->between, b->between);
}

/* In two at every place, in three around it, and byte by byte. */
static inline struct tapped tapped_fields(enum operation_id op, const struct fields *fields,
                                          struct str body)
{
    struct tapped whole = tapped_cut(op, fields, body, 0, 0);
    for (size_t at = 1; at <= body.len; at++) {
        struct tapped cut = tapped_cut(op, fields, body, at, at);
        tapped_same(&whole, &cut);
        cut = tapped_cut(op, fields, body, at - 1, at + 7 < body.len ? at + 7 : body.len);
        tapped_same(&whole, &cut);
    }
    struct tap *t = tap_new(operation_row(op), 200, fields);
    for (size_t at = 0; at < body.len; at++)
        tapped_feed(t, str_sub(body, at, 1));
    struct tapped bytes = tapped_end(t);
    tapped_same(&whole, &bytes);
    return whole;
}

static inline struct tapped tapped(enum operation_id op, struct str type, struct str body)
{
    struct fields fields = {0};
    fields_add(&fields, S("content-type"), type);
    return tapped_fields(op, &fields, body);
}

/* All six kinds. */
static inline void has(const struct tapped *t, uint64_t input, uint64_t output, uint64_t read,
                       uint64_t write_5m, uint64_t write_1h, uint64_t write_30m)
{
    assert_int_equal(t->u.usage.tokens[TOKEN_INPUT], input);
    assert_int_equal(t->u.usage.tokens[TOKEN_OUTPUT], output);
    assert_int_equal(t->u.usage.tokens[TOKEN_CACHE_READ], read);
    assert_int_equal(t->u.usage.tokens[TOKEN_CACHE_WRITE_5M], write_5m);
    assert_int_equal(t->u.usage.tokens[TOKEN_CACHE_WRITE_1H], write_1h);
    assert_int_equal(t->u.usage.tokens[TOKEN_CACHE_WRITE_30M], write_30m);
}

enum { TOLD = 1, UNREADABLE = 2, DISAGREE = 4, EXCEPTION = 8, HAS_INPUT = 16 };

/* Exactly these; TOLD has HAS_INPUT in it. */
static inline void is(const struct tapped *t, int flags)
{
    assert_int_equal(t->u.told, (flags & TOLD) != 0);
    assert_int_equal(t->u.has_input, (flags & (TOLD | HAS_INPUT)) != 0);
    assert_int_equal(t->u.unreadable, (flags & UNREADABLE) != 0);
    assert_int_equal(t->u.disagree, (flags & DISAGREE) != 0);
    assert_int_equal(t->u.exception, (flags & EXCEPTION) != 0);
}

/* --- streams: a list of messages, NULL at its end */

struct message {
    const char *name, *json;
};

static inline void add_frame(struct buf *b, const char *kind, const char *name, struct str json)
{
    bool event = strcmp(kind, "event") == 0;
    struct event_header headers[] = {
        {event ? (struct str)STR(":event-type") : (struct str)STR(":exception-type"), EVENT_STRING,
         0, str_of(name)},
        {STR(":content-type"), EVENT_STRING, 0, STR("application/json")},
        {STR(":message-type"), EVENT_STRING, 0, str_of(kind)}};
    assert_int_equal(event_stream_add(b, headers, 3, json), 0);
}

/* A name that ends in Exception is one. */
static inline struct buf as_events(const struct message *m)
{
    struct buf b = {0};
    for (; m->name; m++)
        add_frame(&b, str_ends(str_of(m->name), S("Exception")) ? "exception" : "event", m->name,
                  str_of(m->json));
    return b;
}

static inline struct buf as_chunks(const struct message *m)
{
    struct buf b = {0}, json = {0};
    for (; m->name; m++) {
        buf_clear(&json);
        buf_add(&json, S("{\"bytes\":\""));
        text_add_base64(&json, str_of(m->json));
        buf_add(&json, S("\",\"p\":\"abcdefghijklmnop\\\"\"}"));
        add_frame(&b, "event", "chunk", buf_str(&json));
    }
    buf_fini(&json);
    return b;
}

/* An empty name: none. */
static inline struct buf as_sse(const struct message *m)
{
    struct buf b = {0};
    for (; m->name; m++)
        sse_add(&b, str_of(m->name), str_of(m->json));
    return b;
}

static inline struct tapped tapped_free(enum operation_id op, struct str type, struct buf body)
{
    struct tapped t = tapped(op, type, buf_str(&body));
    buf_fini(&body);
    return t;
}

#endif
