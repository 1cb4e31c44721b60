/* SPDX-License-Identifier: Apache-2.0
 *
 * IAM Identity Center: "aws sso login" leaves an access token in a cache file, and the portal gives
 * role credentials for it. A token of an sso-session may come with a refresh token; then a new one
 * is fetched ahead of its end and written back, because a refresh token may be good only once.
 *
 *     cache file > (token nearly over: POST oidc /token > cache file) > GET portal > set
 *
 * File names and members: botocore 1.43 tokens.py and credentials.py, read November 2026.
 */
#include "weir/base/clock.h"
#include "weir/base/digest.h"
#include "weir/base/file.h"
#include "weir/base/log.h"
#include "weir/base/text.h"
#include "weir/wire/uri.h"

#include "creds_json.h"
#include "errand.h"

#include <stdio.h>
#include <string.h>

enum { TRY_MS = 10 * 1000, TRIES = 3, REFRESH_S = 15 * 60, TARGET_BYTES = 1024 };

struct sso_source {
    struct source source;
    struct endpoint portal, oidc;
    bool may_refresh;   /* an sso-session, not the old form */
    struct str profile; /* for the sentence that says how to log in */
    struct str target;  /* of the portal */
    const char *path;   /* of the cache file */
    cJSON *token;
    struct errand *errand;
};

static struct sso_source *of(struct source *s)
{
    return (struct sso_source *)(void *)s;
}

static void fail_login(struct sso_source *s, const char *why)
{
    source_fail(&s->source, "%s; run: aws sso login --profile %.*s", why, STR_ARG(s->profile));
}

/* --- the portal */

static void on_keys(void *arg, const struct fetch_answer *a)
{
    static const struct creds_names names = {"accessKeyId", "secretAccessKey", "sessionToken",
                                             "expiration", true};
    struct sso_source *s = arg;
    char why[WHY_MAX / 2];
    s->errand = NULL;
    if (a->end == ORIGIN_DONE && a->status == 401) {
        fail_login(s, "the SSO session is over");
        return;
    }
    if (a->end != ORIGIN_DONE || a->status != 200) {
        source_fail(&s->source, "%s: status %d %s", s->portal.host, a->status,
                    a->end == ORIGIN_DONE ? "" : a->why);
        return;
    }
    cJSON *o = creds_json_parse(a->body, why, sizeof why);
    const cJSON *keys = cJSON_GetObjectItemCaseSensitive(o, "roleCredentials");
    struct creds *set = NULL;
    if (o)
        set = creds_json_take(keys, &names, s->source.name, why, sizeof why);
    creds_json_free(o);
    if (set)
        source_give(&s->source, set);
    else
        source_fail(&s->source, "%s: %s", s->portal.host, why);
}

static void ask_keys(struct sso_source *s)
{
    struct field token = {S("x-amz-sso_bearer_token"), creds_json_text(s->token, "accessToken")};
    struct errand_options o = {.at = s->portal,
                               .method = S("GET"),
                               .target = s->target,
                               .fields = &token,
                               .n_fields = 1,
                               .try_ms = TRY_MS,
                               .tries = TRIES};
    if (!fields_value_ok(token.value)) {
        fail_login(s, "the SSO cache holds a malformed token");
        return;
    }
    s->errand = errand_start(s->source.tools, &o, on_keys, s);
}

/* --- the token */

static int64_t left_s(const cJSON *token, const char *name)
{
    int64_t end_s;
    if (!text_parse_iso_time(creds_json_text(token, name), &end_s))
        return 0;
    return end_s - clock_wall_ms() / 1000;
}

static void set_text(cJSON *o, const char *name, const char *value)
{
    cJSON *item = cJSON_CreateString(value);
    if (cJSON_GetObjectItemCaseSensitive(o, name))
        cJSON_ReplaceItemInObjectCaseSensitive(o, name, item);
    else
        cJSON_AddItemToObject(o, name, item);
}

static void write_back(struct sso_source *s)
{
    char err[WHY_MAX] = "out of memory";
    char *text = cJSON_PrintUnformatted(s->token);
    if (!text || file_replace(s->path, str_of(text), err, sizeof err) != 0)
        log_say(LOG_WARN, "sso-cache", "the refreshed token could not be kept: %s", err);
    if (text)
        secret_wipe(text, strlen(text));
    cJSON_free(text);
}

/* Takes the new token over; false when the answer holds none. */
static bool renew(struct sso_source *s, const cJSON *answer)
{
    struct str access = creds_json_text(answer, "accessToken");
    struct str refresh = creds_json_text(answer, "refreshToken");
    const cJSON *life = cJSON_GetObjectItemCaseSensitive(answer, "expiresIn");
    char end[21];
    if (!access.len || !cJSON_IsNumber(life) || life->valueint <= 0)
        return false;
    text_iso_time(clock_wall_ms() / 1000 + life->valueint, end);
    set_text(s->token, "accessToken", access.ptr);
    set_text(s->token, "expiresAt", end);
    if (refresh.len)
        set_text(s->token, "refreshToken", refresh.ptr);
    write_back(s);
    return true;
}

