/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/teller with a real clerk and a book in memory, and a sink that keeps what it was told: every
 * finished minute once, over refusals, lost replies, reloads, restarts and kills.
 */
#include "../book/folder.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"
#include "weir/base/random.h"
#include "weir/gate/teller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { FIRST = 29727361, MINUTES = 10, PARTS = 2 };

static struct folder at;
static struct loop *loop;
static struct clerk *clerk;
static struct teller *teller;
static int64_t mono_ms, wall_ms;

static struct {
    uint32_t minute;
    uint64_t cut[PARTS]; /* tokens in each part of the minute at hand */
    uint64_t told[MINUTES];
    unsigned parts[MINUTES][PARTS];
    unsigned cuts, sends;
    bool hold; /* keeps what it is sent under way */
    bool held;
    enum cursor_event next; /* how the next one ends; then CURSOR_TOLD again */
    struct later end;
    uint32_t part;
} sink;

static void end_part(void *arg)
{
    enum cursor_event how = sink.next;
    sink.next = CURSOR_TOLD;
    if (how == CURSOR_TOLD) {
        sink.told[sink.minute - FIRST] += sink.cut[sink.part];
        sink.parts[sink.minute - FIRST][sink.part]++;
    }
    teller_sent(teller, how, "the sink says so");
}

static uint32_t cut(void *arg, uint32_t minute, const struct report_row *rows, size_t n,
                    uint64_t *out_plan)
{
    sink.minute = minute;
    sink.cuts++;
    memset(sink.cut, 0, sizeof sink.cut);
    for (size_t i = 0; i < n; i++)
        sink.cut[str_eq(rows[i].series.client, S("b"))] += rows[i].sum.usage.tokens[TOKEN_INPUT];
    *out_plan = 4711;
    return sink.cut[1] ? 2 : 1;
}

static void send_part(void *arg, uint32_t part)
{
    sink.sends++;
    sink.part = part;
    sink.held = sink.hold;
    if (!sink.hold)
        loop_next_turn(loop, &sink.end);
}

static void stand(int64_t ms)
{
    mono_ms += ms;
    wall_ms += ms;
    clock_fake(mono_ms * 1000000, wall_ms);
}

static void start(void)
{
    static const struct teller_sink s = {"test", cut, send_part};
    const struct clerk_options o = {
        .dir = at.meter, .size_bytes = 16 << 20, .keep_requests_ms = 7 * 24 * 3600 * 1000LL};
    loop = loop_new();
    clerk = clerk_new(&o);
    teller = teller_new(loop, clerk, &s, NULL);
    later_init(&sink.end, end_part, NULL);
    teller_start(teller, 1000);
}

static void stop(void)
{
    clerk_free(clerk);
    teller_end(teller);
    mailbox_read(loop_mailbox(loop));
    later_cancel(&sink.end);
    teller_free(teller);
    loop_free(loop);
}

static int setup(void **state)
{
    folder_make(&at);
    memset(&sink, 0, sizeof sink);
    sink.next = CURSOR_TOLD;
    mono_ms = 1000;
    wall_ms = (int64_t)FIRST * 60000;
    stand(500);
    log_setup(LOG_ERROR, LOG_TEXT);
    start();
    return 0;
}

static int teardown(void **state)
{
    stop();
    clock_real();
    folder_remove(at.path);
    return 0;
}

/* Some time passes; mail of the clerk's thread comes in its own time. */
static void quarter(void)
{
    stand(250);
    loop_turn(loop, 0);
    loop_turn(loop, 1);
}

static void seconds(int n)
{
    for (int i = 0; i < 4 * n; i++)
        quarter();
}

static struct teller_counts counts(void)
{
    struct teller_counts c;
    teller_count(teller, &c);
    return c;
}

/* Until nothing has been done for a while, or so many things are told. */
static void until_told(uint64_t told)
{
    for (int i = 0; i < 300 && counts().cursor.told < told; i++)
        seconds(1);
    assert_int_equal(counts().cursor.told, told);
}

static void committed(void *arg, bool good)
{
    *(_Atomic int *)arg = good ? 1 : -1;
}

