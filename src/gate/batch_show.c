/* SPDX-License-Identifier: Apache-2.0
 *
 * Pools and jobs are copied under the spool's lock first; written is what was copied. Fields are
 * in docs/OPERATIONS.md: only append.
 */
#include "weir/gate/batch_show.h"

#include "weir/base/arena.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/plan/price.h"
#include "weir/wire/form.h"
#include "weir/wire/json_out.h"

#include <inttypes.h>
#include <stdio.h>

enum { STRINGS_MOST = 4 * 1024 * 1024, POOLS_MOST = 4096, SHOWN_MOST = 80 };

struct seen_job {
    struct batch_job row;
    uint32_t waits;
};

struct view {
    struct arena strings;
    struct spool_pool *pools;
    size_t n_pools;
    struct seen_job *jobs;
    size_t n_jobs;
    bool more;
};

/* --- copying */

static void see_pool(void *arg, const struct spool_pool *p)
{
    struct view *v = arg;
    if (v->n_pools == POOLS_MOST) {
        v->more = true;
        return;
    }
    v->pools = mem_grow(v->pools, (v->n_pools + 1) * sizeof *v->pools);
    struct spool_pool *copy = &v->pools[v->n_pools++];
    *copy = *p;
    copy->client = arena_dup(&v->strings, p->client);
    copy->model = arena_dup(&v->strings, p->model);
    copy->role = arena_dup(&v->strings, p->role);
}

static void see_job(void *arg, const struct batch_job *j, uint32_t waits)
{
    struct view *v = arg;
    v->jobs = mem_grow(v->jobs, (v->n_jobs + 1) * sizeof *v->jobs);
    v->jobs[v->n_jobs++] = (struct seen_job){*j, waits};
}

static void view_init(struct view *v, struct spool *s)
{
    *v = (struct view){.n_pools = 0};
    arena_init(&v->strings, STRINGS_MOST);
    spool_each_pool(s, see_pool, v);
    spool_each_job(s, see_job, v);
}

static void view_fini(struct view *v)
{
    mem_free(v->pools);
    mem_free(v->jobs);
    arena_fini(&v->strings);
}

static const struct spool_pool *pool_of(const struct view *v, uint32_t number)
{
    for (size_t i = 0; i < v->n_pools; i++)
        if (v->pools[i].number == number)
            return &v->pools[i];
    return NULL;
}

/* --- values */

/* 0: null. */
static void put_time(struct json_out *o, struct str key, int64_t ms)
{
    char when[25];
    json_out_key(o, key);
    if (ms == 0) {
        json_out_null(o);
        return;
    }
    text_iso_time_ms(ms, when);
    json_out_string(o, str_of(when));
}

static void put_usd(struct json_out *o, struct str key, uint64_t nanousd)
{
    struct buf b = {0};
    price_add_usd(&b, nanousd > INT64_MAX ? INT64_MAX : (int64_t)nanousd);
    json_out_key(o, key);
    json_out_raw(o, buf_str(&b));
    buf_fini(&b);
}

static void put_name(struct json_out *o, struct str key, char letter, uint64_t number)
{
    char name[24];
    snprintf(name, sizeof name, "%c%" PRIu64, letter, number);
    json_out_put_string(o, key, str_of(name));
}

/* --- a pool, a job */

static void put_pool(struct json_out *o, const struct spool_pool *p)
{
    json_out_object(o);
    put_name(o, S("name"), 'p', p->number);
    json_out_put_string(o, S("client"), p->client);
    json_out_put_string(o, S("model"), p->model);
    json_out_put_string(o, S("kind"), batch_kind_word(p->kind));
    json_out_put_u64(o, S("records"), p->view.count);
    json_out_put_u64(o, S("held"), p->view.held);
    json_out_put_u64(o, S("bytes"), p->view.bytes);
    put_time(o, S("oldest"), p->view.count ? p->view.oldest_ms : 0);
    put_time(o, S("deadline"), p->view.count ? p->view.deadline_ms : 0);
    json_out_put_string(o, S("role"), p->role);
    json_out_end(o);
}

