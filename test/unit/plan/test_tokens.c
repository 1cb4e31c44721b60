/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/tokens: text by its bytes, images flat, files by theirs. Scales: learned within ten
 * requests, not led astray by single ones, and kept.
 */
#include "weir/base/buf.h"
#include "weir/plan/tokens.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A body of `n` bytes of base64 that begin with `head`, in a little JSON: 20 bytes around it. */
static uint64_t of_file(const char *head, size_t n)
{
    struct buf b = {0};
    buf_add(&b, S("{\"a\":\"x\",\"bytes\":\""));
    buf_add(&b, str_of(head));
    for (size_t i = strlen(head); i < n; i++)
        buf_add_char(&b, "QUJDREVG0123+/"[i % 14]);
    buf_add(&b, S("\"}"));
    uint64_t tokens = tokens_estimate(buf_str(&b));
    buf_fini(&b);
    return tokens;
}

static void text_by_its_bytes(void **state)
{
    static char body[100000];
    assert_int_equal(tokens_estimate(S("")), 0);
    assert_int_equal(tokens_estimate(S("x")), 1);
    assert_int_equal(tokens_estimate(S("12345678")), 2);
    memset(body, ' ', sizeof body);
    assert_int_equal(tokens_estimate(str_from(body, sizeof body)), 25000);
    memset(body, '"', sizeof body);
    assert_int_equal(tokens_estimate(str_from(body, sizeof body)), 25000);
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = "\"some words \\\" and more\", "[i % 26];
    assert_int_equal(tokens_estimate(str_from(body, sizeof body)), 25000);
}

static void files_by_their_kind(void **state)
{
    assert_int_equal(of_file("iVBORw0KGgo", 4000000), 1605);
    assert_int_equal(of_file("/9j/", 2000), 1605);
    assert_int_equal(of_file("data:image/jpeg;base64,/9j/", 20000), 1605);
    assert_int_equal(of_file("JVBERi0", 1600000), 100005);
    assert_int_equal(of_file("iVBORw0KGgo", 1000), 255); /* short */
    assert_int_equal(of_file("no base64.", 4000), 1005);
}

static void many_of_them(void **state)
{
    struct buf b = {0};
    for (int i = 0; i < 20; i++) {
        buf_add(&b, S("\"R0lGOD"));
        for (int j = 0; j < 5000; j++)
            buf_add_char(&b, 'A');
        buf_add(&b, S("\","));
    }
    assert_int_equal(tokens_estimate(buf_str(&b)), 20 * 1600 + 15);
    buf_fini(&b);
}

/* --- scales */

/* n requests of which each is `factor` times the estimate, give or take a tenth. */
static void learn(struct tokens_scale *s, int n, double factor)
{
    static unsigned seed;
    for (int i = 0; i < n; i++) {
        uint64_t estimated = 1000 + (seed = seed * 1103515245 + 12345) % 50000;
        double noise = 0.9 + 0.01 * (double)((seed = seed * 1103515245 + 12345) / 65536 % 21);
        tokens_scale_learn(s, estimated, (uint64_t)((double)estimated * factor * noise));
    }
}

static bool is_about(const struct tokens_scale *s, double factor)
{
    return fabs((double)s->factor / factor - 1) < 0.1;
}

static void nothing_known(void **state)
{
    struct tokens_scale s = {0};
    assert_int_equal(tokens_scaled(&s, 1234), 1234);
    assert_int_equal(tokens_scaled(&s, UINT64_MAX), UINT32_MAX);
    tokens_scale_learn(&s, TOKENS_SCALE_LEAST - 1, 1000);
    tokens_scale_learn(&s, 5000, 0);
    assert_int_equal(s.times, 0);
    assert_int_equal(tokens_scaled(&s, 1234), 1234);
}

