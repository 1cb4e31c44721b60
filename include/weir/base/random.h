/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place that makes random bytes. Tests seed it and get the same bytes again.
 */
#ifndef WEIR_BASE_RANDOM_H
#define WEIR_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *out, size_t n);
uint64_t random_u64(void);
/* Even in 0 .. bound-1. */
uint64_t random_below(uint64_t bound);

/* For tests: repeatable bytes in this thread from now on; 0 ends it. */
void random_seed(uint64_t seed);

#endif
