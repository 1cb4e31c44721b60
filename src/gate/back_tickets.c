/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /weir/tickets/{id}: 202 while the request waits, then its answer, as often as it is asked for
 * until batch.keep has passed, then 410. A ticket is told to the client alone that has it: for all
 * others there is none, and the spool looks as long in either case.
 */
#include "back.h"
#include "spooled.h"
#include "weir/gate/daemon.h"
#include "weir/wire/uri.h"

enum { LATER_S = 5 };

static const struct operation *operation_named(struct str name)
{
    for (int id = 0; id < OPERATIONS; id++)
        if (str_eq(operation_row((enum operation_id)id)->name, name))
            return operation_row((enum operation_id)id);
    return operation_row(OP_NONE);
}

static void hear(struct mail *m)
{
    struct spooled *s = LIST_OF(m, struct spooled, told_mail);
    s->told = true;
    if (s->ex)
        exchange_go(s->ex);
    else
        spool_answer_free(s->ticket.answer);
    spooled_release(s);
}

/* In the spool's thread. */
static void on_told(void *arg, const struct spool_ticket_told *t)
{
    struct spooled *s = arg;
    s->ticket = *t;
    s->op = operation_named(t->operation);
    spooled_send(s, &s->told_mail);
}

static enum step_result unknown(struct exchange *ex)
{
    return exchange_fail(ex, OUTCOME_TICKET_UNKNOWN, S(""));
}

static enum step_result ask(struct exchange *ex)
{
    struct str path, query;
    struct spool *spool = ex->worker->daemon->spool;
    uri_split(ex->target, &path, &query);
    struct spooled *s = spooled_new(ex);
    if (!spool || !spool_id_read(str_from_offset(path, sizeof "/weir/tickets/" - 1), &s->asked))
        return unknown(ex);
    s->told_mail.deliver = hear;
    s->holders++;
    spool_ticket(spool, &s->asked, ex->client_name, on_told, s);
    return STEP_WAIT;
}

static enum step_result start(struct exchange *ex)
{
    struct spooled *s = ex->spooled;
    if (!s)
        return ask(ex);
    if (!s->told)
        return STEP_WAIT;
    switch (s->ticket.what) {
    case SPOOL_NO_TICKET:
        return unknown(ex);
    case SPOOL_TICKET_WAITS:
        return spooled_ticket(ex, &s->asked, s->ticket.deadline_ms);
    case SPOOL_TICKET_LATER:
        ex->retry_after_s = LATER_S;
        return exchange_fail(ex, OUTCOME_TICKET_LATER, S(""));
    case SPOOL_TICKET_GONE:
        return exchange_fail(ex, OUTCOME_TICKET_GONE, S(""));
    case SPOOL_TICKET_READY:
        break;
    }
    s->answer = s->ticket.answer;
    s->ticket.answer = NULL;
    return spooled_answer(ex);
}

const struct back back_tickets = {"tickets", start, spooled_drained, NULL, spooled_drop};
