/* SPDX-License-Identifier: Apache-2.0
 *
 * Credentials of an EC2 instance, from its metadata service: a session token, the name of the role,
 * its keys. Where the token is refused with 403, 404 or 405, or its answer never comes (a hop limit
 * of 1 drops it on the way into a container), the older protocol without it is used, unless that
 * was forbidden. It is the last source of the chain, and needs no configuration.
 *
 *     PUT token > GET role name > GET keys
 *
 * Paths and limits: botocore 1.43 utils.py (InstanceMetadataFetcher), read November 2026.
 */
#include "creds_json.h"
#include "errand.h"

#include <stdio.h>

enum { TRY_MS = 1000, TRIES = 3, ROLE_MOST_BYTES = 128, TOKEN_MOST_BYTES = 1024 };

static const struct str keys_path = STR("/latest/meta-data/iam/security-credentials/");

struct imds_source {
    struct source source;
    struct endpoint at;
    bool v1_disabled;
    struct str token; /* empty: the older protocol */
    char token_bytes[TOKEN_MOST_BYTES];
    char path[160 + ROLE_MOST_BYTES];
    struct errand *errand;
};

static struct imds_source *of(struct source *s)
{
    return (struct imds_source *)(void *)s;
}

static void ask(struct imds_source *i, struct str method, struct str target,
                const struct field *field, void (*done)(void *arg, const struct fetch_answer *a))
{
    struct errand_options o = {.at = i->at,
                               .local = true,
                               .method = method,
                               .target = target,
                               .fields = field,
                               .n_fields = field->value.len ? 1 : 0,
                               .try_ms = TRY_MS,
                               .tries = TRIES};
    i->errand = errand_start(i->source.tools, &o, done, i);
}

static void get(struct imds_source *i, struct str target,
                void (*done)(void *arg, const struct fetch_answer *a))
{
    struct field token = {S("x-aws-ec2-metadata-token"), i->token};
    ask(i, S("GET"), target, &token, done);
}

/* True when the step went well; else the source has failed. */
static bool good(struct imds_source *i, const struct fetch_answer *a, const char *what)
{
    i->errand = NULL;
    if (a->end != ORIGIN_DONE)
        source_fail(&i->source, "%s: %s (%s)", i->at.authority, a->why, what);
    else if (a->status != 200)
        source_fail(&i->source, "%s: status %d (%s)%s", i->at.authority, a->status, what,
                    a->status == 404 ? "; has the instance a role?" : "");
    return a->end == ORIGIN_DONE && a->status == 200;
}

static void on_keys(void *arg, const struct fetch_answer *a)
{
    static const struct creds_names names = {"AccessKeyId", "SecretAccessKey", "Token",
                                             "Expiration", false};
    struct imds_source *i = arg;
    struct creds *set = NULL;
    char why[WHY_MAX / 2];
    if (!good(i, a, "keys of the role"))
        return;
    cJSON *o = creds_json_parse(a->body, why, sizeof why);
    struct str code = o ? creds_json_text(o, "Code") : S("");
    if (code.len && !str_eq(code, S("Success")))
        snprintf(why, sizeof why, "says %.*s", STR_ARG(str_sub(code, 0, 80)));
    else if (o)
        set = creds_json_take(o, &names, "imds", why, sizeof why);
    creds_json_free(o);
    if (set)
        source_give(&i->source, set);
    else
        source_fail(&i->source, "%s: %s", i->at.authority, why);
}

/* IAM: names of roles are [\w+=,.@-]+. */
static bool role_ok(struct str s)
{
    for (size_t n = 0; n < s.len; n++) {
        char c = s.ptr[n];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && str_chr(S("_+=,.@-"), c) < 0)
            return false;
    }
    return s.len && s.len <= ROLE_MOST_BYTES;
}

static void on_role(void *arg, const struct fetch_answer *a)
{
    struct imds_source *i = arg;
    if (!good(i, a, "name of the role"))
        return;
    struct str body = a->body, role = source_trim(str_cut(&body, '\n'));
    if (!role_ok(role)) {
        source_fail(&i->source, "%s: what came is not the name of a role", i->at.authority);
        return;
    }
    int len = snprintf(i->path, sizeof i->path, "%.*s%.*s", STR_ARG(keys_path), STR_ARG(role));
    get(i, str_from(i->path, (size_t)len), on_keys);
}

static bool has_no_tokens(const struct fetch_answer *a)
{
    if (a->end == ORIGIN_DONE)
        return a->status == 403 || a->status == 404 || a->status == 405;
    return a->end == ORIGIN_TIMEOUT;
}

static void on_token(void *arg, const struct fetch_answer *a)
{
    struct imds_source *i = arg;
    bool old = has_no_tokens(a) && !i->v1_disabled;
    if (!old && !good(i, a, "session token"))
        return;
    i->errand = NULL;
    struct str token = source_trim(a->body);
    if (!old) {
        if (!token.len || token.len > sizeof i->token_bytes || !fields_value_ok(token)) {
            source_fail(&i->source, "%s: malformed session token", i->at.authority);
            return;
        }
        for (size_t n = 0; n < token.len; n++)
            i->token_bytes[n] = token.ptr[n];
        i->token = str_from(i->token_bytes, token.len);
    }
    get(i, keys_path, on_role);
}

static void begin(struct source *s)
{
    struct field ttl = {S("x-aws-ec2-metadata-token-ttl-seconds"), S("21600")};
    ask(of(s), S("PUT"), S("/latest/api/token"), &ttl, on_token);
}

static void fini(struct source *s)
{
    errand_drop(of(s)->errand);
}

static bool is_true(const struct creds_tools *t, const char *name)
{
    return str_ieq(creds_env(t, name), S("true"));
}

struct source *creds_imds_new(struct creds_tools *t, char *err, size_t err_size)
{
    char why[WHY_MAX / 2];
    struct str url = creds_env(t, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    bool ipv6 = str_ieq(creds_env(t, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), S("ipv6"));
    if (is_true(t, "AWS_EC2_METADATA_DISABLED"))
        return NULL;
    if (!url.len)
        url = ipv6 ? S("http://[fd00:ec2::254]") : S("http://169.254.169.254");
    struct imds_source *i = source_new(t, sizeof *i, "imds", begin, fini);
    i->source.extends = true;
    i->v1_disabled = is_true(t, "AWS_EC2_METADATA_V1_DISABLED");
    if (endpoint_parse(url, &i->at, why, sizeof why))
        return &i->source;
    snprintf(err, err_size, "AWS_EC2_METADATA_SERVICE_ENDPOINT: %s", why);
    source_free(&i->source);
    return NULL;
}
