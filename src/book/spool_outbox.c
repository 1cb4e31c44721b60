/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows for the book, on their way from one environment to another. They are written in the
 * transaction that settles a record; from there they are handed to the clerk, a thousand at a time,
 * and deleted when it says that they are on the disk. After a kill in between they are handed over
 * once more: the clerk knows them by time and id, so each counts once.
 */
#include "spool_private.h"

#include "weir/base/clock.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"

#include <inttypes.h>

enum { UNDERWAY_MOST = 1024 };

int spool_outbox_put(struct spool *s, struct str row)
{
    if (!row.len || !s->clerk)
        return 0;
    struct spool_key key = spool_key_number(s->next_outbox++);
    int rc = store_put(s->txn, TABLE_OUTBOX, spool_key_str(&key), row);
    if (rc)
        return rc;
    pthread_mutex_lock(&s->lock);
    s->counts.outbox++;
    pthread_mutex_unlock(&s->lock);
    return 0;
}

/* --- what is in the book */

static void acked(struct spool *s, uint64_t number)
{
    if (s->outbox.n == s->outbox.cap) {
        s->outbox.cap = s->outbox.cap ? 2 * s->outbox.cap : 256;
        s->outbox.acked = mem_grow(s->outbox.acked, s->outbox.cap * sizeof *s->outbox.acked);
    }
    s->outbox.acked[s->outbox.n++] = number;
}

void spool_outbox_acked(struct spool *s, struct spool_mail *m)
{
    if (m->number == 0) /* heard, before its transaction was lost */
        return;
    s->outbox.underway--;
    if (m->u.good)
        acked(s, m->number);
    else if (s->outbox.again_ns == 0)
        s->outbox.again_ns = clock_mono_ns() + SPOOL_AGAIN_MS * NS_A_MS;
    m->number = 0;
}

int spool_outbox_do(struct spool *s)
{
    size_t left = s->outbox.n, rows = 0;
    int rc = 0;
    for (; left > 0 && rc == 0; left--, rows++) {
        struct spool_key key = spool_key_number(s->outbox.acked[left - 1]);
        struct str value;
        rc = store_get(s->txn, TABLE_OUTBOX, spool_key_str(&key), &value);
        if (rc == ERR_NOT_FOUND) {
            rc = 0;
            rows--;
            continue;
        }
        if (rc == 0)
            rc = store_delete(s->txn, TABLE_OUTBOX, spool_key_str(&key));
    }
    pthread_mutex_lock(&s->lock);
    s->counts.outbox -= rc ? 0 : rows;
    pthread_mutex_unlock(&s->lock);
    return rc;
}

/* --- to the clerk */

static void on_clerk(void *arg, bool good)
{
    struct spool_mail *m = arg;
    m->u.good = good;
    spool_send(m);
}

/* One that cannot be read any more is nobody's money: it goes. */
static void hand(struct spool *s, uint64_t number, struct str bytes)
{
    struct record r;
    if (record_read(bytes, &r) != 0) {
        log_say(LOG_ERROR, "spool", "row %" PRIu64 " for the book is damaged and was left out",
                number);
        acked(s, number);
        return;
    }
    struct spool_mail *m = spool_letter(s, SPOOL_DO_OUTBOX, 0);
    m->number = number;
    s->outbox.underway++;
    clerk_record(s->clerk, &r, on_clerk, m);
}

void spool_outbox_hand(struct spool *s)
{
    struct store_txn *t;
    struct store_walk w;
    struct spool_key from;
    if (s->outbox.again_ns && s->outbox.underway == 0 && clock_mono_ns() >= s->outbox.again_ns) {
        s->outbox.at = 0;
        s->outbox.again_ns = 0;
    }
    if (!s->clerk || s->outbox.at >= s->next_outbox || s->outbox.underway >= UNDERWAY_MOST ||
        s->outbox.again_ns || store_begin(s->store, false, &t) != 0)
        return;
    from = spool_key_number(s->outbox.at);
    store_walk_init(&w, t, TABLE_OUTBOX);
    int rc = store_walk_from(&w, spool_key_str(&from));
    for (; rc == 0 && s->outbox.underway < UNDERWAY_MOST; rc = store_walk_next(&w)) {
        uint64_t number = spool_key_end(w.key);
        hand(s, number, w.value);
        s->outbox.at = number + 1;
    }
    if (rc == ERR_NOT_FOUND)
        s->outbox.at = s->next_outbox;
    store_walk_fini(&w);
    store_abort(t);
}
