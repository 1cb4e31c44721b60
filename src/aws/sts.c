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
#include "weir/wire/xml_pick.h"

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
    add(b, "Tags.member.1.Key", r->tag_key);
    add(b, "Tags.member.1.Value", r->tag_value);
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

/* --- the answer */

static const char *const parts[] = {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"};
enum { N_PARTS = sizeof parts / sizeof *parts };

static struct creds *read_parts(struct str inside, struct buf got[N_PARTS], const char *source,
                                char *err, size_t err_size)
{
    int64_t expires_s;
    for (size_t i = 0; i < N_PARTS; i++) {
        (void)buf_reserve(&got[i], inside.len); /* growing would leave unwiped copies behind */
        if (xml_pick(inside, str_of(parts[i]), &got[i]) == 0)
            continue;
        snprintf(err, err_size, "STS: the answer has no %s", parts[i]);
        return NULL;
    }
    if (text_parse_iso_time(str_trim(buf_str(&got[3])), &expires_s))
        return creds_make(buf_str(&got[0]), buf_str(&got[1]), buf_str(&got[2]), expires_s, source,
                          err, err_size);
    snprintf(err, err_size, "STS: Expiration is not a time");
    return NULL;
}

static void say_refusal(const struct fetch_answer *a, char *err, size_t err_size)
{
    struct buf code = {0}, message = {0};
    if (xml_pick(a->body, S("Code"), &code) != 0)
        buf_add(&code, S("failed"));
    if (xml_pick(a->body, S("Message"), &message) != 0)
        buf_clear(&message); /* then the code alone must do */
    snprintf(err, err_size, "STS: %.*s (status %d) %.*s", STR_ARG(str_sub(buf_str(&code), 0, 80)),
             a->status, STR_ARG(str_sub(buf_str(&message), 0, 300)));
    buf_fini(&code);
    buf_fini(&message);
}

bool sts_says_stale(const struct fetch_answer *a)
{
    static const struct str stale[] = {STR("ExpiredToken"), STR("InvalidClientTokenId"),
                                       STR("UnrecognizedClientException")};
    struct buf code = {0};
    bool is = false;
    if (a->status == 403 && xml_pick(a->body, S("Code"), &code) == 0)
        for (size_t i = 0; i < sizeof stale / sizeof *stale; i++)
            is = is || str_starts(buf_str(&code), stale[i]);
    buf_fini(&code);
    return is;
}

struct creds *sts_read(const struct fetch_answer *a, const char *source, char *err, size_t err_size)
{
    struct buf got[N_PARTS] = {0};
    struct str rest = a->body, inside;
    struct creds *set = NULL;
    if (a->end != ORIGIN_DONE)
        snprintf(err, err_size, "STS: %s", a->why);
    else if (a->status != 200)
        say_refusal(a, err, err_size);
    else if (xml_pick_next(&rest, S("Credentials"), &inside) != 0)
        snprintf(err, err_size, "STS: the answer has no credentials");
    else
        set = read_parts(inside, got, source, err, err_size);
    for (size_t i = 0; i < N_PARTS; i++) {
        if (got[i].data)
            secret_wipe(got[i].data, got[i].cap);
        buf_fini(&got[i]);
    }
    return set;
}
