/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/body and gate/facts: bytes kept, hashed and charged; what is read from them.
 */
#include "weir/gate/body.h"
#include "weir/gate/facts.h"

#include "weir/base/buf.h"
#include "weir/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static struct body_budget budget;
static struct body_pool pool;

static int fresh(void **state)
{
    budget = (struct body_budget){.most_bytes = 64 * 1024 * 1024};
    pool = (struct body_pool){.budget = &budget};
    return 0;
}

static int done(void **state)
{
    assert_int_equal(budget.used_bytes, 0);
    body_pool_fini(&pool);
    return 0;
}

static char byte_at(size_t i)
{
    return (char)(i * 2654435761u >> 24);
}

/* Fills to `size` in pieces as a protocol would; false when room ran out. */
static bool fill(struct body *b, size_t size)
{
    while (b->len < size) {
        char *room;
        size_t n;
        if (body_reserve(b, size - b->len, &room, &n) != BODY_ROOM)
            return false;
        assert_true(n > 0 && n <= size - b->len);
        for (size_t i = 0; i < n; i++)
            room[i] = byte_at(b->len + i);
        body_commit(b, n);
    }
    return true;
}

static void keeps_and_hashes(void **state)
{
    static const size_t sizes[] = {0, 1, 2047, 2048, 65535, 65536, 65537, 3000000, BODY_MOST_BYTES};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct body b;
        unsigned char want[SHA256_BYTES], have[SHA256_BYTES];
        body_init(&b, &pool);
        assert_true(fill(&b, sizes[s]));
        assert_int_equal(b.len, sizes[s]);
        assert_int_equal(budget.used_bytes, sizes[s]);
        for (size_t i = 0; i < b.len; i += 997)
            assert_int_equal(b.data[i], byte_at(i));
        sha256_of(body_str(&b), want);
        sha256_end(&b.hash, have);
        assert_memory_equal(want, have, SHA256_BYTES);
        body_fini(&b);
    }
}

static void hold(struct body *bodies, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        body_init(&bodies[i], &pool);
        assert_true(fill(&bodies[i], 70000));
    }
    for (size_t i = 0; i < n; i++)
        body_fini(&bodies[i]);
}

static void keeps_the_spares_that_are_used(void **state)
{
    struct body bodies[BODY_SPARES + 1];
    hold(bodies, BODY_SPARES + 1);
    assert_int_equal(pool.n_spares, BODY_SPARES);
    body_pool_trim(&pool); /* all were new: from here on it counts */
    hold(bodies, 3);
    body_pool_trim(&pool);
    assert_int_equal(pool.n_spares, 3);
    hold(bodies, 1);
    body_pool_trim(&pool);
    assert_int_equal(pool.n_spares, 1);
    body_pool_trim(&pool);
    assert_int_equal(pool.n_spares, 0);
    hold(bodies, 2);
}

static void gives_large_ones_back_in_slices(void **state)
{
    struct body b;
    unsigned char there;
    body_init(&b, &pool);
    assert_true(fill(&b, BODY_MOST_BYTES));
    body_fini(&b);
    assert_int_equal(pool.spare[0].touched, BODY_MOST_BYTES);
    unsigned slices = 0;
    while (body_pool_clean(&pool))
        slices++;
    assert_true(slices > 4);
    assert_int_equal(pool.spare[0].touched, 2 << 20);
    assert_int_equal(mincore(pool.spare[0].data + (2 << 20) - 4096, 4096, &there), 0);
    assert_true(there & 1);
    for (size_t at = 2 << 20; at < BODY_MOST_BYTES; at += 4096) {
        assert_int_equal(mincore(pool.spare[0].data + at, 4096, &there), 0);
        assert_false(there & 1);
    }
}

/* A small body in a mapping that a large one left, before it was clean. */
static void knows_what_the_one_before_left(void **state)
{
    struct body b;
    body_init(&b, &pool);
    assert_true(fill(&b, 9000000));
    body_fini(&b);
    hold(&b, 1);
    assert_int_equal(pool.n_spares, 1);
    assert_int_equal(pool.spare[0].touched, 9000000);
}

static void stops_at_the_largest(void **state)
{
    struct body b;
    char *room;
    size_t n;
    body_init(&b, &pool);
    assert_true(fill(&b, BODY_MOST_BYTES));
    assert_int_equal(body_reserve(&b, 1, &room, &n), BODY_FULL);
    body_fini(&b);
}

static void waits_for_the_budget(void **state)
{
    struct body a, b;
    budget.most_bytes = 100000;
    body_init(&a, &pool);
    body_init(&b, &pool);
    char *room;
    size_t n;
    assert_true(fill(&a, 100000));
    assert_int_equal(body_reserve(&b, 10, &room, &n), BODY_WAIT);
    body_fini(&a);
    assert_int_equal(body_reserve(&b, 10, &room, &n), BODY_ROOM);
    body_fini(&b);
}

/* Two that need more than there is for both: one becomes whole, then the other. */
static void the_last_part_is_for_one_at_a_time(void **state)
{
    struct body a, b;
    char *room;
    size_t n;
    budget.most_bytes = 1000000;
    body_init(&a, &pool);
    body_init(&b, &pool);
    assert_true(fill(&a, 130000));
    assert_true(fill(&b, 200000));
    assert_true(fill(&b, 300000)); /* of the last part */
    assert_int_equal(body_reserve(&a, 1, &room, &n), BODY_WAIT);
    assert_true(fill(&b, 700000));
    assert_int_equal(body_reserve(&a, 1, &room, &n), BODY_WAIT);
    body_end(&b);
    assert_int_equal(body_reserve(&a, 1, &room, &n), BODY_ROOM);
    body_fini(&b);
    assert_true(fill(&a, 1000000));
    body_init(&b, &pool);
    assert_int_equal(body_reserve(&b, 1, &room, &n), BODY_WAIT);
    body_fini(&a);
    assert_int_equal(body_reserve(&b, 1, &room, &n), BODY_ROOM);
    body_fini(&b);
}