static void put_job(struct json_out *o, const struct view *v, const struct seen_job *seen)
{
    const struct batch_job *j = &seen->row;
    const struct spool_pool *p = pool_of(v, j->pool);
    json_out_object(o);
    put_name(o, S("name"), 'j', j->number);
    put_name(o, S("pool"), 'p', j->pool);
    json_out_put_string(o, S("client"), p ? p->client : S(""));
    json_out_put_string(o, S("model"), p ? p->model : S(""));
    json_out_put_string(o, S("state"), batch_state_word(j->state));
    json_out_put_string(o, S("status"), batch_status_word(j->status));
    json_out_put_u64(o, S("records"), j->records);
    json_out_put_u64(o, S("waiting"), seen->waits);
    json_out_put_u64(o, S("answered"), j->answered);
    json_out_put_u64(o, S("bytes"), j->bytes);
    put_usd(o, S("expected_usd"), j->expect_nanousd);
    put_time(o, S("cut"), j->cut_ms);
    put_time(o, S("created"), j->created_ms);
    put_time(o, S("ended"), j->ended_ms);
    put_time(o, S("deadline"), j->deadline_ms);
    json_out_put_string(o, S("arn"), str_of(j->arn));
    json_out_put_string(o, S("bucket"), str_of(j->bucket));
    json_out_put_string(o, S("prefix"), str_of(j->prefix));
    json_out_put_u64(o, S("tries"), j->tries);
    json_out_put_bool(o, S("stopping"), j->stopping);
    json_out_put_bool(o, S("cancelled"), j->cancelled);
    json_out_put_bool(o, S("left"), j->left);
    json_out_put_u64(o, S("processed"), j->processed);
    json_out_put_u64(o, S("succeeded"), j->succeeded);
    json_out_put_u64(o, S("errors"), j->errors);
    json_out_put_string(o, S("why"), str_of(j->why));
    put_time(o, S("next"), j->next_ms == INT64_MAX ? 0 : j->next_ms);
    json_out_end(o);
}

/* --- the whole */

static void put_counts(struct json_out *o, const struct spool_counts *c)
{
    json_out_put_bool(o, S("open"), c->open);
    json_out_put_bool(o, S("full"), c->full);
    json_out_key(o, S("records"));
    json_out_object(o);
    for (int s = 0; s < SPOOL_STATES; s++)
        json_out_put_u64(o, spool_state_word((enum spool_state)s), c->records[s]);
    json_out_end(o);
    put_time(o, S("oldest"), c->oldest_ms);
    json_out_put_u64(o, S("bytes"), c->size.used_bytes);
    json_out_put_u64(o, S("unclaimed"), c->unclaimed);
    put_usd(o, S("unclaimed_usd"), c->unclaimed_nanousd);
    json_out_put_u64(o, S("outbox"), c->outbox);
}

static void put_trouble(void *arg, const struct batch_trouble *t)
{
    struct json_out *o = arg;
    json_out_object(o);
    json_out_put_string(o, S("about"), t->about);
    put_time(o, S("since"), t->since_ms);
    json_out_put_string(o, S("why"), t->why);
    json_out_end(o);
}

static void put_troubles(struct json_out *o, struct batch *b)
{
    json_out_key(o, S("troubles"));
    json_out_array(o);
    if (b)
        batch_troubles(b, put_trouble, o);
    json_out_end(o);
}

static void take_first(void *arg, const struct batch_trouble *t)
{
    struct str *first = arg;
    *first = first->len ? *first : t->why;
}

/* The oldest alone: as it was before there could be several. */
static void put_first_trouble(struct json_out *o, struct batch *b)
{
    struct str first = S("");
    if (b)
        batch_troubles(b, take_first, &first);
    json_out_key(o, S("trouble"));
    if (first.len)
        json_out_string(o, first);
    else
        json_out_null(o);
}

