/* SPDX-License-Identifier: Apache-2.0
 *
 * What a refusal of Bedrock says, out of its body.
 */
#ifndef WEIR_SRC_GATE_REFUSAL_H
#define WEIR_SRC_GATE_REFUSAL_H

#include "weir/base/arena.h"

/* The message, in the arena, its beginning if it is long; empty: there is none. */
struct str refusal_message(struct str body, struct arena *a);

#endif
