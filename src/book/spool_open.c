/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening: what is there is summed up, an environment gets the name that jobs carry, and what is
 * nobody's is put right: members of a job or a pool whose row cannot be read go on demand, and so
 * do those of a job whose pool cannot: nobody knows any more whose credentials it takes.
 *
 * It has a mark of the key that it is sealed with. With another one everything in it would be taken
 * for damaged, and given up: so it is not opened then, unless it is empty.
 */
#include "spool_private.h"

#include "weir/base/clock.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t number_of(struct store_txn *t, struct str key)
{
    struct str value;
    return store_get(t, TABLE_META, key, &value) == 0 && value.len == 8 ? store_get_u64(value.ptr)
                                                                        : 1;
}

/* Others read it where it is: the same name is not written again. */
static void name(struct spool *s, struct str instance)
{
    if (str_eq(str_of(s->instance), instance))
        return;
    pthread_mutex_lock(&s->lock);
    memset(s->instance, 0, sizeof s->instance);
    if (instance.len == SPOOL_INSTANCE)
        memcpy(s->instance, instance.ptr, SPOOL_INSTANCE);
    pthread_mutex_unlock(&s->lock);
}

static int load(struct spool *s, struct store *store)
{
    struct store_txn *t;
    struct str value;
    int rc = store_begin(store, false, &t);
    if (rc)
        return rc;
    uint64_t next = number_of(t, S("next")), next_job = number_of(t, S("next.job"));
    s->next = next > s->next ? next : s->next;
    s->next_job = next_job > s->next_job ? next_job : s->next_job;
    rc = spool_sums_load(s, t);
    s->reserved = s->next; /* the first one that is given writes further */
    if (rc == 0)
        name(s, store_get(t, TABLE_META, S("instance"), &value) == 0 ? value : S(""));
    spool_twice_load(s, t);
    store_abort(t);
    s->outbox.at = 0;
    return rc;
}

void spool_open_again(struct spool *s)
{
    int rc = load(s, s->store);
    if (rc) {
        spool_fail(s, rc, NULL);
        return;
    }
    spool_sums_tell(s, true);
    spool_wake_lost(s);
}

/* --- its key */

