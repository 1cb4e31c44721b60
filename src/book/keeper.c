/* SPDX-License-Identifier: Apache-2.0
 *
 * The keeper's thread, and its round: open, load, save, forget. One failure ends a round; whatever
 * may have been wrong with the environment, the next one opens it anew. (Only a full disk keeps it
 * open.) A round that went well is followed by one in 20 seconds, another one by the next in 5.
 *
 * Rows that were taken are clean at their owner's, so they stay here until they are saved. At the
 * end there is one more round, which is not stopped by anything: what came in 20 seconds.
 */
#include "keeper_private.h"

#include "keeper_rows.h"
#include "store_place.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    AGAIN_MS = 5000,
    SIZES = 3, /* times the index' memory is what rows take on disk, with what pages waste */
    LEAST_BYTES = 16 * 1024 * 1024,
    NAMED_MOST = 20000, /* rows */
    MS_A_MINUTE = 60000,
    BELL_STOP = 1
};

/* --- trouble */

static void close_store(struct keeper *k)
{
    store_close(k->store);
    k->store = NULL;
    atomic_store(&k->open, false);
}

static bool fail(struct keeper *k, int rc, const char *why)
{
    atomic_fetch_add(&k->failures, 1);
    if (k->store && rc != ERR_FULL && rc != ERR_BUSY)
        close_store(k);
    trouble_tell(&k->trouble, rc, why);
    return false;
}

/* --- opening */

/* A file from when the index was larger needs room to be made emptier. */
static uint64_t size_of(const struct keeper *k)
{
    struct stat file = {0};
    uint64_t size = k->index_bytes * SIZES + LEAST_BYTES, least = 0;
    if (place_stat(k->dir, &file))
        least = (uint64_t)file.st_size + LEAST_BYTES;
    return size < least ? least : size;
}

static int set_aside(struct keeper *k, char *why, size_t why_size)
{
    char what[TROUBLE_MOST];
    snprintf(what, sizeof what, "%s", why);
    int rc = store_set_aside(k->dir, why, why_size);
    if (rc == 0)
        log_say(LOG_WARN, "prefixes",
                "%s was damaged, is now %s.damaged and begun anew; nothing need be done (%s)",
                k->dir, k->dir, what);
    return rc;
}

/* What is no folder was not made by Weir either. */
static int open_there(struct keeper *k, char *why, size_t why_size)
{
    struct stat st;
    const struct store_options o = {
        .dir = k->dir, .size_bytes = size_of(k), .kind = STORE_PREFIXES};
    if (stat(k->dir, &st) == 0 && !S_ISDIR(st.st_mode)) {
        snprintf(why, why_size, "%s: it is no folder", k->dir);
        return ERR_BAD;
    }
    k->anew = k->anew || !place_stat(k->dir, &st);
    return store_open(&o, &k->store, why, why_size);
}

static bool open_store(struct keeper *k)
{
    char why[TROUBLE_MOST];
    int rc = k->source.ready ? k->source.ready(k->source.arg, why, sizeof why) : 0;
    if (rc == 0)
        rc = open_there(k, why, sizeof why);
    if (rc == ERR_BAD) {
        rc = set_aside(k, why, sizeof why);
        if (rc == 0)
            rc = open_there(k, why, sizeof why);
    }
    if (rc)
        return fail(k, rc, why);
    if (k->anew && k->source.all_changed)
        k->source.all_changed(k->source.arg);
    k->anew = false;
    atomic_store(&k->open, true);
    return true;
}

static bool begin_anew(struct keeper *k)
{
    char why[TROUBLE_MOST] = "a row is not what it should be";
    close_store(k);
    int rc = set_aside(k, why, sizeof why);
    return rc ? fail(k, rc, why) : open_store(k);
}

/* --- loading */

struct loading {
    struct keeper *keeper;
    uint64_t prefixes;
};

static void give_rows(struct keeper *k)
{
    k->source.restore(k->source.arg, k->rows, k->n);
    k->n = 0;
}

