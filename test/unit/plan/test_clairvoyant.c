/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/clairvoyant: the cheapest way with the future known, worked out by hand for one block, and
 * for prompts of several.
 */
#include "weir/base/mem.h"
#include "weir/plan/clairvoyant.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct cache_terms claude = {
    .ttls = 3, .least_tokens = 1024, .read = 0.1f, .write_5m = 1.25f, .write_1h = 2};

struct story {
    struct clairvoyant *c;
    struct cache_terms terms;
    double weight;
};

static struct story begin(void)
{
    return (struct story){
        .c = clairvoyant_init(mem_new(CLAIRVOYANT_LEAST_BYTES), CLAIRVOYANT_LEAST_BYTES),
        .terms = claude,
        .weight = 1};
}

static void end(struct story *s)
{
    mem_free(s->c);
}

/* n blocks of 1,000 tokens of the line, and 200 tokens more. */
static void prompt(struct story *s, unsigned line, size_t n, int64_t second)
{
    struct cache_site sites[8];
    for (size_t i = 0; i < n; i++)
        sites[i] = (struct cache_site){
            .key = line * 10 + i, .tokens = (uint32_t)(i + 1) * 1000, .open = true};
    clairvoyant_see(s->c, &s->terms, sites, n, (uint32_t)n * 1000 + 200, s->weight, second * 1000);
}

static void is(const struct story *s, double cost, double read, double write)
{
    struct clairvoyant_sum sum = clairvoyant_sum(s->c);
    assert_float_equal(sum.cost, cost, 0.5);
    assert_float_equal(sum.read, read, 0.5);
    assert_float_equal(sum.write, write, 0.5);
}

static void once_is_plain_twice_is_cached(void **state)
{
    struct story s = begin();
    prompt(&s, 1, 2, 0);
    is(&s, 2200, 0, 0);
    prompt(&s, 1, 2, 299); /* known before: written for 1.25 */
    is(&s, 2500 + 200 + 400, 2000, 2000);
    prompt(&s, 1, 2, 598);
    is(&s, 2500 + 400 + 600, 4000, 2000);
    end(&s);
}

static void too_late_is_plain(void **state)
{
    struct story s = begin();
    prompt(&s, 1, 2, 0);
    prompt(&s, 1, 2, 300);
    is(&s, 4400, 0, 0); /* an hour: 2 + 0.1 */
    prompt(&s, 1, 2, 600);
    is(&s, 4000 + 200 + 200 + 600, 4000, 2000); /* ... pays the third time */
    prompt(&s, 1, 2, 5000);
    is(&s, 4000 + 400 + 600 + 2200, 4000, 2000);
    end(&s);
}

static void models_without_an_hour(void **state)
{
    struct story s = begin();
    s.terms.ttls = 1;
    for (int i = 0; i < 5; i++)
        prompt(&s, 1, 2, i * 400);
    is(&s, 5 * 2200, 0, 0);
    end(&s);
}

static void each_block_on_its_own(void **state)
{
    struct story s = begin();
    prompt(&s, 1, 2, 0);
    prompt(&s, 1, 3, 10); /* the third block is new */
    is(&s, 2500 + 200 + 1000 + 400, 2000, 2000);
    prompt(&s, 1, 3, 400); /* an hour for the first two: 2.2 against 2.35; the third stays plain */
    is(&s, 4400 + 2000 + 600, 4000, 2000);
    prompt(&s, 1, 3, 500); /* an hour for all three: 2.3, and 2.2 against 2.35 */
    is(&s, 4600 + 2200 + 800, 8000, 3000);
    end(&s);
}

static void limits_of_tokens(void **state)
{
    struct story s = begin();
    prompt(&s, 1, 1, 0); /* below the least: plain, and nothing lives longer by it */
    prompt(&s, 1, 1, 1);
    is(&s, 2400, 0, 0);
    s.terms.most_tokens = 2000;
    prompt(&s, 2, 4, 2);
    prompt(&s, 2, 4, 3);
    is(&s, 2400 + 2500 + 200 + 2 * 2200, 2000, 2000);
    end(&s);
}

static void weighs(void **state)
{
    struct story s = begin();
    s.weight = 3;
    prompt(&s, 1, 2, 0);
    prompt(&s, 1, 2, 1);
    is(&s, 3 * (2500 + 200 + 400), 2000, 2000);
    end(&s);
}

static void moves_without_what_is_over(void **state)
{
    struct story s = begin();
    size_t moves = 0;
    for (unsigned i = 1; i <= 20000; i++) {
        if (!clairvoyant_has_room(s.c, 2)) {
            struct clairvoyant *old = s.c;
            size_t bytes = clairvoyant_wants(old, 2, i * 10000);
            s.c = clairvoyant_move(old, mem_new(bytes), bytes, i * 10000);
            mem_free(old);
            assert_true(bytes < 400000); /* an hour is 360 prompts */
            moves++;
        }
        prompt(&s, i, 2, i * 10);
        prompt(&s, i, 2, i * 10 + 1);
    }
    assert_true(moves > 3);
    is(&s, 20000.0 * (2500 + 200 + 400), 20000.0 * 2000, 20000.0 * 2000);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_is_plain_twice_is_cached),
        cmocka_unit_test(too_late_is_plain),
        cmocka_unit_test(models_without_an_hour),
        cmocka_unit_test(each_block_on_its_own),
        cmocka_unit_test(limits_of_tokens),
        cmocka_unit_test(weighs),
        cmocka_unit_test(moves_without_what_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
