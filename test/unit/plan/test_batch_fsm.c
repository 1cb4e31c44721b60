/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/batch_fsm: lives of jobs, told as event and turn, line by line; and a table of all states
 * and events: whatever comes, nothing leaves a job that may still answer without being marked, and
 * what does not belong to a state changes nothing. Histories by the million: test/sim.
 */
#include "weir/plan/batch_fsm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };

static const int64_t noon = 1763640000000;

struct life {
    struct batch_job j;
    struct batch_terms t;
    struct batch_turn turn;
};

/* A job of 1,000 records, due in eight hours; 10 a second go on demand. */
static struct life begin(void)
{
    return (struct life){.j = {.number = 7,
                               .records = 1000,
                               .cut_ms = noon,
                               .deadline_ms = noon + 8 * HOUR,
                               .next_ms = noon},
                         .t = {.now_ms = noon,
                               .poll_ms = 30000,
                               .jitter = 1u << 31,
                               .least = 100,
                               .per_second = 10,
                               .may_create = true,
                               .may_pay_twice = true,
                               .unanswered = 1000}};
}

static void news(struct life *l, struct batch_news n)
{
    l->turn = batch_step(&l->j, &n, &l->t);
    if (l->turn.members != BATCH_STAY)
        l->t.unanswered = 0;
}

static void tell(struct life *l, enum batch_event e, enum batch_act want)
{
    news(l, (struct batch_news){.event = e});
    assert_int_equal(l->turn.act, want);
}

/* Time passes until it is due. */
static void later(struct life *l, enum batch_act want)
{
    assert_true(l->j.next_ms < INT64_MAX);
    assert_true(l->j.next_ms > l->t.now_ms);
    l->t.now_ms = l->j.next_ms;
    tell(l, BATCH_TICK, want);
}

static void status(struct life *l, enum batch_event e, enum batch_status s, enum batch_act want)
{
    news(l, (struct batch_news){.event = e, .status = s, .arn = S("arn:aws:bedrock:j7")});
    assert_int_equal(l->turn.act, want);
}

static struct life creating(void)
{
    struct life l = begin();
    tell(&l, BATCH_TICK, BATCH_PUT);
    tell(&l, BATCH_PUT_DONE, BATCH_CREATE);
    return l;
}

static struct life running(void)
{
    struct life l = creating();
    status(&l, BATCH_CREATE_DONE, BATCH_NONE, BATCH_WAIT);
    assert_int_equal(l.j.state, BATCH_RUNNING);
    return l;
}

static struct life reading(enum batch_status s)
{
    struct life l = running();
    later(&l, BATCH_GET);
    status(&l, BATCH_TOLD, s, BATCH_READ);
    assert_int_equal(l.j.state, BATCH_READING);
    return l;
}

#define ASSERT_TURN(l, m, s)                   \
    do {                                       \
        assert_int_equal((l).turn.members, m); \
        assert_int_equal((l).j.state, s);      \
    } while (0)

static void a_good_life(void **state)
{
    struct life l = running();
    assert_string_equal(l.j.arn, "arn:aws:bedrock:j7");
    assert_int_equal(l.j.next_ms, noon + 30000 - 30000 / 4 + 30000 / 4);
    later(&l, BATCH_GET);
    status(&l, BATCH_TOLD, BATCH_IN_PROGRESS, BATCH_WAIT);
    later(&l, BATCH_GET);
    news(&l, (struct batch_news){.event = BATCH_TOLD,
                                 .status = BATCH_COMPLETED,
                                 .total = 1000,
                                 .processed = 1000,
                                 .succeeded = 990,
                                 .errors = 10});
    assert_int_equal(l.turn.act, BATCH_READ);
    news(&l, (struct batch_news){.event = BATCH_READ_SOME, .read_bytes = 5000, .answered = 600});
    assert_int_equal(l.turn.act, BATCH_WAIT);
    assert_int_equal(l.j.next_ms, INT64_MAX);
    tell(&l, BATCH_TICK, BATCH_READ); /* a kill */
    news(&l, (struct batch_news){.event = BATCH_READ_SOME, .read_bytes = 9000, .answered = 390});
    assert_int_equal(l.j.read_bytes, 9000);
    tell(&l, BATCH_READ_ALL, BATCH_CLEAN);
    ASSERT_TURN(l, BATCH_LEAVE, BATCH_CLEANING);
    assert_int_equal(l.j.answered, 990);
    assert_false(l.turn.pool_bad);
    tell(&l, BATCH_CLEAN_FAILED, BATCH_WAIT);
    later(&l, BATCH_CLEAN);
    tell(&l, BATCH_CLEANED, BATCH_WAIT);
    ASSERT_TURN(l, BATCH_STAY, BATCH_GONE);
}

