/* SPDX-License-Identifier: Apache-2.0
 *
 * book/spool when its disk fails, its rows are damaged, its folder is gone, or the book is late:
 * nothing crashes, nothing that was acknowledged is lost, what cannot be taken is said so at once.
 */
#include "../../../src/book/spool_rows.h"
#include "clerk_side.h"
#include "faulty_disk.h"
#include "spool_side.h"

static struct folder at;

static int setup(void **state)
{
    folder_make(&at);
    disk_mend();
    stand(0);
    n_spool_told = 0;
    return 0;
}

static int teardown(void **state)
{
    disk_mend();
    clock_real();
    folder_remove(at.path);
    return 0;
}

static struct spool *restart(struct spool *s)
{
    spool_free(s);
    return spool_of(&at);
}

/* The time after which it is tried again has passed. */
static void later(struct spool *s)
{
    stand(6000);
    spool_settled(s);
}

/* --- the disk */

/* What cannot be written is refused; nothing of it is there; afterwards all is as before. */
static void a_write_that_fails(void **state)
{
    static const int errors[] = {ENOSPC, EIO};
    struct spool *s = spool_of(&at);
    struct caller before, c, again;
    admit_body(s, "before", "", &before);
    for (int i = 0; i < 4; i++) {
        n_spool_told = 0;
        if (i < 2)
            disk.pages = errors[i];
        else if (i == 2)
            disk.sync = EIO;
        else
            disk.meta = EIO; /* LMDB is of no use then until it is opened anew */
        admit_body(s, "during", "sdk", &c);
        assert_int_equal(c.a.said, SPOOL_NOT);
        assert_string_equal(c.a.why, "closed");
        assert_int_equal(c.woken, 0); /* it was never held */
        admit_body(s, "during", "sdk", &c);
        assert_int_equal(c.a.said, SPOOL_NOT);
        disk_mend();
        later(s);
        assert_int_equal(c.woken, 0);
        assert_true(counts(s).open);
        assert_int_equal(pools_of(s).at[0].view.count, 1);
        assert_int_equal(counts(s).records[SPOOL_POOLED], 1);
        assert_int_equal(before.woken, 0); /* it still waits */
        assert_true(n_spool_told > 0);
    }
    admit_body(s, "during", "sdk", &again);
    assert_true(again.a.fresh);
    pool_direct(s, 1, 10);
    assert_int_equal(settle_one(s, NULL, before.a.id.number, "answer"), 1);
    wait_for(&before.woken, 1);
    caller_free(&before);
    spool_free(s);
}

/* It is told while it lasts, to whoever asks as well; at the start LMDB calls it an EIO. */
static void no_room_at_the_start(void **state)
{
    struct buf why = {0};
    disk.cut_short = disk.full = true;
    struct spool *s = spool_of(&at);
    assert_true(spool_trouble(s, &why));
    assert_non_null(strstr(buf_cstr(&why), "there is no room on its disk"));
    assert_null(strstr(buf_cstr(&why), "Input"));
    assert_string_equal(buf_cstr(&why), spool_told[0]);
    disk_mend();
    later(s);
    buf_fini(&why);
    assert_false(spool_trouble(s, &why) || buf_len(&why));
    spool_free(s);
}

/* What the book's log says of it would be wrong here: a backup asks again for what was answered. */
static void a_cut_off_one_wants_no_backup(void **state)
{
    char data[128];
    struct buf why = {0};
    spool_free(spool_of(&at));
    snprintf(data, sizeof data, "%s/spool/data.mdb", at.path);
    assert_int_equal(truncate(data, 4096), 0);
    struct spool *s = spool_of(&at);
    assert_true(spool_trouble(s, &why));
    assert_non_null(strstr(buf_cstr(&why), "data.mdb is cut off; move the folder away"));
    assert_non_null(strstr(buf_cstr(&why), "put no backup there"));
    buf_fini(&why);
    spool_free(s);
}

