/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/json_out: commas and escapes, what it refuses to write, and that the scanner accepts all
 * that it writes, whatever the bytes.
 */
#include "vectors.h"
#include "weir/base/random.h"
#include "weir/wire/json_out.h"
#include "weir/wire/json_scan.h"

static void writes_every_kind(void **state)
{
    struct buf b = {0};
    struct json_out o = {.buf = &b};
    json_out_object(&o);
    json_out_key(&o, S("a"));
    json_out_array(&o);
    json_out_u64(&o, UINT64_MAX);
    json_out_i64(&o, INT64_MIN);
    json_out_array(&o);
    json_out_end(&o);
    json_out_object(&o);
    json_out_end(&o);
    json_out_end(&o);
    json_out_key(&o, S("b\""));
    json_out_bool(&o, true);
    json_out_key(&o, S("c"));
    json_out_null(&o);
    json_out_key(&o, S("d"));
    json_out_object(&o);
    json_out_key(&o, S(""));
    json_out_bool(&o, false);
    json_out_end(&o);
    json_out_key(&o, S("e"));
    json_out_raw(&o, S("{\"x\" : 1.0}"));
    json_out_key(&o, S("f"));
    json_out_string(&o, S(""));
    json_out_end(&o);
    assert_str(buf_str(&b),
               S("{\"a\":[18446744073709551615,-9223372036854775808,[],{}],\"b\\\"\":true,"
                 "\"c\":null,\"d\":{\"\":false},\"e\":{\"x\" : 1.0},\"f\":\"\"}"));
    buf_fini(&b);
}

static void escapes(void **state)
{
    struct buf b = {0};
    struct json_out o = {.buf = &b};
    json_out_string(&o, S("plain\"\\\n\x1b tail \xc3\xbc\xff\xe6\xb0 end\x7f"));
    assert_str(buf_str(&b), S("\"plain\\\"\\\\\\u000a\\u001b tail \xc3\xbc\xef\xbf\xbd\xef\xbf\xbd"
                              "\xef\xbf\xbd end\\u007f\""));
    buf_fini(&b);
}

static void the_buffer_says_when_it_is_full(void **state)
{
    struct buf b = {.max = 8};
    struct json_out o = {.buf = &b};
    json_out_array(&o);
    json_out_string(&o, S("longer than eight"));
    json_out_end(&o);
    assert_true(b.overflow);
    buf_fini(&b);
}

/* Any bytes as key and value, at any depth: strict. */
static void is_always_strict(void **state)
{
    random_seed(42);
    for (int i = 0; i < 2000; i++) {
        struct buf b = {0};
        struct json_out o = {.buf = &b};
        unsigned char bytes[80];
        json_out_object(&o);
        for (unsigned depth = 1; depth < JSON_OUT_DEPTH; depth++) {
            random_bytes(bytes, sizeof bytes);
            struct str any = {(const char *)bytes, random_below(sizeof bytes)};
            json_out_key(&o, any);
            json_out_string(&o, any);
            json_out_key(&o, any);
            json_out_object(&o);
        }
        while (o.depth)
            json_out_end(&o);
        struct json_scan s;
        json_init(&s, buf_str(&b));
        assert_int_equal(json_skip(&s), JSON_OBJECT);
        assert_int_equal(json_skip(&s), JSON_END);
        buf_fini(&b);
    }
    random_seed(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_every_kind),
        cmocka_unit_test(escapes),
        cmocka_unit_test(the_buffer_says_when_it_is_full),
        cmocka_unit_test(is_always_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
