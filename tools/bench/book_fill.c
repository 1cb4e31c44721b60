/* SPDX-License-Identifier: Apache-2.0
 *
 * Fills a book by the way that every record takes (clerk_record), and tells what it cost:
 *
 *     weir-book-fill FOLDER RECORDS DAYS [PER_SECOND]
 *
 * The records are spread evenly over so many days up to now, over 3 clients, 5 workloads and 4
 * models, unevenly, as people use them. With PER_SECOND they are sent at that pace and in the
 * present: what a commit costs then is what it costs a daemon. FOLDER is STATE/meter.
 */
#include "weir/base/clock.h"
#include "weir/base/random.h"
#include "weir/book/check.h"
#include "weir/book/clerk.h"

#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { AHEAD = 20000 };

static const struct str clients[] = {STR("web"), STR("batch-import"), STR("anonymous")};
static const struct str workloads[] = {STR(""), STR("chat"), STR("search"), STR("nightly-report"),
                                       STR("agents")};
static const struct str models[] = {STR("us.anthropic.claude-opus-4-5-20251101-v1:0"),
                                    STR("anthropic.claude-haiku-4-5-20251001-v1:0"),
                                    STR("us.amazon.nova-lite-v1:0"),
                                    STR("openai.gpt-oss-120b-1:0")};

/* Small numbers are likelier. */
static size_t pick(size_t n)
{
    uint64_t a = random_below(n), b = random_below(n);
    return a < b ? a : b;
}

static struct record sample(int64_t time_ms)
{
    bool stream = random_below(3) > 0;
    struct str model = models[pick(4)];
    uint64_t latency = 200000 + random_below(800000) * (1 + random_below(20));
    struct record r = {.time_ms = time_ms,
                       .client = clients[pick(3)],
                       .workload = workloads[pick(5)],
                       .asked = model,
                       .model = model,
                       .operation = stream ? S("ConverseStream") : S("Converse"),
                       .outcome = S("answered"),
                       .decision = S("cache=off;lane=ondemand;model=same"),
                       .lane = random_below(10) ? LANE_ONDEMAND : LANE_FLEX,
                       .end = random_below(50) ? RECORD_GOOD : RECORD_THROTTLED,
                       .flags = RECORD_INVOCATION | (stream ? RECORD_STREAM : 0),
                       .status = 200,
                       .attempts = 1,
                       .usage = {{random_below(20000), random_below(3000), random_below(50000),
                                  random_below(4) ? 0 : random_below(20000)}},
                       .cost_nanousd = random_below(300000000),
                       .latency_us = latency,
                       .added_us = 50 + random_below(400),
                       .first_us = stream ? latency / 4 : 0};
    r.unmarked_nanousd = r.untouched_nanousd = r.cost_nanousd;
    random_bytes(r.id, sizeof r.id);
    return r;
}

static double seconds_of(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double now_s(void)
{
    return (double)clock_mono_ns() / 1e9;
}

static void send_all(struct clerk *c, uint64_t records, double days, double per_second)
{
    double began = now_s();
    int64_t end = clock_wall_ms(), span = (int64_t)(days * 86400000);
    for (uint64_t i = 0; i < records; i++) {
        struct clerk_counts n;
        int64_t time = end - span + (int64_t)((double)span * ((double)i / (double)records));
        if (per_second > 0)
            while (now_s() < began + (double)i / per_second)
                (void)poll(NULL, 0, 1);
        struct record r = sample(per_second > 0 ? clock_wall_ms() : time);
        clerk_record(c, &r, NULL, NULL);
        if (i % 1000)
            continue;
        for (clerk_count(c, &n); n.waiting > AHEAD; clerk_count(c, &n))
            (void)poll(NULL, 0, 2);
    }
}

/* --- what one waits for with metering: strict */

enum { SINGLE = 200 };
static atomic_uint answers;

static void on_commit(void *arg, bool good)
{
    atomic_fetch_add(&answers, good);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void time_commits(struct clerk *c)
{
    double took[SINGLE];
    for (unsigned i = 0; i < SINGLE; i++) {
        struct record r = sample(clock_wall_ms());
        double began = now_s();
        clerk_record(c, &r, on_commit, NULL);
        while (atomic_load(&answers) <= i)
            sched_yield();
        took[i] = now_s() - began;
    }
    qsort(took, SINGLE, sizeof *took, by_size);
    printf("a commit of one record, %d times: p50 %.2f ms, p90 %.2f ms, p99 %.2f ms\n", SINGLE,
           took[SINGLE / 2] * 1e3, took[SINGLE * 9 / 10] * 1e3, took[SINGLE * 99 / 100] * 1e3);
}

static void print_finding(void *arg, const char *sentence)
{
    printf("wrong: %s\n", sentence);
}

static int tell_size(const char *dir)
{
    struct store *s;
    struct store_size size;
    struct check_result r;
    char why[512] = "";
    const struct store_options o = {.dir = dir, .read_only = true};
    double began = now_s();
    if (store_open(&o, &s, why, sizeof why) || check_run(s, print_finding, NULL, &r) ||
        store_measure(s, &size)) {
        printf("%s\n", why);
        return 1;
    }
    printf("rows: %" PRIu64 " records, %" PRIu64 " minutes, %" PRIu64 " hours, %" PRIu64
           " days, %" PRIu64 " series\n",
           r.rows[TABLE_RECORDS], r.rows[TABLE_MINUTES], r.rows[TABLE_HOURS], r.rows[TABLE_DAYS],
           r.rows[TABLE_SERIES]);
    printf("file %" PRIu64 " bytes, in use %" PRIu64 ", keys and values %" PRIu64
           ": file / live %.3f\n",
           size.file_bytes, size.used_bytes, r.live_bytes,
           (double)size.file_bytes / (double)r.live_bytes);
    printf("check: %" PRIu64 " findings, %.1f s\n", r.findings, now_s() - began);
    store_close(s);
    return r.findings ? 1 : 0;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: weir-book-fill FOLDER RECORDS DAYS [PER_SECOND]\n");
        return 2;
    }
    uint64_t records = strtoull(argv[2], NULL, 10);
    double began = now_s(), days = strtod(argv[3], NULL);
    struct clerk *c = clerk_new(&(struct clerk_options){
        .dir = argv[1], .size_bytes = 64ull << 30, .keep_requests_ms = 400 * 86400000LL});
    send_all(c, records, days, argc > 4 ? strtod(argv[4], NULL) : 0);
    double mine = seconds_of(RUSAGE_THREAD);
    struct clerk_counts n;
    for (clerk_count(c, &n); n.waiting; clerk_count(c, &n))
        (void)poll(NULL, 0, 2);
    double clerks = seconds_of(RUSAGE_SELF) - seconds_of(RUSAGE_THREAD), took = now_s() - began;
    printf("%" PRIu64 " records in %.1f s; sender %.2f us a record (with making it up), clerk "
           "%.2f us a record, %" PRIu64 " commits, %.2f ms of clerk's CPU each, %" PRIu64
           " failures\n",
           n.committed, took, mine / (double)records * 1e6, clerks / (double)records * 1e6,
           n.commits, clerks / (double)n.commits * 1e3, n.failures);
    time_commits(c);
    clerk_free(c);
    return tell_size(argv[1]);
}
