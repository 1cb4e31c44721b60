/* SPDX-License-Identifier: Apache-2.0
 *
 * The two tables below are all that says what is learned from. A number's width is what it may
 * hold; a feature is one number, or two that mean more together than alone.
 */
#include "cache_traits.h"

#include <math.h>

enum trait {
    /* of both */
    T_TAIL, /* a new tail; else a boundary that was seen */
    /* of a boundary that was seen */
    S_COUNT,
    S_SINCE,  /* seconds since the last visit */
    S_GAP,    /* their mean */
    S_AGE,    /* seconds a visit, since the first */
    S_AT,     /* the deepest that is known; the end of the prompt */
    S_DEEPER, /* share of visits that went on the same way */
    S_TAILS,  /* how many tails hang here, and come back */
    S_TURN,
    S_HUNG,
    S_DEPTH,
    /* of a tail */
    N_TURN,
    N_LENGTH, /* of the prompt */
    N_NEW,    /* of the tail */
    N_SINCE,
    N_GAP,
    N_TAILS,  /* as S_TAILS, of the parent */
    N_BRANCH, /* ... of the branch */
    N_BEFORE_END,
    N_KNOWN,
    N_HUNG,
    N_WORKLOAD,
    TRAITS,
    NONE = TRAITS
};

static const struct {
    unsigned char at, bits;
} layout[TRAITS] = {
    [T_TAIL] = {0, 1},   [S_COUNT] = {1, 3},     [S_SINCE] = {4, 4},       [S_GAP] = {8, 4},
    [S_AGE] = {12, 4},   [S_AT] = {16, 2},       [S_DEEPER] = {18, 3},     [S_TAILS] = {21, 5},
    [S_TURN] = {26, 3},  [S_HUNG] = {29, 2},     [S_DEPTH] = {31, 4},      [N_TURN] = {1, 3},
    [N_LENGTH] = {4, 4}, [N_NEW] = {8, 4},       [N_SINCE] = {12, 4},      [N_GAP] = {16, 4},
    [N_TAILS] = {20, 5}, [N_BRANCH] = {25, 5},   [N_BEFORE_END] = {30, 3}, [N_KNOWN] = {33, 2},
    [N_HUNG] = {35, 2},  [N_WORKLOAD] = {37, 5},
};

struct feature {
    unsigned char a, b; /* enum trait */
    bool timed;
};

static const struct feature seen_features[] = {
    {T_TAIL, NONE, true},       {S_COUNT, NONE, false},  {S_SINCE, NONE, true},
    {S_GAP, NONE, true},        {S_AGE, NONE, true},     {S_AT, NONE, false},
    {S_DEEPER, S_COUNT, false}, {S_TAILS, NONE, false},  {S_COUNT, S_SINCE, false},
    {S_COUNT, S_AGE, false},    {S_TURN, S_HUNG, false}, {S_DEPTH, NONE, false},
};

static const struct feature tail_features[] = {
    {T_TAIL, NONE, true},        {N_TURN, NONE, false},     {N_LENGTH, NONE, false},
    {N_NEW, NONE, false},        {N_SINCE, NONE, true},     {N_GAP, NONE, true},
    {N_TURN, N_LENGTH, false},   {N_TURN, N_SINCE, false},  {N_TURN, N_NEW, false},
    {N_TAILS, NONE, false},      {N_BRANCH, N_TURN, false}, {N_BEFORE_END, NONE, false},
    {N_NEW, N_LENGTH, false},    {N_KNOWN, N_TURN, false},  {N_HUNG, N_KNOWN, false},
    {N_WORKLOAD, N_TURN, false},
};

enum {
    N_SEEN = sizeof seen_features / sizeof *seen_features,
    N_TAIL = sizeof tail_features / sizeof *tail_features
};
_Static_assert((int)N_SEEN <= (int)TRAITS_FEATURES_MOST && (int)N_TAIL <= (int)TRAITS_FEATURES_MOST,
               "room for all");

/* floor(log2(x + 1)), at most `most`. */
static unsigned size_class(float x, unsigned most)
{
    int e;
    if (!(x > 0))
        return 0;
    frexpf(x + 1, &e);
    return (unsigned)e - 1 < most ? (unsigned)e - 1 : most;
}

