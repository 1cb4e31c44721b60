/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening sockets for several threads on one address.
 */
#ifndef WEIR_SRC_GATE_BIND_H
#define WEIR_SRC_GATE_BIND_H

#include "weir/gate/config.h"

enum { BIND_MOST = 256 }; /* threads */

/* One socket for each of `n` threads, and a log line with the address (":0" is told as the port
 * that was given) and which port it is: "data" or "admin". False with a sentence in err; then none
 * is open. */
bool bind_address(struct str address, const char *port, int *fds, size_t n, char *err,
                  size_t err_size);
/* The same for the addresses that are in `new` and not in `old` (or NULL): fds[listener][thread],
 * -1 where nothing is to open. */
bool bind_listeners(const struct config *old, const struct config *new, int fds[][BIND_MOST],
                    unsigned n, char *err, size_t err_size);
/* Closes those that are not negative. */
void bind_close(int *fds, size_t n);

#endif
