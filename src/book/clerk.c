/* SPDX-License-Identifier: Apache-2.0
 *
 * The clerk's thread, its bells, and what it does when the book cannot be written. All but its
 * beginning and its end runs in that thread; what others do is clerk_doors.c's.
 *
 * Two bells wake it. MAIL: the box was empty; it then lets 100 ms pass, so that many records share
 * one commit, and a worker rings at most once in that time. NOW: 256 records wait, or somebody
 * waits for a commit; that ends the 100 ms. After a failure records gather in a list, and every
 * five seconds it is tried again: whatever may have been wrong with the environment, it is opened
 * anew. (Only a full disk or map keeps it open: its readers can go on.)
 */
#include "clerk_private.h"

#include "weir/base/clock.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"
#include "weir/plan/limit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MS_A_DAY = 86400000 };
enum {
    CHORES_MS = 10 * 1000,
    FORGET_MS = 3600 * 1000,
    NOTE_MS = 3600 * 1000,
    SLICES_AT_ONCE = 8,
};

/* --- the bells */

static void ring_mail(void *arg)
{
    struct clerk *c = arg;
    bell_ring(&c->bell, BELL_MAIL);
}

/* --- queues */

static void empty(struct clerk_queue *q)
{
    q->first = NULL;
    q->last = &q->first;
}

void clerk_append(struct clerk_queue *q, struct clerk_mail *m)
{
    m->next = NULL;
    *q->last = m;
    q->last = &m->next;
}

static struct clerk_mail *take(struct clerk_queue *q)
{
    struct clerk_mail *m = q->first;
    q->first = m->next;
    if (!q->first)
        q->last = &q->first;
    return m;
}

/* --- trouble */

static void publish(struct clerk *c, struct store *s)
{
    pthread_rwlock_wrlock(&c->reading);
    c->store = s;
    pthread_rwlock_unlock(&c->reading);
    pthread_mutex_lock(&c->lock);
    c->counts.open = s != NULL;
    pthread_mutex_unlock(&c->lock);
}

static void close_book(struct clerk *c)
{
    struct store *s = c->store;
    publish(c, NULL);
    store_close(s);
}

/* `why` NULL: what `rc` says. With a full disk reading goes on; after anything else it is opened
 * anew, which is the only cure for some of it. */
static void fail(struct clerk *c, int rc, const char *why)
{
    int64_t now = clock_mono_ns();
    bool at_once = rc == ERR_PANIC || (rc == ERR_NOT_FOUND && !why);
    if (c->store && rc != ERR_FULL && rc != ERR_BUSY)
        close_book(c);
    if (!at_once)
        c->again_ns = now + CLERK_AGAIN_MS * NS_A_MS;
    else if (c->again_ns == 0) /* it does not rest already */
        c->again_ns = now > 0 ? now : 1;
    if (rc == ERR_PANIC)
        return; /* what led to it was told and counted */
    pthread_mutex_lock(&c->lock);
    c->counts.failures++;
    pthread_mutex_unlock(&c->lock);
    trouble_tell(&c->trouble, rc, why);
}

static void all_is_well(struct clerk *c)
{
    c->again_ns = 0;
    trouble_end(&c->trouble);
}

static void end_letter(struct clerk *c, struct clerk_mail *m, bool good)
{
    if (m->task == TASK_RECORD)
        atomic_fetch_sub(&c->waiting, 1);
    if (m->done)
        m->done(m->arg, good);
    mem_free(m);
}

/* Nobody waits for a book that cannot be written. Records stay; errands are their owners' again. */
static void refuse_waiters(struct clerk *c, struct clerk_queue *q)
{
    struct clerk_queue stay;
    empty(&stay);
    while (q->first) {
        struct clerk_mail *m = take(q);
        if (m->task != TASK_RECORD) {
            end_letter(c, m, false);
            continue;
        }
        if (m->done)
            m->done(m->arg, false);
        m->done = NULL;
        clerk_append(&stay, m);
    }
    while (stay.first)
        clerk_append(q, take(&stay));
}

/* --- the book */

static void measure(struct clerk *c)
{
    struct store_size size;
    if (store_measure(c->store, &size) != 0)
        return;
    pthread_mutex_lock(&c->lock);
    c->counts.size = size;
    pthread_mutex_unlock(&c->lock);
}

