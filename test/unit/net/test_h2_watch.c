/* SPDX-License-Identifier: Apache-2.0
 *
 * net/h2_watch: frame heads in any cut.
 */
#include "weir/net/h2_watch.h"

#include <nghttp2/nghttp2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct h2_watch watch;

static int setup(void **state)
{
    h2_watch_init(&watch, 0);
    return h2_watch_read(&watch, S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 0) != 0;
}

/* One frame, handed over whole or byte by byte; its payload is made of 0xff, which as a head would
 * be an unknown frame. */
static uint32_t feed(unsigned type, unsigned flags, uint32_t id, uint32_t length)
{
    static unsigned char frame[9 + 4096];
    static bool cut;
    memset(frame, 0xff, sizeof frame);
    memcpy(frame,
           (unsigned char[]){(unsigned char)(length >> 16), (unsigned char)(length >> 8),
                             (unsigned char)length, (unsigned char)type, (unsigned char)flags,
                             (unsigned char)(id >> 24), (unsigned char)(id >> 16),
                             (unsigned char)(id >> 8), (unsigned char)id},
           9);
    cut = !cut;
    if (!cut)
        return h2_watch_read(&watch, (struct str){(char *)frame, 9 + length}, 0);
    uint32_t code = 0;
    for (size_t i = 0; i < 9 + length && !code; i++)
        code = h2_watch_read(&watch, (struct str){(char *)frame + i, 1}, 0);
    return code;
}

/* The watch need not go on after a verdict; here it does. */
static uint32_t see(unsigned type, unsigned flags, uint32_t id, uint32_t length)
{
    uint32_t code = feed(type, flags, id, length);
    if (code)
        watch.skip = 0;
    return code;
}

enum { END = NGHTTP2_FLAG_END_STREAM };

static void honest_streams(void **state)
{
    for (uint32_t id = 1; id < 4000; id += 2) {
        assert_int_equal(see(NGHTTP2_HEADERS, 0, id, 40), 0);
        assert_int_equal(see(NGHTTP2_CONTINUATION, 4, id, 40), 0);
        assert_int_equal(see(NGHTTP2_DATA, 0, id, 3), 0);
        assert_int_equal(see(NGHTTP2_DATA, END, id, id % 4 ? 0 : 9), 0);
    }
    assert_int_equal(see(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, 0), 0);
}

static void frames_after_the_end(void **state)
{
    assert_int_equal(see(NGHTTP2_HEADERS, END, 1, 4), 0);
    assert_int_equal(see(NGHTTP2_DATA, 0, 1, 4), NGHTTP2_STREAM_CLOSED);
    assert_int_equal(see(NGHTTP2_HEADERS, END, 1, 4), NGHTTP2_STREAM_CLOSED);
    assert_int_equal(see(NGHTTP2_HEADERS, 0, 3, 4), 0);
    assert_int_equal(see(NGHTTP2_HEADERS, END, 3, 4), 0); /* trailers */
    assert_int_equal(see(NGHTTP2_HEADERS, END, 3, 4), NGHTTP2_STREAM_CLOSED);
    assert_int_equal(see(NGHTTP2_HEADERS, 0, 5, 4), 0);
    assert_int_equal(see(NGHTTP2_RST_STREAM, 0, 5, 4), 0);
    assert_int_equal(see(NGHTTP2_WINDOW_UPDATE, 0, 5, 4), 0);
    assert_int_equal(see(NGHTTP2_DATA, END, 5, 4), NGHTTP2_STREAM_CLOSED);
}

static void ids_grow(void **state)
{
    assert_int_equal(see(NGHTTP2_HEADERS, END, 1, 4), 0);
    assert_int_equal(see(NGHTTP2_HEADERS, END, 9, 4), 0);
    assert_int_equal(see(NGHTTP2_HEADERS, END, 5, 4), NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(see(NGHTTP2_HEADERS, END, 9, 4), NGHTTP2_STREAM_CLOSED);
    assert_int_equal(see(NGHTTP2_HEADERS, 0, 100001, 4), 0); /* far away: all between were never */
    assert_int_equal(see(NGHTTP2_HEADERS, 0, 99999, 4), NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(see(NGHTTP2_HEADERS, 0, 100001, 4), 0);
    assert_int_equal(see(NGHTTP2_DATA, END, 9, 4), 0); /* too long ago to know */
}

static int how_many(unsigned type, unsigned flags, uint32_t length)
{
    int n = 0;
    while (n < 5000 && !see(type, flags, 0, length))
        n++;
    return n;
}

static void floods(void **state)
{
    static const struct {
        unsigned type, flags;
        uint32_t length;
        int most;
    } kinds[] = {
        {NGHTTP2_PING, 0, 8, 100},           {NGHTTP2_PING, NGHTTP2_FLAG_ACK, 8, 5000},
        {NGHTTP2_SETTINGS, 0, 0, 100},       {NGHTTP2_PRIORITY, 0, 5, 100},
        {NGHTTP2_RST_STREAM, 0, 4, 100},     {NGHTTP2_DATA, 0, 0, 100},
        {NGHTTP2_DATA, 0, 1, 5000},          {0xfa, 0, 8, 1000},
        {NGHTTP2_WINDOW_UPDATE, 0, 4, 1000},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        setup(NULL);
        assert_int_equal(how_many(kinds[i].type, kinds[i].flags, kinds[i].length), kinds[i].most);
    }
}

static void what_is_earned(void **state)
{
    for (int i = 0; i < 1000; i++) { /* two for each stream, and never a hundred empty in a row */
        uint32_t id = (uint32_t)(2 * i + 1);
        assert_int_equal(see(NGHTTP2_HEADERS, 0, id, 4), 0);
        assert_int_equal(see(NGHTTP2_PRIORITY, 0, id, 5), 0);
        assert_int_equal(see(NGHTTP2_PRIORITY, 0, id, 5), 0);
        assert_int_equal(see(NGHTTP2_DATA, 0, id, 0), 0);
        assert_int_equal(see(NGHTTP2_DATA, END, id, 1), 0);
    }
    assert_int_equal(how_many(NGHTTP2_PRIORITY, 0, 5), 98); /* a full account earns nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(honest_streams, setup),
        cmocka_unit_test_setup(frames_after_the_end, setup),
        cmocka_unit_test_setup(ids_grow, setup),
        cmocka_unit_test_setup(floods, setup),
        cmocka_unit_test_setup(what_is_earned, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
