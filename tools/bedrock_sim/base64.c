/* SPDX-License-Identifier: Apache-2.0
 *
 * Three bytes in four letters.
 */
#include "base64.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(struct buf *out, struct str bytes)
{
    size_t full = (bytes.len + 2) / 3 * 4;
    char *at = buf_reserve(out, full);
    const unsigned char *s = (const unsigned char *)bytes.ptr;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        unsigned v = (unsigned)s[i] << 16 | (left > 1 ? (unsigned)s[i + 1] << 8 : 0) |
                     (left > 2 ? s[i + 2] : 0);
        *at++ = letters[v >> 18];
        *at++ = letters[v >> 12 & 63];
        *at++ = left > 1 ? letters[v >> 6 & 63] : '=';
        *at++ = left > 2 ? letters[v & 63] : '=';
    }
    buf_commit(out, full);
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(struct buf *out, struct str text)
{
    if (text.len % 4)
        return false;
    for (size_t i = 0; i < text.len; i += 4) {
        const char *q = text.ptr + i;
        bool last = i + 4 == text.len;
        int pad = last && q[3] == '=' ? (q[2] == '=' ? 2 : 1) : 0;
        int a = value_of(q[0]), b = value_of(q[1]);
        int c = pad > 1 ? 0 : value_of(q[2]), d = pad > 0 ? 0 : value_of(q[3]);
        if (a < 0 || b < 0 || c < 0 || d < 0)
            return false;
        char three[3] = {(char)(a << 2 | b >> 4), (char)(b << 4 | c >> 2), (char)(c << 6 | d)};
        buf_add(out, (struct str){three, (size_t)(3 - pad)});
    }
    return true;
}
