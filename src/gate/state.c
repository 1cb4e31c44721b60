/* SPDX-License-Identifier: Apache-2.0
 *
 * An flock: it needs no clearing up after a kill. What stands in the file is only a word of the
 * holder's, by which a command shows a daemon that it has access to the directory.
 */
#include "weir/gate/state.h"

#include "weir/base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char token[STATE_TOKEN_CHARS];
static pthread_once_t token_made = PTHREAD_ONCE_INIT;

static void make_token(void)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof token; i++)
        token[i] = hex[random_below(16)];
}

struct str state_token(void)
{
    pthread_once(&token_made, make_token);
    return str_from(token, sizeof token);
}

int state_read_token(struct str dir, char out[STATE_TOKEN_CHARS])
{
    char path[PATH_MAX], text[STATE_TOKEN_CHARS + 1];
    snprintf(path, sizeof path, "%.*s/lock", STR_ARG(dir));
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    ssize_t n = pread(fd, text, sizeof text, 0);
    close(fd);
    if (n != STATE_TOKEN_CHARS)
        return n < 0 ? ERR_IO : ERR_NOT_FOUND;
    memcpy(out, text, STATE_TOKEN_CHARS);
    return ERR_OK;
}

/* What root makes in another user's directory is that user's, whose daemon must open it later. */
static void give(int fd, struct str dir)
{
    char path[PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%.*s", STR_ARG(dir));
    if (geteuid() == 0 && stat(path, &st) == 0 && st.st_uid != 0)
        (void)!fchown(fd, st.st_uid, st.st_gid);
}

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
    give(fd, dir);
    /* On a full disk it cannot be written; then keys cannot be changed through the daemon. */
    if (ftruncate(fd, 0) == 0)
        (void)!pwrite(fd, state_token().ptr, state_token().len, 0);
    *out_fd = fd;
    return ERR_OK;
}

static bool is_there(struct str dir, int fd)
{
    char path[PATH_MAX];
    struct stat held, there;
    snprintf(path, sizeof path, "%.*s/lock", STR_ARG(dir));
    return fd >= 0 && fstat(fd, &held) == 0 && stat(path, &there) == 0 &&
           held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

int state_hold(struct str dir, int *io_fd, char *why, size_t why_size)
{
    char path[PATH_MAX];
    if (is_there(dir, *io_fd))
        return ERR_OK;
    if (*io_fd >= 0)
        close(*io_fd);
    *io_fd = -1;
    snprintf(path, sizeof path, "%.*s", STR_ARG(dir));
    if (mkdir(path, 0700) < 0 && errno != EEXIST) {
        snprintf(why, why_size, "cannot make %s: %s", path, strerror(errno));
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    return state_lock(dir, io_fd, why, why_size);
}