/* Once, before anything is written: later there is our own in it. */
static int learn_past(struct clerk *c, struct store *s)
{
    int64_t now_ms = clock_wall_ms(), day = limit_day(now_ms);
    struct spent *past;
    if (atomic_load(&c->past))
        return 0;
    while (day > 0 && limit_month((day - 1) * MS_A_DAY) == limit_month(now_ms))
        day--;
    int rc = spent_read(s, day > 0 ? (uint32_t)day : 0, &past);
    if (rc == 0)
        atomic_store(&c->past, past);
    return rc;
}

static bool try_to_open(struct clerk *c)
{
    char why[TROUBLE_MOST];
    struct store *s;
    const struct store_options o = {c->dir, c->size_bytes, false};
    int rc = c->ready ? c->ready(c->arg, why, sizeof why) : 0;
    if (rc == 0)
        rc = store_open(&o, &s, why, sizeof why);
    if (rc) {
        fail(c, rc, why);
        return false;
    }
    rc = clerk_learn(c, s);
    if (rc == 0)
        rc = learn_past(c, s);
    if (rc) {
        store_close(s);
        fail(c, rc, NULL);
        return false;
    }
    publish(c, s);
    measure(c);
    c->chores_ns = 0;
    c->note_ns = clock_mono_ns() + NOTE_MS * NS_A_MS;
    return true;
}

static bool open_book(struct clerk *c)
{
    bool good = try_to_open(c);
    bell_ring(&c->tried, BELL_TRIED);
    return good;
}

/* The disk has room for both only while it works; everything that waits, waits. */
static bool compact(struct clerk *c)
{
    char why[512];
    uint64_t before = c->counts.size.file_bytes;
    int rc = store_compact(c->store, why, sizeof why);
    if (rc == 0) {
        close_book(c);
        rc = store_swap(c->dir, why, sizeof why);
    }
    if (rc)
        log_say(LOG_WARN, "book", "not compacted: %s", why);
    if (!c->store && !open_book(c))
        return false;
    if (rc == 0)
        log_say(LOG_INFO, "book", "compacted from %" PRIu64 " to %" PRIu64 " bytes", before,
                c->counts.size.file_bytes);
    return rc == 0;
}

/* Past the limit there is only room for deleting: that always needs some. */
static bool is_full(const struct clerk *c)
{
    const struct store_size *s = &c->counts.size;
    return s->limit_bytes && s->used_bytes >= s->limit_bytes;
}

static int commit_some(struct clerk *c)
{
    size_t n;
    if (store_is_gone(c->store))
        return ERR_NOT_FOUND;
    int rc = is_full(c) ? ERR_FULL : clerk_batch(c, &n);
    if (rc)
        return rc;
    all_is_well(c);
    while (n-- > 0)
        end_letter(c, take(&c->queue), true);
    measure(c);
    if (c->counts.size.used_bytes < c->counts.size.limit_bytes / 100 * PRUNE_AT_PERCENT)
        return 0;
    rc = clerk_prune(c);
    if (rc == 1)
        c->chores_ns = 0; /* there is more */
    return rc < 0 ? rc : 0;
}

static void do_queue(struct clerk *c)
{
    int rc = 0;
    while (c->queue.first && c->store && rc == 0) {
        enum clerk_task task = c->queue.first->task;
        if (task == TASK_COMPACT || task == TASK_LOST) {
            struct clerk_mail *m = take(&c->queue);
            end_letter(c, m, task == TASK_COMPACT && compact(c));
        } else {
            rc = commit_some(c);
        }
    }
    if (rc == ERR_FULL)
        c->chores_ns = 0; /* what can be forgotten makes room */
    if (rc)
        fail(c, rc, NULL);
    else if (c->store)
        all_is_well(c);
    if (rc || !c->store)
        refuse_waiters(c, &c->queue);
}

static void work(struct clerk *c)
{
    bool rests = c->again_ns && clock_mono_ns() < c->again_ns;
    if (rests || (!c->store && !open_book(c))) {
        refuse_waiters(c, &c->came);
        rests = true;
    }
    while (c->came.first)
        clerk_append(&c->queue, take(&c->came));
    if (!rests)
        do_queue(c);
}

/* --- chores */