/* Who asks again while nothing can be written finds what is there: sent on demand it would be paid
 * for twice. */
static void what_is_there_is_joined_without_a_write(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller first, asked, pooled, again, new;
    admit_body(s, "waits", "sdk", &first);
    leave(s, &first);
    answered(s, "is answered", "answer", &asked);
    delivered(s, &asked, false);
    admit_body(s, "pooled", "", &pooled);
    leave(s, &pooled);
    for (int i = 0; i < 2; i++) { /* by the letter that fails, and by one that finds it resting */
        disk.pages = ENOSPC;
        admit_body(s, "waits", i ? "" : "sdk", &again);
        assert_int_equal(again.a.said, SPOOL_HELD);
        assert_int_equal(again.a.id.number, first.a.id.number);
        assert_false(again.a.fresh);
        leave(s, &again);
        wait_for(&again.woken, 1);
        admit_body(s, "is answered", "", &again);
        assert_int_equal(again.a.said, SPOOL_READY);
        assert_true(str_eq(again.a.answer->body, S("answer")));
        delivered(s, &again, false);
        caller_free(&again);
        admit_body(s, "new", "", &new);
        assert_int_equal(new.a.said, SPOOL_NOT);
        struct spool_ask ticket = ask_of("web", "waits"), soon = ask_of("web", "pooled");
        ticket.reply = SPOOL_TICKET; /* nobody could note it */
        admit(s, &ticket, &new);
        assert_int_equal(new.a.said, SPOOL_NOT);
        soon.deadline_ms -= 60 * MINUTE_MS; /* nor this */
        admit(s, &soon, &new);
        assert_int_equal(new.a.said, SPOOL_NOT);
    }
    disk_mend();
    later(s);
    assert_int_equal(counts(s).records[SPOOL_POOLED] + counts(s).records[SPOOL_DIRECT], 2);
    caller_free(&first);
    caller_free(&pooled);
    caller_free(&asked);
    spool_free(s);
}

static void a_settle_that_fails(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c;
    struct moved m = {0};
    admit_body(s, "body", "", &c);
    pool_direct(s, 1, 1);
    const struct spool_end e = {.number = c.a.id.number, .status = 200, .body = S("answer")};
    disk.pages = ENOSPC;
    spool_settle(s, NULL, &e, 1, on_settled, &m);
    wait_for(&m.n, 1);
    assert_true(!m.good && m.answered == 0 && c.woken == 0);
    disk_mend();
    later(s);
    assert_int_equal(record_of(s, c.a.id.number).state, SPOOL_DIRECT);
    assert_int_equal(settle_all(s, NULL, &e, 1), 1);
    wait_for(&c.woken, 1);
    assert_true(str_eq(c.answer->body, S("answer")));
    caller_free(&c);
    spool_free(s);
}

/* It says that the commit failed, and it did not: who waits is told of what is there. */
static void a_commit_that_arrived_all_the_same(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c;
    struct moved m = {0};
    admit_body(s, "body", "", &c);
    pool_direct(s, 1, 1);
    const struct spool_end e = {.number = c.a.id.number, .status = 200, .body = S("answer")};
    disk.meta_arrives = true;
    spool_settle(s, NULL, &e, 1, on_settled, &m);
    wait_for(&m.n, 1);
    assert_false(m.good);
    disk_mend();
    later(s);
    wait_for(&c.woken, 1);
    assert_true(c.answer && str_eq(c.answer->body, S("answer")));
    assert_int_equal(settle_all(s, NULL, &e, 1), 0); /* it has its end */
    caller_free(&c);
    spool_free(s);
}

