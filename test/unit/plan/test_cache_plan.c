/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/cache_plan: where markers stand, in small stories; that money is not lost on traffic that
 * does not come back; and that no plan breaks a rule of Bedrock's, whatever the prompts are like.
 */
#include "cache_run.h"

/* Ten lines that come back soon teach that prompts do. */
static void teach(struct run *r)
{
    for (int i = 0; i < 10; i++) {
        struct line l = {0};
        line_add(r, &l, 20);
        run_line(r, &l, 8, 2, 10);
        r->now += 30;
    }
}

static const struct cache_mark *mark_at(const struct run *r, size_t end)
{
    for (size_t i = 0; i < r->plan.n; i++)
        if (r->plan.marks[i].block + 1 == end)
            return &r->plan.marks[i];
    return NULL;
}

/* --- where */

static void nothing_is_marked_before_anything_came_back(void **state)
{
    struct run *r = run_begin();
    run_new(r, 40);
    assert_int_equal(r->plan.n, 0);
    assert_non_null(r->plan.held);
    run_end(r);
}

static void a_line_is_read_from_its_last_end(void **state)
{
    struct run *r = run_begin();
    struct line l = {0};
    teach(r);
    line_add(r, &l, 30);
    run_line(r, &l, 3, 2, 10);
    assert_int_equal(r->bill.read, 32 * RUN_BLOCK);
    assert_int_equal(r->bill.write[ASK_5M] + r->bill.write[ASK_1H], 2 * RUN_BLOCK);
    assert_non_null(mark_at(r, 34));
    assert_int_equal(r->plan.expect_read, r->bill.read);
    assert_true(r->plan.marks[r->plan.n - 1].p_5m > 0.5F);
    run_end(r);
}

/* The tail is longer than a marker looks back: what is cached needs a marker of its own. */
static void what_is_cached_is_read_past_the_look_back(void **state)
{
    struct run *r = run_begin();
    struct line l = {0};
    teach(r);
    line_add(r, &l, 30);
    run_line(r, &l, 2, ASK_LOOK_BACK + 5, 10);
    assert_int_equal(r->bill.read, 30 * RUN_BLOCK);
    assert_non_null(mark_at(r, 30));
    assert_non_null(mark_at(r, 30 + ASK_LOOK_BACK + 5));
    run_end(r);
}

/* What is known further on was never marked. */
static void what_is_cached_is_read_though_more_is_known(void **state)
{
    struct run *r = run_begin();
    struct line l = {0};
    line_add(r, &l, 60);
    run_ask(r, l.ids, l.n);
    struct prefix *p = prefix_find(r->index, r->sites[29].key);
    p->cached_until = p->sure_until = run_tick(r) + 1000;
    p->ttl = ASK_5M;
    run_ask(r, l.ids, l.n);
    assert_non_null(mark_at(r, 30));
    assert_int_equal(r->plan.expect_read, 30 * RUN_BLOCK);
    run_end(r);
}

static void where_prompts_part_there_is_a_marker(void **state)
{
    struct run *r = run_begin();
    struct line system = {0};
    teach(r);
    line_add(r, &system, 10);
    for (int i = 0; i < 6; i++) {
        struct line l = system;
        line_add(r, &l, 5);
        run_line(r, &l, 3, 2, 10);
    }
    struct line l = system;
    line_add(r, &l, 5);
    run_ask(r, l.ids, l.n);
    assert_int_equal(r->bill.read, 10 * RUN_BLOCK);
    assert_non_null(mark_at(r, 10));
    run_end(r);
}

/* A question behind each document: the document is what comes back. */
static void a_tail_is_marked_where_tails_come_back(void **state)
{
    struct run *r = run_begin();
    for (int i = 0; i < 60; i++) {
        struct line document = {0};
        line_add(r, &document, 20);
        for (int k = 0; k < 4; k++) {
            struct line l = document;
            line_add(r, &l, 2);
            run_ask(r, l.ids, l.n);
            r->now += 5;
        }
    }
    struct line document = {0};
    line_add(r, &document, 22);
    run_ask(r, document.ids, document.n);
    assert_non_null(mark_at(r, 20));
    assert_null(mark_at(r, 22));
    run_end(r);
}