static void look_after(struct clerk *c)
{
    int rc = store_is_gone(c->store) ? ERR_NOT_FOUND : 1;
    store_sweep(c->store);
    for (int i = 0; i < SLICES_AT_ONCE && rc == 1; i++) {
        rc = clerk_prune(c);
        if (atomic_load(&c->bell.bits) & BELL_NOW)
            break;
    }
    c->chores_ns = clock_mono_ns() + (rc == 1 ? 0 : CHORES_MS * NS_A_MS);
    if (rc == 0 && clock_mono_ns() >= c->forget_ns) { /* no sum of a forgotten series is left */
        rc = clerk_forget(c);
        c->forget_ns = clock_mono_ns() + (rc == 1 ? 0 : FORGET_MS * NS_A_MS);
    }
    if (rc == 0 && clock_mono_ns() >= c->note_ns) {
        rc = clerk_note_clock(c);
        c->note_ns = clock_mono_ns() + NOTE_MS * NS_A_MS;
    }
    if (rc < 0)
        fail(c, rc, NULL);
}

/* --- the thread */

static int64_t idle_ms(const struct clerk *c)
{
    int64_t next_ns = c->store ? c->chores_ns : INT64_MAX;
    if (c->again_ns && c->again_ns < next_ns)
        next_ns = c->again_ns;
    int64_t ms = (next_ns - clock_mono_ns()) / NS_A_MS + 1;
    return ms < 0 ? 0 : ms < CHORES_MS ? ms : CHORES_MS;
}

static void gather(struct clerk *c)
{
    bell_wait(&c->bell, BELL_MAIL | BELL_NOW, idle_ms(c));
    if (atomic_load(&c->bell.bits) == BELL_MAIL)
        bell_wait(&c->bell, BELL_NOW, CLERK_EVERY_MS);
    atomic_store(&c->fresh, 0);
    atomic_store(&c->bell.bits, 0);
    mailbox_read(&c->box);
}

/* What cannot be written now never will be. */
static void finish(struct clerk *c)
{
    uint64_t lost = 0;
    mailbox_read(&c->box);
    c->again_ns = 0;
    work(c);
    for (; c->queue.first; lost++)
        end_letter(c, take(&c->queue), false);
    if (lost)
        log_say(LOG_ERROR, "book", "%" PRIu64 " records could not be written before the end: %s",
                lost, c->trouble.told);
    if (c->store)
        close_book(c);
}

static void *run(void *arg)
{
    struct clerk *c = arg;
    while (!atomic_load(&c->stop)) {
        work(c);
        if (c->store && clock_mono_ns() >= c->chores_ns)
            look_after(c);
        gather(c);
    }
    finish(c);
    return NULL;
}

/* --- life */

struct clerk *clerk_new(const struct clerk_options *o)
{
    struct clerk *c = mem_new(sizeof *c);
    size_t len = strlen(o->dir) + 1;
    c->dir = mem_new(len);
    memcpy(c->dir, o->dir, len);
    c->size_bytes = o->size_bytes;
    c->ready = o->ready;
    c->trouble = (struct trouble){
        .dir = c->dir,
        .full = "there is no room: the disk is full, or book.size is reached",
        .damaged = "the book is damaged; move the folder away (Weir then begins a new one) or put "
                   "a backup there",
        .gone = "the book is gone or another one lies there; Weir opens what is there",
        .tell = o->trouble,
        .arg = o->arg};
    c->arg = o->arg;
    atomic_store(&c->keep_requests_ms, o->keep_requests_ms);
    c->items = mem_new(CLERK_BATCH_MOST * sizeof *c->items);
    series_set_init(&c->series, CLERK_SERIES_MOST, random_u64());
    mailbox_init(&c->box, ring_mail, c);
    empty(&c->came);
    empty(&c->queue);
    pthread_rwlock_init(&c->reading, NULL);
    pthread_mutex_init(&c->lock, NULL);
    bell_thread(&c->thread, run, c);
    return c;
}

void clerk_free(struct clerk *c)
{
    if (!c)
        return;
    atomic_store(&c->stop, true);
    bell_ring(&c->bell, BELL_NOW);
    pthread_join(c->thread, NULL);
    series_set_fini(&c->series);
    spent_free(atomic_load(&c->past));
    pthread_rwlock_destroy(&c->reading);
    pthread_mutex_destroy(&c->lock);
    mem_free(c->items);
    mem_free(c->dir);
    mem_free(c);
}
