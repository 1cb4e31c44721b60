/* SPDX-License-Identifier: Apache-2.0
 *
 * What Weir reads from a request's body.
 */
#include "weir/gate/facts.h"

#include "weir/base/text.h"
#include "weir/wire/json_string.h"

static void begin(struct facts *f, struct str body, struct str model_name)
{
    static const struct str names[FACTS_LOOKED_AT] = {
        [FACT_MAX_TOKENS] = STR("max_tokens"),
        [FACT_MAX_COMPLETION_TOKENS] = STR("max_completion_tokens"),
        [FACT_MAX_OUTPUT_TOKENS] = STR("max_output_tokens"),
        [FACT_INFERENCE_CONFIG] = STR("inferenceConfig"),
        [FACT_METADATA] = STR("requestMetadata"),
        [FACT_SERVICE_TIER] = STR("serviceTier"),
        [FACT_OPENAI_TIER] = STR("service_tier"),
        [FACT_GUARDRAIL] = STR("guardrailConfig"),
        [FACT_OUTPUT_CONFIG] = STR("outputConfig"),
        [FACT_OUTPUT_FORMAT] = STR("output_format"),
        [FACT_TOOLS] = STR("tools"),
        [FACT_TOOL_CONFIG] = STR("toolConfig"),
        [FACT_SYSTEM] = STR("system"),
        [FACT_INSTRUCTIONS] = STR("instructions"),
        [FACT_MESSAGES] = STR("messages"),
        [FACT_INPUT] = STR("input"),
        [FACT_PREVIOUS] = STR("previous_response_id"),
        [FACT_CONVERSATION] = STR("conversation"),
    };
    f->begun = true;
    f->state = body.len ? FACTS_MORE : FACTS_NONE;
    for (size_t i = 0; i < FACTS_LOOKED_AT; i++)
        f->members[i].name = i == FACT_MODEL ? model_name : names[i];
    json_pick_init(&f->pick, body, f->members, FACTS_LOOKED_AT);
}

static void raise(uint64_t *most, const struct json_member *m)
{
    uint64_t n;
    if (m->times && m->kind == JSON_NUMBER && text_u64(m->raw, &n) && n > *most)
        *most = n;
}

static void look_into_config(struct facts *f)
{
    struct json_member in[] = {{.name = STR("maxTokens")}, {.name = STR("max_new_tokens")}};
    struct json_pick pick;
    json_pick_init(&pick, f->members[FACT_INFERENCE_CONFIG].raw, in, 2);
    if (json_pick_step(&pick) != JSON_END)
        return;
    raise(&f->most_output, &in[0]);
    raise(&f->most_output, &in[1]);
    f->twice[FACT_INFERENCE_CONFIG] |= in[0].times > 1 || in[1].times > 1;
}

static void take(struct facts *f)
{
    const struct json_member *m = f->members;
    for (size_t i = 0; i < FACTS_LOOKED_AT; i++)
        f->twice[i] = m[i].times > 1;
    if (m[FACT_MODEL].times == 1 && m[FACT_MODEL].kind == JSON_STRING)
        f->model = str_sub(m[FACT_MODEL].raw, 1, m[FACT_MODEL].raw.len - 2);
    for (size_t i = FACT_MAX_TOKENS; i <= FACT_MAX_OUTPUT_TOKENS; i++)
        raise(&f->most_output, &m[i]);
    if (m[FACT_INFERENCE_CONFIG].kind == JSON_OBJECT && m[FACT_INFERENCE_CONFIG].times)
        look_into_config(f);
    if (m[FACT_METADATA].times == 1 && m[FACT_METADATA].kind == JSON_OBJECT)
        f->metadata = m[FACT_METADATA].raw;
}

enum facts_state facts_read(struct facts *f, struct str body, struct str model_name)
{
    if (!f->begun)
        begin(f, body, model_name);
    if (f->state != FACTS_MORE)
        return f->state;
    json_slice(&f->pick.scan, JSON_SLICE_BYTES);
    enum json_token token = json_pick_step(&f->pick);
    if (token == JSON_PAUSE)
        return f->state;
    f->state = token == JSON_END ? FACTS_STRICT : FACTS_LOOSE;
    if (token == JSON_END)
        take(f);
    return f->state;
}

/* --- the prompt */

/* False: it stands there twice. `null` is as good as absent. */
static bool take_part(const struct facts *f, enum fact which, struct str *out)
{
    const struct json_member *m = &f->members[which];
    *out = m->times && m->kind != JSON_NULL ? m->raw : S("");
    return m->times < 2;
}

static bool tools_in_config(const struct facts *f, struct str *out)
{
    struct json_member tools = {.name = STR("tools")};
    struct json_pick pick;
    struct str config;
    *out = S("");
    if (!take_part(f, FACT_TOOL_CONFIG, &config))
        return false;
    if (!config.len)
        return true;
    json_pick_init(&pick, config, &tools, 1);
    if (json_pick_step(&pick) != JSON_END || tools.times > 1)
        return false;
    if (tools.times && tools.kind != JSON_NULL)
        *out = tools.raw;
    return true;
}

bool facts_parts(const struct facts *f, struct str body, enum ask_dialect dialect,
                 struct ask_parts *out)
{
    bool aws = dialect == ASK_CONVERSE || dialect == ASK_NOVA, responses = dialect == ASK_RESPONSES;
    *out = (struct ask_parts){.body = body};
    struct str before, conversation;
    if (f->state != FACTS_STRICT || !take_part(f, FACT_PREVIOUS, &before) ||
        !take_part(f, FACT_CONVERSATION, &conversation) ||
        (responses && (before.len || conversation.len)))
        return false;
    return (aws ? tools_in_config(f, &out->tools) : take_part(f, FACT_TOOLS, &out->tools)) &&
           take_part(f, responses ? FACT_INSTRUCTIONS : FACT_SYSTEM, &out->system) &&
           take_part(f, responses ? FACT_INPUT : FACT_MESSAGES, &out->messages);
}

/* --- batch */

bool facts_fit_batch(const struct facts *f)
{
    static const enum fact none[] = {FACT_SERVICE_TIER,  FACT_OPENAI_TIER,   FACT_GUARDRAIL,
                                     FACT_OUTPUT_CONFIG, FACT_OUTPUT_FORMAT, FACT_TOOLS,
                                     FACT_TOOL_CONFIG};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (f->members[none[i]].times && f->members[none[i]].kind != JSON_NULL)
            return false;
    return f->state == FACTS_STRICT;
}

/* --- the model's name */

static bool has_controls(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
            return true;
    return false;
}

struct str facts_model(const struct facts *f, struct arena *a)
{
    struct str text;
    if (f->model.len == 0 ||
        json_string_text(f->members[FACT_MODEL].raw, f->model.len, a, &text) < 0 ||
        has_controls(text))
        return arena_dup(a, f->model);
    return arena_dup(a, text);
}
