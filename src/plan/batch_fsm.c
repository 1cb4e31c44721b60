/* SPDX-License-Identifier: Apache-2.0
 *
 * A batch job's life. The table at the end says who answers which event in which state; what is not
 * in it changes nothing. Three questions come again and again:
 *
 *   may a job exist?    not in PACKED, nor in CREATING before a create was sent or when the only
 *                       one was turned down. Then members leave plainly. Otherwise they leave
 *                       "twice", and only where that may be paid.
 *   is it time?         before a job exists: when one would have to be stopped at once. While it
 *                       runs: when what has no answer would only just be done on demand.
 *   is it lost?         nobody says that a job is not there but the list, and lists lag: a dozen
 *                       in a row without it, over an hour and more.
 *
 * An act is given again whenever nobody knows whether it was done: all of them can be repeated.
 */
#include "weir/plan/batch_fsm.h"

#include <string.h>

enum {
    FIRST_WAIT_MS = 5 * 1000, /* after a failure; doubles */
    WAIT_MOST_MS = 5 * 60 * 1000,
    LOST_LISTS = 12,
    LOST_MS = 60 * 60 * 1000,
    /* S3 shows an object as soon as it is written; who tells that the job ended is another one. */
    LOOKS_FEW = 3,
    LOOKS_MANY = 12, /* where output is promised: about half an hour */
    LOOK_MANY_MS = 15 * 60 * 1000,
    READS = 100, /* about eight hours; nobody waits for it any more then */
    CLEANS = 100 /* as long; then the bucket's life cycle rules have it */
};

/* Milliseconds for a second's worth of records: a tenth more, for calls that take their time. */
#define SPARE_MS 1100.0

/* --- times */

static int64_t less(int64_t at_ms, double ms)
{
    if (ms >= (double)at_ms)
        return 0;
    return ms > 0 ? at_ms - (int64_t)ms : at_ms;
}

/* Half its time a job has whatever happens: a rate that fell, or too much ahead of it, is no reason
 * to pay for what may be done any moment. */
int64_t batch_leave_at(const struct batch_job *j, double per_second, uint32_t unanswered)
{
    double rate = per_second > 0.001 ? per_second : 0.001;
    int64_t at = less(j->deadline_ms, unanswered * SPARE_MS / rate);
    int64_t half = j->cut_ms + (j->deadline_ms - j->cut_ms) / 2;
    return at < half && half < j->deadline_ms ? half : at;
}

int64_t batch_stop_at(const struct batch_job *j, double per_second, uint32_t unanswered)
{
    int64_t all = j->deadline_ms > j->cut_ms ? j->deadline_ms - j->cut_ms : 0;
    int64_t stop = all / 8 < BATCH_STOP_MS ? all / 8 : BATCH_STOP_MS;
    return less(batch_leave_at(j, per_second, unanswered), (double)stop);
}

static bool is_stop_time(const struct batch_job *j, const struct batch_terms *t)
{
    return j->cancelled || t->now_ms >= batch_stop_at(j, t->per_second, t->unanswered);
}

static bool is_leave_time(const struct batch_job *j, const struct batch_terms *t)
{
    if (j->cancelled && (!j->stop_ms || t->now_ms >= j->stop_ms + BATCH_STOP_MS))
        return true;
    return t->now_ms >= batch_leave_at(j, t->per_second, t->unanswered);
}

/* Three quarters to five quarters of it. */
static int64_t spread(int64_t ms, uint32_t jitter)
{
    return ms / 4 * 3 + (int64_t)((double)ms / 2 * jitter / 4294967296.0);
}

static int64_t backoff(unsigned tries)
{
    unsigned doublings = tries > 1 ? tries - 1 : 0;
    return doublings > 5 ? WAIT_MOST_MS : (int64_t)FIRST_WAIT_MS << doublings;
}

bool batch_due(const struct batch_job *j, int64_t now_ms, int64_t poll_ms)
{
    int64_t most = poll_ms > WAIT_MOST_MS ? poll_ms : WAIT_MOST_MS;
    if (j->next_ms == INT64_MAX)
        return false;
    return j->next_ms <= now_ms || j->next_ms - now_ms > most / 4 * 5 + 1;
}

