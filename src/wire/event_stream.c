/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading frames. Two ways lead to the same checks: a frame that lies whole in the input is looked
 * at in place; any other is absorbed piece by piece, its CRC running, the part worth keeping held.
 * All headers are checked before a frame is given out, so walking them cannot fail.
 *
 * Format and limits: smithy.io, "Amazon Event Stream Specification"; botocore 1.43 eventstream.py
 * and aws-c-event-stream, read November 2026.
 */
#include "weir/wire/event_stream.h"

#include "weir/base/digest.h"

#include <string.h>

enum { PRELUDE = 12, CRC = 4, ROOM_KEPT = 4096 };

static uint64_t number(const char *at, size_t bytes)
{
    uint64_t n = 0;
    for (size_t i = 0; i < bytes; i++)
        n = n << 8 | (unsigned char)at[i];
    return n;
}

/* --- headers */

/* Bytes behind the type: what is fixed, and the length field of what is not. */
static const struct {
    unsigned char fixed;
    bool counted;
} shapes[] = {
    [EVENT_TRUE] = {0},  [EVENT_FALSE] = {0}, [EVENT_INT8] = {1},        [EVENT_INT16] = {2},
    [EVENT_INT32] = {4}, [EVENT_INT64] = {8}, [EVENT_BYTES] = {2, true}, [EVENT_STRING] = {2, true},
    [EVENT_TIME] = {8},  [EVENT_UUID] = {16},
};

static int64_t sign_extend(uint64_t n, size_t bytes)
{
    if (bytes == 0)
        return 0;
    uint64_t sign = 1ull << (8 * bytes - 1);
    return (int64_t)((n ^ sign) - sign);
}

bool event_stream_header(struct str *rest, struct event_header *out)
{
    struct str in = *rest;
    size_t name_len = in.len ? (unsigned char)in.ptr[0] : 0;
    if (name_len == 0 || in.len < 2 + name_len)
        return false;
    size_t type = (unsigned char)in.ptr[1 + name_len];
    struct str name = str_sub(in, 1, name_len);
    in = str_from_offset(in, 2 + name_len);
    if (type > EVENT_UUID || in.len < shapes[type].fixed)
        return false;
    size_t fixed = shapes[type].fixed;
    size_t counted = shapes[type].counted ? (size_t)number(in.ptr, fixed) : 0;
    if (in.len - fixed < counted)
        return false;
    *out = (struct event_header){.name = name, .type = (enum event_type)type};
    if (shapes[type].counted)
        out->bytes = str_sub(in, fixed, counted);
    else if (type == EVENT_UUID)
        out->bytes = str_sub(in, 0, fixed);
    else
        out->number = sign_extend(number(in.ptr, fixed), fixed);
    *rest = str_from_offset(in, fixed + counted);
    return true;
}

static bool headers_ok(struct str headers)
{
    struct event_header h;
    while (event_stream_header(&headers, &h))
        ;
    return headers.len == 0;
}

struct str event_stream_text(const struct event_frame *f, struct str name)
{
    struct str rest = f->headers;
    struct event_header h;
    while (event_stream_header(&rest, &h))
        if (h.type == EVENT_STRING && str_eq(h.name, name))
            return h.bytes;
    return (struct str){NULL, 0};
}

/* --- frames */

static int read_prelude(struct event_stream *s, const char *prelude)
{
    size_t total = (size_t)number(prelude, 4), headers_len = (size_t)number(prelude + 4, 4);
    uint32_t crc = crc32_add(0, str_from(prelude, PRELUDE - CRC));
    if (crc != number(prelude + PRELUDE - CRC, CRC))
        return ERR_BAD;
    if (total < PRELUDE + CRC || headers_len > total - PRELUDE - CRC)
        return ERR_BAD;
    if (total > EVENT_STREAM_FRAME_MOST || headers_len > EVENT_STREAM_HEADERS_MOST)
        return ERR_TOO_BIG;
    s->total = total;
    s->headers_len = headers_len;
    s->crc = crc32_add(crc, str_from(prelude + PRELUDE - CRC, CRC));
    s->keep = total - CRC;
    if (total > s->hold_most)
        s->keep = PRELUDE + (PRELUDE + headers_len <= s->hold_most ? headers_len : 0);
    return 0;
}

/* `kept` is the frame from its prelude on, as far as it was kept. */
static int give(const struct event_stream *s, struct str kept, struct event_frame *out)
{
    if (s->crc != number(s->crc_bytes, CRC))
        return ERR_BAD;
    struct event_frame f = {.headers = str_sub(kept, PRELUDE, s->headers_len)};
    if (!headers_ok(f.headers))
        return ERR_BAD;
    f.payload = str_from_offset(kept, PRELUDE + s->headers_len);
    f.payload_len = s->total - PRELUDE - CRC - s->headers_len;
    f.passed_over = s->keep < s->total - CRC;
    *out = f;
    return 1;
}

/* Moves on over bytes of the frame under way: hashed, kept or not. */
static void absorb(struct event_stream *s, struct str *in)
{
    size_t covered = s->total - CRC;
    size_t n = in->len < s->total - s->taken ? in->len : s->total - s->taken;
    struct str now = str_sub(*in, 0, n);
    if (s->taken < s->keep)
        buf_add(&s->held, str_sub(now, 0, s->keep - s->taken));
    if (s->taken < covered)
        s->crc = crc32_add(s->crc, str_sub(now, 0, covered - s->taken));
    for (size_t i = s->taken < covered ? covered - s->taken : 0; i < n; i++)
        s->crc_bytes[s->taken + i - covered] = now.ptr[i];
    s->taken += n;
    *in = str_from_offset(*in, n);
}

