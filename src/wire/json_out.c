/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer knows two things about where it stands: whether a comma is due and whether a value
 * is due. Every value goes through begin_value, which writes the one and checks the other.
 */
#include "weir/wire/json_out.h"

#include "weir/base/text.h"

#include <assert.h>
#include <inttypes.h>

static bool in_object(const struct json_out *o)
{
    return o->depth && (o->objects >> (o->depth - 1) & 1);
}

static void begin_value(struct json_out *o)
{
    assert(o->keyed == in_object(o));
    assert(o->depth || !o->more);
    if (o->more && !o->keyed)
        buf_add_char(o->buf, ',');
    o->keyed = false;
    o->more = true;
}

static void open_level(struct json_out *o, bool object)
{
    begin_value(o);
    assert(o->depth < JSON_OUT_DEPTH);
    uint64_t bit = 1ull << o->depth++;
    o->objects = object ? o->objects | bit : o->objects & ~bit;
    o->more = false;
    buf_add_char(o->buf, object ? '{' : '[');
}

void json_out_object(struct json_out *o)
{
    open_level(o, true);
}

void json_out_array(struct json_out *o)
{
    open_level(o, false);
}

void json_out_end(struct json_out *o)
{
    assert(o->depth && !o->keyed);
    buf_add_char(o->buf, in_object(o) ? '}' : ']');
    o->depth--;
    o->more = true;
}

static bool plain(char c)
{
    return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* text_add_json goes byte by byte; runs of plain bytes, most of most texts, are added at once. */
static void add_quoted(struct buf *b, struct str s)
{
    buf_add_char(b, '"');
    for (size_t from = 0, to = 0; from < s.len; from = to) {
        bool as_is = plain(s.ptr[from]);
        while (to < s.len && plain(s.ptr[to]) == as_is)
            to++;
        struct str part = str_sub(s, from, to - from);
        if (as_is)
            buf_add(b, part);
        else
            text_add_json(b, part, part.len);
    }
    buf_add_char(b, '"');
}

void json_out_key(struct json_out *o, struct str key)
{
    assert(in_object(o) && !o->keyed);
    if (o->more)
        buf_add_char(o->buf, ',');
    add_quoted(o->buf, key);
    buf_add_char(o->buf, ':');
    o->keyed = true;
}

void json_out_string(struct json_out *o, struct str s)
{
    begin_value(o);
    add_quoted(o->buf, s);
}

void json_out_u64(struct json_out *o, uint64_t n)
{
    begin_value(o);
    buf_add_u64(o->buf, n);
}

void json_out_i64(struct json_out *o, int64_t n)
{
    begin_value(o);
    buf_addf(o->buf, "%" PRId64, n);
}

void json_out_bool(struct json_out *o, bool b)
{
    begin_value(o);
    buf_add(o->buf, b ? S("true") : S("false"));
}

void json_out_null(struct json_out *o)
{
    begin_value(o);
    buf_add(o->buf, S("null"));
}

void json_out_raw(struct json_out *o, struct str json)
{
    assert(json.len);
    begin_value(o);
    buf_add(o->buf, json);
}

void json_out_put_string(struct json_out *o, struct str key, struct str s)
{
    json_out_key(o, key);
    json_out_string(o, s);
}

void json_out_put_u64(struct json_out *o, struct str key, uint64_t n)
{
    json_out_key(o, key);
    json_out_u64(o, n);
}

void json_out_put_bool(struct json_out *o, struct str key, bool b)
{
    json_out_key(o, key);
    json_out_bool(o, b);
}
