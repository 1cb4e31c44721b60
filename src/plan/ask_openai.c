/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenAI's two: the Responses API, whose input is a list of items (messages, calls, their outputs,
 * reasoning) or one string, and chat completions. A marker of the GPT models is a member of an
 * input_text part, "prompt_cache_breakpoint", and its TTL is 30 minutes; the request may have a
 * word on it, which Weir leaves alone. Chat completions are read, so that it is known what comes
 * back, and never marked. An item without content is one block.
 */
#include "ask_walk.h"

#include "weir/wire/json_string.h"

enum { TYPE, TEXT, POINT, NAMES };

static const struct str names[NAMES] = {
    [TYPE] = STR("type"),
    [TEXT] = STR("text"),
    [POINT] = STR("prompt_cache_breakpoint"),
};

static enum ask_bar bar_of(const struct ask *a, struct str type, struct str text)
{
    if (a->dialect == ASK_CHAT || a->section == ASK_TOOLS)
        return ASK_BAR_DIALECT;
    if (type.len == 0 || text.len == 0 || !json_string_is(type, S("input_text")))
        return ASK_BAR_KIND;
    return ask_blank(text) ? ASK_BAR_EMPTY : ASK_FREE;
}

static bool is_text(struct str type)
{
    return type.len && (json_string_is(type, S("input_text")) || json_string_is(type, S("text")));
}

static bool part_member(struct ask *a, struct ask_found *f, struct ask_members *m, int name,
                        struct str *type, struct str *text)
{
    switch (name) {
    case TYPE:
        return ask_string(a, type);
    case TEXT:
        return ask_string(a, text);
    case POINT:
        return ask_own_member(a, f, m);
    default:
        return name == ASK_OTHER && ask_file(a, f);
    }
}

static bool part(struct ask *a, struct ask_found *f)
{
    struct ask_members m = {0};
    struct str type = {0}, text = {0};
    for (int i; (i = ask_member(a, &m, names, NAMES)) != ASK_OVER;)
        if (!part_member(a, f, &m, i, &type, &text))
            return false;
    unsigned points = m.seen >> POINT & 1;
    f->bar = bar_of(a, type, text);
    if (is_text(type) && text.len && m.n == 2 + points)
        f->text = text;
    return true;
}

/* A tool: what its schema calls so is no marker. */
static bool block(struct ask *a, struct ask_found *f)
{
    if (a->section == ASK_MESSAGES)
        return part(a, f);
    f->bar = ASK_BAR_DIALECT;
    return json_leave(&a->scan) == JSON_OBJECT_END || ask_unclear(a, "not strict JSON");
}

/* A call's output: a string, or parts that may be marked. */
static bool output(struct ask *a, struct ask_found *f)
{
    enum json_token t = json_next(&a->scan);
    if (t == JSON_OBJECT)
        return json_leave(&a->scan) == JSON_OBJECT_END || ask_unclear(a, "not strict JSON");
    if (t != JSON_ARRAY)
        return t > JSON_END || ask_unclear(a, "not strict JSON");
    while ((t = json_next(&a->scan)) == JSON_OBJECT)
        if (!part(a, f))
            return false;
    return t == JSON_ARRAY_END || ask_unclear(a, "an element that is no object");
}

const struct ask_rules ask_chat = {
    .block = block,
    .kind_name = STR("mode"),
    .kind = STR("explicit"),
    .plain = ASK_30M,
    .way = ASK_AS_MEMBER,
    .strings = true,
    .items = true,
    .string_bar = ASK_BAR_DIALECT,
    .content_bar = ASK_BAR_DIALECT,
};

#define BREAKPOINT ",\"prompt_cache_breakpoint\":{\"mode\":\"explicit\"}"

const struct ask_rules ask_responses = {
    .block = block,
    .output = output,
    .kind_name = STR("mode"),
    .kind = STR("explicit"),
    .plain = ASK_30M,
    .way = ASK_AS_MEMBER,
    .strings = true,
    .items = true,
    .string_bar = ASK_BAR_DIALECT,
    .splices = {[ASK_30M] = STR(BREAKPOINT)},
    .wrap_open = STR("[{\"type\":\"input_text\",\"text\":"),
    .wraps = {[ASK_30M] = STR(BREAKPOINT "}]")},
};
