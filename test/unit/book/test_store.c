/* SPDX-License-Identifier: Apache-2.0
 *
 * book/store: an environment is made whole, opened again, read beside its writer, compacted, and
 * refused when it is not what it should be.
 */
#include "weir/book/store.h"

#include "../../../src/book/store_place.h"
#include "folder.h"
#include "weir/base/random.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

static struct folder at;
static char why[512];

static int setup(void **state)
{
    folder_make(&at);
    why[0] = 0;
    return 0;
}

static int teardown(void **state)
{
    folder_remove(at.path);
    return 0;
}

static int open_with(uint64_t size, bool read_only, struct store **s)
{
    return store_open(&(struct store_options){at.meter, size, read_only}, s, why, sizeof why);
}

static struct store *opened(void)
{
    struct store *s;
    assert_int_equal(open_with(16 << 20, false, &s), 0);
    return s;
}

static struct store_txn *begin(struct store *s, bool write)
{
    struct store_txn *t;
    assert_int_equal(store_begin(s, write, &t), 0);
    return t;
}

static void put(struct store *s, struct str key, struct str value)
{
    struct store_txn *t = begin(s, true);
    assert_int_equal(store_put(t, TABLE_META, key, value), 0);
    assert_int_equal(store_commit(t), 0);
}

static bool holds(struct store *s, struct str key, struct str value)
{
    struct str found;
    struct store_txn *t = begin(s, false);
    int rc = store_get(t, TABLE_META, key, &found);
    bool same = rc == 0 && str_eq(found, value);
    store_abort(t);
    return same;
}

