/* SPDX-License-Identifier: Apache-2.0
 *
 * Jobs and pools as the engine has them in memory, and how a job moves:
 *
 *     batch_work_event --> plan/batch_fsm --> the row to the disk --> its act --> batch_work_event
 *
 * A job has one event, one write or one act under way, never two of them.
 */
#ifndef WEIR_SRC_GATE_BATCH_JOBS_H
#define WEIR_SRC_GATE_BATCH_JOBS_H

#include "batch_private.h"
#include "weir/base/arena.h"

/* A bucket with the credentials of one client's role, or with Weir's own. */
struct batch_place_name {
    struct str client, role; /* empty: Weir's own credentials */
    struct str bucket, owner;
};
struct batch_place {
    struct list node; /* batch.places */
    struct batch *batch;
    struct arena names;
    struct batch_place_name name; /* in `names` */
    bool current;                 /* the configured bucket; else only older jobs have it */
    struct s3 *s3;                /* NULL: the bucket has no address */
    struct s3_call *probe;
    int64_t probe_ms;  /* the next one is due; monotonic */
    int64_t asked_ms;  /* the one at hand began */
    bool refused;      /* no job can be made here now */
    bool told_uploads; /* that those left open cannot be aborted */
    bool silent;       /* it does not answer: jobs wait */
};

enum batch_move { BATCH_RESTS, BATCH_CUTS, BATCH_GOES_DIRECT, BATCH_CANCELS };

struct batch_pool {
    struct list node; /* batch.pools */
    struct batch *batch;
    uint32_t number;
    struct str client, model, role; /* in `text` */
    enum batch_kind kind;
    struct pool_view view;
    bool seen;            /* the spool has it */
    enum batch_move busy; /* a move of its members is under way */
    bool flush;           /* by the operator */
    bool closed;          /* Bedrock or S3 refused a job of it, which is told as its trouble */
    char text[];
};

/* What waits for the end of the act at hand. */
enum batch_order { BATCH_NO_ORDER, BATCH_ORDER_CANCEL, BATCH_ORDER_RETRY };

struct batch_work {
    struct list node; /* batch.jobs */
    struct batch *batch;
    struct batch_pool *pool;
    struct batch_job row;   /* as it is on the disk */
    struct batch_job next;  /* ... and as it is being written */
    struct batch_turn turn; /* what follows when that is done */
    uint32_t waits;         /* members without an answer */
    bool writing, unwritten, acting;
    bool in_line; /* PUT: others are before it */
    enum batch_order order;
    /* Of the act. */
    struct s3_call *s3;
    struct bedrock_jobs_call *ask;
    struct batch_pack *pack;
    struct batch_collect *collect;
    struct list doomed; /* CLEAN: keys that are still to be deleted (struct batch_key) */
    bool more_keys;
};

/* A key in a list. */
struct batch_key {
    struct list node;
    size_t len;
    char bytes[];
};

/* A callback of the spool on its way to the office. */
struct batch_mail {
    struct mail mail;
    struct batch_link *link;
    void (*deliver)(struct batch *b, const struct batch_mail *m);
    uint64_t number; /* of the job or pool */
    bool good;
    size_t answered;
    struct batch_job job; /* of a cut */
    struct limits *limits;
    struct batch_billed paid;
    char *payer; /* owned; NULL: nobody pays */
};
struct batch_mail *batch_mail_new(struct batch *b, uint64_t number,
                                  void (*deliver)(struct batch *b, const struct batch_mail *m));
/* The client's budgets and limits pay it as soon as the end is on the disk, before what waits of it
 * is told to be less: what is spent is never in neither of them. */
void batch_mail_pays(struct batch_mail *m, struct str client, const struct batch_billed *paid);
/* The spool's callbacks: `arg` is the mail. */
void batch_mail_done(void *arg, bool good);
void batch_mail_settled(void *arg, size_t answered, bool good);
void batch_mail_cut(void *arg, const struct batch_job *job, bool good);

