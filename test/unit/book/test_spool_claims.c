/* SPDX-License-Identifier: Apache-2.0
 *
 * book/spool's claims: held against a plain list of them, through random histories.
 */
#include "../../../src/book/spool_claims.h"

#include "weir/base/mem.h"
#include "weir/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { RECORDS = 200, KEYS = 7, STEPS = 100000 };

/* What should be. */
static struct {
    unsigned waiters, handed, told;
    int64_t until;
} want[RECORDS + 1];

static const unsigned char *key_of(uint64_t number)
{
    static unsigned char keys[KEYS][SPOOL_HASH];
    unsigned char *key = keys[number % KEYS];
    memset(key, 0, SPOOL_HASH);
    key[SPOOL_HASH - 1] = (unsigned char)(number % KEYS); /* alike but for the end */
    return key;
}

static bool is_claimed(uint64_t number, int64_t now)
{
    return want[number].waiters || want[number].handed || want[number].until > now;
}

static void step(struct claims *c, uint64_t number, int64_t now)
{
    struct spool_waiter w = {.arg = &want[number]}, left;
    struct claim_waiter *all, *next;
    switch (random_below(7)) {
    case 0:
        claims_wait(c, number, key_of(number), &w);
        want[number].waiters++;
        break;
    case 1:
        assert_int_equal(claims_leave(c, number, w.arg, &left), want[number].waiters > 0);
        want[number].waiters -= want[number].waiters > 0;
        break;
    case 2:
        claims_hand(c, number, key_of(number));
        want[number].handed++;
        break;
    case 3:
        claims_unhand(c, number);
        want[number].handed -= want[number].handed > 0;
        break;
    case 4:
        claims_time(c, number, key_of(number), now + 50);
        want[number].told += 1 - (want[number].until > now ? 0 : want[number].told);
        want[number].until = now + 50;
        break;
    case 5:
        claims_untime(c, number);
        if (want[number].until > now && --want[number].told == 0)
            want[number].until = 0;
        break;
    default:
        for (all = claims_take(c, number); all; all = next) {
            next = all->next;
            mem_free(all);
            want[number].handed++;
        }
        want[number].waiters = 0;
        break;
    }
}

/* The first of a key that is nobody's, by looking from where the claims say. */
static void look(struct claims *c, unsigned key, int64_t now)
{
    uint64_t first = 0, from = claims_from(c, key_of(key));
    for (uint64_t n = 1; n <= RECORDS && !first; n++)
        if (n % KEYS == key && !is_claimed(n, now))
            first = n;
    for (uint64_t n = 1; n <= RECORDS; n++) {
        if (n % KEYS != key || n < from)
            continue;
        if (claims_has(c, n)) {
            claims_passed(c, key_of(key), n + 1);
            continue;
        }
        assert_int_equal(n, first);
        return;
    }
    assert_int_equal(first, 0);
}

static void claims_are_what_they_should_be(void **state)
{
    struct claims c;
    struct spool_waiter left;
    random_seed(7);
    claims_init(&c);
    for (int64_t now = 1; now <= STEPS; now++) {
        uint64_t number = 1 + random_below(RECORDS);
        claims_tick(&c, now);
        step(&c, number, now);
        assert_int_equal(claims_has(&c, number), is_claimed(number, now));
        assert_int_equal(claims_held(&c, number), want[number].waiters || want[number].handed);
        look(&c, (unsigned)random_below(KEYS), now);
    }
    for (uint64_t n = 1; n <= RECORDS; n++) {
        while (claims_leave(&c, n, &want[n], &left))
            want[n].waiters--;
        for (; want[n].handed; want[n].handed--)
            claims_unhand(&c, n);
        assert_int_equal(want[n].waiters, 0);
    }
    claims_tick(&c, STEPS + 100);
    assert_int_equal(c.records.n + c.keys.n, 0); /* nothing is kept of what is over */
    claims_fini(&c);
    random_seed(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(claims_are_what_they_should_be)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
