/* SPDX-License-Identifier: Apache-2.0
 *
 * Credentials of a container (ECS, EKS Pod Identity): one GET to an address that the environment
 * names. Clear text goes only where it stays on the machine: loopback and the agents' link-local
 * addresses; anything else must be https, because the answer is a secret.
 *
 * Addresses: AWS SDKs and Tools Reference Guide, "container credential provider", and botocore
 * 1.43 utils.py (ContainerMetadataFetcher), read November 2026.
 */
#include "weir/base/digest.h"
#include "weir/base/file.h"
#include "weir/wire/fields.h"

#include "creds_json.h"
#include "errand.h"

#include <stdio.h>
#include <string.h>

enum { TRY_MS = 2000, TRIES = 3, TOKEN_MOST_BYTES = 32 * 1024 };

struct container_source {
    struct source source;
    struct endpoint at;
    struct str target;     /* path and query */
    struct str token_file; /* ends with NUL; empty: none */
    struct errand *errand;
};

static struct container_source *of(struct source *s)
{
    return (struct container_source *)(void *)s;
}

static void on_answer(void *arg, const struct fetch_answer *a)
{
    static const struct creds_names names = {"AccessKeyId", "SecretAccessKey", "Token",
                                             "Expiration", false};
    struct container_source *c = arg;
    char why[WHY_MAX / 2];
    c->errand = NULL;
    if (a->end != ORIGIN_DONE) {
        source_fail(&c->source, "%s: %s", c->at.authority, a->why);
        return;
    }
    if (a->status != 200) {
        source_fail(&c->source, "%s: status %d", c->at.authority, a->status);
        return;
    }
    cJSON *o = creds_json_parse(a->body, why, sizeof why);
    struct creds *set = o ? creds_json_take(o, &names, "container", why, sizeof why) : NULL;
    creds_json_free(o);
    if (set)
        source_give(&c->source, set);
    else
        source_fail(&c->source, "%s: %s", c->at.authority, why);
}

static void ask(struct container_source *c, struct str token)
{
    struct field authorization = {S("authorization"), token};
    struct errand_options o = {.at = c->at,
                               .local = true,
                               .method = S("GET"),
                               .target = c->target,
                               .fields = &authorization,
                               .n_fields = token.len ? 1 : 0,
                               .try_ms = TRY_MS,
                               .tries = TRIES};
    c->errand = errand_start(c->source.tools, &o, on_answer, c);
}

/* The file is read each time: its writer replaces it. */
static void begin(struct source *s)
{
    struct container_source *c = of(s);
    struct buf text = {0};
    char why[WHY_MAX] = "";
    struct str token = creds_env(s->tools, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (c->token_file.len) {
        if (file_read(c->token_file.ptr, TOKEN_MOST_BYTES, &text, why, sizeof why) == 0)
            token = source_trim(buf_str(&text));
    }
    if (why[0])
        source_fail(s, "%s", why);
    else if (!fields_value_ok(token))
        source_fail(s, "the container's authorization token has control bytes");
    else
        ask(c, token);
    if (text.data)
        secret_wipe(text.data, text.cap);
    buf_fini(&text);
}

static void fini(struct source *s)
{
    errand_drop(of(s)->errand);
}

static bool host_ok(const struct endpoint *e)
{
    static const char *const agents[] = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23"};
    for (size_t i = 0; i < sizeof agents / sizeof *agents; i++)
        if (strcmp(e->host, agents[i]) == 0)
            return true;
    return e->tls || endpoint_is_loopback(e);
}

/* Splits "scheme://authority/path?query"; endpoint_parse takes no query. */
static bool full_uri(struct container_source *c, struct str uri, char *err, size_t err_size)
{
    ptrdiff_t scheme = str_find(uri, S("://"));
    struct str rest = str_from_offset(uri, scheme < 0 ? uri.len : (size_t)scheme + 3);
    ptrdiff_t slash = str_chr(rest, '/');
    c->target = slash < 0 ? S("/") : str_from_offset(rest, (size_t)slash);
    struct str front = str_sub(uri, 0, uri.len - (slash < 0 ? 0 : c->target.len));
    return endpoint_parse(front, &c->at, err, err_size);
}

static bool target_ok(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f || s.ptr[i] == '#')
            return false;
    return s.len && *s.ptr == '/';
}

/* Where to ask; false with a sentence when that is wrong. */
static bool locate(struct container_source *c, struct str relative, struct str full, char *err,
                   size_t err_size)
{
    const char *name = relative.len ? "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
                                    : "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    char why[WHY_MAX / 2] = "";
    c->target = relative;
    bool ok = relative.len ? endpoint_parse(S("http://169.254.170.2"), &c->at, why, sizeof why)
                           : full_uri(c, full, why, sizeof why);
    if (ok && !target_ok(c->target))
        snprintf(why, sizeof why, "its path must begin with / and hold no blanks");
    else if (ok && !host_ok(&c->at))
        snprintf(why, sizeof why,
                 "http is only for loopback, 169.254.170.2, 169.254.170.23 and fd00:ec2::23; "
                 "elsewhere use https");
    if (why[0])
        snprintf(err, err_size, "%s: %s", name, why);
    return !why[0];
}

struct source *creds_container_new(struct creds_tools *t, char *err, size_t err_size)
{
    struct str relative = creds_env(t, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    struct str full = creds_env(t, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (!relative.len && !full.len)
        return NULL;
    struct container_source *c = source_new(t, sizeof *c, "container", begin, fini);
    if (!locate(c, relative, full, err, err_size)) {
        source_free(&c->source);
        return NULL;
    }
    c->target = arena_dup(&c->source.arena, c->target);
    c->token_file =
        arena_dup(&c->source.arena, creds_env(t, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"));
    return source_checked(&c->source, err, err_size);
}
