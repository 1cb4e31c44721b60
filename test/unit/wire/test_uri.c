/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/uri: which paths may go on, and that every client's spelling of a model id reads the same.
 */
#include "vectors.h"
#include "weir/wire/uri.h"

static const struct {
    const char *path;
    int verdict;
} paths[] = {
    {"/", 0},
    {"/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse", 0},
    {"/model/anthropic.claude-3-haiku-20240307-v1:0/converse", 0},
    {"/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fx/converse", 0},
    {"//model//m", 0},
    {"/model/m;x/converse", 0},
    {"/a/.../b", 0},
    {"/a/.b/b./c..d", 0},
    {"/model/%252e%252e/converse", 0},
    {"/%25zz", 0},
    {"/a%20b%2B+", 0},
    {"/%C3%A4/%e2%82%ac/%F0%9F%98%80", 0},
    {"/%ED%9F%BF/%EE%80%80/%F4%8F%BF%BF", 0},
    {"", ERR_BAD},
    {"a", ERR_BAD},
    {"*", ERR_BAD},
    /* dot segments, raw, escaped, and as a decoder of %2F or ';' would see them */
    {"/.", ERR_BAD},
    {"/..", ERR_BAD},
    {"/./a", ERR_BAD},
    {"/model/../admin", ERR_BAD},
    {"/model/%2e%2E/admin", ERR_BAD},
    {"/model/.%2e", ERR_BAD},
    {"/model/%2e/a", ERR_BAD},
    {"/model/a%2F..%2Fb", ERR_BAD},
    {"/model/a%2f.", ERR_BAD},
    {"/model/..;a/b", ERR_BAD},
    {"/model/..%3ba", ERR_BAD},
    /* escapes */
    {"/%", ERR_BAD},
    {"/%4", ERR_BAD},
    {"/%4/", ERR_BAD},
    {"/%zz", ERR_BAD},
    {"/%00", ERR_BAD},
    {"/a%0d%0aX", ERR_BAD},
    {"/%1f", ERR_BAD},
    {"/%7F", ERR_BAD},
    {"/a\\b", ERR_BAD},
    {"/a%5Cb", ERR_BAD},
    /* raw bytes that have no place */
    {"/a b", ERR_BAD},
    {"/a\tb", ERR_BAD},
    {"/a\x7f", ERR_BAD},
    {"/a#b", ERR_BAD},
    {"/a?b", ERR_BAD},
    {"/\xc3\xa4", ERR_BAD},
    /* UTF-8: overlong, surrogate, beyond, cut, alone */
    {"/%c0%ae", ERR_BAD},
    {"/%c1%bf", ERR_BAD},
    {"/%e0%80%ae", ERR_BAD},
    {"/%e0%9f%bf", ERR_BAD},
    {"/%f0%80%80%ae", ERR_BAD},
    {"/%f0%8f%bf%bf", ERR_BAD},
    {"/%ed%a0%80", ERR_BAD},
    {"/%f4%90%80%80", ERR_BAD},
    {"/%f5%80%80%80", ERR_BAD},
    {"/%c3", ERR_BAD},
    {"/%c3/%a4", ERR_BAD},
    {"/%c3a%a4", ERR_BAD},
    {"/%a4", ERR_BAD},
};

static void checks_paths(void **state)
{
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (uri_check_path(str_of(paths[i].path)) != paths[i].verdict)
            fail_msg("%s", paths[i].path);
    assert_int_equal(uri_check_path((struct str){"/a\0b", 4}), ERR_BAD);
}

static void splits_at_the_first_question_mark(void **state)
{
    struct str path, query;
    uri_split(S("/a?b=c?d"), &path, &query);
    assert_str(path, S("/a"));
    assert_str(query, S("b=c?d"));
    uri_split(S("/a?"), &path, &query);
    assert_str(path, S("/a"));
    assert_true(query.ptr && query.len == 0);
    uri_split(S("/a"), &path, &query);
    assert_str(path, S("/a"));
    assert_null(query.ptr);
}

static void assert_decodes(const char *segment, const char *want)
{
    char out[256];
    ssize_t n = uri_decode_segment(str_of(segment), out, sizeof out);
    if (n < 0)
        fail_msg("%s: %s", segment, err_word((int)n));
    assert_str(str_from(out, (size_t)n), str_of(want));
}

static void reads_one_model_id_in_every_spelling(void **state)
{
    const char *id = "anthropic.claude-3-haiku-20240307-v1:0";
    const char *arn =
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.c-v1:0";
    assert_decodes("anthropic.claude-3-haiku-20240307-v1%3A0", id);
    assert_decodes("anthropic.claude-3-haiku-20240307-v1%3a0", id);
    assert_decodes("anthropic.claude-3-haiku-20240307-v1:0", id);
    assert_decodes("arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus."
                   "anthropic.c-v1%3A0",
                   arn);
    assert_decodes("arn:aws:bedrock:us-east-1:123456789012:inference-profile%2Fus.anthropic.c-v1:0",
                   arn);
    assert_decodes("%252e+%20", "%2e+ ");
    assert_decodes("", "");
}

static void refuses_to_decode(void **state)
{
    char out[4];
    static const char *const bad[] = {"%", "%4", "%g0", "%0g", "%00", "a%0A", "%7f", "\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(uri_decode_segment(str_of(bad[i]), out, sizeof out), ERR_BAD);
    assert_int_equal(uri_decode_segment(S("abcde"), out, sizeof out), ERR_TOO_BIG);
    assert_int_equal(uri_decode_segment(S("ab%63d"), out, sizeof out), 4);
}

static void encodes_all_but_unreserved(void **state)
{
    struct buf b = {0};
    uri_encode_segment(&b, S("AZaz09-._~"));
    uri_encode_segment(&b, S(""));
    uri_encode_segment(&b, S("v1:0/%3A +*!'()\xe2\x82\xac"));
    uri_encode_segment(&b, (struct str){"\0", 1});
    assert_str(buf_str(&b), S("AZaz09-._~v1%3A0%2F%253A%20%2B%2A%21%27%28%29%E2%82%AC%00"));
    buf_fini(&b);
}

static void walks_a_query(void **state)
{
    struct str rest = S("a=1&&b&c==&=d&"), name, value;
    assert_true(uri_next_param(&rest, &name, &value));
    assert_str(name, S("a"));
    assert_str(value, S("1"));
    assert_true(uri_next_param(&rest, &name, &value));
    assert_str(name, S("b"));
    assert_null(value.ptr);
    assert_true(uri_next_param(&rest, &name, &value));
    assert_str(name, S("c"));
    assert_str(value, S("="));
    assert_true(uri_next_param(&rest, &name, &value));
    assert_int_equal(name.len, 0);
    assert_str(value, S("d"));
    assert_false(uri_next_param(&rest, &name, &value));
    rest = (struct str){NULL, 0};
    assert_false(uri_next_param(&rest, &name, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_paths),
        cmocka_unit_test(splits_at_the_first_question_mark),
        cmocka_unit_test(reads_one_model_id_in_every_spelling),
        cmocka_unit_test(refuses_to_decode),
        cmocka_unit_test(encodes_all_but_unreserved),
        cmocka_unit_test(walks_a_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
