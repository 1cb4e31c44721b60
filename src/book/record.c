/* SPDX-License-Identifier: Apache-2.0
 *
 * A record's bytes:
 *
 *     version 2 | CRC-32 of what follows 4 | numbers, 7 bits a byte | strings, length first
 *
 * Small numbers take one byte, so that a usual record takes about 200. The list of numbers and the
 * list of strings are each written in one place, for both ways. Version 1 had no control group
 * and nothing of what was observed.
 */
#include "weir/book/record.h"

#include "weir/base/digest.h"
#include "weir/base/varint.h"

#include <string.h>

enum { VERSION = 2, HEAD_BYTES = 5, FIRST = 12, MORE = 7, STRINGS = 7 };
enum { NUMBERS = FIRST + TOKENS + MORE };

static void numbers_of(const struct record *r, uint64_t out[NUMBERS])
{
    const uint64_t first[FIRST] = {(uint64_t)r->time_ms,
                                   r->lane,
                                   r->end,
                                   r->flags,
                                   r->status,
                                   r->attempts,
                                   r->cost_nanousd,
                                   r->untouched_nanousd,
                                   r->latency_us,
                                   r->added_us,
                                   r->first_us,
                                   TOKENS};
    const uint64_t more[MORE] = {
        r->unmarked_nanousd, r->arm,           r->group,           r->marks,
        r->input_nanousd,    r->plain_nanousd, r->observed_nanousd};
    memcpy(out, first, sizeof first);
    memcpy(out + FIRST, r->usage.tokens, sizeof r->usage.tokens);
    memcpy(out + FIRST + TOKENS, more, sizeof more);
}

static const struct {
    size_t offset;
} strings[STRINGS] = {
    {offsetof(struct record, client)},    {offsetof(struct record, workload)},
    {offsetof(struct record, asked)},     {offsetof(struct record, model)},
    {offsetof(struct record, operation)}, {offsetof(struct record, outcome)},
    {offsetof(struct record, decision)},
};

static struct str *string_of(const struct record *r, size_t i)
{
    return (struct str *)(void *)((char *)(uintptr_t)r + strings[i].offset);
}

void record_write(const struct record *r, struct buf *out)
{
    uint64_t numbers[NUMBERS];
    numbers_of(r, numbers);
    size_t most = HEAD_BYTES + RECORD_ID_BYTES + NUMBERS * VARINT_MOST;
    for (size_t i = 0; i < STRINGS; i++)
        most += 2 + str_sub(*string_of(r, i), 0, RECORD_TEXT_MOST).len;
    char *begin = buf_reserve(out, most);
    if (!begin)
        return;
    char *at = begin + HEAD_BYTES;
    memcpy(at, r->id, RECORD_ID_BYTES);
    at += RECORD_ID_BYTES;
    for (size_t i = 0; i < NUMBERS; i++)
        at = varint_put(at, numbers[i]);
    for (size_t i = 0; i < STRINGS; i++) {
        struct str s = str_sub(*string_of(r, i), 0, RECORD_TEXT_MOST);
        at = varint_put(at, s.len);
        if (s.len)
            memcpy(at, s.ptr, s.len);
        at += s.len;
    }
    uint32_t crc = crc32_add(0, str_from(begin + HEAD_BYTES, (size_t)(at - begin) - HEAD_BYTES));
    begin[0] = VERSION;
    memcpy(begin + 1, &crc, sizeof crc);
    buf_commit(out, (size_t)(at - begin));
}

static bool take(struct str *in, uint64_t *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!varint_take(in, &numbers[i]))
            return false;
    return true;
}

static bool take_first(struct str *in, struct record *r)
{
    uint64_t n[FIRST];
    if (!take(in, n, FIRST) || n[1] >= LANES || n[2] >= RECORD_ENDS || n[11] > TOKENS)
        return false;
    *r = (struct record){.time_ms = (int64_t)n[0],
                         .lane = (enum lane)n[1],
                         .end = (enum record_end)n[2],
                         .flags = (unsigned)n[3],
                         .status = (unsigned)n[4],
                         .attempts = (unsigned)n[5],
                         .cost_nanousd = n[6],
                         .unmarked_nanousd = n[7],
                         .untouched_nanousd = n[7],
                         .latency_us = n[8],
                         .added_us = n[9],
                         .first_us = n[10]};
    return take(in, r->usage.tokens, n[11]); /* an older version may know fewer */
}

static bool take_more(struct str *in, struct record *r)
{
    uint64_t n[MORE];
    if (!take(in, n, MORE) || n[1] >= RECORD_ARMS || n[2] >= RECORD_GROUPS || n[3] > UINT32_MAX)
        return false;
    r->unmarked_nanousd = n[0];
    r->arm = (enum record_arm)n[1];
    r->group = (unsigned)n[2];
    r->marks = (unsigned)n[3];
    r->input_nanousd = n[4];
    r->plain_nanousd = n[5];
    r->observed_nanousd = n[6];
    return true;
}

static bool take_strings(struct str *in, struct record *r)
{
    uint64_t len;
    for (size_t i = 0; i < STRINGS; i++) {
        if (!varint_take(in, &len) || len > RECORD_TEXT_MOST || len > in->len)
            return false;
        *string_of(r, i) = str_sub(*in, 0, len);
        *in = str_from_offset(*in, len);
    }
    return in->len == 0;
}

int record_read(struct str bytes, struct record *out)
{
    uint32_t crc;
    if (bytes.len < HEAD_BYTES + RECORD_ID_BYTES)
        return ERR_BAD;
    unsigned char version = (unsigned char)bytes.ptr[0];
    if (version > VERSION)
        return ERR_UNSUPPORTED;
    memcpy(&crc, bytes.ptr + 1, sizeof crc);
    struct str rest = str_from_offset(bytes, HEAD_BYTES);
    if (!version || crc32_add(0, rest) != crc)
        return ERR_BAD;
    struct record r;
    const char *id = rest.ptr;
    rest = str_from_offset(rest, RECORD_ID_BYTES);
    if (!take_first(&rest, &r) || (version > 1 && !take_more(&rest, &r)) ||
        !take_strings(&rest, &r))
        return ERR_BAD;
    memcpy(r.id, id, RECORD_ID_BYTES);
    *out = r;
    return ERR_OK;
}
