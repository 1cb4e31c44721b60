/* SPDX-License-Identifier: Apache-2.0
 *
 * base/text: numbers, units, times, escapes and the nearest word.
 */
#include "weir/base/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void reads_units(void **state)
{
    int64_t ms;
    uint64_t bytes;
    assert_true(text_duration_ms(S("15m"), &ms) && ms == 900000);
    assert_true(text_duration_ms(S("250ms"), &ms) && ms == 250);
    assert_true(text_duration_ms(S("0"), &ms) && ms == 0);
    assert_false(text_duration_ms(S("15"), &ms));
    assert_false(text_duration_ms(S("-1s"), &ms));
    assert_false(text_duration_ms(S("99999999999999999d"), &ms));
    assert_true(text_size_bytes(S("20MiB"), &bytes) && bytes == 20u << 20);
    assert_true(text_size_bytes(S("7"), &bytes) && bytes == 7);
    assert_false(text_size_bytes(S("20MB"), &bytes));
    assert_false(text_size_bytes(S(""), &bytes));
}

static void prints_what_it_reads(void **state)
{
    static const struct str forms[] = {STR("15m"), STR("3s"), STR("110s"), STR("0"), STR("7d")};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct buf b = {0};
        int64_t ms;
        assert_true(text_duration_ms(forms[i], &ms));
        text_add_duration(&b, ms);
        assert_string_equal(buf_cstr(&b), forms[i].ptr);
        buf_fini(&b);
    }
}

static void knows_times(void **state)
{
    char basic[17], http[30];
    int64_t epoch;
    text_basic_time(1767323045, basic);
    assert_string_equal(basic, "20260102T030405Z");
    text_http_date(784111777, http);
    assert_string_equal(http, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_true(text_parse_http_date(str_of(http), &epoch) && epoch == 784111777);
    assert_false(text_parse_http_date(S("Sun, 06 Nov 1994 08:49:37"), &epoch));
    assert_false(text_parse_http_date(S("Sunday, 06-Nov-94 08:49:37 GMT"), &epoch));
    assert_false(text_parse_http_date(S("Sun, 06 Nov 1994 24:49:37 GMT"), &epoch));
    assert_false(text_parse_http_date(S(""), &epoch));
    assert_true(text_parse_iso_time(S("2026-01-02T03:04:05Z"), &epoch) && epoch == 1767323045);
    assert_true(text_parse_iso_time(S("2026-01-02T04:04:05.12+01:00"), &epoch) &&
                epoch == 1767323045);
    assert_false(text_parse_iso_time(S("2026-13-02T03:04:05Z"), &epoch));
    assert_false(text_parse_iso_time(S("2026-01-02"), &epoch));
    assert_true(text_parse_iso_time(S("2028-02-29T00:00:00Z"), &epoch) && epoch == 1835395200);
    assert_false(text_parse_iso_time(S("2026-02-29T00:00:00Z"), &epoch));
    assert_false(text_parse_iso_time(S("2100-02-29T00:00:00Z"), &epoch));
    assert_false(text_parse_iso_time(S("2026-11-31T00:00:00Z"), &epoch));
    assert_false(text_parse_iso_time(S("2026-11-00T00:00:00Z"), &epoch));
    assert_false(text_parse_http_date(S("Sat, 31 Nov 2026 00:00:00 GMT"), &epoch));
}

static void escapes(void **state)
{
    struct buf b = {0};
    text_add_json(&b, S("a\"b\\\n\x1b[31m\xff\xc3\xbc"), 100);
    assert_string_equal(buf_cstr(&b), "a\\\"b\\\\\\u000a\\u001b[31m\xef\xbf\xbd\xc3\xbc");
    buf_clear(&b);
    text_add_json(&b, S("\xc2\x9b\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6\xe2\x82\xac"), 100);
    assert_string_equal(buf_cstr(&b), "\\u009b\\u2028\\u202e\\u2066\xe2\x82\xac");
    buf_clear(&b);
    assert_true(text_is_plain(S("")) && text_is_plain(S("a \"\\\xc3\xbc\xe2\x82\xac~")));
    assert_false(text_is_plain(S("a\n")) || text_is_plain(S("\x7f")) || text_is_plain(S("\xff")) ||
                 text_is_plain(S("a\xc2\x9b")) || text_is_plain(S("\xe2\x80\xae")));
    text_add_json(&b, S("m\xe2\x80\x8b\xe2\x80\x8e\xe2\x81\xa0\xef\xbb\xbf\xe2\x80\x90"), 100);
    assert_string_equal(buf_cstr(&b), "m\\u200b\\u200e\\u2060\\ufeff\xe2\x80\x90");
    buf_clear(&b);
    text_add_logfmt(&b, S("plain/value:1"), 100);
    text_add_logfmt(&b, S("a b"), 100);
    assert_string_equal(buf_cstr(&b), "plain/value:1\"a b\"");
    buf_fini(&b);
}

static void finds_the_nearest(void **state)
{
    assert_int_equal(text_distance(S("lissten"), S("listen")), 1);
    assert_int_equal(text_distance(S(""), S("abc")), 3);
    assert_int_equal(text_distance(S("same"), S("same")), 0);
}

static void xml(void **state)
{
    struct buf b = {0};
    text_add_xml(&b, S("a<b>&\"c\" \t\n\r\x01\x7f\xc3\xbc\xff\xef\xbf\xbe\xef\xbf\xbd]]>"));
    assert_string_equal(buf_cstr(&b), "a&lt;b&gt;&amp;&quot;c&quot; \t\n\xef\xbf\xbd\xef\xbf\xbd"
                                      "\xef\xbf\xbd\xc3\xbc\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                                      "]]&gt;");
    buf_fini(&b);
}

static void matches_patterns(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool yes;
    } cases[] = {{"", "", true},        {"", "a", false},          {"a", "a", true},
                 {"a", "A", false},     {"*", "", true},           {"*", "a.b", true},
                 {"a*", "a", true},     {"a*", "ba", false},       {"*a", "ba", true},
                 {"*a", "ab", false},   {"a*c", "abbc", true},     {"a*c", "abcb", false},
                 {"*ab*", "aab", true}, {"*a*b*c", "aabbc", true}, {"*a*b*c", "acb", false},
                 {"a**b", "ab", true},  {"a.*", "aXb", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (text_matches(str_of(cases[i].pattern), str_of(cases[i].text)) != cases[i].yes)
            fail_msg("%s against %s", cases[i].pattern, cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_patterns),
        cmocka_unit_test(reads_units),
        cmocka_unit_test(prints_what_it_reads),
        cmocka_unit_test(knows_times),
        cmocka_unit_test(escapes),
        cmocka_unit_test(finds_the_nearest),
        cmocka_unit_test(xml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
