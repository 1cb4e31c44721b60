/* SPDX-License-Identifier: Apache-2.0
 *
 * Kills a writer of the spool with SIGKILL at random moments, as often as is asked, and looks at
 * the spool after each:
 *
 *     spool_kills [KILLS [SEED [FOLDER]]]
 *
 * The writer is a bare spool: it admits, cuts jobs, settles their members or sends them on demand,
 * settles those, deletes jobs. What it acknowledges goes through a pipe to this program: that must
 * be there, readable, in one list, and done where that was acknowledged. Each writer begins by
 * sending requests of the one before once more: none may become a second record. Every 25 kills
 * the spool is begun anew, so that kills also meet its making.
 */
#include "kills.h"

#include "weir/base/digest.h"
#include "weir/base/mem.h"
#include "weir/book/spool.h"

#include <stdatomic.h>

enum { EPOCH = 25, UNDERWAY = 64, AGAIN = 100, MOVE_EACH = 20, SOME = 200 };
#define SPOOL_BYTES (256ULL << 20)

enum what { ADMITTED, SETTLED };
struct ack {
    enum what what;
    uint32_t round, seq;
    uint64_t number;
};

static char dir[128];
static const struct ack *acks; /* in what was heard in this epoch */
static size_t n_acks;
static uint64_t all_acks, settled_acks;

/* --- requests: the same for the same numbers, whoever asks */

static void name_of(uint32_t round, uint32_t seq, char out[32])
{
    snprintf(out, 32, "/r/%" PRIu32 "/%" PRIu32, round, seq);
}

/* One in forty is larger than a piece. */
static void body_of(uint32_t round, uint32_t seq, struct buf *out)
{
    char name[32];
    size_t len = seq % 40 == 7 ? 70000 + seq % 100 : 20 + seq % 900;
    name_of(round, seq, name);
    buf_clear(out);
    while (buf_len(out) < len)
        buf_addf(out, "%s|", name);
}

static void answer_of(const char *name, struct buf *out)
{
    buf_clear(out);
    buf_addf(out, "an answer to %s", name);
}

/* --- the writer */

static atomic_uint underway;
static atomic_bool moved;

struct request {
    uint32_t round, seq;
    uint64_t known; /* its number, by the journal; 0: none */
};

static void note(enum what what, uint32_t round, uint32_t seq, uint64_t number)
{
    const struct ack a = {what, round, seq, number};
    if (write(journal, &a, sizeof a) != sizeof a)
        _exit(0);
}

static void check_answer(const struct request *r, const struct spool_answer *a)
{
    struct buf want = {0};
    char name[32];
    name_of(r->round, r->seq, name);
    answer_of(name, &want);
    if (!str_eq(a->body, buf_str(&want)))
        _exit(4);
    buf_fini(&want);
}

static void on_admitted(void *arg, const struct spool_admitted *a)
{
    struct request *r = arg;
    if (a->said == SPOOL_NOT || (r->known && (a->fresh || a->id.number != r->known)))
        _exit(3);
    if (a->answer)
        check_answer(r, a->answer);
    spool_answer_free(a->answer);
    note(ADMITTED, r->round, r->seq, a->id.number);
    mem_free(r);
    atomic_fetch_sub(&underway, 1);
}

static void send_one(struct spool *s, uint32_t round, uint32_t seq, uint64_t known)
{
    struct request *r = mem_new(sizeof *r);
    const struct spool_waiter w = {on_admitted, NULL, r};
    struct buf body = {0};
    char name[32];
    *r = (struct request){round, seq, known};
    name_of(round, seq, name);
    body_of(round, seq, &body);
    struct spool_ask ask = {.client = seq % 3 ? S("web") : S("mobile"),
                            .model = S("claude"),
                            .operation = S("Converse"),
                            .invocation = str_of(name),
                            .reply = SPOOL_RETRY,
                            .now_ms = clock_wall_ms(),
                            .deadline_ms = clock_wall_ms() + 3600000,
                            .target = str_of(name),
                            .body = buf_str(&body)};
    sha256_of(ask.body, ask.key);
    while (atomic_load(&underway) >= UNDERWAY)
        (void)poll(NULL, 0, 1);
    atomic_fetch_add(&underway, 1);
    spool_admit(s, &ask, &w);
    buf_fini(&body);
}

struct ends {
    struct spool_end at[SOME];
    struct ack acks[SOME];
    struct buf bodies[SOME];
    size_t n;
};

static bool add_end(void *arg, const struct spool_record *rec)
{
    struct ends *e = arg;
    char name[32];
    unsigned round = 0, seq = 0;
    snprintf(name, sizeof name, "%.*s", STR_ARG(rec->target));
    if (sscanf(name, "/r/%u/%u", &round, &seq) != 2)
        _exit(5);
    answer_of(name, &e->bodies[e->n]);
    e->acks[e->n] = (struct ack){SETTLED, round, seq, rec->id.number};
    e->at[e->n] = (struct spool_end){
        .number = rec->id.number, .status = 200, .body = buf_str(&e->bodies[e->n])};
    return ++e->n < SOME;
}

