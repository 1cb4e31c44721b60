/* SPDX-License-Identifier: Apache-2.0
 *
 * The walk that all dialects share: over the lists of tools, system and messages in the order in
 * which the model reads them, wherever they stand in the body.
 *
 *     BETWEEN -- a list --> LIST -- an element --> a block (tools, system)
 *                            |  \-- an element --> MESSAGE -- content --> CONTENT -- blocks
 *                            end of the list: the next one
 *
 * A message's role may stand behind its content. So a block is first hashed alone, and joined to
 * what stands before it when its message is at an end.
 */
#include "ask_walk.h"

#include "weir/base/hash.h"
#include "weir/plan/tokens.h"
#include "weir/wire/json_string.h"

#include <assert.h>
#include <string.h>

enum where { BETWEEN, LIST, MESSAGE, CONTENT };

bool ask_unclear(struct ask *a, const char *why)
{
    a->state = ASK_UNCLEAR;
    a->why = why;
    return false;
}

static bool not_strict(struct ask *a)
{
    return ask_unclear(a, "not strict JSON");
}

/* --- values and members */

bool ask_skip(struct ask *a)
{
    return json_skip(&a->scan) > JSON_END || not_strict(a);
}

bool ask_string(struct ask *a, struct str *out_raw)
{
    if (json_skip(&a->scan) != JSON_STRING)
        return ask_unclear(a, "a text that is no string");
    *out_raw = json_raw(&a->scan);
    return true;
}

/* Of a string. */
static struct str inside_of(struct str raw)
{
    return str_from(raw.ptr + 1, raw.len - 2);
}

static int which(struct str key, const struct str *names, unsigned n)
{
    struct str inside = inside_of(key);
    bool plain = memchr(inside.ptr, '\\', inside.len) == NULL;
    for (unsigned i = 0; i < n; i++)
        if (plain ? inside.len == names[i].len && inside.ptr[0] == names[i].ptr[0] &&
                        memcmp(inside.ptr, names[i].ptr, inside.len) == 0
                  : json_string_is(key, names[i]))
            return (int)i;
    return ASK_OTHER;
}

int ask_member(struct ask *a, struct ask_members *m, const struct str *names, unsigned n)
{
    m->end = a->scan.pos;
    enum json_token t = json_next(&a->scan);
    if (t == JSON_OBJECT_END)
        return ASK_OVER;
    if (t != JSON_KEY)
        return not_strict(a), ASK_FAILED;
    m->key_at = a->scan.at;
    m->n++;
    int i = which(json_raw(&a->scan), names, n);
    if (i < 0)
        return i;
    if (m->seen >> i & 1)
        return ask_unclear(a, "a member stands twice"), ASK_FAILED;
    m->seen |= 1u << i;
    return i;
}

/* The member that was just read is not hashed, nor the comma before it; the first one's is behind
 * it. */
static bool cut_out(struct ask *a, struct ask_found *f, struct ask_members *m)
{
    const char *text = a->scan.text.ptr;
    size_t at = m->key_at, end = a->scan.pos;
    if (f->n_cuts == ASK_CUTS_MOST)
        return ask_unclear(a, "more markers in a block than any model takes");
    if (m->n > 1)
        for (at = m->end; text[at] != ',';)
            at++;
    while (m->n == 1 && strchr(" \t\r\n,", text[end]))
        end++;
    f->cuts[f->n_cuts].at = at;
    f->cuts[f->n_cuts++].len = end - at;
    return true;
}

/* --- the client's markers */

static bool read_ttl(struct ask *a, enum ask_ttl *out)
{
    const struct ask_rules *r = ask_rules_of(a->dialect);
    struct str raw;
    if (!ask_string(a, &raw))
        return false;
    for (unsigned t = ASK_5M; t <= ASK_1H; t++)
        if (r->splices[t].len && json_string_is(raw, ask_ttl_word((enum ask_ttl)t))) {
            *out = (enum ask_ttl)t;
            return true;
        }
    return ask_unclear(a, "a marker with a TTL that is not known");
}

static bool note_own(struct ask *a, struct ask_found *f, enum ask_ttl ttl, size_t at)
{
    if (f->own && f->own != ttl)
        return ask_unclear(a, "markers of two TTLs in one block");
    a->own_markers++;
    f->own = ttl;
    f->own_at = at;
    f->own_len = f->markers++ ? 0 : a->scan.pos - at;
    return true;
}

