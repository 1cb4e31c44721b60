/* SPDX-License-Identifier: Apache-2.0
 *
 * Deadlines as people write them, and who says what.
 */
#include "config_of.h"
#include "weir/gate/lane_wish.h"
#include "weir/plan/lane.h"

static const int64_t now_ms = 1795190400000; /* 2026-11-20T16:00:00Z */

static void deadline(const char *text, int64_t wanted_ms)
{
    int64_t ms = -1;
    const char *fault = lane_wish_deadline(str_of(text), now_ms, &ms);
    if (wanted_ms < 0)
        assert_non_null(fault);
    else
        assert_null(fault);
    assert_int_equal(ms, wanted_ms);
}

static void test_deadlines(void **state)
{
    deadline("8h", 8 * 3600000);
    deadline(" 30m ", 30 * 60000);
    deadline("1ms", 1);
    deadline("7d", 7 * 86400000LL);
    deadline("2026-11-20T16:00:01Z", 1000);
    deadline("2026-11-20T18:00:00+01:00", 3600000);
    deadline("8d", -1);
    deadline("0s", -1);
    deadline("2026-11-20T16:00:00Z", -1);
    deadline("1999-01-01T00:00:00Z", -1);
    deadline("9999-12-31T00:00:00Z", -1);
    deadline("", -1);
    deadline("soon", -1);
    deadline("-8h", -1);
    deadline("99999999999999999999h", -1);
}

static const char rules[] = "rules:\n"
                            "  - name: nightly\n"
                            "    match: {workload: nightly}\n"
                            "    set: {deadline: 8h, reply: retry}\n"
                            "  - name: quick\n"
                            "    match: {workload: quick}\n"
                            "    set: {lane: [priority]}\n"
                            "  - name: flexible\n"
                            "    match: {workload: flexible}\n"
                            "    set: {deadline: 1h, lane: [flex]}\n";

struct said {
    const char *workload, *deadline, *reply, *prefer, *metadata, *second_reply, *second_prefer;
};

static const char *wish(const struct said *s, struct lane_wish *out)
{
    struct config *c = config_of(rules);
    struct fields fields = {0};
    if (s->deadline)
        assert_true(fields_add(&fields, S("x-weir-deadline"), str_of(s->deadline)));
    if (s->reply)
        assert_true(fields_add(&fields, S("x-weir-reply"), str_of(s->reply)));
    if (s->prefer)
        assert_true(fields_add(&fields, S("prefer"), str_of(s->prefer)));
    if (s->second_reply)
        assert_true(fields_add(&fields, S("x-weir-reply"), str_of(s->second_reply)));
    if (s->second_prefer)
        assert_true(fields_add(&fields, S("prefer"), str_of(s->second_prefer)));
    const struct rule_view view = {
        .workload = str_of(s->workload), .fields = &fields, .metadata = str_of(s->metadata)};
    const char *fault = lane_wish(c, &view, now_ms, out);
    config_free(c);
    return fault;
}

static void test_who_says(void **state)
{
    struct lane_wish w;
    assert_null(wish(&(struct said){.workload = "other"}, &w));
    assert_int_equal(w.deadline_ms, 0);
    assert_int_equal(w.lanes, 0);
    assert_null(wish(&(struct said){.workload = "nightly"}, &w));
    assert_int_equal(w.deadline_ms, 8 * 3600000);
    assert_int_equal(w.reply, SPOOL_RETRY);
    assert_int_equal(w.lanes, LANE_SET_FLEX | LANE_SET_BATCH);
    assert_string_equal(w.source, "rule");
    assert_null(
        wish(&(struct said){"nightly", "1h", NULL, NULL, "{\"weir.deadline\":\"2h\"}"}, &w));
    assert_int_equal(w.deadline_ms, 3600000);
    assert_null(
        wish(&(struct said){"nightly", NULL, NULL, NULL, "{\"weir.deadline\":\"2h\"}"}, &w));
    assert_int_equal(w.deadline_ms, 2 * 3600000);
    assert_null(wish(&(struct said){.workload = "quick"}, &w));
    assert_int_equal(w.lanes, LANE_SET_PRIORITY);
    assert_null(wish(&(struct said){.workload = "flexible"}, &w));
    assert_int_equal(w.lanes, LANE_SET_FLEX);
}

static void test_replies(void **state)
{
    struct lane_wish w;
    assert_null(wish(&(struct said){"nightly", NULL, "Ticket"}, &w));
    assert_int_equal(w.reply, SPOOL_TICKET);
    assert_null(wish(&(struct said){"nightly", NULL, "wait"}, &w));
    assert_int_equal(w.reply, SPOOL_WAIT);
    assert_null(wish(&(struct said){"nightly", NULL, NULL, "wait=10, respond-async; x=1"}, &w));
    assert_int_equal(w.reply, SPOOL_TICKET);
    assert_null(wish(&(struct said){"other", NULL, NULL, "respond-async"}, &w));
    assert_int_equal(w.deadline_ms, 0);
    assert_non_null(wish(&(struct said){"other", NULL, "ticket"}, &w));
    assert_non_null(wish(&(struct said){"nightly", NULL, "retry"}, &w));
    assert_non_null(wish(&(struct said){"other", "soon"}, &w));
    assert_non_null(wish(&(struct said){"other", NULL, NULL, NULL, "{\"weir.deadline\":8}"}, &w));
    assert_non_null(wish(&(struct said){"other", NULL, NULL, NULL,
                                        "{\"weir.deadline\":\"8h\",\"weir.deadline\":\"9h\"}"},
                         &w));
}

/* Fields may come on several lines: a list goes on, one word cannot. */
static void test_replies_on_several_lines(void **state)
{
    struct lane_wish w;
    assert_null(wish(&(struct said){.workload = "nightly",
                                    .prefer = "wait=10",
                                    .second_prefer = "respond-async"},
                     &w));
    assert_int_equal(w.reply, SPOOL_TICKET);
    const char *fault =
        wish(&(struct said){.workload = "nightly", .reply = "ticket", .second_reply = "wait"}, &w);
    assert_non_null(fault);
    assert_string_equal(fault, "x-weir-reply stands in this request more than once.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_who_says),
        cmocka_unit_test(test_replies),
        cmocka_unit_test(test_replies_on_several_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
