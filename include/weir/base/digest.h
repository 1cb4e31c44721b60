/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256, HMAC-SHA-256, CRC-32 and one use of SHA-1: the only file that knows OpenSSL's digests.
 * A struct sha256 may be fed in slices, and copied to branch off a running hash.
 */
#ifndef WEIR_BASE_DIGEST_H
#define WEIR_BASE_DIGEST_H

#include "weir/base/str.h"

enum { SHA256_BYTES = 32, SHA256_HEX = 64, HMAC_BLOCK_BYTES = 64 };

struct sha256 {
    _Alignas(8) unsigned char state[112]; /* OpenSSL's SHA256_CTX, kept out of this door */
};

void sha256_init(struct sha256 *h);
void sha256_add(struct sha256 *h, struct str bytes);
void sha256_end(struct sha256 *h, unsigned char out[SHA256_BYTES]);

void sha256_of(struct str bytes, unsigned char out[SHA256_BYTES]);
/* Lower-case hex, 64 bytes, no NUL. */
void sha256_hex(const unsigned char digest[SHA256_BYTES], char out[SHA256_HEX]);

void hmac_sha256(struct str key, struct str bytes, unsigned char out[SHA256_BYTES]);
/* The same with a key that is used again and again: its two blocks are hashed once. It is as secret
 * as the key. */
struct hmac_key {
    struct sha256 inner, outer;
};
void hmac_key_init(struct hmac_key *k, struct str key);
void hmac_key_sign(const struct hmac_key *k, struct str bytes, unsigned char out[SHA256_BYTES]);

/* SHA-1 in lower-case hex, no NUL: AWS names the files of its SSO cache so. Not for trust. */
enum { SHA1_HEX = 40 };
void sha1_hex(struct str bytes, char out[SHA1_HEX]);

/* CRC-32 as in zlib and the event stream; start with 0 and feed on. */
uint32_t crc32_add(uint32_t crc, struct str bytes);

/* Compares in time that does not depend on the bytes. */
bool digest_equal(const void *a, const void *b, size_t n);
/* Overwrites a secret so that the compiler cannot leave it out. */
void secret_wipe(void *ptr, size_t n);

#endif
