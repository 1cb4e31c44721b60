/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as server-sent events that pass by: cut up, they are what wire/sse reads of the whole.
 * The first byte says how to cut.
 */
#include "weir/wire/sse.h"
#include "weir/wire/sse_watch.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void say(struct buf *out, struct str name, struct str data)
{
    buf_addf(out, "%zu %zu\n", name.len, data.len);
    buf_add(out, name);
    buf_add(out, data);
}

static void read_whole(struct str all, struct buf *out)
{
    struct sse s = {.event_most = 1 << 20};
    struct sse_event e;
    while (sse_next(&s, &all, &e))
        say(out, str_sub(e.name, 0, SSE_WATCH_NAME_MOST), e.data);
    sse_fini(&s);
}

static void watch(struct str all, size_t step, struct buf *out)
{
    struct sse_watch w = {0};
    struct buf data = {0};
    struct str piece;
    for (size_t at = 0; at < all.len; at += step) {
        struct str in = str_sub(all, at, step);
        enum sse_watch_found found;
        while ((found = sse_watch_next(&w, &in, &piece)) != SSE_WATCH_NOTHING) {
            if (found == SSE_WATCH_DATA) {
                buf_add(&data, piece);
                continue;
            }
            assert(sse_watch_between(&w));
            say(out, sse_watch_name(&w), buf_str(&data));
            buf_clear(&data);
        }
        assert(in.len == 0);
    }
    buf_fini(&data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf read = {0}, whole = {0}, cut = {0};
    if (size < 1)
        return 0;
    struct str all = {(const char *)data + 1, size - 1};
    read_whole(all, &read);
    watch(all, size, &whole);
    watch(all, 1 + data[0] % 32, &cut);
    assert(str_eq(buf_str(&read), buf_str(&whole)));
    assert(str_eq(buf_str(&read), buf_str(&cut)));
    buf_fini(&read);
    buf_fini(&whole);
    buf_fini(&cut);
    return 0;
}
