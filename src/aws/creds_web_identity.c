/* SPDX-License-Identifier: Apache-2.0
 *
 * A role by the token of another identity provider (EKS service accounts, CI systems): the token
 * file is read at each load, because the one who writes it replaces it.
 */
#include "weir/base/digest.h"
#include "weir/base/file.h"

#include "sts.h"

#include <stdio.h>

enum { TOKEN_MOST_BYTES = 20000 }; /* STS: clientTokenType */

struct web_source {
    struct source source;
    struct role role;
    struct str token_file; /* ends with NUL */
    struct errand *errand;
};

static struct web_source *of(struct source *s)
{
    return (struct web_source *)(void *)s;
}

static void on_answer(void *arg, const struct fetch_answer *a)
{
    struct web_source *w = arg;
    char why[WHY_MAX / 2];
    w->errand = NULL;
    struct creds *set = sts_read(a, w->source.name, why, sizeof why);
    if (set)
        source_give(&w->source, set);
    else
        source_fail(&w->source, "%.*s with the token of %s: %s", STR_ARG(w->role.arn),
                    w->token_file.ptr, why);
}

static void start(struct web_source *w, struct str token)
{
    char why[WHY_MAX / 2];
    if (!token.len) {
        source_fail(&w->source, "%s: the token file is empty", w->token_file.ptr);
        return;
    }
    w->errand = sts_start(w->source.tools, &w->role, NULL, token, on_answer, w, why, sizeof why);
    if (!w->errand)
        source_fail(&w->source, "%s", why);
}

static void begin(struct source *s)
{
    struct web_source *w = of(s);
    struct buf text = {0};
    char why[WHY_MAX];
    if (file_read(w->token_file.ptr, TOKEN_MOST_BYTES, &text, why, sizeof why) == 0)
        start(w, source_trim(buf_str(&text)));
    else
        source_fail(s, "%s", why);
    if (text.data)
        secret_wipe(text.data, text.cap);
    buf_fini(&text);
}

static void fini(struct source *s)
{
    errand_drop(of(s)->errand);
}

struct source *creds_web_role_new(struct creds_tools *t, const struct role *r,
                                  struct str token_file, char *err, size_t err_size)
{
    struct web_source *w = source_new(t, sizeof *w, "web-identity", begin, fini);
    w->role = role_copy(&w->source.arena, r);
    w->token_file = arena_dup(&w->source.arena, token_file);
    return source_checked(&w->source, err, err_size);
}

struct source *creds_web_identity_new(struct creds_tools *t, char *err, size_t err_size)
{
    struct str token_file = creds_env(t, "AWS_WEB_IDENTITY_TOKEN_FILE");
    struct role role = {.arn = creds_env(t, "AWS_ROLE_ARN"),
                        .session_name = creds_env(t, "AWS_ROLE_SESSION_NAME")};
    if (!token_file.len)
        return NULL;
    if (role.arn.len)
        return creds_web_role_new(t, &role, token_file, err, err_size);
    snprintf(err, err_size, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not");
    return NULL;
}