/* --- turns */

static struct batch_turn act(struct batch_job *j, enum batch_act a)
{
    j->next_ms = INT64_MAX;
    return (struct batch_turn){.act = a};
}

static int64_t earlier(int64_t at, int64_t mark, int64_t now)
{
    return mark > now && mark < at ? mark : at;
}

static struct batch_turn wait_for(struct batch_job *j, const struct batch_terms *t, int64_t ms)
{
    int64_t at = t->now_ms + spread(ms, t->jitter);
    if (!j->stopping)
        at = earlier(at, batch_stop_at(j, t->per_second, t->unanswered), t->now_ms);
    if (!j->left)
        at = earlier(at, batch_leave_at(j, t->per_second, t->unanswered), t->now_ms);
    j->next_ms = at;
    return (struct batch_turn){.act = BATCH_WAIT};
}

/* What is too long ends behind a word, and says that there is more. */
static void say(struct batch_job *j, struct str why)
{
    static const struct str more = STR(" ...");
    if (!why.len)
        return;
    size_t n = why.len;
    if (n > BATCH_WHY_MOST)
        for (n = BATCH_WHY_MOST - more.len; n && why.ptr[n] != ' ';)
            n--;
    memcpy(j->why, why.ptr, n);
    if (n < why.len) {
        memcpy(j->why + n, more.ptr, more.len);
        n += more.len;
    }
    j->why[n] = 0;
}

static void succeeded(struct batch_job *j)
{
    j->tries = 0;
    j->why[0] = 0;
}

static struct batch_turn failed(struct batch_job *j, const struct batch_news *n,
                                const struct batch_terms *t)
{
    j->tries += j->tries < UINT32_MAX;
    say(j, n->why);
    return wait_for(j, t, backoff(j->tries));
}

/* No job answers its members any more. */
static struct batch_turn clean(struct batch_job *j, enum batch_members members)
{
    j->state = BATCH_CLEANING;
    j->tries = 0;
    struct batch_turn turn = act(j, BATCH_CLEAN);
    turn.members = members;
    return turn;
}

static struct batch_turn refused(struct batch_job *j, const struct batch_news *n)
{
    say(j, n->why);
    struct batch_turn turn = clean(j, BATCH_LEAVE);
    turn.pool_bad = true;
    return turn;
}

/* The turn, and its members where it is time and a job may answer them yet. */
static struct batch_turn or_leave(struct batch_job *j, const struct batch_terms *t,
                                  struct batch_turn turn)
{
    if (j->left || !is_leave_time(j, t))
        return turn;
    if (!t->may_pay_twice && !j->cancelled) {
        say(j, S("Its records wait past their time: batch.max_twice is spent. weir batch cancel "
                 "sends them on demand whatever it costs."));
        return turn;
    }
    j->left = j->stopping = true;
    turn.members = BATCH_LEAVE_TWICE;
    return turn;
}

/* --- PACKED */

static struct batch_turn packed_go(struct batch_job *j, const struct batch_news *n,
                                   const struct batch_terms *t)
{
    bool never = j->records < t->least || is_stop_time(j, t);
    return never ? clean(j, BATCH_LEAVE) : act(j, BATCH_PUT);
}

static struct batch_turn put_failed(struct batch_job *j, const struct batch_news *n,
                                    const struct batch_terms *t)
{
    struct batch_turn turn = failed(j, n, t);
    return is_stop_time(j, t) ? clean(j, BATCH_LEAVE) : turn;
}

static struct batch_turn put_refused(struct batch_job *j, const struct batch_news *n,
                                     const struct batch_terms *t)
{
    return refused(j, n);
}

/* --- CREATING */

static struct batch_turn send_create(struct batch_job *j, const struct batch_terms *t)
{
    if (!j->sent_ms) {
        j->sent_ms = t->now_ms;
        j->absent = 0;
    }
    return act(j, BATCH_CREATE);
}

/* Nothing was made yet. */
static struct batch_turn create(struct batch_job *j, const struct batch_terms *t)
{
    if (is_stop_time(j, t))
        return clean(j, BATCH_LEAVE);
    return t->may_create ? send_create(j, t) : wait_for(j, t, t->poll_ms);
}

