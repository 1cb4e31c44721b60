/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames are built in place: room for the prelude first, the lengths when they are known. The CRC
 * is a table of its own, so that a wrong one in weir/base would show.
 */
#include "frame.h"

#include <assert.h>
#include <pthread.h>

enum { STRING_HEADER = 7, PRELUDE = 12 };

static uint32_t table[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
        table[i] = c;
    }
}

static uint32_t crc(const char *bytes, size_t n)
{
    uint32_t c = 0xffffffffu;
    pthread_once(&once, make_table);
    for (size_t i = 0; i < n; i++)
        c = table[(c ^ (unsigned char)bytes[i]) & 0xff] ^ (c >> 8);
    return c ^ 0xffffffffu;
}

static void put_u32(char *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(v >> (24 - 8 * i));
}

static void add_u32(struct buf *b, uint32_t v)
{
    char four[4];
    put_u32(four, v);
    buf_add(b, (struct str){four, sizeof four});
}

static void add_header(struct buf *b, struct field f)
{
    assert(f.name.len > 0 && f.name.len < 256 && f.value.len < 65536);
    buf_add_char(b, (char)f.name.len);
    buf_add(b, f.name);
    buf_add_char(b, STRING_HEADER);
    buf_add_char(b, (char)(f.value.len >> 8));
    buf_add_char(b, (char)f.value.len);
    buf_add(b, f.value);
}

void frame_add(struct buf *out, const struct field *headers, size_t n_headers, struct str payload)
{
    size_t begin = buf_len(out);
    char zero[PRELUDE] = {0};
    buf_add(out, (struct str){zero, sizeof zero});
    for (size_t i = 0; i < n_headers; i++)
        add_header(out, headers[i]);
    size_t header_bytes = buf_len(out) - begin - PRELUDE;
    buf_add(out, payload);
    char *frame = out->data + out->head + begin;
    size_t total = buf_len(out) - begin + 4;
    put_u32(frame, (uint32_t)total);
    put_u32(frame + 4, (uint32_t)header_bytes);
    put_u32(frame + 8, crc(frame, 8));
    add_u32(out, crc(frame, total - 4));
}

void frame_add_event(struct buf *out, struct str type, struct str payload)
{
    const struct field headers[] = {
        {STR(":event-type"), type},
        {STR(":content-type"), STR("application/json")},
        {STR(":message-type"), STR("event")},
    };
    frame_add(out, headers, 3, payload);
}

void frame_add_exception(struct buf *out, struct str type, struct str payload)
{
    const struct field headers[] = {
        {STR(":exception-type"), type},
        {STR(":content-type"), STR("application/json")},
        {STR(":message-type"), STR("exception")},
    };
    frame_add(out, headers, 3, payload);
}

void frame_add_error(struct buf *out, struct str code, struct str message)
{
    const struct field headers[] = {
        {STR(":message-type"), STR("error")},
        {STR(":error-code"), code},
        {STR(":error-message"), message},
    };
    frame_add(out, headers, 3, (struct str){0});
}
