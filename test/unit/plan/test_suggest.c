/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/suggest: work of the night is found with its hours and its money, traffic of people never
 * is.
 */
#include "weir/plan/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct suggest_caller nobody = {
    .bucket = true, .persist = true, .offered = true, .at_once = 200};

/* Hours as a clock on the wall shows them. */
static struct suggest_hour *hour(struct suggest_caller *c, unsigned night, unsigned wall)
{
    return &c->hours[night][(wall + 12) % 24];
}

static void work(struct suggest_caller *c, unsigned night, unsigned wall, uint64_t requests)
{
    struct suggest_hour *h = hour(c, night, wall);
    h->requests += requests;
    h->fit += requests;
    h->cost_nanousd += requests * 10;
    h->batch_nanousd += requests * 5;
}

static struct suggest_caller nights_of_two_hours(unsigned first)
{
    struct suggest_caller c = nobody;
    for (unsigned n = first; n < 13; n++) {
        work(&c, n, 1, 400);
        work(&c, n, 2, 200);
    }
    return c;
}

static enum suggest_bar bar(const struct suggest_caller *c)
{
    struct suggest_found f;
    assert_true(suggest_look(c, &f));
    return f.bar;
}

static bool is_found(const struct suggest_caller *c)
{
    struct suggest_found f;
    return suggest_look(c, &f);
}

static void finds(void **state)
{
    struct suggest_caller c = nights_of_two_hours(3);
    struct suggest_found f;
    c.to_come = 10; /* it is 02:xx: the last night's two hours are not over */
    assert_true(suggest_look(&c, &f));
    assert_int_equal(f.of, 10);
    c.to_come = 9;
    assert_true(suggest_look(&c, &f));
    assert_int_equal(f.nights, 10);
    assert_int_equal(f.of, 11);
    assert_int_equal(f.last, 12);
    assert_int_equal(suggest_wall(f.begin), 1);
    assert_int_equal(suggest_wall(f.end), 3);
    assert_int_equal(f.requests, 600);
    assert_int_equal(f.cost_nanousd, 6000);
    assert_int_equal(f.batch_nanousd, 3000);
    assert_int_equal(f.bar, SUGGEST_FREE);
}

static void how_many_nights(void **state)
{
    struct suggest_caller c = nights_of_two_hours(11);
    assert_false(is_found(&c)); /* two */
    c = nights_of_two_hours(10);
    assert_true(is_found(&c));
    for (unsigned n = 10; n < 13; n++)
        *hour(&c, n, 1) = *hour(&c, n, 2) = (struct suggest_hour){0};
    assert_false(is_found(&c));
    for (unsigned n = 0; n < 10; n++) /* it was long ago */
        work(&c, n, 2, 400);
    assert_false(is_found(&c));
    work(&c, 10, 2, 400); /* a weekend is no end */
    assert_true(is_found(&c));
}

static void now_and_then(void **state)
{
    struct suggest_caller c = nobody;
    for (unsigned n = 1; n < 14; n += 3)
        work(&c, n, 2, 1000);
    assert_false(is_found(&c));
}

static void enough_for_a_job(void **state)
{
    struct suggest_caller c = nobody;
    for (unsigned n = 0; n < 14; n++)
        work(&c, n, 2, 99);
    assert_false(is_found(&c));
    c.records_least = 99;
    assert_true(is_found(&c));
    c.records_least = 100;
    assert_false(is_found(&c));
}

static void over_midnight(void **state)
{
    struct suggest_caller c = nobody;
    struct suggest_found f;
    for (unsigned n = 0; n < 14; n++)
        for (unsigned h = 22; h < 26; h++)
            work(&c, n, h % 24, 300 + h);
    assert_true(suggest_look(&c, &f));
    assert_int_equal(suggest_wall(f.begin), 22);
    assert_int_equal(suggest_wall(f.end), 2);
}

/* The same client has people in the day. */
static void beside_a_day(void **state)
{
    struct suggest_caller c = nights_of_two_hours(0);
    struct suggest_found f;
    for (unsigned n = 0; n < 14; n++)
        for (unsigned h = 8; h < 20; h++)
            work(&c, n, h, 40);
    assert_true(suggest_look(&c, &f));
    assert_int_equal(suggest_wall(f.begin), 1);
    assert_int_equal(f.requests, 600);
}

static void a_day_is_no_night(void **state)
{
    struct suggest_caller c = nobody;
    for (unsigned n = 0; n < 14; n++)
        for (unsigned h = 11; h < 15; h++)
            work(&c, n, h, 1000);
    assert_false(is_found(&c));
}

/* --- what stands in the way */

