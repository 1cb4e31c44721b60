/* SPDX-License-Identifier: Apache-2.0
 *
 * Small whole files: configuration, credentials, tokens. Reading is bounded and never waits: only
 * regular files (symbolic links are followed), so that a FIFO or a device cannot hold a thread.
 * Every failure leaves a sentence that names the path.
 */
#ifndef WEIR_BASE_FILE_H
#define WEIR_BASE_FILE_H

#include "weir/base/buf.h"
#include "weir/base/err.h"

/* Configuration and credential files larger than this are mistakes. */
enum { FILE_MOST_BYTES = 1 << 20 };

/* Adds the whole file to `out`. ERR_NOT_FOUND, ERR_TOO_BIG (more than max_bytes), ERR_UNSUPPORTED
 * (not a regular file) or ERR_IO, with `out` as it was and a sentence in err. */
MUST_CHECK int file_read(const char *path, size_t max_bytes, struct buf *out, char *err,
                         size_t err_size);

/* 0 when only the owner may read and write the file, and the owner is root or this process's user
 * (root itself takes any owner's); ERR_REFUSED with a sentence that says how to mend it when not;
 * the errors of file_read when it cannot be looked at. */
MUST_CHECK int file_check_private(const char *path, char *err, size_t err_size);

/* Both through one descriptor, so that what was checked is what is read. Without `follow` a
 * symbolic link at its place is ERR_IO. */
MUST_CHECK int file_read_private(const char *path, size_t max_bytes, bool follow, struct buf *out,
                                 char *err, size_t err_size);

/* Puts a new file (mode 0600) in the place of `path`, whole or not at all. ERR_IO with a
 * sentence. */
MUST_CHECK int file_replace(const char *path, struct str bytes, char *err, size_t err_size);

#endif
