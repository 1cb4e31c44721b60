/* SPDX-License-Identifier: Apache-2.0
 *
 * S3, once for each set of credentials that records are sent with. Each is asked at its beginning
 * whether the bucket can be used; while it cannot, its pools are closed and go on demand, and it is
 * asked again every few minutes.
 */
#include "batch_jobs.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"

#include <stdio.h>
#include <string.h>

enum { PROBE_AGAIN_MS = 3 * 60 * 1000, PROBE_FAILED_MS = 30 * 1000 };

static struct creds *creds_of_place(void *arg)
{
    struct batch_place *p = arg;
    return batch_creds(p->batch, p->client, p->role);
}

static struct s3 *s3_of(struct batch_place *p)
{
    const struct setup *s = p->batch->setup;
    const struct config *c = s->config;
    char ignored[256];
    struct s3_options o = {.region = c->region,
                           .bucket = c->batch.bucket,
                           .owner = config_account(c->batch.role_arn),
                           .kms_key = c->batch.kms_key,
                           .ca_file = c->ca_file.len ? c->ca_file.ptr : NULL,
                           .proxy_host = s->has_proxy ? str_of(s->proxy.host) : S(""),
                           .proxy_port = s->proxy.port,
                           .proxy_authorization = str_of(s->proxy_authorization),
                           .creds = creds_of_place,
                           .arg = p};
    if (c->batch.bucket.len == 0 || !endpoint_parse(c->s3_url, &o.at, ignored, sizeof ignored))
        return NULL;
    return s3_new(p->batch->loop, p->batch->dns, &o);
}

/* Pools are closed when they have a member; those that come after this are not held at all. */
static void set_refused(struct batch_place *p, bool refused)
{
    p->refused = refused;
    if (p->role.len == 0)
        atomic_store(&p->batch->daemon->bucket_refused, refused);
}

static void refuse(struct batch_place *p, struct str why)
{
    struct batch *b = p->batch;
    snprintf(p->why, sizeof p->why, "%.*s", STR_ARG(why));
    batch_trouble(b, why);
    if (!p->refused)
        log_say(
            LOG_ERROR, "batch",
            "nothing is batched%s%.*s: %.*s; what waits goes on demand, and the bucket is tried "
            "again",
            p->client.len ? " for client " : "", STR_ARG(p->client), STR_ARG(why));
    set_refused(p, true);
}

static void take_back(struct batch_place *p)
{
    struct batch *b = p->batch;
    if (!p->refused)
        return;
    set_refused(p, false);
    batch_trouble(b, S(""));
    log_say(LOG_INFO, "batch", "the bucket can be used again");
    shared_lanes_reopen(b->lanes);
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
    batch_look(p->batch);
}

/* While all is well nobody asks: the puts of jobs say when that has changed. */
static void look(struct batch_place *p, bool now)
{
    bool due = now || p->refused || p->probe_ms == 0;
    if (!p->s3 || p->probe || !due || (!now && loop_now_ms(p->batch->loop) < p->probe_ms))
        return;
    struct creds *creds = creds_of_place(p);
    if (creds)
        p->probe = s3_probe(p->s3, on_probe, p);
    creds_unref(creds);
}

static struct batch_place *find(struct batch *b, struct str client, struct str role)
{
    for (struct list *n = b->places.next; n != &b->places; n = n->next) {
        struct batch_place *p = LIST_OF(n, struct batch_place, node);
        if (str_eq(p->role, role) && str_eq(p->client, client))
            return p;
    }
    return NULL;
}

struct batch_place *batch_place_of(struct batch *b, struct str client, struct str role)
{
    client.len = role.len ? client.len : 0; /* Weir's own are the same for all */
    struct batch_place *p = find(b, client, role);
    if (p)
        return p;
    p = mem_new(sizeof *p + client.len + role.len + 1);
    p->batch = b;
    if (client.len)
        memcpy(p->text, client.ptr, client.len);
    if (role.len)
        memcpy(p->text + client.len, role.ptr, role.len);
    p->client = str_from(p->text, client.len);
    p->role = str_from(p->text + client.len, role.len);
    list_init(&p->node);
    list_append(&b->places, &p->node);
    p->s3 = s3_of(p);
    look(p, false);
    return p;
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

void batch_places_free(struct batch *b)
{
    struct list *n;
    while ((n = list_take(&b->places))) {
        struct batch_place *p = LIST_OF(n, struct batch_place, node);
        set_refused(p, false);
        s3_drop(p->probe);
        s3_free(p->s3);
        mem_free(p);
    }
}
