/* SPDX-License-Identifier: Apache-2.0
 *
 * One transaction: the records of a batch, and each of them added to the sums of its series by
 * minute, hour and day. Rows are written in the order of their keys, each once:
 *
 *     by key: records            by minute and series: minutes, hours, days
 *
 * A record whose key is in the book already is left out everywhere; but where a commit failed and
 * had arrived all the same, what is kept in memory has yet to learn of it. That (tally, the last
 * closed minute) changes only when the transaction was committed.
 */
#include "clerk_private.h"

#include "weir/base/clock.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTES_OF_DAY = 24 * 60 };

/* A batch under work. */
struct batch {
    struct clerk *clerk;
    struct store_txn *txn;
    struct clerk_item *items;
    size_t n, n_again;
    uint32_t closed, late; /* late: the last minute that took a record of an earlier one */
    uint64_t n_late;
    struct gap gap, gap_row; /* what is lost, and its row with it */
};

static struct str key_of(const struct clerk_item *i)
{
    return str_from((const char *)i->key, sizeof i->key);
}

/* --- small rows */

int clerk_put_number(struct store_txn *t, struct str key, uint64_t n)
{
    unsigned char bytes[8];
    store_put_u64(bytes, n);
    return store_put(t, TABLE_META, key, str_from((char *)bytes, sizeof bytes));
}

