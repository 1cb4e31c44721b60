/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/batch_verdict: what an end of a direct call means, and when it is enough.
 */
#include "../../../src/gate/batch_verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { DEADLINE = 1000000 };

static struct batch_ended answered(int status)
{
    return (struct batch_ended){.end = ORIGIN_DONE,
                                .status = status,
                                .error_type = S("ValidationException:http://x"),
                                .tries = 1,
                                .now_ms = DEADLINE - 1,
                                .deadline_ms = DEADLINE};
}

static struct batch_verdict at_the_end(struct batch_ended e)
{
    e.now_ms = DEADLINE;
    e.tries = BATCH_TRIES_LEAST;
    return batch_verdict_of(&e);
}

static void answers(void **state)
{
    const int final[] = {200, 400, 403, 404, 424};
    for (size_t i = 0; i < sizeof final / sizeof *final; i++) {
        const struct batch_ended e = answered(final[i]);
        const struct batch_verdict v = batch_verdict_of(&e);
        assert_int_equal(v.fate, BATCH_FATE_ANSWER);
        assert_false(v.lost || v.throttled || v.bad_creds);
    }
}

/* What may pass is tried until the deadline has passed, and three times. */
static void what_may_pass(void **state)
{
    const int passing[] = {408, 429, 500, 503, 529, 302};
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        struct batch_ended e = answered(passing[i]);
        assert_int_equal(batch_verdict_of(&e).fate, BATCH_FATE_AGAIN);
        assert_int_equal(batch_verdict_of(&e).throttled, passing[i] == 429);
        assert_false(batch_verdict_of(&e).lost);
        bool is_none = passing[i] == 302; /* no SDK takes it for an answer, nor inside a 200 */
        assert_int_equal(at_the_end(e).fate, is_none ? BATCH_FATE_ERROR : BATCH_FATE_ANSWER);
        assert_int_equal(at_the_end(e).status, 502);
        e.now_ms = 2 * DEADLINE;
        e.tries = BATCH_TRIES_LEAST - 1;
        assert_int_equal(batch_verdict_of(&e).fate, BATCH_FATE_AGAIN);
        e.now_ms = 0;
        e.tries = 100;
        assert_int_equal(batch_verdict_of(&e).fate, BATCH_FATE_AGAIN);
    }
}

static void waits_longer_each_time(void **state)
{
    struct batch_ended e = answered(500);
    int64_t before_ms = 0;
    for (e.tries = 1; e.tries < 100; e.tries++) {
        int64_t wait_ms = batch_verdict_of(&e).wait_ms;
        assert_true(wait_ms >= before_ms && wait_ms >= 1000 && wait_ms <= 60000);
        before_ms = wait_ms;
    }
    assert_int_equal(before_ms, 60000);
}

static void what_is_the_tier_s(void **state)
{
    const struct {
        int status;
        bool throttled;
    } rows[] = {{400, false}, {429, true}, {503, true}, {529, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct batch_ended e = answered(rows[i].status);
        e.tier = true;
        assert_int_equal(batch_verdict_of(&e).fate, BATCH_FATE_NO_TIER);
        assert_int_equal(batch_verdict_of(&e).throttled, rows[i].throttled);
        assert_int_equal(at_the_end(e).fate, BATCH_FATE_NO_TIER);
    }
    struct batch_ended e = answered(400);
    e.tier = true;
    e.error_type = S("ServiceQuotaExceededException");
    assert_int_equal(batch_verdict_of(&e).fate, BATCH_FATE_ANSWER);
    e = answered(403);
    e.tier = true;
    assert_int_equal(batch_verdict_of(&e).fate, BATCH_FATE_ANSWER);
}

static void old_credentials(void **state)
{
    struct batch_ended e = answered(403);
    e.error_type = S("ExpiredTokenException");
    assert_int_equal(batch_verdict_of(&e).fate, BATCH_FATE_AGAIN);
    assert_true(batch_verdict_of(&e).bad_creds);
    assert_int_equal(at_the_end(e).fate, BATCH_FATE_ANSWER);
}

/* Our clock, or our secret: no answer for anybody. By that clock the deadline may seem to be over.
 */
static void a_refused_signature(void **state)
{
    struct batch_ended e = answered(403);
    e.error_type = S("InvalidSignatureException");
    e.tries = 100;
    assert_int_equal(batch_verdict_of(&e).fate, BATCH_FATE_AGAIN);
    assert_true(batch_verdict_of(&e).bad_creds);
    e.now_ms = 2 * DEADLINE;
    e.tries = 59;
    assert_int_equal(batch_verdict_of(&e).fate, BATCH_FATE_AGAIN);
    e.tries = 60;
    assert_int_equal(batch_verdict_of(&e).fate, BATCH_FATE_ANSWER);
}

static void no_answer(void **state)
{
    const struct {
        enum origin_end end;
        bool lost;
        int status;
    } rows[] = {{ORIGIN_UNSENT, false, 503},
                {ORIGIN_UNREACHABLE, false, 503},
                {ORIGIN_GONE, true, 502},
                {ORIGIN_TIMEOUT, true, 408},
                {ORIGIN_BAD, true, 502}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct batch_ended e = answered(0);
        e.end = rows[i].end;
        assert_int_equal(batch_verdict_of(&e).fate, BATCH_FATE_AGAIN);
        assert_int_equal(batch_verdict_of(&e).lost, rows[i].lost);
        const struct batch_verdict last = at_the_end(e);
        assert_int_equal(last.fate, BATCH_FATE_ERROR);
        assert_int_equal(last.status, rows[i].status);
        assert_non_null(last.why);
    }
    struct batch_ended e = answered(200);
    e.end = ORIGIN_BAD;
    e.too_big = true;
    assert_int_equal(batch_verdict_of(&e).fate, BATCH_FATE_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(what_may_pass),
        cmocka_unit_test(waits_longer_each_time),
        cmocka_unit_test(what_is_the_tier_s),
        cmocka_unit_test(old_credentials),
        cmocka_unit_test(a_refused_signature),
        cmocka_unit_test(no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
