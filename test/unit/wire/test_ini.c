/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/ini: a file is turned into one line per entry and compared whole.
 */
#include "weir/base/buf.h"
#include "weir/wire/ini.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct buf told;

static int forget(void **state)
{
    buf_fini(&told);
    return 0;
}

/* "line section|key|value", "+" before a nested one, "!line sentence" for a fault. */
static const char *tell(struct str text)
{
    struct ini i;
    struct ini_entry e;
    int rc;
    buf_clear(&told);
    ini_begin(&i, text);
    while ((rc = ini_next(&i, &e)) == 1)
        buf_addf(&told, "%s%u %.*s|%.*s|%.*s\n", e.nested ? "+" : "", e.line, STR_ARG(e.section),
                 STR_ARG(e.key), STR_ARG(e.value));
    if (rc == ERR_BAD)
        buf_addf(&told, "!%u %s\n", i.line, i.fault);
    assert_int_equal(ini_next(&i, &e), rc);
    return buf_cstr(&told);
}

static void reads_a_file(void **state)
{
    assert_string_equal(tell(S("\xef\xbb\xbf# head\r\n"
                               "[default] ; the usual\r\n"
                               "aws_access_key_id=AKID\r\n"
                               "aws_secret_access_key = a/b+c=d#e;f # why\r\n"
                               "\r\n"
                               "[ profile \"my nightly\" ]\n"
                               "region =\n"
                               "credential_process = cmd \"a b\" --x=y\n"
                               "; end")),
                        "2 default||\n"
                        "3 default|aws_access_key_id|AKID\n"
                        "4 default|aws_secret_access_key|a/b+c=d#e;f\n"
                        "6 profile \"my nightly\"||\n"
                        "7 profile \"my nightly\"|region|\n"
                        "8 profile \"my nightly\"|credential_process|cmd \"a b\" --x=y\n");
    assert_string_equal(tell(S("")), "");
    assert_string_equal(tell(S("\n \n\t\n#\n")), "");
}

static void tells_nested_lines(void **state)
{
    assert_string_equal(tell(S("[a]\n"
                               "s3 =\n"
                               "  max = 7\n"
                               "  [odd]\n"
                               "  word\n"
                               "region = x\n")),
                        "1 a||\n2 a|s3|\n+3 a|max|7\n+4 a||[odd]\n+5 a||word\n6 a|region|x\n");
    /* all keys indented alike are keys; a section ends the nesting */
    assert_string_equal(tell(S("[a]\n  k = 1\n  l = 2\n    m = 3\n [b]\n\tn = 4")),
                        "1 a||\n2 a|k|1\n3 a|l|2\n+4 a|m|3\n5 b||\n6 b|n|4\n");
}

static void says_what_is_wrong(void **state)
{
    assert_string_equal(tell(S("k = v")), "!1 a setting before the first [section]\n");
    assert_string_equal(tell(S("[a]\nword\n")),
                        "1 a||\n!2 neither a [section] nor a setting (key = value)\n");
    assert_string_equal(tell(S("[a\n")), "!1 a section without its closing ]\n");
    assert_string_equal(tell(S("[a] b\n")), "!1 something stands behind the ] of a section\n");
    assert_string_equal(tell(S("[ ]\n")), "!1 a section without a name\n");
    assert_string_equal(tell(S("[a]\n = v\n")),
                        "1 a||\n!2 a setting without a name before its =\n");
    assert_string_equal(tell(S("[a]\nk = \x01\n")),
                        "1 a||\n!2 a control byte: this is not a text file\n");
    assert_string_equal(tell(S("\0")), "!1 a control byte: this is not a text file\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(reads_a_file, forget),
        cmocka_unit_test_teardown(tells_nested_lines, forget),
        cmocka_unit_test_teardown(says_what_is_wrong, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
