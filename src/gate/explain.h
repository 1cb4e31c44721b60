/* SPDX-License-Identifier: Apache-2.0
 *
 * What was found out of a prompt, for those who print it.
 */
#ifndef WEIR_SRC_GATE_EXPLAIN_H
#define WEIR_SRC_GATE_EXPLAIN_H

#include "lane_terms.h"
#include "weir/gate/cache_prompt.h"
#include "weir/gate/cache_terms.h"
#include "weir/gate/explain.h"
#include "weir/gate/facts.h"
#include "weir/gate/lane_wish.h"

struct explain_lanes {
    struct lane_wish wish;
    struct lane_ask ask;
    struct lane_choice choice;
    uint64_t usual_output; /* 0: not known */
};

struct explain {
    const struct config *config;
    const struct catalogue *catalogue;
    struct explain_options options;
    struct arena arena;
    struct facts facts;
    const struct operation *op;
    struct str model; /* as it is called */
    struct str plain; /* of form PLAIN: its id */
    struct str client;
    const struct catalogue_model *row; /* or NULL */
    bool priced;
    struct price price;
    enum ask_dialect dialect;
    bool by_rule; /* mode: not cache.mode */
    enum cache_mode mode;
    bool unreadable; /* the body: what the daemon calls unclear, or no strict JSON */
    bool marks;      /* terms hold: this model is marked */
    bool forbidden;  /* ... but for its verdict */
    struct cache_terms terms;
    struct verdict verdict;
    struct tokens_scale scale;
    bool clear; /* the ask is good, and has blocks */
    struct ask ask;
    struct ask_block *blocks;
    struct cache_site *sites;
    bool control;
    struct cache_plan plan;
    struct prefix_counts counts; /* of all that is known */
    struct fields fields;        /* of the request that is imagined */
    struct explain_lanes lanes;
};

/* Why nothing of it would be marked at all: a sentence, or NULL. */
const char *explain_unmarked(const struct explain *e);
/* NULL, or why its deadline is refused. */
const char *explain_choose_lane(struct explain *e, const struct rule_view *v);
void explain_print_lanes(const struct explain *e, struct buf *out);

#endif
