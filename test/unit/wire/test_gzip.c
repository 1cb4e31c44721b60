/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/gzip: what it writes is what zlib reads, whatever the bytes and however many; the same bytes
 * give the same member.
 */
#include "vectors.h"
#include "weir/base/random.h"
#include "weir/wire/gzip.h"

#include <zlib.h>

static void inflate_all(struct str packed, struct buf *out, size_t most)
{
    z_stream z = {0};
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    z.next_in = (z_const Bytef *)packed.ptr;
    z.avail_in = (uInt)packed.len;
    z.next_out = (Bytef *)buf_reserve(out, most + 1);
    z.avail_out = (uInt)most + 1;
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    buf_commit(out, z.total_out);
    inflateEnd(&z);
}

static void there_and_back(struct str bytes)
{
    struct buf packed = {0}, again = {0}, back = {0};
    buf_add(&packed, S("before"));
    gzip_add(&packed, bytes);
    assert_memory_equal(packed.data, "before\x1f\x8b\x08", 9);
    inflate_all(str_from_offset(buf_str(&packed), 6), &back, bytes.len);
    assert_str(buf_str(&back), bytes);
    gzip_add(&again, bytes);
    assert_str(buf_str(&again), str_from_offset(buf_str(&packed), 6));
    buf_fini(&packed);
    buf_fini(&again);
    buf_fini(&back);
}

static void packs(void **state)
{
    static char bytes[300000];
    random_seed(7);
    for (size_t n = 0; n < 40; n++) {
        size_t len = (size_t)random_below(n < 20 ? 100 : sizeof bytes);
        random_bytes(bytes, len);
        if (n % 2)
            memset(bytes, 'x', len);
        there_and_back(str_from(bytes, len));
    }
    random_seed(0);
    there_and_back(S(""));
}

static void words_that_come_again_get_small(void **state)
{
    struct buf text = {0}, packed = {0};
    for (int i = 0; i < 1000; i++)
        buf_addf(&text, "{\"MetricName\":\"InputTokenCount\",\"Values\":[%d]},", i);
    gzip_add(&packed, buf_str(&text));
    assert_true(buf_len(&packed) < buf_len(&text) / 8);
    buf_fini(&text);
    buf_fini(&packed);
}

static void a_full_buf_takes_nothing(void **state)
{
    struct buf packed = {.max = 8};
    gzip_add(&packed, S("more than eight"));
    assert_true(packed.overflow);
    assert_int_equal(buf_len(&packed), 0);
    buf_fini(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packs),
        cmocka_unit_test(words_that_come_again_get_small),
        cmocka_unit_test(a_full_buf_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
