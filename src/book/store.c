/* SPDX-License-Identifier: Apache-2.0
 *
 * An LMDB environment behind a small door. What keeps it whole:
 *
 * - default flags: no commit returns before it is on the disk. (MDB_NOTLS only frees readers from
 *   their thread.)
 * - one environment of a path in a process: closing any descriptor of the lock file would drop the
 *   locks of the others.
 * - a lock file that belongs to other data (somebody put a backup there while a reader looked) is
 *   noticed by its transaction number, and made anew.
 * - the file is as long as its index says, so that a shorter one is known to be cut off, before a
 *   page that is not there kills the process.
 * - keys that come in order fill their pages; LMDB's own halves would make the file twice as long.
 *
 * Debian's LMDB is 0.9.24. No DUPSORT, no writing through cursors: that is where its faults are.
 */
#include "store_private.h"

#include "store_guard.h"
#include "weir/base/hook.h"
#include "weir/base/mem.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    FULL_BYTES = 256 * 1024, /* with less than that free, a failed write means a full disk */
    MAIN_DBI = 1             /* LMDB's table of tables; 0 is that of its free pages */
};

struct store_txn {
    struct store *store;
    MDB_txn *mdb;
    bool write;
};

/* --- errors */

static bool disk_is_full(struct store *s)
{
    return place_free_bytes(s->dir) < FULL_BYTES;
}

/* LMDB tells a write that came out short as EIO. */
int store_classify(struct store *s, int rc)
{
    switch (rc) {
    case MDB_SUCCESS:
        return ERR_OK;
    case MDB_NOTFOUND:
        return ERR_NOT_FOUND;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_FULL;
    case MDB_PANIC:
        return ERR_PANIC;
    case MDB_READERS_FULL:
        return ERR_BUSY;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
        return ERR_BAD;
    default:
        return disk_is_full(s) ? ERR_FULL : ERR_IO;
    }
}

int store_say(struct store *s, int rc, const char *what, char *why, size_t why_size)
{
    int err = rc == ENOENT || rc == ENOTDIR ? ERR_NOT_FOUND : store_classify(s, rc);
    if (err == ERR_FULL) /* which LMDB may call an input/output error */
        snprintf(why, why_size, "%s: there is no room on its disk", s->dir);
    else
        snprintf(why, why_size, "%s: %s: %s", s->dir, what, mdb_strerror(rc));
    return err;
}

/* --- the file */

uint64_t store_indexed_bytes(struct store *s)
{
    MDB_envinfo info;
    MDB_stat stat;
    if (mdb_env_info(s->env, &info) != 0 || mdb_env_stat(s->env, &stat) != 0)
        return 0;
    return ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
}

uint64_t store_file_bytes(struct store *s)
{
    struct stat data;
    int fd;
    return mdb_env_get_fd(s->env, &fd) == 0 && fstat(fd, &data) == 0 ? (uint64_t)data.st_size : 0;
}

/* LMDB leaves a last page out that was taken and given back in one transaction. */
static int make_long_enough(struct store *s)
{
    int fd;
    uint64_t bytes = store_indexed_bytes(s);
    if (store_file_bytes(s) >= bytes || mdb_env_get_fd(s->env, &fd) != 0)
        return ERR_OK;
    return ftruncate(fd, (off_t)bytes) == 0 && fdatasync(fd) == 0 ? ERR_OK : ERR_IO;
}

bool store_is_gone(const struct store *s)
{
    struct stat now;
    return !place_stat(s->dir, &now) || now.st_dev != s->data.st_dev ||
           now.st_ino != s->data.st_ino;
}

void store_sweep(struct store *s)
{
    int dead;
    (void)mdb_reader_check(s->env, &dead);
}

/* --- transactions */

int store_begin(struct store *s, bool write, struct store_txn **out)
{
    MDB_txn *txn;
    assert(!(write && s->read_only));
    guard_enter(s->guard);
    int rc = mdb_txn_begin(s->env, NULL, write ? 0 : MDB_RDONLY, &txn);
    if (rc == MDB_MAP_RESIZED && s->read_only && mdb_env_set_mapsize(s->env, 0) == 0)
        rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn); /* the daemon's is larger now */
    if (rc) {
        guard_leave(s->guard);
        return store_classify(s, rc);
    }
    *out = mem_new(sizeof **out);
    **out = (struct store_txn){s, txn, write};
    return ERR_OK;
}

int store_commit(struct store_txn *t)
{
    struct store *s = t->store;
    int rc = t->write ? HOOK("store.commit") : 0;
    if (rc)
        mdb_txn_abort(t->mdb);
    else
        rc = mdb_txn_commit(t->mdb);
    guard_leave(s->guard);
    bool written = t->write && rc == 0;
    mem_free(t);
    if (written)
        (void)HOOK("store.committed");
    return written ? make_long_enough(s) : store_classify(s, rc);
}

void store_abort(struct store_txn *t)
{
    mdb_txn_abort(t->mdb);
    guard_leave(t->store->guard);
    mem_free(t);
}

int store_get(struct store_txn *t, enum table table, struct str key, struct str *out)
{
    MDB_val k = store_val(key), v;
    int rc = mdb_get(t->mdb, t->store->tables[table], &k, &v);
    if (rc == 0)
        *out = str_from(v.mv_data, v.mv_size);
    return store_classify(t->store, rc);
}

