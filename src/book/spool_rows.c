/* SPDX-License-Identifier: Apache-2.0
 *
 *     version 1 | CRC-32 of the number and what follows 4 | numbers, 7 bits a byte | strings
 *
 * Strings have their length first. A piece has, in place of the version, how it is written: plain
 * with a checksum, or sealed, which is one.
 */
#include "spool_rows.h"

#include "weir/base/digest.h"
#include "weir/base/seal.h"
#include "weir/base/varint.h"

#include <string.h>

enum { VERSION = 1, HEAD = 5, PLAIN = 1, SEALED = 2 };

/* --- what all have in common */

static uint32_t checksum(uint64_t number, struct str bytes)
{
    unsigned char key[8];
    store_put_u64(key, number);
    return crc32_add(crc32_add(0, str_from((char *)key, sizeof key)), bytes);
}

static void put(uint64_t number, const uint64_t *numbers, size_t n, const struct str *strings,
                size_t n_strings, struct buf *out)
{
    size_t most = HEAD + (n + n_strings) * VARINT_MOST;
    for (size_t i = 0; i < n_strings; i++)
        most += strings[i].len;
    char *begin = buf_reserve(out, most), *at = begin + HEAD;
    for (size_t i = 0; i < n; i++)
        at = varint_put(at, numbers[i]);
    for (size_t i = 0; i < n_strings; i++) {
        at = varint_put(at, strings[i].len);
        if (strings[i].len)
            memcpy(at, strings[i].ptr, strings[i].len);
        at += strings[i].len;
    }
    uint32_t crc = checksum(number, str_from(begin + HEAD, (size_t)(at - begin) - HEAD));
    begin[0] = VERSION;
    memcpy(begin + 1, &crc, sizeof crc);
    buf_commit(out, (size_t)(at - begin));
}

static int take(uint64_t number, struct str bytes, uint64_t *numbers, size_t n, struct str *strings,
                size_t n_strings)
{
    uint32_t crc;
    uint64_t len;
    if (bytes.len < HEAD || bytes.ptr[0] != VERSION)
        return ERR_BAD;
    memcpy(&crc, bytes.ptr + 1, sizeof crc);
    struct str rest = str_from_offset(bytes, HEAD);
    if (checksum(number, rest) != crc)
        return ERR_BAD;
    for (size_t i = 0; i < n; i++)
        if (!varint_take(&rest, &numbers[i]))
            return ERR_BAD;
    for (size_t i = 0; i < n_strings; i++) {
        if (!varint_take(&rest, &len) || len > rest.len)
            return ERR_BAD;
        strings[i] = str_sub(rest, 0, len);
        rest = str_from_offset(rest, len);
    }
    return rest.len ? ERR_BAD : 0;
}

/* --- what a record is */

enum { ROW_NUMBERS = 5, ROW_STRINGS = 12 };

void spool_row_write(uint64_t number, const struct spool_row *r, struct buf *out)
{
    const uint64_t n[ROW_NUMBERS] = {r->kind, r->body_bytes, r->answer_bytes, r->saved_nanousd,
                                     (uint64_t)r->status};
    const struct str s[ROW_STRINGS] = {str_from((const char *)r->secret, sizeof r->secret),
                                       str_from((const char *)r->key, sizeof r->key),
                                       r->client,
                                       r->workload,
                                       r->model,
                                       r->operation,
                                       r->role,
                                       r->target,
                                       r->content_type,
                                       r->accept,
                                       r->error_type,
                                       r->attempts};
    put(number, n, ROW_NUMBERS, s, ROW_STRINGS, out);
}

int spool_row_read(uint64_t number, struct str bytes, struct spool_row *out)
{
    uint64_t n[ROW_NUMBERS];
    struct str s[ROW_STRINGS];
    int rc = take(number, bytes, n, ROW_NUMBERS, s, ROW_STRINGS);
    if (rc || n[0] > BATCH_INVOKE || n[4] > 999 || s[0].len != sizeof out->secret ||
        s[1].len != sizeof out->key || s[11].len % SPOOL_ATTEMPT)
        return ERR_BAD;
    *out = (struct spool_row){.kind = (enum batch_kind)n[0],
                              .body_bytes = n[1],
                              .answer_bytes = n[2],
                              .saved_nanousd = n[3],
                              .status = (int)n[4],
                              .client = s[2],
                              .workload = s[3],
                              .model = s[4],
                              .operation = s[5],
                              .role = s[6],
                              .target = s[7],
                              .content_type = s[8],
                              .accept = s[9],
                              .error_type = s[10],
                              .attempts = s[11]};
    memcpy(out->secret, s[0].ptr, sizeof out->secret);
    memcpy(out->key, s[1].ptr, sizeof out->key);
    return 0;
}

