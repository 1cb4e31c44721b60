/* SPDX-License-Identifier: Apache-2.0
 *
 * One walk over the body, token by token, in slices: so it has a stack of its own (places), and
 * nothing in it calls itself. What stays is copied in runs of bytes that stand together in the
 * body, so that a body without space between its values is copied in few pieces; commas come from
 * one flag, so that what is left out leaves no trace. What a member means stands in tables
 * (batch_shape.h).
 */
#include "batch_shape.h"

#include "weir/base/text.h"
#include "weir/wire/json_string.h"

#include <assert.h>

enum {
    /* More are no prompt. It bounds the work of the office, which packs each in one go. */
    TOKENS_MOST = 200000,
    NAME_MOST = 4 * 256 /* of a metadata entry: bytes of so many characters */
};

/* Where the walk is; the innermost place hears the next token. */
enum place_kind {
    IN_LIST,     /* of objects of a shape */
    IN_ELEMENT,  /* behind the brace of one, which is not written yet */
    IN_MEMBERS,  /* of an object of a shape */
    IN_VALUE,    /* behind the key of a member that has a row, or of one that is kept */
    IN_COPY,     /* of something that stays as it is */
    IN_DROPPED,  /* behind the key of a member that goes */
    IN_MARKER,   /* behind {"cachePoint":{}, which must end there */
    IN_METADATA, /* behind the key of requestMetadata, which is not written yet */
    IN_ENTRIES
};

static bool refuse(struct batch_look *l, const char *why)
{
    if (!l->why)
        l->why = why;
    return false;
}

static struct batch_look_place *enter(struct batch_look *l, enum place_kind kind,
                                      const struct batch_shape *shape)
{
    assert(l->n < BATCH_LOOK_DEPTH);
    struct batch_look_place *p = &l->places[l->n++];
    *p = (struct batch_look_place){.kind = (int)kind, .shape = shape, .open = l->scan.at};
    return p;
}

static bool leave(struct batch_look *l)
{
    l->n--;
    return true;
}

/* --- what stays */

static void flush(struct batch_look *l)
{
    buf_add(l->out, l->run);
    l->run.len = 0;
}

static void put(struct batch_look *l, size_t at, size_t len)
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
static void put_mark(struct batch_look *l, char mark, size_t at)
{
    if (at < l->scan.text.len && l->scan.text.ptr[at] == mark) {
        put(l, at, 1);
        return;
    }
    flush(l);
    buf_add_char(l->out, mark);
}

static void emit(struct batch_look *l, size_t at, size_t len, bool comma_after)
{
    if (!l->out)
        return;
    if (l->comma)
        put_mark(l, ',', at - 1);
    put(l, at, len);
    l->comma = comma_after;
}

static void emit_key(struct batch_look *l, size_t at, size_t len)
{
    emit(l, at, len, false);
    if (l->out)
        put_mark(l, ':', at + len);
}

static void emit_open(struct batch_look *l, size_t at)
{
    emit(l, at, 1, false);
}

static void emit_close(struct batch_look *l)
{
    l->comma = false;
    emit(l, l->scan.at, 1, true);
}

/* --- what each place makes of a token */

static const struct shape_row *row_of(const struct batch_shape *shape, struct str raw)
{
    for (size_t i = 0; i < shape->n; i++)
        if (json_string_is(raw, shape->rows[i].name))
            return &shape->rows[i];
    return NULL;
}

/* A key of a place that no table knows. */
static bool harmless(struct batch_look *l)
{
    const struct shape_row *r = row_of(&batch_shape_deep, json_raw(&l->scan));
    return !r || refuse(l, r->why);
}

static bool take_copy(struct batch_look *l, struct batch_look_place *p, enum json_token t)
{
    size_t at = l->scan.at, len = l->scan.pos - at;
    if (t == JSON_KEY) {
        if (!harmless(l))
            return false;
        emit_key(l, at, len);
        return true;
    }
    if (t == JSON_OBJECT || t == JSON_ARRAY)
        emit_open(l, at);
    else if (t == JSON_OBJECT_END || t == JSON_ARRAY_END)
        emit_close(l);
    else
        emit(l, at, len, true);
    return l->scan.depth > p->level || leave(l);
}

/* The value that begins with this token stays as it is. */
static bool copy(struct batch_look *l, struct batch_look_place *p, enum json_token t)
{
    p->kind = IN_COPY;
    p->level = l->scan.depth - (t == JSON_OBJECT || t == JSON_ARRAY);
    return take_copy(l, p, t);
}

