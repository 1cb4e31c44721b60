/* SPDX-License-Identifier: Apache-2.0
 *
 * How far to cache, and for how long. A prompt is cut at the few boundaries that prompts come back
 * to: where they part, where what is known ends, where the prompt ends. Each piece between two of
 * them has its chances, so each has what it gains from being cached; the depth with the greatest
 * sum behind what is cached already is marked.
 *
 *     |== cached ==|-- seen: gains --|-- new: gains or not --|
 *     0         to be read        deepest known          the prompt's end
 *
 * The other markers cost nothing: one reads what is cached, some stand where prompts part, so that
 * those that go another way find something.
 */
#include "cache_draft.h"
#include "cache_learn.h"
#include "cache_traits.h"
#include "cache_value.h"

#include <math.h>
#include <string.h>

enum {
    SEEN_MOST = 4,
    OPTIONS_MOST = SEEN_MOST + 2,
    PARTING = 2 /* tails that hang at one place */
};

static const float tail_weight_most = 3, tail_weight_least = 0.3F, tail_weight_tokens = 4096;
static const float ends_kept = 0.98F, ends_nearly_all = 0.8F;

struct option {
    size_t end;
    enum label_of of;
    enum cache_reason reason;
    unsigned label;
    struct chance chance;
    struct value value;
};

/* Up to `hour` for an hour, from there to `cheap` for less; either may be NULL. */
struct choice {
    const struct option *hour, *cheap;
    float gain, cost;
};

struct scout {
    struct cache_learner *l;
    const struct cache_terms *terms;
    struct draft draft;
    struct cache_plan *out;
    uint32_t now;
    bool dry;
    size_t known, full;  /* ends: of what came before; the last that may be marked */
    size_t cached, hour; /* what is believed to be cached, and for an hour */
    size_t own, kept;    /* the last of the client's markers; of those that keep their TTL */
    size_t branch;       /* where prompts part, before `known` */
    struct option options[OPTIONS_MOST]; /* in the order of ends */
    size_t n;
};

struct str cache_reason_word(enum cache_reason r)
{
    static const struct str words[] = {
        [CACHE_OWN] = STR("own"),       [CACHE_RETIMED] = STR("retimed"),
        [CACHE_TAIL] = STR("tail"),     [CACHE_SEEN] = STR("seen"),
        [CACHE_BRANCH] = STR("branch"), [CACHE_READ] = STR("read"),
        [CACHE_FORCED] = STR("forced"),
    };
    return words[r];
}

static const struct prefix *was_at(const struct scout *s, size_t end)
{
    return end ? &s->draft.sites[end - 1].was : NULL;
}

/* The note of a block, or a new one; more than there is room for go to one that nobody reads. */
static struct cache_note *note_at(struct scout *s, size_t end)
{
    static const struct cache_note none;
    struct cache_plan *out = s->out;
    for (size_t i = 0; i < out->n_notes; i++)
        if (out->notes[i].block == end - 1)
            return &out->notes[i];
    struct cache_note *note = &out->notes[out->n_notes];
    out->n_notes += out->n_notes + 1 < CACHE_NOTES_MOST;
    *note = none;
    note->block = (uint32_t)end - 1;
    return note;
}

/* --- what came back */

static void hear(struct scout *s)
{
    for (size_t end = 1; end <= s->known; end++) {
        const struct prefix *was = was_at(s, end);
        if (was->asked)
            learn_met(s->l, s->terms, was->label, s->draft.sites[end - 1].key, was->asked, s->now);
        if (was->parent && was->parent < end)
            note_at(s, was->parent)->came++;
        if (was->parent && was->branch && was->branch < was->parent)
            note_at(s, was->branch)->came++;
    }
}

/* How far from its prompt's end a tail is met again, the first time. */
static void hear_end(struct scout *s)
{
    const struct prefix *was = was_at(s, s->known);
    if (!was || was->count != 1)
        return;
    for (size_t k = 0; k < ENDS_MOST; k++)
        s->l->ends[k] *= ends_kept;
    if (was->behind < ENDS_MOST)
        s->l->ends[was->behind] += 1;
}

/* --- the boundaries */

static size_t open_before(const struct scout *s, size_t end, size_t least)
{
    while (end > least && !draft_open(&s->draft, end))
        end--;
    return end > least ? end : 0;
}