static void on_prefix(void *arg, const struct prefix *p)
{
    struct loading *l = arg;
    struct keeper *k = l->keeper;
    k->rows[k->n++] = *p;
    l->prefixes++;
    if (k->n == KEEPER_ROWS)
        give_rows(k);
}

static void on_named(void *arg, struct str name, struct str bytes)
{
    struct loading *l = arg;
    l->keeper->source.restore_named(l->keeper->source.arg, name, bytes);
}

static bool load(struct keeper *k)
{
    struct loading l = {.keeper = k};
    const struct keeper_rows to = {on_prefix, on_named, &l};
    int64_t began_ns = clock_mono_ns();
    int rc = keeper_rows_read(k->store, &to, &k->stop);
    give_rows(k);
    if (rc == ERR_BAD && !begin_anew(k))
        return false;
    if (rc && rc != ERR_BAD)
        return fail(k, rc, NULL);
    k->loaded = true;
    if (k->source.loaded)
        k->source.loaded(k->source.arg, l.prefixes, (clock_mono_ns() - began_ns) / NS_A_MS);
    return true;
}

/* --- saving */

static uint32_t minute_now(void)
{
    return (uint32_t)(clock_wall_ms() / MS_A_MINUTE);
}

static void take_named(void *to, struct str name, struct str bytes)
{
    struct keeper *k = to;
    if (name.len + bytes.len <= KEEPER_NAMED_MOST)
        keeper_rows_add_named(&k->named, name, bytes, minute_now());
}

static int write_named(struct keeper *k)
{
    int rc = 0;
    while (buf_len(&k->named) && rc == 0) {
        size_t n = 0;
        rc = keeper_rows_write_named(k->store, &k->named, &n);
        atomic_fetch_add(&k->saved, n);
    }
    return rc;
}

/* First what a failed round left, then what changed: here as with the prefixes. */
static int save_named(struct keeper *k)
{
    int rc = write_named(k);
    if (rc)
        return rc;
    k->source.each_named(k->source.arg, take_named, k);
    return write_named(k);
}

/* Until there is no room for more, or nothing more. */
static void take_prefixes(struct keeper *k)
{
    k->done = k->n = 0;
    do {
        k->n += k->source.take(k->source.arg, &k->cursor, k->rows + k->n, KEEPER_ROWS);
    } while (k->cursor && k->n + KEEPER_ROWS <= KEEPER_TAKEN);
    keeper_rows_sort(k->rows, k->n);
}

static int write_taken(struct keeper *k)
{
    while (k->done < k->n) {
        size_t n = k->n - k->done < KEEPER_ROWS ? k->n - k->done : KEEPER_ROWS;
        int rc = keeper_rows_write(k->store, k->rows + k->done, n);
        if (rc)
            return rc;
        atomic_fetch_add(&k->saved, n);
        k->done += n;
    }
    return 0;
}

static int save_prefixes(struct keeper *k)
{
    int rc = write_taken(k);
    k->cursor = 0;
    do {
        if (rc)
            return rc;
        take_prefixes(k);
        rc = write_taken(k);
    } while (rc || k->cursor);
    return 0;
}

/* A quarter more than there is room for in memory may lie on disk before anything is forgotten. */
static int forget(struct keeper *k)
{
    struct store_size size;
    uint64_t most = k->index_bytes / sizeof(struct prefix);
    uint32_t now = prefix_tick(clock_wall_ms());
    int rc = store_measure(k->store, &size);
    if (rc == 0)
        atomic_store(&k->held, size.rows[TABLE_PREFIXES]);
    if (rc == 0 && size.rows[TABLE_PREFIXES] > most + most / 4)
        rc = keeper_rows_forget(k->store, TABLE_PREFIXES, most, now, &k->stop);
    if (rc == 0 && size.rows[TABLE_NAMED] > NAMED_MOST + NAMED_MOST / 4)
        rc = keeper_rows_forget(k->store, TABLE_NAMED, NAMED_MOST, minute_now(), &k->stop);
    return rc;
}

