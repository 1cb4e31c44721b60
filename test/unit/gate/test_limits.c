/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/limits: nothing leaks on any way out, and eight threads that come and go at random leave
 * sums that are exact. What a budget begins with out of a book: test_limits_past.
 */
#include "weir/base/mem.h"
#include "weir/gate/limits.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { THREADS = 8, TURNS = 20000 };
static const int64_t noon_ms = 1795176000000; /* 20 November 2026 */

static struct config *config_of(size_t n)
{
    static const struct str names[] = {STR("reports"), STR("agents"), STR("zoo")};
    struct config *c = mem_new(sizeof *c);
    for (; c->n_clients < n; c->n_clients++)
        c->clients[c->n_clients].name = names[c->n_clients];
    return c;
}

struct side {
    struct limits *limits;
    struct config *config;
    int64_t now_ms;
    struct limits_view seen[4]; /* of limits_each */
    size_t n_seen;
};

static struct side side_of(size_t clients)
{
    return (struct side){limits_new(), config_of(clients), noon_ms, {{{0}}}, 0};
}

static void side_end(struct side *s)
{
    limits_free(s->limits);
    mem_free(s->config);
}

static void follow(struct side *s)
{
    assert_true(limits_follow(s->limits, s->config, NULL, s->now_ms));
}

static void note(void *arg, const struct limits_view *v)
{
    struct side *s = arg;
    s->seen[s->n_seen++] = *v;
}

/* Of the client, or with an empty name of all. */
static struct limits_view view(struct side *s, const char *name)
{
    s->n_seen = 0;
    limits_each(s->limits, s->now_ms, note, s);
    for (size_t i = 0; i < s->n_seen; i++)
        if (str_eq(s->seen[i].name, str_of(name)))
            return s->seen[i];
    return (struct limits_view){.name = S("none")};
}

static struct limits_verdict admit(struct side *s, const char *client, uint64_t tokens,
                                   uint64_t nanousd, struct limits_held *held)
{
    const struct limits_ask ask = {tokens, nanousd, true};
    *held = (struct limits_held){0};
    struct limits_verdict v = limits_admit(s->limits, str_of(client), &ask, s->now_ms, held);
    if (v.answer != LIMITS_IN && v.answer < LIMITS_BUDGET_FLEX)
        limits_refused(s->limits, str_of(client), &v);
    return v;
}

static void settle(struct side *s, struct limits_held *held, uint64_t tokens, uint64_t nanousd)
{
    limits_settle(s->limits, held, tokens, nanousd, s->now_ms);
    assert_null(held->entry);
}

static bool refused(struct limits_verdict v, enum limits_answer answer, const char *what)
{
    return v.answer == answer && str_eq(v.what, str_of(what));
}

/* --- */

static void no_limits_no_refusals(void **state)
{
    struct side s = side_of(1);
    struct limits_held held[2];
    struct limits_verdict v = admit(&s, "reports", UINT64_MAX, UINT64_MAX, &held[0]);
    assert_true(v.answer == LIMITS_IN && v.requests_left == UINT64_MAX);
    settle(&s, &held[0], 1, 1); /* before any configuration */
    follow(&s);
    for (int i = 0; i < 2; i++)
        assert_true(admit(&s, "reports", UINT64_MAX, UINT64_MAX, &held[i]).answer == LIMITS_IN);
    assert_true(view(&s, "reports").running == 2);
    for (int i = 0; i < 2; i++)
        settle(&s, &held[i], UINT64_MAX, 5);
    settle(&s, &held[0], 1, 1); /* nothing is held any more */
    assert_true(view(&s, "reports").running == 0 && view(&s, "").running == 0);
    assert_true(view(&s, "reports").day.spent_nanousd == 10);
    side_end(&s);
}

static void refuses_requests(void **state)
{
    struct side s = side_of(2);
    struct limits_held held;
    s.config->clients[0].limits.requests_per_minute = 3;
    follow(&s);
    for (uint64_t left = 3; left-- > 0;) {
        struct limits_verdict v = admit(&s, "reports", 0, 0, &held);
        assert_true(v.answer == LIMITS_IN && v.requests_left == left);
        settle(&s, &held, 0, 0);
    }
    struct limits_verdict v = admit(&s, "reports", 0, 0, &held);
    assert_true(refused(v, LIMITS_RATE, "requests_per_minute") && v.retry_ms == 20000);
    assert_true(!v.of_all && v.requests_left == 0 && v.tokens_left == UINT64_MAX);
    assert_null(held.entry);
    assert_true(admit(&s, "agents", 0, 0, &held).answer == LIMITS_IN);
    settle(&s, &held, 0, 0);
    s.now_ms += 20000;
    assert_true(admit(&s, "reports", 0, 0, &held).answer == LIMITS_IN);
    settle(&s, &held, 0, 0);
    assert_int_equal(view(&s, "reports").limited[LIMITS_REQUESTS], 1);
    side_end(&s);
}

