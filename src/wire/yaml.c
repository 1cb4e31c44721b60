/* SPDX-License-Identifier: Apache-2.0
 *
 * libyaml's events, read by recursive descent into an arena. The event in hand is always the next
 * one not yet used; what a node consists of is used up when its reader returns. The first fault
 * ends everything.
 *
 *     stream-start  document-start  NODE  document-end  stream-end
 *     NODE = scalar | sequence-start NODE* sequence-end | mapping-start (scalar NODE)* mapping-end
 */
#include "weir/wire/yaml.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    struct str text;
    struct arena *arena;
    struct yaml_fault *fault;
    int err;
};

__attribute__((format(printf, 5, 6))) static void fail(struct reader *r, int err, size_t line,
                                                       size_t column, const char *format, ...)
{
    va_list args;
    r->err = err;
    r->fault->line = (unsigned)line + 1;
    r->fault->column = (unsigned)column + 1;
    va_start(args, format);
    vsnprintf(r->fault->sentence, sizeof r->fault->sentence, format, args);
    va_end(args);
}

static void fail_here(struct reader *r, const char *sentence)
{
    yaml_mark_t at = r->event.start_mark;
    fail(r, ERR_BAD, at.line, at.column, "%s", sentence);
}

/* libyaml says where its reader stopped as a byte offset. */
static void fail_bytes(struct reader *r)
{
    size_t line = 0, column = 0;
    size_t end = r->parser.problem_offset < r->text.len ? r->parser.problem_offset : r->text.len;
    for (size_t i = 0; i < end; i++) {
        column = r->text.ptr[i] == '\n' ? 0 : column + ((r->text.ptr[i] & 0xc0) != 0x80);
        line += r->text.ptr[i] == '\n';
    }
    fail(r, ERR_BAD, line, column, "%s: the file must be UTF-8 text", r->parser.problem);
}

static void fail_syntax(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR)
        fail(r, ERR_NO_MEMORY, 0, 0, "out of memory");
    else if (p->error == YAML_READER_ERROR)
        fail_bytes(r);
    else if (p->context)
        fail(r, ERR_BAD, p->problem_mark.line, p->problem_mark.column,
             "%s, %s that begins at %zu:%zu", p->problem, p->context, p->context_mark.line + 1,
             p->context_mark.column + 1);
    else
        fail(r, ERR_BAD, p->problem_mark.line, p->problem_mark.column, "%s", p->problem);
}

static bool next(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (!yaml_parser_parse(&r->parser, &r->event)) {
        memset(&r->event, 0, sizeof r->event);
        fail_syntax(r);
        return false;
    }
    return true;
}

/* --- nodes */

static struct yaml_node *new_node(struct reader *r, enum yaml_kind kind)
{
    struct yaml_node *node = arena_new(r->arena, sizeof *node);
    yaml_mark_t at = r->event.start_mark;
    if (!node) {
        fail(r, ERR_NO_MEMORY, at.line, at.column, "the file holds too much");
        return NULL;
    }
    node->kind = kind;
    node->line = (unsigned)at.line + 1;
    node->column = (unsigned)at.column + 1;
    return node;
}

static bool check_plain_features(struct reader *r, const yaml_char_t *anchor,
                                 const yaml_char_t *tag)
{
    if (anchor)
        fail_here(r, "an anchor (&name) is not understood here: write the value out, or quote it");
    else if (tag)
        fail_here(r, "a tag (!name) is not understood here: leave it out, or quote the value");
    return !anchor && !tag;
}

static struct yaml_node *read_scalar(struct reader *r)
{
    const char *value = (const char *)r->event.data.scalar.value;
    size_t len = r->event.data.scalar.length;
    if (!check_plain_features(r, r->event.data.scalar.anchor, r->event.data.scalar.tag))
        return NULL;
    if (memchr(value, 0, len)) {
        fail_here(r, "a value must not hold a NUL character");
        return NULL;
    }
    struct yaml_node *node = new_node(r, YAML_SCALAR);
    if (!node)
        return NULL;
    node->quoted = r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = arena_dup(r->arena, str_from(value, len));
    if (!node->text.ptr) {
        fail(r, ERR_NO_MEMORY, node->line - 1, node->column - 1, "the file holds too much");
        return NULL;
    }
    return next(r) ? node : NULL;
}

static struct yaml_node *read_node(struct reader *r, unsigned depth);

static struct yaml_node *read_sequence(struct reader *r, unsigned depth)
{
    struct yaml_node *node = new_node(r, YAML_SEQUENCE);
    if (!node || !next(r))
        return NULL;
    struct yaml_node **tail = &node->first;
    while (r->event.type != YAML_SEQUENCE_END_EVENT) {
        struct yaml_node *child = read_node(r, depth + 1);
        if (!child)
            return NULL;
        *tail = child;
        tail = &child->next;
        node->n++;
    }
    return next(r) ? node : NULL;
}

