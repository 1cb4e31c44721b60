/* SPDX-License-Identifier: Apache-2.0
 *
 *     header (44)  data with 4-byte times      that is all in version 1
 *     header (44)  data with 8-byte times      from version 2 on: only this is read
 *     "\n" footer "\n"                         a rule as in the variable TZ, or nothing
 *
 *     data:  times  index of the type from then on  types (6 bytes: offset, summer, name)  names
 *            leap seconds  two lists of flags
 */
#include "weir/wire/tzif.h"

static const int64_t far_s = (int64_t)1 << 50; /* some ten million years */

enum {
    HEADER = 44,
    TYPE_BYTES = 6,
    TIMES_MOST = 65536,
    /* RFC 8536, section 3.2: offsets are between -25 and 26 hours; section 3.3.1: a rule's times
     * between -167 and 167 hours. */
    OFFSET_LEAST = -25 * 3600,
    OFFSET_MOST = 26 * 3600,
    TURN_HOURS = 167,
    ZONE_HOURS = 24,
    DAY = 86400
};

/* --- numbers in the bytes */

static uint32_t u32_at(struct str s, size_t at)
{
    const unsigned char *p = (const unsigned char *)s.ptr + at;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t time_at(const struct tzif *z, uint32_t i)
{
    size_t at = z->times + (size_t)i * z->time_bytes;
    if (z->time_bytes == 4)
        return (int32_t)u32_at(z->bytes, at);
    return (int64_t)((uint64_t)u32_at(z->bytes, at) << 32 | u32_at(z->bytes, at + 4));
}

static int32_t offset_of(const struct tzif *z, uint32_t type)
{
    return (int32_t)u32_at(z->bytes, z->types + (size_t)type * TYPE_BYTES);
}

static unsigned index_at(const struct tzif *z, uint32_t i)
{
    return (unsigned char)z->bytes.ptr[z->indexes + i];
}

/* --- header and data */

struct counts {
    uint32_t utc, standard, leaps, times, types, names;
};

static bool read_header(struct str s, size_t at, struct counts *out, char *out_version)
{
    if (s.len < HEADER || at > s.len - HEADER || !str_starts(str_from_offset(s, at), S("TZif")))
        return false;
    *out_version = s.ptr[at + 4];
    *out = (struct counts){u32_at(s, at + 20), u32_at(s, at + 24), u32_at(s, at + 28),
                           u32_at(s, at + 32), u32_at(s, at + 36), u32_at(s, at + 40)};
    return out->times <= TIMES_MOST && out->types <= 256 && out->names <= 65536 &&
           out->leaps <= 65536 && (out->utc == 0 || out->utc == out->types) &&
           (out->standard == 0 || out->standard == out->types);
}

static size_t data_bytes(const struct counts *n, size_t time_bytes)
{
    return n->times * (time_bytes + 1) + (size_t)n->types * TYPE_BYTES + n->names +
           n->leaps * (time_bytes + 4) + n->standard + n->utc;
}

static bool check_data(const struct tzif *z)
{
    for (uint32_t i = 0; i < z->n_times; i++)
        if (index_at(z, i) >= z->n_types || (i && time_at(z, i) <= time_at(z, i - 1)))
            return false;
    for (uint32_t i = 0; i < z->n_types; i++)
        if (offset_of(z, i) < OFFSET_LEAST || offset_of(z, i) > OFFSET_MOST)
            return false;
    return true;
}

/* --- the footer: "CET-1CEST,M3.5.0,M10.5.0/3" */

static bool take(struct str *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    *s = str_from_offset(*s, 1);
    return true;
}

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Three letters or more; or letters, digits and signs in angle brackets. */
static bool take_name(struct str *s)
{
    size_t n = 0;
    bool quoted = take(s, '<');
    while (n < s->len &&
           (is_letter(s->ptr[n]) ||
            (quoted && (is_digit(s->ptr[n]) || s->ptr[n] == '+' || s->ptr[n] == '-'))))
        n++;
    *s = str_from_offset(*s, n);
    return n >= 3 && (!quoted || take(s, '>'));
}

static bool take_number(struct str *s, int least, int most, int *out)
{
    int n = 0;
    size_t digits = 0;
    for (; digits < s->len && digits < 3 && is_digit(s->ptr[digits]); digits++)
        n = n * 10 + (s->ptr[digits] - '0');
    *s = str_from_offset(*s, digits);
    *out = n;
    return digits && n >= least && n <= most;
}

/* "[+-]hh[:mm[:ss]]" */
static bool take_time(struct str *s, int most_hours, int32_t *out)
{
    int hours, minutes = 0, seconds = 0;
    bool minus = take(s, '-');
    if (!minus)
        (void)take(s, '+');
    if (!take_number(s, 0, most_hours, &hours) ||
        (take(s, ':') &&
         (!take_number(s, 0, 59, &minutes) || (take(s, ':') && !take_number(s, 0, 59, &seconds)))))
        return false;
    *out = hours * 3600 + minutes * 60 + seconds;
    if (minus)
        *out = -*out;
    return true;
}

static bool take_turn(struct str *s, struct tzif_turn *out)
{
    *out = (struct tzif_turn){.form = 'n', .time_s = 2 * 3600};
    if (take(s, 'M')) {
        out->form = 'M';
        if (!take_number(s, 1, 12, &out->month) || !take(s, '.') ||
            !take_number(s, 1, 5, &out->week) || !take(s, '.') || !take_number(s, 0, 6, &out->day))
            return false;
    } else if (take(s, 'J')) {
        out->form = 'J';
        if (!take_number(s, 1, 365, &out->day))
            return false;
    } else if (!take_number(s, 0, 365, &out->day)) {
        return false;
    }
    return !take(s, '/') || take_time(s, TURN_HOURS, &out->time_s);
}

/* The sign is that of what is added to local time to get UTC. */
static bool read_rule(struct tzif *z, struct str s)
{
    int32_t west;
    if (!take_name(&s) || !take_time(&s, ZONE_HOURS, &west))
        return false;
    z->rule = true;
    z->offset_s = -west;
    if (s.len == 0)
        return true;
    z->summer = true;
    z->summer_s = z->offset_s + 3600;
    if (!take_name(&s))
        return false;
    if (s.len && s.ptr[0] != ',') {
        if (!take_time(&s, ZONE_HOURS, &west))
            return false;
        z->summer_s = -west;
    }
    return take(&s, ',') && take_turn(&s, &z->begins) && take(&s, ',') && take_turn(&s, &z->ends) &&
           s.len == 0;
}

static bool read_footer(struct tzif *z, size_t at)
{
    struct str s = str_from_offset(z->bytes, at);
    if (!take(&s, '\n'))
        return false;
    ptrdiff_t end = str_chr(s, '\n');
    return end == 0 || (end > 0 && read_rule(z, str_sub(s, 0, (size_t)end)));
}

int tzif_read(struct str bytes, struct tzif *out)
{
    struct tzif z = {.bytes = bytes, .time_bytes = 4};
    struct counts n;
    char version, again;
    size_t at = HEADER;
    if (!read_header(bytes, 0, &n, &version))
        return ERR_BAD;
    if (version) {
        at += data_bytes(&n, 4);
        if (!read_header(bytes, at, &n, &again) || again != version)
            return ERR_BAD;
        at += HEADER;
        z.time_bytes = 8;
    }
    if (n.types == 0 || data_bytes(&n, z.time_bytes) > bytes.len - at)
        return ERR_BAD;
    if (n.leaps)
        return ERR_UNSUPPORTED;
    z.n_times = n.times;
    z.n_types = n.types;
    z.times = at;
    z.indexes = z.times + (size_t)n.times * z.time_bytes;
    z.types = z.indexes + n.times;
    if (!check_data(&z) || (version && !read_footer(&z, at + data_bytes(&n, 8))))
        return ERR_BAD;
    *out = z;
    return ERR_OK;
}

/* --- a moment */

/* Days since 1970 of a day of the Gregorian calendar; months from March on count as of that year:
 * then each has its fixed place (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
static int64_t days_of(int64_t year, int month, int day)
{
    int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Of an average year; it is off by one at most, which who asks allows for. */
static int64_t year_about(int64_t utc_s)
{
    return 1970 + floor_div(utc_s, 31556952);
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t day_of_turn(const struct tzif_turn *t, int64_t year)
{
    if (t->form != 'M')
        return days_of(year, 1, 1) + t->day - (t->form == 'J' && !(is_leap(year) && t->day >= 60));
    int64_t first = days_of(year, t->month, 1);
    int64_t next = t->month == 12 ? days_of(year + 1, 1, 1) : days_of(year, t->month + 1, 1);
    int64_t weekday = (first % 7 + 11) % 7; /* 1 January 1970 was a Thursday */
    int64_t day = first + (t->day - weekday + 7) % 7 + 7 * (t->week - 1);
    return day < next ? day : day - 7;
}

static int64_t turn_at(const struct tzif_turn *t, int64_t year, int32_t offset_s)
{
    return day_of_turn(t, year) * DAY + t->time_s - offset_s;
}

/* The last turn up to this moment counts; of two at one time, that to summer: it never ends. */
static int32_t rule_offset(const struct tzif *z, int64_t utc_s)
{
    if (utc_s > far_s || utc_s < -far_s)
        return z->offset_s;
    int64_t last = INT64_MIN, about = year_about(utc_s);
    int32_t offset = z->offset_s;
    for (int64_t year = about - 2; z->summer && year <= about + 2; year++) {
        int64_t ends = turn_at(&z->ends, year, z->summer_s);
        int64_t begins = turn_at(&z->begins, year, z->offset_s);
        if (ends <= utc_s && ends > last) {
            last = ends;
            offset = z->offset_s;
        }
        if (begins <= utc_s && begins >= last) {
            last = begins;
            offset = z->summer_s;
        }
    }
    return offset;
}

/* How many transitions were up to this moment. */
static uint32_t count_until(const struct tzif *z, int64_t utc_s)
{
    uint32_t low = 0, high = z->n_times;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (time_at(z, mid) <= utc_s)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

int32_t tzif_offset(const struct tzif *z, int64_t utc_s)
{
    uint32_t n = count_until(z, utc_s);
    if (n == z->n_times && z->rule)
        return rule_offset(z, utc_s);
    return offset_of(z, n ? index_at(z, n - 1) : 0);
}
