/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1 on the wire, strict: what two parsers could read differently is refused. A head is first
 * looked for byte by byte (so that the verdict is the same for every way the bytes are cut), then
 * parsed at once. Bodies are framed by Content-Length, or by chunks decoded here.
 */
#ifndef WEIR_WIRE_HTTP1_H
#define WEIR_WIRE_HTTP1_H

#include "weir/base/buf.h"
#include "weir/base/err.h"
#include "weir/base/str.h"
#include "weir/wire/fields.h"

#include <sys/types.h>

/* What is wrong, so that the answer can say it. */
struct http1_fault {
    int status;           /* 400, 405, 414, 417, 431, 501, 505 */
    const char *sentence; /* static */
};

/* --- the head. Zero-initialise; feed what arrived since the last call. */
struct http1_head_scan {
    size_t seen;  /* bytes looked at */
    unsigned state;
};
/* Length of the whole head (with its blank line) once it is there; 0 for more; ERR_BAD with *fault
 * as soon as a byte rules it out (bare LF or CR, NUL, more than 64 KiB, a first line over 8 KiB).
 * `bytes` is everything from the head's first byte on, not only the new ones. `response` allows
 * what only an answer may have. */
MUST_CHECK ssize_t http1_head_end(struct http1_head_scan *s, struct str bytes, bool response,
                                  struct http1_fault *fault);

struct http1_request {
    struct str method;
    struct str target;    /* origin form, as received; "*" for asterisk form; an absolute URI is
                             reduced to its path and its authority must equal Host */
    struct str authority; /* Host */
    struct fields fields; /* names lower-cased in place; trimmed values */
    int minor;            /* HTTP/1.minor: 0 or 1 */
    bool keep_alive;
    bool expect_continue;
    bool chunked;
    int64_t content_length; /* -1: none given */
};
/* `head` is one whole head, writable, and stays the request's memory. */
MUST_CHECK int http1_parse_request(char *head, size_t len, struct http1_request *out,
                                   struct http1_fault *fault);

struct http1_response {
    int status;
    struct fields fields;
    int minor;
    bool keep_alive;
    bool chunked;
    int64_t content_length; /* -1: none given */
};
MUST_CHECK int http1_parse_response(char *head, size_t len, struct http1_response *out,
                                    struct http1_fault *fault);

/* --- a chunked body. Zero-initialise. */
struct http1_chunked {
    unsigned state;
    uint64_t left;      /* of the current chunk */
    unsigned ext_bytes, trailer_bytes;
};
enum http1_chunk { HTTP1_CHUNK_MORE, HTTP1_CHUNK_DATA, HTTP1_CHUNK_END };
/* Takes from the front of `in`: *used bytes are gone; with DATA, *data (borrowed from in, part of
 * what was used) is body, and the caller calls again; with MORE all of `in` was used; with END the
 * body and its trailer (dropped) are over. ERR_BAD or ERR_TOO_BIG with *fault. */
MUST_CHECK int http1_chunk_next(struct http1_chunked *c, struct str in, size_t *used,
                                struct str *data, struct http1_fault *fault);
/* How many bytes of data may still come before the next chunk head: 0 unless inside a chunk. */
static inline uint64_t http1_chunk_left(const struct http1_chunked *c)
{
    return c->left;
}

/* --- writing. Values are checked again (assert): no field can carry a CR, LF or NUL out. */
void http1_add_request_head(struct buf *b, struct str method, struct str target,
                            struct str authority, const struct field *fields, size_t n);
void http1_add_response_head(struct buf *b, int status, const struct field *fields, size_t n);
/* Both leave the head open: more fields may be added with these, then the blank line. */
void http1_add_field(struct buf *b, struct str name, struct str value);
void http1_add_blank(struct buf *b);
/* "200 OK": the reason phrase of a status; "Unknown" when there is none. */
struct str http1_reason(int status);

#endif
