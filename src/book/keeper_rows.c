/* SPDX-License-Identifier: Apache-2.0
 *
 * How the prefixes' environment is read and written. Walks go on behind the last key in a new
 * transaction after some thousand rows: no page is held for long.
 *
 * Forgetting counts ages in a histogram with steps of a sixteenth (ages from none to 13 years are
 * 512 steps), finds the step from which on there are too many, and deletes exactly as many rows as
 * are too many. Both walks are over the whole table: that is some hundred milliseconds, once in a
 * quarter of all rows.
 */
#include "keeper_rows.h"

#include "weir/base/hash.h"
#include "weir/base/mem.h"
#include "weir/base/varint.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY = 8, /* bytes */
    MINUTE = 4,
    SLICE_ROWS = 20000, /* of a reading transaction: some milliseconds */
    NAMED_AT_ONCE = 1024 * 1024,
    STEPS = 512
};

/* The lowest byte first: an index' place goes by a key's upper bits, and rows that came in the
 * order of places would all begin in one set of an index that still grows. By the lower bits they
 * come shard by shard, each in no order, and are taken so as well. */
static void put_key(unsigned char out[KEY], uint64_t key)
{
    store_put_u64(out, __builtin_bswap64(key));
}

static uint64_t key_of(struct str key)
{
    return __builtin_bswap64(store_get_u64(key.ptr));
}

/* --- walks */

typedef void each_row(void *arg, struct str key, struct str value);

/* From behind `last` on (0 bytes: from the first); 1: there is more. */
static int walk_slice(struct store_txn *t, enum table table, size_t rows, unsigned char last[KEY],
                      size_t *last_len, each_row *each, void *arg)
{
    struct store_walk w;
    store_walk_init(&w, t, table);
    struct str from = str_from((char *)last, *last_len);
    int rc = store_walk_from(&w, from);
    if (rc == 0 && from.len && str_eq(w.key, from))
        rc = store_walk_next(&w);
    for (size_t i = 0; rc == 0 && i < rows; i++, rc = store_walk_next(&w)) {
        if (w.key.len != KEY) {
            rc = ERR_BAD;
            break;
        }
        each(arg, w.key, w.value);
        *last_len = KEY;
        memcpy(last, w.key.ptr, KEY);
    }
    store_walk_fini(&w);
    return rc == 0 ? 1 : rc == ERR_NOT_FOUND ? 0 : rc;
}

static int walk_all(struct store *s, enum table table, each_row *each, void *arg,
                    const atomic_bool *stop)
{
    unsigned char last[KEY];
    size_t last_len = 0;
    int rc = 1;
    while (rc == 1 && !(stop && atomic_load(stop))) {
        struct store_txn *t;
        rc = store_begin(s, false, &t);
        if (rc)
            return rc;
        rc = walk_slice(t, table, SLICE_ROWS, last, &last_len, each, arg);
        store_abort(t);
    }
    return rc < 0 ? rc : ERR_OK;
}

/* --- reading */

static bool read_named(struct str value, uint32_t *minute, struct str *name, struct str *bytes)
{
    uint64_t len;
    struct str rest = str_from_offset(value, MINUTE);
    if (value.len < MINUTE || !varint_take(&rest, &len) || len > rest.len)
        return false;
    *minute = store_get_u32(value.ptr);
    *name = str_sub(rest, 0, len);
    *bytes = str_from_offset(rest, len);
    return true;
}

static void on_named(void *arg, struct str key, struct str value)
{
    const struct keeper_rows *to = arg;
    struct str name, bytes;
    uint32_t minute;
    if (read_named(value, &minute, &name, &bytes))
        to->named(to->arg, name, bytes);
}

static void on_prefix(void *arg, struct str key, struct str value)
{
    const struct keeper_rows *to = arg;
    struct prefix p;
    if (prefix_read(key_of(key), value, &p) == 0)
        to->prefix(to->arg, &p);
}

int keeper_rows_read(struct store *s, const struct keeper_rows *to, const atomic_bool *stop)
{
    struct keeper_rows rows = *to;
    int rc = to->named ? walk_all(s, TABLE_NAMED, on_named, &rows, stop) : 0;
    return rc || !to->prefix ? rc : walk_all(s, TABLE_PREFIXES, on_prefix, &rows, stop);
}

/* --- writing */

static int by_key(const void *a, const void *b)
{
    uint64_t x = __builtin_bswap64(((const struct prefix *)a)->key);
    uint64_t y = __builtin_bswap64(((const struct prefix *)b)->key);
    return (x > y) - (x < y);
}

static int put_prefixes(struct store_txn *t, const struct prefix *rows, size_t n)
{
    unsigned char key[KEY];
    struct buf value = {0};
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        buf_clear(&value);
        prefix_write(&rows[i], &value);
        put_key(key, rows[i].key);
        rc = store_put(t, TABLE_PREFIXES, str_from((char *)key, KEY), buf_str(&value));
    }
    buf_fini(&value);
    return rc;
}

static int end_write(struct store_txn *t, int rc)
{
    if (rc == 0)
        return store_commit(t);
    store_abort(t);
    return rc;
}

void keeper_rows_sort(struct prefix *rows, size_t n)
{
    qsort(rows, n, sizeof *rows, by_key);
}

