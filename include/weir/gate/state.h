/* SPDX-License-Identifier: Apache-2.0
 *
 * The state directory belongs to one process at a time: the daemon, or a command that changes what
 * is in it. A lock on STATE/lock says so; it ends with the process.
 */
#ifndef WEIR_GATE_STATE_H
#define WEIR_GATE_STATE_H

#include "weir/base/err.h"
#include "weir/base/str.h"

/* ERR_BUSY: another process has it. Otherwise a sentence in `why`. The descriptor is kept open as
 * long as the lock is wanted. */
MUST_CHECK int state_lock(struct str dir, int *out_fd, char *why, size_t why_size);
/* The same for one who may have lost it: makes the directory where it is missing, and locks anew
 * when *io_fd is -1 or the file that it holds lies there no more. */
MUST_CHECK int state_hold(struct str dir, int *io_fd, char *why, size_t why_size);

/* What this process writes into every lock that it takes: whoever shows it to us may read the state
 * directory, which is its owner's alone. 64 hex characters. Any thread. */
enum { STATE_TOKEN_CHARS = 64 };
struct str state_token(void);
/* What the one who has the lock has written. ERR_NOT_FOUND: nothing; ERR_IO: it cannot be read. */
MUST_CHECK int state_read_token(struct str dir, char out[STATE_TOKEN_CHARS]);

#endif