/* --- before a job exists */

static void refused_for_good(void **state)
{
    static const char long_why[] = "more more more more more more more more more more more more "
                                   "more more more more more more more more more more more more "
                                   "more more more more more more more more more more more more "
                                   "more more more more more more more more more more more more ";
    struct life l = begin();
    tell(&l, BATCH_TICK, BATCH_PUT);
    news(&l, (struct batch_news){.event = BATCH_PUT_REFUSED, .why = S("no such bucket")});
    ASSERT_TURN(l, BATCH_LEAVE, BATCH_CLEANING);
    assert_true(l.turn.pool_bad);
    assert_string_equal(l.j.why, "no such bucket");
    l = begin();
    tell(&l, BATCH_TICK, BATCH_PUT);
    news(&l, (struct batch_news){.event = BATCH_PUT_REFUSED, .why = str_of(long_why)});
    assert_true(strlen(l.j.why) <= BATCH_WHY_MOST && strlen(l.j.why) > BATCH_WHY_MOST - 16);
    assert_memory_equal(l.j.why, long_why, strlen(l.j.why) - 4);
    assert_string_equal(l.j.why + strlen(l.j.why) - 8, "more ...");
    l = creating();
    tell(&l, BATCH_CREATE_REFUSED, BATCH_CLEAN);
    ASSERT_TURN(l, BATCH_LEAVE, BATCH_CLEANING);
    assert_true(l.turn.pool_bad);
}

static void before_it_exists_members_leave_plainly(void **state)
{
    struct life l = begin();
    l.t.may_pay_twice = false;
    tell(&l, BATCH_TICK, BATCH_PUT);
    tell(&l, BATCH_PUT_FAILED, BATCH_WAIT);
    l.t.now_ms = batch_stop_at(&l.j, 10, 1000);
    tell(&l, BATCH_TICK, BATCH_CLEAN);
    ASSERT_TURN(l, BATCH_LEAVE, BATCH_CLEANING);
    assert_false(l.turn.pool_bad);
    l = creating();
    l.t.may_pay_twice = false;
    tell(&l, BATCH_CREATE_LATER, BATCH_WAIT);
    assert_int_equal(l.j.sent_ms, 0);
    tell(&l, BATCH_CANCEL, BATCH_CLEAN);
    ASSERT_TURN(l, BATCH_LEAVE, BATCH_CLEANING);
}

/* It was cut by bytes. */
static void too_small_for_a_job(void **state)
{
    struct life l = begin();
    l.j.records = 99;
    tell(&l, BATCH_TICK, BATCH_CLEAN);
    ASSERT_TURN(l, BATCH_LEAVE, BATCH_CLEANING);
    assert_false(l.turn.pool_bad);
}

static void waits_for_room(void **state)
{
    struct life l = begin();
    l.t.may_create = false;
    tell(&l, BATCH_TICK, BATCH_PUT);
    tell(&l, BATCH_PUT_DONE, BATCH_WAIT);
    later(&l, BATCH_WAIT);
    assert_int_equal(l.j.sent_ms, 0);
    l.t.may_create = true;
    later(&l, BATCH_CREATE);
    assert_int_equal(l.j.sent_ms, l.t.now_ms);
}

