/* SPDX-License-Identifier: Apache-2.0
 *
 * S3, once for each set of credentials that records are sent with, and for each bucket in use: a
 * job's files stay where they were put when another bucket is configured. That one is asked at its
 * beginning whether it can be used; while it cannot, its pools are closed and go on demand, and it
 * is asked again every few minutes.
 */
#include "batch_jobs.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"

#include <stdio.h>

enum {
    PROBE_AGAIN_MS = 3 * 60 * 1000,
    PROBE_FAILED_MS = 30 * 1000,
    UNKNOWN_MOST_MS = 3 * 1000,
    PLACE_BYTES = 16 * 1024
};

static struct creds *creds_of_place(void *arg)
{
    struct batch_place *p = arg;
    return batch_creds(p->batch, p->name.client, p->name.role);
}

static struct s3 *s3_of(struct batch_place *p)
{
    const struct setup *s = p->batch->setup;
    const struct config *c = s->config;
    char ignored[256];
    struct s3_options o = {.region = c->region,
                           .bucket = p->name.bucket,
                           .owner = p->name.owner,
                           .kms_key = c->batch.kms_key,
                           .ca_file = c->ca_file.len ? c->ca_file.ptr : NULL,
                           .proxy_host = s->has_proxy ? str_of(s->proxy.host) : S(""),
                           .proxy_port = s->proxy.port,
                           .proxy_authorization = str_of(s->proxy_authorization),
                           .creds = creds_of_place,
                           .arg = p};
    if (p->name.bucket.len == 0 || !endpoint_parse(c->s3_url, &o.at, ignored, sizeof ignored))
        return NULL;
    return s3_new(p->batch->loop, p->batch->dns, &o);
}

/* Pools are closed when they have a member; those that come after this are not held at all. */
static void set_refused(struct batch_place *p, bool refused)
{
    p->refused = refused;
    if (p->current && p->name.role.len == 0)
        atomic_store(&p->batch->daemon->bucket_refused, refused);
}

static void add_about(const struct batch_place *p, struct buf *out)
{
    buf_addf(out, "bucket%s%.*s", p->name.client.len ? " of client " : "", STR_ARG(p->name.client));
}

static bool forget_trouble(struct batch_place *p)
{
    struct buf about = {0};
    add_about(p, &about);
    bool had = batch_trouble_over(p->batch, buf_str(&about), NULL);
    buf_fini(&about);
    return had;
}

static void tell(struct batch_place *p, const char *what, struct str why, const char *then)
{
    struct buf about = {0}, sentence = {0};
    add_about(p, &about);
    buf_addf(&sentence, "%s%s%.*s: %.*s; %s", what, p->name.client.len ? " for client " : "",
             STR_ARG(p->name.client), STR_ARG(why), then);
    if (batch_trouble_tell(p->batch, buf_str(&about), buf_str(&sentence)))
        log_say(LOG_ERROR, "batch", "%s", buf_cstr(&sentence));
    buf_fini(&about);
    buf_fini(&sentence);
}

static void refuse(struct batch_place *p, struct str why)
{
    bool news = !p->refused;
    if (news)
        (void)forget_trouble(p); /* it was another one */
    tell(p, "nothing is batched", why,
         "what waits goes on demand; the bucket is tried again every 3 minutes, and by weir batch "
         "retry (docs/LANES.md says what it needs)");
    p->silent = false;
    set_refused(p, true);
    if (news) /* that a job was refused for it is no trouble of its pool */
        batch_pools_reopen(p->batch);
}

static void miss(struct batch_place *p, struct str why)
{
    if (p->refused) /* that it does not answer now is no better */
        return;
    p->silent = true;
    tell(p, "no job can be made", why,
         "jobs wait, and what must go by its deadline goes on demand; the bucket is tried again "
         "every 30 seconds, and by weir batch retry");
}

static void take_back(struct batch_place *p)
{
    bool was_refused = p->refused;
    p->silent = false;
    set_refused(p, false);
    if (forget_trouble(p))
        log_say(LOG_INFO, "batch", "the bucket can be used again%s%.*s",
                p->name.client.len ? " for client " : "", STR_ARG(p->name.client));
    if (was_refused)
        batch_pools_reopen(p->batch);
}

static void on_probe(void *arg, enum s3_end end, struct str why)
{
    struct batch_place *p = arg;
    int64_t now_ms = loop_now_ms(p->batch->loop);
    p->probe = NULL;
    p->probe_ms = now_ms + (end == S3_FAILED ? PROBE_FAILED_MS : PROBE_AGAIN_MS);
    if (end == S3_REFUSED || end == S3_NONE)
        refuse(p, why);
    else if (end == S3_GOOD)
        take_back(p);
    else
        miss(p, why);
    batch_look(p->batch);
}

