/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/cache_world: small stories whose bills were worked out by hand. A block has 1,000 tokens; a
 * read costs 0.1, a write 1.25 or 2.
 */
#include "weir/base/mem.h"
#include "weir/plan/cache_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCK = 1000, MOST = 64 };

static const struct cache_terms claude = {
    .ttls = 3, .least_tokens = 1024, .read = 0.1f, .write_5m = 1.25f, .write_1h = 2};

struct story {
    struct cache_world *world;
    struct cache_terms terms;
    struct cache_bill bill;
};

static struct story begin(void)
{
    return (struct story){
        .world = cache_world_init(mem_new(CACHE_WORLD_LEAST_BYTES), CACHE_WORLD_LEAST_BYTES),
        .terms = claude};
}

static void end(struct story *s)
{
    mem_free(s->world);
}

/* A prompt of n blocks of the line `line`, and 500 tokens more; marks as "2:5m 4:1h", by how many
 * blocks are before them. */
static void prompt(struct story *s, unsigned line, size_t n, const char *marks, int64_t second)
{
    struct cache_site sites[MOST];
    struct cache_mark at[ASK_MARKERS_MOST];
    size_t n_marks = 0;
    for (size_t i = 0; i < n; i++)
        sites[i] = (struct cache_site){
            .key = line * 1000 + i, .tokens = (uint32_t)(i + 1) * BLOCK, .open = true};
    for (; *marks; marks += strcspn(marks, " "), marks += *marks == ' ') {
        uint32_t block = 0;
        for (; *marks != ':'; marks++)
            block = block * 10 + (uint32_t)(*marks - '0');
        at[n_marks++] =
            (struct cache_mark){.block = block - 1, .ttl = marks[2] == 'h' ? ASK_1H : ASK_5M};
    }
    cache_world_bill(s->world, &s->terms, sites, n, (uint32_t)n * BLOCK + 500, at, n_marks,
                     second * 1000, &s->bill);
}

static void is(const struct story *s, uint32_t read, uint32_t write_5m, uint32_t write_1h,
               double cost)
{
    assert_int_equal(s->bill.read, read * BLOCK);
    assert_int_equal(s->bill.write[ASK_5M], write_5m * BLOCK);
    assert_int_equal(s->bill.write[ASK_1H], write_1h * BLOCK);
    assert_float_equal(s->bill.cost, cost, 0.01);
}

static void written_read_and_gone(void **state)
{
    struct story s = begin();
    prompt(&s, 1, 4, "", 0);
    is(&s, 0, 0, 0, 4500);
    prompt(&s, 1, 4, "4:5m", 0);
    is(&s, 0, 4, 0, 5000 + 500);
    prompt(&s, 1, 4, "4:5m", 299);
    is(&s, 4, 0, 0, 400 + 500);
    prompt(&s, 1, 4, "4:5m", 598); /* the read has prolonged it */
    is(&s, 4, 0, 0, 400 + 500);
    prompt(&s, 1, 4, "4:5m", 898);
    is(&s, 0, 4, 0, 5000 + 500);
    prompt(&s, 2, 4, "4:5m", 899);
    is(&s, 0, 4, 0, 5000 + 500);
    prompt(&s, 1, 4, "", 900); /* nobody looks */
    is(&s, 0, 0, 0, 4500);
    end(&s);
}

static void longer_prompts_read_and_write(void **state)
{
    struct story s = begin();
    prompt(&s, 1, 4, "4:5m", 0);
    prompt(&s, 1, 6, "6:5m", 1);
    is(&s, 4, 2, 0, 400 + 2500 + 500);
    prompt(&s, 1, 5, "5:5m", 2); /* nothing is cached at 5: from 4 */
    is(&s, 4, 1, 0, 400 + 1250 + 500);
    prompt(&s, 1, 8, "6:5m", 3);
    is(&s, 6, 0, 0, 600 + 2500);
    end(&s);
}

static void look_back(void **state)
{
    struct story s = begin();
    prompt(&s, 1, 5, "5:5m", 0);
    prompt(&s, 1, 26, "26:5m", 1);
    is(&s, 0, 26, 0, 26 * 1250 + 500);
    prompt(&s, 2, 5, "5:5m", 2);
    prompt(&s, 2, 25, "25:5m", 3);
    is(&s, 5, 20, 0, 500 + 20 * 1250 + 500);
    prompt(&s, 3, 5, "5:5m", 4);
    prompt(&s, 3, 26, "25:5m 26:5m", 5); /* the first of them reaches it */
    is(&s, 5, 21, 0, 500 + 21 * 1250 + 500);
    end(&s);
}

