/* SPDX-License-Identifier: Apache-2.0
 *
 * book/spool: which request is which; how a record goes from the pool to its end, and is found
 * again in each state.
 */
#include "spool_side.h"

static struct folder at;

static int setup(void **state)
{
    folder_make(&at);
    stand(0);
    n_spool_told = 0;
    return 0;
}

static int teardown(void **state)
{
    clock_real();
    folder_remove(at.path);
    return 0;
}

/* --- the way of one */

static void from_pool_to_answer(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c;
    admit_body(s, "{\"one\":1}", "i-1", &c);
    assert_int_equal(c.a.said, SPOOL_HELD);
    assert_true(c.a.fresh && c.a.state == SPOOL_POOLED && c.a.id.number >= 1);
    assert_true(has_body(s, c.a.id.number, "{\"one\":1}"));
    struct pools p = pools_of(s);
    assert_int_equal(p.n, 1);
    assert_int_equal(p.at[0].view.count, 1);
    assert_int_equal(p.at[0].view.held, 1);
    assert_int_equal(p.at[0].view.bytes, 9);
    assert_true(p.at[0].view.deadline_ms == c.a.deadline_ms);
    struct batch_job job = cut(s, p.at[0].number, 100);
    assert_int_equal(job.number, 1);
    assert_int_equal(job.records, 1);
    assert_int_equal(job.bytes, 9);
    assert_int_equal(job.expect_nanousd, 1000);
    assert_true(job.deadline_ms == c.a.deadline_ms);
    assert_int_equal(list_of(s, SPOOL_LIST_JOB, 1).n, 1);
    assert_int_equal(list_of(s, SPOOL_LIST_POOL, p.at[0].number).n, 0);
    assert_int_equal(jobs_of(s).waits[0], 1);
    assert_int_equal(record_of(s, c.a.id.number).state, SPOOL_IN_JOB);
    assert_int_equal(settle_one(s, &job, c.a.id.number, "{\"answer\":1}"), 1);
    wait_for(&c.woken, 1);
    assert_true(str_eq(c.answer->body, S("{\"answer\":1}")));
    assert_int_equal(c.answer->status, 200);
    assert_int_equal(c.answer->flags, SPOOL_BY_BATCH);
    assert_int_equal(c.answer->cost_nanousd, 500);
    assert_int_equal(c.answer->saved_nanousd, 400);
    assert_int_equal(c.answer->id.number, c.a.id.number);
    assert_memory_equal(c.answer->id.secret, c.a.id.secret, sizeof c.a.id.secret);
    assert_int_equal(jobs_of(s).waits[0], 0);
    assert_int_equal(record_of(s, c.a.id.number).state, SPOOL_DONE);
    caller_free(&c);
    spool_free(s);
}

static void an_id_in_words(void **state)
{
    struct spool_id id = {.number = 0x1234, .secret = {0xab, 1}}, back;
    char text[SPOOL_ID_CHARS + 1];
    spool_id_write(&id, text);
    assert_string_equal(text, "0000000000001234ab010000000000000000000000000000");
    assert_true(spool_id_read(str_of(text), &back));
    assert_true(back.number == id.number && memcmp(back.secret, id.secret, 16) == 0);
    assert_false(spool_id_read(str_from(text, 47), &back));
    text[3] = 'G';
    assert_false(spool_id_read(str_of(text), &back));
    text[3] = 'A'; /* as it was told, and no other way */
    assert_false(spool_id_read(str_of(text), &back));
}

/* --- which request is which */

static void five_samples_are_five(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[6];
    for (int i = 0; i < 5; i++) {
        admit_body(s, "same", "", &c[i]);
        assert_true(c[i].a.fresh);
    }
    assert_int_equal(pools_of(s).at[0].view.count, 5);
    assert_int_equal(counts(s).taken, 5);
    /* The third one leaves; whoever comes next is that one. */
    leave(s, &c[2]);
    assert_true(c[2].woken == 1 && !c[2].answer);
    admit_body(s, "same", "", &c[5]);
    assert_false(c[5].a.fresh);
    assert_int_equal(c[5].a.id.number, c[2].a.id.number);
    spool_free(s);
}

