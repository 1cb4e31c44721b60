/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/json_run and the exact reader against the rules for strings, written a second time here:
 * every byte, every escape, every kind of UTF-8 sequence, at every place in two blocks, with every
 * instruction set.
 */
#include "json_runs.h"
#include "vectors.h"
#include "weir/wire/json_scan.h"

/* RFC 3629 by arithmetic: decode, then ask whether the code point needed that length. */
static bool utf8_ok(const unsigned char *p, size_t n)
{
    while (n) {
        size_t len = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
        unsigned code = len == 1 ? p[0] : p[0] & (0xffu >> (len + 1));
        if ((p[0] & 0xc0) == 0x80 || p[0] >= 0xf8 || len > n)
            return false;
        for (size_t i = 1; i < len; i++) {
            if ((p[i] & 0xc0) != 0x80)
                return false;
            code = code << 6 | (p[i] & 0x3f);
        }
        static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
            return false;
        p += len;
        n -= len;
    }
    return true;
}

static bool accepted(struct str text, run_fn run)
{
    struct json_scan s;
    json_init(&s, text);
    s.run = run;
    return json_next(&s) == JSON_STRING && json_next(&s) == JSON_END;
}

/* Four bytes somewhere in a string of two blocks. */
static void try_utf8(const unsigned char four[4], size_t at)
{
    char text[150];
    memset(text, 'x', sizeof text);
    text[0] = text[sizeof text - 1] = '"';
    memcpy(text + at, four, 4);
    bool want = utf8_ok(four, 4);
    for (int i = 0; i < n_runs; i++)
        if (accepted(str_from(text, sizeof text), runs[i]) != want)
            fail_msg("run %d, %02x %02x %02x %02x at %zu", i, four[0], four[1], four[2], four[3],
                     at);
}

static void knows_utf8(void **state)
{
    static const unsigned char tails[] = {'x', 0x7f, 0x80, 0x8f, 0xbf, 0xc0, 0xc2};
    size_t at = 1;
    for (unsigned lead = 0x80; lead <= 0xff; lead++)
        for (unsigned second = 0x40; second <= 0xff; second++)
            for (size_t i = 0; i < sizeof tails * sizeof tails; i++) {
                if (second == '\\')
                    continue;
                const unsigned char four[4] = {(unsigned char)lead, (unsigned char)second,
                                               tails[i / sizeof tails], tails[i % sizeof tails]};
                try_utf8(four, at);
                at = at == 140 ? 1 : at + 1;
            }
}

static void knows_each_byte(void **state)
{
    for (unsigned c = 0; c < 256; c++)
        for (unsigned escaped = 0; escaped < 2; escaped++)
            for (size_t at = 1; at < 140; at++) {
                char text[150];
                memset(text, '0', sizeof text);
                text[0] = text[sizeof text - 1] = '"';
                text[at] = (char)c;
                bool want = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
                if (escaped && at > 1) {
                    text[at - 1] = '\\';
                    want = c && strchr("\"\\/bfnrtu", (int)c);
                } else if (c == '\\') {
                    continue;
                }
                for (int i = 0; i < n_runs; i++)
                    assert_int_equal(accepted(str_from(text, sizeof text), runs[i]), want);
            }
}

static void knows_hex(void **state)
{
    for (unsigned c = 0; c < 256; c++)
        for (size_t at = 1; at < 140; at++)
            for (unsigned place = 2; place < 6; place++) {
                char text[150];
                memset(text, 'x', sizeof text);
                text[0] = text[sizeof text - 1] = '"';
                memcpy(text + at, "\\uAf09", 6);
                text[at + place] = (char)c;
                bool want = c && strchr("0123456789abcdefABCDEF", (int)c);
                for (int i = 0; i < n_runs; i++)
                    assert_int_equal(accepted(str_from(text, sizeof text), runs[i]), want);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_utf8),
        cmocka_unit_test(knows_each_byte),
        cmocka_unit_test(knows_hex),
    };
    return cmocka_run_group_tests(tests, find_runs, NULL);
}
