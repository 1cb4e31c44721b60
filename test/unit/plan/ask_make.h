/* SPDX-License-Identifier: Apache-2.0
 *
 * Random prompts in every dialect for property tests, from base/random (seed it first): bodies that
 * Bedrock would take, as different clients write them: members in any order, white space anywhere,
 * names and texts with escapes, a few markers of the client's own (all of one TTL, four at most).
 */
#ifndef WEIR_TEST_PLAN_ASK_MAKE_H
#define WEIR_TEST_PLAN_ASK_MAKE_H

#include "../wire/json_make.h"

#include "weir/plan/ask.h"

#include <string.h>

struct ask_make {
    enum ask_dialect d;
    bool nova_model; /* of a Converse body: no markers in tools or behind tool blocks */
    const char *ttl; /* of the client's markers: NULL, "5m", "1h" */
    unsigned own;    /* how many there are */
    struct buf body;
};

/* --- objects whose members come in any order */

struct made_members {
    struct buf each[8];
    size_t n;
};

static inline struct buf *made_member(struct made_members *o, const char *name)
{
    struct buf *b = &o->each[o->n++];
    if (random_below(30) == 0)
        buf_addf(b, "\"\\u%04x%s\"", (unsigned)name[0], name + 1);
    else
        buf_addf(b, "\"%s\"", name);
    json_make_space(b);
    buf_add_char(b, ':');
    json_make_space(b);
    return b;
}

static inline void made_say(struct made_members *o, const char *name, const char *value)
{
    buf_addf(made_member(o, name), "\"%s\"", value);
}

static inline void made_put(struct buf *out, struct made_members *o)
{
    buf_add_char(out, '{');
    json_make_space(out);
    for (size_t left = o->n; left; left--) {
        size_t i = random_below(left);
        struct buf b = o->each[i];
        o->each[i] = o->each[left - 1];
        buf_add(out, buf_str(&b));
        buf_fini(&b);
        json_make_space(out);
        if (left > 1) {
            buf_add_char(out, ',');
            json_make_space(out);
        }
    }
    buf_add_char(out, '}');
}

/* Texts hold a Z, which nothing else does. */
static inline void made_text(struct buf *b)
{
    buf_add(b, S("\"Z"));
    size_t at = buf_len(b);
    json_make_string(b);
    b->data[b->head + at] = '-';
}

/* --- the client's markers */

static inline bool made_own(struct ask_make *m)
{
    if (m->own == ASK_MARKERS_MOST || random_below(10))
        return false;
    m->own++;
    return true;
}

static inline void made_marker(const struct ask_make *m, struct buf *out, const char *name,
                               const char *kind)
{
    struct made_members o = {0};
    made_say(&o, name, kind);
    if (m->ttl)
        made_say(&o, "ttl", m->ttl);
    made_put(out, &o);
}

static inline void made_control(struct ask_make *m, struct made_members *o)
{
    if (made_own(m))
        made_marker(m, made_member(o, "cache_control"), "type", "ephemeral");
}

static inline void made_comma(struct buf *b, bool first)
{
    if (!first)
        buf_add_char(b, ',');
    json_make_space(b);
}

/* --- blocks */

/* Behind a block, where this model takes it. */
static inline void made_point(struct ask_make *m, struct buf *out, bool tool)
{
    if ((tool && m->nova_model) || !made_own(m))
        return;
    struct made_members o = {0};
    buf_add_char(out, ',');
    json_make_space(out);
    made_marker(m, made_member(&o, "cachePoint"), "type", "default");
    made_put(out, &o);
}

static inline void made_tool(struct ask_make *m, struct buf *out)
{
    struct made_members o = {0}, spec = {0};
    bool claude = m->d == ASK_CLAUDE, aws = m->d == ASK_CONVERSE || m->d == ASK_NOVA;
    made_say(&spec, "name", "look_up");
    if (aws) {
        struct buf *schema = made_member(&spec, "inputSchema");
        buf_add(schema, S("{\"json\" :"));
        json_make_value(schema, 2);
        buf_add_char(schema, '}');
    } else {
        json_make_value(made_member(&spec, claude ? "input_schema" : "parameters"), 2);
    }
    if (claude)
        made_control(m, &spec);
    else if (!aws)
        made_say(&spec, "type", "function");
    made_put(aws ? made_member(&o, "toolSpec") : out, &spec);
    if (aws)
        made_put(out, &o);
    if (m->d == ASK_CONVERSE)
        made_point(m, out, true);
}

