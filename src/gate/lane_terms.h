/* SPDX-License-Identifier: Apache-2.0
 *
 * What configuration and catalogue say of lanes: the same for a request on its way
 * (gate/lanes) and for weir explain.
 */
#ifndef WEIR_SRC_GATE_LANE_TERMS_H
#define WEIR_SRC_GATE_LANE_TERMS_H

#include "weir/book/catalogue.h"
#include "weir/gate/config.h"
#include "weir/gate/operation.h"
#include "weir/plan/batch_line.h"
#include "weir/plan/lane.h"

struct lane_terms {
    const struct config *config;
    const struct catalogue *catalogue;
    const struct operation *op;
    const struct config_client *client; /* NULL: none is configured */
    bool own_key;                       /* it goes with the client's own key */
    struct str model;                   /* its plain id */
    const struct catalogue_model *row;  /* NULL: the catalogue does not know it */
    double per_second;                  /* how fast the model may be asked by what can wait */
};

enum batch_kind lane_terms_kind(const struct operation *op);
/* What is offered at which price, how long a pool and the way back to on demand take. What models
 * refused is not looked at. a->deadline_ms is there already. */
void lane_terms_ask(const struct lane_terms *t, struct lane_ask *a);
/* So many records has a job of its model at least. */
uint32_t lane_terms_least(const struct lane_terms *t);
/* The least deadline, in whole minutes, with which a batch is possible where a model may be asked
 * once a second: what Weir takes until it has seen more. */
int64_t lane_terms_least_deadline(int64_t linger_ms);
/* Why it cannot go into a batch, whatever its body is: a few words; NULL: nothing of this forbids
 * it. */
const char *lane_terms_unfit(const struct lane_terms *t);
/* Tokens of an answer: the mean of its like, which may be unknown (0), and the most that the
 * request asks for (0: it does not say). */
uint64_t lane_terms_output(uint64_t mean, uint64_t most);

#endif
