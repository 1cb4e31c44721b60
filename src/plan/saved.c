/* SPDX-License-Identifier: Apache-2.0
 *
 * One list of tokens becomes another of as many, and price_cost says what it costs.
 *
 *     reported   input | read                   | written      | output
 *     unmarked   input                 | written by own | read | output
 *     marked     input | written | read                        | output
 *
 * With more markers a request reads at least what it would have read with fewer, so that the
 * client's own cannot have read more than all of them did. They may have written more: what a
 * marker of Weir's let it read.
 */
#include "weir/plan/saved.h"

__extension__ typedef unsigned __int128 wide;

static uint64_t input_of(const struct usage *u)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < TOKENS; i++)
        sum += i == TOKEN_OUTPUT ? 0 : u->tokens[i];
    return sum;
}

/* Of `left` tokens so many as `part` is of `whole`; they are left no more. */
static uint64_t take(uint64_t part, uint64_t whole, uint64_t all, uint64_t most, uint64_t *left)
{
    uint64_t n = whole ? (uint64_t)(((wide)part * all + whole / 2) / whole) : 0;
    if (n > most)
        n = most;
    if (n > *left)
        n = *left;
    *left -= n;
    return n;
}

/* The estimate of the whole is no less than that of its parts. */
static uint64_t whole_of(const struct saved_split *s)
{
    uint64_t parts = s->read + s->write_5m + s->write_30m + s->write_1h;
    return s->prompt > parts ? s->prompt : parts;
}

/* `least` and `most`: of what is read. */
static uint64_t cost_of(const struct price *p, const struct usage *u, const struct saved_split *s,
                        uint64_t least, uint64_t most)
{
    uint64_t all = input_of(u), left = all, whole = whole_of(s);
    struct usage other = {{[TOKEN_OUTPUT] = u->tokens[TOKEN_OUTPUT]}};
    uint64_t read = take(s->read, whole, all, most, &left);
    if (read < least)
        read = least;
    left = all - read;
    other.tokens[TOKEN_CACHE_READ] = read;
    other.tokens[TOKEN_CACHE_WRITE_1H] = take(s->write_1h, whole, all, all, &left);
    other.tokens[TOKEN_CACHE_WRITE_30M] = take(s->write_30m, whole, all, all, &left);
    other.tokens[TOKEN_CACHE_WRITE_5M] = take(s->write_5m, whole, all, all, &left);
    other.tokens[TOKEN_INPUT] = left;
    return price_cost(p, &other);
}

uint64_t saved_unmarked(const struct price *p, const struct usage *u, const struct saved_split *own)
{
    return cost_of(p, u, own, 0, u->tokens[TOKEN_CACHE_READ]);
}

uint64_t saved_marked(const struct price *p, const struct usage *u, const struct saved_split *split)
{
    return cost_of(p, u, split, u->tokens[TOKEN_CACHE_READ], UINT64_MAX);
}

uint64_t saved_input(const struct price *p, const struct usage *u)
{
    struct usage input = *u;
    input.tokens[TOKEN_OUTPUT] = 0;
    return price_cost(p, &input);
}

uint64_t saved_plain(const struct price *p, const struct usage *u)
{
    return price_cost(p, &(struct usage){{[TOKEN_INPUT] = input_of(u)}});
}
