/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the spool, in the transaction at hand. A record's place changes here alone, with its list
 * and what is summed up of it: so the three say the same.
 */
#include "spool_private.h"

#include "weir/base/log.h"
#include "weir/base/mem.h"

#include <inttypes.h>
#include <string.h>

static struct str key_str(const struct spool_key *k)
{
    return spool_key_str(k);
}

/* --- rows */

int spool_table_row(struct spool *s, uint64_t number, struct spool_row *out)
{
    struct spool_key key = spool_key_number(number);
    struct str value;
    int rc = store_get(s->txn, TABLE_SPOOLED, key_str(&key), &value);
    if (rc)
        return rc;
    buf_clear(&s->row_bytes);
    buf_add(&s->row_bytes, value);
    return spool_row_read(number, buf_str(&s->row_bytes), out);
}

int spool_table_put_row(struct spool *s, uint64_t number, const struct spool_row *r)
{
    struct spool_key key = spool_key_number(number);
    buf_clear(&s->scratch);
    spool_row_write(number, r, &s->scratch);
    return store_put(s->txn, TABLE_SPOOLED, key_str(&key), buf_str(&s->scratch));
}

int spool_table_place(struct spool *s, uint64_t number, struct spool_place *out)
{
    struct spool_key key = spool_key_number(number);
    struct str value;
    int rc = store_get(s->txn, TABLE_PLACES, key_str(&key), &value);
    return rc ? rc : spool_place_read(number, value, out);
}

int spool_table_put_meta(struct spool *s, struct str key, uint64_t n)
{
    unsigned char bytes[8];
    store_put_u64(bytes, n);
    return store_put(s->txn, TABLE_META, key, str_from((char *)bytes, sizeof bytes));
}

/* --- moves */

static int put_place(struct spool *s, uint64_t number, const struct spool_place *to)
{
    struct spool_key key = spool_key_number(number);
    buf_clear(&s->scratch);
    spool_place_write(number, to, &s->scratch);
    return store_put(s->txn, TABLE_PLACES, key_str(&key), buf_str(&s->scratch));
}

int spool_table_move(struct spool *s, uint64_t number, const struct spool_place *from,
                     const struct spool_place *to)
{
    struct spool_key number_key = spool_key_number(number), old = {.len = 0}, now = {.len = 0};
    int rc;
    if (from)
        old = spool_key_place(number, from);
    if (to)
        now = spool_key_place(number, to);
    bool listed = str_eq(key_str(&old), key_str(&now));
    if (to)
        rc = put_place(s, number, to);
    else
        rc = store_delete(s->txn, TABLE_PLACES, key_str(&number_key));
    if (rc == 0 && from && !listed)
        rc = store_delete(s->txn, TABLE_LISTS, key_str(&old));
    if (rc == 0 && to && !listed)
        rc = store_put(s->txn, TABLE_LISTS, key_str(&now), S(""));
    if (rc)
        return rc;
    spool_sums_move(s, from, to);
    spool_twice_move(s, from, to);
    return 0;
}

static void add_number(uint64_t **numbers, size_t *n, size_t *cap, uint64_t number)
{
    if (*n == *cap) {
        *cap = *cap ? 2 * *cap : 64;
        *numbers = mem_grow(*numbers, *cap * sizeof **numbers);
    }
    (*numbers)[(*n)++] = number;
}