static void an_attempt_is_its_request(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[4];
    admit_body(s, "same", "sdk-1", &c[0]);
    admit_body(s, "same", "sdk-2", &c[1]);
    admit_body(s, "same", "sdk-1", &c[2]); /* sent again, while the first connection looks alive */
    assert_true(c[1].a.fresh && !c[2].a.fresh);
    assert_int_equal(c[2].a.id.number, c[0].a.id.number);
    /* Both wait, and each is told. The one that left is not. */
    admit_body(s, "same", "sdk-1", &c[3]);
    leave(s, &c[0]);
    assert_int_equal(c[0].woken, 1);
    pool_direct(s, 1, 10);
    assert_int_equal(settle_one(s, NULL, c[0].a.id.number, "yes"), 1);
    wait_for(&c[2].woken, 1);
    wait_for(&c[3].woken, 1);
    assert_true(str_eq(c[2].answer->body, S("yes")) && str_eq(c[3].answer->body, S("yes")));
    assert_int_equal(c[0].woken, 1);
    assert_int_equal(c[1].woken, 0);
    caller_free(&c[2]);
    caller_free(&c[3]);
    spool_free(s);
}

/* The same id with another body, or from another client, is another request. */
static void an_id_counts_with_its_key(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[3];
    admit_body(s, "one", "sdk-1", &c[0]);
    admit_body(s, "two", "sdk-1", &c[1]);
    struct spool_ask other = ask_of("mobile", "one");
    other.invocation = S("sdk-1");
    admit(s, &other, &c[2]);
    assert_true(c[0].a.fresh && c[1].a.fresh && c[2].a.fresh);
    assert_int_equal(pools_of(s).n, 2);
    spool_free(s);
}

static void a_new_attempt_is_remembered_too(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[3];
    admit_body(s, "same", "run-1", &c[0]);
    leave(s, &c[0]);
    admit_body(s, "same", "run-2", &c[1]); /* the next run claims it */
    assert_false(c[1].a.fresh);
    admit_body(s, "same", "run-2", &c[2]); /* and sends again */
    assert_false(c[2].a.fresh);
    assert_int_equal(counts(s).taken, 1);
    spool_free(s);
}

static void admit_until(struct spool *s, int64_t deadline_ms, struct caller *c)
{
    struct spool_ask ask = ask_of("web", "same");
    ask.deadline_ms = deadline_ms;
    admit(s, &ask, c);
}

static void who_has_less_time_is_not_made_to_wait(void **state)
{
    struct spool *s = spool_of(&at);
    int64_t late = SPOOL_NOW + 480 * MINUTE_MS, soon = SPOOL_NOW + 30 * MINUTE_MS;
    struct caller c[5];
    admit_until(s, late, &c[0]);
    leave(s, &c[0]);
    admit_until(s, soon, &c[1]); /* its record is due earlier now */
    assert_false(c[1].a.fresh);
    assert_true(c[1].a.deadline_ms == soon);
    assert_true(record_of(s, c[1].a.id.number).deadline_ms == soon);
    assert_true(pools_of(s).at[0].view.deadline_ms == soon);
    leave(s, &c[1]);
    admit_until(s, late, &c[2]); /* and stays so */
    assert_true(!c[2].a.fresh && c[2].a.deadline_ms == soon);
    struct batch_job job = cut(s, pools_of(s).at[0].number, 100);
    leave(s, &c[2]);
    admit_until(s, job.deadline_ms - 5 * MINUTE_MS, &c[3]); /* the job may end too late */
    assert_true(c[3].a.fresh);
    admit_until(s, job.deadline_ms, &c[4]);
    assert_false(c[4].a.fresh);
    assert_int_equal(c[4].a.id.number, c[0].a.id.number);
    spool_free(s);
}

/* What is too late for one in a hurry is not passed over for the others, too. */
static void who_has_more_time_gets_what_was_left(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller first, second, hurried, patient;
    admit_body(s, "same", "", &first);
    admit_body(s, "same", "", &second);
    (void)cut(s, 1, 2);
    leave(s, &first);
    admit_until(s, SPOOL_NOW + MINUTE_MS, &hurried);
    assert_true(hurried.a.fresh);
    admit_body(s, "same", "", &patient);
    assert_int_equal(patient.a.id.number, first.a.id.number);
    spool_free(s);
}