static bool copy_only(struct batch_look *l, struct batch_look_place *p, enum json_token t,
                      bool good, const char *why)
{
    return good ? copy(l, p, t) : refuse(l, why);
}

static bool take_list(struct batch_look *l, struct batch_look_place *p, enum json_token t)
{
    if (t == JSON_OBJECT) {
        enter(l, IN_ELEMENT, p->shape);
        return true;
    }
    if (t != JSON_ARRAY_END)
        return refuse(l, "it has something else where an object must be");
    emit_close(l);
    return leave(l);
}

static bool begin_list(struct batch_look *l, struct batch_look_place *p, enum json_token t)
{
    if (t != JSON_ARRAY)
        return refuse(l, "it has something else where a list must be");
    p->kind = IN_LIST;
    p->shape = p->row->inside;
    emit_open(l, l->scan.at);
    return true;
}

static bool take_value(struct batch_look *l, struct batch_look_place *p, enum json_token t)
{
    struct str raw = json_raw(&l->scan);
    const char *why;
    switch (p->row ? p->row->act : SHAPE_KEEP) {
    case SHAPE_LIST:
        return begin_list(l, p, t);
    case SHAPE_BLOCKS:
        return t == JSON_STRING ? copy(l, p, t) : begin_list(l, p, t);
    case SHAPE_INSIDE:
        if (t != JSON_OBJECT)
            break;
        *p = (struct batch_look_place){
            .kind = IN_ELEMENT, .shape = p->row->inside, .open = l->scan.at};
        return true;
    case SHAPE_CALM:
        return copy_only(l, p, t, t == JSON_FALSE, p->row->why);
    case SHAPE_STANDARD:
        return copy_only(l, p, t, t == JSON_STRING && json_string_is(raw, S("standard")),
                         p->row->why);
    case SHAPE_BLOCK_TYPE:
        why = t == JSON_STRING ? batch_shape_block_type(raw) : "it has a block of no kind";
        return copy_only(l, p, t, !why, why);
    case SHAPE_KEEP:
    case SHAPE_DROP:
    case SHAPE_REFUSE:
    case SHAPE_METADATA:
        break;
    }
    return copy(l, p, t);
}

/* requestMetadata: what is Weir's goes; where that was all, the member, too. */
static bool begin_metadata(struct batch_look *l, struct batch_look_place *p, enum json_token t)
{
    p->kind = IN_ENTRIES;
    p->open = l->scan.at;
    return t == JSON_OBJECT || refuse(l, "its metadata is no object");
}

static bool is_weirs(struct str raw)
{
    char name[NAME_MOST];
    size_t n;
    return json_string_copy(raw, name, sizeof name, &n) == 0 &&
           str_starts(str_from(name, n), S("weir."));
}

static bool take_entry(struct batch_look *l, struct batch_look_place *p, enum json_token t)
{
    size_t at = l->scan.at, len = l->scan.pos - at;
    if (t == JSON_OBJECT_END) {
        if (p->kept)
            emit_close(l);
        return leave(l);
    }
    if (is_weirs(json_raw(&l->scan))) {
        enter(l, IN_DROPPED, NULL);
        return true;
    }
    if (!p->kept) {
        emit_key(l, p->key_at, p->key_len);
        emit_open(l, p->open);
    }
    p->kept = true;
    emit_key(l, at, len);
    enter(l, IN_VALUE, NULL);
    return true;
}

/* The key of a member was read. */
static bool take_key(struct batch_look *l, struct batch_look_place *p, const struct shape_row *r)
{
    size_t at = l->scan.at, len = l->scan.pos - at;
    if (!r && p->shape->other)
        return refuse(l, p->shape->other);
    if (r && r->act == SHAPE_REFUSE)
        return refuse(l, r->why);
    if (!r && !harmless(l))
        return false;
    bool drop = r && r->act == SHAPE_DROP, metadata = r && r->act == SHAPE_METADATA;
    p->kept = p->kept || !drop;
    if (!drop && !metadata)
        emit_key(l, at, len);
    struct batch_look_place *value = enter(l,
                                           drop       ? IN_DROPPED
                                           : metadata ? IN_METADATA
                                                      : IN_VALUE,
                                           NULL);
    value->row = r;
    value->key_at = at;
    value->key_len = len;
    return true;
}