/* --- where it is */

enum { PLACE_NUMBERS = 14 };

void spool_place_write(uint64_t number, const struct spool_place *p, struct buf *out)
{
    const uint64_t n[PLACE_NUMBERS] = {p->state,
                                       p->of,
                                       p->pool,
                                       p->reply,
                                       p->flags,
                                       p->ticketed,
                                       p->bytes,
                                       (uint64_t)p->accepted_ms,
                                       (uint64_t)p->deadline_ms,
                                       (uint64_t)p->done_ms,
                                       (uint64_t)p->delivered_ms,
                                       p->deliveries,
                                       p->expect_nanousd,
                                       p->cost_nanousd};
    put(number, n, PLACE_NUMBERS, NULL, 0, out);
}

int spool_place_read(uint64_t number, struct str bytes, struct spool_place *out)
{
    uint64_t n[PLACE_NUMBERS];
    int rc = take(number, bytes, n, PLACE_NUMBERS, NULL, 0);
    if (rc || n[0] >= SPOOL_STATES || n[2] > UINT32_MAX || n[3] > SPOOL_TICKET || n[5] > 1)
        return ERR_BAD;
    *out = (struct spool_place){.state = (enum spool_state)n[0],
                                .of = n[1],
                                .pool = (uint32_t)n[2],
                                .reply = (enum spool_reply)n[3],
                                .flags = (unsigned)n[4],
                                .ticketed = n[5],
                                .bytes = n[6],
                                .accepted_ms = (int64_t)n[7],
                                .deadline_ms = (int64_t)n[8],
                                .done_ms = (int64_t)n[9],
                                .delivered_ms = (int64_t)n[10],
                                .deliveries = (uint32_t)n[11],
                                .expect_nanousd = n[12],
                                .cost_nanousd = n[13]};
    return 0;
}

/* --- pools, and what is gone */

void spool_whose_write(uint32_t number, const struct spool_whose *w, struct buf *out)
{
    const uint64_t kind = w->kind;
    const struct str s[] = {w->client, w->model, w->role};
    put(number, &kind, 1, s, 3, out);
}

int spool_whose_read(uint32_t number, struct str bytes, struct spool_whose *out)
{
    uint64_t kind;
    struct str s[3];
    int rc = take(number, bytes, &kind, 1, s, 3);
    if (rc || kind > BATCH_INVOKE)
        return ERR_BAD;
    *out = (struct spool_whose){s[0], s[1], s[2], (enum batch_kind)kind};
    return 0;
}

void spool_gone_write(uint64_t number, const struct spool_gone *g, struct buf *out)
{
    const uint64_t until = (uint64_t)g->until_ms;
    const struct str hash = {(const char *)g->hash, sizeof g->hash};
    put(number, &until, 1, &hash, 1, out);
}

int spool_gone_read(uint64_t number, struct str bytes, struct spool_gone *out)
{
    uint64_t until;
    struct str hash;
    int rc = take(number, bytes, &until, 1, &hash, 1);
    if (rc || hash.len != sizeof out->hash)
        return ERR_BAD;
    out->until_ms = (int64_t)until;
    memcpy(out->hash, hash.ptr, sizeof out->hash);
    return 0;
}

/* --- pieces */

struct about {
    char bytes[13];
};

static struct about about_of(char what, uint64_t number, uint32_t chunk)
{
    struct about a;
    a.bytes[0] = what;
    store_put_u64((unsigned char *)a.bytes + 1, number);
    store_put_u32((unsigned char *)a.bytes + 9, chunk);
    return a;
}

static uint32_t piece_checksum(const struct about *a, struct str text)
{
    return crc32_add(crc32_add(0, str_from(a->bytes, sizeof a->bytes)), text);
}

void spool_piece_write(const unsigned char *key, char what, uint64_t number, uint32_t chunk,
                       struct str text, struct buf *out)
{
    const struct about a = about_of(what, number, chunk);
    buf_add_char(out, key ? SEALED : PLAIN);
    if (key) {
        seal_close(key, str_from(a.bytes, sizeof a.bytes), text, out);
        return;
    }
    uint32_t crc = piece_checksum(&a, text);
    buf_add(out, str_from((const char *)&crc, sizeof crc));
    buf_add(out, text);
}

