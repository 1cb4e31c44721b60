/* SPDX-License-Identifier: Apache-2.0
 *
 * Test data: small files whole, hex, and where the shared data lies. That is the environment's
 * WEIR_SHARED, else ../shared beside the source root; a test that needs it skips without it.
 */
#ifndef WEIR_TEST_WIRE_VECTORS_H
#define WEIR_TEST_WIRE_VECTORS_H

#include "weir/base/file.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { VECTOR_PATH = 4096, VECTOR_NAMES = 512 };

/* The file, NUL behind it; the test fails when it is not there. Free with buf_fini. */
static inline struct buf vector_read(const char *path)
{
    struct buf b = {0};
    char err[256];
    if (file_read(path, 64 << 20, &b, err, sizeof err))
        fail_msg("%s", err);
    buf_cstr(&b);
    return b;
}

/* `room` gets the path of a file or folder of the shared data. */
static inline const char *vector_shared(const char *name, char room[VECTOR_PATH])
{
    const char *base = getenv("WEIR_SHARED");
    snprintf(room, VECTOR_PATH, "%s/%s", base ? base : "../shared", name);
    if (access(room, R_OK)) {
        print_message("# skipped: no shared data (%s)\n", room);
        skip();
    }
    return room;
}

/* Names of a folder's entries, sorted, dot files left out. */
struct vector_names {
    int n;
    char at[VECTOR_NAMES][NAME_MAX + 1];
};

static inline int vector_names_cmp(const void *a, const void *b)
{
    return strcmp(a, b);
}

static inline void vector_list(const char *path, struct vector_names *out)
{
    DIR *dir = opendir(path);
    out->n = 0;
    if (!dir)
        fail_msg("no folder %s", path);
    for (struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        assert_true(out->n < VECTOR_NAMES);
        memcpy(out->at[out->n++], e->d_name, strlen(e->d_name) + 1);
    }
    closedir(dir);
    qsort(out->at, (size_t)out->n, sizeof out->at[0], vector_names_cmp);
}

static inline int vector_digit(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static inline struct buf vector_unhex(const char *hex)
{
    struct buf b = {0};
    for (; hex[0] && hex[1]; hex += 2)
        buf_add_char(&b, (char)(vector_digit(hex[0]) * 16 + vector_digit(hex[1])));
    return b;
}

/* Without the line ends behind it, for comparing text files. */
static inline struct str vector_chomp(struct buf *b)
{
    struct str s = buf_str(b);
    while (s.len && (s.ptr[s.len - 1] == '\n' || s.ptr[s.len - 1] == '\r'))
        s.len--;
    return s;
}

#define assert_str(got, want) assert_str_at((got), (want), __FILE__, __LINE__)
static inline void assert_str_at(struct str got, struct str want, const char *file, int line)
{
    if (str_eq(got, want))
        return;
    print_error("got:  %.*s\nwant: %.*s\n", STR_ARG(got), STR_ARG(want));
    _fail(file, line);
}

#endif
