/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's hand on STATE/rules.yaml (gate/accepted.h): a rule is accepted, or taken back, by
 * the operator or, at the first deadline that is missed, by itself; then the configuration is
 * loaded anew. In the office.
 */
#ifndef WEIR_SRC_GATE_ACCEPTING_H
#define WEIR_SRC_GATE_ACCEPTING_H

#include "weir/gate/accepted.h"
#include "weir/gate/daemon.h"

/* Once, before the rest. */
void accepting_init(struct daemon *d);
/* A configuration comes into force: what was left out of it is logged. */
void accepting_follow(const struct config *c);

/* In force when they return. ERR_BAD, ERR_NOT_FOUND, or what writing says; `why` is a sentence. */
MUST_CHECK int accepting_add(struct daemon *d, const struct accepted *a, char *why,
                             size_t why_size);
MUST_CHECK int accepting_revoke(struct daemon *d, struct str name, char *why, size_t why_size);

/* This record got its end after its deadline. If an accepted rule had set that, the rule goes, a
 * moment later. `model`: the one behind its name. */
struct spool_record;
void accepting_missed(struct daemon *d, const struct spool_record *rec, struct str model);

#endif
