/* SPDX-License-Identifier: Apache-2.0
 *
 * The operator's orders. A name is "p7", a pool, or "j12", a job; no name is all that the order
 * fits. A job takes an order when the act at hand is over.
 */
#include "batch_jobs.h"
#include "weir/base/log.h"
#include "weir/base/text.h"

#include <inttypes.h>

static bool read_name(struct str name, char kind, uint64_t *out)
{
    return name.len > 1 && name.ptr[0] == kind && text_u64(str_from_offset(name, 1), out);
}

static int find_pool(struct batch *b, struct str name, struct batch_pool **out)
{
    uint64_t number;
    *out = NULL;
    if (!read_name(name, 'p', &number))
        return ERR_OK;
    if (number <= UINT32_MAX)
        *out = batch_pool_find(b, (uint32_t)number);
    return *out ? ERR_OK : ERR_NOT_FOUND;
}

static int find_job(struct batch *b, struct str name, struct batch_work **out)
{
    uint64_t number;
    *out = NULL;
    if (!read_name(name, 'j', &number))
        return ERR_OK;
    *out = batch_work_find(b, number);
    return *out ? ERR_OK : ERR_NOT_FOUND;
}

static void give_pool(struct batch_pool *p, bool (*order)(struct batch_pool *p),
                      struct batch_given *out)
{
    uint64_t records = p->view.count;
    if (!order(p))
        return;
    out->pools++;
    out->records += records;
}

/* Of pools and jobs, those that are meant. */
static int order(struct batch *b, struct str name, bool (*pool)(struct batch_pool *p),
                 bool (*job)(struct batch_work *w), struct batch_given *out)
{
    struct batch_pool *p;
    struct batch_work *w;
    *out = (struct batch_given){0};
    spool_each_pool(b->spool, batch_see_pool, b); /* those of this second, too */
    int err = find_pool(b, name, &p);
    if (err == 0)
        err = find_job(b, name, &w);
    if (err < 0)
        return err;
    if (w && !job)
        out->why = "Only a pool can be flushed. A job goes on by itself; weir batch retry with its "
                   "name tries now what it waits for.";
    if (out->why || (!p && !w && name.len))
        return out->why ? ERR_BAD : ERR_NOT_FOUND;
    for (struct list *n = b->pools.next; pool && !w && n != &b->pools; n = n->next)
        if (!p || p == LIST_OF(n, struct batch_pool, node))
            give_pool(LIST_OF(n, struct batch_pool, node), pool, out);
    for (struct list *n = b->jobs.next; job && !p && n != &b->jobs; n = n->next)
        if (!w || w == LIST_OF(n, struct batch_work, node))
            out->jobs += job(LIST_OF(n, struct batch_work, node));
    batch_look(b);
    return ERR_OK;
}

static bool flush(struct batch_pool *p)
{
    p->flush = p->view.count > 0;
    return p->flush;
}

int batch_flush(struct batch *b, struct str name, struct batch_given *out)
{
    return order(b, name, flush, NULL, out);
}

static void on_cancelled(struct batch *b, const struct batch_mail *m)
{
    batch_pool_find(b, (uint32_t)m->number)->busy = BATCH_RESTS;
    if (!m->good)
        log_say(LOG_ERROR, "batch",
                "p%" PRIu64 " could not be cancelled, or not all of it: the spool cannot be "
                "written; run weir batch cancel again when it can",
                m->number);
    batch_look(b);
}

/* Bedrock's own word for a batch that was not to be. */
static bool cancel_pool(struct batch_pool *p)
{
    static const struct str body = STR("{\"message\":\"The operator cancelled this request.\"}");
    if (p->busy == BATCH_CANCELS || p->view.count == 0)
        return p->view.count > 0;
    p->busy = BATCH_CANCELS;
    spool_cancel_pool(p->batch->spool, p->number, 400, S("ValidationException"), body,
                      batch_mail_done, batch_mail_new(p->batch, p->number, on_cancelled));
    return true;
}

/* Where nothing waits, there is nothing to take out of it. */
static bool cancel_job(struct batch_work *w)
{
    if (w->waits)
        w->order = BATCH_ORDER_CANCEL;
    return w->waits > 0;
}

static bool in_jobs(const struct batch_pool *p)
{
    for (const struct list *n = p->batch->jobs.next; n != &p->batch->jobs; n = n->next) {
        const struct batch_work *w = LIST_OF(n, const struct batch_work, node);
        if (w->pool == p && w->waits)
            return true;
    }
    return false;
}

/* The disk decides in a moment what becomes of its members: they are not the pool's any more. */
static const char *moves(struct batch *b, struct str name)
{
    struct batch_pool *p;
    if (find_pool(b, name, &p) < 0 || !p)
        return NULL;
    if (p->busy == BATCH_CUTS)
        return "It is just becoming a job, and nothing was cancelled. weir batch ls shows the job; "
               "weir batch cancel takes its records out of it, and they go on demand.";
    if (p->view.count == 0 && in_jobs(p))
        return "Nothing waits in it any more, and nothing was cancelled: it has become a job. weir "
               "batch ls shows the job; weir batch cancel takes its records out of it, and they go "
               "on demand.";
    if (p->busy == BATCH_GOES_DIRECT)
        return "Its records are just going on demand, and nothing was cancelled: that cannot be. "
               "weir batch ls shows what is left; run weir batch cancel again for it.";
    return NULL;
}

int batch_cancel(struct batch *b, struct str name, struct batch_given *out)
{
    spool_each_pool(b->spool, batch_see_pool, b);
    *out = (struct batch_given){.why = moves(b, name)};
    return out->why ? ERR_BAD : order(b, name, cancel_pool, cancel_job, out);
}

/* All of them are open again, see below. */
static bool retry_pool(struct batch_pool *p)
{
    return p->view.count > 0;
}

static bool retry_job(struct batch_work *w)
{
    w->order = BATCH_ORDER_RETRY;
    return true;
}

int batch_retry(struct batch *b, struct str name, struct batch_given *out)
{
    int err = order(b, name, retry_pool, retry_job, out);
    if (err < 0)
        return err;
    batch_pools_reopen(b);
    batch_places_probe(b);
    return ERR_OK;
}
