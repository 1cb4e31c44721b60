/* SPDX-License-Identifier: Apache-2.0
 *
 * Server-sent events, a line at a time. A line that lies whole in the input is read in place; only
 * one that is cut is gathered first. What is too large is dropped up to the next empty line, which
 * is where any reader finds its way back.
 */
#include "weir/wire/sse.h"

#include <assert.h>

enum { ROOM_KEPT = 4096 };

static size_t line_len(struct str in)
{
    size_t n = 0;
    while (n < in.len && in.ptr[n] != '\n' && in.ptr[n] != '\r')
        n++;
    return n;
}

/* Thousands of streams are open at once: a large event's room is given back. */
static void empty(struct buf *b)
{
    if (b->cap > ROOM_KEPT)
        buf_fini(b);
    buf_clear(b);
}

static void forget_event(struct sse *s)
{
    empty(&s->data);
    empty(&s->name);
    s->has_data = s->over = s->given = false;
}

static void set(struct buf *b, struct str value)
{
    buf_clear(b);
    buf_add(b, value);
}

/* Counts what the event would hold with `n` bytes more; past the limit it holds nothing. */
static void charge(struct sse *s, size_t n)
{
    size_t held = buf_len(&s->line) + buf_len(&s->data) + buf_len(&s->name);
    if (n <= s->event_most && held <= s->event_most - n)
        return;
    s->over = true;
    empty(&s->line);
    empty(&s->data);
}

static void read_field(struct sse *s, struct str line)
{
    struct str value = line, name = str_cut(&value, ':');
    if (str_starts(value, S(" ")))
        value = str_from_offset(value, 1);
    if (str_eq(name, S("data"))) {
        if (s->has_data)
            buf_add_char(&s->data, '\n');
        buf_add(&s->data, value);
        s->has_data = true;
    } else if (str_eq(name, S("event"))) {
        set(&s->name, value);
    } else if (str_eq(name, S("id")) && str_chr(value, 0) < 0) {
        set(&s->id, value);
    }
}

/* True when the line ends an event. */
static bool read_line(struct sse *s, struct str line)
{
    if (!s->first_line_read && !s->over && str_starts(line, S("\xef\xbb\xbf"))) {
        line = str_from_offset(line, 3);
        s->line_begun = line.len > 0;
    }
    s->first_line_read = true;
    bool blank = !s->line_begun;
    s->line_begun = false;
    if (!blank && !s->over)
        read_field(s, line);
    empty(&s->line);
    if (blank && !s->has_data && !s->over)
        forget_event(s);
    return blank && (s->has_data || s->over);
}

/* A piece of a line; `whole` when a line end stands behind it. True when that ends an event. */
static bool take_piece(struct sse *s, struct str piece, bool whole)
{
    s->line_begun |= piece.len > 0;
    if (!s->over)
        charge(s, piece.len);
    if (!s->over && (!whole || buf_len(&s->line)))
        buf_add(&s->line, piece);
    if (!whole)
        return false;
    return read_line(s, buf_len(&s->line) ? buf_str(&s->line) : piece);
}

bool sse_next(struct sse *s, struct str *in, struct sse_event *out)
{
    if (s->given)
        forget_event(s);
    while (in->len) {
        size_t skip = s->after_cr && in->ptr[0] == '\n';
        struct str rest = str_from_offset(*in, skip);
        size_t n = line_len(rest);
        bool whole = n < rest.len;
        s->after_cr = whole && rest.ptr[n] == '\r';
        *in = str_from_offset(rest, n + whole);
        if (!take_piece(s, str_sub(rest, 0, n), whole))
            continue;
        s->given = true;
        *out = (struct sse_event){.id = buf_str(&s->id), .passed_over = s->over};
        out->name = buf_str(&s->name);
        out->data = s->over ? S("") : buf_str(&s->data);
        return true;
    }
    return false;
}

void sse_fini(struct sse *s)
{
    buf_fini(&s->line);
    buf_fini(&s->data);
    buf_fini(&s->name);
    buf_fini(&s->id);
}

void sse_add(struct buf *b, struct str name, struct str data)
{
    assert(line_len(name) == name.len);
    if (name.len) {
        buf_add(b, S("event: "));
        buf_add(b, name);
        buf_add_char(b, '\n');
    }
    for (bool more = true; more;) {
        size_t n = line_len(data);
        buf_add(b, S("data: "));
        buf_add(b, str_sub(data, 0, n));
        buf_add_char(b, '\n');
        more = n < data.len;
        n += more && str_starts(str_from_offset(data, n), S("\r\n")) ? 2 : 1;
        data = str_from_offset(data, n);
    }
    buf_add_char(b, '\n');
}