/* While all is well nobody asks: the puts of jobs say when that has changed. No job is made in a
 * bucket of before. */
static void look(struct batch_place *p, bool now)
{
    bool due = now || p->refused || p->silent || p->probe_ms == 0;
    if (!p->s3 || !p->current || p->probe || !due ||
        (!now && loop_now_ms(p->batch->loop) < p->probe_ms))
        return;
    struct creds *creds = creds_of_place(p);
    p->asked_ms = loop_now_ms(p->batch->loop);
    if (creds)
        p->probe = s3_probe(p->s3, on_probe, p);
    creds_unref(creds);
}

/* An S3 that hangs takes minutes to say nothing, and deadlines do not wait for it. */
bool batch_place_is_unknown(const struct batch_place *p)
{
    return p->probe && !p->probe_ms && loop_now_ms(p->batch->loop) - p->asked_ms < UNKNOWN_MOST_MS;
}

static struct batch_place *find(struct batch *b, const struct batch_place_name *name)
{
    for (struct list *n = b->places.next; n != &b->places; n = n->next) {
        struct batch_place *p = LIST_OF(n, struct batch_place, node);
        const struct batch_place_name *has = &p->name;
        if (str_eq(has->role, name->role) && str_eq(has->client, name->client) &&
            str_eq(has->bucket, name->bucket) && str_eq(has->owner, name->owner))
            return p;
    }
    return NULL;
}

static bool is_current(const struct batch *b, const struct batch_place_name *n)
{
    const struct config_batch *c = &b->setup->config->batch;
    return str_eq(n->bucket, c->bucket) && str_eq(n->owner, config_account(c->role_arn));
}

static struct batch_place *place_of(struct batch *b, struct batch_place_name name)
{
    name.client.len = name.role.len ? name.client.len : 0; /* Weir's own are the same for all */
    struct batch_place *p = find(b, &name);
    if (p)
        return p;
    p = mem_new(sizeof *p);
    p->batch = b;
    arena_init(&p->names, PLACE_BYTES);
    p->name = (struct batch_place_name){
        arena_dup(&p->names, name.client), arena_dup(&p->names, name.role),
        arena_dup(&p->names, name.bucket), arena_dup(&p->names, name.owner)};
    p->current = is_current(b, &name);
    list_init(&p->node);
    list_append(&b->places, &p->node);
    p->s3 = s3_of(p);
    look(p, false);
    return p;
}

struct batch_place *batch_place_of(struct batch *b, struct str client, struct str role)
{
    const struct config_batch *c = &b->setup->config->batch;
    return place_of(
        b, (struct batch_place_name){client, role, c->bucket, config_account(c->role_arn)});
}

struct batch_place *batch_place_of_work(const struct batch_work *w)
{
    const struct batch_job *j = &w->row;
    return place_of(w->batch, (struct batch_place_name){w->pool->client, w->pool->role,
                                                        str_of(j->bucket), str_of(j->owner)});
}

static void copy(char *to, size_t size, struct str s)
{
    snprintf(to, size, "%.*s", STR_ARG(s));
}

void batch_place_write(const struct batch *b, struct batch_job *j)
{
    const struct config_batch *c = &b->setup->config->batch;
    copy(j->bucket, sizeof j->bucket, c->bucket);
    copy(j->prefix, sizeof j->prefix, c->prefix);
    copy(j->owner, sizeof j->owner, config_account(c->role_arn));
}

void batch_places_look(struct batch *b)
{
    for (struct list *n = b->places.next; n != &b->places; n = n->next)
        look(LIST_OF(n, struct batch_place, node), false);
}

void batch_places_probe(struct batch *b)
{
    for (struct list *n = b->places.next; n != &b->places; n = n->next)
        look(LIST_OF(n, struct batch_place, node), true);
}

void batch_place_probe(struct batch_place *p)
{
    look(p, true);
}

void batch_places_free(struct batch *b)
{
    struct list *n;
    while ((n = list_take(&b->places))) {
        struct batch_place *p = LIST_OF(n, struct batch_place, node);
        set_refused(p, false);
        (void)forget_trouble(p);
        s3_drop(p->probe);
        s3_free(p->s3);
        arena_fini(&p->names);
        mem_free(p);
    }
}
