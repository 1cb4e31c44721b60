/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/proto_out against bytes made by hand from the encoding's description (protobuf.dev,
 * "Encoding", read November 2026).
 */
#include "vectors.h"
#include "weir/wire/proto_out.h"

static struct buf b;

#define assert_bytes(literal) (assert_str(buf_str(&b), S(literal)), buf_clear(&b))

static void numbers(void **state)
{
    proto_out_u64(&b, 1, 150); /* the description's own example */
    assert_bytes("\x08\x96\x01");
    proto_out_u64(&b, 1, 0);
    assert_bytes("\x08\x00");
    proto_out_u64(&b, 15, 127);
    assert_bytes("\x78\x7f");
    proto_out_u64(&b, 16, 128); /* a key of two bytes */
    assert_bytes("\x80\x01\x80\x01");
    proto_out_u64(&b, 2, UINT64_MAX);
    assert_bytes("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    proto_out_fixed64(&b, 3, 0x0102030405060708);
    assert_bytes("\x19\x08\x07\x06\x05\x04\x03\x02\x01");
    proto_out_double(&b, 4, 1.5);
    assert_bytes("\x21\x00\x00\x00\x00\x00\x00\xf8\x3f");
}

static void strings(void **state)
{
    proto_out_string(&b, 2, S("testing"));
    assert_bytes("\x12\x07testing");
    proto_out_string(&b, 2, S(""));
    assert_bytes("\x12\x00");
}

static void messages_in_messages(void **state)
{
    size_t outer = proto_out_begin(&b, 3);
    proto_out_u64(&b, 1, 150);
    size_t inner = proto_out_begin(&b, 1);
    proto_out_string(&b, 1, S("ab"));
    proto_out_end(&b, inner);
    size_t empty = proto_out_begin(&b, 2);
    proto_out_end(&b, empty);
    proto_out_end(&b, outer);
    assert_bytes("\x1a\x0b\x08\x96\x01\x0a\x04\x0a\x02"
                 "ab\x12\x00");
}

static void long_messages_get_long_lengths(void **state)
{
    char x[300];
    memset(x, 'x', sizeof x);
    size_t at = proto_out_begin(&b, 1);
    proto_out_string(&b, 1, str_from(x, sizeof x));
    proto_out_end(&b, at);
    assert_int_equal(buf_len(&b), 1 + 2 + 1 + 2 + 300);
    assert_memory_equal(buf_str(&b).ptr, "\x0a\xaf\x02\x0a\xac\x02xx", 8);
    assert_int_equal(buf_str(&b).ptr[305], 'x');
    buf_clear(&b);
}

static void packed(void **state)
{
    const uint64_t n[] = {1, 258};
    const double d[] = {1.5};
    proto_out_fixed64s(&b, 6, n, 2);
    proto_out_doubles(&b, 7, d, 1);
    proto_out_doubles(&b, 7, d, 0);
    assert_bytes("\x32\x10\x01\x00\x00\x00\x00\x00\x00\x00\x02\x01\x00\x00\x00\x00\x00\x00"
                 "\x3a\x08\x00\x00\x00\x00\x00\x00\xf8\x3f\x3a\x00");
}

static void a_full_buf_keeps_its_word(void **state)
{
    struct buf small = {.max = 6};
    size_t at = proto_out_begin(&small, 1);
    proto_out_string(&small, 1, S("too long for it"));
    proto_out_end(&small, at);
    assert_true(small.overflow);
    assert_true(buf_len(&small) <= 6);
    buf_fini(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(strings),
        cmocka_unit_test(messages_in_messages),
        cmocka_unit_test(long_messages_get_long_lengths),
        cmocka_unit_test(packed),
        cmocka_unit_test(a_full_buf_keeps_its_word),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_fini(&b);
    return failed;
}
