/* SPDX-License-Identifier: Apache-2.0
 *
 * Forgetting, in slices: what prune.c decides, at most PRUNE_SLICE rows in a transaction, so that
 * no batch waits for long. The first unit that stays whole is noted before the first row goes
 * ("kept.records" in milliseconds, "kept.minutes", ...), so that readers know where a table is
 * whole.
 */
#include "clerk_private.h"

#include "weir/base/clock.h"
#include "weir/base/mem.h"

#include <string.h>

enum { DAY_MS = 24 * 60 * 60 * 1000, KEY_MOST = 8 + RECORD_ID_BYTES };

static const struct {
    enum table table;
    struct str kept;
    bool wide; /* its key begins with 8 bytes of unit, not 4 */
} tables[] = {
    {TABLE_RECORDS, STR("kept.records"), true}, {TABLE_MINUTES, STR("kept.minutes"), false},
    {TABLE_HOURS, STR("kept.hours"), false},    {TABLE_DAYS, STR("kept.days"), false},
    {TABLE_GAPS, STR("kept.gaps"), true},
};
enum { PRUNED = sizeof tables / sizeof *tables };

static uint64_t unit_of(size_t i, struct str key)
{
    if (key.len < 8)
        return 0;
    return tables[i].wide ? store_get_u64(key.ptr) : store_get_u32(key.ptr);
}

static int look_at(struct clerk *c, struct prune_view *v)
{
    struct store_txn *t;
    int rc = store_begin(c->store, false, &t);
    for (size_t i = 0; i < PRUNED && rc == 0; i++) {
        struct store_walk w;
        store_walk_init(&w, t, tables[i].table);
        rc = store_walk_from(&w, S(""));
        v->has[tables[i].table] = rc == 0;
        if (rc == 0)
            v->first[tables[i].table] = unit_of(i, w.key);
        store_walk_fini(&w);
        if (rc == ERR_NOT_FOUND)
            rc = 0;
        if (rc)
            store_abort(t);
    }
    if (rc)
        return rc;
    store_abort(t);
    return 0;
}

/* The first rows that are to go, and the unit of the last of them. */
struct slice {
    size_t n, len[PRUNE_SLICE];
    unsigned char keys[PRUNE_SLICE][KEY_MOST];
    uint64_t last;
};

static int collect(struct store_txn *t, size_t i, uint64_t below, struct slice *s)
{
    struct store_walk w;
    store_walk_init(&w, t, tables[i].table);
    int rc = store_walk_from(&w, S(""));
    for (; rc == 0 && s->n < PRUNE_SLICE; rc = store_walk_next(&w)) {
        uint64_t unit = unit_of(i, w.key);
        if (unit >= below || w.key.len > KEY_MOST)
            break;
        memcpy(s->keys[s->n], w.key.ptr, w.key.len);
        s->len[s->n++] = w.key.len;
        s->last = unit;
    }
    store_walk_fini(&w);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int delete_slice(struct store_txn *t, size_t i, uint64_t below, struct slice *s)
{
    int rc = collect(t, i, below, s);
    if (rc == 0)
        rc = clerk_put_number(t, tables[i].kept, below == UINT64_MAX ? s->last + 1 : below);
    for (size_t k = 0; k < s->n && rc == 0; k++)
        rc = store_delete(t, tables[i].table, str_from((char *)s->keys[k], s->len[k]));
    return rc;
}

static int carry_out(struct clerk *c, const struct prune_order *o)
{
    struct store_txn *t;
    size_t i = 0;
    while (tables[i].table != o->table)
        i++;
    int rc = store_begin(c->store, true, &t);
    if (rc)
        return rc;
    struct slice *s = mem_new(sizeof *s);
    rc = delete_slice(t, i, o->below, s);
    bool some = s->n > 0;
    mem_free(s);
    if (rc || !some) {
        store_abort(t);
        return rc;
    }
    rc = store_commit(t);
    return rc ? rc : 1;
}

static int64_t now_ms(struct clerk *c)
{
    return prune_clock_now(&c->clock, clock_wall_ms(), clock_mono_ns());
}

int clerk_note_clock(struct clerk *c)
{
    struct store_txn *t;
    int rc = store_begin(c->store, true, &t);
    if (rc)
        return rc;
    rc = clerk_put_number(t, S("kept.clock"), (uint64_t)now_ms(c));
    if (rc == 0)
        return store_commit(t);
    store_abort(t);
    return rc;
}

int clerk_prune(struct clerk *c)
{
    struct prune_order o;
    struct store_size size;
    struct prune_view v = {.now_ms = now_ms(c),
                           .keep_requests_ms = atomic_load(&c->keep_requests_ms)};
    int rc = store_measure(c->store, &size);
    if (rc == 0)
        rc = look_at(c, &v);
    if (rc)
        return rc;
    pthread_mutex_lock(&c->lock);
    c->counts.size = size;
    pthread_mutex_unlock(&c->lock);
    v.used_bytes = size.used_bytes;
    v.limit_bytes = size.limit_bytes;
    return prune_next(&v, &o) ? carry_out(c, &o) : 0;
}

/* --- series */

static bool is_forgotten(const struct series_entry *e, int64_t today)
{
    return e->used && e->number != SERIES_NONE && e->noted_day >= 0 &&
           e->noted_day < today - PRUNE_KEEP_DAYS - 1;
}

static int delete_series(struct store_txn *t, uint32_t number)
{
    unsigned char key[4], used[9];
    store_put_u32(key, number);
    int rc = store_delete(t, TABLE_SERIES, str_from((char *)key, 4));
    return rc ? rc : store_delete(t, TABLE_META, clerk_used_key(number, used));
}

static int delete_forgotten(struct clerk *c, int64_t today, size_t *n)
{
    struct store_txn *t;
    int rc = store_begin(c->store, true, &t);
    if (rc)
        return rc;
    for (uint32_t i = 0; i < c->series.n && *n < PRUNE_SLICE && rc == 0; i++) {
        if (!is_forgotten(&c->series.entries[i], today))
            continue;
        rc = delete_series(t, c->series.entries[i].number);
        (*n)++;
    }
    if (rc == 0)
        return store_commit(t);
    store_abort(t);
    return rc;
}

int clerk_forget(struct clerk *c)
{
    size_t n = 0, some = 0;
    int64_t today = now_ms(c) / DAY_MS;
    for (uint32_t i = 0; i < c->series.n; i++)
        some += is_forgotten(&c->series.entries[i], today);
    int rc = some ? delete_forgotten(c, today, &n) : 0;
    if (rc)
        return rc;
    pthread_mutex_lock(&c->lock);
    for (uint32_t i = 0; i < c->series.n && n > 0; i++) {
        if (!is_forgotten(&c->series.entries[i], today))
            continue;
        series_set_forget(&c->series, i);
        n--;
    }
    pthread_mutex_unlock(&c->lock);
    return some > PRUNE_SLICE;
}
