/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/state: one holder at a time, whose word stands in the lock for those who may read it.
 */
#include "weir/gate/state.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], path[128], why[512];

static int make_dir(void **state)
{
    strcpy(dir, "/tmp/weir-state-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/lock", dir);
    return 0;
}

static int drop_dir(void **state)
{
    (void)unlink(path);
    return rmdir(dir);
}

static void one_at_a_time(void **state)
{
    int fd = -1, other = -1;
    assert_int_equal(state_lock(str_of(dir), &fd, why, sizeof why), 0);
    assert_int_equal(state_lock(str_of(dir), &other, why, sizeof why), ERR_BUSY);
    close(fd);
    assert_int_equal(state_lock(str_of(dir), &other, why, sizeof why), 0);
    close(other);
}

static void the_holders_word(void **state)
{
    char word[STATE_TOKEN_CHARS] = "";
    int fd;
    struct stat st;
    assert_int_equal(state_read_token(str_of(dir), word), ERR_NOT_FOUND);
    fd = open(path, O_WRONLY | O_CREAT, 0600); /* of a longer one before */
    assert_int_equal(ftruncate(fd, 100), 0);
    close(fd);
    assert_int_equal(state_read_token(str_of(dir), word), ERR_NOT_FOUND);
    assert_int_equal(state_lock(str_of(dir), &fd, why, sizeof why), 0);
    assert_int_equal(state_read_token(str_of(dir), word), 0);
    assert_true(str_eq(str_from(word, sizeof word), state_token()));
    for (size_t i = 0; i < sizeof word; i++)
        assert_non_null(memchr("0123456789abcdef", word[i], 16));
    assert_memory_not_equal(word, word + 32, 32);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    close(fd);
}

static void no_link_is_followed(void **state)
{
    char word[STATE_TOKEN_CHARS];
    int fd;
    assert_int_equal(symlink("/etc/hostname", path), 0);
    assert_int_equal(state_lock(str_of(dir), &fd, why, sizeof why), ERR_IO);
    assert_int_equal(state_read_token(str_of(dir), word), ERR_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, drop_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(one_at_a_time), TEST(the_holders_word),
                                       TEST(no_link_is_followed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
