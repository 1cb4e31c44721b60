/* SPDX-License-Identifier: Apache-2.0
 *
 * The only file that knows a digest library. SHA-256 goes to OpenSSL's SHA256_* functions: they
 * are marked deprecated in 3.0, but they reach the same assembly as EVP without its fetch, locks
 * and allocations, which at 1 KB cost more than the hash. CRC-32 is zlib's.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "weir/base/digest.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <zlib.h>

static_assert(sizeof(SHA256_CTX) <= sizeof(struct sha256), "the door keeps room for SHA256_CTX");

static SHA256_CTX *ctx(struct sha256 *h)
{
    return (SHA256_CTX *)(void *)h->state;
}

void sha256_init(struct sha256 *h)
{
    SHA256_Init(ctx(h));
}

void sha256_add(struct sha256 *h, struct str bytes)
{
    if (bytes.len)
        SHA256_Update(ctx(h), bytes.ptr, bytes.len);
}

void sha256_end(struct sha256 *h, unsigned char out[SHA256_BYTES])
{
    SHA256_Final(out, ctx(h));
}

void sha256_of(struct str bytes, unsigned char out[SHA256_BYTES])
{
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, bytes);
    sha256_end(&h, out);
}

static void to_hex(const unsigned char *bytes, size_t n, char *out)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = hex[bytes[i] >> 4];
        out[2 * i + 1] = hex[bytes[i] & 15];
    }
}

void sha256_hex(const unsigned char digest[SHA256_BYTES], char out[SHA256_HEX])
{
    to_hex(digest, SHA256_BYTES, out);
}

void sha1_hex(struct str bytes, char out[SHA1_HEX])
{
    unsigned char digest[SHA_DIGEST_LENGTH];
    SHA1((const unsigned char *)(bytes.ptr ? bytes.ptr : ""), bytes.len, digest);
    to_hex(digest, sizeof digest, out);
}

static void begin_with(struct sha256 *h, unsigned char block[HMAC_BLOCK_BYTES], unsigned char pad)
{
    for (size_t i = 0; i < HMAC_BLOCK_BYTES; i++)
        block[i] ^= pad;
    sha256_init(h);
    sha256_add(h, str_from((char *)block, HMAC_BLOCK_BYTES));
}

void hmac_key_init(struct hmac_key *k, struct str key)
{
    unsigned char block[HMAC_BLOCK_BYTES] = {0};
    if (key.len > sizeof block)
        sha256_of(key, block);
    else if (key.len)
        memcpy(block, key.ptr, key.len);
    begin_with(&k->inner, block, 0x36);
    begin_with(&k->outer, block, 0x36 ^ 0x5c);
    secret_wipe(block, sizeof block);
}

void hmac_key_sign(const struct hmac_key *k, struct str bytes, unsigned char out[SHA256_BYTES])
{
    struct sha256 h = k->inner;
    sha256_add(&h, bytes);
    sha256_end(&h, out);
    h = k->outer;
    sha256_add(&h, str_from((char *)out, SHA256_BYTES));
    sha256_end(&h, out);
    secret_wipe(&h, sizeof h);
}

void hmac_sha256(struct str key, struct str bytes, unsigned char out[SHA256_BYTES])
{
    struct hmac_key k;
    hmac_key_init(&k, key);
    hmac_key_sign(&k, bytes, out);
    secret_wipe(&k, sizeof k);
}

uint32_t crc32_add(uint32_t crc, struct str bytes)
{
    return (uint32_t)crc32_z(crc, (const unsigned char *)bytes.ptr, bytes.len);
}

bool digest_equal(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}

void secret_wipe(void *ptr, size_t n)
{
    OPENSSL_cleanse(ptr, n);
}
