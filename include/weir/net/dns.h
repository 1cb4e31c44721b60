/* SPDX-License-Identifier: Apache-2.0
 *
 * Names to addresses, off the loop's path (c-ares on the loop's own descriptors), with a cache:
 * answers are kept for their TTL (at least 1 s, at most 60 s), and when the resolver fails the last
 * good answer serves for 5 minutes more. Address literals and "localhost" never ask anybody.
 */
#ifndef WEIR_NET_DNS_H
#define WEIR_NET_DNS_H

#include "weir/base/str.h"
#include "weir/net/loop.h"

#include <sys/socket.h>

enum { DNS_MOST = 16 };

struct dns;

struct dns_answer {
    size_t n; /* 0: `error` says why */
    /* Port filled in; IPv6 and IPv4 alternate, IPv6 first. */
    struct sockaddr_storage addr[DNS_MOST];
    const char *error;
};

/* NULL when c-ares cannot be set up. */
struct dns *dns_new(struct loop *l);
void dns_free(struct dns *d); /* drops what is asked; no callback comes */

struct dns_query; /* freed by the resolver after its callback */

/* The callback comes from the loop, also when the cache has it, never from inside this call. */
struct dns_query *dns_resolve(struct dns *d, struct str host, uint16_t port,
                              void (*done)(void *arg, const struct dns_answer *a), void *arg);
void dns_cancel(struct dns_query *q);

/* For tests: asks these servers ("127.0.0.1:5353,...") instead of those of /etc/resolv.conf. */
void dns_use_servers(struct dns *d, const char *servers);

#endif
