/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes past all protocols: what no HTTP server would say.
 */
#ifndef SIM_RAW_H
#define SIM_RAW_H

#include "weir/base/str.h"

/* Writes the bytes straight to this process's connection with that peer ("127.0.0.1:4711"). False
 * when there is none. */
bool raw_send(struct str peer_addr, struct str bytes);

#endif
