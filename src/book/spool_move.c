/* SPDX-License-Identifier: Apache-2.0
 *
 * Records on their way: from a pool to a job, from either to the direct list, from there or from a
 * job to done. Each is one transaction with the job's row that explains it; what may be many (a
 * pool that is given up) goes in slices. Nothing that has one end gets another.
 */
#include "spool_private.h"

#include "weir/base/clock.h"
#include "weir/base/hook.h"
#include "weir/base/mem.h"

#include <string.h>

/* --- jobs' rows */

static int put_job(struct spool *s, const struct batch_job *job)
{
    struct spool_key key = spool_key_number(job->number);
    if (job->state == BATCH_GONE) {
        spool_sums_drop_job(s, job->number);
        return store_delete(s->txn, TABLE_JOBS, spool_key_str(&key));
    }
    buf_clear(&s->scratch);
    batch_job_write(job, &s->scratch);
    int rc = store_put(s->txn, TABLE_JOBS, spool_key_str(&key), buf_str(&s->scratch));
    if (rc == 0)
        spool_sums_put_job(s, job);
    return rc;
}

/* --- many at once */

/* What is to become of each; 0, ERR_*. */
typedef int change(struct spool *s, struct spool_mail *m, uint64_t number,
                   const struct spool_place *place);

/* One that cannot be read is given up. */
static int change_one(struct spool *s, struct spool_mail *m, const struct spool_key *listed,
                      change *what)
{
    uint64_t number = spool_key_end(spool_key_str(listed));
    struct spool_place place;
    int rc = spool_table_place(s, number, &place);
    if (rc == 0)
        return what(s, m, number, &place);
    return rc == ERR_BAD || rc == ERR_NOT_FOUND ? spool_table_give_up_listed(s, listed) : rc;
}

/* At most n of a list; *out_n of them were there. */
static int change_list(struct spool *s, struct spool_mail *m, unsigned list, uint64_t of, size_t n,
                       change *what, size_t *out_n)
{
    uint64_t *numbers;
    int rc = spool_table_members(s->txn, list, of, 0, n, &numbers, out_n);
    for (size_t i = 0; i < *out_n && rc == 0; i++) {
        struct spool_key key = spool_key_list(list, of, numbers[i]);
        rc = change_one(s, m, &key, what);
    }
    mem_free(numbers);
    return rc;
}

static int go_direct(struct spool *s, uint64_t number, const struct spool_place *place,
                     unsigned flags)
{
    struct spool_place now = *place;
    now.state = SPOOL_DIRECT;
    now.of = 0;
    now.flags |= flags;
    return spool_table_move(s, number, place, &now);
}

static int to_direct(struct spool *s, struct spool_mail *m, uint64_t number,
                     const struct spool_place *place)
{
    bool twice = m->task == SPOOL_DO_JOB && m->u.job.members == BATCH_LEAVE_TWICE;
    return go_direct(s, number, place, twice ? SPOOL_MAYBE_TWICE : 0);
}

/* --- cut */

static int into_job(struct spool *s, struct spool_mail *m, uint64_t number,
                    const struct spool_place *place)
{
    struct batch_job *job = &m->u.cut.job;
    struct spool_place now = *place;
    if (job->records && job->bytes + place->bytes > m->u.cut.most_bytes)
        return 1;
    now.state = SPOOL_IN_JOB;
    now.of = job->number;
    job->records++;
    job->bytes += place->bytes;
    job->expect_nanousd += place->expect_nanousd;
    if (job->records == 1 || place->deadline_ms < job->deadline_ms)
        job->deadline_ms = place->deadline_ms;
    return spool_table_move(s, number, place, &now);
}

static int do_cut(struct spool *s, struct spool_mail *m)
{
    struct batch_job *job = &m->u.cut.job;
    size_t n;
    (void)HOOK("spool.cut");
    job->number = s->next_job;
    job->pool = m->pool;
    job->records = 0;
    job->bytes = job->expect_nanousd = 0;
    job->deadline_ms = 0;
    spool_sums_put_job(s, job); /* so that members are counted */
    int rc = change_list(s, m, SPOOL_LIST_POOL, m->pool, m->n, into_job, &n);
    if (rc < 0)
        return rc;
    if (job->records == 0) {
        spool_sums_drop_job(s, job->number);
        return 0;
    }
    rc = spool_table_put_meta(s, S("next.job"), job->number + 1);
    s->next_job = job->number + 1;
    return rc ? rc : put_job(s, job);
}

