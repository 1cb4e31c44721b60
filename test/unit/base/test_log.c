/* SPDX-License-Identifier: Apache-2.0
 *
 * base/log: one line per event in both formats, bounded, and never torn by what a client sends.
 */
#include "weir/base/clock.h"
#include "weir/base/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { RING_BYTES = 64 * 1024 };

static char got[RING_BYTES + 1];

/* What one drain writes, as a C string. */
static const char *drain(void)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    (void)log_drain(ends[1]);
    ssize_t n = read(ends[0], got, sizeof got - 1);
    got[n > 0 ? n : 0] = 0;
    close(ends[0]);
    close(ends[1]);
    return got;
}

static void one_event(void)
{
    struct log_line l;
    log_begin(&l, LOG_WARN, "test");
    log_str(&l, "who", S("a b\n\x1b\""));
    log_u64(&l, "n", 7);
    log_ms(&l, "ms", 12045);
    log_end(&l);
}

static void speaks_text(void **state)
{
    log_setup(LOG_INFO, LOG_TEXT);
    clock_fake(0, 1767323045006);
    one_event();
    assert_string_equal(drain(), "2026-01-02T03:04:05.006Z warn test "
                                 "who=\"a b\\u000a\\u001b\\\"\" n=7 ms=12.045\n");
}

static void speaks_json(void **state)
{
    log_setup(LOG_INFO, LOG_JSON);
    clock_fake(0, 1767323046123);
    one_event();
    assert_string_equal(drain(), "{\"time\":\"2026-01-02T03:04:06.123Z\",\"level\":\"warn\","
                                 "\"event\":\"test\",\"who\":\"a b\\u000a\\u001b\\\"\",\"n\":7,"
                                 "\"ms\":12.045}\n");
}

static void leaves_out_what_nobody_wants(void **state)
{
    log_setup(LOG_ERROR, LOG_TEXT);
    one_event();
    assert_string_equal(drain(), "");
}

static void caps_values(void **state)
{
    char *much = malloc(100000);
    memset(much, 0xff, 100000);
    log_setup(LOG_INFO, LOG_JSON);
    struct log_line l;
    log_begin(&l, LOG_INFO, "test");
    log_str(&l, "much", str_from(much, 100000));
    log_end(&l);
    const char *line = drain();
    assert_true(strlen(line) < LOG_LINE_MAX);
    assert_string_equal(line + strlen(line) - 3, "\"}\n");
    free(much);
}

static void keeps_the_format_that_it_began_in(void **state)
{
    struct log_line l;
    log_setup(LOG_INFO, LOG_JSON);
    clock_fake(0, 1767323046123);
    log_begin(&l, LOG_INFO, "test");
    log_setup(LOG_INFO, LOG_TEXT); /* a reload, meanwhile */
    log_str(&l, "a", S("b"));
    log_end(&l);
    assert_string_equal(drain(), "{\"time\":\"2026-01-02T03:04:06.123Z\",\"level\":\"info\","
                                 "\"event\":\"test\",\"a\":\"b\"}\n");
}

static void does_not_wait_for_a_reader_who_rests(void **state)
{
    static const char much[4096];
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    while (write(ends[1], much, sizeof much) > 0)
        continue;
    assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0); /* as a shell hands a pipe over */
    log_setup(LOG_INFO, LOG_TEXT);
    one_event();
    alarm(10); /* instead of waiting for ever */
    assert_false(log_drain(ends[1]));
    alarm(0);
    assert_true(read(ends[0], got, sizeof much) > 0);
    assert_true(log_drain(ends[1]));
    close(ends[0]);
    close(ends[1]);
}

static void drops_and_counts(void **state)
{
    log_setup(LOG_INFO, LOG_TEXT);
    uint64_t before = log_dropped();
    for (int i = 0; i < 2000; i++)
        one_event();
    assert_true(log_dropped() > before);
    while (*drain())
        ;
    one_event();
    assert_true(*drain());
}

int main(void)
{
    log_ring(RING_BYTES);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speaks_text),
        cmocka_unit_test(speaks_json),
        cmocka_unit_test(leaves_out_what_nobody_wants),
        cmocka_unit_test(caps_values),
        cmocka_unit_test(keeps_the_format_that_it_began_in),
        cmocka_unit_test(does_not_wait_for_a_reader_who_rests),
        cmocka_unit_test(drops_and_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