/* Since the daemon began. */
static void put_done(struct json_out *o, struct batch *b, const struct spool_counts *s)
{
    json_out_key(o, S("answered"));
    if (!b) {
        json_out_null(o);
        return;
    }
    struct batch_counts counts, *c = &counts;
    batch_count(b, c);
    json_out_object(o);
    json_out_put_u64(o, S("batch"), c->by_batch);
    json_out_put_u64(o, S("direct"), c->by_direct);
    json_out_put_u64(o, S("error"), c->errors);
    json_out_put_u64(o, S("maybe_twice"), s->twice);
    put_usd(o, S("maybe_twice_usd_today"), s->twice_nanousd);
    put_usd(o, S("saved_usd"), c->saved_nanousd);
    json_out_end(o);
}

void batch_show_json(struct spool *s, struct batch *b, struct buf *out)
{
    struct json_out o = {.buf = out};
    struct spool_counts c = {0};
    struct view v;
    size_t shown = 0;
    spool_count(s, &c);
    view_init(&v, s);
    json_out_object(&o);
    put_counts(&o, &c);
    put_first_trouble(&o, b);
    put_done(&o, b, &c);
    json_out_key(&o, S("pools"));
    json_out_array(&o);
    for (size_t i = 0; i < v.n_pools; i++)
        if (v.pools[i].view.count && shown++ < BATCH_SHOW_MOST)
            put_pool(&o, &v.pools[i]);
    json_out_end(&o);
    json_out_key(&o, S("jobs"));
    json_out_array(&o);
    for (size_t i = 0; i < v.n_jobs && i < BATCH_SHOW_MOST; i++)
        put_job(&o, &v, &v.jobs[i]);
    json_out_end(&o);
    json_out_put_bool(&o, S("more"),
                      v.more || shown > BATCH_SHOW_MOST || v.n_jobs > BATCH_SHOW_MOST);
    put_troubles(&o, b);
    json_out_end(&o);
    buf_add_char(out, '\n');
    view_fini(&v);
}

bool batch_show_json_one(struct spool *s, struct str name, struct buf *out)
{
    struct json_out o = {.buf = out};
    struct view v;
    uint64_t number;
    if (!text_u64(str_from_offset(name, 1), &number))
        return false;
    view_init(&v, s);
    for (size_t i = 0; name.ptr[0] == 'p' && i < v.n_pools && !o.more; i++)
        if (v.pools[i].number == number)
            put_pool(&o, &v.pools[i]);
    for (size_t i = 0; name.ptr[0] == 'j' && i < v.n_jobs && !o.more; i++)
        if (v.jobs[i].row.number == number)
            put_job(&o, &v, &v.jobs[i]);
    view_fini(&v);
    if (o.more)
        buf_add_char(out, '\n');
    return o.more;
}

/* --- tickets */

static bool read_state(struct str word, enum spool_state *out)
{
    for (int s = 0; s < SPOOL_DONE; s++)
        if (str_eq(word, spool_state_word((enum spool_state)s))) {
            *out = (enum spool_state)s;
            return true;
        }
    return false;
}

static bool read_pair(struct str name, struct str value, struct batch_show_ask *a,
                      struct buf *sentence)
{
    if (str_eq(name, S("client"))) {
        a->client = value;
        return true;
    }
    if (str_eq(name, S("state"))) {
        if (value.len == 0 || read_state(value, &a->state))
            return true;
        buf_add(sentence, S("state takes pooled, in-job or direct: the records that wait."));
        return false;
    }
    if (str_eq(name, S("n"))) {
        if (text_u64(value, &a->most) && a->most && a->most <= BATCH_SHOW_TICKETS_MOST)
            return true;
        buf_addf(sentence, "n takes a number from 1 to %d.", BATCH_SHOW_TICKETS_MOST);
        return false;
    }
    buf_addf(sentence, "There is no parameter \"%.*s\" here; there is client, state, n.",
             STR_ARG(str_sub(name, 0, SHOWN_MOST)));
    return false;
}