/* --- a create whose outcome nobody knows */

static void the_list_is_asked_before_the_token_goes_again(void **state)
{
    struct life l = creating();
    tell(&l, BATCH_CREATE_UNKNOWN, BATCH_WAIT);
    later(&l, BATCH_LIST);
    tell(&l, BATCH_NOT_LISTED, BATCH_CREATE);
    tell(&l, BATCH_CREATE_UNKNOWN, BATCH_WAIT); /* a conflict */
    later(&l, BATCH_LIST);
    status(&l, BATCH_LISTED, BATCH_IN_PROGRESS, BATCH_WAIT);
    assert_int_equal(l.j.state, BATCH_RUNNING);
    assert_string_equal(l.j.arn, "arn:aws:bedrock:j7");
}

static void a_kill_while_it_is_sent(void **state)
{
    struct life l = creating();
    tell(&l, BATCH_TICK, BATCH_LIST);
    assert_true(l.j.unsure);
    tell(&l, BATCH_NOT_LISTED, BATCH_CREATE);
    status(&l, BATCH_CREATE_DONE, BATCH_NONE, BATCH_WAIT);
    assert_false(l.j.unsure);
}

/* What is sure of the second create is not of the first. */
static void a_refusal_after_doubt_is_not_the_end(void **state)
{
    struct life l = creating();
    tell(&l, BATCH_CREATE_UNKNOWN, BATCH_WAIT);
    int lists = 0;
    do {
        later(&l, BATCH_LIST);
        tell(&l, BATCH_NOT_LISTED, BATCH_CREATE);
        assert_true(l.j.sent_ms > 0);
        news(&l,
             (struct batch_news){.event = lists % 3 ? BATCH_CREATE_REFUSED : BATCH_CREATE_LATER});
        lists++;
    } while (l.turn.act == BATCH_WAIT && lists < 100);
    ASSERT_TURN(l, BATCH_LEAVE, BATCH_CLEANING);
    assert_true(l.turn.pool_bad);
    assert_true(lists >= 12);
    assert_true(l.t.now_ms - noon >= HOUR);
}

/* Time is up, and a job may exist: marked; then nobody creates one any more. */
static void unsure_until_the_deadline(void **state)
{
    struct life l = creating();
    l.t.now_ms = batch_stop_at(&l.j, 10, 1000) + 1;
    tell(&l, BATCH_CREATE_UNKNOWN, BATCH_WAIT);
    later(&l, BATCH_LIST);
    tell(&l, BATCH_NOT_LISTED, BATCH_WAIT);
    l.t.may_pay_twice = false;
    l.t.now_ms = batch_leave_at(&l.j, 10, 1000);
    tell(&l, BATCH_ASK_FAILED, BATCH_WAIT);
    ASSERT_TURN(l, BATCH_STAY, BATCH_CREATING);
    assert_true(strlen(l.j.why) > 0);
    l.t.may_pay_twice = true;
    tell(&l, BATCH_ASK_FAILED, BATCH_WAIT);
    ASSERT_TURN(l, BATCH_LEAVE_TWICE, BATCH_CREATING);
    assert_true(l.j.left);
    later(&l, BATCH_LIST);
    tell(&l, BATCH_NOT_LISTED, BATCH_WAIT);
    struct life found = l;
    later(&found, BATCH_LIST);
    status(&found, BATCH_LISTED, BATCH_IN_PROGRESS, BATCH_STOP);
    assert_int_equal(found.turn.members, BATCH_STAY);
    for (int i = 0; l.j.state == BATCH_CREATING && i < 100; i++) {
        later(&l, BATCH_LIST);
        news(&l, (struct batch_news){.event = BATCH_NOT_LISTED});
    }
    assert_int_equal(l.j.state, BATCH_CLEANING);
}

