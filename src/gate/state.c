/* SPDX-License-Identifier: Apache-2.0
 *
 * An flock: it needs no clearing up after a kill.
 */
#include "weir/gate/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int state_lock(struct str dir, int *out_fd, char *why, size_t why_size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.*s/lock", STR_ARG(dir));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        snprintf(why, why_size, "cannot open %s: %s", path, strerror(errno));
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        snprintf(why, why_size, "%s is held by another weir", path);
        return ERR_BUSY;
    }
    *out_fd = fd;
    return ERR_OK;
}
