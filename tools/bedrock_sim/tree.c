/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON reader: one recursive descent, depth-limited, that appends nodes. A node's children
 * follow it; siblings are linked by index because the array moves while it grows.
 */
#include "tree.h"

#include "weir/base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct parse {
    struct tree *t;
    const char *start, *at, *end;
    unsigned depth;
};

static int fail(struct parse *p, const char *why)
{
    p->t->error = why;
    p->t->error_at = (size_t)(p->at - p->start);
    return ERR_BAD;
}

static void skip_space(struct parse *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t'))
        p->at++;
}

static uint32_t add_node(struct parse *p, enum tree_kind kind)
{
    struct tree *t = p->t;
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 64;
        t->nodes = mem_grow(t->nodes, t->cap * sizeof *t->nodes);
    }
    t->nodes[t->n] = (struct node){.kind = kind};
    return (uint32_t)t->n++;
}

/* Length of the UTF-8 character at `s`, 0 when it is none (RFC 3629). */
static size_t utf8_len(const unsigned char *s, size_t left)
{
    unsigned c = s[0];
    size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    if (len == 0 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f) || (c == 0xf0 && s[1] < 0x90) ||
        (c == 0xf4 && s[1] > 0x8f))
        return 0;
    return len;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int skip_escape(struct parse *p)
{
    if (p->end - p->at < 2)
        return fail(p, "Unexpected end of input in a string");
    char c = p->at[1];
    if (c != 'u') {
        if (!c || !strchr("\"\\/bfnrt", c))
            return fail(p, "Unrecognized character escape");
        p->at += 2;
        return 0;
    }
    if (p->end - p->at < 6)
        return fail(p, "Unexpected end of input in a string");
    for (int i = 2; i < 6; i++)
        if (hex_value(p->at[i]) < 0)
            return fail(p, "Unexpected character in a unicode escape");
    p->at += 6;
    return 0;
}

/* At the opening quote. */
static int parse_string(struct parse *p, struct str *out, bool *escaped)
{
    const char *begin = ++p->at;
    *escaped = false;
    while (p->at < p->end) {
        unsigned char c = (unsigned char)*p->at;
        if (c == '"') {
            *out = (struct str){begin, (size_t)(p->at - begin)};
            p->at++;
            return 0;
        }
        if (c == '\\') {
            *escaped = true;
            if (skip_escape(p) < 0)
                return ERR_BAD;
        } else if (c < 0x20) {
            return fail(p, "Illegal unquoted character in a string");
        } else {
            size_t len =
                c < 0x80 ? 1 : utf8_len((const unsigned char *)p->at, (size_t)(p->end - p->at));
            if (len == 0)
                return fail(p, "Invalid UTF-8 in a string");
            p->at += len;
        }
    }
    return fail(p, "Unexpected end of input in a string");
}

static bool take_digits(struct parse *p)
{
    const char *begin = p->at;
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9')
        p->at++;
    return p->at > begin;
}

static bool take_one_of(struct parse *p, const char *set)
{
    if (p->at >= p->end || !*p->at || !strchr(set, *p->at))
        return false;
    p->at++;
    return true;
}

static int parse_number(struct parse *p, struct str *out)
{
    const char *begin = p->at;
    take_one_of(p, "-");
    if (!take_one_of(p, "0") && !take_digits(p))
        return fail(p, "Unexpected character where a value was expected");
    if (take_one_of(p, ".") && !take_digits(p))
        return fail(p, "A decimal point must be followed by a digit");
    if (take_one_of(p, "eE")) {
        take_one_of(p, "+-");
        if (!take_digits(p))
            return fail(p, "An exponent needs a digit");
    }
    *out = (struct str){begin, (size_t)(p->at - begin)};
    return 0;
}

static int parse_value(struct parse *p, uint32_t *out);

static int parse_key(struct parse *p, struct str *key, bool *escaped)
{
    skip_space(p);
    if (p->at >= p->end || *p->at != '"')
        return fail(p, "A member name in double quotes was expected");
    if (parse_string(p, key, escaped) < 0)
        return ERR_BAD;
    skip_space(p);
    return take_one_of(p, ":") ? 0 : fail(p, "A colon was expected after a member name");
}

