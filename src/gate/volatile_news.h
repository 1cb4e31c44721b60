/* SPDX-License-Identifier: Apache-2.0
 *
 * Who tells in the log that a place was found where prompts change early: position, kind and cost,
 * never text. A place once, and one place a minute at most.
 */
#ifndef WEIR_SRC_GATE_VOLATILE_NEWS_H
#define WEIR_SRC_GATE_VOLATILE_NEWS_H

#include "weir/book/catalogue.h"
#include "weir/gate/daemon.h"

/* In the office's thread. */
struct volatile_news *volatile_news_new(struct daemon *d);
void volatile_news_free(struct volatile_news *n);

/* Tells of the first place that was not told of. False: there is none. */
bool volatile_news_tell(struct volatile_news *n, struct shared_cache *c,
                        const struct catalogue *catalogue);

/* A place's tokens, calibrated. */
uint64_t volatile_news_scale(struct shared_cache *c, struct str model, struct str client,
                             uint64_t tokens);
/* What so many tokens cost more than reading them from the cache would. False: there is no price.
 */
bool volatile_news_cost(const struct catalogue *c, struct str model, uint64_t tokens,
                        int64_t *out_nanousd);

#endif
