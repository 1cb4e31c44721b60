/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of weir replay: a trace in memory without its texts, what each policy makes of it, and
 * how that is told.
 *
 *     files --load--> requests and blocks, in the order of their time --run--> sums --show--> text
 */
#ifndef WEIR_SRC_CMD_REPLAY_H
#define WEIR_SRC_CMD_REPLAY_H

#include "weir/book/catalogue.h"
#include "weir/gate/config.h"
#include "weir/plan/cache_world.h"
#include "weir/plan/trace.h"

struct replay_request {
    int64_t time_ms;
    size_t first; /* of its blocks */
    uint32_t n;
    uint32_t estimated, told; /* tokens; told 0: nobody counted */
    uint32_t client, model;   /* of the names */
    uint32_t order;           /* in the files */
};

struct replay_block {
    uint64_t key;    /* of all up to its end, in the cache of the account */
    uint32_t tokens; /* its own, estimated */
    unsigned char section, own;
    bool open;
};

struct replay_model {
    struct cache_terms terms;
    bool known;  /* the catalogue knows it, and it can be marked */
    bool told;   /* its name says what model it is, or --model does */
    bool family; /* the catalogue knows but its family */
    uint64_t requests;
    bool priced;          /* a token of input costs... */
    double input_nanousd; /* ... this */
};

/* Strings by number, each once. */
struct replay_names {
    struct str *names;
    uint32_t *places; /* number + 1 by hash; a power of two of them */
    uint32_t n, most;
};

struct replay {
    const struct config *config; /* borrowed */
    const struct catalogue *catalogue;
    struct str model; /* --model: what stands behind names that tell none; empty: nobody said */
    struct replay_request *requests;
    struct replay_block *blocks;
    size_t n, n_blocks;
    size_t requests_most, blocks_most;
    struct replay_names clients, models;
    struct replay_model *of_model; /* by number */
    uint32_t of_model_most;
    enum trace_kind kind;
    uint64_t bodiless, unclear, disordered; /* requests */
};

/* Adds a file, "-" for stdin. False after a sentence on stderr. */
bool replay_load(struct replay *r, const char *path);
/* When all are there: sorts. */
void replay_sort(struct replay *r);
void replay_fini(struct replay *r);

/* Of its prompt: as the model counted, where it told. */
uint32_t replay_tokens(const struct replay_request *q);

enum replay_policy {
    REPLAY_WEIR,
    REPLAY_NONE,
    REPLAY_SYSTEM,
    REPLAY_END,
    REPLAY_CLAIRVOYANT,
    REPLAY_POLICIES
};
struct str replay_word(enum replay_policy p); /* "weir", "none", ... */

struct replay_sum {
    double cost, base; /* what it costs, and would uncached: in nano-dollars, or in tokens */
    double read, write, input; /* tokens */
};
/* False after a sentence on stderr. */
bool replay_run(const struct replay *r, enum replay_policy p, struct replay_sum *out);
/* Every model has a price: the sums are money. */
bool replay_is_money(const struct replay *r);

/* The policy weir: the daemon's own code. Requests come in the order of their time, each planned
 * and then told what it was billed. */
struct replay_weir;
/* NULL: there is no memory for its index. */
struct replay_weir *replay_weir_new(const struct replay *r);
void replay_weir_free(struct replay_weir *w);
/* Returns how many marks. */
size_t replay_weir_plan(struct replay_weir *w, const struct replay_request *q,
                        struct cache_mark out[ASK_MARKERS_MOST]);
void replay_weir_told(struct replay_weir *w, const struct replay_request *q,
                      const struct cache_bill *bill);

#endif
