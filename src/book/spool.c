/* SPDX-License-Identifier: Apache-2.0
 *
 * The spool's thread. What waits in its box becomes one transaction; while that is on its way to
 * the disk the next ones gather. Callbacks come when it is committed, or is not.
 *
 * What is summed up in memory changes with the transaction's work, so when one is lost all of it is
 * read again. After a failure nothing is taken for five seconds, and then the environment is opened
 * anew, whatever may have been wrong with it. (Only a full disk keeps it open; what moves records
 * is tried all the same, since deleting makes room.)
 */
#include "spool_private.h"

#include "weir/base/clock.h"
#include "weir/base/digest.h"
#include "weir/base/hook.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CHORES_MS = 1000, SWEEP_MS = 60 * 1000 };
#define NS_A_MS 1000000LL

/* --- trouble */

static void publish(struct spool *s, struct store *store)
{
    pthread_rwlock_wrlock(&s->reading);
    s->store = store;
    pthread_rwlock_unlock(&s->reading);
    pthread_mutex_lock(&s->lock);
    s->counts.open = store != NULL;
    pthread_mutex_unlock(&s->lock);
}

static void close_store(struct spool *s)
{
    struct store *old = s->store;
    publish(s, NULL);
    store_close(old);
}

static const char *reason(int rc)
{
    switch (rc) {
    case ERR_FULL:
        return "there is no room on its disk";
    case ERR_BAD:
        return "the spool is damaged; move the folder away (Weir then begins a new one) or put a "
               "backup there";
    case ERR_NOT_FOUND:
        return "the spool is gone or another one lies there; Weir opens what is there";
    default:
        return "the disk failed";
    }
}

static void tell(struct spool *s, const char *sentence)
{
    if (strcmp(sentence, s->told) == 0)
        return; /* the same again is no news */
    snprintf(s->told, sizeof s->told, "%s", sentence);
    if (s->trouble)
        s->trouble(s->arg, sentence);
}

/* `why` NULL: what `rc` says. */
static void fail(struct spool *s, int rc, const char *why)
{
    char sentence[sizeof s->told];
    int64_t now = clock_mono_ns();
    if (s->store && rc != ERR_FULL && rc != ERR_BUSY)
        close_store(s);
    s->again_ns = rc == ERR_PANIC ? now : now + SPOOL_AGAIN_MS * NS_A_MS;
    if (rc == ERR_PANIC)
        return; /* what led to it was told and counted */
    pthread_mutex_lock(&s->lock);
    s->counts.failures++;
    pthread_mutex_unlock(&s->lock);
    snprintf(sentence, sizeof sentence, "%s: %s: requests go on demand", s->dir, reason(rc));
    tell(s, why ? why : sentence);
}

static void all_is_well(struct spool *s)
{
    s->again_ns = 0;
    if (!*s->told)
        return;
    *s->told = 0;
    if (s->trouble)
        s->trouble(s->arg, NULL);
}

/* --- waiting connections */

static struct spool_answer *copy_of(const struct spool_answer *a)
{
    struct spool_answer *copy = spool_answer_make(&a->id, a->status, a->error_type, a->body.len);
    buf_add(&copy->bytes, a->body);
    copy->error_type = str_sub(buf_str(&copy->bytes), 0, a->error_type.len);
    copy->body = str_from_offset(buf_str(&copy->bytes), a->error_type.len);
    copy->flags = a->flags;
    copy->cost_nanousd = a->cost_nanousd;
    copy->saved_nanousd = a->saved_nanousd;
    return copy;
}

void spool_wake(struct spool *s, uint64_t number, const struct spool_answer *answer)
{
    struct claim_waiter *w = claims_take(&s->claims, number), *next;
    for (; w; w = next) {
        next = w->next;
        if (!answer)
            claims_unhand(&s->claims, number);
        w->waiter.woken(w->waiter.arg, answer ? copy_of(answer) : NULL);
        mem_free(w);
    }
}

/* Somebody waits for what is not there any more, or for what is done already. */
static void check_one(void *arg, uint64_t number)
{
    struct spool *s = arg;
    struct spool_place place;
    struct spool_answer *answer = NULL;
    int rc = spool_table_place(s, number, &place);
    if (rc == 0 && place.state != SPOOL_DONE)
        return;
    if (rc == 0)
        rc = spool_table_answer(s, number, &answer);
    spool_wake(s, number, rc ? NULL : answer);
    spool_answer_free(answer);
}

static void check_waiters(struct spool *s)
{
    s->gave_up = false;
    if (store_begin(s->store, false, &s->txn) != 0)
        return;
    claims_each(&s->claims, check_one, s);
    store_abort(s->txn);
}