/* --- a job's row, with what becomes of its members */

/* Nothing is in the list of a job that is not there any more. */
static int put_row(struct spool *s, struct spool_mail *m, const struct batch_job *job)
{
    bool stay = m->task != SPOOL_DO_JOB || m->u.job.members == BATCH_STAY;
    size_t n;
    int rc = 0;
    if (!stay || job->state == BATCH_GONE)
        rc = change_list(s, m, SPOOL_LIST_JOB, job->number, SIZE_MAX, to_direct, &n);
    return rc ? rc : put_job(s, job);
}

static int do_pool_direct(struct spool *s, struct spool_mail *m)
{
    size_t most = m->n < SPOOL_SLICE ? m->n : SPOOL_SLICE, n;
    int rc = change_list(s, m, SPOOL_LIST_POOL, m->pool, most, to_direct, &n);
    if (rc)
        return rc;
    m->n -= (uint32_t)n;
    return n == most && m->n ? 1 : 0;
}

static int do_sent(struct spool *s, struct spool_mail *m)
{
    int rc = 0;
    for (size_t i = 0; i < m->n && rc == 0; i++) {
        struct spool_place place, now;
        rc = spool_table_place(s, m->u.some.numbers[i], &place);
        now = place;
        now.flags |= SPOOL_SENT;
        if (rc == 0 && place.state == SPOOL_DIRECT)
            rc = spool_table_move(s, m->u.some.numbers[i], &place, &now);
        if (rc == ERR_NOT_FOUND || rc == ERR_BAD) {
            m->u.some.missing = true;
            rc = 0;
        }
    }
    return rc;
}

/* --- ends */

/* Its body is not needed any more. ERR_NOT_FOUND: it was given up. */
static int end_it(struct spool *s, uint64_t number, const struct spool_place *place,
                  const struct spool_end *e, unsigned char secret[SPOOL_SECRET_BYTES],
                  unsigned *out_flags)
{
    struct spool_place now = *place;
    struct spool_row row;
    int rc = spool_table_row(s, number, &row);
    if (rc == ERR_BAD || rc == ERR_NOT_FOUND) {
        rc = spool_table_give_up(s, number);
        return rc ? rc : ERR_NOT_FOUND;
    }
    if (rc)
        return rc;
    memcpy(secret, row.secret, sizeof row.secret);
    row.status = e->status;
    row.error_type = e->error_type;
    row.answer_bytes = e->body.len;
    row.saved_nanousd = e->saved_nanousd;
    now.state = SPOOL_DONE;
    now.of = 0;
    now.flags |= e->flags;
    now.bytes = e->body.len;
    now.done_ms = clock_wall_ms();
    now.cost_nanousd = e->cost_nanousd;
    *out_flags = now.flags;
    rc = spool_table_put_row(s, number, &row);
    if (rc == 0)
        rc = spool_table_drop_pieces(s, TABLE_BODIES, number, row.body_bytes);
    if (rc == 0)
        rc = spool_table_put_pieces(s, TABLE_ANSWERS, number, e->body);
    return rc ? rc : spool_table_move(s, number, place, &now);
}

static bool is_there(const struct spool_mail *m, const struct spool_place *p)
{
    if (m->u.settle.has_job)
        return p->state == SPOOL_IN_JOB && p->of == m->u.settle.job.number;
    return p->state == SPOOL_DIRECT;
}

static int settle_one(struct spool *s, struct spool_mail *m, struct spool_ending *x)
{
    const struct spool_end *e = &x->end;
    struct spool_place place;
    x->counted = false;
    int rc = spool_table_place(s, e->number, &place);
    if (rc == ERR_BAD) {
        rc = spool_table_give_up(s, e->number);
        return rc ? rc : spool_outbox_put(s, e->late_outbox);
    }
    if (rc == ERR_NOT_FOUND || (rc == 0 && !is_there(m, &place)))
        return spool_outbox_put(s, e->late_outbox);
    if (rc)
        return rc;
    if (e->goes_direct) {
        rc = go_direct(s, e->number, &place, e->flags);
        return rc ? rc : spool_outbox_put(s, e->outbox);
    }
    rc = end_it(s, e->number, &place, e, x->secret, &x->flags);
    if (rc == ERR_NOT_FOUND)
        return spool_outbox_put(s, e->late_outbox);
    x->counted = rc == 0;
    m->u.settle.answered += x->counted;
    return rc ? rc : spool_outbox_put(s, e->outbox);
}

