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
    assert_int_equal(settle(s, &job, c.a.id.number, "{\"answer\":1}"), 1);
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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(from_pool_to_answer, setup, teardown),
    cmocka_unit_test(an_id_in_words),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
