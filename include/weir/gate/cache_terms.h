/* SPDX-License-Identifier: Apache-2.0
 *
 * From what is known of a model to the terms of a plan: which dialect a prompt is written in, what
 * a marker may and costs there, and what the configuration says. `weir serve` and `weir explain`
 * ask the same functions.
 */
#ifndef WEIR_GATE_CACHE_TERMS_H
#define WEIR_GATE_CACHE_TERMS_H

#include "weir/book/catalogue.h"
#include "weir/gate/config.h"
#include "weir/gate/operation.h"
#include "weir/plan/cache_plan.h"

/* `model`: its id as the catalogue knows it, with or without geo prefix; empty when it is not
 * known. ASK_NONE: no prompt of it could be marked, nor is one worth reading. */
enum ask_dialect cache_dialect(const struct operation *op, struct str model);

/* It caches what is not marked, too, for the same time and money (GPT-5.6); Claude and Nova do so
 * at best, and write nothing for it. */
bool cache_is_implicit(const struct catalogue_model *m);
/* False: this model is not marked, or `mode` is off, or it is auto and the model caches by itself
 * at the price of markers (GPT-5.6): nothing would be saved. `price` is that on demand. */
bool cache_terms_of(const struct catalogue_model *m, const struct price *price,
                    const struct config *c, enum cache_mode mode, struct cache_terms *out);

#endif
