/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's turn: each second, and when something was told, it looks at pools, jobs, places and
 * the direct list, and begins what plan/pool and plan/batch_fsm say. What it knows is what the
 * spool has: its jobs are found there after a start, each gets a tick, and goes on where it was.
 */
#include "batch_jobs.h"
#include "weir/base/clock.h"
#include "weir/base/hook.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"
#include "weir/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    EVERY_MS = 1000,
    SOON_MS = 10,
    LINE_EXTRA = 128 /* bytes of a line beside the body, as counted in a file */
};

/* --- mails of the spool's thread */

static void link_drop(struct batch_link *link)
{
    if (--link->users == 0)
        mem_free(link);
}

static void deliver(struct mail *mail)
{
    struct batch_mail *m = LIST_OF(mail, struct batch_mail, mail);
    if (m->link->batch)
        m->deliver(m->link->batch, m);
    link_drop(m->link);
    mem_free(m->payer);
    mem_free(m);
}

struct batch_mail *batch_mail_new(struct batch *b, uint64_t number,
                                  void (*then)(struct batch *b, const struct batch_mail *m))
{
    struct batch_mail *m = mem_new(sizeof *m);
    m->mail.deliver = deliver;
    m->link = b->link;
    m->deliver = then;
    m->number = number;
    b->link->users++;
    return m;
}

static void send_mail(struct batch_mail *m, bool good)
{
    m->good = good;
    mailbox_send(m->link->office, &m->mail);
}

void batch_mail_done(void *arg, bool good)
{
    send_mail(arg, good);
}

void batch_mail_pays(struct batch_mail *m, struct str client, const struct batch_billed *paid)
{
    m->payer = mem_new(client.len + 1);
    if (client.len)
        memcpy(m->payer, client.ptr, client.len);
    m->paid = *paid;
    m->limits = m->link->batch->daemon->limits;
}

void batch_mail_settled(void *arg, size_t answered, bool good)
{
    struct batch_mail *m = arg;
    m->answered = answered;
    if (good && m->payer)
        limits_charge(m->limits, str_of(m->payer), m->paid.rate_tokens, m->paid.cost_nanousd,
                      clock_wall_ms());
    send_mail(m, good);
}

void batch_mail_cut(void *arg, const struct batch_job *job, bool good)
{
    struct batch_mail *m = arg;
    if (good)
        m->job = *job;
    send_mail(m, good);
}

/* --- finding */

struct batch_work *batch_work_find(struct batch *b, uint64_t number)
{
    for (struct list *n = b->jobs.next; n != &b->jobs; n = n->next) {
        struct batch_work *w = LIST_OF(n, struct batch_work, node);
        if (w->row.number == number)
            return w;
    }
    return NULL;
}

struct batch_pool *batch_pool_find(struct batch *b, uint32_t number)
{
    for (struct list *n = b->pools.next; n != &b->pools; n = n->next) {
        struct batch_pool *p = LIST_OF(n, struct batch_pool, node);
        if (p->number == number)
            return p;
    }
    return NULL;
}

struct shared_lanes_pool batch_pool_name(const struct batch_pool *p)
{
    return (struct shared_lanes_pool){p->client, p->model, p->kind};
}

/* What AWS's quotas were for most models (docs, read 2026-11). */
struct batch_limits batch_limits_of(const struct batch *b, struct str model)
{
    const struct catalogue_model *m = catalogue_find(b->setup->catalogue, model);
    struct batch_limits l = {100, 50000, 20, 1000000000, 5000000000};
    if (!m)
        return l;
    l.least = m->batch_least_records ? m->batch_least_records : l.least;
    l.most = m->batch_most_records ? m->batch_most_records : l.most;
    l.jobs = m->batch_most_jobs ? m->batch_most_jobs : l.jobs;
    l.file_bytes = m->batch_most_file_bytes ? m->batch_most_file_bytes : l.file_bytes;
    l.job_bytes = m->batch_most_job_bytes ? m->batch_most_job_bytes : l.job_bytes;
    return l;
}

/* --- credentials */

static struct creds_chain *chain_of(const struct setup *s, struct str client, struct str role)
{
    for (size_t i = 0; i < s->config->n_clients; i++)
        if (s->roles[i] && str_eq(s->roles[i]->arn, role) && str_eq(s->roles[i]->client, client))
            return s->roles[i]->chain;
    return NULL;
}

struct creds *batch_creds(struct batch *b, struct str client, struct str role)
{
    return creds_get(role.len ? chain_of(b->setup, client, role) : b->setup->creds);
}

/* --- money that may be paid twice */

uint64_t batch_twice_nanousd(struct batch *b)
{
    struct spool_counts c;
    spool_count(b->spool, &c);
    return c.twice_nanousd;
}

