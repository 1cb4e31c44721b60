/* SPDX-License-Identifier: Apache-2.0
 *
 * The PROXY protocol's header, versions 1 and 2: what a balancer puts before the client's bytes to
 * say who the client is (HAProxy's proxy-protocol.txt of 2020-03-05). Strict: a listener that
 * expects it expects nothing else. Pure.
 */
#ifndef WEIR_NET_PROXY_HEADER_H
#define WEIR_NET_PROXY_HEADER_H

#include "weir/base/err.h"
#include "weir/base/str.h"
#include "weir/net/sock.h"

#include <sys/types.h>

/* Addresses and what load balancers add to them (AWS NLB: an endpoint id) fit many times. */
enum { PROXY_HEADER_MOST = 1024 };

struct proxy_header {
    bool has_source; /* false: the balancer speaks for itself, or of something that is not TCP */
    char source[SOCK_ADDR_TEXT]; /* "192.0.2.1:4711" */
};

/* Length of the header once it is whole; 0 for more bytes; ERR_BAD as soon as it cannot become
 * one. */
MUST_CHECK ssize_t proxy_header_read(struct str bytes, struct proxy_header *out);

#endif
