/* SPDX-License-Identifier: Apache-2.0
 *
 * The bucket, and the calls of one request: probe, list, delete. A put is in aws/s3_put, a get in
 * aws/s3_get; uploads that were left open in aws/s3_uploads; how a request is sent and sent again
 * in aws/s3_ask, what an answer means in aws/s3_judge.
 *
 * On AWS the bucket stands in the host's name, elsewhere in the path. A bucket with a dot stands in
 * the path, too: no certificate of AWS fits two labels.
 */
#include "weir/aws/s3.h"

#include "s3_ask.h"
#include "weir/base/mem.h"
#include "weir/wire/uri.h"
#include "weir/wire/xml_pick.h"

#include <stdio.h>
#include <string.h>

enum {
    OPTION_BYTES = 16 * 1024,
    CONNECT_MS = 10 * 1000,
    IDLE_MS = 15 * 1000, /* S3 closes after 20 or so */
    LIST_BYTES_MOST = 4 * 1024 * 1024,
};

/* --- the bucket */

static bool has_own_host(const struct endpoint *e, struct str bucket)
{
    struct str host = str_of(e->host);
    bool s3 = str_starts(host, S("s3.")) || str_starts(host, S("s3-"));
    return s3 && endpoint_is_aws(e) && str_chr(bucket, '.') < 0 &&
           bucket.len + strlen(e->authority) + 1 < sizeof e->host;
}

static void place(struct s3 *s)
{
    const struct endpoint *at = &s->o.at;
    struct str bucket = s->o.bucket;
    s->host = str_of(at->host);
    s->target = (struct aws_target){.authority = str_of(at->authority),
                                    .base_path = str_of(at->base_path),
                                    .region = s->o.region,
                                    .service = S("s3"),
                                    .s3_path = true};
    if (has_own_host(at, bucket)) {
        s->host = arena_printf(&s->arena, "%.*s.%s", STR_ARG(bucket), at->host);
        s->target.authority = arena_printf(&s->arena, "%.*s.%s", STR_ARG(bucket), at->authority);
    } else {
        s->target.base_path = arena_printf(&s->arena, "%s/%.*s", at->base_path, STR_ARG(bucket));
    }
}

static void open_origin(struct s3 *s, struct dns *dns)
{
    if (s->o.at.tls)
        s->tls = tls_client_new(s->o.ca_file, false, s->tls_why, sizeof s->tls_why);
    if (s->o.at.tls && !s->tls)
        return;
    struct origin_options o = {.host = s->host,
                               .port = s->o.at.port,
                               .tls = s->tls,
                               .proxy_host = s->o.proxy_host,
                               .proxy_port = s->o.proxy_port,
                               .proxy_authorization = s->o.proxy_authorization,
                               .connect_ms = CONNECT_MS,
                               .idle_ms = IDLE_MS};
    s->target.origin = origin_new(s->loop, dns, &o);
}

struct s3 *s3_new(struct loop *l, struct dns *dns, const struct s3_options *o)
{
    struct s3 *s = mem_new(sizeof *s);
    arena_init(&s->arena, OPTION_BYTES);
    list_init(&s->calls);
    s->loop = l;
    s->o = *o;
    s->o.region = arena_dup(&s->arena, o->region);
    s->o.bucket = arena_dup(&s->arena, o->bucket);
    s->o.owner = arena_dup(&s->arena, o->owner);
    s->o.kms_key = arena_dup(&s->arena, o->kms_key);
    s->o.ca_file = o->ca_file ? arena_dup(&s->arena, str_of(o->ca_file)).ptr : NULL;
    s->o.proxy_host = arena_dup(&s->arena, o->proxy_host);
    s->o.proxy_authorization = arena_dup(&s->arena, o->proxy_authorization);
    s->signer = aws_signer_new();
    s->trusted = o->at.tls || endpoint_is_loopback(&o->at);
    place(s);
    open_origin(s, dns);
    return s;
}

void s3_free(struct s3 *s)
{
    if (!s)
        return;
    while (!list_empty(&s->calls))
        s3_drop(LIST_OF(s->calls.next, struct s3_call, node));
    origin_free(s->target.origin);
    tls_unref(s->tls);
    aws_signer_free(s->signer);
    arena_wipe(&s->arena); /* a proxy's password */
    arena_fini(&s->arena);
    mem_free(s);
}

/* --- the shell of a call */

static void bury(void *arg)
{
    struct s3_call *c = arg;
    if (c->fini)
        c->fini(c);
    mem_free(c);
}

void *s3_call_new(struct s3 *s, size_t size, void (*stop)(struct s3_call *c),
                  void (*fini)(struct s3_call *c))
{
    struct s3_call *c = mem_new(size);
    c->s3 = s;
    c->stop = stop;
    c->fini = fini;
    later_init(&c->bury, bury, c);
    list_append(&s->calls, &c->node);
    return c;
}

void s3_call_end(struct s3_call *c)
{
    c->over = true;
    list_remove(&c->node);
    loop_later(c->s3->loop, &c->bury);
}

