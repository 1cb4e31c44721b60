/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of a series: lane, and three strings, length first. Of a gap: until, records.
 */
#include "weir/book/series.h"

#include "weir/base/varint.h"
#include "weir/book/store.h"

#include <string.h>

enum { NAMES = 3 };

void series_write(const struct series *s, struct buf *out)
{
    const struct str names[NAMES] = {s->client, s->workload, s->model};
    char *begin = buf_reserve(out, 1 + NAMES * (2 + RECORD_TEXT_MOST)), *at = begin;
    if (!begin)
        return;
    *at++ = (char)s->lane;
    for (size_t i = 0; i < NAMES; i++) {
        struct str name = str_sub(names[i], 0, RECORD_TEXT_MOST);
        at = varint_put(at, name.len);
        if (name.len)
            memcpy(at, name.ptr, name.len);
        at += name.len;
    }
    buf_commit(out, (size_t)(at - begin));
}

int series_read(struct str bytes, struct series *out)
{
    struct str names[NAMES], rest = str_from_offset(bytes, 1);
    if (bytes.len == 0 || (unsigned char)bytes.ptr[0] >= LANES)
        return ERR_BAD;
    for (size_t i = 0; i < NAMES; i++) {
        uint64_t len;
        if (!varint_take(&rest, &len) || len > RECORD_TEXT_MOST || len > rest.len)
            return ERR_BAD;
        names[i] = str_sub(rest, 0, len);
        rest = str_from_offset(rest, len);
    }
    if (rest.len)
        return ERR_BAD;
    *out = (struct series){names[0], names[1], names[2], (enum lane)bytes.ptr[0]};
    return ERR_OK;
}

int series_cmp(const struct series *a, const struct series *b)
{
    int order = str_cmp(a->client, b->client);
    if (order == 0)
        order = str_cmp(a->workload, b->workload);
    if (order == 0)
        order = str_cmp(a->model, b->model);
    return order ? order : (a->lane > b->lane) - (a->lane < b->lane);
}

void gap_write(const struct gap *g, struct buf *out)
{
    char bytes[2 * VARINT_MOST];
    char *at = varint_put(bytes, (uint64_t)g->until_ms);
    at = varint_put(at, g->records);
    buf_add(out, str_from(bytes, (size_t)(at - bytes)));
}

int gap_read(struct str key, struct str bytes, struct gap *out)
{
    uint64_t until, records;
    if (key.len != 8 || !varint_take(&bytes, &until) || !varint_take(&bytes, &records) || bytes.len)
        return ERR_BAD;
    *out = (struct gap){(int64_t)store_get_u64(key.ptr), (int64_t)until, records};
    return ERR_OK;
}