int spool_piece_read(const unsigned char *key, char what, uint64_t number, uint32_t chunk,
                     struct str bytes, struct buf *out)
{
    const struct about a = about_of(what, number, chunk);
    uint32_t crc;
    if (bytes.len && bytes.ptr[0] == SEALED && key)
        return seal_open(key, str_from(a.bytes, sizeof a.bytes), str_from_offset(bytes, 1), out);
    if (bytes.len < HEAD || bytes.ptr[0] != PLAIN)
        return ERR_BAD;
    memcpy(&crc, bytes.ptr + 1, sizeof crc);
    struct str text = str_from_offset(bytes, HEAD);
    if (piece_checksum(&a, text) != crc)
        return ERR_BAD;
    buf_add(out, text);
    return 0;
}

/* --- marks */

void spool_mark_write(const unsigned char *key, struct buf *out)
{
    spool_piece_write(key, 'K', 0, 0, S("weir"), out);
}

enum spool_mark spool_mark_read(const unsigned char *key, struct str bytes)
{
    struct buf text = {0};
    if (!bytes.len || bytes.ptr[0] != SEALED)
        return key ? MARK_PLAIN : MARK_SAME;
    if (!key)
        return MARK_SEALED;
    int rc = spool_piece_read(key, 'K', 0, 0, bytes, &text);
    buf_fini(&text);
    return rc ? MARK_OTHER_KEY : MARK_SAME;
}

/* --- keys */

static void add_u64(struct spool_key *k, uint64_t n)
{
    store_put_u64(k->bytes + k->len, n);
    k->len += 8;
}

static void add_u32(struct spool_key *k, uint32_t n)
{
    store_put_u32(k->bytes + k->len, n);
    k->len += 4;
}

struct spool_key spool_key_number(uint64_t number)
{
    struct spool_key k = {.len = 0};
    add_u64(&k, number);
    return k;
}

struct spool_key spool_key_piece(uint64_t number, uint32_t chunk)
{
    struct spool_key k = spool_key_number(number);
    add_u32(&k, chunk);
    return k;
}

struct spool_key spool_key_list(unsigned list, uint64_t of, uint64_t number)
{
    struct spool_key k = {.bytes = {(unsigned char)list}, .len = 1};
    add_u64(&k, of);
    add_u64(&k, number);
    return k;
}

struct spool_key spool_key_place(uint64_t number, const struct spool_place *p)
{
    switch (p->state) {
    case SPOOL_POOLED:
        return spool_key_list(SPOOL_LIST_POOL, p->pool, number);
    case SPOOL_IN_JOB:
        return spool_key_list(SPOOL_LIST_JOB, p->of, number);
    case SPOOL_DIRECT:
        return spool_key_list(SPOOL_LIST_DIRECT, 0, number);
    case SPOOL_DONE:
    case SPOOL_STATES:
        break;
    }
    if (p->flags & SPOOL_DELIVERED && !p->ticketed)
        return spool_key_list(LIST_DELIVERED, (uint64_t)p->delivered_ms, number);
    return spool_key_list(LIST_DONE, (uint64_t)p->done_ms, number);
}

static struct spool_key key_of(const unsigned char hash[SPOOL_HASH], enum spool_key_kind kind)
{
    struct spool_key k = {.len = SPOOL_HASH + 1};
    memcpy(k.bytes, hash, SPOOL_HASH);
    k.bytes[SPOOL_HASH] = (unsigned char)kind;
    return k;
}

struct spool_key spool_key_held(const unsigned char hash[SPOOL_HASH], uint64_t number)
{
    struct spool_key k = key_of(hash, KEY_HELD);
    add_u64(&k, number);
    return k;
}

struct spool_key spool_key_given(const unsigned char hash[SPOOL_HASH], uint32_t deliveries,
                                 uint64_t number)
{
    struct spool_key k = key_of(hash, KEY_GIVEN);
    add_u32(&k, deliveries);
    add_u64(&k, number);
    return k;
}

struct spool_key spool_key_attempt(const unsigned char hash[SPOOL_HASH], uint64_t invocation)
{
    struct spool_key k = key_of(hash, KEY_ATTEMPT);
    add_u64(&k, invocation);
    return k;
}

uint64_t spool_key_end(struct str key)
{
    return key.len < 8 ? 0 : store_get_u64(key.ptr + key.len - 8);
}