/* The estimate goes, what was used stays; more than the estimate is owed. */
static void settles_tokens(void **state)
{
    struct side s = side_of(1);
    struct limits_held held;
    s.config->clients[0].limits.tokens_per_minute = 6000;
    follow(&s);
    struct limits_verdict v = admit(&s, "reports", 6001, 0, &held);
    assert_true(refused(v, LIMITS_RATE, "tokens_per_minute") && v.retry_ms == INT64_MAX);
    assert_true(admit(&s, "reports", 5000, 0, &held).tokens_left == 1000);
    settle(&s, &held, 200, 0);
    assert_int_equal(view(&s, "reports").tokens_left, 5800);
    assert_true(admit(&s, "reports", 5800, 0, &held).answer == LIMITS_IN);
    settle(&s, &held, 6800, 0);
    assert_int_equal(view(&s, "reports").tokens_left, 0);
    v = admit(&s, "reports", 1, 0, &held);
    assert_true(v.answer == LIMITS_RATE && v.retry_ms == 10010);
    side_end(&s);
}

static void refuses_one_too_many(void **state)
{
    struct side s = side_of(1);
    struct limits_held held[3];
    s.config->clients[0].limits = (struct config_limits){100, 1000, 2, 0};
    follow(&s);
    for (int i = 0; i < 2; i++)
        assert_true(admit(&s, "reports", 10, 0, &held[i]).answer == LIMITS_IN);
    struct limits_verdict v = admit(&s, "reports", 10, 0, &held[2]);
    assert_true(refused(v, LIMITS_CONCURRENT, "concurrent") && v.retry_ms == 1000);
    assert_true(v.requests_left == 98 && v.tokens_left == 980);
    settle(&s, &held[1], 0, 0);
    assert_true(admit(&s, "reports", 10, 0, &held[2]).answer == LIMITS_IN);
    assert_true(view(&s, "reports").running == 2 && view(&s, "").running == 2);
    side_end(&s);
}

/* What the client's own limits gave comes back when that of all refuses. */
static void gives_back_what_all_refuse(void **state)
{
    struct side s = side_of(2);
    struct limits_held held;
    s.config->limits = (struct config_limits){0, 100, 0, 0};
    s.config->clients[0].limits = (struct config_limits){10, 1000, 10, 0};
    s.config->clients[0].day_nanousd = 1000;
    follow(&s);
    assert_true(admit(&s, "agents", 90, 7, &held).tokens_left == 10);
    struct limits_held mine;
    struct limits_verdict v = admit(&s, "reports", 11, 7, &mine);
    assert_true(refused(v, LIMITS_RATE, "tokens_per_minute") && v.of_all);
    assert_true(v.requests_left == 10 && v.tokens_left == 10);
    struct limits_view now = view(&s, "reports");
    assert_true(now.requests_left == 10 && now.tokens_left == 1000 && now.running == 0);
    assert_true(now.day.reserved_nanousd == 0 && now.limited[LIMITS_ALL_TOKENS] == 1);
    settle(&s, &held, 0, 0);
    assert_true(view(&s, "").tokens_left == 100 && view(&s, "").running == 0);
    v = admit(&s, "stranger", 101, 0, &held); /* in no configuration */
    assert_true(v.answer == LIMITS_RATE && v.of_all);
    assert_true(admit(&s, "stranger", 100, 5, &held).answer == LIMITS_IN);
    settle(&s, &held, 40, 5);
    assert_true(view(&s, "").tokens_left == 60 && view(&s, "").running == 0);
    side_end(&s);
}

