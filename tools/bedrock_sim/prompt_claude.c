/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading Anthropic's body: the one of InvokeModel (anthropic_version inside) and the one of
 * /anthropic/v1/messages (model and stream inside). A marker is a member of its block. The
 * sentences are those of Anthropic's own validation ("max_tokens: Field required").
 */
#include "prompt.h"

#include <stdio.h>
#include <string.h>

static const char *const members[] = {
    "anthropic_beta", "container",    "context_management", "max_tokens",
    "mcp_servers",    "messages",     "metadata",           "output_config",
    "output_format",  "speed",        "stop_sequences",     "system",
    "temperature",    "thinking",     "tool_choice",        "tools",
    "top_k",          "top_p",        "anthropic_version",  "model",
    "stream",         "service_tier",
};
enum { ONLY_MESSAGES_API = 3 }; /* the last ones */

struct place {
    enum prompt_section section;
    char role;
    char path[80];
};

static bool check_members(const struct tree *t, bool messages_api, struct refusal *out)
{
    size_t n = sizeof members / sizeof *members - (messages_api ? 0 : ONLY_MESSAGES_API);
    for (const struct node *c = tree_child(t, tree_root(t)); c; c = tree_next(t, c)) {
        size_t i = 0;
        while (i < n && !str_eq(c->key, str_of(members[i])))
            i++;
        if (i == n)
            return refusal_invalid(out, "%.*s: Extra inputs are not permitted",
                                   (int)(c->key.len < 100 ? c->key.len : 100), c->key.ptr);
    }
    return true;
}

static bool check_head(struct prompt *p, const struct tree *t, bool messages_api, bool counting,
                       struct refusal *out)
{
    const struct node *root = tree_root(t);
    int64_t max_tokens = 0;
    if (!tree_is(root, TREE_OBJECT))
        return refusal_invalid(out, "Malformed input request: #: expected type: JSONObject, please "
                                    "reformat your input and try again.");
    if (!check_members(t, messages_api, out))
        return false;
    if (!messages_api && !tree_is(tree_get(t, root, S("anthropic_version")), TREE_STRING))
        return refusal_invalid(out, "anthropic_version: Field required");
    if (!counting && !tree_have(t, root, S("max_tokens")))
        return refusal_invalid(out, "max_tokens: Field required");
    if (tree_have(t, root, S("max_tokens")) &&
        !tree_integer(tree_get(t, root, S("max_tokens")), &max_tokens))
        return refusal_invalid(out, "max_tokens: Input should be a valid integer");
    if (!counting && max_tokens < 1)
        return refusal_invalid(out, "max_tokens: must be greater than or equal to 1");
    if (max_tokens > p->model->most_output)
        return refusal_invalid(out,
                               "max_tokens: %lld > %u, which is the maximum allowed number of "
                               "output tokens",
                               (long long)max_tokens, p->model->most_output);
    p->max_tokens = (uint64_t)max_tokens;
    return true;
}

static bool check_sampling(const struct prompt *p, const struct tree *t, struct refusal *out)
{
    static const struct str names[] = {STR("temperature"), STR("top_p"), STR("top_k")};
    for (size_t i = 0; i < 3; i++) {
        const struct node *n = tree_have(t, tree_root(t), names[i]);
        if (n && p->model->no_sampling)
            return refusal_invalid(out, "`%s` is deprecated for this model.", names[i].ptr);
        if (n && i < 2 && (n->kind != TREE_NUMBER || tree_number(n) < 0 || tree_number(n) > 1))
            return refusal_invalid(out, "%s: range: 0..1", names[i].ptr);
    }
    return true;
}

static bool add_marker(struct prompt *p, const struct tree *t, const struct node *control,
                       const struct place *at, struct refusal *out)
{
    const struct node *ttl = tree_have(t, control, S("ttl"));
    if (!tree_says(tree_get(t, control, S("type")), S("ephemeral")))
        return refusal_invalid(out, "%s.cache_control.type: Input should be 'ephemeral'", at->path);
    if (ttl && !tree_says(ttl, S("5m")) && !tree_says(ttl, S("1h")))
        return refusal_invalid(out, "%s.cache_control.ttl: Input should be '5m' or '1h'", at->path);
    return prompt_mark(p, tree_says(ttl, S("1h")) ? PROMPT_1H : PROMPT_5M, at->path, out);
}