static void an_arn_that_is_none(void **state)
{
    char big[BATCH_ARN_MOST + 2];
    memset(big, 'a', sizeof big);
    struct life l = creating();
    tell(&l, BATCH_CREATE_DONE, BATCH_WAIT);
    ASSERT_TURN(l, BATCH_STAY, BATCH_CREATING);
    assert_true(l.j.unsure);
    l = creating();
    news(&l, (struct batch_news){.event = BATCH_LISTED, .arn = str_from(big, sizeof big - 1)});
    ASSERT_TURN(l, BATCH_STAY, BATCH_CREATING);
}

/* --- the deadline */

static void when_it_stops_and_leaves(void **state)
{
    struct life l = begin();
    assert_int_equal(batch_leave_at(&l.j, 10, 1000), l.j.deadline_ms - 110 * 1000);
    assert_int_equal(batch_stop_at(&l.j, 10, 1000), l.j.deadline_ms - 110 * 1000 - 10 * MINUTE);
    l.j.deadline_ms = noon + 40 * MINUTE;
    assert_int_equal(batch_stop_at(&l.j, 10, 1000), l.j.deadline_ms - 110 * 1000 - 5 * MINUTE);
    assert_int_equal(batch_leave_at(&l.j, 0, UINT32_MAX), noon + 20 * MINUTE);
    assert_int_equal(batch_stop_at(&l.j, 0, UINT32_MAX), noon + 15 * MINUTE);
    l.j.deadline_ms = noon - MINUTE; /* it was late when it was cut */
    assert_int_equal(batch_leave_at(&l.j, 10, 10), noon - MINUTE - 1100);
    l.j.deadline_ms = INT64_MAX;
    assert_true(batch_leave_at(&l.j, 10, 1000) > noon);
}

static void stopped_then_read_then_the_rest_leaves(void **state)
{
    struct life l = running();
    l.t.now_ms = batch_stop_at(&l.j, 10, 1000);
    tell(&l, BATCH_TICK, BATCH_STOP);
    tell(&l, BATCH_STOP_TAKEN, BATCH_WAIT);
    later(&l, BATCH_GET);
    status(&l, BATCH_TOLD, BATCH_STOP_ASKED, BATCH_WAIT);
    ASSERT_TURN(l, BATCH_STAY, BATCH_RUNNING);
    later(&l, BATCH_GET);
    status(&l, BATCH_TOLD, BATCH_STOPPED, BATCH_READ);
    tell(&l, BATCH_READ_ALL, BATCH_CLEAN);
    ASSERT_TURN(l, BATCH_LEAVE, BATCH_CLEANING);
}

static void a_stop_that_does_nothing(void **state)
{
    struct life l = running();
    l.t.now_ms = batch_stop_at(&l.j, 10, 1000);
    tell(&l, BATCH_TICK, BATCH_STOP);
    tell(&l, BATCH_ASK_FAILED, BATCH_WAIT);
    later(&l, BATCH_GET);
    status(&l, BATCH_TOLD, BATCH_IN_PROGRESS, BATCH_STOP); /* again */
    tell(&l, BATCH_STOP_TAKEN, BATCH_WAIT);
    int64_t leave = batch_leave_at(&l.j, 10, 1000);
    for (int i = 0; l.turn.members == BATCH_STAY && i < 100; i++) {
        assert_true(l.t.now_ms <= leave);
        later(&l, BATCH_GET);
        status(&l, BATCH_TOLD, BATCH_STOP_ASKED, BATCH_WAIT);
    }
    assert_int_equal(l.turn.members, BATCH_LEAVE_TWICE);
    assert_int_equal(l.t.now_ms, leave);
    later(&l, BATCH_GET);
    status(&l, BATCH_TOLD, BATCH_STOPPED, BATCH_READ); /* for what it cost */
    tell(&l, BATCH_READ_ALL, BATCH_CLEAN);
    assert_int_equal(l.turn.members, BATCH_LEAVE);
}

