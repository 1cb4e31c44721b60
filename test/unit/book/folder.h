/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder of its own for each test of the book, and what it holds.
 */
#ifndef WEIR_TEST_BOOK_FOLDER_H
#define WEIR_TEST_BOOK_FOLDER_H

#include <assert.h>
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    char path[64], meter[96], data[112], lock[112], aside[112];
};

static void folder_remove(const char *path)
{
    char entry[PATH_MAX];
    DIR *d = opendir(path);
    (void)chmod(path, 0700);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(entry, sizeof entry, "%s/%s", path, e->d_name);
        if (unlink(entry) != 0)
            folder_remove(entry);
    }
    if (d)
        closedir(d);
    (void)rmdir(path);
}

static inline void folder_name(struct folder *f, const char *path)
{
    snprintf(f->path, sizeof f->path, "%s", path);
    snprintf(f->meter, sizeof f->meter, "%s/meter", f->path);
    snprintf(f->data, sizeof f->data, "%s/data.mdb", f->meter);
    snprintf(f->lock, sizeof f->lock, "%s/lock.mdb", f->meter);
    snprintf(f->aside, sizeof f->aside, "%s.new", f->meter);
}

/* In memory where there is room for it: what is tested here is not the disk's speed. */
static inline void folder_make(struct folder *f)
{
    char path[] = "/dev/shm/weir-book-XXXXXX", other[] = "/tmp/weir-book-XXXXXX";
    char *made = mkdtemp(path);
    if (!made)
        made = mkdtemp(other);
    assert(made);
    folder_name(f, made);
}

static inline bool folder_has(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

#endif
