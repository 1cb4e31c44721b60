/* SPDX-License-Identifier: Apache-2.0
 *
 * What may be paid twice in a day (UTC), for batch.max_twice: each record counts when it is marked,
 * once, with what it is expected to cost in a job. The day's sum is a row of its own, written in
 * the transaction that marks: so it is the same after a restart, whatever became of the records.
 *
 *     TABLE_META  "twice" -> day 8, nano-dollars 8
 */
#include "spool_private.h"

#include "weir/base/clock.h"

enum { MS_A_DAY = 86400 * 1000, ROW_BYTES = 16 };

static int64_t today(void)
{
    return clock_wall_ms() / MS_A_DAY;
}

void spool_twice_begin(struct spool *s)
{
    s->twice.marked = s->twice.marked_nanousd = 0;
}

void spool_twice_move(struct spool *s, const struct spool_place *from, const struct spool_place *to)
{
    if (!to || !(to->flags & SPOOL_MAYBE_TWICE) || (from && from->flags & SPOOL_MAYBE_TWICE))
        return;
    s->twice.marked++;
    s->twice.marked_nanousd += to->expect_nanousd;
}

static uint64_t of_day(const struct spool *s, int64_t day)
{
    return s->twice.day == day ? s->twice.nanousd : 0;
}

int spool_twice_put(struct spool *s)
{
    unsigned char row[ROW_BYTES];
    int64_t day = today();
    if (s->twice.marked == 0)
        return 0;
    store_put_u64(row, (uint64_t)day);
    store_put_u64(row + 8, of_day(s, day) + s->twice.marked_nanousd);
    return store_put(s->txn, TABLE_META, S("twice"), str_from((char *)row, sizeof row));
}

void spool_twice_committed(struct spool *s)
{
    int64_t day = today();
    if (s->twice.marked == 0)
        return;
    pthread_mutex_lock(&s->lock);
    s->twice.nanousd = of_day(s, day) + s->twice.marked_nanousd;
    s->twice.day = day;
    s->counts.twice += s->twice.marked;
    pthread_mutex_unlock(&s->lock);
}

void spool_twice_load(struct spool *s, struct store_txn *t)
{
    struct str row;
    bool known = store_get(t, TABLE_META, S("twice"), &row) == 0 && row.len == ROW_BYTES;
    pthread_mutex_lock(&s->lock);
    s->twice.day = known ? (int64_t)store_get_u64(row.ptr) : 0;
    s->twice.nanousd = known ? store_get_u64(row.ptr + 8) : 0;
    pthread_mutex_unlock(&s->lock);
}

void spool_count(struct spool *s, struct spool_counts *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->counts;
    out->twice_nanousd = of_day(s, today());
    pthread_mutex_unlock(&s->lock);
}
