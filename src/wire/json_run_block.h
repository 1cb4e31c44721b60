/* SPDX-License-Identifier: Apache-2.0
 *
 * A template, included once per instruction set by json_run.c, which defines before:
 *
 *     RUN(name)           the name with the set's ending
 *     RUN_TARGET          its target attribute, or nothing
 *     struct RUN(block)   64 bytes in registers
 *     RUN(load)           loads one
 *     RUN(same)           one bit per byte (bit 0: the first) that equals a byte,
 *     RUN(over)           that is greater than a signed byte,
 *     RUN(marks)          that is a quote, a backslash, a control byte or not ASCII
 *
 * All else is arithmetic on these masks. Bytes from 0x80 count as negative. Each block begins at
 * a unit boundary, and a unit that does not end within its block is left to the next one, so
 * nothing is carried over:
 *
 *     block   t h e _ \ n r i v e r _ \ u 0 0      next block begins here: \ u 0 0 e 9 ...
 *     first   . . . . 1 . . . . . . . 1 . . .
 *     escaped . . . . . 1 . . . . . . . 1 . .
 *     cut     . . . . . . . . . . . . 1 . . .
 */

#define RUN_INLINE static inline __attribute__((always_inline)) RUN_TARGET

/* Bits of a block: where something is wrong, and where a unit begins that the block cuts. */
struct RUN(verdict) {
    uint64_t bad, cut;
};

/* RFC 3629: every lead byte wants its continuations in the places behind it, and a continuation
 * stands nowhere else. E0, ED, F0 and F4 ask more of the byte behind them (no overlong form, no
 * surrogate, nothing over U+10FFFF). */
RUN_INLINE struct RUN(verdict) RUN(utf8)(const struct RUN(block) * b, uint64_t high)
{
    uint64_t more = high & ~RUN(over)(b, -65); /* 80..BF */
    uint64_t lead = high & ~more;
    uint64_t three = high & RUN(over)(b, -33); /* from E0 */
    uint64_t four = high & RUN(over)(b, -17);  /* from F0 */
    uint64_t from_a0 = RUN(over)(b, -97);
    uint64_t bad = more ^ (lead << 1 | three << 2 | four << 3);
    bad |= lead & ~RUN(over)(b, -63); /* C0, C1 */
    bad |= RUN(same)(b, -32) << 1 & ~from_a0;
    bad |= RUN(same)(b, -19) << 1 & from_a0;
    if (four) {
        uint64_t from_90 = RUN(over)(b, -113);
        bad |= four & RUN(over)(b, -12); /* from F5 */
        bad |= RUN(same)(b, -16) << 1 & ~from_90;
        bad |= RUN(same)(b, -12) << 1 & from_90;
    }
    uint64_t cut = (lead & 1ull << 63) | (three & 3ull << 62) | (four & 7ull << 61);
    return (struct RUN(verdict)){bad, cut};
}

RUN_INLINE uint64_t RUN(hex)(const struct RUN(block) * b)
{
    uint64_t digit = RUN(over)(b, '0' - 1) & ~RUN(over)(b, '9');
    uint64_t lower = RUN(over)(b, 'a' - 1) & ~RUN(over)(b, 'f');
    uint64_t upper = RUN(over)(b, 'A' - 1) & ~RUN(over)(b, 'F');
    return digit | lower | upper;
}

/* `escaped` are the bytes behind a backslash that begins an escape. */
RUN_INLINE struct RUN(verdict)
    RUN(escapes)(const struct RUN(block) * b, uint64_t escaped, uint64_t slash, uint64_t quote)
{
    uint64_t u = escaped & RUN(same)(b, 'u');
    uint64_t known = u | slash | quote | RUN(same)(b, 'n') | RUN(same)(b, 't') | RUN(same)(b, '/') |
                     RUN(same)(b, 'b') | RUN(same)(b, 'f') | RUN(same)(b, 'r');
    struct RUN(verdict) v = {escaped & ~known, 0};
    if (u) {
        v.bad |= (u << 1 | u << 2 | u << 3 | u << 4) & ~RUN(hex)(b);
        v.cut = (u & 15ull << 60) >> 1;
    }
    return v;
}

/* The backslashes that begin an escape and the bytes that they escape, as one mask: in a row of
 * backslashes every second one, and the byte behind a row of odd length. From simdjson
 * (json_escape_scanner): the subtraction carries through each row. */
RUN_INLINE uint64_t RUN(escape_codes)(uint64_t slash)
{
    const uint64_t odd = 0xaaaaaaaaaaaaaaaaull;
    return ((slash << 1 | odd) - slash) ^ odd;
}

/* A block with a mark in it: how far its good bytes reach, and whether the run ends there. */
RUN_INLINE size_t RUN(marked)(const struct RUN(block) * b, bool *ended)
{
    uint64_t quote = RUN(same)(b, '"'), slash = RUN(same)(b, '\\');
    uint64_t high = ~RUN(over)(b, -1), bad = ~RUN(over)(b, 31) & ~high, cut = 0;
    struct RUN(verdict) escape = {0, 0}, utf8 = {0, 0};
    if (slash) {
        uint64_t codes = RUN(escape_codes)(slash), escaped = codes ^ slash;
        escape = RUN(escapes)(b, escaped, slash, quote);
        cut = codes & slash & 1ull << 63;
        quote &= ~escaped;
    }
    if (high)
        utf8 = RUN(utf8)(b, high);
    bad |= escape.bad | utf8.bad;
    cut |= escape.cut | utf8.cut;
    /* What is wrong behind the closing quote is not the string's. */
    bad &= quote ^ (quote - 1);
    *ended = bad || quote;
    if (bad)
        return 0;
    if (quote)
        return (size_t)__builtin_ctzll(quote);
    return cut ? (size_t)__builtin_ctzll(cut) : 64;
}

/* Kept out of the plain loop: its many constants are not loaded for a plain string. */
RUN_TARGET static __attribute__((noinline)) size_t RUN(run_marked)(const unsigned char *p, size_t n)
{
    size_t at = 0;
    for (bool ended = false; !ended && n - at >= 64;) {
        struct RUN(block) b = RUN(load)(p + at);
        at += RUN(marks)(&b) ? RUN(marked)(&b, &ended) : 64;
    }
    return at;
}

RUN_TARGET size_t RUN(json_run)(const unsigned char *p, size_t n)
{
    for (size_t at = 0; n - at >= 64; at += 64) {
        struct RUN(block) b = RUN(load)(p + at);
        uint64_t marks = RUN(marks)(&b);
        if (!marks)
            continue;
        size_t first = at + (size_t)__builtin_ctzll(marks);
        return p[first] == '"' ? first : at + RUN(run_marked)(p + at, n - at);
    }
    return n & ~(size_t)63;
}

#undef RUN_INLINE
#undef RUN_TARGET
#undef RUN