static void no_marker_stands_where_none_may(void **state)
{
    struct run *r = run_begin();
    struct line l = {0};
    teach(r);
    line_add(r, &l, 30);
    run_line(r, &l, 2, 4, 10);
    run_prompt(r, l.ids, l.n);
    r->sites[l.n - 1].open = false;
    r->sites[l.n - 2].section = ASK_TOOLS;
    r->terms.fields = 6;
    run_plan(r);
    assert_null(mark_at(r, l.n));
    assert_null(mark_at(r, l.n - 1));
    assert_non_null(mark_at(r, l.n - 2));
    run_end(r);
}

static void too_short_and_too_long_are_not_marked(void **state)
{
    struct run *r = run_begin();
    struct line shorter = {0}, longer = {0};
    teach(r);
    line_add(r, &shorter, 1);
    run_line(r, &shorter, 3, 0, 10);
    assert_int_equal(r->plan.n, 0);
    r->terms.most_tokens = 30 * RUN_BLOCK;
    line_add(r, &longer, 28);
    run_line(r, &longer, 4, 1, 10);
    assert_null(mark_at(r, 31));
    assert_non_null(mark_at(r, 30));
    run_end(r);
}

/* --- the client's own */

static void the_clients_markers_stay_and_count(void **state)
{
    struct run *r = run_begin();
    struct line l = {0};
    teach(r);
    line_add(r, &l, 30);
    run_line(r, &l, 3, 2, 10);
    run_prompt(r, l.ids, l.n);
    static const size_t own[] = {3, 5, 7};
    for (size_t i = 0; i < 3; i++)
        r->sites[own[i]].own = ASK_5M;
    run_plan(r);
    assert_int_equal(r->plan.n, 4);
    for (size_t i = 0; i < 3; i++) {
        assert_non_null(mark_at(r, own[i] + 1));
        assert_int_equal(mark_at(r, own[i] + 1)->reason, CACHE_OWN);
        assert_int_equal(mark_at(r, own[i] + 1)->ttl, ASK_5M);
    }
    assert_int_equal(r->plan.marks[3].ttl, ASK_5M);
    assert_int_equal(r->plan.own_write_5m, 8 * RUN_BLOCK);
    run_end(r);
}

/* --- for how long */

/* Pauses of ten minutes in most lines. */
static void pauses(struct run *r, bool renews)
{
    r->terms.renews = renews;
    for (int i = 0; i < 12; i++) {
        struct line l = {0};
        line_add(r, &l, 40);
        for (int k = 0; k < 6; k++)
            run_line(r, &l, 1, 1, k % 2 ? 600 : 20);
    }
}

static void what_comes_back_late_is_kept_for_an_hour(void **state)
{
    struct run *r = run_begin();
    pauses(r, false);
    double cost = r->cost, input = r->input;
    pauses(r, false);
    assert_true((r->cost - cost) / (r->input - input) < 0.45);
    struct line l = {0};
    line_add(r, &l, 40);
    run_line(r, &l, 3, 1, 20);
    assert_int_equal(mark_at(r, 42) ? mark_at(r, 42)->ttl : ASK_UNMARKED, ASK_1H);
    run_end(r);
}

/* With `renews` it is written for less, and made to last when it came back. */
static void an_hour_is_had_by_renewal(void **state)
{
    struct run *r = run_begin();
    struct line l = {0};
    pauses(r, true);
    line_add(r, &l, 40);
    run_line(r, &l, 3, 1, 20);
    const struct cache_mark *m = mark_at(r, 41);
    assert_non_null(m);
    assert_int_equal(m->ttl, ASK_1H);
    assert_true(m->renews);
    r->now += 1000;
    run_line(r, &l, 1, 1, 20);
    assert_true(r->plan.expect_renewed > 0);
    assert_int_equal(r->bill.read, r->plan.expect_read);
    run_end(r);
}

static void a_clients_marker_gets_an_hour_where_that_pays(void **state)
{
    struct run *r = run_begin();
    struct line l = {0};
    pauses(r, false);
    r->terms.retime = true;
    line_add(r, &l, 40);
    for (int i = 0; i < 4; i++) {
        run_prompt(r, l.ids, l.n);
        r->sites[l.n - 1].own = ASK_5M;
        run_plan(r);
        line_add(r, &l, 1);
        r->now += 600;
    }
    assert_true(r->plan.n > 0);
    const struct cache_mark *last = &r->plan.marks[r->plan.n - 1];
    assert_int_equal(last->reason, CACHE_RETIMED);
    assert_int_equal(last->ttl, ASK_1H);
    run_end(r);
}

