/* SPDX-License-Identifier: Apache-2.0
 *
 * What is deleted when: an answer that was delivered, `replay` later; one that nobody fetched, or
 * that a ticket was told of, `keep` after it came. Of a ticket a tombstone stays for 30 days, so
 * that its owner learns that it is gone, and nobody else anything. In slices of some milliseconds:
 * nobody waits long behind one.
 */
#include "spool_private.h"

#include "weir/base/clock.h"

#include <string.h>

enum { GONE_DAYS = 30, SLICE = 250, SLICE_BYTES = 8 * 1024 * 1024 };
#define MS_A_DAY 86400000LL

static int put_gone(struct spool *s, uint64_t number, const struct spool_row *row)
{
    struct spool_key key = spool_key_number(number);
    struct spool_gone gone = {.until_ms = clock_wall_ms() + GONE_DAYS * MS_A_DAY};
    struct spool_id id = {.number = number};
    memcpy(id.secret, row->secret, sizeof id.secret);
    spool_hash_ticket(&id, row->client, gone.hash);
    buf_clear(&s->scratch);
    spool_gone_write(number, &gone, &s->scratch);
    return store_put(s->txn, TABLE_GONE, spool_key_str(&key), buf_str(&s->scratch));
}

/* An answer that is on its way is forgotten the next time. */
static int forget(struct spool *s, const struct spool_key *listed)
{
    uint64_t number = spool_key_end(spool_key_str(listed));
    struct spool_place place;
    struct spool_row row;
    int rc = spool_table_place(s, number, &place);
    if (rc == 0)
        rc = spool_table_row(s, number, &row);
    if (rc == ERR_BAD || rc == ERR_NOT_FOUND)
        return spool_table_give_up_listed(s, listed);
    if (rc == 0 && place.ticketed)
        rc = put_gone(s, number, &row);
    s->txn_bytes += row.answer_bytes;
    return rc ? rc : spool_table_forget(s, number, &row, &place);
}

/* The first of a list by time that is from before `before_ms`. */
static int next_of(struct store_txn *t, unsigned list, int64_t before_ms, struct spool_key *out)
{
    struct spool_key from = spool_key_list(list, 0, 0);
    struct store_walk w;
    store_walk_init(&w, t, TABLE_LISTS);
    int rc = store_walk_from(&w, spool_key_str(&from));
    if (rc == 0 && (w.key.len != from.len || (unsigned char)w.key.ptr[0] != list ||
                    (int64_t)store_get_u64(w.key.ptr + 1) > before_ms))
        rc = ERR_NOT_FOUND;
    *out = from;
    if (rc == 0)
        memcpy(out->bytes, w.key.ptr, w.key.len);
    store_walk_fini(&w);
    return rc;
}

static int forget_list(struct spool *s, unsigned list, int64_t before_ms, size_t *left)
{
    int rc = 0;
    while (rc == 0 && *left > 0 && s->txn_bytes < SLICE_BYTES) {
        struct spool_key listed;
        rc = next_of(s->txn, list, before_ms, &listed);
        if (rc == 0)
            rc = forget(s, &listed);
        --*left;
    }
    return rc == ERR_NOT_FOUND ? 0 : rc == 0 ? 1 : rc;
}

/* The first tombstone, in the order of numbers, which is nearly that of time. */
static int next_gone(struct store_txn *t, int64_t now_ms, uint64_t *out)
{
    struct spool_gone gone;
    struct store_walk w;
    store_walk_init(&w, t, TABLE_GONE);
    int rc = store_walk_from(&w, S(""));
    if (rc == 0) {
        *out = spool_key_end(w.key);
        if (spool_gone_read(*out, w.value, &gone) == 0 && gone.until_ms > now_ms)
            rc = ERR_NOT_FOUND;
    }
    store_walk_fini(&w);
    return rc;
}

static int forget_gone(struct spool *s, int64_t now_ms, size_t *left)
{
    int rc = 0;
    while (rc == 0 && *left > 0) {
        uint64_t number;
        rc = next_gone(s->txn, now_ms, &number);
        if (rc == 0) {
            struct spool_key key = spool_key_number(number);
            rc = store_delete(s->txn, TABLE_GONE, spool_key_str(&key));
        }
        --*left;
    }
    return rc == ERR_NOT_FOUND ? 0 : rc == 0 ? 1 : rc;
}

/* A clock that jumps ahead must not forget what nobody had time to fetch. */
static int64_t now_for_this(struct spool *s)
{
    return prune_clock_now(&s->clock, clock_wall_ms(), clock_mono_ns());
}

int spool_forget_do(struct spool *s)
{
    int64_t now_ms = now_for_this(s);
    size_t left = SLICE;
    int rc = forget_list(s, LIST_DELIVERED, now_ms - atomic_load(&s->replay_ms), &left);
    if (rc == 0)
        rc = forget_list(s, LIST_DONE, now_ms - atomic_load(&s->keep_ms), &left);
    return rc ? rc : forget_gone(s, now_ms, &left);
}

bool spool_forget_due(struct spool *s)
{
    struct store_txn *t;
    int64_t now_ms = now_for_this(s);
    struct spool_key listed;
    uint64_t number;
    if (store_begin(s->store, false, &t) != 0)
        return false;
    bool due = next_of(t, LIST_DELIVERED, now_ms - atomic_load(&s->replay_ms), &listed) == 0 ||
               next_of(t, LIST_DONE, now_ms - atomic_load(&s->keep_ms), &listed) == 0 ||
               next_gone(t, now_ms, &number) == 0;
    store_abort(t);
    return due;
}
