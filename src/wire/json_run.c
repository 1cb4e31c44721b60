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

/* --- any CPU: the compiler's vectors, and a multiplication that gathers eight marks */

typedef signed char plain_vector __attribute__((vector_size(16)));

struct block_plain {
    plain_vector v[4];
};

static inline struct block_plain load_plain(const unsigned char *p)
{
    struct block_plain b;
    memcpy(&b, p, 64);
    return b;
}

/* The top bits of eight bytes, the first byte's lowest. */
static inline uint64_t top_bits(const char *eight)
{
    uint64_t x;
    memcpy(&x, eight, 8);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return (x & 0x8080808080808080ull) * 0x0002040810204081ull >> 56;
}

static inline uint64_t gather_plain(const struct block_plain *truth)
{
    uint64_t mask = 0;
    for (int i = 0; i < 8; i++)
        mask |= top_bits((const char *)truth + 8 * i) << (8 * i);
    return mask;
}

static inline uint64_t same_plain(const struct block_plain *b, signed char c)
{
    struct block_plain truth;
    for (int i = 0; i < 4; i++)
        truth.v[i] = (plain_vector)(b->v[i] == c);
    return gather_plain(&truth);
}

static inline uint64_t over_plain(const struct block_plain *b, signed char c)
{
    struct block_plain truth;
    for (int i = 0; i < 4; i++)
        truth.v[i] = (plain_vector)(b->v[i] > c);
    return gather_plain(&truth);
}

static inline uint64_t marks_plain(const struct block_plain *b)
{
    struct block_plain truth;
    for (int i = 0; i < 4; i++)
        truth.v[i] = (plain_vector)((b->v[i] < 32) | (b->v[i] == '"') | (b->v[i] == '\\'));
    return gather_plain(&truth);
}

#define RUN(name) name##_plain
#define RUN_TARGET
#include "json_run_block.h"

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
    return json_run_plain;
}

#endif