static void not_twice_without_leave(void **state)
{
    struct life l = running();
    l.t.may_pay_twice = false;
    l.t.now_ms = l.j.deadline_ms + HOUR;
    tell(&l, BATCH_TICK, BATCH_STOP);
    tell(&l, BATCH_STOP_TAKEN, BATCH_WAIT);
    ASSERT_TURN(l, BATCH_STAY, BATCH_RUNNING);
    assert_true(strlen(l.j.why) > 0);
    tell(&l, BATCH_CANCEL, BATCH_GET); /* the operator may */
    l.t.now_ms = l.j.stop_ms + BATCH_STOP_MS;
    status(&l, BATCH_TOLD, BATCH_STOP_ASKED, BATCH_WAIT);
    assert_int_equal(l.turn.members, BATCH_LEAVE_TWICE);
}

static void output_that_cannot_be_read(void **state)
{
    struct life l = reading(BATCH_COMPLETED);
    for (int i = 0; l.turn.members == BATCH_STAY && i < 1000; i++) {
        tell(&l, BATCH_READ_FAILED, BATCH_WAIT);
        if (l.turn.members == BATCH_STAY)
            later(&l, BATCH_READ);
    }
    ASSERT_TURN(l, BATCH_LEAVE_TWICE, BATCH_READING);
    assert_int_equal(l.t.now_ms, batch_leave_at(&l.j, 10, 1000));
    later(&l, BATCH_READ);
    struct life given_up = l, gone = l;
    tell(&l, BATCH_READ_ALL, BATCH_CLEAN);
    tell(&given_up, BATCH_CANCEL, BATCH_READ);
    tell(&given_up, BATCH_READ_FAILED, BATCH_CLEAN);
    while (gone.j.tries < 99) {
        tell(&gone, BATCH_READ_FAILED, BATCH_WAIT);
        later(&gone, BATCH_READ);
    }
    tell(&gone, BATCH_READ_FAILED, BATCH_CLEAN); /* its bucket is gone for good */
}

/* --- how jobs end */

static void failed_in_validation(void **state)
{
    struct life l = reading(BATCH_FAILED);
    tell(&l, BATCH_READ_NOTHING, BATCH_CLEAN);
    ASSERT_TURN(l, BATCH_LEAVE, BATCH_CLEANING);
    assert_true(l.turn.pool_bad);
}

static void promised_output_is_waited_for(void **state)
{
    struct life l = reading(BATCH_COMPLETED);
    int looks = 1;
    for (tell(&l, BATCH_READ_NOTHING, BATCH_WAIT); looks < 12; looks++) {
        later(&l, BATCH_READ);
        tell(&l, BATCH_READ_NOTHING, BATCH_WAIT);
    }
    later(&l, BATCH_READ);
    tell(&l, BATCH_READ_NOTHING, BATCH_CLEAN);
    assert_int_equal(l.turn.members, BATCH_LEAVE_TWICE); /* it was charged */
    l = reading(BATCH_EXPIRED);
    for (looks = 0; looks < 3; looks++) {
        tell(&l, BATCH_READ_NOTHING, BATCH_WAIT);
        later(&l, BATCH_READ);
    }
    tell(&l, BATCH_READ_NOTHING, BATCH_CLEAN);
    assert_int_equal(l.turn.members, BATCH_LEAVE);
}

static void lines_that_were_charged_and_are_missing(void **state)
{
    struct life l = running();
    later(&l, BATCH_GET);
    news(&l, (struct batch_news){
                 .event = BATCH_TOLD, .status = BATCH_PARTIAL, .total = 1000, .succeeded = 600});
    news(&l, (struct batch_news){.event = BATCH_READ_SOME, .read_bytes = 1, .answered = 599});
    tell(&l, BATCH_READ_ALL, BATCH_CLEAN);
    assert_int_equal(l.turn.members, BATCH_LEAVE_TWICE);
}

