/* SPDX-License-Identifier: Apache-2.0
 *
 * The scanner is a small automaton: `expect` says what may come next, `within` whether the last
 * call paused inside of a string or number, one bit per level whether it is an object.
 *
 *     VALUE ---- scalar ----------------------------------> MORE, or NOTHING at depth 0
 *     VALUE ---- { --> KEY_OR_CLOSE -- "k" --> COLON ----> VALUE
 *     VALUE ---- [ --> VALUE_OR_CLOSE
 *     MORE  ---- , --> KEY or VALUE         MORE -- } or ] --> MORE, or NOTHING at depth 0
 *
 * To pause costs nothing: a string pauses between two units (a byte, an escape, a UTF-8 sequence),
 * a literal before its first byte, a number in a state of its grammar. Strings are run through in
 * blocks (json_run.h); the exact reader below ends them, and alone says what is wrong and where.
 */
#include "weir/wire/json_scan.h"

#include "json_run.h"

#include <assert.h>
#include <string.h>

#define HOT static inline __attribute__((always_inline))

enum expect { VALUE, VALUE_OR_CLOSE, KEY, KEY_OR_CLOSE, COLON, MORE, NOTHING };
enum within { BETWEEN, IN_STRING, IN_NUMBER };

void json_init(struct json_scan *s, struct str text)
{
    *s = (struct json_scan){.text = text, .stop = text.len, .run = json_run_best()};
}

static inline size_t limit(const struct json_scan *s)
{
    return s->stop < s->text.len ? s->stop : s->text.len;
}

static inline const unsigned char *bytes(const struct json_scan *s)
{
    return (const unsigned char *)s->text.ptr;
}

static __attribute__((noinline, cold)) enum json_token fail(struct json_scan *s, size_t at,
                                                            const char *fault)
{
    s->fault = fault;
    s->fault_at = at;
    return JSON_BAD;
}

/* At the limit with a token or value unfinished. */
static enum json_token starved(struct json_scan *s)
{
    if (s->stop < s->text.len)
        return JSON_PAUSE;
    return fail(s, s->text.len, "the text ends too early");
}

static inline bool in_object(const struct json_scan *s)
{
    unsigned level = s->depth - 1;
    return s->objects[level / 64] >> (level % 64) & 1;
}

static inline void after_value(struct json_scan *s)
{
    s->expect = s->depth ? MORE : NOTHING;
    s->within = BETWEEN;
}

/* --- strings: one unit, exactly */

enum { UNIT_CUT = 0, UNIT_BAD = -1 };

