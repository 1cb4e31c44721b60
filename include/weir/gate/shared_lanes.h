/* SPDX-License-Identifier: Apache-2.0
 *
 * What all threads know of lanes: how fast models answer, which tiers they refuse, how long answers
 * are, whether pools fill, and which callers never fill one. plan's structures under locks that are
 * held for a look; bounded: what nobody asked for longest gives way. Times are wall clock.
 */
#ifndef WEIR_GATE_SHARED_LANES_H
#define WEIR_GATE_SHARED_LANES_H

#include "weir/base/str.h"
#include "weir/plan/batch_line.h"
#include "weir/plan/usage.h"

#include <stdbool.h>
#include <stdint.h>

struct shared_lanes;
struct shared_lanes *shared_lanes_new(void);
void shared_lanes_free(struct shared_lanes *s);

/* --- kept over a restart, by the keeper: rates, answers' lengths, whether pools fill; by a name
 * for each: what changed since the last call. Nothing of it is lost that was learned before it is
 * restored; what cannot be read is learned again. */
void shared_lanes_each_changed(struct shared_lanes *s,
                               void (*each)(void *arg, struct str name, struct str bytes),
                               void *arg);
void shared_lanes_restore_named(struct shared_lanes *s, struct str name, struct str bytes,
                                int64_t now_ms);
void shared_lanes_all_changed(struct shared_lanes *s);

/* --- how fast a model may be asked by what can wait (plan/pace.h); it was answered, or others */
void shared_lanes_answered(struct shared_lanes *s, struct str model, int64_t now_ms);
void shared_lanes_answered_ours(struct shared_lanes *s, struct str model, int64_t now_ms);
void shared_lanes_throttled(struct shared_lanes *s, struct str model, int64_t now_ms);
double shared_lanes_rate(struct shared_lanes *s, struct str model, int64_t now_ms);
bool shared_lanes_take(struct shared_lanes *s, struct str model, int64_t now_ms, int64_t *out_ms);

/* --- tiers: refused for a day, then a week; throttled for a minute, doubling to an hour */
bool shared_lanes_tier(struct shared_lanes *s, struct str model, enum lane tier, int64_t now_ms);
void shared_lanes_tier_refused(struct shared_lanes *s, struct str model, enum lane tier,
                               bool throttled, int64_t now_ms);
void shared_lanes_tier_taken(struct shared_lanes *s, struct str model, enum lane tier);

/* --- what answers use: the mean, by client and model; 0: nothing is known */
void shared_lanes_used(struct shared_lanes *s, struct str client, struct str model,
                       uint64_t output_tokens);
uint64_t shared_lanes_output(struct shared_lanes *s, struct str client, struct str model);

/* --- pools, by client, model and kind */
struct shared_lanes_pool {
    struct str client, model;
    enum batch_kind kind;
};
/* It became a job, or its time came without enough members. */
void shared_lanes_filled(struct shared_lanes *s, const struct shared_lanes_pool *p, bool filled);
double shared_lanes_fills(struct shared_lanes *s, const struct shared_lanes_pool *p);
/* No job can be made for it until then (S3 or Bedrock refused for good); 15 minutes, doubling to a
 * day. */
int64_t shared_lanes_close(struct shared_lanes *s, const struct shared_lanes_pool *p,
                           int64_t now_ms);
/* The operator, or a reload: all of them, and all callers. */
void shared_lanes_reopen(struct shared_lanes *s);
bool shared_lanes_open(struct shared_lanes *s, const struct shared_lanes_pool *p, int64_t now_ms);

/* --- callers whose connections are held (plan/linger.h) */
void shared_lanes_held(struct shared_lanes *s, const struct shared_lanes_pool *p,
                       struct str workload);
void shared_lanes_left(struct shared_lanes *s, const struct shared_lanes_pool *p,
                       struct str workload);
/* The pool's time came: its callers are judged. How many were closed by that. */
unsigned shared_lanes_judge(struct shared_lanes *s, const struct shared_lanes_pool *p,
                            uint32_t least, int64_t now_ms);
bool shared_lanes_may(struct shared_lanes *s, const struct shared_lanes_pool *p,
                      struct str workload, int64_t now_ms);
/* One that is not held goes on demand, and ended: as many at a time as fill a job (`least`), and it
 * is held again. */
void shared_lanes_asks(struct shared_lanes *s, const struct shared_lanes_pool *p,
                       struct str workload, uint32_t least);
void shared_lanes_asked(struct shared_lanes *s, const struct shared_lanes_pool *p,
                        struct str workload);

#endif