static void an_unknown_status_is_no_end(void **state)
{
    struct life l = running();
    later(&l, BATCH_GET);
    status(&l, BATCH_TOLD, batch_status_read(S("Paused")), BATCH_WAIT);
    ASSERT_TURN(l, BATCH_STAY, BATCH_RUNNING);
}

static void not_found_is_believed_by_the_list_alone(void **state)
{
    struct life l = running();
    for (int i = 0; l.j.state == BATCH_RUNNING && i < 100; i++) {
        later(&l, BATCH_GET);
        tell(&l, BATCH_UNKNOWN_ARN, BATCH_LIST);
        news(&l, (struct batch_news){.event = BATCH_NOT_LISTED});
    }
    assert_int_equal(l.turn.act, BATCH_READ);
    assert_true(l.t.now_ms - l.j.created_ms >= HOUR);
    l = running();
    later(&l, BATCH_GET);
    tell(&l, BATCH_UNKNOWN_ARN, BATCH_LIST);
    status(&l, BATCH_LISTED, BATCH_COMPLETED, BATCH_WAIT); /* how it went says only a GET */
    for (int i = 0; l.j.state == BATCH_RUNNING && i < 100; i++) {
        later(&l, BATCH_GET);
        tell(&l, BATCH_UNKNOWN_ARN, BATCH_LIST);
        news(&l, (struct batch_news){.event = BATCH_LISTED, .status = BATCH_COMPLETED});
    }
    assert_int_equal(l.turn.act, BATCH_READ);
    tell(&l, BATCH_READ_ALL, BATCH_CLEAN);
    assert_int_equal(l.turn.members, BATCH_LEAVE_TWICE); /* who knows */
}

static void found_in_the_list_when_it_ended(void **state)
{
    struct life l = creating();
    tell(&l, BATCH_CREATE_UNKNOWN, BATCH_WAIT);
    later(&l, BATCH_LIST);
    status(&l, BATCH_LISTED, BATCH_COMPLETED, BATCH_GET);
    status(&l, BATCH_TOLD, BATCH_COMPLETED, BATCH_READ);
}

/* --- the operator */

static void cancel_stops_first(void **state)
{
    struct life l = running();
    tell(&l, BATCH_CANCEL, BATCH_STOP);
    ASSERT_TURN(l, BATCH_STAY, BATCH_RUNNING);
    tell(&l, BATCH_STOP_TAKEN, BATCH_WAIT);
    l.t.now_ms += BATCH_STOP_MS;
    status(&l, BATCH_TOLD, BATCH_STOP_ASKED, BATCH_WAIT);
    assert_int_equal(l.turn.members, BATCH_LEAVE_TWICE);
}

static void cancel_while_unsure(void **state)
{
    struct life l = creating();
    tell(&l, BATCH_CREATE_UNKNOWN, BATCH_WAIT);
    tell(&l, BATCH_CANCEL, BATCH_LIST);
    tell(&l, BATCH_NOT_LISTED, BATCH_WAIT);
    ASSERT_TURN(l, BATCH_LEAVE_TWICE, BATCH_CREATING);
}

static void retry_does_it_now(void **state)
{
    struct life l = reading(BATCH_COMPLETED);
    tell(&l, BATCH_READ_FAILED, BATCH_WAIT);
    tell(&l, BATCH_RETRY, BATCH_READ);
    assert_int_equal(l.j.tries, 0);
}

static void waits_grow_and_are_spread(void **state)
{
    struct life l = begin();
    tell(&l, BATCH_TICK, BATCH_PUT);
    for (int i = 0; i < 20; i++) {
        int64_t middle = i < 6 ? 5000 << i : 5 * MINUTE;
        l.t.jitter = i % 2 ? UINT32_MAX : 0;
        tell(&l, BATCH_PUT_FAILED, BATCH_WAIT);
        int64_t ms = l.j.next_ms - l.t.now_ms;
        assert_true(ms >= middle / 4 * 3 - 1 && ms <= middle / 4 * 5 + 1);
        assert_true(i % 2 ? ms > middle : ms < middle);
        later(&l, BATCH_PUT);
    }
}