static void budget_rejects(void **state)
{
    struct side s = side_of(1);
    struct limits_held held, other;
    s.config->clients[0].day_nanousd = 100;
    s.config->clients[0].month_nanousd = 150;
    s.config->clients[0].limits = (struct config_limits){100, 1000, 9, 0};
    follow(&s);
    assert_true(admit(&s, "reports", 10, 60, &held).answer == LIMITS_IN);
    struct limits_verdict v = admit(&s, "reports", 10, 41, &other);
    assert_true(refused(v, LIMITS_BUDGET, "usd_per_day") && v.resets_s == 1795219200);
    assert_true(v.requests_left == 99 && v.tokens_left == 990);
    assert_true(view(&s, "reports").month.reserved_nanousd == 60);
    settle(&s, &held, 10, 100);
    assert_true(admit(&s, "reports", 10, 1, &held).answer == LIMITS_BUDGET);
    s.now_ms += 12 * 3600 * 1000;
    v = admit(&s, "reports", 10, 51, &held);
    assert_true(refused(v, LIMITS_BUDGET, "usd_per_month") && v.resets_s == 1796083200);
    assert_true(view(&s, "reports").day.reserved_nanousd == 0);
    assert_true(admit(&s, "reports", 10, 50, &held).answer == LIMITS_IN);
    settle(&s, &held, 10, 50);
    struct limits_view now = view(&s, "reports");
    assert_true(now.day.spent_nanousd == 50 && now.month.spent_nanousd == 150);
    assert_true(now.running == 0 && view(&s, "").running == 0);
    side_end(&s);
}

/* Flex and warn let in, count all the same, and say once a period that it was the first. */
/* What waits is in the way of others, in every period, until somebody says that it does not. */
static void what_waits_is_reserved(void **state)
{
    struct side s = side_of(1);
    struct limits_held held;
    limits_wait(s.limits, S("reports"), 90); /* not configured yet: it must be told again */
    s.config->clients[0].day_nanousd = 100;
    s.config->clients[0].month_nanousd = 1000;
    follow(&s);
    assert_true(view(&s, "reports").day.waiting_nanousd == 0);
    limits_wait(s.limits, S("reports"), 90);
    assert_true(refused(admit(&s, "reports", 0, 11, &held), LIMITS_BUDGET, "usd_per_day"));
    assert_true(admit(&s, "reports", 0, 10, &held).answer == LIMITS_IN);
    settle(&s, &held, 0, 0);
    follow(&s); /* a reload changes nothing of it */
    s.now_ms += 86400000LL;
    assert_true(refused(admit(&s, "reports", 0, 11, &held), LIMITS_BUDGET, "usd_per_day"));
    limits_charge(s.limits, S("reports"), 0, 40, s.now_ms);
    limits_wait(s.limits, S("reports"), 0);
    assert_true(view(&s, "reports").month.spent_nanousd == 40);
    assert_true(refused(admit(&s, "reports", 0, 61, &held), LIMITS_BUDGET, "usd_per_day"));
    assert_true(admit(&s, "reports", 0, 60, &held).answer == LIMITS_IN);
    limits_wait(s.limits, S("reports"), 960); /* beyond both */
    assert_true(refused(admit(&s, "reports", 0, 0, &held), LIMITS_BUDGET, "usd_per_month"));
    side_end(&s);
}

static void budget_lets_in(void **state)
{
    struct side s = side_of(2);
    struct limits_held held;
    s.config->clients[0].day_nanousd = s.config->clients[1].month_nanousd = 10;
    s.config->clients[0].then = THEN_WARN;
    s.config->clients[1].then = THEN_FLEX;
    follow(&s);
    for (int i = 0; i < 3; i++) {
        struct limits_verdict v = admit(&s, "reports", 0, 11, &held);
        assert_true(refused(v, LIMITS_BUDGET_WARN, "usd_per_day") && v.first == (i == 0));
        settle(&s, &held, 0, 11);
    }
    assert_true(view(&s, "reports").day.spent_nanousd == 33);
    assert_true(view(&s, "reports").month.reserved_nanousd == 0);
    assert_true(view(&s, "reports").limited[LIMITS_DAY] == 0);
    s.now_ms += 86400000;
    assert_true(admit(&s, "reports", 0, 11, &held).first);
    struct limits_held other;
    assert_true(admit(&s, "agents", 0, 11, &other).answer == LIMITS_BUDGET_FLEX);
    assert_true(view(&s, "agents").month.reserved_nanousd == 11);
    const struct limits_ask cannot = {0, 11, false};
    other = (struct limits_held){0};
    struct limits_verdict v = limits_admit(s.limits, S("agents"), &cannot, s.now_ms, &other);
    assert_true(refused(v, LIMITS_BUDGET, "usd_per_month") && !other.entry);
    assert_true(view(&s, "agents").month.reserved_nanousd == 11);
    side_end(&s);
}

