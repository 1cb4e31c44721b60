/* SPDX-License-Identifier: Apache-2.0
 *
 * [DAYS ]HH:MM-HH:MM[ ZONE]. Days are names or spans of them with commas between; a span may go
 * over the end of the week.
 */
#include "weir/plan/window.h"

enum { DAY_S = 86400, EVERY_DAY = 0x7f };

static const char form[] =
    "hours are like \"22:00-06:00\", \"22:00-06:00 Europe/Berlin\" or \"Mon-Fri 22:00-06:00 "
    "Europe/Berlin\"";

/* "06:00"; the end may be "24:00". */
static bool read_time(struct str s, int32_t *out)
{
    int n[4];
    if (s.len != 5 || s.ptr[2] != ':')
        return false;
    for (size_t i = 0; i < 4; i++) {
        char c = s.ptr[i + (i > 1)];
        if (c < '0' || c > '9')
            return false;
        n[i] = c - '0';
    }
    *out = (n[0] * 10 + n[1]) * 3600 + (n[2] * 10 + n[3]) * 60;
    return n[2] < 6 && *out <= DAY_S;
}

static bool read_times(struct str s, struct window *w)
{
    struct str end = s, begin = str_cut(&end, '-');
    return read_time(begin, &w->begin_s) && read_time(end, &w->end_s) && w->begin_s < DAY_S;
}

static bool read_day(struct str s, unsigned *out)
{
    static const struct str names[] = {STR("Mon"), STR("Tue"), STR("Wed"), STR("Thu"),
                                       STR("Fri"), STR("Sat"), STR("Sun")};
    for (unsigned i = 0; i < 7; i++)
        if (str_ieq(s, names[i])) {
            *out = i;
            return true;
        }
    return false;
}

static bool read_days(struct str rest, unsigned *out)
{
    *out = 0;
    while (rest.ptr) {
        struct str last = str_cut(&rest, ','), first = str_cut(&last, '-');
        unsigned day, end;
        if (!read_day(first, &day) || !read_day(last.ptr ? last : first, &end))
            return false;
        for (*out |= 1U << day; day != end; *out |= 1U << day)
            day = (day + 1) % 7;
    }
    return true;
}

static bool is_name_byte(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '+' || c == '-';
}

/* As the tz database names them: parts with "/" between them, and no dots. */
static bool is_zone(struct str rest)
{
    if (rest.len == 0 || rest.len > 64)
        return false;
    while (rest.ptr) {
        struct str part = str_cut(&rest, '/');
        if (part.len == 0)
            return false;
        for (size_t i = 0; i < part.len; i++)
            if (!is_name_byte(part.ptr[i]))
                return false;
    }
    return true;
}

static bool starts_with_digit(struct str s)
{
    return s.len && s.ptr[0] >= '0' && s.ptr[0] <= '9';
}

const char *window_parse(struct str text, struct window *out, struct str *out_zone)
{
    struct window w = {.days = EVERY_DAY};
    struct str zone = str_trim(text), word = str_cut(&zone, ' ');
    if (!starts_with_digit(word)) {
        if (!read_days(word, &w.days))
            return form;
        zone = str_trim(zone);
        word = str_cut(&zone, ' ');
    }
    if (!read_times(word, &w))
        return form;
    if (w.begin_s == w.end_s)
        return "these hours end when they begin; all day is 00:00-24:00";
    zone = str_trim(zone);
    if (zone.len && !is_zone(zone))
        return "a time zone is a name of the tz database, like Europe/Berlin";
    w.utc = zone.len == 0 || str_eq(zone, S("UTC"));
    *out = w;
    *out_zone = w.utc ? S("") : zone;
    return NULL;
}

bool window_holds(const struct window *w, int64_t utc_s)
{
    int64_t local = utc_s + (w->utc ? 0 : tzif_offset(&w->zone, utc_s));
    int64_t second = (local % DAY_S + DAY_S) % DAY_S, day = (local - second) / DAY_S;
    bool begun = second >= w->begin_s, ended = second >= w->end_s;
    if (w->begin_s < w->end_s && (!begun || ended))
        return false;
    if (w->begin_s > w->end_s && !begun) {
        if (ended)
            return false;
        day--; /* it began yesterday */
    }
    unsigned weekday = (unsigned)((day % 7 + 10) % 7); /* 1 January 1970 was a Thursday */
    return w->days >> weekday & 1;
}