static bool is_hex(unsigned char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static int escape_unit(const unsigned char *p, size_t n, size_t *bad)
{
    if (n < 2)
        return UNIT_CUT;
    *bad = 1;
    if (p[1] != 'u')
        return p[1] && strchr("\"\\/bfnrt", p[1]) ? 2 : UNIT_BAD;
    for (*bad = 2; *bad < 6; ++*bad) {
        if (*bad == n)
            return UNIT_CUT;
        if (!is_hex(p[*bad]))
            return UNIT_BAD;
    }
    return 6;
}

/* RFC 3629, table of section 4: what the second byte may be depends on the first. */
static int utf8_unit(const unsigned char *p, size_t n, size_t *bad)
{
    int len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    unsigned char least = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char most = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return UNIT_BAD;
    for (*bad = 1; *bad < (size_t)len; ++*bad) {
        if (*bad == n)
            return UNIT_CUT;
        if (p[*bad] < least || p[*bad] > most)
            return UNIT_BAD;
        least = 0x80;
        most = 0xbf;
    }
    return len;
}

/* Length of the unit at p, of which n bytes are there; UNIT_CUT when it is longer; UNIT_BAD with
 * the place of the byte that is wrong. */
static int unit(const unsigned char *p, size_t n, size_t *bad)
{
    *bad = 0;
    if (p[0] == '\\')
        return escape_unit(p, n, bad);
    if (p[0] >= 0x80)
        return utf8_unit(p, n, bad);
    return p[0] < 0x20 ? UNIT_BAD : 1;
}

static const char *string_fault(unsigned char c)
{
    if (c == '\\')
        return "an escape that JSON does not have";
    return c < 0x20 ? "a control byte in a string" : "not UTF-8";
}

HOT enum json_token string_done(struct json_scan *s, size_t *pos)
{
    (*pos)++;
    if (s->expect == KEY) {
        s->expect = COLON;
        s->within = BETWEEN;
        return JSON_KEY;
    }
    after_value(s);
    return JSON_STRING;
}

/* From *pos on, which is within the string and at a unit boundary: what the run does not take is
 * read exactly, and where that is much, the run is asked again. */
static __attribute__((noinline)) enum json_token string_long(struct json_scan *s, size_t *pos)
{
    const unsigned char *p = bytes(s);
    size_t i = *pos, end = limit(s), bad = 0;
    int len = 1;
    while (i < end && p[i] != '"' && len > 0) {
        i += s->run(p + i, end - i);
        for (size_t from = i; i < end && i - from < 64 && p[i] != '"'; i += (size_t)len)
            if ((len = unit(p + i, end - i, &bad)) <= 0)
                break;
    }
    *pos = i;
    if (i == end || len == UNIT_CUT)
        return starved(s);
    if (len == UNIT_BAD)
        return fail(s, i + bad, string_fault(p[i]));
    return string_done(s, pos);
}

HOT enum json_token string_on(struct json_scan *s, size_t *pos)
{
    const unsigned char *p = bytes(s) + *pos;
    if (limit(s) - *pos > 32) {
        unsigned first = json_run_short(p);
        *pos += first;
        if (p[first] == '"')
            return string_done(s, pos);
    }
    return string_long(s, pos);
}

HOT enum json_token string_begin(struct json_scan *s, size_t *pos, enum expect as)
{
    s->at = (*pos)++;
    s->expect = (unsigned char)as;
    s->within = IN_STRING;
    return string_on(s, pos);
}

/* --- numbers: RFC 8259 section 6 as an automaton */

enum number { SIGN, ZERO, DIGITS, POINT, FRACTION, EXP, EXP_SIGN, EXP_DIGITS, N_STATES };
enum number_byte { B_ZERO, B_DIGIT, B_POINT, B_EXP, B_PLUS, B_MINUS, B_OTHER, N_BYTES };
enum { DONE = N_STATES, WRONG };

static const unsigned char number_next[N_STATES][N_BYTES] = {
    [SIGN] = {ZERO, DIGITS, WRONG, WRONG, WRONG, WRONG, WRONG},
    [ZERO] = {WRONG, WRONG, POINT, EXP, DONE, DONE, DONE},
    [DIGITS] = {DIGITS, DIGITS, POINT, EXP, DONE, DONE, DONE},
    [POINT] = {FRACTION, FRACTION, WRONG, WRONG, WRONG, WRONG, WRONG},
    [FRACTION] = {FRACTION, FRACTION, DONE, EXP, DONE, DONE, DONE},
    [EXP] = {EXP_DIGITS, EXP_DIGITS, WRONG, WRONG, EXP_SIGN, EXP_SIGN, WRONG},
    [EXP_SIGN] = {EXP_DIGITS, EXP_DIGITS, WRONG, WRONG, WRONG, WRONG, WRONG},
    [EXP_DIGITS] = {EXP_DIGITS, EXP_DIGITS, DONE, DONE, DONE, DONE, DONE},
};

static inline enum number_byte number_byte(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c == '0' ? B_ZERO : B_DIGIT;
    if (c == ',' || c == '}')
        return B_OTHER;
    if ((c | 0x20) == 'e')
        return B_EXP;
    return c == '.' ? B_POINT : c == '-' ? B_MINUS : c == '+' ? B_PLUS : B_OTHER;
}

HOT enum json_token number_on(struct json_scan *s, size_t *pos)
{
    const unsigned char *p = bytes(s);
    size_t i = *pos, end = limit(s);
    unsigned state = s->number;
    for (; i < end; i++) {
        unsigned next = number_next[state][number_byte(p[i])];
        if (next >= DONE) {
            *pos = i;
            if (next == WRONG)
                return fail(s, i, "not a number");
            after_value(s);
            return JSON_NUMBER;
        }
        state = next;
    }
    *pos = i;
    s->number = (unsigned char)state;
    bool whole = number_next[state][B_OTHER] == DONE;
    if (i < s->text.len || !whole)
        return starved(s);
    after_value(s);
    return JSON_NUMBER;
}

HOT enum json_token number_begin(struct json_scan *s, size_t *pos, unsigned char first)
{
    s->at = (*pos)++;
    s->number = first == '-' ? SIGN : first == '0' ? ZERO : DIGITS;
    s->within = IN_NUMBER;
    return number_on(s, pos);
}

/* --- the rest */

HOT enum json_token literal(struct json_scan *s, size_t *pos, struct str word,
                            enum json_token token)
{
    size_t end = limit(s);
    s->at = *pos;
    for (size_t i = 0; i < word.len; i++) {
        if (*pos + i == end)
            return starved(s);
        if (s->text.ptr[*pos + i] != word.ptr[i])
            return fail(s, *pos + i, "not a value");
    }
    *pos += word.len;
    after_value(s);
    return token;
}

HOT enum json_token open_level(struct json_scan *s, size_t *pos, bool object)
{
    if (s->depth == JSON_DEPTH)
        return fail(s, *pos, "nested too deeply");
    uint64_t bit = 1ull << (s->depth % 64), *word = &s->objects[s->depth / 64];
    *word = object ? *word | bit : *word & ~bit;
    s->depth++;
    s->at = (*pos)++;
    s->expect = object ? KEY_OR_CLOSE : VALUE_OR_CLOSE;
    return object ? JSON_OBJECT : JSON_ARRAY;
}

HOT enum json_token close_level(struct json_scan *s, size_t *pos, unsigned char c)
{
    bool object = in_object(s);
    if (c != (object ? '}' : ']'))
        return fail(s, *pos, object ? "no comma or brace here" : "no comma or bracket here");
    s->at = (*pos)++;
    s->depth--;
    after_value(s);
    return object ? JSON_OBJECT_END : JSON_ARRAY_END;
}

HOT enum json_token value(struct json_scan *s, size_t *pos, unsigned char c)
{
    switch (c) {
    case '"':
        return string_begin(s, pos, VALUE);
    case '{':
        return open_level(s, pos, true);
    case '[':
        return open_level(s, pos, false);
    case 't':
        return literal(s, pos, S("true"), JSON_TRUE);
    case 'f':
        return literal(s, pos, S("false"), JSON_FALSE);
    case 'n':
        return literal(s, pos, S("null"), JSON_NULL);
    default:
        if (c == '-' || (c >= '0' && c <= '9'))
            return number_begin(s, pos, c);
        return fail(s, *pos, "not a value");
    }
}

static inline size_t skip_space(const unsigned char *p, size_t pos, size_t end)
{
    static const char eight[8] = {' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};
    while (pos < end && p[pos] <= ' ') {
        while (end - pos >= 8 && memcmp(p + pos, eight, 8) == 0)
            pos += 8;
        if (pos == end || (p[pos] != ' ' && p[pos] != '\n' && p[pos] != '\r' && p[pos] != '\t'))
            break;
        pos++;
    }
    return pos;
}

HOT enum json_token token(struct json_scan *s, size_t *pos)
{
    const unsigned char *p = bytes(s);
    size_t end = limit(s);
    for (;;) {
        *pos = skip_space(p, *pos, end);
        if (*pos >= end)
            return s->expect == NOTHING && *pos == s->text.len ? JSON_END : starved(s);
        unsigned char c = p[*pos];
        switch ((enum expect)s->expect) {
        case VALUE_OR_CLOSE:
            return c == ']' ? close_level(s, pos, c) : value(s, pos, c);
        case VALUE:
            return value(s, pos, c);
        case KEY_OR_CLOSE:
        case KEY:
            if (c == '}' && s->expect == KEY_OR_CLOSE)
                return close_level(s, pos, c);
            if (c != '"')
                return fail(s, *pos, "no key here");
            return string_begin(s, pos, KEY);
        case COLON:
            if (c != ':')
                return fail(s, *pos, "no colon here");
            s->expect = VALUE;
            break;
        case MORE:
            if (c != ',')
                return close_level(s, pos, c);
            s->expect = in_object(s) ? KEY : VALUE;
            break;
        case NOTHING:
            return fail(s, *pos, "bytes behind the value");
        }
        (*pos)++;
    }
}

HOT enum json_token step(struct json_scan *s, size_t *pos)
{
    if (s->within == IN_STRING)
        return string_on(s, pos);
    if (s->within == IN_NUMBER)
        return number_on(s, pos);
    return token(s, pos);
}

/* --- the three ways on: `pos` is kept out of memory on the way */

/* Ends when fewer levels are open than when it was begun. */
static enum json_token whole_on(struct json_scan *s)
{
    enum json_token t;
    size_t pos = s->pos;
    do
        t = step(s, &pos);
    while (t != JSON_PAUSE && t != JSON_BAD && s->depth >= s->whole_depth);
    s->pos = pos;
    if (t == JSON_PAUSE || t == JSON_BAD)
        return t;
    s->whole_depth = 0;
    if (s->whole_token == JSON_END)
        return t;
    s->at = s->whole_at;
    return (enum json_token)s->whole_token;
}

/* A stop before pos has been moved back: there is nothing to look at. */
static enum json_token go_on(struct json_scan *s)
{
    if (s->fault)
        return JSON_BAD;
    if (limit(s) < s->pos)
        return starved(s);
    if (s->whole_depth)
        return whole_on(s);
    size_t pos = s->pos;
    enum json_token t = step(s, &pos);
    s->pos = pos;
    return t;
}

static enum json_token whole_begin(struct json_scan *s, enum json_token as)
{
    s->whole_depth = s->depth;
    s->whole_at = s->at;
    s->whole_token = (unsigned char)as;
    return whole_on(s);
}

enum json_token json_next(struct json_scan *s)
{
    return go_on(s);
}

enum json_token json_skip(struct json_scan *s)
{
    bool begun = s->whole_depth > 0;
    enum json_token t = go_on(s);
    return !begun && (t == JSON_OBJECT || t == JSON_ARRAY) ? whole_begin(s, t) : t;
}

enum json_token json_leave(struct json_scan *s)
{
    if (s->whole_depth || s->fault)
        return go_on(s);
    assert(s->depth);
    return whole_begin(s, JSON_END);
}
