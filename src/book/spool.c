/* SPDX-License-Identifier: Apache-2.0
 *
 * The spool's thread. What waits in its box becomes one transaction (spool_batch.c); while that is
 * on its way to the disk the next ones gather. Now and then it forgets, and looks after its file.
 *
 * After a failure nothing is taken for five seconds, and then the environment is opened anew,
 * whatever may have been wrong with it. (Only a full disk keeps it open; what moves records is
 * tried all the same, since deleting makes room.)
 */
#include "spool_private.h"

#include "weir/base/clock.h"
#include "weir/base/digest.h"
#include "weir/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CHORES_MS = 1000, SWEEP_MS = 60 * 1000 };

/* --- trouble */

/* That it is open is said when it was read, too: spool_open. */
void spool_publish(struct spool *s, struct store *store)
{
    pthread_rwlock_wrlock(&s->reading);
    s->store = store;
    pthread_rwlock_unlock(&s->reading);
    pthread_mutex_lock(&s->lock);
    s->counts.open = s->counts.open && store;
    pthread_mutex_unlock(&s->lock);
}

static void close_store(struct spool *s)
{
    struct store *old = s->store;
    spool_publish(s, NULL);
    store_close(old);
}

/* `why` NULL: what `rc` says. */
void spool_fail(struct spool *s, int rc, const char *why)
{
    int64_t now = clock_mono_ns();
    if (s->store && rc != ERR_FULL && rc != ERR_BUSY)
        close_store(s);
    s->again_ns = rc == ERR_PANIC ? now : now + SPOOL_AGAIN_MS * NS_A_MS;
    if (rc == ERR_PANIC)
        return; /* what led to it was told and counted */
    pthread_mutex_lock(&s->lock);
    s->counts.failures++;
    trouble_tell(&s->trouble, rc, why);
    pthread_mutex_unlock(&s->lock);
}

void spool_well(struct spool *s)
{
    s->again_ns = 0;
    pthread_mutex_lock(&s->lock);
    trouble_end(&s->trouble);
    pthread_mutex_unlock(&s->lock);
}

bool spool_trouble(struct spool *s, struct buf *out)
{
    pthread_mutex_lock(&s->lock);
    struct str told = str_of(s->trouble.told);
    buf_add(out, told);
    pthread_mutex_unlock(&s->lock);
    return told.len > 0;
}

/* --- the thread */

static bool rests(const struct spool *s)
{
    return s->again_ns && clock_mono_ns() < s->again_ns;
}

static void work(struct spool *s)
{
    mailbox_read(&s->box);
    if (!s->store && !rests(s))
        spool_open(s);
    if (rests(s))
        spool_batch_refuse_new(s);
    spool_batch_letters(s);
}

static void look_after(struct spool *s)
{
    int64_t now = clock_mono_ns();
    int rc = 0;
    if (now >= s->sweep_ns) {
        store_sweep(s->store);
        s->sweep_ns = now + SWEEP_MS * NS_A_MS;
    }
    if (store_is_gone(s->store))
        rc = ERR_NOT_FOUND;
    else if (s->outbox.n || spool_forget_due(s))
        rc = spool_batch_chores(s);
    s->chores_ns = now + (rc == 1 ? 0 : CHORES_MS * NS_A_MS);
    if (rc < 0)
        spool_batch_lost(s, rc, 0);
    else
        spool_outbox_hand(s);
}

static int64_t idle_ms(const struct spool *s)
{
    int64_t next_ns = s->store ? s->chores_ns : s->again_ns;
    int64_t ms = (next_ns - clock_mono_ns()) / NS_A_MS + 1;
    return ms < 0 ? 0 : ms < SPOOL_AGAIN_MS ? ms : SPOOL_AGAIN_MS;
}

/* What was handed to the clerk is told here: it comes before the end. */
static void finish(struct spool *s)
{
    s->again_ns = 0;
    work(s);
    while (s->outbox.underway) {
        bell_wait(&s->bell, SPOOL_BELL, SPOOL_AGAIN_MS);
        atomic_store(&s->bell.bits, 0);
        mailbox_read(&s->box);
        spool_batch_heard(s);
    }
    if (s->store && s->outbox.n)
        (void)!spool_batch_chores(s);
    spool_wake_all(s);
    if (s->store)
        close_store(s);
}

static void *run(void *arg)
{
    struct spool *s = arg;
    while (!atomic_load(&s->stop)) {
        work(s);
        if (s->store && clock_mono_ns() >= s->chores_ns)
            look_after(s);
        bell_wait(&s->bell, SPOOL_BELL, idle_ms(s));
        atomic_store(&s->bell.bits, 0);
    }
    finish(s);
    return NULL;
}

static void ring(void *arg)
{
    struct spool *s = arg;
    bell_ring(&s->bell, SPOOL_BELL);
}

/* --- life */

struct spool *spool_make(const char *dir, const unsigned char *key)
{
    struct spool *s = mem_new(sizeof *s);
    size_t len = strlen(dir) + 1;
    s->dir = mem_new(len);
    memcpy(s->dir, dir, len);
    if (key) {
        memcpy(s->key_bytes, key, sizeof s->key_bytes);
        s->key = s->key_bytes;
    }
    s->last = &s->first;
    s->next = s->next_job = s->next_outbox = 1;
    s->next_pool = 1;
    claims_init(&s->claims);
    mailbox_init(&s->box, ring, s);
    pthread_rwlock_init(&s->reading, NULL);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void spool_unmake(struct spool *s)
{
    spool_sums_fini(s);
    claims_fini(&s->claims);
    secret_wipe(s->key_bytes, sizeof s->key_bytes);
    buf_fini(&s->row_bytes);
    buf_fini(&s->scratch);
    mem_free(s->outbox.acked);
    pthread_rwlock_destroy(&s->reading);
    pthread_mutex_destroy(&s->lock);
    mem_free(s->dir);
    mem_free(s);
}

struct spool *spool_new(const struct spool_options *o)
{
    struct spool *s = spool_make(o->dir, o->key);
    s->size_bytes = o->size_bytes;
    s->clerk = o->clerk;
    s->ready = o->ready;
    s->trouble = (struct trouble){
        .dir = s->dir,
        .full = "there is no room on its disk",
        .damaged = "the spool is damaged; " TROUBLE_SPOOL_CURE,
        .gone = "the spool is gone or another one lies there; Weir opens what is there",
        .tell = o->trouble,
        .arg = o->arg};
    s->waits = o->waits;
    s->arg = o->arg;
    spool_keep(s, o->keep_ms, o->replay_ms);
    bell_thread(&s->thread, run, s);
    return s;
}

void spool_free(struct spool *s)
{
    if (!s)
        return;
    atomic_store(&s->stop, true);
    bell_ring(&s->bell, SPOOL_BELL);
    pthread_join(s->thread, NULL);
    spool_unmake(s);
}
