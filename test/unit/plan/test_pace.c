/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/pace: a fifth of the best ten seconds, fading; alone, and beside others; halves after 429s,
 * and their end.
 */
#include "weir/plan/pace.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Seventeen calls a second alone: more than is ever reached. */
#define STR_TOO_FAST S("\1\0\0\xe8\x84\1\0")

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

static const int64_t noon = 1763640000000;

static void assert_rate(const struct pace *p, int64_t now_ms, double want)
{
    assert_true(fabs(pace_per_second(p, now_ms) - want) < 0.005 * want);
}

/* How many go in ten seconds, asked for each 5 ms, or when it says. */
static int calls(struct pace *p, int64_t from_ms)
{
    int n = 0;
    int64_t at = from_ms, again;
    while (at < from_ms + 10 * SECOND)
        if (pace_take(p, at, &again))
            n++;
        else {
            assert_true(again > at);
            at = again;
        }
    return n;
}

static void one_a_second_at_least(void **state)
{
    struct pace p;
    pace_init(&p, noon);
    assert_rate(&p, noon, 1);
    int n = calls(&p, noon);
    assert_true(n >= 9 && n <= 11);
}

static void a_fifth_of_the_best(void **state)
{
    struct pace p;
    pace_init(&p, noon);
    for (int s = 0; s < 10; s++)
        pace_good(&p, 100, noon + s * SECOND);
    assert_rate(&p, noon + 10 * SECOND, 20);
    for (int s = 10; s < 1000; s++)
        pace_good(&p, 1, noon + s * SECOND); /* slower since */
    assert_true(pace_per_second(&p, noon + 1000 * SECOND) > 19);
    int n = calls(&p, noon + 1000 * SECOND);
    assert_true(n >= 190 && n <= 221);
}

static void it_fades(void **state)
{
    struct pace p;
    pace_init(&p, noon);
    pace_good(&p, 1000, noon);
    assert_rate(&p, noon + 12 * HOUR, 10);
    pace_good(&p, 1, noon + 12 * HOUR); /* a new slot: the same */
    assert_rate(&p, noon + 12 * HOUR, 10);
    assert_rate(&p, noon + 24 * HOUR, 5);
    assert_rate(&p, noon + 500 * HOUR, 1);
}

static void halved_by_a_429(void **state)
{
    struct pace p;
    pace_init(&p, noon);
    pace_good(&p, 1000, noon);
    pace_throttled(&p, noon);
    pace_throttled(&p, noon + 999); /* of the same burst */
    int n = calls(&p, noon + SECOND);
    assert_true(n >= 100 && n <= 125);
    for (int i = 1; i < 100; i++)
        pace_throttled(&p, noon + 20 * SECOND + i * SECOND);
    n = calls(&p, noon + 120 * SECOND);
    assert_true(n >= 12 && n <= 16);          /* a sixteenth */
    assert_rate(&p, noon + 120 * SECOND, 10); /* a plan over hours */
    assert_rate(&p, noon + 10 * MINUTE, 19.81);
    n = calls(&p, noon + 10 * MINUTE);
    assert_true(n >= 190 && n <= 220);
}

static void no_burst_after_silence(void **state)
{
    struct pace p;
    int64_t again;
    pace_init(&p, noon);
    pace_good(&p, 1000, noon);
    int n = 0;
    while (pace_take(&p, noon + HOUR, &again))
        n++;
    assert_true(n <= 20);
}

static struct pace kept(const struct pace *p, int64_t now_ms)
{
    struct buf b = {0};
    struct pace q;
    pace_init(&q, now_ms);
    pace_write(p, &b);
    assert_int_equal(pace_read(buf_str(&b), &q, now_ms), 0);
    buf_fini(&b);
    return q;
}

static void alone_it_grows(void **state)
{
    struct pace p;
    pace_init(&p, noon);
    int64_t at = noon;
    int want[] = {10, 20, 40, 80, 160, 160};
    for (size_t i = 0; i < 6; i++, at += 10 * SECOND) {
        int n = calls(&p, at);
        assert_true(n >= want[i] * 9 / 10 - 1 && n <= want[i] * 12 / 10 + 2);
    }
    assert_rate(&p, at, 16);
    pace_throttled(&p, at);
    assert_rate(&p, at + 2 * MINUTE, 8);
    pace_good(&p, 20, at + 2 * MINUTE); /* somebody else is there */
    assert_rate(&p, at + 2 * MINUTE, 1);
    assert_rate(&p, at + 2 * MINUTE + 29 * SECOND, 1);
    assert_rate(&p, at + 2 * MINUTE + 30 * SECOND, 8); /* he has gone */
    assert_rate(&p, at + HOUR, 1);                     /* how it was alone is forgotten, too */
    int64_t again;
    assert_true(pace_take(&p, at + HOUR, &again));
    assert_rate(&p, at + HOUR, 1);
}

/* Asked a little, then by nobody: the same as by nobody at all, also over a restart. */
static void what_was_asked_before_slows_nothing(void **state)
{
    struct pace p;
    pace_init(&p, noon);
    pace_good(&p, 20, noon);
    for (int restarted = 0; restarted < 2; restarted++) {
        if (restarted)
            p = kept(&p, noon + HOUR);
        int64_t at = noon + 40 * SECOND + restarted * HOUR;
        const int want[] = {10, 20, 40, 80, 160, 160};
        for (size_t i = 0; i < 6; i++, at += 10 * SECOND) {
            int n = calls(&p, at);
            assert_true(n >= want[i] * 9 / 10 - 1 && n <= want[i] * 12 / 10 + 2);
        }
    }
}

