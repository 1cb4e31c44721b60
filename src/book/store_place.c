/* SPDX-License-Identifier: Apache-2.0
 *
 * Folders of environments. A new one, and a compacted one, are made aside, synced, and put in their
 * place by one rename; a power cut leaves the one or the other, never half of one:
 *
 *     DIR.new/data.mdb   sync file, sync folder, rename (exchange when DIR is there), sync parent
 *
 * The lock file goes along with its data file: a lock file of other data holds a transaction number
 * that LMDB would believe.
 */
#include "store_place.h"

#include "weir/base/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

int place_failed(const char *path, const char *what, int err_no, char *why, size_t why_size)
{
    char text[128];
    if (err_no == ENOSPC || err_no == EDQUOT)
        snprintf(why, why_size, "%s: there is no room on its disk", path);
    else
        snprintf(why, why_size, "%s: %s: %s", path, what, strerror_r(err_no, text, sizeof text));
    switch (err_no) {
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    default:
        return ERR_IO;
    }
}

bool place_path(const char *dir, int what, char out[PATH_MAX])
{
    static const char *const names[] = {"/data.mdb", "/lock.mdb", "/crashed", ".new", ".damaged"};
    size_t len = strlen(dir), more = strlen(names[what]);
    if (len == 0 || len + more > PLACE_MOST)
        return false;
    memcpy(out, dir, len);
    memcpy(out + len, names[what], more + 1);
    return true;
}

/* Numbers: linux/magic.h and the file systems' own sources, Linux 6.1. EFS is NFS. */
const char *place_remote(uint64_t fs_type)
{
    static const struct {
        uint64_t type;
        const char *word;
    } remote[] = {{0x6969, "NFS"},       {0x517b, "SMB"},        {0xff534d42, "CIFS"},
                  {0xfe534d42, "SMB"},   {0x65735546, "FUSE"},   {0x01021997, "9p"},
                  {0x5346414f, "AFS"},   {0x6b414653, "AFS"},    {0x73757245, "Coda"},
                  {0x00c36400, "Ceph"},  {0x0bd00bd0, "Lustre"}, {0x01161970, "GFS2"},
                  {0x7461636f, "OCFS2"}, {0x564c, "NCP"},        {0x786f4256, "vboxsf"},
                  {0xaad7aaea, "PanFS"}, {0x47504653, "GPFS"}};
    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
        if ((uint32_t)fs_type == remote[i].type)
            return remote[i].word;
    return NULL;
}

/* The folder that `dir` is in. */
static void parent_of(const char *dir, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s", dir);
    char *slash = strrchr(out, '/');
    if (slash == out)
        slash++;
    if (slash)
        *slash = 0;
    else
        snprintf(out, PATH_MAX, ".");
}

int place_check(const char *dir, char *why, size_t why_size)
{
    char at[PATH_MAX];
    struct statfs fs;
    snprintf(at, sizeof at, "%s", dir);
    if (statfs(at, &fs) != 0) {
        parent_of(dir, at);
        if (statfs(at, &fs) != 0)
            return place_failed(at, "cannot look at it", errno, why, why_size);
    }
    const char *remote = place_remote((uint64_t)fs.f_type);
    if (!remote)
        return ERR_OK;
    snprintf(why, why_size,
             "%s is on a network file system (%s), where it would be damaged; set state to a "
             "folder on a local disk",
             at, remote);
    return ERR_UNSUPPORTED;
}

bool place_stat(const char *dir, struct stat *out_data)
{
    char path[PATH_MAX];
    return place_path(dir, PLACE_DATA, path) && stat(path, out_data) == 0;
}

uint64_t place_free_bytes(const char *dir)
{
    struct statvfs v;
    if (statvfs(dir, &v) != 0)
        return 0;
    return (uint64_t)v.f_bavail * v.f_frsize;
}

/* Only what is ours: with anything else in it the folder stays. */
static int remove_folder(const char *dir)
{
    char path[PATH_MAX];
    for (int what = PLACE_DATA; what <= PLACE_MARK; what++)
        if (place_path(dir, what, path))
            (void)unlink(path);
    return rmdir(dir) == 0 || errno == ENOENT ? 0 : errno;
}

void place_drop_aside(const char *dir)
{
    char aside[PATH_MAX];
    if (place_path(dir, PLACE_ASIDE, aside))
        (void)remove_folder(aside);
}

int place_aside(const char *dir, char *why, size_t why_size)
{
    char aside[PATH_MAX];
    if (!place_path(dir, PLACE_ASIDE, aside))
        return place_failed(dir, "cannot use it", ENAMETOOLONG, why, why_size);
    int err_no = remove_folder(aside);
    if (!err_no && mkdir(aside, 0700) != 0)
        err_no = errno;
    return err_no ? place_failed(aside, "cannot make it", err_no, why, why_size) : ERR_OK;
}

static int sync_path(const char *path)
{
    int err_no = HOOK("place.sync");
    int fd = err_no ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (!err_no && (fd < 0 || fsync(fd) != 0))
        err_no = errno;
    if (fd >= 0)
        close(fd);
    return err_no;
}

static int sync_folder(const char *dir)
{
    char path[PATH_MAX];
    place_path(dir, PLACE_DATA, path);
    int err_no = chmod(path, 0600) != 0 ? errno : sync_path(path);
    return err_no ? err_no : sync_path(dir);
}

/* A folder whose data file was deleted is empty but for its lock file, and goes. */
static int move_in(const char *aside, const char *dir)
{
    struct stat data;
    if (!place_stat(dir, &data)) {
        int err_no = remove_folder(dir);
        if (!err_no && rename(aside, dir) != 0)
            err_no = errno;
        return err_no;
    }
    if (renameat2(AT_FDCWD, aside, AT_FDCWD, dir, RENAME_EXCHANGE) != 0)
        return errno;
    (void)remove_folder(aside); /* the old one */
    return 0;
}

int place_publish(const char *dir, char *why, size_t why_size)
{
    char aside[PATH_MAX], parent[PATH_MAX];
    if (!place_path(dir, PLACE_ASIDE, aside))
        return place_failed(dir, "cannot use it", ENAMETOOLONG, why, why_size);
    parent_of(dir, parent);
    int err_no = sync_folder(aside);
    if (!err_no)
        err_no = HOOK("place.rename");
    if (!err_no)
        err_no = move_in(aside, dir);
    if (!err_no)
        err_no = sync_path(parent);
    if (!err_no)
        return ERR_OK;
    (void)remove_folder(aside);
    return place_failed(dir, "cannot put a new one there", err_no, why, why_size);
}

int place_set_aside(const char *dir, char *why, size_t why_size)
{
    char damaged[PATH_MAX];
    if (!place_path(dir, PLACE_DAMAGED, damaged))
        return place_failed(dir, "cannot use it", ENAMETOOLONG, why, why_size);
    int err_no = remove_folder(damaged);
    if (err_no == ENOTDIR) /* nor was that a folder */
        err_no = unlink(damaged) == 0 ? 0 : errno;
    if (!err_no && rename(dir, damaged) != 0)
        err_no = errno;
    return err_no ? place_failed(dir, "cannot move it away", err_no, why, why_size) : ERR_OK;
}
