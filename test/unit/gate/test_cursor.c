/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/cursor in a world of its own: a disk that keeps rows, a receiver that counts parts, a clock.
 * Every place where a crash can come, before and after the effect of every act, with every outcome
 * of sending: no part arrives twice, and what did not arrive is counted.
 */
#include "weir/gate/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { FIRST = 1000, MINUTES = 6, PARTS_MOST = 3, ACTS_MOST = 400 };

static const uint32_t parts_of[MINUTES] = {2, 0, 1, 3, 0, 1};

/* LOSE: arrived; EAT: it did not. */
enum { TELL, REFUSE, GIVE_UP, LOSE, EAT };

static struct world {
    struct cursor c;
    unsigned char disk[CURSOR_ROW_BYTES];
    bool has_row;
    unsigned arrived[MINUTES][PARTS_MOST];
    uint64_t unknown, hopeless, told;
    uint32_t now;
    unsigned acts;
    unsigned crash_at; /* this act, 0: none; odd: before its effect, even: after it */
    unsigned crashes;
    unsigned odd_at; /* this sending ends so: */
    int ends;        /* TELL, REFUSE, ... */
    unsigned sendings, failures;
} w;

static enum cursor_act start(void)
{
    struct cursor_row row;
    if (w.has_row)
        assert_true(cursor_row_read(str_from((const char *)w.disk, sizeof w.disk), &row));
    return cursor_begin(&w.c, w.has_row ? &row : NULL, w.now);
}

static enum cursor_act deliver(void)
{
    unsigned *at = &w.arrived[w.c.row.minute - FIRST][w.c.row.part];
    bool odd = ++w.sendings == w.odd_at;
    assert_true(w.c.row.attempted);
    if (odd && w.ends == REFUSE)
        return cursor_step(&w.c, CURSOR_REFUSED, w.now);
    if (odd && w.ends == GIVE_UP)
        return cursor_step(&w.c, CURSOR_HOPELESS, w.now);
    if (odd && w.ends == EAT)
        return cursor_step(&w.c, CURSOR_UNKNOWN, w.now);
    ++*at;
    return cursor_step(&w.c, odd && w.ends == LOSE ? CURSOR_UNKNOWN : CURSOR_TOLD, w.now);
}

static enum cursor_act act_out(enum cursor_act act)
{
    switch (act) {
    case CURSOR_WAIT:
        if (w.now < FIRST + MINUTES && w.c.phase == CURSOR_IDLE)
            w.now++;
        return cursor_step(&w.c, CURSOR_WOKE, w.now);
    case CURSOR_CLOSE:
        return cursor_step(&w.c, CURSOR_CLOSED, w.now);
    case CURSOR_READ:
        return cursor_read(&w.c, parts_of[w.c.row.minute - FIRST], 77, w.now);
    case CURSOR_NOTE:
        cursor_row_write(&w.c.row, w.disk);
        w.has_row = true;
        return cursor_step(&w.c, CURSOR_NOTED, w.now);
    case CURSOR_SEND:
        return deliver();
    }
    return CURSOR_WAIT;
}

static void keep_counts(void)
{
    w.unknown += w.c.counts.unknown;
    w.hopeless += w.c.counts.hopeless;
    w.told += w.c.counts.told;
}

/* The process dies and comes back: what it counted since its last start is what a scrape had seen.
 */
static enum cursor_act crash(void)
{
    keep_counts();
    w.crashes++;
    return start();
}

static void live(void)
{
    w.now = FIRST;
    enum cursor_act act = start();
    while (w.c.row.minute < FIRST + MINUTES || act != CURSOR_WAIT) {
        assert_true(++w.acts < ACTS_MOST);
        if (w.crash_at == 2 * w.acts - 1) {
            act = crash();
            continue;
        }
        act = act_out(act);
        if (w.crash_at == 2 * w.acts)
            act = crash();
    }
    keep_counts();
}