static void the_first_counts_at_once(void **state)
{
    struct tokens_scale s = {0};
    tokens_scale_learn(&s, 1000, 1500);
    assert_int_equal(tokens_scaled(&s, 3000), 4500);
    assert_true(fabs((double)s.error - 1.0 / 3) < 0.001); /* before it was learned from */
}

static void learned_within_ten(void **state)
{
    static const double factors[] = {0.3, 0.8, 1, 1.4, 3};
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        struct tokens_scale s = {0};
        learn(&s, 10, factors[i]);
        assert_true(is_about(&s, factors[i]));
        learn(&s, 30, factors[i]);
        assert_true(is_about(&s, factors[i]) && s.error < 0.1F);
        learn(&s, 10, factors[i] * 4); /* other traffic */
        assert_true(is_about(&s, factors[i] * 4));
    }
}

static void a_slow_change_is_followed(void **state)
{
    struct tokens_scale s = {0};
    learn(&s, 20, 1);
    learn(&s, 30, 1.3);
    assert_true(is_about(&s, 1.3));
}

/* One and two at a time, on both sides, from the very first request on. */
static void outliers_change_nothing(void **state)
{
    struct tokens_scale s = {0};
    tokens_scale_learn(&s, 1000, 20000);
    learn(&s, 10, 1.2);
    assert_true(is_about(&s, 1.2));
    for (int i = 0; i < 50; i++) {
        tokens_scale_learn(&s, 1000, 12000);
        if (i % 2)
            tokens_scale_learn(&s, 1000, 30000);
        learn(&s, 4, 1.2);
        tokens_scale_learn(&s, 40000, 500);
        learn(&s, 4, 1.2);
        assert_true(is_about(&s, 1.2));
    }
    assert_true(s.error > 0.1F && s.error < 0.4F); /* it says how often it is wrong */
}

static void it_stays_within_reason(void **state)
{
    struct tokens_scale s = {0};
    for (int i = 0; i < 20; i++)
        tokens_scale_learn(&s, 1000, UINT64_MAX);
    assert_int_equal(tokens_scaled(&s, 1000), 16000);
    for (int i = 0; i < 20; i++)
        tokens_scale_learn(&s, UINT64_MAX, 1);
    assert_true(s.factor > 0 && tokens_scaled(&s, 1600) == 100);
    assert_true(s.error <= 1);
}

static void scales_come_back(void **state)
{
    struct tokens_scale s = {0}, out = {0};
    struct buf b = {0};
    learn(&s, 10, 1.2);
    tokens_scale_learn(&s, 1000, 12000);
    tokens_scale_write(&s, &b);
    struct str row = buf_str(&b);
    assert_int_equal(tokens_scale_read(row, &out), 0);
    assert_memory_equal(&out, &s, sizeof s);
    for (size_t n = 0; n < row.len; n++)
        assert_int_equal(tokens_scale_read(str_sub(row, 0, n), &out), ERR_BAD);
    for (size_t bit = 0; bit < row.len * 8; bit++) {
        b.data[b.head + bit / 8] = (char)(b.data[b.head + bit / 8] ^ 1 << bit % 8);
        assert_int_equal(tokens_scale_read(row, &out), ERR_BAD);
        b.data[b.head + bit / 8] = (char)(b.data[b.head + bit / 8] ^ 1 << bit % 8);
    }
    assert_memory_equal(&out, &s, sizeof s);
    buf_clear(&b);
    s.factor = NAN;
    tokens_scale_write(&s, &b);
    assert_int_equal(tokens_scale_read(buf_str(&b), &out), ERR_BAD);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_by_its_bytes),
        cmocka_unit_test(files_by_their_kind),
        cmocka_unit_test(many_of_them),
        cmocka_unit_test(nothing_known),
        cmocka_unit_test(the_first_counts_at_once),
        cmocka_unit_test(learned_within_ten),
        cmocka_unit_test(a_slow_change_is_followed),
        cmocka_unit_test(outliers_change_nothing),
        cmocka_unit_test(it_stays_within_reason),
        cmocka_unit_test(scales_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