static void withdraw(struct spool *s, struct caller *c)
{
    spool_withdraw(s, c->a.id.number, c);
    spool_settled(s);
    wait_for(&c->woken, 1);
}

/* It went on demand; but not away from who waits for it, too, nor out of a job. */
static void what_is_withdrawn_is_gone(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[5];
    admit_body(s, "one", "", &c[0]);
    withdraw(s, &c[0]);
    assert_int_equal(pools_of(s).n, 0);
    admit_body(s, "one", "", &c[1]);
    assert_true(c[1].a.fresh);
    admit_body(s, "two", "sdk", &c[2]);
    admit_body(s, "two", "sdk", &c[3]);
    withdraw(s, &c[2]);
    assert_int_equal(record_of(s, c[3].a.id.number).state, SPOOL_POOLED);
    (void)cut(s, pools_of(s).at[0].number, 2);
    withdraw(s, &c[3]);
    assert_int_equal(record_of(s, c[3].a.id.number).state, SPOOL_IN_JOB);
    assert_int_equal(record_of(s, c[3].a.id.number).flags, SPOOL_MAYBE_TWICE);
    admit_body(s, "two", "", &c[4]);
    assert_false(c[4].a.fresh);
    admit_body(s, "three", "", &c[0]);
    pool_direct(s, pools_of(s).at[0].number, 1);
    withdraw(s, &c[0]);
    assert_int_equal(list_of(s, SPOOL_LIST_DIRECT, 0).n, 0);
    struct moved m = {0};
    spool_sent(s, &c[0].a.id.number, 1, on_done, &m);
    wait_for(&m.n, 1);
    assert_false(m.good); /* no call of it is made */
    spool_free(s);
}

/* What is there is joined as ever; what is not is left to who asks. */
static void what_is_not_known_is_not_taken(void **state)
{
    struct spool *s = spool_of(&at);
    struct spool_ask ask = ask_of("web", "same");
    struct caller first, again;
    ask.reply = SPOOL_RETRY;
    ask.known_only = true;
    admit(s, &ask, &first);
    assert_int_equal(first.a.said, SPOOL_NOT);
    assert_string_equal(first.a.why, "it is not there");
    assert_int_equal(pools_of(s).n, 0);
    ask.known_only = false;
    admit(s, &ask, &first);
    assert_true(first.a.said == SPOOL_HELD && first.a.fresh);
    ask.known_only = true;
    admit(s, &ask, &again);
    assert_true(again.a.said == SPOOL_HELD && !again.a.fresh);
    assert_int_equal(again.a.id.number, first.a.id.number);
    spool_free(s);
}

/* It may have a ticket of before. */
static void a_ticket_is_not_withdrawn_by_who_waits(void **state)
{
    struct spool *s = spool_of(&at);
    struct spool_ask ask = ask_of("web", "same");
    struct caller ticket, c;
    ask.reply = SPOOL_TICKET;
    admit(s, &ask, &ticket);
    stand(SPOOL_CLAIM_MS + 1);
    ask.reply = SPOOL_WAIT;
    admit(s, &ask, &c);
    assert_int_equal(c.a.id.number, ticket.a.id.number);
    withdraw(s, &c);
    assert_int_equal(record_of(s, c.a.id.number).state, SPOOL_POOLED);
    assert_int_equal(record_of(s, c.a.id.number).flags, SPOOL_MAYBE_TWICE);
    spool_free(s);
}

/* Of those who would have been told to come again, too; not from under somebody who was. */
static void what_nobody_was_told_of_is_withdrawn(void **state)
{
    static const enum spool_reply replies[] = {SPOOL_RETRY, SPOOL_TICKET};
    struct spool *s = spool_of(&at);
    for (size_t i = 0; i < 2; i++) {
        struct spool_ask ask = ask_of("web", "same");
        struct caller c[3];
        ask.reply = replies[i];
        ask.invocation = S("a");
        admit(s, &ask, &c[0]);
        spool_withdraw(s, c[0].a.id.number, NULL);
        spool_settled(s);
        assert_int_equal(pools_of(s).n, 0);
        admit(s, &ask, &c[1]);
        assert_true(c[1].a.fresh);
        admit(s, &ask, &c[2]);
        spool_withdraw(s, c[1].a.id.number, NULL);
        spool_settled(s);
        assert_int_equal(record_of(s, c[2].a.id.number).state, SPOOL_POOLED);
        spool_withdraw(s, c[2].a.id.number, NULL);
        spool_settled(s);
        assert_int_equal(pools_of(s).n, 0);
    }
    spool_free(s);
}

