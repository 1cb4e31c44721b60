/* SPDX-License-Identifier: Apache-2.0
 *
 * What the book knows, on the admin port: usage, savings, decisions. It is read in the office's
 * thread, a slice in a turn, each in a transaction of its own, so that nobody waits for a long
 * report. The slices' state is the exchange's `usage` until the exchange is gone.
 */
#include "back.h"
#include "usage_query.h"
#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/gate/daemon.h"
#include "weir/wire/uri.h"

#include <string.h>

/* About a millisecond each. */
enum { SLICE_ROLLUPS = 150, SLICE_ROWS = 50, SLICE_RECORDS = 100 };

struct usage_work {
    struct report *report;
    bool read;  /* the report is done */
    uint64_t n; /* decisions still to tell */
    char key[STORE_KEY_MOST];
    size_t key_len; /* of the last one looked at */
    bool told;      /* one at least */
    struct buf out;
};

static void drop(struct exchange *ex)
{
    struct usage_work *w = ex->usage;
    if (!w)
        return;
    ex->usage = NULL;
    report_free(w->report);
    buf_fini(&w->out);
    mem_free(w);
}

static enum step_result again(struct exchange *ex)
{
    loop_next_turn(ex->worker->loop, &ex->again);
    return STEP_WAIT;
}

/* --- the book, for one slice */

static struct store *open_book(struct exchange *ex)
{
    struct clerk *clerk = ex->worker->daemon->clerk;
    return clerk ? clerk_read_begin(clerk) : NULL;
}

static void close_book(struct exchange *ex)
{
    clerk_read_end(ex->worker->daemon->clerk);
}

static enum step_result no_book(struct exchange *ex)
{
    if (!ex->worker->daemon->clerk)
        return exchange_fail(ex, OUTCOME_BOOK_CLOSED,
                             S("Nothing is metered: the configuration says metering: off."));
    return exchange_fail(ex, OUTCOME_BOOK_CLOSED, S(""));
}

static enum step_result cannot_read(struct exchange *ex, int err)
{
    struct buf b = {0};
    if (err == ERR_TOO_BIG)
        buf_addf(&b,
                 "That would be more than %d rows: ask for a longer period, less time, or "
                 "group by less.",
                 USAGE_ROWS_MOST);
    else
        buf_addf(&b, "The book cannot be read (%s). See weir book check.", err_word(err));
    enum step_result r = exchange_fail(
        ex, err == ERR_TOO_BIG ? OUTCOME_BAD_QUERY : OUTCOME_BOOK_CLOSED, buf_str(&b));
    buf_fini(&b);
    return r;
}

/* --- the question. NULL: it was refused. */

static struct usage_work *begin(struct exchange *ex, unsigned takes)
{
    struct usage_query q;
    struct buf sentence = {0};
    struct str path, query;
    uri_split(ex->target, &path, &query);
    if (!usage_query_read(query, takes, clock_wall_ms(), &q, &sentence)) {
        (void)exchange_fail(ex, OUTCOME_BAD_QUERY, buf_str(&sentence));
        buf_fini(&sentence);
        return NULL;
    }
    struct usage_work *w = mem_new(sizeof *w);
    if (!(takes & USAGE_N))
        w->report = report_new(&q.report);
    w->n = q.n;
    ex->usage = w;
    return w;
}

static enum step_result answer(struct exchange *ex)
{
    struct usage_work *w = ex->usage;
    enum step_result r = exchange_own(ex, 200, S("application/json"), buf_str(&w->out));
    drop(ex);
    return r;
}

/* --- usage and savings */

/* STEP_NEXT: the report is done. */
static enum step_result read_report(struct exchange *ex, struct usage_work *w)
{
    struct store *s = open_book(ex);
    if (!s)
        return no_book(ex);
    int more = report_step(w->report, s, SLICE_ROLLUPS);
    close_book(ex);
    if (more < 0)
        return cannot_read(ex, more);
    w->read = more == 0;
    return w->read ? STEP_NEXT : again(ex);
}

static enum step_result start_report(struct exchange *ex, unsigned takes,
                                     bool (*tell)(struct report *r, size_t most, struct buf *out))
{
    struct usage_work *w = ex->usage ? ex->usage : begin(ex, takes);
    if (!w)
        return STEP_END;
    if (!w->read) {
        enum step_result r = read_report(ex, w);
        if (r != STEP_NEXT)
            return r;
    }
    return tell(w->report, SLICE_ROWS, &w->out) ? again(ex) : answer(ex);
}

static enum step_result start_usage(struct exchange *ex)
{
    return start_report(ex, USAGE_SINCE | USAGE_UNTIL | USAGE_BY | USAGE_PERIOD, report_add_json);
}
const struct back back_usage = {"usage", start_usage, NULL, NULL, drop};

static enum step_result start_savings(struct exchange *ex)
{
    return start_report(ex, USAGE_SINCE | USAGE_UNTIL, report_add_savings);
}
const struct back back_savings = {"savings", start_savings, NULL, NULL, drop};

/* --- decisions: the newest first */

/* To the one before the last one told. */
static int find_next(struct usage_work *w, struct store_walk *walk)
{
    if (w->key_len == 0)
        return store_walk_last(walk);
    int err = store_walk_from(walk, str_from(w->key, w->key_len));
    return err == ERR_NOT_FOUND ? store_walk_last(walk) : err ? err : store_walk_back(walk);
}

static int tell_one(struct usage_work *w, const struct store_walk *walk)
{
    struct record r;
    int err = walk->key.len <= sizeof w->key ? record_read(walk->value, &r) : ERR_BAD;
    if (err)
        return err;
    memcpy(w->key, walk->key.ptr, walk->key.len);
    w->key_len = walk->key.len;
    if (r.flags & RECORD_SAMPLE)
        return ERR_OK;
    buf_add(&w->out, w->told ? S(",") : S("{\"decisions\":["));
    record_add_json(&r, &w->out);
    w->told = true;
    w->n--;
    return ERR_OK;
}

/* 1: there is more. */
static int tell_slice(struct usage_work *w, struct store *s)
{
    struct store_txn *t;
    struct store_walk walk;
    int err = store_begin(s, false, &t);
    if (err)
        return err;
    store_walk_init(&walk, t, TABLE_RECORDS);
    err = find_next(w, &walk);
    for (size_t i = 0; !err && w->n && i < SLICE_RECORDS; i++) {
        err = tell_one(w, &walk);
        if (!err)
            err = store_walk_back(&walk);
    }
    store_walk_fini(&walk);
    store_abort(t);
    if (err)
        return err == ERR_NOT_FOUND ? 0 : err;
    return w->n > 0;
}

static enum step_result start_decisions(struct exchange *ex)
{
    struct usage_work *w = ex->usage ? ex->usage : begin(ex, USAGE_N);
    if (!w)
        return STEP_END;
    struct store *s = open_book(ex);
    if (!s)
        return no_book(ex);
    int more = tell_slice(w, s);
    close_book(ex);
    if (more)
        return more < 0 ? cannot_read(ex, more) : again(ex);
    buf_add(&w->out, w->told ? S("]}\n") : S("{\"decisions\":[]}\n"));
    return answer(ex);
}
const struct back back_decisions = {"decisions", start_decisions, NULL, NULL, drop};
