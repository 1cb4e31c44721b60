/* SPDX-License-Identifier: Apache-2.0
 *
 * The ways to write a model: its id ("anthropic.claude-opus-5", perhaps with "us." before it), or
 * an ARN of any partition,
 *
 *     arn:aws:bedrock:REGION:ACCOUNT:KIND/REST
 *
 * of which only two kinds say the model themselves. The forms are those of the published service
 * model (bedrock-runtime, ConversationalModelId, November 2026).
 */
#include "weir/book/catalogue.h"

static const struct {
    struct str kind;
    enum model_form form;
} kinds[] = {
    {STR("foundation-model"), MODEL_PLAIN},
    {STR("inference-profile"), MODEL_PLAIN},
    {STR("application-inference-profile"), MODEL_TO_RESOLVE},
    {STR("prompt-router"), MODEL_ROUTED},
    {STR("default-prompt-router"), MODEL_ROUTED},
};

static enum model_form form_of_arn(struct str arn, struct str *out_id)
{
    struct str rest = arn;
    (void)str_cut(&rest, ':'); /* arn */
    (void)str_cut(&rest, ':'); /* partition */
    bool bedrock = str_eq(str_cut(&rest, ':'), S("bedrock"));
    (void)str_cut(&rest, ':'); /* region */
    (void)str_cut(&rest, ':'); /* account */
    struct str kind = str_cut(&rest, '/');
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!bedrock || rest.len == 0 || !str_eq(kind, kinds[i].kind))
            continue;
        if (kinds[i].form == MODEL_PLAIN)
            *out_id = rest;
        return kinds[i].form;
    }
    return MODEL_OPAQUE;
}

enum model_form model_form(struct str asked, struct str *out_id)
{
    *out_id = asked;
    if (str_starts(asked, S("arn:")))
        return form_of_arn(asked, out_id);
    /* A model's id names its maker before the first dot; what has none is an account's own name. */
    return str_chr(asked, '.') > 0 ? MODEL_PLAIN : MODEL_OPAQUE;
}
