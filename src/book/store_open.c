/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening an environment: where it may lie, whose lock file that is, whether its file is whole, and
 * what schema it has. A new one is made in the folder aside and put in its place.
 */
#include "store_private.h"

#include "store_guard.h"
#include "trouble.h"
#include "weir/base/hook.h"
#include "weir/base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    SCHEMA = 3,
    READABLE = 1, /* the oldest that can be read as it is */
    /* Transactions at one time; a slot is 64 bytes of the lock file. */
    MOST_READERS = 126,
    LOCK_BYTES = 16 * 1024
};

static const char *const names[TABLES_ALL] = {"meta",   "records", "series",   "minutes", "hours",
                                              "days",   "gaps",    "prefixes", "named",   "spooled",
                                              "places", "lists",   "keys",     "bodies",  "answers",
                                              "jobs",   "pools",   "outbox",   "gone"};

/* --- one of each in a process */

enum { MOST_OPEN = 8 };
static struct {
    pthread_mutex_t lock;
    struct {
        dev_t dev;
        ino_t ino;
        bool used;
    } files[MOST_OPEN];
} opened = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void count_in(struct store *s)
{
    size_t free_one = MOST_OPEN;
    pthread_mutex_lock(&opened.lock);
    for (size_t i = 0; i < MOST_OPEN; i++) {
        bool used = opened.files[i].used;
        assert(!used || opened.files[i].dev != s->data.st_dev ||
               opened.files[i].ino != s->data.st_ino);
        if (!used)
            free_one = i;
    }
    assert(free_one < MOST_OPEN);
    opened.files[free_one].dev = s->data.st_dev;
    opened.files[free_one].ino = s->data.st_ino;
    opened.files[free_one].used = s->counted = true;
    pthread_mutex_unlock(&opened.lock);
}

static void count_out(struct store *s)
{
    pthread_mutex_lock(&opened.lock);
    for (size_t i = 0; i < MOST_OPEN; i++)
        if (opened.files[i].used && opened.files[i].dev == s->data.st_dev &&
            opened.files[i].ino == s->data.st_ino)
            opened.files[i].used = false;
    pthread_mutex_unlock(&opened.lock);
}

/* As people call it. */
static const char *word(const struct store *s)
{
    return s->kind == STORE_SPOOL ? "spool" : "book";
}

/* What may be lost is begun anew by whoever writes it. */
static int bad(struct store *s, const char *what, char *why, size_t why_size)
{
    if (s->kind == STORE_PREFIXES)
        snprintf(why, why_size, "%s: %s%s", s->dir, what,
                 s->read_only ? "; weir serve sets it aside and begins anew" : "");
    else if (s->kind == STORE_SPOOL)
        snprintf(why, why_size, "%s: %s; " TROUBLE_SPOOL_CURE, s->dir, what);
    else
        snprintf(why, why_size,
                 "%s: %s; move the folder away (Weir then begins a new book) or put a backup there",
                 s->dir, what);
    return ERR_BAD;
}

/* --- opening */

static int open_env(struct store *s, const struct store_options *o)
{
    char lock[PATH_MAX];
    unsigned flags = MDB_NOTLS;
    int rc = mdb_env_create(&s->env);
    if (rc)
        return rc;
    if (o->read_only) {
        place_path(s->dir, PLACE_LOCK, lock);
        flags |= MDB_RDONLY | (access(lock, F_OK) == 0 ? 0u : MDB_NOLOCK);
    }
    (void)mdb_env_set_maxdbs(s->env, TABLES_ALL);
    (void)mdb_env_set_maxreaders(s->env, MOST_READERS);
    if (!o->read_only) {
        uint64_t size = o->size_bytes + o->size_bytes / 4;
        (void)mdb_env_set_mapsize(s->env, (size_t)(size + 0xffff) & ~(size_t)0xffff);
    }
    rc = HOOK("store.open");
    return rc ? rc : mdb_env_open(s->env, s->dir, flags, 0600);
}

/* The lock file's newest transaction is the data's; else it is another file's lock. */
static bool lock_belongs(MDB_env *env)
{
    MDB_envinfo info;
    MDB_txn *txn;
    if (mdb_env_info(env, &info) != 0 || mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0)
        return true; /* whatever that is, it shows later */
    bool same = mdb_txn_id(txn) == info.me_last_txnid;
    mdb_txn_abort(txn);
    return same;
}

/* LMDB maps the lock file and writes to it: on a full disk a page without a block of its own would
 * be the process's death (SIGBUS). What is in it stays. */
