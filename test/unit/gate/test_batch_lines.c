/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/batch_lines: a stream cut into lines, wherever the network cut it, in bounded memory.
 */
#include "../../../src/gate/batch_lines.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char text[] = "one\n\ntwo and more\nthree\n x\nlast";
static const size_t n_lines = 6;

/* All lines, "|" behind each, and the place behind each. */
static void take(struct batch_lines *l, struct buf *out, uint64_t *places, size_t *n)
{
    struct str line;
    while (batch_lines_next(l, &line)) {
        buf_add(out, line);
        buf_add_char(out, '|');
        places[(*n)++] = l->at;
    }
}

static void is_cut_anywhere(void **state)
{
    for (size_t cut = 0; cut < sizeof text; cut++)
        for (size_t second = cut; second < sizeof text; second++) {
            static const uint64_t ends[] = {4, 5, 18, 24, 27, 31};
            struct batch_lines l;
            struct buf got = {0};
            uint64_t places[8];
            size_t n = 0;
            batch_lines_init(&l, 0, 100);
            batch_lines_add(&l, str_from(text, cut));
            if (cut % 2)
                take(&l, &got, places, &n);
            batch_lines_add(&l, str_from(text + cut, second - cut));
            take(&l, &got, places, &n);
            batch_lines_add(&l, str_from(text + second, sizeof text - 1 - second));
            batch_lines_end(&l);
            take(&l, &got, places, &n);
            assert_string_equal(buf_cstr(&got), "one||two and more|three| x|last|");
            assert_int_equal(n, n_lines);
            assert_memory_equal(places, ends, sizeof ends);
            batch_lines_fini(&l);
            buf_fini(&got);
        }
}

static void begins_in_the_middle(void **state)
{
    struct batch_lines l;
    struct str line;
    batch_lines_init(&l, 18, 100);
    batch_lines_add(&l, str_of(text + 18));
    assert_true(batch_lines_next(&l, &line) && str_eq(line, S("three")));
    assert_int_equal(l.at, 24);
    batch_lines_fini(&l);
}

static void has_no_line_behind_the_last_newline(void **state)
{
    struct batch_lines l;
    struct str line;
    batch_lines_init(&l, 0, 100);
    batch_lines_add(&l, S("a\n"));
    batch_lines_end(&l);
    assert_true(batch_lines_next(&l, &line) && str_eq(line, S("a")));
    assert_false(batch_lines_next(&l, &line));
    assert_int_equal(l.at, 2);
    batch_lines_fini(&l);
}

/* The place counts what was dropped; the lines around it are whole. */
static void drops_what_is_too_long(void **state)
{
    struct str bytes = S("ab\n0123456789ABCDEF0123456789\ncd\n0123456789ABCDEF0123456789");
    for (size_t step = 1; step <= 20; step++) {
        struct batch_lines l;
        struct buf got = {0};
        uint64_t places[8];
        size_t n = 0;
        batch_lines_init(&l, 0, 15);
        for (size_t at = 0; at < bytes.len; at += step) {
            batch_lines_add(&l, str_sub(bytes, at, step));
            if (l.whole > 15 || batch_lines_stuck(&l))
                take(&l, &got, places, &n);
            assert_true(buf_len(&l.in) <= 2 * (15 + step));
        }
        batch_lines_end(&l);
        take(&l, &got, places, &n);
        if (step <= 10) {
            assert_string_equal(buf_cstr(&got), "ab|cd|");
            assert_int_equal(l.dropped, 2);
        }
        assert_int_equal(l.at, bytes.len);
        batch_lines_fini(&l);
        buf_fini(&got);
    }
}

/* 64 MB in pieces of 16 KB, lines of 1 KB and some of a megabyte: a few slices are held. */
static void holds_little_of_much(void **state)
{
    static char piece[16 * 1024];
    struct batch_lines l;
    struct str line;
    uint64_t taken = 0;
    for (size_t i = 0; i < sizeof piece; i++)
        piece[i] = i % 1024 == 1023 ? '\n' : 'x';
    batch_lines_init(&l, 0, 256 * 1024);
    for (unsigned i = 0; i < 4096; i++) {
        struct str bytes = str_from(piece, i % 100 < 64 ? 1000 : sizeof piece);
        batch_lines_add(&l, bytes);
        while ((l.n > 256 || batch_lines_stuck(&l)) && batch_lines_next(&l, &line))
            taken++;
        assert_true(l.in.cap <= 2 * 1024 * 1024);
    }
    assert_true(taken > 20000);
    batch_lines_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_cut_anywhere),
        cmocka_unit_test(begins_in_the_middle),
        cmocka_unit_test(has_no_line_behind_the_last_newline),
        cmocka_unit_test(drops_what_is_too_long),
        cmocka_unit_test(holds_little_of_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
