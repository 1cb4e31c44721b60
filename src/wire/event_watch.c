/* SPDX-License-Identifier: Apache-2.0
 *
 * Following frames. A head (prelude and headers) that lies whole in the input is shown in place and
 * only then stepped over; any other is gathered first.
 *
 *     total u32 | headers length u32 | CRC of these 8 | headers | payload | CRC of all before
 *     `------------- the head --------------------------------'
 */
#include "weir/wire/event_watch.h"

#include "weir/base/digest.h"

enum { PRELUDE = 12, CRC = 4 };

static uint32_t number(const char *at)
{
    uint32_t n = 0;
    for (size_t i = 0; i < 4; i++)
        n = n << 8 | (unsigned char)at[i];
    return n;
}

static void move_on(struct event_watch *w, struct str *in, size_t n)
{
    w->taken += n;
    in->ptr += n;
    in->len -= n;
}

static bool read_prelude(struct event_watch *w, const char *prelude)
{
    size_t total = number(prelude), headers_len = number(prelude + 4);
    w->lost = crc32_add(0, str_from(prelude, PRELUDE - CRC)) != number(prelude + PRELUDE - CRC) ||
              total < PRELUDE + CRC || headers_len > total - PRELUDE - CRC ||
              total > EVENT_STREAM_FRAME_MOST || headers_len > EVENT_STREAM_HEADERS_MOST;
    w->total = total;
    w->headers_len = headers_len;
    return !w->lost;
}

static void hold(struct event_watch *w, struct str *in, size_t until)
{
    struct str piece = str_sub(*in, 0, until - w->taken);
    buf_add(&w->held, piece);
    move_on(w, in, piece.len);
}

/* The head in *head once it is whole, in place or held. False: more is needed, or all is lost. */
static bool whole_head(struct event_watch *w, struct str *in, struct str *head)
{
    bool in_place = w->taken == 0 && in->len >= PRELUDE;
    if (w->total == 0 && in_place && !read_prelude(w, in->ptr))
        return false;
    if (w->total == 0 && w->taken < PRELUDE) {
        hold(w, in, PRELUDE);
        if (w->taken < PRELUDE || !read_prelude(w, w->held.data + w->held.head))
            return false;
    }
    size_t len = PRELUDE + (w->headers_len > EVENT_WATCH_HEADERS_MOST ? 0 : w->headers_len);
    *head = str_sub(*in, 0, len);
    if (in_place && head->len == len)
        return true;
    hold(w, in, len);
    *head = buf_str(&w->held);
    return w->taken == len;
}

static void next_frame(struct event_watch *w)
{
    buf_clear(&w->held);
    w->total = w->taken = 0;
    w->want = w->shown = false;
}

/* Behind the head. */
static enum event_watch_found next_payload(struct event_watch *w, struct str *in,
                                           struct event_part *out)
{
    size_t end = w->total - CRC;
    if (w->want && w->taken < end) {
        out->bytes = str_sub(*in, 0, end - w->taken);
        move_on(w, in, out->bytes.len);
        return out->bytes.len ? EVENT_WATCH_PAYLOAD : EVENT_WATCH_NOTHING;
    }
    move_on(w, in, in->len < w->total - w->taken ? in->len : w->total - w->taken);
    if (w->taken < w->total)
        return EVENT_WATCH_NOTHING;
    bool wanted = w->want;
    next_frame(w);
    return wanted ? EVENT_WATCH_END : EVENT_WATCH_NOTHING;
}

static enum event_watch_found next_head(struct event_watch *w, struct str *in,
                                        struct event_part *out)
{
    struct str head;
    if (!whole_head(w, in, &head))
        return EVENT_WATCH_NOTHING;
    w->shown = true;
    out->head = (struct event_frame){.headers = str_from_offset(head, PRELUDE),
                                     .payload_len = w->total - PRELUDE - CRC - w->headers_len};
    return w->headers_len > EVENT_WATCH_HEADERS_MOST ? EVENT_WATCH_NOTHING : EVENT_WATCH_HEAD;
}

enum event_watch_found event_watch_next(struct event_watch *w, struct str *in,
                                        struct event_part *out)
{
    enum event_watch_found found = EVENT_WATCH_NOTHING;
    while (found == EVENT_WATCH_NOTHING && in->len && !w->lost) {
        if (!w->shown) {
            found = next_head(w, in, out);
            continue;
        }
        if (w->taken == 0) /* the head was shown in place */
            move_on(w, in,
                    PRELUDE + (w->headers_len > EVENT_WATCH_HEADERS_MOST ? 0 : w->headers_len));
        found = next_payload(w, in, out);
    }
    if (w->lost)
        move_on(w, in, in->len);
    return found;
}

bool event_watch_between(const struct event_watch *w)
{
    return !w->lost && w->taken == 0;
}

void event_watch_fini(struct event_watch *w)
{
    buf_fini(&w->held);
}
