/* SPDX-License-Identifier: Apache-2.0
 *
 * What Weir reads from a request's body, in one walk over its bytes: whether it is strict JSON, and
 * the members that it wants to know. Nothing is changed by it: a body that cannot be read is
 * forwarded as it is. Long bodies are walked in slices, so that no worker is held up.
 */
#ifndef WEIR_GATE_FACTS_H
#define WEIR_GATE_FACTS_H

#include "weir/wire/json_pick.h"

enum facts_state {
    FACTS_NONE, /* no body */
    FACTS_STRICT,
    FACTS_LOOSE, /* not strict JSON */
    FACTS_MORE   /* not at its end: call again */
};

struct facts {
    enum facts_state state;
    struct str model; /* the inside of the member's string, borrowed from the body; empty when there
                         is none, or two */
    bool begun;
    struct json_member member;
    struct json_pick pick;
};

/* Walks on by one slice. Zero it first. `model_name` is the member that names the model: "model", or
 * "modelId" in AWS's own bodies. */
enum facts_state facts_read(struct facts *f, struct str body, struct str model_name);

#endif