/* What is under way when a limit begins, changes or goes, and a client that goes and comes. */
/* What waited is charged when its answer is there: nothing was reserved, nothing runs. */
static void charges_without_a_reservation(void **state)
{
    struct side s = side_of(1);
    struct limits_held held;
    s.config->clients[0].day_nanousd = 100;
    s.config->clients[0].limits.tokens_per_minute = 1000;
    s.config->limits.tokens_per_minute = 5000;
    follow(&s);
    limits_charge(s.limits, S("reports"), 600, 70, s.now_ms);
    limits_charge(s.limits, S("nobody"), 400, 70, s.now_ms);
    struct limits_view mine = view(&s, "reports"), all = view(&s, "");
    assert_true(mine.tokens_left == 400 && all.tokens_left == 4000);
    assert_true(mine.day.spent_nanousd == 70 && mine.day.reserved_nanousd == 0);
    assert_true(mine.month.spent_nanousd == 70 && mine.running == 0 && all.running == 0);
    assert_true(refused(admit(&s, "reports", 1, 31, &held), LIMITS_BUDGET, "usd_per_day"));
    assert_true(refused(admit(&s, "reports", 401, 1, &held), LIMITS_RATE, "tokens_per_minute"));
    limits_charge(s.limits, S("reports"), 0, 40, s.now_ms); /* it is over, and stays so */
    assert_int_equal(view(&s, "reports").day.spent_nanousd, 110);
    side_end(&s);
}

static void reloads_lose_nothing(void **state)
{
    struct side s = side_of(2);
    struct limits_held held, other;
    struct config *without = config_of(1);
    follow(&s);
    assert_true(admit(&s, "agents", 400, 70, &held).answer == LIMITS_IN);
    s.config->clients[1].limits = (struct config_limits){10, 1000, 1, 0};
    s.config->clients[1].day_nanousd = 100;
    follow(&s);
    assert_int_equal(view(&s, "agents").tokens_left, 600);
    assert_true(refused(admit(&s, "agents", 1, 1, &other), LIMITS_CONCURRENT, "concurrent"));
    s.config->clients[1].limits.concurrent = 0;
    for (int i = 0; i < 4; i++)
        assert_true(limits_follow(s.limits, without, NULL, s.now_ms));
    assert_true(str_eq(view(&s, "agents").name, S("none")));
    settle(&s, &held, 100, 70);
    for (int i = 0; i < 4; i++)
        assert_true(limits_follow(s.limits, without, NULL, s.now_ms));
    follow(&s);
    assert_int_equal(view(&s, "agents").tokens_left, 900);
    assert_true(view(&s, "agents").day.spent_nanousd == 70);
    assert_true(refused(admit(&s, "agents", 1, 31, &other), LIMITS_BUDGET, "usd_per_day"));
    assert_true(admit(&s, "agents", 1, 30, &other).answer == LIMITS_IN);
    settle(&s, &other, 0, 0);
    s.config->clients[1].limits.tokens_per_minute = 0;
    follow(&s);
    s.config->clients[1].limits.tokens_per_minute = 500; /* nothing is under way */
    follow(&s);
    assert_int_equal(view(&s, "agents").tokens_left, 500);
    s.now_ms += 40LL * 86400000; /* now it says nothing any more */
    for (int i = 0; i < 4; i++)
        assert_true(limits_follow(s.limits, without, NULL, s.now_ms));
    follow(&s);
    assert_true(view(&s, "agents").day.spent_nanousd == 0);
    mem_free(without);
    side_end(&s);
}

/* --- all at once */

static pthread_mutex_t sums = PTHREAD_MUTEX_INITIALIZER;
static uint64_t spent[3], let_in;

struct runner {
    struct side *side;
    uint64_t seed;
};

static uint64_t below(struct runner *r, uint64_t n)
{
    r->seed ^= r->seed << 13;
    r->seed ^= r->seed >> 7;
    r->seed ^= r->seed << 17;
    return r->seed % n;
}

