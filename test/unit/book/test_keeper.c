/* SPDX-License-Identifier: Apache-2.0
 *
 * book/keeper: what was saved is there at the next start; what goes wrong with the environment
 * costs nobody anything but what could not be saved meanwhile, and not even that when it ends.
 */
#include "../../../src/book/keeper_private.h"

#include "faulty_disk.h"
#include "folder.h"
#include "keeper_side.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { MIB = 1 << 20 };

static struct folder at;
static struct side x;
static char why[512], damaged[128];

static int setup(void **state)
{
    folder_make(&at);
    snprintf(damaged, sizeof damaged, "%s.damaged", at.meter);
    memset(&x, 0, sizeof x);
    disk_mend();
    return 0;
}

static int teardown(void **state)
{
    disk_mend();
    folder_remove(at.path);
    return 0;
}

static struct keeper *keeper_of(uint64_t index_bytes)
{
    struct keeper_source s = side_source(&x);
    return keeper_make(at.meter, index_bytes, &s);
}

/* What the next start knows: into x's `got`. */
static void load_again(void)
{
    struct keeper *k = keeper_of(MIB);
    x.n = x.n_got = x.n_wrong = x.n_got_names = x.loads = 0;
    memset(x.got, 0, sizeof x.got);
    memset(x.got_names, 0, sizeof x.got_names);
    assert_true(keeper_round(k));
    assert_int_equal(x.loads, 1);
    assert_int_equal(x.n_wrong, 0);
    keeper_end(k);
}

static void keeps_what_it_saved(void **state)
{
    struct keeper_counts counts;
    struct keeper *k = keeper_of(MIB);
    for (size_t i = 0; i < 250; i++)
        side_change(&x, i, 100, 1);
    side_name(&x, 0, "one");
    side_name(&x, 1, "");
    assert_true(keeper_round(k));
    side_change(&x, 17, 200, 2);
    side_name(&x, 0, "two");
    assert_true(keeper_round(k));
    keeper_count(k, &counts);
    assert_int_equal(counts.saved, 254);
    assert_int_equal(counts.rows, 250);
    assert_true(counts.open);
    keeper_end(k);
    load_again();
    assert_int_equal(x.loaded, 250);
    assert_int_equal(x.n_got, 250);
    assert_int_equal(x.got[17].last, 200);
    assert_int_equal(x.got[17].count, 2);
    assert_int_equal(x.got[249].last, 100);
    assert_string_equal(x.got_names[0], "two");
    assert_int_equal(x.n_got_names, 2);
    assert_int_equal(x.troubles, 0);
}

static void its_thread_saves_at_its_end(void **state)
{
    struct keeper_source s = side_source(&x);
    struct keeper *k = keeper_new(at.meter, MIB, &s);
    struct keeper_counts counts;
    do { /* the first round is over */
        keeper_count(k, &counts);
    } while (!counts.open);
    keeper_free(k);
    for (size_t i = 0; i < 30; i++)
        side_change(&x, i, 100, 1);
    k = keeper_new(at.meter, MIB, &s);
    keeper_free(k);
    keeper_free(NULL);
    load_again();
    assert_int_equal(x.n_got, 30);
}

static void what_could_not_be_saved_is_not_lost(void **state)
{
    struct keeper *k = keeper_of(MIB);
    assert_true(keeper_round(k));
    for (size_t i = 0; i < 250; i++)
        side_change(&x, i, 100, 1);
    disk.pages = EIO;
    assert_false(keeper_round(k));
    side_name(&x, 0, "one");
    assert_false(keeper_round(k));
    assert_int_equal(x.troubles, 1); /* told once */
    assert_non_null(strstr(x.trouble, "disk failed"));
    disk_mend();
    disk.full = true;
    disk.pages = ENOSPC;
    side_change(&x, 3, 300, 3);
    assert_false(keeper_round(k));
    assert_non_null(strstr(x.trouble, "disk is full"));
    disk_mend();
    side_name(&x, 0, "two");
    assert_true(keeper_round(k));
    assert_int_equal(x.relieved, 1);
    keeper_end(k);
    load_again();
    assert_int_equal(x.n_got, 250);
    assert_int_equal(x.got[3].count, 3);
    assert_string_equal(x.got_names[0], "two");
}

static void put_raw(enum table table, struct str key, struct str value)
{
    struct store *s;
    struct store_txn *t;
    const struct store_options o = {.dir = at.meter, .size_bytes = MIB, .kind = STORE_PREFIXES};
    assert_int_equal(store_open(&o, &s, why, sizeof why), 0);
    assert_int_equal(store_begin(s, true, &t), 0);
    assert_int_equal(store_put(t, table, key, value), 0);
    assert_int_equal(store_commit(t), 0);
    store_close(s);
}

