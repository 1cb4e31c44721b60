/* SPDX-License-Identifier: Apache-2.0
 *
 * The environment may hold keys, and the kernel shows it as it was at the start to whoever may read
 * /proc/PID/environ, and to every tool that lists it.
 */
#ifndef WEIR_BASE_ENVIRON_H
#define WEIR_BASE_ENVIRON_H

/* Moves the environment to memory of our own and wipes where it was. getenv and children see it as
 * before; pointers that getenv gave before point at nothing useful any more. Before any thread. */
void environ_hide(void);

#endif