/* Behind the opening bracket of `parent`. */
static int parse_members(struct parse *p, uint32_t parent, bool object, const char *close)
{
    uint32_t last = 0, child;
    skip_space(p);
    if (take_one_of(p, close))
        return 0;
    do {
        struct str key = {0};
        bool escaped = false;
        if (object && parse_key(p, &key, &escaped) < 0)
            return ERR_BAD;
        if (parse_value(p, &child) < 0)
            return ERR_BAD;
        struct node *nodes = p->t->nodes;
        nodes[child].key = key;
        nodes[child].key_escaped = escaped;
        *(last ? &nodes[last].next : &nodes[parent].child) = child;
        nodes[parent].count++;
        last = child;
        skip_space(p);
    } while (take_one_of(p, ","));
    return take_one_of(p, close) ? 0 : fail(p, "A comma or a closing bracket was expected");
}

static int parse_word(struct parse *p, struct str word)
{
    if ((size_t)(p->end - p->at) < word.len || memcmp(p->at, word.ptr, word.len) != 0)
        return fail(p, "Unexpected character where a value was expected");
    p->at += word.len;
    return 0;
}

static int parse_inside(struct parse *p, uint32_t i, enum tree_kind kind)
{
    if (++p->depth > TREE_DEPTH_MOST)
        return fail(p, "Nested too deeply");
    const char *begin = p->at++;
    bool object = kind == TREE_OBJECT;
    if (parse_members(p, i, object, object ? "}" : "]") < 0)
        return ERR_BAD;
    p->depth--;
    p->t->nodes[i].raw = (struct str){begin, (size_t)(p->at - begin)};
    return 0;
}

static int parse_scalar(struct parse *p, uint32_t i, enum tree_kind kind)
{
    struct str raw;
    bool escaped = false;
    const char *begin = p->at;
    int rc = kind == TREE_STRING   ? parse_string(p, &raw, &escaped)
             : kind == TREE_NUMBER ? parse_number(p, &raw)
             : kind == TREE_TRUE   ? parse_word(p, S("true"))
             : kind == TREE_FALSE  ? parse_word(p, S("false"))
                                   : parse_word(p, S("null"));
    if (rc < 0)
        return rc;
    if (kind != TREE_STRING)
        raw = (struct str){begin, (size_t)(p->at - begin)};
    p->t->nodes[i].raw = raw;
    p->t->nodes[i].escaped = escaped;
    return 0;
}

static int parse_value(struct parse *p, uint32_t *out)
{
    skip_space(p);
    if (p->at >= p->end)
        return fail(p, "Unexpected end of input");
    char c = *p->at;
    enum tree_kind kind = c == '{'   ? TREE_OBJECT
                          : c == '[' ? TREE_ARRAY
                          : c == '"' ? TREE_STRING
                          : c == 't' ? TREE_TRUE
                          : c == 'f' ? TREE_FALSE
                          : c == 'n' ? TREE_NULL
                                     : TREE_NUMBER;
    *out = add_node(p, kind);
    return kind >= TREE_ARRAY ? parse_inside(p, *out, kind) : parse_scalar(p, *out, kind);
}

int tree_parse(struct tree *t, struct str text)
{
    struct parse p = {t, text.ptr, text.ptr, text.ptr + text.len, 0};
    uint32_t root;
    if (text.len > UINT32_MAX)
        return fail(&p, "Too long");
    if (parse_value(&p, &root) < 0)
        return ERR_BAD;
    skip_space(&p);
    return p.at == p.end ? 0 : fail(&p, "Unexpected bytes behind the value");
}

void tree_fini(struct tree *t)
{
    mem_free(t->nodes);
    *t = (struct tree){0};
}

const struct node *tree_child(const struct tree *t, const struct node *n)
{
    return n && n->child ? &t->nodes[n->child] : NULL;
}

const struct node *tree_next(const struct tree *t, const struct node *n)
{
    return n && n->next ? &t->nodes[n->next] : NULL;
}

