/* SPDX-License-Identifier: Apache-2.0
 *
 * Where messages of a passing stream end, from lengths and blank lines alone.
 */
#include "weir/gate/stream_tail.h"

/* An event-stream frame: two lengths and three checksums at least, 24 MiB + 128 KiB + 16 at most
 * (aws-c-event-stream, November 2026). */
enum { FRAME_LEAST = 16, FRAME_MOST = 24 * 1024 * 1024 + 128 * 1024 + 16 };

void stream_tail_init(struct stream_tail *t, struct str content_type)
{
    *t = (struct stream_tail){.shape = STREAM_NONE};
    if (str_istarts(content_type, S("application/vnd.amazon.eventstream")))
        t->shape = STREAM_EVENTS;
    else if (str_istarts(content_type, S("text/event-stream")))
        t->shape = STREAM_SSE;
}

static void feed_events(struct stream_tail *t, struct str bytes)
{
    size_t i = 0;
    while (i < bytes.len && !t->lost) {
        if (t->left) {
            size_t n = bytes.len - i < t->left ? bytes.len - i : t->left;
            t->left -= (uint32_t)n;
            i += n;
            continue;
        }
        t->length = t->length << 8 | (unsigned char)bytes.ptr[i++];
        if (++t->length_read < 4)
            continue;
        t->lost = t->length < FRAME_LEAST || t->length > FRAME_MOST;
        t->left = t->length - 4;
        t->length = 0;
        t->length_read = 0;
    }
}

static void feed_sse(struct stream_tail *t, struct str bytes)
{
    /* Two line ends are enough to know; carriage returns beside them do not count. */
    for (size_t i = bytes.len > 4 ? bytes.len - 4 : 0; i < bytes.len; i++) {
        if (bytes.ptr[i] == '\n')
            t->newlines++;
        else if (bytes.ptr[i] != '\r')
            t->newlines = 0;
    }
}

void stream_tail_feed(struct stream_tail *t, struct str bytes)
{
    if (bytes.len == 0)
        return;
    t->begun = true;
    if (t->shape == STREAM_EVENTS)
        feed_events(t, bytes);
    else if (t->shape == STREAM_SSE)
        feed_sse(t, bytes);
}

bool stream_tail_between(const struct stream_tail *t)
{
    if (t->shape == STREAM_EVENTS)
        return !t->lost && t->left == 0 && t->length_read == 0;
    return t->shape == STREAM_SSE && (!t->begun || t->newlines >= 2);
}
