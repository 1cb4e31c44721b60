/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of batch jobs (plan/batch_fsm, plan/pool, plan/pace) through histories that seeds make.
 * A seed draws a world (how often what fails, how far the list lags, what becomes of a token that
 * comes again), up to 64 records that come in bursts, kills at every step, clocks that jump,
 * and an operator; then calm comes, and all must end. Invariants (sim_check) hold after each step.
 * The same seed makes the same history.
 *
 *     batch_sim [HISTORIES]          from seed 1 on; 20,000 without a number
 *     batch_sim --from N HISTORIES   ... from seed N on
 *     batch_sim --seed N [--trace]   one; told step by step
 *
 * It was seen to find what was broken on purpose (docs/TESTING.md lists how).
 */
#include "sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t noon = 1763640000000; /* of Weir's clock, when a history begins */
static const int64_t days_most = 60;

/* --- seeds */

static uint64_t next_random(struct history *h) /* splitmix64 */
{
    uint64_t z = h->random += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint64_t sim_below(struct history *h, uint64_t n)
{
    return n ? next_random(h) % n : 0;
}

bool sim_percent(struct history *h, unsigned percent)
{
    return sim_below(h, 100) < percent;
}

int64_t sim_between(struct history *h, int64_t least, int64_t most)
{
    return least + (int64_t)sim_below(h, (uint64_t)(most - least + 1));
}

bool sim_calm(const struct history *h)
{
    return h->true_ms >= h->terms.calm_ms;
}

bool sim_fails(struct history *h, unsigned percent)
{
    return percent && !sim_calm(h) && sim_percent(h, percent);
}

/* --- words */

void sim_say(struct history *h, const char *format, ...)
{
    if (!h->trace)
        return;
    int64_t s = h->true_ms / SECOND;
    va_list args;
    printf("%3" PRId64 ":%02d:%02d ", s / 3600, (int)(s / 60 % 60), (int)(s % 60));
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

void sim_broken(struct history *h, const char *format, ...)
{
    va_list args;
    printf("not ok 1 - seed %" PRIu64 ", step %" PRIu64 ": ", h->seed, h->counted);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n# batch_sim --seed %" PRIu64 " --trace tells it again\n", h->seed);
    exit(1);
}

/* --- what happens to Weir */

bool sim_killed(struct history *h)
{
    if (!h->terms.kill || sim_calm(h) || sim_below(h, 1000) >= h->terms.kill)
        return false;
    int64_t down =
        sim_percent(h, 90) ? sim_between(h, 1, 5 * SECOND) : sim_between(h, SECOND, 30 * MINUTE);
    h->engine.up = false;
    h->engine.up_ms = h->true_ms + down;
    h->down_ms += down;
    h->kills++;
    sim_say(h, "killed");
    return true;
}

static void jump(struct history *h)
{
    static const int64_t hour = HOUR, day = 24 * hour;
    const int64_t jumps[] = {hour, -hour, 10 * MINUTE, -10 * MINUTE, 5 * SECOND, day, -day};
    h->skew_ms += jumps[sim_below(h, sizeof jumps / sizeof *jumps)];
    h->jumped = true;
    sim_say(h, "the clock jumps: %" PRId64 " s", h->skew_ms / SECOND);
}

static void operate(struct history *h)
{
    uint64_t rows = h->spool.n_rows, what = sim_below(h, 4);
    uint64_t number = rows ? 1 + sim_below(h, rows) : 0;
    if (what == 0)
        world_human_stops(h);
    else if (what == 1) {
        h->engine.flush[sim_below(h, POOLS)] = true;
        engine_look(h);
    } else if (number)
        engine_order(h, number, what == 2 ? BATCH_CANCEL : BATCH_RETRY);
}

static void arrive(struct history *h)
{
    unsigned burst = sim_percent(h, 30) ? 1 : 1 + (unsigned)sim_below(h, h->terms.most + 5);
    unsigned pool = (unsigned)sim_below(h, POOLS);
    for (; burst && h->arrived < h->terms.records; burst--, h->arrived++)
        spool_take(h, pool);
    h->arrives_ms = h->true_ms + sim_between(h, SECOND, 40 * MINUTE);
    if (h->engine.up)
        engine_look(h);
}

/* --- a history */

static unsigned one_of(struct history *h, unsigned a, unsigned b, unsigned c, unsigned d)
{
    const unsigned all[] = {a, b, c, d};
    return all[sim_below(h, 4)];
}

static struct sim_terms draw(struct history *h)
{
    struct sim_terms t = {.records = 4 + (unsigned)sim_below(h, RECORDS - 3),
                          .jobs_most = one_of(h, 1, 2, 20, 20),
                          .least = one_of(h, 2, 3, 5, 10),
                          .poll_ms = sim_between(h, 30 * SECOND, 5 * MINUTE),
                          .linger_ms = sim_between(h, MINUTE, 20 * MINUTE),
                          .calm_ms = sim_between(h, HOUR, 20 * HOUR),
                          .put = one_of(h, 0, 0, 10, 60),
                          .create = one_of(h, 0, 20, 60, 100),
                          .ask = one_of(h, 0, 5, 40, 90),
                          .read = one_of(h, 0, 0, 10, 70),
                          .direct = one_of(h, 0, 0, 0, 30),
                          .disk = one_of(h, 0, 0, 2, 30),
                          .refuse = one_of(h, 0, 0, 1, 15),
                          .kill = one_of(h, 0, 2, 10, 40),
                          .jump = one_of(h, 0, 0, 0, 4),
                          .operate = one_of(h, 0, 0, 5, 30),
                          .stall = one_of(h, 0, 10, 50, 100),
                          .odd = one_of(h, 0, 5, 20, 80),
                          .twice_most = one_of(h, 0, 10, RECORDS, RECORDS)};
    t.most = t.least + (unsigned)sim_below(h, 3 * t.least);
    t.deadline_ms = t.linger_ms * 2 + sim_between(h, 5 * MINUTE, 8 * HOUR);
    t.token = sim_percent(h, 60)   ? TOKEN_KEPT
              : sim_percent(h, 50) ? TOKEN_CONFLICT
                                   : TOKEN_FORGOTTEN;
    t.list_lag_ms = (int64_t)one_of(h, 0, SECOND, MINUTE, 10 * MINUTE);
    t.token_life_ms = t.list_lag_ms + 5 * MINUTE;
    return t;
}

static void begin(struct history *h, uint64_t seed, bool trace)
{
    memset(h, 0, sizeof *h);
    h->seed = h->random = seed;
    h->trace = trace;
    h->skew_ms = noon;
    h->terms = draw(h);
    h->jumps_ms = h->operates_ms = INT64_MAX;
    if (h->terms.jump)
        h->jumps_ms = sim_between(h, 0, 24 * HOUR / h->terms.jump);
    if (h->terms.operate)
        h->operates_ms = sim_between(h, 0, 24 * HOUR / h->terms.operate);
    engine_start(h);
}

static int64_t next_time(const struct history *h)
{
    const int64_t all[] = {engine_next(h), world_next(h), h->engine.up ? h->operates_ms : INT64_MAX,
                           h->jumps_ms, h->arrived < h->terms.records ? h->arrives_ms : INT64_MAX};
    int64_t next = all[0];
    for (size_t i = 1; i < sizeof all / sizeof *all; i++)
        next = all[i] < next ? all[i] : next;
    return next > h->true_ms ? next : h->true_ms;
}

static int64_t again(struct history *h, unsigned a_day)
{
    return sim_calm(h) ? INT64_MAX : h->true_ms + 1 + sim_between(h, 0, 48 * HOUR / a_day);
}

static void step(struct history *h)
{
    h->true_ms = next_time(h);
    h->counted++;
    world_advance(h);
    if (h->jumps_ms <= h->true_ms) {
        h->jumps_ms = again(h, h->terms.jump);
        jump(h);
    }
    if (!h->engine.up && h->engine.up_ms <= h->true_ms)
        engine_start(h);
    if (h->engine.up && h->operates_ms <= h->true_ms) {
        h->operates_ms = again(h, h->terms.operate);
        operate(h);
    }
    if (h->arrived < h->terms.records && h->arrives_ms <= h->true_ms)
        arrive(h);
    if (h->engine.up)
        engine_look(h);
    if (h->engine.up && h->jumped)
        engine_look(h); /* a row of before the jump may have been written just now */
    check_step(h);
}

static bool is_over(const struct history *h)
{
    if (h->arrived < h->terms.records || h->spool.done != h->spool.taken)
        return false;
    for (uint64_t i = 1; i <= h->spool.n_rows; i++)
        if (h->spool.rows[i].state != BATCH_GONE)
            return false;
    return true;
}

static void run(struct history *h, uint64_t seed, bool trace)
{
    begin(h, seed, trace);
    while (!is_over(h)) {
        step(h);
        if (h->true_ms > days_most * 24 * HOUR || h->counted > 2000000)
            sim_broken(h, "I7: it does not end");
    }
    check_end(h);
}

int main(int argc, char **argv)
{
    static struct history h;
    uint64_t from = 1, n = 20000, kills = 0, jobs = 0, twice = 0, steps = 0;
    bool trace = argc > 3 && strcmp(argv[3], "--trace") == 0;
    if (argc > 2) {
        from = strtoull(argv[2], NULL, 10);
        n = strcmp(argv[1], "--seed") == 0 ? 1 : argc > 3 ? strtoull(argv[3], NULL, 10) : n;
    } else if (argc > 1)
        n = strtoull(argv[1], NULL, 10);
    puts("1..1");
    clock_t began = clock();
    for (uint64_t i = 0; i < n; i++) {
        run(&h, from + i, trace);
        kills += h.kills;
        jobs += h.jobs;
        twice += h.twice;
        steps += h.counted;
    }
    printf("ok 1 - %" PRIu64 " histories\n# %" PRIu64 " steps, %" PRIu64 " jobs, %" PRIu64
           " kills, %" PRIu64 " records maybe twice, %.1f s\n",
           n, steps, jobs, kills, twice, (double)(clock() - began) / CLOCKS_PER_SEC);
    return 0;
}
