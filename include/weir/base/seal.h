/* SPDX-License-Identifier: Apache-2.0
 *
 * Small secrets at rest: AES-256-GCM under a key from a file. A sealed text is nonce, ciphertext
 * and tag; `about` (who it belongs to) is bound to it and not in it.
 */
#ifndef WEIR_BASE_SEAL_H
#define WEIR_BASE_SEAL_H

#include "weir/base/buf.h"
#include "weir/base/err.h"

enum { SEAL_KEY_BYTES = 32, SEAL_NONCE_BYTES = 12, SEAL_TAG_BYTES = 16 };

void seal_close(const unsigned char key[SEAL_KEY_BYTES], struct str about, struct str text,
                struct buf *out);
/* ERR_BAD when it was not sealed with this key and `about`. The caller wipes `out`. */
MUST_CHECK int seal_open(const unsigned char key[SEAL_KEY_BYTES], struct str about,
                         struct str sealed, struct buf *out);

#endif
