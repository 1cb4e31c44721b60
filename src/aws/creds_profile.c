/* SPDX-License-Identifier: Apache-2.0
 *
 * A profile of the shared files, turned into a source. A profile that assumes a role is a source
 * around the source of another profile, and so on down to keys, a process, SSO or a machine:
 *
 *     [profile a] role_arn, source_profile = b      role(a)
 *     [profile b] role_arn, source_profile = c        `- role(b)
 *     [c] aws_access_key_id ...                             `- keys(c)
 *
 * Within one profile the order is botocore's (1.43, credentials.py, read November 2026): role,
 * web identity, SSO, keys of the credentials file, process, keys of the config file.
 */
#include "weir/base/text.h"

#include "profiles.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    DEEPEST = 8,
    RECHECK_MS = 60 * 1000, /* keys in a file have no expiry, but people change them */
    DURATION_LEAST_S = 900, /* STS: roleDurationSecondsType */
    DURATION_MOST_S = 43200,
};

struct walk {
    struct creds_tools *tools;
    struct profiles p;
    struct str seen[DEEPEST]; /* profiles with roles, on the way down */
    size_t n_seen;
    char *err;
    size_t err_size;
};

static struct source *source_of(struct walk *w, struct str name, bool as_source);

static const struct setting *find(const struct walk *w, struct str name, const char *key)
{
    return profiles_find(&w->p, PROFILE, name, key);
}

static struct str get(const struct walk *w, struct str name, const char *key)
{
    return profiles_get(&w->p, PROFILE, name, key);
}