static void use(const char *client, uint64_t tokens)
{
    static _Atomic int done;
    struct record r = {.time_ms = wall_ms,
                       .client = str_of(client),
                       .asked = S("m"),
                       .model = S("m"),
                       .operation = S("Converse"),
                       .outcome = S("answered"),
                       .flags = RECORD_INVOCATION};
    r.usage.tokens[TOKEN_INPUT] = tokens;
    random_bytes(r.id, sizeof r.id);
    done = 0;
    clerk_record(clerk, &r, committed, (void *)&done);
    while (!done)
        ;
    assert_int_equal(done, 1);
}

static void to_minute(int n)
{
    while (wall_ms / 60000 < FIRST + n)
        seconds(1);
}

static void finished_minutes_once(void **state)
{
    seconds(3);
    use("a", 10);
    use("b", 5);
    seconds(20);
    assert_int_equal(sink.cuts, 0); /* the minute is not over */
    to_minute(1);
    use("a", 100);
    until_told(2);
    assert_int_equal(sink.told[0], 15);
    to_minute(3);
    use("b", 1000);
    to_minute(5);
    until_told(5);
    assert_int_equal(sink.told[1], 100);
    assert_int_equal(sink.told[2], 0);
    assert_int_equal(sink.told[3], 1000);
    assert_true(counts().behind_s < 120);
}

/* What comes late for a closed minute counts in an open one. */
static void a_late_record_is_told_later(void **state)
{
    seconds(3);
    use("a", 10);
    to_minute(1);
    until_told(1);
    int64_t now = wall_ms;
    wall_ms = (int64_t)FIRST * 60000 + 30000;
    use("a", 7);
    wall_ms = now;
    to_minute(2);
    until_told(2);
    assert_int_equal(sink.told[0], 10);
    assert_int_equal(sink.told[1], 7);
}

static void refused_is_told_again(void **state)
{
    seconds(3);
    use("a", 10);
    use("b", 5);
    sink.next = CURSOR_REFUSED;
    to_minute(1);
    until_told(2);
    assert_int_equal(sink.told[0], 15);
    assert_int_equal(counts().cursor.refused, 1);
    assert_int_equal(sink.sends, 3);
}

static void unknown_is_not(void **state)
{
    seconds(3);
    use("a", 10);
    use("b", 5);
    sink.next = CURSOR_UNKNOWN;
    to_minute(1);
    until_told(1);
    assert_int_equal(sink.told[0], 5);
    assert_int_equal(counts().cursor.unknown, 1);
}

static void goes_on_after_a_restart(void **state)
{
    seconds(3);
    use("a", 10);
    to_minute(1);
    until_told(1);
    use("a", 20);
    stop();
    stand(10 * 1000);
    start();
    seconds(3);
    use("b", 1);
    to_minute(2);
    until_told(2);
    assert_int_equal(sink.told[0], 10);
    assert_int_equal(sink.told[1], 21);
    assert_int_equal(sink.parts[0][0], 1);
}

static void what_was_under_way_is_not_sent_again(void **state)
{
    seconds(3);
    use("a", 10);
    use("b", 5);
    sink.hold = true;
    to_minute(1);
    for (int i = 0; i < 100 && !sink.held; i++)
        seconds(1);
    assert_true(sink.held);
    stop(); /* as if killed: the outcome is not noted */
    sink.hold = false;
    start();
    until_told(1);
    assert_int_equal(counts().cursor.unknown, 1);
    assert_int_equal(sink.told[0], 5); /* the second part */
}

static void stopped_it_says_nothing(void **state)
{
    seconds(3);
    use("a", 10);
    teller_stop(teller);
    to_minute(3);
    seconds(10);
    assert_int_equal(sink.sends, 0);
    teller_start(teller, 1000);
    until_told(1);
    assert_int_equal(sink.told[0], 10);
}

static void a_reload_cuts_again(void **state)
{
    seconds(3);
    use("a", 10);
    sink.next = CURSOR_REFUSED;
    to_minute(1);
    for (int i = 0; i < 2000 && counts().cursor.refused == 0; i++)
        quarter(); /* not longer: after half a second it may be sent again, as it was cut */
    unsigned cuts = sink.cuts;
    teller_start(teller, 1000);
    until_told(1);
    assert_int_equal(sink.cuts, cuts + 1);
    assert_int_equal(sink.told[0], 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finished_minutes_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_late_record_is_told_later, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_is_told_again, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_is_not, setup, teardown),
        cmocka_unit_test_setup_teardown(goes_on_after_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_under_way_is_not_sent_again, setup, teardown),
        cmocka_unit_test_setup_teardown(stopped_it_says_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reload_cuts_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