static void the_configured_ttl_is_kept_to(void **state)
{
    struct run *r = run_begin();
    struct line l = {0};
    pauses(r, true);
    r->terms.ttl = CACHE_TTL_5M;
    line_add(r, &l, 40);
    run_line(r, &l, 3, 1, 20);
    for (size_t i = 0; i < r->plan.n; i++)
        assert_int_equal(r->plan.marks[i].ttl, ASK_5M);
    r->terms.ttl = CACHE_TTL_1H;
    struct line other = {0};
    line_add(r, &other, 40);
    run_line(r, &other, 3, 1, 20);
    assert_true(r->plan.n > 0);
    for (size_t i = 0; i < r->plan.n; i++)
        assert_int_equal(r->plan.marks[i].ttl, ASK_1H);
    run_end(r);
}

/* It was refused since: what is cached for it must not ask for it again. */
static void a_ttl_that_is_offered_no_more_is_not_used(void **state)
{
    struct run *r = run_begin();
    struct line l = {0};
    pauses(r, true);
    line_add(r, &l, 40);
    run_line(r, &l, 3, 1, 20);
    assert_int_equal(r->plan.marks[0].ttl, ASK_1H);
    r->terms.ttls = 1;
    run_line(r, &l, 3, 1, 20);
    assert_true(r->plan.n > 0);
    for (size_t i = 0; i < r->plan.n; i++)
        assert_int_equal(r->plan.marks[i].ttl, ASK_5M);
    run_end(r);
}

static void always_marks_what_nobody_knows(void **state)
{
    struct run *r = run_begin();
    r->terms.mode = CACHE_ALWAYS;
    run_new(r, 20);
    assert_int_equal(r->plan.n, 1);
    assert_int_equal(r->plan.marks[0].block, 19);
    assert_int_equal(r->plan.marks[0].reason, CACHE_FORCED);
    run_end(r);
}

/* --- money */

static double share(const struct run *r, double cost, double input)
{
    return (r->cost - cost) / (r->input - input);
}

static void prompts_that_are_all_new_cost_nothing_more(void **state)
{
    struct run *r = run_begin();
    for (int i = 0; i < 600; i++) {
        run_new(r, 5 + run_below(r, 200));
        r->now += (double)run_below(r, 8);
    }
    assert_true(share(r, 0, 0) <= 1.005);
    run_end(r);
}

/* The time of day stands first: it is shared by the few prompts of a minute. */
static void a_clock_in_the_system_prompt_costs_nothing_more(void **state)
{
    for (double gap = 15; gap < 90; gap += 20) {
        struct run *r = run_begin();
        struct line system = {0};
        uint64_t minute = UINT64_MAX;
        for (int i = 0; i < 400; i++) {
            if ((uint64_t)(r->now / 60) != minute) {
                minute = (uint64_t)(r->now / 60);
                system.n = 0;
                line_add(r, &system, 40);
            }
            struct line l = system;
            line_add(r, &l, 10);
            run_ask(r, l.ids, l.n);
            r->now += gap / 2 + (double)run_below(r, (uint64_t)gap);
        }
        assert_true(share(r, 0, 0) <= 1.005);
        run_end(r);
    }
}

static void agents_that_become_one_shot_stop_being_marked(void **state)
{
    struct run *r = run_begin();
    for (int i = 0; i < 30; i++) {
        struct line l = {0};
        line_add(r, &l, 30);
        run_line(r, &l, 20, 2, 12);
    }
    assert_true(share(r, 0, 0) < 0.25);
    double cost = r->cost, input = r->input;
    for (int i = 0; i < 600; i++) {
        run_new(r, 50);
        r->now += 0.5;
    }
    assert_true(share(r, cost, input) < 1.01);
    run_end(r);
}

/* What was seen twice is marked, and never comes a third time. */
static void what_comes_twice_is_soon_known(void **state)
{
    struct run *r = run_begin();
    for (int i = 0; i < 300; i++) {
        struct line l = {0};
        line_add(r, &l, 40);
        run_line(r, &l, 2, 0, 15);
    }
    double cost = r->cost, input = r->input;
    for (int i = 0; i < 100; i++) {
        struct line l = {0};
        line_add(r, &l, 40);
        run_line(r, &l, 2, 0, 15);
    }
    assert_true(share(r, cost, input) < 0.8);
    run_end(r);
}

