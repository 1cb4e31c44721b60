/* SPDX-License-Identifier: Apache-2.0
 *
 * An assumed role: first the credentials of the source inside, then AssumeRole signed with them.
 * They are loaded anew each time, so that what is inside may expire too.
 */
#include "sts.h"

struct role_source {
    struct source source;
    struct source *inner;
    struct role role;
    struct errand *errand;
};

static struct role_source *of(struct source *s)
{
    return (struct role_source *)(void *)s;
}

static void on_answer(void *arg, const struct fetch_answer *a)
{
    struct role_source *r = arg;
    char why[WHY_MAX / 2];
    r->errand = NULL;
    struct creds *set = sts_read(a, r->source.name, why, sizeof why);
    if (set)
        source_give(&r->source, set);
    else
        source_fail(&r->source, "%.*s: %s", STR_ARG(r->role.arn), why);
}

static void on_inner(void *arg, struct creds *set, const char *why)
{
    struct role_source *r = arg;
    char err[WHY_MAX / 2];
    if (!set) {
        source_fail(&r->source, "%s: %s", r->inner->name, why);
        return;
    }
    r->errand = sts_start(r->source.tools, &r->role, set, (struct str){NULL, 0}, on_answer, r, err,
                          sizeof err);
    creds_unref(set);
    if (!r->errand)
        source_fail(&r->source, "%s", err);
}

static void begin(struct source *s)
{
    source_start(of(s)->inner, on_inner, s);
}

static void fini(struct source *s)
{
    errand_drop(of(s)->errand);
    source_free(of(s)->inner);
}

struct source *creds_role_new(struct creds_tools *t, struct source *inner, const struct role *r,
                              char *err, size_t err_size)
{
    struct role_source *s = source_new(t, sizeof *s, "assume-role", begin, fini);
    s->inner = inner;
    s->role = role_copy(&s->source.arena, r);
    return source_checked(&s->source, err, err_size);
}
