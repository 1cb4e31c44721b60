/* SPDX-License-Identifier: Apache-2.0
 *
 * base/file: whole small files; what is too big, not there or not a file is refused with a
 * sentence; replacing leaves the old file or the new one.
 */
#include "weir/base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], path[128], err[512];

static int make_dir(void **state)
{
    strcpy(dir, "/tmp/weir-file-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/f", dir);
    return 0;
}

static int drop_dir(void **state)
{
    (void)unlink(path);
    return rmdir(dir);
}

static void put(size_t n, mode_t mode)
{
    (void)unlink(path); /* the one before may be read-only, and we may not be root */
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (size_t i = 0; i < n; i++)
        fputc((int)('a' + i % 26), f);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static void reads_whole(void **state)
{
    struct buf b = {0};
    put(100000, 0600);
    buf_add(&b, S("before "));
    assert_int_equal(file_read(path, 100000, &b, err, sizeof err), 0);
    assert_int_equal(buf_len(&b), 100007);
    assert_memory_equal(b.data + b.head, "before abc", 10);
    assert_int_equal(b.data[b.tail - 1], 'a' + 99999 % 26);
    buf_clear(&b);
    put(0, 0600);
    assert_int_equal(file_read(path, 10, &b, err, sizeof err), 0);
    assert_int_equal(buf_len(&b), 0);
    /* a size of 0 that is not true */
    assert_int_equal(file_read("/proc/self/status", 1 << 16, &b, err, sizeof err), 0);
    assert_true(buf_len(&b) > 100);
    buf_fini(&b);
}

static void refuses_what_is_too_big(void **state)
{
    struct buf b = {0};
    put(101, 0600);
    buf_add(&b, S("kept"));
    assert_int_equal(file_read(path, 100, &b, err, sizeof err), ERR_TOO_BIG);
    assert_non_null(strstr(err, path));
    assert_true(str_eq(buf_str(&b), S("kept")));
    assert_int_equal(file_read("/proc/self/status", 100, &b, err, sizeof err), ERR_TOO_BIG);
    assert_true(str_eq(buf_str(&b), S("kept")));
    buf_fini(&b);
}

static void refuses_what_is_no_file(void **state)
{
    struct buf b = {0};
    assert_int_equal(file_read(path, 100, &b, err, sizeof err), ERR_NOT_FOUND);
    assert_non_null(strstr(err, "No such file"));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(file_read(path, 100, &b, err, sizeof err), ERR_UNSUPPORTED);
    assert_int_equal(file_read(dir, 100, &b, err, sizeof err), ERR_UNSUPPORTED);
    assert_int_equal(file_read("/dev/zero", 100, &b, err, sizeof err), ERR_UNSUPPORTED);
    assert_int_equal(buf_len(&b), 0);
    buf_fini(&b);
}

static void tells_who_may_read(void **state)
{
    put(3, 0600);
    assert_int_equal(file_check_private(path, err, sizeof err), 0);
    put(3, 0400);
    assert_int_equal(file_check_private(path, err, sizeof err), 0);
    put(3, 0640);
    assert_int_equal(file_check_private(path, err, sizeof err), ERR_REFUSED);
    assert_non_null(strstr(err, "chmod 600"));
    put(3, 0604);
    assert_int_equal(file_check_private(path, err, sizeof err), ERR_REFUSED);
    put(3, 0620);
    assert_int_equal(file_check_private(path, err, sizeof err), ERR_REFUSED);
    assert_int_equal(file_check_private("/nowhere/x", err, sizeof err), ERR_NOT_FOUND);
}

static void replaces(void **state)
{
    struct buf b = {0};
    struct stat st;
    put(3, 0644);
    assert_int_equal(file_replace(path, S("the new one"), err, sizeof err), 0);
    assert_int_equal(file_read(path, 100, &b, err, sizeof err), 0);
    assert_true(str_eq(buf_str(&b), S("the new one")));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(file_replace("/nowhere/x", S(""), err, sizeof err), ERR_IO);
    assert_non_null(strstr(err, "/nowhere/x"));
    buf_fini(&b);
}

/* What was checked is what is read. */
static void reads_private_files(void **state)
{
    struct buf b = {0};
    put(3, 0600);
    assert_int_equal(file_read_private(path, 10, true, &b, err, sizeof err), 0);
    assert_true(str_eq(buf_str(&b), S("abc")));
    assert_int_equal(file_read_private(path, 2, true, &b, err, sizeof err), ERR_TOO_BIG);
    put(3, 0604);
    assert_int_equal(file_read_private(path, 10, true, &b, err, sizeof err), ERR_REFUSED);
    assert_non_null(strstr(err, "chmod 600"));
    assert_int_equal(file_read_private(dir, 10, true, &b, err, sizeof err), ERR_UNSUPPORTED);
    assert_true(str_eq(buf_str(&b), S("abc")));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_whole, make_dir, drop_dir),
        cmocka_unit_test_setup_teardown(refuses_what_is_too_big, make_dir, drop_dir),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_file, make_dir, drop_dir),
        cmocka_unit_test_setup_teardown(tells_who_may_read, make_dir, drop_dir),
        cmocka_unit_test_setup_teardown(reads_private_files, make_dir, drop_dir),
        cmocka_unit_test_setup_teardown(replaces, make_dir, drop_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