static void on_token(void *arg, const struct fetch_answer *a)
{
    struct sso_source *s = arg;
    char why[WHY_MAX / 2];
    cJSON *o = NULL;
    s->errand = NULL;
    if (a->end == ORIGIN_DONE && a->status == 200)
        o = creds_json_parse(a->body, why, sizeof why);
    bool renewed = o && renew(s, o);
    creds_json_free(o);
    if (renewed || left_s(s->token, "expiresAt") > 0)
        ask_keys(s);
    else if (a->end == ORIGIN_DONE && a->status >= 400 && a->status < 500)
        fail_login(s, "the SSO token could not be refreshed");
    else
        source_fail(&s->source, "%s: no new SSO token (status %d) %s", s->oidc.host, a->status,
                    a->end == ORIGIN_DONE ? "" : a->why);
}

static void ask_token(struct sso_source *s)
{
    static const struct field json = {STR("content-type"), STR("application/json")};
    cJSON *q = cJSON_CreateObject();
    set_text(q, "grantType", "refresh_token");
    set_text(q, "clientId", creds_json_text(s->token, "clientId").ptr);
    set_text(q, "clientSecret", creds_json_text(s->token, "clientSecret").ptr);
    set_text(q, "refreshToken", creds_json_text(s->token, "refreshToken").ptr);
    char *body = cJSON_PrintUnformatted(q);
    struct errand_options o = {.at = s->oidc,
                               .method = S("POST"),
                               .target = S("/token"),
                               .fields = &json,
                               .n_fields = 1,
                               .body = str_of(body),
                               .try_ms = TRY_MS,
                               .tries = 1}; /* a refresh token may be good only once */
    s->errand = errand_start(s->source.tools, &o, on_token, s);
    if (body)
        secret_wipe(body, strlen(body));
    cJSON_free(body);
    creds_json_free(q);
}

static bool can_refresh(const struct sso_source *s)
{
    return s->may_refresh && creds_json_text(s->token, "refreshToken").len &&
           creds_json_text(s->token, "clientId").len &&
           creds_json_text(s->token, "clientSecret").len &&
           left_s(s->token, "registrationExpiresAt") > 0;
}

static void use_token(struct sso_source *s)
{
    int64_t left = left_s(s->token, "expiresAt");
    if (left < REFRESH_S && can_refresh(s))
        ask_token(s);
    else if (left > 0 && creds_json_text(s->token, "accessToken").len)
        ask_keys(s);
    else
        fail_login(s, "the SSO session is over");
}

static void begin(struct source *source)
{
    struct sso_source *s = of(source);
    struct buf text = {0};
    char why[WHY_MAX / 2];
    int rc = file_read(s->path, FILE_MOST_BYTES, &text, why, sizeof why);
    if (rc == 0)
        s->token = creds_json_parse(buf_str(&text), why, sizeof why);
    if (text.data)
        secret_wipe(text.data, text.cap);
    buf_fini(&text);
    if (s->token)
        use_token(s);
    else if (rc == ERR_NOT_FOUND)
        fail_login(s, "there is no SSO session");
    else
        source_fail(source, "SSO cache: %s", why);
}

static void fini(struct source *source)
{
    errand_drop(of(source)->errand);
    creds_json_free(of(source)->token);
}

static struct str portal_target(struct arena *a, const struct sso *sso)
{
    struct buf b = {.max = TARGET_BYTES};
    buf_add(&b, S("/federation/credentials?role_name="));
    uri_encode_segment(&b, sso->role_name);
    buf_add(&b, S("&account_id="));
    uri_encode_segment(&b, sso->account_id);
    struct str target = {NULL, 0};
    if (b.overflow)
        a->full = true;
    else
        target = arena_dup(a, buf_str(&b));
    buf_fini(&b);
    return target;
}

struct source *creds_sso_new(struct creds_tools *t, const struct sso *sso, char *err,
                             size_t err_size)
{
    struct sso_source *s = source_new(t, sizeof *s, "sso", begin, fini);
    struct arena *a = &s->source.arena;
    char name[SHA1_HEX];
    sha1_hex(sso->session.len ? sso->session : sso->start_url, name);
    struct str file = arena_printf(a, "~/.aws/sso/cache/%.*s.json", SHA1_HEX, name);
    s->path = creds_path(t, a, file).ptr;
    s->profile = arena_dup(a, sso->profile);
    s->may_refresh = sso->session.len > 0;
    s->target = portal_target(a, sso);
    bool known = endpoint_of(S("portal.sso"), sso->region, &s->portal) &&
                 endpoint_of(S("oidc"), sso->region, &s->oidc);
    if (known && (s->path || a->full))
        return source_checked(&s->source, err, err_size);
    if (known)
        snprintf(err, err_size, "SSO needs its cache in the home directory, but HOME is not set");
    else
        snprintf(err, err_size, "sso_region \"%.*s\" is not the name of a region",
                 STR_ARG(sso->region));
    source_free(&s->source);
    return NULL;
}
