/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/verdict: the texts of refusals, how long they are remembered, silence, hits, stored bytes.
 * Texts: public bug reports of 2025-2026.
 */
#include "weir/plan/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    NOW = 1780000000,
    DAY = 86400,
    T = 1 << ASK_TOOLS,
    Y = 1 << ASK_SYSTEM,
    M = 1 << ASK_MESSAGES
};
enum { NOTHING = VERDICTS };
#define SAYS "The model returned the following errors: "

static struct cache_terms claude(void)
{
    return (struct cache_terms){.fields = T | Y | M, .ttls = 3, .least_tokens = 1024, .hit = 1};
}

/* --- texts */

static const struct {
    const char *text;
    unsigned marked;
    bool hour, about;
    unsigned learned; /* enum verdict_of; VERDICTS: nothing */
} texts[] = {
    {"You invoked an unsupported model or your request did not allow prompt caching.", Y, false,
     true, VERDICT_ANY},
    {"You invoked an unsupported model or your request did not allow prompt caching. See the "
     "documentation for more information.",
     M, true, true, VERDICT_ANY},
    {"Malformed input request: #/toolConfig/tools/18: extraneous key [cachePoint] is not "
     "permitted, "
     "please reformat your input and try again.",
     T | M, false, true, VERDICT_TOOLS},
    {SAYS "Malformed input request: #/toolConfig/tools/0: extraneous key [cachePoint] is not "
          "permitted, please reformat your input and try again.",
     T, false, true, VERDICT_TOOLS},
    {"Malformed input request: #/tools/0: extraneous key [cachePoint] is not permitted", T, false,
     true, VERDICT_TOOLS},
    {"Malformed input request: #/system/1: extraneous key [cachePoint] is not permitted, please", Y,
     false, true, VERDICT_SYSTEM},
    {"Malformed input request: #/messages/0/content/1: extraneous key [cachePoint] is not "
     "permitted",
     M, false, true, VERDICT_MESSAGES},
    {"Malformed input request: #/system/1/cachePoint: extraneous key [ttl] is not permitted", Y,
     true, true, VERDICT_1H},
    {"tools.0.cache_control: Extra inputs are not permitted", T, false, true, VERDICT_TOOLS},
    {"tools.12.custom.cache_control: Extra inputs are not permitted", T | Y, false, true,
     VERDICT_TOOLS},
    {"system.0.cache_control: Extra inputs are not permitted", Y, false, true, VERDICT_SYSTEM},
    {SAYS "messages.2.content.0.text.cache_control: Extra inputs are not permitted", M, false, true,
     VERDICT_MESSAGES},
    {SAYS "messages.3.content.0.cache_control.ttl: Extra inputs are not permitted", M, true, true,
     VERDICT_1H},
    {"system.0.cache_control.ephemeral.ttl: Extra inputs are not permitted", Y, true, true,
     VERDICT_1H},
    {"system.0.cache_control.ttl: Input should be '5m'", Y, true, true, VERDICT_1H},
    /* About this body alone. */
    {"A maximum of 4 blocks with cache_control may be provided. Found 5.", M, true, true, NOTHING},
    {SAYS "messages.0.content.0.cache_control.ttl: a ttl='1h' cache_control block must not come "
          "after a ttl='5m' cache_control block. Note that blocks are processed in the following "
          "order: `tools`, `system`, `messages`.",
     M, true, true, NOTHING},
    {"messages.0.content.0.text: cache_control cannot be set for empty text blocks", M, false, true,
     NOTHING},
    {"messages.13.content.0.thinking.cache_control: Extra inputs are not permitted", M, false, true,
     NOTHING},
    {"messages.1.content.0.redacted_thinking.cache_control: Extra inputs are not permitted", M,
     false, true, NOTHING},
    {"There is nothing available to cache. Please remove the invalid cache point and try again.", M,
     false, true, NOTHING},
    {"Cache point cannot be inserted after reasoning block. Please remove the invalid cache point "
     "and try again.",
     M, false, true, NOTHING},
    /* About the client's own: Weir had marked nothing there. */
    {"tools.0.cache_control: Extra inputs are not permitted", Y | M, false, false, NOTHING},
    {"system.0.cache_control.ttl: Extra inputs are not permitted", Y, false, false, NOTHING},
    {"system.0.cache_control.type: Input should be 'ephemeral'", Y, false, false, NOTHING},
    /* About something else, the client's words quoted in it among them. */
    {"", T | Y | M, true, false, NOTHING},
    {": ", T | Y | M, true, false, NOTHING},
    {"messages", T | Y | M, true, false, NOTHING},
    {"Too many tokens, please wait before trying again.", Y, false, false, NOTHING},
    {"max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens", Y, true,
     false, NOTHING},
    {"messages.0.content.0.cache_controls: Extra inputs are not permitted", M, false, false,
     NOTHING},
    {"toolset.cache_control: Extra inputs are not permitted", T, false, false, NOTHING},
    {"Malformed input request: #: extraneous key [You invoked an unsupported model or your request "
     "did not allow prompt caching.] is not permitted",
     Y | M, false, false, NOTHING},
    {"Malformed input request: #: extraneous key [cachePoint] is not permitted", Y, false, false,
     NOTHING},
    {"Malformed input request: #: extraneous key [tools.0.cache_control: Extra inputs are not "
     "permitted] is not permitted",
     T, false, false, NOTHING},
    {"unexpected model \"tools.0.cache_control: Extra inputs are not permitted\"", T, false, false,
     NOTHING},
};

