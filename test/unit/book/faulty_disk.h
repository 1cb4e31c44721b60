/* SPDX-License-Identifier: Apache-2.0
 *
 * A disk that fails when it is told to: the system calls by which LMDB writes (0.9.24: pwrite,
 * writev, write for copies, fdatasync) and by which Weir asks for free space, taken over in this
 * program.
 */
#ifndef WEIR_TEST_BOOK_FAULTY_DISK_H
#define WEIR_TEST_BOOK_FAULTY_DISK_H

#include <errno.h>
#include <stdatomic.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { META_BYTES = 8192 }; /* the two pages whose writing ends a transaction */

static struct {
    atomic_int pages, meta, copy, sync; /* an errno, or 0 */
    atomic_bool cut_short;              /* half of each write arrives */
    atomic_bool meta_arrives;           /* it says that it failed, and did not */
    atomic_bool full;                   /* says statvfs */
    atomic_long fs_type;                /* says statfs; 0: what it is */
    atomic_uint hits;
} disk;

static inline void disk_mend(void)
{
    disk.pages = disk.meta = disk.copy = disk.sync = 0;
    disk.cut_short = disk.full = disk.meta_arrives = false;
    disk.fs_type = 0;
    disk.hits = 0;
}

static inline ssize_t refuse(int error)
{
    disk.hits++;
    errno = error;
    return -1;
}

#define TAKE_OVER(name) __asm__(name) __attribute__((visibility("default")))

ssize_t disk_pwrite(int fd, const void *bytes, size_t n, off_t at) TAKE_OVER("pwrite");
ssize_t disk_writev(int fd, const struct iovec *v, int n) TAKE_OVER("writev");
ssize_t disk_write(int fd, const void *bytes, size_t n) TAKE_OVER("write");
int disk_fdatasync(int fd) TAKE_OVER("fdatasync");
int disk_statvfs(const char *path, struct statvfs *out) TAKE_OVER("statvfs64");
int disk_statfs(const char *path, struct statfs *out) TAKE_OVER("statfs64");

ssize_t disk_pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    if (at < META_BYTES && atomic_exchange(&disk.meta_arrives, false)) {
        disk.meta = EIO; /* and cannot be taken back */
        (void)syscall(SYS_pwrite64, fd, bytes, n, at);
    }
    int error = at < META_BYTES ? disk.meta : disk.pages;
    if (error)
        return refuse(error);
    if (disk.cut_short && at >= META_BYTES) {
        disk.hits++;
        n /= 2;
    }
    return syscall(SYS_pwrite64, fd, bytes, n, at);
}

ssize_t disk_writev(int fd, const struct iovec *v, int n)
{
    if (disk.pages)
        return refuse(disk.pages);
    if (disk.cut_short) {
        disk.hits++;
        return syscall(SYS_write, fd, v->iov_base, v->iov_len / 2);
    }
    return syscall(SYS_writev, fd, v, n);
}

ssize_t disk_write(int fd, const void *bytes, size_t n)
{
    return disk.copy && fd > 2 ? refuse(disk.copy) : syscall(SYS_write, fd, bytes, n);
}

int disk_fdatasync(int fd)
{
    return disk.sync ? (int)refuse(disk.sync) : (int)syscall(SYS_fdatasync, fd);
}

int disk_statvfs(const char *path, struct statvfs *out)
{
    int fd = (int)syscall(SYS_openat, -100, path, 0);
    int rc = fstatvfs(fd, out);
    close(fd);
    if (disk.full)
        out->f_bavail = 0;
    return rc;
}

int disk_statfs(const char *path, struct statfs *out)
{
    int rc = (int)syscall(SYS_statfs, path, out);
    if (disk.fs_type)
        out->f_type = disk.fs_type;
    return rc;
}

#endif
