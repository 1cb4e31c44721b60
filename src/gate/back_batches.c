/* SPDX-License-Identifier: Apache-2.0
 *
 * What waits for batch jobs, on the admin port: how pools and jobs stand, which records wait, and
 * the operator's three orders. An order is in the log with what it was given.
 */
#include "back.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/gate/batch_show.h"
#include "weir/gate/daemon.h"
#include "weir/wire/json_pick.h"
#include "weir/wire/uri.h"

enum { NAME_MOST = 24 };

static enum step_result answer(struct exchange *ex, struct buf *b)
{
    enum step_result r = exchange_own(ex, 200, S("application/json"), buf_str(b));
    buf_fini(b);
    return r;
}

static enum step_result closed(struct exchange *ex)
{
    return exchange_fail(ex, OUTCOME_BATCH_CLOSED, S(""));
}

/* --- looking */

static enum step_result start_all(struct exchange *ex)
{
    const struct daemon *d = ex->worker->daemon;
    struct buf b = {0};
    if (!d->spool || !d->batch)
        return closed(ex);
    batch_show_json(d->spool, d->batch, &b);
    return answer(ex, &b);
}
const struct back back_batches = {"batches", start_all, NULL, NULL, NULL};

static struct str last_segment(struct str target)
{
    struct str path = str_cut(&target, '?'), last = path;
    while (path.ptr)
        last = str_cut(&path, '/');
    return last;
}

static enum step_result start_one(struct exchange *ex)
{
    const struct daemon *d = ex->worker->daemon;
    struct buf b = {0};
    if (!d->spool)
        return closed(ex);
    if (!batch_show_json_one(d->spool, last_segment(ex->target), &b))
        return exchange_fail(ex, OUTCOME_NO_SUCH_BATCH, S(""));
    return answer(ex, &b);
}
const struct back back_batch = {"batch", start_one, NULL, NULL, NULL};

static enum step_result add_tickets(struct exchange *ex, struct spool *spool, struct str query,
                                    char *room)
{
    struct batch_show_ask ask;
    struct buf b = {0};
    enum step_result r;
    if (!batch_show_read_ask(query, room, &ask, &b))
        r = exchange_fail(ex, OUTCOME_BAD_QUERY, buf_str(&b));
    else if (batch_show_tickets(spool, &ask, &b) < 0)
        r = closed(ex);
    else
        r = exchange_own(ex, 200, S("application/json"), buf_str(&b));
    buf_fini(&b);
    return r;
}

static enum step_result start_tickets(struct exchange *ex)
{
    struct spool *spool = ex->worker->daemon->spool;
    struct str query = ex->target;
    if (!spool)
        return closed(ex);
    (void)str_cut(&query, '?');
    char *room = mem_new(query.len + 1);
    enum step_result r = add_tickets(ex, spool, query, room);
    mem_free(room);
    return r;
}
const struct back back_ticket_list = {"ticket_list", start_tickets, NULL, NULL, NULL};

/* --- orders */

/* Without a body, or without a name: all that it fits. */
static bool read_name(struct str body, struct str *out)
{
    struct json_member m = {.name = STR("name")};
    struct json_pick pick;
    *out = S("");
    if (body.len == 0)
        return true;
    json_pick_init(&pick, body, &m, 1);
    if (json_pick_step(&pick) != JSON_END || !pick.object || m.times > 1)
        return false;
    if (m.times == 0)
        return true;
    *out = str_sub(m.raw, 1, m.raw.len - 2);
    return m.kind == JSON_STRING && out->len <= NAME_MOST && str_chr(*out, '\\') < 0;
}

static enum step_result done(struct exchange *ex, const char *order, struct str name,
                             const struct batch_given *given)
{
    struct buf b = {0};
    log_say(LOG_INFO, "batch", "the operator: %s %.*s: pools %u, records %llu, jobs %u", order,
            STR_ARG(name.len ? name : S("everything")), given->pools,
            (unsigned long long)given->records, given->jobs);
    buf_addf(&b, "{\"done\":\"%s\",\"name\":\"", order);
    text_add_json(&b, name, name.len);
    buf_addf(&b, "\",\"pools\":%u,\"records\":%llu,\"jobs\":%u}\n", given->pools,
             (unsigned long long)given->records, given->jobs);
    return answer(ex, &b);
}

static enum step_result give(struct exchange *ex, const char *order,
                             int (*how)(struct batch *b, struct str name, struct batch_given *out))
{
    struct batch_given given;
    struct daemon *d = ex->worker->daemon;
    struct str name;
    if (!read_name(body_str(&ex->body), &name))
        return exchange_fail(ex, OUTCOME_BAD_BATCH, S("The body is JSON with a name: p7, or j12."));
    if (!d->batch)
        return closed(ex);
    switch (how(d->batch, name, &given)) {
    case ERR_OK:
        return done(ex, order, name, &given);
    case ERR_NOT_FOUND:
        return exchange_fail(ex, OUTCOME_NO_SUCH_BATCH, S(""));
    default:
        return exchange_fail(ex, OUTCOME_BAD_BATCH, str_of(given.why));
    }
}

static enum step_result start_flush(struct exchange *ex)
{
    return give(ex, "flush", batch_flush);
}
const struct back back_batch_flush = {"batch_flush", start_flush, NULL, NULL, NULL};

/* Nobody means all of them. */
static enum step_result start_cancel(struct exchange *ex)
{
    struct str name;
    if (read_name(body_str(&ex->body), &name) && name.len == 0)
        return exchange_fail(ex, OUTCOME_BAD_BATCH, S("Say which: a pool (p7) or a job (j12)."));
    return give(ex, "cancel", batch_cancel);
}
const struct back back_batch_cancel = {"batch_cancel", start_cancel, NULL, NULL, NULL};

static enum step_result start_retry(struct exchange *ex)
{
    return give(ex, "retry", batch_retry);
}
const struct back back_batch_retry = {"batch_retry", start_retry, NULL, NULL, NULL};
