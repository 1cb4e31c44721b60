/* SPDX-License-Identifier: Apache-2.0
 *
 * Where an environment lies: its folder, the one aside in which it is made (FOLDER.new), and what
 * kind of file system that is on. Nothing here knows LMDB.
 */
#ifndef WEIR_SRC_BOOK_STORE_PLACE_H
#define WEIR_SRC_BOOK_STORE_PLACE_H

#include "weir/base/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum { PLACE_DATA, PLACE_LOCK, PLACE_MARK, PLACE_ASIDE, PLACE_DAMAGED };
enum { PLACE_MOST = PATH_MAX - 16 };
/* Of the data file, the lock file, the guard's mark, the folder aside, that of damaged ones. False
 * for a folder's name that is too long: then nothing here works with it. */
bool place_path(const char *dir, int what, char out[PATH_MAX]);

/* "NFS", ...: a file system on which LMDB loses data (lmdb.h: never on a remote one), or NULL. */
const char *place_remote(uint64_t fs_type);
/* ERR_UNSUPPORTED with a sentence when `dir`, or the folder that it will be in, is on such a one.
 */
MUST_CHECK int place_check(const char *dir, char *why, size_t why_size);
/* False when there is none. */
bool place_stat(const char *dir, struct stat *out_data);
/* Bytes that one may still write there. */
uint64_t place_free_bytes(const char *dir);

/* An empty folder aside; what lies there from an earlier try is removed. */
MUST_CHECK int place_aside(const char *dir, char *why, size_t why_size);
void place_drop_aside(const char *dir);
/* Everything in the folder aside is on the disk, then it takes the place of `dir` in one step; what
 * was there before is removed. */
MUST_CHECK int place_publish(const char *dir, char *why, size_t why_size);
/* Moves `dir` to where damaged ones lie; what lay there goes. */
MUST_CHECK int place_set_aside(const char *dir, char *why, size_t why_size);
/* errno -> ERR_*, with "PATH: WHAT: reason" in `why`. */
int place_failed(const char *path, const char *what, int err_no, char *why, size_t why_size);

#endif
