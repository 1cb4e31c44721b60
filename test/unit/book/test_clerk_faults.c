/* SPDX-License-Identifier: Apache-2.0
 *
 * book/clerk when its disk fails: nothing crashes, nothing waits, it says so once, recovers by
 * itself, and afterwards every record is in the book once: committed and lost are what was sent.
 */
#include "clerk_side.h"
#include "faulty_disk.h"
#include "weir/base/mem.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

static struct folder at;
static int64_t second;
static uint64_t sent;
static bool may_mount;

static int setup(void **state)
{
    folder_make(&at);
    disk_mend();
    second = 100;
    stand_at(second, NOON);
    n_told = 0;
    sent = 0;
    return 0;
}

static int teardown(void **state)
{
    disk_mend();
    clock_real();
    folder_remove(at.path);
    return 0;
}

static bool send_one(struct clerk *c)
{
    sent++;
    return put(c, record_at(NOON, sent % 2 ? "a" : "b"));
}

static void send_many(struct clerk *c, unsigned n)
{
    for (unsigned i = 0; i < n; i++, sent++) {
        struct record r = record_at(NOON, sent % 2 ? "a" : "b");
        clerk_record(c, &r, NULL, NULL);
    }
}

static atomic_int refusal;

static int look_whether_ready(void *arg, char *why, size_t why_size)
{
    snprintf(why, why_size, "it belongs to another");
    return atomic_load(&refusal);
}

/* The time after which it is tried again has passed. */
static void later(void)
{
    second += 6;
    stand_at(second, NOON);
}

static struct clerk *begun(void)
{
    struct clerk *c = clerk_of(&at, 16 << 20);
    assert_true(send_one(c));
    assert_int_equal(n_told, 0);
    return c;
}

/* Everything is there once. */
static void check_all(struct clerk *c)
{
    struct clerk_counts n = counts_of(c);
    assert_int_equal(n.committed + n.lost, sent);
    assert_int_equal(n.waiting, 0);
    assert_int_equal(requests(c, TABLE_MINUTES, 0, UINT32_MAX), n.committed);
    assert_int_equal(requests(c, TABLE_HOURS, 0, UINT32_MAX), n.committed);
    assert_int_equal(requests(c, TABLE_DAYS, 0, UINT32_MAX), n.committed);
    assert_int_equal(rows_of(c, TABLE_RECORDS), n.committed);
    assert_string_equal(told[n_told - 1], "well");
}

/* It fails, says `word`, keeps what comes, and goes on when the disk is mended. */
static void fails_and_recovers(struct clerk *c, const char *word)
{
    assert_false(send_one(c));
    send_many(c, 300);
    assert_false(send_one(c)); /* at once: it is not tried each time */
    assert_int_equal(counts_of(c).failures, 1);
    assert_int_equal(n_told, 1);
    assert_non_null(strstr(told[0], word));
    later();
    assert_false(send_one(c));
    assert_int_equal(n_told, 1); /* the same again is no news */
    assert_int_equal(counts_of(c).waiting, 303);
    disk_mend();
    later();
    assert_true(send_one(c));
    check_all(c);
    clerk_free(c);
}

static void a_full_disk(void **state)
{
    struct clerk *c = begun();
    disk.pages = ENOSPC;
    assert_false(send_one(c));
    assert_int_equal(requests(c, TABLE_MINUTES, 0, UINT32_MAX), 1); /* it can be read */
    later();
    disk_mend();
    assert_true(send_one(c));
    check_all(c);
    clerk_free(c);
}

static void a_full_disk_for_longer(void **state)
{
    struct clerk *c = begun();
    disk.pages = ENOSPC;
    fails_and_recovers(c, "no room");
}

static void a_write_that_comes_out_short(void **state)
{
    struct clerk *c = begun();
    disk.cut_short = disk.full = true;
    fails_and_recovers(c, "no room"); /* LMDB says EIO */
}

static void a_write_that_fails(void **state)
{
    struct clerk *c = begun();
    disk.pages = EIO;
    fails_and_recovers(c, "the disk failed");
}

