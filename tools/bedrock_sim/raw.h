/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes past all protocols: what no HTTP server would say.
 */
#ifndef SIM_RAW_H
#define SIM_RAW_H

#include "weir/base/str.h"

/* Writes the bytes straight to this process's connection with that peer ("127.0.0.1:4711") and ends
 * the connection. False when there is none. */
bool raw_end(struct str peer_addr, struct str bytes);
/* Bytes that the kernel has taken for that peer and that have not arrived there yet: a reset would
 * throw them away. */
int raw_unread(struct str peer_addr);

#endif
