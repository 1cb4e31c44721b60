/* SPDX-License-Identifier: Apache-2.0
 *
 * What a changing piece of text is, by how it looks: patterns that touch it. Two versions of a time
 * differ in a digit or two, so a pattern may begin before the piece and end behind it. Of several
 * the one that says most counts.
 *
 * Texts are JSON's: what stands behind \n is the beginning of a word.
 */
#include "weir/plan/volatile.h"

#include <string.h>

enum {
    BEFORE = 64,       /* a pattern that touches the piece begins so far before it at most */
    LOOK_BYTES = 16384 /* of a block */
};

struct str volatile_word(enum volatile_kind k)
{
    static const struct str words[VOLATILE_KINDS] = {
        STR("billing-header"), STR("uuid"),  STR("time"), STR("id"),
        STR("number"),         STR("order"), STR("text")};
    return words[k];
}

/* --- letters */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_word(char c)
{
    return is_digit(c) || is_letter(c);
}

static bool begins_word(struct str t, size_t i)
{
    if (i == 0 || !is_word(t.ptr[i - 1]))
        return true;
    return i >= 2 && t.ptr[i - 2] == '\\' && strchr("nrtbf", t.ptr[i - 1]);
}

/* --- patterns: the length of what stands at the front of `t`, or 0 */

/* `d` a digit, `x` a hexadecimal one, anything else itself. */
static size_t looks(struct str t, const char *form)
{
    size_t n = strlen(form);
    if (t.len < n)
        return 0;
    for (size_t i = 0; i < n; i++) {
        char c = t.ptr[i];
        if (form[i] == 'd' ? !is_digit(c) : form[i] == 'x' ? !is_hex(c) : c != form[i])
            return 0;
    }
    return n;
}

static size_t looks_one(struct str t, const char *const *forms, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t len = looks(t, forms[i]);
        if (len)
            return len;
    }
    return 0;
}

static size_t digits(struct str t)
{
    size_t n = 0;
    while (n < t.len && is_digit(t.ptr[n]))
        n++;
    return n;
}

static size_t uuid(struct str t)
{
    return looks(t, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
}

static size_t date(struct str t)
{
    static const char *const forms[] = {"dddd-dd-dd", "dddd/dd/dd", "dddd.dd.dd",
                                        "dd/dd/dddd", "dd.dd.dddd", "ddddddddTdddddd"};
    return looks_one(t, forms, sizeof forms / sizeof *forms);
}

static size_t time_of_day(struct str t)
{
    static const char *const forms[] = {"dd:dd:dd", "d:dd:dd", "dd:dd", "d:dd"};
    return looks_one(t, forms, sizeof forms / sizeof *forms);
}

/* Seconds or milliseconds since 1970, from 2017 to 2036. */
static size_t epoch(struct str t)
{
    size_t n = digits(t);
    if (n != 10 && n != 13)
        return 0;
    return (t.ptr[0] == '1' && t.ptr[1] >= '5') || (t.ptr[0] == '2' && t.ptr[1] == '0') ? n : 0;
}

/* "Nov 20", "November 20", "Fri, 20", "Friday 20": with the number behind. */
static size_t named_day(struct str t)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDecMonTueWedThuFriSatSun";
    bool found = false;
    for (size_t i = 0; i < sizeof names - 1 && t.len > 3 && !found; i += 3)
        found = memcmp(t.ptr, names + i, 3) == 0;
    size_t n = 3;
    while (found && n < t.len && n < 9 && is_letter(t.ptr[n]))
        n++;
    while (found && n < t.len && n < 12 && strchr(",. ", t.ptr[n]) && t.ptr[n])
        n++;
    return found && n < t.len && is_digit(t.ptr[n]) ? n + digits(str_from_offset(t, n)) : 0;
}

static size_t time_like(struct str t)
{
    size_t n = date(t);
    if (n == 0)
        n = time_of_day(t);
    if (n == 0)
        n = epoch(t);
    return n ? n : named_day(t);
}

