/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/batch_queue: the most urgent of a long list, by model, in bounded memory.
 */
#include "../../../src/gate/batch_queue.h"

#include "weir/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct batch_queue q;

static int set_up(void **state)
{
    batch_queue_init(&q);
    return 0;
}

static int tear_down(void **state)
{
    batch_queue_fini(&q);
    return 0;
}

static bool see(const char *model, uint64_t number, int64_t deadline_ms)
{
    const struct batch_item item = {.number = number, .deadline_ms = deadline_ms};
    return batch_queue_see(&q, str_of(model), &item);
}

static struct batch_queue_model *first(void)
{
    return LIST_OF(q.models.next, struct batch_queue_model, node);
}

/* 0: none may go now. */
static uint64_t take(int64_t now_ms)
{
    struct batch_item item;
    int64_t at_ms;
    return batch_queue_take(first(), now_ms, &item, &at_ms) ? item.number : 0;
}

static void most_urgent_first(void **state)
{
    assert_true(see("a", 3, 30) && see("a", 1, 20) && see("a", 2, 20) && see("a", 4, 10));
    assert_true(see("a", 1, 20)); /* walked over again */
    assert_int_equal(first()->n, 4);
    assert_int_equal(take(0), 4);
    assert_int_equal(take(0), 1);
    assert_int_equal(take(0), 2);
    assert_int_equal(take(0), 3);
    assert_int_equal(take(0), 0);
    batch_queue_trim(&q);
    assert_true(list_empty(&q.models) && q.n_models == 0);
}

static void what_failed_waits(void **state)
{
    struct batch_item item = {.number = 1, .deadline_ms = 10, .next_ms = 500, .tries = 1};
    int64_t at_ms;
    batch_queue_put(&q, S("a"), &item);
    item.number = 2;
    item.next_ms = 400;
    batch_queue_put(&q, S("a"), &item);
    assert_false(batch_queue_take(first(), 399, &item, &at_ms));
    assert_int_equal(at_ms, 400);
    see("a", 3, 99);
    assert_int_equal(take(399), 3);
    assert_true(batch_queue_take(first(), 600, &item, &at_ms));
    assert_true(item.number == 1 && item.tries == 1);
    assert_int_equal(take(600), 2);
    assert_false(batch_queue_take(first(), 600, &item, &at_ms));
    assert_true(at_ms == INT64_MAX);
}

/* Of a long list in any order the most urgent stay, and what failed does. */
static void bounded(void **state)
{
    enum { LONG = 10 * BATCH_QUEUE_ITEMS };
    const struct batch_item failed = {.number = 7, .deadline_ms = 1 << 30, .tries = 2};
    batch_queue_put(&q, S("a"), &failed);
    random_seed(3);
    for (int i = 0; i < 20 * LONG; i++) {
        uint64_t n = random_below(LONG);
        see("a", 100 + n, (int64_t)(1000 + n));
    }
    random_seed(0);
    struct batch_queue_model *m = first();
    assert_int_equal(m->n, BATCH_QUEUE_ITEMS);
    for (size_t i = 0; i + 1 < m->n; i++)
        assert_int_equal(m->items[i].number, 100 + i);
    assert_int_equal(m->items[m->n - 1].number, 7);
    assert_false(see("a", 99, 1 << 20));
    assert_true(see("a", 99, 1));
    assert_int_equal(m->n, BATCH_QUEUE_ITEMS);
}

static void models_are_bounded(void **state)
{
    char name[8];
    for (int i = 0; i < BATCH_QUEUE_MODELS; i++) {
        snprintf(name, sizeof name, "m%d", i);
        assert_true(see(name, 1, 1));
    }
    assert_false(see("one more", 1, 1));
    const struct batch_item item = {.number = 2};
    batch_queue_put(&q, S("one more"), &item); /* back from a call */
    assert_int_equal(q.n_models, BATCH_QUEUE_MODELS + 1);
    take(1);
    batch_queue_trim(&q);
    assert_int_equal(q.n_models, BATCH_QUEUE_MODELS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(most_urgent_first), TEST(what_failed_waits),
                                       TEST(bounded), TEST(models_are_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