static struct batch_turn put_done(struct batch_job *j, const struct batch_news *n,
                                  const struct batch_terms *t)
{
    succeeded(j);
    j->state = BATCH_CREATING;
    return create(j, t);
}

static void doubt(struct batch_job *j, const struct batch_terms *t)
{
    j->unsure = true;
    j->sent_ms = t->now_ms;
    j->absent = 0;
}

static struct batch_turn creating_go(struct batch_job *j, const struct batch_news *n,
                                     const struct batch_terms *t)
{
    if (!j->sent_ms)
        return create(j, t);
    if (!j->unsure || j->next_ms == INT64_MAX)
        doubt(j, t); /* a kill: the act at hand may have been a create */
    return act(j, BATCH_LIST);
}

static struct batch_turn create_unknown(struct batch_job *j, const struct batch_news *n,
                                        const struct batch_terms *t)
{
    doubt(j, t);
    return or_leave(j, t, failed(j, n, t));
}

static bool is_lost(const struct batch_job *j, const struct batch_terms *t)
{
    int64_t since = j->created_ms ? j->created_ms : j->sent_ms;
    return j->absent >= LOST_LISTS && t->now_ms - since >= LOST_MS;
}

static struct batch_turn create_later(struct batch_job *j, const struct batch_news *n,
                                      const struct batch_terms *t)
{
    struct batch_turn turn = failed(j, n, t);
    if (j->unsure)
        return or_leave(j, t, turn);
    j->sent_ms = 0;
    return is_stop_time(j, t) ? clean(j, BATCH_LEAVE) : turn;
}

/* It says that this call made nothing; an earlier one may have. */
static struct batch_turn create_refused(struct batch_job *j, const struct batch_news *n,
                                        const struct batch_terms *t)
{
    if (j->unsure && !is_lost(j, t))
        return or_leave(j, t, failed(j, n, t));
    j->sent_ms = 0;
    j->unsure = false;
    return refused(j, n);
}

static struct batch_turn told(struct batch_job *j, const struct batch_news *n,
                              const struct batch_terms *t);

static bool knows_arn(struct batch_job *j, struct str arn)
{
    if (!arn.len || arn.len > BATCH_ARN_MOST || memchr(arn.ptr, 0, arn.len))
        return false;
    memcpy(j->arn, arn.ptr, arn.len);
    j->arn[arn.len] = 0;
    return true;
}

static struct batch_turn created(struct batch_job *j, const struct batch_news *n,
                                 const struct batch_terms *t)
{
    if (!knows_arn(j, n->arn))
        return create_unknown(j, n, t);
    j->state = BATCH_RUNNING;
    j->status = BATCH_SUBMITTED;
    j->created_ms = t->now_ms;
    j->unsure = false;
    if (!batch_status_ends(n->status))
        return told(j, n, t);
    succeeded(j);
    return act(j, BATCH_GET); /* the list does not tell how it went */
}

static struct batch_turn not_listed_yet(struct batch_job *j, const struct batch_news *n,
                                        const struct batch_terms *t)
{
    j->absent += j->absent < UINT32_MAX;
    if (!j->left && !is_stop_time(j, t))
        return send_create(j, t);
    if (is_lost(j, t))
        return clean(j, BATCH_LEAVE);
    return or_leave(j, t, wait_for(j, t, backoff(j->absent)));
}

static struct batch_turn ask_failed(struct batch_job *j, const struct batch_news *n,
                                    const struct batch_terms *t)
{
    return or_leave(j, t, failed(j, n, t));
}

/* --- RUNNING */

static struct batch_turn stop(struct batch_job *j, const struct batch_terms *t)
{
    if (!j->stop_ms)
        j->stop_ms = t->now_ms;
    return act(j, BATCH_STOP);
}

/* Members do not leave here: what is asked now may say that it ended. */
static struct batch_turn running_go(struct batch_job *j, const struct batch_news *n,
                                    const struct batch_terms *t)
{
    j->stopping |= is_stop_time(j, t);
    return j->stopping && !j->stop_ms ? stop(j, t) : act(j, BATCH_GET);
}

