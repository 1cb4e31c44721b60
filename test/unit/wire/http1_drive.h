/* SPDX-License-Identifier: Apache-2.0
 *
 * Drives wire/http1 over a connection's bytes as a server or client would, cut in any way, and
 * writes down all that was understood. Two ways of cutting are the same when the texts are. Shared
 * by the unit tests and the fuzz targets.
 */
#ifndef WEIR_TEST_HTTP1_DRIVE_H
#define WEIR_TEST_HTTP1_DRIVE_H

#include "weir/base/mem.h"
#include "weir/wire/http1.h"

#include <string.h>

struct drive {
    bool response;
    struct str method; /* of the request, for responses */
    struct http1_head_scan scan;
    struct http1_chunked chunked;
    enum http1_body body;
    uint64_t body_left;
    bool in_body;
    size_t at;         /* where the current head begins, or the body goes on */
    unsigned messages; /* whole ones */
    int err;
    struct http1_fault fault;
    struct buf text;
};

static void drive_fail(struct drive *d, int err)
{
    d->err = err;
    buf_addf(&d->text, "refused %d: %s\n", d->fault.status, d->fault.sentence);
}

static void drive_end_message(struct drive *d)
{
    d->messages++;
    d->in_body = false;
    d->scan = (struct http1_head_scan){0};
    buf_add(&d->text, S("\nend\n"));
}

static void drive_fields(struct drive *d, const struct fields *fields)
{
    for (size_t i = 0; i < fields->n; i++)
        buf_addf(&d->text, "%.*s=%.*s\n", STR_ARG(fields->at[i].name),
                 STR_ARG(fields->at[i].value));
}

static void drive_begin_body(struct drive *d, enum http1_body body, int64_t length)
{
    d->in_body = true;
    d->body = body;
    d->body_left = length < 0 ? 0 : (uint64_t)length;
    d->chunked = (struct http1_chunked){0};
}

static void drive_request(struct drive *d, char *head, size_t len)
{
    static struct http1_request r;
    int err = http1_parse_request(head, len, &r, &d->fault);
    if (err) {
        drive_fail(d, err);
        return;
    }
    buf_addf(&d->text, "%.*s %.*s host %.*s 1.%d%s%s%s length %lld\n", STR_ARG(r.method),
             STR_ARG(r.target), STR_ARG(r.authority), r.minor, r.keep_alive ? " keep" : "",
             r.expect_continue ? " expect" : "", r.chunked ? " chunked" : "",
             (long long)r.content_length);
    drive_fields(d, &r.fields);
    drive_begin_body(d, r.chunked ? HTTP1_BODY_CHUNKED : HTTP1_BODY_LENGTH, r.content_length);
}

static void drive_response(struct drive *d, char *head, size_t len)
{
    static struct http1_response r;
    int err = http1_parse_response(head, len, &r, &d->fault);
    if (err) {
        drive_fail(d, err);
        return;
    }
    enum http1_body body = http1_response_body(&r, d->method);
    buf_addf(&d->text, "%d 1.%d%s%s length %lld body %d\n", r.status, r.minor,
             r.keep_alive ? " keep" : "", r.chunked ? " chunked" : "", (long long)r.content_length,
             (int)body);
    drive_fields(d, &r.fields);
    drive_begin_body(d, body, body == HTTP1_BODY_LENGTH ? r.content_length : -1);
}

/* The head is copied to memory of exactly its size, so that a sanitizer sees a read past it. */
static bool drive_head(struct drive *d, struct str bytes)
{
    ssize_t n = http1_head_end(&d->scan, bytes, d->response, &d->fault);
    if (n < 0)
        drive_fail(d, (int)n);
    if (n <= 0)
        return false;
    char *head = mem_try((size_t)n);
    memcpy(head, bytes.ptr, (size_t)n);
    if (d->response)
        drive_response(d, head, (size_t)n);
    else
        drive_request(d, head, (size_t)n);
    mem_free(head);
    d->at += (size_t)n;
    return d->err == 0;
}

static bool drive_chunks(struct drive *d, struct str bytes)
{
    size_t used;
    struct str data;
    int got = http1_chunk_next(&d->chunked, bytes, &used, &data, &d->fault);
    if (got < 0) {
        drive_fail(d, got);
        return false;
    }
    d->at += used;
    if (got == HTTP1_CHUNK_DATA)
        buf_add(&d->text, data);
    if (got == HTTP1_CHUNK_END)
        drive_end_message(d);
    return got != HTTP1_CHUNK_MORE;
}

static bool drive_body(struct drive *d, struct str bytes)
{
    if (d->body == HTTP1_BODY_CHUNKED)
        return drive_chunks(d, bytes);
    if (d->body == HTTP1_BODY_UNTIL_CLOSE)
        d->body_left = bytes.len + 1;
    struct str data = str_sub(bytes, 0, d->body_left < bytes.len ? d->body_left : bytes.len);
    buf_add(&d->text, data);
    d->at += data.len;
    d->body_left -= data.len;
    if (d->body_left == 0)
        drive_end_message(d);
    return d->body_left == 0;
}

/* `bytes` is all of the connection so far; more of them with each call. */
static inline void drive_feed(struct drive *d, struct str bytes)
{
    bool go_on = d->err == 0;
    while (go_on) {
        struct str rest = str_from_offset(bytes, d->at);
        if (!d->in_body && rest.len == 0)
            return;
        go_on = d->in_body ? drive_body(d, rest) : drive_head(d, rest);
    }
}

/* In two pieces; a `cut` at either end is one piece. */
static inline void drive_cut(struct drive *d, struct str bytes, size_t cut)
{
    drive_feed(d, str_sub(bytes, 0, cut));
    drive_feed(d, bytes);
}

/* In pieces of 1 to `most` bytes, chosen by `seed`; most = 1 is byte by byte. */
static inline void drive_pieces(struct drive *d, struct str bytes, unsigned most, unsigned seed)
{
    for (size_t at = 0; at < bytes.len;) {
        seed = seed * 1103515245u + 12345u;
        at += 1 + (seed >> 16) % most;
        drive_feed(d, str_sub(bytes, 0, at));
    }
}

/* All was understood and nothing is left. */
static inline bool drive_is_whole(const struct drive *d, struct str bytes)
{
    return d->err == 0 && !d->in_body && d->at == bytes.len;
}

static inline void drive_fini(struct drive *d)
{
    buf_fini(&d->text);
}

#endif
