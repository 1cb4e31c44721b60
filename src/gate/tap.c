/* SPDX-License-Identifier: Apache-2.0
 *
 * Three layers, each of which shows pieces of what passes to the next and keeps nothing: the
 * stream's messages (wire/event_watch or wire/sse_watch; a plain answer has none), InvokeModel's
 * chunks (base64 in a member of a message), and the members of the JSON text (wire/json_watch).
 * What is found there is taken (tap_take).
 *
 * Bedrock's padding `p` is never looked at.
 */
#include "weir/gate/tap.h"

#include "tap_take.h"
#include "weir/base/mem.h"
#include "weir/wire/event_watch.h"
#include "weir/wire/sse_watch.h"

struct tap {
    struct tap_take take;
    enum usage_place place;
    enum stream_shape shape;
    struct json_watch text;
    struct json_watch chunk; /* the envelope */
    uint32_t base64;         /* bits of the letters not yet decoded */
    unsigned base64_n;       /* how many letters, of four */
    struct event_watch events;
    struct sse_watch sse;
};

static void feed_text(struct tap *t, struct str bytes)
{
    struct json_found found;
    while (json_watch_next(&t->text, &bytes, &found))
        tap_take(&t->take, &found);
}

static void end_text(struct tap *t)
{
    json_watch_reset(&t->text);
    t->take.seen = 0;
}

/* --- InvokeModel's chunks */

static int base64_value(char c)
{
    static const signed char values['z' - '+' + 1] = {
        62, -1, -1, -1, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1,
        -1, -1, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17,
        18, 19, 20, 21, 22, 23, 24, 25, -1, -1, -1, -1, -1, -1, 26, 27, 28, 29, 30, 31,
        32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51};
    unsigned at = (unsigned)(unsigned char)c - '+';
    return at < sizeof values ? values[at] : -1;
}

/* Four letters at once, as long as nothing but letters comes. Returns how many were taken. */
static size_t decode_fours(struct str in, char *out, size_t room)
{
    size_t i = 0, n = 0;
    for (; i + 4 <= in.len && n + 3 <= room; i += 4, n += 3) {
        int a = base64_value(in.ptr[i]), b = base64_value(in.ptr[i + 1]);
        int c = base64_value(in.ptr[i + 2]), d = base64_value(in.ptr[i + 3]);
        if ((a | b | c | d) < 0)
            break;
        int bits = a << 18 | b << 12 | c << 6 | d;
        out[n] = (char)(bits >> 16);
        out[n + 1] = (char)(bits >> 8);
        out[n + 2] = (char)bits;
    }
    return i;
}

/* One letter. A backslash before a slash is JSON's, and padding is at the end: both say nothing. */
static size_t decode_one(struct tap *t, char c, char *out)
{
    int value = base64_value(c);
    if (value < 0)
        return 0;
    t->base64 = t->base64 << 6 | (uint32_t)value;
    t->base64_n = (t->base64_n + 1) % 4;
    if (t->base64_n == 1)
        return 0;
    out[0] = (char)(t->base64 >> 2 * ((4 - t->base64_n) % 4));
    return 1;
}

static void take_chunk(struct tap *t, const struct json_found *f)
{
    char out[768];
    struct str in = f->raw;
    while (in.len) {
        size_t fours = t->base64_n ? 0 : decode_fours(in, out, sizeof out);
        size_t n = fours / 4 * 3;
        in = str_from_offset(in, fours);
        for (bool one = true; in.len && n < sizeof out && (one || t->base64_n); one = false) {
            n += decode_one(t, in.ptr[0], out + n);
            in = str_from_offset(in, 1);
        }
        feed_text(t, str_from(out, n));
    }
    if (!f->more)
        t->base64_n = 0;
}

static void feed_chunk(struct tap *t, struct str bytes)
{
    struct json_found found;
    while (json_watch_next(&t->chunk, &bytes, &found))
        if (found.kind == JSON_STRING)
            take_chunk(t, &found);
}

/* --- streams */

