/* SPDX-License-Identifier: Apache-2.0
 *
 * One LMDB environment: the only file that knows LMDB is src/book/store.c. Default flags: every
 * commit is on the disk when it returns. It is made in a folder aside and renamed, so that a power
 * cut leaves all of it or nothing; its size is fixed while it is open; values are at most 64 KiB
 * (larger things are their owner's chunks: the file then stays within 1.2 times what lives in it);
 * it is never on a network file system.
 *
 * One writer (the clerk's thread, the keeper's, the spool's). Readers in any thread, each in
 * transactions of at most a second.
 */
#ifndef WEIR_BOOK_STORE_H
#define WEIR_BOOK_STORE_H

#include "weir/base/buf.h"
#include "weir/base/err.h"
#include "weir/base/str.h"

/* Which tables an environment has; TABLE_META is in each. */
enum store_kind { STORE_METER, STORE_PREFIXES, STORE_SPOOL };

/* First those of the meter's environment. Names in the file are the words of store.c. Minutes are
 * forgotten by whole hours, hours by whole days: an hour has all its minutes or none. */
enum table {
    /* Words -> 8 bytes, big endian, or a cursor of an exporter's own form. "schema" (4 bytes);
     * "closed": the last closed minute; "late", "late.minute": how many records counted behind
     * their own minute, and the last one that took such; "kept.records" (milliseconds),
     * "kept.minutes", "kept.hours", "kept.days": from there on all rows are kept, those before go,
     * a thousand at a time; "kept.clock" (milliseconds): what time it was for that, an hour old;
     * "used." number (4): the last day of a series. */
    TABLE_META,
    TABLE_RECORDS, /* time_ms (8, big endian) id (16) -> record */
    TABLE_SERIES,  /* number (4, big endian) -> series_write's (book/series.h) */
    TABLE_MINUTES, /* minute since 1970 (4, big endian) series (4) -> rollup */
    TABLE_HOURS,   /* hour since 1970, series -> rollup */
    TABLE_DAYS,    /* UTC day since 1970, series -> rollup */
    TABLE_GAPS,    /* time_ms (8, big endian) when it began -> gap_write's */
    TABLES,

    /* Of the prefixes' environment, which may be lost. */
    TABLE_PREFIXES = TABLES, /* key (8, little endian) -> prefix_write's (plan/prefix.h) */
    TABLE_NAMED,             /* hash of a name (8, big endian) -> minute (4), length, name, bytes */

    /* Of the spool's environment (src/book/spool_rows.h). All numbers big endian: a record's (8)
     * grows. In TABLE_META "next" and "next.job": below that numbers were given; "instance";
     * "sealed": spool_mark_write's. */
    TABLE_SPOOLED, /* number -> what it is */
    TABLE_PLACES,  /* number -> in which list it is, what it weighs */
    TABLE_LISTS,   /* list (1), of (8), number -> nothing */
    TABLE_KEYS,    /* key (16), kind (1), ... -> number, or nothing: which request is which */
    TABLE_BODIES,  /* number, chunk (4) -> a piece of its body */
    TABLE_ANSWERS, /* number, chunk -> a piece of its answer */
    TABLE_JOBS,    /* number (8) -> batch_job_write's */
    TABLE_POOLS,   /* number (4) -> whose */
    TABLE_OUTBOX,  /* number (8), growing -> record_write's, on its way to the book */
    TABLE_GONE,    /* number -> of a ticket whose record is forgotten */
    TABLES_ALL
};

enum { STORE_KEY_MOST = 64, STORE_VALUE_MOST = 64 * 1024 };

struct store;
struct store_txn;

struct store_options {
    const char *dir;     /* the environment's own folder, e.g. /var/lib/weir/meter */
    uint64_t size_bytes; /* what may live in it; the map is 1.25 times that. Ignored by readers */
    bool read_only;      /* beside a daemon, or alone: makes no file */
    enum store_kind kind;
};

/* Makes it when it is not there (not for readers: ERR_NOT_FOUND). Migrates an older schema; refuses
 * a later one. On failure `why` is a sentence with the path and what to do. Leaves no half-made
 * environment behind. */
MUST_CHECK int store_open(const struct store_options *o, struct store **out, char *why,
                          size_t why_size);
void store_close(struct store *s);
/* The file on disk is another one than that which is open (deleted, replaced, restored). */
bool store_is_gone(const struct store *s);
/* Forgets readers that died in a transaction: their pages could not be used again. */
void store_sweep(struct store *s);

struct store_size {
    uint64_t file_bytes;             /* of data.mdb */
    uint64_t used_bytes;             /* pages in use, free pages not counted */
    uint64_t map_bytes, limit_bytes; /* limit: map / 1.25 */
    uint64_t rows[TABLES_ALL];
};
MUST_CHECK int store_measure(struct store *s, struct store_size *out);

/* ERR_FULL map or disk is full, ERR_IO the disk failed; after ERR_PANIC only closing and opening
 * again helps. A failed write transaction must be aborted; commit ends it either way. */
MUST_CHECK int store_begin(struct store *s, bool write, struct store_txn **out);
MUST_CHECK int store_commit(struct store_txn *t);
void store_abort(struct store_txn *t);

/* Values are borrowed from the map until the transaction ends or, in a writing one, the next write.
 * ERR_NOT_FOUND. */
MUST_CHECK int store_get(struct store_txn *t, enum table table, struct str key, struct str *out);
MUST_CHECK int store_put(struct store_txn *t, enum table table, struct str key, struct str value);
/* Nothing happens when it is not there. */
MUST_CHECK int store_delete(struct store_txn *t, enum table table, struct str key);

/* In key order: the first at or after `key`, then the next ones. ERR_NOT_FOUND at the end. */
struct store_walk {
    struct store_txn *txn;
    void *cursor;
    struct str key, value;
};
void store_walk_init(struct store_walk *w, struct store_txn *t, enum table table);
MUST_CHECK int store_walk_from(struct store_walk *w, struct str key);
MUST_CHECK int store_walk_next(struct store_walk *w);
MUST_CHECK int store_walk_back(struct store_walk *w); /* towards the first */
MUST_CHECK int store_walk_last(struct store_walk *w);
void store_walk_fini(struct store_walk *w); /* before the transaction's end */

/* Compacting, for the one who writes: a copy without free pages is made in the folder aside
 * (DIR.new), then the environment is closed, and store_swap puts the copy in its place in one step.
 * ERR_FULL when the disk has no room for the copy; whatever fails leaves the old one. */
MUST_CHECK int store_compact(struct store *s, char *why, size_t why_size);
MUST_CHECK int store_swap(const char *dir, char *why, size_t why_size);

/* A closed environment that is damaged and may be lost is moved to DIR.damaged, in place of what
 * was moved there before. */
MUST_CHECK int store_set_aside(const char *dir, char *why, size_t why_size);

/* Appends "LMDB 0.9.24". */
void store_version(struct buf *out);

/* Whole numbers in keys. */
static inline void store_put_u32(unsigned char out[4], uint32_t n)
{
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(n >> (24 - 8 * i));
}
static inline void store_put_u64(unsigned char out[8], uint64_t n)
{
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)(n >> (56 - 8 * i));
}
static inline uint32_t store_get_u32(const char *in)
{
    uint32_t n = 0;
    for (int i = 0; i < 4; i++)
        n = n << 8 | (unsigned char)in[i];
    return n;
}
static inline uint64_t store_get_u64(const char *in)
{
    return (uint64_t)store_get_u32(in) << 32 | store_get_u32(in + 4);
}

#endif
