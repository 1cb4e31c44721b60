/* SPDX-License-Identifier: Apache-2.0
 *
 * Readers of the spool: the office beside the thread that writes it, and commands beside a daemon.
 * Rows are borrowed from the map. One that is damaged is left out and, in a daemon, given up by the
 * thread.
 */
#include "spool_private.h"

#include "weir/base/mem.h"

#include <stdio.h>
#include <string.h>

struct spool_read {
    struct spool *spool;
    struct store_txn *txn;
};

struct spool_read *spool_read_begin(struct spool *s)
{
    struct store_txn *t;
    pthread_rwlock_rdlock(&s->reading);
    if (!s->store || store_begin(s->store, false, &t) != 0) {
        pthread_rwlock_unlock(&s->reading);
        return NULL;
    }
    struct spool_read *r = mem_new(sizeof *r);
    *r = (struct spool_read){s, t};
    return r;
}

void spool_read_end(struct spool_read *r)
{
    store_abort(r->txn);
    pthread_rwlock_unlock(&r->spool->reading);
    mem_free(r);
}

static void fill(struct spool_record *out, uint64_t number, const struct spool_row *row,
                 const struct spool_place *p)
{
    *out = (struct spool_record){.id.number = number,
                                 .client = row->client,
                                 .workload = row->workload,
                                 .model = row->model,
                                 .operation = row->operation,
                                 .role = row->role,
                                 .target = row->target,
                                 .content_type = row->content_type,
                                 .accept = row->accept,
                                 .kind = row->kind,
                                 .state = p->state,
                                 .reply = p->reply,
                                 .flags = p->flags,
                                 .list = p->state == SPOOL_IN_JOB ? p->of : p->pool,
                                 .accepted_ms = p->accepted_ms,
                                 .deadline_ms = p->deadline_ms,
                                 .done_ms = p->done_ms,
                                 .delivered_ms = p->delivered_ms,
                                 .deliveries = p->deliveries,
                                 .body_bytes = row->body_bytes,
                                 .answer_bytes = row->answer_bytes,
                                 .expect_nanousd = p->expect_nanousd,
                                 .cost_nanousd = p->cost_nanousd,
                                 .status = row->status};
    memcpy(out->id.secret, row->secret, sizeof out->id.secret);
}

static int read_rows(struct spool_read *r, uint64_t number, struct spool_row *row,
                     struct spool_place *place)
{
    struct spool_key key = spool_key_number(number);
    struct str value;
    int rc = store_get(r->txn, TABLE_PLACES, spool_key_str(&key), &value);
    if (rc)
        return rc;
    rc = spool_place_read(number, value, place);
    if (rc == 0)
        rc = store_get(r->txn, TABLE_SPOOLED, spool_key_str(&key), &value);
    if (rc)
        return rc == ERR_NOT_FOUND ? ERR_BAD : rc;
    return spool_row_read(number, value, row);
}

static void tell_lost(struct spool *s, uint64_t number)
{
    if (!s->size_bytes) /* opened for reading alone */
        return;
    struct spool_mail *m = spool_letter(s, SPOOL_DO_LOST, 0);
    m->number = number;
    spool_send(m);
}

int spool_find(struct spool_read *r, uint64_t number, struct spool_record *out)
{
    struct spool_place place;
    struct spool_row row;
    int rc = read_rows(r, number, &row, &place);
    if (rc == ERR_BAD)
        tell_lost(r->spool, number);
    if (rc == 0)
        fill(out, number, &row, &place);
    return rc;
}

int spool_walk(struct spool_read *r, enum spool_list list, uint64_t of, uint64_t from,
               bool (*each)(void *arg, const struct spool_record *rec), void *arg)
{
    struct spool_key key = spool_key_list(list, list == SPOOL_LIST_DIRECT ? 0 : of, from);
    struct spool_record rec;
    struct store_walk w;
    store_walk_init(&w, r->txn, TABLE_LISTS);
    int rc = store_walk_from(&w, spool_key_str(&key));
    for (; rc == 0 && w.key.len == key.len && memcmp(w.key.ptr, key.bytes, 9) == 0;
         rc = store_walk_next(&w)) {
        rc = spool_find(r, spool_key_end(w.key), &rec);
        if (rc == 0 && !each(arg, &rec))
            break;
        if (rc && rc != ERR_BAD && rc != ERR_NOT_FOUND)
            break;
    }
    store_walk_fini(&w);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int spool_read_body(struct spool_read *r, uint64_t number, struct buf *out)
{
    struct spool_place place;
    struct spool_row row;
    int rc = read_rows(r, number, &row, &place);
    if (rc == 0 && place.state == SPOOL_DONE)
        rc = ERR_NOT_FOUND;
    return rc ? rc
              : spool_table_pieces(r->txn, r->spool->key, TABLE_BODIES, number, row.body_bytes,
                                   out);
}

/* --- beside a daemon */

int spool_open_read(const char *dir, const unsigned char *key, struct spool **out, char *why,
                    size_t why_size)
{
    const struct store_options o = {.dir = dir, .read_only = true, .kind = STORE_SPOOL};
    struct store_txn *t;
    struct store *store;
    bool unmarked;
    int rc = store_open(&o, &store, why, why_size);
    if (rc)
        return rc;
    rc = key ? spool_open_mark(dir, store, key, &unmarked, why, why_size) : 0;
    if (rc) {
        store_close(store);
        return rc;
    }
    struct spool *s = spool_make(dir, key);
    s->store = store;
    rc = store_begin(store, false, &t);
    if (rc == 0) {
        rc = spool_sums_load(s, t);
        store_abort(t);
    }
    if (rc == 0)
        rc = store_measure(store, &s->counts.size);
    if (rc) {
        snprintf(why, why_size, "%s: it cannot be read", dir);
        spool_close_read(s);
        return rc;
    }
    s->counts.open = true;
    *out = s;
    return 0;
}

void spool_close_read(struct spool *s)
{
    if (!s)
        return;
    store_close(s->store);
    spool_unmake(s);
}
