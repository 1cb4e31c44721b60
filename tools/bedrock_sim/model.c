/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of models. Public sources as of November 2026: AWS "Prompt caching"
 * user guide (minimum, fields, TTL), "Service tiers" (who serves Flex), model cards (profile only),
 * public measurements (sampling refused by the newest Claude models). Where sources disagree the
 * newest copy of the user guide counts. The first row whose prefix fits is the model's.
 */
#include "model.h"

#include <string.h>

enum {
    ALL = MODEL_MARK_TOOLS | MODEL_MARK_SYSTEM | MODEL_MARK_MESSAGES,
    NO_TOOLS = MODEL_MARK_SYSTEM | MODEL_MARK_MESSAGES
};

#define CLAUDE(id, minimum, hour, only, quiet, output)                                \
    {                                                                                 \
        .prefix = STR("anthropic." id), .family = MODEL_CLAUDE, .cache_min = minimum, \
        .cache_fields = ALL, .ttl_1h = hour, .write_fee = true, .refuse_status = 400, \
        .profile_only = only, .no_sampling = quiet, .most_output = output             \
    }
#define NOVA(id, flex, output)                                                           \
    {                                                                                    \
        .prefix = STR("amazon.nova-" id), .family = MODEL_NOVA, .cache_min = 1000,       \
        .cache_most = 20000, .cache_fields = NO_TOOLS, .write_fee = true, .tiers = flex, \
        .most_output = output                                                            \
    }
#define PLAIN(id, flex, refuse)                                                            \
    {                                                                                      \
        .prefix = STR(id), .family = MODEL_OPENAI, .refuse_status = refuse, .tiers = flex, \
        .most_output = 131072                                                              \
    }

static const struct model models[] = {
    CLAUDE("claude-fable-5", 512, true, true, true, 131072),
    CLAUDE("claude-mythos-preview", 4096, true, true, false, 131072),
    CLAUDE("claude-mythos-5", 512, true, true, true, 131072),
    CLAUDE("claude-opus-5", 512, true, true, true, 131072),
    CLAUDE("claude-sonnet-5-5", 512, true, true, true, 65536),
    CLAUDE("claude-sonnet-5", 1024, true, true, true, 65536),
    CLAUDE("claude-sonnet-4-6", 1024, true, false, false, 65536),
    CLAUDE("claude-sonnet-4-5", 1024, true, false, false, 65536),
    CLAUDE("claude-opus-4-8", 1024, true, false, false, 131072),
    CLAUDE("claude-opus-4-7", 4096, true, false, false, 131072),
    CLAUDE("claude-opus-4-6", 4096, true, false, false, 131072),
    CLAUDE("claude-opus-4-5", 4096, true, false, false, 65536),
    CLAUDE("claude-haiku-4-5", 4096, true, false, false, 65536),
    CLAUDE("claude-opus-4-", 1024, false, false, false, 32768),
    CLAUDE("claude-sonnet-4-", 1024, false, false, false, 65536),
    CLAUDE("claude-3-7-sonnet", 1024, false, false, false, 65536),
    CLAUDE("claude-3-5-sonnet-20241022-v2", 1024, false, false, false, 8192),
    CLAUDE("claude-3-5-haiku", 2048, false, false, false, 8192),
    CLAUDE("claude-", 0, false, false, false, 8192),
    NOVA("micro", false, 10000),
    NOVA("lite", false, 10000),
    NOVA("pro", true, 10000),
    NOVA("premier", true, 32000),
    NOVA("2-lite", true, 65536),
    NOVA("", false, 65536),
    {.prefix = STR("openai.gpt-5.6"),
     .family = MODEL_OPENAI,
     .cache_min = 1024,
     .cache_fields = NO_TOOLS,
     .ttl_30m = true,
     .write_fee = true,
     .profile_only = true,
     .most_output = 131072},
    {.prefix = STR("openai.gpt-5"),
     .family = MODEL_OPENAI,
     .cache_min = 1024,
     .ttl_30m = true,
     .refuse_status = 400,
     .most_output = 131072},
    PLAIN("openai.", true, 400),
    PLAIN("qwen.", true, 400),
    PLAIN("deepseek.", true, 403),
    PLAIN("mistral.", true, 403),
    PLAIN("moonshot", true, 403),
    PLAIN("google.", true, 400),
    PLAIN("minimax.", true, 400),
    PLAIN("nvidia.", true, 403),
    PLAIN("zai.", false, 400),
    PLAIN("meta.", false, 400),
    PLAIN("cohere.", false, 400),
    PLAIN("ai21.", false, 400),
    PLAIN("amazon.", false, 400),
    PLAIN("twelvelabs.", false, 400),
    PLAIN("writer.", false, 400),
};

/* A model whose name says nothing: a Claude Sonnet 4.6 behind it. */
static const struct model opaque = CLAUDE("claude-sonnet-4-6", 1024, true, false, false, 65536);

