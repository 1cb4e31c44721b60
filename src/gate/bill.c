/* SPDX-License-Identifier: Apache-2.0
 *
 * Usage and money of a record. Pure: the catalogue has the prices, the caller knows the rest.
 */
#include "bill.h"

enum {
    /* Bytes of JSON a token, for what upstream did not tell. English text has about four. */
    BYTES_A_TOKEN = 4
};

/* --- tokens */

static uint64_t tokens_of(uint64_t bytes)
{
    return (bytes + BYTES_A_TOKEN - 1) / BYTES_A_TOKEN;
}

/* What was told stays; what is open is estimated from bytes, and is not less than what was told. */
static void estimate(const struct tap_usage *t, uint64_t request_bytes, struct usage *u)
{
    uint64_t output = tokens_of(t->text_bytes);
    if (!t->has_input)
        u->tokens[TOKEN_INPUT] = tokens_of(request_bytes);
    if (u->tokens[TOKEN_OUTPUT] < output)
        u->tokens[TOKEN_OUTPUT] = output;
}

void bill_usage(const struct tap_usage *t, uint64_t request_bytes, struct record *r)
{
    r->usage = t->usage;
    if (t->unreadable)
        r->flags |= RECORD_UNREADABLE;
    if (t->told)
        return;
    r->flags |= RECORD_ESTIMATED;
    estimate(t, request_bytes, &r->usage);
}

uint64_t bill_counted(const struct usage *u)
{
    uint64_t tokens = 0;
    for (size_t i = 0; i < TOKENS; i++)
        tokens += i == TOKEN_CACHE_READ ? 0 : u->tokens[i];
    return tokens;
}

static bool used_any(const struct usage *u)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < TOKENS; i++)
        sum |= u->tokens[i];
    return sum != 0;
}

/* A write whose time was not told counts as 5 minutes; some models know only 30. */
static void place_writes(const struct catalogue *c, struct record *r)
{
    uint64_t *tokens = r->usage.tokens;
    if (!tokens[TOKEN_CACHE_WRITE_5M])
        return;
    const struct catalogue_model *m = catalogue_find(c, r->model);
    if (!m || m->ttls != TTL_30M)
        return;
    tokens[TOKEN_CACHE_WRITE_30M] += tokens[TOKEN_CACHE_WRITE_5M];
    tokens[TOKEN_CACHE_WRITE_5M] = 0;
}

/* --- money */

/* Without its markers, as `own` says; NULL: Weir set none. */
static uint64_t cost_unmarked(const struct price *p, const struct record *r,
                              const struct saved_split *own)
{
    return own ? saved_unmarked(p, &r->usage, own) : price_cost(p, &r->usage);
}

static uint64_t cost_untouched(const struct catalogue *c, const struct record *r,
                               const struct saved_split *own)
{
    struct price p;
    if (!(r->flags & RECORD_MOVED) || catalogue_price(c, r->model, LANE_ONDEMAND, &p) == UNPRICED)
        return r->unmarked_nanousd;
    return cost_unmarked(&p, r, own);
}

void bill_price(const struct catalogue *c, struct record *r, const struct saved_split *own,
                const struct saved_split *observed)
{
    struct price p;
    if (!used_any(&r->usage))
        return;
    place_writes(c, r);
    switch (catalogue_price(c, r->model, r->lane, &p)) {
    case UNPRICED:
        r->flags |= RECORD_UNPRICED;
        return;
    case PRICED_PROVISIONAL:
        r->flags |= RECORD_PROVISIONAL;
        break;
    case PRICED:
        break;
    }
    r->cost_nanousd = price_cost(&p, &r->usage);
    r->unmarked_nanousd = cost_unmarked(&p, r, own);
    r->untouched_nanousd = cost_untouched(c, r, own);
    r->input_nanousd = saved_input(&p, &r->usage);
    r->plain_nanousd = saved_plain(&p, &r->usage);
    if (!observed)
        return;
    r->flags |= RECORD_OBSERVED;
    r->observed_nanousd = saved_marked(&p, &r->usage, observed);
}

/* A batch caches nothing. */
void bill_observe(const struct catalogue *c, struct record *r, enum lane lane)
{
    struct price p;
    struct usage u = r->usage;
    if (r->flags & RECORD_UNPRICED || !used_any(&u) ||
        catalogue_price(c, r->model, lane, &p) == UNPRICED)
        return;
    for (size_t i = TOKEN_CACHE_READ; lane == LANE_BATCH && i < TOKENS; i++) {
        u.tokens[TOKEN_INPUT] += u.tokens[i];
        u.tokens[i] = 0;
    }
    r->flags |= RECORD_OBSERVED;
    r->observed_nanousd = price_cost(&p, &u);
}
