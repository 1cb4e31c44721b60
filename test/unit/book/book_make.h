/* SPDX-License-Identifier: Apache-2.0
 *
 * A book for tests, in a folder of its own: records go into sums as slowly and plainly as can be.
 */
#ifndef WEIR_TEST_BOOK_MAKE_H
#define WEIR_TEST_BOOK_MAKE_H

#include "weir/book/rollup.h"
#include "weir/book/series.h"
#include "weir/book/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct made {
    char folder[64], dir[80];
    struct store *store;
    struct store_txn *txn;
    struct series series[64]; /* by number; strings are static */
    uint32_t n_series;
};

static inline void made_init(struct made *m)
{
    char why[512] = "";
    *m = (struct made){.folder = "/tmp/weir-book-XXXXXX"};
    assert_non_null(mkdtemp(m->folder));
    snprintf(m->dir, sizeof m->dir, "%s/meter", m->folder);
    struct store_options o = {.dir = m->dir, .size_bytes = 64 << 20};
    if (store_open(&o, &m->store, why, sizeof why))
        fail_msg("%s", why);
    assert_int_equal(store_begin(m->store, true, &m->txn), 0);
}

static inline void made_commit(struct made *m)
{
    assert_int_equal(store_commit(m->txn), 0);
    assert_int_equal(store_begin(m->store, true, &m->txn), 0);
}

static inline void made_fini(struct made *m)
{
    char command[160];
    store_abort(m->txn);
    store_close(m->store);
    snprintf(command, sizeof command, "rm -r %s", m->folder);
    assert_int_equal(system(command), 0);
}

static inline void made_put(struct made *m, enum table table, struct str key, struct buf *value)
{
    assert_int_equal(store_put(m->txn, table, key, buf_str(value)), 0);
    buf_fini(value);
}

static inline uint32_t made_number(struct made *m, const struct series *s)
{
    uint32_t n = 0;
    while (n < m->n_series && series_cmp(&m->series[n], s) != 0)
        n++;
    if (n < m->n_series)
        return n;
    assert_true(n < sizeof m->series / sizeof *m->series);
    m->series[m->n_series++] = *s;
    unsigned char key[4];
    struct buf value = {0};
    store_put_u32(key, n);
    series_write(s, &value);
    made_put(m, TABLE_SERIES, str_from((char *)key, 4), &value);
    return n;
}

static inline void made_sum(struct made *m, enum table table, uint32_t time, uint32_t series,
                            const struct record *r)
{
    unsigned char bytes[8] = {0};
    struct str key = str_from((char *)bytes, 8), old;
    struct rollup sum = {0};
    struct buf value = {0};
    store_put_u32(bytes, time);
    store_put_u32(bytes + 4, series);
    if (store_get(m->txn, table, key, &old) == 0)
        assert_int_equal(rollup_read(old, &sum), 0);
    rollup_add(&sum, r);
    rollup_write(&sum, &value);
    rollup_fini(&sum);
    made_put(m, table, key, &value);
}

static inline void made_add(struct made *m, const struct record *r)
{
    struct series s = {r->client, r->workload, r->model, r->lane};
    uint32_t n = made_number(m, &s), minute = (uint32_t)(r->time_ms / 60000);
    made_sum(m, TABLE_MINUTES, minute, n, r);
    made_sum(m, TABLE_HOURS, minute / 60, n, r);
    made_sum(m, TABLE_DAYS, minute / 1440, n, r);
    unsigned char key[8 + RECORD_ID_BYTES];
    struct buf value = {0};
    store_put_u64(key, (uint64_t)r->time_ms);
    for (size_t i = 0; i < RECORD_ID_BYTES; i++)
        key[8 + i] = r->id[i];
    record_write(r, &value);
    made_put(m, TABLE_RECORDS, str_from((char *)key, sizeof key), &value);
}

static inline void made_gap(struct made *m, int64_t from_ms, int64_t until_ms, uint64_t records)
{
    unsigned char key[8];
    struct buf value = {0};
    store_put_u64(key, (uint64_t)from_ms);
    gap_write(&(struct gap){from_ms, until_ms, records}, &value);
    made_put(m, TABLE_GAPS, str_from((char *)key, 8), &value);
}

/* Forgets what a table has before `time`. */
static inline void made_forget(struct made *m, enum table table, uint32_t time)
{
    for (;;) {
        struct store_walk w;
        unsigned char key[8];
        store_walk_init(&w, m->txn, table);
        int err = store_walk_from(&w, S(""));
        bool old = !err && store_get_u32(w.key.ptr) < time;
        for (size_t i = 0; old && i < 8; i++)
            key[i] = (unsigned char)w.key.ptr[i];
        store_walk_fini(&w);
        if (!old)
            return;
        assert_int_equal(store_delete(m->txn, table, str_from((char *)key, 8)), 0);
    }
}

#endif