void s3_drop(struct s3_call *c)
{
    if (!c || c->over)
        return;
    c->stop(c);
    if (c->busy) {
        s3_call_end(c);
    } else {
        list_remove(&c->node);
        bury(c);
    }
}

void s3_credit(struct s3_call *c, size_t n)
{
    if (!c->over && c->credit)
        c->credit(c, n);
}

/* --- calls of one request */

struct single {
    struct s3_call call;
    struct s3_ask *ask;
    s3_told *done;
    void (*listed)(void *arg, const struct s3_listed *l);
    void *arg;
};

static void stop_single(struct s3_call *c)
{
    s3_ask_drop(LIST_OF(c, struct single, call)->ask);
}

static struct single *single_new(struct s3 *s, const struct s3_request *r,
                                 void (*answered)(void *arg, const struct s3_answer *a), void *arg)
{
    struct single *c = s3_call_new(s, sizeof *c, stop_single, NULL);
    c->arg = arg;
    c->ask = s3_ask_start(s, r, answered, c);
    return c;
}

static void on_probed(void *arg, const struct s3_answer *a)
{
    struct single *c = arg;
    s3_call_end(&c->call);
    bool none = a->verdict.end == S3_NONE; /* whoever answers 404 without a code */
    c->done(c->arg, none ? S3_REFUSED : a->verdict.end, str_of(a->verdict.why));
}

struct s3_call *s3_probe(struct s3 *s, s3_told *done, void *arg)
{
    struct s3_request r = {.method = S("GET"), .query = S("list-type=2&max-keys=0")};
    struct single *c = single_new(s, &r, on_probed, arg);
    c->done = done;
    return &c->call;
}

static void on_deleted(void *arg, const struct s3_answer *a)
{
    struct single *c = arg;
    s3_call_end(&c->call);
    bool none = a->verdict.end == S3_NONE;
    c->done(c->arg, none ? S3_GOOD : a->verdict.end,
            none ? (struct str){NULL, 0} : str_of(a->verdict.why));
}

struct s3_call *s3_delete(struct s3 *s, struct str key, s3_told *done, void *arg)
{
    struct s3_request r = {.method = S("DELETE"), .key = key};
    struct single *c = single_new(s, &r, on_deleted, arg);
    c->done = done;
    return &c->call;
}

bool s3_read_keys(struct str body, struct buf *room, size_t ends[S3_KEYS_MOST], size_t *n)
{
    struct str rest = body, inside;
    int rc;
    while ((rc = xml_pick_next(&rest, S("Contents"), &inside)) == 0 && *n < S3_KEYS_MOST) {
        if (xml_pick(inside, S("Key"), room) != 0)
            return false;
        ends[(*n)++] = buf_len(room);
    }
    return rc == 0 || rc == ERR_NOT_FOUND;
}

bool s3_is_truncated(struct str body)
{
    struct buf word = {0};
    bool yes = xml_pick(body, S("IsTruncated"), &word) == 0 && str_eq(buf_str(&word), S("true"));
    buf_fini(&word);
    return yes;
}

static void tell_keys(struct single *c, struct str body)
{
    size_t *ends = mem_new(S3_KEYS_MOST * sizeof *ends);
    struct str *keys = mem_new(S3_KEYS_MOST * sizeof *keys);
    struct buf room = {0};
    struct s3_listed l = {.end = S3_GOOD, .keys = keys, .more = s3_is_truncated(body)};
    if (!s3_read_keys(body, &room, ends, &l.n))
        l = (struct s3_listed){.end = S3_FAILED, .why = S("the answer is not a list")};
    for (size_t i = 0; i < l.n; i++) {
        size_t from = i ? ends[i - 1] : 0;
        keys[i] = str_sub(buf_str(&room), from, ends[i] - from);
    }
    c->listed(c->arg, &l);
    buf_fini(&room);
    mem_free(keys);
    mem_free(ends);
}

static void on_listed(void *arg, const struct s3_answer *a)
{
    struct single *c = arg;
    s3_call_end(&c->call);
    if (a->verdict.end == S3_GOOD) {
        tell_keys(c, a->body);
        return;
    }
    struct s3_listed l = {.end = a->verdict.end, .why = str_of(a->verdict.why)};
    if (l.end == S3_NONE)
        l.end = S3_REFUSED;
    c->listed(c->arg, &l);
}

struct s3_call *s3_list(struct s3 *s, struct str prefix,
                        void (*done)(void *arg, const struct s3_listed *l), void *arg)
{
    struct buf query = {0};
    buf_addf(&query, "list-type=2&max-keys=%d&prefix=", S3_KEYS_MOST);
    uri_encode_segment(&query, prefix);
    struct s3_request r = {
        .method = S("GET"), .query = buf_str(&query), .max_bytes = LIST_BYTES_MOST};
    struct single *c = single_new(s, &r, on_listed, arg);
    c->listed = done;
    buf_fini(&query);
    return &c->call;
}
