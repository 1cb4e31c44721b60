/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a Converse body: what stands behind its shape (roles, blank texts, limits of the model)
 * and where cache points may stand. Sentences are the service's own as public bug reports quote
 * them, 2024 to 2026.
 */
#include "prompt.h"

#include <stdio.h>
#include <string.h>

/* What the cache point would stand behind. */
enum before { NOTHING, GOOD, REASONING, ODD_DOCUMENT, TOOL_BLOCK };

struct place {
    enum prompt_section section;
    char role;
    char path[64];
    enum before before;
};

static void at_path(struct place *at, const char *list, unsigned index)
{
    snprintf(at->path, sizeof at->path, "%s.%u", list, index);
}

static bool nova_refuses(const struct prompt *p, const struct place *at)
{
    return p->model->family == MODEL_NOVA &&
           (at->section == PROMPT_TOOLS || at->before == TOOL_BLOCK);
}

static bool refuse_place(const struct prompt *p, const struct place *at, struct refusal *out)
{
    if (at->before == NOTHING)
        return refusal_invalid(out, "There is nothing available to cache. Please remove the "
                                    "invalid cache point and try again.");
    if (at->before == REASONING)
        return refusal_invalid(out, "Cache point cannot be inserted after reasoning block. Please "
                                    "remove the invalid cache point and try again.");
    if (at->before == ODD_DOCUMENT)
        return refusal_invalid(
            out, "The model returned the following errors: %s.type: Field required", at->path);
    return refusal_invalid(out,
                           "Malformed input request: #/%s: extraneous key [cachePoint] is not "
                           "permitted, please reformat your input and try again.",
                           at->path);
}

static bool add_cache_point(struct prompt *p, const struct tree *t, const struct node *point,
                            struct place *at, struct refusal *out)
{
    bool hour = tree_says(tree_get(t, point, S("ttl")), S("1h"));
    bool caches = p->model->cache_min > 0;
    if (at->before == NOTHING ||
        (caches && (at->before == REASONING || at->before == ODD_DOCUMENT || nova_refuses(p, at))))
        return refuse_place(p, at, out);
    at->before = NOTHING;
    return prompt_mark(p, hour ? PROMPT_1H : PROMPT_5M, at->path, out);
}

static enum before kind_of(const struct tree *t, const struct node *b)
{
    const struct node *document = tree_have(t, b, S("document"));
    if (tree_have(t, b, S("reasoningContent")))
        return REASONING;
    if (tree_have(t, b, S("video")))
        return ODD_DOCUMENT;
    if (document)
        return tree_says(tree_get(t, document, S("format")), S("pdf")) ? NOTHING : ODD_DOCUMENT;
    return tree_have(t, b, S("toolUse")) || tree_have(t, b, S("toolResult")) ? TOOL_BLOCK : GOOD;
}

static bool blank(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!strchr(" \t\r\n", s.ptr[i]))
            return false;
    return true;
}

static bool add_block(struct prompt *p, const struct tree *t, const struct node *b,
                      struct place *at, struct refusal *out)
{
    const struct node *text = tree_have(t, b, S("text"));
    const struct node *point = tree_have(t, b, S("cachePoint"));
    struct buf decoded = {0};
    bool good = true;
    if (point)
        return add_cache_point(p, t, point, at, out);
    if (text && blank(tree_text(text, &decoded)))
        good = refusal_invalid(out,
                               "The text field in the ContentBlock object at %s is blank. Add text "
                               "to the text field, and try again.",
                               at->path);
    buf_clear(&decoded);
    if (text && good)
        prompt_add_text(p, at->section, at->role, tree_text(text, &decoded));
    else if (good)
        prompt_add_node(p, t, at->section, at->role, b);
    at->before = kind_of(t, b);
    buf_fini(&decoded);
    return good;
}

static bool add_tools(struct prompt *p, const struct tree *t, const struct node *config,
                      struct refusal *out)
{
    struct place at = {.section = PROMPT_TOOLS, .role = '-'};
    const struct node *choice = tree_have(t, config, S("toolChoice"));
    const struct node *chosen = tree_have(t, choice, S("tool"));
    unsigned i = 0;
    const struct node *list = tree_have(t, config, S("tools"));
    for (const struct node *c = tree_child(t, list); c; c = tree_next(t, c), i++) {
        at_path(&at, "tools", i);
        if (!add_block(p, t, c, &at, out))
            return false;
        const struct node *spec = tree_have(t, c, S("toolSpec"));
        if (spec && !p->tool)
            p->tool = tree_get(t, spec, S("name"));
    }
    p->tool_forced = chosen || tree_have(t, choice, S("any"));
    if (chosen)
        p->tool = tree_get(t, chosen, S("name"));
    return true;
}

