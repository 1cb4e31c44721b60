/* SPDX-License-Identifier: Apache-2.0
 *
 * One walk over the body, token by token. What stays is copied in runs of bytes that stand together
 * in the body, so that a body without space between its values is copied in few pieces; commas come
 * from one flag, so that what is left out leaves no trace. What a member means stands in tables
 * (batch_shape.h).
 */
#include "batch_shape.h"

#include "weir/base/text.h"
#include "weir/wire/json_scan.h"
#include "weir/wire/json_string.h"

enum {
    /* More are no prompt; it bounds the time of one look to some milliseconds. */
    TOKENS_MOST = 200000,
    NAME_MOST = 4 * 256 /* of a metadata entry: bytes of so many characters */
};

struct line {
    struct json_scan scan;
    struct buf *out; /* NULL: it is only looked at */
    struct str run;  /* of the body: to be copied */
    const char *why;
    unsigned tokens;
    bool comma; /* something stands before on this level */
};

struct key {
    size_t at, len;
};

static bool refuse(struct line *l, const char *why)
{
    if (!l->why)
        l->why = why;
    return false;
}

static enum json_token next(struct line *l)
{
    if (++l->tokens > TOKENS_MOST) {
        (void)refuse(l, "it has too many values");
        return JSON_BAD;
    }
    enum json_token t = json_next(&l->scan);
    if (t == JSON_BAD)
        (void)refuse(l, "not strict JSON");
    return t;
}

static struct key key_of(const struct line *l)
{
    return (struct key){l->scan.at, l->scan.pos - l->scan.at};
}

/* --- what stays */

static void flush(struct line *l)
{
    buf_add(l->out, l->run);
    l->run.len = 0;
}

static void put(struct line *l, size_t at, size_t len)
{
    const char *p = l->scan.text.ptr + at;
    if (l->run.len && p == l->run.ptr + l->run.len) {
        l->run.len += len;
        return;
    }
    flush(l);
    l->run = str_from(p, len);
}

/* A comma or colon: the body's own where it stands right there. */
static void put_mark(struct line *l, char mark, size_t at)
{
    if (at < l->scan.text.len && l->scan.text.ptr[at] == mark) {
        put(l, at, 1);
        return;
    }
    flush(l);
    buf_add_char(l->out, mark);
}

static void emit(struct line *l, size_t at, size_t len, bool comma_after)
{
    if (!l->out)
        return;
    if (l->comma)
        put_mark(l, ',', at - 1);
    put(l, at, len);
    l->comma = comma_after;
}

static void emit_key(struct line *l, struct key k)
{
    emit(l, k.at, k.len, false);
    if (l->out)
        put_mark(l, ':', k.at + k.len);
}

static void emit_open(struct line *l, size_t at)
{
    emit(l, at, 1, false);
}

static void emit_close(struct line *l)
{
    l->comma = false;
    emit(l, l->scan.at, 1, true);
}

/* --- values */

static const struct shape_row *row_of(const struct batch_shape *shape, struct str raw)
{
    for (size_t i = 0; i < shape->n; i++)
        if (json_string_is(raw, shape->rows[i].name))
            return &shape->rows[i];
    return NULL;
}

/* A key of a place that no table knows. */
static bool harmless(struct line *l)
{
    const struct shape_row *r = row_of(&batch_shape_deep, json_raw(&l->scan));
    return !r || refuse(l, r->why);
}

/* The value whose first token `t` was just read. */
static bool copy_from(struct line *l, enum json_token t)
{
    unsigned level = l->scan.depth - (t == JSON_OBJECT || t == JSON_ARRAY);
    for (;; t = next(l)) {
        if (t == JSON_BAD || (t == JSON_KEY && !harmless(l)))
            return false;
        if (t == JSON_KEY)
            emit_key(l, key_of(l));
        else if (t == JSON_OBJECT || t == JSON_ARRAY)
            emit_open(l, l->scan.at);
        else if (t == JSON_OBJECT_END || t == JSON_ARRAY_END)
            emit_close(l);
        else
            emit(l, l->scan.at, l->scan.pos - l->scan.at, true);
        if (t != JSON_KEY && l->scan.depth == level)
            return true;
    }
}

static bool copy(struct line *l)
{
    return copy_from(l, next(l));
}

static bool copy_only(struct line *l, bool good, enum json_token t, const char *why)
{
    return good ? copy_from(l, t) : refuse(l, why);
}

static bool skip(struct line *l)
{
    return json_skip(&l->scan) != JSON_BAD || refuse(l, "not strict JSON");
}

static bool members(struct line *l, const struct batch_shape *shape, enum json_token t);

/* An element of a list; its opening brace was just read. */
static bool element(struct line *l, const struct batch_shape *shape)
{
    size_t open = l->scan.at;
    enum json_token t = next(l);
    if (shape->point && t == JSON_KEY && json_string_is(json_raw(&l->scan), S("cachePoint")))
        return skip(l) && (next(l) == JSON_OBJECT_END ||
                           refuse(l, "it has a cache marker that is something else, too"));
    emit_open(l, open);
    return members(l, shape, t);
}

