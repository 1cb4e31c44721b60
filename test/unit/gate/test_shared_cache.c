/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/shared_cache: what all workers know together. No visit is lost between threads, a dry look
 * leaves nothing, tables stay bounded, and what is kept comes back.
 */
#include "weir/gate/shared_cache.h"

#include "weir/base/buf.h"
#include "weir/base/limits.h"
#include "weir/base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { MIB = 1 << 20, SITES = 100, THREADS = 4, ROUNDS = 300, NOW = 1000 };

static const struct cache_terms terms = {.fields = 7,
                                         .ttls = 7,
                                         .most_markers = 4,
                                         .least_tokens = 1024,
                                         .read = 0.1F,
                                         .write_5m = 1.25F,
                                         .write_30m = 1.5F,
                                         .write_1h = 2,
                                         .hit = 1,
                                         .exploring = 0.004F};

/* The n-th of some prompts: one beginning, then blocks of its own. */
static void make_sites(struct cache_site *sites, uint64_t nth)
{
    for (uint64_t i = 0; i < SITES; i++) {
        uint64_t z = (i < SITES / 2 ? i : nth * SITES + i) * 0x9e3779b97f4a7c15 + 1;
        z = (z ^ z >> 31) * 0xbf58476d1ce4e5b9;
        sites[i] = (struct cache_site){.key = z ^ z >> 29,
                                       .tokens = (uint32_t)(i + 1) * 500,
                                       .section = ASK_MESSAGES,
                                       .open = true};
    }
}

static void see(struct shared_cache *c, uint64_t nth, uint32_t now)
{
    struct cache_site sites[SITES];
    make_sites(sites, nth);
    shared_cache_see(c, sites, SITES, now, false);
}

static struct cache_site look_at(struct shared_cache *c, uint64_t nth, size_t block)
{
    struct cache_site sites[SITES];
    make_sites(sites, nth);
    shared_cache_see(c, sites, SITES, NOW, true);
    return sites[block];
}

static uint64_t entries(struct shared_cache *c)
{
    struct prefix_counts n;
    shared_cache_count(c, &n);
    return n.entries;
}

static void what_was_seen_is_known(void **state)
{
    struct shared_cache *c = shared_cache_new(MIB);
    assert_false(look_at(c, 1, 0).known);
    assert_int_equal(entries(c), 0);
    see(c, 1, NOW);
    see(c, 2, NOW + 600);
    assert_int_equal(entries(c), SITES + SITES / 2);
    assert_int_equal(look_at(c, 1, 0).was.count, 2);
    assert_int_equal(look_at(c, 1, 0).was.last, NOW + 600);
    assert_int_equal(look_at(c, 1, SITES - 1).was.count, 1);
    assert_true(look_at(c, 2, SITES - 1).known);
    assert_false(look_at(c, 3, SITES - 1).known);
    shared_cache_free(c);
}

static void any_size_will_do(void **state)
{
    static const uint64_t sizes[] = {0, 1, 65536, 200000, 5000000, 64 * MIB};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct shared_cache *c = shared_cache_new(sizes[i]);
        struct prefix_counts n;
        see(c, 1, NOW);
        shared_cache_count(c, &n);
        assert_int_equal(n.entries + n.evicted, SITES);
        assert_true(n.most * sizeof(struct prefix) >= sizes[i] - sizes[i] / 8);
        shared_cache_free(c);
    }
    mem_fail_at(1);
    assert_null(shared_cache_new(MIB));
    mem_fail_at(0);
    shared_cache_free(NULL);
}

/* --- threads */

static struct shared_cache *shared;
static pthread_barrier_t all_here;

/* The same prompt, at the same time. */
static void *see_often(void *arg)
{
    pthread_barrier_wait(&all_here);
    for (uint32_t i = 0; i < 10 * ROUNDS; i++)
        see(shared, 7, NOW + i);
    return NULL;
}

static void together(void *(*work)(void *arg))
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)i), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void no_visit_is_lost(void **state)
{
    shared = shared_cache_new(MIB);
    pthread_barrier_init(&all_here, NULL, THREADS);
    together(see_often);
    pthread_barrier_destroy(&all_here);
    for (size_t i = 0; i < SITES; i++)
        assert_int_equal(look_at(shared, 7, i).was.count, 10 * THREADS * ROUNDS);
    shared_cache_free(shared);
}

