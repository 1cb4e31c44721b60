/* SPDX-License-Identifier: Apache-2.0
 *
 * What `weir serve` and `weir explain` do alike with a prompt that was read: whose knowledge of it
 * counts, what a plan is made of, whether it is in the control group, and what a plan puts into its
 * body.
 */
#ifndef WEIR_GATE_CACHE_PROMPT_H
#define WEIR_GATE_CACHE_PROMPT_H

#include "weir/gate/config.h"
#include "weir/plan/tokens.h"
#include "weir/wire/json_edit.h"

enum { CACHE_EDITS_MOST = 2 * ASK_MARKERS_MOST };

/* For ask_begin: the model as it is called, and who learns together: one client, or with
 * cache.share: all the clients of its AWS account. */
uint64_t cache_prompt_seed(const struct config *c, struct str client, struct str model);

/* out[i] of blocks[i], not yet looked up. `terms` NULL: nothing is open. Returns the tokens of the
 * whole prompt, not calibrated. */
uint64_t cache_prompt_sites(const struct ask *a, const struct cache_terms *terms,
                            const struct tokens_scale *scale, struct cache_site *out);

/* A number by chance, the same for all prompts that begin with the same block: those are on one
 * side of the control group, so that nobody reads what the other side wrote. The prompt has a
 * block. */
uint64_t cache_prompt_draw(const struct ask *a);
bool cache_prompt_is_control(const struct config *c, uint64_t draw);

/* The plan's marks that are Weir's, for json_edit_pieces. Returns how many edits. */
size_t cache_prompt_edits(const struct ask *a, const struct cache_plan *plan,
                          struct json_edit out[CACHE_EDITS_MOST]);

#endif