static void is_made_and_found_again(void **state)
{
    struct stat st;
    struct store *s = opened();
    put(s, S("a"), S("one"));
    store_close(s);
    assert_int_equal(stat(at.data, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(at.meter, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_false(folder_has(at.aside));
    s = opened();
    assert_true(holds(s, S("a"), S("one")));
    assert_false(holds(s, S("b"), S("one")));
    store_close(s);
}

static void a_half_made_one_is_begun_anew(void **state)
{
    char half[160];
    assert_int_equal(mkdir(at.aside, 0700), 0);
    snprintf(half, sizeof half, "%s/data.mdb", at.aside);
    close(open(half, O_WRONLY | O_CREAT, 0600));
    struct store *s = opened();
    assert_false(folder_has(at.aside));
    store_close(s);
}

static void keeps_the_order_of_keys(void **state)
{
    struct store *s = opened();
    struct store_txn *t = begin(s, true);
    unsigned char key[4];
    for (uint32_t n = 0; n < 1000; n++) {
        store_put_u32(key, n * 7919 % 1000);
        assert_int_equal(store_put(t, TABLE_MINUTES, str_from((char *)key, 4), S("x")), 0);
    }
    assert_int_equal(store_commit(t), 0);
    t = begin(s, false);
    struct store_walk w;
    store_walk_init(&w, t, TABLE_MINUTES);
    store_put_u32(key, 990);
    assert_int_equal(store_walk_from(&w, str_from((char *)key, 4)), 0);
    for (uint32_t n = 990; n < 1000; n++) {
        assert_int_equal(store_get_u32(w.key.ptr), n);
        assert_int_equal(store_walk_next(&w), n < 999 ? 0 : ERR_NOT_FOUND);
    }
    assert_int_equal(store_walk_last(&w), 0);
    assert_int_equal(store_walk_back(&w), 0);
    assert_int_equal(store_get_u32(w.key.ptr), 998);
    assert_int_equal(store_walk_from(&w, S("")), 0);
    assert_int_equal(store_get_u32(w.key.ptr), 0);
    store_walk_fini(&w);
    store_abort(t);
    store_close(s);
}

static void an_aborted_change_is_none(void **state)
{
    struct store *s = opened();
    put(s, S("a"), S("one"));
    struct store_txn *t = begin(s, true);
    assert_int_equal(store_delete(t, TABLE_META, S("a")), 0);
    assert_int_equal(store_delete(t, TABLE_META, S("never there")), 0);
    store_abort(t);
    assert_true(holds(s, S("a"), S("one")));
    store_close(s);
}

static void keys_in_order_fill_their_pages(void **state)
{
    struct store *s = opened();
    unsigned char key[8];
    char value[200] = {0};
    struct store_size size;
    for (uint64_t n = 0; n < 20000;) {
        struct store_txn *t = begin(s, true);
        for (int i = 0; i < 250; i++) {
            store_put_u64(key, n++);
            assert_int_equal(
                store_put(t, TABLE_RECORDS, str_from((char *)key, 8), str_from(value, 200)), 0);
        }
        assert_int_equal(store_commit(t), 0);
    }
    assert_int_equal(store_measure(s, &size), 0);
    assert_int_equal(size.rows[TABLE_RECORDS], 20000);
    assert_true(size.used_bytes < 20000 * 208 * 115 / 100);
    assert_true(size.file_bytes < 20000 * 208 * 120 / 100);
    assert_true(size.limit_bytes >= 16 << 20 && size.map_bytes >= size.limit_bytes / 4 * 5);
    store_close(s);
}

static void a_full_map_says_so_and_can_be_emptied(void **state)
{
    struct store *s;
    unsigned char key[8];
    char value[500] = {0};
    uint64_t n = 0;
    int rc = 0;
    assert_int_equal(open_with(1 << 20, false, &s), 0);
    while (rc == 0) {
        struct store_txn *t = begin(s, true);
        store_put_u64(key, n++);
        rc = store_put(t, TABLE_RECORDS, str_from((char *)key, 8), str_from(value, sizeof value));
        if (rc == 0)
            rc = store_commit(t);
        else
            store_abort(t);
    }
    assert_int_equal(rc, ERR_FULL);
    assert_true(n > 1000);
    struct store_txn *t = begin(s, false);
    store_abort(t);
    store_close(s);
}

/* What another process sees: this program again, because one process opens a path once. */
static int in_another(const char *task)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        execl("/proc/self/exe", "test_store", task, at.path, (char *)NULL);
        _exit(101);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run_task(const char *task, const char *path)
{
    struct store *s;
    struct store_txn *t;
    struct str found;
    folder_name(&at, path);
    bool elsewhere = strcmp(task, "die elsewhere") == 0;
    bool of_it = strcmp(task, "die of it") == 0;
    int rc = open_with(16 << 20, !elsewhere && !of_it, &s);
    if (rc == 0 && elsewhere)
        raise(SIGSEGV);
    if (rc == 0)
        rc = store_begin(s, false, &t);
    if (rc)
        return -rc;
    if (strcmp(task, "die") == 0)
        _exit(0); /* in the middle of it */
    if (of_it && truncate(at.data, 8192) != 0)
        return 0;
    bool good = store_get(t, TABLE_META, S("a"), &found) == 0 && str_eq(found, S("one"));
    store_abort(t);
    store_close(s);
    return good ? 0 : 100;
}

static void is_read_beside_its_writer(void **state)
{
    struct store *s = opened();
    put(s, S("a"), S("one"));
    assert_int_equal(in_another("look"), 0);
    put(s, S("a"), S("two"));
    assert_int_equal(in_another("look"), 100);
    store_close(s);
}

static void a_reader_makes_no_file(void **state)
{
    assert_int_equal(in_another("look"), -ERR_NOT_FOUND);
    assert_false(folder_has(at.meter));
    struct store *s = opened();
    put(s, S("a"), S("one"));
    store_close(s);
    assert_int_equal(unlink(at.lock), 0);
    assert_int_equal(in_another("look"), 0);
    assert_false(folder_has(at.lock));
}

static void compacting_swaps_it_in_one_step(void **state)
{
    struct store_size before, after;
    struct store *s = opened();
    char big[5000] = {0};
    for (int i = 0; i < 50; i++)
        put(s, str_from((char *)&i, sizeof i), str_from(big, sizeof big));
    struct store_txn *t = begin(s, true);
    for (int i = 0; i < 49; i++)
        assert_int_equal(store_delete(t, TABLE_META, str_from((char *)&i, sizeof i)), 0);
    assert_int_equal(store_commit(t), 0);
    put(s, S("a"), S("one"));
    assert_int_equal(store_measure(s, &before), 0);
    assert_int_equal(store_compact(s, why, sizeof why), 0);
    store_close(s);
    assert_int_equal(store_swap(at.meter, why, sizeof why), 0);
    assert_false(folder_has(at.aside));
    s = opened();
    assert_true(holds(s, S("a"), S("one")));
    assert_int_equal(store_measure(s, &after), 0);
    assert_true(after.file_bytes < before.file_bytes / 2);
    assert_int_equal(after.rows[TABLE_META], before.rows[TABLE_META]);
    struct stat st;
    assert_int_equal(stat(at.data, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    store_close(s);
}

static void notices_that_its_file_is_another(void **state)
{
    char other[128];
    struct store *s = opened();
    assert_false(store_is_gone(s));
    snprintf(other, sizeof other, "%s/other", at.path);
    assert_int_equal(rename(at.data, other), 0);
    assert_true(store_is_gone(s));
    close(open(at.data, O_WRONLY | O_CREAT, 0600));
    assert_true(store_is_gone(s));
    assert_int_equal(rename(other, at.data), 0);
    assert_false(store_is_gone(s));
    store_close(s);
}

/* A reader of the old file holds its lock file while a backup takes the data's place. */
static void a_lock_of_other_data_is_not_believed(void **state)
{
    char backup[128], command[400];
    int stop[2], ready[2];
    struct store *s = opened();
    put(s, S("a"), S("one"));
    store_close(s);
    snprintf(backup, sizeof backup, "%s/backup", at.path);
    snprintf(command, sizeof command, "cp %s %s", at.data, backup);
    assert_int_equal(system(command), 0);
    s = opened();
    put(s, S("a"), S("two")); /* an odd number of transactions more */
    store_close(s);
    assert_int_equal(pipe(stop), 0);
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char c;
        struct store *reader;
        close(stop[1]);
        if (open_with(0, true, &reader) != 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        (void)!read(stop[0], &c, 1);
        _exit(0);
    }
    char c;
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_equal(rename(backup, at.data), 0);
    s = opened();
    assert_true(holds(s, S("a"), S("one")));
    put(s, S("b"), S("three"));
    assert_true(holds(s, S("a"), S("one")) && holds(s, S("b"), S("three")));
    store_close(s);
    close(stop[1]);
    waitpid(pid, NULL, 0);
    close(stop[0]);
    close(ready[0]);
    close(ready[1]);
}

static void what_is_cut_off_is_refused(void **state)
{
    struct store *s = opened();
    char big[60000] = {1};
    put(s, S("a"), str_from(big, sizeof big));
    struct stat st;
    store_close(s);
    assert_int_equal(stat(at.data, &st), 0);
    const off_t sizes[] = {0, 1, 4096, 8192, st.st_size / 8192 * 4096, st.st_size - 4096};
    for (size_t i = sizeof sizes / sizeof *sizes; i-- > 0;) {
        assert_int_equal(truncate(at.data, sizes[i]), 0);
        assert_int_equal(open_with(16 << 20, false, &s), ERR_BAD);
        assert_non_null(strstr(why, at.meter));
        assert_int_equal(open_with(0, true, &s), ERR_BAD);
    }
}

static void what_is_no_book_is_refused(void **state)
{
    struct store *s = opened();
    char junk[8192];
    store_close(s);
    random_bytes(junk, sizeof junk);
    int fd = open(at.data, O_WRONLY);
    assert_int_equal(pwrite(fd, junk, sizeof junk, 0), sizeof junk);
    close(fd);
    assert_int_equal(open_with(16 << 20, false, &s), ERR_BAD);
    assert_non_null(strstr(why, "not a book"));
}

/* Its index is whole, its pages are not: whatever LMDB calls that, the sentence says what to do. */
static void what_is_damaged_says_what_to_do(void **state)
{
    static const char zeros[4096];
    struct stat st;
    struct store *s = opened();
    store_close(s);
    assert_int_equal(stat(at.data, &st), 0);
    int fd = open(at.data, O_WRONLY);
    for (off_t page = 8192; page < st.st_size; page += (off_t)sizeof zeros)
        assert_int_equal(pwrite(fd, zeros, sizeof zeros, page), sizeof zeros);
    close(fd);
    for (int read_only = 0; read_only < 2; read_only++) {
        assert_int_equal(open_with(read_only ? 0 : 16 << 20, read_only, &s), ERR_BAD);
        assert_non_null(strstr(why, "move the folder away"));
        assert_non_null(strstr(why, "put a backup there"));
        const struct store_options lost = {.dir = at.meter,
                                           .size_bytes = 16 << 20,
                                           .read_only = read_only,
                                           .kind = STORE_PREFIXES};
        assert_int_equal(store_open(&lost, &s, why, sizeof why), ERR_BAD);
        assert_null(strstr(why, "a book"));
        assert_null(strstr(why, "new book"));
        assert_null(strstr(why, "backup"));
    }
}

/* A process that dies of a damaged file, as of a page that the disk cannot read. */
static void what_killed_once_is_not_opened_again(void **state)
{
    char backup[128], mark[128], command[300];
    struct store *s = opened();
    char big[60000] = {1};
    put(s, S("a"), str_from(big, sizeof big));
    store_close(s);
    snprintf(backup, sizeof backup, "%s/backup", at.path);
    snprintf(mark, sizeof mark, "%s/crashed", at.meter);
    snprintf(command, sizeof command, "cp %s %s", at.data, backup);
    assert_int_equal(system(command), 0);
    assert_int_not_equal(in_another("die elsewhere"), 0);
    assert_false(folder_has(mark));
    assert_int_not_equal(in_another("die of it"), 0);
    assert_int_equal(open_with(16 << 20, false, &s), ERR_BAD);
    assert_non_null(strstr(why, "crashed inside this book"));
    assert_true(folder_has(mark));
    assert_int_equal(rename(backup, at.data), 0);
    s = opened(); /* another file is not suspected */
    assert_false(folder_has(mark));
    store_close(s);
}

static void a_later_schema_is_refused(void **state)
{
    unsigned char later[4];
    struct store *s = opened();
    store_put_u32(later, 99);
    put(s, S("schema"), str_from((char *)later, 4));
    store_close(s);
    for (int reader = 0; reader < 2; reader++) {
        assert_int_equal(open_with(16 << 20, reader, &s), ERR_UNSUPPORTED);
        assert_non_null(strstr(why, "later Weir"));
    }
}

static void another_folder_of_that_name_is_left_alone(void **state)
{
    struct store *s;
    char own[128];
    assert_int_equal(mkdir(at.meter, 0700), 0);
    snprintf(own, sizeof own, "%s/letters", at.meter);
    close(open(own, O_WRONLY | O_CREAT, 0600));
    assert_int_equal(open_with(16 << 20, false, &s), ERR_IO);
    assert_true(folder_has(own));
    assert_non_null(strstr(why, at.meter));
    assert_false(folder_has(at.aside));
}

static void a_missing_parent_is_not_made(void **state)
{
    struct store *s;
    char deep[] = "/dev/shm/weir-no-such-folder/meter";
    assert_int_equal(store_open(&(struct store_options){.dir = deep, .size_bytes = 1 << 20}, &s,
                                why, sizeof why),
                     ERR_NOT_FOUND);
    assert_non_null(strstr(why, "weir-no-such-folder"));
}

static void network_file_systems_are_known(void **state)
{
    assert_string_equal(place_remote(0x6969), "NFS");
    assert_string_equal(place_remote(0x65735546), "FUSE");
    assert_string_equal(place_remote((uint64_t)(int64_t)(int32_t)0xff534d42), "CIFS");
    assert_null(place_remote(0xef53));     /* ext4 */
    assert_null(place_remote(0x58465342)); /* xfs */
    assert_null(place_remote(0x794c7630)); /* overlayfs */
    assert_null(place_remote(0x01021994)); /* tmpfs */
}

static void dead_readers_are_forgotten(void **state)
{
    struct store *s = opened();
    put(s, S("a"), S("one"));
    assert_int_equal(in_another("die"), 0);
    store_sweep(s);
    struct store_size before, after;
    assert_int_equal(store_measure(s, &before), 0);
    for (int i = 0; i < 500; i++)
        put(s, S("b"), S("again"));
    assert_int_equal(store_measure(s, &after), 0);
    assert_true(after.file_bytes < before.file_bytes + 200 * 1024);
    store_close(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    if (argc == 3)
        return run_task(argv[1], argv[2]);
    const struct CMUnitTest tests[] = {
        TEST(is_made_and_found_again),
        TEST(a_half_made_one_is_begun_anew),
        TEST(keeps_the_order_of_keys),
        TEST(an_aborted_change_is_none),
        TEST(keys_in_order_fill_their_pages),
        TEST(a_full_map_says_so_and_can_be_emptied),
        TEST(is_read_beside_its_writer),
        TEST(a_reader_makes_no_file),
        TEST(compacting_swaps_it_in_one_step),
        TEST(notices_that_its_file_is_another),
        TEST(a_lock_of_other_data_is_not_believed),
        TEST(what_is_cut_off_is_refused),
        TEST(what_is_no_book_is_refused),
        TEST(what_is_damaged_says_what_to_do),
        TEST(what_killed_once_is_not_opened_again),
        TEST(a_later_schema_is_refused),
        TEST(another_folder_of_that_name_is_left_alone),
        TEST(a_missing_parent_is_not_made),
        TEST(network_file_systems_are_known),
        TEST(dead_readers_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