/* Sixteen letters and digits or more, of each some. */
static size_t name_like(struct str t)
{
    size_t n = 0, figures = 0, letters = 0;
    for (; n < t.len && n < 2 * (size_t)BEFORE; n++) {
        char c = t.ptr[n];
        figures += is_digit(c);
        letters += is_letter(c);
        if (!is_word(c) && c != '_' && c != '-')
            break;
    }
    return n >= 16 && figures >= 4 && letters >= 2 ? n : 0;
}

static size_t pattern(struct str t, enum volatile_kind k)
{
    switch (k) {
    case VOLATILE_UUID:
        return uuid(t);
    case VOLATILE_TIME:
        return time_like(t);
    case VOLATILE_ID:
        return name_like(t);
    case VOLATILE_NUMBER:
        return digits(t);
    case VOLATILE_BILLING:
    case VOLATILE_ORDER:
    case VOLATILE_TEXT:
    case VOLATILE_KINDS:
        break;
    }
    return 0;
}

/* --- the piece */

/* Of Claude Code, before its system prompt: another one in each request. Public bug reports of
 * 2026. */
static bool billing(struct str text, size_t to, size_t *at)
{
    static const size_t far = 512;
    ptrdiff_t i = str_find(str_sub(text, 0, to < far ? to : far), S("billing-header"));
    if (i < 0 || to > far)
        return false;
    while (i > 0 && (is_word(text.ptr[i - 1]) || text.ptr[i - 1] == '-'))
        i--;
    *at = (size_t)i;
    return true;
}

enum volatile_kind volatile_kind_at(struct str text, size_t from, size_t to, size_t *at)
{
    to = to < text.len ? to : text.len;
    *at = from;
    if (billing(text, to, at))
        return VOLATILE_BILLING;
    for (int k = VOLATILE_UUID; k <= VOLATILE_NUMBER; k++)
        for (size_t i = from > BEFORE ? from - BEFORE : 0; i < to; i++) {
            if (!begins_word(text, i))
                continue;
            size_t n = pattern(str_from_offset(text, i), (enum volatile_kind)k);
            if (n == 0 || i + n <= from)
                continue;
            *at = i;
            return (enum volatile_kind)k;
        }
    return VOLATILE_TEXT;
}

/* --- one prompt alone */

/* A date may be that of an interface's version: alone it says little. */
static bool is_said_of_now(struct str text, size_t at)
{
    static const struct str words[] = {STR("oday"), STR("urrent"), STR("now"),
                                       STR("ime"),  STR("Date"),   STR("date")};
    size_t from = at > BEFORE ? at - BEFORE : 0;
    struct str before = str_sub(text, from, at - from);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_find(before, words[i]) >= 0)
            return true;
    return false;
}

static bool look_at(struct str text, enum volatile_kind *kind, size_t *at)
{
    text.len = text.len < LOOK_BYTES ? text.len : LOOK_BYTES;
    if (billing(text, text.len < 512 ? text.len : 512, at)) {
        *kind = VOLATILE_BILLING;
        return true;
    }
    for (size_t i = 0; i < text.len; i++) {
        struct str t = str_from_offset(text, i);
        if (!is_word(text.ptr[i]) || !begins_word(text, i))
            continue;
        *at = i;
        *kind = uuid(t) ? VOLATILE_UUID : VOLATILE_TIME;
        if (uuid(t) || epoch(t) || (time_like(t) && is_said_of_now(text, i)))
            return true;
    }
    return false;
}

size_t volatile_look(const struct ask *a, struct volatile_place *out, size_t n)
{
    size_t found = 0, first = 0;
    for (size_t i = 0; i < a->n && found < n; i++) {
        const struct ask_block *b = &a->blocks[i];
        enum volatile_kind kind;
        size_t at;
        if (b->section != a->blocks[first].section || b->message != a->blocks[first].message)
            first = i;
        if (!look_at(str_sub(a->parts.body, b->at, b->len), &kind, &at))
            continue;
        out[found++] = (struct volatile_place){.kind = kind,
                                               .section = (enum ask_section)b->section,
                                               .message = b->message,
                                               .index = (uint32_t)(i - first),
                                               .offset = (uint32_t)at};
    }
    return found;
}