static void its_folder_is_gone(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c, d;
    char dir[128], was[16];
    admit_body(s, "body", "", &c);
    snprintf(was, sizeof was, "%.*s", STR_ARG(spool_instance(s)));
    snprintf(dir, sizeof dir, "%s/spool", at.path);
    folder_remove(dir);
    admit_body(s, "another", "", &d);
    assert_int_equal(d.a.said, SPOOL_NOT);
    later(s);
    wait_for(&c.woken, 1); /* what it waits for is nowhere any more */
    assert_null(c.answer);
    admit_body(s, "body", "", &c);
    assert_true(c.a.fresh);
    assert_false(str_eq(spool_instance(s), str_of(was)));
    spool_free(s);
}

static void what_cannot_be_opened(void **state)
{
    char dir[128], file[160];
    struct caller c;
    struct moved m = {0};
    snprintf(dir, sizeof dir, "%s/spool", at.path);
    snprintf(file, sizeof file, "%s/data.mdb", dir);
    spool_free(spool_of(&at));
    assert_int_equal(truncate(file, 8192), 0);
    struct spool *s = spool_of(&at);
    assert_false(counts(s).open);
    assert_non_null(strstr(spool_told[0], "spool"));
    admit_body(s, "body", "", &c);
    assert_int_equal(c.a.said, SPOOL_NOT);
    const struct batch_job job = {.number = 1};
    spool_job(s, &job, BATCH_STAY, on_done, &m);
    wait_for(&m.n, 1);
    assert_false(m.good);
    assert_null(spool_read_begin(s));
    assert_int_equal(spool_instance(s).len, 0);
    spool_leave(s, 4711, &c);
    spool_delivered(s, 4711, true);
    folder_remove(dir);
    later(s);
    admit_body(s, "body", "", &c);
    assert_int_equal(c.a.said, SPOOL_HELD);
    spool_free(s);
}

/* --- damaged rows */

static struct store *open_its_store(void)
{
    char dir[128], why[256];
    struct store *store;
    snprintf(dir, sizeof dir, "%s/spool", at.path);
    const struct store_options o = {.dir = dir, .size_bytes = 64 << 20, .kind = STORE_SPOOL};
    assert_int_equal(store_open(&o, &store, why, sizeof why), 0);
    return store;
}

static void damage(enum table table, uint64_t number)
{
    char bytes[STORE_VALUE_MOST];
    struct store_txn *t;
    struct store *store = open_its_store();
    struct store_walk w;
    assert_int_equal(store_begin(store, true, &t), 0);
    store_walk_init(&w, t, table);
    int rc = store_walk_from(&w, S(""));
    while (rc == 0 && w.key.len >= 8 && store_get_u64(w.key.ptr) != number)
        rc = store_walk_next(&w);
    assert_int_equal(rc, 0);
    struct str key = w.key, value = w.value;
    unsigned char kept[STORE_KEY_MOST];
    memcpy(kept, key.ptr, key.len);
    memcpy(bytes, value.ptr, value.len);
    bytes[value.len - 1] ^= 1;
    store_walk_fini(&w);
    assert_int_equal(
        store_put(t, table, str_from((char *)kept, key.len), str_from(bytes, value.len)), 0);
    assert_int_equal(store_commit(t), 0);
    store_close(store);
}

static void a_damaged_record_is_given_up(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[3], again;
    char body[8];
    for (int i = 0; i < 3; i++) {
        snprintf(body, sizeof body, "%d", i);
        admit_body(s, body, "", &c[i]);
    }
    spool_free(s);
    damage(TABLE_SPOOLED, c[0].a.id.number);
    damage(TABLE_PLACES, c[1].a.id.number);
    s = spool_of(&at);
    assert_true(counts(s).open);
    admit_body(s, "0", "", &again); /* it is not found: new */
    assert_true(again.a.fresh);
    admit_body(s, "1", "", &again);
    assert_true(again.a.fresh);
    admit_body(s, "2", "", &again);
    assert_int_equal(again.a.id.number, c[2].a.id.number);
    assert_int_equal(counts(s).failures, 2);
    assert_int_equal(pools_of(s).at[0].view.count, 3);
    s = restart(s);
    assert_int_equal(pools_of(s).at[0].view.count, 3);
    assert_int_equal(cut(s, 1, 10).records, 3);
    assert_int_equal(counts(s).size.rows[TABLE_LISTS], 3); /* none is left of what is gone */
    spool_free(s);
}

