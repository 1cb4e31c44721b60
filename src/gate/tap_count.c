/* SPDX-License-Identifier: Apache-2.0
 *
 * From what was told to six kinds of tokens, each token in one.
 */
#include "tap_count.h"

static bool told(const struct tap_counts *c, enum tap_place place, enum tap_count count)
{
    return c->at[place].told >> count & 1;
}

void tap_count_set(struct tap_counts *c, enum tap_place place, enum tap_count count, uint64_t n)
{
    if (told(c, place, count) && n < c->at[place].n[count]) {
        c->contradicts = true;
        return;
    }
    c->at[place].n[count] = n;
    c->at[place].told |= 1u << count;
}

void tap_count_clear(struct tap_counts *c, enum tap_count count)
{
    c->at[PLACE_BODY].n[count] = 0;
    c->at[PLACE_BODY].told &= ~(1u << count);
}

void tap_count_add(struct tap_counts *c, enum tap_count count, uint64_t n)
{
    uint64_t sum = c->at[PLACE_BODY].n[count] + n;
    c->at[PLACE_BODY].n[count] = sum < USAGE_MOST_TOKENS ? sum : USAGE_MOST_TOKENS;
    c->at[PLACE_BODY].told |= 1u << count;
}

/* The first place's that tells it; 0 when none does. */
static uint64_t first(const struct tap_counts *c, enum tap_count count, bool *out_told)
{
    for (int place = 0; place < PLACES; place++) {
        *out_told = told(c, (enum tap_place)place, count);
        if (*out_told)
            return c->at[place].n[count];
    }
    return 0;
}

/* Any place that told another number? */
static bool differs(const struct tap_counts *c, enum tap_count count, uint64_t n)
{
    for (int place = 0; place < PLACES; place++)
        if (told(c, (enum tap_place)place, count) && c->at[place].n[count] != n)
            return true;
    return false;
}

/* Writes by TTL; what has none is of the model's default one: 30 minutes with the GPT models, who
 * tell a whole input, else 5 (Bedrock user guide, "Prompt caching", 2026). */
static uint64_t resolve_writes(const struct tap_counts *c, struct tap_usage *out)
{
    static const enum token_kind kinds[] = {TOKEN_CACHE_WRITE_5M, TOKEN_CACHE_WRITE_1H,
                                            TOKEN_CACHE_WRITE_30M};
    bool has_total;
    uint64_t total = first(c, COUNT_WRITE, &has_total), by_ttl = 0;
    for (int i = 0; i < 3; i++) {
        out->usage.tokens[kinds[i]] = c->at[PLACE_BODY].n[COUNT_WRITE_5M + i];
        by_ttl += c->at[PLACE_BODY].n[COUNT_WRITE_5M + i];
    }
    if (has_total && total < by_ttl)
        out->disagree = true;
    if (total <= by_ttl)
        return by_ttl;
    bool gpt = told(c, PLACE_BODY, COUNT_WHOLE_INPUT);
    out->usage.tokens[gpt ? TOKEN_CACHE_WRITE_30M : TOKEN_CACHE_WRITE_5M] += total - by_ttl;
    return total;
}

/* More came from the cache than went in at all: then none of it is believed, and all is plain
 * input, the dearer reading. */
static void forget_cached(struct tap_usage *out)
{
    for (int i = TOKEN_CACHE_READ; i < TOKENS; i++)
        out->usage.tokens[i] = 0;
    out->unreadable = true;
}

static void resolve_input(const struct tap_counts *c, struct tap_usage *out)
{
    bool unused;
    uint64_t *t = out->usage.tokens;
    t[TOKEN_CACHE_READ] = first(c, COUNT_READ, &unused);
    out->disagree |= differs(c, COUNT_READ, t[TOKEN_CACHE_READ]) ||
                     differs(c, COUNT_WRITE, first(c, COUNT_WRITE, &unused));
    uint64_t cached = t[TOKEN_CACHE_READ] + resolve_writes(c, out);
    t[TOKEN_INPUT] = first(c, COUNT_INPUT, &out->has_input);
    if (!told(c, PLACE_BODY, COUNT_WHOLE_INPUT))
        return;
    uint64_t whole = c->at[PLACE_BODY].n[COUNT_WHOLE_INPUT];
    out->has_input = true;
    t[TOKEN_INPUT] = cached <= whole ? whole - cached : whole;
    if (cached > whole)
        forget_cached(out);
}

void tap_count_resolve(const struct tap_counts *c, struct tap_usage *out)
{
    bool has_output;
    out->disagree = c->contradicts;
    resolve_input(c, out);
    uint64_t output = first(c, COUNT_OUTPUT, &has_output);
    out->disagree |=
        differs(c, COUNT_INPUT, out->usage.tokens[TOKEN_INPUT]) || differs(c, COUNT_OUTPUT, output);
    if (!has_output)
        output = c->at[PLACE_BODY].n[COUNT_OUTPUT_BEGUN];
    out->usage.tokens[TOKEN_OUTPUT] = output;
    out->told = out->has_input && (has_output || c->no_output);
}
