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

void hmac_sha256(struct str key, struct str bytes, unsigned char out[SHA256_BYTES])
{
    unsigned char block[HMAC_BLOCK_BYTES] = {0};
    if (key.len > sizeof block)
        sha256_of(key, block);
    else if (key.len)
        memcpy(block, key.ptr, key.len);

    struct sha256 h;
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36;
    sha256_init(&h);
    sha256_add(&h, str_from((char *)block, sizeof block));
    sha256_add(&h, bytes);
    sha256_end(&h, out);

    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36 ^ 0x5c;
    sha256_init(&h);
    sha256_add(&h, str_from((char *)block, sizeof block));
    sha256_add(&h, str_from((char *)out, SHA256_BYTES));
    sha256_end(&h, out);
    secret_wipe(block, sizeof block);
    secret_wipe(&h, sizeof h);
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