static int do_settle(struct spool *s, struct spool_mail *m)
{
    int rc = HOOK("spool.settle") ? ERR_IO : 0;
    m->u.settle.answered = 0;
    for (size_t i = 0; i < m->n && rc == 0; i++)
        rc = settle_one(s, m, &m->u.settle.ends[i]);
    return rc || !m->u.settle.has_job ? rc : put_row(s, m, &m->u.settle.job);
}

static void tell_waiters(struct spool *s, const struct spool_ending *x)
{
    struct spool_answer a = {.id.number = x->end.number,
                             .status = x->end.status,
                             .error_type = x->end.error_type,
                             .body = x->end.body,
                             .flags = x->flags,
                             .cost_nanousd = x->end.cost_nanousd,
                             .saved_nanousd = x->end.saved_nanousd};
    memcpy(a.id.secret, x->secret, sizeof a.id.secret);
    spool_wake(s, x->end.number, &a);
}

/* --- the operator's */

static int cancel_one(struct spool *s, struct spool_mail *m, uint64_t number,
                      const struct spool_place *place)
{
    struct spool_ending *x = &m->u.some.ends[m->u.some.n_ends];
    x->end = m->u.some.end;
    x->end.number = number;
    int rc = end_it(s, number, place, &x->end, x->secret, &x->flags);
    m->u.some.n_ends += rc == 0;
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int do_cancel(struct spool *s, struct spool_mail *m)
{
    size_t n;
    m->u.some.n_ends = 0;
    if (!m->u.some.ends)
        m->u.some.ends = mem_new(SPOOL_SLICE * sizeof *m->u.some.ends);
    int rc = change_list(s, m, SPOOL_LIST_POOL, m->pool, SPOOL_SLICE, cancel_one, &n);
    return rc ? rc : n == SPOOL_SLICE;
}

/* --- the whole */

int spool_move_do(struct spool *s, struct spool_mail *m)
{
    switch (m->task) {
    case SPOOL_DO_CUT:
        return do_cut(s, m);
    case SPOOL_DO_JOB:
        return put_row(s, m, &m->u.job.job);
    case SPOOL_DO_POOL_DIRECT:
        return do_pool_direct(s, m);
    case SPOOL_DO_SENT:
        return do_sent(s, m);
    case SPOOL_DO_SETTLE:
        return do_settle(s, m);
    case SPOOL_DO_CANCEL:
        return do_cancel(s, m);
    case SPOOL_DO_ADMIT:
    case SPOOL_DO_LEAVE:
    case SPOOL_DO_WITHDRAW:
    case SPOOL_DO_DELIVERED:
    case SPOOL_DO_TICKET:
    case SPOOL_DO_OUTBOX:
    case SPOOL_DO_LOST:
        break;
    }
    return 0;
}

void spool_move_slice(struct spool *s, struct spool_mail *m)
{
    size_t n = m->task == SPOOL_DO_SETTLE   ? m->n
               : m->task == SPOOL_DO_CANCEL ? m->u.some.n_ends
                                            : 0;
    const struct spool_ending *ends =
        m->task == SPOOL_DO_SETTLE ? m->u.settle.ends : m->u.some.ends;
    uint64_t answered = 0;
    for (size_t i = 0; i < n; i++) {
        if (m->task == SPOOL_DO_SETTLE && !ends[i].counted)
            continue;
        tell_waiters(s, &ends[i]);
        answered++;
    }
    pthread_mutex_lock(&s->lock);
    s->counts.answered += answered;
    s->counts.cancelled += m->task == SPOOL_DO_CANCEL ? answered : 0;
    pthread_mutex_unlock(&s->lock);
}

void spool_move_end(struct spool *s, struct spool_mail *m, bool good)
{
    if (m->task == SPOOL_DO_CUT) {
        m->u.cut.told(m->arg, &m->u.cut.job, good && m->u.cut.job.records);
    } else if (m->task == SPOOL_DO_SETTLE) {
        if (m->u.settle.done)
            m->u.settle.done(m->arg, good ? m->u.settle.answered : 0, good);
    } else if (m->task == SPOOL_DO_JOB) {
        if (m->u.job.done)
            m->u.job.done(m->arg, good);
    } else {
        if (m->u.some.done)
            m->u.some.done(m->arg, good && !m->u.some.missing);
        mem_free(m->u.some.ends);
    }
}