int keeper_rows_write(struct store *s, const struct prefix *rows, size_t n)
{
    struct store_txn *t;
    int rc = store_begin(s, true, &t);
    return rc ? rc : end_write(t, put_prefixes(t, rows, n));
}

/* Waiting: length (4), key, value. */
void keeper_rows_add_named(struct buf *waiting, struct str name, struct str bytes, uint32_t minute)
{
    char head[4 + KEY + MINUTE + VARINT_MOST];
    char *at = varint_put(head + 4 + KEY + MINUTE, name.len);
    size_t value = (size_t)(at - head) - 4 - KEY + name.len + bytes.len;
    assert(value <= STORE_VALUE_MOST);
    store_put_u32((unsigned char *)head, (uint32_t)value);
    store_put_u64((unsigned char *)head + 4, hash64(0, name));
    store_put_u32((unsigned char *)head + 4 + KEY, minute);
    buf_add(waiting, str_from(head, (size_t)(at - head)));
    buf_add(waiting, name);
    buf_add(waiting, bytes);
}

int keeper_rows_write_named(struct store *s, struct buf *waiting, size_t *out_n)
{
    struct store_txn *t;
    struct str rest = buf_str(waiting);
    size_t n = 0;
    int rc = store_begin(s, true, &t);
    if (rc)
        return rc;
    while (rest.len && buf_len(waiting) - rest.len < NAMED_AT_ONCE && rc == 0) {
        size_t value = store_get_u32(rest.ptr);
        rc = store_put(t, TABLE_NAMED, str_sub(rest, 4, KEY), str_sub(rest, 4 + KEY, value));
        rest = str_from_offset(rest, 4 + KEY + value);
        n++;
    }
    rc = end_write(t, rc);
    if (rc)
        return rc;
    buf_consume(waiting, buf_len(waiting) - rest.len);
    *out_n = n;
    return ERR_OK;
}

/* --- forgetting */

struct forget {
    enum table table;
    uint32_t now;
    uint64_t rows, steps[STEPS];
    /* Older than this step go, and of the step itself so many. */
    unsigned step;
    uint64_t of_step;
    unsigned char (*keys)[KEY]; /* KEEPER_ROWS of them */
    size_t n;
};

/* A number's place: its highest bit and the four behind it. */
static unsigned step_of(uint32_t age)
{
    unsigned high = age < 16 ? 3 : 31U - (unsigned)__builtin_clz(age);
    return age < 16 ? age : 16 * (high - 3) + (age >> (high - 4) & 15);
}

/* What cannot be read is older than everything. */
static unsigned step_of_row(const struct forget *f, struct str key, struct str value)
{
    struct prefix p;
    struct str name, bytes;
    uint32_t at;
    if (f->table == TABLE_PREFIXES) {
        if (prefix_read(key_of(key), value, &p) != 0)
            return STEPS - 1;
        at = p.last;
    } else if (!read_named(value, &at, &name, &bytes)) {
        return STEPS - 1;
    }
    return at < f->now ? step_of(f->now - at) : 0;
}

static void count_row(void *arg, struct str key, struct str value)
{
    struct forget *f = arg;
    f->steps[step_of_row(f, key, value)]++;
    f->rows++;
}

static void choose_row(void *arg, struct str key, struct str value)
{
    struct forget *f = arg;
    unsigned step = step_of_row(f, key, value);
    if (step < f->step || (step == f->step && f->of_step == 0))
        return;
    f->of_step -= step == f->step;
    memcpy(f->keys[f->n++], key.ptr, KEY);
}

/* So that `most` stay. */
static void choose_step(struct forget *f, uint64_t most)
{
    uint64_t more = f->rows - most;
    unsigned i = STEPS - 1;
    for (; f->steps[i] < more; i--)
        more -= f->steps[i];
    f->step = i;
    f->of_step = more;
}

/* Chooses among some thousand rows and deletes them; 1: there is more. */
static int forget_slice(struct store *s, struct forget *f, unsigned char last[KEY],
                        size_t *last_len)
{
    struct store_txn *t;
    int rc = store_begin(s, true, &t), more;
    if (rc)
        return rc;
    f->n = 0;
    more = walk_slice(t, f->table, KEEPER_ROWS, last, last_len, choose_row, f);
    rc = more < 0 ? more : 0;
    for (size_t i = 0; i < f->n && rc == 0; i++)
        rc = store_delete(t, f->table, str_from((char *)f->keys[i], KEY));
    rc = end_write(t, rc);
    return rc ? rc : more;
}

int keeper_rows_forget(struct store *s, enum table table, uint64_t most, uint32_t now,
                       const atomic_bool *stop)
{
    struct forget *f = mem_new(sizeof *f);
    unsigned char last[KEY];
    size_t last_len = 0;
    f->table = table;
    f->now = now;
    int rc = walk_all(s, table, count_row, f, stop);
    if (rc == 0 && f->rows > most) {
        choose_step(f, most);
        f->keys = mem_new(KEEPER_ROWS * sizeof *f->keys);
        rc = 1;
    }
    while (rc == 1 && !(stop && atomic_load(stop)))
        rc = forget_slice(s, f, last, &last_len);
    mem_free(f->keys);
    mem_free(f);
    return rc < 0 ? rc : ERR_OK;
}