static inline void made_text_block(struct ask_make *m, struct buf *out, bool assistant)
{
    struct made_members o = {0};
    made_text(made_member(&o, "text"));
    if (m->d == ASK_CLAUDE || m->d == ASK_CHAT)
        made_say(&o, "type", "text");
    if (m->d == ASK_RESPONSES)
        made_say(&o, "type", assistant ? "output_text" : "input_text");
    if (m->d == ASK_CLAUDE && random_below(8) == 0)
        json_make_value(made_member(&o, "citations"), 2);
    if (m->d == ASK_CLAUDE)
        made_control(m, &o);
    if (m->d == ASK_NOVA && made_own(m))
        made_marker(m, made_member(&o, "cachePoint"), "type", "default");
    if (m->d == ASK_RESPONSES && !assistant && made_own(m))
        made_marker(m, made_member(&o, "prompt_cache_breakpoint"), "mode", "explicit");
    made_put(out, &o);
    if (m->d == ASK_CONVERSE)
        made_point(m, out, false);
}

static inline void made_aws_tool(struct made_members *in, bool result)
{
    made_say(in, "toolUseId", "t1");
    if (result) {
        struct buf *list = made_member(in, "content");
        buf_add(list, S("[{\"text\":"));
        made_text(list);
        buf_add(list, S("} , {\"json\":{\"a\":[1]}}]"));
    } else {
        made_say(in, "name", "look_up");
        json_make_value(made_member(in, "input"), 2);
    }
}

static inline void made_aws_file(struct made_members *in, bool document)
{
    static const char *const formats[] = {"pdf", "txt"};
    made_say(in, "format", document ? formats[random_below(2)] : "png");
    if (document)
        made_say(in, "name", "a file");
    buf_add(made_member(in, "source"), S("{ \"bytes\":\"aGVsbG8=\"}"));
}

static inline void made_aws_block(struct ask_make *m, struct buf *out, const char *kind)
{
    struct made_members o = {0}, in = {0};
    bool tool = strncmp(kind, "tool", 4) == 0;
    struct buf *value = made_member(&o, kind);
    if (tool)
        made_aws_tool(&in, strcmp(kind, "toolResult") == 0);
    else if (strcmp(kind, "reasoningContent") == 0)
        buf_add(made_member(&in, "reasoningText"), S("{\"text\" : \"so\"}"));
    else
        made_aws_file(&in, strcmp(kind, "document") == 0);
    made_put(value, &in);
    made_put(out, &o);
    if (m->d == ASK_CONVERSE && strcmp(kind, "document") && strcmp(kind, "reasoningContent"))
        made_point(m, out, tool);
}

static inline void made_texts(struct ask_make *m, struct buf *out)
{
    buf_add_char(out, '[');
    for (uint64_t i = 0, n = random_below(3); i < n; i++) {
        made_comma(out, i == 0);
        made_text_block(m, out, false);
    }
    buf_add_char(out, ']');
}

static inline void made_source(struct ask_make *m, struct buf *out)
{
    struct made_members o = {0};
    bool texts = random_below(3) == 0;
    made_say(&o, "type", texts ? "content" : "base64");
    if (texts)
        made_texts(m, made_member(&o, "content"));
    else
        json_make_string(made_member(&o, "data"));
    made_put(out, &o);
}

static inline void made_claude_block(struct ask_make *m, struct buf *out, const char *type)
{
    struct made_members o = {0};
    made_say(&o, "type", type);
    if (strcmp(type, "tool_result") == 0)
        made_texts(m, made_member(&o, "content"));
    else if (strcmp(type, "tool_use") == 0)
        json_make_value(made_member(&o, "input"), 2);
    else if (strcmp(type, "thinking"))
        made_source(m, made_member(&o, "source"));
    if (strcmp(type, "thinking"))
        made_control(m, &o);
    made_put(out, &o);
}

