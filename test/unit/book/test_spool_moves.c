/* SPDX-License-Identifier: Apache-2.0
 *
 * book/spool: records on their way through pools, jobs and the direct list to one end; and that
 * each is found again in its state after a restart.
 */
#include "spool_side.h"

#include <sched.h>

#include <string.h>

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

static struct spool *restart(struct spool *s)
{
    spool_free(s);
    return spool_of(&at);
}

static void fill(struct spool *s, struct caller *c, int n)
{
    char body[32];
    for (int i = 0; i < n; i++) {
        snprintf(body, sizeof body, "body %d", i);
        admit_body(s, body, "", &c[i]);
        assert_true(c[i].a.fresh);
    }
}

/* --- pools and jobs */

static void pools_are_by_client_model_role_and_kind(void **state)
{
    struct spool *s = spool_of(&at);
    struct spool_ask ask = ask_of("web", "x");
    struct caller c;
    admit(s, &ask, &c);
    ask.key[0] ^= 1;
    ask.model = S("nova");
    admit(s, &ask, &c);
    ask.key[0] ^= 2;
    ask.role = S("arn:aws:iam::1:role/r");
    admit(s, &ask, &c);
    ask.key[0] ^= 4;
    ask.kind = BATCH_INVOKE;
    admit(s, &ask, &c);
    ask.key[0] ^= 8;
    ask.client = S("mobile");
    admit(s, &ask, &c);
    ask.key[0] ^= 16;
    ask.workload = S("another"); /* is no other pool */
    admit(s, &ask, &c);
    for (int run = 0; run < 2; run++) {
        struct pools p = pools_of(s);
        assert_int_equal(p.n, 5);
        uint32_t all = 0;
        for (size_t i = 0; i < p.n; i++)
            all += p.at[i].view.count;
        assert_int_equal(all, 6);
        s = restart(s);
    }
    spool_free(s);
}

static void a_pool_is_what_its_members_are(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[4];
    int64_t began = clock_wall_ms();
    const int64_t later[] = {90, 30, 60, 120};
    for (int i = 0; i < 4; i++) {
        char body[8];
        snprintf(body, sizeof body, "b%d", i);
        stand(1000);
        struct spool_ask ask = ask_of("web", body);
        ask.deadline_ms = began + later[i] * MINUTE_MS;
        ask.reply = i == 3 ? SPOOL_RETRY : SPOOL_WAIT;
        admit(s, &ask, &c[i]);
    }
    for (int run = 0; run < 2; run++) {
        struct pool_view v = pools_of(s).at[0].view;
        assert_int_equal(v.count, 4);
        assert_int_equal(v.bytes, 8);
        assert_int_equal(v.held, 3);
        assert_true(v.oldest_ms == began + 1000 && v.newest_ms == began + 4000);
        assert_true(v.deadline_ms == began + 30 * MINUTE_MS);
        assert_true(counts(s).oldest_ms == began + 1000);
        s = restart(s);
    }
    (void)cut(s, pools_of(s).at[0].number, 2);
    struct pool_view v = pools_of(s).at[0].view;
    assert_int_equal(v.count, 2);
    assert_int_equal(v.held, 1);
    assert_true(v.oldest_ms == began + 3000 && v.deadline_ms == began + 60 * MINUTE_MS);
    spool_free(s);
}