static void put_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "mine", 4), 4);
    close(fd);
}

/* A row of no form at all, which a walk over them finds. There must be enough of them for one. */
static void put_raw_into(struct keeper *k, enum table table, struct str key)
{
    struct store_txn *t;
    assert_int_equal(store_begin(k->store, true, &t), 0);
    assert_int_equal(store_put(t, table, key, S("")), 0);
    assert_int_equal(store_commit(t), 0);
}

static void waits_for_its_folder(void **state)
{
    struct keeper *k = keeper_of(MIB);
    side_change(&x, 0, 100, 1);
    x.not_ready = "somebody else's";
    assert_false(keeper_round(k));
    assert_string_equal(x.trouble, "somebody else's");
    x.not_ready = NULL;
    folder_remove(at.path);
    assert_false(keeper_round(k));
    assert_false(keeper_round(k));
    assert_int_equal(x.troubles, 2);
    assert_int_equal(x.loads, 0);
    assert_int_equal(mkdir(at.path, 0700), 0);
    assert_true(keeper_round(k));
    folder_remove(at.meter); /* while it is open */
    side_change(&x, 1, 100, 1);
    assert_true(keeper_round(k));
    keeper_end(k);
    assert_int_equal(x.loads, 1);
    load_again();
    assert_int_equal(x.n_got, 2);
    assert_int_equal(x.got[1].last, 100);
}

/* Deleted, damaged, or replaced by a file or another one while it is open: what is in memory is
 * saved once more. */
static void all_is_saved_anew(void **state)
{
    for (int how = 0; how < 4; how++) {
        struct keeper *k = keeper_of(80 * sizeof(struct prefix));
        for (size_t i = 0; i < 100; i++)
            side_change(&x, i, 100, 1);
        side_name(&x, 0, "one");
        assert_true(keeper_round(k));
        unsigned anew = x.anew;
        assert_true(keeper_round(k));
        assert_int_equal(x.anew, anew);
        if (how == 0)
            folder_remove(at.meter);
        if (how == 1)
            put_raw_into(k, TABLE_PREFIXES, S("short"));
        if (how == 2) {
            folder_remove(at.meter);
            put_file(at.meter);
        }
        if (how == 3) {
            folder_remove(at.meter);
            put_raw(TABLE_NAMED, S("12345678"), S("of a later Weir"));
        }
        side_change(&x, 7, 200, 2);
        assert_true(keeper_round(k));
        assert_int_equal(x.anew, anew + 1);
        assert_int_equal(x.troubles, 0);
        keeper_end(k);
        load_again();
        assert_int_equal(x.n_got, 100);
        assert_int_equal(x.got[7].count, 2);
        assert_string_equal(x.got_names[0], "one");
    }
}

/* At the start as well, and when one lies where damaged ones go. */
static void a_file_is_set_aside(void **state)
{
    struct stat st;
    for (int times = 0; times < 2; times++) {
        put_file(at.meter);
        load_again();
        assert_int_equal(x.troubles, 0);
        assert_int_equal(stat(damaged, &st), 0);
        assert_true(S_ISREG(st.st_mode));
        folder_remove(at.meter);
    }
}

enum ruin { CUT_OFF, PAGES_OF_ZEROS, NO_LMDB, CRASHED, RUINS };

