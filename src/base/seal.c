/* SPDX-License-Identifier: Apache-2.0
 *
 * AES-256-GCM by OpenSSL's EVP, one message at a time:
 *
 *     | nonce, 12 | ciphertext, as long as the text | tag, 16 |
 *
 * A nonce is random: with one key 2^32 of them are safe, and a ring has thousands. The cipher is
 * looked up once; what EVP keeps of the key is overwritten when its context is freed. EVP fails
 * here only without memory or without AES in the library: neither can be gone on from.
 */
#include "weir/base/seal.h"

#include "weir/base/digest.h"
#include "weir/base/random.h"

#include <assert.h>
#include <limits.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static EVP_CIPHER *cipher;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void need(bool good)
{
    if (good)
        return;
    fputs("weir: OpenSSL does not give AES-256-GCM\n", stderr);
    abort();
}

static void fetch(void)
{
    cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    need(cipher);
}

static EVP_CIPHER_CTX *begin(const unsigned char *key, const unsigned char *nonce, struct str about,
                             int encrypt)
{
    int n;
    pthread_once(&fetched, fetch);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    assert(about.len <= INT_MAX);
    need(ctx && EVP_CipherInit_ex2(ctx, cipher, key, nonce, encrypt, NULL) == 1);
    need(about.len == 0 ||
         EVP_CipherUpdate(ctx, NULL, &n, (const unsigned char *)about.ptr, (int)about.len) == 1);
    return ctx;
}

/* An empty text is no update at all: to EVP a NULL output would mean more of `about`. */
static void run(EVP_CIPHER_CTX *ctx, const void *from, size_t len, unsigned char *to)
{
    int n = 0;
    assert(len <= INT_MAX);
    need(len == 0 || (EVP_CipherUpdate(ctx, to, &n, from, (int)len) == 1 && n == (int)len));
}

void seal_close(const unsigned char key[SEAL_KEY_BYTES], struct str about, struct str text,
                struct buf *out)
{
    size_t whole = SEAL_NONCE_BYTES + text.len + SEAL_TAG_BYTES;
    unsigned char *nonce = (unsigned char *)buf_reserve(out, whole);
    int n;
    if (!nonce)
        return;
    unsigned char *sealed = nonce + SEAL_NONCE_BYTES, *tag = sealed + text.len;
    random_bytes(nonce, SEAL_NONCE_BYTES);
    EVP_CIPHER_CTX *ctx = begin(key, nonce, about, 1);
    run(ctx, text.ptr, text.len, sealed);
    need(EVP_CipherFinal_ex(ctx, tag, &n) == 1 &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_BYTES, tag) == 1);
    EVP_CIPHER_CTX_free(ctx);
    buf_commit(out, whole);
}

int seal_open(const unsigned char key[SEAL_KEY_BYTES], struct str about, struct str sealed,
              struct buf *out)
{
    unsigned char tag[SEAL_TAG_BYTES];
    int n;
    if (sealed.len < SEAL_NONCE_BYTES + SEAL_TAG_BYTES)
        return ERR_BAD;
    size_t len = sealed.len - SEAL_NONCE_BYTES - SEAL_TAG_BYTES;
    char *text = buf_reserve(out, len + 1);
    if (!text)
        return ERR_TOO_BIG;
    memcpy(tag, sealed.ptr + SEAL_NONCE_BYTES + len, sizeof tag);
    EVP_CIPHER_CTX *ctx = begin(key, (const unsigned char *)sealed.ptr, about, 0);
    run(ctx, sealed.ptr + SEAL_NONCE_BYTES, len, (unsigned char *)text);
    need(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_BYTES, tag) == 1);
    bool good = EVP_CipherFinal_ex(ctx, (unsigned char *)text + len, &n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (good)
        buf_commit(out, len);
    else
        secret_wipe(text, len);
    return good ? 0 : ERR_BAD;
}
