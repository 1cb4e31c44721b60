/* SPDX-License-Identifier: Apache-2.0
 *
 * net/proxy_header: both versions, whole and cut everywhere.
 */
#include "weir/net/proxy_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define V2 "\r\n\r\n\0\r\nQUIT\n"

static const struct {
    struct str bytes;
    const char *source; /* NULL: none told */
} good[] = {
    {STR("PROXY TCP4 192.0.2.1 198.51.100.2 4711 8080\r\n"), "192.0.2.1:4711"},
    {STR("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n"), "[2001:db8::1]:1"},
    {STR("PROXY UNKNOWN\r\n"), NULL},
    {STR("PROXY UNKNOWN whatever stands here\r\n"), NULL},
    {STR(V2 "\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x12\x67\x1f\x90"), "192.0.2.1:4711"},
    {STR(V2 "\x21\x11\0\x10\xc0\0\x02\x01\xc6\x33\x64\x02\x12\x67\x1f\x90\xea\0\x01z"),
     "192.0.2.1:4711"},
    {STR(V2 "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
            "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x00\x50\x01\xbb"),
     "[2001:db8::1]:80"},
    {STR(V2 "\x20\0\0\0"), NULL}, /* LOCAL: a health check */
    {STR(V2 "\x20\x11\0\x04"
            "abcd"),
     NULL}, /* LOCAL: what follows is skipped */
    {STR(V2 "\x21\0\0\x02"
            "ab"),
     NULL}, /* UNSPEC */
};

static const struct str bad[] = {
    STR("GET / HTTP/1.1\r\n"),
    STR("PROXY"
        "\r\n"),
    STR("proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n"),
    STR("PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n"),
    STR("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"),
    STR("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n"),
    STR("PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n"),
    STR("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n"),
    STR("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n"),
    STR("PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n"),
    STR("PROXY TCP4 ::1 ::1 1 2\r\n"),
    STR("PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n"),
    STR("PROXY TCP4 1.2.3.4\0 1.2.3.4 1 2\r\n"),
    STR("PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n"),
    STR("PROXY TCP4 \n\r\n"),
    STR(V2 "\x11\x11\0\x0c"
           "abcdefghijkl"), /* version 1 in version 2 */
    STR(V2 "\x22\x11\0\x0c"
           "abcdefghijkl"), /* unknown command */
    STR(V2 "\x21\x41\0\x0c"
           "abcdefghijkl"), /* unknown family */
    STR(V2 "\x21\x11\0\x0b"
           "abcdefghijk"),    /* too short for its addresses */
    STR(V2 "\x21\x11\x04\0"), /* longer than we hold */
};

static void reads_what_is_good(void **state)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct proxy_header h;
        for (size_t n = 0; n < good[i].bytes.len; n++)
            assert_int_equal(proxy_header_read(str_sub(good[i].bytes, 0, n), &h), 0);
        char more[256];
        memcpy(more, good[i].bytes.ptr, good[i].bytes.len);
        memcpy(more + good[i].bytes.len, "GET /", 5);
        struct str s = {more, good[i].bytes.len + 5};
        assert_int_equal(proxy_header_read(s, &h), good[i].bytes.len);
        assert_int_equal(h.has_source, good[i].source != NULL);
        if (good[i].source)
            assert_string_equal(h.source, good[i].source);
    }
}

static void refuses_the_rest(void **state)
{
    struct proxy_header h;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(proxy_header_read(bad[i], &h), ERR_BAD);
    char long_line[108] = "PROXY UNKNOWN ";
    memset(long_line + 14, 'x', sizeof long_line - 14);
    assert_int_equal(proxy_header_read((struct str){long_line, 106}, &h), 0);
    assert_int_equal(proxy_header_read((struct str){long_line, 107}, &h), ERR_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_good),
        cmocka_unit_test(refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
