/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the batch simulation share: one history, made by one seed.
 *
 *     sim_world    S3, Bedrock and on demand, as they may behave; what they charged
 *     sim_spool    what is on the disk: the lists, as sets of records, and the jobs' rows
 *     sim_engine   what is lost in a kill: which act is under way, what was answered
 *     sim_check    what must hold after each step
 *     batch_sim    seeds, time, kills, clocks that jump, the operator
 *
 * A record is a bit: lists, bills and marks are sets. Time that passes is `true_ms`; what Weir
 * reads on its clock is that and `skew_ms`.
 */
#ifndef WEIR_TEST_SIM_H
#define WEIR_TEST_SIM_H

#include "weir/plan/batch_fsm.h"
#include "weir/plan/pace.h"
#include "weir/plan/pool.h"

enum { RECORDS = 64, ROWS = 40, POOLS = 2, LINES = 2 * RECORDS, CALLS = 4 };
enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

typedef uint64_t set;

/* --- the seed: what kind of history it is */
struct sim_terms {
    uint32_t least, most, jobs_most;                  /* of a job; of a model */
    int64_t linger_ms, poll_ms, deadline_ms, calm_ms; /* calm: nothing fails from then on */
    unsigned records;
    unsigned put, create, ask, read, direct, disk; /* percent of failures */
    unsigned refuse;                               /* percent of what is refused for good */
    unsigned kill;                                 /* of 1,000, at each place where it may die */
    unsigned jump, operate;                        /* how often in a day */
    unsigned stall, odd; /* percent of jobs that stall; of lines that are odd */
    enum { TOKEN_KEPT, TOKEN_CONFLICT, TOKEN_FORGOTTEN } token;
    int64_t list_lag_ms, token_life_ms;
    uint32_t twice_most; /* records a day */
};

/* --- the world */
enum fate { ANSWERED, ERRORS, NOT_DONE, CHARGED_ONLY }; /* CHARGED_ONLY: its line cannot be read */
enum line { LINE_GOOD, LINE_ERROR, LINE_STRANGE, LINE_BROKEN };

struct world_job {
    uint64_t number; /* of its row: name and token */
    unsigned pool;
    enum batch_status status;
    int64_t made_ms, visible_ms, next_ms, output_ms;
    bool stalls, told_counts;
    set members, processed;
    unsigned char fates[RECORDS];
    unsigned n_lines;
    unsigned char line_of[LINES], line_is[LINES];
};

struct world {
    struct world_job jobs[ROWS];
    unsigned n_jobs;
    bool inputs[ROWS]; /* objects, by number */
    set input_of[ROWS];
    struct {
        int64_t at_ms;
        uint64_t number;
    } late[ROWS]; /* creates that arrive after their caller gave up */
    unsigned n_late;
    unsigned char bills[RECORDS];
    set billed_lines; /* by a job, with a line that can be read */
};

/* --- the disk */
struct sim_spool {
    set pools[POOLS], direct, done, taken;
    set twice, sent;                 /* marks */
    set metered_job, metered_direct; /* rows for the book; one of each kind at most */
    int64_t came_ms[RECORDS], deadline_ms[RECORDS];
    uint32_t bytes_of[RECORDS];  /* of its body */
    struct batch_job rows[ROWS]; /* by number; state GONE: no row */
    set members[ROWS];
    uint64_t n_rows;
    int64_t twice_day;
    uint32_t twice_n; /* that day */
};

/* --- what a kill takes */
struct sim_act {
    enum batch_act act; /* WAIT: none is under way */
    bool writes;        /* the row could not be written: again soon, then it goes on */
    struct batch_job next;
    struct batch_turn turn;
    int64_t at_ms; /* its answer comes */
    struct batch_news news;
    char arn[32];
};
struct sim_call {
    int record; /* -1: none */
    int64_t at_ms;
    enum { CALL_GOOD, CALL_LATER, CALL_LOST } how;
};
struct sim_engine {
    bool up;
    int64_t up_ms;
    struct sim_act acts[ROWS];
    struct sim_call calls[CALLS];
    struct pace pace;
    int64_t closed_ms[POOLS];
    bool flush[POOLS];
    int64_t pool_ms[POOLS], direct_ms; /* look again */
};

