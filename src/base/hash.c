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
