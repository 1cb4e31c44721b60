/* SPDX-License-Identifier: Apache-2.0
 *
 * The two files of issued keys: STATE/keys, and the seal file. Both are the owner's alone.
 */
#ifndef WEIR_SRC_GATE_KEYRING_FILE_H
#define WEIR_SRC_GATE_KEYRING_FILE_H

#include "weir/base/buf.h"
#include "weir/base/err.h"
#include "weir/base/seal.h"

/* The text of STATE/keys; without a file it is empty. */
MUST_CHECK int keyring_file_read(struct str state, struct buf *out, char *why, size_t why_size);
/* In its place, whole or not at all, and on the disk when this returns. The caller holds the state
 * directory's lock. */
MUST_CHECK int keyring_file_write(struct str state, struct str text, char *why, size_t why_size);

/* `make`: when there is none, it is made; it is never overwritten. The caller wipes the key. */
MUST_CHECK int keyring_file_seal(struct str state, struct str seal_file, bool make,
                                 unsigned char out[SEAL_KEY_BYTES], char *why, size_t why_size);

#endif