/* --- batch_run */
struct batch_work *batch_work_find(struct batch *b, uint64_t number);
struct batch_pool *batch_pool_find(struct batch *b, uint32_t number);
struct shared_lanes_pool batch_pool_name(const struct batch_pool *p);
/* As spool_each_pool's `each`. */
void batch_see_pool(void *arg, const struct spool_pool *s);
/* The catalogue's limits of its model, with what is assumed where it tells none. */
struct batch_limits {
    uint32_t least, most, jobs;
    uint64_t file_bytes, job_bytes;
};
struct batch_limits batch_limits_of(const struct batch *b, struct str model);
/* All that was closed is open again: the operator, a reload, a bucket that came back. */
void batch_pools_reopen(struct batch *b);
/* Looks at everything soon. */
void batch_look(struct batch *b);

/* --- batch_job: events, writes */
struct batch_work *batch_work_new(struct batch *b, struct batch_pool *pool,
                                  const struct batch_job *row, uint32_t waits);
void batch_work_free(struct batch_work *w);
/* One step, from an act's answer or a timer. Ends the act. */
void batch_work_event(struct batch_work *w, const struct batch_news *n);
/* The same for READ_SOME: row and ends, which cost `paid`, in one transaction. The act goes on with
 * batch_collect_go_on. */
void batch_work_settle(struct batch_work *w, const struct batch_news *n,
                       const struct spool_end *ends, size_t n_ends,
                       const struct batch_billed *paid);
/* Is it time for anything? */
void batch_work_look(struct batch_work *w, int64_t now_ms);
/* Drops the act at hand; its end is unknown, and an event says so. */
void batch_work_interrupt(struct batch_work *w, const char *why);
/* "weir-0123abcd-12-TOKEN", its beginning; "weir/0123abcd/12-TOKEN/" and what follows, into `out`.
 */
void batch_work_name(const struct batch_work *w, struct buf *out);
/* "weir-0123abcd-12", which its name begins with. */
void batch_work_stem(const struct batch_work *w, struct buf *out);
/* Is `j` the job of this row? By its name, and by its token where that is told. */
bool batch_row_is(struct str instance, const struct batch_job *row, const struct bedrock_job *j);
void batch_work_key(const struct batch_work *w, const char *rest, struct buf *out);

/* --- batch_act */
void batch_act_begin(struct batch_work *w, enum batch_act act);
/* An upload that is in line: may it begin? */
void batch_act_put(struct batch_work *w);
/* Frees what the act holds. */
void batch_act_drop(struct batch_work *w);

/* --- batch_pack: lines of an input. */
struct batch_pack *batch_pack_new(struct batch_work *w);
void batch_pack_free(struct batch_pack *p);
/* As s3_put's `more`. */
int batch_pack_more(void *arg, struct buf *out);

/* --- batch_collect: output from row.read_bytes on; its end is an event. */
void batch_collect_begin(struct batch_work *w);
void batch_collect_free(struct batch_collect *c);
/* What was given to batch_work_settle is on the disk; then the act may go on. */
void batch_collect_settled(struct batch_collect *c);
void batch_collect_go_on(struct batch_collect *c);
/* Nothing is read any more: going on says so. */
void batch_collect_break(struct batch_collect *c, const char *why);

/* --- batch_place */
/* The configured one. */
struct batch_place *batch_place_of(struct batch *b, struct str client, struct str role);
/* It was just asked for the first time: pools wait to hear whether it can be used. */
bool batch_place_is_unknown(const struct batch_place *p);
/* Where this job's files are. */
struct batch_place *batch_place_of_work(const struct batch_work *w);
/* An object was refused: is it the bucket? */
void batch_place_probe(struct batch_place *p);
/* What is configured now becomes the job's. */
void batch_place_write(const struct batch *b, struct batch_job *j);
void batch_places_look(struct batch *b);  /* probes that are due */
void batch_places_probe(struct batch *b); /* all of them, now */
void batch_places_free(struct batch *b);

/* --- batch_sample: once a minute the book is told what waits. */
void batch_sample(struct batch *b, int64_t now_ms);

/* --- batch_sweep: jobs of ours that no row knows are stopped. */
void batch_sweep_look(struct batch *b);
/* Whoever is asked just now is left: another configuration has other clients. */
void batch_sweep_anew(struct batch *b);

#endif