static int make_room_for_lock(struct store *s)
{
    char lock[PATH_MAX];
    place_path(s->dir, PLACE_LOCK, lock);
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    int rc = posix_fallocate(fd, 0, LOCK_BYTES);
    close(fd);
    return rc;
}

static int open_writer(struct store *s, const struct store_options *o)
{
    char lock[PATH_MAX];
    int dead, rc = make_room_for_lock(s);
    if (rc == 0)
        rc = open_env(s, o);
    if (rc == 0 && !lock_belongs(s->env)) {
        place_path(s->dir, PLACE_LOCK, lock);
        mdb_env_close(s->env);
        s->env = NULL;
        (void)unlink(lock);
        rc = make_room_for_lock(s);
        if (rc == 0)
            rc = open_env(s, o);
    }
    return rc ? rc : mdb_reader_check(s->env, &dead);
}

/* Beside a daemon it may have been looked at between a commit and what follows it. */
static bool is_long_enough(struct store *s)
{
    for (int looks = s->read_only ? 1000 : 1; looks > 0; looks--) {
        uint64_t bytes = store_indexed_bytes(s);
        if (bytes <= store_file_bytes(s))
            return true;
    }
    return false;
}

/* --- schema */

static int make_tables(struct store *s, MDB_txn *txn)
{
    for (int i = 0; i < TABLES_ALL; i++) {
        if (!store_has(s, (enum table)i))
            continue;
        int rc = mdb_dbi_open(txn, names[i], MDB_CREATE, &s->tables[i]);
        if (rc)
            return rc;
    }
    return 0;
}

/* Rows say themselves in which form they are, so old ones stay: but a Weir that only knows these
 * must not come in any more, since it would begin the sums anew that it cannot read. */
static int nothing_to_move(struct store *s, MDB_txn *txn)
{
    return 0;
}

/* migrations[n] brings schema n to n + 1. */
static int (*const migrations[SCHEMA])(struct store *s, MDB_txn *txn) = {
    make_tables, nothing_to_move, nothing_to_move};

