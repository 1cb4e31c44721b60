/* SPDX-License-Identifier: Apache-2.0
 *
 * The hours of a rule.
 */
#ifndef WEIR_SRC_GATE_CONFIG_HOURS_H
#define WEIR_SRC_GATE_CONFIG_HOURS_H

#include "config_table.h"

/* In the configuration's arena. NULL: a fault was written (or the arena is full, which is told
 * elsewhere). */
const struct window *config_hours_read(struct config_reader *r, const struct config_rule *rule,
                                       const struct yaml_node *at);

#endif
