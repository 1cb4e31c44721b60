/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's spool and batch engine: opened where batch.bucket is set, followed through reloads,
 * closed in the right order.
 */
#ifndef WEIR_SRC_GATE_SPOOLING_H
#define WEIR_SRC_GATE_SPOOLING_H

#include "weir/base/seal.h"
#include "weir/gate/daemon.h"

/* batch.spool_key_file's 32 bytes. *out_any: one is configured. False with a sentence. */
bool spooling_key(const struct config *c, unsigned char out[SEAL_KEY_BYTES], bool *out_any,
                  char *err, size_t err_size);

/* In the office, behind the clerk; before the workers begin. */
void spooling_open(struct daemon *d);
void spooling_follow(struct daemon *d, struct setup *setup);
/* When the workers have ended: calls under way for what waits end first, within timeouts.drain,
 * since they would be made and paid again. Then `over`, in this call or later. */
void spooling_finish(struct daemon *d, void (*over)(void *arg));
/* When the workers have ended; before the clerk. */
void spooling_close(struct daemon *d);

#endif