static void a_sync_that_fails(void **state)
{
    struct clerk *c = begun();
    disk.sync = EIO;
    fails_and_recovers(c, "");
}

static void the_last_page_cannot_be_written(void **state)
{
    struct clerk *c = begun();
    disk.meta = EIO; /* LMDB refuses everything until it is opened anew */
    fails_and_recovers(c, "");
}

static void add_requests(void *arg, const struct series *s, const struct rollup *sum)
{
    *(uint64_t *)arg += sum->counts[ROLLUP_REQUESTS];
}

/* The disk says no to a commit that is there all the same: its records count once, everywhere. */
static void a_commit_that_was_none_and_is_one(void **state)
{
    uint64_t tallied = 0;
    struct clerk *c = begun();
    disk.meta_arrives = true;
    assert_false(send_one(c));
    disk_mend();
    later();
    assert_true(send_one(c));
    check_all(c);
    clerk_tally(c, add_requests, &tallied);
    assert_int_equal(tallied, sent);
    clerk_free(c);
}

static uint64_t in_gaps(struct clerk *c)
{
    struct gap g;
    struct store_walk w;
    uint64_t n = 0;
    struct store_txn *t = reading(c);
    store_walk_init(&w, t, TABLE_GAPS);
    for (int rc = store_walk_from(&w, S("")); rc == 0; rc = store_walk_next(&w)) {
        assert_int_equal(gap_read(w.key, w.value, &g), 0);
        n += g.records;
    }
    store_walk_fini(&w);
    read_over(c, t);
    return n;
}

/* Nor does a gap count twice, or never, with losses before, between and after. */
static void a_gap_in_such_a_commit(void **state)
{
    for (int arrives = 0; arrives < 2; arrives++) {
        n_told = 0;
        struct clerk *c = begun();
        for (int i = 0; i < 3; i++) {
            if (i == 1 && arrives)
                disk.meta_arrives = true;
            else if (i == 1)
                disk.meta = EIO;
            mem_fail_at(1);
            assert_false(send_one(c));
            assert_int_equal(send_one(c), i == 0);
            disk_mend();
        }
        later();
        assert_true(send_one(c));
        assert_int_equal(counts_of(c).lost, 3);
        assert_int_equal(in_gaps(c), 3);
        clerk_free(c);
        folder_remove(at.meter);
    }
}

static void no_room_for_the_last_page(void **state)
{
    struct clerk *c = begun();
    disk.meta = ENOSPC;
    fails_and_recovers(c, "no room");
}

static void a_copy_that_finds_no_room(void **state)
{
    struct clerk *c = begun();
    disk.full = true;
    assert_false(compact(c));
    disk.full = false;
    disk.copy = ENOSPC;
    assert_false(compact(c));
    assert_false(folder_has(at.aside));
    disk_mend();
    assert_true(send_one(c));
    assert_true(compact(c));
    assert_true(send_one(c));
    assert_int_equal(requests(c, TABLE_DAYS, 0, UINT32_MAX), 3);
    assert_int_equal(n_told, 0);
    clerk_free(c);
}

static void a_book_that_is_deleted(void **state)
{
    struct clerk *c = begun();
    folder_remove(at.meter);
    sent = 0;
    send_many(c, 10);
    assert_false(settle(c));
    assert_true(send_one(c)); /* into a new one */
    assert_int_equal(requests(c, TABLE_MINUTES, 0, UINT32_MAX), sent);
    assert_int_equal(rows_of(c, TABLE_SERIES), 2);
    assert_string_equal(told[n_told - 1], "well");
    clerk_free(c);
}

static void a_backup_that_takes_its_place(void **state)
{
    char backup[128], command[300];
    struct clerk *c = begun();
    clerk_free(c);
    snprintf(backup, sizeof backup, "%s/backup", at.path);
    snprintf(command, sizeof command, "cp %s %s", at.data, backup);
    assert_int_equal(system(command), 0);
    c = clerk_of(&at, 16 << 20);
    assert_true(put(c, record_at(NOON, "in neither of them")));
    assert_int_equal(rename(backup, at.data), 0);
    assert_false(send_one(c));
    assert_true(send_one(c));
    assert_int_equal(requests(c, TABLE_MINUTES, 0, UINT32_MAX), sent);
    assert_int_equal(rows_of(c, TABLE_RECORDS), sent);
    clerk_free(c);
}

