/* SPDX-License-Identifier: Apache-2.0
 *
 * Prompt caching of one exchange: reads its prompt, asks what is known of it, decides, and tells
 * what came of it. What it decides is spliced in by edit.h; what it learns is in
 * gate/shared_cache.h.
 *
 *     caching_plan      before the first call, in slices
 *     caching_refused   an answer refused what was put in
 *     caching_heard     an answer's head says that it was taken
 *     caching_settle    the usage is there
 */
#ifndef WEIR_SRC_GATE_CACHING_H
#define WEIR_SRC_GATE_CACHING_H

#include "weir/book/record.h"
#include "weir/gate/cache_prompt.h"
#include "weir/gate/exchange.h"
#include "weir/gate/levers.h"
#include "weir/plan/saved.h"

/* Of an exchange whose prompt was read; else it has none. */
struct caching {
    struct caching_room *room; /* while it reads; then NULL */
    struct ask ask;
    struct cache_terms terms;
    struct str model; /* as it is called; borrowed from the exchange */
    enum levers_mode levers;
    enum record_arm arm;
    unsigned group;
    struct cache_plan plan; /* with the marks that go out: the client's alone in the control group.
                               Where levers observe, with those that would go out */
    struct cache_site sites[ASK_MARKERS_MOST]; /* of the plan's marks: block i is sites[i] */
    struct json_edit edits[CACHE_EDITS_MOST];
    size_t n_edits;
    unsigned ours;          /* marks that are Weir's */
    unsigned sections;      /* ... in which (1 << enum ask_section) */
    bool hour;              /* ... one of them for an hour */
    bool out;               /* they are in the call under way */
    bool alone;             /* ... and nothing else of Weir's is */
    bool blamed;            /* a call with them was refused */
    struct str refusal;     /* ... and said this; in the exchange's arena */
    uint64_t estimated;     /* tokens of the prompt, not calibrated */
    uint32_t prompt_tokens; /* ... and calibrated */
    uint32_t prefix_tokens; /* up to the last mark */
};

/* Its model's id, as the catalogue knows it; empty: not known, or not yet. */
struct str caching_model_id(struct exchange *ex);
/* True: decided, or there is nothing to decide. False: call again in the next turn. */
bool caching_plan(struct exchange *ex);
/* Did Weir mark the call under way? Then a 400 or 403 may be of that. */
bool caching_is_out(const struct exchange *ex);
/* The text of such a refusal. */
void caching_refused(struct exchange *ex, struct str body);
/* A good head came: what was marked is cached from now on; where levers observe, so one imagines.
 */
void caching_heard(struct exchange *ex);
/* Its arm and marks. */
void caching_record(const struct exchange *ex, struct record *r);
/* What the client's own markers alone would have done; false: Weir set no marker that was taken, or
 * the model would have done the same by itself. */
bool caching_own(const struct exchange *ex, struct saved_split *out);
/* What the markers that were withheld would have done; false: levers do not observe, or the model
 * does the same by itself. */
bool caching_observed(const struct exchange *ex, struct saved_split *out);
/* What it used is told: what is learned from it. */
void caching_settle(struct exchange *ex, const struct usage *u);
void caching_free(struct exchange *ex);
void caching_rooms_free(struct caching_room *rooms); /* a worker's spare ones */

#endif
