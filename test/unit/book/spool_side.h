/* SPDX-License-Identifier: Apache-2.0
 *
 * What the spool's tests share: a spool whose clocks stand still, requests, and what was told. Each
 * call waits for its callback; nothing else is waited for.
 */
#ifndef WEIR_TEST_BOOK_SPOOL_SIDE_H
#define WEIR_TEST_BOOK_SPOOL_SIDE_H

#include "folder.h"
#include "weir/base/clock.h"
#include "weir/base/digest.h"
#include "weir/base/seal.h"
#include "weir/book/spool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SPOOL_NOW 1782000000000LL
enum { MINUTE_MS = 60000, REPLAY_MS = 10 * MINUTE_MS, SPOOL_MIB = 1 << 20 };
#define KEEP_MS (60LL * MINUTE_MS)

static struct {
    pthread_mutex_t lock;
    pthread_cond_t came;
    unsigned told; /* callbacks that came */
} news = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};

/* A caller: what it was told. */
struct caller {
    struct spool_admitted a;
    struct spool_answer *answer; /* of READY, or woken with */
    unsigned admitted, woken;
    uint64_t waits; /* what was said to wait then */
};

/* What waits of "web", as it was told last. */
static _Atomic uint64_t web_waits;

static inline void on_waits(void *arg, struct str client, uint64_t nanousd)
{
    if (str_eq(client, S("web")))
        web_waits = nanousd;
}

static inline void caller_free(struct caller *c)
{
    spool_answer_free(c->answer);
    c->answer = NULL;
}

static inline void news_came(void)
{
    news.told++;
    pthread_cond_broadcast(&news.came);
    pthread_mutex_unlock(&news.lock);
}

static inline void on_admitted(void *arg, const struct spool_admitted *a)
{
    struct caller *c = arg;
    pthread_mutex_lock(&news.lock);
    c->a = *a;
    if (a->answer)
        c->answer = a->answer;
    c->admitted++;
    c->waits = web_waits;
    news_came();
}

static inline void on_woken(void *arg, struct spool_answer *answer)
{
    struct caller *c = arg;
    pthread_mutex_lock(&news.lock);
    c->answer = answer;
    c->woken++;
    news_came();
}

static inline void wait_for(const unsigned *what, unsigned n)
{
    pthread_mutex_lock(&news.lock);
    while (*what < n)
        pthread_cond_wait(&news.came, &news.lock);
    pthread_mutex_unlock(&news.lock);
}

/* --- the spool */

static int64_t now_s = 1000;

static inline void stand(int64_t later_ms)
{
    static int64_t at_ms;
    at_ms = later_ms ? at_ms + later_ms : 0;
    clock_fake(now_s * 1000000000 + at_ms * 1000000, SPOOL_NOW + at_ms);
}

static char spool_told[16][512];
static size_t n_spool_told;

static inline void on_spool_trouble(void *arg, const char *sentence)
{
    pthread_mutex_lock(&news.lock);
    if (n_spool_told < 16)
        snprintf(spool_told[n_spool_told++], sizeof spool_told[0], "%s",
                 sentence ? sentence : "well");
    pthread_mutex_unlock(&news.lock);
}

/* Everything that was sent before is done when this returns. */
static inline void nobody_knows(void *arg, const struct spool_ticket_told *t)
{
    unsigned *n = arg;
    pthread_mutex_lock(&news.lock);
    spool_answer_free(t->answer);
    ++*n;
    news_came();
}

static inline void spool_settled(struct spool *s)
{
    const struct spool_id none = {.number = UINT64_MAX};
    unsigned n = 0;
    spool_ticket(s, &none, S(""), nobody_knows, &n);
    wait_for(&n, 1);
}

static int64_t spool_keeps_ms = KEEP_MS;