struct history {
    uint64_t seed, random;
    bool trace;
    struct sim_terms terms;
    int64_t true_ms, skew_ms, down_ms;
    struct world world;
    struct sim_spool spool;
    struct sim_engine engine;
    unsigned arrived;
    int64_t arrives_ms, operates_ms, jumps_ms;
    bool jumped;
    set answered;
    set unread;       /* output that could not be read, given up by the operator */
    uint32_t over;    /* marked beyond the bound: lost by the job, or by the operator's order */
    set excused;      /* may miss their deadline: an alarm is up, or the operator did it */
    uint64_t counted; /* steps */
    struct {
        int64_t from_ms;
        unsigned n;
    } busy[ROWS];                /* acts of a row in a minute */
    uint64_t kills, jobs, twice; /* for the summary */
};

/* Even in 0 .. n-1; true so many times of a hundred; a time between. */
uint64_t sim_below(struct history *h, uint64_t n);
bool sim_percent(struct history *h, unsigned percent);
int64_t sim_between(struct history *h, int64_t least, int64_t most);
/* A failure of that rate, until all is calm. */
bool sim_fails(struct history *h, unsigned percent);
bool sim_calm(const struct history *h);
/* It may die here: true, it did. */
bool sim_killed(struct history *h);
void sim_say(struct history *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints the seed and how to see it again; does not return. */
_Noreturn void sim_broken(struct history *h, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline int64_t sim_wall(const struct history *h)
{
    return h->true_ms + h->skew_ms;
}
static inline unsigned set_count(set s)
{
    return (unsigned)__builtin_popcountll(s);
}
static inline int set_first(set s)
{
    return __builtin_ctzll(s);
}
static inline set set_of(int record)
{
    return (set)1 << record;
}

void world_advance(struct history *h);
int64_t world_next(const struct history *h);
/* An act's answer as it will come, and what it did. */
void world_put(struct history *h, uint64_t number, struct sim_act *a);
void world_create(struct history *h, uint64_t number, struct sim_act *a);
void world_list(struct history *h, uint64_t number, struct sim_act *a);
void world_get(struct history *h, uint64_t number, struct sim_act *a);
void world_stop(struct history *h, uint64_t number, struct sim_act *a);
void world_clean(struct history *h, uint64_t number, struct sim_act *a);
void world_direct(struct history *h, struct sim_call *c);
/* The row's job; NULL: none was made. */
struct world_job *world_find(struct history *h, uint64_t number);
void world_human_stops(struct history *h);

/* Transactions. */
void spool_take(struct history *h, unsigned pool);
void spool_cut(struct history *h, unsigned pool, uint32_t n, uint64_t bytes);
void spool_job(struct history *h, const struct batch_job *row, enum batch_members members);
/* Lines [from, to) of its output, with the row. How many were answered. */
uint32_t spool_count_lines(struct history *h, uint64_t number, unsigned from, unsigned to);
void spool_lines(struct history *h, const struct batch_job *row, unsigned from, unsigned to);
void spool_pool_direct(struct history *h, unsigned pool);
void spool_sent(struct history *h, int record);
void spool_answered(struct history *h, int record);
void spool_again(struct history *h, int record, bool maybe_twice);

void engine_start(struct history *h); /* after a kill, too */
void engine_look(struct history *h);
int64_t engine_next(const struct history *h); /* when to look again, in true time */
void engine_order(struct history *h, uint64_t number, enum batch_event order);

void check_step(struct history *h);
void check_done(struct history *h, int record);
void check_act(struct history *h, uint64_t number, enum batch_act act);
void check_leave(struct history *h, const struct batch_job *row); /* its members left, marked */
void check_cut(struct history *h, unsigned pool, uint32_t n);
void check_end(struct history *h);

#endif
