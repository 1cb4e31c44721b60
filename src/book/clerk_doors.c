/* SPDX-License-Identifier: Apache-2.0
 *
 * What other threads do with the clerk, each function from any of them: they put letters into its
 * box, and look at what it keeps. A letter is the clerk's once it is sent; one that finds no room
 * is a gap in the book, and who waits for it learns of it like everybody. Looks take a lock for a
 * moment, or keep the book from being closed while they read.
 */
#include "clerk_private.h"

#include "weir/base/list.h"
#include "weir/base/mem.h"

#include <assert.h>
#include <string.h>

/* --- letters */

static void arrive(struct mail *mail)
{
    struct clerk_mail *m = LIST_OF(mail, struct clerk_mail, mail);
    clerk_append(&m->clerk->came, m);
}

static void lose(struct clerk *c, int64_t time_ms)
{
    pthread_mutex_lock(&c->lock);
    struct gap *g = &c->gap;
    if (g->records == 0)
        *g = (struct gap){time_ms, time_ms, 0};
    g->records++;
    g->from_ms = time_ms < g->from_ms ? time_ms : g->from_ms;
    g->until_ms = time_ms > g->until_ms ? time_ms : g->until_ms;
    c->counts.lost++;
    pthread_mutex_unlock(&c->lock);
}

static struct clerk_mail *letter(struct clerk *c, enum clerk_task task, size_t len)
{
    struct clerk_mail *m = mem_try(sizeof *m + len);
    if (!m)
        return NULL;
    *m =
        (struct clerk_mail){.mail.deliver = arrive, .clerk = c, .task = task, .len = (uint32_t)len};
    return m;
}

static void send(struct clerk_mail *m, void (*done)(void *arg, bool good), void *arg)
{
    struct clerk *c = m->clerk;
    m->done = done;
    m->arg = arg;
    bool record = m->task == TASK_RECORD;
    mailbox_send(&c->box, &m->mail); /* it is not ours any more */
    if (done || !record || atomic_fetch_add(&c->fresh, 1) + 1 >= CLERK_BATCH)
        bell_ring(&c->bell, BELL_NOW);
}

/* Who waits learns of it in the clerk's thread like everybody. */
static void send_lost(struct clerk *c, int64_t time_ms, void (*done)(void *arg, bool good),
                      void *arg)
{
    lose(c, time_ms);
    if (!done)
        return;
    struct clerk_mail *m = mem_new(sizeof *m);
    *m = (struct clerk_mail){.mail.deliver = arrive, .clerk = c, .task = TASK_LOST};
    send(m, done, arg);
}

void clerk_record(struct clerk *c, const struct record *record, void (*done)(void *arg, bool good),
                  void *arg)
{
    char room[RECORD_BYTES_MOST];
    struct buf bytes = {.data = room, .cap = sizeof room};
    if (atomic_fetch_add(&c->waiting, 1) >= CLERK_WAITING_MOST) {
        atomic_fetch_sub(&c->waiting, 1);
        send_lost(c, record->time_ms, done, arg);
        return;
    }
    record_write(record, &bytes);
    assert(bytes.data == room); /* RECORD_BYTES_MOST is enough */
    struct clerk_mail *m = letter(c, TASK_RECORD, buf_len(&bytes));
    if (!m) {
        atomic_fetch_sub(&c->waiting, 1);
        send_lost(c, record->time_ms, done, arg);
        return;
    }
    memcpy(m->bytes, room, m->len);
    send(m, done, arg);
}

/* Small, and rare: they may abort. */
static struct clerk_mail *errand(struct clerk *c, enum clerk_task task, size_t len)
{
    struct clerk_mail *m = mem_new(sizeof *m + len);
    *m =
        (struct clerk_mail){.mail.deliver = arrive, .clerk = c, .task = task, .len = (uint32_t)len};
    return m;
}

void clerk_note(struct clerk *c, struct str key, struct str value,
                void (*done)(void *arg, bool good), void *arg)
{
    assert(key.len && key.len <= STORE_KEY_MOST && value.len <= STORE_VALUE_MOST);
    struct clerk_mail *m = errand(c, TASK_NOTE, key.len + value.len);
    m->key_len = (uint32_t)key.len;
    memcpy(m->bytes, key.ptr, key.len);
    if (value.len)
        memcpy(m->bytes + key.len, value.ptr, value.len);
    send(m, done, arg);
}

void clerk_close_minute(struct clerk *c, uint32_t minute, void (*done)(void *arg, bool good),
                        void *arg)
{
    struct clerk_mail *m = errand(c, TASK_CLOSE, 4);
    store_put_u32((unsigned char *)m->bytes, minute);
    send(m, done, arg);
}

void clerk_compact(struct clerk *c, void (*done)(void *arg, bool good), void *arg)
{
    send(errand(c, TASK_COMPACT, 0), done, arg);
}

void clerk_keep(struct clerk *c, int64_t keep_requests_ms)
{
    atomic_store(&c->keep_requests_ms, keep_requests_ms);
}

/* --- readers */

struct store *clerk_read_begin(struct clerk *c)
{
    pthread_rwlock_rdlock(&c->reading);
    struct store *s = c->store;
    if (!s)
        pthread_rwlock_unlock(&c->reading);
    return s;
}

void clerk_read_end(struct clerk *c)
{
    pthread_rwlock_unlock(&c->reading);
}

void clerk_wait_open(struct clerk *c, int64_t most_ms)
{
    bell_wait(&c->tried, BELL_TRIED, most_ms);
}

const struct spent *clerk_spent(struct clerk *c)
{
    return atomic_load(&c->past);
}

void clerk_count(struct clerk *c, struct clerk_counts *out)
{
    pthread_mutex_lock(&c->lock);
    *out = c->counts;
    out->series = c->series.live;
    pthread_mutex_unlock(&c->lock);
    out->waiting = atomic_load(&c->waiting);
}

void clerk_tally(struct clerk *c,
                 void (*each)(void *arg, const struct series *s, const struct rollup *sum),
                 void *arg)
{
    pthread_mutex_lock(&c->lock);
    for (uint32_t i = 0; i < c->series.n; i++) {
        const struct series_entry *e = &c->series.entries[i];
        if (e->used && e->tally.counts[ROLLUP_REQUESTS])
            each(arg, &e->names, &e->tally);
    }
    pthread_mutex_unlock(&c->lock);
}
