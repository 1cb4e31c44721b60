/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules: which settings hold for a request. The first rule that matches counts, for each setting.
 */
#ifndef WEIR_GATE_RULES_H
#define WEIR_GATE_RULES_H

#include "weir/gate/config.h"
#include "weir/wire/fields.h"

/* What a rule can look at. Borrowed. */
struct rule_view {
    struct str client, workload, model;
    struct str behind; /* the model behind an application inference profile; empty: it is none, or
                          not known now. Accepted rules look there, too: the book tells models */
    struct str operation, family; /* as docs/CONFIG.md names them: "ConverseStream", "converse" */
    const struct fields *fields;
    struct str metadata; /* the request's own requestMetadata: a JSON object, or empty */
    int64_t now_s;       /* wall clock */
};

/* The entries to add: a mapping of the configuration; NULL: none. */
const struct yaml_node *rules_metadata(const struct config *c, const struct rule_view *v);
/* What rules say of lanes, each setting by the first that says it. */
struct rule_lanes {
    int64_t deadline_ms;                 /* 0: none */
    int64_t over_ms;                     /* of one with reply: retry whose hours it is not; 0 */
    int reply;                           /* enum spool_reply, or CONFIG_NOT_SET */
    unsigned lanes;                      /* 1 << enum lane; 0: not said */
    struct str deadline_rule, lane_rule; /* whose it is; empty: nobody's */
};
void rules_lanes(const struct config *c, const struct rule_view *v, struct rule_lanes *out);
/* The accepted rule that it fits; NULL: none. Another rule may say more. */
const struct config_rule *rules_accepted(const struct config *c, const struct rule_view *v);
/* Does a rule say when to mark for caching? */
bool rules_cache(const struct config *c, const struct rule_view *v, enum cache_mode *out);

#endif
