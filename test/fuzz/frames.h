/* SPDX-License-Identifier: Apache-2.0
 *
 * Checksums of event-stream frames, mended: else a fuzzer never gets behind them.
 */
#ifndef WEIR_FUZZ_FRAMES_H
#define WEIR_FUZZ_FRAMES_H

#include "weir/base/digest.h"

static inline size_t number(const char *at)
{
    const unsigned char *u = (const unsigned char *)at;
    return (size_t)u[0] << 24 | (size_t)u[1] << 16 | (size_t)u[2] << 8 | u[3];
}

static inline void put_crc(char *from, size_t len)
{
    uint32_t crc = crc32_add(0, str_from(from, len));
    for (int i = 3; i >= 0; i--, crc >>= 8)
        from[len + (size_t)i] = (char)crc;
}

static inline void mend(char *at, size_t len)
{
    while (len >= 16) {
        size_t total = number(at);
        put_crc(at, 8);
        if (total < 16 || total > len)
            return;
        put_crc(at, total - 4);
        at += total;
        len -= total;
    }
}

#endif
