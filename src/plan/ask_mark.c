/* SPDX-License-Identifier: Apache-2.0
 *
 * From a block to the bytes that mark it, and the words for what ask knows.
 */
#include "ask_walk.h"

#include "weir/wire/json_pick.h"
#include "weir/wire/json_string.h"

#include <assert.h>

struct str ask_section_word(enum ask_section s)
{
    static const struct str words[ASK_SECTIONS] = {
        [ASK_TOOLS] = STR("tools"),
        [ASK_SYSTEM] = STR("system"),
        [ASK_MESSAGES] = STR("messages"),
    };
    return words[s];
}

struct str ask_ttl_word(enum ask_ttl t)
{
    static const struct str words[] = {
        [ASK_UNMARKED] = STR(""),
        [ASK_5M] = STR("5m"),
        [ASK_30M] = STR("30m"),
        [ASK_1H] = STR("1h"),
    };
    return words[t];
}

bool ask_open(const struct ask_block *b, bool after_tool_result, unsigned fields)
{
    bool tool = b->bar == ASK_BAR_TOOL_CALL || b->bar == ASK_BAR_RESULT;
    return b->own == ASK_UNMARKED && (fields >> b->section & 1) &&
           (b->bar == ASK_FREE || (tool && after_tool_result));
}

size_t ask_mark(const struct ask *a, size_t block, enum ask_ttl ttl, struct ask_splice out[2])
{
    const struct ask_block *b = &a->blocks[block];
    const struct ask_rules *r = ask_rules_of(a->dialect);
    assert(ask_open(b, true, ~0u));
    if (r->splices[ttl].len == 0)
        return 0;
    if (b->way != ASK_WRAPPED) {
        out[0] = (struct ask_splice){b->mark_at, r->splices[ttl]};
        return 1;
    }
    out[0] = (struct ask_splice){b->at, r->wrap_open};
    out[1] = (struct ask_splice){b->mark_at, r->wraps[ttl]};
    return 2;
}

/* Where a TTL of an hour is not known, there is nothing to choose. */
static bool may_retime(const struct ask *a, enum ask_ttl ttl)
{
    return a->dialect != ASK_NONE && ask_rules_of(a->dialect)->splices[ASK_1H].len &&
           (ttl == ASK_5M || ttl == ASK_1H);
}

bool ask_retime(const struct ask *a, size_t block, enum ask_ttl ttl, size_t *out_at,
                size_t *out_len, struct str *out_text)
{
    static const struct str values[] = {[ASK_5M] = STR("\"5m\""), [ASK_1H] = STR("\"1h\"")};
    static const struct str hour = STR(",\"ttl\":\"1h\"");
    const struct ask_block *b = &a->blocks[block];
    struct json_member want = {.name = STR("ttl")};
    struct json_pick p;
    if (!may_retime(a, ttl) || b->own_len == 0 || b->own == ttl)
        return false;
    json_pick_init(&p, str_sub(a->parts.body, b->own_at, b->own_len), &want, 1);
    if (json_pick_step(&p) != JSON_END)
        return false;
    *out_at = want.times ? (size_t)(want.raw.ptr - a->parts.body.ptr) : b->own_at + b->own_len - 1;
    *out_len = want.times ? want.raw.len : 0;
    *out_text = want.times ? values[ttl] : hour;
    return true;
}
