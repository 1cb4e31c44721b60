/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading: nothing that others may read or write is believed, and in the state directory no
 * symbolic link is followed. Writing: aside under one fixed name (what a kill left there is
 * overwritten), to the disk, then into its place by one call of the kernel, then the folder to the
 * disk. The keys are renamed over the old ones; the seal only to where there is none.
 */
#include "keyring_file.h"

#include "keyring_rows.h"
#include "weir/base/digest.h"
#include "weir/base/file.h"
#include "weir/base/hook.h"
#include "weir/base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char path[PATH_MAX], aside[PATH_MAX], folder[PATH_MAX];
    bool follow; /* the owner named it: it may be a link, as secrets of Kubernetes are */
    char *why;
    size_t why_size;
};

static bool find_place(struct place *p, struct str file, char *why, size_t why_size)
{
    p->why = why;
    p->why_size = why_size;
    p->follow = false;
    if (file.len >= PATH_MAX - sizeof ".new") {
        snprintf(why, why_size, "the path %.40s... is too long", file.ptr);
        return false;
    }
    snprintf(p->path, sizeof p->path, "%.*s", STR_ARG(file));
    snprintf(p->aside, sizeof p->aside, "%.*s.new", STR_ARG(file));
    snprintf(p->folder, sizeof p->folder, "%.*s", STR_ARG(file));
    char *slash = strrchr(p->folder, '/');
    if (!slash)
        snprintf(p->folder, sizeof p->folder, ".");
    else
        slash[slash == p->folder] = 0;
    return true;
}

static bool place_in(struct place *p, struct str state, const char *name, char *why,
                     size_t why_size)
{
    struct buf path = {0};
    buf_addf(&path, "%.*s/%s", STR_ARG(state), name);
    bool good = find_place(p, buf_str(&path), why, why_size);
    buf_fini(&path);
    return good;
}

static int failed(const struct place *p, const char *what, int err_no)
{
    char text[128];
    snprintf(p->why, p->why_size, "%s: cannot %s: %s", p->path, what,
             strerror_r(err_no, text, sizeof text));
    return err_no == ENOENT || err_no == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
}

/* --- reading */

static int read_private(const struct place *p, size_t most, struct buf *out)
{
    return file_read_private(p->path, most, p->follow, out, p->why, p->why_size);
}

/* --- writing; errno or 0 */

static int write_all(int fd, struct str bytes)
{
    while (bytes.len) {
        int fault = HOOK("keys.write");
        ssize_t n = fault ? -1 : write(fd, bytes.ptr, bytes.len);
        if (n < 0 && !fault && errno == EINTR)
            continue;
        if (n < 0)
            return fault ? fault : errno;
        bytes = str_from_offset(bytes, (size_t)n);
    }
    int fault = HOOK("keys.sync");
    return fault ? fault : fsync(fd) == 0 ? 0 : errno;
}

/* What root makes in another user's directory is that user's, who must read it later. */
static void give(int fd, const char *folder)
{
    struct stat st;
    if (geteuid() == 0 && stat(folder, &st) == 0 && st.st_uid != 0)
        (void)!fchown(fd, st.st_uid, st.st_gid);
}

static int write_aside(const struct place *p, struct str bytes)
{
    if (unlink(p->aside) != 0 && errno != ENOENT)
        return errno;
    int fd = open(p->aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno;
    give(fd, p->folder);
    int err_no = write_all(fd, bytes);
    if (close(fd) != 0 && !err_no)
        err_no = errno;
    return err_no;
}

static int sync_folder(const struct place *p)
{
    int fault = HOOK("keys.folder");
    int fd = fault ? -1 : open(p->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fault ? fault : errno;
    int err_no = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return err_no;
}

static int move(const struct place *p, bool over)
{
    int fault = HOOK("keys.rename");
    if (fault)
        return fault;
    if (renameat2(AT_FDCWD, p->aside, AT_FDCWD, p->path, over ? 0 : RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL || over)
        return errno;
    /* A file system without that: then a kill may leave the name aside, too. */
    int err_no = link(p->aside, p->path) == 0 ? 0 : errno;
    (void)unlink(p->aside);
    return err_no;
}

static int write_private(const struct place *p, struct str bytes, bool over)
{
    int err_no = write_aside(p, bytes);
    if (!err_no)
        err_no = move(p, over);
    if (err_no) {
        (void)unlink(p->aside);
        (void)failed(p, "write", err_no);
        return ERR_IO;
    }
    err_no = sync_folder(p);
    if (!err_no)
        return 0;
    (void)failed(p, "bring its folder to the disk", err_no);
    return ERR_IO;
}

/* --- the files */

int keyring_file_read(struct str state, struct buf *out, char *why, size_t why_size)
{
    struct place p;
    if (!place_in(&p, state, "keys", why, why_size))
        return ERR_BAD;
    int err = read_private(&p, KEYRING_TEXT_MOST, out);
    return err == ERR_NOT_FOUND ? 0 : err;
}

int keyring_file_write(struct str state, struct str text, char *why, size_t why_size)
{
    struct place p;
    if (!place_in(&p, state, "keys", why, why_size))
        return ERR_BAD;
    return write_private(&p, text, true);
}

/* More than a read of so small a file takes. */
enum { SEAL_ROOM = 3 * 4096 };

static int read_seal(const struct place *p, unsigned char *out)
{
    struct buf b = {0};
    (void)buf_reserve(&b, SEAL_ROOM); /* a growth would leave the key in freed memory */
    int err = read_private(p, SEAL_KEY_BYTES, &b);
    if (!err && buf_len(&b) != SEAL_KEY_BYTES) {
        snprintf(p->why, p->why_size, "%s: a seal file has %d bytes, not %zu", p->path,
                 SEAL_KEY_BYTES, buf_len(&b));
        err = ERR_BAD;
    }
    if (!err)
        memcpy(out, b.data + b.head, SEAL_KEY_BYTES);
    if (b.data)
        secret_wipe(b.data, b.cap);
    buf_fini(&b);
    return err;
}

static int make_seal(const struct place *p, unsigned char *out)
{
    random_bytes(out, SEAL_KEY_BYTES);
    return write_private(p, str_from((char *)out, SEAL_KEY_BYTES), false);
}

int keyring_file_seal(struct str state, struct str seal_file, bool make,
                      unsigned char out[SEAL_KEY_BYTES], char *why, size_t why_size)
{
    struct place p;
    if (seal_file.len ? !find_place(&p, seal_file, why, why_size)
                      : !place_in(&p, state, "seal.key", why, why_size))
        return ERR_BAD;
    p.follow = seal_file.len > 0;
    int err = read_seal(&p, out);
    return err == ERR_NOT_FOUND && make ? make_seal(&p, out) : err;
}