/* 0 for an environment without tables. */
static int read_schema(struct store *s, MDB_txn *txn, uint32_t *out)
{
    MDB_val key = store_val(S("schema")), value;
    int rc = mdb_dbi_open(txn, names[TABLE_META], 0, &s->tables[TABLE_META]);
    if (rc == 0)
        rc = mdb_get(txn, s->tables[TABLE_META], &key, &value);
    if (rc == 0 && value.mv_size != 4)
        rc = MDB_CORRUPTED;
    if (rc == 0)
        *out = store_get_u32(value.mv_data);
    else if (rc == MDB_NOTFOUND)
        *out = 0;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int open_tables(struct store *s, MDB_txn *txn)
{
    for (int i = 0; i < TABLES_ALL; i++) {
        if (!store_has(s, (enum table)i))
            continue;
        int rc = mdb_dbi_open(txn, names[i], 0, &s->tables[i]);
        if (rc)
            return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
    }
    return 0;
}

static int migrate(struct store *s, MDB_txn *txn, uint32_t from)
{
    unsigned char bytes[4];
    int rc = 0;
    for (uint32_t n = from; n < SCHEMA && rc == 0; n++)
        rc = migrations[n](s, txn);
    store_put_u32(bytes, SCHEMA);
    MDB_val key = store_val(S("schema")), value = {sizeof bytes, bytes};
    return rc ? rc : mdb_put(txn, s->tables[TABLE_META], &key, &value, 0);
}

/* In one transaction, which writes only where there is something to migrate. */
static int settle_schema(struct store *s, bool write, uint32_t *out_found)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(s->env, NULL, write ? 0 : MDB_RDONLY, &txn);
    if (rc)
        return rc;
    rc = read_schema(s, txn, out_found);
    if (rc == 0 && *out_found < SCHEMA && write)
        rc = migrate(s, txn, *out_found);
    if (rc == 0 && *out_found <= SCHEMA && (*out_found >= READABLE || write))
        rc = open_tables(s, txn);
    if (rc == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

static int check_schema(struct store *s, char *why, size_t why_size)
{
    uint32_t found = 0;
    int rc = settle_schema(s, false, &found);
    if (rc == 0 && found < SCHEMA && !s->read_only)
        rc = settle_schema(s, true, &found), found = SCHEMA;
    if (store_classify(s, rc) == ERR_BAD)
        return bad(s, "data.mdb is damaged", why, why_size);
    if (rc)
        return store_say(s, rc, "cannot read it", why, why_size);
    if (found >= READABLE && found <= SCHEMA)
        return ERR_OK;
    if (found > SCHEMA)
        snprintf(
            why, why_size,
            "%s was written by a later Weir (schema %u; this one knows up to %d); use that one, "
            "or %s",
            s->dir, found, SCHEMA,
            s->kind == STORE_PREFIXES ? "delete it: it may be lost"
                                      : "give this one another state");
    else
        snprintf(why, why_size, "%s is of an older Weir (schema %u); start weir serve once", s->dir,
                 found);
    return ERR_UNSUPPORTED;
}

/* --- open and close */

static int look_at_file(struct store *s, char *why, size_t why_size)
{
    if (!place_stat(s->dir, &s->data)) {
        snprintf(why, why_size, "%s: there is no %s", s->dir, word(s));
        return ERR_NOT_FOUND;
    }
    long page = sysconf(_SC_PAGESIZE);
    if (s->data.st_size < 2 * page)
        return bad(s, "data.mdb is cut off", why, why_size);
    return ERR_OK;
}

static int open_there(struct store *s, const struct store_options *o, char *why, size_t why_size)
{
    int rc = o->read_only ? open_env(s, o) : open_writer(s, o);
    if (rc == MDB_INVALID || rc == MDB_VERSION_MISMATCH)
        return bad(s,
                   s->kind == STORE_METER ? "data.mdb is not a book"
                                          : "data.mdb is not what Weir wrote",
                   why, why_size);
    if (store_classify(s, rc) == ERR_BAD)
        return bad(s, "data.mdb is damaged", why, why_size);
    if (rc)
        return store_say(s, rc, "cannot open it", why, why_size);
    if (!is_long_enough(s))
        return bad(s, "data.mdb is cut off", why, why_size);
    return check_schema(s, why, why_size);
}

static int marked(struct store *s, char *why, size_t why_size)
{
    if (s->kind == STORE_PREFIXES)
        return bad(s, "Weir crashed in it", why, why_size);
    bool is_book = s->kind == STORE_METER;
    snprintf(why, why_size,
             "%s: Weir crashed inside this %s, so it is probably damaged%s; %s, or remove "
             "%s/crashed to try it again",
             s->dir, word(s), is_book ? " (weir book check)" : "",
             is_book ? "move the folder away (Weir then begins a new book), put a backup there"
                     : TROUBLE_SPOOL_CURE,
             s->dir);
    return ERR_BAD;
}

/* A new environment, whole, in the folder's place. */
static int make(const struct store_options *o, char *why, size_t why_size)
{
    char aside[PATH_MAX];
    struct store *s;
    int rc = place_aside(o->dir, why, why_size);
    if (rc)
        return rc;
    place_path(o->dir, PLACE_ASIDE, aside);
    s = mem_new(sizeof *s);
    snprintf(s->dir, sizeof s->dir, "%s", aside);
    s->kind = o->kind;
    rc = open_there(s, o, why, why_size);
    store_close(s);
    if (rc == 0)
        return place_publish(o->dir, why, why_size);
    place_drop_aside(o->dir);
    return rc;
}

int store_open(const struct store_options *o, struct store **out, char *why, size_t why_size)
{
    char path[PATH_MAX];
    struct stat data;
    if (!place_path(o->dir, PLACE_DATA, path))
        return place_failed(o->dir, "cannot use it", ENAMETOOLONG, why, why_size);
    int rc = place_check(o->dir, why, why_size);
    if (rc == 0 && !o->read_only)
        place_drop_aside(o->dir);
    if (rc == 0 && !o->read_only && !place_stat(o->dir, &data))
        rc = make(o, why, why_size);
    if (rc)
        return rc;
    struct store *s = mem_new(sizeof *s);
    snprintf(s->dir, sizeof s->dir, "%s", o->dir);
    s->read_only = o->read_only;
    s->kind = o->kind;
    rc = look_at_file(s, why, why_size);
    if (rc == 0 && !o->read_only && guard_is_marked(s->dir, &s->data))
        rc = marked(s, why, why_size);
    if (rc == 0) {
        count_in(s);
        if (!o->read_only)
            s->guard = guard_watch(s->dir, &s->data);
        guard_enter(s->guard);
        rc = open_there(s, o, why, why_size);
        guard_leave(s->guard);
    }
    if (rc == 0)
        *out = s;
    else
        store_close(s);
    return rc;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    if (s->env)
        mdb_env_close(s->env);
    if (s->counted)
        count_out(s);
    guard_unwatch(s->guard);
    mem_free(s);
}