int spool_table_members(struct store_txn *t, unsigned list, uint64_t of, uint64_t from, size_t n,
                        uint64_t **out, size_t *out_n)
{
    struct spool_key key = spool_key_list(list, of, from);
    struct store_walk w;
    uint64_t *numbers = NULL;
    size_t got = 0, cap = 0;
    store_walk_init(&w, t, TABLE_LISTS);
    int rc = store_walk_from(&w, key_str(&key));
    for (; rc == 0 && got < n && w.key.len == key.len && memcmp(w.key.ptr, key.bytes, 9) == 0;
         rc = store_walk_next(&w))
        add_number(&numbers, &got, &cap, spool_key_end(w.key));
    store_walk_fini(&w);
    *out = numbers;
    *out_n = got;
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int spool_table_numbers(struct store_txn *t, uint64_t **out, size_t *out_n)
{
    struct store_walk w;
    uint64_t *numbers = NULL;
    size_t n = 0, cap = 0;
    store_walk_init(&w, t, TABLE_PLACES);
    int rc = store_walk_from(&w, S(""));
    for (; rc == 0; rc = store_walk_next(&w))
        add_number(&numbers, &n, &cap, spool_key_end(w.key));
    store_walk_fini(&w);
    *out = numbers;
    *out_n = n;
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* --- pieces */

uint32_t spool_chunks(uint64_t bytes)
{
    return (uint32_t)((bytes + SPOOL_CHUNK - 1) / SPOOL_CHUNK);
}

static char what_of(enum table table)
{
    return table == TABLE_BODIES ? 'b' : 'a';
}

int spool_table_put_pieces(struct spool *s, enum table table, uint64_t number, struct str text)
{
    int rc = 0;
    for (uint32_t i = 0; i < spool_chunks(text.len) && rc == 0; i++) {
        struct spool_key key = spool_key_piece(number, i);
        buf_clear(&s->scratch);
        spool_piece_write(s->key, what_of(table), number, i,
                          str_sub(text, (size_t)i * SPOOL_CHUNK, SPOOL_CHUNK), &s->scratch);
        rc = store_put(s->txn, table, key_str(&key), buf_str(&s->scratch));
    }
    s->txn_bytes += text.len;
    return rc;
}

int spool_table_drop_pieces(struct spool *s, enum table table, uint64_t number, uint64_t bytes)
{
    int rc = 0;
    for (uint32_t i = 0; i < spool_chunks(bytes) && rc == 0; i++) {
        struct spool_key key = spool_key_piece(number, i);
        rc = store_delete(s->txn, table, key_str(&key));
    }
    return rc;
}

int spool_table_pieces(struct store_txn *t, const unsigned char *key, enum table table,
                       uint64_t number, uint64_t bytes, struct buf *out)
{
    size_t before = buf_len(out);
    for (uint32_t i = 0; i < spool_chunks(bytes); i++) {
        struct spool_key piece = spool_key_piece(number, i);
        struct str value;
        int rc = store_get(t, table, key_str(&piece), &value);
        if (rc)
            return rc == ERR_NOT_FOUND ? ERR_BAD : rc;
        rc = spool_piece_read(key, what_of(table), number, i, value, out);
        if (rc)
            return rc;
    }
    return buf_len(out) - before == bytes ? 0 : ERR_BAD;
}

/* --- answers */

struct spool_answer *spool_answer_make(const struct spool_id *id, int status, struct str error_type,
                                       size_t body_bytes)
{
    struct spool_answer *a = mem_new(sizeof *a);
    a->id = *id;
    a->status = status;
    (void)buf_reserve(&a->bytes, error_type.len + body_bytes);
    buf_add(&a->bytes, error_type);
    return a;
}

/* Where the parts are, now that nothing is added any more. */
static void point(struct spool_answer *a, size_t error_type)
{
    a->error_type = str_sub(buf_str(&a->bytes), 0, error_type);
    a->body = str_from_offset(buf_str(&a->bytes), error_type);
}

void spool_answer_free(struct spool_answer *a)
{
    if (!a)
        return;
    buf_fini(&a->bytes);
    mem_free(a);
}

int spool_table_answer(struct spool *s, uint64_t number, struct spool_answer **out)
{
    struct spool_place p;
    struct spool_row row;
    int rc = spool_table_place(s, number, &p);
    if (rc == 0)
        rc = spool_table_row(s, number, &row);
    if (rc)
        return rc;
    struct spool_id id = {.number = number};
    memcpy(id.secret, row.secret, sizeof id.secret);
    struct spool_answer *a = spool_answer_make(&id, row.status, row.error_type, row.answer_bytes);
    a->flags = p.flags;
    a->cost_nanousd = p.cost_nanousd;
    a->saved_nanousd = row.saved_nanousd;
    rc = spool_table_pieces(s->txn, s->key, TABLE_ANSWERS, number, row.answer_bytes, &a->bytes);
    if (rc) {
        spool_answer_free(a);
        return rc;
    }
    point(a, row.error_type.len);
    *out = a;
    return 0;
}

/* --- the end of a record */

static int drop_keys(struct spool *s, uint64_t number, const struct spool_row *row,
                     const struct spool_place *place)
{
    struct spool_key key = spool_key_held(row->key, number);
    int rc = store_delete(s->txn, TABLE_KEYS, key_str(&key));
    if (rc == 0 && place) {
        key = spool_key_given(row->key, place->deliveries, number);
        rc = store_delete(s->txn, TABLE_KEYS, key_str(&key));
    }
    for (size_t at = 0; at < row->attempts.len && rc == 0; at += SPOOL_ATTEMPT) {
        key = spool_key_attempt(row->key, store_get_u64(row->attempts.ptr + at));
        rc = store_delete(s->txn, TABLE_KEYS, key_str(&key));
    }
    return rc;
}

int spool_table_forget(struct spool *s, uint64_t number, const struct spool_row *row,
                       const struct spool_place *place)
{
    struct spool_key key = spool_key_number(number);
    int rc = 0;
    if (row) {
        rc = drop_keys(s, number, row, place);
        if (rc == 0)
            rc = spool_table_drop_pieces(s, TABLE_BODIES, number, row->body_bytes);
        if (rc == 0)
            rc = spool_table_drop_pieces(s, TABLE_ANSWERS, number, row->answer_bytes);
    }
    if (rc == 0)
        rc = store_delete(s->txn, TABLE_SPOOLED, key_str(&key));
    if (rc == 0)
        rc = place ? spool_table_move(s, number, place, NULL)
                   : store_delete(s->txn, TABLE_PLACES, key_str(&key));
    return rc;
}

int spool_table_give_up(struct spool *s, uint64_t number)
{
    struct spool_place place;
    struct spool_row row;
    int no_place = spool_table_place(s, number, &place), no_row = spool_table_row(s, number, &row);
    if (no_place == ERR_NOT_FOUND && no_row == ERR_NOT_FOUND)
        return 0;
    log_say(LOG_ERROR, "spool", "record %" PRIu64 " is damaged and was given up", number);
    pthread_mutex_lock(&s->lock);
    s->counts.failures++;
    pthread_mutex_unlock(&s->lock);
    s->gave_up = true;
    return spool_table_forget(s, number, no_row ? NULL : &row, no_place ? NULL : &place);
}

int spool_table_give_up_listed(struct spool *s, const struct spool_key *listed)
{
    int rc = spool_table_give_up(s, spool_key_end(key_str(listed)));
    return rc ? rc : store_delete(s->txn, TABLE_LISTS, key_str(listed));
}

/* --- pools */

int spool_table_drop_pools(struct spool *s)
{
    unsigned char key[4];
    int rc = 0;
    for (size_t i = s->n_pools; i > 0 && rc == 0; i--) {
        if (!spool_sums_idle(s, s->pools[i - 1]))
            continue;
        store_put_u32(key, s->pools[i - 1]->pool.number);
        rc = store_delete(s->txn, TABLE_POOLS, str_from((char *)key, sizeof key));
        spool_sums_drop(s, i - 1);
    }
    return rc;
}