/* Behind its opening brace. */
static bool read_own(struct ask *a, struct ask_found *f)
{
    const struct ask_rules *r = ask_rules_of(a->dialect);
    const struct str names[] = {r->kind_name, STR("ttl")};
    struct ask_members m = {0};
    enum ask_ttl ttl = r->plain;
    struct str kind = {0};
    size_t at = a->scan.at;
    for (int i; (i = ask_member(a, &m, names, 2)) != ASK_OVER;) {
        if (i == ASK_OTHER)
            return ask_unclear(a, "a marker with a member that is not known");
        if (i < 0 || !(i == 0 ? ask_string(a, &kind) : read_ttl(a, &ttl)))
            return false;
    }
    if (kind.len == 0 || !json_string_is(kind, r->kind))
        return ask_unclear(a, "a marker of a kind that is not known");
    return note_own(a, f, ttl, at);
}

bool ask_own(struct ask *a, struct ask_found *f)
{
    if (json_next(&a->scan) != JSON_OBJECT)
        return ask_unclear(a, "a marker that is no object");
    return read_own(a, f);
}

bool ask_own_member(struct ask *a, struct ask_found *f, struct ask_members *m)
{
    enum json_token t = json_next(&a->scan);
    if (t == JSON_NULL)
        f->null = true;
    else if (t != JSON_OBJECT)
        return ask_unclear(a, "a marker that is no object");
    else if (!read_own(a, f))
        return false;
    return cut_out(a, f, m);
}

/* --- what a block's bytes are */

bool ask_file(struct ask *a, struct ask_found *f)
{
    if (!ask_skip(a))
        return false;
    struct str raw = json_raw(&a->scan);
    f->file_bytes += raw.len;
    f->file_tokens += tokens_estimate(raw);
    return true;
}

/* Length of the white space at p, written as it is or escaped; 0: there is none. */
static size_t blank_unit(struct str s)
{
    if (s.ptr[0] == ' ')
        return 1;
    if (s.len < 2 || s.ptr[0] != '\\')
        return 0;
    if (strchr("bfnrt", s.ptr[1]))
        return 2;
    if (!str_starts(s, S("\\u00")) || s.len < 6)
        return 0;
    return s.ptr[4] < '2' || (s.ptr[4] == '2' && s.ptr[5] == '0') ? 6 : 0;
}

bool ask_blank(struct str raw)
{
    struct str s = inside_of(raw);
    for (size_t n; s.len; s = str_from_offset(s, n))
        if ((n = blank_unit(s)) == 0)
            return false;
    return true;
}

/* Of a text alone what it says, so that it does not matter how its block is written. */
static uint64_t hash_block(const struct ask *a, size_t at, size_t end, const struct ask_found *f)
{
    const char *text = a->scan.text.ptr;
    struct str pieces[ASK_CUTS_MOST + 1];
    if (f->text.len)
        return ~hash64(0, inside_of(f->text));
    if (f->n_cuts == 0)
        return hash64(0, str_from(text + at, end - at));
    for (unsigned i = 0; i < f->n_cuts; i++) {
        pieces[i] = str_from(text + at, f->cuts[i].at - at);
        at = f->cuts[i].at + f->cuts[i].len;
    }
    pieces[f->n_cuts] = str_from(text + at, end - at);
    return hash64_pieces(0, pieces, f->n_cuts + 1);
}

static uint32_t tokens_of(size_t len, const struct ask_found *f)
{
    if (f->text.len)
        return (uint32_t)tokens_of_string(inside_of(f->text));
    len -= f->file_bytes;
    for (unsigned i = 0; i < f->n_cuts; i++)
        len -= f->cuts[i].len;
    return (uint32_t)((len + TOKENS_BYTES_A_TOKEN - 1) / TOKENS_BYTES_A_TOKEN + f->file_tokens);
}

/* --- blocks */

/* From `at` in the scanned text to where the scan is. */
static bool add(struct ask *a, size_t at, const struct ask_found *f, enum ask_way way)
{
    if (a->n == a->most)
        return ask_unclear(a, "more blocks than Weir looks at");
    a->crowded |= f->markers > 1;
    size_t len = a->scan.pos - at;
    struct ask_block *b = &a->blocks[a->n++];
    *b = (struct ask_block){
        .alone = hash_block(a, at, at + len, f),
        .at = a->base + at,
        .len = len,
        .mark_at = a->base + at + len - (way == ASK_AS_MEMBER),
        .own_at = f->own_len ? a->base + f->own_at : 0,
        .own_len = (uint32_t)f->own_len,
        .tokens = tokens_of(len, f),
        .message = a->section == ASK_MESSAGES ? a->messages - 1 : 0,
        .section = (unsigned char)a->section,
        .way = (unsigned char)way,
        .own = (unsigned char)f->own,
        .bar = (unsigned char)(f->null && f->bar == ASK_FREE ? ASK_BAR_NULL : f->bar),
    };
    return true;
}

