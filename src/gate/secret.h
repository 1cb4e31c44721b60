/* SPDX-License-Identifier: Apache-2.0
 *
 * One secret out of a file of the configuration: a key or a token, alone in its file.
 */
#ifndef WEIR_SRC_GATE_SECRET_H
#define WEIR_SRC_GATE_SECRET_H

#include "weir/base/buf.h"

/* Shorter ones could be guessed. */
enum { SECRET_LEAST = 16, SECRET_MOST = 4096 };

/* The file's text without the spaces and line ends around it, at least `least` visible ASCII
 * characters; its bytes are the caller's, to give to secret_drop. False with a sentence that does
 * not quote it. The file must be private. */
bool secret_read(const char *path, size_t least, struct str *out, char *err, size_t err_size);
void secret_drop(struct str *secret);

#endif