static void answer(struct shared_cache *c, const char *model, const char *client)
{
    struct shared_cache_answer a = {.model = str_of(model),
                                    .client = str_of(client),
                                    .estimated = 10000,
                                    .reported = 15000,
                                    .now_s = 1800000000};
    shared_cache_answered(c, &a);
}

static void nothing(void *arg, struct str name, struct str bytes)
{
}

/* All that a worker, the office and the keeper may do at once; the sanitizer watches. */
static void *do_everything(void *arg)
{
    struct cache_site sites[SITES];
    struct prefix rows[SITES];
    struct cache_plan plan;
    char client[32];
    for (uint32_t i = 0; i < ROUNDS; i++) {
        size_t cursor = 0;
        snprintf(client, sizeof client, "client-%u", i % 7);
        make_sites(sites, i % 20);
        shared_cache_see(shared, sites, SITES, NOW + i, false);
        shared_cache_plan(shared, str_of(client), &terms, sites, SITES, S("work"), NOW + i, false,
                          &plan);
        shared_cache_mark(shared, sites, &plan, NOW + i);
        answer(shared, "model", client);
        shared_cache_blamed(shared, str_of(client), 1, false, NOW);
        if (i % 50 == 0) {
            while (shared_cache_take_dirty(shared, &cursor, rows, SITES) && cursor)
                shared_cache_restore(shared, rows, 1);
            shared_cache_each_changed(shared, nothing, NULL);
        }
    }
    return NULL;
}

static void all_at_once(void **state)
{
    shared = shared_cache_new(4 * MIB);
    together(do_everything);
    assert_int_equal(look_at(shared, 0, 0).was.count, THREADS * ROUNDS);
    assert_int_equal(shared_cache_scale(shared, S("model"), S("client-0")).times > 100, 1);
    shared_cache_free(shared);
}

/* --- by name */

static size_t n_names;
static struct str look_for; /* NULL: every name */
static struct buf found;

static void on_name(void *arg, struct str name, struct str bytes)
{
    if (!look_for.ptr || str_starts(name, look_for))
        n_names++;
    buf_clear(&found);
    buf_add(&found, bytes);
}

static size_t count_changed(struct shared_cache *c, const char *start)
{
    n_names = 0;
    look_for = str_of(start);
    shared_cache_each_changed(c, on_name, NULL);
    buf_fini(&found);
    return n_names;
}

static void clients_beyond_many_share(void **state)
{
    struct shared_cache *c = shared_cache_new(MIB);
    struct cache_site sites[SITES];
    struct cache_plan plan;
    make_sites(sites, 0);
    shared_cache_see(c, sites, SITES, NOW, false);
    for (int i = 0; i < 2 * LIMIT_CACHE_CLIENTS; i++) {
        char client[32];
        snprintf(client, sizeof client, "client-%d", i);
        shared_cache_plan(c, str_of(client), &terms, sites, SITES, S(""), NOW, false, &plan);
    }
    shared_cache_plan(c, S("client-1"), &terms, sites, SITES, S(""), NOW, true, &plan);
    assert_int_equal(count_changed(c, "l "), LIMIT_CACHE_CLIENTS + 1);
    shared_cache_plan(c, S("client-1"), &terms, sites, SITES, S(""), NOW, true, &plan);
    assert_int_equal(count_changed(c, "l "), 0); /* it was dry */
    shared_cache_plan(c, S("client-9000"), &terms, sites, SITES, S(""), NOW, false, &plan);
    assert_int_equal(count_changed(c, "l other"), 1);
    shared_cache_free(c);
}

static void on_verdict(void *arg, struct str model, const struct verdict *v)
{
    n_names++;
}

