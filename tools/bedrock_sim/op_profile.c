/* SPDX-License-Identifier: Apache-2.0
 *
 * GetInferenceProfile, of the control plane: which model stands behind a profile. Nobody creates
 * profiles here: a profile is what its id says, so that a test knows the answer.
 *
 *     application-inference-profile/eu.amazon.nova-lite-v1:0   a copy of that profile
 *     application-inference-profile/amazon.nova-lite-v1:0      a copy of that model, in one Region
 *     application-inference-profile/abc123                     a copy of a Claude Sonnet 4.6
 *
 * An id with one of the words "missing", "invalid", "denied", "throttled" or "broken" in it is
 * refused in that way. Service model: bedrock 2023-04-20.
 */
#include "call.h"

#include "weir/base/text.h"

static bool refused(struct call *c, struct str id)
{
    static const struct {
        struct str word;
        int status;
        const char *type;
    } words[] = {
        {STR("missing"), 404, "ResourceNotFoundException"},
        {STR("invalid"), 400, "ValidationException"},
        {STR("denied"), 403, "AccessDeniedException"},
        {STR("throttled"), 429, "ThrottlingException"},
        {STR("broken"), 500, "InternalServerException"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_find(id, words[i].word) >= 0)
            return !refusal_set(&c->refusal, words[i].status, words[i].type,
                                "The inference profile %.*s is %.*s.", STR_ARG(str_sub(id, 0, 200)),
                                STR_ARG(words[i].word));
    return false;
}

/* Where a geo profile sends to; of a plain model its own Region. */
static const struct {
    struct str geo, regions; /* a Region and a space each */
} places[] = {
    {STR("us."), STR("us-east-1 us-east-2 us-west-2 ")},
    {STR("eu."), STR("eu-central-1 eu-north-1 eu-west-1 ")},
    {STR("apac."), STR("ap-northeast-1 ap-south-1 ")},
    {STR("jp."), STR("ap-northeast-1 ap-northeast-3 ")},
    {STR("au."), STR("ap-southeast-2 ap-southeast-4 ")},
    {STR("us-gov."), STR("us-gov-east-1 us-gov-west-1 ")},
    {STR("global."), STR("us-east-1 eu-west-1 ap-northeast-1 ")},
};

static struct str take_regions(struct str *id, struct str own)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (!str_starts(*id, places[i].geo))
            continue;
        *id = str_from_offset(*id, places[i].geo.len);
        return places[i].regions;
    }
    return own;
}

static void add_models(struct buf *b, struct str regions, struct str model)
{
    const char *comma = "";
    while (regions.len) {
        struct str region = str_cut(&regions, ' ');
        buf_addf(b, "%s{\"modelArn\":\"arn:aws:bedrock:%.*s::foundation-model/", comma,
                 STR_ARG(region));
        text_add_json(b, model, model.len);
        buf_add(b, S("\"}"));
        comma = ",";
    }
}

static void answer(struct call *c, struct str kind, struct str id, struct str region)
{
    struct buf *b = &c->out->reply.body;
    struct str model = str_chr(id, '.') > 0 ? id : S("us.anthropic.claude-sonnet-4-6");
    struct str regions = take_regions(&model, region);
    bool system = str_eq(kind, S("inference-profile"));
    buf_addf(b, "{\"inferenceProfileName\":\"sim\",\"status\":\"ACTIVE\",\"type\":\"%s\",",
             system ? "SYSTEM_DEFINED" : "APPLICATION");
    buf_add(b, S("\"inferenceProfileId\":\""));
    text_add_json(b, id, id.len);
    buf_addf(b, "\",\"inferenceProfileArn\":\"arn:aws:bedrock:%.*s:123456789012:%.*s/",
             STR_ARG(region), STR_ARG(kind));
    text_add_json(b, id, id.len);
    buf_add(b, S("\",\"createdAt\":\"2026-01-02T03:04:05Z\",\"models\":["));
    add_models(b, regions, model);
    buf_add(b, S("]}"));
    reply_field(&c->out->reply, S("content-type"), S("application/json"));
}

bool op_get_profile(struct call *c)
{
    struct str rest = buf_str(&c->args[0]), region = S("us-east-1"), kind = S("inference-profile");
    buf_add(&c->out->model, rest);
    if (str_starts(rest, S("arn:"))) {
        for (int i = 0; i < 3; i++)
            (void)str_cut(&rest, ':');
        region = str_cut(&rest, ':');
        (void)str_cut(&rest, ':');
        kind = str_cut(&rest, '/');
    }
    bool profile =
        str_eq(kind, S("inference-profile")) || str_eq(kind, S("application-inference-profile"));
    if (!profile || rest.len == 0)
        return refusal_invalid(&c->refusal,
                               "The provided inference profile identifier is invalid.");
    if (refused(c, rest))
        return false;
    answer(c, kind, rest, region);
    return true;
}