static bool list(struct line *l, const struct batch_shape *shape, enum json_token t)
{
    if (t != JSON_ARRAY)
        return refuse(l, "it has something else where a list must be");
    emit_open(l, l->scan.at);
    while ((t = next(l)) == JSON_OBJECT)
        if (!element(l, shape))
            return false;
    if (t != JSON_ARRAY_END)
        return refuse(l, "it has something else where an object must be");
    emit_close(l);
    return true;
}

/* Before the first that stays, the member itself and its brace. */
static bool metadata_entry(struct line *l, struct key member, size_t open, unsigned *kept)
{
    char name[NAME_MOST];
    size_t n;
    if (json_string_copy(json_raw(&l->scan), name, sizeof name, &n) == 0 &&
        str_starts(str_from(name, n), S("weir.")))
        return skip(l);
    struct key k = key_of(l);
    if ((*kept)++ == 0) {
        emit_key(l, member);
        emit_open(l, open);
    }
    emit_key(l, k);
    return copy(l);
}

static bool metadata(struct line *l, struct key member)
{
    unsigned kept = 0;
    enum json_token t = next(l);
    size_t open = l->scan.at;
    if (t != JSON_OBJECT)
        return refuse(l, "its metadata is no object");
    while ((t = next(l)) == JSON_KEY)
        if (!metadata_entry(l, member, open, &kept))
            return false;
    if (t == JSON_OBJECT_END && kept)
        emit_close(l);
    return t == JSON_OBJECT_END;
}

/* A member that stays: its key is written, and its value read. */
static bool value(struct line *l, const struct shape_row *r)
{
    enum json_token t = next(l);
    struct str raw = json_raw(&l->scan);
    const char *why;
    switch (r->act) {
    case SHAPE_LIST:
        return list(l, r->inside, t);
    case SHAPE_BLOCKS:
        return t == JSON_STRING ? copy_from(l, t) : list(l, r->inside, t);
    case SHAPE_INSIDE:
        return t == JSON_OBJECT ? element(l, r->inside) : copy_from(l, t);
    case SHAPE_CALM:
        return copy_only(l, t == JSON_FALSE, t, r->why);
    case SHAPE_STANDARD:
        return copy_only(l, t == JSON_STRING && json_string_is(raw, S("standard")), t, r->why);
    case SHAPE_BLOCK_TYPE:
        why = t == JSON_STRING ? batch_shape_block_type(raw) : "it has a block of no kind";
        return copy_only(l, !why, t, why);
    case SHAPE_KEEP:
    case SHAPE_DROP:
    case SHAPE_REFUSE:
    case SHAPE_METADATA:
        break;
    }
    return copy_from(l, t);
}

/* The member whose key was just read. *kept: something of it stays. */
static bool member(struct line *l, const struct batch_shape *shape, const struct shape_row *r,
                   bool *kept)
{
    struct key k = key_of(l);
    if (!r && shape->other)
        return refuse(l, shape->other);
    if (r && r->act == SHAPE_REFUSE)
        return refuse(l, r->why);
    if (r && r->act == SHAPE_DROP)
        return skip(l);
    *kept = true;
    if (r && r->act == SHAPE_METADATA)
        return metadata(l, k);
    if (!r && !harmless(l))
        return false;
    emit_key(l, k);
    return r ? value(l, r) : copy(l);
}

/* Of an object whose brace was written; `t` is the token behind it. */
static bool members(struct line *l, const struct batch_shape *shape, enum json_token t)
{
    uint64_t seen = 0;
    bool kept = false;
    for (; t == JSON_KEY; t = next(l)) {
        const struct shape_row *r = row_of(shape, json_raw(&l->scan));
        uint64_t bit = r ? (uint64_t)1 << (r - shape->rows) : 0;
        if (seen & bit)
            return refuse(l, "a member stands twice");
        seen |= bit;
        if (!member(l, shape, r, &kept))
            return false;
    }
    if (t != JSON_OBJECT_END)
        return false;
    if (shape->block && !kept)
        return refuse(l, "it has an empty block");
    if (shape->lacks && !(seen & 1))
        return refuse(l, shape->lacks);
    emit_close(l);
    return true;
}

static bool walk(struct line *l, enum batch_kind kind, struct str model, struct str body)
{
    json_init(&l->scan, body);
    enum json_token t = next(l);
    if (t != JSON_OBJECT)
        return refuse(l, "it is no JSON object");
    return element(l, batch_shape_of(kind, model)) && next(l) == JSON_END;
}

const char *batch_line_unfit(enum batch_kind kind, struct str model, struct str body)
{
    struct line l = {0};
    return walk(&l, kind, model, body) ? NULL : l.why;
}

int batch_line_add(enum batch_kind kind, struct str model, struct str id, struct str body,
                   struct buf *out)
{
    struct line l = {.out = out};
    size_t before = buf_len(out);
    buf_add(out, S("{\"recordId\":\""));
    text_add_json(out, id, id.len);
    buf_add(out, S("\",\"modelInput\":"));
    if (!walk(&l, kind, model, body)) {
        out->tail = out->head + before;
        return ERR_BAD;
    }
    flush(&l);
    buf_add(out, S("}\n"));
    return ERR_OK;
}