bool batch_may_twice(struct batch *b, uint64_t nanousd)
{
    uint64_t most = b->setup->config->batch.max_twice_nanousd, today = batch_twice_nanousd(b);
    return today <= most && nanousd <= most - today;
}

/* --- pools */

static struct batch_pool *new_pool(struct batch *b, const struct spool_pool *s)
{
    size_t len = s->client.len + s->model.len + s->role.len;
    struct batch_pool *p = mem_new(sizeof *p + len + 1);
    char *at = p->text;
    const struct str from[] = {s->client, s->model, s->role};
    struct str *to[] = {&p->client, &p->model, &p->role};
    for (size_t i = 0; i < 3; i++) {
        if (from[i].len)
            memcpy(at, from[i].ptr, from[i].len);
        *to[i] = str_from(at, from[i].len);
        at += from[i].len;
    }
    p->batch = b;
    p->number = s->number;
    p->kind = s->kind;
    list_init(&p->node);
    list_append(&b->pools, &p->node);
    return p;
}

void batch_see_pool(void *arg, const struct spool_pool *s)
{
    struct batch *b = arg;
    struct batch_pool *p = batch_pool_find(b, s->number);
    if (!p)
        p = new_pool(b, s);
    p->view = s->view;
    p->seen = true;
}

/* A job is tried again: that it was refused is old news. */
static void see_if_open(struct batch_pool *p, int64_t now_ms)
{
    const struct shared_lanes_pool name = batch_pool_name(p);
    char about[16];
    if (!p->closed || !shared_lanes_open(p->batch->lanes, &name, now_ms))
        return;
    p->closed = false;
    snprintf(about, sizeof about, "p%" PRIu32, p->number);
    (void)batch_trouble_over(p->batch, str_of(about), NULL);
}

void batch_pools_reopen(struct batch *b)
{
    shared_lanes_reopen(b->lanes);
    for (struct list *n = b->pools.next; n != &b->pools; n = n->next)
        see_if_open(LIST_OF(n, struct batch_pool, node), clock_wall_ms());
}

static bool has_job(const struct batch_pool *p)
{
    const struct list *jobs = &p->batch->jobs;
    for (const struct list *n = jobs->next; n != jobs; n = n->next)
        if (LIST_OF(n, struct batch_work, node)->pool == p)
            return true;
    return false;
}

/* A pool that the spool does not tell of has no members. */
static void see_pools(struct batch *b)
{
    struct list *n, *then;
    for (n = b->pools.next; n != &b->pools; n = n->next)
        LIST_OF(n, struct batch_pool, node)->seen = false;
    spool_each_pool(b->spool, batch_see_pool, b);
    for (n = b->pools.next; n != &b->pools; n = then) {
        struct batch_pool *p = LIST_OF(n, struct batch_pool, node);
        then = n->next;
        see_if_open(p, clock_wall_ms());
        if (p->seen)
            continue;
        p->view = (struct pool_view){0};
        if (p->busy || p->closed || has_job(p))
            continue;
        list_remove(&p->node);
        mem_free(p);
    }
}

/* A row of before 0.5.1 does not say where its files are. */
static void take_row(struct batch *b, struct batch_pool *p, const struct batch_job *row,
                     uint32_t waits)
{
    struct batch_work *w = batch_work_new(b, p, row, waits);
    if (!row->bucket[0])
        batch_place_write(b, &w->row);
}

static void see_job(void *arg, const struct batch_job *row, uint32_t waits)
{
    struct batch *b = arg;
    struct batch_work *w = batch_work_find(b, row->number);
    struct batch_pool *p = batch_pool_find(b, row->pool);
    if (w && !w->writing)
        w->waits = waits;
    else if (!w && !b->loaded && p)
        take_row(b, p, row, waits);
}

static void take_up(struct batch *b)
{
    static const struct batch_news tick = {.event = BATCH_TICK};
    unsigned n = 0;
    for (struct list *l = b->jobs.next; l != &b->jobs; l = l->next, n++) {
        struct batch_work *w = LIST_OF(l, struct batch_work, node);
        batch_work_event(w, &tick);
    }
    if (n)
        log_say(LOG_INFO, "batch", "%u jobs are taken up where they were", n);
}

static void on_cut(struct batch *b, const struct batch_mail *m)
{
    static const struct batch_news tick = {.event = BATCH_TICK};
    struct batch_pool *p = batch_pool_find(b, (uint32_t)m->number);
    p->busy = BATCH_RESTS;
    if (!m->good)
        return;
    (void)HOOK("batch.cut");
    b->counts.cut++;
    log_say(LOG_INFO, "batch", "job %" PRIu64 ": %u records of client %.*s for %.*s", m->job.number,
            m->job.records, STR_ARG(p->client), STR_ARG(p->model));
    batch_work_event(batch_work_new(b, p, &m->job, m->job.records), &tick);
    batch_look(b);
}

