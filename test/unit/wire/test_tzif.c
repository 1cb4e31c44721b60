/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/tzif: the moments of test/vectors/tzif, which Python's zoneinfo computed; rules that no zone
 * there has; files that are cut, mended or none.
 */
#include "vectors.h"

#include "weir/base/buf.h"
#include "weir/wire/tzif.h"

#define FOLDER "test/vectors/tzif/"

static struct buf load(const char *name)
{
    char path[VECTOR_PATH];
    snprintf(path, sizeof path, FOLDER "%s", name);
    return vector_read(path);
}

static void moments(void **state)
{
    struct buf all = load("offsets.txt"), zone = {0};
    struct str rest = buf_str(&all);
    struct tzif z = {0};
    char name[64], last[64] = "";
    unsigned n = 0;
    for (; rest.len; n++) {
        struct str line = str_cut(&rest, '\n');
        long long moment, offset;
        assert_int_equal(sscanf(line.ptr, "%63s %lld %lld", name, &moment, &offset), 3);
        if (strcmp(name, last)) {
            buf_fini(&zone);
            zone = load(name);
            assert_int_equal(tzif_read(buf_str(&zone), &z), 0);
            memcpy(last, name, sizeof last);
        }
        if (tzif_offset(&z, moment) != offset)
            fail_msg("%.*s, not %d", STR_ARG(line), tzif_offset(&z, moment));
    }
    assert_true(n > 500);
    buf_fini(&zone);
    buf_fini(&all);
}

/* --- files made here */

static void add_u32(struct buf *b, uint32_t n)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_add_char(b, (char)(n >> shift));
}

static void add_header(struct buf *b, char version, uint32_t leaps, uint32_t times, uint32_t types)
{
    buf_add(b, S("TZif"));
    buf_add_char(b, version);
    for (int i = 0; i < 15; i++)
        buf_add_char(b, 0);
    add_u32(b, 0);
    add_u32(b, 0);
    add_u32(b, leaps);
    add_u32(b, times);
    add_u32(b, types);
    add_u32(b, types ? 4 : 0);
}

static void add_type(struct buf *b, int32_t offset)
{
    add_u32(b, (uint32_t)offset);
    buf_add_char(b, 0);
    buf_add_char(b, 0);
}

/* One type, no transitions: the footer says all. */
static struct buf of_rule(const char *footer)
{
    struct buf b = {0};
    add_header(&b, '3', 0, 0, 0);
    add_header(&b, '3', 0, 0, 1);
    add_type(&b, 0);
    buf_add(&b, S("ABC"));
    buf_add_char(&b, 0);
    buf_addf(&b, "\n%s\n", footer);
    return b;
}

static int32_t rule_at(const char *footer, int64_t utc_s)
{
    struct buf b = of_rule(footer);
    struct tzif z;
    assert_int_equal(tzif_read(buf_str(&b), &z), 0);
    int32_t offset = tzif_offset(&z, utc_s);
    buf_fini(&b);
    return offset;
}

static void rules(void **state)
{
    const int64_t new_year_2026 = 1767225600, new_year_2028 = 1830297600, day = 86400;
    assert_int_equal(rule_at("", 0), 0);
    assert_int_equal(rule_at("UTC0", 0), 0);
    assert_int_equal(rule_at("<+0545>-5:45", 0), 20700);
    assert_int_equal(rule_at("LMT-0:53:28", 0), 3208);
    /* always summer (RFC 8536, section 3.3.1) */
    for (int hour = -30; hour < 30; hour++)
        assert_int_equal(rule_at("XXX3EDT4,0/0,J365/23", new_year_2026 + hour * 3600), -4 * 3600);
    /* J60 is 1 March in every year, 59 only in those without 29 February */
    assert_int_equal(rule_at("AAA0BBB,J60/0,J300", new_year_2026 + 59 * day - 1), 0);
    assert_int_equal(rule_at("AAA0BBB,J60/0,J300", new_year_2026 + 59 * day), 3600);
    assert_int_equal(rule_at("AAA0BBB,J60/0,J300", new_year_2028 + 60 * day - 1), 0);
    assert_int_equal(rule_at("AAA0BBB,J60/0,J300", new_year_2028 + 60 * day), 3600);
    assert_int_equal(rule_at("AAA0BBB,59/0,300", new_year_2028 + 59 * day), 3600);
    assert_int_equal(rule_at("AAA0BBB,59/0,300", new_year_2028 + 59 * day - 1), 0);
    /* far away nothing overflows */
    (void)rule_at("AAA0BBB,M3.5.0,M10.5.0", INT64_MAX);
    (void)rule_at("AAA0BBB,M3.5.0,M10.5.0", INT64_MIN);
}

