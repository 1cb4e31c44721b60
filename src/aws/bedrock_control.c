/* SPDX-License-Identifier: Apache-2.0
 *
 * A question is one errand. Service model: bedrock 2023-04-20, GET
 * /inference-profiles/{inferenceProfileIdentifier}, answers 200, 400, 403, 404, 429, 500; the
 * answer lists 1 to 5 models as foundation-model ARNs, one for each region that the profile sends
 * to.
 *
 * A profile does not say which geo profile it was copied from. Its regions do, as far as money is
 * concerned: several regions, all "eu-...", are Europe's profile. Where they are mixed nothing is
 * put in front, and the model has its own price.
 */
#include "weir/aws/bedrock_control.h"

#include "control_plane.h"
#include "weir/base/mem.h"
#include "weir/wire/aws_error.h"
#include "weir/wire/uri.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

struct bedrock_control {
    struct control_plane plane;
};

struct bedrock_control_call {
    struct control_call call;
    void (*done)(void *arg, const struct bedrock_control_answer *a);
    void *arg;
};

struct bedrock_control *bedrock_control_new(struct loop *l, struct dns *dns,
                                            const struct bedrock_control_options *o)
{
    struct bedrock_control *c = mem_new(sizeof *c);
    control_plane_init(&c->plane, l, dns, o);
    return c;
}

void bedrock_control_free(struct bedrock_control *c)
{
    if (c)
        control_plane_fini(&c->plane);
    mem_free(c);
}

/* --- the answer */

/* "arn:aws:bedrock:eu-west-1::foundation-model/ID" */
static bool read_model_arn(struct str arn, struct str *out_region, struct str *out_id)
{
    struct str rest = arn;
    (void)str_cut(&rest, ':'); /* arn */
    (void)str_cut(&rest, ':'); /* partition */
    (void)str_cut(&rest, ':'); /* bedrock */
    *out_region = str_cut(&rest, ':');
    (void)str_cut(&rest, ':'); /* account */
    if (!str_starts(arn, S("arn:")) || !str_eq(str_cut(&rest, '/'), S("foundation-model")))
        return false;
    *out_id = rest;
    return rest.len > 0;
}

static const char *geo_of(struct str region)
{
    static const struct {
        struct str start;
        const char *geo;
    } geos[] = {/* the longer one first */
                {STR("us-gov-"), "us-gov."},
                {STR("us-"), "us."},
                {STR("eu-"), "eu."},
                {STR("ap-"), "apac."}};
    for (size_t i = 0; i < sizeof geos / sizeof *geos; i++)
        if (str_starts(region, geos[i].start))
            return geos[i].geo;
    return "";
}

static bool read_models(const cJSON *models, char out[BEDROCK_CONTROL_MODEL_MOST])
{
    const cJSON *item;
    struct str id = {NULL, 0}, one, region;
    const char *geo = "";
    size_t n = 0;
    cJSON_ArrayForEach(item, models)
    {
        const cJSON *arn = cJSON_GetObjectItemCaseSensitive(item, "modelArn");
        if (!cJSON_IsString(arn) || !read_model_arn(str_of(arn->valuestring), &region, &one) ||
            (n && !str_eq(id, one)))
            return false;
        geo = n && strcmp(geo, geo_of(region)) != 0 ? "" : geo_of(region);
        id = one;
        n++;
    }
    size_t geo_len = n > 1 ? strlen(geo) : 0;
    if (n == 0 || geo_len + id.len >= BEDROCK_CONTROL_MODEL_MOST)
        return false;
    snprintf(out, BEDROCK_CONTROL_MODEL_MOST, "%.*s%.*s", (int)geo_len, geo, STR_ARG(id));
    return true;
}

bool bedrock_control_model(struct str json, char out[BEDROCK_CONTROL_MODEL_MOST])
{
    cJSON *o = cJSON_ParseWithLength(json.ptr ? json.ptr : "", json.len);
    const cJSON *models = cJSON_GetObjectItemCaseSensitive(o, "models");
    bool good = cJSON_IsArray(models) && read_models(models, out);
    cJSON_Delete(o);
    return good;
}

static bool tell(struct control_call *c, const struct fetch_answer *a)
{
    struct bedrock_control_call *call = (struct bedrock_control_call *)c;
    char model[BEDROCK_CONTROL_MODEL_MOST], why[320] = "";
    struct bedrock_control_answer answer = {BEDROCK_CONTROL_FAILED, a->status, {NULL, 0}, why};
    struct str type = aws_error_type(a->fields, a->body);
    if (a->end != ORIGIN_DONE) {
        snprintf(why, sizeof why, "no answer: %s", a->why ? a->why : "unknown");
    } else if (a->status == 200 && bedrock_control_model(a->body, model)) {
        answer.end = BEDROCK_CONTROL_KNOWN;
        answer.model = str_of(model);
    } else if (a->status == 200) {
        snprintf(why, sizeof why, "the answer tells no model");
    } else {
        bool invalid = a->status == 400 && str_eq(type, S("ValidationException"));
        if (a->status == 404 || invalid)
            answer.end = BEDROCK_CONTROL_NONE;
        snprintf(why, sizeof why, "%d %.*s", a->status, STR_ARG(str_sub(type, 0, 100)));
    }
    call->done(call->arg, &answer);
    return true;
}

/* --- the question */

void bedrock_control_ask_profile(struct bedrock_control *c, struct creds *creds, struct str profile,
                                 void (*done)(void *arg, const struct bedrock_control_answer *a),
                                 void *arg)
{
    struct bedrock_control_call *call = control_call_new(&c->plane, sizeof *call, creds);
    call->done = done;
    call->arg = arg;
    call->call.method = S("GET");
    call->call.try_ms = BEDROCK_CONTROL_MS;
    call->call.on_answer = tell;
    buf_add(&call->call.target, S("/inference-profiles/"));
    uri_encode_segment(&call->call.target, profile);
    control_call_ask(&call->call);
}