static bool check_markable(const struct tree *t, const struct node *b, const struct place *at,
                           struct refusal *out)
{
    const struct node *type = tree_get(t, b, S("type"));
    const struct node *text = tree_get(t, b, S("text"));
    if (tree_says(type, S("text")) && text && text->raw.len == 0)
        return refusal_invalid(out, "%s.text: cache_control cannot be set for empty text blocks",
                               at->path);
    if (tree_says(type, S("thinking")) || tree_says(type, S("redacted_thinking")))
        return refusal_invalid(out, "%s.%.*s.cache_control: Extra inputs are not permitted",
                               at->path, STR_ARG(type->raw));
    return true;
}

static bool add_block(struct prompt *p, const struct tree *t, const struct node *b,
                      const struct place *at, struct refusal *out)
{
    const struct node *type = tree_get(t, b, S("type"));
    const struct node *control = tree_have(t, b, S("cache_control"));
    struct buf decoded = {0};
    if (!tree_is(type, TREE_STRING) && at->section != PROMPT_TOOLS)
        return refusal_invalid(out, "%s.type: Field required", at->path);
    if (tree_says(type, S("text")) && !tree_is(tree_get(t, b, S("text")), TREE_STRING))
        return refusal_invalid(out, "%s.text.text: Field required", at->path);
    if (tree_says(type, S("text")))
        prompt_add_text(p, at->section, at->role, tree_text(tree_get(t, b, S("text")), &decoded));
    else
        prompt_add_node(p, t, at->section, at->role, b);
    buf_fini(&decoded);
    return !control || (check_markable(t, b, at, out) && add_marker(p, t, control, at, out));
}

/* A string, or a list of blocks. */
static bool add_content(struct prompt *p, const struct tree *t, const struct node *n,
                        struct place *at, const char *path, struct refusal *out)
{
    unsigned i = 0;
    if (tree_is(n, TREE_STRING)) {
        struct buf decoded = {0};
        prompt_add_text(p, at->section, at->role, tree_text(n, &decoded));
        buf_fini(&decoded);
        return true;
    }
    if (!tree_is(n, TREE_ARRAY))
        return refusal_invalid(out, "%s: Input should be a valid list", path);
    for (const struct node *c = tree_child(t, n); c; c = tree_next(t, c)) {
        snprintf(at->path, sizeof at->path, "%s.%u", path, i++);
        if (!add_block(p, t, c, at, out))
            return false;
    }
    return true;
}

static bool add_tools(struct prompt *p, const struct tree *t, struct refusal *out)
{
    struct place at = {.section = PROMPT_TOOLS, .role = '-'};
    const struct node *list = tree_have(t, tree_root(t), S("tools"));
    const struct node *choice = tree_have(t, tree_root(t), S("tool_choice"));
    if (list && !add_content(p, t, list, &at, "tools", out))
        return false;
    p->tool = tree_get(t, tree_child(t, list), S("name"));
    p->tool_forced = tree_says(tree_get(t, choice, S("type")), S("any"));
    if (tree_says(tree_get(t, choice, S("type")), S("tool"))) {
        p->tool_forced = true;
        p->tool = tree_get(t, choice, S("name"));
    }
    return true;
}

static bool add_message(struct prompt *p, const struct tree *t, const struct node *m, unsigned i,
                        struct refusal *out)
{
    struct place at = {.section = PROMPT_MESSAGES};
    char path[40];
    const struct node *role = tree_get(t, m, S("role"));
    snprintf(path, sizeof path, "messages.%u", i);
    if (!tree_says(role, S("user")) && !tree_says(role, S("assistant")))
        return refusal_invalid(out, "%s.role: Input should be 'user' or 'assistant'", path);
    at.role = role->raw.ptr[0];
    if (i == 0 && at.role != 'u')
        return refusal_invalid(out, "messages: first message must use the \"user\" role");
    p->overhead = 4;
    snprintf(path, sizeof path, "messages.%u.content", i);
    return add_content(p, t, tree_get(t, m, S("content")), &at, path, out);
}

bool prompt_read_claude(struct prompt *p, const struct tree *t, bool messages_api, bool counting,
                        struct refusal *out)
{
    struct place system = {.section = PROMPT_SYSTEM, .role = 's'};
    const struct node *text = tree_have(t, tree_root(t), S("system"));
    const struct node *list = tree_have(t, tree_root(t), S("messages"));
    unsigned i = 0;
    if (!check_head(p, t, messages_api, counting, out) || !check_sampling(p, t, out) ||
        !add_tools(p, t, out) || (text && !add_content(p, t, text, &system, "system", out)))
        return false;
    if (!tree_is(list, TREE_ARRAY))
        return refusal_invalid(out, "messages: Field required");
    if (list->count == 0)
        return refusal_invalid(out, "messages: at least one message is required");
    for (const struct node *m = tree_child(t, list); m; m = tree_next(t, m))
        if (!add_message(p, t, m, i++, out))
            return false;
    return prompt_check_marks(p, out);
}
