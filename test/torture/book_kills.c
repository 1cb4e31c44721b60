/* SPDX-License-Identifier: Apache-2.0
 *
 * Kills a writer of the book with SIGKILL at random moments, as often as is asked, and looks at the
 * book after each:
 *
 *     book_kills [KILLS [SEED [FOLDER]]]
 *
 * The writer is a bare clerk. What it acknowledges goes through a pipe to this program: that must
 * be in the book, whatever comes. Each writer begins by sending the records of the one before once
 * more: none may count twice. Every 25 kills the book is read whole (book/check) and begun anew, so
 * that kills also meet its making, its compacting, and its forgetting.
 */
#include "kills.h"

#include "weir/base/mem.h"
#include "weir/book/check.h"
#include "weir/book/clerk.h"

#include <stdatomic.h>

enum { EPOCH = 25, UNDERWAY = 64, AGAIN = 100, OLD = 60, BOOK_BYTES = 64 << 20 };

struct ack {
    uint32_t round, seq;
};

static int64_t base_ms;
static const struct ack *acks; /* in what was heard in this epoch */
static size_t n_acks;
static uint64_t all_acks;

/* --- the writer */

static atomic_uint underway;

/* The same for the same numbers, whoever asks. */
static struct record record_of(uint32_t round, uint32_t seq)
{
    static const struct str words[] = {STR("chat"), STR("search"), STR("")};
    struct record r = {.time_ms = base_ms + round * 37 + seq,
                       .client = S("anonymous"),
                       .workload = words[seq % 3],
                       .asked = S("claude"),
                       .model = seq % 5 ? S("claude") : S("nova"),
                       .operation = S("Converse"),
                       .outcome = S("answered"),
                       .lane = seq % 7 ? LANE_ONDEMAND : LANE_FLEX,
                       .flags = RECORD_INVOCATION | (seq % 2 ? RECORD_STREAM : 0),
                       .status = 200,
                       .attempts = 1,
                       .usage = {{seq, round, 3}},
                       .cost_nanousd = 1000 + seq,
                       .untouched_nanousd = 2000 + seq,
                       .latency_us = 1000 * (seq % 997),
                       .added_us = seq % 89,
                       .first_us = seq % 2 ? 500 : 0};
    memcpy(r.id, &round, sizeof round);
    memcpy(r.id + 4, &seq, sizeof seq);
    return r;
}

static void on_commit(void *arg, bool good)
{
    uint32_t *numbers = arg;
    struct ack a = {numbers[0], numbers[1]};
    mem_free(numbers);
    atomic_fetch_sub(&underway, 1);
    if (good && write(journal, &a, sizeof a) != sizeof a)
        _exit(0);
}

static void send_one(struct clerk *c, uint32_t round, uint32_t seq)
{
    struct record r = record_of(round, seq);
    uint32_t *numbers = mem_new(2 * sizeof *numbers);
    numbers[0] = round;
    numbers[1] = seq;
    while (atomic_load(&underway) >= UNDERWAY)
        (void)poll(NULL, 0, 1);
    atomic_fetch_add(&underway, 1);
    clerk_record(c, &r, on_commit, numbers);
}

/* In one half of the epochs records come late and the book is compacted, in the other half old
 * records are forgotten: so each can be held against what it must be. */
static void disturb(struct clerk *c, uint32_t round, uint32_t seq)
{
    if (round / EPOCH % 2) {
        for (uint32_t i = 0; i < OLD; i++) {
            struct record r = record_of(round, 1000000 + seq * OLD + i);
            r.time_ms -= 8 * 86400000LL;
            clerk_record(c, &r, NULL, NULL);
        }
    } else if (random_below(4) == 0) {
        clerk_close_minute(c, (uint32_t)(record_of(round, seq).time_ms / 60000), NULL, NULL);
    } else if (random_below(3) == 0) {
        clerk_compact(c, NULL, NULL);
    } else {
        clerk_note(c, S("cursor"), S("somewhere"), NULL, NULL);
    }
}