static bool add_system(struct prompt *p, const struct tree *t, const struct node *list,
                       struct refusal *out)
{
    struct place at = {.section = PROMPT_SYSTEM, .role = 's'};
    unsigned i = 0;
    for (const struct node *c = tree_child(t, list); c; c = tree_next(t, c)) {
        at_path(&at, "system", i++);
        if (!add_block(p, t, c, &at, out))
            return false;
    }
    return true;
}

static bool uses_tools(const struct tree *t, const struct node *message)
{
    const struct node *list = tree_get(t, message, S("content"));
    for (const struct node *c = tree_child(t, list); c; c = tree_next(t, c))
        if (tree_have(t, c, S("toolUse")) || tree_have(t, c, S("toolResult")))
            return true;
    return false;
}

static bool check_message(const struct prompt *p, const struct tree *t, const struct node *m,
                          unsigned index, char last_role, char role, struct refusal *out)
{
    if (index == 0 && role != 'u')
        return refusal_invalid(out, "A conversation must start with a user message. Try again with "
                                    "a conversation that starts with a user message.");
    if (role != 's' && role == last_role)
        return refusal_invalid(out, "A conversation must alternate between user and assistant "
                                    "roles. Make sure the conversation alternates between user and "
                                    "assistant roles and try again.");
    if (tree_get(t, m, S("content"))->count == 0)
        return refusal_invalid(out,
                               "The content field in the Message object at messages.%u is empty. "
                               "Add a ContentBlock object to the content field and try again.",
                               index);
    if (!p->tool && uses_tools(t, m))
        return refusal_invalid(out, "The toolConfig field must be defined when using toolUse and "
                                    "toolResult content blocks.");
    return true;
}

static bool add_message(struct prompt *p, const struct tree *t, const struct node *m,
                        unsigned index, char role, struct refusal *out)
{
    struct place at = {.section = PROMPT_MESSAGES, .role = role};
    char list[32];
    unsigned i = 0;
    snprintf(list, sizeof list, "messages.%u.content", index);
    p->overhead = 4;
    for (const struct node *c = tree_child(t, tree_get(t, m, S("content"))); c;
         c = tree_next(t, c)) {
        at_path(&at, list, i++);
        if (!add_block(p, t, c, &at, out))
            return false;
    }
    return true;
}

static bool add_messages(struct prompt *p, const struct tree *t, const struct node *list,
                         struct refusal *out)
{
    char last_role = 0;
    unsigned i = 0;
    if (list && list->count == 0)
        return refusal_invalid(out, "A conversation must start with a user message. Try again with "
                                    "a conversation that starts with a user message.");
    for (const struct node *m = tree_child(t, list); m; m = tree_next(t, m), i++) {
        char role = tree_get(t, m, S("role"))->raw.ptr[0];
        if (!check_message(p, t, m, i, last_role, role, out) || !add_message(p, t, m, i, role, out))
            return false;
        if (role != 's')
            last_role = role;
    }
    return true;
}

static bool check_config(struct prompt *p, const struct tree *t, const struct node *body,
                         struct refusal *out)
{
    const struct node *config = tree_have(t, body, S("inferenceConfig"));
    int64_t max_tokens = 0;
    if (tree_integer(tree_get(t, config, S("maxTokens")), &max_tokens) &&
        max_tokens > p->model->most_output)
        return refusal_invalid(out,
                               "The maximum tokens you requested exceeds the model limit of %u. "
                               "Try again with a maximum tokens value that is lower than %u.",
                               p->model->most_output, p->model->most_output);
    p->max_tokens = (uint64_t)max_tokens;
    if (p->model->no_sampling &&
        (tree_have(t, config, S("temperature")) || tree_have(t, config, S("topP"))))
        return refusal_invalid(out,
                               "The model returned the following errors: `%s` is deprecated "
                               "for this model.",
                               tree_have(t, config, S("temperature")) ? "temperature" : "top_p");
    return true;
}

bool prompt_read_converse(struct prompt *p, const struct tree *t, const struct node *body,
                          struct refusal *out)
{
    p->converse = true;
    return check_config(p, t, body, out) &&
           add_tools(p, t, tree_have(t, body, S("toolConfig")), out) &&
           add_system(p, t, tree_have(t, body, S("system")), out) &&
           add_messages(p, t, tree_have(t, body, S("messages")), out) && prompt_check_marks(p, out);
}
