/* SPDX-License-Identifier: Apache-2.0
 *
 * Nova's own body (InvokeModel): Converse's blocks, but a marker is a member of a text block,
 * {"text":"...","cachePoint":{"type":"default"}}, and of nothing else: "extraneous key [cachePoint]
 * is not permitted" is what stands elsewhere (litellm #17479 and others, 2026).
 */
#include "ask_walk.h"

enum { TEXT, POINT, REASONING, IMAGE, DOCUMENT, VIDEO, NAMES };

static const struct str names[NAMES] = {
    [TEXT] = STR("text"),   [POINT] = STR("cachePoint"),  [REASONING] = STR("reasoningContent"),
    [IMAGE] = STR("image"), [DOCUMENT] = STR("document"), [VIDEO] = STR("video"),
};

static bool value(struct ask *a, struct ask_found *f, struct ask_members *m, int name,
                  struct str *text)
{
    if (name == TEXT)
        return ask_string(a, text);
    if (name == POINT)
        return ask_own_member(a, f, m);
    return name >= IMAGE ? ask_file(a, f) : name != ASK_FAILED && ask_skip(a);
}

static enum ask_bar bar_of(const struct ask *a, const struct ask_members *m, struct str text)
{
    if (m->seen >> REASONING & 1)
        return ASK_BAR_THINKING;
    if (a->section == ASK_TOOLS || text.len == 0)
        return ASK_BAR_DIALECT;
    return ask_blank(text) ? ASK_BAR_EMPTY : ASK_FREE;
}

static bool block(struct ask *a, struct ask_found *f)
{
    struct ask_members m = {0};
    struct str text = {0};
    for (int i; (i = ask_member(a, &m, names, NAMES)) != ASK_OVER;)
        if (!value(a, f, &m, i, &text))
            return false;
    unsigned points = m.seen >> POINT & 1;
    if (f->own && text.len == 0)
        return ask_unclear(a, "a marker where none may be");
    f->bar = bar_of(a, &m, text);
    if (text.len && m.n == 1 + points)
        f->text = text;
    else if (text.len && f->bar == ASK_FREE)
        f->bar = ASK_BAR_KIND;
    return true;
}

const struct ask_rules ask_nova = {
    .block = block,
    .kind_name = STR("type"),
    .kind = STR("default"),
    .plain = ASK_5M,
    .way = ASK_AS_MEMBER,
    .splices = {[ASK_5M] = STR(",\"cachePoint\":{\"type\":\"default\"}")},
};
