/* SPDX-License-Identifier: Apache-2.0
 *
 * STS over its query protocol (version 2011-06-15): a form goes out, XML comes back. Each region
 * has its own endpoint; the global one is not used.
 */
#include "sts.h"

#include "weir/base/clock.h"
#include "weir/base/digest.h"
#include "weir/base/text.h"
#include "weir/wire/uri.h"

#include <stdio.h>

enum { TRY_MS = 10 * 1000, TRIES = 3 };

static void add(struct buf *b, const char *name, struct str value)
{
    if (!value.len)
        return;
    buf_addf(b, "&%s=", name);
    uri_encode_segment(b, value);
}

static void add_form(struct buf *b, const struct role *r, const struct creds *by, struct str token)
{
    char session[32], duration[24];
    snprintf(session, sizeof session, "weir-%lld", (long long)(clock_wall_ms() / 1000));
    snprintf(duration, sizeof duration, "%lld", (long long)r->duration_s);
    buf_add(b, S("Action="));
    buf_add(b, by ? S("AssumeRole") : S("AssumeRoleWithWebIdentity"));
    buf_add(b, S("&Version=2011-06-15"));
    add(b, "RoleArn", r->arn);
    add(b, "RoleSessionName", r->session_name.len ? r->session_name : str_of(session));
    add(b, "WebIdentityToken", token);
    add(b, "ExternalId", r->external_id);
    add(b, "DurationSeconds", r->duration_s ? str_of(duration) : S(""));
}

static bool locate(const struct creds_tools *t, struct str region, struct endpoint *out, char *err,
                   size_t err_size)
{
    if (!region.len)
        snprintf(err, err_size,
                 "STS needs a region: set `region`, AWS_REGION, or region in the "
                 "profile");
    else if (t->o.sts_endpoint.len)
        return endpoint_parse(t->o.sts_endpoint, out, err, err_size);
    else if (endpoint_of(S("sts"), region, out))
        return true;
    else
        snprintf(err, err_size, "\"%.*s\" is not the name of a region",
                 STR_ARG(str_sub(region, 0, 64)));
    return false;
}

struct errand *sts_start(struct creds_tools *t, const struct role *r, struct creds *by,
                         struct str token, void (*done)(void *arg, const struct fetch_answer *a),
                         void *arg, char *err, size_t err_size)
{
    static const struct field form = {STR("content-type"),
                                      STR("application/x-www-form-urlencoded; charset=utf-8")};
    struct errand_options o = {.creds = by,
                               .region = creds_region(t, r->region),
                               .service = S("sts"),
                               .method = S("POST"),
                               .target = S("/"),
                               .fields = &form,
                               .n_fields = 1,
                               .try_ms = TRY_MS,
                               .tries = TRIES};
    struct buf body = {0};
    if (!locate(t, o.region, &o.at, err, err_size))
        return NULL;
    (void)buf_reserve(&body, ERRAND_MOST_BYTES); /* growing would leave unwiped copies behind */
    add_form(&body, r, by, token);
    o.body = buf_str(&body);
    struct errand *e = errand_start(t, &o, done, arg);
    secret_wipe(body.data, body.cap);
    buf_fini(&body);
    return e;
}

/* The text of the first element of that name, as it stands: what STS puts there needs no escapes.
 */
static struct str pick(struct str xml, const char *name)
{
    char open[64], close[64];
    snprintf(open, sizeof open, "<%s>", name);
    snprintf(close, sizeof close, "</%s>", name);
    ptrdiff_t at = str_find(xml, str_of(open));
    if (at < 0)
        return (struct str){NULL, 0};
    xml = str_from_offset(xml, (size_t)at + str_of(open).len);
    at = str_find(xml, str_of(close));
    return at < 0 ? (struct str){NULL, 0} : str_sub(xml, 0, (size_t)at);
}

struct creds *sts_read(const struct fetch_answer *a, const char *source, char *err, size_t err_size)
{
    int64_t expires_s;
    if (a->end != ORIGIN_DONE) {
        snprintf(err, err_size, "STS: %s", a->why);
        return NULL;
    }
    if (a->status != 200) {
        struct str code = pick(a->body, "Code"), message = pick(a->body, "Message");
        snprintf(err, err_size, "STS: %.*s (status %d) %.*s", STR_ARG(str_sub(code, 0, 80)),
                 a->status, STR_ARG(str_sub(message, 0, 300)));
        return NULL;
    }
    if (!text_parse_iso_time(pick(a->body, "Expiration"), &expires_s)) {
        snprintf(err, err_size, "STS: the answer has no expiry");
        return NULL;
    }
    return creds_make(pick(a->body, "AccessKeyId"), pick(a->body, "SecretAccessKey"),
                      pick(a->body, "SessionToken"), expires_s, source, err, err_size);
}
