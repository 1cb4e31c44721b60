/* SPDX-License-Identifier: Apache-2.0
 *
 * A new prompt is held against the last eight of its client and model. The one that it shares most
 * with from the beginning on says where it parts from what is known: at block d. Most prompts part
 * where they are new, at their end, and that is all.
 *
 *     before:  A B C D E         before:  A B  C D
 *     now:     A B C D E F       now:     A B' C D     d = 2: is B' nearly B?
 *
 * It is nearly the same when half of its pieces are (counted from its front or from its
 * back, since what changed may be longer or shorter now), or when it is short and what follows is
 * the same. Each block that a prompt parted at is remembered by its pieces for the next one: six
 * of them, two of one position, so that several programs of one client, and what is only new, do
 * not push each other out.
 *
 * A place at which something known stood again two hundred times in a row is volatile no more.
 */
#include "weir/plan/volatile.h"

#include "weir/base/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROMPTS = 8,
    BLOCKS = 64, /* of a prompt: what is behind them is not early */
    SUSPECTS = 6,
    SUSPECTS_EACH = 2, /* of one position */
    PIECES = 256,
    SHORT = 512,        /* a block of at most so many bytes may be another one altogether */
    TOKENS_WORTH = 256, /* behind it: less is no prefix */
    SOON_S = 3600,      /* after that nothing would be cached any more */
    PACE_S = 3600,      /* of less than that nobody can say what it is in a month */
    SURE = 3,           /* changes */
    ONE_IN = 20,        /* prompts */
    QUIET = 200,        /* prompts in a row */
    REGION_MOST = 128   /* of what changed: only its beginning says what it is */
};

struct prompt {
    uint32_t blocks[BLOCKS]; /* hash of each alone */
    uint32_t n, tools;
    int64_t at_s;
};

struct position {
    uint32_t section, message, index;
};

/* A block by its pieces, from its front and from its back. */
struct suspect {
    struct position position;
    uint32_t n, piece; /* pieces (0: nothing yet), bytes of each */
    uint64_t len, used;
    uint32_t front[PIECES], back[PIECES];
};

struct place {
    struct volatile_place seen;
    uint32_t block, quiet; /* the last of it in a prompt; prompts since it changed */
};

struct volatile_watch {
    uint64_t seed, notes;
    struct prompt prompts[PROMPTS];
    struct suspect suspects[SUSPECTS], now;
    struct place places[VOLATILE_PLACES];
};
_Static_assert(sizeof(struct volatile_watch) <= VOLATILE_BYTES, "as the door says");

struct volatile_watch *volatile_init(void *memory, uint64_t seed)
{
    struct volatile_watch *w = memory;
    assert((uintptr_t)memory % _Alignof(struct volatile_watch) == 0);
    memset(w, 0, sizeof *w);
    w->seed = seed;
    return w;
}

/* --- prompts */

static void read_prompt(const struct ask *a, int64_t now_s, struct prompt *out)
{
    out->n = (uint32_t)(a->n < BLOCKS ? a->n : BLOCKS);
    out->tools = 0;
    out->at_s = now_s;
    for (uint32_t i = 0; i < out->n; i++) {
        out->blocks[i] = (uint32_t)a->blocks[i].alone;
        out->tools += a->blocks[i].section == ASK_TOOLS;
    }
}

static uint32_t shared_from(const struct prompt *a, const struct prompt *b, uint32_t i)
{
    uint32_t n = a->n < b->n ? a->n : b->n, from = i;
    while (i < n && a->blocks[i] == b->blocks[i])
        i++;
    return i - from;
}

/* Which shares most from the beginning on; then, behind what differs; then, the newest. NULL: there
 * was none before. */