static void says_what_it_is_about(void **state)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct verdict v = {0};
        bool about =
            verdict_refused(&v, str_of(texts[i].text), texts[i].marked, texts[i].hour, NOW);
        if (about != texts[i].about)
            fail_msg("row %zu: %s", i, texts[i].text);
        for (unsigned of = 0; of < VERDICTS; of++)
            if ((v.until_s[of] != 0) != (of == texts[i].learned))
                fail_msg("row %zu, %s: %s", i, verdict_word((enum verdict_of)of).ptr,
                         texts[i].text);
    }
}

static void takes_it_out_of_the_terms(void **state)
{
    static const struct {
        enum verdict_of of;
        bool marks;
        unsigned fields, ttls;
    } rows[] = {{VERDICT_TOOLS, true, Y | M, 3},
                {VERDICT_SYSTEM, true, T | M, 3},
                {VERDICT_MESSAGES, true, T | Y, 3},
                {VERDICT_ANY, false, T | Y | M, 3},
                {VERDICT_1H, true, T | Y | M, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cache_terms terms = claude(), after = claude();
        struct verdict v = {0};
        v.until_s[rows[i].of] = NOW + 10;
        terms.ttl = CACHE_TTL_1H; /* as configured: still no TTL that is refused */
        assert_int_equal(verdict_apply(&v, NOW, &terms), rows[i].marks);
        assert_int_equal(terms.ttl, rows[i].ttls == 3 ? CACHE_TTL_1H : CACHE_TTL_AUTO);
        assert_int_equal(terms.fields, rows[i].fields);
        assert_int_equal(terms.ttls, rows[i].ttls);
        assert_true(verdict_apply(&v, NOW + 10, &after));
        assert_int_equal(after.fields, T | Y | M);
        assert_int_equal(after.ttls, 3);
    }
    struct verdict none = {0}, all = {.until_s = {NOW + 1, NOW + 1, NOW + 1}};
    struct cache_terms terms = claude();
    assert_false(verdict_apply(&all, NOW, &terms));
    terms = claude();
    assert_true(verdict_apply(&none, NOW, &terms));
    assert_int_equal(terms.least_tokens, 1024);
}

/* --- how long */

static void a_day_then_weeks(void **state)
{
    const struct str text = STR("tools.0.cache_control: Extra inputs are not permitted");
    struct verdict v = {0};
    int64_t now = NOW;
    assert_true(verdict_refused(&v, text, T, false, now));
    assert_int_equal(v.until_s[VERDICT_TOOLS], now + DAY);
    assert_true(verdict_refused(&v, text, T, false, now + 5)); /* they were on their way */
    assert_int_equal(v.until_s[VERDICT_TOOLS], now + DAY);
    assert_int_equal(v.times[VERDICT_TOOLS], 1);
    now += DAY;
    assert_true(verdict_refused(&v, text, T, false, now));
    assert_int_equal(v.until_s[VERDICT_TOOLS], now + 7 * DAY);
    now += 7 * DAY;
    assert_true(verdict_refused(&v, text, T, false, now));
    assert_int_equal(v.until_s[VERDICT_TOOLS], now + 7 * DAY);
    now += 15 * DAY; /* a week and more without one */
    assert_true(verdict_refused(&v, text, T, false, now));
    assert_int_equal(v.until_s[VERDICT_TOOLS], now + DAY);
}

static void a_clock_that_went_back_forbids_nothing(void **state)
{
    struct cache_terms terms = claude();
    struct verdict v = {0};
    v.until_s[VERDICT_ANY] = INT64_MAX;
    assert_true(verdict_apply(&v, NOW, &terms));
    v.until_s[VERDICT_ANY] = NOW + 7 * DAY;
    assert_false(verdict_apply(&v, NOW, &terms));
    assert_true(verdict_apply(&v, NOW - DAY, &terms));
}

/* --- blame */

static bool blamed(const struct verdict *v, enum verdict_of of)
{
    return v->until_s[of] == NOW + DAY;
}

static void blame_twice(struct verdict *v, unsigned marked, bool hour)
{
    verdict_blamed(v, marked, hour, NOW - 10);
    verdict_blamed(v, marked, hour, NOW);
}

static void once_may_be_chance(void **state)
{
    struct cache_terms terms = claude();
    struct verdict v = {0};
    verdict_blamed(&v, T, false, NOW);
    verdict_blamed(&v, T, false, NOW); /* at once: the same reason */
    verdict_blamed(&v, T, false, NOW + 3601);
    assert_true(verdict_apply(&v, NOW + 3601, &terms));
    assert_int_equal(terms.fields, T | Y | M);
    verdict_blamed(&v, T, false, NOW + 3700);
    assert_true(verdict_apply(&v, NOW + 3700, &terms));
    assert_int_equal(terms.fields, Y | M);
}

static void blames_one_thing_at_a_time(void **state)
{
    static const struct {
        unsigned marked;
        bool hour;
        enum verdict_of of;
    } rows[] = {{T | Y | M, true, VERDICT_1H},
                {T | Y | M, false, VERDICT_TOOLS},
                {Y | M, false, VERDICT_MESSAGES},
                {Y, false, VERDICT_SYSTEM}};
    struct verdict v = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        blame_twice(&v, rows[i].marked, rows[i].hour);
        for (size_t j = 0; j < sizeof rows / sizeof *rows; j++)
            assert_int_equal(blamed(&v, rows[j].of), j <= i);
        verdict_blamed(&v, rows[i].marked, rows[i].hour, NOW); /* was on its way */
        assert_int_equal(v.times[rows[i].of], 1);
    }
    assert_int_equal(v.until_s[VERDICT_ANY], 0);
}

