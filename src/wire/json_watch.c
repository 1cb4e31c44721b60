/* SPDX-License-Identifier: Apache-2.0
 *
 * A machine of few states over the levels that were entered; whatever else is nested is one value
 * whose brackets are counted. Strings are crossed by memchr: a quote ends one unless an odd number
 * of backslashes stands before it.
 *
 *     {  "usage"  :  {  "inputTokens"  :  12  ,  ...
 *     BEGIN KEY COLON VALUE  KEY     COLON SCALAR MEMBER
 *
 * A token that lies whole in the input is given out in place; only one that is cut is gathered.
 */
#include "weir/wire/json_watch.h"

#include "weir/wire/json_string.h"

#include <string.h>

/* Every byte of a name can be written as six: \u0061. */
enum { KEY_MOST = 6 * JSON_WATCH_NAME_MOST + 2 };

/* Up to VALUE one byte of structure is next, and space does not count. */
enum state { BEGIN, MEMBER, ELEMENT, COLON, VALUE, KEY, STRING, NEST, SCALAR, LOST };

static inline void move_on(struct str *in, size_t n)
{
    in->ptr += n;
    in->len -= n;
}

/* --- how far */

static bool is_space(char c)
{
    return c <= ' ' && (c == ' ' || c == '\n' || c == '\r' || c == '\t');
}

static bool is_bracket(char c)
{
    char low = (char)(c | 0x20);
    return low == '{' || low == '}';
}

/* Any byte of `word` zero? Says yes wrongly only when a lower byte is. */
static uint64_t zeros(uint64_t word)
{
    return (word - 0x0101010101010101ull) & ~word & 0x8080808080808080ull;
}

/* To the first quote or bracket. Most are near, and what is far is numbers. */
static size_t structure_run(const char *p, size_t n)
{
    const uint64_t ones = 0x0101010101010101ull;
    size_t i = 0;
    for (size_t near = n < 8 ? n : 8; i < near; i++)
        if (p[i] == '"' || is_bracket(p[i]))
            return i;
    for (uint64_t word; i + sizeof word <= n; i += sizeof word) {
        memcpy(&word, p + i, sizeof word);
        uint64_t low = word | 0x20 * ones;
        if (zeros(word ^ '"' * ones) | zeros(low ^ '{' * ones) | zeros(low ^ '}' * ones))
            break;
    }
    while (i < n && p[i] != '"' && !is_bracket(p[i]))
        i++;
    return i;
}

static bool odd_backslashes(const char *p, const char *end)
{
    const char *at = end;
    while (at > p && at[-1] == '\\')
        at--;
    return (end - at) & 1;
}

/* Through the quote that ends a string, from inside of it; all of it when there is none. */
static size_t string_run(struct json_watch *w, const char *p, size_t n)
{
    const char *end = p + n, *from = p;
    if (w->escaped && n)
        from++;
    while (from < end) {
        const char *quote = memchr(from, '"', (size_t)(end - from));
        if (!quote)
            break;
        if (!odd_backslashes(from, quote)) {
            w->escaped = w->in_string = false;
            return (size_t)(quote + 1 - p);
        }
        from = quote + 1;
    }
    if (n)
        w->escaped = odd_backslashes(from, end);
    return n;
}

/* Through the bracket that ends a nested value. */
static size_t nest_run(struct json_watch *w, const char *p, size_t n)
{
    size_t i = 0;
    while (i < n) {
        if (w->in_string) {
            i += string_run(w, p + i, n - i);
            continue;
        }
        i += structure_run(p + i, n - i);
        if (i == n)
            break;
        char c = p[i++];
        w->in_string = c == '"';
        if (c != '"')
            w->nest = c == '{' || c == '[' ? w->nest + 1 : w->nest - 1;
        if (w->nest == 0)
            break;
    }
    return i;
}

static size_t scalar_run(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && (p[i] > ',' ? p[i] != '}' && p[i] != ']' : p[i] != ',' && !is_space(p[i])))
        i++;
    return i;
}

/* --- what is gathered */

static void hold(struct json_watch *w, struct str piece, size_t most)
{
    w->over |= piece.len > most - buf_len(&w->held);
    if (w->over)
        buf_clear(&w->held);
    else
        buf_add(&w->held, piece);
}

/* A piece of a token. True with the whole token in *raw when it ends here. */
static bool gather(struct json_watch *w, struct str piece, bool ends, size_t most, struct str *raw)
{
    *raw = piece;
    if (ends && w->size == piece.len && piece.len <= most)
        return true;
    if (!w->over)
        hold(w, piece, most);
    *raw = w->over ? S("") : buf_str(&w->held);
    return ends;
}

