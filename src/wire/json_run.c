/* SPDX-License-Identifier: Apache-2.0
 *
 * The instruction sets under json_run_block.h: for each, how 64 bytes are loaded and compared.
 * AVX2 is asked for at run time, so that one program runs on every x86-64; SSE2 and NEON are
 * part of their architectures. There is no lookup table and no state.
 */
#include "json_run.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* --- any CPU: eight plain bytes at a time; the rest is for the exact reader */

size_t json_run_words(const unsigned char *p, size_t n)
{
    const uint64_t ones = 0x0101010101010101ull;
    size_t at = 0;
    for (; n - at >= 8; at += 8) {
        uint64_t w;
        memcpy(&w, p + at, 8);
        /* What is too small borrows and gets its top bit set. Its neighbour may then get it too,
         * but there is a mark here already. */
        uint64_t control = w - ones * 0x20, quote = (w ^ ones * '"') - ones;
        uint64_t slash = (w ^ ones * '\\') - ones;
        if ((control | quote | slash | w) & ones * 0x80)
            break;
    }
    return at;
}

#if defined(__x86_64__)
#include <immintrin.h>

/* --- SSE2 */

struct block_sse2 {
    __m128i v[4];
};

static inline struct block_sse2 load_sse2(const unsigned char *p)
{
    const __m128i *from = (const __m128i *)(const void *)p;
    return (struct block_sse2){{_mm_loadu_si128(from), _mm_loadu_si128(from + 1),
                                _mm_loadu_si128(from + 2), _mm_loadu_si128(from + 3)}};
}

static inline uint64_t gather_sse2(__m128i a, __m128i b, __m128i c, __m128i d)
{
    return (uint64_t)(unsigned)_mm_movemask_epi8(a) |
           (uint64_t)(unsigned)_mm_movemask_epi8(b) << 16 |
           (uint64_t)(unsigned)_mm_movemask_epi8(c) << 32 |
           (uint64_t)(unsigned)_mm_movemask_epi8(d) << 48;
}

static inline uint64_t same_sse2(const struct block_sse2 *b, signed char c)
{
    __m128i with = _mm_set1_epi8(c);
    return gather_sse2(_mm_cmpeq_epi8(b->v[0], with), _mm_cmpeq_epi8(b->v[1], with),
                       _mm_cmpeq_epi8(b->v[2], with), _mm_cmpeq_epi8(b->v[3], with));
}

static inline uint64_t over_sse2(const struct block_sse2 *b, signed char c)
{
    __m128i with = _mm_set1_epi8(c);
    return gather_sse2(_mm_cmpgt_epi8(b->v[0], with), _mm_cmpgt_epi8(b->v[1], with),
                       _mm_cmpgt_epi8(b->v[2], with), _mm_cmpgt_epi8(b->v[3], with));
}

static inline __m128i mark_sse2(__m128i v)
{
    __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(32));
    __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    return _mm_or_si128(low, _mm_or_si128(quote, slash));
}

static inline uint64_t marks_sse2(const struct block_sse2 *b)
{
    return gather_sse2(mark_sse2(b->v[0]), mark_sse2(b->v[1]), mark_sse2(b->v[2]),
                       mark_sse2(b->v[3]));
}

#define RUN(name) name##_sse2
#define RUN_TARGET
#include "json_run_block.h"

/* --- AVX2 */

#define AVX2 __attribute__((target("avx2,bmi")))

struct block_avx2 {
    __m256i low, high;
};

AVX2 static inline struct block_avx2 load_avx2(const unsigned char *p)
{
    const __m256i *from = (const __m256i *)(const void *)p;
    return (struct block_avx2){_mm256_loadu_si256(from), _mm256_loadu_si256(from + 1)};
}

AVX2 static inline uint64_t gather_avx2(__m256i low, __m256i high)
{
    return (uint64_t)(unsigned)_mm256_movemask_epi8(low) |
           (uint64_t)(unsigned)_mm256_movemask_epi8(high) << 32;
}