static void ruin_it(enum ruin how)
{
    static const char zeros[4096];
    char mark[128], junk[8192];
    struct stat st;
    assert_int_equal(stat(at.data, &st), 0);
    snprintf(mark, sizeof mark, "%s/crashed", at.meter);
    int fd = open(how == CRASHED ? mark : at.data, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    memset(junk, 0x5a, sizeof junk);
    if (how == CUT_OFF)
        assert_int_equal(ftruncate(fd, 8192), 0);
    if (how == NO_LMDB)
        assert_int_equal(write(fd, junk, sizeof junk), sizeof junk);
    if (how == CRASHED)
        assert_int_equal(write(fd, &st.st_ino, sizeof st.st_ino), sizeof st.st_ino);
    for (off_t page = 8192; how == PAGES_OF_ZEROS && page < st.st_size; page += 4096)
        assert_int_equal(syscall(SYS_pwrite64, fd, zeros, sizeof zeros, page), sizeof zeros);
    close(fd);
}

static void a_damaged_one_is_set_aside(void **state)
{
    for (int how = 0; how < RUINS; how++) {
        struct keeper *k = keeper_of(MIB);
        for (size_t i = 0; i < 200; i++)
            side_change(&x, i, 100, 1);
        assert_true(keeper_round(k));
        keeper_end(k);
        ruin_it((enum ruin)how);
        folder_remove(damaged);
        load_again();
        assert_int_equal(x.n_got, 0);
        assert_true(folder_has(damaged));
    }
    struct keeper *k = keeper_of(MIB);
    side_change(&x, 5, 100, 1);
    assert_true(keeper_round(k));
    keeper_end(k);
    ruin_it(CUT_OFF); /* another one lies there already */
    load_again();
    assert_int_equal(x.troubles, 0);
}

static void rows_of_another_form_are_left_out(void **state)
{
    struct keeper *k = keeper_of(MIB);
    side_change(&x, 0, 100, 1);
    assert_true(keeper_round(k));
    keeper_end(k);
    put_raw(TABLE_PREFIXES, S("12345678"), S("what a later Weir writes"));
    put_raw(TABLE_NAMED, S("12345678"), S("\0\0\0\0\377"));
    load_again();
    assert_int_equal(x.n_got, 1);
    assert_int_equal(x.n_got_names, 0);
    put_raw(TABLE_PREFIXES, S("short"), S("")); /* that is no form at all */
    load_again();
    assert_true(folder_has(damaged));
}

static void the_oldest_are_forgotten(void **state)
{
    struct keeper_counts counts;
    uint32_t now = prefix_tick(clock_wall_ms());
    struct keeper *k = keeper_of(100 * sizeof(struct prefix));
    for (size_t i = 0; i < 125; i++)
        side_change(&x, i, now - 10000 - (uint32_t)i, 1);
    assert_true(keeper_round(k));
    assert_true(keeper_round(k));
    keeper_count(k, &counts);
    assert_int_equal(counts.rows, 125); /* not yet */
    for (size_t i = 125; i < 300; i++)
        side_change(&x, i, now - 1000000 - (uint32_t)i, 1);
    assert_true(keeper_round(k));
    keeper_end(k);
    load_again();
    assert_int_equal(x.n_got, 100);
    for (size_t i = 125; i < 300; i++)
        assert_int_equal(x.got[i].key, 0);
}

static void all_of_one_age_do_not_all_go(void **state)
{
    struct keeper *k = keeper_of(100 * sizeof(struct prefix));
    for (size_t i = 0; i < 300; i++)
        side_change(&x, i, 1, 1);
    assert_true(keeper_round(k));
    keeper_end(k);
    load_again();
    assert_int_equal(x.n_got, 100);
}

/* --- a real index, which grows while it is filled, and is cut into shards by a key's lower bits */

enum { SHARDS = 4, SHARD_BYTES = 2 * MIB, MANY = 60000 };

static struct {
    void *memory[SHARDS];
    struct prefix_index *shards[SHARDS];
    size_t now;
} real;

static struct prefix_index *shard_of(uint64_t key)
{
    return real.shards[key % SHARDS];
}

static void real_make(void)
{
    for (size_t i = 0; i < SHARDS; i++) {
        if (!real.memory[i])
            real.memory[i] = mem_map(SHARD_BYTES);
        real.shards[i] = prefix_init(real.memory[i], SHARD_BYTES);
    }
}

static size_t real_take(void *arg, size_t *cursor, struct prefix *out, size_t n)
{
    size_t taken = prefix_take_dirty(real.shards[real.now], cursor, out, n);
    if (*cursor == 0 && ++real.now < SHARDS)
        *cursor = SIZE_MAX; /* on in the next one */
    else if (*cursor == 0)
        real.now = 0;
    return taken;
}

static size_t real_take_on(void *arg, size_t *cursor, struct prefix *out, size_t n)
{
    *cursor = *cursor == SIZE_MAX ? 0 : *cursor;
    return real_take(arg, cursor, out, n);
}

static void real_restore(void *arg, const struct prefix *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        *prefix_put(shard_of(rows[i].key), rows[i].key) = rows[i];
}

static size_t real_count(void)
{
    size_t sum = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        struct prefix_counts c;
        prefix_count(real.shards[i], &c);
        sum += c.entries;
    }
    return sum;
}

static void an_index_is_as_full_as_it_was(void **state)
{
    struct keeper_source s = side_source(&x);
    s.take = real_take_on;
    s.restore = real_restore;
    real_make();
    for (uint64_t i = 0; i < MANY; i++) {
        struct prefix row = side_row(i, 100, 1);
        *prefix_put(shard_of(row.key), row.key) = row;
    }
    size_t before = real_count();
    assert_true(before > MANY - MANY / 100);
    struct keeper *k = keeper_make(at.meter, SHARDS * SHARD_BYTES, &s);
    assert_true(keeper_round(k));
    keeper_end(k);
    real_make();
    k = keeper_make(at.meter, SHARDS * SHARD_BYTES, &s);
    assert_true(keeper_round(k));
    keeper_end(k);
    assert_true(real_count() > before - before / 100);
    for (size_t i = 0; i < SHARDS; i++)
        mem_unmap(real.memory[i], SHARD_BYTES);
}