static void wake_nobody(void *arg, uint64_t number)
{
    spool_wake(arg, number, NULL);
}

/* --- opening */

static uint64_t number_of(struct store_txn *t, struct str key)
{
    struct str value;
    return store_get(t, TABLE_META, key, &value) == 0 && value.len == 8 ? store_get_u64(value.ptr)
                                                                        : 1;
}

static int load(struct spool *s, struct store *store)
{
    struct store_txn *t;
    struct str value;
    int rc = store_begin(store, false, &t);
    if (rc)
        return rc;
    uint64_t next = number_of(t, S("next")), next_job = number_of(t, S("next.job"));
    s->next = s->reserved = next > s->next ? next : s->next;
    s->next_job = next_job > s->next_job ? next_job : s->next_job;
    rc = spool_sums_load(s, t);
    if (rc == 0 && store_get(t, TABLE_META, S("instance"), &value) == 0 &&
        value.len == SPOOL_INSTANCE)
        memcpy(s->instance, value.ptr, SPOOL_INSTANCE);
    store_abort(t);
    s->outbox.at = 0;
    return rc;
}

static void measure(struct spool *s)
{
    struct store_size size;
    if (store_measure(s->store, &size) != 0)
        return;
    pthread_mutex_lock(&s->lock);
    s->counts.size = size;
    s->counts.full = size.used_bytes >= spool_full_at(s);
    pthread_mutex_unlock(&s->lock);
}

uint64_t spool_full_at(const struct spool *s)
{
    return s->size_bytes / 100 * SPOOL_FULL_PARTS;
}

static int commit(struct spool *s, int rc)
{
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
    if (rc == 0)
        (void)HOOK("spool.after_commit");
    return rc;
}

static int begin(struct spool *s)
{
    s->txn_bytes = 0;
    return store_is_gone(s->store) ? ERR_NOT_FOUND : store_begin(s->store, true, &s->txn);
}

static int give_instance(struct spool *s)
{
    static const char hex[] = "0123456789abcdef";
    char drawn[SPOOL_INSTANCE];
    for (size_t i = 0; i < sizeof drawn; i++)
        drawn[i] = hex[random_below(16)];
    int rc = begin(s);
    if (rc)
        return rc;
    rc = commit(s, store_put(s->txn, TABLE_META, S("instance"), str_from(drawn, sizeof drawn)));
    if (rc == 0) {
        pthread_mutex_lock(&s->lock);
        memcpy(s->instance, drawn, sizeof drawn);
        pthread_mutex_unlock(&s->lock);
    }
    return rc;
}

static bool try_to_open(struct spool *s)
{
    char why[sizeof s->told];
    struct store *store;
    const struct store_options o = {
        .dir = s->dir, .size_bytes = s->size_bytes, .kind = STORE_SPOOL};
    int rc = s->ready ? s->ready(s->arg, why, sizeof why) : 0;
    if (rc == 0)
        rc = store_open(&o, &store, why, sizeof why);
    if (rc) {
        fail(s, rc, why);
        return false;
    }
    s->instance[0] = 0;
    rc = load(s, store);
    publish(s, store);
    if (rc == 0 && !*s->instance)
        rc = give_instance(s);
    if (rc) {
        fail(s, rc, NULL);
        return false;
    }
    measure(s);
    check_waiters(s);
    return true;
}

