/* SPDX-License-Identifier: Apache-2.0
 *
 * One thing is under way at a time: a mail to the clerk, a report in slices, or a part at the sink;
 * `busy` says that there is one. Else the tick, once a second, looks whether it is time.
 *
 *     tick --> cursor says what --> clerk / report / sink --> cursor says what --> ... --> tick
 */
#include "weir/gate/teller.h"

#include "weir/base/clock.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"
#include "weir/base/text.h"

#include <stdio.h>

enum {
    TICK_MS = 1000,
    /* Records of a minute are with the clerk a moment after its end. */
    GRACE_MS = 2000,
    SLICE_ROLLUPS = 500,
    FIRST_REST_MS = 1000,
    REST_MOST_MS = 60 * 1000,
    CLERK_REST_MS = 5000
};

struct teller {
    struct loop *loop;
    struct clerk *clerk;
    const struct teller_sink *sink;
    void *arg;
    struct cursor cursor;
    bool begun;         /* the cursor's row was read */
    bool on, busy, ill; /* ill: trouble was logged */
    bool again;         /* what is cut is to be cut again */
    bool ended;         /* the clerk is gone: mail that still comes changes nothing */
    uint32_t born;      /* the minute in which it was first started */
    int64_t every_ms, due_ms, rest_ms;
    struct timer tick;
    struct later slice;
    struct report *report;
    struct mail mail; /* home from the clerk */
    bool good;        /* what the clerk said; written in its thread, before the mail is sent */
    char key[32];
};

static uint32_t now_minute(void)
{
    int64_t ms = clock_wall_ms() - GRACE_MS;
    return ms > 0 ? (uint32_t)(ms / 60000) : 0;
}

/* --- the log: when it begins and when it is over */

static void say_trouble(struct teller *t, const char *why)
{
    if (!t->ill)
        log_say(LOG_WARN, "export", "%s: %s; it is tried again", t->sink->name, why);
    t->ill = true;
}

static void say_well(struct teller *t)
{
    if (t->ill)
        log_say(LOG_INFO, "export", "%s: it is well again", t->sink->name);
    t->ill = false;
}

static void say_lost(struct teller *t, const char *what, const char *why)
{
    char minute[21];
    text_iso_time((int64_t)t->cursor.row.minute * 60, minute);
    log_say(LOG_WARN, "export", "%s: minute %s, part %u: %s: %s", t->sink->name, minute,
            t->cursor.row.part + 1, what, why);
}

/* --- waiting */

static void rest(struct teller *t, int64_t ms)
{
    t->due_ms = loop_now_ms(t->loop) + ms;
}

/* Half to all of a time that doubles with each refusal in a row. */
static void rest_longer(struct teller *t)
{
    t->rest_ms = t->rest_ms ? 2 * t->rest_ms : FIRST_REST_MS;
    if (t->rest_ms > REST_MOST_MS)
        t->rest_ms = REST_MOST_MS;
    rest(t, t->rest_ms / 2 + (int64_t)random_below((uint64_t)t->rest_ms / 2));
}

static void perform(struct teller *t, enum cursor_act act);

/* --- the clerk */

static void came_home(struct mail *m)
{
    struct teller *t = LIST_OF(m, struct teller, mail);
    enum cursor_event e = t->cursor.phase == CURSOR_CLOSING ? CURSOR_CLOSED : CURSOR_NOTED;
    t->busy = false;
    if (t->ended)
        return;
    if (!t->good)
        rest(t, CLERK_REST_MS);
    perform(t, cursor_step(&t->cursor, t->good ? e : CURSOR_FAILED, now_minute()));
}

static void clerk_done(void *arg, bool good)
{
    struct teller *t = arg;
    t->good = good;
    mailbox_send(loop_mailbox(t->loop), &t->mail);
}

static void note(struct teller *t)
{
    unsigned char row[CURSOR_ROW_BYTES];
    cursor_row_write(&t->cursor.row, row);
    t->busy = true;
    clerk_note(t->clerk, str_of(t->key), str_from((const char *)row, sizeof row), clerk_done, t);
}

/* --- reading */

static void drop_report(struct teller *t)
{
    report_free(t->report);
    t->report = NULL;
    later_cancel(&t->slice);
    t->busy = false;
}

static void read_failed(struct teller *t)
{
    drop_report(t);
    rest(t, CLERK_REST_MS);
    perform(t, cursor_step(&t->cursor, CURSOR_FAILED, now_minute()));
}

static void read_done(struct teller *t)
{
    size_t n;
    uint64_t plan = 0;
    const struct report_row *rows = report_rows(t->report, &n);
    uint32_t parts = n ? t->sink->cut(t->arg, t->cursor.row.minute, rows, n, &plan) : 0;
    drop_report(t);
    perform(t, cursor_read(&t->cursor, parts, plan, now_minute()));
}

static void read_slice(void *arg)
{
    struct teller *t = arg;
    struct store *store = clerk_read_begin(t->clerk);
    if (!store) {
        read_failed(t);
        return;
    }
    int more = report_step(t->report, store, SLICE_ROLLUPS);
    clerk_read_end(t->clerk);
    if (more > 0)
        loop_next_turn(t->loop, &t->slice);
    else if (more < 0)
        read_failed(t);
    else
        read_done(t);
}

static void read_minute(struct teller *t)
{
    const struct report_query q = {.from = t->cursor.row.minute,
                                   .until = t->cursor.row.minute + 1,
                                   .by = REPORT_BY_CLIENT | REPORT_BY_MODEL | REPORT_BY_LANE,
                                   .samples = true};
    t->busy = true;
    t->report = report_new(&q);
    loop_next_turn(t->loop, &t->slice);
}

