/* SPDX-License-Identifier: Apache-2.0
 *
 * Small readings and writings. Units stand in tables, so that a parser and its printer cannot
 * differ.
 */
#include "weir/base/text.h"

#include <stdio.h>
#include <time.h>

struct unit {
    struct str name;
    uint64_t factor;
};

/* Largest first: the printer takes the first that divides. */
static const struct unit durations[] = {
    {STR("d"), 86400000}, {STR("h"), 3600000}, {STR("m"), 60000}, {STR("s"), 1000}, {STR("ms"), 1},
};
static const struct unit sizes[] = {
    {STR("TiB"), 1ull << 40},
    {STR("GiB"), 1ull << 30},
    {STR("MiB"), 1ull << 20},
    {STR("KiB"), 1ull << 10},
    {STR("B"), 1},
};

bool text_u64(struct str s, uint64_t *out)
{
    uint64_t n = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(s.ptr[i] - '0');
        if (n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return true;
}

static bool with_unit(struct str s, const struct unit *units, size_t n_units, uint64_t bare,
                      uint64_t *out)
{
    size_t digits = 0;
    while (digits < s.len && s.ptr[digits] >= '0' && s.ptr[digits] <= '9')
        digits++;
    uint64_t n, factor = bare;
    if (!text_u64(str_sub(s, 0, digits), &n))
        return false;
    struct str name = str_from_offset(s, digits);
    if (name.len) {
        factor = 0;
        for (size_t i = 0; i < n_units; i++)
            if (str_eq(units[i].name, name))
                factor = units[i].factor;
    }
    if (factor == 0 ? n != 0 || name.len : n > (uint64_t)INT64_MAX / factor)
        return false;
    *out = n * factor;
    return true;
}

static void add_with_unit(struct buf *b, uint64_t n, const struct unit *units, size_t n_units)
{
    size_t i = 0;
    while (i + 1 < n_units && (n == 0 || n % units[i].factor))
        i++;
    buf_add_u64(b, n / units[i].factor);
    if (n)
        buf_add(b, units[i].name);
}

bool text_duration_ms(struct str s, int64_t *out_ms)
{
    uint64_t ms;
    if (!with_unit(s, durations, sizeof durations / sizeof *durations, 0, &ms))
        return false;
    *out_ms = (int64_t)ms;
    return true;
}

bool text_size_bytes(struct str s, uint64_t *out_bytes)
{
    return with_unit(s, sizes, sizeof sizes / sizeof *sizes, 1, out_bytes);
}

void text_add_duration(struct buf *b, int64_t ms)
{
    add_with_unit(b, (uint64_t)ms, durations, sizeof durations / sizeof *durations);
}

void text_add_size(struct buf *b, uint64_t bytes)
{
    add_with_unit(b, bytes, sizes, sizeof sizes / sizeof *sizes);
}

static struct tm utc(int64_t epoch_s)
{
    time_t t = (time_t)epoch_s;
    struct tm tm;
    gmtime_r(&t, &tm);
    return tm;
}

void text_basic_time(int64_t epoch_s, char out[17])
{
    struct tm tm = utc(epoch_s);
    strftime(out, 17, "%Y%m%dT%H%M%SZ", &tm);
}

void text_iso_time(int64_t epoch_s, char out[21])
{
    struct tm tm = utc(epoch_s);
    strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void text_iso_time_ms(int64_t epoch_ms, char out[25])
{
    char seconds[21];
    text_iso_time(epoch_ms / 1000, seconds);
    snprintf(out, 25, "%.19s.%03uZ", seconds, (unsigned)(epoch_ms % 1000) % 1000);
}

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void text_http_date(int64_t epoch_s, char out[30])
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    struct tm tm = utc(epoch_s);
    snprintf(out, 30, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday % 7], tm.tm_mday % 100,
             months[tm.tm_mon % 12], (tm.tm_year + 1900) % 10000, tm.tm_hour % 100, tm.tm_min % 100,
             tm.tm_sec % 100);
}

static bool digits(struct str *s, size_t n, int *out)
{
    uint64_t value;
    if (s->len < n || !text_u64(str_sub(*s, 0, n), &value))
        return false;
    *out = (int)value;
    *s = str_from_offset(*s, n);
    return true;
}

static bool literal(struct str *s, char ch)
{
    if (s->len == 0 || s->ptr[0] != ch)
        return false;
    *s = str_from_offset(*s, 1);
    return true;
}

