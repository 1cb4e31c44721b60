/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/levers: what holds after a start, a word at run time, and reloads of each kind; and that the
 * cache is told.
 */
#include "weir/gate/levers.h"

#include "weir/base/clock.h"
#include "weir/gate/shared_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void has_a_word_for_each(void **state)
{
    enum levers_mode m = LEVERS_ON;
    for (int i = LEVERS_ON; i <= LEVERS_OFF; i++) {
        assert_true(levers_read(levers_word((enum levers_mode)i), &m));
        assert_int_equal(m, i);
    }
    assert_false(levers_read(S("On"), &m) || levers_read(S(""), &m) || levers_read(S("of"), &m));
    assert_int_equal(m, LEVERS_OFF);
}

static void follows_the_configuration(void **state)
{
    struct levers l = {0};
    levers_follow(&l, LEVERS_OBSERVE, LEVERS_OBSERVE);
    assert_int_equal(levers_mode(&l), LEVERS_OBSERVE);
    levers_follow(&l, LEVERS_OBSERVE, LEVERS_ON);
    assert_int_equal(levers_mode(&l), LEVERS_ON);
}

static void keeps_what_was_set(void **state)
{
    struct levers l = {0};
    levers_follow(&l, LEVERS_ON, LEVERS_ON);
    levers_set(&l, LEVERS_OFF);
    assert_int_equal(levers_mode(&l), LEVERS_OFF);
    levers_follow(&l, LEVERS_ON, LEVERS_ON); /* a reload for something else */
    assert_int_equal(levers_mode(&l), LEVERS_OFF);
    levers_follow(&l, LEVERS_ON, LEVERS_OBSERVE); /* one for the levers */
    assert_int_equal(levers_mode(&l), LEVERS_OBSERVE);
    levers_follow(&l, LEVERS_OBSERVE, LEVERS_OBSERVE);
    assert_int_equal(levers_mode(&l), LEVERS_OBSERVE);
    levers_set(&l, LEVERS_OBSERVE);
    levers_follow(&l, LEVERS_OBSERVE, LEVERS_OFF);
    assert_int_equal(levers_mode(&l), LEVERS_OFF);
}

/* Is a mark of now believed, after the levers were changed to `now`? */
static bool believes(struct shared_cache *c, struct levers *l, enum levers_mode now)
{
    uint32_t tick = prefix_tick(clock_wall_ms());
    struct cache_site site = {.key = 7, .tokens = 5000};
    const struct cache_plan plan = {.n = 1, .marks = {{.ttl = ASK_1H}}};
    shared_cache_see(c, &site, 1, tick, false);
    shared_cache_mark(c, &site, &plan, tick);
    levers_set(l, now);
    shared_cache_see(c, &site, 1, tick, true);
    return site.was.cached_until > tick;
}

static void the_cache_is_told(void **state)
{
    struct levers l = {0};
    struct shared_cache *c = shared_cache_new(1 << 20);
    levers_follow(&l, LEVERS_OBSERVE, LEVERS_OBSERVE);
    levers_lead(&l, c);
    assert_true(believes(c, &l, LEVERS_OBSERVE));
    assert_false(believes(c, &l, LEVERS_ON));
    shared_cache_free(c);
    c = shared_cache_new(1 << 20);
    l.cache = NULL;
    levers_set(&l, LEVERS_ON);
    levers_lead(&l, c);
    assert_true(believes(c, &l, LEVERS_OFF));
    assert_true(believes(c, &l, LEVERS_OBSERVE));
    assert_false(believes(c, &l, LEVERS_OFF));
    shared_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_a_word_for_each), cmocka_unit_test(follows_the_configuration),
        cmocka_unit_test(keeps_what_was_set), cmocka_unit_test(the_cache_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
