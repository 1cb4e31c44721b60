/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/json_string: what a string means: escapes, pairs, what has no meaning, and limits.
 */
#include "vectors.h"
#include "weir/wire/json_string.h"

/* `text` with ptr NULL: the string has a lone surrogate and no text. */
static const struct {
    struct str raw, text;
} cases[] = {
    {STR("\"\""), STR("")},
    {STR("\"model\""), STR("model")},
    {STR("\"mod\\u0065l\""), STR("model")},
    {STR("\"\\u006dodel\""), STR("model")},
    {STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), STR("\"\\/\b\f\n\r\t")},
    {STR("\"a\\u0000b\""), STR("a\0b")},
    {STR("\"\\u007f\\u0080\\u07ff\\u0800\\uFFFF\""),
     STR("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf")},
    {STR("\"\\ud83c\\udf0a!\""), STR("\xf0\x9f\x8c\x8a!")},
    {STR("\"\\uD800\\uDC00\\uDBFF\\uDFFF\""), STR("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")},
    {STR("\"\xe6\xb0\xb4\\n\xc3\xa9\""), STR("\xe6\xb0\xb4\n\xc3\xa9")},
    {STR("\"\\\\u0041\""), STR("\\u0041")},
    {STR("\"\\ud800\""), {NULL, 0}},
    {STR("\"\\ud800x\""), {NULL, 0}},
    {STR("\"\\udfff\""), {NULL, 0}},
    {STR("\"\\ud800\\n12345\""), {NULL, 0}},
    {STR("\"\\udc00\\ud800\""), {NULL, 0}},
    {STR("\"\\ud800\\ud800\\udc00\""), {NULL, 0}},
    {STR("\"\\ud83c\\u0041\""), {NULL, 0}},
};

enum { N_CASES = sizeof cases / sizeof *cases };

static void copies(void **state)
{
    for (size_t i = 0; i < N_CASES; i++) {
        char out[64];
        size_t len = 99;
        int err = json_string_copy(cases[i].raw, out, sizeof out, &len);
        if (!cases[i].text.ptr) {
            assert_int_equal(err, ERR_BAD);
            assert_int_equal(len, 99);
            continue;
        }
        assert_int_equal(err, 0);
        assert_str(str_from(out, len), cases[i].text);
        assert_true(len <= cases[i].raw.len - 2);
    }
}

static void keeps_the_limit(void **state)
{
    for (size_t i = 0; i < N_CASES; i++) {
        char out[64];
        size_t len;
        if (cases[i].text.len == 0)
            continue;
        memset(out, '#', sizeof out);
        assert_int_equal(json_string_copy(cases[i].raw, out, cases[i].text.len, &len), 0);
        assert_int_equal(out[cases[i].text.len], '#');
        assert_int_equal(json_string_copy(cases[i].raw, out, cases[i].text.len - 1, &len),
                         ERR_TOO_BIG);
    }
}

static void compares_meanings(void **state)
{
    for (size_t i = 0; i < N_CASES; i++)
        for (size_t j = 0; j < N_CASES; j++) {
            struct str a = cases[i].text, b = cases[j].text;
            if (b.ptr)
                assert_int_equal(json_string_is(cases[i].raw, b), a.ptr && str_eq(a, b));
        }
    assert_false(json_string_is(S("\"mode\""), S("model")));
    assert_false(json_string_is(S("\"models\""), S("model")));
    assert_false(json_string_is(S("\"Model\""), S("model")));
    assert_false(json_string_is(S("\"models\""), str_sub(S("models"), 0, 5)));
    /* A prefix of the UTF-8 that an escape means is not the escape. */
    assert_false(json_string_is(S("\"\\u00e9\""), S("\xc3")));
    assert_false(json_string_is(S("\"\\ud800\""), S("\xed\xa0\x80")));
}

static void borrows_what_is_plain(void **state)
{
    struct arena a;
    struct str raw = S("\"plain \xc3\xa9\""), out;
    arena_init(&a, 1 << 16);
    assert_int_equal(json_string_text(raw, 100, &a, &out), 0);
    assert_ptr_equal(out.ptr, raw.ptr + 1);
    assert_int_equal(out.len, raw.len - 2);
    assert_int_equal(a.used, 0);
    assert_int_equal(json_string_text(raw, 7, &a, &out), ERR_TOO_BIG);
    arena_fini(&a);
}

static void copies_into_an_arena(void **state)
{
    struct arena a;
    struct str out;
    arena_init(&a, 1 << 16);
    assert_int_equal(json_string_text(S("\"a\\tb\""), 3, &a, &out), 0);
    assert_str(out, S("a\tb"));
    assert_int_equal(json_string_text(S("\"a\\tb\""), 2, &a, &out), ERR_TOO_BIG);
    assert_int_equal(json_string_text(S("\"\\u0061\\u0062\""), 2, &a, &out), 0);
    assert_str(out, S("ab"));
    assert_int_equal(json_string_text(S("\"\\u0061\\u0062\\u0063\""), 2, &a, &out), ERR_TOO_BIG);
    assert_int_equal(json_string_text(S("\"\\udead\""), 9, &a, &out), ERR_BAD);
    arena_fini(&a);
    arena_init(&a, 8);
    assert_int_equal(json_string_text(S("\"a\\tb and more\""), 100, &a, &out), ERR_NO_MEMORY);
    arena_fini(&a);
    arena_init(&a, 8); /* what is certainly too long is not even asked for */
    assert_int_equal(json_string_text(S("\"\\u0061\\u0062\\u0063\""), 2, &a, &out), ERR_TOO_BIG);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies),
        cmocka_unit_test(keeps_the_limit),
        cmocka_unit_test(compares_meanings),
        cmocka_unit_test(borrows_what_is_plain),
        cmocka_unit_test(copies_into_an_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