static void check(void)
{
    uint64_t missing = 0, wanted = 0, came = 0;
    for (uint32_t m = 0; m < MINUTES; m++)
        for (uint32_t p = 0; p < PARTS_MOST; p++) {
            bool due = p < parts_of[m];
            assert_true(w.arrived[m][p] <= due);
            missing += due && !w.arrived[m][p];
            wanted += due;
            came += w.arrived[m][p];
        }
    assert_int_equal(came + missing, wanted);
    assert_true(missing <= w.unknown + w.hopeless);
    assert_true(w.unknown <= w.crashes + 1);
    if (!w.crash_at) {
        assert_int_equal(w.told + w.unknown + w.hopeless, wanted);
        assert_int_equal(w.unknown, w.odd_at && (w.ends == LOSE || w.ends == EAT));
    }
}

static void nothing_goes_wrong(void **state)
{
    w = (struct world){0};
    live();
    check();
    assert_int_equal(w.told, 7);
    assert_int_equal(w.unknown + w.hopeless, 0);
}

static void every_crash_with_every_outcome(void **state)
{
    for (int ends = TELL; ends <= EAT; ends++)
        for (unsigned odd = 1; odd <= 7; odd++) {
            w = (struct world){.odd_at = odd};
            w.ends = ends;
            live();
            check();
            for (unsigned at = 1, acts = w.acts; at <= 2 * acts; at++) {
                w = (struct world){.odd_at = odd, .crash_at = at};
                w.ends = ends;
                live();
                check();
                assert_int_equal(w.crashes, 1);
            }
        }
}

static void begins_at_the_current_minute(void **state)
{
    struct cursor c;
    assert_int_equal(cursor_begin(&c, NULL, 5000), CURSOR_NOTE);
    assert_int_equal(c.row.minute, 5000);
    assert_int_equal(cursor_step(&c, CURSOR_NOTED, 5000), CURSOR_WAIT);
    assert_int_equal(cursor_step(&c, CURSOR_WOKE, 5000), CURSOR_WAIT);
    assert_int_equal(cursor_step(&c, CURSOR_WOKE, 5001), CURSOR_CLOSE);
}

static void what_was_attempted_is_not_sent_again(void **state)
{
    struct cursor c;
    const struct cursor_row row = {.minute = 10, .part = 1, .plan = 3, .attempted = true};
    assert_int_equal(cursor_begin(&c, &row, 12), CURSOR_NOTE);
    assert_int_equal(c.counts.unknown, 1);
    assert_false(c.row.attempted);
    assert_int_equal(c.row.part, 2);
    assert_int_equal(cursor_step(&c, CURSOR_NOTED, 12), CURSOR_CLOSE);
    assert_int_equal(cursor_step(&c, CURSOR_CLOSED, 12), CURSOR_READ);
    assert_int_equal(cursor_read(&c, 3, 3, 12), CURSOR_NOTE);
    assert_int_equal(c.row.minute, 10);
    assert_int_equal(cursor_step(&c, CURSOR_NOTED, 12), CURSOR_SEND);
}

/* Parts that were cut in another way are other parts: their rest would tell some of it twice. */
static void another_plan_ends_the_minute(void **state)
{
    struct cursor c;
    const struct cursor_row row = {.minute = 10, .part = 1, .plan = 3};
    assert_int_equal(cursor_begin(&c, &row, 12), CURSOR_CLOSE);
    assert_int_equal(cursor_step(&c, CURSOR_CLOSED, 12), CURSOR_READ);
    assert_int_equal(cursor_read(&c, 3, 4, 12), CURSOR_READ);
    assert_int_equal(c.row.minute, 11);
    assert_int_equal(c.counts.hopeless, 1);
}

static void goes_back_two_weeks_at_most(void **state)
{
    struct cursor c;
    const struct cursor_row row = {.minute = 100};
    uint32_t now = 100 + CURSOR_BACK_MINUTES + 5;
    assert_int_equal(cursor_begin(&c, &row, now), CURSOR_NOTE);
    assert_int_equal(c.row.minute, 105);
    assert_int_equal(c.counts.skipped, 5);
    assert_int_equal(cursor_step(&c, CURSOR_NOTED, now), CURSOR_CLOSE);
}

