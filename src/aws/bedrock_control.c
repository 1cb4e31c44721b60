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

#include "errand.h"
#include "weir/base/mem.h"
#include "weir/wire/uri.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

struct bedrock_control {
    struct creds_tools tools;
    struct endpoint at;
    struct arena arena; /* the options' strings */
    struct str region;
    struct list calls;
};

struct bedrock_control_call {
    struct bedrock_control *control;
    struct list node;
    struct errand *errand;
    struct creds *creds;
    struct buf target;
    int64_t signed_with_s;
    bool again; /* the clock was learned, and it was asked once more */
    void (*done)(void *arg, const struct bedrock_control_answer *a);
    void *arg;
};

enum { OPTION_BYTES = 16 * 1024 };

struct bedrock_control *bedrock_control_new(struct loop *l, struct dns *dns,
                                            const struct bedrock_control_options *o)
{
    struct bedrock_control *c = mem_new(sizeof *c);
    arena_init(&c->arena, OPTION_BYTES);
    list_init(&c->calls);
    c->at = o->at;
    c->region = arena_dup(&c->arena, o->region);
    c->tools = (struct creds_tools){.loop = l, .dns = dns, .signer = aws_signer_new()};
    c->tools.o.ca_file = o->ca_file ? arena_dup(&c->arena, str_of(o->ca_file)).ptr : NULL;
    c->tools.o.proxy_host = arena_dup(&c->arena, o->proxy_host);
    c->tools.o.proxy_port = o->proxy_port;
    c->tools.o.proxy_authorization = arena_dup(&c->arena, o->proxy_authorization);
    return c;
}

static void free_call(struct bedrock_control_call *call)
{
    list_remove(&call->node);
    creds_unref(call->creds);
    buf_fini(&call->target);
    mem_free(call);
}

void bedrock_control_drop(struct bedrock_control_call *call)
{
    if (!call || !call->errand)
        return; /* inside its `done` */
    errand_drop(call->errand);
    free_call(call);
}

void bedrock_control_free(struct bedrock_control *c)
{
    if (!c)
        return;
    while (!list_empty(&c->calls))
        bedrock_control_drop(LIST_OF(c->calls.next, struct bedrock_control_call, node));
    aws_signer_free(c->tools.signer);
    tls_unref(c->tools.tls);
    arena_wipe(&c->arena); /* a proxy's password */
    arena_fini(&c->arena);
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

static struct str error_type(const struct fetch_answer *a)
{
    struct str type = fields_get(a->fields, S("x-amzn-errortype"));
    ptrdiff_t hash = str_chr(type, '#');
    type = str_from_offset(type, (size_t)(hash + 1));
    return str_cut(&type, ':');
}

static void tell(struct bedrock_control_call *call, const struct fetch_answer *a)
{
    char model[BEDROCK_CONTROL_MODEL_MOST], why[320] = "";
    struct bedrock_control_answer answer = {BEDROCK_CONTROL_FAILED, a->status, {NULL, 0}, why};
    struct str type = error_type(a);
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
}

/* --- the question */

static void ask(struct bedrock_control_call *call);

static void on_answer(void *arg, const struct fetch_answer *a)
{
    struct bedrock_control_call *call = arg;
    struct bedrock_control *c = call->control;
    bool trusted = c->at.tls || endpoint_is_loopback(&c->at);
    call->errand = NULL;
    if (!call->again && a->end == ORIGIN_DONE && trusted &&
        aws_signer_learn(c->tools.signer, a->status, a->fields, call->signed_with_s)) {
        call->again = true;
        ask(call);
        return;
    }
    tell(call, a);
    free_call(call);
}

static void ask(struct bedrock_control_call *call)
{
    struct bedrock_control *c = call->control;
    struct errand_options o = {.at = c->at,
                               .creds = call->creds,
                               .region = c->region,
                               .service = S("bedrock"),
                               .method = S("GET"),
                               .target = buf_str(&call->target),
                               .try_ms = BEDROCK_CONTROL_MS,
                               .tries = 1};
    call->signed_with_s = aws_signer_offset(c->tools.signer);
    call->errand = errand_start(&c->tools, &o, on_answer, call);
}

struct bedrock_control_call *
bedrock_control_ask_profile(struct bedrock_control *c, struct creds *creds, struct str profile,
                            void (*done)(void *arg, const struct bedrock_control_answer *a),
                            void *arg)
{
    struct bedrock_control_call *call = mem_new(sizeof *call);
    call->control = c;
    call->creds = creds_ref(creds);
    call->done = done;
    call->arg = arg;
    list_append(&c->calls, &call->node);
    buf_add(&call->target, S("/inference-profiles/"));
    uri_encode_segment(&call->target, profile);
    ask(call);
    return call;
}
