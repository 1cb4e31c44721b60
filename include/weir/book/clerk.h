/* SPDX-License-Identifier: Apache-2.0
 *
 * The clerk: the one thread that writes the meter's environment. Workers hand it records and forget
 * them; it commits what came every 100 ms, or when 256 wait, or at once when someone waits for the
 * commit. Record and rollups (minute, hour, day) of a batch are one transaction: a record counts
 * once or not at all.
 *
 *     worker --clerk_record--> [mailbox] --> batch --> transaction --> commit --> done(good) of
 * each
 *
 * When the book cannot be written (disk full, read-only, gone, broken) records wait in memory up to
 * CLERK_WAITING_MOST; more than that are counted as lost, and the gap is a row of the book as soon
 * as it can be written again. It tries again every few seconds, opening the environment anew where
 * that is needed. Nobody waits for it.
 */
#ifndef WEIR_BOOK_CLERK_H
#define WEIR_BOOK_CLERK_H

#include "weir/book/rollup.h"
#include "weir/book/series.h"
#include "weir/book/spent.h"
#include "weir/book/store.h"

enum {
    CLERK_EVERY_MS = 100,
    CLERK_BATCH = 256,
    CLERK_WAITING_MOST = 200000, /* about 80 MB of records */
    CLERK_AGAIN_MS = 5000,
    /* Then new workloads count as "other", and with a quarter more all new names, until old ones
     * are forgotten: after 13 months without a request. */
    CLERK_SERIES_MOST = 10000
};

struct clerk;

struct clerk_options {
    const char *dir;          /* of the environment; its parent is the state directory */
    uint64_t size_bytes;      /* book.size */
    int64_t keep_requests_ms; /* book.keep_requests */
    /* Before each opening, in the clerk's thread: may it be opened? If not, ERR_* and a sentence.
     * NULL: it always may. */
    int (*ready)(void *arg, char *why, size_t why_size);
    /* Its trouble or its end of it, for the log; in the clerk's thread. NULL: all is well again. */
    void (*trouble)(void *arg, const char *sentence);
    void *arg;
};

/* Never fails: what cannot be opened now is tried again. */
struct clerk *clerk_new(const struct clerk_options *o);
/* Commits what it was given, ends the thread, closes the environment. Nobody may use it any more.
 */
void clerk_free(struct clerk *c);
void clerk_keep(struct clerk *c, int64_t keep_requests_ms); /* a reload changed it */

/* --- writing, from any thread; nothing here waits. `done` may be NULL. It is called in the clerk's
 * thread when the thing is committed (good), or when that failed now: a record is then kept and
 * committed later, anything else was not done. It must not block: it usually sends a mail. */

/* Copies `record`. With `done` it is committed as soon as can be. */
void clerk_record(struct clerk *c, const struct record *record, void (*done)(void *arg, bool good),
                  void *arg);
/* A row of TABLE_META: an exporter's cursor. It is committed at once. */
void clerk_note(struct clerk *c, struct str key, struct str value,
                void (*done)(void *arg, bool good), void *arg);
/* From the commit on no record is added to a minute up to and with `minute`: what comes late counts
 * in the first minute behind it. So that what an exporter told stays true. */
void clerk_close_minute(struct clerk *c, uint32_t minute, void (*done)(void *arg, bool good),
                        void *arg);
/* Rewrites the environment without its free pages, where the disk has room for a second one; the
 * log says why not. Until it is done nothing is committed. */
void clerk_compact(struct clerk *c, void (*done)(void *arg, bool good), void *arg);

/* --- reading, in the office's thread. NULL, and no clerk_read_end, while the book is not open.
 * Between the two the clerk cannot close it: keep it short. */
struct store *clerk_read_begin(struct clerk *c);
void clerk_read_end(struct clerk *c);

/* What clients spent, from the first day of this month on, by what the book held when it was
 * opened: nothing of this process is in it. From any thread; it stays as it is until clerk_free.
 * NULL: the book has not been open yet. */
const struct spent *clerk_spent(struct clerk *c);

/* Blocks until the clerk has opened the book or failed to, for so long at most: at the daemon's
 * start, where the past must be known before anyone comes in. */
void clerk_wait_open(struct clerk *c, int64_t most_ms);

/* --- what was committed since the process began: the numbers of /metrics and OTLP. */
struct clerk_counts {
    uint64_t committed; /* records */
    uint64_t waiting;   /* in memory */
    uint64_t lost;      /* counted in a gap */
    uint64_t commits, failures;
    uint32_t series; /* names in the book, and those of this process */
    bool open;
    struct store_size size; /* a minute old at most */
};
void clerk_count(struct clerk *c, struct clerk_counts *out);
/* Calls `each` for every series with what it did since the process began, under the clerk's lock:
 * copy and return. */
void clerk_tally(struct clerk *c,
                 void (*each)(void *arg, const struct series *s, const struct rollup *sum),
                 void *arg);

#endif
