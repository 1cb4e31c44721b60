/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/joins: one call for all who ask the same, and nothing left behind.
 */
#include "weir/gate/joins.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct mailbox box;
static unsigned wakes;

static void never_sleeps(void *arg)
{
}

static void woken(void *arg)
{
    wakes++;
    *(bool *)arg = true;
}

static struct join_answer *an_answer(size_t size)
{
    const struct field fields[] = {{STR("content-type"), STR("application/json")}};
    struct join_answer *a = join_answer_new(200, fields, 1);
    char *room = buf_reserve(&a->body, size);
    memset(room, 'x', size);
    buf_commit(&a->body, size);
    return a;
}

static enum join_result enter(struct joins *j, char name, int64_t now_ms, bool *flag,
                              struct join **k, struct join_wait **w)
{
    unsigned char key[SHA256_BYTES] = {(unsigned char)name};
    return join_enter(j, key, now_ms, &box, woken, flag, k, w);
}

static void all_get_the_one_answer(void **state)
{
    struct joins *j = joins_new();
    struct join *own, *k1, *k2, *late;
    struct join_wait *w1, *w2, *none = NULL;
    bool f1 = false, f2 = false;
    assert_int_equal(enter(j, 'a', 0, NULL, &own, &none), JOIN_OWN);
    assert_int_equal(enter(j, 'a', 1, &f1, &k1, &w1), JOIN_WAIT);
    assert_int_equal(enter(j, 'a', 2, &f2, &k2, &w2), JOIN_WAIT);
    assert_true(join_head(own, false));
    join_end(own, an_answer(10), true, 5);
    join_leave(own, NULL);
    assert_false(f1);
    join_leave(k2, w2); /* its client left while the mail is on its way */
    mailbox_read(&box);
    assert_true(f1 && !f2);
    assert_int_equal(join_answer_of(k1)->body.tail, 10);
    assert_true(str_eq(join_answer_of(k1)->fields[0].value, S("application/json")));
    join_leave(k1, NULL);
    assert_int_equal(enter(j, 'a', 5 + JOINS_KEEP_MS - 1, NULL, &late, &none), JOIN_READY);
    join_leave(late, NULL);
    assert_int_equal(enter(j, 'a', 5 + JOINS_KEEP_MS, NULL, &late, &none), JOIN_OWN);
    join_end(late, NULL, true, 0);
    join_leave(late, NULL);
    joins_free(j);
}

static void who_waits_in_vain_makes_the_call(void **state)
{
    struct joins *j = joins_new();
    struct join *own, *k1, *k2;
    struct join_wait *w1, *none = NULL;
    bool f1 = false;
    (void)enter(j, 'a', 0, NULL, &own, &none);
    assert_int_equal(enter(j, 'a', 0, &f1, &k1, &w1), JOIN_WAIT);
    join_end(own, NULL, true, 0);
    join_leave(own, NULL);
    mailbox_read(&box);
    assert_true(f1 && !join_answer_of(k1));
    join_leave(k1, NULL);
    assert_int_equal(enter(j, 'a', 0, NULL, &k2, &none), JOIN_OWN);
    join_end(k2, NULL, true, 0);
    join_leave(k2, NULL);
    joins_free(j);
}

/* Its head went to its own client: what is sent is sent. */
static void a_relayed_answer_cannot_be_joined(void **state)
{
    struct joins *j = joins_new();
    struct join *own, *other;
    struct join_wait *none = NULL;
    (void)enter(j, 'a', 0, NULL, &own, &none);
    assert_false(join_head(own, false));
    assert_int_equal(enter(j, 'a', 0, NULL, &other, &none), JOIN_OWN);
    join_end(own, NULL, true, 0);
    join_leave(own, NULL);
    assert_true(join_head(other, true));
    join_end(other, an_answer(1), false, 0); /* an error: not for later */
    join_leave(other, NULL);
    assert_int_equal(enter(j, 'a', 0, NULL, &own, &none), JOIN_OWN);
    join_end(own, NULL, true, 0);
    join_leave(own, NULL);
    joins_free(j);
}