/* Of what was answered, too: it is not met again and again. */
static void a_damaged_record_is_forgotten(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c;
    for (int i = 0; i < 2; i++) {
        answered(s, "body", "answer", &c);
        caller_free(&c);
        spool_free(s);
        damage(i ? TABLE_PLACES : TABLE_SPOOLED, c.a.id.number);
        s = spool_of(&at);
        stand(KEEP_MS + 1000);
        spool_settled(s);
        spool_settled(s);
        assert_true(is_forgotten(s, c.a.id.number));
        assert_int_equal(counts(s).size.rows[TABLE_LISTS], 0);
    }
    spool_free(s);
}

static void a_reader_meets_damage(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[3];
    char body[8];
    struct buf out = {0};
    for (int i = 0; i < 3; i++) {
        snprintf(body, sizeof body, "%d", i);
        admit_body(s, body, "", &c[i]);
    }
    spool_free(s);
    damage(TABLE_SPOOLED, c[1].a.id.number);
    damage(TABLE_BODIES, c[2].a.id.number);
    s = spool_of(&at);
    assert_int_equal(list_of(s, SPOOL_LIST_POOL, 1).n, 2);
    spool_settled(s);
    assert_true(is_forgotten(s, c[1].a.id.number));
    assert_int_equal(pools_of(s).at[0].view.count, 2);
    assert_int_equal(body_of(s, c[2].a.id.number, &out), ERR_BAD);
    pool_direct(s, 1, 2); /* its owner says what becomes of it */
    assert_int_equal(settle_one(s, NULL, c[2].a.id.number, "sorry"), 1);
    buf_fini(&out);
    spool_free(s);
}

static void a_damaged_answer_is_asked_anew(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c, again;
    answered(s, "body", "answer", &c);
    caller_free(&c);
    spool_free(s);
    damage(TABLE_ANSWERS, c.a.id.number);
    s = spool_of(&at);
    admit_body(s, "body", "", &again);
    assert_true(again.a.said == SPOOL_HELD && again.a.fresh);
    assert_true(is_forgotten(s, c.a.id.number));
    spool_free(s);
}

/* Whose members they were is not known any more: nobody else will send them. */
static void members_of_what_cannot_be_read(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[2];
    admit_body(s, "in a job", "", &c[0]);
    struct batch_job job = cut(s, 1, 1);
    admit_body(s, "pooled", "", &c[1]);
    spool_free(s);
    damage(TABLE_JOBS, job.number);
    s = spool_of(&at);
    assert_int_equal(record_of(s, c[0].a.id.number).state, SPOOL_DIRECT);
    assert_int_equal(record_of(s, c[0].a.id.number).flags, SPOOL_MAYBE_TWICE);
    assert_int_equal(record_of(s, c[1].a.id.number).state, SPOOL_POOLED);
    spool_free(s);
}

/* Its job cannot be taken up: it is given up with it. The number of the pool is another one's
 * then, which has nothing to do with what was of the first. */