/* --- the cursor's row */

static int read_row(struct store *store, struct str key, struct cursor_row *out)
{
    struct store_txn *txn;
    struct str bytes;
    int err = store_begin(store, false, &txn);
    if (err)
        return err;
    err = store_get(txn, TABLE_META, key, &bytes);
    if (err == 0 && !cursor_row_read(bytes, out))
        err = ERR_BAD;
    store_abort(txn);
    return err;
}

static void begin(struct teller *t)
{
    struct cursor_row row;
    struct store *store = clerk_read_begin(t->clerk);
    if (!store)
        return;
    int err = read_row(store, str_of(t->key), &row);
    clerk_read_end(t->clerk);
    if (err && err != ERR_NOT_FOUND && err != ERR_BAD)
        return;
    if (err == ERR_BAD)
        log_say(LOG_WARN, "export", "%s: its cursor in the book cannot be read; it begins now",
                t->sink->name);
    t->begun = true;
    enum cursor_act act = err ? cursor_begin(&t->cursor, NULL, t->born)
                              : cursor_begin(&t->cursor, &row, now_minute());
    if (t->cursor.counts.unknown)
        log_say(LOG_WARN, "export",
                "%s: nobody knows whether the call under way when Weir stopped arrived; it is not "
                "sent again",
                t->sink->name);
    perform(t, act);
}

/* --- the way of one act to the next */

/* Begins something new: not when it was stopped. The cursor asks again when it is started. */
static bool is_new(const struct teller *t, enum cursor_act act)
{
    return act == CURSOR_CLOSE || act == CURSOR_READ ||
           (act == CURSOR_NOTE && t->cursor.phase == CURSOR_NOTING_ATTEMPT);
}

static void perform(struct teller *t, enum cursor_act act)
{
    if (!t->on && is_new(t, act))
        return;
    switch (act) {
    case CURSOR_WAIT:
        if (t->cursor.phase == CURSOR_IDLE)
            rest(t, t->every_ms);
        break;
    case CURSOR_CLOSE:
        t->busy = true;
        clerk_close_minute(t->clerk, t->cursor.aim - 1, clerk_done, t);
        break;
    case CURSOR_NOTE:
        note(t);
        break;
    case CURSOR_READ:
        read_minute(t);
        break;
    case CURSOR_SEND:
        t->busy = true;
        t->sink->send(t->arg, t->cursor.row.part);
        break;
    }
}

/* Something else was under way when it was asked for, or nothing. */
static void cut_again(struct teller *t)
{
    enum cursor_phase p = t->cursor.phase;
    if (t->again && t->begun && (p == CURSOR_IDLE || p == CURSOR_RESTING))
        cursor_forget(&t->cursor);
    t->again = false;
}

static void on_tick(void *arg)
{
    struct teller *t = arg;
    if (!t->on && !t->busy)
        return;
    timer_start(&t->tick, TICK_MS);
    if (t->busy || !t->on || loop_now_ms(t->loop) < t->due_ms)
        return;
    cut_again(t);
    if (!t->begun)
        begin(t);
    else
        perform(t, cursor_step(&t->cursor, CURSOR_WOKE, now_minute()));
}

void teller_sent(struct teller *t, enum cursor_event how, const char *why)
{
    t->busy = false;
    if (how == CURSOR_TOLD) {
        t->rest_ms = 0;
        say_well(t);
    } else if (how == CURSOR_REFUSED) {
        say_trouble(t, why);
        rest_longer(t);
    } else if (how == CURSOR_HOPELESS) {
        say_lost(t, "refused for good, it is left out", why);
    } else {
        say_lost(t, "nobody knows whether it arrived, it is not sent again", why);
        rest_longer(t);
    }
    perform(t, cursor_step(&t->cursor, how, now_minute()));
}

/* --- the door */

struct teller *teller_new(struct loop *l, struct clerk *clerk, const struct teller_sink *sink,
                          void *arg)
{
    struct teller *t = mem_new(sizeof *t);
    t->loop = l;
    t->clerk = clerk;
    t->sink = sink;
    t->arg = arg;
    t->mail.deliver = came_home;
    timer_init(&t->tick, l, on_tick, t);
    later_init(&t->slice, read_slice, t);
    snprintf(t->key, sizeof t->key, "export.%s", sink->name);
    return t;
}

void teller_end(struct teller *t)
{
    t->ended = true;
}

void teller_free(struct teller *t)
{
    if (!t)
        return;
    timer_stop(&t->tick);
    drop_report(t);
    mem_free(t);
}

void teller_start(struct teller *t, int64_t every_ms)
{
    t->on = true;
    t->again = true;
    t->born = t->born ? t->born : now_minute();
    t->every_ms = every_ms;
    t->due_ms = t->rest_ms = 0;
    if (!timer_running(&t->tick))
        timer_start(&t->tick, TICK_MS);
}

void teller_stop(struct teller *t)
{
    t->on = false;
}

bool teller_is_busy(const struct teller *t)
{
    return t->busy;
}

void teller_count(const struct teller *t, struct teller_counts *out)
{
    *out = (struct teller_counts){.cursor = t->cursor.counts, .telling = t->on && t->begun};
    int64_t behind = clock_wall_ms() / 1000 - (int64_t)t->cursor.row.minute * 60;
    out->behind_s = t->begun && behind > 0 ? behind : 0;
}