static inline void made_block(struct ask_make *m, struct buf *out, bool assistant, bool first)
{
    static const char *const aws[2][3] = {{"image", "document", "toolResult"},
                                          {"toolUse", "toolUse", "reasoningContent"}};
    static const char *const claude[2][3] = {{"image", "document", "tool_result"},
                                             {"tool_use", "tool_use", "thinking"}};
    uint64_t kind = random_below(6);
    bool thinks = assistant && kind == 2 && !first;
    if (kind >= 3 || thinks || m->d == ASK_CHAT || m->d == ASK_RESPONSES)
        made_text_block(m, out, assistant);
    else if (m->d == ASK_CLAUDE)
        made_claude_block(m, out, claude[assistant][kind]);
    else
        made_aws_block(m, out, aws[assistant][kind]);
}

/* --- messages and the whole */

static inline void made_content(struct ask_make *m, struct buf *out, bool assistant)
{
    bool strings = m->d != ASK_CONVERSE && m->d != ASK_NOVA;
    if (strings && random_below(3) == 0) {
        made_text(out);
        return;
    }
    buf_add_char(out, '[');
    for (uint64_t i = 0, n = 1 + random_below(4); i < n; i++) {
        made_comma(out, i == 0);
        made_block(m, out, assistant, i == 0);
        json_make_space(out);
    }
    buf_add_char(out, ']');
}

static inline void made_message(struct ask_make *m, struct buf *out, bool assistant)
{
    struct made_members o = {0};
    made_say(&o, "role", assistant ? "assistant" : "user");
    made_content(m, made_member(&o, "content"), assistant);
    if (m->d == ASK_CHAT && random_below(4) == 0)
        made_say(&o, "name", "x");
    made_put(out, &o);
}

static inline void made_list(struct ask_make *m, struct buf *out, uint64_t n,
                             void (*each)(struct ask_make *m, struct buf *out, uint64_t i))
{
    buf_add_char(out, '[');
    for (uint64_t i = 0; i < n; i++) {
        made_comma(out, i == 0);
        each(m, out, i);
        json_make_space(out);
    }
    buf_add_char(out, ']');
}

static inline void made_each_tool(struct ask_make *m, struct buf *out, uint64_t i)
{
    made_tool(m, out);
}

static inline void made_each_system(struct ask_make *m, struct buf *out, uint64_t i)
{
    made_text_block(m, out, false);
}

static inline void made_each_message(struct ask_make *m, struct buf *out, uint64_t i)
{
    made_message(m, out, i % 2);
}

static inline void made_system(struct ask_make *m, struct made_members *o)
{
    if (m->d == ASK_RESPONSES)
        made_text(made_member(o, "instructions"));
    else if (m->d == ASK_CLAUDE && random_below(2))
        made_text(made_member(o, "system"));
    else if (m->d != ASK_CHAT)
        made_list(m, made_member(o, "system"), 1 + random_below(3), made_each_system);
}

static inline void made_tools(struct ask_make *m, struct made_members *o)
{
    uint64_t n = 1 + random_below(4);
    if (m->d != ASK_CONVERSE && m->d != ASK_NOVA) {
        made_list(m, made_member(o, "tools"), n, made_each_tool);
        return;
    }
    struct made_members config = {0};
    made_list(m, made_member(&config, "tools"), n, made_each_tool);
    if (random_below(2))
        buf_add(made_member(&config, "toolChoice"), S("{\"auto\":{}}"));
    made_put(made_member(o, "toolConfig"), &config);
}

/* A body of a random dialect into m->body. */
static inline void ask_make(struct ask_make *m)
{
    static const char *const ttls[] = {NULL, "5m", "1h"};
    struct made_members o = {0};
    m->d = (enum ask_dialect)(ASK_CONVERSE + random_below(5));
    m->nova_model = m->d == ASK_CONVERSE && random_below(4) == 0;
    m->ttl = m->d <= ASK_CLAUDE ? ttls[random_below(m->nova_model ? 2 : 3)] : NULL;
    if (m->d == ASK_CLAUDE) {
        made_say(&o, "anthropic_version", "bedrock-2023-05-31");
        buf_add(made_member(&o, "max_tokens"), S("100"));
    }
    if (random_below(4) || m->d == ASK_CONVERSE)
        made_tools(m, &o);
    if (random_below(4))
        made_system(m, &o);
    made_list(m, made_member(&o, m->d == ASK_RESPONSES ? "input" : "messages"), 1 + random_below(6),
              made_each_message);
    json_make_space(&m->body);
    made_put(&m->body, &o);
    json_make_space(&m->body);
}

#endif