static bool wants(struct tap *t, const struct event_frame *head)
{
    struct str type = event_stream_text(head, S(":message-type"));
    if (str_eq(type, S("exception")) || str_eq(type, S("error")))
        t->take.now.exception = true;
    return t->place != NO_USAGE && str_eq(type, S("event"));
}

static void feed_events(struct tap *t, struct str bytes)
{
    struct event_part part;
    for (;;) {
        switch (event_watch_next(&t->events, &bytes, &part)) {
        case EVENT_WATCH_NOTHING:
            return;
        case EVENT_WATCH_HEAD:
            t->events.want = wants(t, &part.head);
            break;
        case EVENT_WATCH_PAYLOAD:
            if (t->place == USAGE_INVOKE)
                feed_chunk(t, part.bytes);
            else
                feed_text(t, part.bytes);
            break;
        case EVENT_WATCH_END:
            end_text(t);
            json_watch_reset(&t->chunk);
            t->base64_n = 0;
            break;
        }
    }
}

static void feed_sse(struct tap *t, struct str bytes)
{
    struct str piece;
    for (;;) {
        switch (sse_watch_next(&t->sse, &bytes, &piece)) {
        case SSE_WATCH_NOTHING:
            return;
        case SSE_WATCH_DATA:
            feed_text(t, piece);
            break;
        case SSE_WATCH_END:
            t->take.now.exception |= str_eq(sse_watch_name(&t->sse), S("error"));
            end_text(t);
            break;
        }
    }
}

/* --- the door */

static enum stream_shape shape_of(struct str content_type)
{
    if (str_istarts(content_type, S("application/vnd.amazon.eventstream")))
        return STREAM_EVENTS;
    return str_istarts(content_type, S("text/event-stream")) ? STREAM_SSE : STREAM_NONE;
}

struct tap *tap_new(const struct operation *op, int status, const struct fields *fields)
{
    enum usage_place place = status >= 200 && status < 300 ? op->usage : NO_USAGE;
    enum stream_shape shape = shape_of(fields_get(fields, S("content-type")));
    if (place == NO_USAGE && shape == STREAM_NONE)
        return NULL;
    struct tap *t = mem_new(sizeof *t);
    t->place = place;
    t->shape = shape;
    t->take.stream = shape != STREAM_NONE;
    t->text.names = tap_names(place);
    t->chunk.names = &tap_chunk_names;
    if (place != NO_USAGE)
        tap_take_fields(&t->take, fields);
    tap_take_settle(&t->take);
    return t;
}

void tap_free(struct tap *t)
{
    if (!t)
        return;
    json_watch_fini(&t->text);
    json_watch_fini(&t->chunk);
    event_watch_fini(&t->events);
    tap_take_fini(&t->take);
    mem_free(t);
}

void tap_feed(struct tap *t, struct str bytes)
{
    if (!t)
        return;
    switch (t->shape) {
    case STREAM_EVENTS:
        feed_events(t, bytes);
        break;
    case STREAM_SSE:
        feed_sse(t, bytes);
        break;
    case STREAM_NONE:
        t->take.now.text_bytes += bytes.len;
        feed_text(t, bytes);
        break;
    }
    tap_take_settle(&t->take);
}

void tap_end(struct tap *t)
{
    if (!t)
        return;
    if (t->shape == STREAM_NONE)
        t->take.now.text_bytes -= t->take.binary_bytes;
    t->take.now.unreadable |= t->take.has_usage && !t->take.now.told;
}

const struct tap_usage *tap_usage(const struct tap *t)
{
    static const struct tap_usage nothing = {0};
    return t ? &t->take.now : &nothing;
}

enum stream_shape tap_shape(const struct tap *t)
{
    return t ? t->shape : STREAM_NONE;
}

bool tap_between(const struct tap *t)
{
    if (!t || t->shape == STREAM_NONE)
        return false;
    return t->shape == STREAM_EVENTS ? event_watch_between(&t->events) : sse_watch_between(&t->sse);
}
