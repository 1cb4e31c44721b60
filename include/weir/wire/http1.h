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

/* What is wrong, so that the answer can say it. For a response only the sentence has a meaning. */
struct http1_fault {
    int status;           /* 400, 405, 414, 417, 431, 501, 505 */
    const char *sentence; /* static */
};

/* --- the head. Zero-initialise; feed what arrived since the last call. */
struct http1_head_scan {
    size_t seen; /* bytes looked at */
    unsigned state;
};
/* Length of the whole head (with its blank line) once it is there; 0 for more; ERR_BAD with *fault
 * as soon as a byte rules it out (bare LF or CR, NUL, more than 64 KiB, a first line over 8 KiB).
 * `bytes` is everything from the head's first byte on, not only the new ones. A first line that is
 * no HTTP at all is refused when it ends, not when the head does. One empty line before a request
 * is allowed and part of the length; before an answer none is. */
MUST_CHECK ssize_t http1_head_end(struct http1_head_scan *s, struct str bytes, bool response,
                                  struct http1_fault *fault);

struct http1_request {
    struct str method;
    struct str target;    /* origin form, as received, begins with '/'; an absolute URI is reduced
                             to its path and query and its authority must equal Host. Asterisk and
                             authority form are refused (405) */
    struct str authority; /* Host; empty (ptr NULL) only in HTTP/1.0 */
    struct fields fields; /* names lower-cased in place; trimmed values; in order, host and framing
                             ones included; names with an underscore are dropped */
    int minor;            /* HTTP/1.minor: 0 or 1 */
    bool keep_alive;
    bool expect_continue; /* in HTTP/1.1 only */
    bool chunked;
    int64_t content_length; /* -1: none given */
};
/* `head` is one whole head as http1_head_end measured it, writable, and stays the request's memory.
 * Any upper-case token is a method here. *out means nothing after a failure. */
MUST_CHECK int http1_parse_request(char *head, size_t len, struct http1_request *out,
                                   struct http1_fault *fault);

/* The two rules that HTTP/2's pseudo-headers share: a target in origin form (its bytes; nothing is
 * decoded), and a name or address with or without a port. */
bool http1_is_path(struct str target);
bool http1_is_authority(struct str s);

struct http1_response {
    int status;
    struct fields fields;
    int minor;
    bool keep_alive;
    bool chunked;
    int64_t content_length; /* -1: none given */
};
/* As http1_parse_request. 101 is refused: nobody here asks for an upgrade. So is a 1xx or 204 that
 * declares a body. Names with an underscore stay. */
MUST_CHECK int http1_parse_response(char *head, size_t len, struct http1_response *out,
                                    struct http1_fault *fault);

/* How the body behind a response is framed, given the method of its request (RFC 9112 6.3): none
 * for HEAD, 1xx, 204, 304; else chunked, else by content_length, else it ends with the connection,
 * which then cannot be kept whatever keep_alive says. */
enum http1_body { HTTP1_BODY_NONE, HTTP1_BODY_CHUNKED, HTTP1_BODY_LENGTH, HTTP1_BODY_UNTIL_CLOSE };
enum http1_body http1_response_body(const struct http1_response *r, struct str request_method);

/* --- a chunked body. Zero-initialise. */
struct http1_chunked {
    unsigned state;
    uint64_t left; /* of the current chunk's data */
    uint64_t size; /* of the chunk whose line is being read */
    unsigned digits, ext_here;
    unsigned ext_bytes, trailer_bytes, trailer_fields; /* of the whole body */
};
enum http1_chunk { HTTP1_CHUNK_MORE, HTTP1_CHUNK_DATA, HTTP1_CHUNK_END };
/* Takes from the front of `in`: *used bytes are gone; with DATA, *data (borrowed from in, part of
 * what was used) is body, and the caller calls again; with MORE all of `in` was used; with END the
 * body and its trailer (dropped) are over. ERR_BAD, or ERR_TOO_BIG for a flood of extensions or
 * trailer fields, with *fault; after either, and after END, every further call says the same. */
MUST_CHECK int http1_chunk_next(struct http1_chunked *c, struct str in, size_t *used,
                                struct str *data, struct http1_fault *fault);
/* How many bytes of data may still come before the next chunk head: 0 unless inside a chunk. */
static inline uint64_t http1_chunk_left(const struct http1_chunked *c)
{
    return c->left;
}

/* --- writing. Everything is checked again (assert): no field can carry a CR, LF or NUL out. Names
 * go out as they are, lower case. The request head begins with its line and host; an empty
 * authority leaves host out. */
void http1_add_request_head(struct buf *b, struct str method, struct str target,
                            struct str authority, const struct field *fields, size_t n);
void http1_add_response_head(struct buf *b, int status, const struct field *fields, size_t n);
/* Both leave the head open: more fields may be added with these, then the blank line. */
void http1_add_field(struct buf *b, struct str name, struct str value);
void http1_add_blank(struct buf *b);
/* The reason phrase of a status ("OK" for 200); "Unknown" when there is none. */
struct str http1_reason(int status);

#endif