static void a_cut_takes_the_oldest(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[10];
    struct moved m = {0};
    const struct batch_job none = {.state = BATCH_PACKED};
    fill(s, c, 10);
    struct batch_job job = cut(s, 1, 3);
    struct numbers in = list_of(s, SPOOL_LIST_JOB, job.number);
    assert_int_equal(in.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(in.at[i], c[i].a.id.number);
    assert_true(job.pool == 1 && job.records == 3 && job.bytes == 18 && job.number == 1);
    spool_cut(s, 1, 100, 13, &none, on_cut, &m); /* two bodies, of six bytes each */
    wait_for(&m.n, 1);
    assert_true(m.good && m.job.records == 2 && m.job.number == 2);
    spool_cut(s, 1, 1, 1, &none, on_cut, &m); /* one that is larger goes alone */
    wait_for(&m.n, 2);
    assert_true(m.good && m.job.records == 1);
    spool_cut(s, 77, 1, 1000, &none, on_cut, &m); /* there is no such pool */
    wait_for(&m.n, 3);
    assert_false(m.good);
    assert_int_equal(jobs_of(s).n, 3);
    assert_int_equal(pools_of(s).at[0].view.count, 4);
    spool_free(s);
}

/* Also when the job that had it is long gone. */
static void a_jobs_number_is_never_used_again(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[2];
    char name[9];
    fill(s, c, 2);
    snprintf(name, sizeof name, "%.*s", STR_ARG(spool_instance(s)));
    assert_int_equal(strspn(name, "0123456789abcdef"), 8);
    struct batch_job job = cut(s, 1, 1);
    assert_int_equal(settle_one(s, &job, c[0].a.id.number, "x"), 1);
    job.state = BATCH_GONE;
    put_job(s, &job, BATCH_STAY);
    assert_int_equal(jobs_of(s).n, 0);
    caller_free(&c[0]);
    s = restart(s);
    assert_int_equal(cut(s, 1, 1).number, 2);
    assert_true(str_eq(spool_instance(s), str_of(name)));
    spool_free(s);
}

static void a_jobs_row_is_kept(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[5];
    fill(s, c, 5);
    struct batch_job job = cut(s, 1, 5);
    job.state = BATCH_RUNNING;
    snprintf(job.arn, sizeof job.arn, "arn:aws:bedrock:eu:1:model-invocation-job/abc");
    job.read_bytes = 123456;
    put_job(s, &job, BATCH_STAY);
    s = restart(s);
    struct jobs all = jobs_of(s);
    assert_int_equal(all.n, 1);
    assert_int_equal(all.waits[0], 5);
    assert_int_equal(all.at[0].state, BATCH_RUNNING);
    assert_string_equal(all.at[0].arn, job.arn);
    assert_true(all.at[0].read_bytes == 123456);
    assert_int_equal(pools_of(s).n, 1); /* whose it is must be known, although it is empty */
    assert_true(str_eq(pools_of(s).at[0].client, S("web")));
    spool_free(s);
}

static void members_leave(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[4];
    fill(s, c, 4);
    struct batch_job first = cut(s, 1, 2), second = cut(s, 1, 1);
    put_job(s, &first, BATCH_LEAVE_TWICE);
    put_job(s, &second, BATCH_LEAVE);
    assert_int_equal(list_of(s, SPOOL_LIST_DIRECT, 0).n, 3);
    assert_int_equal(record_of(s, c[0].a.id.number).flags, SPOOL_MAYBE_TWICE);
    assert_int_equal(record_of(s, c[1].a.id.number).flags, SPOOL_MAYBE_TWICE);
    assert_int_equal(record_of(s, c[2].a.id.number).flags, 0);
    assert_int_equal(jobs_of(s).waits[0], 0);
    /* What the job says of them later does not count. */
    assert_int_equal(settle_one(s, &first, c[0].a.id.number, "late"), 0);
    assert_int_equal(c[0].woken, 0);
    assert_int_equal(settle_one(s, NULL, c[0].a.id.number, "direct"), 1);
    wait_for(&c[0].woken, 1);
    assert_int_equal(c[0].answer->flags, SPOOL_MAYBE_TWICE);
    caller_free(&c[0]);
    struct batch_job third = cut(s, 1, 1);
    third.state = BATCH_GONE;
    put_job(s, &third, BATCH_STAY); /* nobody is lost with a job's row */
    assert_int_equal(record_of(s, c[3].a.id.number).state, SPOOL_DIRECT);
    spool_free(s);
}

/* --- ends */

static void an_end_counts_once(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[3];
    fill(s, c, 3);
    struct batch_job job = cut(s, 1, 2), other = cut(s, 1, 1);
    const struct spool_end ends[] = {
        {.number = c[0].a.id.number, .status = 200, .body = S("first")},
        {.number = c[0].a.id.number, .status = 200, .body = S("second")},
        {.number = c[2].a.id.number, .status = 200, .body = S("of another job")},
        {.number = 4711, .status = 200, .body = S("of nobody")},
        {.number = c[1].a.id.number, .goes_direct = true, .flags = SPOOL_MAYBE_TWICE}};
    job.answered = 1;
    assert_int_equal(settle_all(s, &job, ends, 5), 1);
    assert_int_equal(settle_all(s, &job, ends, 5), 0);
    wait_for(&c[0].woken, 1);
    assert_true(str_eq(c[0].answer->body, S("first")));
    assert_int_equal(c[0].woken + c[1].woken + c[2].woken, 1);
    assert_int_equal(record_of(s, c[1].a.id.number).state, SPOOL_DIRECT);
    assert_int_equal(record_of(s, c[1].a.id.number).flags, SPOOL_MAYBE_TWICE);
    assert_int_equal(record_of(s, c[2].a.id.number).list, other.number);
    assert_int_equal(jobs_of(s).at[0].answered, 1);
    assert_int_equal(settle_one(s, NULL, c[2].a.id.number, "direct, but it is in a job"), 0);
    assert_int_equal(counts(s).answered, 1);
    caller_free(&c[0]);
    spool_free(s);
}

static void an_error_is_an_answer(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c;
    admit_body(s, "x", "", &c);
    pool_direct(s, 1, 1);
    const struct spool_end e = {.number = c.a.id.number,
                                .status = 400,
                                .error_type = S("ValidationException"),
                                .body = S("{\"message\":\"no\"}")};
    assert_int_equal(settle_all(s, NULL, &e, 1), 1);
    wait_for(&c.woken, 1);
    for (int i = 0; i < 2; i++) { /* from memory, and from the disk */
        assert_int_equal(c.answer->status, 400);
        assert_true(str_eq(c.answer->error_type, S("ValidationException")));
        assert_true(str_eq(c.answer->body, S("{\"message\":\"no\"}")));
        caller_free(&c);
        s = restart(s);
        admit_body(s, "x", "", &c);
        assert_int_equal(c.a.said, SPOOL_READY);
    }
    caller_free(&c);
    spool_free(s);
}

static void sent_is_noted(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[3];
    struct moved m = {0};
    fill(s, c, 3);
    pool_direct(s, 1, 2);
    uint64_t numbers[] = {c[0].a.id.number, c[2].a.id.number, 4711};
    spool_sent(s, numbers, 3, on_done, &m);
    wait_for(&m.n, 1);
    s = restart(s);
    assert_int_equal(record_of(s, c[0].a.id.number).flags, SPOOL_SENT);
    assert_int_equal(record_of(s, c[1].a.id.number).flags, 0);
    assert_int_equal(record_of(s, c[2].a.id.number).flags, 0); /* it is still pooled */
    spool_free(s);
}

static void a_pool_is_given_up(void **state)
{
    enum { MANY = 2500 }; /* more than go in one transaction */
    static struct caller c[MANY];
    struct spool *s = spool_of(&at);
    struct moved m = {0};
    for (int i = 0; i < MANY; i++) {
        const struct spool_waiter w = {on_admitted, on_woken, &c[i]};
        char body[16];
        snprintf(body, sizeof body, "%d", i);
        struct spool_ask ask = ask_of("web", body);
        c[i] = (struct caller){.admitted = 0};
        spool_admit(s, &ask, &w);
    }
    spool_pool_direct(s, 1, 1200, on_done, &m);
    spool_cancel_pool(s, 1, 410, S("Gone"), S("given up"), on_done, &m);
    wait_for(&m.n, 2);
    for (int i = 0; i < MANY; i++) {
        wait_for(&c[i].admitted, 1);
        assert_int_equal(c[i].woken, i >= 1200);
        if (i < 1200)
            continue;
        assert_true(c[i].answer->flags == SPOOL_CANCELLED && c[i].answer->status == 410);
        assert_true(str_eq(c[i].answer->body, S("given up")));
        caller_free(&c[i]);
    }
    assert_int_equal(counts(s).records[SPOOL_DIRECT], 1200);
    assert_int_equal(counts(s).records[SPOOL_DONE], MANY - 1200);
    assert_int_equal(counts(s).answered, MANY - 1200);
    assert_int_equal(counts(s).cancelled, MANY - 1200);
    spool_free(s);
    assert_int_equal(c[0].woken, 1); /* with nothing: the spool ended */
    assert_null(c[0].answer);
}

/* --- restarts */

/* Before its caller hears that it is held, and until its end was told: wherever it is meanwhile. */
static void what_waits_is_told(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[3], again;
    struct moved m = {0};
    for (unsigned i = 0; i < 3; i++) {
        char body[] = {(char)('a' + i), 0};
        admit_body(s, body, "", &c[i]);
        assert_int_equal(c[i].waits, 1000 * (i + 1));
    }
    leave(s, &c[0]);
    admit_body(s, "a", "", &again); /* it waits already */
    struct batch_job job = cut(s, 1, 2);
    pool_direct(s, 1, 1);
    spool_settled(s);
    assert_int_equal(web_waits, 3000);
    const struct spool_end e = {.number = again.a.id.number, .status = 200, .cost_nanousd = 7};
    spool_settle(s, &job, &e, 1, on_settled, &m);
    wait_for(&m.n, 1);
    assert_int_equal(m.waits, 3000);
    spool_settled(s);
    assert_int_equal(web_waits, 2000);
    spool_free(s);
    web_waits = 0;
    s = spool_of(&at);
    assert_int_equal(web_waits, 2000); /* after a restart */
    web_waits = 0;
    spool_tell_waits(s);
    assert_int_equal(web_waits, 2000);
    spool_withdraw(s, c[2].a.id.number, NULL); /* nobody has it: it is deleted */
    assert_int_equal(settle_one(s, &job, c[1].a.id.number, "{}"), 1);
    spool_settled(s);
    assert_int_equal(web_waits, 0);
    spool_free(s);
    for (unsigned i = 0; i < 3; i++)
        caller_free(&c[i]);
    caller_free(&again);
}

/* Each record once, on the day on which it is marked, and over a restart. */
static void what_may_be_paid_twice_is_kept(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[4];
    fill(s, c, 4);
    struct batch_job job = cut(s, 1, 2);
    pool_direct(s, 1, 2);
    assert_true(counts(s).twice == 0 && counts(s).twice_nanousd == 0);
    put_job(s, &job, BATCH_LEAVE_TWICE);
    assert_true(counts(s).twice == 2 && counts(s).twice_nanousd == 2000);
    struct spool_end e = {.number = c[0].a.id.number, .status = 200, .flags = SPOOL_MAYBE_TWICE};
    assert_int_equal(settle_all(s, NULL, &e, 1), 1);
    assert_int_equal(counts(s).twice, 2); /* it was marked before */
    e.number = c[2].a.id.number;
    assert_int_equal(settle_all(s, NULL, &e, 1), 1);
    assert_true(counts(s).twice == 3 && counts(s).twice_nanousd == 3000);
    spool_free(s);
    s = spool_of(&at);
    assert_true(counts(s).twice == 0 && counts(s).twice_nanousd == 3000);
    stand(24 * 60 * MINUTE_MS);
    assert_int_equal(counts(s).twice_nanousd, 0);
    e.number = c[3].a.id.number;
    assert_int_equal(settle_all(s, NULL, &e, 1), 1);
    assert_int_equal(counts(s).twice_nanousd, 1000);
    spool_free(s);
    for (unsigned i = 0; i < 4; i++)
        caller_free(&c[i]);
}

static void each_state_is_found_again(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[5], again;
    fill(s, c, 4);
    struct batch_job job = cut(s, 1, 3);
    const struct spool_end direct = {.number = c[1].a.id.number, .goes_direct = true};
    assert_int_equal(settle_one(s, &job, c[0].a.id.number, "done"), 1);
    assert_int_equal(settle_all(s, &job, &direct, 1), 0);
    wait_for(&c[0].woken, 1);
    caller_free(&c[0]);
    const enum spool_state want[] = {SPOOL_DONE, SPOOL_DIRECT, SPOOL_IN_JOB, SPOOL_POOLED};
    for (int run = 0; run < 2; run++) {
        struct spool_counts n = counts(s);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(record_of(s, c[i].a.id.number).state, want[i]);
            assert_int_equal(n.records[want[i]], 1);
        }
        s = restart(s);
    }
    for (int i = 0; i < 4; i++) {
        char body[16];
        snprintf(body, sizeof body, "body %d", i);
        admit_body(s, body, "", &again);
        assert_int_equal(again.a.id.number, c[i].a.id.number);
        assert_int_equal(again.a.said, i == 0 ? SPOOL_READY : SPOOL_HELD);
        assert_int_equal(again.a.state, want[i]);
        assert_int_equal(again.woken, 0);
        if (i)
            leave(s, &again);
        caller_free(&again);
        assert_int_equal(has_body(s, c[i].a.id.number, body), i != 0); /* not needed any more */
    }
    admit_body(s, "new", "", &c[4]);
    assert_true(c[4].a.id.number > c[3].a.id.number);
    spool_free(s);
}

