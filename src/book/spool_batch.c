/* SPDX-License-Identifier: Apache-2.0
 *
 * Letters, as many as wait, in one transaction; then each is told how it went. What is summed up in
 * memory changes with the work, so when a transaction is lost all of it is read again.
 */
#include "spool_private.h"

#include "weir/base/hook.h"
#include "weir/base/mem.h"

/* --- transactions */

void spool_batch_measure(struct spool *s)
{
    struct store_size size;
    uint64_t full = spool_full_at(s);
    if (store_measure(s->store, &size) != 0)
        return;
    pthread_mutex_lock(&s->lock);
    s->counts.size = size;
    if (size.used_bytes < full - full / 16) /* said when something was refused */
        s->counts.full = false;
    pthread_mutex_unlock(&s->lock);
}

uint64_t spool_full_at(const struct spool *s)
{
    return s->size_bytes / 100 * SPOOL_FULL_PARTS;
}

int spool_batch_commit(struct spool *s, int rc)
{
    if (rc >= 0)
        rc = spool_twice_put(s);
    if (rc < 0) {
        store_abort(s->txn);
        return rc;
    }
    if (HOOK("spool.before_commit")) {
        store_abort(s->txn);
        return ERR_IO;
    }
    rc = store_commit(s->txn);
    if (rc == 0 && store_is_gone(s->store))
        rc = ERR_NOT_FOUND;
    if (rc)
        return rc;
    spool_twice_committed(s);
    (void)HOOK("spool.after_commit");
    return 0;
}

int spool_batch_begin(struct spool *s)
{
    s->txn_bytes = 0;
    spool_twice_begin(s);
    return store_is_gone(s->store) ? ERR_NOT_FOUND : store_begin(s->store, true, &s->txn);
}

/* --- letters */

static struct spool_mail *take(struct spool *s)
{
    struct spool_mail *m = s->first;
    s->first = m->next;
    if (!s->first)
        s->last = &s->first;
    return m;
}

static void leave(struct spool *s, const struct spool_mail *m)
{
    struct spool_waiter w;
    if (claims_leave(&s->claims, m->number, m->u.waiter_arg, &w))
        w.woken(w.arg, NULL);
}

/* Who would have been told to come again is no waiter. */
static void take_back(struct spool *s, const struct spool_mail *m)
{
    if (m->u.waiter_arg)
        leave(s, m);
    else
        claims_untime(&s->claims, m->number);
}

/* What needs no transaction is done here; 1: there is more of it. */
static int work_on(struct spool *s, struct spool_mail *m)
{
    if (m->no_room)
        return 0;
    switch (m->task) {
    case SPOOL_DO_ADMIT:
        return spool_admit_do(s, m);
    case SPOOL_DO_LEAVE:
        leave(s, m);
        return 0;
    case SPOOL_DO_WITHDRAW:
        take_back(s, m);
        return spool_withdraw_do(s, m->number, m->u.waiter_arg != NULL);
    case SPOOL_DO_DELIVERED:
        return m->u.good ? spool_delivered_do(s, m->number) : 0;
    case SPOOL_DO_TICKET:
        return spool_ticket_do(s, m);
    case SPOOL_DO_OUTBOX:
        spool_outbox_acked(s, m);
        return 0;
    case SPOOL_DO_LOST:
        return spool_table_give_up(s, m->number);
    case SPOOL_DO_CUT:
    case SPOOL_DO_JOB:
    case SPOOL_DO_POOL_DIRECT:
    case SPOOL_DO_SENT:
    case SPOOL_DO_SETTLE:
    case SPOOL_DO_CANCEL:
        return spool_move_do(s, m);
    }
    return 0;
}

static void free_mail(struct spool_mail *m)
{
    atomic_fetch_sub(&m->spool->waiting, sizeof *m + m->bytes);
    mem_free(m);
}

static void end(struct spool *s, struct spool_mail *m, bool committed)
{
    bool good = committed && !m->no_room;
    switch (m->task) {
    case SPOOL_DO_ADMIT:
        spool_admit_end(s, m, good, m->no_room ? "no memory" : "closed");
        break;
    case SPOOL_DO_TICKET:
        spool_ticket_end(s, m, good);
        break;
    case SPOOL_DO_DELIVERED:
        claims_unhand(&s->claims, m->number);
        break;
    case SPOOL_DO_LEAVE:
    case SPOOL_DO_WITHDRAW:
    case SPOOL_DO_OUTBOX:
    case SPOOL_DO_LOST:
        break;
    case SPOOL_DO_CUT:
    case SPOOL_DO_JOB:
    case SPOOL_DO_POOL_DIRECT:
    case SPOOL_DO_SENT:
    case SPOOL_DO_SETTLE:
    case SPOOL_DO_CANCEL:
        spool_move_end(s, m, good);
        break;
    }
    free_mail(m);
}