static void beside_others_it_does_not_grow(void **state)
{
    struct pace p;
    pace_init(&p, noon);
    int64_t at = noon;
    for (int i = 0; i < 30; i++, at += 10 * SECOND) {
        for (int s = 0; s < 10; s++)
            pace_good(&p, 1, at + s * SECOND);
        int n = calls(&p, at);
        assert_true(n >= 9 && n <= 13);
        assert_rate(&p, at + 10 * SECOND, 1);
    }
    assert_rate(&p, at + MINUTE, 1);
    for (int i = 0; i < 30; i++) /* one now and then is nobody */
        pace_good(&p, 1, at + MINUTE + i * 3 * SECOND);
    for (int i = 0; i < 5; i++)
        (void)calls(&p, at + MINUTE + i * 10 * SECOND);
    assert_rate(&p, at + 2 * MINUTE, 16);
}

/* What was reached alone was taken by the model: a fifth of it stays when others come. */
static void own_answers_count(void **state)
{
    struct pace p;
    pace_init(&p, noon);
    int64_t at = noon;
    for (int i = 0; i < 6; i++, at += 10 * SECOND)
        for (int n = calls(&p, at); n; n--)
            pace_good_ours(&p, at + 9 * SECOND);
    assert_rate(&p, at, 16);
    pace_good(&p, 5, at + SECOND);
    assert_true(pace_per_second(&p, at + SECOND) > 3);
    assert_true(pace_per_second(&p, at + SECOND) < 3.6);
    assert_true(pace_per_second(&p, at + HOUR) > 3); /* it begins with that the next time */
}

static void a_restart_goes_on(void **state)
{
    struct pace p, q;
    pace_init(&p, noon);
    for (int s = 0; s < 10; s++)
        pace_good(&p, 100, noon + s * SECOND);
    q = kept(&p, noon + 20 * SECOND);
    assert_rate(&q, noon + 20 * SECOND, 20);
    q = kept(&p, noon + 12 * HOUR);
    assert_rate(&q, noon + 12 * HOUR, 10);
    for (int s = 0; s < 10; s++)
        pace_good(&q, 200, noon + 12 * HOUR + s * SECOND); /* more was learned since */
    q = kept(&q, noon + 12 * HOUR + 20 * SECOND);
    assert_rate(&q, noon + 12 * HOUR + 20 * SECOND, 40);

    pace_init(&p, noon); /* alone */
    int64_t at = noon;
    for (int i = 0; i < 6; i++, at += 10 * SECOND)
        (void)calls(&p, at);
    assert_rate(&p, at, 16);
    q = kept(&p, at + MINUTE);
    assert_rate(&q, at + MINUTE, 16);
    q = kept(&p, at + HOUR);
    assert_rate(&q, at + HOUR, 1);
    q = kept(&p, at - HOUR); /* the clock went back */
    assert_rate(&q, at - HOUR, 1);
}

static void what_cannot_be_read_adds_nothing(void **state)
{
    struct buf b = {0};
    struct pace p, q;
    pace_init(&p, noon);
    for (int s = 0; s < 10; s++)
        pace_good(&p, 100, noon + s * SECOND);
    pace_write(&p, &b);
    struct str whole = buf_str(&b);
    for (size_t len = 0; len < whole.len; len++) {
        pace_init(&q, noon);
        assert_int_equal(pace_read(str_sub(whole, 0, len), &q, noon), ERR_BAD);
        assert_rate(&q, noon, 1);
    }
    buf_add_char(&b, 1);
    assert_int_equal(pace_read(buf_str(&b), &q, noon), ERR_BAD);
    for (unsigned form = 0; form < 256; form++) {
        const char bytes[] = {(char)form, 1, 1, 127, 1};
        assert_int_equal(pace_read(str_from(bytes, sizeof bytes), &q, noon),
                         form == 1 ? 0 : ERR_BAD);
    }
    assert_int_equal(pace_read(STR_TOO_FAST, &q, noon), ERR_BAD);
    assert_rate(&q, noon, 1);
    buf_fini(&b);
}

static void clocks_that_jump(void **state)
{
    struct pace p;
    int64_t again;
    pace_init(&p, noon);
    pace_good(&p, 1000, noon);
    while (pace_take(&p, noon, &again))
        ;
    pace_throttled(&p, noon);
    assert_false(pace_take(&p, noon - HOUR, &again));
    assert_true(again <= noon - HOUR + 2 * SECOND);
    assert_true(pace_take(&p, again, &again));
    pace_good(&p, 1, noon - HOUR);
    assert_true(pace_per_second(&p, noon - HOUR) >= 1);
    pace_throttled(&p, noon - HOUR);
    assert_true(pace_per_second(&p, noon + 1000000000000) >= 1);
    pace_good(&p, UINT32_MAX, noon);
    pace_good(&p, UINT32_MAX, noon);
    assert_true(isfinite(pace_per_second(&p, noon)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_a_second_at_least),
        cmocka_unit_test(a_fifth_of_the_best),
        cmocka_unit_test(it_fades),
        cmocka_unit_test(halved_by_a_429),
        cmocka_unit_test(no_burst_after_silence),
        cmocka_unit_test(alone_it_grows),
        cmocka_unit_test(what_was_asked_before_slows_nothing),
        cmocka_unit_test(beside_others_it_does_not_grow),
        cmocka_unit_test(own_answers_count),
        cmocka_unit_test(a_restart_goes_on),
        cmocka_unit_test(what_cannot_be_read_adds_nothing),
        cmocka_unit_test(clocks_that_jump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