static int get_number(struct store_txn *t, struct str key, uint64_t *out)
{
    struct str value;
    int rc = store_get(t, TABLE_META, key, &value);
    *out = rc == 0 && value.len == 8 ? store_get_u64(value.ptr) : 0;
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* Two numbers: how many records ever counted behind their own minute, and the last such minute. */
static int put_late(struct batch *b)
{
    uint64_t n, last;
    if (b->n_late == 0)
        return 0;
    int rc = get_number(b->txn, S("late"), &n);
    if (rc == 0)
        rc = get_number(b->txn, S("late.minute"), &last);
    if (rc == 0)
        rc = clerk_put_number(b->txn, S("late"), n + b->n_late);
    if (rc == 0)
        rc = clerk_put_number(b->txn, S("late.minute"), b->late > last ? b->late : last);
    return rc;
}

static int get_gap(struct batch *b, int64_t from_ms, struct gap *out)
{
    unsigned char key[8];
    struct str found;
    store_put_u64(key, (uint64_t)from_ms);
    struct str k = str_from((char *)key, sizeof key);
    int rc = store_get(b->txn, TABLE_GAPS, k, &found);
    if (rc || gap_read(k, found, out) != 0)
        *out = (struct gap){0}; /* none, or damaged: it begins anew */
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int put_gap(struct batch *b)
{
    unsigned char key[8];
    char room[64];
    struct gap *g = &b->gap_row, before;
    struct buf bytes = {.data = room, .cap = sizeof room};
    if (b->gap.records == 0)
        return 0;
    int rc = get_gap(b, b->gap.from_ms, &before);
    if (rc)
        return rc;
    *g = b->gap;
    g->records += before.records;
    g->until_ms = before.until_ms > g->until_ms ? before.until_ms : g->until_ms;
    gap_write(g, &bytes);
    store_put_u64(key, (uint64_t)g->from_ms);
    return store_put(b->txn, TABLE_GAPS, str_from((char *)key, sizeof key), buf_str(&bytes));
}

static void gap_is_in(struct clerk *c, const struct gap *sent)
{
    c->gap.records -= sent->records;
    if (c->gap.records)
        c->gap.from_ms = sent->until_ms; /* lost meanwhile */
}

/* What is lost and not in the book. Where a commit of it failed, its row says whether it arrived
 * all the same. */
static int take_gap(struct batch *b)
{
    struct clerk *c = b->clerk;
    struct gap row = {0};
    int rc = c->sent.unsure ? get_gap(b, c->sent.row.from_ms, &row) : 0;
    if (rc)
        return rc;
    pthread_mutex_lock(&c->lock);
    if (c->sent.unsure && row.records == c->sent.row.records)
        gap_is_in(c, &c->sent.gap);
    b->gap = c->gap;
    pthread_mutex_unlock(&c->lock);
    c->sent.unsure = false;
    return 0;
}

/* --- series */

struct str clerk_used_key(uint32_t number, unsigned char out[9])
{
    memcpy(out, "used.", 5);
    store_put_u32(out + 5, number);
    return str_from((char *)out, 9);
}

static int put_series(struct batch *b, struct series_entry *e, int64_t day)
{
    char room[2048];
    unsigned char number[4], used[9];
    struct buf bytes = {.data = room, .cap = sizeof room};
    series_write(&e->names, &bytes);
    store_put_u32(number, e->number);
    int rc = store_put(b->txn, TABLE_SERIES, str_from((char *)number, 4), buf_str(&bytes));
    return rc ? rc : clerk_put_number(b->txn, clerk_used_key(e->number, used), (uint64_t)day);
}

/* Its row, and once a day the day on which it was used last. */
static int note_series(struct batch *b, uint32_t place, uint32_t minute)
{
    struct series_entry *e = &b->clerk->series.entries[place];
    int64_t day = minute / MINUTES_OF_DAY;
    if (e->noted_day >= day)
        return 0;
    int rc = put_series(b, e, day);
    if (rc == 0)
        e->noted_day = day;
    return rc;
}

/* --- sums */

static int by_key(const void *a, const void *b)
{
    const struct clerk_item *x = a, *y = b;
    return memcmp(x->key, y->key, sizeof x->key);
}

/* Places are not numbers, but as good to bring equal ones together. */
static int by_minute(const void *a, const void *b)
{
    const struct clerk_item *x = a, *y = b;
    if (x->minute != y->minute)
        return x->minute < y->minute ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static int by_hour(const void *a, const void *b)
{
    const struct clerk_item *x = a, *y = b;
    if (x->minute / 60 != y->minute / 60)
        return x->minute < y->minute ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static int by_day(const void *a, const void *b)
{
    const struct clerk_item *x = a, *y = b;
    if (x->minute / MINUTES_OF_DAY != y->minute / MINUTES_OF_DAY)
        return x->minute < y->minute ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static const struct level {
    enum table table;
    uint32_t minutes; /* in its unit */
    int (*order)(const void *a, const void *b);
} levels[] = {{TABLE_MINUTES, 1, by_minute},
              {TABLE_HOURS, 60, by_hour},
              {TABLE_DAYS, MINUTES_OF_DAY, by_day}};

/* What is there; a row that cannot be read any more begins anew, since nothing can be added to it.
 */
static int read_sum(struct batch *b, enum table table, struct str key, struct rollup *out)
{
    struct str value;
    int rc = store_get(b->txn, table, key, &value);
    if (rc == 0 && rollup_read(value, out) != 0)
        log_say(LOG_ERROR, "book", "a damaged sum was begun anew; see weir book check");
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int add_to_sum(struct batch *b, const struct level *l, const struct clerk_item *items,
                      size_t n, struct buf *bytes)
{
    unsigned char key[8];
    struct rollup sum = {0};
    store_put_u32(key, items->minute / l->minutes);
    store_put_u32(key + 4, b->clerk->series.entries[items->place].number);
    int rc = read_sum(b, l->table, str_from((char *)key, 8), &sum);
    for (size_t i = 0; i < n; i++)
        rollup_add(&sum, &items[i].record);
    buf_clear(bytes);
    rollup_write(&sum, bytes);
    rollup_fini(&sum);
    return rc ? rc : store_put(b->txn, l->table, str_from((char *)key, 8), buf_str(bytes));
}

static int add_level(struct batch *b, const struct level *l)
{
    struct buf bytes = {0};
    int rc = 0;
    qsort(b->items, b->n, sizeof *b->items, l->order);
    for (size_t i = 0, n; i < b->n && rc == 0; i += n) {
        const struct clerk_item *at = b->items + i;
        for (n = 1; i + n < b->n; n++)
            if (l->order(at, at + n) != 0)
                break;
        rc = add_to_sum(b, l, at, n, &bytes);
    }
    buf_fini(&bytes);
    return rc;
}

/* --- records */

static int put_record(struct batch *b, struct clerk_item *i)
{
    struct str found;
    int rc = store_get(b->txn, TABLE_RECORDS, key_of(i), &found);
    if (rc == 0)
        i->again = true;
    return rc == ERR_NOT_FOUND ? store_put(b->txn, TABLE_RECORDS, key_of(i), i->bytes) : rc;
}

/* They stand behind the others from here on. */
static void set_known_aside(struct batch *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        struct clerk_item one = b->items[i];
        if (one.again)
            continue;
        b->items[i] = b->items[n];
        b->items[n++] = one;
    }
    b->n_again = b->n - n;
    b->n = n;
}

static void count_late(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        if (b->items[i].minute <= b->items[i].record.time_ms / 60000)
            continue;
        b->n_late++;
        if (b->items[i].minute > b->late)
            b->late = b->items[i].minute;
    }
}

static int put_items(struct batch *b)
{
    int rc = 0;
    qsort(b->items, b->n, sizeof *b->items, by_key);
    for (size_t i = 0; i < b->n && rc == 0; i++)
        rc = put_record(b, &b->items[i]);
    if (rc)
        return rc;
    set_known_aside(b);
    count_late(b);
    for (size_t i = 0; i < b->n && rc == 0; i++)
        rc = note_series(b, b->items[i].place, b->items[i].minute);
    for (size_t i = 0; i < sizeof levels / sizeof *levels && rc == 0; i++)
        rc = add_level(b, &levels[i]);
    return rc ? rc : put_late(b);
}

/* --- tasks */

static void take_record(struct batch *b, const struct clerk_mail *m)
{
    struct clerk *c = b->clerk;
    struct clerk_item *i = &b->items[b->n++];
    *i = (struct clerk_item){.bytes = str_from(m->bytes, m->len), .unsure = m->unsure};
    int rc = record_read(i->bytes, &i->record);
    assert(rc == 0); /* this process wrote it */
    store_put_u64(i->key, (uint64_t)i->record.time_ms);
    memcpy(i->key + 8, i->record.id, RECORD_ID_BYTES);
    i->minute = prune_minute(i->record.time_ms, b->closed, clock_wall_ms());
    const struct series names = {i->record.client, i->record.workload, i->record.model,
                                 i->record.lane};
    pthread_mutex_lock(&c->lock);
    i->place = series_set_place(&c->series, &names);
    (void)series_set_number(&c->series, i->place);
    pthread_mutex_unlock(&c->lock);
}

static int take_close(struct batch *b, const struct clerk_mail *m)
{
    uint32_t minute = store_get_u32(m->bytes);
    if (minute <= b->closed)
        return 0;
    b->closed = minute;
    return clerk_put_number(b->txn, S("closed"), minute);
}

static int take_note(struct batch *b, const struct clerk_mail *m)
{
    struct str all = str_from(m->bytes, m->len);
    return store_put(b->txn, TABLE_META, str_sub(all, 0, m->key_len),
                     str_from_offset(all, m->key_len));
}

static int take(struct batch *b, const struct clerk_mail *m)
{
    switch (m->task) {
    case TASK_RECORD:
        take_record(b, m);
        return 0;
    case TASK_NOTE:
        return take_note(b, m);
    case TASK_CLOSE:
        return take_close(b, m);
    case TASK_LOST:
    case TASK_COMPACT:
        break;
    }
    return 0;
}

/* --- the whole */

static void was_committed(struct batch *b)
{
    struct clerk *c = b->clerk;
    c->closed = b->closed;
    pthread_mutex_lock(&c->lock);
    c->counts.commits++;
    gap_is_in(c, &b->gap);
    for (const struct clerk_item *i = b->items; i < b->items + b->n + b->n_again; i++) {
        if (i->again && !i->unsure)
            continue;
        c->counts.committed++;
        rollup_add(&c->series.entries[i->place].tally, &i->record);
    }
    pthread_mutex_unlock(&c->lock);
}

/* Once for each step up: a report does not say that its names end somewhere. */
static void tell_room(struct clerk *c)
{
    static const char *const what[] = {
        [SERIES_NO_WORKLOADS] = "workloads", [SERIES_NO_NAMES] = "clients, models and workloads"};
    enum series_room room = series_set_room(&c->series);
    if (room > c->room)
        log_say(LOG_WARN, "book",
                "the book has %" PRIu32 " series: from now on new %s count as \"other\" "
                "(docs/METRICS.md)",
                c->series.live, what[room]);
    c->room = room;
}

/* Their rows may not be there. */
static void was_not(struct batch *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        b->clerk->series.entries[b->items[i].place].noted_day = -1;
}

/* After a commit: is it in the file that others see? */
static int commit(struct batch *b, size_t n)
{
    int rc = store_commit(b->txn);
    if (rc == 0 && store_is_gone(b->clerk->store))
        rc = ERR_NOT_FOUND;
    for (struct clerk_mail *m = b->clerk->queue.first; rc && n > 0; m = m->next, n--)
        m->unsure = true;
    if (rc && b->gap.records) {
        b->clerk->sent.unsure = true;
        b->clerk->sent.gap = b->gap;
        b->clerk->sent.row = b->gap_row;
    }
    return rc;
}

int clerk_batch(struct clerk *c, size_t *out_n)
{
    struct batch b = {.clerk = c, .items = c->items, .closed = c->closed};
    size_t n = 0, records;
    int rc = store_begin(c->store, true, &b.txn);
    if (rc)
        return rc;
    rc = take_gap(&b);
    for (const struct clerk_mail *m = c->queue.first; m && n < CLERK_BATCH_MOST && rc == 0;
         m = m->next) {
        if (m->task == TASK_COMPACT || m->task == TASK_LOST)
            break;
        rc = take(&b, m);
        n++;
    }
    records = b.n;
    if (rc == 0)
        rc = put_items(&b);
    if (rc == 0)
        rc = put_gap(&b);
    if (rc)
        store_abort(b.txn);
    else
        rc = commit(&b, n);
    if (rc) {
        was_not(&b, records);
        return rc;
    }
    was_committed(&b);
    tell_room(c);
    *out_n = n;
    return 0;
}

/* --- learning */

/* A row that cannot be read any more keeps its number: there may be sums under it. */
static int learn_one(struct clerk *c, struct store_txn *t, const struct store_walk *w)
{
    struct series names;
    unsigned char used[9];
    uint64_t day;
    uint32_t number = w->key.len == 4 ? store_get_u32(w->key.ptr) : 0;
    if (number >= c->series.next_number)
        c->series.next_number = number + 1;
    if (number == 0 || series_read(w->value, &names) != 0)
        return 0;
    int rc = get_number(t, clerk_used_key(number, used), &day);
    if (rc == 0)
        series_set_load(&c->series, number, &names, (int64_t)day);
    return rc;
}

static int learn_series(struct clerk *c, struct store_txn *t)
{
    struct store_walk w;
    store_walk_init(&w, t, TABLE_SERIES);
    int rc = store_walk_from(&w, S(""));
    for (; rc == 0; rc = store_walk_next(&w)) {
        rc = learn_one(c, t, &w);
        if (rc)
            break;
    }
    store_walk_fini(&w);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* When the book was in use last: the clock that it notes, or else its last day. 0: never. */
static int last_use(struct store_txn *t, int64_t *out_ms)
{
    struct store_walk w;
    uint64_t noted;
    int rc = get_number(t, S("kept.clock"), &noted);
    *out_ms = (int64_t)noted;
    if (rc || noted)
        return rc;
    store_walk_init(&w, t, TABLE_DAYS);
    rc = store_walk_last(&w);
    if (rc == 0 && w.key.len == 8)
        *out_ms = ((int64_t)store_get_u32(w.key.ptr) + 1) * MINUTES_OF_DAY * 60000;
    store_walk_fini(&w);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int clerk_learn(struct clerk *c, struct store *s)
{
    struct store_txn *t;
    uint64_t closed = 0;
    int64_t used_ms = 0;
    int rc = store_begin(s, false, &t);
    if (rc)
        return rc;
    pthread_mutex_lock(&c->lock);
    series_set_unload(&c->series);
    rc = learn_series(c, t);
    pthread_mutex_unlock(&c->lock);
    if (rc == 0)
        rc = get_number(t, S("closed"), &closed);
    if (rc == 0)
        rc = last_use(t, &used_ms);
    store_abort(t);
    prune_clock_open(&c->clock, used_ms, clock_wall_ms(), clock_mono_ns());
    if (rc == 0 && closed > c->closed) /* what was told of an older book stays told */
        c->closed = (uint32_t)closed;
    return rc;
}
