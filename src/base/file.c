/* SPDX-License-Identifier: Apache-2.0
 *
 * Small whole files. The file is opened without blocking, and looked at through the descriptor, so
 * that what was checked is what is read. The size that fstat gave is only a hint for the buffer:
 * files in /proc say 0, and a file may grow while it is read.
 */
#include "weir/base/file.h"

#include "weir/base/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(const char *path, const char *what, int err_no, char *err, size_t err_size)
{
    char text[128];
    snprintf(err, err_size, "%s: %s: %s", path, what, strerror_r(err_no, text, sizeof text));
    return err_no == ENOENT || err_no == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
}

/* A descriptor of a regular file, or ERR_*. */
static int open_regular(const char *path, bool follow, struct stat *st, char *err, size_t err_size)
{
    int fault = HOOK("file.open");
    int fd = fault ? -1
                   : open(path,
                          O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (follow ? 0 : O_NOFOLLOW));
    if (fd < 0)
        return failed(path, "cannot open", fault ? fault : errno, err, err_size);
    int rc;
    if (fstat(fd, st) != 0) {
        rc = failed(path, "cannot look at it", errno, err, err_size);
    } else if (!S_ISREG(st->st_mode)) {
        snprintf(err, err_size, "%s: not a regular file", path);
        rc = ERR_UNSUPPORTED;
    } else {
        return fd;
    }
    close(fd);
    return rc;
}

static int read_all(int fd, size_t hint, size_t max_bytes, struct buf *out, int *err_no)
{
    size_t got = 0;
    for (;;) {
        size_t room = got <= hint ? hint - got + 1 : 4096;
        char *at = buf_reserve(out, room);
        if (!at)
            return ERR_TOO_BIG;
        *err_no = HOOK("file.read");
        ssize_t n = *err_no ? -1 : read(fd, at, room);
        if (n < 0 && !*err_no)
            *err_no = errno;
        if (n < 0 && *err_no == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            return 0;
        got += (size_t)n;
        if (got > max_bytes)
            return ERR_TOO_BIG;
        buf_commit(out, (size_t)n);
    }
}

static int read_whole(int fd, const struct stat *st, const char *path, size_t max_bytes,
                      struct buf *out, char *err, size_t err_size)
{
    size_t before = buf_len(out), hint = st->st_size > 0 ? (size_t)st->st_size : 0;
    int err_no = 0;
    int rc = hint > max_bytes ? ERR_TOO_BIG : read_all(fd, hint, max_bytes, out, &err_no);
    if (rc == 0)
        return 0;
    out->tail = out->head + before;
    if (rc == ERR_TOO_BIG)
        snprintf(err, err_size, "%s: larger than the %zu bytes allowed", path, max_bytes);
    else
        (void)failed(path, "cannot read", err_no, err, err_size);
    return rc;
}

int file_read(const char *path, size_t max_bytes, struct buf *out, char *err, size_t err_size)
{
    struct stat st;
    int fd = open_regular(path, true, &st, err, err_size);
    if (fd < 0)
        return fd;
    int rc = read_whole(fd, &st, path, max_bytes, out, err, err_size);
    close(fd);
    return rc;
}

static int check_private(const struct stat *st, const char *path, char *err, size_t err_size)
{
    uid_t us = geteuid();
    if (st->st_mode & (S_IRWXG | S_IRWXO))
        snprintf(err, err_size, "%s: mode %04o lets others than its owner at it; run: chmod 600 %s",
                 path, (unsigned)st->st_mode & 07777u, path);
    else if (us != 0 && st->st_uid != 0 && st->st_uid != us)
        snprintf(err, err_size, "%s: belongs to user %u; run: chown %u %s", path,
                 (unsigned)st->st_uid, (unsigned)us, path);
    else
        return 0;
    return ERR_REFUSED;
}

int file_check_private(const char *path, char *err, size_t err_size)
{
    struct stat st;
    int fd = open_regular(path, true, &st, err, err_size);
    if (fd < 0)
        return fd;
    close(fd);
    return check_private(&st, path, err, err_size);
}

int file_read_private(const char *path, size_t max_bytes, bool follow, struct buf *out, char *err,
                      size_t err_size)
{
    struct stat st;
    int fd = open_regular(path, follow, &st, err, err_size);
    if (fd < 0)
        return fd;
    int rc = check_private(&st, path, err, err_size);
    if (rc == 0)
        rc = read_whole(fd, &st, path, max_bytes, out, err, err_size);
    close(fd);
    return rc;
}

static int write_all(int fd, struct str bytes)
{
    while (bytes.len) {
        int fault = HOOK("file.write");
        ssize_t n = fault ? -1 : write(fd, bytes.ptr, bytes.len);
        if (n < 0 && !fault && errno == EINTR)
            continue;
        if (n < 0)
            return fault ? fault : errno;
        bytes = str_from_offset(bytes, (size_t)n);
    }
    return fsync(fd) == 0 ? 0 : errno;
}

int file_replace(const char *path, struct str bytes, char *err, size_t err_size)
{
    char temp[PATH_MAX];
    int n = snprintf(temp, sizeof temp, "%s.XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof temp)
        return failed(path, "cannot write", ENAMETOOLONG, err, err_size);
    int fd = mkostemp(temp, O_CLOEXEC); /* makes it 0600 */
    if (fd < 0)
        return failed(path, "cannot write beside it", errno, err, err_size), ERR_IO;
    int err_no = write_all(fd, bytes);
    if (close(fd) != 0 && !err_no)
        err_no = errno;
    if (!err_no && rename(temp, path) != 0)
        err_no = errno;
    if (!err_no)
        return 0;
    (void)unlink(temp);
    (void)failed(path, "cannot write", err_no, err, err_size);
    return ERR_IO;
}
