/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a head ends: a small automaton that looks at each byte once as it arrives. Lines end in
 * CRLF and nothing else, and a control byte ends the attempt. What it says depends on the bytes
 * alone, never on how they were cut; so a message cannot be good in one piece and bad in two.
 *
 *     ["\r\n"] first line "\r\n" { field line "\r\n" } "\r\n"
 *
 * It reads no field: that is http1_request.c's and http1_response.c's work, once the head is whole.
 */
#include "http1_text.h"
#include "weir/wire/http1.h"

#include <string.h>

enum { LINE_MOST = 8 * 1024 }; /* RFC 9112 3 asks for at least 8000 */

enum scan_state {
    IN_LINE = 1,    /* the current line has a byte */
    AFTER_CR = 2,   /* the last byte was CR */
    LED = 4,        /* one empty line came before the first line */
    FIRST_DONE = 8, /* the first line is whole */
};

static size_t line_start(const struct http1_head_scan *s)
{
    return s->state & LED ? 2 : 0;
}

/* Both kinds of first line say HTTP/: what does not is answered now, since its sender may be
 * waiting for an answer and never send an empty line. */
static int check_first_line(struct str line, bool response, struct http1_fault *fault)
{
    if (response)
        return str_starts(line, S("HTTP/")) ? 0 : http1_refuse(fault, 400, "Not an HTTP answer.");
    if (line.len > 9 && str_starts(str_from_offset(line, line.len - 9), S(" HTTP/")))
        return 0;
    return http1_refuse(fault, 400, "The request line does not end in an HTTP version.");
}

/* A first line that is too long: its target is, unless not even the method has ended. */
static int refuse_long_line(struct str line, struct http1_fault *fault)
{
    if (memchr(line.ptr, ' ', LINE_MOST))
        return http1_refuse(fault, 414, "The request target is too long.");
    return http1_refuse(fault, 400, "The first line is too long.");
}

static int refuse_control(char c, struct http1_fault *fault)
{
    if (c == '\n')
        return http1_refuse(fault, 400, "A line ends in LF without CR.");
    return http1_refuse(fault, 400, "A control byte stands in the head.");
}

/* LF behind CR at s->seen - 1. Positive: the head is over. */
static int end_line(struct http1_head_scan *s, struct str bytes, bool response,
                    struct http1_fault *fault)
{
    bool empty = !(s->state & IN_LINE);
    s->state &= ~(unsigned)(AFTER_CR | IN_LINE);
    if (s->state & FIRST_DONE)
        return empty;
    if (empty) {
        if (response || s->state & LED)
            return http1_refuse(fault, 400, "Empty lines stand where a message should begin.");
        s->state |= LED;
        return 0;
    }
    s->state |= FIRST_DONE;
    size_t start = line_start(s);
    return check_first_line(str_sub(bytes, start, s->seen - 2 - start), response, fault);
}

ssize_t http1_head_end(struct http1_head_scan *s, struct str bytes, bool response,
                       struct http1_fault *fault)
{
    size_t most = bytes.len < FIELDS_BYTES ? bytes.len : FIELDS_BYTES;
    while (s->seen < most) {
        if (s->state & AFTER_CR) {
            if (bytes.ptr[s->seen++] != '\n')
                return http1_refuse(fault, 400, "A CR stands without LF.");
            int end = end_line(s, bytes, response, fault);
            if (end < 0)
                return end;
            if (end > 0)
                return (ssize_t)s->seen;
            continue;
        }
        const char *stop = http1_skip_text(bytes.ptr + s->seen, bytes.ptr + most);
        size_t at = (size_t)(stop - bytes.ptr);
        if (at > s->seen)
            s->state |= IN_LINE;
        s->seen = at;
        if (!(s->state & FIRST_DONE) && at - line_start(s) > LINE_MOST)
            return refuse_long_line(str_from_offset(bytes, line_start(s)), fault);
        if (at == most)
            break;
        if (*stop != '\r')
            return refuse_control(*stop, fault);
        s->state |= AFTER_CR;
        s->seen++;
    }
    if (most == FIELDS_BYTES)
        return http1_refuse(fault, 431, "The head is longer than 64 KiB.");
    return 0;
}