static void a_clock_that_went_back_waits(void **state)
{
    struct cursor c;
    const struct cursor_row row = {.minute = 100};
    assert_int_equal(cursor_begin(&c, &row, 50), CURSOR_WAIT);
    assert_int_equal(cursor_step(&c, CURSOR_WOKE, 99), CURSOR_WAIT);
    assert_int_equal(cursor_step(&c, CURSOR_WOKE, 101), CURSOR_CLOSE);
}

static void a_clock_that_went_back_far_begins_anew(void **state)
{
    struct cursor c;
    const struct cursor_row row = {.minute = 100000};
    assert_int_equal(cursor_begin(&c, &row, 1000), CURSOR_NOTE);
    assert_int_equal(c.row.minute, 1000);
    assert_int_equal(cursor_step(&c, CURSOR_NOTED, 1001), CURSOR_CLOSE);
}

static void nothing_is_sent_before_it_is_noted(void **state)
{
    struct cursor c;
    const struct cursor_row row = {.minute = 10};
    assert_int_equal(cursor_begin(&c, &row, 11), CURSOR_CLOSE);
    assert_int_equal(cursor_step(&c, CURSOR_FAILED, 11), CURSOR_WAIT);
    assert_int_equal(cursor_step(&c, CURSOR_WOKE, 11), CURSOR_CLOSE);
    assert_int_equal(cursor_step(&c, CURSOR_CLOSED, 11), CURSOR_READ);
    assert_int_equal(cursor_step(&c, CURSOR_FAILED, 11), CURSOR_WAIT);
    assert_int_equal(cursor_step(&c, CURSOR_WOKE, 11), CURSOR_READ);
    assert_int_equal(cursor_read(&c, 1, 1, 11), CURSOR_NOTE);
    assert_int_equal(cursor_step(&c, CURSOR_FAILED, 11), CURSOR_WAIT);
    assert_int_equal(cursor_step(&c, CURSOR_WOKE, 11), CURSOR_NOTE);
    assert_int_equal(cursor_step(&c, CURSOR_NOTED, 11), CURSOR_SEND);
    assert_int_equal(cursor_step(&c, CURSOR_WOKE, 11), CURSOR_WAIT);
    assert_int_equal(cursor_step(&c, CURSOR_REFUSED, 11), CURSOR_NOTE);
    assert_int_equal(cursor_step(&c, CURSOR_NOTED, 11), CURSOR_WAIT);
    cursor_forget(&c);
    assert_int_equal(cursor_step(&c, CURSOR_WOKE, 11), CURSOR_READ);
    assert_int_equal(cursor_read(&c, 1, 1, 11), CURSOR_NOTE);
    assert_int_equal(cursor_step(&c, CURSOR_NOTED, 11), CURSOR_SEND);
}

static void rows_are_read_strictly(void **state)
{
    unsigned char bytes[CURSOR_ROW_BYTES];
    const struct cursor_row row = {29727361, 4, 0x0102030405060708, true};
    struct cursor_row back;
    cursor_row_write(&row, bytes);
    struct str s = str_from((const char *)bytes, sizeof bytes);
    assert_true(cursor_row_read(s, &back));
    assert_int_equal(back.minute, row.minute);
    assert_int_equal(back.part, row.part);
    assert_int_equal(back.plan, row.plan);
    assert_true(back.attempted);
    assert_false(cursor_row_read(str_sub(s, 0, s.len - 1), &back));
    bytes[1] = 2;
    assert_false(cursor_row_read(s, &back));
    bytes[1] = 0;
    bytes[0]++;
    assert_false(cursor_row_read(s, &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_goes_wrong),
        cmocka_unit_test(every_crash_with_every_outcome),
        cmocka_unit_test(begins_at_the_current_minute),
        cmocka_unit_test(what_was_attempted_is_not_sent_again),
        cmocka_unit_test(another_plan_ends_the_minute),
        cmocka_unit_test(goes_back_two_weeks_at_most),
        cmocka_unit_test(a_clock_that_went_back_waits),
        cmocka_unit_test(a_clock_that_went_back_far_begins_anew),
        cmocka_unit_test(nothing_is_sent_before_it_is_noted),
        cmocka_unit_test(rows_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
