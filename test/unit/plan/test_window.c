/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/window: each quarter of an hour around the turns of 2026 to 2028 in the zones of
 * test/vectors/tzif, as Python's zoneinfo says; edges; what is not a window.
 */
#include "../wire/vectors.h"

#include "weir/plan/window.h"

#include <stdlib.h>

#define FOLDER "test/vectors/tzif/"
enum { QUARTER_S = 900 };

static void check_runs(const struct window *w, struct str line, int64_t moment, char *runs)
{
    for (bool inside = false; *runs == ' '; inside = !inside)
        for (long n = strtol(runs, &runs, 10); n > 0; n--, moment += QUARTER_S)
            if (window_holds(w, moment) != inside)
                fail_msg("at %lld: %.*s", (long long)moment, STR_ARG(line));
}

/* FILE|WINDOW|MOMENT N N ... */
static void check_line(struct str line)
{
    struct str rest = line, file = str_cut(&rest, '|'), text = str_cut(&rest, '|'), zone;
    struct window w;
    char path[VECTOR_PATH], *runs;
    snprintf(path, sizeof path, FOLDER "%.*s", STR_ARG(file));
    struct buf bytes = vector_read(path);
    assert_null(window_parse(text, &w, &zone));
    assert_true(w.utc && zone.len == 0);
    w.utc = false;
    assert_int_equal(tzif_read(buf_str(&bytes), &w.zone), 0);
    long long moment = strtoll(rest.ptr, &runs, 10);
    check_runs(&w, line, moment, runs);
    buf_fini(&bytes);
}

static void around_turns(void **state)
{
    struct buf all = vector_read(FOLDER "windows.txt");
    struct str rest = buf_str(&all);
    unsigned n = 0;
    for (; rest.len; n++) {
        struct str line = str_cut(&rest, '\n');
        check_line(line);
    }
    assert_true(n > 400);
    buf_fini(&all);
}

static bool holds(const char *text, int64_t utc_s)
{
    struct window w;
    struct str zone;
    assert_null(window_parse(str_of(text), &w, &zone));
    assert_int_equal(zone.len, 0);
    return window_holds(&w, utc_s);
}

static void edges(void **state)
{
    const int64_t thursday = 0, hour = 3600, day = 86400; /* 1 January 1970 */
    assert_false(holds("22:00-06:00", thursday + 22 * hour - 1));
    assert_true(holds("22:00-06:00", thursday + 22 * hour));
    assert_true(holds("22:00-06:00 UTC", thursday + day + 6 * hour - 1));
    assert_false(holds("22:00-06:00", thursday + day + 6 * hour));
    assert_true(holds("06:00-22:00", thursday + 6 * hour));
    assert_false(holds("06:00-22:00", thursday + 22 * hour));
    assert_true(holds("00:00-24:00", thursday - 1));
    assert_true(holds("22:00-00:00", thursday - 1) && !holds("22:00-00:00", thursday));
    /* over midnight: of the day on which it begins */
    assert_true(holds("Thu 22:00-06:00", thursday + day + hour));
    assert_false(holds("Fri 22:00-06:00", thursday + day + hour));
    assert_false(holds("Thu 22:00-06:00", thursday + hour));
    assert_true(holds("Wed 22:00-06:00", thursday + hour));
    assert_true(holds("sat-thu 00:00-24:00", thursday + hour));
    assert_false(holds("Fri-Wed 00:00-24:00", thursday + hour));
    assert_true(holds("Mon,Thu 00:00-24:00", thursday) && holds("Mon-Mon 00:00-24:00", 4 * day));
    assert_false(holds("Mon-Mon 00:00-24:00", thursday));
    assert_true(holds("Thu 00:00-24:00", thursday - 7 * day) && !holds("Thu 00:00-24:00", -1));
}

static void parses(void **state)
{
    struct window w;
    struct str zone;
    assert_null(window_parse(S(" Mon-Fri  22:00-06:30   America/Port-au-Prince "), &w, &zone));
    assert_true(str_eq(zone, S("America/Port-au-Prince")) && !w.utc && w.days == 0x1f);
    assert_true(w.begin_s == 22 * 3600 && w.end_s == 6 * 3600 + 1800);
}

static void refuses(void **state)
{
    static const char *const rows[] = {
        "",
        "22:00",
        "22:00-",
        "22-06",
        "22:00-6:00",
        "24:00-06:00",
        "22:00-24:01",
        "22:60-06:00",
        "25:00-06:00",
        "22:00-06:00-07:00",
        "22:00 - 06:00",
        "-1:00-06:00",
        "06:00-06:00",
        "Mo 22:00-06:00",
        "Mon- 22:00-06:00",
        "Mon, 22:00-06:00",
        "Mon-Tue-Wed 22:00-06:00",
        "Mon",
        "Mon-Fri Europe/Berlin",
        "22:00-06:00 ../../etc/passwd",
        "22:00-06:00 /etc/localtime",
        "22:00-06:00 Europe//Berlin",
        "22:00-06:00 Europe/Berlin/",
        "22:00-06:00 Europe/./Berlin",
        "22:00-06:00 Europe/Berlin x",
        "22:00-06:00 zone.tab",
        "22:00-06:00 Europe/Berl\xc3\xadn",
        "22:00-06:00 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct window w = {.days = 77};
        struct str zone = S("untouched");
        if (!window_parse(str_of(rows[i]), &w, &zone))
            fail_msg("%s", rows[i]);
        assert_true(w.days == 77 && str_eq(zone, S("untouched")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(around_turns),
        cmocka_unit_test(edges),
        cmocka_unit_test(parses),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
