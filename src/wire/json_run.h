/* SPDX-License-Identifier: Apache-2.0
 *
 * The quick part of reading a JSON string: how many bytes from `p` on are surely good inside of a
 * string, looked at in blocks of 64. It stops at the closing quote, at the last unit boundary (not
 * within an escape or a UTF-8 sequence) that whole blocks allow, or at a block with something
 * wrong in it; what stands there is for the exact reader in json_scan.c to say. So a run can only
 * accept, every run gives the same verdict, and the tests compare all of them with no run at all.
 */
#ifndef WEIR_WIRE_JSON_RUN_H
#define WEIR_WIRE_JSON_RUN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* `p` must stand at a unit boundary inside of a string. Never reads at or behind p + n. */
size_t json_run_words(const unsigned char *p, size_t n); /* any CPU: plain ASCII only */
#if defined(__x86_64__)
size_t json_run_sse2(const unsigned char *p, size_t n);
size_t json_run_avx2(const unsigned char *p, size_t n); /* only where the CPU has AVX2 */
#elif defined(__aarch64__)
size_t json_run_neon(const unsigned char *p, size_t n);
#endif

/* Most strings are short: before a run begins, the offset of the first quote, backslash, control
 * or non-ASCII byte among 32, or 32. */
static inline unsigned json_run_short(const unsigned char *p)
{
#if defined(__x86_64__)
    const __m128i *from = (const __m128i *)(const void *)p;
    uint64_t marks = 1ull << 32;
    for (int i = 0; i < 2; i++) {
        __m128i v = _mm_loadu_si128(from + i);
        __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(32));
        __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
        __m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
        __m128i mark = _mm_or_si128(low, _mm_or_si128(quote, slash));
        marks |= (uint64_t)(unsigned)_mm_movemask_epi8(mark) << (16 * i);
    }
    return (unsigned)__builtin_ctzll(marks);
#elif defined(__aarch64__)
    for (unsigned i = 0; i < 32; i += 16) {
        int8x16_t v = vld1q_s8((const int8_t *)p + i);
        uint8x16_t quote = vceqq_s8(v, vdupq_n_s8('"')), slash = vceqq_s8(v, vdupq_n_s8('\\'));
        uint8x16_t mark = vorrq_u8(vcltq_s8(v, vdupq_n_s8(32)), vorrq_u8(quote, slash));
        /* Four bits per byte: NEON has no movemask. */
        uint8x8_t nibbles = vshrn_n_u16(vreinterpretq_u16_u8(mark), 4);
        uint64_t marks = vget_lane_u64(vreinterpret_u64_u8(nibbles), 0);
        if (marks)
            return i + (unsigned)__builtin_ctzll(marks) / 4;
    }
    return 32;
#else
    unsigned i = 0;
    while (i < 32 && p[i] >= 32 && p[i] < 0x80 && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
#endif
}

/* The quickest that this CPU has. */
size_t (*json_run_best(void))(const unsigned char *p, size_t n);

#endif
