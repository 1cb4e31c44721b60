/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole numbers as bytes, seven bits in each, the lowest first: small ones take one byte. What the
 * book stores is made of them.
 */
#ifndef WEIR_BASE_VARINT_H
#define WEIR_BASE_VARINT_H

#include "weir/base/str.h"

enum { VARINT_MOST = 10 }; /* bytes of one */

/* `at` has room for VARINT_MOST; returns the byte behind. */
static inline char *varint_put(char *at, uint64_t n)
{
    for (; n > 127; n >>= 7)
        *at++ = (char)(n | 128);
    *at++ = (char)n;
    return at;
}

/* Takes one off the front of *in; false, with *in untouched, when there is none that fits. */
static inline bool varint_take(struct str *in, uint64_t *out)
{
    uint64_t n = 0;
    for (size_t i = 0; i < in->len && i < VARINT_MOST; i++) {
        unsigned char c = (unsigned char)in->ptr[i];
        if (i == VARINT_MOST - 1 && c > 1)
            return false;
        n |= (uint64_t)(c & 127) << (7 * i);
        if (c < 128) {
            *in = (struct str){in->ptr + i + 1, in->len - i - 1};
            *out = n;
            return true;
        }
    }
    return false;
}

#endif
