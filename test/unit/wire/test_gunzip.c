/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/gunzip: what was packed comes out, however it is cut up, one member or several; what is
 * broken or cut off is told.
 */
#include "vectors.h"
#include "weir/base/random.h"
#include "weir/wire/gunzip.h"
#include "weir/wire/gzip.h"

/* All of it, `in` bytes at a time into `room` bytes; the state of the end in *whole. */
static int unpack(struct str packed, size_t in, size_t room, struct buf *out, bool *whole)
{
    struct gunzip *g = gunzip_new();
    int err = 0;
    for (size_t at = 0; at < packed.len && err == 0; at += in) {
        struct str piece = str_sub(packed, at, in);
        size_t n;
        do {
            err = gunzip_step(g, &piece, buf_reserve(out, room), room, &n);
            buf_commit(out, n);
        } while (err == 0 && (piece.len || n == room));
    }
    *whole = gunzip_is_whole(g);
    gunzip_free(g);
    return err;
}

static void comes_out(struct str packed, struct str bytes, size_t in, size_t room)
{
    struct buf out = {0};
    bool whole;
    assert_true(gunzip_is(packed));
    assert_int_equal(unpack(packed, in, room, &out, &whole), 0);
    assert_true(whole);
    assert_str(buf_str(&out), bytes);
    buf_fini(&out);
}

static void whatever_the_pieces(void **state)
{
    static char bytes[100000];
    struct buf packed = {0};
    random_seed(7);
    random_bytes(bytes, 3000);
    memset(bytes + 3000, 'x', sizeof bytes - 3000);
    gzip_add(&packed, str_from(bytes, sizeof bytes));
    for (size_t n = 1; n < 4000; n = n * 3 + 1)
        for (size_t room = 64; room < 300000; room *= 7)
            comes_out(buf_str(&packed), str_from(bytes, sizeof bytes), n, room);
    random_seed(0);
    buf_fini(&packed);
}

static void several_members(void **state)
{
    struct buf packed = {0};
    gzip_add(&packed, S("one "));
    gzip_add(&packed, S(""));
    gzip_add(&packed, S("two"));
    for (size_t n = 1; n < 70; n++)
        comes_out(buf_str(&packed), S("one two"), n, 4096);
    buf_fini(&packed);
}

static void cut_off_and_broken(void **state)
{
    struct buf packed = {0}, out = {0};
    bool whole = true;
    gzip_add(&packed, S("some text that is some text"));
    for (size_t n = 1; n < buf_len(&packed); n++) {
        buf_clear(&out);
        assert_int_equal(unpack(str_sub(buf_str(&packed), 0, n), 4096, 4096, &out, &whole), 0);
        assert_false(whole);
    }
    packed.data[packed.tail - 5] ^= 1; /* of the checksum */
    assert_int_equal(unpack(buf_str(&packed), 4096, 4096, &out, &whole), ERR_BAD);
    assert_int_equal(unpack(S("\x1f\x8b is no gzip"), 4096, 4096, &out, &whole), ERR_BAD);
    assert_false(gunzip_is(S("{\"a\":1}")));
    assert_false(gunzip_is(S("\x1f")));
    buf_fini(&packed);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_the_pieces),
        cmocka_unit_test(several_members),
        cmocka_unit_test(cut_off_and_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
