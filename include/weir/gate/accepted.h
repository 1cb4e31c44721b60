/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules that `weir batch accept` made: STATE/rules.yaml, in the form of the configuration's own
 * `rules`, read with each configuration behind those. It is Weir's file: written whole or not at
 * all, by the one who holds the state directory's lock. What is wrong in it is left out, and told.
 */
#ifndef WEIR_GATE_ACCEPTED_H
#define WEIR_GATE_ACCEPTED_H

#include "weir/gate/config.h"

/* One to be, as words of the configuration. Borrowed. An empty workload: those without one. */
struct accepted {
    struct str name, client, workload, model, hours, deadline, reply;
};

/* Adds them to a configuration that is without a fault; c->left_out tells what was left out. */
void accepted_load(struct config *c);
/* By its name; NULL: no accepted rule is called so. */
const struct config_rule *accepted_find(const struct config *c, struct str name);

/* The body of POST /api/v1/batches/accept, and back again: strings in the arena, or borrowed. */
void accepted_add_json(const struct accepted *a, struct buf *out);
bool accepted_read_json(struct str json, struct arena *arena, struct accepted *out);

/* The file anew: the configuration's accepted rules but that of the name `without` (empty: all),
 * and `add` (NULL: none). */
MUST_CHECK int accepted_write(const struct config *c, struct str without,
                              const struct accepted *add, char *why, size_t why_size);

#endif