static int save(struct keeper *k)
{
    store_sweep(k->store);
    int rc = save_named(k);
    if (rc == 0)
        rc = save_prefixes(k);
    return rc ? rc : forget(k);
}

static void close_what_is_gone(struct keeper *k)
{
    if (!k->store || !store_is_gone(k->store))
        return;
    log_say(LOG_WARN, "prefixes", "%s was deleted or replaced: all that is in memory is saved anew",
            k->dir);
    close_store(k);
    k->anew = true;
}

bool keeper_round(struct keeper *k)
{
    close_what_is_gone(k);
    if (!k->store && !open_store(k))
        return false;
    if (!k->loaded && !load(k))
        return false;
    int rc = save(k);
    if (rc == ERR_BAD && !begin_anew(k))
        return false;
    if (rc == ERR_BAD)
        rc = save(k);
    if (rc == ERR_FULL)
        (void)forget(k); /* what goes makes room */
    if (rc)
        return fail(k, rc, NULL);
    trouble_end(&k->trouble);
    return true;
}

/* --- the thread */

static void *run(void *arg)
{
    struct keeper *k = arg;
    while (!atomic_load(&k->stop))
        bell_wait(&k->bell, BELL_STOP, keeper_round(k) ? KEEPER_EVERY_MS : AGAIN_MS);
    if (!keeper_round(k))
        log_say(LOG_WARN, "prefixes", "what was learned last could not be saved: %s",
                k->trouble.told);
    return NULL;
}

/* --- life */

struct keeper *keeper_make(const char *dir, uint64_t index_bytes, const struct keeper_source *s)
{
    struct keeper *k = mem_new(sizeof *k);
    size_t len = strlen(dir) + 1;
    k->dir = mem_new(len);
    memcpy(k->dir, dir, len);
    k->index_bytes = index_bytes;
    k->source = *s;
    k->trouble = (struct trouble){
        .dir = k->dir,
        .full = "there is no room: the disk is full",
        .gone = "the prefixes are gone, or others lie there; Weir opens what is there",
        .tell = s->trouble,
        .arg = s->arg};
    k->rows = mem_new(KEEPER_TAKEN * sizeof *k->rows);
    return k;
}

void keeper_end(struct keeper *k)
{
    close_store(k);
    buf_fini(&k->named);
    mem_free(k->rows);
    mem_free(k->dir);
    mem_free(k);
}

struct keeper *keeper_new(const char *dir, uint64_t index_bytes, const struct keeper_source *s)
{
    struct keeper *k = keeper_make(dir, index_bytes, s);
    bell_thread(&k->thread, run, k);
    return k;
}

void keeper_free(struct keeper *k)
{
    if (!k)
        return;
    atomic_store(&k->stop, true);
    bell_ring(&k->bell, BELL_STOP);
    pthread_join(k->thread, NULL);
    keeper_end(k);
}

void keeper_count(struct keeper *k, struct keeper_counts *out)
{
    out->saved = atomic_load(&k->saved);
    out->failures = atomic_load(&k->failures);
    out->rows = atomic_load(&k->held);
    out->open = atomic_load(&k->open);
}

/* --- beside a daemon */

int keeper_read(const char *dir, void (*prefix)(void *arg, const struct prefix *p),
                void (*named)(void *arg, struct str name, struct str bytes), void *arg, char *why,
                size_t why_size)
{
    const struct store_options o = {.dir = dir, .read_only = true, .kind = STORE_PREFIXES};
    const struct keeper_rows to = {prefix, named, arg};
    struct store *s;
    int rc = store_open(&o, &s, why, why_size);
    if (rc == ERR_NOT_FOUND)
        snprintf(why, why_size, "%s: nothing was learned and saved there", dir);
    if (rc)
        return rc;
    rc = keeper_rows_read(s, &to, NULL);
    if (rc)
        snprintf(why, why_size, "%s: %s", dir,
                 rc == ERR_BAD ? "the rows are damaged" : "it cannot be read");
    store_close(s);
    return rc;
}