static void due_also_when_the_clock_went_back(void **state)
{
    struct batch_job j = {.next_ms = noon};
    assert_true(batch_due(&j, noon, 30000));
    assert_false(batch_due(&j, noon - 1, 30000));
    assert_false(batch_due(&j, noon - 6 * MINUTE, 30000));
    assert_true(batch_due(&j, noon - 7 * MINUTE, 30000));
    assert_false(batch_due(&j, noon - 60 * MINUTE, 60 * MINUTE));
    j.next_ms = INT64_MAX;
    assert_false(batch_due(&j, noon, 30000));
}

/* --- all states and events */

/* Which events belong to which state. */
static const char *const belongs[BATCH_STATES] = {
    /* tick, put x3, create x4, listed x2, told, 404, failed, stop, read x4, clean x2, cancel, retry
     */
    [BATCH_PACKED] = "yyyy-------------- --yy",   [BATCH_CREATING] = "y---yyyyyy--y----- --yy",
    [BATCH_RUNNING] = "y-------yyyyyy---- --yy",  [BATCH_READING] = "y-------------yyyy --yy",
    [BATCH_CLEANING] = "y----------------- yyyy", [BATCH_GONE] = "------------------ ----"};

static bool belongs_to(unsigned state, int event)
{
    return belongs[state][event < BATCH_CLEANED ? event : event + 1] == 'y';
}

static const enum batch_act own_acts[BATCH_STATES][4] = {
    [BATCH_PACKED] = {BATCH_PUT, BATCH_PUT, BATCH_PUT, BATCH_PUT},
    [BATCH_CREATING] = {BATCH_CREATE, BATCH_LIST, BATCH_LIST, BATCH_LIST},
    [BATCH_RUNNING] = {BATCH_GET, BATCH_STOP, BATCH_LIST, BATCH_LIST},
    [BATCH_READING] = {BATCH_READ, BATCH_READ, BATCH_READ, BATCH_READ},
    [BATCH_CLEANING] = {BATCH_CLEAN, BATCH_CLEAN, BATCH_CLEAN, BATCH_CLEAN}};

static bool is_own_act(enum batch_state s, enum batch_act act)
{
    for (int i = 0; i < 4; i++)
        if (act == BATCH_WAIT || own_acts[s][i] == act)
            return true;
    return false;
}

/* A row in that state, with its bits. */
static struct life in_state(int state, unsigned bits)
{
    struct life l = begin();
    l.j.state = (enum batch_state)state;
    l.j.sent_ms = bits & 1 || state == BATCH_RUNNING ? noon - HOUR : 0;
    l.j.unsure = bits & 1 && bits & 2 && state == BATCH_CREATING;
    l.j.left = bits & 4 && (state != BATCH_CREATING || l.j.sent_ms) && state != BATCH_PACKED;
    l.j.cancelled = bits & 8;
    l.j.stopping = l.j.left || l.j.cancelled;
    l.j.next_ms = bits & 16 ? INT64_MAX : noon;
    l.t.may_create = bits & 32;
    l.t.may_pay_twice = bits & 64;
    l.j.absent = bits & 128 ? 12 : 0;
    l.t.unanswered = l.j.left || state >= BATCH_CLEANING ? 0 : 1000;
    if (bits & 256)
        l.t.now_ms = l.j.deadline_ms;
    return l;
}