static void members_of_a_job_without_a_pool(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[3];
    admit_body(s, "on demand already", "", &c[0]);
    pool_direct(s, 1, 1);
    admit_body(s, "in a job", "", &c[1]);
    (void)cut(s, 1, 1);
    spool_free(s);
    damage(TABLE_POOLS, 1);
    s = spool_of(&at);
    assert_int_equal(record_of(s, c[1].a.id.number).state, SPOOL_DIRECT);
    assert_int_equal(record_of(s, c[1].a.id.number).flags, SPOOL_MAYBE_TWICE);
    assert_int_equal(counts(s).size.rows[TABLE_JOBS], 0);
    assert_int_equal(counts(s).size.rows[TABLE_POOLS], 1); /* the damaged row is still there */
    admit_body(s, "of another pool", "", &c[2]);
    const struct spool_end e[] = {{.number = c[0].a.id.number, .status = 200, .body = S("x")},
                                  {.number = c[1].a.id.number, .status = 200, .body = S("x")}};
    assert_int_equal(settle_all(s, NULL, e, 2), 2);
    assert_int_equal(pools_of(s).at[0].number, 2); /* a number is never used again */
    (void)cut(s, 2, 1);
    pool_direct(s, 2, 1);
    spool_free(s);
}

/* --- lists */

/* As a flipped bit in the entry's key does. */
static void list_elsewhere(unsigned list, uint64_t of, uint64_t number, uint64_t as_of)
{
    const struct spool_key key = spool_key_list(list, of, number),
                           other = spool_key_list(list, as_of, number);
    struct store_txn *t;
    struct store *store = open_its_store();
    assert_int_equal(store_begin(store, true, &t), 0);
    assert_int_equal(store_delete(t, TABLE_LISTS, spool_key_str(&key)), 0);
    assert_int_equal(store_put(t, TABLE_LISTS, spool_key_str(&other), S("")), 0);
    assert_int_equal(store_commit(t), 0);
    store_close(store);
}

/* In no list that anybody looks at they would wait for ever. */
static void what_no_list_has_is_found(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c[4];
    admit_body(s, "in a job", "", &c[0]);
    struct batch_job job = cut(s, 1, 1);
    admit_body(s, "on demand", "", &c[1]);
    pool_direct(s, 1, 1);
    admit_body(s, "pooled", "", &c[2]);
    admit_body(s, "pooled, too", "", &c[3]);
    spool_free(s);
    list_elsewhere(SPOOL_LIST_JOB, job.number, c[0].a.id.number, 77);
    list_elsewhere(SPOOL_LIST_DIRECT, 0, c[1].a.id.number, 1);
    list_elsewhere(SPOOL_LIST_POOL, 1, c[2].a.id.number, 3);
    s = spool_of(&at);
    assert_int_equal(list_of(s, SPOOL_LIST_JOB, job.number).n, 1);
    assert_int_equal(list_of(s, SPOOL_LIST_DIRECT, 0).n, 1);
    assert_int_equal(list_of(s, SPOOL_LIST_POOL, 1).n, 2);
    assert_int_equal(counts(s).size.rows[TABLE_LISTS], 4); /* and in no other */
    pool_direct(s, 1, 2);
    assert_int_equal(pools_of(s).at[0].view.count, 0);
    spool_free(s);
}

/* --- the outbox */

static struct record bill_of(const char *workload)
{
    struct record r = record_at(NOON, workload);
    memset(r.id, workload[0], sizeof r.id);
    return r;
}

static void put_bill(struct spool *s, const char *body, const char *workload)
{
    struct caller c;
    struct buf row = {0};
    struct record r = bill_of(workload);
    record_write(&r, &row);
    admit_body(s, body, "", &c);
    pool_direct(s, 1, 1);
    const struct spool_end e = {
        .number = c.a.id.number, .status = 200, .body = S("x"), .outbox = buf_str(&row)};
    assert_int_equal(settle_all(s, NULL, &e, 1), 1);
    wait_for(&c.woken, 1);
    caller_free(&c);
    buf_fini(&row);
}

/* The spool's thread has done what the clerk told it, and its rows are gone. */
static void wait_for_no_outbox(struct spool *s)
{
    while (counts(s).outbox) {
        stand(1500);
        spool_settled(s);
    }
}