/* What is known up to somewhere is known before that, though the index may have lost some of it. */
static void survey(struct scout *s)
{
    const struct draft *d = &s->draft;
    s->known = d->n_sites;
    while (s->known > 0 && !d->sites[s->known - 1].known)
        s->known--;
    s->full = open_before(s, d->n_sites, 0);
    s->cached = draft_cached(d, ASK_5M, s->known);
    s->hour = s->cached ? draft_cached(d, ASK_1H, s->known) : 0;
    for (size_t i = 0; i < d->n; i++) {
        s->own = d->marks[i].block + 1;
        if (!d->terms->retime || d->marks[i].ttl == ASK_1H)
            s->kept = s->own;
    }
}

static void ask(struct scout *s, struct option *o, uint64_t traits, float weight)
{
    if (!s->dry)
        o->label = learn_ask(s->l, s->draft.sites[o->end - 1].key, traits, o->of, weight, s->now);
    if (o->label) {
        struct cache_note *note = note_at(s, o->end);
        note->asked = true;
        note->label = (uint16_t)o->label;
    }
    struct chance c = chance_of(&s->l->weights, traits);
    struct value v = value_of(s->terms, c, learn_behind(s->l, o->of, c));
    bool soon = v.cheap > 0, later = v.hour > v.cheap;
    learn_trust(s->l, o->label, soon, later);
    o->chance = learn_trusted(s->l, c, soon, later);
    o->value = value_of(s->terms, o->chance, learn_behind(s->l, o->of, o->chance));
}

/* The deepest end that came before, and before it those where prompts part; deepest first. */
static size_t find_seen(const struct scout *s, size_t *ends)
{
    size_t n = 0;
    for (size_t end = s->known; end > 0 && n < SEEN_MOST; end--)
        if ((n == 0 || was_at(s, end)->hung >= PARTING) && draft_open(&s->draft, end))
            ends[n++] = end;
    return n;
}

static void ask_seen(struct scout *s)
{
    size_t ends[SEEN_MOST], n = find_seen(s, ends);
    for (size_t i = n; i-- > 0;) {
        const struct prefix *was = was_at(s, ends[i]);
        unsigned deeper = i ? was_at(s, ends[i - 1])->count : 0;
        uint64_t traits = traits_seen(was, s->now, ends[i] == s->full, ends[i] == s->known, deeper,
                                      draft_tokens(&s->draft, ends[i]));
        struct option *o = &s->options[s->n++];
        *o = (struct option){
            .end = ends[i], .of = LABEL_SEEN, .reason = i ? CACHE_BRANCH : CACHE_SEEN};
        ask(s, o, traits, 1);
        if (!s->dry && ends[i] == s->known && was->count == 1)
            learn_second(s->l, o->chance);
    }
    s->branch = n > 1 ? ends[1] : 0;
}

/* --- the tail */

/* Where nearly all tails are met again, if that is before the end of the prompt. */
static size_t usual_end(const struct scout *s, unsigned *out_before)
{
    float all = 0, here = s->l->ends[0];
    size_t k = 0;
    for (size_t i = 0; i < ENDS_MOST; i++)
        all += s->l->ends[i];
    while (k + 1 < ENDS_MOST && here < ends_nearly_all * all)
        here += s->l->ends[++k];
    *out_before = (unsigned)k;
    size_t end = s->draft.n_sites > k ? s->draft.n_sites - k : 0;
    return k && end > s->known && end < s->full && draft_open(&s->draft, end) ? end : 0;
}

static void ask_tail(struct scout *s, struct traits_tail *tail, size_t end, unsigned before_end)
{
    float tokens = (float)(tail->tokens - tail->known);
    float weight = fminf(tail_weight_most, tokens / tail_weight_tokens + tail_weight_least);
    struct option *o = &s->options[s->n++];
    *o = (struct option){
        .end = end, .of = tail->turn ? LABEL_NEXT : LABEL_FIRST, .reason = CACHE_TAIL};
    tail->before_end = before_end;
    ask(s, o, traits_tail(tail, s->now), weight);
}

static float line_gap(const struct scout *s, const struct traits_tail *tail)
{
    if (!tail->turn)
        return 0;
    float gap = (float)(s->now - tail->parent->last) * (PREFIX_TICK_MS / 1000.0F);
    return tail->line_gap > 0 ? (tail->line_gap + gap) / 2 : fmaxf(gap, 0.1F);
}

/* What hangs where, and how many turns its line has. */
static void note_tail(struct scout *s, const struct traits_tail *tail, size_t end)
{
    struct cache_note *note = note_at(s, end);
    note->end = true;
    note->turn = (uint16_t)tail->turn;
    note->line_gap = line_gap(s, tail);
    if (end != s->full || !s->known || s->known > UINT16_MAX)
        return;
    note->parent = (uint16_t)s->known;
    note->branch = (uint16_t)s->branch;
    note_at(s, s->known)->hung = 1;
    if (s->branch)
        note_at(s, s->branch)->hung = 1;
}