static void models_unused_for_longest_give_way(void **state)
{
    struct shared_cache *c = shared_cache_new(MIB);
    for (int i = 0; i < 3 * LIMIT_CACHE_MODELS; i++) {
        char model[32];
        snprintf(model, sizeof model, "model-%d", i);
        shared_cache_blamed(c, str_of(model), 1 << ASK_SYSTEM, false, 999);
        shared_cache_blamed(c, str_of(model), 1 << ASK_SYSTEM, false, 1000);
        assert_true(shared_cache_verdict(c, S("model-0")).times[VERDICT_SYSTEM] == 1);
    }
    n_names = 0;
    shared_cache_each_verdict(c, on_verdict, NULL);
    assert_int_equal(n_names, LIMIT_CACHE_MODELS);
    assert_int_equal(shared_cache_verdict(c, S("model-1")).times[VERDICT_SYSTEM], 0);
    shared_cache_free(c);
}

static void on_scale(void *arg, struct str model, struct str client, const struct tokens_scale *s)
{
    n_names++;
    assert_true(str_eq(model, S("m")) && str_eq(client, S("web")) && s->times == 1);
}

static void scales_are_of_model_and_client(void **state)
{
    struct shared_cache *c = shared_cache_new(MIB);
    answer(c, "m", "web");
    struct tokens_scale s = shared_cache_scale(c, S("m"), S("web"));
    assert_int_equal(tokens_scaled(&s, 1000), 1500);
    assert_int_equal(shared_cache_scale(c, S("m"), S("we")).times, 0);
    assert_int_equal(shared_cache_scale(c, S("web"), S("m")).times, 0);
    n_names = 0;
    shared_cache_each_scale(c, on_scale, NULL);
    assert_int_equal(n_names, 1);
    shared_cache_free(c);
}

/* What an answer with a plan says of a model's cache. */
static void misses_are_learned(void **state)
{
    struct shared_cache *c = shared_cache_new(MIB);
    struct cache_plan plan = {.n = 1, .expect_read = 5000, .expect_write_5m = 300};
    struct shared_cache_answer a = {.model = STR("m"),
                                    .client = STR("web"),
                                    .plan = &plan,
                                    .prefix_tokens = 5300,
                                    .written = 5300,
                                    .now_s = 1800000000};
    struct cache_terms before = terms, after = terms;
    struct verdict v = shared_cache_verdict(c, S("m"));
    verdict_apply(&v, a.now_s, &before);
    for (int i = 0; i < 20; i++)
        shared_cache_answered(c, &a);
    v = shared_cache_verdict(c, S("m"));
    verdict_apply(&v, a.now_s, &after);
    assert_true(after.hit < before.hit / 2);
    shared_cache_free(c);
}

/* --- kept */

static void restore_into(void *arg, struct str name, struct str bytes)
{
    shared_cache_restore_named(arg, name, bytes);
    n_names++;
}

static void what_is_kept_comes_back(void **state)
{
    struct shared_cache *old = shared_cache_new(MIB), *new = shared_cache_new(2 * MIB);
    struct cache_site sites[SITES];
    struct cache_plan plan;
    struct prefix rows[7];
    size_t cursor = 0, n, all = 0;
    see(old, 1, NOW);
    see(old, 2, NOW + 10);
    make_sites(sites, 1);
    shared_cache_plan(old, S("web"), &terms, sites, SITES, S("work"), NOW, false, &plan);
    answer(old, "m", "web");
    shared_cache_blamed(old, S("m"), 1 << ASK_TOOLS, false, 999);
    shared_cache_blamed(old, S("m"), 1 << ASK_TOOLS, false, 1000);
    see(new, 9, NOW + 20); /* before it was loaded */
    do {
        n = shared_cache_take_dirty(old, &cursor, rows, 7);
        shared_cache_restore(new, rows, n);
        all += n;
    } while (cursor);
    assert_int_equal(all, SITES + SITES / 2);
    assert_int_equal(shared_cache_take_dirty(old, &cursor, rows, 7), 0);
    assert_int_equal(look_at(new, 1, SITES - 1).was.last, NOW);
    assert_int_equal(look_at(new, 2, 0).was.last, NOW + 20);
    n_names = 0;
    shared_cache_each_changed(old, restore_into, new);
    assert_int_equal(n_names, 3);
    assert_int_equal(count_changed(old, ""), 0);
    shared_cache_all_changed(old); /* what was saved is lost */
    assert_int_equal(count_changed(old, ""), 3);
    for (all = 0; (n = shared_cache_take_dirty(old, &cursor, rows, 7)) || cursor;)
        all += n;
    assert_int_equal(all, SITES + SITES / 2);
    assert_int_equal(shared_cache_scale(new, S("m"), S("web")).times, 1);
    assert_int_equal(shared_cache_verdict(new, S("m")).times[VERDICT_TOOLS], 1);
    assert_int_equal(count_changed(new, ""), 0);
    shared_cache_free(old);
    shared_cache_free(new);
}

