/* SPDX-License-Identifier: Apache-2.0
 *
 * The errand: make an origin, fetch, perhaps fetch again after a short wait with jitter, tell. The
 * origin is freed at the end of the turn, because the last word comes from inside it.
 */
#include "errand.h"

#include "weir/base/mem.h"
#include "weir/base/random.h"

#include <stdio.h>

enum { MOST_FIELDS = 8, FIRST_WAIT_MS = 100, MOST_BYTES = 128 * 1024 };

struct errand {
    struct creds_tools *tools;
    struct arena arena;
    struct errand_options o;
    struct field fields[MOST_FIELDS];
    struct str body;
    struct aws_target target;
    struct fetch *fetch;
    struct timer wait;
    struct later refuse, bury;
    unsigned tried;
    bool ended; /* the owner was told: only the burial is left */
    void (*done)(void *arg, const struct fetch_answer *a);
    void *arg;
    char why[256];
};

static void bury(void *arg)
{
    struct errand *e = arg;
    origin_free(e->target.origin);
    creds_unref(e->o.creds);
    arena_wipe(&e->arena); /* tokens travel in fields and bodies */
    arena_fini(&e->arena);
    mem_free(e);
}

static void end(struct errand *e, const struct fetch_answer *a)
{
    e->ended = true;
    loop_later(e->tools->loop, &e->bury);
    e->done(e->arg, a);
}

static bool worth_again(const struct fetch_answer *a)
{
    if (a->too_big)
        return false;
    return a->end != ORIGIN_DONE || a->status == 429 || a->status >= 500;
}

static void on_answer(void *arg, const struct fetch_answer *a)
{
    struct errand *e = arg;
    e->fetch = NULL;
    if (e->tried < e->o.tries && worth_again(a)) {
        uint64_t most_ms = (uint64_t)FIRST_WAIT_MS << e->tried;
        timer_start(&e->wait, (int64_t)(most_ms / 2 + random_below(most_ms / 2)));
        return;
    }
    end(e, a);
}

static void try_once(void *arg)
{
    struct errand *e = arg;
    struct aws_request r = {.method = e->o.method,
                            .target = e->o.target,
                            .fields = e->fields,
                            .n_fields = e->o.n_fields,
                            .body = &e->body,
                            .n_body = e->body.len ? 1 : 0};
    struct fetch_limits limits = {e->o.max_bytes ? e->o.max_bytes : ERRAND_MOST_BYTES, e->o.try_ms};
    e->tried++;
    e->fetch = fetch_start(e->tools->loop, e->tools->signer, &e->target, e->o.creds, &r, &limits,
                           on_answer, e);
}

static void refuse(void *arg)
{
    struct errand *e = arg;
    static const struct fields none;
    struct fetch_answer a = {.end = ORIGIN_UNREACHABLE, .fields = &none, .why = e->why};
    end(e, &a);
}

static void copy(struct errand *e, const struct errand_options *o)
{
    e->o = *o;
    e->o.creds = creds_ref(o->creds);
    e->o.method = arena_dup(&e->arena, o->method);
    e->o.target = arena_dup(&e->arena, o->target);
    e->body = arena_dup(&e->arena, o->body);
    for (size_t i = 0; i < o->n_fields && i < MOST_FIELDS; i++)
        e->fields[i] = (struct field){arena_dup(&e->arena, o->fields[i].name),
                                      arena_dup(&e->arena, o->fields[i].value)};
    e->target = (struct aws_target){.authority = str_of(e->o.at.authority),
                                    .base_path = str_of(e->o.at.base_path),
                                    .region = arena_dup(&e->arena, o->region),
                                    .service = arena_dup(&e->arena, o->service)};
    if (e->arena.full || o->n_fields > MOST_FIELDS)
        snprintf(e->why, sizeof e->why, "the request is too large");
}

static bool open_origin(struct errand *e)
{
    struct creds_tools *t = e->tools;
    struct tls *tls = NULL;
    if (e->o.at.tls) {
        if (!t->tls)
            t->tls = tls_client_new(t->o.ca_file, false, e->why, sizeof e->why);
        tls = t->tls;
    }
    if (e->why[0])
        return false;
    struct origin_options o = {.host = str_of(e->o.at.host),
                               .port = e->o.at.port,
                               .tls = tls,
                               .connect_ms =
                                   e->o.try_ms / 2, /* so that a deadline means: no answer */
                               .idle_ms = e->o.try_ms,
                               .most_connections = 1};
    if (!e->o.local) {
        o.proxy_host = t->o.proxy_host;
        o.proxy_port = t->o.proxy_port;
        o.proxy_authorization = t->o.proxy_authorization;
    }
    e->target.origin = origin_new(t->loop, t->dns, &o);
    return true;
}

struct errand *errand_start(struct creds_tools *t, const struct errand_options *o,
                            void (*done)(void *arg, const struct fetch_answer *a), void *arg)
{
    struct errand *e = mem_new(sizeof *e);
    e->tools = t;
    e->done = done;
    e->arg = arg;
    arena_init(&e->arena, MOST_BYTES);
    timer_init(&e->wait, t->loop, try_once, e);
    later_init(&e->refuse, refuse, e);
    later_init(&e->bury, bury, e);
    copy(e, o);
    if (open_origin(e))
        try_once(e);
    else
        loop_later(t->loop, &e->refuse);
    return e;
}

void errand_drop(struct errand *e)
{
    if (!e || e->ended)
        return;
    timer_stop(&e->wait);
    later_cancel(&e->refuse);
    fetch_drop(e->fetch);
    bury(e);
}