static void a_folder_that_goes_and_comes_back(void **state)
{
    char away[128];
    struct clerk *c = begun();
    snprintf(away, sizeof away, "%s.away", at.path);
    assert_int_equal(rename(at.path, away), 0);
    assert_false(send_one(c));
    send_many(c, 20);
    assert_false(settle(c));
    assert_false(counts_of(c).open);
    assert_null(clerk_read_begin(c));
    assert_int_equal(rename(away, at.path), 0);
    later();
    assert_true(send_one(c));
    check_all(c);
    clerk_free(c);
}

/* Its owner says when it may be opened, each time. */
static void a_book_that_is_not_ready(void **state)
{
    atomic_store(&refusal, ERR_BUSY);
    struct clerk *c = clerk_new(&(struct clerk_options){.dir = at.meter,
                                                        .size_bytes = 16 << 20,
                                                        .keep_requests_ms = 7 * 86400000LL,
                                                        .ready = look_whether_ready,
                                                        .trouble = on_trouble});
    assert_false(send_one(c));
    assert_string_equal(told[0], "it belongs to another");
    assert_int_equal(access(at.meter, F_OK), -1);
    atomic_store(&refusal, 0);
    later();
    assert_true(send_one(c));
    check_all(c);
    clerk_free(c);
}

static void a_network_file_system_is_refused(void **state)
{
    disk.fs_type = 0x6969;
    struct clerk *c = clerk_of(&at, 16 << 20);
    assert_false(send_one(c));
    assert_non_null(strstr(told[0], "network file system (NFS)"));
    assert_false(folder_has(at.meter) || folder_has(at.aside));
    disk_mend();
    later();
    assert_true(send_one(c));
    check_all(c);
    clerk_free(c);
}

static void a_damaged_book_is_let_alone(void **state)
{
    char away[128];
    struct clerk *c = begun();
    clerk_free(c);
    assert_int_equal(truncate(at.data, 12288), 0);
    c = clerk_of(&at, 16 << 20);
    sent = 0;
    assert_false(send_one(c));
    assert_int_equal(n_told, 1);
    assert_non_null(strstr(told[0], "move the folder away"));
    snprintf(away, sizeof away, "%s/damaged", at.path);
    assert_int_equal(rename(at.meter, away), 0);
    later();
    assert_true(send_one(c));
    check_all(c);
    clerk_free(c);
}

/* Its pages cannot be used again, so that the map is full while little lives in it. */
static void a_reader_that_does_not_end(void **state)
{
    struct clerk *c = clerk_of(&at, 1 << 20);
    assert_true(send_one(c));
    struct store *s = clerk_read_begin(c);
    struct store_txn *t;
    assert_int_equal(store_begin(s, false, &t), 0);
    for (int i = 0; i < 2000 && n_told == 0; i++)
        (void)send_one(c);
    assert_int_equal(n_told, 1);
    assert_non_null(strstr(told[0], "no room"));
    store_abort(t);
    clerk_read_end(c);
    later();
    assert_true(settle(c));
    struct clerk_counts n = counts_of(c);
    assert_int_equal(n.committed + n.lost, sent);
    assert_int_equal(requests(c, TABLE_DAYS, 0, UINT32_MAX), sent);
    clerk_free(c);
}

/* Sums that are too young to go fill the book; when they are old they make room. */
static void a_book_that_is_too_small(void **state)
{
    char name[16];
    struct clerk *c = clerk_of(&at, 1 << 20);
    for (int minute = 0; minute < 250; minute++) {
        for (int i = 0; i < 100; i++, sent++) {
            snprintf(name, sizeof name, "w%d", i);
            struct record r = record_at(NOON + minute, name);
            clerk_record(c, &r, NULL, NULL);
        }
        (void)settle(c);
    }
    assert_true(n_told > 0);
    assert_non_null(strstr(told[0], "book.size"));
    struct clerk_counts n = counts_of(c);
    assert_true(n.committed > 2000 && n.committed + n.waiting == sent);
    assert_true(n.size.used_bytes < n.size.map_bytes / 100 * 90); /* deleting needs room */
    second += 16 * 86400;
    stand_at(second, NOON + 16 * 1440);
    for (int i = 0; i < 100 && !settle(c); i++) {
        second += 11;
        stand_at(second, NOON + 16 * 1440);
    }
    n = counts_of(c);
    assert_int_equal(n.committed, sent);
    assert_int_equal(requests(c, TABLE_DAYS, 0, UINT32_MAX), sent);
    clerk_free(c);
}

