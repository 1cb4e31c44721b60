/* SPDX-License-Identifier: Apache-2.0
 *
 * How HTTP/1 text is walked fast: runs of ordinary bytes in steps of 16 where the machine has
 * SSE2, names through a table that checks and lower-cases at once. Private to the room.
 */
#ifndef WEIR_WIRE_HTTP1_TEXT_H
#define WEIR_WIRE_HTTP1_TEXT_H

#include "weir/wire/http1.h"

#include <stdbool.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* RFC 9110 5.6.2: a token's byte, lower-cased; 0 for every other byte. */
extern const unsigned char http1_token_lower[256];

/* Any byte of a line but CR, LF and the other controls; tab and bytes from 0x80 are text. */
static inline bool http1_is_text(unsigned char c)
{
    return (c >= 0x20 && c != 0x7f) || c == '\t';
}

/* The first byte that is not text, or `end`. */
static inline const char *http1_skip_text(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i low = _mm_set1_epi8(0x1f), tab = _mm_set1_epi8('\t'), del = _mm_set1_epi8(0x7f);
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, low), v);
        control = _mm_andnot_si128(_mm_cmpeq_epi8(v, tab), control);
        int hit = _mm_movemask_epi8(_mm_or_si128(control, _mm_cmpeq_epi8(v, del)));
        if (hit)
            return p + __builtin_ctz((unsigned)hit);
    }
#endif
    while (p < end && http1_is_text((unsigned char)*p))
        p++;
    return p;
}

static inline int http1_refuse(struct http1_fault *fault, int status, const char *sentence)
{
    *fault = (struct http1_fault){status, sentence};
    return ERR_BAD;
}

#endif