static uint64_t put(enum trait t, unsigned value)
{
    unsigned most = (1U << layout[t].bits) - 1;
    return (uint64_t)(value < most ? value : most) << layout[t].at;
}

static unsigned get(uint64_t traits, unsigned t)
{
    return t == NONE ? 0 : (unsigned)(traits >> layout[t].at) & ((1U << layout[t].bits) - 1);
}

static float seconds(uint32_t from, uint32_t now)
{
    return now > from ? (float)(now - from) * (PREFIX_TICK_MS / 1000.0F) : 0;
}

/* 0: nobody; 1: nothing hangs there yet; then by how many there are, and quarters of them. */
static unsigned tails(const struct prefix *p)
{
    if (!p)
        return 0;
    if (!p->hung)
        return 1;
    unsigned came = p->came < p->hung ? p->came : p->hung;
    return 2 + (size_class(p->hung, 3) - 1) * 5 + 4 * came / p->hung;
}

/* 0: not known. */
static unsigned gap_size(float s)
{
    return s > 0 ? 1 + size_class(s, 11) : 0;
}

uint64_t traits_seen(const struct prefix *was, uint32_t now, bool full, bool deepest,
                     unsigned deeper, uint32_t tokens)
{
    unsigned count = was->count ? was->count : 1;
    unsigned share = deeper ? (deeper < count ? 4 * deeper / count : 4) : 5;
    return put(T_TAIL, 0) | put(S_COUNT, size_class((float)count, 7)) |
           put(S_SINCE, size_class(seconds(was->last, now), 11)) | put(S_GAP, gap_size(was->gap)) |
           put(S_AGE, size_class(seconds(was->first, now) / (float)count, 12)) |
           put(S_AT, (unsigned)full | (unsigned)deepest << 1) | put(S_DEEPER, share) |
           put(S_TAILS, tails(was)) | put(S_TURN, was->turn < 6 ? was->turn : 6) |
           put(S_HUNG, was->hung) | put(S_DEPTH, size_class((float)tokens / TRAITS_UNIT_TOKENS, 8));
}

uint64_t traits_tail(const struct traits_tail *t, uint32_t now)
{
    float known = (float)t->known / TRAITS_UNIT_TOKENS;
    float length = (float)t->tokens / TRAITS_UNIT_TOKENS;
    return put(T_TAIL, 1) | put(N_TURN, t->turn) | put(N_LENGTH, size_class(length, 8)) |
           put(N_NEW, size_class(length - known, 8)) |
           put(N_SINCE, t->parent ? 1 + size_class(seconds(t->parent->last, now), 11) : 0) |
           put(N_GAP, gap_size(t->line_gap)) | put(N_TAILS, tails(t->parent)) |
           put(N_BRANCH, tails(t->branch)) | put(N_BEFORE_END, t->before_end) |
           put(N_KNOWN, (unsigned)known) | put(N_HUNG, t->parent ? t->parent->hung : 0) |
           put(N_WORKLOAD, t->workload & 31);
}

bool traits_are_tail(uint64_t traits)
{
    return get(traits, T_TAIL);
}

bool traits_go_on(uint64_t traits)
{
    return traits_are_tail(traits) && get(traits, N_TURN) > 0;
}

/* Murmur3's finish (Appleby, 2011): few numbers, spread over all places. */
static uint32_t spread(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x85EBCA6BU;
    x ^= x >> 13;
    x *= 0xC2B2AE35U;
    return x ^ x >> 16;
}

size_t traits_places(uint64_t traits, unsigned set, bool timed, size_t places, uint16_t *out)
{
    bool tail = get(traits, T_TAIL);
    const struct feature *f = tail ? tail_features : seen_features;
    size_t n = tail ? N_TAIL : N_SEEN, found = 0;
    for (size_t i = 0; i < n; i++) {
        if (timed && !f[i].timed)
            continue;
        uint32_t what = set << 24 | (uint32_t)(tail << 4 | (int)i) << 16 |
                        get(traits, f[i].a) << 8 | get(traits, f[i].b);
        out[found++] = (uint16_t)(spread(what) & (places - 1));
    }
    return found;
}