static int is_empty(struct store_txn *t, enum table table, bool *out)
{
    const struct spool_key first = spool_key_number(0);
    struct store_walk w;
    store_walk_init(&w, t, table);
    int rc = store_walk_from(&w, spool_key_str(&first));
    store_walk_fini(&w);
    *out = rc == ERR_NOT_FOUND;
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* One of an earlier version has no mark: it gets one when it is empty. */
static int compare(struct store_txn *t, const unsigned char *key, enum spool_mark *out,
                   bool *out_unmarked)
{
    struct str value;
    bool bodies, answers;
    int rc = store_get(t, TABLE_META, S("sealed"), &value);
    *out = rc == 0 ? spool_mark_read(key, value) : MARK_SAME;
    *out_unmarked = rc == ERR_NOT_FOUND || *out != MARK_SAME;
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    rc = is_empty(t, TABLE_BODIES, &bodies);
    if (rc == 0)
        rc = is_empty(t, TABLE_ANSWERS, &answers);
    if (rc)
        return rc;
    *out_unmarked = *out_unmarked && bodies && answers;
    if (*out_unmarked)
        *out = MARK_SAME;
    return 0;
}

int spool_open_mark(const char *dir, struct store *store, const unsigned char *key,
                    bool *out_unmarked, char *why, size_t why_size)
{
    static const char *const sentences[] = {
        [MARK_OTHER_KEY] = "is sealed with another key than that of batch.spool_key_file; put the "
                           "old key back",
        [MARK_SEALED] = "is sealed, and batch.spool_key_file is not set; set it to the old key",
        [MARK_PLAIN] = "is not sealed, and batch.spool_key_file is set; take it away",
    };
    struct store_txn *t;
    enum spool_mark mark = MARK_SAME;
    int rc = store_begin(store, false, &t);
    if (rc == 0) {
        rc = compare(t, key, &mark, out_unmarked);
        store_abort(t);
    }
    if (rc)
        snprintf(why, why_size, "%s: it cannot be read", dir);
    if (rc || mark == MARK_SAME)
        return rc;
    snprintf(why, why_size,
             "%s: what is in it %s until it is empty, or move the folder away (what waits in it is "
             "then not answered)",
             dir, sentences[mark]);
    return ERR_REFUSED;
}

static int put_mark(struct spool *s)
{
    struct buf mark = {0};
    int rc = spool_batch_begin(s);
    if (rc)
        return rc;
    spool_mark_write(s->key, &mark);
    rc = spool_batch_commit(s, store_put(s->txn, TABLE_META, S("sealed"), buf_str(&mark)));
    buf_fini(&mark);
    return rc;
}

/* --- a new one's name */

static int give_instance(struct spool *s)
{
    static const char hex[] = "0123456789abcdef";
    char drawn[SPOOL_INSTANCE];
    for (size_t i = 0; i < sizeof drawn; i++)
        drawn[i] = hex[random_below(16)];
    int rc = spool_batch_begin(s);
    if (rc)
        return rc;
    rc = store_put(s->txn, TABLE_META, S("instance"), str_from(drawn, sizeof drawn));
    rc = spool_batch_commit(s, rc);
    if (rc == 0)
        name(s, str_from(drawn, sizeof drawn));
    return rc;
}

/* --- repairs */

/* The pool or the job that it is in cannot be read. Whatever is of no pool is told so, since its
 * number may be another one's soon. */
static int take_out(struct spool *s, uint64_t number)
{
    struct spool_place place, now;
    int rc = spool_table_place(s, number, &place);
    if (rc)
        return rc == ERR_BAD ? spool_table_give_up(s, number) : rc;
    bool waits = place.state == SPOOL_POOLED || place.state == SPOOL_IN_JOB;
    bool poolless = place.pool && !spool_sums_pool(s, place.pool);
    bool jobless = place.state == SPOOL_IN_JOB && !spool_sums_job(s, place.of);
    now = place;
    if (!poolless && !jobless)
        return 0;
    if (poolless)
        now.pool = 0;
    if (waits) {
        now.flags |= place.state == SPOOL_IN_JOB ? SPOOL_MAYBE_TWICE : 0U;
        now.state = SPOOL_DIRECT;
        now.of = 0;
    }
    return spool_table_move(s, number, &place, &now);
}

/* Rare enough to be done in one go. */
static int repair(struct spool *s)
{
    uint64_t *numbers;
    size_t n;
    log_say(LOG_ERROR, "spool",
            "%zu records are of pools or jobs whose rows are damaged: those that wait go on "
            "demand; what was in a job may be paid twice, and is marked",
            s->nobodys);
    int rc = spool_batch_begin(s);
    if (rc)
        return rc;
    rc = spool_table_numbers(s->txn, &numbers, &n);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = take_out(s, numbers[i]);
    mem_free(numbers);
    return spool_batch_commit(s, rc);
}

/* Of pools that cannot be read. What runs of them is stopped as any job that no row knows. */
static int drop_jobs(struct spool *s)
{
    int rc = spool_batch_begin(s);
    if (rc)
        return rc;
    for (size_t i = s->n_jobs; i > 0 && rc == 0; i--) {
        const struct batch_job job = s->jobs[i - 1].job;
        const struct spool_key key = spool_key_number(job.number);
        if (spool_sums_pool(s, job.pool))
            continue;
        log_say(LOG_ERROR, "spool",
                "job %" PRIu64 " is of a pool whose row is damaged: it is given up, and stopped "
                "if it runs",
                job.number);
        rc = store_delete(s->txn, TABLE_JOBS, spool_key_str(&key));
        spool_sums_drop_job(s, job.number);
    }
    return spool_batch_commit(s, rc);
}

static int drop_pools(struct spool *s)
{
    int rc = spool_batch_begin(s);
    return rc ? rc : spool_batch_commit(s, spool_table_drop_pools(s));
}

static int put_right(struct spool *s)
{
    size_t idle = 0, strays = 0;
    int rc = *s->instance ? 0 : give_instance(s);
    if (rc == 0 && s->unmarked)
        rc = put_mark(s);
    if (rc == 0 && s->unlisted)
        rc = spool_relist(s);
    if (rc == 0 && s->nobodys)
        rc = repair(s);
    for (size_t i = 0; i < s->n_jobs; i++)
        strays += !spool_sums_pool(s, s->jobs[i].job.pool);
    if (rc == 0 && strays)
        rc = drop_jobs(s);
    for (size_t i = 0; i < s->n_pools; i++)
        idle += spool_sums_idle(s, s->pools[i]);
    return rc || !idle ? rc : drop_pools(s);
}

/* --- opening */

static int open_there(struct spool *s, char *why, size_t why_size)
{
    struct store *store;
    const struct store_options o = {
        .dir = s->dir, .size_bytes = s->size_bytes, .kind = STORE_SPOOL};
    int rc = s->ready ? s->ready(s->arg, why, why_size) : 0;
    if (rc == 0)
        rc = store_open(&o, &store, why, why_size);
    if (rc)
        return rc;
    rc = spool_open_mark(s->dir, store, s->key, &s->unmarked, why, why_size);
    if (rc == 0)
        spool_publish(s, store);
    else
        store_close(store);
    return rc;
}

static void try_to_open(struct spool *s)
{
    char why[TROUBLE_MOST];
    int rc = open_there(s, why, sizeof why);
    if (rc) {
        spool_fail(s, rc, why);
        return;
    }
    rc = load(s, s->store);
    prune_clock_open(&s->clock, s->known_ms, clock_wall_ms(), clock_mono_ns());
    if (rc == 0)
        rc = put_right(s);
    if (rc) {
        spool_fail(s, rc, NULL);
        return;
    }
    spool_batch_measure(s);
    spool_sums_tell(s, true);
    spool_wake_lost(s);
    spool_well(s);
}

void spool_open(struct spool *s)
{
    try_to_open(s);
    pthread_mutex_lock(&s->lock);
    s->counts.open = s->store != NULL;
    pthread_mutex_unlock(&s->lock);
    bell_ring(&s->tried, SPOOL_TRIED);
}