static void on_moved(struct batch *b, const struct batch_mail *m)
{
    struct batch_pool *p = batch_pool_find(b, (uint32_t)m->number);
    p->busy = BATCH_RESTS;
    if (!m->good)
        return; /* with the next turn */
    batch_direct_tick(b->direct);
    batch_look(b);
}

static void cut(struct batch_pool *p, const struct pool_verdict *v, int64_t now_ms)
{
    struct batch *b = p->batch;
    unsigned char token[BATCH_TOKEN_BYTES / 2];
    struct buf hex = {0};
    struct batch_job job = {.pool = p->number, .cut_ms = now_ms};
    random_bytes(token, sizeof token);
    text_add_hex(&hex, token, sizeof token);
    memcpy(job.token, buf_cstr(&hex), BATCH_TOKEN_BYTES);
    buf_fini(&hex);
    batch_place_write(b, &job);
    p->busy = BATCH_CUTS;
    spool_cut(b->spool, p->number, v->take, v->take_bytes, &job, batch_mail_cut,
              batch_mail_new(b, p->number, on_cut));
}

static struct pool_terms terms_of(const struct batch_pool *p, int64_t now_ms)
{
    struct batch *b = p->batch;
    const struct shared_lanes_pool name = batch_pool_name(p);
    const struct batch_limits l = batch_limits_of(b, p->model);
    uint64_t extra = (uint64_t)l.most * LINE_EXTRA;
    return (struct pool_terms){.now_ms = now_ms,
                               .linger_ms = b->setup->config->batch.linger_ms,
                               .least = l.least,
                               .most = l.most,
                               .most_file_bytes = l.file_bytes > 2 * extra ? l.file_bytes - extra
                                                                           : l.file_bytes / 2,
                               .most_job_bytes = l.job_bytes,
                               .per_second = shared_lanes_rate(b->lanes, p->model, now_ms),
                               .flush = p->flush,
                               .closed = !shared_lanes_open(b->lanes, &name, now_ms)};
}

static void tell_lanes(struct batch_pool *p, const struct pool_verdict *v, uint32_t least,
                       int64_t now_ms)
{
    struct batch *b = p->batch;
    const struct shared_lanes_pool name = batch_pool_name(p);
    if (v->fate == POOL_JOB || v->time_up)
        shared_lanes_filled(b->lanes, &name, v->fate == POOL_JOB);
    if (v->time_up && shared_lanes_judge(b->lanes, &name, least, now_ms))
        log_say(LOG_INFO, "batch",
                "client %.*s never has %u requests for %.*s under way at a time: callers of it are "
                "not held for a while",
                STR_ARG(p->client), least, STR_ARG(p->model));
}

/* A place that refuses makes no job of any of its pools. */
static void close_refused(struct batch_pool *p, const struct batch_place *place, int64_t now_ms)
{
    struct batch *b = p->batch;
    const struct shared_lanes_pool name = batch_pool_name(p);
    if ((place->refused || !place->s3) && shared_lanes_open(b->lanes, &name, now_ms))
        (void)shared_lanes_close(b->lanes, &name, now_ms);
}

static void say_direct(const struct batch_pool *p, const struct pool_verdict *v, uint32_t least)
{
    static const char *const whys[] = {[POOL_CLOSED] = "no job can be made now",
                                       [POOL_FEW] = "they are too few",
                                       [POOL_LATE] = "their deadline leaves no time for a job",
                                       [POOL_LARGE] = "they are too large for a job"};
    char wants[48] = "";
    if (v->why == POOL_FEW)
        snprintf(wants, sizeof wants, "; a job wants %u at least", least);
    log_say(LOG_INFO, "batch", "%u records of client %.*s for %.*s go on demand: %s%s", v->take,
            STR_ARG(p->client), STR_ARG(p->model), whys[v->why], wants);
}

static void look_at_pool(struct batch_pool *p, int64_t now_ms, int64_t *next_ms)
{
    struct batch *b = p->batch;
    const struct batch_place *place = batch_place_of(b, p->client, p->role);
    if (p->busy || p->view.count == 0 || batch_place_is_unknown(place))
        return;
    close_refused(p, place, now_ms);
    const struct pool_terms t = terms_of(p, now_ms);
    const struct pool_verdict v = pool_decide(&p->view, &t);
    if (v.fate == POOL_WAITS) {
        *next_ms = v.next_ms < *next_ms ? v.next_ms : *next_ms;
        return;
    }
    p->flush = false;
    tell_lanes(p, &v, t.least, now_ms);
    if (v.fate == POOL_JOB) {
        cut(p, &v, now_ms);
        return;
    }
    say_direct(p, &v, t.least);
    p->busy = BATCH_GOES_DIRECT;
    spool_pool_direct(b->spool, p->number, v.take, batch_mail_done,
                      batch_mail_new(b, p->number, on_moved));
}