/* Belief says that what came twice comes again; here it never does, and that is seen late. */
static void a_wrong_belief_loses_little(void **state)
{
    static struct line lines[40];
    struct run *r = run_begin();
    memset(lines, 0, sizeof lines);
    for (size_t i = 0; i < 40; i++) {
        line_add(r, &lines[i], 40);
        run_line(r, &lines[i], 1, 0, 1);
    }
    r->now += 4000;
    for (size_t i = 0; i < 40; i++)
        run_line(r, &lines[i], 1, 0, 0.2);
    assert_true(share(r, 0, 0) > 1);
    assert_true(share(r, 0, 0) < 1.005);
    run_end(r);
}

static void free_writes_are_made_at_once(void **state)
{
    struct run *r = run_begin();
    r->terms.write_5m = 1;
    r->terms.read = 0.25F;
    r->terms.ttls = 1;
    run_new(r, 20);
    assert_non_null(mark_at(r, 20));
    run_end(r);
}

/* A cache that never hits is not written to. */
static void what_is_never_hit_is_not_marked(void **state)
{
    struct run *r = run_begin();
    struct line l = {0};
    teach(r);
    r->terms.hit = 0.05F;
    line_add(r, &l, 30);
    run_line(r, &l, 4, 2, 10);
    assert_int_equal(r->plan.n, 0);
    run_end(r);
}

/* --- learning */

static void a_dry_plan_changes_nothing(void **state)
{
    struct run *r = run_begin();
    struct line l = {0};
    unsigned char *before = mem_new(CACHE_LEARNER_BYTES);
    struct cache_plan dry;
    teach(r);
    line_add(r, &l, 30);
    run_line(r, &l, 2, 2, 10);
    run_prompt(r, l.ids, l.n);
    for (size_t i = 0; i < r->n; i++) {
        const struct prefix *p = prefix_find(r->index, r->sites[i].key);
        r->sites[i].known = p;
        if (p)
            r->sites[i].was = *p;
    }
    memcpy(before, r->learner_memory, CACHE_LEARNER_BYTES);
    cache_plan(r->learner, &r->terms, r->sites, r->n, 0, run_tick(r), true, &dry);
    assert_memory_equal(before, r->learner_memory, CACHE_LEARNER_BYTES);
    run_plan(r);
    assert_int_equal(dry.n, r->plan.n);
    for (size_t i = 0; i < dry.n; i++)
        assert_int_equal(dry.marks[i].block, r->plan.marks[i].block);
    mem_free(before);
    run_end(r);
}

static void what_was_learned_survives(void **state)
{
    struct run *r = run_begin();
    struct buf bytes = {0};
    teach(r);
    cache_learner_write(r->learner, &bytes);
    cache_learner_init(r->learner_memory);
    run_new(r, 30);
    assert_int_equal(r->plan.n, 0);
    assert_int_equal(cache_learner_read(r->learner, buf_str(&bytes)), 0);
    run_new(r, 30);
    assert_int_equal(r->plan.n, 1);
    buf_fini(&bytes);
    run_end(r);
}

static void bytes_of_others_are_refused(void **state)
{
    struct run *r = run_begin();
    struct buf bytes = {0};
    teach(r);
    cache_learner_write(r->learner, &bytes);
    struct str all = buf_str(&bytes);
    char *copy = mem_new(all.len);
    memcpy(copy, all.ptr, all.len);
    for (size_t i = 0; i < all.len; i += 1 + all.len / 97) {
        copy[i] ^= 1;
        assert_int_equal(cache_learner_read(r->learner, str_from(copy, all.len)), ERR_BAD);
        copy[i] ^= 1;
        assert_int_equal(cache_learner_read(r->learner, str_from(copy, i)), ERR_BAD);
    }
    mem_free(copy);
    run_new(r, 30);
    assert_int_equal(r->plan.n, 0);
    buf_fini(&bytes);
    run_end(r);
}

/* --- rules, whatever comes */

