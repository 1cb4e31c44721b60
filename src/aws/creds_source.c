/* SPDX-License-Identifier: Apache-2.0
 *
 * What all sources share: how they are made and end, and how they look at the world around them
 * (environment, home directory, region).
 */
#include "creds_source.h"

#include "weir/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SOURCE_MOST_BYTES = 256 * 1024 };

struct str creds_env(const struct creds_tools *t, const char *name)
{
    return str_of(t->o.getenv ? t->o.getenv(name) : getenv(name));
}

struct str creds_path(const struct creds_tools *t, struct arena *a, struct str path)
{
    struct str home = creds_env(t, "HOME");
    if (!str_starts(path, S("~/")))
        return arena_dup(a, path);
    if (!home.len)
        return (struct str){NULL, 0};
    return arena_printf(a, "%.*s%.*s", STR_ARG(home), STR_ARG(str_from_offset(path, 1)));
}

struct str creds_region(const struct creds_tools *t, struct str fallback)
{
    struct str region = t->o.region;
    if (!region.len)
        region = creds_env(t, "AWS_REGION");
    if (!region.len)
        region = creds_env(t, "AWS_DEFAULT_REGION");
    return region.len ? region : fallback;
}

void *source_new(struct creds_tools *t, size_t size, const char *name,
                 void (*begin)(struct source *s), void (*fini)(struct source *s))
{
    struct source *s = mem_new(size);
    s->tools = t;
    s->name = name;
    s->begin = begin;
    s->fini = fini;
    arena_init(&s->arena, SOURCE_MOST_BYTES);
    return s;
}

void source_start(struct source *s, source_done *done, void *arg)
{
    s->done = done;
    s->arg = arg;
    s->begin(s);
}

void source_free(struct source *s)
{
    if (!s)
        return;
    if (s->fini)
        s->fini(s);
    arena_fini(&s->arena);
    mem_free(s);
}

void source_give(struct source *s, struct creds *set)
{
    s->done(s->arg, set, NULL);
}

void source_fail(struct source *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->why, sizeof s->why, format, args);
    va_end(args);
    s->done(s->arg, NULL, s->why);
}

struct source *source_checked(struct source *s, char *err, size_t err_size)
{
    if (!s->arena.full)
        return s;
    snprintf(err, err_size, "credentials (%s): a setting is too long", s->name);
    source_free(s);
    return NULL;
}

struct str source_trim(struct str s)
{
    while (s.len && (unsigned char)s.ptr[s.len - 1] <= ' ')
        s.len--;
    while (s.len && (unsigned char)*s.ptr <= ' ')
        s = str_from_offset(s, 1);
    return s;
}

struct role role_copy(struct arena *a, const struct role *r)
{
    return (struct role){.arn = arena_dup(a, r->arn),
                         .session_name = arena_dup(a, r->session_name),
                         .external_id = arena_dup(a, r->external_id),
                         .region = arena_dup(a, r->region),
                         .tag_key = arena_dup(a, r->tag_key),
                         .tag_value = arena_dup(a, r->tag_value),
                         .duration_s = r->duration_s};
}

/* --- a set at hand */

struct ready {
    struct source source;
    struct creds *set;
};

static void ready_begin(struct source *s)
{
    struct ready *r = (struct ready *)(void *)s;
    source_give(s, creds_ref(r->set));
}

static void ready_fini(struct source *s)
{
    struct ready *r = (struct ready *)(void *)s;
    creds_unref(r->set);
}

struct source *source_ready(struct creds_tools *t, const char *name, struct creds *set,
                            int64_t recheck_ms)
{
    struct ready *r = source_new(t, sizeof *r, name, ready_begin, ready_fini);
    r->set = set;
    r->source.recheck_ms = recheck_ms;
    return &r->source;
}