static void ask_new(struct scout *s, uint64_t workload)
{
    const struct prefix *parent = was_at(s, s->known);
    bool line = parent && parent->hung < PARTING;
    struct traits_tail tail = {.parent = parent,
                               .branch = was_at(s, s->branch),
                               .tokens = draft_tokens(&s->draft, s->full),
                               .known = draft_tokens(&s->draft, s->known),
                               .workload = (unsigned)workload,
                               .turn = line ? parent->turn + 1U : 0,
                               .line_gap = line ? parent->line_gap : 0};
    if (!s->dry && !tail.turn)
        ledger_first(s->l);
    unsigned before_end;
    size_t usual = usual_end(s, &before_end);
    if (usual) {
        ask_tail(s, &tail, usual, before_end);
        note_tail(s, &tail, usual);
    }
    ask_tail(s, &tail, s->full, 0);
    note_tail(s, &tail, s->full);
}

/* --- the choice */

static size_t later_of(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Tokens between two ends, none when they stand the other way round. */
static float between(const struct scout *s, size_t from, size_t to)
{
    return to > from ? (float)(draft_tokens(&s->draft, to) - draft_tokens(&s->draft, from)) : 0;
}

static bool may_be(const struct scout *s, enum ask_ttl ttl)
{
    enum cache_ttl wish = s->terms->ttl;
    if (ttl == ASK_1H && s->own && !s->terms->retime)
        for (size_t i = 0; i < s->draft.n; i++)
            if (s->draft.marks[i].ttl != ASK_1H)
                return false;
    bool wanted = ttl == ASK_1H ? wish != CACHE_TTL_5M : wish != CACHE_TTL_1H;
    return wanted && cache_price_offered(s->terms, ttl);
}

static const struct option *deepest(const struct choice *c)
{
    return c->cheap ? c->cheap : c->hour;
}

/* What the client's own markers write between two ends, and one for an hour would instead. */
static float turned(const struct scout *s, size_t from, size_t to)
{
    return between(s, later_of(from, later_of(s->cached, s->kept)), to < s->own ? to : s->own);
}

/* What is paid beyond plain input, and beyond what is paid anyway. */
static float cost_of(const struct scout *s, const struct choice *c)
{
    const struct cache_terms *t = s->terms;
    size_t paid = later_of(s->cached, s->own), lasts = later_of(s->hour, s->kept);
    size_t hour = c->hour ? c->hour->end : 0;
    float cost =
        c->cheap ? between(s, later_of(paid, hour), c->cheap->end) * value_surcharge(t) : 0;
    cost += between(s, paid, hour) * (t->write_1h - 1);
    cost += turned(s, 0, hour) * (t->write_1h - 1 - value_surcharge(t));
    if (!t->renews)
        cost += between(s, lasts, hour < s->cached ? hour : s->cached) * (t->write_1h - t->read);
    return cost;
}

/* The sums of gains up to each of the first n options, by TTL. */
struct sums {
    float cheap[OPTIONS_MOST], hour[OPTIONS_MOST];
};

static struct sums sums_of(const struct scout *s, size_t n)
{
    struct sums sums = {0};
    float cheap = 0, hour = 0;
    size_t at = 0, paid = later_of(s->cached, s->own), lasts = later_of(s->hour, s->kept);
    for (size_t i = 0; i < n; at = s->options[i++].end) {
        const struct option *o = &s->options[i];
        float fresh = between(s, later_of(at, paid), o->end);
        float again = between(s, later_of(at, lasts), o->end < s->cached ? o->end : s->cached);
        sums.cheap[i] = cheap += fresh * o->value.cheap;
        sums.hour[i] = hour += fresh * o->value.hour + again * o->value.longer +
                               turned(s, at, o->end) * (o->value.hour - o->value.cheap);
    }
    return sums;
}

/* Of the first n options. */
static struct choice choose(const struct scout *s, size_t n)
{
    struct choice best = {0};
    struct sums sums = sums_of(s, n);
    size_t paid = later_of(s->cached, s->own), lasts = later_of(s->hour, s->kept);
    bool cheap = may_be(s, value_cheap(s->terms)), hour = may_be(s, ASK_1H);
    for (size_t i = 0; i <= n; i++) {
        const struct option *h = i ? &s->options[i - 1] : NULL;
        float base = i ? sums.hour[i - 1] : 0, below = i ? sums.cheap[i - 1] : 0;
        if (h && (!hour || h->end <= lasts))
            continue;
        if (h && base > best.gain)
            best = (struct choice){.hour = h, .gain = base};
        for (size_t j = i; cheap && j < n; j++)
            if (s->options[j].end > paid && base + sums.cheap[j] - below > best.gain)
                best = (struct choice){
                    .hour = h, .cheap = &s->options[j], .gain = base + sums.cheap[j] - below};
    }
    best.cost = cost_of(s, &best);
    return best;
}

/* Mode `always`: the end of the prompt, for as long as is asked. */
static struct choice forced(const struct scout *s)
{
    struct choice c = choose(s, s->n);
    const struct option *o = s->n ? &s->options[s->n - 1] : NULL;
    if (!o || o->end <= later_of(s->cached, s->own) || deepest(&c) == o)
        return c;
    if (may_be(s, value_cheap(s->terms)))
        c.cheap = o;
    else
        c.hour = o;
    c.cost = cost_of(s, &c);
    return c;
}

/* First prompts may be doubted while what is known of them is not. */
static size_t without_first(const struct scout *s)
{
    size_t n = s->n;
    while (n > 0 && s->options[n - 1].of == LABEL_FIRST)
        n--;
    return n;
}

/* Every mark that is expected to pay is counted, whether or not there is one. */
static void count_due(struct scout *s)
{
    size_t at = 0;
    bool first = true;
    for (size_t i = 0; i < s->n; at = s->options[i++].end) {
        const struct option *o = &s->options[i];
        if (o->value.cheap <= 0)
            continue;
        ledger_due(s->l, s->terms, o->label, first ? o->of : LABEL_SEEN, between(s, at, o->end));
        first = first && o->of != LABEL_FIRST;
    }
}

/* --- the markers */

static enum ask_ttl ttl_at(const struct scout *s, size_t end, enum ask_ttl otherwise)
{
    const struct prefix *was = was_at(s, end);
    return was->cached_until > s->now ? (enum ask_ttl)was->ttl : otherwise;
}

/* Has what is cached at this end read, by a marker at it or the next place where one may stand. */
static void add_reader(struct scout *s, size_t end)
{
    if (!end || draft_finds(&s->draft, end))
        return;
    size_t last = end + ASK_LOOK_BACK;
    for (size_t i = end; i <= last && i <= s->draft.n_sites; i++)
        if (draft_open(&s->draft, i)) {
            draft_add(&s->draft, i, ttl_at(s, end, value_cheap(s->terms)), CACHE_READ);
            return;
        }
}

/* Where prompts part, and where tails are usually met again, before the last marker. */
static void add_branches(struct scout *s, enum ask_ttl ttl)
{
    size_t n = s->draft.n;
    if (!n)
        return;
    size_t top = s->draft.marks[n - 1].block + 1;
    for (size_t i = s->n; i-- > 0;) {
        const struct option *o = &s->options[i];
        if (o->end >= top)
            continue;
        enum ask_ttl at = o->end <= s->hour ? ASK_1H : o->end <= s->cached ? ASK_5M : ttl;
        draft_add(&s->draft, o->end, at, o->of == LABEL_SEEN ? CACHE_BRANCH : CACHE_TAIL);
    }
}

static void retime(struct scout *s, const struct choice *c)
{
    for (size_t i = 0; i < s->draft.n; i++) {
        struct cache_mark *m = &s->draft.marks[i];
        enum ask_ttl ttl = c->hour && m->block < c->hour->end ? ASK_1H : value_cheap(s->terms);
        if (m->reason != CACHE_OWN || m->ttl == ttl || m->block >= deepest(c)->end)
            continue;
        m->reason = CACHE_RETIMED;
        m->ttl = ttl;
    }
}

static void add(struct scout *s, const struct option *o, enum ask_ttl ttl)
{
    if (!o)
        return;
    bool always = s->terms->mode == CACHE_ALWAYS && o->of != LABEL_SEEN;
    draft_add(&s->draft, o->end, ttl, always ? CACHE_FORCED : o->reason);
}

static void place(struct scout *s, const struct choice *c)
{
    enum ask_ttl cheap = value_cheap(s->terms);
    if (s->terms->retime && deepest(c))
        retime(s, c);
    add(s, c->cheap, cheap);
    add(s, c->hour, ASK_1H);
    add_reader(s, s->hour);
    if (!c->hour || s->terms->renews || c->hour->end < s->cached)
        add_reader(s, s->cached);
    add_branches(s, c->hour && !c->cheap ? ASK_1H : cheap);
    if (s->cached)
        draft_add(&s->draft, s->cached, ttl_at(s, s->cached, cheap), CACHE_READ);
    draft_order(&s->draft);
}

/* --- the plan */

/* Is what would be read there only because a marker for an hour prolonged it? */
static bool unsure(const struct scout *s, size_t end)
{
    const struct prefix *was = was_at(s, end);
    return was && was->cached_until > s->now && was->sure_until != was->cached_until;
}

static void tell_renewals(struct scout *s)
{
    struct cache_plan *out = s->out;
    size_t sure = s->known;
    while (sure > 0 && was_at(s, sure)->sure_until <= s->now)
        sure--;
    uint32_t tokens = draft_tokens(&s->draft, sure);
    out->expect_renewed = out->expect_read > tokens ? out->expect_read - tokens : 0;
    bool less = s->hour < s->cached;
    for (size_t i = 0; i < out->n; i++)
        out->marks[i].renews = out->marks[i].ttl == ASK_1H &&
                               (less ? out->marks[i].block >= s->hour : unsure(s, s->cached));
}

static void tell_marks(const struct scout *s, const struct choice *c)
{
    struct cache_plan *out = s->out;
    out->n = s->draft.n;
    memcpy(out->marks, s->draft.marks, sizeof out->marks);
    for (size_t i = 0; i < out->n; i++)
        for (size_t j = 0; j < s->n; j++)
            if (s->options[j].end == out->marks[i].block + 1) {
                out->marks[i].p_5m = s->options[j].chance.soon;
                out->marks[i].p_1h = value_hour(s->options[j].chance);
                out->marks[i].gain = deepest(c) == &s->options[j] ? c->gain : 0;
            }
}

static void tell_bill(struct scout *s, const struct draft *own)
{
    struct cache_plan *out = s->out;
    struct draft_bill with = draft_bill(&s->draft), without = draft_bill(own);
    out->expect_read = with.read;
    out->expect_write_5m = with.write[ASK_5M];
    out->expect_write_30m = with.write[ASK_30M];
    out->expect_write_1h = with.write[ASK_1H];
    out->own_read = without.read;
    out->own_write_5m = without.write[ASK_5M];
    out->own_write_30m = without.write[ASK_30M];
    out->own_write_1h = without.write[ASK_1H];
}

static const char *refused(const struct scout *s, const struct choice *c)
{
    const struct option *o = deepest(c);
    return o && s->terms->mode != CACHE_ALWAYS ? ledger_refuses(s->l, s->terms, o->of, c->cost)
                                               : NULL;
}

static struct choice decide(struct scout *s)
{
    struct choice c = s->terms->mode == CACHE_ALWAYS ? forced(s) : choose(s, s->n);
    const char *why = refused(s, &c);
    if (why && deepest(&c)->of == LABEL_FIRST) {
        c = choose(s, without_first(s));
        why = refused(s, &c) ? refused(s, &c) : why;
    }
    if (refused(s, &c))
        c = (struct choice){0};
    if (!s->full)
        why = "too short, or no marker may stand there";
    else if (!why && !deepest(&c) && s->cached < s->full)
        why = "nothing like the rest came back often enough";
    s->out->held = why;
    s->out->gain = c.gain;
    return c;
}

static void pay(struct scout *s, const struct choice *c)
{
    const struct option *o = deepest(c);
    if (!o)
        return;
    float due = between(s, s->known, o->end) * value_surcharge(s->terms);
    ledger_pay(s->l, o->label, o->of, c->cost, fmaxf(0, c->cost - due));
}

void cache_plan(struct cache_learner *l, const struct cache_terms *terms,
                const struct cache_site *sites, size_t n, uint64_t workload, uint32_t now, bool dry,
                struct cache_plan *out)
{
    struct scout s = {.l = l, .terms = terms, .out = out, .now = now, .dry = dry};
    *out = (struct cache_plan){0};
    draft_begin(&s.draft, terms, sites, n, now);
    const struct draft own = s.draft;
    survey(&s);
    if (!dry) {
        learn_pass(l, terms, now);
        ledger_pass(l, terms, draft_tokens(&s.draft, n), now);
        hear(&s);
        hear_end(&s);
    }
    ask_seen(&s);
    if (s.full > s.known)
        ask_new(&s, workload);
    struct choice c = decide(&s);
    place(&s, &c);
    tell_marks(&s, &c);
    tell_bill(&s, &own);
    tell_renewals(&s);
    if (dry)
        return;
    count_due(&s);
    ledger_read(l, terms, (float)(terms->withheld ? out->own_read : out->expect_read));
    if (!terms->withheld)
        pay(&s, &c);
}