/* --- silence: what was marked and neither written nor read */

static uint32_t least(const struct verdict *v, int64_t now_s)
{
    struct cache_terms terms = claude();
    assert_true(verdict_apply(v, now_s, &terms));
    return terms.least_tokens;
}

static void three_silences_raise_the_minimum(void **state)
{
    struct verdict v = {0};
    verdict_answered(&v, 0, 0, 1100, 1100, 0, 0, NOW);
    verdict_answered(&v, 0, 0, 1200, 1200, 0, 0, NOW);
    assert_int_equal(least(&v, NOW), 1024);
    verdict_answered(&v, 0, 0, 1100, 1100, 0, 0, NOW);
    assert_int_equal(least(&v, NOW), 1501);
    verdict_answered(&v, 0, 0, 3000, 3000, 0, 0, NOW + 60);
    assert_int_equal(least(&v, NOW + 60), 3751);
    verdict_answered(&v, 0, 0, 3600, 3600, 0, 3600, NOW + 60); /* and there it was written */
    assert_int_equal(least(&v, NOW + 60), 3600);
    verdict_answered(&v, 3600, 0, 2000, 5600, 0, 0, NOW + 60); /* not the minimum's fault */
    assert_int_equal(least(&v, NOW + 60), 3600);
    assert_int_equal(least(&v, NOW + 60 + DAY), 1024); /* forgotten, tried again */
    verdict_answered(&v, 0, 0, 1100, 1100, 0, 0, NOW + 60 + DAY);
    assert_int_equal(least(&v, NOW + 60 + DAY), 1024);
}

static void a_later_write_corrects_it(void **state)
{
    struct verdict v = {0};
    for (int i = 0; i < 4; i++)
        verdict_answered(&v, 0, 0, 2000, 2000, 0, 0, NOW);
    assert_int_equal(least(&v, NOW), 2501);
    verdict_answered(&v, 0, 0, 1500, 1500, 0, 1490, NOW);
    assert_int_equal(least(&v, NOW), 1024);
    assert_int_equal(v.spoke_tokens, 1500);
}

static void below_what_was_believed_says_nothing(void **state)
{
    struct verdict v = {0};
    for (int i = 0; i < 4; i++)
        verdict_answered(&v, 0, 0, 600, 600, 0, 0, NOW);
    assert_int_equal(least(&v, NOW), 1024);
    for (int i = 0; i < 4; i++)
        verdict_answered(&v, 0, 0, 0, 9000, 0, 0, NOW); /* nothing was expected of it */
    assert_int_equal(v.silent_tokens, 600);
}

/* --- hits */

static float hit(const struct verdict *v, int64_t now_s)
{
    struct cache_terms terms = claude();
    assert_true(verdict_apply(v, now_s, &terms));
    return terms.hit;
}

