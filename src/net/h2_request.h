/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of an HTTP/2 request as it is collected field by field, and the verdict on it where
 * nghttp2 leaves one to us.
 */
#ifndef WEIR_SRC_NET_H2_REQUEST_H
#define WEIR_SRC_NET_H2_REQUEST_H

#include "weir/base/buf.h"
#include "weir/net/front.h"

struct h2_pseudo {
    struct str method, path, authority; /* only lengths until the head is whole */
    unsigned char order[4];             /* which of them stands where in the bytes */
    unsigned n;
};

/* Zero-initialised is empty. The fields are collected in the front_request itself. */
struct h2_request {
    struct h2_pseudo pseudo;
    struct buf bytes;
    size_t weight; /* bytes as RFC 9113 6.5.2 counts them */
    bool too_big;
    bool expects_continue;
};

struct h2_fault {
    int status; /* 0: none */
    const char *sentence;
};

/* Over the caps nothing more is kept. */
void h2_request_add(struct h2_request *r, struct front_request *q, struct str name,
                    struct str value);
/* The head is whole: method, target, authority, fields and content_length of *q point into r, or
 * something is wrong. */
struct h2_fault h2_request_end(struct h2_request *r, struct front_request *q);
void h2_request_fini(struct h2_request *r);

#endif
