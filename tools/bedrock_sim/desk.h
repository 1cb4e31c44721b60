/* SPDX-License-Identifier: Apache-2.0
 *
 * Where requests come in: one desk per thread, behind its listeners. A desk reads a request whole,
 * asks the service (or the control) for the answer, and plays it out with all that was ordered to
 * go wrong.
 */
#ifndef SIM_DESK_H
#define SIM_DESK_H

#include "world.h"

#include "weir/net/front.h"
#include "weir/net/loop.h"

struct desk {
    struct world *world;
    struct loop *loop;
    bool control; /* the control port's: answers from control.c */
};

/* owner: struct desk *. */
extern const struct front_sink desk_sink;

#endif