/* "file:line: profile "x": ..." */
static struct source *wrong(struct walk *w, const struct setting *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static struct source *wrong(struct walk *w, const struct setting *at, const char *format, ...)
{
    char why[WHY_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    snprintf(w->err, w->err_size, "%s:%u: profile \"%.*s\": %s", at->path, at->line,
             STR_ARG(at->name), why);
    return NULL;
}

/* --- keys */

static struct source *keys_of(struct walk *w, const struct setting *id)
{
    struct str token = {0}, secret = {0};
    const struct setting *s = find(w, id->name, "aws_secret_access_key");
    char why[WHY_MAX];
    if (s && s->config == id->config) /* halves of two files do not belong together */
        secret = s->value;
    s = find(w, id->name, "aws_session_token");
    if (s && s->config == id->config)
        token = s->value;
    struct creds *set = creds_make(id->value, secret, token, 0, "profile", why, sizeof why);
    return set ? source_ready(w->tools, "profile", set, RECHECK_MS) : wrong(w, id, "%s", why);
}

/* --- roles */

static bool read_role(struct walk *w, const struct setting *arn, struct role *out)
{
    const struct setting *duration = find(w, arn->name, "duration_seconds");
    uint64_t seconds = 0;
    if (duration && (!text_u64(duration->value, &seconds) || seconds < DURATION_LEAST_S ||
                     seconds > DURATION_MOST_S)) {
        wrong(w, duration, "duration_seconds must be a number from %d to %d", DURATION_LEAST_S,
              DURATION_MOST_S);
        return false;
    }
    *out = (struct role){.arn = arn->value,
                         .session_name = get(w, arn->name, "role_session_name"),
                         .external_id = get(w, arn->name, "external_id"),
                         .region = get(w, arn->name, "region"),
                         .duration_s = (int64_t)seconds};
    return true;
}

static struct source *machine(struct walk *w, const struct setting *at)
{
    static const struct {
        struct str name;
        struct source *(*make)(struct creds_tools *t, char *err, size_t err_size);
    } machines[] = {{STR("Environment"), creds_env_keys_new},
                    {STR("Ec2InstanceMetadata"), creds_imds_new},
                    {STR("EcsContainer"), creds_container_new}};
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        if (!str_ieq(at->value, machines[i].name))
            continue;
        struct source *s = machines[i].make(w->tools, w->err, w->err_size);
        if (s || w->err[0])
            return s;
        return wrong(w, at, "credential_source %.*s, but nothing of it is configured here",
                     STR_ARG(at->value));
    }
    return wrong(w, at,
                 "credential_source \"%.*s\" is not one of Environment, "
                 "Ec2InstanceMetadata, EcsContainer",
                 STR_ARG(at->value));
}

static struct source *inner_of(struct walk *w, const struct setting *arn)
{
    const struct setting *profile = find(w, arn->name, "source_profile");
    const struct setting *kind = find(w, arn->name, "credential_source");
    if (profile && kind)
        return wrong(w, kind, "both source_profile and credential_source; keep one");
    if (kind)
        return machine(w, kind);
    if (!profile)
        return wrong(w, arn,
                     "role_arn needs source_profile, credential_source or "
                     "web_identity_token_file");
    if (!profiles_have(&w->p, PROFILE, profile->value))
        return wrong(w, profile, "source_profile \"%.*s\" does not exist", STR_ARG(profile->value));
    struct source *s = source_of(w, profile->value, true);
    if (s || w->err[0])
        return s;
    return wrong(w, profile, "source_profile \"%.*s\" has no credentials", STR_ARG(profile->value));
}

static bool was_seen(const struct walk *w, struct str name)
{
    for (size_t i = 0; i < w->n_seen; i++)
        if (str_eq(w->seen[i], name))
            return true;
    return false;
}

static struct source *role_of(struct walk *w, const struct setting *arn)
{
    const struct setting *mfa = find(w, arn->name, "mfa_serial");
    const struct setting *token = find(w, arn->name, "web_identity_token_file");
    struct role role;
    if (was_seen(w, arn->name))
        return wrong(w, arn, "its source_profile settings form a loop");
    if (w->n_seen == DEEPEST)
        return wrong(w, arn, "more than %d roles behind one another", DEEPEST);
    w->seen[w->n_seen++] = arn->name;
    if (mfa)
        return wrong(w, mfa,
                     "mfa_serial asks a person for a code, which a daemon cannot; use a "
                     "role without it, or credential_process");
    if (!read_role(w, arn, &role))
        return NULL;
    if (token)
        return creds_web_role_new(w->tools, &role, token->value, w->err, w->err_size);
    struct source *inner = inner_of(w, arn);
    return inner ? creds_role_new(w->tools, inner, &role, w->err, w->err_size) : NULL;
}

/* --- SSO */

static struct source *sso_of(struct walk *w, const struct setting *at)
{
    const struct setting *session = find(w, at->name, "sso_session");
    struct sso sso = {.profile = at->name,
                      .account_id = get(w, at->name, "sso_account_id"),
                      .role_name = get(w, at->name, "sso_role_name"),
                      .start_url = get(w, at->name, "sso_start_url"),
                      .region = get(w, at->name, "sso_region")};
    if (session) {
        if (!profiles_have(&w->p, SSO_SESSION, session->value))
            return wrong(w, session, "[sso-session %.*s] does not exist", STR_ARG(session->value));
        sso.session = session->value;
        sso.start_url = profiles_get(&w->p, SSO_SESSION, session->value, "sso_start_url");
        sso.region = profiles_get(&w->p, SSO_SESSION, session->value, "sso_region");
    }
    if (!sso.start_url.len || !sso.region.len || !sso.account_id.len || !sso.role_name.len)
        return wrong(w, at,
                     "SSO needs sso_start_url, sso_region (here or in the sso-session), "
                     "sso_account_id and sso_role_name");
    return creds_sso_new(w->tools, &sso, w->err, w->err_size);
}

/* --- a profile */

/* `as_source`: another profile's role builds on this one; keys then beat a role, and a profile may
 * name itself. NULL with err empty when there is nothing in it. */
static struct source *source_of(struct walk *w, struct str name, bool as_source)
{
    const struct setting *id = find(w, name, "aws_access_key_id");
    const struct setting *arn = find(w, name, "role_arn");
    const struct setting *process = find(w, name, "credential_process");
    const struct setting *sso = find(w, name, "sso_account_id");
    if (!sso) /* a session alone is for tokens, not for keys */
        sso = find(w, name, "sso_role_name");
    if (as_source && id)
        return keys_of(w, id);
    if (arn)
        return role_of(w, arn);
    if (sso)
        return sso_of(w, sso);
    if (id && (!id->config || !process))
        return keys_of(w, id);
    if (process)
        return creds_process_new(w->tools, process->value, w->err, w->err_size);
    return NULL;
}

static struct source *chosen(struct walk *w)
{
    struct creds_tools *t = w->tools;
    struct str name = t->o.profile;
    if (!name.len)
        name = creds_env(t, "AWS_PROFILE");
    if (!name.len)
        name = creds_env(t, "AWS_DEFAULT_PROFILE");
    if (!name.len)
        name = S("default");
    if (profiles_have(&w->p, PROFILE, name) || str_eq(name, S("default")))
        return source_of(w, name, false);
    snprintf(w->err, w->err_size,
             "profile \"%.*s\" is neither in the AWS config file nor in the credentials file "
             "(~/.aws/config, ~/.aws/credentials, or where AWS_CONFIG_FILE and "
             "AWS_SHARED_CREDENTIALS_FILE point)",
             STR_ARG(name));
    return NULL;
}

struct source *creds_profile_new(struct creds_tools *t, char *err, size_t err_size)
{
    struct walk w = {.tools = t, .err = err, .err_size = err_size};
    struct source *s = NULL;
    if (profiles_load(&w.p, t, err, err_size) == 0)
        s = chosen(&w);
    profiles_fini(&w.p);
    return s;
}