static struct prompt *nearest(struct volatile_watch *w, const struct prompt *now)
{
    struct prompt *best = NULL;
    uint32_t most = 0, most_behind = 0;
    for (size_t i = 0; i < PROMPTS; i++) {
        struct prompt *p = &w->prompts[i];
        if (p->n == 0)
            continue;
        uint32_t same = shared_from(now, p, 0), behind = shared_from(now, p, same + 1);
        bool nearer = same != most ? same > most : behind > most_behind;
        if (best && !nearer && (same != most || behind != most_behind || p->at_s < best->at_s))
            continue;
        best = p;
        most = same;
        most_behind = behind;
    }
    return best;
}

/* In place of the one that it goes on from; else of the oldest. */
static void remember(struct volatile_watch *w, struct prompt *from, const struct prompt *now)
{
    struct prompt *p = from;
    for (size_t i = 0; i < PROMPTS && !from; i++)
        if (!p || w->prompts[i].at_s < p->at_s)
            p = &w->prompts[i];
    *p = *now;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static bool are_reordered(const struct prompt *a, const struct prompt *b)
{
    uint32_t x[BLOCKS], y[BLOCKS];
    if (a->tools != b->tools || a->tools == 0)
        return false;
    memcpy(x, a->blocks, a->tools * sizeof *x);
    memcpy(y, b->blocks, b->tools * sizeof *y);
    qsort(x, a->tools, sizeof *x, by_number);
    qsort(y, b->tools, sizeof *y, by_number);
    return memcmp(x, y, a->tools * sizeof *x) == 0;
}

/* --- pieces */

static struct position position_of(const struct ask *a, uint32_t d)
{
    const struct ask_block *b = &a->blocks[d];
    uint32_t first = d;
    while (first > 0 && a->blocks[first - 1].section == b->section &&
           a->blocks[first - 1].message == b->message)
        first--;
    return (struct position){b->section, b->message, d - first};
}

/* So that 16 KiB are seen whole, and of more the first and the last 32. */
static uint32_t piece_of(size_t len)
{
    return len <= 8192 ? 32 : len <= 16384 ? 64 : 128;
}

static uint32_t hash_piece(const struct volatile_watch *w, struct str text, size_t at, uint32_t n)
{
    return (uint32_t)hash64(w->seed, str_sub(text, at, n));
}

static void cut(const struct volatile_watch *w, struct str text, struct suspect *out)
{
    uint32_t piece = piece_of(text.len);
    size_t n = text.len / piece;
    out->len = text.len;
    out->piece = piece;
    out->n = (uint32_t)(n < PIECES ? n : PIECES);
    for (uint32_t i = 0; i < out->n; i++) {
        out->front[i] = hash_piece(w, text, (size_t)i * piece, piece);
        out->back[i] = hash_piece(w, text, text.len - (size_t)(i + 1) * piece, piece);
    }
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t same_run(const uint32_t *a, const uint32_t *b, uint32_t n)
{
    uint32_t i = 0;
    while (i < n && a[i] == b[i])
        i++;
    return i;
}

static uint32_t same_at_all(const uint32_t *a, const uint32_t *b, uint32_t n)
{
    uint32_t same = 0;
    for (uint32_t i = 0; i < n; i++)
        same += a[i] == b[i];
    return same;
}

/* Pieces of both. */
static uint32_t likeness(const struct suspect *a, const struct suspect *b)
{
    uint32_t n = least(a->n, b->n);
    uint32_t front = same_at_all(a->front, b->front, n), back = same_at_all(a->back, b->back, n);
    uint32_t ends = same_run(a->front, b->front, n) + same_run(a->back, b->back, n);
    uint32_t most = front > back ? front : back;
    return least(ends > most ? ends : most, n);
}

static bool same_position(const struct suspect *a, const struct suspect *b)
{
    return memcmp(&a->position, &b->position, sizeof a->position) == 0;
}

/* The one that is most like the block at hand, of its position; NULL: none is like it. */
static struct suspect *alike(struct volatile_watch *w)
{
    struct suspect *best = NULL;
    uint32_t most = 0;
    for (size_t i = 0; i < SUSPECTS; i++) {
        struct suspect *s = &w->suspects[i];
        if (s->n == 0 || s->piece != w->now.piece || !same_position(s, &w->now))
            continue;
        uint32_t like = likeness(s, &w->now);
        if (like * 2 >= w->now.n && like > most) {
            best = s;
            most = like;
        }
    }
    return best;
}

/* Whom the block at hand pushes out: one of its position where there are enough; else any. */
static struct suspect *oldest_suspect(struct volatile_watch *w)
{
    struct suspect *any = &w->suspects[0], *same = NULL;
    unsigned n = 0;
    for (size_t i = 0; i < SUSPECTS; i++) {
        struct suspect *s = &w->suspects[i];
        if (s->used < any->used)
            any = s;
        if (s->used == 0 || !same_position(s, &w->now))
            continue;
        n++;
        if (!same || s->used < same->used)
            same = s;
    }
    return n >= SUSPECTS_EACH ? same : any;
}

static void suspect(struct volatile_watch *w, struct suspect *instead)
{
    struct suspect *s = instead ? instead : oldest_suspect(w);
    w->now.used = w->notes;
    *s = w->now;
}

/* Where the block at hand first differs from the other, to where it does no more. False: not in the
 * pieces that are known. */
static bool region(const struct volatile_watch *w, const struct suspect *other, size_t *from,
                   size_t *to)
{
    const struct suspect *now = &w->now;
    uint32_t n = least(now->n, other->n), i = same_run(now->front, other->front, n);
    if (i == n && now->n == PIECES)
        return false;
    uint32_t behind = least(same_run(now->back, other->back, n), n - i);
    size_t end = now->len - (size_t)behind * now->piece;
    *from = (size_t)i * now->piece;
    for (i++; now->len == other->len && i < n; i++)
        if (now->front[i] == other->front[i]) {
            end = (size_t)i * now->piece;
            break;
        }
    *to = end > *from ? end : *from + 1;
    if (*to > *from + REGION_MOST)
        *to = *from + REGION_MOST;
    return true;
}

/* --- places */

static struct place *place_at(struct volatile_watch *w, struct position at)
{
    struct place *oldest = &w->places[0];
    for (size_t i = 0; i < VOLATILE_PLACES; i++) {
        struct place *p = &w->places[i];
        if (p->seen.changes && p->seen.section == at.section && p->seen.message == at.message &&
            p->seen.index == at.index)
            return p;
        if (p->seen.last_s < oldest->seen.last_s)
            oldest = p;
    }
    *oldest = (struct place){.seen = {.section = (enum ask_section)at.section,
                                      .message = at.message,
                                      .index = at.index}};
    return oldest;
}

/* What is behind the byte `offset` of block d, in it and in the next `behind` ones. */
static uint64_t tokens_behind(const struct ask *a, uint32_t d, uint32_t behind, size_t offset)
{
    const struct ask_block *b = &a->blocks[d];
    uint64_t sum = b->len ? (uint64_t)b->tokens * (b->len - offset) / b->len : 0;
    for (uint32_t i = d + 1; i <= d + behind; i++)
        sum += a->blocks[i].tokens;
    return sum;
}

static uint64_t tokens_upto(const struct ask *a, uint32_t end)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < end; i++)
        sum += a->blocks[i].tokens;
    return sum;
}