static void a_client_leaves_while_it_waits(void **state)
{
    struct joins *j = joins_new();
    struct join *own, *k;
    struct join_wait *w, *none = NULL;
    bool f = false;
    (void)enter(j, 'a', 0, NULL, &own, &none);
    (void)enter(j, 'a', 0, &f, &k, &w);
    join_leave(k, w);
    assert_false(join_head(own, false));
    join_end(own, NULL, true, 0);
    join_leave(own, NULL);
    mailbox_read(&box);
    assert_false(f);
    joins_free(j);
}

static void the_oldest_make_room(void **state)
{
    struct joins *j = joins_new();
    struct join *k;
    struct join_wait *none = NULL;
    for (char name = 'a'; name < 'a' + 6; name++) {
        assert_int_equal(enter(j, name, 0, NULL, &k, &none), JOIN_OWN);
        (void)join_head(k, true);
        join_end(k, an_answer(JOINS_ANSWER_MOST - 1), true, 0);
        join_leave(k, NULL);
    }
    assert_int_equal(enter(j, 'f', 0, NULL, &k, &none), JOIN_READY);
    join_leave(k, NULL);
    assert_int_equal(enter(j, 'a', 0, NULL, &k, &none), JOIN_OWN);
    join_end(k, NULL, true, 0);
    join_leave(k, NULL);
    joins_free(j);
}

/* What comes in counts as it comes: five at a time find room for four. */
static void those_that_come_in_are_bounded_together(void **state)
{
    enum { CALLS = 5, PIECE = 1024 * 1024, PIECES = JOINS_ANSWER_MOST / PIECE - 1 };
    struct joins *j = joins_new();
    struct join *k[CALLS], *kept;
    struct join_answer *a[CALLS];
    struct join_wait *none = NULL;
    char *piece = calloc(1, PIECE);
    size_t in = 0;
    (void)enter(j, 'z', 0, NULL, &kept, &none);
    join_end(kept, an_answer(JOINS_ANSWER_MOST - 1), true, 0);
    join_leave(kept, NULL);
    for (int i = 0; i < CALLS; i++) {
        (void)enter(j, (char)('a' + i), 0, NULL, &k[i], &none);
        a[i] = join_answer_new(200, NULL, 0);
    }
    for (int n = 0; n < PIECES; n++)
        for (int i = 0; i < CALLS; i++)
            if (a[i] && !join_add(k[i], a[i], str_from(piece, PIECE))) {
                join_answer_free(a[i]);
                a[i] = NULL;
            }
    for (int i = 0; i < CALLS; i++)
        in += a[i] ? a[i]->body.cap : 0;
    assert_true(in <= JOINS_KEPT_MOST && in > JOINS_KEPT_MOST / 2);
    assert_int_equal(enter(j, 'z', 0, NULL, &kept, &none), JOIN_OWN); /* it made room */
    for (int i = 0; i < CALLS; i++) {
        join_end(k[i], a[i], false, 0);
        join_leave(k[i], NULL);
    }
    struct join_answer *last = join_answer_new(200, NULL, 0); /* and all that room is back */
    for (int n = 0; n < PIECES; n++)
        assert_true(join_add(kept, last, str_from(piece, PIECE)));
    assert_true(join_add(kept, last, str_from(piece, PIECE)));
    assert_false(join_add(kept, last, str_from(piece, 1))); /* one has a bound of its own */
    join_end(kept, last, true, 0);
    join_leave(kept, NULL);
    free(piece);
    joins_free(j);
}

int main(void)
{
    mailbox_init(&box, never_sleeps, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_get_the_one_answer),
        cmocka_unit_test(who_waits_in_vain_makes_the_call),
        cmocka_unit_test(a_relayed_answer_cannot_be_joined),
        cmocka_unit_test(a_client_leaves_while_it_waits),
        cmocka_unit_test(the_oldest_make_room),
        cmocka_unit_test(those_that_come_in_are_bounded_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