AVX2 static inline uint64_t same_avx2(const struct block_avx2 *b, signed char c)
{
    __m256i with = _mm256_set1_epi8(c);
    return gather_avx2(_mm256_cmpeq_epi8(b->low, with), _mm256_cmpeq_epi8(b->high, with));
}

AVX2 static inline uint64_t over_avx2(const struct block_avx2 *b, signed char c)
{
    __m256i with = _mm256_set1_epi8(c);
    return gather_avx2(_mm256_cmpgt_epi8(b->low, with), _mm256_cmpgt_epi8(b->high, with));
}

AVX2 static inline __m256i mark_avx2(__m256i v)
{
    __m256i low = _mm256_cmpgt_epi8(_mm256_set1_epi8(32), v);
    __m256i quote = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"'));
    __m256i slash = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\'));
    return _mm256_or_si256(low, _mm256_or_si256(quote, slash));
}

AVX2 static inline uint64_t marks_avx2(const struct block_avx2 *b)
{
    return gather_avx2(mark_avx2(b->low), mark_avx2(b->high));
}

#define RUN(name)  name##_avx2
#define RUN_TARGET AVX2
#include "json_run_block.h"

size_t (*json_run_best(void))(const unsigned char *, size_t)
{
    bool quick = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
    return quick ? json_run_avx2 : json_run_sse2;
}

#elif defined(__aarch64__)
#include <arm_neon.h>

/* --- NEON */

struct block_neon {
    int8x16_t v[4];
};

static inline struct block_neon load_neon(const unsigned char *p)
{
    const int8_t *from = (const int8_t *)p;
    return (struct block_neon){
        {vld1q_s8(from), vld1q_s8(from + 16), vld1q_s8(from + 32), vld1q_s8(from + 48)}};
}

/* Each byte keeps one bit of its own, then neighbours are added until eight are in one. */
static inline uint64_t gather_neon(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d)
{
    const uint8x16_t bits = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t low = vpaddq_u8(vandq_u8(a, bits), vandq_u8(b, bits));
    uint8x16_t high = vpaddq_u8(vandq_u8(c, bits), vandq_u8(d, bits));
    low = vpaddq_u8(low, high);
    low = vpaddq_u8(low, low);
    return vgetq_lane_u64(vreinterpretq_u64_u8(low), 0);
}

static inline uint64_t same_neon(const struct block_neon *b, signed char c)
{
    int8x16_t with = vdupq_n_s8(c);
    return gather_neon(vceqq_s8(b->v[0], with), vceqq_s8(b->v[1], with), vceqq_s8(b->v[2], with),
                       vceqq_s8(b->v[3], with));
}

static inline uint64_t over_neon(const struct block_neon *b, signed char c)
{
    int8x16_t with = vdupq_n_s8(c);
    return gather_neon(vcgtq_s8(b->v[0], with), vcgtq_s8(b->v[1], with), vcgtq_s8(b->v[2], with),
                       vcgtq_s8(b->v[3], with));
}

static inline uint8x16_t mark_neon(int8x16_t v)
{
    uint8x16_t low = vcltq_s8(v, vdupq_n_s8(32));
    uint8x16_t quote = vceqq_s8(v, vdupq_n_s8('"'));
    uint8x16_t slash = vceqq_s8(v, vdupq_n_s8('\\'));
    return vorrq_u8(low, vorrq_u8(quote, slash));
}

static inline uint64_t marks_neon(const struct block_neon *b)
{
    return gather_neon(mark_neon(b->v[0]), mark_neon(b->v[1]), mark_neon(b->v[2]),
                       mark_neon(b->v[3]));
}

#define RUN(name) name##_neon
#define RUN_TARGET
#include "json_run_block.h"

size_t (*json_run_best(void))(const unsigned char *, size_t)
{
    return json_run_neon;
}

#else

size_t (*json_run_best(void))(const unsigned char *, size_t)
{
    return json_run_words;
}

#endif