struct change {
    uint32_t block, behind; /* and so many behind it are as they were */
    uint32_t upto;          /* had this one been known, too, nothing would have changed */
    struct position position;
    enum volatile_kind kind;
    size_t offset;
};

static void note_change(struct volatile_watch *w, const struct ask *a, const struct change *c,
                        uint32_t least_tokens, int64_t now_s)
{
    uint64_t tokens = tokens_behind(a, c->block, c->behind, c->offset);
    if (tokens < TOKENS_WORTH || tokens_upto(a, c->block + c->behind + 1) < least_tokens)
        return;
    struct place *p = place_at(w, c->position);
    if (p->seen.changes++ == 0)
        p->seen.first_s = now_s;
    p->seen.kind = c->kind;
    p->seen.offset = (uint32_t)c->offset;
    p->seen.last_s = now_s;
    p->seen.tokens += tokens;
    p->block = c->upto;
    p->quiet = 0;
}

static void note_repeats(struct volatile_watch *w, size_t known)
{
    for (size_t i = 0; i < VOLATILE_PLACES; i++) {
        struct place *p = &w->places[i];
        if (p->seen.changes == 0 || p->block >= known)
            continue;
        p->seen.repeats++;
        if (++p->quiet >= QUIET)
            *p = (struct place){0};
    }
}