static bool zone(struct str s, int *out_offset_s)
{
    *out_offset_s = 0;
    if (str_eq(s, S("Z")) || str_eq(s, S("UTC")))
        return true;
    int sign = literal(&s, '+') ? 1 : literal(&s, '-') ? -1 : 0;
    int hours, minutes;
    if (!sign || !digits(&s, 2, &hours))
        return false;
    (void)literal(&s, ':');
    if (!digits(&s, 2, &minutes) || s.len)
        return false;
    *out_offset_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

/* Is the day in its month? 29 February only in leap years. Fields as timegm wants them. */
static bool is_day(const struct tm *tm)
{
    static const char days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = tm->tm_year + 1900;
    bool leap = (year % 4 == 0 && year % 100) || year % 400 == 0;
    return tm->tm_mday >= 1 && tm->tm_mday <= days[tm->tm_mon] + (leap && tm->tm_mon == 1);
}

bool text_parse_iso_time(struct str s, int64_t *out_epoch_s)
{
    struct tm tm = {0};
    int offset_s;
    if (!digits(&s, 4, &tm.tm_year) || !literal(&s, '-') || !digits(&s, 2, &tm.tm_mon) ||
        !literal(&s, '-') || !digits(&s, 2, &tm.tm_mday) || !literal(&s, 'T') ||
        !digits(&s, 2, &tm.tm_hour) || !literal(&s, ':') || !digits(&s, 2, &tm.tm_min) ||
        !literal(&s, ':') || !digits(&s, 2, &tm.tm_sec))
        return false;
    if (literal(&s, '.'))
        while (s.len && s.ptr[0] >= '0' && s.ptr[0] <= '9')
            s = str_from_offset(s, 1);
    if (!zone(s, &offset_s) || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_hour > 23 ||
        tm.tm_min > 59 || tm.tm_sec > 60)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    if (!is_day(&tm))
        return false;
    *out_epoch_s = (int64_t)timegm(&tm) - offset_s;
    return true;
}

/* "Jan" to 0. */
static bool month(struct str *s, int *out)
{
    for (int i = 0; i < 12; i++)
        if (str_starts(*s, str_of(months[i]))) {
            *s = str_from_offset(*s, 3);
            *out = i;
            return true;
        }
    return false;
}

bool text_parse_http_date(struct str s, int64_t *out_epoch_s)
{
    struct tm tm = {0};
    struct str day = str_cut(&s, ',');
    if (day.len != 3 || !literal(&s, ' ') || !digits(&s, 2, &tm.tm_mday) || !literal(&s, ' ') ||
        !month(&s, &tm.tm_mon) || !literal(&s, ' ') || !digits(&s, 4, &tm.tm_year) ||
        !literal(&s, ' ') || !digits(&s, 2, &tm.tm_hour) || !literal(&s, ':') ||
        !digits(&s, 2, &tm.tm_min) || !literal(&s, ':') || !digits(&s, 2, &tm.tm_sec) ||
        !str_eq(s, S(" GMT")) || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return false;
    tm.tm_year -= 1900;
    if (!is_day(&tm))
        return false;
    *out_epoch_s = (int64_t)timegm(&tm);
    return true;
}

/* Length of the UTF-8 sequence at the front of s, 0 when it is not one. */
static size_t utf8_len(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t n = p[0] < 0x80                   ? 1
               : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
               : (p[0] & 0xf0) == 0xe0       ? 3
               : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                             : 0;
    if (n == 0 || n > s.len)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

/* Stands for itself in JSON, in one byte. */
static bool is_bare(char c)
{
    return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* What a terminal obeys, or takes for the end of a line, or for a change of direction, and what
 * nobody sees, so that two names look the same: C1 controls, U+200B to U+200F, U+2028 to U+202E,
 * U+2060 to U+2069, U+FEFF. 0: none of them. */
static unsigned unsafe_code(struct str s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    unsigned code = n == 2 ? (unsigned)(p[0] & 31) << 6 | (p[1] & 63)
                    : n == 3
                        ? (unsigned)(p[0] & 15) << 12 | (unsigned)(p[1] & 63) << 6 | (p[2] & 63)
                        : 0;
    bool unsafe = (code >= 0x80 && code < 0xa0) || (code >= 0x200b && code <= 0x200f) ||
                  (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x2069) ||
                  code == 0xfeff;
    return unsafe ? code : 0;
}

bool text_is_plain(struct str s)
{
    while (s.len) {
        unsigned char c = (unsigned char)s.ptr[0];
        size_t n = utf8_len(s);
        if (n == 0 || c < 0x20 || c == 0x7f || unsafe_code(s, n))
            return false;
        s = str_from_offset(s, n);
    }
    return true;
}

void text_add_json(struct buf *b, struct str s, size_t max)
{
    s = str_sub(s, 0, max);
    while (s.len) {
        size_t run = 0;
        while (run < s.len && is_bare(s.ptr[run]))
            run++;
        buf_add(b, str_sub(s, 0, run));
        s = str_from_offset(s, run);
        if (!s.len)
            return;
        unsigned char c = (unsigned char)s.ptr[0];
        size_t n = utf8_len(s);
        if (n == 0) {
            buf_add(b, S("\xef\xbf\xbd"));
            n = 1;
        } else if (c == '"' || c == '\\') {
            buf_add_char(b, '\\');
            buf_add_char(b, (char)c);
        } else if (c < 0x20 || c == 0x7f) {
            buf_addf(b, "\\u%04x", c);
        } else if (unsafe_code(s, n)) {
            buf_addf(b, "\\u%04x", unsafe_code(s, n));
        } else {
            buf_add(b, str_sub(s, 0, n));
        }
        s = str_from_offset(s, n);
    }
}

/* What XML 1.0 has no way to say, or a reader would take for markup. NULL: it stands for itself. */
static const char *xml_escape(struct str s, size_t n)
{
    unsigned char c = (unsigned char)s.ptr[0];
    bool none =
        n == 0 || (c < 0x20 && c != '\t' && c != '\n') || c == 0x7f ||
        (n == 3 && c == 0xef && (unsigned char)s.ptr[1] == 0xbf && (unsigned char)s.ptr[2] >= 0xbe);
    return none       ? "\xef\xbf\xbd"
           : c == '&' ? "&amp;"
           : c == '<' ? "&lt;"
           : c == '>' ? "&gt;"
           : c == '"' ? "&quot;"
                      : NULL;
}

void text_add_xml(struct buf *b, struct str s)
{
    while (s.len) {
        size_t n = utf8_len(s);
        const char *escape = xml_escape(s, n);
        buf_add(b, escape ? str_of(escape) : str_sub(s, 0, n));
        s = str_from_offset(s, n ? n : 1);
    }
}

void text_add_logfmt(struct buf *b, struct str s, size_t max)
{
    s = str_sub(s, 0, max);
    bool plain = s.len > 0;
    for (size_t i = 0; i < s.len && plain; i++)
        plain = s.ptr[i] > ' ' && s.ptr[i] < 0x7f && s.ptr[i] != '"' && s.ptr[i] != '=' &&
                s.ptr[i] != '\\';
    if (plain) {
        buf_add(b, s);
        return;
    }
    buf_add_char(b, '"');
    text_add_json(b, s, max);
    buf_add_char(b, '"');
}

/* When a run behind a star does not fit, only the last star can help, by taking one byte more. */
bool text_matches(struct str pattern, struct str s)
{
    size_t p = 0, i = 0, star = SIZE_MAX, from = 0;
    while (i < s.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            from = i;
        } else if (p < pattern.len && pattern.ptr[p] == s.ptr[i]) {
            p++;
            i++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            i = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

unsigned text_distance(struct str a, struct str b)
{
    enum { LONGEST = 63 };
    unsigned row[LONGEST + 1];
    if (a.len > LONGEST || b.len > LONGEST)
        return LONGEST;
    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned best = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.len];
}

void text_add_base64(struct buf *b, struct str s)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.len; i += 3) {
        unsigned word = 0;
        for (size_t j = 0; j < 3; j++)
            word = word << 8 | (i + j < s.len ? (unsigned char)s.ptr[i + j] : 0);
        for (size_t j = 0; j < 4; j++)
            buf_add_char(b, i + j > s.len ? '=' : digit[word >> (18 - 6 * j) & 63]);
    }
}

void text_add_hex(struct buf *b, const unsigned char *bytes, size_t n)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        buf_add_char(b, hex[bytes[i] >> 4]);
        buf_add_char(b, hex[bytes[i] & 15]);
    }
}
