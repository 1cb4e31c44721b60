/* SPDX-License-Identifier: Apache-2.0
 *
 * The addresses of one origin and what we know of them: an address that could not be connected is
 * left out for 1 s, then 2, 4 ... 30 s. When its time is over one connection goes there on trial,
 * beside the one that is needed, and readmits it. When every address is out they are all tried.
 * Plain memory: no sockets, and the time is an argument.
 */
#ifndef WEIR_SRC_NET_ADDRS_H
#define WEIR_SRC_NET_ADDRS_H

#include "weir/net/dns.h"

#include <stdbool.h>
#include <stdint.h>

struct addr {
    struct sockaddr_storage at;
    unsigned failures; /* in a row; 0: in use */
    int64_t out_until_ms;
    bool on_trial;
};

struct addrs {
    struct addr at[DNS_MOST];
    size_t n;
    unsigned turn; /* whose turn it is to be first */
};

/* Bytes of the address that count. */
socklen_t addrs_len(const struct sockaddr_storage *a);

/* The resolver's answer; what is known about addresses that stay, stays. */
void addrs_update(struct addrs *a, const struct dns_answer *found);
/* In what order to try them: those in use, another one first each time, then those that are out. */
size_t addrs_order(struct addrs *a, struct sockaddr_storage out[DNS_MOST]);
/* True when some address is in use and another's time is over: try that one, and say how it went.
 * Only one trial of an address at a time. */
bool addrs_trial(struct addrs *a, int64_t now_ms, struct sockaddr_storage *out);

void addrs_failed(struct addrs *a, const struct sockaddr_storage *at, int64_t now_ms);
void addrs_worked(struct addrs *a, const struct sockaddr_storage *at);
/* A trial that ended without a verdict. */
void addrs_trial_over(struct addrs *a, const struct sockaddr_storage *at);
unsigned addrs_out(const struct addrs *a);

#endif