static void begin_token(struct json_watch *w, enum state state)
{
    if (buf_len(&w->held))
        buf_clear(&w->held);
    w->size = 0;
    w->over = w->in_string = w->escaped = false;
    w->state = (unsigned char)state;
}

/* --- levels */

static struct json_watch_level *level(struct json_watch *w)
{
    return &w->levels[w->depth - 1];
}

static void between(struct json_watch *w)
{
    w->now = NULL;
    w->state = w->depth == 0 ? LOST : level(w)->list ? ELEMENT : MEMBER;
}

static bool enter(struct json_watch *w, const struct json_names *names,
                  const struct json_name *list)
{
    if (w->depth == JSON_WATCH_LEVELS)
        return false;
    w->levels[w->depth++] = (struct json_watch_level){names, list};
    between(w);
    return true;
}

static void leave(struct json_watch *w)
{
    w->depth--;
    between(w);
}

/* --- tokens */

/* What an escape means is left to the strict reader. */
static bool escaped_is(struct str raw, struct str name)
{
    struct json_scan s;
    json_init(&s, raw);
    return json_next(&s) == JSON_STRING && json_next(&s) == JSON_END && json_string_is(raw, name);
}

static const struct json_name *named(const struct json_names *names, struct str raw)
{
    struct str plain = {raw.ptr + 1, raw.len - 2};
    for (size_t i = 0; i < names->n; i++)
        if (plain.len == names->at[i].name.len &&
            memcmp(plain.ptr, names->at[i].name.ptr, plain.len) == 0)
            return &names->at[i];
    if (!memchr(plain.ptr, '\\', plain.len))
        return NULL;
    for (size_t i = 0; i < names->n; i++)
        if (escaped_is(raw, names->at[i].name))
            return &names->at[i];
    return NULL;
}

/* The front of a string, its first quote too when it begins here. */
static struct str take_string(struct json_watch *w, struct str *in, bool *ends)
{
    size_t quote = w->size == 0;
    w->in_string = true;
    size_t n = quote + string_run(w, in->ptr + quote, in->len - quote);
    *ends = !w->in_string;
    struct str piece = {in->ptr, n};
    w->size += n;
    move_on(in, n);
    return piece;
}

static void next_key(struct json_watch *w, struct str *in)
{
    bool ends;
    struct str raw, piece = take_string(w, in, &ends);
    if (!gather(w, piece, ends, KEY_MOST, &raw))
        return;
    w->now = w->over ? NULL : named(level(w)->names, raw);
    w->state = COLON;
    if (in->len && in->ptr[0] == ':') {
        move_on(in, 1);
        w->state = VALUE;
    }
}

static bool give(struct json_watch *w, enum json_token kind, struct str raw, struct json_found *out)
{
    bool take = w->now->how == JSON_WATCH_TAKE;
    *out = (struct json_found){.id = w->now->id, .kind = kind, .size = w->size};
    if (take)
        out->raw = raw;
    out->passed_over = take && w->over;
    return true;
}

/* A piece of a value that may be wanted. */
static bool take_value(struct json_watch *w, struct str piece, bool ends, struct json_found *out)
{
    struct str raw = {0};
    if (w->now && w->now->how == JSON_WATCH_TAKE)
        (void)gather(w, piece, ends, JSON_WATCH_MOST, &raw);
    if (!ends)
        return false;
    bool found = w->now && give(w, w->kind, raw, out);
    between(w);
    return found;
}

static bool give_piece(struct json_watch *w, struct str piece, bool begins, bool ends,
                       struct json_found *out)
{
    (void)give(w, JSON_STRING, S(""), out);
    out->raw = str_sub(piece, begins, piece.len - begins - ends);
    out->more = !ends;
    if (ends)
        between(w);
    return true;
}

static bool next_string(struct json_watch *w, struct str *in, struct json_found *out)
{
    bool ends, begins = w->size == 0;
    struct str piece = take_string(w, in, &ends);
    if (w->now && w->now->how == JSON_WATCH_PIECES)
        return give_piece(w, piece, begins, ends, out);
    return take_value(w, piece, ends, out);
}

static bool next_nest(struct json_watch *w, struct str *in, struct json_found *out)
{
    size_t n = nest_run(w, in->ptr, in->len);
    struct str piece = {in->ptr, n};
    w->size += n;
    move_on(in, n);
    return take_value(w, piece, w->nest == 0, out);
}