static inline struct spool *spool_with(struct folder *at, uint64_t size, const unsigned char *key,
                                       struct clerk *clerk)
{
    char dir[128];
    snprintf(dir, sizeof dir, "%s/spool", at->path);
    struct spool *s = spool_new(&(struct spool_options){.dir = dir,
                                                        .size_bytes = size,
                                                        .key = key,
                                                        .keep_ms = spool_keeps_ms,
                                                        .replay_ms = REPLAY_MS,
                                                        .clerk = clerk,
                                                        .trouble = on_spool_trouble,
                                                        .waits = on_waits});
    spool_settled(s); /* it was opened, or could not be */
    return s;
}

static inline struct spool *spool_of(struct folder *at)
{
    return spool_with(at, 64 * SPOOL_MIB, NULL, NULL);
}

/* --- requests */

static inline struct spool_ask ask_of(const char *client, const char *body)
{
    struct spool_ask a = {.client = str_of(client),
                          .workload = S("night"),
                          .model = S("claude"),
                          .operation = S("Converse"),
                          .kind = BATCH_CONVERSE,
                          .reply = SPOOL_WAIT,
                          .now_ms = clock_wall_ms(),
                          .deadline_ms = clock_wall_ms() + 8 * 60 * MINUTE_MS,
                          .expect_nanousd = 1000,
                          .target = S("/model/claude/converse"),
                          .body = str_of(body)};
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, a.client);
    sha256_add(&h, S("/"));
    sha256_add(&h, a.body);
    sha256_end(&h, a.key);
    return a;
}

static inline void admit(struct spool *s, const struct spool_ask *ask, struct caller *c)
{
    const struct spool_waiter w = {on_admitted, on_woken, c};
    *c = (struct caller){.admitted = 0};
    spool_admit(s, ask, &w);
    wait_for(&c->admitted, 1);
}

/* With an invocation id, or none. */
static inline void admit_body(struct spool *s, const char *body, const char *invocation,
                              struct caller *c)
{
    struct spool_ask ask = ask_of("web", body);
    ask.invocation = str_of(invocation);
    admit(s, &ask, c);
}

static inline void leave(struct spool *s, const struct caller *c)
{
    spool_leave(s, c->a.id.number, c);
    spool_settled(s);
}

static inline void delivered(struct spool *s, const struct caller *c, bool whole)
{
    spool_delivered(s, c->a.id.number, whole);
    spool_settled(s);
}

/* --- moves */

struct moved {
    unsigned n;
    bool good;
    size_t answered;
    struct batch_job job;
    uint64_t waits;
};

static inline void on_done(void *arg, bool good)
{
    struct moved *m = arg;
    pthread_mutex_lock(&news.lock);
    m->good = good;
    m->n++;
    news_came();
}

static inline void on_settled(void *arg, size_t answered, bool good)
{
    struct moved *m = arg;
    pthread_mutex_lock(&news.lock);
    m->good = good;
    m->answered = answered;
    m->waits = web_waits;
    m->n++;
    news_came();
}

static inline void on_cut(void *arg, const struct batch_job *job, bool good)
{
    struct moved *m = arg;
    pthread_mutex_lock(&news.lock);
    m->good = good;
    m->job = *job;
    m->n++;
    news_came();
}

static inline struct batch_job cut(struct spool *s, uint32_t pool, uint32_t n)
{
    struct moved m = {0};
    const struct batch_job job = {
        .state = BATCH_PACKED, .token = "0123456789abcdef", .cut_ms = SPOOL_NOW};
    spool_cut(s, pool, n, UINT64_MAX, &job, on_cut, &m);
    wait_for(&m.n, 1);
    assert_true(m.good);
    return m.job;
}

static inline void put_job(struct spool *s, const struct batch_job *job, enum batch_members members)
{
    struct moved m = {0};
    spool_job(s, job, members, on_done, &m);
    wait_for(&m.n, 1);
    assert_true(m.good);
}

/* How many of them counted. */
static inline size_t settle_all(struct spool *s, const struct batch_job *job,
                                const struct spool_end *all, size_t n)
{
    struct moved m = {0};
    spool_settle(s, job, all, n, on_settled, &m);
    wait_for(&m.n, 1);
    assert_true(m.good);
    return m.answered;
}