static void the_newest_attempts_are_known(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller first, c;
    char name[16];
    admit_body(s, "same", "try-0", &first);
    for (int i = 1; i <= 8; i++) {
        leave(s, i == 1 ? &first : &c);
        snprintf(name, sizeof name, "try-%d", i);
        admit_body(s, "same", name, &c);
        assert_false(c.a.fresh);
    }
    struct caller again, late;
    admit_body(s, "same", "try-1", &again);
    assert_false(again.a.fresh);
    admit_body(s, "same", "try-0", &late); /* the ninth from the end is another request */
    assert_true(late.a.fresh);
    spool_free(s);
}

static void who_was_told_to_come_again(void **state)
{
    struct spool *s = spool_of(&at);
    struct spool_ask ask = ask_of("web", "same");
    struct caller c[4];
    ask.reply = SPOOL_RETRY;
    ask.invocation = S("a");
    admit(s, &ask, &c[0]);
    admit(s, &ask, &c[1]); /* the SDK's second attempt */
    assert_int_equal(c[0].a.said, SPOOL_HELD);
    assert_int_equal(c[1].a.id.number, c[0].a.id.number);
    ask.invocation = S("b");
    admit(s, &ask, &c[2]); /* at the same time: another sample */
    assert_true(c[2].a.fresh);
    stand(SPOOL_CLAIM_MS + 1);
    ask.invocation = S("c");
    admit(s, &ask, &c[3]); /* the next run finds the first */
    assert_int_equal(c[3].a.id.number, c[0].a.id.number);
    assert_int_equal(pools_of(s).at[0].view.held, 0);
    assert_int_equal(c[0].woken + c[1].woken + c[2].woken, 0);
    spool_free(s);
}

/* Nobody can tell it from the one before. But from one that a connection has. */
static void who_has_no_id_gets_what_was_told(void **state)
{
    struct spool *s = spool_of(&at);
    struct spool_ask ask = ask_of("web", "same");
    struct caller waits, c[5];
    admit(s, &ask, &waits);
    ask.reply = SPOOL_RETRY;
    for (int i = 0; i < 3; i++)
        admit(s, &ask, &c[i]);
    assert_true(c[0].a.fresh && !c[1].a.fresh && !c[2].a.fresh);
    assert_int_equal(c[1].a.id.number, c[0].a.id.number);
    assert_int_equal(c[2].a.id.number, c[0].a.id.number);
    ask.invocation = S("a");
    admit(s, &ask, &c[3]); /* it says that it is another one */
    assert_true(c[3].a.fresh);
    pool_direct(s, 1, 10);
    assert_int_equal(settle_one(s, NULL, c[0].a.id.number, "yes"), 1);
    ask.invocation = S("");
    admit(s, &ask, &c[4]); /* before its time is over */
    assert_int_equal(c[4].a.said, SPOOL_READY);
    assert_int_equal(c[4].a.id.number, c[0].a.id.number);
    caller_free(&c[4]);
    spool_free(s);
}

static void a_ticket_without_an_id_is_a_new_one(void **state)
{
    struct spool *s = spool_of(&at);
    struct spool_ask ask = ask_of("web", "same");
    struct caller c[2];
    ask.reply = SPOOL_TICKET;
    for (int i = 0; i < 2; i++) {
        admit(s, &ask, &c[i]);
        assert_true(c[i].a.fresh);
    }
    spool_free(s);
}

