/* SPDX-License-Identifier: Apache-2.0
 *
 * The watch over frame heads.
 */
#include "weir/net/h2_watch.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

enum { NEVER, BEGUN, ENDED };

struct head {
    uint32_t length, id;
    unsigned char type, flags;
};

void h2_watch_init(struct h2_watch *w, int64_t now_ms)
{
    memset(w, 0, sizeof *w);
    w->skip = H2_PREFACE;
    glitch_init(&w->glitch, now_ms);
}

static unsigned char *stream_at(struct h2_watch *w, uint32_t id)
{
    return &w->stream[(id >> 1) % H2_WATCH_STREAMS];
}

static bool is_remembered(const struct h2_watch *w, uint32_t id)
{
    return (id & 1) && id <= w->last_id && w->last_id - id < 2 * H2_WATCH_STREAMS;
}

static void begin_stream(struct h2_watch *w, uint32_t id)
{
    uint32_t gap = (id - w->last_id) / 2;
    for (uint32_t i = 1; i < gap && i < H2_WATCH_STREAMS; i++)
        *stream_at(w, id - 2 * i) = NEVER;
    *stream_at(w, id) = BEGUN;
    w->last_id = id;
}

static uint32_t on_headers(struct h2_watch *w, const struct head *h)
{
    if ((h->id & 1) && h->id > w->last_id) {
        begin_stream(w, h->id);
        glitch_earn(&w->glitch, GLITCH_PRIORITY, 2);
    } else if (is_remembered(w, h->id) && *stream_at(w, h->id) == NEVER) {
        return NGHTTP2_PROTOCOL_ERROR; /* RFC 9113 5.1.1: ids grow */
    } else if (is_remembered(w, h->id) && *stream_at(w, h->id) == ENDED) {
        return NGHTTP2_STREAM_CLOSED;
    }
    return 0;
}

static uint32_t charge(struct h2_watch *w, enum glitch_kind kind, int64_t now_ms)
{
    return glitch_charge(&w->glitch, kind, now_ms) ? NGHTTP2_ENHANCE_YOUR_CALM : 0;
}

static uint32_t on_data(struct h2_watch *w, const struct head *h, int64_t now_ms)
{
    if (is_remembered(w, h->id) && *stream_at(w, h->id) == ENDED)
        return NGHTTP2_STREAM_CLOSED;
    if (h->length == 0 && !(h->flags & NGHTTP2_FLAG_END_STREAM))
        return charge(w, GLITCH_EMPTY_DATA, now_ms);
    glitch_earn(&w->glitch, GLITCH_EMPTY_DATA, UINT16_MAX); /* in a row is what counts */
    return 0;
}

static void end_stream(struct h2_watch *w, uint32_t id)
{
    if (is_remembered(w, id))
        *stream_at(w, id) = ENDED;
}

static uint32_t on_frame(struct h2_watch *w, const struct head *h, int64_t now_ms)
{
    uint32_t code = 0;
    bool ack = h->flags & NGHTTP2_FLAG_ACK;
    switch (h->type) {
    case NGHTTP2_DATA:
        code = on_data(w, h, now_ms);
        break;
    case NGHTTP2_HEADERS:
        code = on_headers(w, h);
        break;
    case NGHTTP2_PRIORITY:
        return charge(w, GLITCH_PRIORITY, now_ms);
    case NGHTTP2_RST_STREAM:
        end_stream(w, h->id);
        return charge(w, GLITCH_RESET, now_ms);
    case NGHTTP2_SETTINGS:
        return ack ? 0 : charge(w, GLITCH_SETTINGS, now_ms);
    case NGHTTP2_PING:
        return ack ? 0 : charge(w, GLITCH_PING, now_ms);
    case NGHTTP2_WINDOW_UPDATE:
        return charge(w, GLITCH_WINDOW_UPDATE, now_ms);
    case NGHTTP2_PUSH_PROMISE:
    case NGHTTP2_GOAWAY:
    case NGHTTP2_CONTINUATION:
        return 0;
    default:
        return charge(w, GLITCH_UNKNOWN, now_ms);
    }
    if (h->flags & NGHTTP2_FLAG_END_STREAM)
        end_stream(w, h->id);
    return code;
}

static struct head read_head(const unsigned char *b)
{
    return (struct head){
        .length = (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2],
        .type = b[3],
        .flags = b[4],
        .id = ((uint32_t)b[5] << 24 | (uint32_t)b[6] << 16 | (uint32_t)b[7] << 8 | b[8]) &
              0x7fffffffu,
    };
}

uint32_t h2_watch_read(struct h2_watch *w, struct str bytes, int64_t now_ms)
{
    while (bytes.len) {
        size_t part = bytes.len < w->skip ? bytes.len : w->skip;
        w->skip -= (uint32_t)part;
        bytes = str_from_offset(bytes, part);
        part = bytes.len < H2_FRAME_HEAD - w->have ? bytes.len : H2_FRAME_HEAD - w->have;
        memcpy(w->head + w->have, bytes.ptr, part);
        w->have += (unsigned)part;
        bytes = str_from_offset(bytes, part);
        if (w->have < H2_FRAME_HEAD)
            return 0;
        struct head h = read_head(w->head);
        w->have = 0;
        w->skip = h.length;
        uint32_t code = on_frame(w, &h, now_ms);
        if (code)
            return code;
    }
    return 0;
}