/* A cache point that is an element of its own belongs to the block before it. */
static bool point(struct ask *a, const struct ask_found *f)
{
    struct ask_block *b = a->n ? &a->blocks[a->n - 1] : NULL;
    if (a->n == a->list_first || b->own)
        return ask_unclear(a, "a marker with nothing before it");
    b->own = (unsigned char)f->own;
    b->own_at = a->base + f->own_at;
    b->own_len = (uint32_t)f->own_len;
    return true;
}

/* Not its cuts: it is done for every block. */
static struct ask_found *found_begin(struct ask *a, enum ask_bar bar)
{
    memset(&a->found, 0, offsetof(struct ask_found, cuts));
    a->found.bar = bar;
    return &a->found;
}

/* Behind an element's opening brace. */
static bool element(struct ask *a)
{
    const struct ask_rules *r = ask_rules_of(a->dialect);
    size_t at = a->scan.at;
    struct ask_found *f = found_begin(a, ASK_BAR_KIND);
    if (!r->block(a, f))
        return false;
    return f->point ? point(a, f) : add(a, at, f, r->way);
}

/* A string in place of a list: the last token. */
static bool string(struct ask *a, enum ask_bar bar)
{
    struct str raw = json_raw(&a->scan);
    struct ask_found *f = found_begin(a, ask_blank(raw) ? ASK_BAR_EMPTY : bar);
    f->text = raw;
    return add(a, a->scan.at, f, ASK_WRAPPED);
}

/* Joins the blocks from `first` on to what stands before them. */
static void join(struct ask *a, size_t first, uint64_t role)
{
    for (size_t i = first; i < a->n; i++) {
        struct ask_block *b = &a->blocks[i];
        uint64_t parts[] = {b->alone, role, a->section};
        b->hash = a->hash = hash64(a->hash, str_from((const char *)parts, sizeof parts));
        a->thinking |= b->bar == ASK_BAR_THINKING;
        if (a->thinking)
            b->bar = ASK_BAR_THINKING;
    }
}

/* --- messages */

static bool whole_item(struct ask *a)
{
    a->found.bar = ASK_BAR_KIND;
    return add(a, a->item.at, &a->found, ASK_AS_MEMBER);
}

static bool message_end(struct ask *a)
{
    struct ask_item *it = &a->item;
    const struct ask_rules *r = ask_rules_of(a->dialect);
    bool assistant = it->role.len && json_string_is(it->role, S("assistant"));
    if (!r->items && (it->role.len == 0 || !it->content))
        return ask_unclear(a, "a message without role or content");
    if (it->content && it->output)
        return ask_unclear(a, "an item with content and output");
    if (!it->content && !whole_item(a))
        return false;
    if (a->n == it->first)
        return ask_unclear(a, "a message without a block");
    for (size_t i = it->first; r->items && assistant && i < a->n; i++)
        if (a->blocks[i].bar == ASK_FREE)
            a->blocks[i].bar = ASK_BAR_DIALECT;
    a->thinking &= assistant;
    join(a, it->first, hash64(it->rest, it->role));
    a->where = LIST;
    return true;
}

static bool content(struct ask *a)
{
    const struct ask_rules *r = ask_rules_of(a->dialect);
    enum json_token t = json_next(&a->scan);
    if (t == JSON_NULL && r->items)
        return true;
    a->item.content = true;
    if (t == JSON_STRING && r->strings)
        return string(a, r->content_bar);
    if (t != JSON_ARRAY)
        return ask_unclear(a, "a content that is no list");
    a->where = CONTENT;
    a->list_first = a->n;
    return true;
}

/* Some other member of a message: it counts from the message's first block on. */
static bool other_member(struct ask *a)
{
    size_t at = a->item.members.key_at;
    if (!ask_skip(a))
        return false;
    a->item.rest = hash64(a->item.rest, str_from(a->scan.text.ptr + at, a->scan.pos - at));
    return true;
}

static bool message_member(struct ask *a)
{
    static const struct str names[] = {STR("role"), STR("content"), STR("output")};
    const struct ask_rules *r = ask_rules_of(a->dialect);
    switch (ask_member(a, &a->item.members, names, r->output ? 3 : 2)) {
    case 0:
        return ask_string(a, &a->item.role);
    case 1:
        return content(a);
    case 2:
        a->item.output = true;
        return r->output(a, &a->found);
    case ASK_OTHER:
        return other_member(a);
    case ASK_OVER:
        return message_end(a);
    default:
        return false;
    }
}