static struct batch_turn ended(struct batch_job *j, const struct batch_terms *t)
{
    j->state = BATCH_READING;
    j->ended_ms = t->now_ms;
    j->tries = 0;
    return act(j, BATCH_READ);
}

static void take_counts(struct batch_job *j, const struct batch_news *n)
{
    if (!n->total && !n->processed)
        return;
    j->total = n->total;
    j->processed = n->processed;
    j->succeeded = n->succeeded;
    j->errors = n->errors;
}

static struct batch_turn told(struct batch_job *j, const struct batch_news *n,
                              const struct batch_terms *t)
{
    succeeded(j);
    j->absent = 0;
    if (n->status != BATCH_NONE)
        j->status = n->status;
    take_counts(j, n);
    say(j, n->why);
    if (batch_status_ends(j->status))
        return ended(j, t);
    j->stopping |= is_stop_time(j, t);
    bool ask = j->stopping && j->status != BATCH_STOP_ASKED;
    return or_leave(j, t, ask ? stop(j, t) : wait_for(j, t, t->poll_ms));
}

/* The list does not tell how many were charged: it is asked again who does, and at last all may
 * have been. */
static struct batch_turn listed(struct batch_job *j, const struct batch_news *n,
                                const struct batch_terms *t)
{
    if (!batch_status_ends(n->status))
        return told(j, n, t);
    j->absent = 0;
    if (j->tries < LOOKS_MANY)
        return or_leave(j, t, failed(j, n, t));
    j->status = n->status;
    j->succeeded = j->records;
    return ended(j, t);
}

static struct batch_turn stop_taken(struct batch_job *j, const struct batch_news *n,
                                    const struct batch_terms *t)
{
    succeeded(j);
    return or_leave(j, t, wait_for(j, t, t->poll_ms));
}

static struct batch_turn unknown_arn(struct batch_job *j, const struct batch_news *n,
                                     const struct batch_terms *t)
{
    say(j, n->why);
    return act(j, BATCH_LIST);
}

static struct batch_turn not_listed_any_more(struct batch_job *j, const struct batch_news *n,
                                             const struct batch_terms *t)
{
    j->absent += j->absent < UINT32_MAX;
    say(j, n->why);
    if (is_lost(j, t))
        return ended(j, t);
    return or_leave(j, t, wait_for(j, t, backoff(j->absent)));
}

/* --- READING */

static struct batch_turn reading_go(struct batch_job *j, const struct batch_news *n,
                                    const struct batch_terms *t)
{
    return act(j, BATCH_READ);
}

static void take_lines(struct batch_job *j, const struct batch_news *n)
{
    if (n->read_bytes > j->read_bytes)
        j->read_bytes = n->read_bytes;
    j->answered += n->answered;
    j->tries = 0;
}

static struct batch_turn read_some(struct batch_job *j, const struct batch_news *n,
                                   const struct batch_terms *t)
{
    take_lines(j, n);
    j->next_ms = INT64_MAX;
    return (struct batch_turn){.act = BATCH_WAIT};
}

static bool promises_output(const struct batch_job *j)
{
    return j->status == BATCH_COMPLETED || j->status == BATCH_PARTIAL || j->succeeded > j->answered;
}

/* Whoever has no answer now gets none from it: nothing would be gained by waiting. Where some were
 * charged all the same, that is said. */
static struct batch_turn read_through(struct batch_job *j, bool charged)
{
    struct batch_turn turn = clean(j, charged && !j->left ? BATCH_LEAVE_TWICE : BATCH_LEAVE);
    turn.pool_bad = j->status == BATCH_FAILED && !j->processed && !j->answered;
    return turn;
}

static struct batch_turn read_all(struct batch_job *j, const struct batch_news *n,
                                  const struct batch_terms *t)
{
    take_lines(j, n);
    return read_through(j, !batch_status_ends(j->status) || j->succeeded > j->answered);
}

static struct batch_turn read_nothing(struct batch_job *j, const struct batch_news *n,
                                      const struct batch_terms *t)
{
    bool promised = promises_output(j);
    unsigned looks = promised ? LOOKS_MANY : j->status == BATCH_FAILED ? 0 : LOOKS_FEW;
    int64_t since_ms = t->now_ms - j->ended_ms;
    if (j->tries >= looks && since_ms >= (promised ? LOOK_MANY_MS : (int64_t)looks * FIRST_WAIT_MS))
        return read_through(j, promised || !batch_status_ends(j->status));
    return or_leave(j, t, failed(j, n, t));
}

