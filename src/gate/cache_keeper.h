/* SPDX-License-Identifier: Apache-2.0
 *
 * What the daemon's keeper saves and loads: the shared cache's knowledge, in STATE/prefixes.
 */
#ifndef WEIR_SRC_GATE_CACHE_KEEPER_H
#define WEIR_SRC_GATE_CACHE_KEEPER_H

#include "weir/book/keeper.h"
#include "weir/gate/daemon.h"

/* When the shared cache is there. */
struct keeper *cache_keeper_new(struct daemon *d);

#endif
