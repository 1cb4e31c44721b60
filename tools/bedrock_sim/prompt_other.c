/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the bodies of Nova (InvokeModel) and of the OpenAI-like models: chat completions, and
 * the Responses API. Nova's marker is a member of the text block; the GPT models' one is
 * prompt_cache_breakpoint on a content part.
 */
#include "prompt.h"

#include <stdio.h>

static bool malformed(struct refusal *out, const char *where, const char *what)
{
    return refusal_invalid(out,
                           "Malformed input request: #%s: %s, please reformat your input and try "
                           "again.",
                           where, what);
}

static void add_string(struct prompt *p, enum prompt_section s, char role, const struct node *n)
{
    struct buf decoded = {0};
    prompt_add_text(p, s, role, tree_text(n, &decoded));
    buf_fini(&decoded);
}

/* --- nova */

static bool add_nova_block(struct prompt *p, const struct tree *t, const struct node *b,
                           enum prompt_section s, char role, const char *where, struct refusal *out)
{
    const struct node *text = tree_have(t, b, S("text"));
    const struct node *point = tree_have(t, b, S("cachePoint"));
    if (!tree_is(b, TREE_OBJECT))
        return malformed(out, where, "expected type: JSONObject");
    if (point && !text)
        return malformed(out, where, "extraneous key [cachePoint] is not permitted");
    if (text && text->kind != TREE_STRING)
        return malformed(out, where, "expected type: String");
    if (text)
        add_string(p, s, role, text);
    else
        prompt_add_node(p, t, s, role, b);
    if (!point)
        return true;
    if (!tree_says(tree_get(t, point, S("type")), S("default")))
        return malformed(out, where, "cachePoint/type: default is not a valid enum value");
    return prompt_mark(p, PROMPT_5M, where, out);
}

static bool add_nova_list(struct prompt *p, const struct tree *t, const struct node *list,
                          enum prompt_section s, char role, const char *path, struct refusal *out)
{
    char where[80];
    unsigned i = 0;
    for (const struct node *c = tree_child(t, list); c; c = tree_next(t, c)) {
        snprintf(where, sizeof where, "/%s/%u", path, i++);
        if (!add_nova_block(p, t, c, s, role, where, out))
            return false;
    }
    return true;
}

static bool add_nova_messages(struct prompt *p, const struct tree *t, const struct node *list,
                              struct refusal *out)
{
    char path[48];
    unsigned i = 0;
    for (const struct node *m = tree_child(t, list); m; m = tree_next(t, m)) {
        const struct node *role = tree_get(t, m, S("role"));
        const struct node *content = tree_get(t, m, S("content"));
        snprintf(path, sizeof path, "messages/%u/content", i++);
        if (!tree_says(role, S("user")) && !tree_says(role, S("assistant")))
            return malformed(out, "/messages", "role is not a valid enum value");
        if (!tree_is(content, TREE_ARRAY) || content->count == 0)
            return malformed(out, "/messages", "required key [content] not found");
        p->overhead = 4;
        if (!add_nova_list(p, t, content, PROMPT_MESSAGES, role->raw.ptr[0], path, out))
            return false;
    }
    return true;
}

static bool check_nova(struct prompt *p, const struct tree *t, struct refusal *out)
{
    static const struct str known[] = {STR("schemaVersion"), STR("system"), STR("messages"),
                                       STR("inferenceConfig"), STR("toolConfig")};
    const struct node *config = tree_have(t, tree_root(t), S("inferenceConfig"));
    int64_t most = 0;
    for (const struct node *c = tree_child(t, tree_root(t)); c; c = tree_next(t, c)) {
        size_t i = 0;
        while (i < 5 && !str_eq(c->key, known[i]))
            i++;
        if (i == 5)
            return refusal_invalid(out,
                                   "Malformed input request: #: extraneous key [%.*s] is not "
                                   "permitted, please reformat your input and try again.",
                                   (int)(c->key.len < 100 ? c->key.len : 100), c->key.ptr);
    }
    if (tree_integer(tree_get(t, config, S("maxTokens")), &most) ||
        tree_integer(tree_get(t, config, S("max_new_tokens")), &most))
        if (most < 1 || most > p->model->most_output)
            return malformed(out, "/inferenceConfig/maxTokens", "out of range");
    p->max_tokens = (uint64_t)most;
    return true;
}

bool prompt_read_nova(struct prompt *p, const struct tree *t, struct refusal *out)
{
    const struct node *root = tree_root(t);
    const struct node *config = tree_have(t, root, S("toolConfig"));
    const struct node *messages = tree_have(t, root, S("messages"));
    if (!tree_is(root, TREE_OBJECT))
        return malformed(out, "", "expected type: JSONObject");
    if (!check_nova(p, t, out))
        return false;
    if (!tree_is(messages, TREE_ARRAY) || messages->count == 0)
        return malformed(out, "", "required key [messages] not found");
    const struct node *tools = tree_get(t, config, S("tools"));
    for (const struct node *c = tree_child(t, tools); c; c = tree_next(t, c))
        prompt_add_node(p, t, PROMPT_TOOLS, '-', c);
    p->tool = tree_get(t, tree_get(t, tree_child(t, tools), S("toolSpec")), S("name"));
    p->tool_forced = tree_have(t, tree_have(t, config, S("toolChoice")), S("tool")) != NULL;
    return add_nova_list(p, t, tree_have(t, root, S("system")), PROMPT_SYSTEM, 's', "system",
                         out) &&
           add_nova_messages(p, t, messages, out) && prompt_check_marks(p, out);
}