static void on_settled(void *arg, size_t answered, bool good)
{
    struct ends *e = arg;
    for (size_t i = 0; good && i < e->n; i++)
        if (!e->at[i].goes_direct)
            note(SETTLED, e->acks[i].round, e->acks[i].seq, e->acks[i].number);
    for (size_t i = 0; i < SOME; i++)
        buf_fini(&e->bodies[i]);
    mem_free(e);
    atomic_store(&moved, true);
}

static void on_done(void *arg, bool good)
{
    atomic_store(&moved, true);
}

static void on_cut(void *arg, const struct batch_job *job, bool good)
{
    atomic_store(&moved, true);
}

static void settle(struct spool *s, enum spool_list list, const struct batch_job *job)
{
    struct ends *e = mem_new(sizeof *e);
    struct spool_read *r = spool_read_begin(s);
    if (!r || spool_walk(r, list, job ? job->number : 0, 0, add_end, e) != 0)
        _exit(6);
    spool_read_end(r);
    for (size_t i = 0; job && i < e->n; i++)
        e->at[i].goes_direct = random_below(5) == 0;
    spool_settle(s, job, e->at, e->n, on_settled, e);
}

static void keep_job(void *arg, const struct batch_job *job, uint32_t waits)
{
    *(struct batch_job *)arg = *job;
}

/* One thing that the office does; it waits for that. */
static void move(struct spool *s)
{
    struct batch_job job = {.number = 0};
    const struct batch_job packed = {.state = BATCH_PACKED};
    atomic_store(&moved, false);
    spool_each_job(s, keep_job, &job);
    uint64_t dice = random_below(6);
    if (dice < 2 || (!job.number && dice != 5)) {
        spool_cut(s, 1 + (uint32_t)random_below(2), 1 + (uint32_t)random_below(50), UINT64_MAX,
                  &packed, on_cut, NULL);
    } else if (dice == 2) {
        job.state = random_below(2) ? BATCH_GONE : BATCH_RUNNING;
        spool_job(s, &job, BATCH_LEAVE_TWICE, on_done, NULL);
    } else if (dice == 5) {
        settle(s, SPOOL_LIST_DIRECT, NULL);
    } else {
        settle(s, SPOOL_LIST_JOB, &job);
    }
    while (!atomic_load(&moved))
        (void)poll(NULL, 0, 1);
}

static uint64_t known_of(uint32_t round, uint32_t seq)
{
    for (size_t i = 0; i < n_acks; i++)
        if (acks[i].round == round && acks[i].seq == seq)
            return acks[i].number;
    return 0;
}

static void write_spool(uint32_t round)
{
    struct spool *s = spool_new(&(struct spool_options){
        .dir = dir, .size_bytes = SPOOL_BYTES, .keep_ms = 86400000, .replay_ms = 600000});
    if (!spool_wait_open(s, 10000))
        _exit(2);
    for (uint32_t seq = 0; round % EPOCH && seq < AGAIN; seq++)
        send_one(s, round - 1, seq, known_of(round - 1, seq));
    for (uint32_t seq = 0;; seq++) {
        send_one(s, round, seq, 0);
        if (random_below(MOVE_EACH) == 0)
            move(s);
    }
}

/* --- this program */

static void run_and_take(uint32_t round)
{
    size_t before = n_acks;
    /* A new spool is made in the first milliseconds. */
    uint64_t most_us = round % EPOCH == 0 ? 6000 : random_below(10) ? 20000 : 80000;
    run_and_kill(write_spool, round, most_us);
    acks = (const void *)buf_str(&heard).ptr;
    n_acks = buf_len(&heard) / sizeof *acks;
    all_acks += n_acks - before;
    for (size_t i = before; i < n_acks; i++)
        settled_acks += acks[i].what == SETTLED;
}

/* --- looking */

static void check_ack(struct spool_read *r, const struct ack *a, struct buf *want, struct buf *body)
{
    struct spool_record rec;
    char name[32];
    if (spool_find(r, a->number, &rec) != 0)
        fail("an acknowledged record is not there");
    name_of(a->round, a->seq, name);
    if (!str_eq(rec.target, str_of(name)))
        fail("an acknowledged record is another one");
    if (a->what == SETTLED && rec.state != SPOOL_DONE)
        fail("an acknowledged answer is not there");
    if (rec.state == SPOOL_DONE)
        return;
    body_of(a->round, a->seq, want);
    buf_clear(body);
    if (spool_read_body(r, a->number, body) != 0 || !str_eq(buf_str(body), buf_str(want)))
        fail("the body of an acknowledged record is not what it was");
}

