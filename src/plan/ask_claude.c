/* SPDX-License-Identifier: Apache-2.0
 *
 * Claude's own body: InvokeModel's and /anthropic's. A block says its kind in "type"; a marker is a
 * member, "cache_control", of a tool or block. It may also stand in the blocks of a tool result's
 * content, and of a document's source; those are counted, and none is put there. What a tool's
 * input or schema calls so is no marker.
 */
#include "ask_walk.h"

#include "weir/wire/json_string.h"

/* A document in a result in a block is three; what is deeper is not known. */
enum { NESTED_MOST = 8 };

enum { CONTROL, CONTENT, SOURCE, DATA, NESTED, TYPE = NESTED, TEXT, DEFER, NAMES };

static const struct str names[NAMES] = {
    [CONTROL] = STR("cache_control"),
    [CONTENT] = STR("content"),
    [SOURCE] = STR("source"),
    [DATA] = STR("data"),
    [TYPE] = STR("type"),
    [TEXT] = STR("text"),
    [DEFER] = STR("defer_loading"),
};

static bool nested_value(struct ask *a, struct ask_found *f, unsigned depth);

static bool nested_member(struct ask *a, struct ask_found *f, struct ask_members *m, int name,
                          unsigned depth)
{
    bool null = f->null;
    switch (name) {
    case CONTROL:
        if (!ask_own_member(a, f, m))
            return false;
        f->null = depth ? null : f->null; /* one in there is in nobody's way */
        return true;
    case CONTENT:
    case SOURCE:
        return nested_value(a, f, depth + 1);
    case DATA:
        return ask_file(a, f);
    default:
        return name == ASK_OTHER && ask_skip(a);
    }
}

/* A block within a block, or a source; behind its brace. */
static bool nested_block(struct ask *a, struct ask_found *f, unsigned depth)
{
    struct ask_members m = {0};
    if (depth == NESTED_MOST)
        return ask_unclear(a, "blocks in blocks, too deeply");
    for (int i; (i = ask_member(a, &m, names, NESTED)) != ASK_OVER;)
        if (!nested_member(a, f, &m, i, depth))
            return false;
    return true;
}

static bool nested_list(struct ask *a, struct ask_found *f, unsigned depth)
{
    for (;;) {
        enum json_token t = json_next(&a->scan);
        if (t == JSON_ARRAY_END)
            return true;
        if (t == JSON_OBJECT ? !nested_block(a, f, depth) : t == JSON_ARRAY || t <= JSON_END)
            return !a->why && ask_unclear(a, "a list in a list of blocks");
    }
}

/* A content or source: whatever it is, blocks in it may be marked. */
static bool nested_value(struct ask *a, struct ask_found *f, unsigned depth)
{
    enum json_token t = json_next(&a->scan);
    if (t == JSON_OBJECT)
        return nested_block(a, f, depth);
    if (t == JSON_ARRAY)
        return nested_list(a, f, depth);
    return t > JSON_END || ask_unclear(a, "not strict JSON");
}

/* --- a block of a list */

struct claude_block {
    struct str type, text;
    bool deferred;
};

static bool is_true(struct ask *a, bool *out)
{
    enum json_token t = json_skip(&a->scan);
    *out = t != JSON_FALSE && t != JSON_NULL;
    return t > JSON_END || ask_unclear(a, "not strict JSON");
}

static bool member(struct ask *a, struct ask_found *f, struct ask_members *m, int name,
                   struct claude_block *b)
{
    if (name == TYPE)
        return ask_string(a, &b->type);
    if (a->section == ASK_TOOLS)
        return name == CONTROL ? ask_own_member(a, f, m)
               : name == DEFER ? is_true(a, &b->deferred)
                               : name != ASK_FAILED && ask_skip(a);
    if (name == TEXT)
        return ask_string(a, &b->text);
    return nested_member(a, f, m, name == DEFER ? ASK_OTHER : name, 0);
}

/* Those that Anthropic's documentation of prompt caching lists (2025); no more were tried. */
static enum ask_bar bar_of(const struct claude_block *b)
{
    static const struct {
        struct str type;
        enum ask_bar bar;
    } types[] = {
        {STR("text"), ASK_FREE},
        {STR("tool_use"), ASK_FREE},
        {STR("tool_result"), ASK_FREE},
        {STR("thinking"), ASK_BAR_THINKING},
        {STR("redacted_thinking"), ASK_BAR_THINKING},
        {STR("image"), ASK_FREE},
        {STR("document"), ASK_FREE},
        {STR("search_result"), ASK_FREE},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (json_string_is(b->type, types[i].type))
            return types[i].bar;
    return ASK_BAR_KIND;
}

/* Nothing but "type" and "text", and perhaps the marker. */
static bool only_text(const struct ask_members *m, const struct claude_block *b)
{
    unsigned control = m->seen >> CONTROL & 1;
    return m->n == 2 + control && b->text.len && json_string_is(b->type, S("text"));
}

static bool block(struct ask *a, struct ask_found *f)
{
    struct ask_members m = {0};
    struct claude_block b = {0};
    for (int i; (i = ask_member(a, &m, names, NAMES)) != ASK_OVER;)
        if (!member(a, f, &m, i, &b))
            return false;
    if (a->section == ASK_TOOLS) {
        /* "cannot be set for tools with defer_loading": Anthropic's API, 2026. */
        f->bar = b.deferred || m.n == 0 ? ASK_BAR_KIND : ASK_FREE;
        return true;
    }
    if (b.type.len == 0)
        return ask_unclear(a, "a block without a type");
    f->bar = bar_of(&b);
    if (json_string_is(b.type, S("text")) && (b.text.len == 0 || ask_blank(b.text)))
        f->bar = ASK_BAR_EMPTY;
    if (only_text(&m, &b))
        f->text = b.text;
    return true;
}

#define CONTROL_5M ",\"cache_control\":{\"type\":\"ephemeral\"}"
#define CONTROL_1H ",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}"

const struct ask_rules ask_claude = {
    .block = block,
    .kind_name = STR("type"),
    .kind = STR("ephemeral"),
    .plain = ASK_5M,
    .way = ASK_AS_MEMBER,
    .strings = true,
    .splices = {[ASK_5M] = STR(CONTROL_5M), [ASK_1H] = STR(CONTROL_1H)},
    .wrap_open = STR("[{\"type\":\"text\",\"text\":"),
    .wraps = {[ASK_5M] = STR(CONTROL_5M "}]"), [ASK_1H] = STR(CONTROL_1H "}]")},
};