static void write_book(uint32_t round)
{
    struct clerk *c = clerk_new(&(struct clerk_options){
        .dir = at.meter, .size_bytes = BOOK_BYTES, .keep_requests_ms = 7 * 86400000LL});
    for (uint32_t seq = 0; round % EPOCH && seq < AGAIN; seq++)
        send_one(c, round - 1, seq);
    for (uint32_t seq = 0;; seq++) {
        send_one(c, round, seq);
        if (random_below(50) == 0)
            disturb(c, round, seq);
    }
}

/* --- this program */

static void run_and_take(uint32_t round)
{
    size_t before = n_acks;
    /* A new book is made in the first two milliseconds. */
    uint64_t most_us = round % EPOCH == 0 ? 3000 : random_below(10) ? 15000 : 60000;
    run_and_kill(write_book, round, most_us);
    acks = (const void *)buf_str(&heard).ptr;
    n_acks = buf_len(&heard) / sizeof *acks;
    all_acks += n_acks - before;
}

static void check_ack(struct store_txn *t, const struct ack *a)
{
    unsigned char key[8 + RECORD_ID_BYTES];
    struct record want = record_of(a->round, a->seq), found;
    struct str value;
    store_put_u64(key, (uint64_t)want.time_ms);
    memcpy(key + 8, want.id, RECORD_ID_BYTES);
    if (store_get(t, TABLE_RECORDS, str_from((char *)key, sizeof key), &value) != 0)
        fail("an acknowledged record is not there");
    if (record_read(value, &found) != 0 || found.cost_nanousd != want.cost_nanousd)
        fail("an acknowledged record is damaged");
}

static void on_finding(void *arg, const char *sentence)
{
    printf("# %s\n", sentence);
}

static void check_whole(struct store *s)
{
    struct check_result r;
    if (check_run(s, on_finding, NULL, &r) != 0 || r.findings || r.lost)
        fail("the book is not right");
}

static void look(uint32_t round, size_t from)
{
    struct store *s;
    struct store_txn *t;
    char why[512];
    const struct store_options o = {.dir = at.meter, .read_only = true};
    int rc = store_open(&o, &s, why, sizeof why);
    if (rc == ERR_NOT_FOUND && n_acks == 0)
        return; /* killed before there was a book */
    if (rc != 0) {
        printf("# %s\n", why);
        fail("the book does not open");
    }
    bool last = round % EPOCH == EPOCH - 1;
    if (store_begin(s, false, &t) != 0)
        fail("the book cannot be read");
    for (size_t i = last ? 0 : from; i < n_acks; i++)
        check_ack(t, &acks[i]);
    store_abort(t);
    if (last)
        check_whole(s);
    store_close(s);
}

int main(int argc, char **argv)
{
    unsigned long kills = argc > 1 ? strtoul(argv[1], NULL, 10) : 500;
    int64_t began = now_us();
    log_setup(LOG_ERROR, LOG_TEXT);
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : random_below(1000000);
    random_seed(seed + 1);
    base_ms = clock_wall_ms() - 600000;
    if (argc > 3)
        folder_name(&at, argv[3]);
    else
        folder_make(&at);
    printf("1..1\n# seed %" PRIu64 "\n", seed);
    for (uint32_t round = 0; round < kills; round++) {
        if (round % EPOCH == 0) {
            folder_remove(at.meter);
            buf_clear(&heard);
            n_acks = 0;
        }
        size_t from = n_acks;
        run_and_take(round);
        look(round, from);
    }
    if (argc <= 3)
        folder_remove(at.path);
    buf_fini(&heard);
    if (all_acks < kills)
        fail("hardly anything was acknowledged: the kills come too early");
    printf("ok 1 - %lu kills, %" PRIu64 " acknowledged records: each is there once, every sum is "
           "that of its parts (%.1f s)\n",
           kills, all_acks, (double)(now_us() - began) / 1e6);
    return 0;
}