/* --- beside a daemon: a process opens a path once, so this program asks itself */

static void count_prefix(void *arg, const struct prefix *p)
{
    ++*(int *)arg;
}

static void count_named(void *arg, struct str name, struct str bytes)
{
    *(int *)arg += 100;
}

static int read_beside(void)
{
    int n = 0;
    int rc = keeper_read(at.meter, count_prefix, count_named, &n, why, sizeof why);
    return rc ? 250 : n;
}

static int in_another(const char *task)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        execl("/proc/self/exe", "test_keeper", at.path, task, (char *)NULL);
        _exit(251);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Of the prefixes, while the book is open, too. */
static int die_of_prefixes(void)
{
    char prefixes[128];
    struct store *meter, *s;
    struct store_txn *t;
    struct str found;
    struct store_options o = {.dir = at.meter, .size_bytes = MIB};
    snprintf(prefixes, sizeof prefixes, "%s/prefixes", at.path);
    if (store_open(&o, &meter, why, sizeof why) != 0)
        return 77;
    o = (struct store_options){.dir = prefixes, .size_bytes = MIB, .kind = STORE_PREFIXES};
    if (store_open(&o, &s, why, sizeof why) != 0 || store_begin(s, true, &t) != 0)
        return 77;
    snprintf(prefixes, sizeof prefixes, "%s/prefixes/data.mdb", at.path);
    if (truncate(prefixes, 8192) != 0)
        return 77;
    return store_get(t, TABLE_META, S("schema"), &found) != 0;
}

static void the_book_is_not_blamed(void **state)
{
    char mark[128];
    assert_int_not_equal(in_another("die"), 77);
    snprintf(mark, sizeof mark, "%s/crashed", at.meter);
    assert_false(folder_has(mark));
    snprintf(mark, sizeof mark, "%s/prefixes/crashed", at.path);
    assert_true(folder_has(mark));
}

static void is_read_beside_its_keeper(void **state)
{
    int n = 0;
    assert_int_equal(keeper_read(at.meter, count_prefix, NULL, &n, why, sizeof why), ERR_NOT_FOUND);
    assert_non_null(strstr(why, "nothing was learned"));
    assert_false(folder_has(at.meter));
    struct keeper *k = keeper_of(MIB);
    for (size_t i = 0; i < 7; i++)
        side_change(&x, i, 100, 1);
    side_name(&x, 0, "one");
    assert_true(keeper_round(k));
    assert_int_equal(in_another("read"), 107);
    keeper_end(k);
    assert_int_equal(keeper_read(at.meter, count_prefix, NULL, &n, why, sizeof why), 0);
    assert_int_equal(n, 7);
}

/* A name too large is not saved; the others are. */
static void enormous(void *arg, void (*each)(void *to, struct str name, struct str bytes), void *to)
{
    static char bytes[KEEPER_NAMED_MOST + 1];
    each(to, S("1"), str_from(bytes, sizeof bytes));
    for (char i = '2'; i < '8'; i++)
        for (char j = '0'; j <= '9'; j++) { /* four transactions of them */
            const char name[2] = {i, j};
            each(to, str_from(name, 2), str_from(bytes, KEEPER_NAMED_MOST - 2));
        }
}

static void large_names(void **state)
{
    struct keeper_source s = side_source(&x);
    struct keeper_counts counts;
    s.each_named = enormous;
    struct keeper *k = keeper_make(at.meter, 4 * MIB, &s);
    assert_true(keeper_round(k));
    keeper_count(k, &counts);
    assert_int_equal(counts.saved, 60);
    keeper_end(k);
    load_again();
    assert_int_equal(x.n_got_names, 60);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_what_it_saved, setup, teardown),
        cmocka_unit_test_setup_teardown(its_thread_saves_at_its_end, setup, teardown),
        cmocka_unit_test_setup_teardown(what_could_not_be_saved_is_not_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(waits_for_its_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(all_is_saved_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_is_set_aside, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_one_is_set_aside, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_of_another_form_are_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(the_oldest_are_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(all_of_one_age_do_not_all_go, setup, teardown),
        cmocka_unit_test_setup_teardown(an_index_is_as_full_as_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(is_read_beside_its_keeper, setup, teardown),
        cmocka_unit_test_setup_teardown(the_book_is_not_blamed, setup, teardown),
        cmocka_unit_test_setup_teardown(large_names, setup, teardown),
    };
    if (argc > 2) {
        folder_name(&at, argv[1]);
        return strcmp(argv[2], "die") == 0 ? die_of_prefixes() : read_beside();
    }
    log_setup(LOG_ERROR, LOG_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