static void try_times(struct verdict *v, unsigned n, uint64_t read)
{
    for (unsigned i = 0; i < n; i++)
        verdict_answered(v, 2000, 0, 100, 2100, read, read ? 100 : 2100, NOW);
}

static void hits_are_counted(void **state)
{
    struct verdict v = {0};
    assert_true(hit(&v, NOW) > 0.98F);
    try_times(&v, 50, 1900);
    assert_true(hit(&v, NOW) > 0.99F);
    struct verdict misses = {0};
    try_times(&misses, 3, 0);
    assert_true(hit(&misses, NOW) < 0.45F);
    struct verdict half = {0};
    for (int i = 0; i < 100; i++)
        try_times(&half, 1, i % 2 ? 2000 : 0);
    assert_true(hit(&half, NOW) > 0.45F && hit(&half, NOW) < 0.57F);
}

/* What only a marker for an hour kept for longer than five minutes. */
static void missed_renewals_are_believed(void **state)
{
    struct cache_terms terms = claude();
    struct verdict v = {0};
    assert_true(verdict_apply(&v, NOW, &terms));
    assert_true(terms.renews);
    float hit = terms.hit;
    for (int i = 0; i < 2; i++)
        verdict_answered(&v, 9000, 8000, 100, 9100, 1000, 8100, NOW);
    verdict_answered(&v, 9000, 8000, 100, 9100, 8800, 100, NOW); /* it was there: begin anew */
    for (int i = 0; i < 2; i++)
        verdict_answered(&v, 9000, 8000, 100, 9100, 0, 9100, NOW);
    assert_true(verdict_apply(&v, NOW, &terms) && terms.renews);
    verdict_answered(&v, 9000, 8000, 100, 9100, 1000, 8100, NOW);
    assert_true(verdict_apply(&v, NOW, &terms));
    assert_false(terms.renews);
    assert_true(terms.hit > hit - 0.01F); /* other reads are not blamed */
    assert_true(verdict_apply(&v, NOW + DAY, &terms) && terms.renews);
}

static void hits_are_forgotten(void **state)
{
    struct verdict v = {0};
    try_times(&v, 300, 2000);
    try_times(&v, 100, 0); /* it changed: a hundred tries later nothing is left of the old */
    assert_true(hit(&v, NOW) < 0.2F);
    assert_true(hit(&v, NOW + DAY) < 0.4F);
    assert_true(hit(&v, NOW + 30 * DAY) > 0.6F); /* worth a try again */
    struct verdict silent = {0};
    for (int i = 0; i < 10; i++)
        verdict_answered(&silent, 1100, 0, 0, 1100, 0, 0, NOW); /* below the minimum: no miss */
    assert_true(hit(&silent, NOW) > 0.98F);
}

/* --- kept */

static void survives_a_restart(void **state)
{
    struct verdict v = {0}, again;
    struct buf b = {0};
    blame_twice(&v, T | Y, true);
    blame_twice(&v, T | Y, false);
    try_times(&v, 7, 1000);
    for (int i = 0; i < 4; i++)
        verdict_answered(&v, 0, 0, 2000, 2000, 0, 0, NOW);
    verdict_write(&v, &b);
    assert_int_equal(verdict_read(buf_str(&b), &again), 0);
    assert_memory_equal(again.until_s, v.until_s, sizeof v.until_s);
    assert_memory_equal(again.times, v.times, sizeof v.times);
    assert_int_equal(least(&again, NOW), least(&v, NOW));
    float before = hit(&v, NOW), after = hit(&again, NOW);
    assert_true(before - after < 0.01F && after - before < 0.01F);
    for (size_t n = 0; n < buf_len(&b); n++)
        assert_int_equal(verdict_read(str_sub(buf_str(&b), 0, n), &again), ERR_BAD);
    buf_add_char(&b, 0);
    assert_int_equal(verdict_read(buf_str(&b), &again), ERR_BAD);
    b.data[b.head] = 9;
    assert_int_equal(verdict_read(buf_str(&b), &again), ERR_BAD);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_it_is_about),
        cmocka_unit_test(takes_it_out_of_the_terms),
        cmocka_unit_test(a_day_then_weeks),
        cmocka_unit_test(a_clock_that_went_back_forbids_nothing),
        cmocka_unit_test(once_may_be_chance),
        cmocka_unit_test(blames_one_thing_at_a_time),
        cmocka_unit_test(three_silences_raise_the_minimum),
        cmocka_unit_test(a_later_write_corrects_it),
        cmocka_unit_test(below_what_was_believed_says_nothing),
        cmocka_unit_test(hits_are_counted),
        cmocka_unit_test(missed_renewals_are_believed),
        cmocka_unit_test(hits_are_forgotten),
        cmocka_unit_test(survives_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