static bool message_begin(struct ask *a)
{
    a->messages++;
    a->item = (struct ask_item){.at = a->scan.at, .first = a->n};
    found_begin(a, ASK_BAR_KIND);
    a->where = MESSAGE;
    return true;
}

/* --- lists */

static bool list_element(struct ask *a)
{
    enum json_token t = json_next(&a->scan);
    size_t first = a->n;
    if (t == JSON_ARRAY_END) {
        a->section++;
        a->where = BETWEEN;
        return true;
    }
    if (t != JSON_OBJECT)
        return ask_unclear(a, "an element that is no object");
    if (a->section == ASK_MESSAGES)
        return message_begin(a);
    if (!element(a))
        return false;
    join(a, first, 0);
    return true;
}

static bool content_element(struct ask *a)
{
    enum json_token t = json_next(&a->scan);
    if (t == JSON_OBJECT)
        return element(a);
    a->where = MESSAGE;
    return t == JSON_ARRAY_END || ask_unclear(a, "an element that is no object");
}

/* A system, or messages, that are one string. */
static bool whole_string(struct ask *a)
{
    const struct ask_rules *r = ask_rules_of(a->dialect);
    bool input = a->section == ASK_MESSAGES;
    size_t first = a->n;
    a->messages += input;
    if (!string(a, r->string_bar))
        return false;
    join(a, first, input ? hash64(0, S("\"user\"")) : 0);
    a->section++;
    return true;
}

static bool section_begin(struct ask *a)
{
    const struct ask_rules *r = ask_rules_of(a->dialect);
    const struct str lists[] = {a->parts.tools, a->parts.system, a->parts.messages};
    struct str list = lists[a->section];
    if (list.len == 0 || (str_eq(list, S("null")) && a->section != ASK_MESSAGES)) {
        a->section++;
        return true;
    }
    a->base = (size_t)(list.ptr - a->parts.body.ptr);
    json_init(&a->scan, list);
    a->counted = 0;
    enum json_token t = json_next(&a->scan);
    if (t == JSON_STRING && r->strings && a->section != ASK_TOOLS &&
        (a->section == ASK_SYSTEM || r->items))
        return whole_string(a);
    a->where = LIST;
    a->list_first = a->n;
    return t == JSON_ARRAY || ask_unclear(a, "a part of the prompt that is no list");
}

/* --- the whole */

static bool go_on(struct ask *a)
{
    switch ((enum where)a->where) {
    case BETWEEN:
        return section_begin(a);
    case LIST:
        return list_element(a);
    case MESSAGE:
        return message_member(a);
    case CONTENT:
        return content_element(a);
    }
    return false;
}

const struct ask_rules *ask_rules_of(enum ask_dialect d)
{
    static const struct ask_rules *const rules[] = {
        [ASK_NONE] = NULL,      [ASK_CONVERSE] = &ask_converse, [ASK_CLAUDE] = &ask_claude,
        [ASK_NOVA] = &ask_nova, [ASK_CHAT] = &ask_chat,         [ASK_RESPONSES] = &ask_responses,
    };
    return rules[d];
}

void ask_begin(struct ask *a, enum ask_dialect dialect, uint64_t seed,
               const struct ask_parts *parts, struct ask_block *room, size_t n)
{
    *a = (struct ask){.dialect = dialect, .parts = *parts, .blocks = room, .most = n};
    uint64_t word = dialect;
    a->hash = hash64(seed, str_from((const char *)&word, sizeof word));
    if (dialect == ASK_NONE)
        ask_unclear(a, "no prompt that could be marked");
    else if (parts->messages.len == 0)
        ask_unclear(a, "no messages");
}

static bool worked_enough(struct ask *a)
{
    a->done += a->scan.pos - a->counted;
    a->counted = a->scan.pos;
    return a->done >= JSON_SLICE_BYTES;
}

static enum ask_state finish(struct ask *a)
{
    for (size_t i = 0; a->crowded && i < a->n; i++)
        a->blocks[i].bar = ASK_BAR_CROWDED;
    return a->state = ASK_GOOD;
}

enum ask_state ask_step(struct ask *a)
{
    a->done = 0;
    while (a->state == ASK_MORE && a->section < ASK_SECTIONS) {
        if (go_on(a) && worked_enough(a))
            return a->state;
    }
    if (a->state == ASK_MORE && a->messages == 0)
        ask_unclear(a, "no messages");
    return a->state == ASK_MORE ? finish(a) : a->state;
}