static void rows_go_into_the_book_once(void **state)
{
    struct clerk *c = clerk_of(&at, 16 << 20);
    struct spool *s = spool_with(&at, 64 * SPOOL_MIB, NULL, c);
    put_bill(s, "1", "a");
    put_bill(s, "2", "b");
    wait_for_no_outbox(s);
    assert_int_equal(rows_of(c, TABLE_RECORDS), 2);
    /* As after a kill: the row is there once more, in the book and in the outbox. */
    put_bill(s, "3", "a");
    wait_for_no_outbox(s);
    assert_int_equal(rows_of(c, TABLE_RECORDS), 2);
    assert_int_equal(requests(c, TABLE_DAYS, 0, UINT32_MAX), 2);
    spool_free(s);
    clerk_free(c);
}

static void a_book_that_cannot_be_written(void **state)
{
    struct clerk *c = clerk_of(&at, 16 << 20);
    struct spool *s = spool_with(&at, 64 * SPOOL_MIB, NULL, c);
    assert_true(settle(c));
    put_bill(s, "1", "a");
    wait_for_no_outbox(s);
    spool_free(s);
    clerk_free(c);
    /* Another folder lies in its way. */
    char file[128];
    snprintf(file, sizeof file, "%s/data.mdb", at.meter);
    assert_int_equal(truncate(file, 100), 0);
    c = clerk_of(&at, 16 << 20);
    s = spool_with(&at, 64 * SPOOL_MIB, NULL, c);
    put_bill(s, "2", "b");
    spool_settled(s);
    assert_int_equal(counts(s).outbox, 1);
    spool_free(s); /* it stays there, whatever the clerk has in memory */
    clerk_free(c);
    folder_remove(at.meter);
    c = clerk_of(&at, 16 << 20);
    s = spool_with(&at, 64 * SPOOL_MIB, NULL, c);
    wait_for_no_outbox(s);
    assert_int_equal(rows_of(c, TABLE_RECORDS), 1);
    spool_free(s);
    clerk_free(c);
}

static void late_rows_count_beside(void **state)
{
    struct clerk *clerk = clerk_of(&at, 16 << 20);
    struct spool *s = spool_with(&at, 64 * SPOOL_MIB, NULL, clerk);
    struct buf row = {0}, late = {0};
    struct record first = bill_of("a"), second = bill_of("b");
    struct caller c;
    record_write(&first, &row);
    record_write(&second, &late);
    admit_body(s, "body", "", &c);
    struct batch_job job = cut(s, 1, 1);
    put_job(s, &job, BATCH_LEAVE_TWICE);
    struct spool_end e = {.number = c.a.id.number,
                          .status = 200,
                          .body = S("x"),
                          .outbox = buf_str(&row),
                          .late_outbox = buf_str(&late)};
    assert_int_equal(settle_all(s, NULL, &e, 1), 1);
    assert_int_equal(settle_all(s, &job, &e, 1), 0); /* late: only the second row is taken */
    assert_int_equal(settle_all(s, &job, &e, 1), 0); /* and once more is not more */
    wait_for(&c.woken, 1);
    caller_free(&c);
    wait_for_no_outbox(s);
    assert_int_equal(rows_of(clerk, TABLE_RECORDS), 2);
    spool_free(s);
    clerk_free(clerk);
    buf_fini(&row);
    buf_fini(&late);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_write_that_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(no_room_at_the_start, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cut_off_one_wants_no_backup, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_there_is_joined_without_a_write, setup, teardown),
        cmocka_unit_test_setup_teardown(a_settle_that_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(a_commit_that_arrived_all_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(its_folder_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_record_is_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_record_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_meets_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_answer_is_asked_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(members_of_what_cannot_be_read, setup, teardown),
        cmocka_unit_test_setup_teardown(members_of_a_job_without_a_pool, setup, teardown),
        cmocka_unit_test_setup_teardown(what_no_list_has_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_go_into_the_book_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_book_that_cannot_be_written, setup, teardown),
        cmocka_unit_test_setup_teardown(late_rows_count_beside, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
