/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as an event stream: whole and cut up, the same frames and the same end; and what was
 * read can be written again. The first byte says how to cut and how much to hold. CRCs are mended
 * before, else a fuzzer never gets behind them.
 */
#include "frames.h"
#include "weir/wire/event_stream.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADERS_MOST = 4096 };

static void write_again(const struct event_frame *f, struct buf *out)
{
    static struct event_header headers[HEADERS_MOST];
    struct str rest = f->headers;
    size_t n = 0;
    while (n < HEADERS_MOST && event_stream_header(&rest, &headers[n]))
        n++;
    assert(rest.len == 0);
    assert(event_stream_add(out, headers, n, f->payload) == 0);
}

/* Every frame that was not passed over, written again, and the end. */
static int read_all(struct str all, size_t step, size_t hold_most, struct buf *out, size_t *frames)
{
    struct event_stream s = {.hold_most = hold_most};
    struct event_frame f;
    int got = 0;
    for (size_t at = 0; at < all.len && got >= 0; at += step) {
        struct str in = str_sub(all, at, step);
        while ((got = event_stream_next(&s, &in, &f)) == 1) {
            ++*frames;
            assert(f.passed_over || f.payload.len == f.payload_len);
            if (!f.passed_over)
                write_again(&f, out);
        }
        assert(got < 0 || in.len == 0);
        assert(s.held.cap <= 2 * hold_most + 256);
    }
    if (got == 0 && !event_stream_between(&s))
        got = ERR_AGAIN;
    event_stream_fini(&s);
    return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char room[HEADERS_MOST];
    struct buf whole = {0}, cut = {0};
    size_t frames = 0, cut_frames = 0;
    if (size < 1 || size > sizeof room)
        return 0;
    memcpy(room, data + 1, size - 1);
    if (data[0] & 1)
        mend(room, size - 1);
    struct str all = {room, size - 1};
    size_t hold_most = data[0] & 2 ? 64 : EVENT_STREAM_FRAME_MOST;
    int end = read_all(all, size, hold_most, &whole, &frames);
    assert(read_all(all, 1 + (data[0] >> 2), hold_most, &cut, &cut_frames) == end);
    assert(frames == cut_frames && str_eq(buf_str(&whole), buf_str(&cut)));
    if (hold_most > size)
        assert(str_starts(all, buf_str(&whole)));
    buf_fini(&whole);
    buf_fini(&cut);
    return 0;
}