static void limits_of_tokens(void **state)
{
    struct story s = begin();
    prompt(&s, 1, 4, "1:5m", 0);
    is(&s, 0, 0, 0, 4500);
    s.terms.most_tokens = 3000;
    prompt(&s, 1, 4, "3:5m 4:5m", 1);
    is(&s, 0, 3, 0, 3 * 1250 + 1000 + 500);
    end(&s);
}

static void an_hour(void **state)
{
    struct story s = begin();
    prompt(&s, 1, 4, "4:1h", 0);
    is(&s, 0, 0, 4, 8000 + 500);
    prompt(&s, 1, 6, "6:5m", 3599); /* reads it, and prolongs it by its own hour */
    is(&s, 4, 2, 0, 400 + 2500 + 500);
    prompt(&s, 1, 4, "4:1h", 7198);
    is(&s, 4, 0, 0, 400 + 500);
    prompt(&s, 2, 6, "4:1h 6:5m", 7199);
    is(&s, 0, 2, 4, 2500 + 8000 + 500);
    prompt(&s, 2, 7, "2:1h 7:5m",
           7200); /* what is behind both is read from 6, 4 of it for an hour */
    is(&s, 6, 1, 0, 600 + 1250 + 500);
    end(&s);
}

/* The published cache would prolong it; Weir counts on a new write. */
static void five_minutes_do_not_become_an_hour(void **state)
{
    struct story s = begin();
    prompt(&s, 1, 4, "4:5m", 0);
    prompt(&s, 1, 4, "4:1h", 1);
    is(&s, 0, 0, 4, 8000 + 500);
    prompt(&s, 1, 4, "4:1h", 3600);
    is(&s, 4, 0, 0, 400 + 500);
    /* 2 for an hour, 6 for five minutes; then 4 for an hour: 2 to 4 anew, 4 to 6 is read */
    prompt(&s, 2, 6, "2:1h 6:5m", 3601);
    prompt(&s, 2, 7, "4:1h 7:5m", 3602);
    is(&s, 4, 1, 2, 400 + 1250 + 4000 + 500);
    s.terms.renews = true;
    prompt(&s, 3, 4, "4:5m", 3603);
    prompt(&s, 3, 6, "6:1h", 3604);
    is(&s, 4, 0, 2, 400 + 4000 + 500);
    prompt(&s, 3, 6, "6:1h", 7203);
    is(&s, 6, 0, 0, 600 + 500);
    end(&s);
}

static void a_wrong_order_counts_as_the_shorter(void **state)
{
    struct story s = begin();
    prompt(&s, 1, 4, "2:5m 4:1h", 0);
    is(&s, 0, 4, 0, 5000 + 500);
    end(&s);
}

static void moves_with_what_lives(void **state)
{
    struct story s = begin();
    size_t moves = 0;
    for (unsigned i = 1; i <= 3000; i++) {
        if (!cache_world_has_room(s.world)) {
            struct cache_world *old = s.world;
            size_t bytes = cache_world_wants(old, i * 1000);
            s.world = cache_world_move(old, mem_new(bytes), bytes, i * 1000);
            mem_free(old);
            assert_true(bytes < 200000); /* 300 seconds of five a second */
            moves++;
        }
        prompt(&s, i, 8, "2:5m 4:5m 6:5m 8:5m", i);
        is(&s, 0, 8, 0, 8 * 1250 + 500);
        prompt(&s, i > 299 ? i - 299 : 1, 8, "2:5m", i);
        is(&s, 2, 0, 0, 200 + 6500);
    }
    assert_true(moves > 3);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_read_and_gone),
        cmocka_unit_test(longer_prompts_read_and_write),
        cmocka_unit_test(look_back),
        cmocka_unit_test(limits_of_tokens),
        cmocka_unit_test(an_hour),
        cmocka_unit_test(five_minutes_do_not_become_an_hour),
        cmocka_unit_test(a_wrong_order_counts_as_the_shorter),
        cmocka_unit_test(moves_with_what_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
