/* SPDX-License-Identifier: Apache-2.0
 *
 * What all threads share: who may come in, the prompt cache, the ledger, the faults that were
 * ordered, what was started and stored, and the clock that tests may move. One lock for the small
 * things; the ledger has its own.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "auth.h"
#include "fault.h"
#include "jobs.h"
#include "ledger.h"
#include "metrics.h"
#include "promptcache.h"

enum { WORLD_FAULTS_MOST = 32, WORLD_KEPT_MOST = 1024, WORLD_ONCE_MOST = 4096 };

/* A fault ordered over the control port: for the next `left` requests whose path, or name of
 * operation, holds `match`. */
struct world_fault {
    struct fault fault;
    int64_t left;
    char match[128];
};

/* A stored response or an async invocation: JSON by name. */
struct world_kept {
    char id[160];
    int64_t made_ms;
    char *json;
    size_t json_bytes;
};

struct world {
    pthread_mutex_t lock;
    struct auth auth;
    uint64_t seed; /* of the padding */
    struct ledger ledger;
    struct promptcache cache;
    struct metrics metrics; /* CloudWatch's */
    struct world_fault faults[WORLD_FAULTS_MOST];
    size_t n_faults;
    unsigned char once[WORLD_ONCE_MOST][8]; /* bodies that failed once */
    size_t n_once;
    struct world_kept responses[WORLD_KEPT_MOST], jobs[WORLD_KEPT_MOST];
    size_t n_responses, n_jobs; /* ever; the ring holds the newest */
    int64_t cache_offset_ms, auth_offset_ms;
    struct jobs *batch; /* model invocation jobs */
};

struct world *world_new(size_t ledger_rows, size_t keep_bodies);
void world_free(struct world *w);
/* Forgets everything but keys, tokens, seed and settings. */
void world_reset(struct world *w);

/* The cache's clock is the wall clock plus an offset, and so is the one of signatures. `cache_ms`
 * (may be NULL) is the new offset, or with `add` what it grows by; `auth_ms` (may be NULL) too. */
void world_set_clock(struct world *w, const int64_t *cache_ms, bool add, const int64_t *auth_ms);
int64_t world_cache_now_ms(struct world *w);
int64_t world_auth_now_s(struct world *w);

void world_settle(struct world *w, const struct prompt *p, struct str account, struct str model_id,
                  struct promptcache_use *out);

/* False when the table is full. */
bool world_order_fault(struct world *w, const struct world_fault *f);
void world_clear_faults(struct world *w);
bool world_has_faults(struct world *w);
/* Takes one use of the first ordered fault for this path, operation and tier; false when there is
 * none. `early` asks for those that come before the body, without it for the others. */
struct world_fault_wish {
    struct str target, operation, tier;
    bool early;
};
bool world_take_fault(struct world *w, const struct world_fault_wish *wish, struct fault *out);
/* True the first time that this body is asked about. */
bool world_first_time(struct world *w, const unsigned char body_sha256[SHA256_BYTES]);

/* Keeps JSON under an id; copies both. */
void world_keep(struct world *w, bool job, struct str id, struct str json);
/* Adds its JSON; false when it is not there. made_ms (may be NULL): when it was kept. */
bool world_get(struct world *w, bool job, struct str id, struct buf *out, int64_t *made_ms);
bool world_forget(struct world *w, struct str response_id);
/* Calls back for each kept job, newest first, under the lock. */
void world_each_job(struct world *w, void (*each)(void *arg, const struct world_kept *k),
                    void *arg);

#endif