static void bad_rules(void **state)
{
    static const char *const footers[] = {
        "A0",
        "ABC",
        "ABC25",
        "ABC1:60",
        "<AB0",
        "AAA0BBB",
        "AAA0BBB,M3.5.0",
        "AAA0BBB,M0.5.0,M10.5.0",
        "AAA0BBB,M13.5.0,M10.5.0",
        "AAA0BBB,M3.6.0,M10.5.0",
        "AAA0BBB,M3.5.7,M10.5.0",
        "AAA0BBB,J0,J365",
        "AAA0BBB,0,366",
        "AAA0BBB,0/168,1",
        "AAA0BBB,M3.5.0,M10.5.0x",
        "AAA0BBB-1,",
    };
    for (size_t i = 0; i < sizeof footers / sizeof *footers; i++) {
        struct buf b = of_rule(footers[i]);
        struct tzif z = {.n_times = 77};
        if (tzif_read(buf_str(&b), &z) != ERR_BAD)
            fail_msg("%s", footers[i]);
        assert_int_equal(z.n_times, 77);
        buf_fini(&b);
    }
}

/* Cut anywhere, in memory of its exact size. */
static void refuses_cuts(struct str whole)
{
    struct tzif z;
    for (size_t len = 0; len < whole.len; len++) {
        char *exact = malloc(len + 1);
        memcpy(exact, whole.ptr, len);
        assert_int_equal(tzif_read(str_from(exact, len), &z), ERR_BAD);
        free(exact);
    }
}

/* Times of 4 bytes, and no footer: the last type holds. */
static void version_1(void **state)
{
    struct buf b = {0};
    struct tzif z;
    add_header(&b, 0, 0, 2, 2);
    add_u32(&b, (uint32_t)-1000);
    add_u32(&b, 1000);
    buf_add(&b, S("\1\0"));
    add_type(&b, 60);
    add_type(&b, -60);
    buf_add(&b, S("ABC\0"));
    assert_int_equal(tzif_read(buf_str(&b), &z), 0);
    assert_int_equal(tzif_offset(&z, -1001), 60);
    assert_int_equal(tzif_offset(&z, -1000), -60);
    assert_int_equal(tzif_offset(&z, 999), -60);
    assert_int_equal(tzif_offset(&z, 1000), 60);
    assert_int_equal(tzif_offset(&z, INT64_MAX), 60);
    refuses_cuts(buf_str(&b));
    b.data[b.head + 44 + 8] = 2; /* a type that is not there */
    assert_int_equal(tzif_read(buf_str(&b), &z), ERR_BAD);
    buf_fini(&b);
}

static void leap_seconds(void **state)
{
    struct buf b = {0};
    struct tzif z;
    add_header(&b, 0, 1, 0, 1);
    add_type(&b, 0);
    buf_add(&b, S("ABC\0abcdABCD"));
    assert_int_equal(tzif_read(buf_str(&b), &z), ERR_UNSUPPORTED);
    buf_fini(&b);
}

static void cut(void **state)
{
    struct buf whole = load("Europe_Berlin");
    struct tzif z;
    refuses_cuts(buf_str(&whole));
    assert_int_equal(
        tzif_read(S("TZif is not what this is, but it is long enough for a header"), &z), ERR_BAD);
    buf_fini(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments),   cmocka_unit_test(rules),        cmocka_unit_test(bad_rules),
        cmocka_unit_test(version_1), cmocka_unit_test(leap_seconds), cmocka_unit_test(cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