static void a_walk_goes_on_from_a_number(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[10];
    struct numbers some = {.n = 0};
    fill(s, c, 10);
    struct spool_read *r = spool_read_begin(s);
    assert_int_equal(spool_walk(r, SPOOL_LIST_POOL, 1, c[7].a.id.number, keep_number, &some), 0);
    spool_read_end(r);
    assert_int_equal(some.n, 3);
    assert_int_equal(some.at[0], c[7].a.id.number);
    spool_free(s);
}

struct seen {
    unsigned n;
    bool good;
};

static bool see(void *arg, const struct spool_record *rec)
{
    struct seen *x = arg;
    x->n++;
    x->good = str_eq(rec->client, S("web")) && str_eq(rec->workload, S("night")) &&
              str_eq(rec->model, S("claude")) && str_eq(rec->operation, S("Converse")) &&
              str_eq(rec->target, S("/model/claude/converse")) &&
              str_eq(rec->content_type, S("application/json")) && str_eq(rec->accept, S("*/*")) &&
              rec->body_bytes == 6 && rec->expect_nanousd == 1000 && rec->list == 1;
    return true;
}

static void a_command_reads_beside_it(void **state)
{
    struct spool *s = spool_of(&at), *reader;
    struct spool_ask ask = ask_of("web", "body 0");
    struct caller c;
    struct seen seen = {0};
    char dir[128], why[256];
    ask.content_type = S("application/json");
    ask.accept = S("*/*");
    admit(s, &ask, &c);
    spool_free(s); /* in one process a file is opened once */
    snprintf(dir, sizeof dir, "%s/spool", at.path);
    assert_int_equal(spool_open_read(dir, NULL, &reader, why, sizeof why), 0);
    assert_int_equal(pools_of(reader).at[0].view.count, 1);
    assert_true(counts(reader).open && counts(reader).records[SPOOL_POOLED] == 1);
    struct spool_read *r = spool_read_begin(reader);
    assert_int_equal(spool_walk(r, SPOOL_LIST_POOL, 1, 0, see, &seen), 0);
    spool_read_end(r);
    assert_true(seen.n == 1 && seen.good);
    assert_true(has_body(reader, c.a.id.number, "body 0"));
    spool_close_read(reader);
    snprintf(dir, sizeof dir, "%s/nowhere", at.path);
    assert_int_equal(spool_open_read(dir, NULL, &reader, why, sizeof why), ERR_NOT_FOUND);
    assert_non_null(strstr(why, "nowhere"));
}