static void is_lawful(const struct run *r)
{
    const struct cache_plan *p = &r->plan;
    size_t own = 0, kept = 0;
    assert_true(p->n <= ASK_MARKERS_MOST && p->n_notes < CACHE_NOTES_MOST);
    for (size_t i = 0; i < r->n; i++)
        own += r->sites[i].own != ASK_UNMARKED;
    for (size_t i = 0; i < p->n; i++) {
        const struct cache_mark *m = &p->marks[i];
        const struct cache_site *s = &r->sites[m->block];
        assert_true(m->block < r->n && m->ttl != ASK_UNMARKED);
        assert_true(i == 0 || m->block > p->marks[i - 1].block);
        assert_true(i == 0 || m->ttl <= p->marks[i - 1].ttl);
        assert_true(s->own || (s->open && s->tokens >= r->terms.least_tokens));
        kept += s->own && (m->reason == CACHE_OWN ? m->ttl == s->own : r->terms.retime);
    }
    assert_int_equal(kept, own);
    assert_true(p->n <= own || p->n <= r->terms.most_markers);
}

static void random_markers(struct run *r)
{
    enum ask_ttl ttl = run_below(r, 2) ? ASK_1H : ASK_5M;
    for (size_t i = 0, n = 0; i < r->n; i++) {
        r->sites[i].open = run_below(r, 4) != 0;
        if (n == ASK_MARKERS_MOST || run_below(r, 3 + r->n / 2) != 0)
            continue;
        ttl = run_below(r, 3) ? ttl : ASK_5M;
        r->sites[i].own = (unsigned char)ttl;
        n++;
    }
}

static void every_plan_is_lawful(void **state)
{
    static struct line lines[16];
    for (int story = 0; story < 4; story++) {
        struct run *r = run_begin();
        r->terms.retime = story & 1;
        r->terms.renews = story & 2;
        r->terms.most_markers = 4 - (unsigned)story % 3;
        memset(lines, 0, sizeof lines);
        for (int i = 0; i < 2000; i++) {
            struct line *l = &lines[run_below(r, 16)];
            if (l->n > 60 || run_below(r, 10) == 0)
                l->n = run_below(r, l->n + 1);
            line_add(r, l, run_below(r, 6));
            run_prompt(r, l->ids, l->n);
            if (run_below(r, 3) == 0)
                random_markers(r);
            run_plan(r);
            is_lawful(r);
            r->now += (double)run_below(r, run_below(r, 8) ? 20 : 2000);
        }
        run_end(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_marked_before_anything_came_back),
        cmocka_unit_test(a_line_is_read_from_its_last_end),
        cmocka_unit_test(what_is_cached_is_read_past_the_look_back),
        cmocka_unit_test(what_is_cached_is_read_though_more_is_known),
        cmocka_unit_test(where_prompts_part_there_is_a_marker),
        cmocka_unit_test(a_tail_is_marked_where_tails_come_back),
        cmocka_unit_test(no_marker_stands_where_none_may),
        cmocka_unit_test(too_short_and_too_long_are_not_marked),
        cmocka_unit_test(the_clients_markers_stay_and_count),
        cmocka_unit_test(what_comes_back_late_is_kept_for_an_hour),
        cmocka_unit_test(an_hour_is_had_by_renewal),
        cmocka_unit_test(a_clients_marker_gets_an_hour_where_that_pays),
        cmocka_unit_test(the_configured_ttl_is_kept_to),
        cmocka_unit_test(a_ttl_that_is_offered_no_more_is_not_used),
        cmocka_unit_test(always_marks_what_nobody_knows),
        cmocka_unit_test(prompts_that_are_all_new_cost_nothing_more),
        cmocka_unit_test(a_clock_in_the_system_prompt_costs_nothing_more),
        cmocka_unit_test(agents_that_become_one_shot_stop_being_marked),
        cmocka_unit_test(what_comes_twice_is_soon_known),
        cmocka_unit_test(a_wrong_belief_loses_little),
        cmocka_unit_test(free_writes_are_made_at_once),
        cmocka_unit_test(what_is_never_hit_is_not_marked),
        cmocka_unit_test(a_dry_plan_changes_nothing),
        cmocka_unit_test(what_was_learned_survives),
        cmocka_unit_test(bytes_of_others_are_refused),
        cmocka_unit_test(every_plan_is_lawful),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