static const struct str geos[] = {STR("us."), STR("eu."), STR("apac."),   STR("jp."),
                                  STR("au."), STR("ca."), STR("us-gov."), STR("global.")};

static bool take_geo(struct str *id)
{
    for (size_t i = 0; i < sizeof geos / sizeof *geos; i++) {
        if (str_starts(*id, geos[i])) {
            *id = str_from_offset(*id, geos[i].len);
            return true;
        }
    }
    return false;
}

static const struct model *row_of(struct str bare)
{
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (str_starts(bare, models[i].prefix))
            return &models[i];
    return NULL;
}

static bool set(struct model_ref *ref, enum model_form form, struct str bare, const struct model *m)
{
    ref->form = form;
    ref->bare = m == &opaque ? opaque.prefix : bare;
    ref->model = m;
    return m != NULL;
}

/* arn:partition:bedrock:region:account:kind/rest */
static bool find_arn(struct str arn, struct model_ref *ref)
{
    struct str rest = arn;
    for (int i = 0; i < 5; i++)
        (void)str_cut(&rest, ':');
    struct str kind = str_cut(&rest, '/');
    if (str_eq(kind, S("foundation-model")))
        return set(ref, MODEL_FOUNDATION, rest, row_of(rest));
    if (str_eq(kind, S("inference-profile"))) {
        (void)take_geo(&rest);
        return set(ref, MODEL_PROFILE_ARN, rest, row_of(rest));
    }
    if (str_eq(kind, S("application-inference-profile"))) {
        (void)take_geo(&rest);
        ref->named = row_of(rest) != NULL;
        return set(ref, MODEL_APP_PROFILE, rest, ref->named ? row_of(rest) : &opaque);
    }
    if (str_eq(kind, S("prompt")))
        return set(ref, MODEL_PROMPT, rest, &opaque);
    if (str_eq(kind, S("prompt-router")) || str_eq(kind, S("default-prompt-router")))
        return set(ref, MODEL_ROUTER, rest, &opaque);
    return set(ref, MODEL_OTHER_ARN, rest, rest.len ? &opaque : NULL);
}

static bool find(struct str id, struct model_ref *ref)
{
    struct str bare = id;
    if (str_starts(id, S("arn:")))
        return find_arn(id, ref);
    bool geo = take_geo(&bare);
    return set(ref, geo ? MODEL_GEO : MODEL_BARE, bare, row_of(bare));
}

bool model_find(struct str id, struct model_ref *ref, struct refusal *out)
{
    ref->id = id;
    ref->named = false;
    if (!find(id, ref))
        return refusal_invalid(out, "The provided model identifier is invalid.");
    if (ref->model->profile_only && (ref->form == MODEL_BARE || ref->form == MODEL_FOUNDATION))
        return refusal_invalid(out,
                               "Invocation of model ID %.*s with on-demand throughput "
                               "isn\xe2\x80\x99t supported. Retry your request with the ID or ARN "
                               "of an inference profile that contains this model.",
                               (int)(id.len < 200 ? id.len : 200), id.ptr);
    return true;
}

bool model_batches(const struct model_ref *ref)
{
    /* AWS "Supported Regions and models for batch inference", read September 2026. */
    static const struct str prefixes[] = {STR("anthropic.claude-opus-5"),
                                          STR("anthropic.claude-opus-4-6"),
                                          STR("anthropic.claude-sonnet-4-6"),
                                          STR("anthropic.claude-haiku-4-5"),
                                          STR("anthropic.claude-3"),
                                          STR("amazon.nova-micro"),
                                          STR("amazon.nova-lite"),
                                          STR("amazon.nova-pro"),
                                          STR("amazon.nova-premier"),
                                          STR("amazon.titan-embed"),
                                          STR("meta.llama3"),
                                          STR("meta.llama4"),
                                          STR("mistral."),
                                          STR("openai.gpt-oss"),
                                          STR("qwen.qwen3"),
                                          STR("moonshot"),
                                          STR("zai.glm-4.7")};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (str_starts(ref->bare, prefixes[i]))
            return ref->form != MODEL_PROMPT && ref->form != MODEL_ROUTER &&
                   ref->form != MODEL_OTHER_ARN;
    return false;
}

static int hex_value(char c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;
    if (c >= '0' && c <= '9')
        return c - '0';
    return at && c >= 'A' ? (int)(at - digits) : -1;
}

void model_decode_id(struct str segment, struct buf *out)
{
    for (size_t i = 0; i < segment.len; i++) {
        int high = -1, low = -1;
        if (segment.ptr[i] == '%' && segment.len - i > 2) {
            high = hex_value(segment.ptr[i + 1]);
            low = hex_value(segment.ptr[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            buf_add_char(out, (char)(high * 16 + low));
            i += 2;
        } else {
            buf_add_char(out, segment.ptr[i]);
        }
    }
}
