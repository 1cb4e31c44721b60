/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/json_edit: order, limits and refusals; and over thousands of generated bodies, that nothing
 * but what was inserted is new: without it the original is back, byte for byte.
 */
#include "json_make.h"
#include "vectors.h"
#include "weir/wire/json_edit.h"
#include "weir/wire/json_scan.h"

enum { EDITS_MOST = 8, PIECES_MOST = JSON_EDIT_PIECES(EDITS_MOST) };

static struct buf joined(const struct str *pieces, size_t n)
{
    struct buf b = {0};
    for (size_t i = 0; i < n; i++)
        buf_add(&b, pieces[i]);
    return b;
}

static void expect(struct json_edit *edits, size_t n, struct str original, struct str want)
{
    struct str pieces[PIECES_MOST];
    ssize_t count = json_edit_pieces(edits, n, original, pieces, JSON_EDIT_PIECES(n));
    assert_true(count >= 0);
    for (ssize_t i = 0; i < count; i++)
        assert_true(pieces[i].len > 0);
    struct buf b = joined(pieces, (size_t)count);
    assert_str(buf_str(&b), want);
    buf_fini(&b);
}

static void splices(void **state)
{
    struct str text = S("{\"a\":1,\"b\":[2]}");
    expect(NULL, 0, text, text);
    expect(NULL, 0, S(""), S(""));
    expect((struct json_edit[]){{13, 0, STR(",3")}, {5, 1, STR("7")}}, 2, text,
           S("{\"a\":7,\"b\":[2,3]}"));
    expect((struct json_edit[]){{0, 0, STR("<")}, {15, 0, STR(">")}}, 2, text,
           S("<{\"a\":1,\"b\":[2]}>"));
    expect((struct json_edit[]){{0, 15, STR("[]")}}, 1, text, S("[]"));
    expect((struct json_edit[]){{1, 6, STR("")}}, 1, text, S("{\"b\":[2]}"));
    expect((struct json_edit[]){{0, 0, STR("x")}}, 1, S(""), S("x"));
}

static void keeps_the_order_at_one_place(void **state)
{
    expect((struct json_edit[]){{2, 2, STR("R")}, {2, 0, STR("1")}, {2, 0, STR("2")}}, 3,
           S("abcdef"), S("ab12Ref"));
    expect((struct json_edit[]){{4, 0, STR("I")}, {2, 2, STR("R")}, {4, 1, STR("S")}}, 3,
           S("abcdef"), S("abRISf"));
}

static void borrows_all(void **state)
{
    struct str text = S("abcdef"), with = S("new"), pieces[3];
    struct json_edit edit = {2, 1, with};
    assert_int_equal(json_edit_pieces(&edit, 1, text, pieces, 3), 3);
    assert_ptr_equal(pieces[0].ptr, text.ptr);
    assert_ptr_equal(pieces[1].ptr, with.ptr);
    assert_ptr_equal(pieces[2].ptr, text.ptr + 3);
}

static void refuses(void **state)
{
    struct str pieces[PIECES_MOST];
    struct json_edit bad[][2] = {
        {{7, 0, STR("x")}, {0, 0, STR("y")}},        {{3, 4, STR("x")}, {0, 0, STR("y")}},
        {{3, SIZE_MAX, STR("x")}, {0, 0, STR("y")}}, {{SIZE_MAX, 2, STR("x")}, {0, 0, STR("y")}},
        {{1, 3, STR("x")}, {3, 2, STR("y")}},        {{1, 3, STR("x")}, {2, 0, STR("y")}},
        {{1, 3, STR("x")}, {1, 3, STR("y")}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(json_edit_pieces(bad[i], 2, S("abcdef"), pieces, PIECES_MOST), ERR_BAD);
    struct json_edit two[] = {{1, 0, STR("x")}, {3, 0, STR("y")}};
    for (size_t max = 0; max < 5; max++)
        assert_int_equal(json_edit_pieces(two, 2, S("abcdef"), pieces, max), ERR_TOO_BIG);
    assert_int_equal(json_edit_pieces(two, 2, S("abcdef"), pieces, 5), 5);
}

/* --- property */

enum { PLACES_MOST = 4096 };

/* Where an element may come into an array: behind each '[' and before each ']'. */
struct place {
    size_t at;
    struct str with;
};

static size_t places_of(struct str text, struct place *places)
{
    struct json_scan s;
    enum json_token t, last = JSON_NULL;
    size_t n = 0;
    json_init(&s, text);
    while ((t = json_next(&s)) > JSON_END && n < PLACES_MOST) {
        if (last == JSON_ARRAY)
            places[n++] = (struct place){s.at, t == JSON_ARRAY_END ? S("{\"new\":[]}") : S("0 ,")};
        else if (t == JSON_ARRAY_END)
            places[n++] = (struct place){s.at, S(",\"\\n\xc3\xa9\"")};
        last = t;
    }
    assert_true(t == JSON_END || n == PLACES_MOST);
    return n;
}

static bool strict(struct str text)
{
    struct json_scan s;
    json_init(&s, text);
    return json_skip(&s) > JSON_END && json_next(&s) == JSON_END;
}

/* Takes the inserted spans out again, knowing only where they were to go. */
static struct buf without(struct str text, const struct json_edit *edits, size_t n)
{
    struct buf b = {0};
    size_t from = 0, grown = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = edits[i].at + grown;
        buf_add(&b, str_sub(text, from, at - from));
        assert_str(str_sub(text, at, edits[i].with.len), edits[i].with);
        from = at + edits[i].with.len;
        grown += edits[i].with.len;
    }
    buf_add(&b, str_from_offset(text, from));
    return b;
}

static void one_body(struct str body)
{
    static struct place places[PLACES_MOST];
    struct json_edit edits[EDITS_MOST];
    struct str pieces[PIECES_MOST];
    size_t n_places = places_of(body, places), n = 0;
    bool taken[PLACES_MOST] = {false};
    for (size_t i = 0; n_places && i < EDITS_MOST; i++) {
        uint64_t p = random_below(n_places);
        if (!taken[p])
            edits[n++] = (struct json_edit){places[p].at, 0, places[p].with};
        taken[p] = true;
    }
    ssize_t count = json_edit_pieces(edits, n, body, pieces, JSON_EDIT_PIECES(n));
    assert_true(count >= 0);
    struct buf edited = joined(pieces, (size_t)count);
    if (!strict(buf_str(&edited)))
        fail_msg("not strict any more: %.*s", STR_ARG(buf_str(&edited)));
    struct buf back = without(buf_str(&edited), edits, n);
    assert_str(buf_str(&back), body);
    buf_fini(&back);
    buf_fini(&edited);
}

static void changes_nothing_else(void **state)
{
    const uint64_t seed = 7041776;
    size_t bytes = 0;
    print_message("# seed %llu\n", (unsigned long long)seed);
    random_seed(seed);
    for (int i = 0; i < 20000; i++) {
        struct buf b = {0};
        json_make_value(&b, 4);
        bytes += buf_len(&b);
        one_body(buf_str(&b));
        buf_fini(&b);
    }
    random_seed(0);
    assert_true(bytes > 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splices),
        cmocka_unit_test(keeps_the_order_at_one_place),
        cmocka_unit_test(borrows_all),
        cmocka_unit_test(refuses),
        cmocka_unit_test(changes_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