static void *come_and_go(void *arg)
{
    static const char *const names[] = {"reports", "agents", "zoo"};
    struct runner *r = arg;
    struct limits_held held[16] = {{0}};
    size_t whose[16] = {0};
    uint64_t mine[3] = {0}, came = 0;
    for (int i = 0; i < TURNS + 16; i++) {
        size_t at = i < TURNS ? below(r, 16) : (size_t)(i - TURNS);
        if (held[at].entry) {
            uint64_t cost = below(r, held[at].nanousd + 1);
            limits_settle(r->side->limits, &held[at], below(r, 40), cost, noon_ms);
            mine[whose[at]] += cost;
        } else if (i < TURNS) {
            const struct limits_ask ask = {below(r, 50), below(r, 3000)};
            whose[at] = below(r, 3);
            (void)limits_admit(r->side->limits, str_of(names[whose[at]]), &ask, noon_ms, &held[at]);
            came += held[at].entry != NULL;
        }
    }
    pthread_mutex_lock(&sums);
    let_in += came;
    for (size_t i = 0; i < 3; i++)
        spent[i] += mine[i];
    pthread_mutex_unlock(&sums);
    return NULL;
}

static void *reload(void *arg)
{
    struct side *s = arg;
    for (int i = 0; i < 500; i++)
        (void)limits_follow(s->limits, s->config, NULL, noon_ms);
    return NULL;
}

static void sums_are_exact(void **state)
{
    struct side s = side_of(3);
    pthread_t threads[THREADS], reloader;
    struct runner runners[THREADS];
    s.config->limits = (struct config_limits){90000, 0, 100, 0};
    s.config->clients[0].limits = (struct config_limits){30000, 0, 20, 0};
    s.config->clients[0].day_nanousd = 5000000;
    s.config->clients[1].limits = (struct config_limits){0, 3000000, 30, 0};
    s.config->clients[1].month_nanousd = 9000000;
    s.config->clients[2].day_nanousd = 3000;
    s.config->clients[2].then = THEN_WARN;
    follow(&s);
    for (size_t i = 0; i < THREADS; i++) {
        runners[i] = (struct runner){&s, 1000 + i};
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &runners[i]), 0);
    }
    assert_int_equal(pthread_create(&reloader, NULL, reload, &s), 0);
    for (size_t i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_join(reloader, NULL);
    static const char *const names[] = {"reports", "agents", "zoo"};
    for (size_t i = 0; i < 3; i++) {
        struct limits_view v = view(&s, names[i]);
        assert_true(v.running == 0 && v.day.reserved_nanousd == 0);
        assert_true(v.month.reserved_nanousd == 0 && v.month.spent_nanousd == spent[i]);
        assert_true(v.day.spent_nanousd == spent[i]);
    }
    assert_true(spent[0] <= 5000000 && spent[1] <= 9000000 && spent[2] > 3000);
    assert_true(view(&s, "").running == 0 && view(&s, "").requests_left == 90000 - let_in);
    side_end(&s);
}

/* Exactly as many as the arithmetic says, however they come. */
static struct limits *shared;
static unsigned came_in;

static void *take_two_hundred(void *arg)
{
    const struct limits_ask ask = {10, 70};
    struct limits_held held = {0};
    unsigned in = 0;
    for (int i = 0; i < 200; i++) {
        (void)limits_admit(shared, S("reports"), &ask, noon_ms, &held);
        in += held.entry != NULL;
        held = (struct limits_held){0};
    }
    pthread_mutex_lock(&sums);
    came_in += in;
    pthread_mutex_unlock(&sums);
    return NULL;
}

static unsigned race(struct side *s)
{
    pthread_t threads[THREADS];
    shared = s->limits;
    came_in = 0;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_two_hundred, NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    return came_in;
}

static void as_many_as_fit(void **state)
{
    for (int which = 0; which < 5; which++) {
        struct side s = side_of(1);
        struct config_client *c = &s.config->clients[0];
        if (which == 0)
            c->limits.requests_per_minute = 777;
        else if (which == 1)
            c->limits.tokens_per_minute = 7779;
        else if (which == 2)
            c->limits.concurrent = 777;
        else if (which == 3)
            c->day_nanousd = 777 * 70 + 69;
        else
            s.config->limits.concurrent = 777;
        follow(&s);
        assert_int_equal(race(&s), 777);
        side_end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_limits_no_refusals),
        cmocka_unit_test(refuses_requests),
        cmocka_unit_test(settles_tokens),
        cmocka_unit_test(refuses_one_too_many),
        cmocka_unit_test(gives_back_what_all_refuse),
        cmocka_unit_test(budget_rejects),
        cmocka_unit_test(what_waits_is_reserved),
        cmocka_unit_test(budget_lets_in),
        cmocka_unit_test(charges_without_a_reservation),
        cmocka_unit_test(reloads_lose_nothing),
        cmocka_unit_test(sums_are_exact),
        cmocka_unit_test(as_many_as_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