struct names {
    char (*at)[32];
    size_t n, cap;
    uint64_t in_list;
};

static bool add_name(void *arg, const struct spool_record *rec)
{
    struct names *x = arg;
    if (x->n == x->cap) {
        x->cap = x->cap ? 2 * x->cap : 1024;
        x->at = mem_grow(x->at, x->cap * sizeof *x->at);
    }
    snprintf(x->at[x->n++], sizeof *x->at, "%.*s", STR_ARG(rec->target));
    x->in_list++;
    return true;
}

struct listing {
    struct spool_read *read;
    struct names names;
    uint64_t of_state[SPOOL_STATES];
};

static void walk(struct listing *l, enum spool_list list, uint64_t of, uint64_t want)
{
    static const enum spool_state states[] = {SPOOL_POOLED, SPOOL_IN_JOB, SPOOL_DIRECT};
    l->names.in_list = 0;
    if (spool_walk(l->read, list, of, 0, add_name, &l->names) != 0)
        fail("a list cannot be read");
    if (l->names.in_list != want)
        fail("a list is not what it is summed up to");
    l->of_state[states[list]] += want;
}

static void walk_pool(void *arg, const struct spool_pool *p)
{
    walk(arg, SPOOL_LIST_POOL, p->number, p->view.count);
}

static void walk_job(void *arg, const struct batch_job *job, uint32_t waits)
{
    walk(arg, SPOOL_LIST_JOB, job->number, waits);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Every list is what it is summed up to, together they are all, and no request is in them twice. */
static void check_lists(struct spool *s, struct spool_read *r)
{
    struct listing l = {.read = r};
    struct spool_counts n;
    spool_count(s, &n);
    spool_each_pool(s, walk_pool, &l);
    spool_each_job(s, walk_job, &l);
    walk(&l, SPOOL_LIST_DIRECT, 0, n.records[SPOOL_DIRECT]);
    for (int i = 0; i < SPOOL_DONE; i++)
        if (l.of_state[i] != n.records[i])
            fail("records are in no list");
    if (n.size.rows[TABLE_SPOOLED] != n.size.rows[TABLE_PLACES] ||
        n.size.rows[TABLE_SPOOLED] != n.size.rows[TABLE_LISTS])
        fail("a record has no place");
    if (l.names.n)
        qsort(l.names.at, l.names.n, sizeof *l.names.at, by_name);
    for (size_t i = 1; i < l.names.n; i++)
        if (strcmp(l.names.at[i - 1], l.names.at[i]) == 0)
            fail("a request has two records");
    mem_free(l.names.at);
}

static void look(uint32_t round, size_t from)
{
    struct buf want = {0}, body = {0};
    char why[512];
    struct spool *s;
    int rc = spool_open_read(dir, NULL, &s, why, sizeof why);
    if (rc == ERR_NOT_FOUND && n_acks == 0)
        return; /* killed before there was a spool */
    if (rc != 0) {
        printf("# %s\n", why);
        fail("the spool does not open");
    }
    struct spool_read *r = spool_read_begin(s);
    if (!r)
        fail("the spool cannot be read");
    for (size_t i = round % EPOCH == EPOCH - 1 ? 0 : from; i < n_acks; i++)
        check_ack(r, &acks[i], &want, &body);
    check_lists(s, r);
    spool_read_end(r);
    spool_close_read(s);
    buf_fini(&want);
    buf_fini(&body);
}

int main(int argc, char **argv)
{
    unsigned long kills = argc > 1 ? strtoul(argv[1], NULL, 10) : 500;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : random_below(1000000);
    int64_t began = now_us();
    log_setup(LOG_ERROR, LOG_TEXT);
    random_seed(seed + 1);
    if (argc > 3)
        folder_name(&at, argv[3]);
    else
        folder_make(&at);
    snprintf(dir, sizeof dir, "%s/spool", at.path);
    printf("1..1\n# seed %" PRIu64 "\n", seed);
    for (uint32_t round = 0; round < kills; round++) {
        if (round % EPOCH == 0) {
            folder_remove(dir);
            buf_clear(&heard);
            n_acks = 0;
        }
        size_t from = n_acks;
        run_and_take(round);
        look(round, from);
    }
    folder_remove(argc <= 3 ? at.path : dir);
    buf_fini(&heard);
    if (all_acks < kills || settled_acks < kills / 10)
        fail("hardly anything was acknowledged: the kills come too early");
    printf("ok 1 - %lu kills, %" PRIu64 " acknowledged records and %" PRIu64
           " ends: each is there once (%.1f s)\n",
           kills, all_acks - settled_acks, settled_acks, (double)(now_us() - began) / 1e6);
    return 0;
}