/* --- the OpenAI shapes */

static bool read_limit(struct prompt *p, const struct tree *t, struct str name, struct refusal *out)
{
    const struct node *n = tree_have(t, tree_root(t), name);
    int64_t most = 0;
    if (!n)
        return true;
    if (!tree_integer(n, &most) || most < 1 || most > p->model->most_output)
        return refusal_invalid(out, "Invalid value for '%.*s': expected an integer from 1 to %u.",
                               STR_ARG(name), p->model->most_output);
    p->max_tokens = (uint64_t)most;
    return true;
}

static bool add_part(struct prompt *p, const struct tree *t, const struct node *b, char role,
                     struct refusal *out)
{
    const struct node *text = tree_get(t, b, S("text"));
    if (tree_is(text, TREE_STRING))
        add_string(p, PROMPT_MESSAGES, role, text);
    else
        prompt_add_node(p, t, PROMPT_MESSAGES, role, b);
    if (!tree_have(t, b, S("prompt_cache_breakpoint")))
        return true;
    return prompt_mark(p, PROMPT_30M, "prompt_cache_breakpoint", out);
}

/* One message or input item: its content is a string, a list of parts, or it has none. */
static bool add_item(struct prompt *p, const struct tree *t, const struct node *m,
                     struct refusal *out)
{
    const struct node *role = tree_get(t, m, S("role"));
    const struct node *content = tree_have(t, m, S("content"));
    char letter = tree_is(role, TREE_STRING) && role->raw.len ? role->raw.ptr[0] : 'i';
    p->overhead = 4;
    if (!tree_is(m, TREE_OBJECT))
        return refusal_invalid(out, "Invalid type for a message: expected an object.");
    if (tree_is(content, TREE_STRING))
        add_string(p, PROMPT_MESSAGES, letter, content);
    for (const struct node *c = tree_child(t, content); c; c = tree_next(t, c))
        if (!add_part(p, t, c, letter, out))
            return false;
    if (!content)
        prompt_add_node(p, t, PROMPT_MESSAGES, letter, m);
    return true;
}

static bool add_items(struct prompt *p, const struct tree *t, const struct node *list,
                      struct refusal *out)
{
    for (const struct node *m = tree_child(t, list); m; m = tree_next(t, m))
        if (!add_item(p, t, m, out))
            return false;
    return prompt_check_marks(p, out);
}

static void add_functions(struct prompt *p, const struct tree *t)
{
    const struct node *list = tree_have(t, tree_root(t), S("tools"));
    const struct node *choice = tree_have(t, tree_root(t), S("tool_choice"));
    for (const struct node *c = tree_child(t, list); c; c = tree_next(t, c))
        prompt_add_node(p, t, PROMPT_TOOLS, '-', c);
    const struct node *first = tree_child(t, list);
    const struct node *function = tree_have(t, first, S("function"));
    p->tool = tree_get(t, function ? function : first, S("name"));
    p->tool_forced = tree_says(choice, S("required")) || tree_is(choice, TREE_OBJECT);
}

bool prompt_read_chat(struct prompt *p, const struct tree *t, struct refusal *out)
{
    const struct node *list = tree_have(t, tree_root(t), S("messages"));
    if (!tree_is(tree_root(t), TREE_OBJECT) || !tree_is(list, TREE_ARRAY))
        return refusal_invalid(out, "Missing required parameter: 'messages'.");
    if (list->count == 0)
        return refusal_invalid(out, "Invalid 'messages': empty array. Expected an array with "
                                    "minimum length 1.");
    add_functions(p, t);
    return read_limit(p, t, S("max_tokens"), out) &&
           read_limit(p, t, S("max_completion_tokens"), out) && add_items(p, t, list, out);
}

bool prompt_read_responses(struct prompt *p, const struct tree *t, struct refusal *out)
{
    const struct node *root = tree_root(t), *input = tree_have(t, root, S("input"));
    const struct node *instructions = tree_have(t, root, S("instructions"));
    if (!tree_is(input, TREE_STRING) && !tree_is(input, TREE_ARRAY))
        return refusal_invalid(out, "Missing required parameter: 'input'.");
    if (!read_limit(p, t, S("max_output_tokens"), out))
        return false;
    add_functions(p, t);
    if (tree_is(instructions, TREE_STRING))
        add_string(p, PROMPT_SYSTEM, 's', instructions);
    p->overhead = 4;
    if (tree_is(input, TREE_STRING))
        add_string(p, PROMPT_MESSAGES, 'u', input);
    return add_items(p, t, input, out);
}