bool batch_show_read_ask(struct str query, char *room, struct batch_show_ask *out,
                         struct buf *sentence)
{
    struct form f;
    struct str name, value;
    int more;
    *out = (struct batch_show_ask){.state = SPOOL_STATES, .most = BATCH_SHOW_TICKETS};
    form_init(&f, query, room);
    while ((more = form_next(&f, &name, &value)) == 1)
        if (!read_pair(name, value, out, sentence))
            return false;
    if (more < 0)
        buf_add(sentence, S("The part behind the ? has a bad % escape."));
    return more == 0;
}

struct tickets {
    struct json_out o;
    const struct batch_show_ask *ask;
    uint64_t left;
    unsigned looked; /* in this list */
    bool more;
};
enum { LOOKED_MOST = 20000 }; /* records of one list: they are read in the office's time */

static void put_ticket(struct json_out *o, const struct spool_record *r)
{
    char id[17];
    snprintf(id, sizeof id, "%016" PRIx64, r->id.number);
    json_out_object(o);
    json_out_put_string(o, S("id"), str_of(id));
    json_out_put_string(o, S("client"), r->client);
    json_out_put_string(o, S("workload"), r->workload);
    json_out_put_string(o, S("model"), r->model);
    json_out_put_string(o, S("operation"), r->operation);
    json_out_put_string(o, S("state"), spool_state_word(r->state));
    json_out_put_string(o, S("reply"), spool_reply_word(r->reply));
    if (r->state == SPOOL_POOLED || r->state == SPOOL_IN_JOB)
        put_name(o, S("list"), r->state == SPOOL_POOLED ? 'p' : 'j', r->list);
    put_time(o, S("accepted"), r->accepted_ms);
    put_time(o, S("deadline"), r->deadline_ms);
    json_out_put_u64(o, S("bytes"), r->body_bytes);
    json_out_put_bool(o, S("maybe_twice"), r->flags & SPOOL_MAYBE_TWICE);
    json_out_end(o);
}

static bool on_record(void *arg, const struct spool_record *r)
{
    struct tickets *t = arg;
    bool wanted = t->ask->client.len == 0 || str_eq(r->client, t->ask->client);
    if ((wanted && t->left == 0) || ++t->looked > LOOKED_MOST) {
        t->more = true;
        return false;
    }
    if (wanted) {
        put_ticket(&t->o, r);
        t->left--;
    }
    return true;
}

static int walk(struct spool_read *r, enum spool_list list, uint64_t of, struct tickets *t)
{
    t->looked = 0;
    return t->more && t->left == 0 ? 0 : spool_walk(r, list, of, 0, on_record, t);
}

static int walk_all(struct spool_read *r, const struct view *v, struct tickets *t)
{
    enum spool_state only = t->ask->state;
    int err = 0;
    if (only == SPOOL_DIRECT || only == SPOOL_STATES)
        err = walk(r, SPOOL_LIST_DIRECT, 0, t);
    for (size_t i = 0; !err && only != SPOOL_DIRECT && only != SPOOL_POOLED && i < v->n_jobs; i++)
        err = walk(r, SPOOL_LIST_JOB, v->jobs[i].row.number, t);
    for (size_t i = 0; !err && only != SPOOL_DIRECT && only != SPOOL_IN_JOB && i < v->n_pools; i++)
        err = walk(r, SPOOL_LIST_POOL, v->pools[i].number, t);
    return err;
}

int batch_show_tickets(struct spool *s, const struct batch_show_ask *ask, struct buf *out)
{
    struct tickets t = {.o = {.buf = out}, .ask = ask, .left = ask->most};
    struct spool_counts c = {0};
    struct view v;
    struct spool_read *r = spool_read_begin(s);
    if (!r)
        return ERR_BUSY;
    spool_count(s, &c);
    view_init(&v, s);
    json_out_object(&t.o);
    put_counts(&t.o, &c);
    json_out_key(&t.o, S("tickets"));
    json_out_array(&t.o);
    int err = walk_all(r, &v, &t);
    json_out_end(&t.o);
    json_out_put_bool(&t.o, S("more"), t.more);
    json_out_end(&t.o);
    buf_add_char(out, '\n');
    view_fini(&v);
    spool_read_end(r);
    return err;
}
