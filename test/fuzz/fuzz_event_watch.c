/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as an event stream that passes by: cut up, it shows every frame that wire/event_stream
 * reads of the whole, before that one fails. The first byte says how to cut and which frames are
 * wanted. Checksums are mended before, else a fuzzer never gets behind them.
 */
#include "frames.h"
#include "weir/wire/event_stream.h"
#include "weir/wire/event_watch.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 4096 };

static bool wanted(const struct event_frame *f, bool all)
{
    return all || f->payload_len % 2;
}

/* Frames as lengths and bytes; what is not wanted has no payload. True when it ended between two
 * frames, all good. */
static bool read_whole(struct str in, bool all, struct buf *out)
{
    struct event_stream s = {.hold_most = EVENT_STREAM_FRAME_MOST};
    struct event_frame f;
    int got;
    while ((got = event_stream_next(&s, &in, &f)) == 1) {
        buf_addf(out, "%zu %zu\n", f.headers.len, f.payload_len);
        buf_add(out, f.headers);
        buf_add(out, wanted(&f, all) ? f.payload : S(""));
    }
    bool good = got == 0 && event_stream_between(&s);
    event_stream_fini(&s);
    return good;
}

static bool watch(struct str bytes, size_t step, bool all, struct buf *out)
{
    struct event_watch w = {0};
    struct event_part p;
    enum event_watch_found found;
    size_t left = 0;
    for (size_t at = 0; at < bytes.len; at += step) {
        struct str in = str_sub(bytes, at, step);
        while ((found = event_watch_next(&w, &in, &p)) != EVENT_WATCH_NOTHING) {
            if (found == EVENT_WATCH_HEAD) {
                buf_addf(out, "%zu %zu\n", p.head.headers.len, p.head.payload_len);
                buf_add(out, p.head.headers);
                w.want = wanted(&p.head, all);
                left = p.head.payload_len;
            } else if (found == EVENT_WATCH_PAYLOAD) {
                assert(p.bytes.len > 0 && p.bytes.len <= left);
                left -= p.bytes.len;
                buf_add(out, p.bytes);
            } else {
                assert(left == 0);
            }
        }
        assert(in.len == 0);
    }
    bool good = event_watch_between(&w);
    assert(!good || left == 0 || !all);
    event_watch_fini(&w);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char room[MOST];
    struct buf read = {0}, whole = {0}, cut = {0};
    if (size < 1 || size > sizeof room)
        return 0;
    memcpy(room, data + 1, size - 1);
    if (data[0] & 1)
        mend(room, size - 1);
    struct str bytes = {room, size - 1};
    bool all = data[0] & 2, good = read_whole(bytes, all, &read);
    bool between = watch(bytes, size, all, &whole);
    assert(watch(bytes, 1 + (data[0] >> 2), all, &cut) == between);
    assert(str_eq(buf_str(&whole), buf_str(&cut)));
    assert(str_starts(buf_str(&whole), buf_str(&read)));
    assert(!good || between);
    buf_fini(&read);
    buf_fini(&whole);
    buf_fini(&cut);
    return 0;
}
