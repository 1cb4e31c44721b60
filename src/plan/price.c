/* SPDX-License-Identifier: Apache-2.0
 *
 * What tokens cost. Products are taken in 128 bits: a million million tokens at a thousand dollars
 * a million do not fit into 64.
 */
#include "weir/plan/price.h"

#include "weir/base/buf.h"

enum { MILLION = 1000000 };
static const uint64_t nano = 1000000000;

__extension__ typedef unsigned __int128 wide;

static uint64_t narrow(wide n)
{
    return n > UINT64_MAX ? UINT64_MAX : (uint64_t)n;
}

/* What fits into 64 bits, which is every price that there is, is spared the long division. */
static uint64_t scaled(uint64_t n, uint32_t parts)
{
    uint64_t product;
    if (!__builtin_mul_overflow(n, (uint64_t)parts, &product) &&
        !__builtin_add_overflow(product, (uint64_t)PRICE_ONE / 2, &product))
        return product / PRICE_ONE;
    return narrow(((wide)n * parts + PRICE_ONE / 2) / PRICE_ONE);
}

void price_scale(struct price *p, uint32_t parts)
{
    for (size_t i = 0; i < TOKENS; i++)
        p->nanousd_per_mtok[i] = scaled(p->nanousd_per_mtok[i], parts);
}

uint64_t price_cost(const struct price *p, const struct usage *u)
{
    wide sum = 0;
    for (size_t i = 0; i < TOKENS; i++)
        sum += (wide)u->tokens[i] * p->nanousd_per_mtok[i];
    return narrow((sum + MILLION / 2) / MILLION);
}

void price_add_usd(struct buf *b, int64_t nanousd)
{
    uint64_t n = nanousd < 0 ? 0 - (uint64_t)nanousd : (uint64_t)nanousd;
    buf_addf(b, "%s%llu.%09llu", nanousd < 0 ? "-" : "", (unsigned long long)(n / nano),
             (unsigned long long)(n % nano));
}

bool price_read_usd(struct str text, uint64_t *out_nanousd)
{
    uint64_t whole = 0, part = 0, unit = nano;
    size_t i = 0, digits = 0;
    for (; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++, digits++) {
        whole = whole * 10 + (uint64_t)(text.ptr[i] - '0');
        if (whole > MILLION)
            return false;
    }
    if (digits == 0)
        return false;
    if (i < text.len && text.ptr[i] == '.') {
        for (i++, digits = 0; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++) {
            if (++digits > 9)
                return false;
            unit /= 10;
            part += unit * (uint64_t)(text.ptr[i] - '0');
        }
        if (digits == 0)
            return false;
    }
    if (i < text.len)
        return false;
    *out_nanousd = whole * nano + part;
    return true;
}
