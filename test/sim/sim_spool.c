/* SPDX-License-Identifier: Apache-2.0
 *
 * The disk of the simulation. Each function is one transaction: it happens whole or, when Weir was
 * killed before, not at all. The lists are sets, so a record that would be in two of them is seen
 * at once (sim_check).
 */
#include "sim.h"

void spool_take(struct history *h, unsigned pool)
{
    struct sim_spool *s = &h->spool;
    int r = (int)set_count(s->taken);
    s->taken |= set_of(r);
    s->pools[pool] |= set_of(r);
    s->bytes_of[r] = sim_percent(h, 10) ? 9000 : 1000;
    s->came_ms[r] = sim_wall(h);
    s->deadline_ms[r] =
        sim_wall(h) + sim_between(h, h->terms.deadline_ms, h->terms.deadline_ms * 5 / 4);
    sim_say(h, "record %d comes to pool %u", r, pool);
}

void spool_cut(struct history *h, unsigned pool, uint32_t n, uint64_t bytes)
{
    struct sim_spool *s = &h->spool;
    if (s->n_rows + 1 >= ROWS)
        sim_broken(h, "more jobs than a history has room for");
    check_cut(h, pool, n);
    uint64_t number = ++s->n_rows;
    struct batch_job row = {.number = number,
                            .pool = pool,
                            .cut_ms = sim_wall(h),
                            .deadline_ms = INT64_MAX,
                            .next_ms = sim_wall(h)};
    for (; row.records < n && s->pools[pool]; row.records++) {
        int r = set_first(s->pools[pool]);
        if (row.records && row.bytes + s->bytes_of[r] > bytes)
            break;
        row.bytes += s->bytes_of[r];
        s->pools[pool] &= ~set_of(r);
        s->members[number] |= set_of(r);
        if (s->deadline_ms[r] < row.deadline_ms)
            row.deadline_ms = s->deadline_ms[r];
    }
    row.expect_nanousd = row.records;
    s->rows[number] = row;
    h->jobs++;
    sim_say(h, "job %u is cut: %u records", (unsigned)number, row.records);
}

static void mark_twice(struct history *h, set members)
{
    struct sim_spool *s = &h->spool;
    s->twice |= members;
    s->twice_n += set_count(members);
    h->twice += set_count(members);
}

/* The operator ended the reading; or a clock that jumped did, in a storm of kills. */
static void give_up(struct history *h, const struct batch_job *row)
{
    const struct world_job *j = world_find(h, row->number);
    bool over = h->spool.rows[row->number].state == BATCH_READING && row->state == BATCH_CLEANING;
    if (!over || !j || !(row->cancelled || h->jumped))
        return;
    for (uint64_t i = row->read_bytes; i < j->n_lines; i++)
        h->unread |= set_of(j->line_of[i]);
}

void spool_job(struct history *h, const struct batch_job *row, enum batch_members members)
{
    struct sim_spool *s = &h->spool;
    set leave = s->members[row->number];
    give_up(h, row);
    s->rows[row->number] = *row;
    if (members == BATCH_STAY)
        return;
    if (members == BATCH_LEAVE_TWICE) {
        check_leave(h, row);
        mark_twice(h, leave);
    }
    if (members == BATCH_LEAVE_TWICE && (row->cancelled || row->state == BATCH_CLEANING))
        h->over += set_count(leave);
    s->direct |= leave;
    s->members[row->number] = 0;
    sim_say(h, "job %u: %u records leave%s", (unsigned)row->number, set_count(leave),
            members == BATCH_LEAVE_TWICE ? ", maybe twice" : "");
}

/* What a line ends: bit of a record in the job's list. */
static set ends_of(const struct history *h, uint64_t number, const struct world_job *j, unsigned i,
                   enum line what)
{
    return j->line_is[i] == what ? set_of(j->line_of[i]) & h->spool.members[number] : 0;
}

uint32_t spool_count_lines(struct history *h, uint64_t number, unsigned from, unsigned to)
{
    const struct world_job *j = world_find(h, number);
    set answered = 0;
    for (unsigned i = from; i < to; i++)
        answered |= ends_of(h, number, j, i, LINE_GOOD);
    return set_count(answered);
}

void spool_lines(struct history *h, const struct batch_job *row, unsigned from, unsigned to)
{
    struct sim_spool *s = &h->spool;
    const struct world_job *j = world_find(h, row->number);
    for (unsigned i = from; i < to; i++) {
        set good = ends_of(h, row->number, j, i, LINE_GOOD);
        set error = ends_of(h, row->number, j, i, LINE_ERROR);
        if (j->line_is[i] == LINE_GOOD)
            s->metered_job |= set_of(j->line_of[i]); /* late ones, too */
        s->members[row->number] &= ~(good | error);
        s->done |= good;
        s->direct |= error;
        if (good)
            check_done(h, j->line_of[i]);
    }
    s->rows[row->number] = *row;
}

void spool_pool_direct(struct history *h, unsigned pool)
{
    struct sim_spool *s = &h->spool;
    sim_say(h, "pool %u: %u records go on demand", pool, set_count(s->pools[pool]));
    s->direct |= s->pools[pool];
    s->pools[pool] = 0;
}

void spool_sent(struct history *h, int record)
{
    h->spool.sent |= set_of(record);
}

void spool_answered(struct history *h, int record)
{
    struct sim_spool *s = &h->spool;
    s->direct &= ~set_of(record);
    s->done |= set_of(record);
    s->metered_direct |= set_of(record);
    check_done(h, record);
}

/* A direct call came to nothing, or nobody knows to what. */
void spool_again(struct history *h, int record, bool maybe_twice)
{
    h->spool.sent &= ~set_of(record);
    if (maybe_twice)
        h->spool.twice |= set_of(record);
}