static int next_in_pieces(struct event_stream *s, struct str *in, struct event_frame *out)
{
    if (s->total == 0) {
        struct str start = str_sub(*in, 0, PRELUDE - s->taken);
        buf_add(&s->held, start);
        s->taken += start.len;
        *in = str_from_offset(*in, start.len);
        if (s->taken < PRELUDE)
            return 0;
        int err = read_prelude(s, s->held.data + s->held.head);
        if (err)
            return err;
    }
    absorb(s, in);
    return s->taken == s->total ? give(s, buf_str(&s->held), out) : 0;
}

/* 0 when the frame is not whole here, or too large to be given out. */
static int next_in_place(struct event_stream *s, struct str *in, struct event_frame *out)
{
    struct str frame = str_sub(*in, 0, (size_t)number(in->ptr, 4));
    if (frame.len < PRELUDE + CRC || frame.len > s->hold_most || frame.len != number(in->ptr, 4))
        return 0;
    int err = read_prelude(s, frame.ptr);
    if (err)
        return err;
    s->crc = crc32_add(s->crc, str_sub(frame, PRELUDE, frame.len - PRELUDE - CRC));
    memcpy(s->crc_bytes, frame.ptr + frame.len - CRC, CRC);
    s->taken = s->total;
    *in = str_from_offset(*in, frame.len);
    return give(s, str_sub(frame, 0, frame.len - CRC), out);
}

/* Thousands of streams are open at once: a large frame's room is given back. */
static void forget_frame(struct event_stream *s)
{
    if (s->held.cap > ROOM_KEPT)
        buf_fini(&s->held);
    buf_clear(&s->held);
    s->total = s->taken = 0;
}

int event_stream_next(struct event_stream *s, struct str *in, struct event_frame *out)
{
    if (s->err)
        return s->err;
    if (event_stream_between(s))
        forget_frame(s);
    int got = s->taken == 0 && in->len >= PRELUDE ? next_in_place(s, in, out) : 0;
    if (got == 0)
        got = next_in_pieces(s, in, out);
    if (got < 0)
        s->err = got;
    return got;
}

bool event_stream_between(const struct event_stream *s)
{
    return s->taken == s->total;
}

void event_stream_fini(struct event_stream *s)
{
    buf_fini(&s->held);
}

/* --- writing */

static size_t header_len(const struct event_header *h)
{
    size_t fixed = shapes[h->type].fixed;
    return 2 + h->name.len + fixed + (shapes[h->type].counted ? h->bytes.len : 0);
}

static bool header_ok(const struct event_header *h)
{
    int64_t limit = h->type == EVENT_INT8    ? INT8_MAX
                    : h->type == EVENT_INT16 ? INT16_MAX
                    : h->type == EVENT_INT32 ? INT32_MAX
                                             : INT64_MAX;
    return h->name.len > 0 && h->name.len <= EVENT_STREAM_NAME_MOST && h->type <= EVENT_UUID &&
           h->number <= limit && h->number >= -limit - 1 &&
           h->bytes.len <= EVENT_STREAM_VALUE_MOST &&
           (h->type != EVENT_UUID || h->bytes.len == shapes[EVENT_UUID].fixed);
}

static void add_number(struct buf *b, uint64_t n, size_t bytes)
{
    char out[8];
    for (size_t i = bytes; i > 0; i--, n >>= 8)
        out[i - 1] = (char)n;
    buf_add(b, str_from(out, bytes));
}

static void add_header(struct buf *b, const struct event_header *h)
{
    add_number(b, h->name.len, 1);
    buf_add(b, h->name);
    add_number(b, (uint64_t)h->type, 1);
    if (shapes[h->type].counted)
        add_number(b, h->bytes.len, 2);
    else if (h->type != EVENT_UUID)
        add_number(b, (uint64_t)h->number, shapes[h->type].fixed);
    if (shapes[h->type].counted || h->type == EVENT_UUID)
        buf_add(b, h->bytes);
}

int event_stream_add(struct buf *b, const struct event_header *headers, size_t n,
                     struct str payload)
{
    size_t headers_len = 0, from = buf_len(b);
    for (size_t i = 0; i < n; i++) {
        if (!header_ok(&headers[i]))
            return ERR_BAD;
        headers_len += header_len(&headers[i]);
        if (headers_len > EVENT_STREAM_HEADERS_MOST)
            return ERR_TOO_BIG;
    }
    if (payload.len > EVENT_STREAM_FRAME_MOST - PRELUDE - CRC - headers_len)
        return ERR_TOO_BIG;
    size_t total = PRELUDE + headers_len + payload.len + CRC;
    if (!buf_reserve(b, total))
        return ERR_TOO_BIG;
    add_number(b, total, 4);
    add_number(b, headers_len, 4);
    add_number(b, crc32_add(0, str_from_offset(buf_str(b), from)), 4);
    for (size_t i = 0; i < n; i++)
        add_header(b, &headers[i]);
    buf_add(b, payload);
    add_number(b, crc32_add(0, str_from_offset(buf_str(b), from)), 4);
    return 0;
}
