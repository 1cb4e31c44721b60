/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator's JSON reader: what is JSON and what is not, and what it says.
 */
#include "../wire/vectors.h"
#include "tree.h"

static bool good(const char *text)
{
    struct tree t = {0};
    int rc = tree_parse(&t, str_of(text));
    tree_fini(&t);
    return rc == 0;
}

static void knows_json(void **state)
{
    static const char *const yes[] = {
        "0",
        "-0",
        "1e5",
        "-1.5E+3",
        "\"\"",
        "true",
        "null",
        "[]",
        "{}",
        " [1 , 2 ] ",
        "{\"a\":{\"b\":[[]]}}",
        "\"\\u00fc\\n\\\"\"",
        "\"\xc3\xbc\xf0\x9f\x98\x80\"",
    };
    static const char *const no[] = {
        "",
        " ",
        "01",
        "1.",
        "-",
        "+1",
        "1e",
        ".5",
        "nul",
        "True",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":1,}",
        "{a:1}",
        "'a'",
        "\"a",
        "\"\n\"",
        "\"\\x\"",
        "\"\\u12\"",
        "[1}",
        "[1] 2",
        "{} x",
        "\xef\xbb\xbf{}",
        "\"\xff\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf5\x80\x80\x80\"",
        "\"\xc3\"",
        "NaN",
    };
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (!good(yes[i]))
            fail_msg("refused: %s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (good(no[i]))
            fail_msg("taken: %s", no[i]);
}

static void has_a_depth(void **state)
{
    struct buf b = {0};
    for (int i = 0; i < TREE_DEPTH_MOST; i++)
        buf_add_char(&b, '[');
    for (int i = 0; i < TREE_DEPTH_MOST; i++)
        buf_add_char(&b, ']');
    assert_true(good(buf_cstr(&b)));
    buf_clear(&b);
    for (int i = 0; i <= TREE_DEPTH_MOST; i++)
        buf_add_char(&b, '[');
    assert_false(good(buf_cstr(&b)));
    buf_fini(&b);
}

static void finds_members(void **state)
{
    struct tree t = {0};
    struct buf scratch = {0};
    int64_t n;
    assert_int_equal(tree_parse(&t, S("{\"a\":[1,2.5,-7],\"b\":{\"\\u0063\":\"x\\ty\"},\"n\":null,"
                                      "\"d\":1,\"d\":2}")),
                     0);
    const struct node *root = tree_root(&t), *a = tree_get(&t, root, S("a"));
    assert_int_equal(a->count, 3);
    assert_str(a->raw, S("[1,2.5,-7]"));
    assert_true(tree_integer(tree_at(&t, a, 2), &n) && n == -7);
    assert_false(tree_integer(tree_at(&t, a, 1), &n));
    assert_true(tree_number(tree_at(&t, a, 1)) == 2.5);
    assert_null(tree_at(&t, a, 3));
    const struct node *c = tree_get(&t, tree_get(&t, root, S("b")), S("c"));
    assert_str(tree_text(c, &scratch), S("x\ty"));
    assert_non_null(tree_get(&t, root, S("n")));
    assert_null(tree_have(&t, root, S("n")));
    assert_true(tree_integer(tree_get(&t, root, S("d")), &n) && n == 2);
    assert_null(tree_get(&t, NULL, S("a")));
    buf_fini(&scratch);
    tree_fini(&t);
}

static void decodes(void **state)
{
    static const char *const pairs[][2] = {
        {"\"a\\/\\\\\\b\\f\\r\"", "a/\\\b\f\r"},
        {"\"\\u00fc\\u20ac\"", "\xc3\xbc\xe2\x82\xac"},
        {"\"x\\ud83d\\ude00y\"", "x\xf0\x9f\x98\x80y"},
        {"\"\\ud83d\"", "\xef\xbf\xbd"},
        {"\"\\ud83d\\u0041\"", "\xef\xbf\xbd\x41"},
        {"\"\\ude00\"", "\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct tree t = {0};
        struct buf scratch = {0};
        assert_int_equal(tree_parse(&t, str_of(pairs[i][0])), 0);
        assert_str(tree_text(tree_root(&t), &scratch), str_of(pairs[i][1]));
        assert_true(tree_says(tree_root(&t), str_of(pairs[i][1])));
        buf_fini(&scratch);
        tree_fini(&t);
    }
}

static void agrees_with_jsontestsuite(void **state)
{
    char folder[VECTOR_PATH], path[VECTOR_PATH * 2];
    struct vector_names names;
    unsigned judged = 0;
    vector_list(vector_shared("corpora/JSONTestSuite/test_parsing", folder), &names);
    for (int i = 0; i < names.n; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names.at[i]);
        struct buf b = vector_read(path);
        struct tree t = {0};
        bool taken = tree_parse(&t, buf_str(&b)) == 0;
        if (names.at[i][0] != 'i' && taken != (names.at[i][0] == 'y'))
            fail_msg("%s: %s", names.at[i], taken ? "taken" : t.error);
        judged += names.at[i][0] != 'i';
        tree_fini(&t);
        buf_fini(&b);
    }
    assert_true(judged >= 283);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_json),
        cmocka_unit_test(has_a_depth),
        cmocka_unit_test(finds_members),
        cmocka_unit_test(decodes),
        cmocka_unit_test(agrees_with_jsontestsuite),
    };
    return cmocka_run_group_tests_name("sim/tree", tests, NULL, NULL);
}