/* --- what was imagined */

/* The last block, for five minutes. */
static void mark(struct shared_cache *c, uint64_t nth, uint32_t now)
{
    struct cache_site sites[SITES];
    struct cache_plan plan = {.n = 1, .marks = {{.block = SITES - 1, .ttl = ASK_5M}}};
    make_sites(sites, nth);
    see(c, nth, now);
    shared_cache_mark(c, sites, &plan, now);
}

/* Of all that is kept; it is then. */
static size_t kept_as_cached(struct shared_cache *c)
{
    struct prefix rows[SITES];
    size_t cursor = 0, cached = 0;
    do {
        size_t n = shared_cache_take_dirty(c, &cursor, rows, SITES);
        for (size_t i = 0; i < n; i++)
            cached += rows[i].cached_until > NOW || rows[i].sure_until > NOW;
    } while (cursor);
    return cached;
}

static bool is_cached(struct shared_cache *c, uint64_t nth)
{
    return look_at(c, nth, SITES - 1).was.cached_until > NOW;
}

static void what_was_imagined_is_forgotten(void **state)
{
    struct shared_cache *c = shared_cache_new(MIB);
    struct cache_site sites[SITES];
    shared_cache_imagine(c, false, NOW);
    mark(c, 1, NOW);
    assert_int_equal(kept_as_cached(c), 1);
    shared_cache_imagine(c, true, NOW);
    mark(c, 2, NOW + 1);
    mark(c, 3, NOW + 1);
    assert_true(is_cached(c, 1) && is_cached(c, 2));
    assert_int_equal(kept_as_cached(c), 0);
    mark(c, 3, NOW + 2);
    shared_cache_imagine(c, false, NOW + 2);
    assert_false(is_cached(c, 1) || is_cached(c, 2) || is_cached(c, 3));
    assert_int_equal(kept_as_cached(c), 0);
    mark(c, 2, NOW + 3);
    make_sites(sites, 3);
    shared_cache_see(c, sites, SITES, NOW + 4, false);
    assert_int_equal(sites[SITES - 1].was.cached_until, 0);
    shared_cache_see(c, sites, SITES, NOW + 5, false);
    assert_int_equal(sites[SITES - 1].was.cached_until, 0);
    shared_cache_imagine(c, false, NOW + 9); /* it has not imagined since */
    assert_true(is_cached(c, 2));
    assert_int_equal(look_at(c, 2, SITES - 1).was.count, 2);
    assert_int_equal(kept_as_cached(c), 1);
    shared_cache_free(c);
}

static void what_makes_no_sense_is_not_restored(void **state)
{
    static const struct str names[] = {STR(""),    STR("l"),      STR("l web"), STR("v m"),
                                       STR("s a"), STR("s a\0b"), STR("x m"),   STR("v")};
    struct shared_cache *c = shared_cache_new(MIB);
    n_names = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        shared_cache_restore_named(c, names[i], S(""));
        shared_cache_restore_named(c, names[i], S("\xff garbage"));
    }
    shared_cache_each_verdict(c, on_verdict, NULL);
    shared_cache_each_scale(c, on_scale, NULL);
    assert_int_equal(n_names, 0);
    shared_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_seen_is_known),
        cmocka_unit_test(any_size_will_do),
        cmocka_unit_test(no_visit_is_lost),
        cmocka_unit_test(all_at_once),
        cmocka_unit_test(clients_beyond_many_share),
        cmocka_unit_test(models_unused_for_longest_give_way),
        cmocka_unit_test(scales_are_of_model_and_client),
        cmocka_unit_test(misses_are_learned),
        cmocka_unit_test(what_is_kept_comes_back),
        cmocka_unit_test(what_was_imagined_is_forgotten),
        cmocka_unit_test(what_makes_no_sense_is_not_restored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