/* The prompt parts from what is known at c->block. False: there it is a new prompt, not a version
 * of one before. */
static bool compare(struct volatile_watch *w, const struct ask *a, struct change *c)
{
    const struct ask_block *b = &a->blocks[c->block];
    struct str text = str_sub(a->parts.body, b->at, b->len);
    size_t from = 0, to = text.len;
    w->now.position = c->position;
    cut(w, text, &w->now);
    struct suspect *other = alike(w);
    bool near = other && region(w, other, &from, &to);
    suspect(w, other);
    if (!near && (text.len > SHORT || c->behind == 0))
        return false;
    c->kind = volatile_kind_at(text, from, to, &c->offset);
    return true;
}

/* Tools are one place: which of them is the first that differs says nothing. */
static bool find_order(const struct ask *a, const struct prompt *now, const struct prompt *before,
                       uint32_t d, size_t known, struct change *out)
{
    if (d >= now->tools || known >= now->tools || !are_reordered(now, before))
        return false;
    uint32_t from = known > d ? (uint32_t)known : d, last = now->tools - 1;
    *out = (struct change){.block = from,
                           .upto = last,
                           .behind = last - from + shared_from(now, before, last + 1),
                           .position = position_of(a, 0),
                           .kind = VOLATILE_ORDER};
    return true;
}

static bool find_piece(struct volatile_watch *w, const struct ask *a, const struct prompt *now,
                       const struct prompt *before, uint32_t d, size_t known, struct change *out)
{
    if (d < known)
        return false;
    *out = (struct change){.block = d,
                           .upto = d,
                           .behind = shared_from(now, before, d + 1),
                           .position = position_of(a, d)};
    return compare(w, a, out);
}

void volatile_note(struct volatile_watch *w, const struct ask *a, size_t known,
                   uint32_t least_tokens, int64_t now_s)
{
    struct prompt now;
    struct change c;
    read_prompt(a, now_s, &now);
    if (now.n == 0)
        return;
    w->notes++;
    struct prompt *before = nearest(w, &now);
    uint32_t d = before ? shared_from(&now, before, 0) : 0;
    note_repeats(w, known > d ? known : d);
    bool goes_on = before && (d == now.n || d == before->n);
    bool parts = before && !goes_on && now_s - before->at_s <= SOON_S;
    if (parts &&
        (find_order(a, &now, before, d, known, &c) || find_piece(w, a, &now, before, d, known, &c)))
        note_change(w, a, &c, least_tokens, now_s);
    remember(w, goes_on ? before : NULL, &now);
}

void volatile_each(const struct volatile_watch *w,
                   void (*each)(void *arg, const struct volatile_place *p), void *arg)
{
    for (size_t i = 0; i < VOLATILE_PLACES; i++) {
        const struct volatile_place *p = &w->places[i].seen;
        if (p->changes >= SURE && p->changes * ONE_IN >= p->changes + p->repeats)
            each(arg, p);
    }
}

uint64_t volatile_month(const struct volatile_place *p, int64_t now_s)
{
    static const int64_t month_s = 30 * 86400;
    int64_t past_s = now_s - p->first_s;
    if (past_s < PACE_S)
        return 0;
    return (uint64_t)((double)p->tokens * (double)month_s / (double)past_s);
}