/* Where keys are hashes, none belongs behind the last but by chance. */
static unsigned where_to_put(enum table table)
{
    return table == TABLE_KEYS || table == TABLE_PREFIXES || table == TABLE_NAMED ? 0 : MDB_APPEND;
}

int store_put(struct store_txn *t, enum table table, struct str key, struct str value)
{
    assert(key.len && key.len <= STORE_KEY_MOST && value.len <= STORE_VALUE_MOST);
    MDB_val k = store_val(key), v = store_val(value);
    MDB_dbi dbi = t->store->tables[table];
    int rc = HOOK("store.put");
    if (rc == 0)
        rc = mdb_put(t->mdb, dbi, &k, &v, where_to_put(table));
    if (rc == MDB_KEYEXIST) /* it does not belong behind the last */
        rc = mdb_put(t->mdb, dbi, &k, &v, 0);
    return store_classify(t->store, rc);
}

int store_delete(struct store_txn *t, enum table table, struct str key)
{
    MDB_val k = store_val(key);
    int rc = mdb_del(t->mdb, t->store->tables[table], &k, NULL);
    return rc == MDB_NOTFOUND ? ERR_OK : store_classify(t->store, rc);
}

/* --- walks */

void store_walk_init(struct store_walk *w, struct store_txn *t, enum table table)
{
    MDB_cursor *cursor = NULL;
    *w = (struct store_walk){.txn = t};
    if (mdb_cursor_open(t->mdb, t->store->tables[table], &cursor) == 0)
        w->cursor = cursor;
}

static int go(struct store_walk *w, MDB_val key, MDB_cursor_op op)
{
    MDB_val value;
    if (!w->cursor)
        return ERR_IO;
    int rc = mdb_cursor_get(w->cursor, &key, &value, op);
    if (rc)
        return store_classify(w->txn->store, rc);
    w->key = str_from(key.mv_data, key.mv_size);
    w->value = str_from(value.mv_data, value.mv_size);
    return ERR_OK;
}

int store_walk_from(struct store_walk *w, struct str key)
{
    return key.len ? go(w, store_val(key), MDB_SET_RANGE) : go(w, (MDB_val){0}, MDB_FIRST);
}

int store_walk_next(struct store_walk *w)
{
    return go(w, (MDB_val){0}, MDB_NEXT);
}

int store_walk_back(struct store_walk *w)
{
    return go(w, (MDB_val){0}, MDB_PREV);
}

int store_walk_last(struct store_walk *w)
{
    return go(w, (MDB_val){0}, MDB_LAST);
}

void store_walk_fini(struct store_walk *w)
{
    if (w->cursor)
        mdb_cursor_close(w->cursor);
    w->cursor = NULL;
}

/* --- as a whole */

static uint64_t pages_of(MDB_txn *txn, MDB_dbi dbi, uint64_t *out_rows)
{
    MDB_stat st;
    if (mdb_stat(txn, dbi, &st) != 0)
        return 0;
    *out_rows = st.ms_entries;
    return st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages;
}

int store_measure(struct store *s, struct store_size *out)
{
    MDB_txn *txn;
    MDB_envinfo info;
    MDB_stat st;
    int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
    if (rc)
        return store_classify(s, rc);
    struct store_size size = {0};
    uint64_t none, pages = 2 + pages_of(txn, 0, &none) + pages_of(txn, MAIN_DBI, &none);
    for (int i = 0; i < TABLES_ALL; i++)
        if (store_has(s, (enum table)i))
            pages += pages_of(txn, s->tables[i], &size.rows[i]);
    mdb_txn_abort(txn);
    if (mdb_env_info(s->env, &info) != 0 || mdb_env_stat(s->env, &st) != 0)
        return ERR_IO;
    size.used_bytes = pages * st.ms_psize;
    size.file_bytes = store_file_bytes(s);
    size.map_bytes = info.me_mapsize;
    size.limit_bytes = info.me_mapsize / 5 * 4;
    *out = size;
    return ERR_OK;
}

int store_compact(struct store *s, char *why, size_t why_size)
{
    char aside[PATH_MAX];
    struct store_size size;
    int rc = store_measure(s, &size);
    if (rc) {
        snprintf(why, why_size, "%s cannot be read", s->dir);
        return rc;
    }
    uint64_t room = place_free_bytes(s->dir);
    if (room < size.used_bytes + size.used_bytes / 16 + FULL_BYTES) {
        snprintf(why, why_size,
                 "%s: the copy needs %" PRIu64 " bytes more on that disk than the %" PRIu64
                 " that are free",
                 s->dir, size.used_bytes + size.used_bytes / 16 + FULL_BYTES - room, room);
        return ERR_FULL;
    }
    rc = place_aside(s->dir, why, why_size);
    if (rc)
        return rc;
    place_path(s->dir, PLACE_ASIDE, aside);
    guard_enter(s->guard);
    rc = mdb_env_copy2(s->env, aside, MDB_CP_COMPACT);
    guard_leave(s->guard);
    if (rc == 0)
        return ERR_OK;
    place_drop_aside(s->dir);
    return store_say(s, rc, "cannot copy it", why, why_size);
}

int store_swap(const char *dir, char *why, size_t why_size)
{
    return place_publish(dir, why, why_size);
}

int store_set_aside(const char *dir, char *why, size_t why_size)
{
    return place_set_aside(dir, why, why_size);
}

void store_version(struct buf *out)
{
    int major, minor, patch;
    (void)mdb_version(&major, &minor, &patch);
    buf_addf(out, "LMDB %d.%d.%d", major, minor, patch);
}
