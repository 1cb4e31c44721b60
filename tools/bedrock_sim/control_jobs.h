/* SPDX-License-Identifier: Apache-2.0
 *
 * The control port's words about batch jobs.
 */
#ifndef SIM_CONTROL_JOBS_H
#define SIM_CONTROL_JOBS_H

#include "jobs.h"
#include "refusal.h"
#include "tree.h"

/* Every job as a JSON line, oldest first. */
void control_jobs_list(struct jobs *j, struct buf *out);
/* Orders and settings; false with *why, and nothing is changed. */
bool control_jobs_set(struct jobs *j, const struct tree *t, struct refusal *why);

#endif
