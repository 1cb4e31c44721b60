/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/prefix: what is put is found while there is room; a full index keeps what comes back; each
 * change is saved once; rows come back as they were, and damaged ones not at all. Every index has
 * memory of exactly its size, so that the sanitizers see a byte too many.
 */
#include "weir/plan/prefix.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KIB = 1024, MANY = 100000 };

static struct prefix_index *make(size_t size_bytes)
{
    void *memory = aligned_alloc(64, size_bytes);
    assert_non_null(memory);
    memset(memory, 0xa5, size_bytes); /* what it was before does not matter */
    return prefix_init(memory, size_bytes);
}

/* The i-th of a sequence without repetitions that looks random (splitmix64). */
static uint64_t key(uint64_t i)
{
    uint64_t z = (i + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static struct prefix *visit(struct prefix_index *x, uint64_t k, uint32_t now)
{
    struct prefix *p = prefix_put(x, k);
    p->last = now;
    p->count = (uint16_t)(p->count + 1);
    p->dirty = 1;
    return p;
}

static size_t known(struct prefix_index *x, uint64_t from, uint64_t n)
{
    size_t found = 0;
    for (uint64_t i = 0; i < n; i++)
        found += prefix_find(x, key(from + i)) != NULL;
    return found;
}

static struct prefix_counts counts(const struct prefix_index *x)
{
    struct prefix_counts c;
    prefix_count(x, &c);
    return c;
}

static void ticks(void **state)
{
    assert_int_equal(prefix_tick(0), 1);
    assert_int_equal(prefix_tick(1767225600000), 1);
    assert_int_equal(prefix_tick(1767225600000 + 60000), 600);
    assert_int_equal(prefix_tick(INT64_MAX), UINT32_MAX);
}

static void a_new_one_has_only_its_key(void **state)
{
    struct prefix_index *x = make(PREFIX_LEAST_BYTES);
    struct prefix expect = {.key = 77};
    assert_null(prefix_find(x, 77));
    assert_memory_equal(prefix_put(x, 77), &expect, sizeof expect);
    prefix_put(x, 77)->tokens = 5;
    prefix_fetch(x, 77);
    assert_int_equal(prefix_find(x, 77)->tokens, 5);
    assert_int_equal(counts(x).entries, 1);
    free(x);
}

/* 0 is what a free place has. */
static void a_key_of_zero_is_one_too(void **state)
{
    struct prefix_index *x = make(PREFIX_LEAST_BYTES);
    assert_null(prefix_find(x, 0));
    prefix_put(x, 0)->tokens = 9;
    assert_int_equal(prefix_find(x, 0)->tokens, 9);
    assert_int_equal(counts(x).entries, 1);
    free(x);
}

/* Through all its doublings: nearly nothing gives way while it is not half full. */
static void what_was_put_is_found(void **state)
{
    struct prefix_index *x = make((size_t)64 * MANY * 3);
    for (uint32_t i = 0; i < MANY; i++)
        visit(x, key(i), i + 1)->tokens = i;
    for (uint32_t i = 0; i < MANY; i++) {
        struct prefix *p = prefix_find(x, key(i));
        assert_true(!p || (p->key == key(i) && p->tokens == i));
    }
    assert_true(known(x, 0, MANY) > MANY - MANY / 100);
    assert_int_equal(known(x, MANY, MANY), 0);
    assert_int_equal(counts(x).entries, known(x, 0, MANY));
    assert_int_equal(counts(x).entries + counts(x).evicted, MANY);
    free(x);
}

/* Whatever the size, all of it is used, and nothing else. */
static void memory_is_used_to_its_end(void **state)
{
    static const size_t sizes[] = {64, 65, 127, 128, 129, 200, 1000, 1024, 1025};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t size_bytes = sizes[i] * KIB, lines = size_bytes / 64;
        struct prefix_index *x = make(size_bytes);
        for (uint32_t k = 0; k < 20 * lines; k++)
            visit(x, key(k), k + 1);
        struct prefix_counts c = counts(x);
        assert_true(c.entries == c.most && c.most < lines && c.most >= lines - lines / 16 - 16);
        assert_int_equal(c.entries + c.evicted, 20 * lines);
        free(x);
    }
}

/* It touches a part of a large memory that is in proportion to what is in it. */
static void it_fills_from_the_front(void **state)
{
    size_t size_bytes = 4096 * KIB, untouched = 0;
    struct prefix_index *x = make(size_bytes);
    for (uint32_t k = 0; k < 2000; k++)
        visit(x, key(k), k + 1);
    const unsigned char *end = (const unsigned char *)x + size_bytes;
    while (end[-1 - (ptrdiff_t)untouched] == 0xa5)
        untouched++;
    assert_true(size_bytes - untouched <= 6 * 64 * 2000 + 64);
    free(x);
}

/* 1,000 that come back, in a stream of what is seen once: first within the index' reach (it has
 * 16,256 places), then only after nearly twice of that. */
static void what_came_back_stays(void **state)
{
    struct prefix_index *x = make(1024 * KIB);
    uint32_t now = 0;
    uint64_t once = 1000000;
    for (uint64_t i = 0; i < 5000; i++) {
        visit(x, key(i % 1000), ++now);
        for (int j = 0; j < 5; j++)
            visit(x, key(once++), ++now);
    }
    assert_true(known(x, 0, 1000) > 990);
    size_t lost = 0;
    for (uint64_t i = 0; i < 5000; i++) {
        lost += prefix_find(x, key(i % 1000)) == NULL;
        visit(x, key(i % 1000), ++now);
        for (int j = 0; j < 25; j++)
            visit(x, key(once++), ++now);
    }
    assert_true(lost < 50);
    assert_int_equal(known(x, 1000000, 10000), 0);
    assert_true(known(x, once - 5000, 5000) > 4950);
    free(x);
}

/* ... but not for ever: 10,000 that came back, then never again. */
static void what_stopped_coming_back_goes(void **state)
{
    struct prefix_index *x = make(1024 * KIB);
    uint32_t now = 0;
    for (uint64_t i = 0; i < 50000; i++)
        visit(x, key(i % 10000), ++now);
    assert_true(known(x, 0, 10000) > 9000);
    for (uint64_t i = 0; i < 1600000; i++)
        visit(x, key(1000000 + i), ++now);
    assert_int_equal(known(x, 0, 10000), 0);
    free(x);
}

/* --- walks */

static size_t take_all(struct prefix_index *x, size_t slice, unsigned *times)
{
    struct prefix rows[100];
    size_t cursor = 0, n = 0;
    do {
        size_t got = prefix_take_dirty(x, &cursor, rows, slice);
        assert_true(got <= slice);
        for (size_t i = 0; i < got; i++)
            times[rows[i].tokens]++;
        n += got;
    } while (cursor);
    return n;
}

static void each_change_is_taken_once(void **state)
{
    static unsigned times[10000];
    struct prefix_index *x = make((size_t)64 * 40000);
    memset(times, 0, sizeof times);
    for (uint32_t i = 0; i < 10000; i++)
        visit(x, key(i), 1)->tokens = i;
    size_t there = counts(x).entries;
    assert_int_equal(take_all(x, 100, times), there);
    assert_int_equal(take_all(x, 100, times), 0);
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(times[i], prefix_find(x, key(i)) != NULL);
    for (uint32_t i = 0; i < 10; i++)
        if (prefix_find(x, key(i)))
            visit(x, key(i), 2);
    assert_int_equal(take_all(x, 1, times), known(x, 0, 10));
    free(x);
}

static void all_is_taken_again(void **state)
{
    static unsigned times[10000];
    struct prefix_index *x = make((size_t)64 * 40000);
    size_t cursor = 0, slices = 0;
    memset(times, 0, sizeof times);
    for (uint32_t i = 0; i < 5000; i++)
        visit(x, key(i), 1)->tokens = i;
    size_t there = take_all(x, 100, times);
    do {
        prefix_make_dirty(x, &cursor, 1000);
        slices++;
    } while (cursor);
    assert_true(slices > 4);
    assert_int_equal(take_all(x, 100, times), there);
    assert_int_equal(counts(x).entries, there); /* a free place is not dirty */
    free(x);
}

/* What is put between two slices, and moves since the index doubles, is passed over by none. */
static void nothing_is_passed_over_while_it_grows(void **state)
{
    static unsigned times[10000];
    struct prefix_index *x = make((size_t)64 * 40000);
    struct prefix rows[16];
    size_t cursor = 0, entries = 0;
    uint32_t i = 0;
    memset(times, 0, sizeof times);
    for (; i < 1000; i++)
        visit(x, key(i), 1)->tokens = i;
    size_t old = known(x, 0, 1000);
    do {
        size_t n = prefix_take_dirty(x, &cursor, rows, 16);
        for (size_t j = 0; j < n; j++)
            times[rows[j].tokens]++;
        for (int more = 0; more < 20 && i < 10000; more++, i++)
            visit(x, key(i), 2)->tokens = i;
    } while (cursor);
    for (uint32_t j = 0; j < 1000; j++)
        if (prefix_find(x, key(j)))
            assert_int_equal(times[j], 1);
    assert_true(old > 950);
    for (const struct prefix *p; (p = prefix_next(x, &cursor)) != NULL; entries++)
        assert_ptr_equal(prefix_find(x, p->key), p);
    assert_int_equal(entries, counts(x).entries);
    free(x);
}

/* --- rows */

static struct prefix sample(void)
{
    struct prefix p = {.key = key(3),
                       .last = 276480000,
                       .cached_until = 276483000,
                       .tokens = 20480,
                       .gap = 31.5F,
                       .line_gap = 4.25F,
                       .count = 12,
                       .turn = 3,
                       .ttl = 1,
                       .section = 2};
    p.more[sizeof p.more - 1] = 7;
    return p;
}

static void rows_come_back(void **state)
{
    struct prefix p = sample(), seen_once = {.key = 5, .last = 9}, out;
    struct buf b = {0};
    p.dirty = 1;
    prefix_write(&p, &b);
    assert_int_equal(buf_len(&b), PREFIX_ROW_MOST);
    assert_int_equal(prefix_read(p.key, buf_str(&b), &out), 0);
    p.dirty = 0;
    assert_memory_equal(&out, &p, sizeof p);
    buf_clear(&b);
    prefix_write(&seen_once, &b);
    assert_true(buf_len(&b) < 12);
    assert_int_equal(prefix_read(5, buf_str(&b), &out), 0);
    assert_memory_equal(&out, &seen_once, sizeof out);
    buf_fini(&b);
}

static void damage_is_refused(void **state)
{
    struct prefix p = sample(), out = {.key = 1};
    struct buf b = {0};
    prefix_write(&p, &b);
    struct str row = buf_str(&b);
    assert_int_equal(prefix_read(p.key + 1, row, &out), ERR_BAD);
    for (size_t n = 0; n < row.len; n++)
        assert_int_equal(prefix_read(p.key, str_sub(row, 0, n), &out), ERR_BAD);
    for (size_t bit = 0; bit < row.len * 8; bit++) {
        b.data[b.head + bit / 8] = (char)(b.data[b.head + bit / 8] ^ 1 << bit % 8);
        assert_int_equal(prefix_read(p.key, row, &out), ERR_BAD);
        b.data[b.head + bit / 8] = (char)(b.data[b.head + bit / 8] ^ 1 << bit % 8);
    }
    buf_add(&b, S("x"));
    assert_int_equal(prefix_read(p.key, buf_str(&b), &out), ERR_BAD);
    assert_int_equal(out.key, 1);
    buf_fini(&b);
}

/* Written whole, but no entry can be like that. */
static void nonsense_is_refused(void **state)
{
    struct prefix bad[5], out;
    for (size_t i = 0; i < 5; i++)
        bad[i] = sample();
    bad[0].gap = NAN;
    bad[1].gap = -1;
    bad[2].line_gap = INFINITY;
    bad[3].ttl = 9;
    bad[4].section = 3;
    for (size_t i = 0; i < 5; i++) {
        struct buf b = {0};
        prefix_write(&bad[i], &b);
        assert_int_equal(prefix_read(bad[i].key, buf_str(&b), &out), ERR_BAD);
        buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks),
        cmocka_unit_test(a_new_one_has_only_its_key),
        cmocka_unit_test(a_key_of_zero_is_one_too),
        cmocka_unit_test(what_was_put_is_found),
        cmocka_unit_test(memory_is_used_to_its_end),
        cmocka_unit_test(it_fills_from_the_front),
        cmocka_unit_test(what_came_back_stays),
        cmocka_unit_test(what_stopped_coming_back_goes),
        cmocka_unit_test(each_change_is_taken_once),
        cmocka_unit_test(all_is_taken_again),
        cmocka_unit_test(nothing_is_passed_over_while_it_grows),
        cmocka_unit_test(rows_come_back),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