static bool same_text(struct str raw, bool escaped, struct str text)
{
    if (!escaped)
        return str_eq(raw, text);
    struct buf b = {0};
    struct node n = {.kind = TREE_STRING, .escaped = true, .raw = raw};
    bool same = str_eq(tree_text(&n, &b), text);
    buf_fini(&b);
    return same;
}

const struct node *tree_get(const struct tree *t, const struct node *n, struct str name)
{
    const struct node *found = NULL;
    if (!tree_is(n, TREE_OBJECT))
        return NULL;
    for (const struct node *c = tree_child(t, n); c; c = tree_next(t, c))
        if (same_text(c->key, c->key_escaped, name))
            found = c;
    return found;
}

const struct node *tree_have(const struct tree *t, const struct node *n, struct str name)
{
    const struct node *found = tree_get(t, n, name);
    return tree_is(found, TREE_NULL) ? NULL : found;
}

const struct node *tree_at(const struct tree *t, const struct node *n, size_t index)
{
    const struct node *c = tree_child(t, n);
    while (c && index--)
        c = tree_next(t, c);
    return c;
}

static char *put_utf8(char *out, unsigned cp)
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; cp >>= 6)
        out[i] = (char)(0x80 | (cp & 0x3f));
    out[0] = (char)(lead[n] | cp);
    return out + n;
}

static unsigned unicode_at(const char *s)
{
    unsigned v = 0;
    for (size_t i = 2; i < 6; i++)
        v = v * 16 + (unsigned)hex_value(s[i]);
    return v;
}

/* Puts the \u escape at *at, with its second half when it is a pair. */
static char *put_unicode(char *out, const char **at, const char *end)
{
    unsigned v = unicode_at(*at);
    *at += 6;
    if (v >= 0xd800 && v < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u') {
        unsigned low = unicode_at(*at);
        if (low >= 0xdc00 && low < 0xe000) {
            *at += 6;
            return put_utf8(out, 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00));
        }
    }
    return put_utf8(out, v >= 0xd800 && v < 0xe000 ? 0xfffd : v);
}

/* The decoded form is never longer than the raw one. */
static struct str decode(struct str raw, bool escaped, struct buf *scratch)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (!escaped)
        return raw;
    size_t begin = buf_len(scratch);
    char *out = buf_reserve(scratch, raw.len), *first = out;
    for (const char *at = raw.ptr, *end = raw.ptr + raw.len; at < end;) {
        const char *slash = memchr(at, '\\', (size_t)(end - at));
        size_t run = (size_t)((slash ? slash : end) - at);
        memcpy(out, at, run);
        out += run;
        at += run;
        if (slash && slash[1] == 'u') {
            out = put_unicode(out, &at, end);
        } else if (slash) {
            *out++ = to[strchr(from, slash[1]) - from];
            at += 2;
        }
    }
    buf_commit(scratch, (size_t)(out - first));
    return str_from_offset(buf_str(scratch), begin);
}

struct str tree_text(const struct node *n, struct buf *scratch)
{
    return tree_is(n, TREE_STRING) ? decode(n->raw, n->escaped, scratch) : (struct str){0};
}

struct str tree_key(const struct node *n, struct buf *scratch)
{
    return decode(n->key, n->key_escaped, scratch);
}

bool tree_says(const struct node *n, struct str text)
{
    return tree_is(n, TREE_STRING) && same_text(n->raw, n->escaped, text);
}

double tree_number(const struct node *n)
{
    char digits[64];
    if (!tree_is(n, TREE_NUMBER) || n->raw.len >= sizeof digits)
        return 0;
    memcpy(digits, n->raw.ptr, n->raw.len);
    digits[n->raw.len] = 0;
    return strtod(digits, NULL);
}

bool tree_integer(const struct node *n, int64_t *out)
{
    char digits[24];
    if (!tree_is(n, TREE_NUMBER) || n->raw.len >= sizeof digits)
        return false;
    memcpy(digits, n->raw.ptr, n->raw.len);
    digits[n->raw.len] = 0;
    if (strpbrk(digits, ".eE"))
        return false;
    errno = 0;
    *out = strtoll(digits, NULL, 10);
    return errno == 0;
}
