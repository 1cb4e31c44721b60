/* SPDX-License-Identifier: Apache-2.0
 *
 * An assumed role: first the credentials of the source inside, then AssumeRole signed with them.
 * They are loaded anew each time, so that what is inside may expire too. What is inside may be
 * another chain: then its newest set signs, and it hears of it when STS does not know that set.
 */
#include "sts.h"

struct role_source {
    struct source source;
    struct source *inner;
    struct creds_chain *base; /* inside is its newest set; or NULL */
    uint64_t base_version;    /* that signed */
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
    if (sts_says_stale(a))
        creds_refused(r->base, r->base_version);
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
    r->base_version = set->version;
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

/* --- with another chain inside */

struct chain_source {
    struct source source;
    struct creds_chain *chain;
};

static void give_newest(struct source *s)
{
    struct creds_chain *chain = ((struct chain_source *)(void *)s)->chain;
    struct creds *set = creds_get(chain);
    if (set && !set->bearer.len) {
        source_give(s, set);
        return;
    }
    if (set)
        source_fail(s, "they are a Bedrock API key, and STS takes none");
    else
        source_fail(s, "%s", *creds_trouble(chain) ? creds_trouble(chain) : "there are none");
    creds_unref(set);
}

struct source *creds_role_of_chain(struct creds_tools *t, struct creds_chain *base,
                                   const struct role *r, char *err, size_t err_size)
{
    struct chain_source *inner =
        source_new(t, sizeof *inner, "Weir's own credentials", give_newest, NULL);
    inner->chain = base;
    struct source *s = creds_role_new(t, &inner->source, r, err, err_size);
    if (s)
        of(s)->base = base;
    return s;
}