static bool open_store(struct spool *s)
{
    bool good = try_to_open(s);
    pthread_mutex_lock(&s->lock);
    s->tried = true;
    pthread_cond_broadcast(&s->has_tried);
    pthread_mutex_unlock(&s->lock);
    return good;
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

/* What needs no transaction is done here; 1: there is more of it. */
static int work_on(struct spool *s, struct spool_mail *m)
{
    switch (m->task) {
    case SPOOL_DO_ADMIT:
        return spool_admit_do(s, m);
    case SPOOL_DO_LEAVE:
        leave(s, m);
        return 0;
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

static void end(struct spool *s, struct spool_mail *m, bool good)
{
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
    end(s, m, false);
}

/* --- a transaction */

static void slice_committed(struct spool *s, struct spool_mail *m)
{
    if (m->task >= SPOOL_DO_CUT && m->task <= SPOOL_DO_CANCEL)
        spool_move_slice(s, m);
}

/* The next letters, at most `most`. *out_n of them were worked on; the last one is not over where
 * *out_more. */
static int batch(struct spool *s, size_t most, size_t *out_n, bool *out_more)
{
    uint64_t bytes = 0;
    int rc = begin(s);
    *out_n = 0;
    *out_more = false;
    if (rc)
        return rc;
    for (struct spool_mail *m = s->first; m && *out_n < most && bytes < SPOOL_BATCH_BYTES && !rc;
         m = m->next) {
        rc = work_on(s, m);
        bytes += m->bytes;
        ++*out_n;
    }
    *out_more = rc == 1;
    if (rc >= 0)
        rc = spool_outbox_do(s);
    if (rc == 0)
        rc = spool_sums_refresh(s);
    rc = commit(s, rc);
    if (rc == 0)
        s->outbox.n = 0;
    return rc;
}

static void batch_committed(struct spool *s, size_t n, bool more)
{
    all_is_well(s);
    measure(s);
    for (; n > (more ? 1 : 0); n--) {
        struct spool_mail *m = take(s);
        slice_committed(s, m);
        end(s, m, true);
    }
    if (more)
        slice_committed(s, s->first);
    if (s->gave_up)
        check_waiters(s);
    spool_outbox_hand(s);
}

/* What is in memory is not what is on the disk any more. */
static void batch_lost(struct spool *s, int rc)
{
    fail(s, rc, NULL);
    if (!s->store)
        return;
    rc = load(s, s->store);
    if (rc)
        fail(s, rc, NULL);
    else
        check_waiters(s);
}

/* Letters that were lost together are tried one by one where that may help: what is too much for
 * one is no fault of the others. */
static void do_letters(struct spool *s)
{
    size_t most = SPOOL_BATCH_MOST, n;
    bool more;
    while (s->first && s->store) {
        int rc = batch(s, most, &n, &more);
        if (rc == 0) {
            batch_committed(s, n, more);
            continue;
        }
        bool alone = n <= 1 || rc != ERR_FULL;
        batch_lost(s, rc);
        most = 1;
        for (; alone && n > 0; n--)
            refuse(s, take(s));
    }
    while (s->first)
        refuse(s, take(s));
}

/* --- the thread */

static bool rests(const struct spool *s)
{
    return s->again_ns && clock_mono_ns() < s->again_ns;
}

/* A disk that is full may do for what moves: but nothing new. */
static void refuse_new(struct spool *s)
{
    struct spool_mail *all = s->first, *next;
    s->first = NULL;
    s->last = &s->first;
    for (; all; all = next) {
        next = all->next;
        if (all->task == SPOOL_DO_ADMIT) {
            refuse(s, all);
            continue;
        }
        all->next = NULL;
        *s->last = all;
        s->last = &all->next;
    }
}

static void work(struct spool *s)
{
    mailbox_read(&s->box);
    if (!s->store && !rests(s))
        (void)open_store(s);
    if (rests(s))
        refuse_new(s);
    do_letters(s);
}

static int chores(struct spool *s)
{
    int rc = begin(s);
    if (rc)
        return rc;
    rc = spool_forget_do(s);
    bool more = rc == 1;
    if (rc >= 0)
        rc = spool_outbox_do(s);
    if (rc == 0)
        rc = spool_sums_refresh(s);
    rc = commit(s, rc);
    if (rc)
        return rc;
    s->outbox.n = 0;
    measure(s);
    return more;
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
        rc = chores(s);
    s->chores_ns = now + (rc == 1 ? 0 : CHORES_MS * NS_A_MS);
    if (rc < 0)
        batch_lost(s, rc);
    else
        spool_outbox_hand(s);
}

static int64_t idle_ms(const struct spool *s)
{
    int64_t next_ns = s->store ? s->chores_ns : s->again_ns;
    int64_t ms = (next_ns - clock_mono_ns()) / NS_A_MS + 1;
    return ms < 0 ? 0 : ms < SPOOL_AGAIN_MS ? ms : SPOOL_AGAIN_MS;
}

static void finish(struct spool *s)
{
    s->again_ns = 0;
    work(s);
    if (s->store && s->outbox.n)
        (void)!chores(s);
    claims_each(&s->claims, wake_nobody, s);
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
    pthread_condattr_t monotonic;
    size_t len = strlen(dir) + 1;
    s->dir = mem_new(len);
    memcpy(s->dir, dir, len);
    if (key) {
        memcpy(s->key_bytes, key, sizeof s->key_bytes);
        s->key = s->key_bytes;
    }
    s->last = &s->first;
    s->next = s->next_job = s->next_outbox = 1;
    claims_init(&s->claims);
    mailbox_init(&s->box, ring, s);
    pthread_rwlock_init(&s->reading, NULL);
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->has_tried, &monotonic);
    pthread_condattr_destroy(&monotonic);
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
    pthread_cond_destroy(&s->has_tried);
    mem_free(s->dir);
    mem_free(s);
}

struct spool *spool_new(const struct spool_options *o)
{
    struct spool *s = spool_make(o->dir, o->key);
    s->size_bytes = o->size_bytes;
    s->clerk = o->clerk;
    s->ready = o->ready;
    s->trouble = o->trouble;
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