/* The engine takes up what is there when it is open, once. */
static void what_is_open_was_read(void **state)
{
    char dir[128], instance[9];
    struct caller c;
    snprintf(dir, sizeof dir, "%s/spool", at.path);
    const struct spool_options o = {.dir = dir, .size_bytes = 64 * SPOOL_MIB};
    struct spool *s = spool_of(&at);
    admit_body(s, "body", "", &c);
    const struct batch_job job = cut(s, 1, 1);
    snprintf(instance, sizeof instance, "%.*s", STR_ARG(spool_instance(s)));
    spool_free(s);
    for (int i = 0; i < 300; i++) {
        s = spool_new(&o);
        while (!counts(s).open)
            sched_yield();
        struct jobs jobs = jobs_of(s);
        assert_int_equal(jobs.n, 1);
        assert_int_equal(jobs.at[0].number, job.number);
        assert_true(str_eq(spool_instance(s), str_of(instance)));
        spool_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pools_are_by_client_model_role_and_kind, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pool_is_what_its_members_are, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cut_takes_the_oldest, setup, teardown),
        cmocka_unit_test_setup_teardown(a_jobs_number_is_never_used_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_jobs_row_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(members_leave, setup, teardown),
        cmocka_unit_test_setup_teardown(an_end_counts_once, setup, teardown),
        cmocka_unit_test_setup_teardown(an_error_is_an_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(sent_is_noted, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pool_is_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(what_waits_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_may_be_paid_twice_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(each_state_is_found_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_walk_goes_on_from_a_number, setup, teardown),
        cmocka_unit_test_setup_teardown(a_command_reads_beside_it, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_open_was_read, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
