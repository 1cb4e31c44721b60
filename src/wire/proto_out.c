/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys, varints and eight little bytes; a length that is not known yet moves what it measures up by
 * its own few bytes, once a message.
 */
#include "weir/wire/proto_out.h"

#include <string.h>

enum wire_type { VARINT = 0, EIGHT = 1, LENGTH = 2 };
enum { VARINT_MOST = 10 };

static size_t varint(unsigned char out[VARINT_MOST], uint64_t n)
{
    size_t at = 0;
    for (; n >= 0x80; n >>= 7)
        out[at++] = (unsigned char)(n | 0x80);
    out[at++] = (unsigned char)n;
    return at;
}

static void add_varint(struct buf *b, uint64_t n)
{
    unsigned char bytes[VARINT_MOST];
    buf_add(b, str_from((const char *)bytes, varint(bytes, n)));
}

static void add_key(struct buf *b, unsigned field, enum wire_type type)
{
    add_varint(b, (uint64_t)field << 3 | type);
}

static void add_eight(struct buf *b, uint64_t n)
{
    char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)(unsigned char)(n >> (8 * i));
    buf_add(b, str_from(bytes, sizeof bytes));
}

static uint64_t bits_of(double d)
{
    uint64_t n;
    memcpy(&n, &d, sizeof n);
    return n;
}

void proto_out_u64(struct buf *b, unsigned field, uint64_t n)
{
    add_key(b, field, VARINT);
    add_varint(b, n);
}

void proto_out_fixed64(struct buf *b, unsigned field, uint64_t n)
{
    add_key(b, field, EIGHT);
    add_eight(b, n);
}

void proto_out_double(struct buf *b, unsigned field, double d)
{
    proto_out_fixed64(b, field, bits_of(d));
}

void proto_out_string(struct buf *b, unsigned field, struct str s)
{
    add_key(b, field, LENGTH);
    add_varint(b, s.len);
    buf_add(b, s);
}

size_t proto_out_begin(struct buf *b, unsigned field)
{
    add_key(b, field, LENGTH);
    return buf_len(b);
}

void proto_out_end(struct buf *b, size_t begun)
{
    unsigned char bytes[VARINT_MOST];
    if (b->overflow)
        return;
    size_t len = buf_len(b) - begun, n = varint(bytes, len);
    if (!buf_reserve(b, n))
        return;
    char *at = b->data + b->head + begun;
    memmove(at + n, at, len);
    memcpy(at, bytes, n);
    buf_commit(b, n);
}

void proto_out_fixed64s(struct buf *b, unsigned field, const uint64_t *n, size_t count)
{
    add_key(b, field, LENGTH);
    add_varint(b, count * 8);
    for (size_t i = 0; i < count; i++)
        add_eight(b, n[i]);
}

void proto_out_doubles(struct buf *b, unsigned field, const double *d, size_t count)
{
    add_key(b, field, LENGTH);
    add_varint(b, count * 8);
    for (size_t i = 0; i < count; i++)
        add_eight(b, bits_of(d[i]));
}
