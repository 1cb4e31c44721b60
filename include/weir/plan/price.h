/* SPDX-License-Identifier: Apache-2.0
 *
 * Money in whole nano-dollars. A price is nano-dollars per million tokens, so that $0.00875 a
 * million is a whole number and every sum is exact; the one rounding (half up) is at the end of a
 * request.
 */
#ifndef WEIR_PLAN_PRICE_H
#define WEIR_PLAN_PRICE_H

#include "weir/plan/usage.h"

struct price {
    uint64_t nanousd_per_mtok[TOKENS];
};

/* One in PRICE_ONE parts: 1100000 is 1.1 times. */
enum { PRICE_ONE = 1000000 };

/* Every kind times parts/PRICE_ONE, rounded half up. */
void price_scale(struct price *p, uint32_t parts);
/* UINT64_MAX at most. */
uint64_t price_cost(const struct price *p, const struct usage *u);

/* "12.345678901" for a person or a JSON number: dollars with nine decimals, zeros at the end kept.
 */
struct buf;
void price_add_usd(struct buf *b, int64_t nanousd);
/* A price a million tokens as people write it: "3", "0.00875"; at most nine decimals. False for
 * anything else, and above a million dollars. */
bool price_read_usd(struct str text, uint64_t *out_nanousd);

#endif
