/* SPDX-License-Identifier: Apache-2.0
 *
 * A record that stands whole in the bytes of one call is given as a span of them; only one that
 * does not is copied.
 */
#include "weir/wire/json_split.h"

#include <string.h>

/* Between records: what may come. */
enum { OUTSIDE, FIRST, BEHIND, NEXT };
/* OUTSIDE: no list; FIRST: behind '['; BEHIND: behind an element; NEXT: behind a comma. */

static int wrong(struct json_split *s, const char *fault)
{
    s->fault = fault;
    return ERR_BAD;
}

/* One byte between records; 1: a record begins with it. */
static int between(struct json_split *s, char c)
{
    bool element = s->list == FIRST || s->list == NEXT;
    if (c == '\n')
        s->lines++;
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
        return 0;
    if (c == '{' && (element || s->list == OUTSIDE))
        return 1;
    if (c == '[' && s->list == OUTSIDE)
        s->list = FIRST;
    else if (c == ']' && (s->list == FIRST || s->list == BEHIND))
        s->list = OUTSIDE;
    else if (c == ',' && s->list == BEHIND)
        s->list = NEXT;
    else
        return wrong(s, s->list == BEHIND ? "not JSON: no comma between two elements of a list"
                                          : "not JSON: something that is no object");
    return 0;
}

/* One byte of a record; true: its last one. */
static bool inside(struct json_split *s, char c)
{
    if (c == '\n')
        s->lines++;
    if (s->escaped)
        s->escaped = false;
    else if (s->string && c == '\\')
        s->escaped = true;
    else if (c == '"')
        s->string = !s->string;
    else if (!s->string && (c == '{' || c == '['))
        s->depth++;
    else if (!s->string && (c == '}' || c == ']'))
        s->depth--;
    return s->depth == 0;
}

/* From where a record goes on to its end, or to the end of the bytes. */
static size_t go_through(struct json_split *s, struct str bytes, size_t at)
{
    while (at < bytes.len)
        if (inside(s, bytes.ptr[at++]))
            break;
    return at;
}

static int give(struct json_split *s, struct str part, struct str *out)
{
    s->list = s->list == OUTSIDE ? OUTSIDE : BEHIND;
    *out = part;
    if (buf_len(&s->begun)) {
        buf_add(&s->begun, part);
        *out = buf_str(&s->begun);
        s->clear = true;
    }
    if ((s->begun.max && part.len > s->begun.max) || s->begun.overflow) {
        s->fault = "a record that is too large";
        return ERR_TOO_BIG;
    }
    return 1;
}

/* Up to where a record begins; the end of the bytes when none does. */
static int find_record(struct json_split *s, struct str bytes, size_t *out_at)
{
    for (size_t at = 0; at < bytes.len; at++) {
        int begins = between(s, bytes.ptr[at]);
        if (begins == 0)
            continue;
        *out_at = at;
        return begins;
    }
    *out_at = bytes.len;
    return 0;
}

int json_split_step(struct json_split *s, struct str *bytes, struct str *out_record)
{
    size_t start = 0, end;
    if (s->clear)
        buf_clear(&s->begun);
    s->clear = false;
    if (s->depth == 0) {
        int begins = find_record(s, *bytes, &start);
        if (begins <= 0) {
            *bytes = str_from_offset(*bytes, start);
            return begins;
        }
        s->first = s->lines;
    }
    end = go_through(s, *bytes, start);
    struct str part = str_sub(*bytes, start, end - start);
    *bytes = str_from_offset(*bytes, end);
    if (s->depth == 0)
        return give(s, part, out_record);
    buf_add(&s->begun, part);
    return s->begun.overflow ? give(s, S(""), out_record) : 0;
}

int json_split_end(struct json_split *s)
{
    if (s->depth)
        return wrong(s, "it ends in the middle of a record");
    return s->list == OUTSIDE ? 0 : wrong(s, "it ends in the middle of a list");
}

void json_split_fini(struct json_split *s)
{
    buf_fini(&s->begun);
}