static inline size_t settle_one(struct spool *s, const struct batch_job *job, uint64_t number,
                                const char *body)
{
    const struct spool_end e = {.number = number,
                                .status = 200,
                                .body = str_of(body),
                                .flags = job ? SPOOL_BY_BATCH : 0,
                                .cost_nanousd = 500,
                                .saved_nanousd = 400};
    return settle_all(s, job, &e, 1);
}

static inline void pool_direct(struct spool *s, uint32_t pool, uint32_t n)
{
    struct moved m = {0};
    spool_pool_direct(s, pool, n, on_done, &m);
    wait_for(&m.n, 1);
    assert_true(m.good);
}

/* Accepted, into a job of its own, answered. */
static inline void answered(struct spool *s, const char *body, const char *answer, struct caller *c)
{
    admit_body(s, body, "", c);
    assert_int_equal(c->a.said, SPOOL_HELD);
    pool_direct(s, 1, UINT32_MAX);
    assert_int_equal(settle_one(s, NULL, c->a.id.number, answer), 1);
    wait_for(&c->woken, 1);
}

/* --- looking */

static inline struct spool_counts counts(struct spool *s)
{
    struct spool_counts n;
    spool_count(s, &n);
    return n;
}

struct pools {
    struct spool_pool at[16];
    size_t n;
};

static inline void keep_pool(void *arg, const struct spool_pool *p)
{
    struct pools *all = arg;
    if (all->n < 16)
        all->at[all->n++] = *p;
}

static inline struct pools pools_of(struct spool *s)
{
    struct pools all = {.n = 0};
    spool_each_pool(s, keep_pool, &all);
    return all;
}

struct jobs {
    struct batch_job at[16];
    uint32_t waits[16];
    size_t n;
};

static inline void keep_job(void *arg, const struct batch_job *j, uint32_t waits)
{
    struct jobs *all = arg;
    if (all->n == 16)
        return;
    all->waits[all->n] = waits;
    all->at[all->n++] = *j;
}

static inline struct jobs jobs_of(struct spool *s)
{
    struct jobs all = {.n = 0};
    spool_each_job(s, keep_job, &all);
    return all;
}

struct numbers {
    uint64_t at[2048];
    size_t n;
};

static inline bool keep_number(void *arg, const struct spool_record *rec)
{
    struct numbers *all = arg;
    all->at[all->n++] = rec->id.number;
    return all->n < 2048;
}

static inline struct numbers list_of(struct spool *s, enum spool_list list, uint64_t of)
{
    struct numbers all = {.n = 0};
    struct spool_read *r = spool_read_begin(s);
    assert_non_null(r);
    assert_int_equal(spool_walk(r, list, of, 0, keep_number, &all), 0);
    spool_read_end(r);
    return all;
}

/* Its strings are not to be read. */
static inline struct spool_record record_of(struct spool *s, uint64_t number)
{
    struct spool_record rec = {.status = -1};
    struct spool_read *r = spool_read_begin(s);
    assert_non_null(r);
    assert_int_equal(spool_find(r, number, &rec), 0);
    spool_read_end(r);
    return rec;
}

static inline bool is_forgotten(struct spool *s, uint64_t number)
{
    struct spool_record rec;
    struct spool_read *r = spool_read_begin(s);
    assert_non_null(r);
    int rc = spool_find(r, number, &rec);
    spool_read_end(r);
    return rc == ERR_NOT_FOUND;
}

static inline int body_of(struct spool *s, uint64_t number, struct buf *out)
{
    struct spool_read *r = spool_read_begin(s);
    assert_non_null(r);
    int rc = spool_read_body(r, number, out);
    spool_read_end(r);
    return rc;
}

static inline bool has_body(struct spool *s, uint64_t number, const char *want)
{
    struct buf b = {0};
    bool same = body_of(s, number, &b) == 0 && str_eq(buf_str(&b), str_of(want));
    buf_fini(&b);
    return same;
}

#endif
