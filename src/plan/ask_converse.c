/* SPDX-License-Identifier: Apache-2.0
 *
 * Converse: a block is an object with one member, whose name says what it is; a marker is a block
 * of its own, {"cachePoint":{"type":"default"}}, behind the one that it marks.
 *
 * Where none may stand (refusals that others reported, 2024 to 2026): behind
 * reasoning or a document or video, in a tool result's content, first in a list. Behind other kinds
 * nobody reported anything, so none is put there.
 */
#include "ask_walk.h"

enum { TEXT, POINT, IMAGE, DOCUMENT, VIDEO, TOOL_USE, TOOL_RESULT, REASONING, TOOL_SPEC, KINDS };

static const struct str kinds[KINDS] = {
    [TEXT] = STR("text"),
    [POINT] = STR("cachePoint"),
    [IMAGE] = STR("image"),
    [DOCUMENT] = STR("document"),
    [VIDEO] = STR("video"),
    [TOOL_USE] = STR("toolUse"),
    [TOOL_RESULT] = STR("toolResult"),
    [REASONING] = STR("reasoningContent"),
    [TOOL_SPEC] = STR("toolSpec"),
};

static bool result_element(struct ask *a, struct ask_found *f)
{
    static const struct str names[] = {STR("cachePoint"), STR("image"), STR("document"),
                                       STR("video")};
    struct ask_members m = {0};
    for (int i; (i = ask_member(a, &m, names, 4)) != ASK_OVER;) {
        if (i == 0)
            return ask_unclear(a, "a marker in a tool result");
        if (i == ASK_FAILED || !(i > 0 ? ask_file(a, f) : ask_skip(a)))
            return false;
    }
    return true;
}

static bool result_content(struct ask *a, struct ask_found *f)
{
    enum json_token t = json_next(&a->scan);
    if (t != JSON_ARRAY)
        return ask_unclear(a, "a content that is no list");
    while ((t = json_next(&a->scan)) == JSON_OBJECT)
        if (!result_element(a, f))
            return false;
    return t == JSON_ARRAY_END || ask_unclear(a, "an element that is no object");
}

static bool tool_result(struct ask *a, struct ask_found *f)
{
    static const struct str names[] = {STR("content")};
    struct ask_members m = {0};
    if (json_next(&a->scan) != JSON_OBJECT)
        return ask_unclear(a, "a tool result that is no object");
    for (int i; (i = ask_member(a, &m, names, 1)) != ASK_OVER;)
        if (i == ASK_FAILED || !(i == 0 ? result_content(a, f) : ask_skip(a)))
            return false;
    return true;
}

static bool value(struct ask *a, struct ask_found *f, int kind)
{
    switch (kind) {
    case TEXT:
        return ask_string(a, &f->text);
    case POINT:
        f->point = true;
        return ask_own(a, f);
    case IMAGE:
    case DOCUMENT:
    case VIDEO:
        return ask_file(a, f);
    case TOOL_RESULT:
        return tool_result(a, f);
    default:
        return ask_skip(a);
    }
}

static enum ask_bar bar_of(const struct ask *a, const struct ask_found *f, int kind)
{
    static const enum ask_bar in_messages[KINDS] = {
        [IMAGE] = ASK_FREE,
        [DOCUMENT] = ASK_BAR_DOCUMENT,
        [VIDEO] = ASK_BAR_DOCUMENT,
        [TOOL_USE] = ASK_BAR_TOOL_CALL,
        [TOOL_RESULT] = ASK_BAR_RESULT,
        [REASONING] = ASK_BAR_THINKING,
        [TOOL_SPEC] = ASK_BAR_KIND,
    };
    if (a->section == ASK_TOOLS)
        return kind == TOOL_SPEC ? ASK_FREE : ASK_BAR_KIND;
    if (kind == TEXT)
        return ask_blank(f->text) ? ASK_BAR_EMPTY : ASK_FREE;
    return a->section == ASK_MESSAGES && kind >= 0 ? in_messages[kind] : ASK_BAR_KIND;
}

static bool block(struct ask *a, struct ask_found *f)
{
    struct ask_members m = {0};
    int kind = ASK_OTHER;
    for (int i; (i = ask_member(a, &m, kinds, KINDS)) != ASK_OVER; kind = i)
        if (i == ASK_FAILED || !value(a, f, i))
            return false;
    if (m.n != 1 && f->point)
        return ask_unclear(a, "a marker that is something else, too");
    if (m.n != 1)
        kind = ASK_OTHER, f->text.len = 0;
    f->bar = bar_of(a, f, kind);
    return true;
}

const struct ask_rules ask_converse = {
    .block = block,
    .kind_name = STR("type"),
    .kind = STR("default"),
    .plain = ASK_5M,
    .way = ASK_AS_BLOCK,
    .splices = {[ASK_5M] = STR(",{\"cachePoint\":{\"type\":\"default\"}}"),
                [ASK_1H] = STR(",{\"cachePoint\":{\"type\":\"default\",\"ttl\":\"1h\"}}")},
};
