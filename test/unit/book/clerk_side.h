/* SPDX-License-Identifier: Apache-2.0
 *
 * What the clerk's tests share: one that waits for commits, records to put, and what the book says.
 */
#ifndef WEIR_TEST_BOOK_CLERK_SIDE_H
#define WEIR_TEST_BOOK_CLERK_SIDE_H

#include "folder.h"
#include "weir/base/clock.h"
#include "weir/base/random.h"
#include "weir/book/clerk.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

enum { NOON = 29700000 - 29700000 % 1440 + 720 }; /* a minute in June 2026 */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t came;
    unsigned good, bad;
} ends = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};

static inline void on_end(void *arg, bool good)
{
    pthread_mutex_lock(&ends.lock);
    if (good)
        ends.good++;
    else
        ends.bad++;
    pthread_cond_broadcast(&ends.came);
    pthread_mutex_unlock(&ends.lock);
}

/* Waits until `n` ends have come, and forgets them: were all good? */
static inline bool all_good(unsigned n)
{
    pthread_mutex_lock(&ends.lock);
    while (ends.good + ends.bad < n)
        pthread_cond_wait(&ends.came, &ends.lock);
    bool good = ends.good == n;
    assert(ends.good + ends.bad == n);
    ends.good = ends.bad = 0;
    pthread_mutex_unlock(&ends.lock);
    return good;
}

/* The troubles that were told, newest last. */
static char told[16][512];
static size_t n_told;

static inline void on_trouble(void *arg, const char *sentence)
{
    if (n_told < 16)
        snprintf(told[n_told++], sizeof told[0], "%s", sentence ? sentence : "well");
}

/* Both clocks stand there. */
static inline void stand_at(int64_t second, int64_t minute)
{
    clock_fake(second * 1000000000, minute * 60000);
}

static inline struct clerk *clerk_of(struct folder *at, uint64_t size)
{
    return clerk_new(&(struct clerk_options){.dir = at->meter,
                                             .size_bytes = size,
                                             .keep_requests_ms = 7 * 86400000LL,
                                             .trouble = on_trouble});
}

static inline struct record record_at(int64_t minute, const char *workload)
{
    struct record r = {.time_ms = minute * 60000,
                       .client = S("anonymous"),
                       .workload = str_of(workload),
                       .asked = S("claude"),
                       .model = S("claude"),
                       .operation = S("Converse"),
                       .outcome = S("answered"),
                       .flags = RECORD_INVOCATION,
                       .status = 200,
                       .attempts = 1,
                       .usage = {{100, 10}},
                       .cost_nanousd = 1000,
                       .untouched_nanousd = 1500,
                       .latency_us = 250000,
                       .added_us = 90};
    random_bytes(r.id, sizeof r.id);
    return r;
}

/* It is committed when this returns, or could not be. */
static inline bool put(struct clerk *c, struct record r)
{
    clerk_record(c, &r, on_end, NULL);
    return all_good(1);
}

/* Everything sent before is committed when this returns true. */
static inline bool settle(struct clerk *c)
{
    clerk_note(c, S("test"), S("x"), on_end, NULL);
    return all_good(1);
}

static inline bool close_minute(struct clerk *c, uint32_t minute)
{
    clerk_close_minute(c, minute, on_end, NULL);
    return all_good(1);
}

static inline bool compact(struct clerk *c)
{
    clerk_compact(c, on_end, NULL);
    return all_good(1);
}

/* --- what is in the book. */
static inline struct store_txn *reading(struct clerk *c)
{
    struct store_txn *t;
    struct store *s = clerk_read_begin(c);
    assert_non_null(s);
    assert_int_equal(store_begin(s, false, &t), 0);
    return t;
}

static inline void read_over(struct clerk *c, struct store_txn *t)
{
    store_abort(t);
    clerk_read_end(c);
}

/* The sum of a table's rows from `from` to `until` (not included), all series; *out_rows may be
 * NULL. */
static inline struct rollup sum_of(struct clerk *c, enum table table, uint32_t from, uint32_t until,
                                   size_t *out_rows)
{
    struct rollup all = {0}, one;
    struct store_walk w;
    unsigned char key[4];
    size_t rows = 0;
    struct store_txn *t = reading(c);
    store_put_u32(key, from);
    store_walk_init(&w, t, table);
    for (int rc = store_walk_from(&w, str_from((char *)key, 4)); rc == 0;
         rc = store_walk_next(&w)) {
        if (store_get_u32(w.key.ptr) >= until)
            break;
        one = (struct rollup){0};
        assert_int_equal(rollup_read(w.value, &one), 0);
        rollup_merge(&all, &one);
        rollup_fini(&one);
        rows++;
    }
    store_walk_fini(&w);
    read_over(c, t);
    if (out_rows)
        *out_rows = rows;
    return all;
}

/* Requests in those rows. */
static inline uint64_t requests(struct clerk *c, enum table table, uint32_t from, uint32_t until)
{
    struct rollup r = sum_of(c, table, from, until, NULL);
    uint64_t n = r.counts[ROLLUP_REQUESTS];
    rollup_fini(&r);
    return n;
}

static inline uint64_t rows_of(struct clerk *c, enum table table)
{
    struct store_size size;
    struct store *s = clerk_read_begin(c);
    assert_non_null(s);
    assert_int_equal(store_measure(s, &size), 0);
    clerk_read_end(c);
    return size.rows[table];
}

static inline struct clerk_counts counts_of(struct clerk *c)
{
    struct clerk_counts n;
    clerk_count(c, &n);
    return n;
}

#endif