/* What has no transaction is still done: connections leave, rows came into the book. */
static void refuse(struct spool *s, struct spool_mail *m)
{
    if (m->task == SPOOL_DO_LEAVE || m->task == SPOOL_DO_OUTBOX)
        (void)work_on(s, m);
    if (m->task == SPOOL_DO_WITHDRAW)
        take_back(s, m);
    end(s, m, false);
}

/* Nothing can be written now. What is there already is joined all the same: sent on demand it would
 * be paid for twice. */
static void refuse_now(struct spool *s, struct spool_mail *m)
{
    if (m->task == SPOOL_DO_ADMIT && spool_admit_join(s, m))
        end(s, m, true);
    else
        refuse(s, m);
}

/* --- a transaction */

static void slice_committed(struct spool *s, struct spool_mail *m)
{
    if (m->task >= SPOOL_DO_CUT && m->task <= SPOOL_DO_CANCEL && !m->no_room)
        spool_move_slice(s, m);
}

/* The next letters. *out_n of them were worked on; the last one is not over where *out_more. */
static int batch(struct spool *s, size_t *out_n, bool *out_more)
{
    uint64_t bytes = 0;
    int rc = spool_batch_begin(s);
    *out_n = 0;
    *out_more = false;
    if (rc)
        return rc;
    for (struct spool_mail *m = s->first;
         m && *out_n < SPOOL_BATCH_MOST && bytes < SPOOL_BATCH_BYTES && !rc; m = m->next) {
        rc = work_on(s, m);
        bytes += m->bytes;
        ++*out_n;
    }
    *out_more = rc == 1;
    if (rc >= 0)
        rc = spool_outbox_do(s);
    if (rc == 0)
        rc = spool_sums_refresh(s);
    rc = spool_batch_commit(s, rc);
    if (rc == 0)
        s->outbox.n = 0;
    return rc;
}

static void batch_committed(struct spool *s, size_t n, bool more)
{
    spool_well(s);
    spool_batch_measure(s);
    spool_sums_tell(s, false);
    for (; n > (more ? 1 : 0); n--) {
        struct spool_mail *m = take(s);
        slice_committed(s, m);
        end(s, m, true);
    }
    if (more)
        slice_committed(s, s->first);
    spool_sums_tell(s, true);
    if (s->gave_up)
        spool_wake_lost(s);
    spool_outbox_hand(s);
}

/* The first n letters are told so before all is read again: nobody is woken for a record that he
 * was never told of. */
void spool_batch_lost(struct spool *s, int rc, size_t n)
{
    spool_fail(s, rc, NULL);
    for (; n > 0; n--)
        refuse_now(s, take(s));
    if (s->store)
        spool_open_again(s);
}

void spool_batch_letters(struct spool *s)
{
    size_t n;
    bool more;
    while (s->first && s->store) {
        int rc = batch(s, &n, &more);
        if (rc == 0)
            batch_committed(s, n, more);
        else
            spool_batch_lost(s, rc, n);
    }
    while (s->first)
        refuse(s, take(s));
}

void spool_batch_refuse_new(struct spool *s)
{
    struct spool_mail *all = s->first, *next;
    s->first = NULL;
    s->last = &s->first;
    for (; all; all = next) {
        next = all->next;
        if (all->task == SPOOL_DO_ADMIT) {
            refuse_now(s, all);
            continue;
        }
        all->next = NULL;
        *s->last = all;
        s->last = &all->next;
    }
}

int spool_batch_chores(struct spool *s)
{
    int rc = spool_batch_begin(s);
    if (rc)
        return rc;
    rc = spool_forget_do(s);
    bool more = rc == 1;
    if (rc >= 0)
        rc = spool_outbox_do(s);
    if (rc == 0)
        rc = spool_sums_refresh(s);
    rc = spool_batch_commit(s, rc);
    if (rc)
        return rc;
    s->outbox.n = 0;
    spool_batch_measure(s);
    spool_sums_tell(s, true);
    return more;
}

void spool_batch_heard(struct spool *s)
{
    while (s->first)
        refuse(s, take(s));
}