static void bears_refused_memory(void **state)
{
    struct body b;
    char *room;
    size_t n;
    body_init(&b, &pool);
    mem_fail_at(1);
    assert_int_equal(body_reserve(&b, 10, &room, &n), BODY_WAIT);
    assert_int_equal(body_reserve(&b, 10, &room, &n), BODY_ROOM);
    body_commit(&b, 10);
    mem_fail_at(1);
    assert_int_equal(body_reserve(&b, 5000, &room, &n), BODY_ROOM);
    assert_int_equal(n, b.room - 10);
    body_commit(&b, n);
    mem_fail_at(1);
    assert_int_equal(body_reserve(&b, 1, &room, &n), BODY_WAIT);
    assert_int_equal(body_reserve(&b, 1, &room, &n), BODY_ROOM);
    body_fini(&b);
}

static struct facts read_all(struct str body)
{
    struct facts f = {0};
    while (facts_read(&f, body, S("model")) == FACTS_MORE)
        ;
    return f;
}

static void what_a_batch_could_have(void **state)
{
    static const struct str rows[] = {
        STR("{\"messages\":[],\"toolConfig\":{}}"),
        STR("{\"messages\":[],\"tools\":[]}"),
        STR("{\"messages\":[],\"guardrailConfig\":{}}"),
        STR("{\"messages\":[],\"serviceTier\":{}}"),
        STR("{\"messages\":[],\"service_tier\":\"flex\"}"),
        STR("{\"messages\":[],\"outputConfig\":{}}"),
        STR("{\"messages\":[],\"output_format\":{}}"),
        STR("{\"messages\":[],}"),
        STR(""),
    };
    struct facts f = read_all(S("{\"messages\":[{\"tools\":1}],\"toolConfig\":null}"));
    assert_true(facts_fit_batch(&f));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        f = read_all(rows[i]);
        assert_false(facts_fit_batch(&f));
    }
}

static void reads_facts(void **state)
{
    assert_int_equal(read_all(S("")).state, FACTS_NONE);
    assert_int_equal(read_all(S("{\"a\":1}x")).state, FACTS_LOOSE);
    struct facts f = read_all(S("{\"messages\":[{\"model\":\"no\"}],\"model\":\"yes\"}"));
    assert_int_equal(f.state, FACTS_STRICT);
    assert_true(str_eq(f.model, S("yes")));
    assert_int_equal(read_all(S("{\"model\":\"a\",\"mod\\u0065l\":\"b\"}")).model.len, 0);
    assert_int_equal(read_all(S("{\"model\":7}")).model.len, 0);
}

static bool names_model(const char *body, const char *wanted)
{
    struct arena a;
    arena_init(&a, 4096);
    struct facts f = read_all(str_of(body));
    bool same = str_eq(facts_model(&f, &a), str_of(wanted));
    arena_fini(&a);
    return same;
}

static void reads_a_model_as_its_next_reader(void **state)
{
    assert_true(names_model("{\"model\":\"us.a.b\"}", "us.a.b"));
    assert_true(names_model("{\"model\":\"us\\u002ea.b\"}", "us.a.b"));
    assert_true(names_model("{\"model\":\"arn:x\\/y\"}", "arn:x/y"));
    assert_true(names_model("{\"model\":\"a\\nb\"}", "a\\nb"));
    assert_true(names_model("{\"model\":\"a\\ud800\"}", "a\\ud800"));
    assert_true(names_model("{\"model\":\"\"}", ""));
    assert_true(names_model("{\"model\":\"a\",\"model\":\"a\"}", ""));
}

static void reads_long_bodies_in_slices(void **state)
{
    struct buf b = {0};
    struct facts f = {0};
    buf_add(&b, S("{\"x\":\""));
    for (size_t i = 0; i < 5u << 20; i++)
        buf_add_char(&b, 'x');
    buf_add(&b, S("\",\"model\":\"m\"}"));
    unsigned slices = 1;
    while (facts_read(&f, buf_str(&b), S("model")) == FACTS_MORE)
        slices++;
    assert_int_equal(f.state, FACTS_STRICT);
    assert_true(slices >= 5);
    assert_true(str_eq(f.model, S("m")));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_and_hashes, fresh, done),
        cmocka_unit_test_setup_teardown(keeps_the_spares_that_are_used, fresh, done),
        cmocka_unit_test_setup_teardown(gives_large_ones_back_in_slices, fresh, done),
        cmocka_unit_test_setup_teardown(knows_what_the_one_before_left, fresh, done),
        cmocka_unit_test_setup_teardown(stops_at_the_largest, fresh, done),
        cmocka_unit_test_setup_teardown(waits_for_the_budget, fresh, done),
        cmocka_unit_test_setup_teardown(the_last_part_is_for_one_at_a_time, fresh, done),
        cmocka_unit_test_setup_teardown(bears_refused_memory, fresh, done),
        cmocka_unit_test(reads_facts),
        cmocka_unit_test(what_a_batch_could_have),
        cmocka_unit_test(reads_a_model_as_its_next_reader),
        cmocka_unit_test(reads_long_bodies_in_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
