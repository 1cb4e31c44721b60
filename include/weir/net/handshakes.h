/* SPDX-License-Identifier: Apache-2.0
 *
 * The budget of TLS handshakes: a handshake costs us a signature and some 50 KB, and its peer next
 * to nothing. So one source (an IPv4 address, or a /64 of IPv6, which is what one host gets) may
 * have only so many under way and begin only so many a second (limits.h); a flood from one address
 * is closed before it costs anything, and the others do not notice.
 *
 * Memory is fixed: no table of addresses, but two rows of accounts. An address has one account in
 * each row, by two hashes with keys of their own, and is judged by the better of the two. Who
 * shares one account with a flood still has the other; nobody can choose to share both.
 *
 * Belongs to one thread. Pure but for the keys, which are random: the time is an argument.
 */
#ifndef WEIR_NET_HANDSHAKES_H
#define WEIR_NET_HANDSHAKES_H

#include "weir/base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct handshakes;

struct handshakes *handshakes_new(int64_t now_ms);
void handshakes_free(struct handshakes *h);

/* Where a handshake is accounted. Zeroed: nowhere. */
struct handshake {
    bool under_way;
    uint16_t at[2];
};

/* A handshake of this source ("192.0.2.1:4711", "[2001:db8::1]:80") is to begin. False: its budget
 * is used up, and *out stays as it is. What is no address (a PROXY header that names none) has an
 * account as any other. */
bool handshakes_begin(struct handshakes *h, struct str source, int64_t now_ms,
                      struct handshake *out);
/* It is done, or was given up. Also for one that never began. */
void handshakes_end(struct handshakes *h, struct handshake *one);

#endif