static bool end_members(struct batch_look *l, const struct batch_look_place *p)
{
    if (p->shape->block && !p->kept)
        return refuse(l, "it has an empty block");
    if (p->shape->lacks && !(p->seen & 1))
        return refuse(l, p->shape->lacks);
    emit_close(l);
    return leave(l);
}

static bool take_member(struct batch_look *l, struct batch_look_place *p, enum json_token t)
{
    if (t == JSON_OBJECT_END)
        return end_members(l, p);
    const struct shape_row *r = row_of(p->shape, json_raw(&l->scan));
    uint64_t bit = r ? (uint64_t)1 << (r - p->shape->rows) : 0;
    if (p->seen & bit)
        return refuse(l, "a member stands twice");
    p->seen |= bit;
    return take_key(l, p, r);
}

static bool take_element(struct batch_look *l, struct batch_look_place *p, enum json_token t)
{
    if (p->shape->point && t == JSON_KEY && json_string_is(json_raw(&l->scan), S("cachePoint"))) {
        p->kind = IN_MARKER;
        enter(l, IN_DROPPED, NULL);
        return true;
    }
    p->kind = IN_MEMBERS;
    emit_open(l, p->open);
    return take_member(l, p, t);
}

static bool take(struct batch_look *l, struct batch_look_place *p, enum json_token t)
{
    switch ((enum place_kind)p->kind) {
    case IN_LIST:
        return take_list(l, p, t);
    case IN_ELEMENT:
        return take_element(l, p, t);
    case IN_MEMBERS:
        return take_member(l, p, t);
    case IN_VALUE:
        return take_value(l, p, t);
    case IN_COPY:
        return take_copy(l, p, t);
    case IN_DROPPED:
        return leave(l);
    case IN_MARKER:
        return t == JSON_OBJECT_END
                   ? leave(l)
                   : refuse(l, "it has a cache marker that is something else, too");
    case IN_METADATA:
        return begin_metadata(l, p, t);
    case IN_ENTRIES:
        return take_entry(l, p, t);
    }
    return false;
}

/* --- the walk */

void batch_look_begin(struct batch_look *l, enum batch_kind kind, struct str model, struct str body)
{
    *l = (struct batch_look){0};
    json_init(&l->scan, body);
    enter(l, IN_LIST, batch_shape_of(kind, model)); /* which has one element, and no brackets */
}

/* JSON_PAUSE, JSON_END, or JSON_BAD with a why. */
static enum json_token walk(struct batch_look *l)
{
    for (;;) {
        struct batch_look_place *p = &l->places[l->n - 1];
        bool outermost = l->n == 1;
        enum json_token t = p->kind == IN_DROPPED ? json_skip(&l->scan) : json_next(&l->scan);
        if (t == JSON_PAUSE || (t == JSON_END && outermost))
            return t;
        if (t == JSON_BAD)
            (void)refuse(l, "not strict JSON");
        else if (++l->tokens > TOKENS_MOST)
            (void)refuse(l, "it has too many values");
        else if (outermost && t != JSON_OBJECT)
            (void)refuse(l, "it is no JSON object");
        else
            (void)take(l, p, t);
        if (l->why)
            return JSON_BAD;
    }
}

bool batch_look_step(struct batch_look *l, size_t bytes, const char **out_why)
{
    json_slice(&l->scan, bytes);
    enum json_token t = walk(l);
    *out_why = l->why;
    return t == JSON_PAUSE;
}

const char *batch_line_unfit(enum batch_kind kind, struct str model, struct str body)
{
    struct batch_look l;
    batch_look_begin(&l, kind, model, body);
    (void)walk(&l);
    return l.why;
}

int batch_line_add(enum batch_kind kind, struct str model, struct str id, struct str body,
                   struct buf *out)
{
    struct batch_look l;
    size_t before = buf_len(out);
    buf_add(out, S("{\"recordId\":\""));
    text_add_json(out, id, id.len);
    buf_add(out, S("\",\"modelInput\":"));
    batch_look_begin(&l, kind, model, body);
    l.out = out;
    if (walk(&l) != JSON_END) {
        out->tail = out->head + before;
        return ERR_BAD;
    }
    flush(&l);
    buf_add(out, S("}\n"));
    return ERR_OK;
}

struct str batch_kind_word(enum batch_kind kind)
{
    return kind == BATCH_CONVERSE ? S("converse") : S("invoke");
}
