/* SPDX-License-Identifier: Apache-2.0
 *
 * A fast 64-bit hash for tables and prefixes (XXH3, libxxhash): no secret is kept by it. The same
 * seed and bytes give the same number on every machine and in every version, so it may be stored.
 */
#ifndef WEIR_BASE_HASH_H
#define WEIR_BASE_HASH_H

#include "weir/base/str.h"

uint64_t hash64(uint64_t seed, struct str bytes);
/* The same as of the pieces joined. */
uint64_t hash64_pieces(uint64_t seed, const struct str *pieces, size_t n);

#endif