static struct batch_turn read_failed(struct batch_job *j, const struct batch_news *n,
                                     const struct batch_terms *t)
{
    struct batch_turn turn = failed(j, n, t);
    bool enough = j->left && (j->cancelled || j->tries >= READS);
    return enough ? clean(j, BATCH_LEAVE) : or_leave(j, t, turn);
}

/* --- CLEANING */

static struct batch_turn cleaning_go(struct batch_job *j, const struct batch_news *n,
                                     const struct batch_terms *t)
{
    return act(j, BATCH_CLEAN);
}

static struct batch_turn cleaned(struct batch_job *j, const struct batch_news *n,
                                 const struct batch_terms *t)
{
    j->state = BATCH_GONE;
    return act(j, BATCH_WAIT);
}

static struct batch_turn clean_failed(struct batch_job *j, const struct batch_news *n,
                                      const struct batch_terms *t)
{
    return j->tries + 1 >= CLEANS ? cleaned(j, n, t) : failed(j, n, t);
}

/* --- the table */

typedef struct batch_turn answer(struct batch_job *j, const struct batch_news *n,
                                 const struct batch_terms *t);

static answer *const answers[BATCH_STATES][BATCH_EVENTS] = {
    [BATCH_PACKED] =
        {
            [BATCH_TICK] = packed_go,
            [BATCH_CANCEL] = packed_go,
            [BATCH_RETRY] = packed_go,
            [BATCH_PUT_DONE] = put_done,
            [BATCH_PUT_FAILED] = put_failed,
            [BATCH_PUT_REFUSED] = put_refused,
        },
    [BATCH_CREATING] =
        {
            [BATCH_TICK] = creating_go,
            [BATCH_CANCEL] = creating_go,
            [BATCH_RETRY] = creating_go,
            [BATCH_CREATE_DONE] = created,
            [BATCH_CREATE_UNKNOWN] = create_unknown,
            [BATCH_CREATE_LATER] = create_later,
            [BATCH_CREATE_REFUSED] = create_refused,
            [BATCH_LISTED] = created,
            [BATCH_NOT_LISTED] = not_listed_yet,
            [BATCH_ASK_FAILED] = ask_failed,
        },
    [BATCH_RUNNING] =
        {
            [BATCH_TICK] = running_go,
            [BATCH_CANCEL] = running_go,
            [BATCH_RETRY] = running_go,
            [BATCH_TOLD] = told,
            [BATCH_LISTED] = listed,
            [BATCH_UNKNOWN_ARN] = unknown_arn,
            [BATCH_NOT_LISTED] = not_listed_any_more,
            [BATCH_ASK_FAILED] = ask_failed,
            [BATCH_STOP_TAKEN] = stop_taken,
        },
    [BATCH_READING] =
        {
            [BATCH_TICK] = reading_go,
            [BATCH_CANCEL] = reading_go,
            [BATCH_RETRY] = reading_go,
            [BATCH_READ_SOME] = read_some,
            [BATCH_READ_ALL] = read_all,
            [BATCH_READ_NOTHING] = read_nothing,
            [BATCH_READ_FAILED] = read_failed,
        },
    [BATCH_CLEANING] =
        {
            [BATCH_TICK] = cleaning_go,
            [BATCH_CANCEL] = cleaning_go,
            [BATCH_RETRY] = cleaning_go,
            [BATCH_CLEANED] = cleaned,
            [BATCH_CLEAN_FAILED] = clean_failed,
        },
};

struct batch_turn batch_step(struct batch_job *j, const struct batch_news *n,
                             const struct batch_terms *t)
{
    answer *f = answers[j->state][n->event];
    if (!f)
        return (struct batch_turn){.act = BATCH_WAIT};
    if (n->event == BATCH_CANCEL)
        j->cancelled = j->stopping = true;
    if (n->event == BATCH_CANCEL || n->event == BATCH_RETRY)
        j->tries = 0;
    return f(j, n, t);
}