static void check_turn(const struct life *was, const struct life *is, int event)
{
    enum batch_members m = is->turn.members;
    if (!belongs_to(was->j.state, event)) {
        assert_memory_equal(&is->j, &was->j, sizeof is->j);
        assert_true(is->turn.act == BATCH_WAIT && m == BATCH_STAY && !is->turn.pool_bad);
        return;
    }
    assert_true(is->j.state >= was->j.state);
    assert_true(is_own_act(is->j.state, is->turn.act));
    bool waits = is->turn.act == BATCH_WAIT && is->j.state != BATCH_GONE;
    if (waits && event != BATCH_READ_SOME)
        assert_true(is->j.next_ms > is->t.now_ms && is->j.next_ms < INT64_MAX);
    else
        assert_true(is->j.next_ms == INT64_MAX);
    if (is->j.state == BATCH_CLEANING && was->j.state != BATCH_CLEANING)
        assert_true(m != BATCH_STAY); /* nobody is left behind */
    bool may_answer = is->j.state < BATCH_CLEANING && is->j.sent_ms;
    assert_true(m != BATCH_LEAVE || !may_answer);
    if (m == BATCH_LEAVE_TWICE && is->j.state < BATCH_CLEANING)
        assert_true(!was->j.left && is->j.left && (is->t.may_pay_twice || is->j.cancelled));
    if (was->j.left)
        assert_true(is->j.left && is->turn.act != BATCH_CREATE && is->turn.act != BATCH_PUT);
}

static void every_event_in_every_state(void **state)
{
    for (int s = 0; s < BATCH_STATES; s++)
        for (int e = 0; e < BATCH_EVENTS; e++)
            for (unsigned bits = 0; bits < 512; bits++) {
                struct life was = in_state(s, bits), is = was;
                news(&is,
                     (struct batch_news){.event = (enum batch_event)e,
                                         .arn = S("arn"),
                                         .status = bits % 2 ? BATCH_IN_PROGRESS : BATCH_STOPPED});
                check_turn(&was, &is, e);
            }
}

static void statuses_and_words(void **state)
{
    for (int s = BATCH_SUBMITTED; s < BATCH_OTHER; s++)
        assert_int_equal(batch_status_read(batch_status_word((enum batch_status)s)), s);
    assert_int_equal(batch_status_read(S("completed")), BATCH_OTHER);
    assert_int_equal(batch_status_read(S("")), BATCH_OTHER);
    assert_false(batch_status_ends(BATCH_OTHER));
    assert_false(batch_status_ends(BATCH_STOP_ASKED));
    assert_true(batch_status_ends(BATCH_EXPIRED));
    assert_true(str_eq(batch_state_word(BATCH_GONE), S("gone")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_life),
        cmocka_unit_test(refused_for_good),
        cmocka_unit_test(before_it_exists_members_leave_plainly),
        cmocka_unit_test(too_small_for_a_job),
        cmocka_unit_test(waits_for_room),
        cmocka_unit_test(the_list_is_asked_before_the_token_goes_again),
        cmocka_unit_test(a_kill_while_it_is_sent),
        cmocka_unit_test(a_refusal_after_doubt_is_not_the_end),
        cmocka_unit_test(unsure_until_the_deadline),
        cmocka_unit_test(an_arn_that_is_none),
        cmocka_unit_test(when_it_stops_and_leaves),
        cmocka_unit_test(stopped_then_read_then_the_rest_leaves),
        cmocka_unit_test(a_stop_that_does_nothing),
        cmocka_unit_test(not_twice_without_leave),
        cmocka_unit_test(output_that_cannot_be_read),
        cmocka_unit_test(failed_in_validation),
        cmocka_unit_test(promised_output_is_waited_for),
        cmocka_unit_test(lines_that_were_charged_and_are_missing),
        cmocka_unit_test(an_unknown_status_is_no_end),
        cmocka_unit_test(not_found_is_believed_by_the_list_alone),
        cmocka_unit_test(found_in_the_list_when_it_ended),
        cmocka_unit_test(cancel_stops_first),
        cmocka_unit_test(cancel_while_unsure),
        cmocka_unit_test(retry_does_it_now),
        cmocka_unit_test(waits_grow_and_are_spread),
        cmocka_unit_test(due_also_when_the_clock_went_back),
        cmocka_unit_test(every_event_in_every_state),
        cmocka_unit_test(statuses_and_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