static bool next_scalar(struct json_watch *w, struct str *in, struct json_found *out)
{
    size_t n = scalar_run(in->ptr, in->len);
    struct str piece = {in->ptr, n};
    w->size += n;
    move_on(in, n);
    return take_value(w, piece, in->len > 0, out);
}

/* --- between tokens */

static bool enter_wanted(struct json_watch *w, char c, struct json_found *out)
{
    const struct json_name *now = w->now;
    if (!now || now->how != (c == '{' ? JSON_WATCH_ENTER : JSON_WATCH_EACH))
        return false;
    w->size = 0;
    (void)give(w, c == '{' ? JSON_OBJECT : JSON_ARRAY, S(""), out);
    return enter(w, now->inside, c == '[' ? now : NULL);
}

static enum json_token scalar_kind(char c)
{
    if (c == '-' || (c >= '0' && c <= '9'))
        return JSON_NUMBER;
    return c == 't' ? JSON_TRUE : c == 'f' ? JSON_FALSE : c == 'n' ? JSON_NULL : JSON_BAD;
}

/* `c` is a value's first byte. Brackets that are entered are taken off; all else stays. */
static bool begin_value(struct json_watch *w, struct str *in, struct json_found *out)
{
    char c = in->ptr[0];
    if ((c == '{' || c == '[') && enter_wanted(w, c, out)) {
        move_on(in, 1);
        return true;
    }
    w->kind = c == '"'   ? JSON_STRING
              : c == '{' ? JSON_OBJECT
              : c == '[' ? JSON_ARRAY
                         : scalar_kind(c);
    w->nest = 0;
    begin_token(w, w->kind == JSON_STRING ? STRING
                   : c == '{' || c == '[' ? NEST
                   : w->kind == JSON_BAD  ? LOST
                                          : SCALAR);
    return false;
}

/* An object in an array that is entered. */
static bool begin_element(struct json_watch *w, struct str *in, struct json_found *out)
{
    const struct json_name *list = level(w)->list;
    if (in->ptr[0] != '{' || !enter(w, list->inside, NULL))
        return begin_value(w, in, out);
    move_on(in, 1);
    *out = (struct json_found){.id = list->id, .kind = JSON_OBJECT};
    return true;
}

/* One byte of structure, nothing before it but space. */
static bool next_byte(struct json_watch *w, struct str *in, struct json_found *out)
{
    char c = in->ptr[0];
    if (w->state == VALUE)
        return begin_value(w, in, out);
    bool comma = c == ',' && (w->state == MEMBER || w->state == ELEMENT);
    if (w->state == ELEMENT && !comma && c != ']')
        return begin_element(w, in, out);
    if (w->state == MEMBER && c == '"') {
        begin_token(w, KEY);
        return false;
    }
    move_on(in, 1);
    if (comma && w->state == MEMBER && in->len && in->ptr[0] == '"')
        begin_token(w, KEY);
    if (comma)
        return false;
    if ((w->state == MEMBER && c == '}') || (w->state == ELEMENT && c == ']'))
        leave(w);
    else if (w->state == COLON && c == ':')
        w->state = VALUE;
    else if (w->state != BEGIN || c != '{' || !enter(w, w->names, NULL))
        w->state = LOST;
    return false;
}

static void skip_space(struct str *in)
{
    while (in->len && is_space(in->ptr[0]))
        move_on(in, 1);
}

bool json_watch_next(struct json_watch *w, struct str *in, struct json_found *out)
{
    for (;;) {
        bool found = false;
        if (w->state <= VALUE)
            skip_space(in);
        if (in->len == 0)
            return false;
        switch ((enum state)w->state) {
        case KEY:
            next_key(w, in);
            break;
        case STRING:
            found = next_string(w, in, out);
            break;
        case NEST:
            found = next_nest(w, in, out);
            break;
        case SCALAR:
            found = next_scalar(w, in, out);
            break;
        case LOST:
            move_on(in, in->len);
            return false;
        case BEGIN:
        case MEMBER:
        case COLON:
        case ELEMENT:
        case VALUE:
            found = next_byte(w, in, out);
            break;
        }
        if (found)
            return true;
    }
}

void json_watch_reset(struct json_watch *w)
{
    w->depth = 0;
    w->state = BEGIN;
    w->now = NULL;
}

void json_watch_fini(struct json_watch *w)
{
    buf_fini(&w->held);
}
