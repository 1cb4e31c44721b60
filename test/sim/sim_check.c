/* SPDX-License-Identifier: Apache-2.0
 *
 * What must hold after each step, by the names of the reliability paper's invariants:
 *
 *     I1  a record that was taken is in exactly one list, or done
 *     I2  it is charged more than once only where it is marked; a job whose row let its members go
 *         plainly can charge for none of them any more
 *     I3  a row has one job at Bedrock at most
 *     I4  a record is answered once
 *     I5  what a job charged for and could be read is in the book
 *     I7  a record is answered by its deadline where on demand works and the clock is right, unless
 *         an alarm says that it must wait; a row always has a next step
 *     I8  jobs of a model, records of a job, money paid twice and calls are within their bounds
 */
#include "sim.h"

#include <string.h>

enum {
    LATE_MS = 5 * MINUTE, /* the last call's time, and what was under way at the deadline */
    BUSY_MS = MINUTE,
    BUSY_ACTS = 20 /* of one job in a minute without a kill; orders make some more */
};

/* I1. */
static void check_lists(struct history *h)
{
    const struct sim_spool *s = &h->spool;
    set all = s->direct | s->done;
    if (s->direct & s->done)
        sim_broken(h, "I1: a record is done and goes on demand, too");
    const set *const lists[] = {s->pools, s->members};
    const uint64_t sizes[] = {POOLS, s->n_rows + 1};
    for (int k = 0; k < 2; k++)
        for (uint64_t i = 0; i < sizes[k]; i++) {
            if (all & lists[k][i])
                sim_broken(h, "I1: a record is in two lists");
            all |= lists[k][i];
        }
    if (all != s->taken)
        sim_broken(h, "I1: a record is in no list");
}

/* I2. */
static void check_bills(struct history *h)
{
    for (set s = h->spool.taken & ~h->spool.twice; s; s &= s - 1)
        if (h->world.bills[set_first(s)] > 1)
            sim_broken(h, "I2: record %d was charged %u times and is not marked", set_first(s),
                       h->world.bills[set_first(s)]);
}

/* A job that may charge yet: not terminal, or about to be made. */
static bool may_charge(struct history *h, uint64_t number)
{
    const struct world_job *j = world_find(h, number);
    for (unsigned i = 0; i < h->world.n_late; i++)
        if (h->world.late[i].number == number && !j)
            return true;
    return j && !batch_status_ends(j->status);
}

static void check_row(struct history *h, uint64_t number)
{
    const struct batch_job *j = &h->spool.rows[number];
    const struct sim_act *a = &h->engine.acts[number];
    if (j->state >= BATCH_CLEANING && h->spool.members[number])
        sim_broken(h, "I1: job %u is over and has members", (unsigned)number);
    if (j->state >= BATCH_CLEANING && may_charge(h, number))
        sim_broken(h, "I2: job %u is given up, and Bedrock still has it", (unsigned)number);
    if (j->state == BATCH_GONE || !h->engine.up || a->act != BATCH_WAIT)
        return;
    int64_t wait_most = (h->terms.poll_ms > 5 * MINUTE ? h->terms.poll_ms : 5 * MINUTE) * 2;
    if (j->next_ms > sim_wall(h) + wait_most)
        sim_broken(h, "I7: job %u has no next step, or not soon", (unsigned)number);
}

/* I2, I8. */
void check_leave(struct history *h, const struct batch_job *row)
{
    if (row->state < BATCH_CLEANING && !row->left)
        sim_broken(h, "I2: job %u forgets that its members left", (unsigned)row->number);
}

void check_cut(struct history *h, unsigned pool, uint32_t n)
{
    uint32_t had = set_count(h->spool.pools[pool]), least = h->terms.least;
    if (had > n && had - n < least && had >= 2 * least)
        sim_broken(h, "I8: of %u records %u are left behind, too few for a job", had, had - n);
}

/* I3, I8. */
static void check_world(struct history *h)
{
    const struct world *w = &h->world;
    unsigned running[POOLS] = {0};
    for (unsigned i = 0; i < w->n_jobs; i++) {
        const struct world_job *j = &w->jobs[i];
        running[j->pool] += !batch_status_ends(j->status);
        if (world_find(h, j->number) != j)
            sim_broken(h, "I3: job %u was made twice", (unsigned)j->number);
    }
    for (unsigned i = 0; i < POOLS; i++)
        if (running[i] > h->terms.jobs_most)
            sim_broken(h, "I8: %u jobs of one model", running[i]);
}

void check_step(struct history *h)
{
    check_lists(h);
    check_bills(h);
    check_world(h);
    for (uint64_t i = 1; i <= h->spool.n_rows; i++)
        check_row(h, i);
    if (h->spool.twice_n > h->terms.twice_most + h->over)
        sim_broken(h, "I8: %u records were paid twice in a day", h->spool.twice_n);
}

/* I4, I7. */
void check_done(struct history *h, int record)
{
    int64_t late = sim_wall(h) - h->spool.deadline_ms[record];
    if (h->answered & set_of(record))
        sim_broken(h, "I4: record %d is answered twice", record);
    h->answered |= set_of(record);
    if (late > LATE_MS + h->down_ms && !h->jumped && !h->terms.direct &&
        !(h->excused & set_of(record)))
        sim_broken(h, "I7: record %d is answered %d s late", record, (int)(late / SECOND));
}

/* I3, I8. */
void check_act(struct history *h, uint64_t number, enum batch_act act)
{
    const struct batch_job *j = &h->spool.rows[number];
    if (act == BATCH_CREATE && (j->left || j->cancelled || j->arn[0]))
        sim_broken(h, "I3: job %u is created, and nobody wants it", (unsigned)number);
    if (act == BATCH_CREATE && (j->records > h->terms.most || j->records < h->terms.least))
        sim_broken(h, "I8: job %u has %u records", (unsigned)number, j->records);
    if (act == BATCH_CREATE && !h->world.inputs[number])
        sim_broken(h, "job %u is created without its input", (unsigned)number);
    if (h->true_ms - h->busy[number].from_ms > BUSY_MS) {
        h->busy[number].from_ms = h->true_ms;
        h->busy[number].n = 0;
    }
    if (++h->busy[number].n > BUSY_ACTS)
        sim_broken(h, "I8: job %u calls without end", (unsigned)number);
}

/* I5, I7. */
void check_end(struct history *h)
{
    const struct sim_spool *s = &h->spool;
    if (s->done != s->taken)
        sim_broken(h, "I7: %u records have no answer", set_count(s->taken & ~s->done));
    if (h->world.billed_lines & ~s->metered_job & ~h->unread)
        sim_broken(h, "I5: %u records that a job answered are not in the book",
                   set_count(h->world.billed_lines & ~s->metered_job & ~h->unread));
    if (s->direct || (s->done & ~(s->metered_job | s->metered_direct)))
        sim_broken(h, "I5: an answer is not in the book");
}
