/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /api/v1/book/compact: the clerk rewrites the book without its free pages, and the answer
 * waits for it. One at a time. Whoever asked may leave; it goes on.
 */
#include "back.h"
#include "weir/base/list.h"
#include "weir/gate/daemon.h"

enum { IDLE, RUNS, GOOD, BAD };

static void is_done(struct mail *m)
{
    struct compaction *c = LIST_OF(m, struct compaction, mail);
    c->state = c->good ? GOOD : BAD;
    if (c->waits)
        exchange_go(c->waits);
    c->state = IDLE;
}

/* In the clerk's thread. */
static void clerk_done(void *arg, bool good)
{
    struct daemon *s = arg;
    s->compaction.good = good;
    s->compaction.mail.deliver = is_done;
    mailbox_send(loop_mailbox(s->office.loop), &s->compaction.mail);
}

static enum step_result begin(struct exchange *ex, struct daemon *s)
{
    if (!s->clerk)
        return exchange_fail(ex, OUTCOME_BOOK_CLOSED,
                             S("There is no book: the configuration says metering: off."));
    if (s->compaction.state != IDLE)
        return exchange_fail(ex, OUTCOME_BOOK_CLOSED, S("The book is being compacted already."));
    s->compaction.state = RUNS;
    s->compaction.waits = ex;
    clerk_compact(s->clerk, clerk_done, s);
    return STEP_WAIT;
}

static enum step_result start_compact(struct exchange *ex)
{
    struct daemon *s = ex->worker->daemon;
    if (s->compaction.waits != ex)
        return begin(ex, s);
    if (s->compaction.state == RUNS)
        return STEP_WAIT;
    s->compaction.waits = NULL;
    if (s->compaction.state == GOOD)
        return exchange_own(ex, 200, S("application/json"), S("{\"compacted\":true}\n"));
    return exchange_fail(ex, OUTCOME_BOOK_CLOSED,
                         S("The book was not compacted. Weir's log says why."));
}

static void drop_compact(struct exchange *ex)
{
    struct compaction *c = &ex->worker->daemon->compaction;
    if (c->waits == ex)
        c->waits = NULL;
}
const struct back back_compact = {"compact", start_compact, NULL, NULL, drop_compact};
