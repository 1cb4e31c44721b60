/* SPDX-License-Identifier: Apache-2.0
 *
 * An ask of a body, and what it is in words: for each block its section (with the message), what
 * bars a marker, and the client's own one.
 */
#ifndef WEIR_TEST_PLAN_ASK_TELL_H
#define WEIR_TEST_PLAN_ASK_TELL_H

#include "weir/base/buf.h"
#include "weir/plan/ask.h"
#include "weir/wire/json_pick.h"

enum { ROOM = 512 };

/* As gate/facts does: strict, and each part once at most. */
static inline bool ask_find_parts(struct str body, enum ask_dialect d, struct ask_parts *out)
{
    struct json_member m[] = {{.name = STR("tools")},
                              {.name = STR("system")},
                              {.name = STR("messages")},
                              {.name = STR("toolConfig")}};
    struct json_member tools[] = {{.name = STR("tools")}};
    struct json_pick p;
    if (d == ASK_RESPONSES) {
        m[1].name = S("instructions");
        m[2].name = S("input");
    }
    json_pick_init(&p, body, m, 4);
    if (json_pick_step(&p) != JSON_END || !p.object)
        return false;
    for (int i = 0; i < 4; i++)
        if (m[i].times > 1)
            return false;
    *out = (struct ask_parts){body, m[0].raw, m[1].raw, m[2].raw};
    if (d != ASK_CONVERSE && d != ASK_NOVA)
        return true;
    out->tools = (struct str){0};
    if (m[3].times == 0)
        return true;
    json_pick_init(&p, m[3].raw, tools, 1);
    if (json_pick_step(&p) != JSON_END || tools[0].times > 1)
        return false;
    out->tools = tools[0].raw;
    return true;
}

static inline enum ask_state ask_all(struct ask *a, enum ask_dialect d, struct str body,
                                     struct ask_block *room, size_t n)
{
    struct ask_parts parts;
    if (!ask_find_parts(body, d, &parts)) {
        *a = (struct ask){.state = ASK_UNCLEAR, .why = "no parts"};
        return a->state;
    }
    ask_begin(a, d, 1, &parts, room, n);
    while (ask_step(a) == ASK_MORE)
        ;
    return a->state;
}

static inline struct str tell_bar(enum ask_bar b)
{
    static const struct str words[] = {
        [ASK_FREE] = STR("free"),
        [ASK_BAR_DIALECT] = STR("dialect"),
        [ASK_BAR_EMPTY] = STR("empty"),
        [ASK_BAR_THINKING] = STR("thinking"),
        [ASK_BAR_DOCUMENT] = STR("document"),
        [ASK_BAR_TOOL_CALL] = STR("tool_call"),
        [ASK_BAR_RESULT] = STR("result"),
        [ASK_BAR_NULL] = STR("null"),
        [ASK_BAR_CROWDED] = STR("crowded"),
        [ASK_BAR_KIND] = STR("kind"),
    };
    return words[b];
}

static inline void ask_tell(const struct ask *a, struct buf *out)
{
    if (a->state == ASK_UNCLEAR) {
        buf_addf(out, "unclear: %s", a->why);
        return;
    }
    for (size_t i = 0; i < a->n; i++) {
        const struct ask_block *b = &a->blocks[i];
        buf_addf(out, "%s%.*s", i ? ", " : "", 1, ask_section_word(b->section).ptr);
        if (b->section == ASK_MESSAGES)
            buf_addf(out, "%u", b->message);
        buf_addf(out, " %.*s", STR_ARG(tell_bar(b->bar)));
        if (b->own)
            buf_addf(out, " %.*s", STR_ARG(ask_ttl_word(b->own)));
    }
}

/* The body with these marks: what goes to Bedrock. */
static inline void ask_apply(const struct ask *a, const size_t *blocks, size_t n, enum ask_ttl ttl,
                             struct buf *out)
{
    struct ask_splice s[2 * ROOM];
    size_t count = 0, from = 0;
    struct str body = a->parts.body;
    for (size_t i = 0; i < n; i++)
        count += ask_mark(a, blocks[i], ttl, s + count);
    /* Sections may stand in any order. */
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && s[j].at < s[j - 1].at; j--) {
            struct ask_splice t = s[j];
            s[j] = s[j - 1];
            s[j - 1] = t;
        }
    for (size_t i = 0; i < count; i++) {
        buf_add(out, str_sub(body, from, s[i].at - from));
        buf_add(out, s[i].text);
        from = s[i].at;
    }
    buf_add(out, str_from_offset(body, from));
}

#endif
