/* SPDX-License-Identifier: Apache-2.0
 *
 * Bedrock's prompt cache as it is published: what a request reads, what it writes, and what it pays
 * in full.
 *
 *     blocks   t0  t1* s0* m0  m1  m2*          * marker
 *              [ read    ][ written   ][ rest: plain input ]
 *                        ^ longest cached prefix within 20 blocks before a marker
 *
 * A prefix shorter than the model's minimum is never cached. A hit starts its TTL anew. Entries
 * belong to an account and a model id as it was written.
 */
#ifndef SIM_PROMPTCACHE_H
#define SIM_PROMPTCACHE_H

#include "prompt.h"

enum { PROMPTCACHE_LOOK_BACK = 20 }; /* places looked at per marker, itself included */

struct promptcache_entry {
    unsigned char key[PROMPT_HASH];
    int64_t expires_ms; /* 0: an empty slot */
    int64_t ttl_ms;
};

struct promptcache {
    struct promptcache_entry *slots; /* open addressing */
    size_t n, cap;
};

struct promptcache_use {
    uint64_t read, write_5m, write_30m, write_1h, plain;
};

void promptcache_fini(struct promptcache *c);
/* Settles one request at this time: looks up, refreshes, writes. */
void promptcache_settle(struct promptcache *c, const struct prompt *p, struct str account,
                        struct str model_id, int64_t now_ms, struct promptcache_use *out);

#endif
