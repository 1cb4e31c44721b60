/* SPDX-License-Identifier: Apache-2.0
 *
 * Fills a spool by the way that every request takes (spool_admit), and tells what it cost:
 *
 *     weir-spool-fill FOLDER RECORDS [BODY_BYTES [SECONDS]]
 *
 * At 1,000, 10,000, ... records, up to RECORDS, it tells what each of those since the last step
 * cost, and then for so many seconds (10) how long an admit takes at 1,000 in a second; then what
 * the largest moves take. At the end another process opens it: how long that takes, and its
 * anonymous memory. FOLDER is STATE/spool.
 */
#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"
#include "weir/book/spool.h"

#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AHEAD = 500, A_SECOND = 1000 };
#define SIZE_BYTES (16ULL << 30)

static atomic_uint_fast64_t told, taken;

static double now_s(void)
{
    return (double)clock_mono_ns() / 1e9;
}

static double seconds_of(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static long anonymous_kib(void)
{
    char line[128];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "RssAnon: %ld", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib;
}

static struct spool *opened(const char *dir)
{
    return spool_new(&(struct spool_options){
        .dir = dir, .size_bytes = SIZE_BYTES, .keep_ms = 86400000, .replay_ms = 600000});
}

/* --- admits */

static void on_admitted(void *arg, const struct spool_admitted *a)
{
    double *took = arg;
    if (took)
        *took = now_s() - *took;
    atomic_fetch_add(&taken, a->said == SPOOL_HELD && a->fresh);
    atomic_fetch_add(&told, 1);
}

static void send_one(struct spool *s, char *body, size_t len, double *took)
{
    const struct spool_waiter w = {on_admitted, NULL, took};
    int64_t now = clock_wall_ms();
    struct spool_ask ask = {.client = S("batch-import"),
                            .workload = S("nightly"),
                            .model = S("anthropic.claude-haiku-4-5-20251001-v1:0"),
                            .operation = S("Converse"),
                            .reply = SPOOL_RETRY,
                            .invocation = S("2f9bf5ac-92b7-4b8a-8b6a-0a3c8a1b4cde"),
                            .now_ms = now,
                            .deadline_ms = now + 8 * 3600000,
                            .expect_nanousd = 1200000,
                            .target = S("/model/anthropic.claude-haiku-4-5-20251001-v1:0/converse"),
                            .body = str_from(body, len)};
    random_bytes(ask.key, sizeof ask.key);
    if (took)
        *took = now_s();
    spool_admit(s, &ask, &w);
}

static void fill(struct spool *s, uint64_t n, char *body, size_t len)
{
    double began = now_s(), cpu = seconds_of(RUSAGE_SELF), mine = seconds_of(RUSAGE_THREAD);
    uint64_t from = atomic_load(&told);
    for (uint64_t i = 0; i < n; i++) {
        send_one(s, body, len, NULL);
        while (from + i + 1 - atomic_load(&told) >= AHEAD)
            (void)poll(NULL, 0, 1);
    }
    while (atomic_load(&told) < from + n)
        (void)poll(NULL, 0, 1);
    mine = seconds_of(RUSAGE_THREAD) - mine;
    cpu = seconds_of(RUSAGE_SELF) - cpu - mine;
    printf("%8" PRIu64 " more: %.1f us of the spool's CPU each, %.0f a second; ", n,
           cpu / (double)n * 1e6, (double)n / (now_s() - began));
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void pace(struct spool *s, unsigned seconds, char *body, size_t len)
{
    size_t n = seconds * A_SECOND;
    double *took = mem_new((n + 1) * sizeof *took), began = now_s();
    uint64_t from = atomic_load(&told);
    for (size_t i = 0; i < n; i++) {
        while (now_s() < began + (double)i / A_SECOND)
            (void)poll(NULL, 0, 1);
        send_one(s, body, len, &took[i]);
    }
    while (atomic_load(&told) < from + n)
        (void)poll(NULL, 0, 1);
    qsort(took, n, sizeof *took, by_size);
    printf("at 1,000/s p50 %.2f ms, p99 %.2f ms, most %.2f ms\n", took[n / 2] * 1e3,
           took[n * 99 / 100] * 1e3, took[n - 1] * 1e3);
    mem_free(took);
}

/* --- moves */

static atomic_uint moves;
static struct batch_job job;

static void on_cut(void *arg, const struct batch_job *j, bool good)
{
    job = *j;
    atomic_fetch_add(&moves, good);
}

static void on_done(void *arg, bool good)
{
    atomic_fetch_add(&moves, good);
}

static double waited(double began, unsigned n)
{
    while (atomic_load(&moves) < n)
        (void)poll(NULL, 0, 1);
    return (now_s() - began) * 1e3;
}

/* What admits wait for meanwhile. */
static void move(struct spool *s)
{
    const struct batch_job packed = {.state = BATCH_PACKED};
    double began = now_s();
    spool_cut(s, 1, 50000, UINT64_MAX, &packed, on_cut, NULL);
    double cut = waited(began, 1);
    began = now_s();
    spool_job(s, &job, BATCH_LEAVE_TWICE, on_done, NULL);
    printf("cut to a job of %" PRIu32 ": %.0f ms; all of them leave it: %.0f ms\n", job.records,
           cut, waited(began, 2));
}

static void fill_all(const char *dir, uint64_t records, size_t len, unsigned seconds)
{
    struct spool *s = opened(dir);
    struct spool_counts c;
    char *body = mem_new(len + 1);
    memset(body, 'x', len);
    if (!spool_wait_open(s, 60000))
        exit(1);
    for (uint64_t at = 0, step = 1000; at < records; at = step, step *= 10) {
        fill(s, (step < records ? step : records) - at, body, len);
        pace(s, seconds, body, len);
        fflush(stdout);
    }
    spool_count(s, &c);
    move(s);
    printf("%" PRIu64 " taken, %" PRIu64 " pooled; file %" PRIu64 " MB, in use %" PRIu64 " MB\n",
           atomic_load(&taken), c.records[SPOOL_POOLED], c.size.file_bytes >> 20,
           c.size.used_bytes >> 20);
    spool_free(s);
    mem_free(body);
}

static void open_once(const char *dir)
{
    struct spool_counts c;
    double began = now_s();
    struct spool *s = opened(dir);
    bool open = spool_wait_open(s, 60000);
    double took = now_s() - began;
    spool_count(s, &c);
    printf("opened: %s in %.2f s, %" PRIu64 " records, %ld KiB of anonymous memory\n",
           open ? "yes" : "no", took, c.records[SPOOL_POOLED], anonymous_kib());
    spool_free(s);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: weir-spool-fill FOLDER RECORDS [BODY_BYTES [SECONDS]]\n");
        return 2;
    }
    size_t len = argc > 3 ? strtoull(argv[3], NULL, 10) : 2000;
    unsigned seconds = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 10;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        fill_all(argv[1], strtoull(argv[2], NULL, 10), len, seconds);
        exit(0);
    }
    if (waitpid(pid, &status, 0) != pid || status != 0)
        return 1;
    open_once(argv[1]);
    return 0;
}