static void bars(void **state)
{
    struct suggest_caller c = nights_of_two_hours(3), with;
    struct suggest_hour *last = hour(&c, 12, 1);
    assert_int_equal(bar(&c), SUGGEST_FREE);
    hour(&c, 11, 1)->fit = 0; /* before the update */
    last->fit -= 60;
    assert_int_equal(bar(&c), SUGGEST_FREE);
    last->fit -= 1;
    assert_int_equal(bar(&c), SUGGEST_BODY);
    last->streams = 301;
    assert_int_equal(bar(&c), SUGGEST_STREAMS);
    c = nights_of_two_hours(3);
    with = c;
    with.offered = false;
    assert_int_equal(bar(&with), SUGGEST_MODEL);
    with = c;
    with.persist = false;
    assert_int_equal(bar(&with), SUGGEST_PERSIST);
    with = c;
    with.bucket = false;
    assert_int_equal(bar(&with), SUGGEST_BUCKET);
    with = c;
    with.at_once = 99;
    assert_int_equal(bar(&with), SUGGEST_ONE_BY_ONE);
    with.at_once = 0;
    assert_int_equal(bar(&with), SUGGEST_FREE);
    hour(&c, 12, 1)->batch_nanousd += 10 * 3000;
    assert_int_equal(bar(&c), SUGGEST_DEARER);
}

static void words(void **state)
{
    struct suggest_caller c = nobody;
    c.at_once = 8;
    for (int i = SUGGEST_FREE; i <= SUGGEST_ONE_BY_ONE; i++) {
        struct buf b = {0};
        suggest_add_bar(&c, (enum suggest_bar)i, &b);
        assert_true((buf_len(&b) > 0) == (i != SUGGEST_FREE));
        if (i == SUGGEST_ONE_BY_ONE)
            assert_true(str_starts(buf_str(&b), S("it has at most 8 requests")));
        buf_fini(&b);
    }
}

/* --- people: a curve of the day, and chance */

static uint64_t seed;

static uint32_t chance(uint32_t below)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15; /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)((z ^ z >> 31) >> 32) % below;
}

/* They begin between 5 and 12, for 7 to 14 hours, as much as the size of the house; nights have
 * some, weekends less. */
static void people(struct suggest_caller *c)
{
    unsigned begins = 5 + chance(8), hours = 7 + chance(8), size = 20 + chance(2000);
    unsigned idle = chance(size / 4 + 1);
    for (unsigned n = 0; n < SUGGEST_NIGHTS; n++)
        for (unsigned h = 0; h < 24; h++) {
            bool works = (h + 24 - begins) % 24 < hours && n % 7 < 5;
            work(c, n, h, chance(works ? size : idle + 1));
        }
}

/* A burst at any hour of each night. */
static void bursts(struct suggest_caller *c)
{
    for (unsigned n = 0; n < SUGGEST_NIGHTS; n++)
        *hour(c, n, chance(24)) = (struct suggest_hour){.requests = 100 + chance(500)};
}

/* The same at all hours, which is always a bit different. */
static void around_the_clock(struct suggest_caller *c)
{
    unsigned size = 50 + chance(2000);
    for (unsigned n = 0; n < SUGGEST_NIGHTS; n++)
        for (unsigned h = 0; h < 24; h++)
            work(c, n, h, size / 2 + chance(size));
}

static unsigned found_of(void (*kind)(struct suggest_caller *c))
{
    unsigned found = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        struct suggest_caller c = nobody;
        seed = i;
        kind(&c);
        found += is_found(&c);
    }
    return found;
}

static void people_are_not_suggested(void **state)
{
    assert_int_equal(found_of(people), 0);
    assert_int_equal(found_of(around_the_clock), 0);
    assert_true(found_of(bursts) <= 1); /* by chance eleven of fourteen come in the same hours */
}

/* And work of the night is, whatever people do in the day, at which hour it may begin. */
static void work_is_found_beside_people(void **state)
{
    for (uint32_t i = 0; i < 1000; i++) {
        struct suggest_caller c = nobody;
        struct suggest_found f;
        unsigned begins = 20 + chance(9), hours = 1 + chance(3), size = 10 + chance(100);
        seed = i;
        for (unsigned n = 4; n < 13; n++) {
            for (unsigned h = 9; h < 18; h++)
                work(&c, n, h, chance(size));
            for (unsigned h = 0; h < hours; h++)
                work(&c, n, (begins + h) % 24, size * 6 + 100);
        }
        if (!suggest_look(&c, &f))
            fail_msg("seed %u", i);
        assert_int_equal(suggest_wall(f.begin), begins % 24);
        assert_int_equal(suggest_wall(f.end), (begins + hours) % 24);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds),
        cmocka_unit_test(how_many_nights),
        cmocka_unit_test(now_and_then),
        cmocka_unit_test(enough_for_a_job),
        cmocka_unit_test(over_midnight),
        cmocka_unit_test(beside_a_day),
        cmocka_unit_test(a_day_is_no_night),
        cmocka_unit_test(bars),
        cmocka_unit_test(words),
        cmocka_unit_test(people_are_not_suggested),
        cmocka_unit_test(work_is_found_beside_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
