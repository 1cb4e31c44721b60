/* SPDX-License-Identifier: Apache-2.0
 *
 * XXH3 as its header has it: inlined, no library at run time. Chosen over others since it is kept,
 * in Debian, and reads a prompt at memory's speed (its authors: 30 GB/s; docs/BENCHMARKS.md has
 * ours).
 */
#include "weir/base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash64(uint64_t seed, struct str bytes)
{
    return XXH3_64bits_withSeed(bytes.ptr, bytes.len, seed);
}

uint64_t hash64_pieces(uint64_t seed, const struct str *pieces, size_t n)
{
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset_withSeed(&state, seed);
    for (size_t i = 0; i < n; i++)
        XXH3_64bits_update(&state, pieces[i].ptr, pieces[i].len);
    return XXH3_64bits_digest(&state);
}