/* --- the kernel's own refusals, where this user may mount. */

static void mount_small(const char *options)
{
    if (!may_mount) {
        print_message("skipped: may not mount here\n");
        skip();
    }
    assert_int_equal(mount("none", at.path, "tmpfs", 0, options), 0);
}

static void fill(const char *path)
{
    static const char zeros[4096];
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    while (write(fd, zeros, sizeof zeros) > 0) {
    }
    close(fd);
}

static void a_disk_that_is_really_full(void **state)
{
    char filler[128];
    snprintf(filler, sizeof filler, "%s/filler", at.path);
    mount_small("size=1m");
    struct clerk *c = begun();
    fill(filler);
    bool good = true;
    for (int i = 0; i < 5000 && good; i++)
        good = send_one(c);
    assert_false(good);
    send_many(c, 100);
    assert_false(send_one(c));
    assert_non_null(strstr(told[0], "no room"));
    assert_int_equal(unlink(filler), 0);
    later();
    assert_true(send_one(c));
    check_all(c);
    clerk_free(c);
    umount2(at.path, MNT_DETACH);
}

static void a_disk_without_room_for_a_book(void **state)
{
    char filler[128];
    snprintf(filler, sizeof filler, "%s/filler", at.path);
    mount_small("size=1m");
    fill(filler);
    struct clerk *c = clerk_of(&at, 16 << 20);
    assert_false(send_one(c));
    assert_false(folder_has(at.meter));
    assert_int_equal(unlink(filler), 0);
    later();
    assert_true(send_one(c));
    check_all(c);
    clerk_free(c);
    umount2(at.path, MNT_DETACH);
}

static void a_disk_that_becomes_writable(void **state)
{
    mount_small("size=4m");
    struct clerk *c = begun();
    clerk_free(c);
    assert_int_equal(mount("none", at.path, NULL, MS_REMOUNT | MS_RDONLY, "size=4m"), 0);
    c = clerk_of(&at, 16 << 20);
    sent = 0;
    assert_false(send_one(c));
    assert_int_equal(n_told, 1);
    assert_non_null(strstr(told[0], "Read-only"));
    assert_int_equal(mount("none", at.path, NULL, MS_REMOUNT, "size=4m"), 0);
    later();
    assert_true(send_one(c));
    assert_int_equal(requests(c, TABLE_DAYS, 0, UINT32_MAX), 3); /* with the one before */
    clerk_free(c);
    umount2(at.path, MNT_DETACH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_full_disk),
        TEST(a_full_disk_for_longer),
        TEST(a_write_that_comes_out_short),
        TEST(a_write_that_fails),
        TEST(a_sync_that_fails),
        TEST(the_last_page_cannot_be_written),
        TEST(a_commit_that_was_none_and_is_one),
        TEST(a_gap_in_such_a_commit),
        TEST(no_room_for_the_last_page),
        TEST(a_copy_that_finds_no_room),
        TEST(a_book_that_is_deleted),
        TEST(a_backup_that_takes_its_place),
        TEST(a_folder_that_goes_and_comes_back),
        TEST(a_book_that_is_not_ready),
        TEST(a_network_file_system_is_refused),
        TEST(a_damaged_book_is_let_alone),
        TEST(a_reader_that_does_not_end),
        TEST(a_book_that_is_too_small),
        TEST(a_disk_that_is_really_full),
        TEST(a_disk_without_room_for_a_book),
        TEST(a_disk_that_becomes_writable),
    };
    /* Mounts of this process's own, which end with it. */
    may_mount =
        unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
