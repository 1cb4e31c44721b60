/* SPDX-License-Identifier: Apache-2.0
 *
 * An errand for each question. When a refusal shows that our clock is wrong, the signer learns it,
 * and the question is asked once more.
 */
#include "control_plane.h"

#include "weir/base/mem.h"

enum { OPTION_BYTES = 16 * 1024 };

void control_plane_init(struct control_plane *p, struct loop *l, struct dns *dns,
                        const struct bedrock_control_options *o)
{
    arena_init(&p->arena, OPTION_BYTES);
    list_init(&p->calls);
    p->at = o->at;
    p->region = arena_dup(&p->arena, o->region);
    p->tools = (struct creds_tools){.loop = l, .dns = dns, .signer = aws_signer_new()};
    p->tools.o.ca_file = o->ca_file ? arena_dup(&p->arena, str_of(o->ca_file)).ptr : NULL;
    p->tools.o.proxy_host = arena_dup(&p->arena, o->proxy_host);
    p->tools.o.proxy_port = o->proxy_port;
    p->tools.o.proxy_authorization = arena_dup(&p->arena, o->proxy_authorization);
}

void control_plane_fini(struct control_plane *p)
{
    while (!list_empty(&p->calls))
        control_call_drop(LIST_OF(p->calls.next, struct control_call, node));
    aws_signer_free(p->tools.signer);
    tls_unref(p->tools.tls);
    arena_wipe(&p->arena); /* a proxy's password */
    arena_fini(&p->arena);
}

void *control_call_new(struct control_plane *p, size_t size, struct creds *creds)
{
    struct control_call *c = mem_new(size);
    c->plane = p;
    c->creds = creds_ref(creds);
    list_append(&p->calls, &c->node);
    return c;
}

void control_call_free(struct control_call *c)
{
    list_remove(&c->node);
    if (c->fini)
        c->fini(c);
    creds_unref(c->creds);
    buf_fini(&c->target);
    buf_fini(&c->body);
    mem_free(c);
}

void control_call_drop(struct control_call *c)
{
    if (!c || c->telling)
        return;
    errand_drop(c->errand);
    control_call_free(c);
}

static void on_answer(void *arg, const struct fetch_answer *a)
{
    struct control_call *c = arg;
    struct control_plane *p = c->plane;
    bool trusted = p->at.tls || endpoint_is_loopback(&p->at);
    c->errand = NULL;
    if (!c->learned && a->end == ORIGIN_DONE && trusted &&
        aws_signer_learn(p->tools.signer, a->status, a->fields, c->signed_with_s)) {
        c->learned = true;
        control_call_ask(c);
        return;
    }
    c->telling = true;
    bool over = c->on_answer(c, a);
    c->telling = false;
    if (over)
        control_call_free(c);
}

void control_call_ask(struct control_call *c)
{
    struct control_plane *p = c->plane;
    static const struct field json = {STR("content-type"), STR("application/json")};
    struct errand_options o = {.at = p->at,
                               .creds = c->creds,
                               .region = p->region,
                               .service = S("bedrock"),
                               .method = c->method,
                               .target = buf_str(&c->target),
                               .fields = &json,
                               .n_fields = buf_len(&c->body) ? 1 : 0,
                               .body = buf_str(&c->body),
                               .max_bytes = c->max_bytes,
                               .try_ms = c->try_ms,
                               .tries = 1};
    c->signed_with_s = aws_signer_offset(p->tools.signer);
    c->errand = errand_start(&p->tools, &o, on_answer, c);
}
