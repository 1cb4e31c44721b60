/* SPDX-License-Identifier: Apache-2.0
 *
 * A line is a field's name, a colon, a space that does not count, and a value. Only the first two
 * names matter here, and only so many of their bytes as tell them apart are kept.
 */
#include "weir/wire/sse_watch.h"

#include <string.h>

enum part { FIELD, SPACE, DATA, NAME, OTHER };

static void move_on(struct str *in, size_t n)
{
    in->ptr += n;
    in->len -= n;
}

/* To the end of the line, or of `in`. */
static size_t line_run(struct str in)
{
    const char *lf = memchr(in.ptr, '\n', in.len);
    size_t n = lf ? (size_t)(lf - in.ptr) : in.len;
    const char *cr = memchr(in.ptr, '\r', n);
    return cr ? (size_t)(cr - in.ptr) : n;
}

static size_t field_run(struct str in)
{
    size_t n = 0;
    while (n < in.len && in.ptr[n] != ':' && in.ptr[n] != '\n' && in.ptr[n] != '\r')
        n++;
    return n;
}

static void keep_field(struct sse_watch *w, struct str piece)
{
    size_t room = sizeof w->field - w->field_len;
    w->field_over |= piece.len > room;
    size_t n = piece.len < room ? piece.len : room;
    memcpy(w->field + w->field_len, piece.ptr, n);
    w->field_len = (unsigned char)(w->field_len + n);
}

/* A byte order mark may stand before the first line. */
static struct str field(const struct sse_watch *w)
{
    struct str f = {w->field, w->field_len};
    bool mark = !w->had_line && str_starts(f, S("\xef\xbb\xbf"));
    return str_from_offset(f, mark ? 3 : 0);
}

/* What stands behind the name that was read. */
static enum part part_of(const struct sse_watch *w)
{
    if (!w->field_over && str_eq(field(w), S("data")))
        return DATA;
    return !w->field_over && str_eq(field(w), S("event")) ? NAME : OTHER;
}

static bool blank(const struct sse_watch *w)
{
    return w->part == FIELD && !w->field_over && field(w).len == 0;
}

static void forget_event(struct sse_watch *w)
{
    w->name_len = 0;
    w->has_data = w->pending = w->ended = false;
}

/* A field begins to be told. True when a line of data goes before it: then LF is due. */
static bool begin_value(struct sse_watch *w, enum part part)
{
    bool another = part == DATA && w->has_data;
    w->has_data |= part == DATA;
    if (part == NAME)
        w->name_len = 0;
    return another;
}

static void keep_name(struct sse_watch *w, struct str piece)
{
    size_t room = sizeof w->name - w->name_len;
    size_t n = piece.len < room ? piece.len : room;
    memcpy(w->name + w->name_len, piece.ptr, n);
    w->name_len = (unsigned char)(w->name_len + n);
}

/* At the end of a line, which is taken off. */
static enum sse_watch_found end_line(struct sse_watch *w, struct str *in, struct str *piece)
{
    bool was_blank = blank(w), line_feed = false;
    if (w->part == FIELD && !was_blank)
        line_feed = begin_value(w, part_of(w));
    w->after_cr = in->ptr[0] == '\r';
    move_on(in, 1);
    w->had_line = true;
    w->part = FIELD;
    w->field_len = 0;
    w->field_over = false;
    w->pending |= !was_blank;
    if (was_blank && w->has_data) {
        w->ended = true;
        return SSE_WATCH_END;
    }
    if (was_blank)
        forget_event(w);
    *piece = S("\n");
    return line_feed ? SSE_WATCH_DATA : SSE_WATCH_NOTHING;
}

static enum sse_watch_found next_field(struct sse_watch *w, struct str *in, struct str *piece)
{
    struct str now = {in->ptr, field_run(*in)};
    keep_field(w, now);
    move_on(in, now.len);
    if (in->len == 0)
        return SSE_WATCH_NOTHING;
    if (in->ptr[0] != ':')
        return end_line(w, in, piece);
    move_on(in, 1);
    w->part = SPACE;
    *piece = S("\n");
    return begin_value(w, part_of(w)) ? SSE_WATCH_DATA : SSE_WATCH_NOTHING;
}

static enum sse_watch_found next_value(struct sse_watch *w, struct str *in, struct str *piece)
{
    struct str now = {in->ptr, line_run(*in)};
    if (now.len == 0)
        return end_line(w, in, piece);
    move_on(in, now.len);
    if (w->part == NAME)
        keep_name(w, now);
    *piece = now;
    return w->part == DATA ? SSE_WATCH_DATA : SSE_WATCH_NOTHING;
}

/* The rest of a line feed behind a carriage return, and the space behind a colon. */
static void skip_one(struct sse_watch *w, struct str *in)
{
    if (w->after_cr && in->ptr[0] == '\n')
        move_on(in, 1);
    w->after_cr = false;
    if (w->part != SPACE || in->len == 0)
        return;
    w->part = (unsigned char)part_of(w);
    if (in->ptr[0] == ' ')
        move_on(in, 1);
}

enum sse_watch_found sse_watch_next(struct sse_watch *w, struct str *in, struct str *piece)
{
    enum sse_watch_found found = SSE_WATCH_NOTHING;
    if (w->ended && in->len)
        forget_event(w);
    while (found == SSE_WATCH_NOTHING && in->len) {
        skip_one(w, in);
        if (in->len == 0)
            break;
        found = w->part == FIELD ? next_field(w, in, piece) : next_value(w, in, piece);
    }
    return found;
}

struct str sse_watch_name(const struct sse_watch *w)
{
    return (struct str){w->name, w->name_len};
}

bool sse_watch_between(const struct sse_watch *w)
{
    return w->part == FIELD && w->field_len == 0 && !w->field_over && (!w->pending || w->ended);
}