static struct yaml_node *read_key(struct reader *r, const struct yaml_node *map)
{
    yaml_mark_t at = r->event.start_mark;
    if (r->event.type == YAML_ALIAS_EVENT)
        return read_node(r, 0); /* says what is wrong with it */
    if (r->event.type != YAML_SCALAR_EVENT) {
        fail_here(r, "a key must be a single word or a quoted text");
        return NULL;
    }
    if (map->n == YAML_KEYS_MOST) {
        fail(r, ERR_BAD, at.line, at.column, "more than %d keys in one mapping", YAML_KEYS_MOST);
        return NULL;
    }
    struct yaml_node *key = read_scalar(r);
    const struct yaml_node *same = key ? yaml_get(map, key->text) : NULL;
    if (!same)
        return key;
    fail(r, ERR_BAD, at.line, at.column, "the key \"%.*s\" is there already, at %u:%u",
         key->text.len > 60 ? 60 : (int)key->text.len, key->text.ptr, same->key->line,
         same->key->column);
    return NULL;
}

static struct yaml_node *read_mapping(struct reader *r, unsigned depth)
{
    struct yaml_node *node = new_node(r, YAML_MAPPING);
    if (!node || !next(r))
        return NULL;
    struct yaml_node **tail = &node->first;
    while (r->event.type != YAML_MAPPING_END_EVENT) {
        const struct yaml_node *key = read_key(r, node);
        struct yaml_node *child = key ? read_node(r, depth + 1) : NULL;
        if (!child)
            return NULL;
        child->key = key;
        *tail = child;
        tail = &child->next;
        node->n++;
    }
    return next(r) ? node : NULL;
}

static struct yaml_node *read_node(struct reader *r, unsigned depth)
{
    const yaml_event_t *e = &r->event;
    if (depth > YAML_DEPTH_MOST) {
        fail_here(r, "nested too deeply");
        return NULL;
    }
    if (e->type == YAML_SCALAR_EVENT)
        return read_scalar(r);
    if (e->type == YAML_ALIAS_EVENT) {
        fail_here(r, "'*' begins an alias, which is not understood here: put the value in quotes");
        return NULL;
    }
    bool sequence = e->type == YAML_SEQUENCE_START_EVENT;
    assert(sequence || e->type == YAML_MAPPING_START_EVENT);
    const yaml_char_t *anchor =
        sequence ? e->data.sequence_start.anchor : e->data.mapping_start.anchor;
    const yaml_char_t *tag = sequence ? e->data.sequence_start.tag : e->data.mapping_start.tag;
    if (!check_plain_features(r, anchor, tag))
        return NULL;
    return sequence ? read_sequence(r, depth) : read_mapping(r, depth);
}

/* --- the document */

static bool check_directives(struct reader *r)
{
    if (!r->event.data.document_start.version_directive &&
        r->event.data.document_start.tag_directives.start ==
            r->event.data.document_start.tag_directives.end)
        return true;
    fail_here(r, "a directive (%) is not understood here: leave it out");
    return false;
}

static struct yaml_node *read_document(struct reader *r)
{
    if (!next(r) || !next(r)) /* the stream's start, and what comes behind it */
        return NULL;
    if (r->event.type == YAML_STREAM_END_EVENT) {
        struct yaml_node *nothing = new_node(r, YAML_SCALAR);
        if (nothing)
            nothing->text = S("");
        return nothing;
    }
    if (!check_directives(r) || !next(r))
        return NULL;
    struct yaml_node *root = read_node(r, 1);
    if (!root || !next(r))
        return NULL;
    if (r->event.type != YAML_STREAM_END_EVENT) {
        fail_here(r, "a second document begins here: only one is read");
        return NULL;
    }
    return root;
}

int yaml_parse(struct arena *arena, struct str text, const struct yaml_node **out_root,
               struct yaml_fault *fault)
{
    struct reader r = {.text = text, .arena = arena, .fault = fault};
    if (text.len > YAML_TEXT_MOST) {
        fail(&r, ERR_TOO_BIG, 0, 0, "the file is larger than %d KiB", YAML_TEXT_MOST / 1024);
        return r.err;
    }
    if (str_starts(text, S("\xef\xbb\xbf"))) /* an editor's mark; libyaml would count it */
        r.text = str_from_offset(text, 3);
    if (!yaml_parser_initialize(&r.parser)) {
        fail(&r, ERR_NO_MEMORY, 0, 0, "out of memory");
        return r.err;
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(r.text.len ? r.text.ptr : ""),
                                 r.text.len);
    const struct yaml_node *root = read_document(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    if (!root)
        return r.err;
    *out_root = root;
    return 0;
}

/* --- reading the tree */

const struct yaml_node *yaml_get(const struct yaml_node *map, struct str key)
{
    if (map->kind != YAML_MAPPING)
        return NULL;
    for (const struct yaml_node *n = map->first; n; n = n->next)
        if (str_eq(n->key->text, key))
            return n;
    return NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && !node->quoted &&
           (node->text.len == 0 || str_eq(node->text, S("~")) || str_eq(node->text, S("null")));
}

void yaml_add_fault(struct buf *b, struct str file, const struct yaml_fault *fault)
{
    buf_addf(b, "%.*s:%u:%u: %s", STR_ARG(file), fault->line, fault->column, fault->sentence);
}
