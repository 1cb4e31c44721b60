/* SPDX-License-Identifier: Apache-2.0
 *
 * LMDB has no checksums: a page that the disk returns damaged can kill the process (SIGSEGV,
 * SIGBUS, an assertion). A daemon that dies of its book once must not die of it again at each
 * start. So a thread that dies inside a transaction leaves a mark in the folder, and the next
 * process does not write to that file any more.
 */
#ifndef WEIR_SRC_BOOK_STORE_GUARD_H
#define WEIR_SRC_BOOK_STORE_GUARD_H

#include <stdbool.h>
#include <sys/stat.h>

/* This process opens it for writing: what it dies of inside is its doing. At most GUARDS folders at
 * a time. */
enum { GUARDS = 8 };
struct guard;
struct guard *guard_watch(const char *dir, const struct stat *data);
/* All of these take NULL: nothing is watched there. */
void guard_unwatch(struct guard *g);
/* Around what touches the map, in this thread. */
void guard_enter(struct guard *g);
void guard_leave(struct guard *g);

/* A process died of that very file. The mark of another one is removed. */
bool guard_is_marked(const char *dir, const struct stat *data);

#endif
