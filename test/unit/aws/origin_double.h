/* SPDX-License-Identifier: Apache-2.0
 *
 * A stand-in for net/origin and net/tls: no sockets. Each call is shown to the test's `serve`,
 * which fills in an answer; the answer comes from the loop, as with the real one. Included once by
 * a test program; its definitions take the place of the library's.
 */
#ifndef WEIR_TEST_AWS_ORIGIN_DOUBLE_H
#define WEIR_TEST_AWS_ORIGIN_DOUBLE_H

#include "weir/base/buf.h"
#include "weir/base/mem.h"
#include "weir/net/origin.h"

#include <assert.h>
#include <string.h>

struct origin {
    struct loop *loop;
    struct origin_options o;
    char host[256], proxy[256];
};

/* What one call would have sent. */
struct heard {
    const struct origin *origin;
    const struct origin_call *call;
    struct str body; /* its pieces put together */
};

struct reply {
    enum origin_end end; /* ORIGIN_DONE by default: then status and body */
    int status;
    struct str body; /* must outlive the answer: literals, or what the test keeps */
    struct fields fields;
    bool silent;  /* nothing comes */
    bool no_head; /* end comes without a head */
};

static void (*serve)(const struct heard *h, struct reply *out);
static int origins_open, calls_open;

struct pending {
    struct origin_call *call;
    struct later answer;
    struct loop *loop;
    struct reply reply;
    struct buf body;
    size_t credit;
};

struct origin *origin_new(struct loop *l, struct dns *dns, const struct origin_options *o)
{
    struct origin *origin = mem_new(sizeof *origin);
    origin->loop = l;
    origin->o = *o;
    memcpy(origin->host, o->host.ptr, o->host.len);
    if (o->proxy_host.len)
        memcpy(origin->proxy, o->proxy_host.ptr, o->proxy_host.len);
    origins_open++;
    return origin;
}

void origin_free(struct origin *o)
{
    if (!o)
        return;
    origins_open--;
    mem_free(o);
}

static void forget(struct pending *p)
{
    later_cancel(&p->answer);
    p->call->stream = NULL;
    buf_fini(&p->body);
    mem_free(p);
    calls_open--;
}

/* Head, the body in two pieces, end; the owner may cancel after each. */
static void answer(void *arg)
{
    struct pending *p = arg;
    struct origin_call *c = p->call;
    struct reply r = p->reply;
    if (r.status && !r.no_head) {
        c->sink->on_head(c->arg, r.status, &r.fields, (int64_t)r.body.len);
        size_t half = r.body.len / 2;
        if (c->stream == p && half)
            c->sink->on_bytes(c->arg, str_sub(r.body, 0, half));
        if (c->stream == p && r.body.len)
            c->sink->on_bytes(c->arg, str_from_offset(r.body, half));
        if (c->stream != p)
            return;
    }
    forget(p);
    c->sink->on_end(c->arg, r.end, r.end == ORIGIN_DONE ? "" : "the double says so");
}

void origin_start(struct origin *o, struct origin_call *c)
{
    struct pending *p = mem_new(sizeof *p);
    p->call = c;
    p->loop = o->loop;
    calls_open++;
    c->stream = p;
    later_init(&p->answer, answer, p);
    for (size_t i = 0; i < c->n_body; i++)
        buf_add(&p->body, c->body[i]);
    struct heard h = {o, c, buf_str(&p->body)};
    serve(&h, &p->reply);
    if (!p->reply.silent)
        loop_next_turn(o->loop, &p->answer);
}

void origin_credit(struct origin_call *c, size_t n)
{
    ((struct pending *)c->stream)->credit += n;
}

void origin_cancel(struct origin_call *c)
{
    assert(c->stream);
    forget(c->stream);
}

/* --- TLS: only that it was asked for */

struct tls {
    int users;
};

static struct tls the_tls;
static const char *tls_fault; /* what tls_client_new says; NULL: all is well */

struct tls *tls_client_new(const char *ca_file, bool alpn_h2, char *err, size_t err_size)
{
    if (tls_fault) {
        strncpy(err, tls_fault, err_size - 1);
        return NULL;
    }
    the_tls.users++;
    return &the_tls;
}

void tls_unref(struct tls *t)
{
    if (t)
        t->users--;
}

/* The value of a field that was sent; ptr NULL when it was not. */
static inline struct str sent(const struct heard *h, const char *name)
{
    for (size_t i = 0; i < h->call->n_fields; i++)
        if (str_eq(h->call->fields[i].name, str_of(name)))
            return h->call->fields[i].value;
    return (struct str){NULL, 0};
}

#endif