/* --- the turn */

static void load(struct batch *b)
{
    struct spool_counts c;
    spool_count(b->spool, &c);
    see_pools(b);
    spool_each_job(b->spool, see_job, b);
    if (b->loaded || !c.open)
        return;
    b->loaded = true;
    take_up(b);
}

static void look(void *arg)
{
    struct batch *b = arg;
    int64_t now_ms = clock_wall_ms(), next_ms = now_ms + EVERY_MS;
    timer_start(&b->timer, EVERY_MS);
    batch_trouble_see_spool(b);
    load(b);
    if (!b->loaded)
        return;
    batch_places_look(b);
    batch_sweep_look(b);
    for (struct list *n = b->pools.next; n != &b->pools; n = n->next)
        look_at_pool(LIST_OF(n, struct batch_pool, node), now_ms, &next_ms);
    for (struct list *n = b->jobs.next, *then; n != &b->jobs; n = then) {
        struct batch_work *w = LIST_OF(n, struct batch_work, node);
        then = n->next;
        batch_work_look(w, now_ms);
        if (!w->acting && !w->writing && w->row.next_ms < next_ms)
            next_ms = w->row.next_ms;
    }
    batch_direct_tick(b->direct);
    batch_sample(b, now_ms);
    timer_start(&b->timer, next_ms > now_ms + SOON_MS ? next_ms - now_ms : SOON_MS);
}

void batch_look(struct batch *b)
{
    timer_start(&b->timer, 0);
}

/* --- the whole */

static void begin(struct batch *b)
{
    struct bedrock_control_options o;
    b->control = setup_control(b->setup, &o) ? bedrock_jobs_new(b->loop, b->dns, &o) : NULL;
    (void)batch_place_of(b, S(""), S(""));
}

struct batch *batch_new(struct daemon *d)
{
    struct batch *b = mem_new(sizeof *b);
    b->daemon = d;
    b->loop = d->office.loop;
    b->dns = d->office.dns;
    b->spool = d->spool;
    b->lanes = d->lanes;
    b->setup = setup_ref(d->setups);
    b->link = mem_new(sizeof *b->link);
    *b->link = (struct batch_link){1, b, loop_mailbox(b->loop)};
    list_init(&b->places);
    list_init(&b->pools);
    list_init(&b->jobs);
    list_init(&b->troubles);
    b->direct = batch_direct_new(b);
    timer_init(&b->timer, b->loop, look, b);
    begin(b);
    batch_look(b);
    return b;
}

static void drop_services(struct batch *b)
{
    batch_places_free(b);
    bedrock_jobs_free(b->control);
    b->control = NULL;
}

void batch_free(struct batch *b)
{
    if (!b)
        return;
    timer_stop(&b->timer);
    batch_sweep_anew(b);
    batch_direct_free(b->direct);
    while (!list_empty(&b->jobs))
        batch_work_free(LIST_OF(b->jobs.next, struct batch_work, node));
    drop_services(b);
    struct list *n;
    while ((n = list_take(&b->pools)))
        mem_free(LIST_OF(n, struct batch_pool, node));
    batch_trouble_free(b);
    b->link->batch = NULL;
    link_drop(b->link);
    setup_unref(b->setup);
    mem_free(b);
}

static bool same_services(const struct setup *a, const struct setup *b)
{
    const struct config *c = a->config, *d = b->config;
    return str_eq(c->control_url, d->control_url) && str_eq(c->s3_url, d->s3_url) &&
           str_eq(c->region, d->region) && str_eq(c->batch.bucket, d->batch.bucket) &&
           str_eq(c->batch.role_arn, d->batch.role_arn) &&
           str_eq(c->batch.kms_key, d->batch.kms_key) && c->ca_file.len == 0 &&
           d->ca_file.len == 0 && str_eq(c->egress_proxy, d->egress_proxy);
}

/* What was asked at the old place is asked at the new one. */
void batch_follow(struct batch *b, struct setup *setup)
{
    struct setup *old = b->setup;
    bool same = same_services(old, setup);
    b->setup = setup_ref(setup);
    batch_sweep_anew(b);
    for (struct list *n = b->jobs.next; !same && n != &b->jobs; n = n->next)
        batch_work_interrupt(LIST_OF(n, struct batch_work, node), "the configuration changed");
    if (!same) {
        drop_services(b);
        begin(b);
    }
    batch_pools_reopen(b);
    batch_places_probe(b);
    batch_direct_follow(b->direct);
    setup_unref(old);
    batch_look(b);
}

/* Who was cancelled had an error for an answer. */
void batch_count(struct batch *b, struct batch_counts *out)
{
    struct spool_counts c;
    spool_count(b->spool, &c);
    *out = b->counts;
    out->errors += c.cancelled;
}