/* The next run of a program finds its answers in order; a third run, within `replay`, again. */
static void the_next_runs_find_them_in_order(void **state)
{
    static const char *const answers[] = {"a", "b", "c"};
    struct spool *s = spool_of(&at);
    struct spool_ask ask = ask_of("web", "same");
    struct caller c[3], later[3];
    static const char *const ids[] = {"1", "2", "3"};
    ask.reply = SPOOL_RETRY;
    for (int i = 0; i < 3; i++) {
        ask.invocation = str_of(ids[i]);
        admit(s, &ask, &c[i]);
    }
    ask.invocation = S("");
    pool_direct(s, 1, 10);
    for (int i = 0; i < 3; i++)
        assert_int_equal(settle_one(s, NULL, c[i].a.id.number, answers[i]), 1);
    assert_int_equal(counts(s).unclaimed, 3);
    assert_int_equal(counts(s).unclaimed_nanousd, 1500);
    stand(SPOOL_CLAIM_MS + 1);
    for (int run = 0; run < 3; run++) {
        for (int i = 0; i < 3; i++) {
            admit(s, &ask, &later[i]);
            assert_int_equal(later[i].a.said, SPOOL_READY);
            assert_true(str_eq(later[i].answer->body, str_of(answers[i])));
            caller_free(&later[i]);
        }
        for (int i = 0; i < 3; i++)
            delivered(s, &later[i], true);
        assert_int_equal(counts(s).unclaimed, 0);
    }
    assert_int_equal(record_of(s, c[0].a.id.number).deliveries, 3);
    stand(REPLAY_MS); /* from the first delivery on */
    admit(s, &ask, &later[0]);
    assert_true(later[0].a.fresh);
    spool_free(s);
}

/* Who comes again after an error wants another try; only its own attempts are told it once more. */
static void an_error_is_not_repeated(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c, again, next;
    admit_body(s, "body", "sdk-1", &c);
    pool_direct(s, 1, 1);
    const struct spool_end e = {.number = c.a.id.number, .status = 500, .body = S("no")};
    assert_int_equal(settle_all(s, NULL, &e, 1), 1);
    wait_for(&c.woken, 1);
    caller_free(&c);
    delivered(s, &c, true);
    admit_body(s, "body", "sdk-1", &again);
    assert_int_equal(again.a.said, SPOOL_READY);
    caller_free(&again);
    delivered(s, &again, true);
    admit_body(s, "body", "sdk-2", &next);
    assert_true(next.a.fresh);
    spool_free(s);
}

static void not_whole_is_nobodys_again(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c, again, third;
    answered(s, "body", "answer", &c);
    caller_free(&c);
    admit_body(s, "body", "", &again); /* while the first answer is on its way */
    assert_true(again.a.fresh);
    delivered(s, &c, false);
    assert_int_equal(counts(s).unclaimed, 1);
    admit_body(s, "body", "", &third);
    assert_int_equal(third.a.said, SPOOL_READY);
    assert_int_equal(third.a.id.number, c.a.id.number);
    caller_free(&third);
    delivered(s, &third, true);
    delivered(s, &third, true); /* once more is harmless */
    leave(s, &third);
    assert_int_equal(record_of(s, c.a.id.number).deliveries, 1);
    spool_free(s);
}

static void thousands_of_one_body(void **state)
{
    enum { MANY = 3000 };
    static struct caller c[MANY], again;
    struct spool *s = spool_of(&at);
    struct spool_ask ask = ask_of("web", "same");
    for (int i = 0; i < MANY; i++) {
        const struct spool_waiter w = {on_admitted, on_woken, &c[i]};
        c[i] = (struct caller){.admitted = 0};
        spool_admit(s, &ask, &w);
    }
    wait_for(&c[MANY - 1].admitted, 1);
    assert_int_equal(counts(s).taken, MANY);
    leave(s, &c[1234]);
    leave(s, &c[77]);
    admit(s, &ask, &again);
    assert_int_equal(again.a.id.number, c[77].a.id.number);
    admit(s, &ask, &again);
    assert_int_equal(again.a.id.number, c[1234].a.id.number);
    admit(s, &ask, &again);
    assert_true(again.a.fresh);
    spool_free(s);
}

/* --- tickets */

static struct spool_ticket_told told_ticket;
static char told_operation[32];
static unsigned tickets_told;

