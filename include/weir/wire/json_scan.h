/* SPDX-License-Identifier: Apache-2.0
 *
 * A pull cursor over JSON that lies in memory: walked once, as spans into the caller's bytes,
 * never as a tree. Strict (RFC 8259 and nothing else), no allocation, no recursion, O(n).
 *
 *     struct json_scan s;
 *     json_init(&s, body);
 *     if (json_next(&s) == JSON_OBJECT)
 *         while (json_next(&s) == JSON_KEY)
 *             if (json_string_is(json_raw(&s), S("model")))      (json_string.h)
 *                 kind = json_skip(&s), model = json_raw(&s);
 *             else
 *                 json_skip(&s);
 *     ... only JSON_END, reached by json_next or json_skip, says that the whole text is strict.
 *
 * Refused: control bytes and bytes that are not UTF-8 in strings (overlong forms, surrogates,
 * over U+10FFFF), unknown escapes, numbers off the grammar, a byte order mark, anything behind
 * the value, an empty text, more than JSON_DEPTH levels. Accepted, since the grammar has them:
 * escapes of lone surrogates ("\uD800"; json_string.h refuses to decode them), numbers of any
 * size, duplicate keys (who looks for a key must count; json_pick.h does).
 *
 * In slices: the scanner looks at no byte at or behind `stop`. When it gets there it says
 * JSON_PAUSE, in the midst of a string or number too, and goes on when it is called again after
 * `stop` was moved. The tokens are the same however the text is sliced. So a slice bounds the time
 * of one call, and a text may be scanned while it arrives: init with the most that may come, keep
 * `stop` at what is there, and set text.len when the end is known.
 */
#ifndef WEIR_WIRE_JSON_SCAN_H
#define WEIR_WIRE_JSON_SCAN_H

#include "weir/base/str.h"

enum {
    /* Levels that are checked: one bit each. JSONTestSuite wants 500 to be survivable and has a
     * must-fail case of 100,000; no model's request comes near either. Deeper is JSON_BAD. */
    JSON_DEPTH = 1024,
    /* A slice of one turn of a loop: the slowest shape (weir-micro: empty strings, 0.3 GB/s and
     * more) takes 2 ms for it, of the 5 ms that a worker may be away. */
    JSON_SLICE_BYTES = 512 * 1024,
};

enum json_token {
    JSON_BAD, /* not strict: fault and fault_at say what and where; every later call says so too */
    JSON_PAUSE, /* stop was reached: move it and call again */
    JSON_END,   /* the whole text was one strict value */
    JSON_OBJECT,
    JSON_OBJECT_END,
    JSON_ARRAY,
    JSON_ARRAY_END,
    JSON_KEY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
};

struct json_scan {
    struct str text; /* borrowed; must stay where it is */
    size_t stop;     /* the caller's to move, forward only; beyond text.len counts as text.len */

    /* To read. */
    size_t at, pos;    /* of the last token: its first byte, and the one behind its last */
    unsigned depth;    /* levels open now */
    const char *fault; /* NULL, or a sentence (static) */
    size_t fault_at;   /* offset of the byte that is wrong; text.len when the text ends too early */

    /* The scanner's own. */
    unsigned char expect, within, number;
    unsigned char whole_token;
    unsigned whole_depth;
    size_t whole_at;
    size_t (*run)(const unsigned char *p, size_t n);
    uint64_t objects[JSON_DEPTH / 64]; /* a bit per open level: object or array */
};

/* No slices until the caller sets stop. */
void json_init(struct json_scan *s, struct str text);

/* The next token. */
enum json_token json_next(struct json_scan *s);

/* As json_next, but an object or array is one token with all that is in it, checked all the same:
 * behind a key its value, in an array the next element or JSON_ARRAY_END. */
enum json_token json_skip(struct json_scan *s);

/* Through the end of the innermost open object or array, and gives that end: the way on when
 * json_next gave a JSON_OBJECT or JSON_ARRAY that is not wanted. With none open it asserts. */
enum json_token json_leave(struct json_scan *s);

/* After JSON_PAUSE any of the three goes on with what was begun. */

/* The last token as it stands in the text: a string or key with its quotes and escapes. */
static inline struct str json_raw(const struct json_scan *s)
{
    return (struct str){s->text.ptr + s->at, s->pos - s->at};
}

/* Lets the next call look at about `bytes` more: at least 16, so that it always gets on. */
static inline void json_slice(struct json_scan *s, size_t bytes)
{
    size_t left = s->pos < s->text.len ? s->text.len - s->pos : 0;
    if (bytes < 16)
        bytes = 16;
    s->stop = bytes < left ? s->pos + bytes : s->text.len;
}

#endif