static void on_ticket(void *arg, const struct spool_ticket_told *t)
{
    pthread_mutex_lock(&news.lock);
    told_ticket = *t;
    snprintf(told_operation, sizeof told_operation, "%.*s", STR_ARG(t->operation));
    tickets_told++;
    news_came();
}

static enum spool_ticket ticket(struct spool *s, const struct spool_id *id, const char *client)
{
    tickets_told = 0;
    spool_ticket(s, id, str_of(client), on_ticket, NULL);
    wait_for(&tickets_told, 1);
    return told_ticket.what;
}

static void a_ticket_and_its_owner(void **state)
{
    struct spool *s = spool_of(&at);
    struct spool_ask ask = ask_of("web", "body");
    struct caller c, plain;
    ask.reply = SPOOL_TICKET;
    admit(s, &ask, &c);
    admit_body(s, "another", "", &plain);
    struct spool_id wrong = c.a.id;
    wrong.secret[7] ^= 1;
    assert_int_equal(ticket(s, &c.a.id, "web"), SPOOL_TICKET_WAITS);
    assert_string_equal(told_operation, "Converse");
    assert_true(told_ticket.deadline_ms == ask.deadline_ms);
    assert_int_equal(ticket(s, &wrong, "web"), SPOOL_NO_TICKET);
    assert_int_equal(ticket(s, &c.a.id, "mobile"), SPOOL_NO_TICKET);
    assert_int_equal(ticket(s, &plain.a.id, "web"), SPOOL_NO_TICKET);
    pool_direct(s, 1, 1);
    assert_int_equal(settle_one(s, NULL, c.a.id.number, "answer"), 1);
    for (int i = 0; i < 3; i++) { /* as often as its owner likes, until `keep` has passed */
        assert_int_equal(ticket(s, &c.a.id, "web"), SPOOL_TICKET_READY);
        assert_true(str_eq(told_ticket.answer->body, S("answer")));
        spool_answer_free(told_ticket.answer);
        delivered(s, &c, true);
        stand(REPLAY_MS + 2000);
        spool_settled(s);
    }
    assert_false(is_forgotten(s, c.a.id.number));
    spool_free(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(from_pool_to_answer, setup, teardown),
    cmocka_unit_test(an_id_in_words),
    cmocka_unit_test_setup_teardown(five_samples_are_five, setup, teardown),
    cmocka_unit_test_setup_teardown(an_attempt_is_its_request, setup, teardown),
    cmocka_unit_test_setup_teardown(an_id_counts_with_its_key, setup, teardown),
    cmocka_unit_test_setup_teardown(a_new_attempt_is_remembered_too, setup, teardown),
    cmocka_unit_test_setup_teardown(who_has_less_time_is_not_made_to_wait, setup, teardown),
    cmocka_unit_test_setup_teardown(who_has_more_time_gets_what_was_left, setup, teardown),
    cmocka_unit_test_setup_teardown(what_is_withdrawn_is_gone, setup, teardown),
    cmocka_unit_test_setup_teardown(what_is_not_known_is_not_taken, setup, teardown),
    cmocka_unit_test_setup_teardown(a_ticket_is_not_withdrawn_by_who_waits, setup, teardown),
    cmocka_unit_test_setup_teardown(what_nobody_was_told_of_is_withdrawn, setup, teardown),
    cmocka_unit_test_setup_teardown(the_newest_attempts_are_known, setup, teardown),
    cmocka_unit_test_setup_teardown(who_was_told_to_come_again, setup, teardown),
    cmocka_unit_test_setup_teardown(who_has_no_id_gets_what_was_told, setup, teardown),
    cmocka_unit_test_setup_teardown(a_ticket_without_an_id_is_a_new_one, setup, teardown),
    cmocka_unit_test_setup_teardown(the_next_runs_find_them_in_order, setup, teardown),
    cmocka_unit_test_setup_teardown(an_error_is_not_repeated, setup, teardown),
    cmocka_unit_test_setup_teardown(not_whole_is_nobodys_again, setup, teardown),
    cmocka_unit_test_setup_teardown(thousands_of_one_body, setup, teardown),
    cmocka_unit_test_setup_teardown(a_ticket_and_its_owner, setup, teardown),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
